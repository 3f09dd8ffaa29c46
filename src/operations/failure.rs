//! What can go wrong in any act, apart from its own rules.

use crate::storage::StorageError;
use crate::storage::writer::WriteError;

/// A fault of the house, not of the visitor.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The queue is full; nothing happened.
    #[error("too many acts are waiting")]
    Busy,
    /// A fault in the program or its data.
    #[error("the act could not be done")]
    Internal(#[source] Option<StorageError>),
    /// The keys of what was asked for are not here; nothing was opened.
    #[error("the keys are not here")]
    NoKeys,
    /// The log or the database is out of reach; nothing was opened.
    #[error("the log is out of reach")]
    Unavailable,
    /// Whether it was written is not known yet; the request id tells.
    #[error("the outcome is not known yet")]
    Unknown,
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Unavailable(_) | StorageError::Database(_) => {
                tracing::error!(%error, "storage is out of reach");
                Self::Unavailable
            }
            StorageError::NoKeys => Self::NoKeys,
            other => Self::Internal(Some(other)),
        }
    }
}

impl From<ledger::vault::VaultError> for Failure {
    fn from(error: ledger::vault::VaultError) -> Self {
        Self::Internal(Some(error.into()))
    }
}

impl From<ledger::GrantError> for Failure {
    fn from(error: ledger::GrantError) -> Self {
        // A receipt that does not cover what is opened is a fault of the program; it must never open.
        tracing::error!(%error, "a receipt did not cover a value");
        Self::Internal(None)
    }
}

/// Turns what the writer says into either the rule's refusal or a failure; `stale` is for the caller to try again.
pub enum Written<T, E> {
    /// Durable.
    Done(T),
    /// The rule said no.
    Refused(E),
    /// Rights were taken away meanwhile: decide again.
    Stale,
}

/// Sorts an outcome of the writer.
pub fn sort<T, E>(outcome: Result<T, WriteError<E>>) -> Result<Written<T, E>, Failure> {
    match outcome {
        Ok(value) => Ok(Written::Done(value)),
        Err(WriteError::Refused(reason)) => Ok(Written::Refused(reason)),
        Err(WriteError::Stale) => Ok(Written::Stale),
        Err(WriteError::Busy) => Err(Failure::Busy),
        Err(WriteError::Failed) => Err(Failure::Internal(None)),
        Err(WriteError::Unavailable) => Err(Failure::Unavailable),
        Err(WriteError::Unknown) => Err(Failure::Unknown),
    }
}
