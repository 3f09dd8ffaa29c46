//! One entry with the proof that it is in the log: a C2SP `tlog-proof`, whose extra data are the raw bytes of the entry. Tells of no other entry.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::LogError;
use super::checkpoint::{Checkpoint, VerifierKey};
use super::proof::{inclusion, verify_inclusion};
use super::tree::{Hash, leaf_hash};

const FIRST: &str = "c2sp.org/tlog-proof@v1";
/// More steps than any tree of 2⁶³ leaves has.
const LONGEST: usize = 63;

/// A proof for one entry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TlogProof {
    /// The raw entry.
    pub entry: Vec<u8>,
    /// Its index.
    pub index: u64,
    path: Vec<Hash>,
    checkpoint: String,
}

impl TlogProof {
    /// The proof for the entry at an index, by the leaves of the tree that a signed checkpoint tells of; `None` outside of it.
    #[must_use]
    pub fn new(entry: Vec<u8>, index: u64, leaves: &[Hash], checkpoint: String) -> Option<Self> {
        let path = inclusion(leaves, usize::try_from(index).ok()?)?;
        Some(Self {
            entry,
            index,
            path,
            checkpoint,
        })
    }

    /// The text of a `.tlog-proof` file.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!(
            "{FIRST}\nextra {}\nindex {}\n",
            STANDARD.encode(&self.entry),
            self.index
        );
        for hash in &self.path {
            text.push_str(&STANDARD.encode(hash));
            text.push('\n');
        }
        text.push('\n');
        text.push_str(&self.checkpoint);
        text
    }

    /// Reads [`TlogProof::text`]; says nothing yet about whether it proves anything.
    pub fn parse(text: &str) -> Result<Self, LogError> {
        let (head, checkpoint) = text.split_once("\n\n").ok_or(LogError::Checkpoint)?;
        let mut lines = head.lines();
        if lines.next() != Some(FIRST) {
            return Err(LogError::Checkpoint);
        }
        let mut named = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
        let extra = named("extra").ok_or(LogError::Checkpoint)?;
        let index = named("index").ok_or(LogError::Checkpoint)?;
        let entry = STANDARD.decode(extra).map_err(|_| LogError::Checkpoint)?;
        let index: u64 = index.parse().map_err(|_| LogError::Checkpoint)?;
        let hash = |line: &str| STANDARD.decode(line).ok()?.try_into().ok();
        let path: Option<Vec<Hash>> = lines.map(hash).collect();
        let proof = Self {
            entry,
            index,
            path: path.filter(|path| path.len() <= LONGEST).ok_or(LogError::Checkpoint)?,
            checkpoint: checkpoint.to_owned(),
        };
        // One text for each proof.
        if proof.text() == text {
            Ok(proof)
        } else {
            Err(LogError::Checkpoint)
        }
    }

    /// The checkpoint, if this key signed it and the entry is at its index in the tree that it tells of.
    pub fn verify(&self, key: &VerifierKey) -> Result<Checkpoint, LogError> {
        let checkpoint = Checkpoint::open(&self.checkpoint, key)?;
        let leaf = leaf_hash(&self.entry);
        match verify_inclusion(&leaf, self.index, checkpoint.size, &self.path, &checkpoint.root) {
            true => Ok(checkpoint),
            false => Err(LogError::Checkpoint),
        }
    }
}
