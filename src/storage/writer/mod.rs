//! Group commit: whatever waits is written in one transaction, numbered in the log, and answered together.
//!
//! This is the handle that operations use: acts go into a queue and come back durable. The thread behind it is in `worker`.

mod worker;

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use ledger::{Draft, Receipt};
use tokio::sync::{mpsc, oneshot};

use super::StorageError;
use super::connection::{AnyConnection, Rollback};
use super::dialect;
use crate::clock::Clock;
use worker::{FileIdentity, Worker};

/// Acts that may wait; one more is refused.
pub const QUEUE: usize = 1024;
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

type Slot<T, E> = Arc<std::sync::Mutex<Option<oneshot::Sender<Result<(T, Vec<Receipt>), WriteError<E>>>>>>;
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
    stale: Answer,
    /// For a commit that failed: it may have been durable all the same.
    unknown: Option<Answer>,
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
        let (for_stale, for_unknown, for_run) = (Arc::clone(&sender), Arc::clone(&sender), sender);
        let instead = |slot: Slot<T, E>, error: fn() -> WriteError<E>| -> Answer {
            Box::new(move || {
                if let Some(sender) = slot.lock().ok().and_then(|mut slot| slot.take()) {
                    drop(sender.send(Err(error())));
                }
            })
        };
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
            stale: instead(for_stale, || WriteError::Stale),
            unknown: Some(instead(for_unknown, || WriteError::Unknown)),
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
