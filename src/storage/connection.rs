//! One connection to either database, with transactions that survive panics.

use std::panic::{AssertUnwindSafe, catch_unwind};

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::result::Error;
use diesel::sqlite::SqliteConnection;
use diesel::{Connection, QueryResult};

use super::{StorageError, dialect};

/// A connection; the variant is always chosen from the address, never by trying.
#[derive(diesel::MultiConnection)]
pub enum AnyConnection {
    /// The embedded default.
    Sqlite(SqliteConnection),
    /// Several nodes.
    #[cfg(feature = "postgres")]
    Pg(diesel::PgConnection),
}

/// Why a transaction or a savepoint was rolled back.
#[derive(Debug)]
pub enum Rollback {
    /// The database said no.
    Database(Error),
    /// The closure panicked; the panic has been caught.
    Panic,
    /// The act said no and has answered already.
    Refused,
    /// The database ended the whole transaction by itself.
    Lost,
    /// The commit itself failed: whether it is durable, nobody here can say.
    Uncertain(Error),
}

impl From<Error> for Rollback {
    fn from(error: Error) -> Self {
        Self::Database(error)
    }
}

type Manager = AnyConnection;

impl AnyConnection {
    /// Opens `postgres://…` or the path of a SQLite file; a missing file is an error unless `create`.
    pub fn open(address: &str, create: bool) -> Result<Self, StorageError> {
        let unavailable = |error: diesel::ConnectionError| StorageError::Unavailable(error.into());
        #[cfg(feature = "postgres")]
        if is_postgres(address) {
            return diesel::PgConnection::establish(address)
                .map(Self::Pg)
                .map_err(unavailable);
        }
        if is_postgres(address) {
            return Err(StorageError::Inconsistent(
                "this program was built without the feature `postgres`",
            ));
        }
        let mode = if create { "rwc" } else { "rw" };
        let mut connection =
            SqliteConnection::establish(&format!("file:{address}?mode={mode}")).map_err(unavailable)?;
        for statement in dialect::OPENED_SQLITE {
            connection.batch_execute(statement)?;
        }
        Ok(Self::Sqlite(connection))
    }

    /// Whether it is the embedded database.
    #[must_use]
    pub fn is_embedded(&self) -> bool {
        match self {
            Self::Sqlite(_) => true,
            #[cfg(feature = "postgres")]
            Self::Pg(_) => false,
        }
    }

    /// Runs a write transaction: the lock is taken before the closure, a panic or an error rolls back.
    pub fn write<T>(&mut self, body: impl FnOnce(&mut Self) -> Result<T, Rollback>) -> Result<T, Rollback> {
        self.begin(dialect::begin_write(self))?;
        self.guarded(|connection| {
            let value = body(connection)?;
            // PostgreSQL answers COMMIT of a failed transaction with a silent ROLLBACK; this fails instead.
            connection.batch_execute("SELECT 1")?;
            Ok(value)
        })
    }

    /// Runs reads on one state of the data: what another transaction commits meanwhile is not half seen.
    pub fn snapshot<T>(&mut self, body: impl FnOnce(&mut Self) -> Result<T, StorageError>) -> Result<T, StorageError> {
        self.begin(dialect::begin_snapshot(self))?;
        let mut failed = None;
        let done = self.guarded(|connection| {
            body(connection).map_err(|error| {
                failed = Some(error);
                Rollback::Refused
            })
        });
        done.map_err(|rollback| match (failed, rollback) {
            (Some(error), _) => error,
            (None, Rollback::Database(error) | Rollback::Uncertain(error)) => error.into(),
            (None, _) => StorageError::Inconsistent("a read was cut short"),
        })
    }

    fn begin(&mut self, statement: &str) -> QueryResult<()> {
        match self {
            Self::Sqlite(inner) => AnsiTransactionManager::begin_transaction_sql(inner, statement),
            #[cfg(feature = "postgres")]
            Self::Pg(inner) => AnsiTransactionManager::begin_transaction_sql(inner, statement),
        }
    }

    /// Runs a part of a transaction that may fail by itself.
    pub fn savepoint<T>(&mut self, body: impl FnOnce(&mut Self) -> Result<T, Rollback>) -> Result<T, Rollback> {
        if self.depth()? == 0 {
            return Err(Rollback::Lost);
        }
        <Manager as TransactionManager<Self>>::begin_transaction(self)?;
        self.guarded(body)
    }

    fn guarded<T>(&mut self, body: impl FnOnce(&mut Self) -> Result<T, Rollback>) -> Result<T, Rollback> {
        let inside = self.depth()?;
        let outcome = catch_unwind(AssertUnwindSafe(|| body(self))).unwrap_or(Err(Rollback::Panic));
        let outcome = match outcome {
            Ok(value) if self.depth().ok() == Some(inside) => {
                <Manager as TransactionManager<Self>>::commit_transaction(self)
                    .map(|()| value)
                    .map_err(if inside == 1 {
                        Rollback::Uncertain
                    } else {
                        Rollback::Database
                    })
            }
            Ok(_) => Err(Rollback::Lost),
            Err(rollback) => Err(rollback),
        };
        if let Err(rollback) = outcome {
            if self.depth().is_ok_and(|depth| depth == inside) {
                // The first error is the one worth reporting; a failed rollback shows in the depth below.
                if let Err(error) = <Manager as TransactionManager<Self>>::rollback_transaction(self) {
                    tracing::error!(%error, "rollback failed");
                }
            }
            // SQLite ends the whole transaction by itself on some errors: then nothing outside may go on as if it stood.
            let outside = self.depth().is_ok_and(|depth| depth + 1 == inside);
            return Err(if outside || inside == 1 {
                rollback
            } else {
                Rollback::Lost
            });
        }
        outcome
    }

    fn depth(&mut self) -> QueryResult<u32> {
        let status = <Manager as TransactionManager<Self>>::transaction_manager_status_mut(self);
        Ok(status.transaction_depth()?.map_or(0, std::num::NonZero::get))
    }
}

/// Whether an address names a PostgreSQL server.
#[must_use]
pub fn is_postgres(address: &str) -> bool {
    address.starts_with("postgres://") || address.starts_with("postgresql://")
}
