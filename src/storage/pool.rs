//! Connections for reading; writing has its own connection in the writer.

use std::time::Duration;

use diesel::connection::SimpleConnection as _;

use super::StorageError;
use super::connection::AnyConnection;

/// A pool of connections to one address.
#[derive(Clone)]
pub struct Pool(r2d2::Pool<Manager>);

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
            .connection_timeout(Duration::from_secs(2))
            .build(manager)
            .map(Self)
            .map_err(|error| StorageError::Unavailable(error.into()))
    }

    /// Runs a closure with a connection; blocks.
    pub fn with<T>(&self, body: impl FnOnce(&mut AnyConnection) -> Result<T, StorageError>) -> Result<T, StorageError> {
        let mut connection = self.0.get().map_err(|error| StorageError::Unavailable(error.into()))?;
        body(&mut connection)
    }
}
