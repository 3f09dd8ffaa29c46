//! Opens owner keys; they open nothing without a receipt.

use ledger::vault::owner::{OwnerId, OwnerKeys};

use crate::app::App;
use crate::storage::StorageError;

/// The keys of these owners, in order; `None` for an owner that was erased.
pub fn open(app: &App, ids: &[&[u8]]) -> Result<Vec<Option<OwnerKeys>>, StorageError> {
    let ids: Result<Vec<OwnerId>, _> = ids.iter().map(|id| OwnerId::try_from(*id)).collect();
    let ids = ids.map_err(|_| StorageError::Inconsistent("owner id"))?;
    app.key_plane
        .owners(&ids)?
        .iter()
        .map(|row| match row {
            Some(row) => Ok(Some(app.keyring.unwrap_owner(row)?)),
            None => Ok(None),
        })
        .collect()
}

/// The keys of one owner that must be there.
pub fn open_one(app: &App, id: &[u8]) -> Result<OwnerKeys, StorageError> {
    open(app, &[id])?.pop().flatten().ok_or(StorageError::NoKeys)
}
