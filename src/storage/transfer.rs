//! Every row of one database in another, whatever kind each is: so a backup of PostgreSQL is a file like any other.

use std::collections::BTreeMap;

use diesel::Connection as _;

use super::StorageError;
use super::connection::AnyConnection;
use super::dialect::{self, Column, Plane};

/// Rows that are written at a time.
const STRIDE: usize = 200;

/// Copies the house of `from`, as it is at one moment, into `to`, which has its schema and no row; all of it or nothing. One of the two is embedded.
pub fn transfer(from: &mut AnyConnection, to: &mut AnyConnection) -> Result<(), StorageError> {
    if dialect::pending(from, Plane::House)? {
        return Err(StorageError::Inconsistent(
            "this database is older than the program; run `donghanh migrate` first",
        ));
    }
    let tables = in_order(if from.is_embedded() { from } else { to })?;
    to.transaction(|to| {
        from.snapshot(|from| {
            for columns in &tables {
                let mut rows = Vec::with_capacity(STRIDE);
                dialect::read_rows(from, columns, |row| {
                    rows.push(row);
                    if rows.len() == STRIDE {
                        dialect::write_rows(to, columns, &rows)?;
                        rows.clear();
                    }
                    Ok(())
                })?;
                if !rows.is_empty() {
                    dialect::write_rows(to, columns, &rows)?;
                }
            }
            Ok(())
        })
    })
}

/// The columns of every table, those first to which others refer.
fn in_order(embedded: &mut AnyConnection) -> Result<Vec<Vec<Column>>, StorageError> {
    let mut tables: BTreeMap<String, Vec<Column>> = BTreeMap::new();
    for column in dialect::columns(embedded)? {
        tables.entry(column.table_name.clone()).or_default().push(column);
    }
    let references = dialect::references(embedded)?;
    let mut ordered = Vec::with_capacity(tables.len());
    while !tables.is_empty() {
        let waits = |name: &str| {
            let mut parents = references.iter().filter(|reference| reference.table_name == name);
            parents.any(|reference| tables.contains_key(&reference.parent))
        };
        let ready: Vec<String> = tables.keys().filter(|name| !waits(name)).cloned().collect();
        if ready.is_empty() {
            return Err(StorageError::Inconsistent("tables refer to each other in a circle"));
        }
        ordered.extend(ready.iter().filter_map(|name| tables.remove(name)));
    }
    Ok(ordered)
}
