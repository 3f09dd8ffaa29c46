//! A social worker takes an unassigned case of her unit.

use diesel::prelude::*;

use super::actor::Actor;
use super::failure::{Failure, Written, sort};
use super::{owners, refuse};
use crate::app::App;
use crate::clock::row_id;
use crate::domain::public_id::PublicId;
use crate::policy::{Action, Ask, Decision, Resource};
use crate::storage::access_rows::{AccessRow, CaseRow, MembershipRow};
use crate::storage::schema::{case_file, membership};
use crate::storage::visible;
use crate::storage::writer::ActError;

/// Why the case was not taken.
#[derive(Debug, thiserror::Error)]
pub enum TakeCaseError {
    /// A fault of the house.
    #[error(transparent)]
    Failure(#[from] Failure),
    /// There is no such unassigned case for this actor.
    #[error("no such case")]
    NotFound(String),
    /// A colleague was quicker.
    #[error("taken by somebody else")]
    Taken,
}

/// Makes the actor the worker of the case.
pub async fn take_case(app: &App, actor: &Actor, id: PublicId) -> Result<String, TakeCaseError> {
    let viewer = actor.viewer.clone();
    let (case, standing) = app
        .read(move |app, connection| visible::case(connection, &app.keyring, &viewer, app.clock.now_ms(), &id.0))
        .await
        .map_err(Failure::from)?;
    let resource = Resource::Case {
        relations: &standing.relations,
        listed: &standing.listed,
    };
    let decision = app
        .engine
        .decide(actor.role(), Action::Take, &resource, &Ask::default(), actor.rights);
    let (Some(case), Decision::Allow(permit)) = (case, decision) else {
        return Err(TakeCaseError::NotFound(
            refuse::case(app, actor, id.0, Some("take"), &[]).await?,
        ));
    };
    let owner = case.owner_id.clone();
    let handle = app
        .read(move |app, _| Ok(owners::open_one(app, &owner)?.handle()))
        .await
        .map_err(Failure::from)?;
    let entry = actor.permitted("case.take", &permit).about(handle);
    let (keyring, account) = (std::sync::Arc::clone(&app.keyring), actor.viewer.account_id.clone());
    let outcome = app
        .writer
        .write(Some(permit.rights()), move |tx| {
            let now_ms = tx.now_ms();
            let connection = tx.connection();
            let next = CaseRow {
                assigned: true,
                version: case.version + 1,
                ..case.clone()
            }
            .signed(&keyring);
            let changed = diesel::update(
                case_file::table
                    .find(&case.id)
                    .filter(case_file::version.eq(case.version)),
            )
            .set(&next)
            .execute(connection)?;
            if changed != 1 {
                return Err(ActError::Refused(()));
            }
            let row = MembershipRow {
                id: row_id(now_ms).map_err(crate::storage::StorageError::from)?.to_vec(),
                case_id: case.id,
                account_id: account,
                kind: "owner".to_owned(),
                from_at: now_ms,
                until_at: None,
                version: 1,
                mac: Vec::new(),
            };
            diesel::insert_into(membership::table)
                .values(&row.signed(&keyring))
                .execute(connection)?;
            // Colleagues of the unit no longer see it.
            tx.revoke();
            Ok(((), vec![entry]))
        })
        .await;
    match sort(outcome)? {
        Written::Done(((), receipts)) => Ok(receipts.first().map(ledger::Receipt::index).unwrap_or_default()),
        Written::Refused(()) => Err(TakeCaseError::Taken),
        Written::Stale => Err(Failure::Busy.into()),
    }
}
