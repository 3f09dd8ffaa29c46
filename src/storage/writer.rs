//! Group commit: whatever waits is written in one transaction, numbered in the log, and answered together.
//!
//! The only call of [`ledger::commit`]. One thread, one connection; it never sleeps and keeps no head in memory.

use std::fmt::Debug;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use ledger::{Draft, Receipt, Sequencer};
use tokio::sync::{mpsc, oneshot};

use super::connection::{AnyConnection, Rollback, is_postgres};
use super::dialect::{self, Severity};
use super::{StorageError, log_rows};
use crate::clock::Clock;

/// Acts that may wait; one more is refused.
pub const QUEUE: usize = 1024;
const MOST_IN_A_BATCH: usize = 256;
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Why an act was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError<E> {
    /// The queue is full; nothing was written; try again.
    #[error("too many acts are waiting")]
    Busy,
    /// The act itself said no; nothing was written.
    #[error("refused")]
    Refused(E),
    /// The permit is older than the last revocation; decide again.
    #[error("the permit is out of date")]
    Stale,
    /// The database refused this act alone: a constraint, or a fault in the program.
    #[error("the act could not be written")]
    Failed,
    /// The log or the database is out of reach; nothing may be released.
    #[error("the log cannot be written")]
    Unavailable,
    /// No answer in time; the request id tells later.
    #[error("no answer in time")]
    Unknown,
}

/// A write transaction as an act sees it.
pub struct Tx<'a> {
    connection: &'a mut AnyConnection,
    now_ms: i64,
    revokes: bool,
}

impl Tx<'_> {
    /// The connection inside the transaction.
    pub fn connection(&mut self) -> &mut AnyConnection {
        self.connection
    }

    /// Time of the batch, UTC milliseconds.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.now_ms
    }

    /// Says that this act takes a right away: permits decided before it are void once it commits.
    pub fn revoke(&mut self) {
        self.revokes = true;
    }
}

/// What an act returns: the reply and the entries that record it.
pub type Outcome<T, E> = Result<(T, Vec<Draft>), ActError<E>>;

/// Why an act stops.
#[derive(Debug)]
pub enum ActError<E> {
    /// The rule of the work says no.
    Refused(E),
    /// The database failed.
    Storage(StorageError),
}

impl<E> From<diesel::result::Error> for ActError<E> {
    fn from(error: diesel::result::Error) -> Self {
        Self::Storage(StorageError::Database(error))
    }
}

impl<E> From<StorageError> for ActError<E> {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

type Finish = Box<dyn FnOnce(Vec<Receipt>) + Send>;
type Answer = Box<dyn FnOnce() + Send>;
type Run = Box<dyn FnOnce(&mut Tx<'_>) -> Result<(Vec<Draft>, Finish), Stop> + Send>;

/// Why an act does not go into the batch.
enum Stop {
    /// It alone is rolled back; its answer is given once the batch is durable.
    Alone(Answer),
    /// The database failed in a way that concerns the whole batch.
    Batch(Rollback),
}

struct Job {
    rights: Option<i64>,
    run: Run,
    stale: Box<dyn FnOnce() + Send>,
}

const SERVING: u8 = 0;
const STOPPED: u8 = 1;

/// The writer's handle; cheap to clone.
#[derive(Clone)]
pub struct Writer {
    queue: mpsc::Sender<Job>,
    state: Arc<AtomicU8>,
    rights: Arc<AtomicI64>,
}

/// Waits for the writer to finish what it took.
pub struct WriterThread(JoinHandle<()>);

impl WriterThread {
    /// Blocks until the last batch is committed; every [`Writer`] must be dropped first.
    pub fn join(self) {
        if self.0.join().is_err() {
            tracing::error!("the writer panicked");
        }
    }
}

impl Writer {
    /// Connects and starts the thread; `node` names this process in the log.
    pub fn start(address: &str, clock: Clock, node: &str) -> Result<(Self, WriterThread), StorageError> {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let state = Arc::new(AtomicU8::new(SERVING));
        let rights = Arc::new(AtomicI64::new(0));
        let worker = Worker {
            connection: Some(AnyConnection::open(address, false)?),
            file: FileIdentity::of(address),
            address: address.to_owned(),
            clock,
            node: node.to_owned(),
            state: Arc::clone(&state),
            clock_behind: false,
            rights: Arc::clone(&rights),
        };
        let thread = std::thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || worker.run(jobs))
            .map_err(|error| StorageError::Unavailable(error.into()))?;
        Ok((Self { queue, state, rights }, WriterThread(thread)))
    }

    /// The rights version after the last batch of this process; 0 before the first.
    #[must_use]
    pub fn rights(&self) -> i64 {
        self.rights.load(Ordering::Acquire)
    }

    /// Whether the writer has stopped for good.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.state.load(Ordering::Acquire) == STOPPED
    }

