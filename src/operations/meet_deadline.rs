//! An actor records that what a clock asked for has been done; the clock that follows starts at that moment.

use diesel::prelude::*;

use super::actor::Actor;
use super::failure::{Failure, Written, sort};
use super::{outcome, owners, refuse, sessions};
use crate::app::App;
use crate::clock::row_id;
use crate::domain::deadline::Deadline;
use crate::domain::public_id::PublicId;
use crate::policy::{Action, Ask, Decision, Resource};
use crate::storage::StorageError;
use crate::storage::schema::deadline;
use crate::storage::visible;
use crate::storage::writer::ActError;

/// Why nothing was recorded.
#[derive(Debug, thiserror::Error)]
pub enum MeetDeadlineError {
    /// A fault of the house.
    #[error(transparent)]
    Failure(#[from] Failure),
    /// There is no such case for this actor.
    #[error("no such case")]
    NotFound(String),
    /// This clock does not run in this case, or somebody has met it already.
    #[error("the clock does not run")]
    NotRunning,
    /// The session ended meanwhile.
    #[error("signed out")]
    SignedOut,
}

/// Stops a clock of a case and gives the index of the entry.
pub async fn meet_deadline(
    app: &App,
    actor: &Actor,
    id: PublicId,
    met: &'static Deadline,
) -> Result<String, MeetDeadlineError> {
    let mut actor = actor.clone();
    loop {
        match attempt(app, &actor, id, met).await? {
            Some(index) => return Ok(index),
            None => {
                actor = sessions::refresh(app, actor.session, actor.network, actor.request)
                    .await?
                    .ok_or(MeetDeadlineError::SignedOut)?;
            }
        }
    }
}

async fn attempt(
    app: &App,
    actor: &Actor,
    id: PublicId,
    met: &'static Deadline,
) -> Result<Option<String>, MeetDeadlineError> {
    let viewer = actor.viewer.clone();
    let (found, standing) = app
        .read(move |app, connection| {
            let (case, standing) = visible::case(connection, &app.keyring, &viewer, app.clock.now_ms(), &id.0)?;
            let found = match case {
                None => None,
                Some(case) => {
                    let handle = owners::open_one(app, &case.owner_id)?.handle();
                    Some((case, handle))
                }
            };
            Ok((found, standing))
        })
        .await
        .map_err(Failure::from)?;
    let ask = Ask {
        groups: &[],
        purpose: "case_work",
        confirmed: false,
    };
    let resource = Resource::Case {
        relations: &standing.relations,
        listed: &standing.listed,
    };
    let decision = app
        .engine
        .decide(actor.role(), Action::Edit, &resource, &ask, actor.rights);
    let (Some((case, handle)), Decision::Allow(permit)) = (found, decision) else {
        let index = refuse::case(app, actor, id.0, Some("case_work"), &[]).await?;
        return Err(MeetDeadlineError::NotFound(index));
    };
    let entry = actor
        .permitted("deadline.meet", &permit)
        .purpose("case_work")
        .about(handle)
        .fields(&[&met.code]);
    let for_act = actor.clone();
    let outcome = app
        .writer
        .write(Some(permit.rights()), move |tx| {
            let now_ms = tx.now_ms();
            let connection = tx.connection();
            if outcome::once(
                connection,
                &for_act,
                "deadline.meet",
                &id.0,
                met.code.as_bytes(),
                now_ms,
            )?
            .is_some()
            {
                // The same button twice: it was recorded the first time.
                return Ok(((), vec![]));
            }
            let running = deadline::case_id
                .eq(case.id.clone())
                .and(deadline::code.eq(&met.code))
                .and(deadline::met_at.is_null());
            let changed = diesel::update(deadline::table.filter(running))
                .set(deadline::met_at.eq(Some(now_ms)))
                .execute(connection)?;
            if changed == 0 {
                return Err(ActError::Refused(()));
            }
            if let Some(next) = met.next() {
                diesel::insert_into(deadline::table)
                    .values((
                        deadline::id.eq(row_id(now_ms).map_err(StorageError::from)?.to_vec()),
                        deadline::case_id.eq(case.id),
                        deadline::code.eq(&next.code),
                        deadline::started_at.eq(now_ms),
                        deadline::due_at.eq(next.due_ms(now_ms)),
                        deadline::met_at.eq(None::<i64>),
                    ))
                    .execute(connection)?;
            }
            Ok(((), vec![entry]))
        })
        .await;
    match sort(outcome)? {
        Written::Done(((), receipts)) => Ok(Some(receipts.first().map(ledger::Receipt::index).unwrap_or_default())),
        Written::Refused(()) => Err(MeetDeadlineError::NotRunning),
        Written::Stale => Ok(None),
    }
}
