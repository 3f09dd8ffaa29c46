//! Carries out the erasure orders whose time has come: data first, with its entry, then the keys, then the word that it is done.
//!
//! Every step can be repeated: a run that was cut short is taken up by the next one.

use std::collections::HashSet;
use std::sync::Arc;

use diesel::prelude::*;
use ledger::Draft;
use ledger::vault::RootKey;
use ledger::vault::associated::Handle;
use ledger::vault::keyring::Keyring;

use super::request_order::name;
use crate::clock::random_id;
use crate::domain::order::{Kind, State};
use crate::domain::referral;
use crate::storage::access_rows::{AccessRow, CaseRow, ErasedRow, MembershipRow, OrderRow, ReferralRow};
use crate::storage::connection::AnyConnection;
use crate::storage::objects::Objects;
use crate::storage::schema::{case_file, deadline, membership, request_outcome};
use crate::storage::visible::ERASED;
use crate::storage::writer::{ActError, Tx, WriteError, Writer};
use crate::storage::{StorageError, attachments, case_rows, copy, key_plane, log_rows, orders};

/// What became of an order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The keys are destroyed.
    Erased,
    /// A case of the person is under a legal hold.
    Held,
    /// It cannot be told whose keys these are, or the data could not be changed; nothing of this person was touched.
    Stopped(String),
}

/// Why the work stopped; what was done stands, and the next run goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// A database said no.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The log could not be written.
    #[error("the log could not be written; see `donghanh check`, then run this again")]
    Log,
}

#[derive(Debug)]
enum No {
    Changed,
    Held,
    Doubt(StorageError),
}

/// Orders that are due, or that an earlier run began.
pub fn due(connection: &mut AnyConnection, keyring: &Keyring, now_ms: i64) -> Result<Vec<OrderRow>, StorageError> {
    let mut rows = orders::in_state(connection, keyring, Kind::Erasure, State::Started)?;
    let agreed = orders::in_state(connection, keyring, Kind::Erasure, State::Agreed)?;
    rows.extend(
        agreed
            .into_iter()
            .filter(|row| row.due_at.is_some_and(|due| due <= now_ms)),
    );
    Ok(rows)
}

/// Carries out these orders and gives the name of each with what became of it; one that cannot be carried out does not keep the others.
/// `again` are owners that [`returned`].
///
/// No process may have the keyring open meanwhile: its keys would be the old ones.
pub fn erase(
    writer: &Writer,
    (house, keys): (&mut AnyConnection, &mut AnyConnection),
    (root, keyring): (&RootKey, &Arc<Keyring>),
    due: Vec<OrderRow>,
    again: &[Known],
) -> Result<Vec<(String, Outcome)>, EraseError> {
    let (mut outcomes, mut started) = (Vec::new(), Vec::new());
    for order in due {
        let label = name(&order);
        let begun = match State::parse(&order.state) {
            Some(State::Started) => Ok(order),
            _ => start(writer, house, keys, keyring, order)?,
        };
        match begun {
            Ok(order) => {
                started.push(order);
                outcomes.push((label, Outcome::Erased));
            }
            Err(outcome) => outcomes.push((label, outcome)),
        }
    }
    if !again.is_empty() {
        repeat(writer, keyring, again)?;
    }
    if started.is_empty() && again.is_empty() && left(house, keys, keyring)?.is_empty() {
        return Ok(outcomes);
    }
    // With them go the keys of drafts that were saved or dropped: an older backup may hold such a draft.
    let owners = key_plane::present(keys, orders::erased(house, keyring, false)?)?;
    let epoch = key_plane::erase(keys, root, keyring, &owners, |_| Ok(()))?;
    finish(writer, keyring, started, &epoch)?;
    Ok(outcomes)
}

/// Names of the sealed files that these orders and repetitions erase; asked for before, since afterwards no row tells.
pub fn files(
    house: &mut AnyConnection,
    keyring: &Keyring,
    due: &[OrderRow],
    again: &[Known],
) -> Result<Vec<Vec<u8>>, StorageError> {
    let again: Vec<Vec<u8>> = again.iter().map(|(owner, _)| owner.clone()).collect();
    let mut names = attachments::of_owners(house, &again)?;
    for order in due {
        // One that is in doubt erases nothing.
        if let Ok((_, owners)) = of_person(house, keyring, order) {
            names.extend(attachments::of_owners(house, &owners)?);
        }
    }
    Ok(names)
}

/// Deletes those of these files that no row tells of any more; a file that is left is ciphertext without a key, and is swept later.
pub async fn delete_files(house: &mut AnyConnection, store: &Objects, names: &[Vec<u8>]) -> Result<(), StorageError> {
    for name in names {
        if let (Ok(object), false) = (name.as_slice().try_into(), attachments::exists(house, name)?) {
            store.delete(&object).await?;
        }
    }
    Ok(())
}

