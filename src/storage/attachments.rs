//! Files of cases as rows: the sealed record here, the sealed content in the store of objects.

use diesel::prelude::*;
use ledger::vault::associated::{Handle, Place};
use ledger::{FileId, SealedFile};

use super::StorageError;
use super::classification;
use super::connection::AnyConnection;
use super::schema::attachment;
use crate::domain::group::Group;

/// A file that is kept as it came; its place binds case, group and name, so no MAC is needed.
#[derive(Queryable, Selectable, Insertable, Clone)]
#[diesel(table_name = attachment)]
pub struct AttachmentRow {
    /// Row id.
    pub id: Vec<u8>,
    /// Its name in addresses, in the log and in the store.
    pub public_id: Vec<u8>,
    /// Case.
    pub case_id: Vec<u8>,
    /// Group that decides who opens it.
    pub group_no: i16,
    /// Owner whose key seals it.
    pub owner_id: Vec<u8>,
    /// Version of that key.
    pub key_version: i64,
    /// Sealed record.
    pub record: Vec<u8>,
    /// Sealed bytes of the content.
    pub size: i64,
    /// SHA-256 of the sealed content.
    pub digest: Vec<u8>,
    /// When.
    pub saved_at: i64,
    /// Account.
    pub saved_by: Vec<u8>,
}

/// What of an attachment is sealed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The file itself.
    Content,
    /// Its name, kind and picture.
    Record,
}

/// The sealed file of an attachment, as vault and log know it.
#[must_use]
pub fn file_id(handle: Handle, name: [u8; 16], group: Group, part: Part) -> FileId {
    let (table, record) = classification::numbers("attachment", "record");
    let (column, what) = match part {
        Part::Content => (CONTENT, "attachment"),
        Part::Record => (record, "attachment-record"),
    };
    FileId {
        handle,
        place: Place {
            table,
            column,
            row: name,
            version: 1,
        },
        group: group.id(),
        what,
    }
}

/// Column number of the content, which is in no table.
const CONTENT: u16 = 100;

impl AttachmentRow {
    /// Its name.
    pub fn name(&self) -> Result<[u8; 16], StorageError> {
        let name = self.public_id.as_slice().try_into();
        name.map_err(|_| StorageError::Inconsistent("name of an attachment"))
    }

    /// Its group.
    pub fn group(&self) -> Result<Group, StorageError> {
        let group = u16::try_from(self.group_no).ok().and_then(Group::from_number);
        group.ok_or(StorageError::Inconsistent("group of an attachment"))
    }

    /// A sealed part of it.
    pub fn sealed(&self, handle: Handle, part: Part) -> Result<SealedFile, StorageError> {
        let id = file_id(handle, self.name()?, self.group()?, part);
        let (length, digest) = match part {
            Part::Record => (self.record.len() as u64, ledger::sha256(&self.record)),
            Part::Content => {
                let damaged = || StorageError::Inconsistent("size or digest of an attachment");
                let digest = self.digest.as_slice().try_into().map_err(|_| damaged())?;
                (u64::try_from(self.size).map_err(|_| damaged())?, digest)
            }
        };
        Ok(SealedFile::from_stored(id, length, digest))
    }
}

/// Files of a case, newest first.
pub fn of_case(connection: &mut AnyConnection, case_id: &[u8]) -> Result<Vec<AttachmentRow>, StorageError> {
    Ok(attachment::table
        .filter(attachment::case_id.eq(case_id.to_vec()))
        .order((attachment::saved_at.desc(), attachment::id.desc()))
        .select(AttachmentRow::as_select())
        .load(connection)?)
}

/// How many files a case has.
pub fn count(connection: &mut AnyConnection, case_id: &[u8]) -> Result<i64, StorageError> {
    let of_case = attachment::table.filter(attachment::case_id.eq(case_id.to_vec()));
    Ok(of_case.count().get_result(connection)?)
}

/// Stores a row.
pub fn insert(connection: &mut AnyConnection, row: &AttachmentRow) -> Result<(), StorageError> {
    diesel::insert_into(attachment::table).values(row).execute(connection)?;
    Ok(())
}

/// Name, sealed bytes and SHA-256 of a file, as its row says.
pub type Known = (Vec<u8>, i64, Vec<u8>);

/// Every file that there is.
pub fn all(connection: &mut AnyConnection) -> Result<Vec<Known>, StorageError> {
    Ok(attachment::table
        .order(attachment::public_id)
        .select((attachment::public_id, attachment::size, attachment::digest))
        .load(connection)?)
}

/// Names of the files that these owners' keys open.
pub fn of_owners(connection: &mut AnyConnection, owners: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, StorageError> {
    Ok(attachment::table
        .filter(attachment::owner_id.eq_any(owners.to_vec()))
        .select(attachment::public_id)
        .load(connection)?)
}

/// Sealed records of the files that these owners' keys open.
pub fn records_of(connection: &mut AnyConnection, owners: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, StorageError> {
    Ok(attachment::table
        .filter(attachment::owner_id.eq_any(owners.to_vec()))
        .select(attachment::record)
        .load(connection)?)
}

/// SHA-256 of every sealed record and every sealed content that there is.
pub fn hashes(connection: &mut AnyConnection) -> Result<Vec<[u8; 32]>, StorageError> {
    let rows: Vec<(Vec<u8>, Vec<u8>)> = attachment::table
        .select((attachment::record, attachment::digest))
        .load(connection)?;
    let both = |(record, digest): (Vec<u8>, Vec<u8>)| [Some(ledger::sha256(&record)), digest.try_into().ok()];
    Ok(rows.into_iter().flat_map(both).flatten().collect())
}

/// Whether there is a file of this name.
pub fn exists(connection: &mut AnyConnection, name: &[u8]) -> Result<bool, StorageError> {
    let named = attachment::table.filter(attachment::public_id.eq(name.to_vec()));
    Ok(diesel::select(diesel::dsl::exists(named)).get_result(connection)?)
}