    /// Runs an act in the next batch and waits until it is durable.
    ///
    /// `rights` is the rights version under which the act was permitted; `None` for acts of the system.
    pub async fn write<T, E>(
        &self,
        rights: Option<i64>,
        act: impl FnOnce(&mut Tx<'_>) -> Outcome<T, E> + Send + 'static,
    ) -> Result<(T, Vec<Receipt>), WriteError<E>>
    where
        T: Send + 'static,
        E: Send + Debug + 'static,
    {
        let answer = self.submit(rights, act)?;
        match tokio::time::timeout(LONGEST_WAIT, answer).await {
            Err(_) => Err(WriteError::Unknown),
            Ok(Err(_)) => Err(WriteError::Unavailable),
            Ok(Ok(outcome)) => outcome,
        }
    }

    /// [`Writer::write`] for the command line and for threads.
    pub fn write_blocking<T, E>(
        &self,
        rights: Option<i64>,
        act: impl FnOnce(&mut Tx<'_>) -> Outcome<T, E> + Send + 'static,
    ) -> Result<(T, Vec<Receipt>), WriteError<E>>
    where
        T: Send + 'static,
        E: Send + Debug + 'static,
    {
        self.submit(rights, act)?
            .blocking_recv()
            .unwrap_or(Err(WriteError::Unavailable))
    }

    #[expect(clippy::type_complexity, reason = "the answer of an act, once")]
    fn submit<T, E>(
        &self,
        rights: Option<i64>,
        act: impl FnOnce(&mut Tx<'_>) -> Outcome<T, E> + Send + 'static,
    ) -> Result<oneshot::Receiver<Result<(T, Vec<Receipt>), WriteError<E>>>, WriteError<E>>
    where
        T: Send + 'static,
        E: Send + Debug + 'static,
    {
        if self.is_stopped() {
            return Err(WriteError::Unavailable);
        }
        let (sender, receiver) = oneshot::channel();
        let sender = Arc::new(std::sync::Mutex::new(Some(sender)));
        let (for_stale, for_run) = (Arc::clone(&sender), sender);
        let job = Job {
            rights,
            run: Box::new(move |tx| {
                // A caller that went away makes `send` fail; the act stands and its request id tells of it.
                let answer = move |outcome| {
                    if let Some(sender) = for_run.lock().ok().and_then(|mut slot| slot.take()) {
                        drop(sender.send(outcome));
                    }
                };
                match act(tx) {
                    Ok((value, drafts)) => {
                        let finish: Finish = Box::new(move |receipts| answer(Ok((value, receipts))));
                        Ok((drafts, finish))
                    }
                    Err(ActError::Refused(reason)) => {
                        Err(Stop::Alone(Box::new(move || answer(Err(WriteError::Refused(reason))))))
                    }
                    Err(ActError::Storage(StorageError::Database(error))) if dialect::concerns_all(&error) => {
                        Err(Stop::Batch(Rollback::Database(error)))
                    }
                    Err(ActError::Storage(error)) => {
                        let outcome = if passing(&error) {
                            WriteError::Unavailable
                        } else {
                            WriteError::Failed
                        };
                        tracing::warn!(cause = %Causes(&error), "an act was rolled back");
                        Err(Stop::Alone(Box::new(move || answer(Err(outcome)))))
                    }
                }
            }),
            stale: Box::new(move || {
                if let Some(sender) = for_stale.lock().ok().and_then(|mut slot| slot.take()) {
                    drop(sender.send(Err(WriteError::Stale)));
                }
            }),
        };
        match self.queue.try_send(job) {
            Ok(()) => Ok(receiver),
            Err(mpsc::error::TrySendError::Full(_)) => Err(WriteError::Busy),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(WriteError::Unavailable),
        }
    }
}

/// A constraint is the act's own fault; everything else means that the database cannot be relied on now.
fn passing(error: &StorageError) -> bool {
    use diesel::result::{DatabaseErrorKind as Kind, Error};
    !matches!(
        error,
        StorageError::Database(
            Error::NotFound
                | Error::DatabaseError(
                    Kind::UniqueViolation | Kind::ForeignKeyViolation | Kind::NotNullViolation | Kind::CheckViolation,
                    _
                )
        ) | StorageError::Tampered(_)
            | StorageError::Inconsistent(_)
            | StorageError::Vault(_)
    )
}

struct Causes<'a>(&'a dyn std::error::Error);

impl std::fmt::Display for Causes<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(formatter, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

struct Worker {
    connection: Option<AnyConnection>,
    file: Option<FileIdentity>,
    address: String,
    clock: Clock,
    node: String,
    state: Arc<AtomicU8>,
    clock_behind: bool,
    rights: Arc<AtomicI64>,
}

impl Worker {
    fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
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
            if let Err(error) = self.batch(batch) {
                self.after(&error);
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
            BatchError::Rollback(Rollback::Database(error)) => dialect::severity(error),
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
struct FileIdentity {
    path: PathBuf,
    identity: (u64, u64),
}

impl FileIdentity {
    fn of(address: &str) -> Option<Self> {
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
