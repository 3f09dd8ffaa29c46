//! The access log as rows: head, raw entries, and the filter columns that are a projection of the raw bytes.

use std::collections::HashSet;

use diesel::prelude::*;
use ledger::log::commit::Head;
use ledger::log::entry::Entry;
use ledger::log::tree::Frontier;
use ledger::{Stored, from_b64u};

use super::StorageError;
use super::connection::{AnyConnection, MultiBackend};
use super::schema::{log_checkpoint, log_entry, log_head, log_note, log_subject};

/// The one row of the head.
#[derive(Queryable, Selectable, Clone)]
#[diesel(table_name = log_head)]
pub struct HeadRow {
    /// Number of the shard.
    pub shard: i64,
    /// Number of entries.
    pub size: i64,
    /// Roots of the perfect subtrees.
    pub frontier: Vec<u8>,
    /// Time of the last entry.
    pub last_ms: i64,
    /// Grows with every act that takes a right away.
    pub rights_version: i64,
}

impl HeadRow {
    /// The head as the ledger wants it.
    pub fn to_head(&self) -> Result<Head, StorageError> {
        let size = u64::try_from(self.size).map_err(|_| StorageError::Inconsistent("log size"))?;
        let shard = u32::try_from(self.shard).map_err(|_| StorageError::Inconsistent("log shard"))?;
        Ok(Head {
            shard,
            frontier: Frontier::from_bytes(size, &self.frontier)?,
            last_ms: self.last_ms,
        })
    }
}

/// The columns that filters use; always made from the entry, never set by hand.
#[derive(Insertable, Queryable, Selectable, PartialEq, Eq, Clone, Debug)]
#[diesel(table_name = log_entry, treat_none_as_default_value = false)]
pub struct EntryRow {
    /// Number of the shard.
    pub shard: i64,
    /// Index in the shard.
    pub idx: i64,
    /// The exact bytes.
    pub bytes: Vec<u8>,
    /// Leaf hash.
    pub leaf: Vec<u8>,
    /// Time.
    pub at_ms: i64,
    /// Kind.
    pub kind: String,
    /// Staff code.
    pub actor: String,
    /// Organisation as then.
    pub org: Option<String>,
    /// Purpose.
    pub purpose: Option<String>,
    /// Whether it records a refusal.
    pub refused: bool,
    /// Request id.
    pub request: Vec<u8>,
}

impl EntryRow {
    /// Projects an entry; the same function writes, verifies and rebuilds.
    pub fn project(shard: u32, entry: &Entry, bytes: Vec<u8>, leaf: [u8; 32]) -> Result<Self, StorageError> {
        let damaged = StorageError::Inconsistent("an entry of the log is out of range");
        Ok(Self {
            shard: i64::from(shard),
            idx: i64::try_from(entry.i).map_err(|_| damaged)?,
            bytes,
            leaf: leaf.to_vec(),
            at_ms: entry.t,
            kind: entry.k.clone(),
            actor: entry.a.clone(),
            org: entry.org.clone(),
            purpose: entry.p.clone(),
            refused: entry.d.first().is_some_and(|word| word == "deny"),
            request: from_b64u(&entry.q).unwrap_or_default(),
        })
    }
}

/// So many owners of an entry are inserted one by one.
const FEW: usize = 4;

/// The owners that an entry names, as bytes.
#[must_use]
pub fn subjects(entry: &Entry) -> Vec<Vec<u8>> {
    entry.h.listed().iter().filter_map(|handle| from_b64u(handle)).collect()
}

/// Stores a numbered entry with its projection.
pub fn insert(connection: &mut AnyConnection, stored: Stored) -> Result<(), StorageError> {
    let handles = subjects(&stored.entry);
    let row = EntryRow::project(stored.shard, &stored.entry, stored.bytes, stored.leaf)?;
    // One owner after the other is a prepared statement; a list of many is quicker as one that is not.
    if handles.len() > FEW {
        super::dialect::insert_subjects(connection, row.shard, row.idx, &handles)?;
    } else {
        for handle in handles {
            diesel::insert_into(log_subject::table)
                .values((
                    log_subject::handle.eq(handle),
                    log_subject::shard.eq(row.shard),
                    log_subject::idx.eq(row.idx),
                ))
                .execute(connection)?;
        }
    }
    diesel::insert_into(log_entry::table).values(&row).execute(connection)?;
    Ok(())
}

