//! Rows and transactions on SQLite and PostgreSQL; knows no HTTP and no wording.
//!
//! Everything that changes a row goes through [`writer::Writer`], which commits it together with its log entries.

pub mod access_rows;
pub mod attachments;
pub mod case_rows;
pub mod classification;
#[expect(missing_docs, reason = "the derive of the connection enum writes undocumented items")]
pub mod connection;
pub mod copy;
pub mod dialect;
pub mod key_packages;
pub mod key_plane;
pub mod log_rows;
pub mod objects;
pub mod orders;
pub mod pool;
#[expect(missing_docs, reason = "columns are documented in classification.toml")]
pub mod schema;
pub mod sealed_values;
pub mod transfer;
pub mod visible;
pub mod writer;

/// Why the database did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The database refused or failed.
    #[error("the database failed")]
    Database(#[from] diesel::result::Error),
    /// It could not be reached or opened.
    #[error("the database cannot be opened")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A key or a sealed value did not open.
    #[error("the vault refused")]
    Vault(#[from] ledger::vault::VaultError),
    /// The log could not be continued.
    #[error("the log refused")]
    Log(#[from] ledger::log::LogError),
    /// A row that grants access was edited outside the program.
    #[error("a row of {0} was edited outside the program")]
    Tampered(&'static str),
    /// The keys of a record are not in the key plane, although nobody ordered its erasure.
    #[error("the keys of a record are not here; see `donghanh check`")]
    NoKeys,
    /// The data is not what the program wrote.
    #[error("{0}")]
    Inconsistent(&'static str),
}
