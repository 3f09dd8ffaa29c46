//! Every statement and every message in which the two databases differ.

use diesel::connection::DefaultLoadingMode;
use diesel::result::{DatabaseErrorKind, Error};
use diesel::{QueryDsl as _, QueryResult, RunQueryDsl as _, SelectableHelper as _};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};

use super::StorageError;
use super::connection::AnyConnection;
use super::log_rows::HeadRow;
use super::schema::log_head;

const HOUSE_SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const KEYS_SQLITE: EmbeddedMigrations = embed_migrations!("migrations/keys/sqlite");
#[cfg(feature = "postgres")]
const HOUSE_POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");
#[cfg(feature = "postgres")]
const KEYS_POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/keys/postgres");

/// Which of the two databases of a deployment.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Plane {
    /// Cases, accounts and the log.
    House,
    /// Wrapped keys.
    Keys,
}

fn migrations(connection: &AnyConnection, plane: Plane) -> EmbeddedMigrations {
    match (connection, plane) {
        (AnyConnection::Sqlite(_), Plane::House) => HOUSE_SQLITE,
        (AnyConnection::Sqlite(_), Plane::Keys) => KEYS_SQLITE,
        #[cfg(feature = "postgres")]
        (AnyConnection::Pg(_), Plane::House) => HOUSE_POSTGRES,
        #[cfg(feature = "postgres")]
        (AnyConnection::Pg(_), Plane::Keys) => KEYS_POSTGRES,
    }
}

/// Brings the schema up to date; needs no key.
pub fn migrate(connection: &mut AnyConnection, plane: Plane) -> Result<(), StorageError> {
    let source = migrations(connection, plane);
    match connection {
        AnyConnection::Sqlite(inner) => inner.run_pending_migrations(source).map(drop),
        #[cfg(feature = "postgres")]
        AnyConnection::Pg(inner) => inner.run_pending_migrations(source).map(drop),
    }
    .map_err(StorageError::Unavailable)
}

/// Takes the schema down again; for the test of the paired migrations.
pub fn unmigrate(connection: &mut AnyConnection, plane: Plane) -> Result<(), StorageError> {
    let source = migrations(connection, plane);
    match connection {
        AnyConnection::Sqlite(inner) => inner.revert_all_migrations(source).map(drop),
        #[cfg(feature = "postgres")]
        AnyConnection::Pg(inner) => inner.revert_all_migrations(source).map(drop),
    }
    .map_err(StorageError::Unavailable)
}

/// Whether migrations wait to be run.
pub fn pending(connection: &mut AnyConnection, plane: Plane) -> Result<bool, StorageError> {
    let source = migrations(connection, plane);
    match connection {
        AnyConnection::Sqlite(inner) => inner.has_pending_migration(source),
        #[cfg(feature = "postgres")]
        AnyConnection::Pg(inner) => inner.has_pending_migration(source),
    }
    .map_err(StorageError::Unavailable)
}

/// What every connection to an embedded database begins with.
pub const OPENED_SQLITE: [&str; 8] = [
    "PRAGMA busy_timeout = 5000",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA cache_size = -4096",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA secure_delete = ON",
    "PRAGMA temp_store = MEMORY",
];

/// Begins a transaction that writes: on SQLite with the lock, on PostgreSQL the first statement takes it.
#[must_use]
pub fn begin_write(connection: &AnyConnection) -> &'static str {
    match connection {
        AnyConnection::Sqlite(_) => "BEGIN IMMEDIATE",
        #[cfg(feature = "postgres")]
        AnyConnection::Pg(_) => "BEGIN ISOLATION LEVEL READ COMMITTED",
    }
}

/// Begins a transaction that reads one state.
#[must_use]
pub fn begin_snapshot(connection: &AnyConnection) -> &'static str {
    match connection {
        AnyConnection::Sqlite(_) => "BEGIN DEFERRED",
        #[cfg(feature = "postgres")]
        AnyConnection::Pg(_) => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    }
}