/// Stores the head after a batch.
pub fn save_head(connection: &mut AnyConnection, head: &Head, rights_version: i64) -> Result<(), StorageError> {
    let size = i64::try_from(head.frontier.size()).map_err(|_| StorageError::Inconsistent("log size"))?;
    let changed = diesel::update(log_head::table)
        .set((
            log_head::size.eq(size),
            log_head::frontier.eq(head.frontier.to_bytes()),
            log_head::last_ms.eq(head.last_ms),
            log_head::rights_version.eq(rights_version),
        ))
        .execute(connection)?;
    if changed == 1 {
        Ok(())
    } else {
        Err(StorageError::Inconsistent("the log has no head"))
    }
}

/// Starts the log of a new deployment.
pub fn start(connection: &mut AnyConnection, shard: u32) -> Result<(), StorageError> {
    diesel::insert_into(log_head::table)
        .values((
            log_head::id.eq(1_i16),
            log_head::shard.eq(i64::from(shard)),
            log_head::size.eq(0_i64),
            log_head::frontier.eq(Vec::<u8>::new()),
            log_head::last_ms.eq(0_i64),
            log_head::rights_version.eq(1_i64),
        ))
        .execute(connection)?;
    Ok(())
}

/// The head without a lock, for readers.
pub fn head(connection: &mut AnyConnection) -> Result<HeadRow, StorageError> {
    Ok(log_head::table.select(HeadRow::as_select()).first(connection)?)
}

/// Entries of a shard from an index on, in order.
pub fn from_index(
    connection: &mut AnyConnection,
    shard: i64,
    from: i64,
    most: i64,
) -> Result<Vec<EntryRow>, StorageError> {
    Ok(log_entry::table
        .filter(log_entry::shard.eq(shard).and(log_entry::idx.ge(from)))
        .order(log_entry::idx)
        .limit(most)
        .select(EntryRow::as_select())
        .load(connection)?)
}

/// Entries of these kinds, oldest first.
pub fn of_kinds(connection: &mut AnyConnection, kinds: &[&str]) -> Result<Vec<Entry>, StorageError> {
    let rows: Vec<Vec<u8>> = log_entry::table
        .filter(log_entry::kind.eq_any(kinds.iter().map(|kind| (*kind).to_owned())))
        .order((log_entry::shard, log_entry::idx))
        .select(log_entry::bytes)
        .load(connection)?;
    rows.iter().map(|bytes| Ok(Entry::parse(bytes)?)).collect()
}

/// The subjects stored for an entry, sorted.
pub fn stored_subjects(connection: &mut AnyConnection, shard: i64, idx: i64) -> Result<Vec<Vec<u8>>, StorageError> {
    Ok(log_subject::table
        .filter(log_subject::shard.eq(shard).and(log_subject::idx.eq(idx)))
        .order(log_subject::handle)
        .select(log_subject::handle)
        .load(connection)?)
}

/// Stores a sealed note under the hash that its entry names.
pub fn insert_note(connection: &mut AnyConnection, id: &[u8; 16], sealed: &[u8]) -> Result<(), diesel::result::Error> {
    diesel::insert_into(log_note::table)
        .values((
            log_note::hash.eq(ledger::sha256(sealed).to_vec()),
            log_note::id.eq(id.to_vec()),
            log_note::sealed.eq(sealed.to_vec()),
        ))
        .execute(connection)
        .map(drop)
}

/// Whether no log was begun yet.
pub fn is_new(connection: &mut AnyConnection) -> QueryResult<bool> {
    let heads: i64 = log_head::table.count().get_result(connection)?;
    Ok(heads == 0)
}