/// Owners that were erased and whose keys are here all the same: of an order just begun, or brought back by an older key package.
pub fn left(
    house: &mut AnyConnection,
    keys: &mut AnyConnection,
    keyring: &Keyring,
) -> Result<Vec<Vec<u8>>, StorageError> {
    let erased = orders::erased(house, keyring, true)?;
    key_plane::present(keys, erased)
}

/// The data of one order: ciphertexts, drafts and clocks go, rights end; or why not.
fn start(
    writer: &Writer,
    house: &mut AnyConnection,
    keys: &mut AnyConnection,
    keyring: &Arc<Keyring>,
    order: OrderRow,
) -> Result<Result<OrderRow, Outcome>, EraseError> {
    loop {
        let owners = match of_person(house, keyring, &order) {
            Ok((_, owners)) => owners,
            Err(doubt) => return Ok(Err(Outcome::Stopped(doubt.to_string()))),
        };
        let mut entry = Draft::new("order.start", "operator", &random_id().map_err(StorageError::from)?)
            .purpose(Kind::Erasure.name())
            .basis(&order.basis)
            .fields(&[&name(&order)]);
        // Whose keys are gone already, because only the data was put back, is known to the log all the same.
        let mut handles = key_plane::handles(keys, keyring, &owners)?;
        if handles.len() < owners.len() {
            handles.extend(copy::handles_of(house, &owners)?);
        }
        for handle in handles {
            entry = entry.about(handle);
        }
        let (signer, before) = (Arc::clone(keyring), order.clone());
        let written = writer.write_blocking::<OrderRow, No>(None, move |tx| {
            let next = empty(tx, &signer, before, &owners)?;
            Ok((next, vec![entry]))
        });
        match written {
            Ok((next, _)) => return Ok(Ok(next)),
            Err(WriteError::Refused(No::Held)) => return Ok(Err(Outcome::Held)),
            Err(WriteError::Refused(No::Doubt(doubt))) => return Ok(Err(Outcome::Stopped(doubt.to_string()))),
            Err(WriteError::Refused(No::Changed)) => {}
            Err(WriteError::Failed) => return Ok(Err(Outcome::Stopped("the database refused it".to_owned()))),
            Err(_) => return Err(EraseError::Log),
        }
    }
}

/// The cases and the owners of the person whom an order is about.
fn of_person(
    connection: &mut AnyConnection,
    keyring: &Keyring,
    order: &OrderRow,
) -> Result<(Vec<CaseRow>, Vec<Vec<u8>>), StorageError> {
    let person: Vec<u8> = case_file::table
        .find(&order.case_id)
        .select(case_file::person_id)
        .first(connection)?;
    let cases = orders::cases_of_person(connection, keyring, &person)?;
    let owners = orders::owners_of_person(connection, keyring, &cases)?;
    let using = orders::cases_of_owners(connection, keyring, &owners)?;
    if using.iter().any(|case| cases.iter().all(|own| own.id != case.id)) {
        return Err(StorageError::Inconsistent(
            "the case of another person uses the same keys",
        ));
    }
    Ok((cases, owners))
}

fn empty(tx: &mut Tx<'_>, keyring: &Keyring, order: OrderRow, expected: &[Vec<u8>]) -> Result<OrderRow, ActError<No>> {
    let now_ms = tx.now_ms();
    let connection = tx.connection();
    let (cases, owners) =
        of_person(connection, keyring, &order).map_err(|doubt| ActError::Refused(No::Doubt(doubt)))?;
    if owners != expected {
        return Err(ActError::Refused(No::Changed));
    }
    let ids: Vec<Vec<u8>> = cases.iter().map(|case| case.id.clone()).collect();
    if orders::hold(connection, keyring, &ids)?.is_some() {
        return Err(ActError::Refused(No::Held));
    }
    let next = OrderRow {
        state: State::Started.code().to_owned(),
        version: order.version + 1,
        ..order
    }
    .signed(keyring);
    if !orders::replace(connection, &next)? {
        return Err(StorageError::Inconsistent("the order was answered meanwhile; run this again").into());
    }
    let row = |id: &Vec<u8>| {
        ErasedRow {
            id: id.clone(),
            order_id: Some(next.id.clone()),
            erased_at: now_ms,
            version: 1,
            mac: Vec::new(),
        }
        .signed(keyring)
    };
    let rows: Vec<ErasedRow> = owners.iter().map(row).collect();
    orders::erase_values(connection, &rows)?;
    for case in cases {
        close(connection, keyring, case, now_ms)?;
    }
    tx.revoke();
    Ok(next)
}

/// An owner and the handle by which the log knows it.
pub type Known = (Vec<u8>, Handle);