/// Writes the state of now into an empty file beside whoever reads and writes meanwhile; SQLite only.
pub fn copy_to(connection: &mut AnyConnection, path: &str) -> QueryResult<()> {
    diesel::sql_query("VACUUM INTO ?")
        .bind::<diesel::sql_types::Text, _>(path)
        .execute(connection)
        .map(drop)
}

/// Reads the head of the log under the write lock; the first statement of every write transaction.
///
/// On SQLite `BEGIN IMMEDIATE` holds the lock already.
pub fn lock_head(connection: &mut AnyConnection) -> QueryResult<HeadRow> {
    match connection {
        AnyConnection::Sqlite(inner) => log_head::table.select(HeadRow::as_select()).first(inner),
        #[cfg(feature = "postgres")]
        AnyConnection::Pg(inner) => log_head::table.select(HeadRow::as_select()).for_update().first(inner),
    }
}

/// Inserts the owners that one entry names with one statement.
pub fn insert_subjects(connection: &mut AnyConnection, shard: i64, idx: i64, handles: &[Vec<u8>]) -> QueryResult<()> {
    use diesel::sql_types::{BigInt, Text};
    let list: Vec<String> = handles
        .iter()
        .map(|handle| handle.iter().map(|byte| format!("{byte:02x}")).collect())
        .collect();
    let statement = match connection {
        AnyConnection::Sqlite(_) => {
            "INSERT INTO log_subject (shard, idx, handle) SELECT ?, ?, unhex(value) FROM json_each(?)"
        }
        #[cfg(feature = "postgres")]
        AnyConnection::Pg(_) => {
            "INSERT INTO log_subject (shard, idx, handle) SELECT $1, $2, decode(value, 'hex') \
             FROM json_array_elements_text($3::json) AS value"
        }
    };
    diesel::sql_query(statement)
        .bind::<BigInt, _>(shard)
        .bind::<BigInt, _>(idx)
        .bind::<Text, _>(serde_json::json!(list).to_string())
        .execute(connection)
        .map(drop)
}

/// Overwrites what deleted rows of the key plane left behind: freed pages are zeroed, the write-ahead log is emptied.
///
/// What the medium itself keeps of overwritten blocks is beyond any program; only destroying the root key reaches that.
pub fn leave_no_trace(connection: &mut AnyConnection) -> Result<(), StorageError> {
    match connection {
        AnyConnection::Sqlite(_) => empty_log(connection),
        #[cfg(feature = "postgres")]
        AnyConnection::Pg(inner) => {
            use diesel::connection::SimpleConnection as _;
            inner.batch_execute("VACUUM FULL owner_key")?;
            inner.batch_execute("VACUUM FULL keyring")?;
            Ok(inner.batch_execute("CHECKPOINT")?)
        }
    }
}

#[derive(diesel::QueryableByName)]
struct Checkpoint {
    #[diesel(sql_type = diesel::sql_types::Integer)]
    busy: i32,
}

/// Brings everything of SQLite's write-ahead log into the database file and empties it; fails while somebody still reads an older state.
pub fn empty_log(connection: &mut AnyConnection) -> Result<(), StorageError> {
    let done: Vec<Checkpoint> = diesel::sql_query("PRAGMA wal_checkpoint(TRUNCATE)").load(connection)?;
    if done.iter().any(|one| one.busy != 0) {
        return Err(StorageError::Inconsistent(
            "another program is reading this database, so what was deleted is still in its write-ahead log; end that program, then run this again",
        ));
    }
    Ok(())
}

/// What to do after an error of a whole batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Severity {
    /// Disk full or locked: refuse this batch, try the next.
    Resumable,
    /// The connection is gone: connect again.
    Reconnect,
    /// Anything else: stop serving until the log has been verified.
    Stop,
}

