//! Orders, legal holds, and the owners that an order erases. Only rows as the program wrote them count.

use std::collections::HashSet;

use diesel::prelude::*;
use ledger::vault::keyring::Keyring;

use super::StorageError;
use super::access_rows::{AccessRow, CaseRow, DraftRow, ErasedRow, HoldRow, OrderRow, StepRow, trusted};
use super::connection::AnyConnection;
use super::schema::{
    account, attachment, case_file, draft, erased_owner, joint_order, legal_hold, log_note, person, sealed_value, step,
};
use crate::domain::order::{Kind, State};
use crate::domain::public_id::PublicId;

/// States in which an order still leads somewhere.
const STANDING: [&str; 3] = [State::Requested.code(), State::Agreed.code(), State::Started.code()];

impl OrderRow {
    /// Whether its time is over: the second person did not answer, or what was agreed to and waits for nothing was not carried out.
    #[must_use]
    pub fn has_lapsed(&self, now_ms: i64) -> bool {
        let handed = Kind::parse(&self.kind) == Some(Kind::Handover);
        match State::parse(&self.state) {
            Some(State::Requested) => now_ms >= self.expires_at,
            Some(State::Agreed | State::Started) if handed => self
                .decided_at
                .is_some_and(|at| now_ms >= at + Kind::Handover.lasts_ms()),
            _ => false,
        }
    }
}

/// An order with its case; `None` when there is none, an error when either was edited outside the program.
pub fn find(
    connection: &mut AnyConnection,
    keyring: &Keyring,
    public_id: &[u8; 16],
) -> Result<Option<(OrderRow, CaseRow)>, StorageError> {
    let found: Option<(OrderRow, CaseRow)> = joint_order::table
        .inner_join(case_file::table)
        .filter(joint_order::public_id.eq(public_id.to_vec()))
        .select((OrderRow::as_select(), CaseRow::as_select()))
        .first(connection)
        .optional()?;
    found
        .map(|(order, case)| Ok((order.trusted(keyring)?, case.trusted(keyring)?)))
        .transpose()
}

/// Orders newest first, of one organisation's cases or of all, with their cases; and how many rows were edited outside the program.
pub fn list(
    connection: &mut AnyConnection,
    keyring: &Keyring,
    org: Option<&[u8]>,
    most: i64,
) -> Result<(Vec<(OrderRow, CaseRow)>, usize), StorageError> {
    let query = joint_order::table
        .inner_join(case_file::table)
        .order((joint_order::requested_at.desc(), joint_order::id.desc()))
        .limit(most)
        .select((OrderRow::as_select(), CaseRow::as_select()));
    let rows: Vec<(OrderRow, CaseRow)> = match org {
        Some(org) => query.filter(case_file::org_id.eq(org.to_vec())).load(connection)?,
        None => query.load(connection)?,
    };
    let all = rows.len();
    let good: Vec<_> = rows
        .into_iter()
        .filter_map(|(order, case)| Some((order.trusted(keyring).ok()?, case.trusted(keyring).ok()?)))
        .collect();
    let edited = all - good.len();
    Ok((good, edited))
}

/// Orders of any case in a state.
pub fn in_state(
    connection: &mut AnyConnection,
    keyring: &Keyring,
    kind: Kind,
    state: State,
) -> Result<Vec<OrderRow>, StorageError> {
    let rows: Vec<OrderRow> = joint_order::table
        .filter(joint_order::kind.eq(kind.name()))
        .filter(joint_order::state.eq(state.code()))
        .order(joint_order::requested_at)
        .select(OrderRow::as_select())
        .load(connection)?;
    Ok(trusted(rows, keyring).0)
}

/// The order of this kind that stands for a case: asked for and not lapsed, agreed to, or started; and how many rows were edited
/// outside the program.
pub fn standing(
    connection: &mut AnyConnection,
    keyring: &Keyring,
    case_id: &[u8],
    kind: Kind,
    now_ms: i64,
) -> Result<(Option<OrderRow>, usize), StorageError> {
    let rows: Vec<OrderRow> = joint_order::table
        .filter(joint_order::case_id.eq(case_id.to_vec()))
        .filter(joint_order::kind.eq(kind.name()))
        .filter(joint_order::state.eq_any(STANDING))
        .select(OrderRow::as_select())
        .load(connection)?;
    let lapsed = |row: &OrderRow| row.has_lapsed(now_ms);
    let (rows, edited) = trusted(rows, keyring);
    Ok((rows.into_iter().find(|row| !lapsed(row)), edited))
}

/// The redactions of a case that are done.
pub fn redactions(
    connection: &mut AnyConnection,
    keyring: &Keyring,
    case_id: &[u8],
) -> Result<Vec<OrderRow>, StorageError> {
    let rows: Vec<OrderRow> = joint_order::table
        .filter(joint_order::case_id.eq(case_id.to_vec()))
        .filter(joint_order::kind.eq(Kind::Redaction.name()))
        .filter(joint_order::state.eq(State::Done.code()))
        .select(OrderRow::as_select())
        .load(connection)?;
    Ok(trusted(rows, keyring).0)
}

