//! `keys rotate`, `keys retire`, `keys rekey`: new keys, the end of old ones, a new root key.

use std::process::ExitCode;
use std::sync::Arc;

use ledger::log::checkpoint::VerifierKey;
use ledger::vault::rotation;

use super::server::{mention_sealed, while_sealed};
use super::slot::{NewSlot, make};
use super::unseal::{STRANGE, with_writer};
use super::{Arguments, Fault, fault, say, unseal};
use crate::clock::Clock;
use crate::operations::gate::{entry, fields};
use crate::operations::rotate_keys::{self, Keep};
use crate::storage::StorageError;
use crate::storage::access_rows::are_strange;
use crate::storage::connection::AnyConnection;
use crate::storage::dialect::leave_no_trace;
use crate::storage::key_plane::{self, Unsealed};

/// Within this time a second rotation is more likely a slip than a wish.
const A_DAY_MS: i64 = 86_400_000;

/// New keys for everything below the root key; a rotation that was cut short before is brought to its end first.
pub fn rotate(arguments: &Arguments, again: bool) -> Result<ExitCode, Fault> {
    let (config, mut plane) = unseal::key_plane(arguments)?;
    let offers = unseal::offers(arguments, &key_plane::slots(&mut plane)?)?;
    let opens = offers.clone();
    let Unsealed { root, keyring, .. } = unseal::opened_with(&mut plane, &offers)?;
    let mut house = AnyConnection::open(&config.database_address(&arguments.data), false)?;
    if are_strange(&mut house, &key_plane::row_keys(&key_plane::keysets(&mut plane)?))? {
        return Err(fault(STRANGE));
    }
    let mut reopened = Ok(());
    if rotate_keys::is_replaced(&mut house, &keyring)? {
        return Err(fault(STRANGE));
    }
    let cut_short = rotate_keys::behind(&mut house, &keyring)?
        || rotate_keys::is_unended(&mut plane)?
        || rotate_keys::is_unconfirmed(&mut house, &keyring)?;
    if cut_short {
        say(
            "A rotation was cut short, or an older backup came back. This brings it to its end; run it once more for newer keys.",
        );
    } else {
        let last = rotate_keys::drawn(&mut house, &keyring)?;
        if !again && last.is_some_and(|last| Clock::system().now_ms() - last < A_DAY_MS) {
            return Err(Fault(format!(
                "the keys were drawn anew within the last day, so nothing was done: another rotation destroys the keys that backups from \
                 before that one need. Say --again if you mean it. The key that signs the log:
    {}",
                VerifierKey::of(&keyring).line()
            )));
        }
        let (begun, opened) = while_sealed(arguments, offers, || {
            with_writer(arguments, &config, |writer| {
                Ok(rotate_keys::begin(writer, &mut plane, &root, &keyring)?)
            })
        })?;
        reopened = opened;
        say(&format!("All keys are wrapped anew, epoch {}.", begun.epoch));
    }
    let Unsealed { root, keyring, .. } = unseal::opened_with(&mut plane, &opens)?;
    let keyring = Arc::new(keyring);
    let (rows, gone) = with_writer(arguments, &config, |writer| {
        let mut said = 0;
        rotate_keys::confirm(writer, &mut house, &keyring)?;
        let rows = rotate_keys::renew(writer, &keyring, |rows| {
            if rows.renewed >= said + 10_000 {
                said = rows.renewed;
                say(&format!("  {said} rows are written anew so far"));
            }
        })?;
        let gone = rotate_keys::end(writer, (&mut house, &mut plane), (&root, &keyring), Keep::OneBefore)?;
        Ok((rows, gone))
    })?;
    traces(&mut plane);
    say(&format!(
        "{} rows are written anew, {gone} old keys are destroyed.",
        rows.renewed
    ));
    if rows.edited > 0 {
        say(&format!(
            "{} rows were edited outside the program; they stay as they are and count for nothing, as before.",
            rows.edited
        ));
    }
    say("The key that signs the log. This line goes on paper to the auditors and replaces the one they have:");
    say(&format!("    {}", VerifierKey::of(&keyring).line()));
    say(
        "The keys before these check what backups of before hold; the next rotation destroys them, or `keys retire` now.",
    );
    say(
        "Key packages of before open this data no more. Now: `keys package destroyed` for the older one, then `keys package make`.",
    );
    mention_sealed(arguments);
    reopened.map(|()| ExitCode::SUCCESS)
}