/// Tells a passing fault from one that must stop the process.
#[must_use]
pub fn severity(error: &Error) -> Severity {
    match error {
        Error::DatabaseError(DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand, _)
        | Error::BrokenTransactionManager => Severity::Reconnect,
        Error::DatabaseError(DatabaseErrorKind::SerializationFailure, _) => Severity::Resumable,
        // A primary that was demoted: connect again, to whoever is primary now.
        Error::DatabaseError(DatabaseErrorKind::ReadOnlyTransaction, _) => Severity::Reconnect,
        Error::DatabaseError(_, information) => {
            let says = |texts: &[&str]| texts.iter().any(|text| information.message().contains(text));
            if says(&[
                "terminating connection",
                "server closed the connection",
                "the database system is",
            ]) {
                Severity::Reconnect
            } else if says(&[
                "database is locked",
                "database table is locked",
                "database or disk is full",
                "lock timeout",
                "deadlock detected",
                "No space left on device",
            ]) {
                Severity::Resumable
            } else {
                Severity::Stop
            }
        }
        _ => Severity::Stop,
    }
}

/// Whether an error inside one act says that the database itself cannot be relied on.
#[must_use]
pub fn concerns_all(error: &Error) -> bool {
    let texts = [
        "disk I/O error",
        "malformed",
        "not a database",
        "disk is full",
        "out of memory",
        "database is locked",
        "No space left",
    ];
    match error {
        Error::DatabaseError(_, information) if texts.iter().any(|text| information.message().contains(text)) => true,
        other => severity(other) == Severity::Reconnect,
    }
}

/// The version of the database library or server, for `check`.
pub fn version(connection: &mut AnyConnection) -> QueryResult<String> {
    use diesel::sql_types::Text;
    #[derive(diesel::QueryableByName)]
    struct Version {
        #[diesel(sql_type = Text)]
        version: String,
    }
    let statement = match connection {
        AnyConnection::Sqlite(_) => "SELECT sqlite_version() AS version",
        #[cfg(feature = "postgres")]
        AnyConnection::Pg(_) => "SELECT current_setting('server_version') AS version",
    };
    diesel::sql_query(statement)
        .get_result::<Version>(connection)
        .map(|row| row.version)
}

/// Every table with its columns, types and nullability, in one notation for both databases; for tests and `check`.
pub fn columns(connection: &mut AnyConnection) -> QueryResult<Vec<Column>> {
    let statement = match connection {
        AnyConnection::Sqlite(_) => {
            "SELECT m.name AS table_name, c.name AS column_name, lower(c.type) AS kind, \
             (c.\"notnull\" = 0 AND c.pk = 0) AS nullable FROM sqlite_schema m, pragma_table_info(m.name) c \
             WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name NOT LIKE '\\_\\_%' ESCAPE '\\' \
             ORDER BY 1, c.cid"
        }
        #[cfg(feature = "postgres")]
        AnyConnection::Pg(_) => {
            "SELECT table_name::text, column_name::text, CASE data_type WHEN 'bytea' THEN 'blob' WHEN 'text' THEN 'text' \
             ELSE 'integer' END AS kind, is_nullable = 'YES' AS nullable FROM information_schema.columns \
             WHERE table_schema = 'public' AND table_name NOT LIKE '\\_\\_%' ORDER BY 1, ordinal_position"
        }
    };
    diesel::sql_query(statement).load(connection)
}

/// A column as the database describes it.
#[derive(diesel::QueryableByName, PartialEq, Eq, Debug)]
pub struct Column {
    /// Table.
    #[diesel(sql_type = diesel::sql_types::Text)]
    pub table_name: String,
    /// Column.
    #[diesel(sql_type = diesel::sql_types::Text)]
    pub column_name: String,
    /// `integer`, `text` or `blob`.
    #[diesel(sql_type = diesel::sql_types::Text)]
    pub kind: String,
    /// Whether it may be NULL.
    #[diesel(sql_type = diesel::sql_types::Bool)]
    pub nullable: bool,
}

