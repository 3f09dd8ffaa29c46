//! New keys for the house: drawn together with a new wrapping epoch, then every row is written anew, then the oldest keys are destroyed.
//!
//! Where it stands is in the rows themselves, so a run that was cut short is taken up by the next one. The keys before the last rotation stay, and only
//! check and open, because backups of before hold rows under them.

use std::collections::HashSet;
use std::sync::Arc;

use ledger::log::checkpoint::VerifierKey;
use ledger::log::entry::{Entry, SUCCESSION};
use ledger::vault::RootKey;
use ledger::vault::keyring::Keyring;
use ledger::vault::rotation::{retire, turn};

use super::gate::entry;
use super::password::pepper_of;
use super::staff_record::StaffRecord;
use crate::storage::StorageError;
use crate::storage::access_rows::{
    AccessRow, AccountRow, CaseRow, ConsentRow, DraftRow, ErasedRow, HoldRow, MembershipRow, OrderRow, OrganisationRow,
    ReferralRow, SessionRow, StepRow,
};
use crate::storage::connection::AnyConnection;
use crate::storage::key_plane;
use crate::storage::log_rows;
use crate::storage::writer::{Tx, Writer};

/// Rows that are written anew in one transaction: people wait for no more than these.
const STRIDE: i64 = 500;
const LOG: StorageError = StorageError::Inconsistent("the log could not be written, so the keys stay as they were");

/// One function for the rows of every table that has a MAC; `tests/storage/rotation.rs` compares the list with the schema.
macro_rules! of_every_table {
    ($function:ident) => {
        [
            $function::<AccountRow>,
            $function::<SessionRow>,
            $function::<OrganisationRow>,
            $function::<CaseRow>,
            $function::<MembershipRow>,
            $function::<StepRow>,
            $function::<ConsentRow>,
            $function::<ReferralRow>,
            $function::<DraftRow>,
            $function::<OrderRow>,
            $function::<HoldRow>,
            $function::<ErasedRow>,
        ]
    };
}

const LATER: StorageError = StorageError::Inconsistent(
    "the keys ARE new, but the log could not be written, so not everything is written anew: run `keys rotate` again",
);

/// What a rotation tells at its beginning.
pub struct Begun {
    /// The two wrapping epochs, `old-new`.
    pub epoch: String,
    /// Line of the key that signs the log from now on, for paper.
    pub vkey: String,
}

/// Says in the log, signed by the new key itself, that the key of now signs from here on: those before it count for nothing after this
/// entry. Written once for each key; a run that was cut short before is made up for.
pub fn confirm(writer: &Writer, house: &mut AnyConnection, keyring: &Keyring) -> Result<(), StorageError> {
    if is_unconfirmed(house, keyring)? {
        let note = VerifierKey::of(keyring).succession(keyring);
        let field = format!("{SUCCESSION}{}", ledger::b64u(note.as_bytes()));
        tell(writer, "key.confirm", &[field]).map_err(|_| LATER)?;
    }
    Ok(())
}

/// Whether the log names this signing key as the next one and has no word of its own yet.
pub fn is_unconfirmed(house: &mut AnyConnection, keyring: &Keyring) -> Result<bool, StorageError> {
    let line = VerifierKey::of(keyring).line();
    let entries = log_rows::of_kinds(house, &["key.rotate", "key.confirm"])?;
    let named = entries
        .iter()
        .flat_map(Entry::successions)
        .any(|note| note.contains(&line));
    let confirmed = entries
        .iter()
        .filter_map(Entry::confirmation)
        .any(|note| note.contains(&line));
    Ok(named && !confirmed)
}

/// Whether another signing key has taken the place of this one: these keys are then of an earlier time than the log.
pub fn is_replaced(house: &mut AnyConnection, keyring: &Keyring) -> Result<bool, StorageError> {
    let line = VerifierKey::of(keyring).line();
    let entries = log_rows::of_kinds(house, &["key.confirm"])?;
    let newest = entries.iter().filter_map(Entry::confirmation).next_back();
    Ok(newest.is_some_and(|note| !note.contains(&line)))
}

