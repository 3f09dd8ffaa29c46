//! The cases an actor sees, with clocks and without a name; the entry names every case that was listed.

use diesel::prelude::*;
use ledger::vault::associated::Handle;

use super::actor::Actor;
use super::failure::{Failure, Written, sort};
use super::view_case::Clock;
use super::{owners, refuse, sessions};
use crate::app::App;
use crate::policy::{Action, Ask, Decision, Resource};
use crate::storage::StorageError;
use crate::storage::access_rows::CaseRow;
use crate::storage::connection::AnyConnection;
use crate::storage::schema::deadline;
use crate::storage::visible::{self, Viewer};

/// Rows a page.
pub const PAGE: i64 = 50;

/// A page of the list.
pub struct List {
    /// The cases.
    pub listed: Vec<Listed>,
    /// Opening time before which older ones are found.
    pub older: Option<i64>,
    /// Index of the entry that records this list.
    pub index: String,
}

/// A row of a list: nothing in it says who the person is.
#[derive(Clone)]
pub struct Listed {
    /// The plain row.
    pub case: CaseRow,
    /// The clock that is due next and not met.
    pub next: Option<Clock>,
}

/// Why there is no list.
#[derive(Debug, thiserror::Error)]
pub enum ListCasesError {
    /// A fault of the house.
    #[error(transparent)]
    Failure(#[from] Failure),
    /// The role has no list.
    #[error("not allowed")]
    NotAllowed(String),
    /// The session ended meanwhile.
    #[error("signed out")]
    SignedOut,
}

struct Found {
    listed: Vec<Listed>,
    handles: Vec<Handle>,
    older: Option<i64>,
    tampered: usize,
}

/// Lists cases, newest first, before a time.
pub async fn list_cases(app: &App, actor: &Actor, before: Option<i64>) -> Result<List, ListCasesError> {
    let mut actor = actor.clone();
    loop {
        let decision = app.engine.decide(
            actor.role(),
            Action::List,
            &Resource::House,
            &Ask::default(),
            actor.rights,
        );
        let permit = match decision {
            Decision::Allow(permit) => permit,
            Decision::Deny(policies) => {
                return Err(ListCasesError::NotAllowed(
                    refuse::act(app, &actor, Action::List.name(), &policies).await?,
                ));
            }
        };
        let viewer = actor.viewer.clone();
        let found = app
            .read(move |app, connection| load(app, connection, &viewer, before))
            .await
            .map_err(Failure::from)?;
        if found.tampered > 0 {
            refuse::tampered(app, &vec!["case_file"; found.tampered]).await?;
        }
        let mut entry = actor.permitted("list.view", &permit);
        for handle in found.handles {
            entry = entry.about(handle);
        }
        let outcome = app
            .writer
            .write::<(), ()>(Some(permit.rights()), move |_| Ok(((), vec![entry])))
            .await;
        match sort(outcome)? {
            Written::Done(((), receipts)) => {
                let index = receipts.first().map(ledger::Receipt::index).unwrap_or_default();
                return Ok(List {
                    listed: found.listed,
                    older: found.older,
                    index,
                });
            }
            Written::Refused(()) => return Err(Failure::Internal(None).into()),
            Written::Stale => {
                actor = sessions::refresh(app, actor.session, actor.network, actor.request)
                    .await?
                    .ok_or(ListCasesError::SignedOut)?;
            }
        }
    }
}

fn load(
    app: &App,
    connection: &mut AnyConnection,
    viewer: &Viewer,
    before: Option<i64>,
) -> Result<Found, StorageError> {
    let now_ms = app.clock.now_ms();
    let page = visible::cases(connection, &app.keyring, viewer, now_ms, PAGE, before)?;
    let cases = page.cases;
    let owners: Vec<&[u8]> = cases.iter().map(|case| case.owner_id.as_slice()).collect();
    let handles = owners::open(app, &owners)?
        .into_iter()
        .flatten()
        .map(|keys| keys.handle())
        .collect();
    let ids: Vec<Vec<u8>> = cases.iter().map(|case| case.id.clone()).collect();
    let clocks: Vec<(Vec<u8>, String, i64)> = deadline::table
        .filter(deadline::case_id.eq_any(ids))
        .filter(deadline::met_at.is_null())
        .order(deadline::due_at)
        .select((deadline::case_id, deadline::code, deadline::due_at))
        .load(connection)?;
    let listed = cases
        .into_iter()
        .map(|case| {
            let next = clocks.iter().find(|(id, ..)| *id == case.id);
            let next = next.map(|(_, code, due_at)| Clock {
                code: code.clone(),
                due_at: *due_at,
                met_at: None,
            });
            Listed { case, next }
        })
        .collect();
    Ok(Found {
        listed,
        handles,
        older: page.older,
        tampered: page.tampered,
    })
}
