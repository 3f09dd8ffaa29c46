//! Sealed sections as rows: every version is kept, the highest is the current one.

use diesel::prelude::*;
use ledger::vault::associated::{Handle, Place};
use ledger::{Sealed, Section};

use super::StorageError;
use super::classification;
use super::connection::{AnyConnection, MultiBackend};
use super::schema::sealed_value;

/// A sealed section with its place; what is inside is known by the group only.
#[derive(Queryable, Selectable, Insertable, Clone)]
#[diesel(table_name = sealed_value)]
pub struct SealedRow {
    /// The record it belongs to: a case, a person, a draft, a referral.
    pub record_id: Vec<u8>,
    /// Group.
    pub group_no: i16,
    /// Version, from 1.
    pub version: i64,
    /// Owner whose key sealed it.
    pub owner_id: Vec<u8>,
    /// Ciphertext.
    pub value: Vec<u8>,
    /// When.
    pub saved_at: i64,
    /// Account.
    pub saved_by: Vec<u8>,
}

impl SealedRow {
    /// The typed sealed value.
    pub fn sealed<S: Section>(&self, handle: Handle) -> Result<Sealed<S>, StorageError> {
        let version = u64::try_from(self.version).map_err(|_| StorageError::Inconsistent("version"))?;
        Ok(Sealed::from_stored(
            handle,
            place(&self.record_id, version)?,
            self.value.clone(),
        ))
    }
}

/// The place of a version of a record, for its associated data.
pub fn place(record_id: &[u8], version: u64) -> Result<Place, StorageError> {
    let (table, column) = classification::numbers("sealed_value", "value");
    let row = record_id
        .try_into()
        .map_err(|_| StorageError::Inconsistent("record id"))?;
    Ok(Place {
        table,
        column,
        row,
        version,
    })
}

/// Only the highest version of a record's group; earlier ones stay where they are.
const NEWEST: &str = "version = (SELECT max(version) FROM sealed_value AS newer \
    WHERE newer.record_id = sealed_value.record_id AND newer.group_no = sealed_value.group_no)";

/// The current version of every group of these records, or of these groups only.
pub fn current(
    connection: &mut AnyConnection,
    records: &[&[u8]],
    groups: Option<&[i16]>,
) -> Result<Vec<SealedRow>, StorageError> {
    let mut query = sealed_value::table
        .filter(sealed_value::record_id.eq_any(records.iter().map(|record| record.to_vec()).collect::<Vec<_>>()))
        .filter(diesel::dsl::sql::<diesel::sql_types::Bool>(NEWEST))
        .select(SealedRow::as_select())
        .into_boxed::<MultiBackend>();
    if let Some(groups) = groups {
        query = query.filter(sealed_value::group_no.eq_any(groups.to_vec()));
    }
    Ok(query.load(connection)?)
}

/// Version of a group now; 0 when there is none.
pub fn version(connection: &mut AnyConnection, record: &[u8], group: i16) -> Result<i64, StorageError> {
    Ok(sealed_value::table
        .filter(
            sealed_value::record_id
                .eq(record.to_vec())
                .and(sealed_value::group_no.eq(group)),
        )
        .select(diesel::dsl::max(sealed_value::version))
        .first::<Option<i64>>(connection)?
        .unwrap_or(0))
}

/// Stores a version; a version that exists already is a unique violation.
pub fn insert(connection: &mut AnyConnection, row: &SealedRow) -> Result<(), StorageError> {
    diesel::insert_into(sealed_value::table)
        .values(row)
        .execute(connection)?;
    Ok(())
}

/// Drops all versions of a draft; the groups of people have positive numbers and are never dropped.
pub fn delete_draft(connection: &mut AnyConnection, draft: &[u8]) -> Result<(), StorageError> {
    let own = sealed_value::record_id
        .eq(draft.to_vec())
        .and(sealed_value::group_no.lt(0_i16));
    diesel::delete(sealed_value::table.filter(own)).execute(connection)?;
    Ok(())
}
