//! The raw entries of the log, kept in a second place as they are written: one file a shard, a line an entry.
//!
//! An honest restore loses none of them. The mirror holds nothing but what auditors take home anyway.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use ledger::vault::associated::Deployment;

use crate::app::Process;
use crate::storage::StorageError;
use crate::storage::connection::AnyConnection;
use crate::storage::pool::Pool;
use crate::storage::{key_plane, log_rows};

/// Entries that are copied at a time.
const STRIDE: i64 = 1000;

/// Why the mirror cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum MirrorError {
    /// The second place cannot be read or written.
    #[error("the mirror of the log cannot be written: {0}")]
    File(#[from] std::io::Error),
    /// The log cannot be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// What is there is not the beginning of this log.
    #[error("the mirror holds another log than this one at entry {0}; look at both before anything is served")]
    Another(u64),
}

/// The file of a shard in the folder of mirrors.
#[must_use]
pub fn path(folder: &Path, deployment: Deployment, shard: i64) -> PathBuf {
    folder.join(format!("{}-{shard}.jsonl", deployment.hex()))
}

/// A mirror that is open for writing.
pub struct Mirror {
    file: File,
    path: PathBuf,
    shard: i64,
    next: i64,
}

impl Mirror {
    /// Opens it where it ended and compares everything in it with the log; half a line at its end, left by a crash, is cut off.
    pub fn open(folder: &Path, deployment: Deployment, connection: &mut AnyConnection) -> Result<Self, MirrorError> {
        let shard = log_rows::head(connection)?.shard;
        let path = path(folder, deployment, shard);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)?;
        let (mut whole, mut next) = (0_u64, 0_i64);
        let mut lines = BufReader::new(&file);
        loop {
            let mut chunk = Vec::new();
            while chunk.len() < usize::try_from(STRIDE).unwrap_or(usize::MAX) {
                let mut line = Vec::new();
                lines.read_until(b'\n', &mut line)?;
                if line.pop() != Some(b'\n') {
                    break;
                }
                chunk.push(line);
            }
            if chunk.is_empty() {
                break;
            }
            let rows = log_rows::from_index(connection, shard, next, STRIDE)?;
            for (at, line) in chunk.iter().enumerate() {
                if rows.get(at).map(|row| &row.bytes) != Some(line) {
                    return Err(MirrorError::Another(u64::try_from(next).unwrap_or(0)));
                }
                whole += line.len() as u64 + 1;
                next += 1;
            }
        }
        file.set_len(whole)?;
        file.seek(SeekFrom::Start(whole))?;
        Ok(Self {
            file,
            path,
            shard,
            next,
        })
    }

    /// Copies what is new and makes it durable; gives how many entries that were.
    ///
    /// A file that was deleted or moved meanwhile is a fault: what is written into it would be nowhere.
    pub fn follow(&mut self, connection: &mut AnyConnection) -> Result<usize, MirrorError> {
        let (there, own) = (std::fs::metadata(&self.path)?, self.file.metadata()?);
        if (there.dev(), there.ino()) != (own.dev(), own.ino()) {
            return Err(std::io::Error::other("another file has its name").into());
        }
        let mut copied = 0;
        loop {
            let rows = log_rows::from_index(connection, self.shard, self.next, STRIDE)?;
            if rows.is_empty() {
                return Ok(copied);
            }
            let mut lines = Vec::new();
            for row in &rows {
                lines.extend_from_slice(&row.bytes);
                lines.push(b'\n');
            }
            self.file.write_all(&lines)?;
            self.file.sync_data()?;
            self.next += i64::try_from(rows.len()).unwrap_or(0);
            copied += rows.len();
        }
    }
}

/// How often the log is looked at.
const TICK: Duration = Duration::from_millis(200);
/// How often a second place that is away is looked for.
const LONG_TICK: Duration = Duration::from_secs(5);

/// The thread that copies what is written, until it is told that nothing more will be.
pub struct Follower {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Follower {
    /// Starts it; fails when the second place holds another log. One that is away is waited for: people work meanwhile.
    pub fn start(process: &Process, folder: &Path) -> Result<Self, MirrorError> {
        let deployment = process.key_plane.with(key_plane::deployment)?;
        let (pool, folder) = (process.pool.clone(), folder.to_path_buf());
        let open = move |pool: &Pool| pool.with(|connection| Ok(Mirror::open(&folder, deployment, connection)))?;
        let mut mirror = match open(&pool) {
            Ok(open) => Some(open),
            Err(MirrorError::File(error)) => {
                tracing::error!(%error, "the log is not mirrored; it goes on when the second place is back");
                None
            }
            Err(other) => return Err(other),
        };
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let copy = move || {
            loop {
                // Read first: one more round after the last act.
                let last = stopped.load(Ordering::Acquire);
                let done = match mirror.take() {
                    Some(mirror) => Ok(mirror),
                    None => open(&pool),
                };
                let done = done.and_then(|mut open| {
                    pool.with(|connection| Ok(open.follow(connection)))??;
                    Ok(open)
                });
                mirror = match done {
                    Ok(open) => Some(open),
                    Err(error) => {
                        tracing::error!(%error, "the log is not mirrored; it goes on when the second place is back");
                        None
                    }
                };
                if last {
                    return;
                }
                std::thread::park_timeout(if mirror.is_some() { TICK } else { LONG_TICK });
            }
        };
        let thread = std::thread::Builder::new().name("mirror".to_owned()).spawn(copy)?;
        Ok(Self { stop, thread })
    }

    /// Copies what is left and ends.
    pub fn finish(self) {
        self.stop.store(true, Ordering::Release);
        self.thread.thread().unpark();
        if self.thread.join().is_err() {
            tracing::error!("the mirror panicked");
        }
    }
}

/// The entries of a mirror from an index on; half a line at the end does not count.
pub fn entries(file: &Path, from: u64) -> std::io::Result<Vec<Vec<u8>>> {
    let mut lines = BufReader::new(File::open(file)?);
    let (mut found, mut at) = (Vec::new(), 0);
    loop {
        let mut line = Vec::new();
        lines.read_until(b'\n', &mut line)?;
        if line.pop() != Some(b'\n') {
            return Ok(found);
        }
        if at >= from {
            found.push(line);
        }
        at += 1;
    }
}