/// Owners whom the log calls erased and this database does not: an older backup brought their data back, an older package their keys.
pub fn returned(
    house: &mut AnyConnection,
    keys: &mut AnyConnection,
    keyring: &Keyring,
) -> Result<Vec<Known>, StorageError> {
    let told: HashSet<String> = log_rows::of_kinds(house, &copy::ERASING)?
        .into_iter()
        .flat_map(|entry| entry.h.listed().to_vec())
        .collect();
    if told.is_empty() {
        return Ok(Vec::new());
    }
    let known: HashSet<Vec<u8>> = orders::erased(house, keyring, false)?.into_iter().collect();
    let all = key_plane::all_handles(keys, keyring)?.into_iter();
    Ok(all
        .filter(|(owner, handle)| told.contains(&ledger::b64u(&handle.0)) && !known.contains(owner))
        .collect())
}

/// The data of owners that came back goes once more.
fn repeat(writer: &Writer, keyring: &Arc<Keyring>, again: &[Known]) -> Result<(), EraseError> {
    let owners: Vec<Vec<u8>> = again.iter().map(|(owner, _)| owner.clone()).collect();
    let mut entry =
        Draft::new("order.repeat", "operator", &random_id().map_err(StorageError::from)?).purpose(Kind::Erasure.name());
    for (_, handle) in again {
        entry = entry.about(*handle);
    }
    let signer = Arc::clone(keyring);
    let written = writer.write_blocking::<(), No>(None, move |tx| {
        let now_ms = tx.now_ms();
        let row = |id: &Vec<u8>| {
            ErasedRow {
                id: id.clone(),
                order_id: None,
                erased_at: now_ms,
                version: 1,
                mac: Vec::new(),
            }
            .signed(&signer)
        };
        let rows: Vec<ErasedRow> = owners.iter().map(row).collect();
        let connection = tx.connection();
        orders::erase_values(connection, &rows)?;
        for case in orders::cases_of_owners(connection, &signer, &owners)? {
            close(connection, &signer, case, now_ms)?;
        }
        tx.revoke();
        Ok(((), vec![entry]))
    });
    written.map(drop).map_err(|_| EraseError::Log)
}

/// Nobody stands to the case any more, and nothing of it is due.
fn close(connection: &mut AnyConnection, keyring: &Keyring, case: CaseRow, now_ms: i64) -> Result<(), ActError<No>> {
    let members: Vec<MembershipRow> = membership::table
        .filter(membership::case_id.eq(&case.id))
        .filter(membership::until_at.is_null())
        .select(MembershipRow::as_select())
        .load(connection)?;
    for member in members {
        let ended = MembershipRow {
            until_at: Some(now_ms),
            version: member.version + 1,
            ..member
        }
        .signed(keyring);
        diesel::update(membership::table.find(ended.id.clone()))
            .set(&ended)
            .execute(connection)?;
    }
    for sent in case_rows::around(connection, keyring, &case.id)?.referrals {
        if referral::State::parse(&sent.state).is_some_and(referral::State::is_open) {
            let ended = ReferralRow {
                state: referral::State::Withdrawn.code().to_owned(),
                closed_at: Some(now_ms),
                version: sent.version + 1,
                ..sent
            };
            case_rows::replace_referral(connection, &ended.signed(keyring))?;
        }
    }
    diesel::delete(deadline::table.filter(deadline::case_id.eq(&case.id))).execute(connection)?;
    // Digests of what forms said are under a key of the house, not of the person.
    diesel::delete(request_outcome::table.filter(request_outcome::subject.eq(&case.public_id))).execute(connection)?;
    let erased = CaseRow {
        state: ERASED.to_owned(),
        version: case.version + 1,
        ..case
    }
    .signed(keyring);
    if !case_rows::replace_case(connection, &erased)? {
        return Err(StorageError::Inconsistent("a case changed meanwhile; run this again").into());
    }
    Ok(())
}

/// Says that the keys are destroyed, and which wrapping epoch went with them.
fn finish(writer: &Writer, keyring: &Arc<Keyring>, started: Vec<OrderRow>, epoch: &str) -> Result<(), EraseError> {
    let names: Vec<String> = started.iter().map(name).collect();
    let mut fields: Vec<&str> = names.iter().map(String::as_str).collect();
    let labelled = format!("epoch-{epoch}");
    fields.push(&labelled);
    let entry = Draft::new("order.finish", "operator", &random_id().map_err(StorageError::from)?)
        .purpose(Kind::Erasure.name())
        .fields(&fields);
    let (signer, epoch) = (Arc::clone(keyring), epoch.to_owned());
    let written = writer.write_blocking::<(), ()>(None, move |tx| {
        let now_ms = tx.now_ms();
        for order in started {
            let done = OrderRow {
                state: State::Done.code().to_owned(),
                ended_at: Some(now_ms),
                epoch: Some(epoch.clone()),
                version: order.version + 1,
                ..order
            };
            orders::replace(tx.connection(), &done.signed(&signer))?;
        }
        Ok(((), vec![entry]))
    });
    written.map(drop).map_err(|_| EraseError::Log)
}