/// When the keys of now were drawn, UTC milliseconds; a rotation of which only the entry is left does not count.
pub fn drawn(house: &mut AnyConnection, keyring: &Keyring) -> Result<Option<i64>, StorageError> {
    let line = VerifierKey::of(keyring).line();
    let entries = log_rows::of_kinds(house, &["key.rotate"])?;
    let own = entries
        .iter()
        .rfind(|entry| entry.successions().iter().any(|note| note.contains(&line)));
    Ok(own.map(|entry| entry.t))
}

/// When the log last told of a rotation, UTC milliseconds.
pub fn last(house: &mut AnyConnection) -> Result<Option<i64>, StorageError> {
    Ok(log_rows::of_kinds(house, &["key.rotate"])?.last().map(|entry| entry.t))
}

/// Whether keys from before the last rotation but one are left, because a run was cut short at its end.
pub fn is_unended(plane: &mut AnyConnection) -> Result<bool, StorageError> {
    Ok(key_plane::row_keys(&key_plane::keysets(plane)?).len() > 2)
}

/// What became of the rows.
#[derive(Default, Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rows {
    /// Written anew.
    pub renewed: u64,
    /// Edited outside the program; they stay as they are and count for nothing, as before.
    pub edited: u64,
}

/// Draws new keys, wraps every owner key anew and writes the entry, all or nothing. No process may have the keyring open.
pub fn begin(
    writer: &Writer,
    plane: &mut AnyConnection,
    root: &RootKey,
    keyring: &Keyring,
) -> Result<Begun, StorageError> {
    let read = key_plane::keysets(plane)?;
    let turned = turn(keyring.deployment(), root, &read)?;
    let succession = format!("{SUCCESSION}{}", ledger::b64u(turned.succession.as_bytes()));
    let epoch = key_plane::turn(plane, root, keyring, (&[], Some((&read, &turned.keysets))), |epoch| {
        tell(writer, "key.rotate", &[format!("epoch-{epoch}"), succession])
    })?;
    Ok(Begun {
        epoch,
        vkey: turned.vkey,
    })
}

/// Signs every row that grants access anew, and seals the staff directory anew, beside the running server.
pub fn renew(writer: &Writer, keyring: &Arc<Keyring>, mut progress: impl FnMut(Rows)) -> Result<Rows, StorageError> {
    let mut rows = Rows::default();
    let mut table = |page: Page| {
        let mut after = Vec::new();
        loop {
            let (signer, from) = (Arc::clone(keyring), after.clone());
            let done = writer.write_blocking::<_, ()>(None, move |tx| Ok((page(tx, &signer, &from)?, vec![])));
            let ((some, last), _) = done.map_err(|_| LATER)?;
            rows.renewed += some.renewed;
            rows.edited += some.edited;
            progress(rows);
            match last {
                Some(id) => after = id,
                None => return Ok::<_, StorageError>(()),
            }
        }
    };
    // The directory first: with the record the row is signed anew as well.
    table(accounts)?;
    let pages: [Page; 12] = of_every_table!(page);
    pages.into_iter().try_for_each(table)?;
    Ok(rows)
}

/// Rows of one page, and the id of the last one; none when there are no more.
type Page = fn(&mut Tx<'_>, &Keyring, &[u8]) -> Result<(Rows, Option<Vec<u8>>), StorageError>;

fn page<R: AccessRow>(
    tx: &mut Tx<'_>,
    keyring: &Keyring,
    after: &[u8],
) -> Result<(Rows, Option<Vec<u8>>), StorageError> {
    each::<R>(tx, after, |row| match keyring.is_current(row.mac(), None) {
        true => Ok(None),
        false => row.trusted(keyring).map(|row| Some(row.signed(keyring))),
    })
}

fn accounts(tx: &mut Tx<'_>, keyring: &Keyring, after: &[u8]) -> Result<(Rows, Option<Vec<u8>>), StorageError> {
    each::<AccountRow>(tx, after, |row| {
        if keyring.is_current(&row.mac, Some(&row.directory)) {
            return Ok(None);
        }
        let mut row = row.trusted(keyring)?;
        row.directory = StaffRecord::open(keyring, &row)?.seal(keyring, &row)?;
        Ok(Some(row.signed(keyring)))
    })
}

fn each<R: AccessRow>(
    tx: &mut Tx<'_>,
    after: &[u8],
    anew: impl Fn(R) -> Result<Option<R>, StorageError>,
) -> Result<(Rows, Option<Vec<u8>>), StorageError> {
    let (mut rows, mut last) = (Rows::default(), None);
    for row in R::page(tx.connection(), after, STRIDE)? {
        last = Some(row.row_id().to_vec());
        match anew(row) {
            Ok(Some(row)) => {
                row.put(tx.connection())?;
                rows.renewed += 1;
            }
            Ok(None) => {}
            Err(StorageError::Tampered(_) | StorageError::Vault(_)) => rows.edited += 1,
            Err(error) => return Err(error),
        }
    }
    Ok((rows, last))
}

/// Which of the older keys stay, besides those of notes and passwords.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Keep {
    /// Those before the last rotation: for backups, and for forms that are open in browsers.
    OneBefore,
    /// None.
    None,
}

