//! The thread that writes: whatever waits becomes one transaction, then its entries, then the answers.
//!
//! The only call of [`ledger::commit`]. One connection; it never sleeps and keeps no head in memory.

use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};

use diesel::connection::SimpleConnection as _;
use ledger::{Draft, Receipt, Sequencer};
use tokio::sync::mpsc;

use super::{Answer, Finish, Job, STOPPED, Stop, Tx};
use crate::clock::Clock;
use crate::storage::connection::{AnyConnection, Rollback, is_postgres};
use crate::storage::dialect::{self, Severity};
use crate::storage::{StorageError, log_rows};

const MOST_IN_A_BATCH: usize = 256;

/// The writing end.
pub(super) struct Worker {
    pub(super) connection: Option<AnyConnection>,
    pub(super) file: Option<FileIdentity>,
    pub(super) address: String,
    pub(super) clock: Clock,
    pub(super) node: String,
    pub(super) state: Arc<AtomicU8>,
    pub(super) clock_behind: bool,
    pub(super) rights: Arc<AtomicI64>,
}

impl Worker {
    /// Writes until every handle is gone.
    pub(super) fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        while let Some(first) = jobs.blocking_recv() {
            let mut batch = vec![first];
            while batch.len() < MOST_IN_A_BATCH {
                match jobs.try_recv() {
                    Ok(job) => batch.push(job),
                    Err(_) => break,
                }
            }
            if self.state.load(Ordering::Acquire) == STOPPED {
                continue;
            }
            // Whoever waits hears of a failure only when the writer has drawn its consequence.
            let unknown: Vec<Answer> = batch.iter_mut().filter_map(|job| job.unknown.take()).collect();
            if let Err(error) = self.batch(batch) {
                self.after(&error);
                if let BatchError::Rollback(Rollback::Uncertain(_)) = error {
                    unknown.into_iter().for_each(|answer| answer());
                }
            }
        }
    }

    fn batch(&mut self, batch: Vec<Job>) -> Result<(), BatchError> {
        if self.file.as_ref().is_some_and(|file| !file.is_still_there()) {
            return Err(BatchError::FileReplaced);
        }
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(AnyConnection::open(&self.address, false).map_err(BatchError::Storage)?),
        };
        let (now_ms, node, behind) = (self.clock.now_ms(), self.node.as_str(), self.clock_behind);
        let (finishes, answers, receipts) = ledger::commit(|sequencer| {
            connection.write(|connection| {
                let head = dialect::lock_head(connection)?;
                let mut rights_version = head.rights_version;
                let last_ms = head.last_ms;
                sequencer.begin(head.to_head().map_err(fatal)?, now_ms, node);
                let mut finishes = Vec::with_capacity(batch.len());
                let mut answers = Vec::new();
                if now_ms + 1000 < last_ms && !behind {
                    for stored in sequencer
                        .append(Draft::new("sys.clock", "system", &[0; 16]))
                        .map_err(fatal)?
                    {
                        log_rows::insert(connection, stored).map_err(fatal)?;
                    }
                    finishes.push((1, None));
                }
                for job in batch {
                    let done = match run(connection, job, now_ms, rights_version)? {
                        Ran::Done(done) => done,
                        Ran::Alone(answer) => {
                            answers.push(answer);
                            continue;
                        }
                        Ran::Gone => continue,
                    };
                    rights_version += i64::from(done.revokes);
                    finishes.push((done.drafts.len(), Some(done.finish)));
                    for draft in done.drafts {
                        append(connection, sequencer, draft)?;
                    }
                }
                if let Some(head) = sequencer.head() {
                    log_rows::save_head(connection, head, rights_version).map_err(fatal)?;
                }
                Ok((finishes, answers, rights_version, now_ms + 1000 < last_ms))
            })
        })
        .map_err(BatchError::Rollback)
        .map(|((finishes, answers, rights, behind), receipts)| {
            self.clock_behind = behind;
            self.rights.store(rights, Ordering::Release);
            (finishes, answers, receipts)
        })?;
        let mut receipts = receipts.into_iter();
        for (count, finish) in finishes {
            let own: Vec<Receipt> = receipts.by_ref().take(count).collect();
            if let Some(finish) = finish {
                finish(own);
            }
        }
        for answer in answers {
            answer();
        }
        Ok(())
    }

    fn after(&mut self, error: &BatchError) {
        let severity = match error {
            BatchError::FileReplaced => Severity::Stop,
            BatchError::Storage(_) => Severity::Reconnect,
            BatchError::Rollback(Rollback::Database(error) | Rollback::Uncertain(error)) => dialect::severity(error),
            // SQLite ends the whole transaction by itself when the disk is full.
            BatchError::Rollback(Rollback::Lost) => Severity::Reconnect,
            BatchError::Rollback(Rollback::Panic | Rollback::Refused) => Severity::Stop,
        };
        // A server that goes away says so in many words; whether the connection still answers is the surer sign.
        let answers = self
            .connection
            .as_mut()
            .is_some_and(|connection| connection.batch_execute("SELECT 1").is_ok());
        let severity = match severity {
            Severity::Stop if is_postgres(&self.address) && !answers => Severity::Reconnect,
            other => other,
        };
        tracing::error!(cause = ?error, ?severity, "a batch was not committed");
        match severity {
            Severity::Resumable => {}
            Severity::Reconnect => self.connection = None,
            Severity::Stop => self.state.store(STOPPED, Ordering::Release),
        }
    }
}

