//! A new deployment: two databases, a keyring under one slot, the first entry of the log.

use std::path::Path;
use std::sync::Arc;

use diesel::prelude::*;
use ledger::Draft;
use ledger::log::checkpoint::VerifierKey;
use ledger::vault::RootKey;
use ledger::vault::associated::Deployment;
use ledger::vault::keyring::{Keyring, draw_keysets, draw_root};
use ledger::vault::slot::Slot;

use crate::clock::{Clock, random_id};
use crate::config::Config;
use crate::storage::connection::AnyConnection;
use crate::storage::dialect::{Plane, migrate};
use crate::storage::schema::deployment;
use crate::storage::writer::Writer;
use crate::storage::{StorageError, key_plane, log_rows};

/// What `init` made.
pub struct Initialised {
    /// The opened keyring.
    pub keyring: Arc<Keyring>,
    /// The line to print on paper: the log's public key.
    pub vkey: String,
}

/// Sets everything up; the databases must be empty. `first` makes the first slot, before anything is kept.
pub fn init<E: From<StorageError>>(
    data: &Path,
    config: &Config,
    clock: &Clock,
    first: impl FnOnce(Deployment, &RootKey) -> Result<Slot, E>,
) -> Result<Initialised, E> {
    let (mut house, mut keys) = prepare(data, config)?;
    let draw = || Ok::<_, StorageError>((Deployment(random_id()?), draw_root()?));
    let (id, root) = draw()?;
    let slot = first(id, &root)?;
    Ok(create(
        data,
        config,
        clock,
        (&mut house, &mut keys),
        (id, &root, &slot),
    )?)
}

fn prepare(data: &Path, config: &Config) -> Result<(AnyConnection, AnyConnection), StorageError> {
    let mut house = AnyConnection::open(&config.database_address(data), true)?;
    let mut keys = AnyConnection::open(&config.key_plane_address(data), true)?;
    migrate(&mut house, Plane::House)?;
    migrate(&mut keys, Plane::Keys)?;
    if deployment::table.count().get_result::<i64>(&mut house)? > 0 || key_plane::deployment(&mut keys).is_ok() {
        return Err(StorageError::Inconsistent(
            "there is a deployment here already; choose an empty folder",
        ));
    }
    Ok((house, keys))
}

fn create(
    data: &Path,
    config: &Config,
    clock: &Clock,
    (house, keys): (&mut AnyConnection, &mut AnyConnection),
    (id, root, slot): (Deployment, &RootKey, &Slot),
) -> Result<Initialised, StorageError> {
    let keysets = draw_keysets(id, root)?;
    key_plane::create(keys, id, &keysets, slot)?;
    let owned: Vec<(String, String)> = keysets
        .into_iter()
        .map(|(name, json)| (name.to_owned(), json))
        .collect();
    let keyring = Arc::new(Keyring::open(id, root, &owned)?);
    let year = chrono::Datelike::year(&(clock.now() + chrono::Duration::hours(7)));
    house.transaction::<_, StorageError, _>(|house| {
        diesel::insert_into(deployment::table)
            .values((
                deployment::id.eq(1_i16),
                deployment::deployment_id.eq(id.0.to_vec()),
                deployment::created_at.eq(clock.now_ms()),
            ))
            .execute(house)?;
        log_rows::start(house, u32::try_from(year).unwrap_or(0))
    })?;
    let (writer, thread) = Writer::start(&config.database_address(data), clock.clone(), &config.node)?;
    let entry = Draft::new("sys.init", "operator", &random_id()?);
    let written = writer.write_blocking::<(), ()>(None, move |_| Ok(((), vec![entry])));
    drop(writer);
    thread.join();
    written.map_err(|_| StorageError::Inconsistent("the first entry of the log was not written"))?;
    Ok(Initialised {
        vkey: VerifierKey::of(&keyring).line(),
        keyring,
    })
}
