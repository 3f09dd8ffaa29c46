//! Sealed files into another store and back: only what is not there yet, each proved by its hash. A copy that was cut short goes on where it stopped.

use std::collections::HashSet;

use ledger::vault::associated::hex;
use ring::digest::{Context, SHA256};

use crate::storage::StorageError;
use crate::storage::attachments::Known;
use crate::storage::objects::{Objects, Upload};

/// Bytes that are copied at a time.
const STRIDE: u64 = 1 << 20;

/// What a copy did.
#[derive(Default)]
pub struct Copied {
    /// Files that were copied.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Files that are missing or not as their rows say; the others are whole.
    pub bad: usize,
}

/// Copies every file that the other store does not have.
pub async fn copy_files(known: &[Known], from: &Objects, to: &Objects) -> Result<Copied, StorageError> {
    let there = to.sizes().await?;
    let mut done = Copied::default();
    for (name, size, digest) in known {
        let (name, size) = (named(name)?, u64::try_from(*size).unwrap_or(0));
        if there.get(&name) == Some(&size) {
            continue;
        }
        let mut upload = to.begin(&name).await?;
        if read(from, &name, size, Some(&mut upload)).await?.as_ref() == Some(digest) {
            upload.finish().await?;
            done.files += 1;
            done.bytes += size;
        } else {
            upload.abort().await;
            done.bad += 1;
        }
    }
    Ok(done)
}

/// Deletes every file of a store that is not among these names in hex, and gives how many.
pub async fn keep_files(names: &HashSet<String>, store: &Objects) -> Result<usize, StorageError> {
    let mut gone = 0;
    for name in store.sizes().await?.into_keys() {
        if !names.contains(&hex(&name)) {
            store.delete(&name).await?;
            gone += 1;
        }
    }
    Ok(gone)
}

/// How many of these files a store does not have as their rows say, read to the last byte.
pub async fn bad_files(known: &[Known], store: &Objects) -> Result<usize, StorageError> {
    let mut bad = 0;
    for (name, size, digest) in known {
        let found = read(store, &named(name)?, u64::try_from(*size).unwrap_or(0), None).await?;
        bad += usize::from(found.as_ref() != Some(digest));
    }
    Ok(bad)
}

/// How many of these files a store does not have in their size, without reading them.
pub async fn missing_files(known: &[Known], store: &Objects) -> Result<usize, StorageError> {
    let there = store.sizes().await?;
    let mut missing = 0;
    for (name, size, _) in known {
        missing += usize::from(there.get(&named(name)?).copied() != u64::try_from(*size).ok());
    }
    Ok(missing)
}

fn named(name: &[u8]) -> Result<[u8; 16], StorageError> {
    name.try_into()
        .map_err(|_| StorageError::Inconsistent("name of an attachment"))
}

/// Reads a file, into an upload if there is one, and gives its hash; `None` when it is not there or not as long.
async fn read(
    store: &Objects,
    name: &[u8; 16],
    size: u64,
    mut into: Option<&mut Upload>,
) -> Result<Option<Vec<u8>>, StorageError> {
    let (mut context, mut at) = (Context::new(&SHA256), 0);
    while at < size {
        let end = (at + STRIDE).min(size);
        let bytes = match store.read(name, at..end).await {
            Ok(bytes) if bytes.len() as u64 == end - at => bytes,
            Ok(_) | Err(StorageError::Inconsistent(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        context.update(&bytes);
        if let Some(into) = &mut into {
            into.push(bytes.to_vec()).await?;
        }
        at = end;
    }
    Ok(Some(context.finish().as_ref().to_vec()))
}
