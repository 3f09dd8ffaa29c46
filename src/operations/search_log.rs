//! An auditor reads the log: by case number, staff code, kind and time. Her reading is logged before she sees a line.

use std::collections::HashMap;

use diesel::prelude::*;
use ledger::log::entry::Entry;

use super::actor::Actor;
use super::case_act::CaseActError;
use super::failure::Failure;
use super::{owners, reading};
use crate::app::App;
use crate::policy::Action;
use crate::storage::StorageError;
use crate::storage::access_rows::{AccessRow, CaseRow};
use crate::storage::log_rows::{self, EntryRow, Filter};
use crate::storage::schema::{account, case_file};

/// Lines a page.
pub const PAGE: i64 = 50;

/// What the auditor asks for.
#[derive(Clone, Default)]
pub struct Query {
    /// Case number in its canonical form.
    pub case_number: Option<String>,
    /// Staff code.
    pub actor: Option<String>,
    /// Kind, or its beginning.
    pub kind: Option<String>,
    /// From this time on, UTC milliseconds.
    pub from_ms: Option<i64>,
    /// Before this time.
    pub until_ms: Option<i64>,
    /// Only refusals.
    pub refused: bool,
    /// Before this index.
    pub before: Option<i64>,
}

/// A page of the log: what was done, never a value.
pub struct Lines {
    /// Shard of the entries.
    pub shard: i64,
    /// Entries, newest first.
    pub entries: Vec<Entry>,
    /// Case numbers by handle, for the handles on this page that are cases.
    pub numbers: HashMap<String, String>,
    /// Whether there are older ones.
    pub more: bool,
    /// Index of the entry that records this reading.
    pub index: String,
}

/// Why nothing was shown.
#[derive(Debug, thiserror::Error)]
pub enum SearchLogError {
    /// A fault of the house, or a role that does not read the log.
    #[error(transparent)]
    Act(#[from] CaseActError),
    /// There is no case with this number.
    #[error("no such case number")]
    NoSuchCase,
    /// Nobody has this staff code: an empty list would say that somebody did nothing.
    #[error("no such staff code")]
    NoSuchStaff,
}

impl From<Failure> for SearchLogError {
    fn from(failure: Failure) -> Self {
        Self::Act(failure.into())
    }
}

/// Searches the log.
pub async fn search_log(app: &App, actor: &Actor, query: Query) -> Result<Lines, SearchLogError> {
    let permit = reading::permitted(app, actor, Action::ReadLog).await?;
    let number = query.case_number.clone();
    let staff = query.actor.clone();
    let (handles, known) = app
        .read(move |app, connection| {
            let handles = match number {
                None => Some(None),
                Some(number) => handles_of(app, connection, &number)?.map(Some),
            };
            Ok((handles, staff.map_or(Ok(true), |code| is_known(connection, &code))?))
        })
        .await
        .map_err(Failure::from)?;
    let handles = handles.ok_or(SearchLogError::NoSuchCase)?;
    if !known {
        return Err(SearchLogError::NoSuchStaff);
    }
    let mut entry = actor.permitted("log.view", &permit).purpose("audit");
    for handle in handles.iter().flatten() {
        entry = entry.about(*handle);
    }
    let Some(receipts) = reading::record(app, Some(permit.rights()), entry).await? else {
        app.sessions.forget(&actor.session);
        return Err(Failure::Busy.into());
    };
    let index = reading::index(&receipts);
    let filter = Filter {
        handles: handles.map(|handles| handles.iter().map(|handle| handle.0.to_vec()).collect()),
        actor: query.actor,
        kind: query.kind,
        from_ms: query.from_ms,
        until_ms: query.until_ms,
        refused: query.refused,
        orgs: None,
        before: query.before,
    };
    let (shard, mut rows, numbers) = app
        .read(move |app, connection| {
            let shard = log_rows::head(connection)?.shard;
            let rows = log_rows::search(connection, shard, &filter, PAGE + 1)?;
            let numbers = numbers(app, connection, &rows)?;
            Ok((shard, rows, numbers))
        })
        .await
        .map_err(Failure::from)?;
    let most = usize::try_from(PAGE).unwrap_or(usize::MAX);
    let more = rows.len() > most;
    rows.truncate(most);
    let entries: Result<Vec<Entry>, _> = rows.iter().map(|row| Entry::parse(&row.bytes)).collect();
    let entries = entries.map_err(|error| Failure::Internal(Some(error.into())))?;
    Ok(Lines {
        shard,
        entries,
        numbers,
        more,
        index,
    })
}

/// Under which the house itself acts, besides members of staff.
pub const OF_THE_HOUSE: [&str; 4] = ["system", "operator", "custodian", "unknown"];

/// Whether somebody has this staff code, or the house itself acts under it.
fn is_known(connection: &mut crate::storage::connection::AnyConnection, code: &str) -> Result<bool, StorageError> {
    if OF_THE_HOUSE.contains(&code) {
        return Ok(true);
    }
    let found = account::table.filter(account::code.eq(code.to_owned()));
    Ok(diesel::select(diesel::dsl::exists(found)).get_result(connection)?)
}

type Handles = Vec<ledger::vault::associated::Handle>;

/// The handles of a case and of its person.
fn handles_of(
    app: &App,
    connection: &mut crate::storage::connection::AnyConnection,
    number: &str,
) -> Result<Option<Handles>, StorageError> {
    let found: Option<CaseRow> = case_file::table
        .filter(case_file::number.eq(number))
        .select(CaseRow::as_select())
        .first(connection)
        .optional()?;
    let Some(case) = found else { return Ok(None) };
    let case = case.trusted(&app.keyring)?;
    let keys = owners::open(app, &[&case.owner_id, &case.person_owner_id])?;
    Ok(Some(keys.into_iter().flatten().map(|keys| keys.handle()).collect()))
}

/// Case numbers for the handles of a page: the key plane ties a handle to an owner, so newest cases are tried first.
fn numbers(
    app: &App,
    connection: &mut crate::storage::connection::AnyConnection,
    rows: &[EntryRow],
) -> Result<HashMap<String, String>, StorageError> {
    let wanted: std::collections::HashSet<String> = rows
        .iter()
        .filter_map(|row| Entry::parse(&row.bytes).ok())
        .flat_map(|entry| entry.h.listed().to_vec())
        .collect();
    app.case_names.resolve(app, connection, &wanted)
}