/// The public id of the case of an order.
pub fn case_of(connection: &mut AnyConnection, public_id: &[u8; 16]) -> Result<Option<[u8; 16]>, StorageError> {
    let found: Option<Vec<u8>> = joint_order::table
        .inner_join(case_file::table)
        .filter(joint_order::public_id.eq(public_id.to_vec()))
        .select(case_file::public_id)
        .first(connection)
        .optional()?;
    Ok(found.and_then(|id| id.try_into().ok()))
}

/// Stores a new order.
pub fn insert(connection: &mut AnyConnection, row: &OrderRow) -> Result<(), StorageError> {
    diesel::insert_into(joint_order::table)
        .values(row)
        .execute(connection)?;
    Ok(())
}

/// Puts a signed row in the place of the version before it; `false` when that is gone.
pub fn replace(connection: &mut AnyConnection, row: &OrderRow) -> Result<bool, StorageError> {
    let before = joint_order::table
        .find(row.id.clone())
        .filter(joint_order::version.eq(row.version - 1));
    Ok(diesel::update(before).set(row).execute(connection)? == 1)
}

/// The sealed reason of an order: row id of the note and its bytes.
pub fn note(connection: &mut AnyConnection, hash: &[u8]) -> Result<(Vec<u8>, Vec<u8>), StorageError> {
    Ok(log_note::table
        .find(hash.to_vec())
        .select((log_note::id, log_note::sealed))
        .first(connection)?)
}

/// Staff code of an account.
pub fn staff_code(connection: &mut AnyConnection, account_id: &[u8]) -> Result<String, StorageError> {
    Ok(account::table
        .find(account_id.to_vec())
        .select(account::code)
        .first(connection)?)
}

/// The hold of any of these cases that lasts; one that was edited outside the program lasts, too.
pub fn hold(
    connection: &mut AnyConnection,
    keyring: &Keyring,
    cases: &[Vec<u8>],
) -> Result<Option<HoldRow>, StorageError> {
    let rows: Vec<HoldRow> = legal_hold::table
        .filter(legal_hold::case_id.eq_any(cases.to_vec()))
        .select(HoldRow::as_select())
        .load(connection)?;
    let lasts = |row: &HoldRow| row.lifted_at.is_none() || row.clone().trusted(keyring).is_err();
    Ok(rows.into_iter().find(lasts))
}

/// Places a hold.
pub fn place_hold(connection: &mut AnyConnection, row: &HoldRow) -> Result<(), StorageError> {
    diesel::insert_into(legal_hold::table).values(row).execute(connection)?;
    Ok(())
}

/// Lifts a hold; `false` when somebody else was quicker.
pub fn lift_hold(
    connection: &mut AnyConnection,
    keyring: &Keyring,
    row: HoldRow,
    now_ms: i64,
) -> Result<bool, StorageError> {
    let next = HoldRow {
        lifted_at: Some(now_ms),
        version: row.version + 1,
        ..row
    }
    .signed(keyring);
    let before = legal_hold::table
        .find(next.id.clone())
        .filter(legal_hold::version.eq(next.version - 1));
    Ok(diesel::update(before).set(&next).execute(connection)? == 1)
}

/// All cases of a person.
pub fn cases_of_person(
    connection: &mut AnyConnection,
    keyring: &Keyring,
    person_id: &[u8],
) -> Result<Vec<CaseRow>, StorageError> {
    let rows: Vec<CaseRow> = case_file::table
        .filter(case_file::person_id.eq(person_id.to_vec()))
        .select(CaseRow::as_select())
        .load(connection)?;
    rows.into_iter().map(|row| row.trusted(keyring)).collect()
}

/// Every owner of a person: herself, her cases, the people recorded in them, and what was typed and not saved.
///
/// Their keys will be destroyed, so a row that was edited or put in outside the program is an error, never an owner.
pub fn owners_of_person(
    connection: &mut AnyConnection,
    keyring: &Keyring,
    cases: &[CaseRow],
) -> Result<Vec<Vec<u8>>, StorageError> {
    let ids: Vec<Vec<u8>> = cases.iter().map(|case| case.id.clone()).collect();
    let mut owners = Vec::new();
    for case in cases {
        owners.extend([case.owner_id.clone(), case.person_owner_id.clone()]);
    }
    let steps: Vec<StepRow> = step::table
        .filter(step::case_id.eq_any(ids))
        .select(StepRow::as_select())
        .load(connection)?;
    for row in steps {
        owners.push(row.trusted(keyring)?.owner_id);
    }
    // The name of a form begins with the public id of its case.
    for case in cases {
        let public_id = PublicId(case.public_id.as_slice().try_into().unwrap_or_default());
        let drafts: Vec<DraftRow> = draft::table
            .filter(draft::form.like(format!("{public_id}/%")))
            .select(DraftRow::as_select())
            .load(connection)?;
        for row in drafts {
            owners.push(row.trusted(keyring)?.owner_id);
        }
    }
    owners.sort_unstable();
    owners.dedup();
    Ok(owners)
}

