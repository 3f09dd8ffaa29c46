//! The store of sealed files: a folder now; everything in it is ciphertext, and every name is random.

use std::collections::HashMap;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use ledger::vault::associated::hex;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt as _, PutPayload};

use super::StorageError;

/// The objects of a deployment; cheap to clone.
#[derive(Clone)]
pub struct Objects(Arc<dyn ObjectStore>);

/// A file that is being written; until [`Upload::finish`] there is none.
pub struct Upload(Box<dyn MultipartUpload>);

impl From<object_store::Error> for StorageError {
    fn from(error: object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { .. } => {
                Self::Inconsistent("a sealed file is missing; see `donghanh check`")
            }
            other => Self::Unavailable(other.into()),
        }
    }
}

/// The key of a name: two letters make a folder, so that none grows too long.
fn key(name: &[u8; 16]) -> Key {
    let name = hex(name);
    let folder: String = name.chars().take(2).collect();
    Key::from_iter([folder, name])
}

/// The name of a key; `None` for what the program did not write.
fn name(key: &Key) -> Option<[u8; 16]> {
    let text = key.filename()?;
    let mut name = [0; 16];
    if text.len() != 32 || !text.is_ascii() {
        return None;
    }
    for (at, byte) in name.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok()?;
    }
    Some(name).filter(|name| self::key(name) == *key)
}

impl Objects {
    /// Opens a folder, and makes it for its owner alone if it is not there; what is written is durable when it is acknowledged.
    pub fn folder(folder: &Path) -> Result<Self, StorageError> {
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|error| StorageError::Unavailable(error.into()))?;
        let store = LocalFileSystem::new_with_prefix(folder)?.with_fsync(true);
        Ok(Self(Arc::new(store)))
    }

    /// Begins a file.
    pub async fn begin(&self, name: &[u8; 16]) -> Result<Upload, StorageError> {
        Ok(Upload(self.0.put_multipart(&key(name)).await?))
    }

    /// Some bytes of a file.
    pub async fn read(&self, name: &[u8; 16], range: std::ops::Range<u64>) -> Result<Bytes, StorageError> {
        Ok(self.0.get_range(&key(name), range).await?)
    }

    /// Deletes a file; one that is not there is deleted.
    pub async fn delete(&self, name: &[u8; 16]) -> Result<(), StorageError> {
        match self.0.delete(&key(name)).await {
            Err(object_store::Error::NotFound { .. }) => Ok(()),
            other => Ok(other?),
        }
    }

    /// Size of everything that is kept.
    pub async fn sizes(&self) -> Result<HashMap<[u8; 16], u64>, StorageError> {
        let all: Vec<_> = self.0.list(None).try_collect().await?;
        let sized = |meta: object_store::ObjectMeta| Some((name(&meta.location)?, meta.size));
        Ok(all.into_iter().filter_map(sized).collect())
    }

    /// Name and last change (UTC milliseconds) of everything that is kept.
    pub async fn list(&self) -> Result<Vec<([u8; 16], i64)>, StorageError> {
        let all: Vec<_> = self.0.list(None).try_collect().await?;
        let named =
            |meta: object_store::ObjectMeta| Some((name(&meta.location)?, meta.last_modified.timestamp_millis()));
        Ok(all.into_iter().filter_map(named).collect())
    }
}

impl Upload {
    /// Puts bytes behind those before.
    pub async fn push(&mut self, bytes: Vec<u8>) -> Result<(), StorageError> {
        Ok(self.0.put_part(PutPayload::from(bytes)).await?)
    }

    /// Makes the file whole and durable.
    pub async fn finish(mut self) -> Result<(), StorageError> {
        self.0.complete().await?;
        Ok(())
    }

    /// Throws away what was written.
    pub async fn abort(mut self) {
        if let Err(error) = self.0.abort().await {
            tracing::warn!(%error, "half a file was left in the store; it is removed later");
        }
    }
}
