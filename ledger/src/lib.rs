//! The promise of this system, kept by types: **no plaintext without a log entry**.
//!
//! - [`vault`] seals and opens the values of a data group; bytes in, bytes out.
//! - [`log`] turns acts into entries of a Merkle tree and hands out a [`Receipt`] once they are durable.
//!
//! A sealed value is opened only through [`Receipt::grant`], and only [`commit`] makes receipts:
//!
//! ```text
//! policy                                   "you may"
//! ledger::commit(|sequencer| …store…)      "it is written"      -> Receipt
//! receipt.grant(&sealed)?.open(&keys)?     "then you may see"   -> the section
//! ```
//!
//! This crate knows no database, no HTTP and no word of case work.

#[cfg(test)]
mod golden;
pub mod log;
pub mod vault;

pub use log::commit::{FileGrant, Grant, GrantError, Receipt, Sequencer, Stored, commit};
pub use log::entry::Draft;
pub use vault::file::{FileId, FileOpener, FileSealer, SealedFile};
pub use vault::sealed::{Sealed, Section, seal};

/// Base64 for URLs without padding, as entries and slots carry bytes.
#[must_use]
pub fn b64u(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads [`b64u`]; `None` for anything else.
#[must_use]
pub fn from_b64u(text: &str) -> Option<Vec<u8>> {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).ok()
}

/// SHA-256 of the bytes.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, bytes).as_ref());
    out
}