/// Ids of the keys under which log notes are sealed.
pub fn note_keys(connection: &mut AnyConnection) -> Result<HashSet<u32>, StorageError> {
    let (mut keys, mut after) = (HashSet::new(), Vec::new());
    loop {
        let rows: Vec<(Vec<u8>, Vec<u8>)> = log_note::table
            .filter(log_note::hash.gt(after.clone()))
            .order(log_note::hash)
            .limit(2000)
            .select((log_note::hash, log_note::sealed))
            .load(connection)?;
        let Some((last, _)) = rows.last() else {
            return Ok(keys);
        };
        after.clone_from(last);
        // The prefix of Tink: one byte, then the id.
        let id = |sealed: &Vec<u8>| Some(u32::from_be_bytes(*sealed.get(1..)?.first_chunk()?));
        keys.extend(rows.iter().filter_map(|(_, sealed)| id(sealed)));
    }
}

/// Keeps a signed checkpoint; one that is there already stays.
pub fn insert_checkpoint(
    connection: &mut AnyConnection,
    shard: i64,
    size: i64,
    note: &str,
) -> Result<(), StorageError> {
    let there: i64 = log_checkpoint::table
        .find((shard, size))
        .count()
        .get_result(connection)?;
    if there == 0 {
        diesel::insert_into(log_checkpoint::table)
            .values((
                log_checkpoint::shard.eq(shard),
                log_checkpoint::size.eq(size),
                log_checkpoint::note.eq(note),
            ))
            .execute(connection)?;
    }
    Ok(())
}

/// Signed checkpoints of a shard by rising size.
pub fn checkpoints(connection: &mut AnyConnection, shard: i64) -> Result<Vec<(i64, String)>, StorageError> {
    Ok(log_checkpoint::table
        .filter(log_checkpoint::shard.eq(shard))
        .order(log_checkpoint::size)
        .select((log_checkpoint::size, log_checkpoint::note))
        .load(connection)?)
}

/// What an auditor filters by; everything empty means all.
#[derive(Default, Clone)]
pub struct Filter {
    /// Handles of one case and its person.
    pub handles: Option<Vec<Vec<u8>>>,
    /// Staff code.
    pub actor: Option<String>,
    /// Kind or its beginning.
    pub kind: Option<String>,
    /// From this time on, UTC milliseconds.
    pub from_ms: Option<i64>,
    /// Before this time.
    pub until_ms: Option<i64>,
    /// Only refusals.
    pub refused: bool,
    /// Only organisations under the mandate.
    pub orgs: Option<Vec<String>>,
    /// Before this index, for the next page.
    pub before: Option<i64>,
}

/// Entries that match, newest first.
pub fn search(
    connection: &mut AnyConnection,
    shard: i64,
    filter: &Filter,
    most: i64,
) -> Result<Vec<EntryRow>, StorageError> {
    let mut query = log_entry::table
        .filter(log_entry::shard.eq(shard))
        .select(EntryRow::as_select())
        .order(log_entry::idx.desc())
        .limit(most)
        .into_boxed::<MultiBackend>();
    if let Some(handles) = &filter.handles {
        let named = log_subject::table
            .filter(
                log_subject::shard
                    .eq(shard)
                    .and(log_subject::handle.eq_any(handles.clone())),
            )
            .select(log_subject::idx);
        query = query.filter(log_entry::idx.eq_any(named));
    }
    if let Some(actor) = &filter.actor {
        query = query.filter(log_entry::actor.eq(actor.clone()));
    }
    if let Some(kind) = &filter.kind {
        query = match kind.strip_suffix('.') {
            Some(_) => query.filter(log_entry::kind.like(format!("{kind}%"))),
            None => query.filter(log_entry::kind.eq(kind.clone())),
        };
    }
    if let Some(from) = filter.from_ms {
        query = query.filter(log_entry::at_ms.ge(from));
    }
    if let Some(until) = filter.until_ms {
        query = query.filter(log_entry::at_ms.lt(until));
    }
    if filter.refused {
        query = query.filter(log_entry::refused.eq(true));
    }
    if let Some(orgs) = &filter.orgs {
        query = query.filter(log_entry::org.eq_any(orgs.clone()).or(log_entry::org.is_null()));
    }
    if let Some(before) = filter.before {
        query = query.filter(log_entry::idx.lt(before));
    }
    Ok(query.load(connection)?)
}