/// How many cases were opened after a moment.
pub fn cases_since(connection: &mut AnyConnection, since_ms: i64) -> Result<i64, StorageError> {
    Ok(case_file::table
        .filter(case_file::opened_at.gt(since_ms))
        .filter(case_file::state.ne(super::visible::ERASED))
        .count()
        .get_result(connection)?)
}

/// Every owner whose keys the data needs: of people, cases, steps and drafts, those that were erased aside.
pub fn owners(connection: &mut AnyConnection) -> Result<Vec<Vec<u8>>, StorageError> {
    let mut owners: Vec<Vec<u8>> = person::table.select(person::owner_id).load(connection)?;
    owners.extend(
        case_file::table
            .select(case_file::owner_id)
            .load::<Vec<u8>>(connection)?,
    );
    owners.extend(step::table.select(step::owner_id).load::<Vec<u8>>(connection)?);
    owners.extend(draft::table.select(draft::owner_id).load::<Vec<u8>>(connection)?);
    let erased: HashSet<Vec<u8>> = registered(connection)?.into_iter().collect();
    owners.sort_unstable();
    owners.dedup();
    owners.retain(|owner| !erased.contains(owner));
    Ok(owners)
}

/// Registers owners as erased and deletes every ciphertext that only their keys opened.
pub fn erase_values(connection: &mut AnyConnection, rows: &[ErasedRow]) -> Result<(), StorageError> {
    for row in rows {
        register(connection, row)?;
        diesel::delete(sealed_value::table.filter(sealed_value::owner_id.eq(row.id.clone()))).execute(connection)?;
        diesel::delete(draft::table.filter(draft::owner_id.eq(row.id.clone()))).execute(connection)?;
        diesel::delete(attachment::table.filter(attachment::owner_id.eq(row.id.clone()))).execute(connection)?;
    }
    Ok(())
}

/// Takes the place of a row that is there: a draft that was dropped before, or one that somebody put in by hand.
fn register(connection: &mut AnyConnection, row: &ErasedRow) -> Result<(), StorageError> {
    diesel::delete(erased_owner::table.find(row.id.clone())).execute(connection)?;
    diesel::insert_into(erased_owner::table)
        .values(row)
        .execute(connection)?;
    Ok(())
}

/// Cases of which one of these owners is the case or the person.
pub fn cases_of_owners(
    connection: &mut AnyConnection,
    keyring: &Keyring,
    owners: &[Vec<u8>],
) -> Result<Vec<CaseRow>, StorageError> {
    let mut found = Vec::new();
    for owner in owners {
        let its = case_file::owner_id.eq(owner.clone());
        let rows: Vec<CaseRow> = case_file::table
            .filter(its.or(case_file::person_owner_id.eq(owner.clone())))
            .select(CaseRow::as_select())
            .load(connection)?;
        for row in rows {
            if !found.iter().any(|one: &CaseRow| one.id == row.id) {
                found.push(row.trusted(keyring)?);
            }
        }
    }
    Ok(found)
}

/// Owner ids that orders have erased, whoever wrote them: for a check without keys.
pub fn registered(connection: &mut AnyConnection) -> Result<Vec<Vec<u8>>, StorageError> {
    Ok(erased_owner::table
        .filter(erased_owner::order_id.is_not_null())
        .select(erased_owner::id)
        .load(connection)?)
}

/// Owners whose keys are to be destroyed, all of them or those of orders; rows that were edited outside the program destroy nothing.
pub fn erased(connection: &mut AnyConnection, keyring: &Keyring, by_order: bool) -> Result<Vec<Vec<u8>>, StorageError> {
    let rows: Vec<ErasedRow> = erased_owner::table.select(ErasedRow::as_select()).load(connection)?;
    let rows = trusted(rows, keyring).0.into_iter();
    Ok(rows
        .filter(|row| !by_order || row.order_id.is_some())
        .map(|row| row.id)
        .collect())
}

/// Registers the owner of a draft that is gone, so that the next ceremony destroys its keys.
pub fn discard(
    connection: &mut AnyConnection,
    keyring: &Keyring,
    owner_id: Vec<u8>,
    now_ms: i64,
) -> Result<(), StorageError> {
    if is_registered(connection, keyring, &owner_id)? {
        return Ok(());
    }
    let row = ErasedRow {
        id: owner_id,
        order_id: None,
        erased_at: now_ms,
        version: 1,
        mac: Vec::new(),
    };
    register(connection, &row.signed(keyring))
}

/// Whether the keys of this owner are to be destroyed.
pub fn is_registered(connection: &mut AnyConnection, keyring: &Keyring, owner: &[u8]) -> Result<bool, StorageError> {
    let row: Option<ErasedRow> = erased_owner::table
        .find(owner.to_vec())
        .select(ErasedRow::as_select())
        .first(connection)
        .optional()?;
    Ok(row.is_some_and(|row| row.trusted(keyring).is_ok()))
}
