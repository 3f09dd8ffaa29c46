//! The long-lived parts of a process, built once; no globals.

use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

use ledger::vault::keyring::Keyring;

use crate::clock::Clock;
use crate::config::Config;
use crate::operations::attach_file::Files;
use crate::operations::case_names::CaseNames;
use crate::operations::files_of::files_of;
use crate::operations::sessions::Sessions;
use crate::operations::throttle::Throttle;
use crate::policy::Engine;
use crate::storage::StorageError;
use crate::storage::connection::AnyConnection;
use crate::storage::key_plane::KeyPlane;
use crate::storage::pool::Pool;
use crate::storage::writer::{Writer, WriterThread};

/// A process without keys: it can write the log and show nothing; cheap to clone.
#[derive(Clone)]
pub struct Process {
    /// Configuration.
    pub config: Arc<Config>,
    /// Time.
    pub clock: Clock,
    /// Policies.
    pub engine: Arc<Engine>,
    /// Connections for reading.
    pub pool: Pool,
    /// The one way to write.
    pub writer: Writer,
    /// Wrapped keys.
    pub key_plane: KeyPlane,
    /// Sealed files.
    pub files: Files,
}

/// Everything an operation needs: the process, its opened keys, and what is remembered under them; cheap to clone.
#[derive(Clone)]
pub struct App {
    process: Process,
    /// Opened keyring.
    pub keyring: Arc<Keyring>,
    /// Signed-in browsers.
    pub sessions: Arc<Sessions>,
    /// Case numbers by log handle, for auditors.
    pub case_names: Arc<CaseNames>,
    /// Limits of sign-in.
    pub throttle: Arc<Throttle>,
}

impl Deref for App {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

/// The process cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A database is out of reach or not migrated.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The policies are broken.
    #[error(transparent)]
    Policy(#[from] crate::policy::PolicyFault),
}

impl Process {
    /// Opens the databases of a data folder; needs no key.
    pub fn start(data: &Path, config: Config, clock: Clock) -> Result<(Self, WriterThread), StartError> {
        let database = config.database_address(data);
        // Each connection keeps pages of its own in memory, and more readers than this only take turns on the processor.
        let readers = std::thread::available_parallelism().map_or(4, |cores| cores.get().clamp(2, 8) * 2);
        let readers = u32::try_from(readers).unwrap_or(4);
        let pool = Pool::new(&database, readers)?;
        let (writer, thread) = Writer::start(&database, clock.clone(), &config.node)?;
        let process = Self {
            engine: Arc::new(Engine::load()?),
            key_plane: KeyPlane::new(Pool::new(&config.key_plane_address(data), readers)?),
            files: Files::new(files_of(&config, data)?),
            config: Arc::new(config),
            clock,
            pool,
            writer,
        };
        Ok((process, thread))
    }

    /// The same process with its keys; what was remembered under earlier ones is not carried over.
    #[must_use]
    pub fn open(&self, keyring: Keyring) -> App {
        self.key_plane.forget_spare();
        App {
            process: self.clone(),
            keyring: Arc::new(keyring),
            sessions: Arc::new(Sessions::new(self.config.idle_minutes)),
            case_names: Arc::default(),
            throttle: Arc::new(Throttle::new()),
        }
    }
}

impl App {
    /// Runs a reading closure away from the threads that serve, on one state of the data.
    pub async fn read<T: Send + 'static>(
        &self,
        body: impl FnOnce(&Self, &mut AnyConnection) -> Result<T, StorageError> + Send + 'static,
    ) -> Result<T, StorageError> {
        let (app, seat) = (self.clone(), self.pool.seat().await?);
        tokio::task::spawn_blocking(move || {
            let pool = app.pool.clone();
            let done = pool.with(|connection| connection.snapshot(|connection| body(&app, connection)));
            drop(seat);
            done
        })
        .await
        .map_err(|error| StorageError::Unavailable(error.into()))?
    }
}