struct Done {
    drafts: Vec<Draft>,
    finish: Finish,
    revokes: bool,
}

enum Ran {
    Done(Done),
    /// Rolled back alone, with an answer to give after the commit.
    Alone(Answer),
    /// Panicked: nobody can say more than that it did not happen.
    Gone,
}

/// Runs one act in a savepoint of its own.
fn run(connection: &mut AnyConnection, job: Job, now_ms: i64, rights_version: i64) -> Result<Ran, Rollback> {
    if job.rights.is_some_and(|decided| decided != rights_version) {
        return Ok(Ran::Alone(job.stale));
    }
    let mut alone = None;
    let ran = connection.savepoint(|connection| {
        let mut tx = Tx {
            connection,
            now_ms,
            revokes: false,
        };
        match (job.run)(&mut tx) {
            Ok((drafts, finish)) => Ok(Done {
                drafts,
                finish,
                revokes: tx.revokes,
            }),
            Err(Stop::Alone(answer)) => {
                alone = Some(answer);
                Err(Rollback::Refused)
            }
            Err(Stop::Batch(rollback)) => Err(rollback),
        }
    });
    match (ran, alone) {
        (Ok(done), _) => Ok(Ran::Done(done)),
        (Err(Rollback::Refused), Some(answer)) => Ok(Ran::Alone(answer)),
        (Err(Rollback::Panic), _) => {
            tracing::error!("an act panicked and was rolled back");
            Ok(Ran::Gone)
        }
        (Err(other), _) => Err(other),
    }
}

fn append(connection: &mut AnyConnection, sequencer: &mut Sequencer, draft: Draft) -> Result<(), Rollback> {
    for stored in sequencer.append(draft).map_err(fatal)? {
        log_rows::insert(connection, stored).map_err(fatal)?;
    }
    Ok(())
}

#[derive(Debug)]
enum BatchError {
    FileReplaced,
    Rollback(Rollback),
    Storage(#[expect(dead_code, reason = "printed by Debug")] StorageError),
}

/// An error outside a closure concerns the whole batch.
fn fatal(error: impl Into<StorageError>) -> Rollback {
    match error.into() {
        StorageError::Database(error) => Rollback::Database(error),
        other => Rollback::Database(diesel::result::Error::QueryBuilderError(other.to_string().into())),
    }
}

/// Device and inode of the database file; the file itself is never opened to look (its locks would drop).
pub(super) struct FileIdentity {
    path: PathBuf,
    identity: (u64, u64),
}

impl FileIdentity {
    pub(super) fn of(address: &str) -> Option<Self> {
        if is_postgres(address) {
            return None;
        }
        let path = PathBuf::from(address);
        let identity = identity(&path)?;
        Some(Self { path, identity })
    }

    fn is_still_there(&self) -> bool {
        identity(&self.path) == Some(self.identity)
    }
}

fn identity(path: &std::path::Path) -> Option<(u64, u64)> {
    std::fs::metadata(path).ok().map(|data| (data.dev(), data.ino()))
}
