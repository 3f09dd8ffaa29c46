//! A copy of the embedded database, and the raw entries that are put behind its log.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::Text;
use ledger::Stored;
use ledger::log::entry::Entry;
use ledger::log::tree::leaf_hash;

use super::StorageError;
use super::attachments;
use super::connection::AnyConnection;
use super::log_rows;
use super::schema::{sealed_value, session};

/// Rows that are read at a time.
const STRIDE: i64 = 2000;

/// Writes the state of now into an empty file beside whoever reads and writes meanwhile; SQLite only.
pub fn copy_to(connection: &mut AnyConnection, file: &Path) -> Result<(), StorageError> {
    let path = file
        .to_str()
        .ok_or(StorageError::Inconsistent("the path of the copy is not text"))?;
    diesel::sql_query("VACUUM INTO ?")
        .bind::<Text, _>(path)
        .execute(connection)?;
    Ok(())
}

/// Makes a copy one file again: what was written to it leaves its write-ahead log.
pub fn settle(connection: &mut AnyConnection) -> Result<(), StorageError> {
    Ok(connection.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)")?)
}

/// Puts raw entries behind the log, each exactly where the one before it ends; all of them or none.
pub fn replay(connection: &mut AnyConnection, entries: &[Vec<u8>]) -> Result<(), StorageError> {
    connection.transaction(|connection| {
        let row = log_rows::head(connection)?;
        let mut head = row.to_head()?;
        for bytes in entries {
            let entry = Entry::parse(bytes)?;
            if entry.i != head.frontier.size() || entry.t < head.last_ms {
                return Err(StorageError::Inconsistent("the mirror does not continue this log"));
            }
            head.last_ms = entry.t;
            let leaf = leaf_hash(bytes);
            head.frontier.append(leaf);
            let stored = Stored {
                shard: head.shard,
                entry,
                bytes: bytes.clone(),
                leaf,
            };
            log_rows::insert(connection, stored)?;
        }
        // Nothing that was decided before counts any more, and everybody signs in again.
        log_rows::save_head(connection, &head, row.rights_version + 1)?;
        diesel::delete(session::table).execute(connection)?;
        Ok(())
    })
}

/// Writes of which the log tells and which no row holds: index of the entry by kind.
///
/// Every version of every group is kept, so each hash in the log before a copy must be found in it; drafts and erased owners aside.
pub fn missing_writes(connection: &mut AnyConnection, until: i64) -> Result<BTreeMap<String, Vec<u64>>, StorageError> {
    let mut there: HashSet<[u8; 32]> = HashSet::new();
    let (mut record, mut group, mut version) = (Vec::new(), 0_i16, 0_i64);
    loop {
        let later = sealed_value::version.gt(version);
        let later = sealed_value::group_no
            .gt(group)
            .or(sealed_value::group_no.eq(group).and(later));
        let same = sealed_value::record_id.eq(record.clone());
        let rows: Vec<(Vec<u8>, i16, i64, Vec<u8>)> = sealed_value::table
            .filter(sealed_value::record_id.gt(record.clone()).or(same.and(later)))
            .order((sealed_value::record_id, sealed_value::group_no, sealed_value::version))
            .select((
                sealed_value::record_id,
                sealed_value::group_no,
                sealed_value::version,
                sealed_value::value,
            ))
            .limit(STRIDE)
            .load(connection)?;
        there.extend(rows.iter().map(|(.., value)| ledger::sha256(value)));
        let Some(last) = rows.into_iter().next_back() else {
            break;
        };
        (record, group, version) = (last.0, last.1, last.2);
    }
    there.extend(attachments::hashes(connection)?);
    let shard = log_rows::head(connection)?.shard;
    let mut erased: HashSet<String> = HashSet::new();
    let mut written: Vec<(u64, Entry)> = Vec::new();
    let mut from = 0;
    while from < until {
        let rows = log_rows::from_index(connection, shard, from, STRIDE.min(until - from))?;
        if rows.is_empty() {
            break;
        }
        from += i64::try_from(rows.len()).unwrap_or(STRIDE);
        for row in rows {
            let entry = Entry::parse(&row.bytes)?;
            if entry.k == "order.start" {
                erased.extend(entry.h.listed().iter().cloned());
            }
            if !entry.w.is_empty() {
                written.push((entry.i, entry));
            }
        }
    }
    let mut missing: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for (index, entry) in written {
        let lost = entry.w.iter().any(|write| {
            let hash = ledger::from_b64u(&write.s).and_then(|hash| <[u8; 32]>::try_from(hash).ok());
            write.g != "draft" && !erased.contains(&write.h) && !hash.is_some_and(|hash| there.contains(&hash))
        });
        if lost {
            missing.entry(entry.k).or_default().push(index);
        }
    }
    Ok(missing)
}
