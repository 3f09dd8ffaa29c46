//! Numbers, hashes and proves entries; never stores them, never sees a personal value.
//!
//! Formats: `docs/formats.md` §3 (RFC 6962 tree, C2SP signed note).

pub mod checkpoint;
pub mod commit;
pub mod entry;
pub mod proof;
pub mod tlog_proof;
pub mod tree;
pub mod verify;

/// What is wrong with an entry or a head.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum LogError {
    /// The entry is not the canonical JSON of the format.
    #[error("not a canonical entry")]
    Entry,
    /// The frontier does not fit the size.
    #[error("the head of the log is damaged")]
    Head,
    /// A checkpoint that is not of the format, or whose signature is wrong.
    #[error("the checkpoint does not verify")]
    Checkpoint,
}
