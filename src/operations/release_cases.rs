//! Somebody leaves: cases that nobody else works on wait for a colleague of the unit to take them.

use std::sync::Arc;

use diesel::prelude::*;
use ledger::Draft;
use ledger::vault::keyring::Keyring;

use super::accounts::{self, AccountError};
use crate::clock::random_id;
use crate::storage::StorageError;
use crate::storage::access_rows::{AccessRow, CaseRow, MembershipRow, trusted};
use crate::storage::connection::AnyConnection;
use crate::storage::schema::{account, case_file, membership};
use crate::storage::writer::{ActError, Tx, Writer};
use crate::storage::{case_rows, key_plane};

/// Ends what a disabled account has of cases, each with its entry, and gives the number of those that now wait; done twice it does nothing.
pub fn release_cases(
    house: &mut AnyConnection,
    plane: &mut AnyConnection,
    writer: &Writer,
    keyring: &Arc<Keyring>,
    code: &str,
) -> Result<usize, AccountError> {
    let leaver = accounts::find_trusted(house, keyring, code)?;
    if leaver.state == "active" {
        return Err(AccountError::StillActive);
    }
    let held: Vec<(MembershipRow, Vec<u8>)> = membership::table
        .inner_join(case_file::table)
        .filter(membership::account_id.eq(&leaver.id))
        .filter(membership::until_at.is_null())
        .select((MembershipRow::as_select(), case_file::owner_id))
        .load(house)
        .map_err(StorageError::from)?;
    let mut waiting = 0;
    for (member, owner) in held {
        let mut entry = Draft::new("case.release", "operator", &random_id()?).fields(&[code]);
        for handle in key_plane::handles(plane, keyring, &[owner])? {
            entry = entry.about(handle);
        }
        let signer = Arc::clone(keyring);
        let (waits, _) = writer.write_blocking(None, move |tx| {
            // A row that was edited outside the program gives nothing and takes nothing.
            let Ok(member) = member.trusted(&signer) else {
                return Ok((false, vec![]));
            };
            let waits = release(tx, &signer, member)?;
            tx.revoke();
            Ok((waits, vec![entry]))
        })?;
        waiting += usize::from(waits);
    }
    Ok(waiting)
}

/// Ends one membership; `true` when the case waits for somebody now.
fn release(tx: &mut Tx<'_>, keyring: &Keyring, member: MembershipRow) -> Result<bool, ActError<AccountError>> {
    let now_ms = tx.now_ms();
    let connection = tx.connection();
    let others: Vec<MembershipRow> = membership::table
        .inner_join(account::table)
        .filter(membership::case_id.eq(&member.case_id))
        .filter(membership::account_id.ne(&member.account_id))
        .filter(membership::until_at.is_null())
        .filter(account::state.eq("active"))
        .select(MembershipRow::as_select())
        .load(connection)?;
    let case: CaseRow = case_file::table
        .find(&member.case_id)
        .select(CaseRow::as_select())
        .first(connection)?;
    let ended = MembershipRow {
        until_at: Some(now_ms),
        version: member.version + 1,
        ..member
    }
    .signed(keyring);
    diesel::update(membership::table.find(ended.id.clone()))
        .set(&ended)
        .execute(connection)?;
    let (others, _) = trusted(others, keyring);
    let (true, Ok(case)) = (others.is_empty(), case.trusted(keyring)) else {
        return Ok(false);
    };
    let free = CaseRow {
        assigned: false,
        version: case.version + 1,
        ..case
    };
    Ok(case_rows::replace_case(connection, &free.signed(keyring))?)
}