/// Destroys older keys, once no row is under them; gives how many.
pub fn end(
    writer: &Writer,
    (house, plane): (&mut AnyConnection, &mut AnyConnection),
    (root, keyring): (&RootKey, &Keyring),
    keep: Keep,
) -> Result<usize, StorageError> {
    let read = key_plane::keysets(plane)?;
    key_plane::are_of(&read, keyring)?;
    let notes = log_rows::note_keys(house)?;
    let (_, oldest) = keyring.web_key_ids();
    let mut passwords = HashSet::new();
    all::<AccountRow>(house, |row| {
        passwords.insert(pepper_of(&row.password_hash).unwrap_or(oldest));
        Ok(())
    })?;
    let needed = |keyset: &str, id: u32, one_before: bool| {
        let used = match keyset {
            "log-note" => notes.contains(&id),
            "web" => passwords.contains(&id),
            _ => false,
        };
        used || (one_before && keep == Keep::OneBefore)
    };
    let (fewer, gone) = retire(keyring.deployment(), root, &read, needed)?;
    if !fewer.is_empty() {
        key_plane::replace_keysets(plane, &read, &fewer, None, || {
            tell(writer, "key.retire", &[format!("keys-{gone}")])
        })?;
    }
    Ok(gone)
}

/// Names of the tables whose rows are written anew.
#[must_use]
pub fn tables() -> Vec<&'static str> {
    fn name<R: AccessRow>() -> &'static str {
        R::TABLE
    }
    of_every_table!(name)
        .into_iter()
        .map(|name: fn() -> &'static str| name())
        .collect()
}

/// A question about the rows of one table.
type Ask = fn(&mut AnyConnection, &Keyring) -> Result<bool, StorageError>;

/// Whether a row that counts is under an older key.
pub fn behind(house: &mut AnyConnection, keyring: &Keyring) -> Result<bool, StorageError> {
    fn any<R: AccessRow>(house: &mut AnyConnection, keyring: &Keyring) -> Result<bool, StorageError> {
        let mut found = false;
        all::<R>(house, |row| {
            found |= !keyring.is_current(row.mac(), None) && row.trusted(keyring).is_ok();
            Ok(())
        })?;
        Ok(found)
    }
    let tables: [Ask; 12] = of_every_table!(any);
    for table in tables {
        if table(house, keyring)? {
            return Ok(true);
        }
    }
    let mut found = false;
    all::<AccountRow>(house, |row| {
        found |= !keyring.is_current(&row.mac, Some(&row.directory)) && row.trusted(keyring).is_ok();
        Ok(())
    })?;
    Ok(found)
}

/// Every row of a table.
fn all<R: AccessRow>(
    house: &mut AnyConnection,
    mut each: impl FnMut(R) -> Result<(), StorageError>,
) -> Result<(), StorageError> {
    let mut after = Vec::new();
    loop {
        let rows = R::page(house, &after, STRIDE)?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = last.row_id().to_vec();
        rows.into_iter().try_for_each(&mut each)?;
    }
}

fn tell(writer: &Writer, kind: &str, fields: &[String]) -> Result<(), StorageError> {
    let entry = entry(kind, "operator", "", fields).map_err(|_| LOG)?;
    let written = writer.write_blocking::<(), ()>(None, move |_| Ok(((), vec![entry])));
    written.map(drop).map_err(|_| LOG)
}
