//! The cases an actor sees, with clocks and without a name; the entry names every case that was listed.

use std::collections::HashMap;

use diesel::prelude::*;
use ledger::vault::associated::Handle;

use super::actor::Actor;
use super::case_act::CaseActError;
use super::failure::Failure;
use super::view_case::Clock;
use super::{owners, reading, refuse, sessions};
use crate::app::App;
use crate::domain::public_id::PublicId;
use crate::domain::purpose;
use crate::domain::step::{Kind, State};
use crate::policy::Action;
use crate::storage::StorageError;
use crate::storage::access_rows::CaseRow;
use crate::storage::connection::AnyConnection;
use crate::storage::schema::{deadline, step};
use crate::storage::visible::{self, Standing, Viewer};

/// Rows a page; the first also has what cannot wait.
pub const PAGE: i64 = 50;
/// A day ahead is today's work.
pub const DAY_MS: i64 = 86_400_000;

/// A page of the list.
pub struct List {
    /// The cases.
    pub listed: Vec<Listed>,
    /// The case at which an older page begins.
    pub older: Option<PublicId>,
    /// Index of the entry that records this list.
    pub index: String,
}

/// A row of a list: nothing in it says who the person is.
#[derive(Clone)]
pub struct Listed {
    /// The plain row.
    pub case: CaseRow,
    /// The clock that is due next and not met, or the visit that is planned next.
    pub next: Option<Clock>,
    /// Whether a step waits for a second person.
    pub waits: bool,
    /// Whether a step came back to be corrected.
    pub returned: bool,
}

/// A page as it was read, before anything is logged or shown.
pub struct Found {
    pub(super) rows: Vec<(Listed, Standing)>,
    pub(super) handles: Vec<Handle>,
    pub(super) older: Option<PublicId>,
    pub(super) tampered: usize,
}

/// Lists cases, newest first, from the one at which the page before ended.
pub async fn list_cases(app: &App, actor: &Actor, before: Option<PublicId>) -> Result<List, CaseActError> {
    sessions::with_current_rights(app, actor, async |actor| attempt(app, actor, before).await).await
}

async fn attempt(app: &App, actor: &Actor, before: Option<PublicId>) -> Result<Option<List>, CaseActError> {
    let permit = reading::permitted(app, actor, Action::List).await?;
    let viewer = actor.viewer.clone();
    let found = app
        .read(move |app, connection| load(app, connection, &viewer, before))
        .await
        .map_err(Failure::from)?;
    refuse::tampered(app, &vec!["case_file"; found.tampered]).await?;
    let mut entry = actor
        .permitted("list.view", &permit)
        .purpose(purpose::usual(actor.role()));
    for handle in found.handles {
        entry = entry.about(handle);
    }
    let receipts = reading::record(app, Some(permit.rights()), entry).await?;
    Ok(receipts.map(|receipts| List {
        listed: found.rows.into_iter().map(|(listed, _)| listed).collect(),
        older: found.older,
        index: reading::index(&receipts),
    }))
}

/// Reads a page of cases that the viewer sees.
pub fn load(
    app: &App,
    connection: &mut AnyConnection,
    viewer: &Viewer,
    before: Option<PublicId>,
) -> Result<Found, StorageError> {
    let now_ms = app.clock.now_ms();
    let mut page = visible::cases(
        connection,
        &app.keyring,
        viewer,
        now_ms,
        PAGE,
        before.as_ref().map(|id| &id.0),
    )?;
    if before.is_none() {
        // What cannot wait stands on the first page, however old the case is.
        let until_ms = now_ms + DAY_MS;
        let pressing = visible::pressing(connection, &app.keyring, viewer, now_ms, until_ms, PAGE)?;
        page.tampered += pressing.tampered;
        let newer: Vec<Vec<u8>> = page.cases.iter().map(|(case, _)| case.id.clone()).collect();
        let older = pressing.cases.into_iter().filter(|(case, _)| !newer.contains(&case.id));
        page.cases.extend(older);
    }
    let owners: Vec<&[u8]> = page.cases.iter().map(|(case, _)| case.owner_id.as_slice()).collect();
    let handles = owners::open(app, &owners)?
        .into_iter()
        .flatten()
        .map(|keys| keys.handle())
        .collect();
    let ids: Vec<Vec<u8>> = page.cases.iter().map(|(case, _)| case.id.clone()).collect();
    let mut next = next_clocks(connection, &ids)?;
    let mut waiting = waiting(connection, &ids)?;
    let rows = page
        .cases
        .into_iter()
        .map(|(case, standing)| {
            let (waits, returned) = waiting.remove(&case.id).unwrap_or_default();
            let next = next.remove(&case.id);
            let listed = Listed {
                case,
                next,
                waits,
                returned,
            };
            (listed, standing)
        })
        .collect();
    Ok(Found {
        rows,
        handles,
        older: page.older.and_then(|id| id.try_into().ok()).map(PublicId),
        tampered: page.tampered,
    })
}

fn next_clocks(connection: &mut AnyConnection, ids: &[Vec<u8>]) -> Result<HashMap<Vec<u8>, Clock>, StorageError> {
    let running: Vec<(Vec<u8>, String, i64)> = deadline::table
        .filter(deadline::case_id.eq_any(ids.to_vec()))
        .filter(deadline::met_at.is_null())
        .select((deadline::case_id, deadline::code, deadline::due_at))
        .load(connection)?;
    let planned: Vec<(Vec<u8>, Option<i64>)> = step::table
        .filter(step::case_id.eq_any(ids.to_vec()))
        .filter(step::state.eq(State::Planned.code()))
        .select((step::case_id, step::due_at))
        .load(connection)?;
    let visits = planned
        .into_iter()
        .filter_map(|(case, due_at)| Some((case, Kind::Visit.name().to_owned(), due_at?)));
    let mut next: HashMap<Vec<u8>, Clock> = HashMap::new();
    for (case, code, due_at) in running.into_iter().chain(visits) {
        if next.get(&case).is_none_or(|known| due_at < known.due_at) {
            let clock = Clock {
                code,
                started_at: None,
                due_at,
                met_at: None,
                of_referral: false,
            };
            next.insert(case, clock);
        }
    }
    Ok(next)
}

/// Per case: whether a step waits for a second person, and whether one came back.
fn waiting(connection: &mut AnyConnection, ids: &[Vec<u8>]) -> Result<HashMap<Vec<u8>, (bool, bool)>, StorageError> {
    let rows: Vec<(Vec<u8>, String)> = step::table
        .filter(step::case_id.eq_any(ids.to_vec()))
        .filter(step::state.eq_any([State::Requested.code(), State::Returned.code()]))
        .select((step::case_id, step::state))
        .load(connection)?;
    let mut waiting: HashMap<Vec<u8>, (bool, bool)> = HashMap::new();
    for (case, state) in rows {
        let known = waiting.entry(case).or_default();
        known.0 |= state == State::Requested.code();
        known.1 |= state == State::Returned.code();
    }
    Ok(waiting)
}
