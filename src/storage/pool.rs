//! Connections for reading; writing has its own connection in the writer.

use std::sync::Arc;
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::StorageError;
use super::connection::AnyConnection;

/// A reader that gets no connection within this time is told to come back.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// A pool of connections to one address.
#[derive(Clone)]
pub struct Pool {
    connections: r2d2::Pool<Manager>,
    seats: Arc<Semaphore>,
}

/// The right to block a thread for a connection.
pub struct Seat(#[expect(dead_code, reason = "given back when it is dropped")] OwnedSemaphorePermit);

struct Manager {
    address: String,
}

impl r2d2::ManageConnection for Manager {
    type Connection = AnyConnection;
    type Error = StorageError;

    fn connect(&self) -> Result<AnyConnection, StorageError> {
        AnyConnection::open(&self.address, false)
    }

    fn is_valid(&self, connection: &mut AnyConnection) -> Result<(), StorageError> {
        Ok(connection.batch_execute("SELECT 1")?)
    }

    fn has_broken(&self, _: &mut AnyConnection) -> bool {
        false
    }
}

impl Pool {
    /// Opens connections as they are needed, up to `size`.
    pub fn new(address: &str, size: u32) -> Result<Self, StorageError> {
        let manager = Manager {
            address: address.to_owned(),
        };
        r2d2::Pool::builder()
            .max_size(size)
            .min_idle(Some(1))
            .test_on_check_out(super::connection::is_postgres(address))
            .connection_timeout(LONGEST_WAIT)
            .build(manager)
            .map(|connections| Self {
                connections,
                seats: Arc::new(Semaphore::new(size as usize)),
            })
            .map_err(|error| StorageError::Unavailable(error.into()))
    }

    /// Waits for a seat without a thread: as many threads wait for the database as there are connections, however many requests do.
    pub async fn seat(&self) -> Result<Seat, StorageError> {
        let seat = tokio::time::timeout(LONGEST_WAIT, Arc::clone(&self.seats).acquire_owned()).await;
        let seat = seat.map_err(|error| StorageError::Unavailable(error.into()))?;
        seat.map(Seat).map_err(|error| StorageError::Unavailable(error.into()))
    }

    /// Runs a closure with a connection; blocks.
    pub fn with<T>(&self, body: impl FnOnce(&mut AnyConnection) -> Result<T, StorageError>) -> Result<T, StorageError> {
        let mut connection = self
            .connections
            .get()
            .map_err(|error| StorageError::Unavailable(error.into()))?;
        body(&mut connection)
    }
}
