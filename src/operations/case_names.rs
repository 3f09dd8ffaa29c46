//! Which case a log handle belongs to: in memory only, because the key plane alone may tie the two together.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use diesel::prelude::*;
use ledger::b64u;

use super::owners;
use crate::app::App;
use crate::storage::StorageError;
use crate::storage::access_rows::{CaseRow, trusted};
use crate::storage::connection::AnyConnection;
use crate::storage::schema::case_file;

/// Handles met so far.
#[derive(Default)]
pub struct CaseNames(Mutex<Known>);

#[derive(Default)]
struct Known {
    numbers: HashMap<String, String>,
    until: i64,
}

impl CaseNames {
    /// Case numbers of these handles; a handle whose key was erased stays a handle.
    pub fn resolve(
        &self,
        app: &App,
        connection: &mut AnyConnection,
        wanted: &HashSet<String>,
    ) -> Result<HashMap<String, String>, StorageError> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if wanted.iter().any(|handle| !known.numbers.contains_key(handle)) {
            // A case is numbered when its form is prepared and committed a moment later, so the last hour is read again.
            let rows: Vec<CaseRow> = case_file::table
                .filter(case_file::opened_at.ge(known.until - 3_600_000))
                .select(CaseRow::as_select())
                .load(connection)?;
            let (cases, _) = trusted(rows, &app.keyring);
            for chunk in cases.chunks(200) {
                let ids: Vec<&[u8]> = chunk
                    .iter()
                    .flat_map(|case| [case.owner_id.as_slice(), case.person_owner_id.as_slice()])
                    .collect();
                let keys = owners::open(app, &ids)?;
                for (case, pair) in chunk.iter().zip(keys.chunks(2)) {
                    for keys in pair.iter().flatten() {
                        known.numbers.insert(b64u(&keys.handle().0), case.number.clone());
                    }
                    known.until = known.until.max(case.opened_at);
                }
            }
        }
        Ok(wanted
            .iter()
            .filter_map(|handle| known.numbers.get(handle).map(|number| (handle.clone(), number.clone())))
            .collect())
    }
}
