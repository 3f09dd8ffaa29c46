//! Sealed sections as rows: every version is kept, the highest is the current one.

use diesel::dsl::{exists, not};
use diesel::prelude::*;
use ledger::vault::associated::{Handle, Place};
use ledger::{Sealed, Section};

use super::StorageError;
use super::classification;
use super::connection::AnyConnection;
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

mod alias {
    use super::sealed_value;
    diesel::alias!(sealed_value as newer: Newer);
}
use alias::newer;

/// So many records are asked for one by one: a statement that lists them cannot be prepared once and kept.
const FEW: usize = 4;

/// The current version of every group of these records, or of these groups only.
pub fn current(
    connection: &mut AnyConnection,
    records: &[&[u8]],
    groups: Option<&[i16]>,
) -> Result<Vec<SealedRow>, StorageError> {
    let later = newer
        .filter(newer.field(sealed_value::record_id).eq(sealed_value::record_id))
        .filter(newer.field(sealed_value::group_no).eq(sealed_value::group_no))
        .filter(newer.field(sealed_value::version).gt(sealed_value::version));
    let query = sealed_value::table
        .filter(not(exists(later)))
        .select(SealedRow::as_select());
    let mut found: Vec<SealedRow> = if records.len() <= FEW {
        let mut found = Vec::new();
        for record in records {
            found.append(
                &mut query
                    .filter(sealed_value::record_id.eq(record.to_vec()))
                    .load(connection)?,
            );
        }
        found
    } else {
        let records: Vec<Vec<u8>> = records.iter().map(|record| record.to_vec()).collect();
        query.filter(sealed_value::record_id.eq_any(records)).load(connection)?
    };
    if let Some(groups) = groups {
        found.retain(|row| groups.contains(&row.group_no));
    }
    Ok(found)
}

/// Every version of a group of a record, newest first.
pub fn versions(connection: &mut AnyConnection, record: &[u8], group: i16) -> Result<Vec<SealedRow>, StorageError> {
    Ok(sealed_value::table
        .filter(sealed_value::record_id.eq(record.to_vec()))
        .filter(sealed_value::group_no.eq(group))
        .order(sealed_value::version.desc())
        .select(SealedRow::as_select())
        .load(connection)?)
}

/// Puts other bytes in the place of a version, once an order that names it is done; `false` when the version is not as it was read.
pub fn replace_value(connection: &mut AnyConnection, row: &SealedRow, value: &[u8]) -> Result<bool, StorageError> {
    let before = sealed_value::table
        .find((row.record_id.clone(), row.group_no, row.version))
        .filter(sealed_value::value.eq(row.value.clone()));
    Ok(diesel::update(before)
        .set(sealed_value::value.eq(value.to_vec()))
        .execute(connection)?
        == 1)
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

/// The accounts that wrote any version of a record.
pub fn authors(connection: &mut AnyConnection, record: &[u8]) -> Result<Vec<Vec<u8>>, StorageError> {
    Ok(sealed_value::table
        .filter(sealed_value::record_id.eq(record.to_vec()))
        .select(sealed_value::saved_by)
        .load(connection)?)
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
