//! A copy of the embedded database, and the raw entries that are put behind its log.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use diesel::prelude::*;
use ledger::Stored;
use ledger::log::entry::Entry;
use ledger::log::tree::leaf_hash;
use ledger::vault::associated::Handle;

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
    Ok(super::dialect::copy_to(connection, path)?)
}

/// Makes a copy one file again: what was written to it leaves its write-ahead log.
pub fn settle(connection: &mut AnyConnection) -> Result<(), StorageError> {
    super::dialect::empty_log(connection)
}

/// Puts raw entries behind the log, each exactly where the one before it ends, and ends every session; all of it or nothing.
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
/// Every version of every group is kept, so each hash in the log before a copy must be found in it; drafts, erased owners, and what
/// a restore before has named as lost aside.
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
    let mut named: Vec<std::ops::Range<u64>> = Vec::new();
    let mut removed: HashSet<String> = HashSet::new();
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
            if ERASING.contains(&entry.k.as_str()) {
                erased.extend(entry.h.listed().iter().cloned());
            }
            if entry.k == "order.agree" {
                removed.extend(
                    entry
                        .f
                        .iter()
                        .filter_map(|field| Some(field.strip_prefix(REMOVED)?.to_owned())),
                );
            }
            if entry.k == "backup.restore" {
                named.extend(restored(&entry));
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
            write.g != "draft"
                && !removed.contains(&write.s)
                && !erased.contains(&write.h)
                && !hash.is_some_and(|hash| there.contains(&hash))
        });
        if lost && !named.iter().any(|range| range.contains(&index)) {
            missing.entry(entry.k).or_default().push(index);
        }
    }
    Ok(missing)
}

/// Before the hash, in an entry, of a value that gave way to the one that the entry writes.
pub const REMOVED: &str = "removed-";

/// Kinds of entries that name the handles of whom they erase.
pub const ERASING: [&str; 2] = ["order.start", "order.repeat"];

/// The entries of which a restore said that only they are left: those from the mirror, and those that the backup lacked.
fn restored(entry: &Entry) -> Vec<std::ops::Range<u64>> {
    let after = |prefix: &str| -> Vec<u64> {
        let fields = entry.f.iter();
        fields
            .filter_map(|field| field.strip_prefix(prefix)?.parse().ok())
            .collect()
    };
    let mirrored = after("from-").into_iter().zip(after("to-")).map(|(from, to)| from..to);
    let lost = after("lost-").into_iter().map(|index| index..index + 1);
    mirrored.chain(lost).collect()
}

/// Under which handles the log tells of the values of these owners; for owners whose keys, which hold the handle, are gone already.
pub fn handles_of(connection: &mut AnyConnection, owners: &[Vec<u8>]) -> Result<Vec<Handle>, StorageError> {
    let values: Vec<Vec<u8>> = sealed_value::table
        .filter(sealed_value::owner_id.eq_any(owners.to_vec()))
        .select(sealed_value::value)
        .load(connection)?;
    let mut hashes: HashSet<String> = values
        .iter()
        .map(|value| ledger::b64u(&ledger::sha256(value)))
        .collect();
    hashes.extend(
        attachments::records_of(connection, owners)?
            .iter()
            .map(|record| ledger::b64u(&ledger::sha256(record))),
    );
    let shard = log_rows::head(connection)?.shard;
    let (mut found, mut from) = (BTreeSet::new(), 0);
    loop {
        let rows = log_rows::from_index(connection, shard, from, STRIDE)?;
        let Some(last) = rows.last() else { break };
        from = last.idx + 1;
        for row in &rows {
            let writes = Entry::parse(&row.bytes)?.w;
            found.extend(
                writes
                    .into_iter()
                    .filter(|write| hashes.contains(&write.s))
                    .map(|write| write.h),
            );
        }
    }
    let handle = |text: String| Some(Handle(ledger::from_b64u(&text)?.try_into().ok()?));
    Ok(found.into_iter().filter_map(handle).collect())
}
