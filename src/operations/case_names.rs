//! Which case a log handle belongs to: in memory only, because the key plane alone may tie the two together.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use diesel::prelude::*;
use ledger::b64u;

use super::owners;
use crate::app::App;
use crate::storage::StorageError;
use crate::storage::connection::AnyConnection;
use crate::storage::schema::{case_file, person};

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
            let cases: Vec<(String, Vec<u8>, Vec<u8>, i64)> = case_file::table
                .inner_join(person::table)
                .filter(case_file::opened_at.ge(known.until))
                .select((
                    case_file::number,
                    case_file::owner_id,
                    person::owner_id,
                    case_file::opened_at,
                ))
                .load(connection)?;
            for chunk in cases.chunks(200) {
                let ids: Vec<&[u8]> = chunk
                    .iter()
                    .flat_map(|(_, case, person, _)| [case.as_slice(), person.as_slice()])
                    .collect();
                let keys = owners::open(app, &ids)?;
                for ((number, .., opened_at), pair) in chunk.iter().zip(keys.chunks(2)) {
                    for keys in pair.iter().flatten() {
                        known.numbers.insert(b64u(&keys.handle().0), number.clone());
                    }
                    known.until = known.until.max(*opened_at);
                }
            }
        }
        Ok(wanted
            .iter()
            .filter_map(|handle| known.numbers.get(handle).map(|number| (handle.clone(), number.clone())))
            .collect())
    }
}
