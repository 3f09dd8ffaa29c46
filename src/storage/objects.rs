//! The store of sealed files: a folder, or a store that speaks S3; everything in it is ciphertext, and every name is random.

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
pub struct Objects {
    store: Arc<dyn ObjectStore>,
    /// Least size of all parts of a file but the last.
    part: usize,
}

/// A file that is being written; until [`Upload::finish`] there is none.
pub struct Upload {
    inner: Box<dyn MultipartUpload>,
    /// Least size of all parts but the last.
    part: usize,
    /// Less than a part.
    rest: Vec<Bytes>,
}

/// Least size of all parts but the last that S3 takes.
#[cfg(feature = "s3")]
const PART: usize = 5 << 20;

/// What a store that speaks S3 needs.
pub struct S3<'a> {
    /// Address.
    pub endpoint: &'a str,
    /// Region.
    pub region: &'a str,
    /// Bucket.
    pub bucket: &'a str,
    /// Before every name.
    pub prefix: &'a str,
    /// Id of the access key, and its secret.
    pub key: (&'a str, &'a str),
}

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
        Ok(Self {
            store: Arc::new(store),
            part: 1,
        })
    }

    /// Opens a bucket; nothing is asked of the store yet.
    #[cfg(feature = "s3")]
    pub fn bucket(s3: &S3<'_>) -> Result<Self, StorageError> {
        use object_store::{BackoffConfig, ClientOptions, RetryConfig, aws::AmazonS3Builder, prefix::PrefixStore};
        use std::time::Duration;
        let seconds = Duration::from_secs;
        // Whoever waits for a page does not wait for minutes.
        let retry = RetryConfig {
            backoff: BackoffConfig::default(),
            max_retries: 3,
            retry_timeout: seconds(15),
        };
        // Fails when there is a provider already, which is then this one.
        drop(rustls::crypto::ring::default_provider().install_default());
        let options = ClientOptions::new()
            .with_timeout(seconds(60))
            .with_connect_timeout(seconds(5))
            .with_allow_http(s3.endpoint.starts_with("http://"));
        let store = AmazonS3Builder::new()
            .with_endpoint(s3.endpoint)
            .with_region(s3.region)
            .with_bucket_name(s3.bucket)
            .with_access_key_id(s3.key.0)
            .with_secret_access_key(s3.key.1)
            .with_retry(retry)
            .with_client_options(options)
            .build()?;
        Ok(Self {
            store: Arc::new(PrefixStore::new(store, s3.prefix)),
            part: PART,
        })
    }

    /// Opens a bucket; this program cannot.
    #[cfg(not(feature = "s3"))]
    pub fn bucket(_: &S3<'_>) -> Result<Self, StorageError> {
        Err(StorageError::Inconsistent(
            "this program was built without the feature `s3`",
        ))
    }

    /// Begins a file.
    pub async fn begin(&self, name: &[u8; 16]) -> Result<Upload, StorageError> {
        Ok(Upload {
            inner: self.store.put_multipart(&key(name)).await?,
            part: self.part,
            rest: Vec::new(),
        })
    }

    /// Some bytes of a file.
    pub async fn read(&self, name: &[u8; 16], range: std::ops::Range<u64>) -> Result<Bytes, StorageError> {
        Ok(self.store.get_range(&key(name), range).await?)
    }

    /// Deletes a file; one that is not there is deleted.
    pub async fn delete(&self, name: &[u8; 16]) -> Result<(), StorageError> {
        match self.store.delete(&key(name)).await {
            Err(object_store::Error::NotFound { .. }) => Ok(()),
            other => Ok(other?),
        }
    }

    /// Size of everything that is kept.
    pub async fn sizes(&self) -> Result<HashMap<[u8; 16], u64>, StorageError> {
        let all: Vec<_> = self.store.list(None).try_collect().await?;
        let sized = |meta: object_store::ObjectMeta| Some((name(&meta.location)?, meta.size));
        Ok(all.into_iter().filter_map(sized).collect())
    }

    /// Name and last change (UTC milliseconds) of everything that is kept.
    pub async fn list(&self) -> Result<Vec<([u8; 16], i64)>, StorageError> {
        let all: Vec<_> = self.store.list(None).try_collect().await?;
        let named =
            |meta: object_store::ObjectMeta| Some((name(&meta.location)?, meta.last_modified.timestamp_millis()));
        Ok(all.into_iter().filter_map(named).collect())
    }
}

impl Upload {
    /// Puts bytes behind those before.
    pub async fn push(&mut self, bytes: Vec<u8>) -> Result<(), StorageError> {
        self.rest.push(Bytes::from(bytes));
        if self.rest.iter().map(Bytes::len).sum::<usize>() >= self.part {
            self.send().await?;
        }
        Ok(())
    }

    async fn send(&mut self) -> Result<(), StorageError> {
        let part: PutPayload = self.rest.drain(..).collect();
        Ok(self.inner.put_part(part).await?)
    }

    /// Makes the file whole and durable.
    pub async fn finish(mut self) -> Result<(), StorageError> {
        if !self.rest.is_empty() {
            self.send().await?;
        }
        self.inner.complete().await?;
        Ok(())
    }

    /// Throws away what was written.
    pub async fn abort(mut self) {
        if let Err(error) = self.inner.abort().await {
            tracing::warn!(%error, "half a file was left in the store; it is removed later");
        }
    }
}
