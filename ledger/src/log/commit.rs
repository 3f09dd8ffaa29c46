//! Where entries become receipts. The one way to a receipt is [`commit`]; the one way to plaintext is a receipt.

use std::time::{Duration, Instant};

use super::LogError;
use super::entry::{Draft, Entry, Read};
use super::tree::{Frontier, Hash, leaf_hash};
use crate::vault::VaultError;
use crate::vault::associated::Handle;
use crate::vault::file::{FileOpener, SealedFile};
use crate::vault::owner::OwnerKeys;
use crate::vault::sealed::{self, Sealed, Section};

/// How long a receipt opens anything, in monotonic time.
pub const RECEIPT_LIFETIME: Duration = Duration::from_secs(60);

/// The head of a shard as read under the database's write lock.
pub struct Head {
    /// Number of the shard.
    pub shard: u32,
    /// The tree so far.
    pub frontier: Frontier,
    /// Time of the last entry, UTC milliseconds.
    pub last_ms: i64,
}

/// An entry with its number, ready to be stored.
pub struct Stored {
    /// Number of the shard.
    pub shard: u32,
    /// What it says; its filter columns are made from this.
    pub entry: Entry,
    /// The exact bytes.
    pub bytes: Vec<u8>,
    /// Its hash in the tree.
    pub leaf: Hash,
}

/// Numbers and hashes the entries of one transaction.
pub struct Sequencer {
    head: Option<Head>,
    now_ms: i64,
    node: String,
    receipts: Vec<Receipt>,
}

/// Proof that an entry is durable; opens what the entry names, for 60 seconds, and nothing else.
pub struct Receipt {
    shard: u32,
    first: u64,
    last: u64,
    at: Instant,
    reads: Vec<Read>,
}

/// A sealed value together with the receipt that covers it.
pub struct Grant<'a, G> {
    sealed: &'a Sealed<G>,
    receipt: &'a Receipt,
}

/// A sealed file together with the receipt that covers it.
pub struct FileGrant<'a> {
    file: &'a SealedFile,
    receipt: &'a Receipt,
}

/// Why a receipt does not cover a value.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum GrantError {
    /// Older than [`RECEIPT_LIFETIME`].
    #[error("the receipt has expired")]
    Expired,
    /// Another owner, group or version.
    #[error("the receipt does not name this value")]
    NotNamed,
}

/// Runs one database transaction and turns its entries into receipts once it has committed.
///
/// `transaction` must begin with [`Sequencer::begin`], store every [`Stored`] that [`Sequencer::append`] returns together with
/// the new head, and return `Ok` only when the database has said that the commit is durable.
/// Receipts come in the order of the calls of `append`.
pub fn commit<R, E>(transaction: impl FnOnce(&mut Sequencer) -> Result<R, E>) -> Result<(R, Vec<Receipt>), E> {
    let mut sequencer = Sequencer {
        head: None,
        now_ms: 0,
        node: String::new(),
        receipts: Vec::new(),
    };
    let reply = transaction(&mut sequencer)?;
    let at = Instant::now();
    for receipt in &mut sequencer.receipts {
        receipt.at = at;
    }
    Ok((reply, sequencer.receipts))
}

impl Sequencer {
    /// Starts from the head that was read under the write lock.
    pub fn begin(&mut self, head: Head, now_ms: i64, node: &str) {
        self.now_ms = now_ms.max(head.last_ms);
        self.head = Some(head);
        self.node = node.to_owned();
        self.receipts.clear();
    }

    /// Numbers a draft; more than 500 handles make several entries.
    pub fn append(&mut self, draft: Draft) -> Result<Vec<Stored>, LogError> {
        let head = self.head.as_mut().ok_or(LogError::Head)?;
        let (entries, mut reads) = draft.into_entries();
        if entries
            .iter()
            .any(|entry| entry.d.first().is_some_and(|word| word == "deny"))
        {
            reads.clear();
        }
        let first = head.frontier.size();
        let mut stored = Vec::with_capacity(entries.len());
        for mut entry in entries {
            entry.i = head.frontier.size();
            entry.t = self.now_ms;
            entry.n.clone_from(&self.node);
            let bytes = entry.to_bytes()?;
            let leaf = leaf_hash(&bytes);
            head.frontier.append(leaf);
            stored.push(Stored {
                shard: head.shard,
                entry,
                bytes,
                leaf,
            });
        }
        head.last_ms = self.now_ms;
        self.receipts.push(Receipt {
            shard: head.shard,
            first,
            last: head.frontier.size() - 1,
            at: Instant::now(),
            reads,
        });
        Ok(stored)
    }

    /// The head to store; `None` before [`Sequencer::begin`].
    #[must_use]
    pub fn head(&self) -> Option<&Head> {
        self.head.as_ref()
    }
}

impl Receipt {
    /// `2026/123`, or `2026/123-125` for a run: the value of `X-Log-Index`.
    #[must_use]
    pub fn index(&self) -> String {
        if self.first == self.last {
            format!("{}/{}", self.shard, self.first)
        } else {
            format!("{}/{}-{}", self.shard, self.first, self.last)
        }
    }

    /// Checks that this receipt names the owner, group and version of the value and has not expired.
    pub fn grant<'a, G: Section>(&'a self, sealed: &'a Sealed<G>) -> Result<Grant<'a, G>, GrantError> {
        let (handle, group, version) = (sealed.handle(), G::GROUP.number, sealed.place().version);
        self.covers(handle, group, version, None)?;
        Ok(Grant { sealed, receipt: self })
    }

    /// Checks that this receipt names the file and has not expired.
    pub fn grant_file<'a>(&'a self, file: &'a SealedFile) -> Result<FileGrant<'a>, GrantError> {
        let id = file.id();
        let name = id.name();
        self.covers(id.handle, id.group.number, id.place.version, Some(&name))?;
        Ok(FileGrant { file, receipt: self })
    }

    fn covers(&self, handle: Handle, group: u16, version: u64, file: Option<&str>) -> Result<(), GrantError> {
        let named = self.reads.iter().any(|read| {
            (read.handle, read.group, read.version, read.file.as_deref()) == (handle, group, version, file)
        });
        if !named {
            return Err(GrantError::NotNamed);
        }
        if self.at.elapsed() > RECEIPT_LIFETIME {
            return Err(GrantError::Expired);
        }
        Ok(())
    }
}

impl FileGrant<'_> {
    /// Opens the one file that the grant was made for; `header` is its first [`crate::vault::file::HEADER`] bytes.
    ///
    /// What was opened in time is read to its end, however slow the line is.
    pub fn open(self, keys: &OwnerKeys, header: &[u8]) -> Result<FileOpener, VaultError> {
        if self.receipt.at.elapsed() > RECEIPT_LIFETIME {
            return Err(VaultError::Locked);
        }
        FileOpener::new(keys, self.file, header)
    }
}

impl<G: Section> Grant<'_, G> {
    /// Opens the one value that the grant was made for.
    pub fn open(self, keys: &OwnerKeys) -> Result<G, VaultError> {
        if self.receipt.at.elapsed() > RECEIPT_LIFETIME {
            return Err(VaultError::Locked);
        }
        sealed::open(keys, self.sealed)
    }
}

#[cfg(test)]
mod tests;
