//! Recomputes a shard from its raw entries: order, numbers, time, canonical form, root.

use super::LogError;
use super::entry::Entry;
use super::tree::{Frontier, Hash, leaf_hash};

/// A running check, one entry after the other.
#[derive(Default)]
pub struct Verifier {
    frontier: Frontier,
    last_ms: i64,
}

/// The first thing that is wrong.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The bytes are not a canonical entry.
    #[error("entry {0} is not a canonical entry")]
    Entry(u64),
    /// The number inside is not the number of its place.
    #[error("entry {0} carries another number")]
    Number(u64),
    /// The time runs backwards.
    #[error("entry {0} is older than the one before it")]
    Time(u64),
}

impl Verifier {
    /// Takes the next entry and returns what it says.
    pub fn next(&mut self, bytes: &[u8]) -> Result<(Entry, Hash), Fault> {
        let at = self.frontier.size();
        let entry = Entry::parse(bytes).map_err(|_: LogError| Fault::Entry(at))?;
        if entry.i != at {
            return Err(Fault::Number(at));
        }
        if entry.t < self.last_ms {
            return Err(Fault::Time(at));
        }
        self.last_ms = entry.t;
        let leaf = leaf_hash(bytes);
        self.frontier.append(leaf);
        Ok((entry, leaf))
    }

    /// The tree so far.
    #[must_use]
    pub fn frontier(&self) -> &Frontier {
        &self.frontier
    }
}