/// Overwrites what the old keysets left behind; what was done is done, whether that succeeds now or later.
fn traces(plane: &mut AnyConnection) {
    if let Err(error) = leave_no_trace(plane) {
        say(&format!(
            "WARNING the keys ARE changed; but traces of the old ones are left: {error}."
        ));
    }
}

/// Destroys the older keys at once; backups from before the last rotation restore no more.
pub fn retire(arguments: &Arguments) -> Result<ExitCode, Fault> {
    let (config, mut plane) = unseal::key_plane(arguments)?;
    let (_, Unsealed { root, keyring, .. }) = unseal::opened(arguments)?;
    let mut house = AnyConnection::open(&config.database_address(&arguments.data), false)?;
    if are_strange(&mut house, &key_plane::row_keys(&key_plane::keysets(&mut plane)?))? {
        return Err(fault(STRANGE));
    }
    if rotate_keys::is_replaced(&mut house, &keyring)? {
        return Err(fault(STRANGE));
    }
    if rotate_keys::behind(&mut house, &keyring)? {
        return Err(fault(
            "rows are under older keys still: run `donghanh keys rotate` first",
        ));
    }
    let gone = with_writer(arguments, &config, |writer| {
        Ok(rotate_keys::end(
            writer,
            (&mut house, &mut plane),
            (&root, &keyring),
            Keep::None,
        )?)
    })?;
    traces(&mut plane);
    say(&format!(
        "{gone} old keys are destroyed. Make a backup now: those from before the last rotation restore no more."
    ));
    say("A running server forgets them when it is sealed and unsealed next.");
    Ok(ExitCode::SUCCESS)
}

/// A new root key, which one new slot opens; what opened the old one opens nothing from then on.
pub fn rekey(arguments: &Arguments, new: &NewSlot) -> Result<ExitCode, Fault> {
    if new.sheets.is_some() {
        return Err(fault(
            "papers that nobody has tried would be the only way in: rekey to a passphrase or a key file first, then `keys slot add custodians --sheets`, \
             try the papers, and remove the first slot",
        ));
    }
    new.check()?;
    let (config, mut plane) = unseal::key_plane(arguments)?;
    let old: Vec<String> = key_plane::slots(&mut plane)?
        .iter()
        .map(|slot| slot.id().to_owned())
        .collect();
    let (_, unsealed) = unseal::opened(arguments)?;
    let deployment = unsealed.keyring.deployment();
    let root = ledger::vault::keyring::draw_root().map_err(fault)?;
    let slot = make(arguments, new, deployment, &root)?;
    let read = key_plane::keysets(&mut plane)?;
    let changed = rotation::under(deployment, (&unsealed.root, &root), &read)
        .map_err(|_| fault("another command has just changed the keys; nothing was changed here, run this again"))?;
    let mut names = fields(slot.id(), []);
    names.extend(old);
    let entry = entry("key.rekey", "operator", slot.kind(), &names).map_err(fault)?;
    with_writer(arguments, &config, |writer| {
        let told = || {
            let written = writer.write_blocking::<(), ()>(None, move |_| Ok(((), vec![entry])));
            let kept = StorageError::Inconsistent("the log could not be written, so the keys stay as they were");
            written.map(drop).map_err(|_| kept)
        };
        Ok(key_plane::replace_keysets(
            &mut plane,
            &read,
            &changed,
            Some(&slot),
            told,
        )?)
    })?;
    say("The root key is new, and this slot is the only one: add the others again with `keys slot add`.");
    traces(&mut plane);
    say(
        "Older copies of the key plane still open with the old slots: now run `keys rotate`, make a new key package, and destroy those made before.",
    );
    Ok(ExitCode::SUCCESS)
}