/// A table and one that its rows refer to.
#[derive(diesel::QueryableByName)]
pub struct Reference {
    /// The table.
    #[diesel(sql_type = diesel::sql_types::Text)]
    pub table_name: String,
    /// What must be there first.
    #[diesel(sql_type = diesel::sql_types::Text)]
    pub parent: String,
}

/// Which tables refer to which; asked of the embedded database, whose schema has the same names.
pub fn references(connection: &mut AnyConnection) -> QueryResult<Vec<Reference>> {
    diesel::sql_query(
        "SELECT m.name AS table_name, f.\"table\" AS parent FROM sqlite_schema m, pragma_foreign_key_list(m.name) f \
         WHERE m.type = 'table' AND f.\"table\" <> m.name",
    )
    .load(connection)
}

#[derive(diesel::QueryableByName)]
struct AsJson {
    #[diesel(sql_type = diesel::sql_types::Text)]
    row: String,
}

/// Expressions over columns, one for bytes and one for everything else, with commas between them.
fn listed(columns: &[Column], bytes: impl Fn(&str) -> String, other: impl Fn(&str) -> String) -> String {
    let each = columns.iter().map(|column| match column.kind.as_str() {
        "blob" => bytes(&column.column_name),
        _ => other(&column.column_name),
    });
    each.collect::<Vec<_>>().join(", ")
}

/// Reads a table row by row as JSON objects, by its first two columns; bytes are `\x` and hex.
pub fn read_rows(
    connection: &mut AnyConnection,
    columns: &[Column],
    mut each: impl FnMut(String) -> Result<(), StorageError>,
) -> Result<(), StorageError> {
    let Some(table) = columns.first().map(|column| &column.table_name) else {
        return Ok(());
    };
    let order: Vec<&str> = columns
        .iter()
        .take(2)
        .map(|column| column.column_name.as_str())
        .collect();
    let order = order.join(", ");
    match connection {
        AnyConnection::Sqlite(inner) => {
            let pairs = listed(
                columns,
                |name| format!("'{name}', CASE WHEN {name} IS NULL THEN NULL ELSE '\\x' || hex({name}) END"),
                |name| format!("'{name}', {name}"),
            );
            let statement = format!("SELECT json_object({pairs}) AS row FROM {table} ORDER BY {order}");
            for row in diesel::sql_query(statement).load_iter::<AsJson, DefaultLoadingMode>(inner)? {
                each(row?.row)?;
            }
        }
        #[cfg(feature = "postgres")]
        AnyConnection::Pg(inner) => {
            diesel::sql_query("SET LOCAL bytea_output = 'hex'").execute(inner)?;
            let statement = format!("SELECT row_to_json(t)::text AS row FROM {table} t ORDER BY {order}");
            for row in diesel::sql_query(statement).load_iter::<AsJson, diesel::pg::PgRowByRowLoadingMode>(inner)? {
                each(row?.row)?;
            }
        }
    }
    Ok(())
}

/// Inserts rows of [`read_rows`].
pub fn write_rows(connection: &mut AnyConnection, columns: &[Column], rows: &[String]) -> QueryResult<()> {
    let Some(table) = columns.first().map(|column| &column.table_name) else {
        return Ok(());
    };
    let statement = match connection {
        AnyConnection::Sqlite(_) => {
            let names = listed(columns, str::to_owned, str::to_owned);
            let values = listed(
                columns,
                |name| format!("unhex(substr(json_extract(value, '$.{name}'), 3))"),
                |name| format!("json_extract(value, '$.{name}')"),
            );
            format!("INSERT INTO {table} ({names}) SELECT {values} FROM json_each(?)")
        }
        #[cfg(feature = "postgres")]
        AnyConnection::Pg(_) => {
            format!("INSERT INTO {table} SELECT * FROM json_populate_recordset(NULL::{table}, $1::json)")
        }
    };
    diesel::sql_query(statement)
        .bind::<diesel::sql_types::Text, _>(format!("[{}]", rows.join(",")))
        .execute(connection)
        .map(drop)
}
