//! The register of key packages: copies of the key plane that left this machine, each with a number.

use diesel::prelude::*;

use super::StorageError;
use super::connection::AnyConnection;
use super::schema::key_package;

/// Most packages that may exist at a time: the current one and the one before.
pub const MOST: usize = 2;

/// A package.
#[derive(Queryable, Selectable, Insertable, Clone)]
#[diesel(table_name = key_package)]
pub struct PackageRow {
    /// Number, from 1.
    pub number: i64,
    /// SHA-256 of the file.
    pub digest: Vec<u8>,
    /// When it was made, UTC milliseconds.
    pub made_at: i64,
    /// When it was attested as destroyed.
    pub destroyed_at: Option<i64>,
    /// Staff code of whoever attested that.
    pub destroyed_by: Option<String>,
}

/// All packages ever made, oldest first.
pub fn list(connection: &mut AnyConnection) -> Result<Vec<PackageRow>, StorageError> {
    Ok(key_package::table
        .order(key_package::number)
        .select(PackageRow::as_select())
        .load(connection)?)
}

/// Registers a package.
pub fn insert(connection: &mut AnyConnection, row: &PackageRow) -> Result<(), StorageError> {
    diesel::insert_into(key_package::table)
        .values(row)
        .execute(connection)?;
    Ok(())
}

/// Records who attests that a package is destroyed; `false` when there is none of this number or it is attested already.
pub fn destroyed(connection: &mut AnyConnection, number: i64, by: &str, now_ms: i64) -> Result<bool, StorageError> {
    let there = key_package::table
        .find(number)
        .filter(key_package::destroyed_at.is_null());
    let changed = diesel::update(there)
        .set((
            key_package::destroyed_at.eq(Some(now_ms)),
            key_package::destroyed_by.eq(Some(by)),
        ))
        .execute(connection)?;
    Ok(changed == 1)
}
