//! The key plane: keyset, slots and wrapped owner keys, in a database of its own that no data backup contains.

use std::sync::{Arc, Mutex, PoisonError};

use diesel::prelude::*;
use ledger::vault::RootKey;
use ledger::vault::associated::Deployment;
use ledger::vault::keyring::Keyring;
use ledger::vault::owner::{OwnerId, WrappedOwner};
use ledger::vault::slot::{Opener, Slot};

use super::StorageError;
use super::connection::AnyConnection;
use super::pool::Pool;
use super::schema::{key_meta, keyring, owner_key, slot};

/// Owners made durable at a time.
const POOL: usize = 64;

/// The key plane of a running process; cheap to clone.
#[derive(Clone)]
pub struct KeyPlane {
    connections: Pool,
    /// Owners that this process made and nobody uses yet.
    spare: Arc<Mutex<Vec<WrappedOwner>>>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = owner_key)]
struct OwnerRow {
    id: Vec<u8>,
    version: i64,
    wrapped: Vec<u8>,
    wrapped_s4: Vec<u8>,
}

/// Writes the key plane of a new deployment.
pub fn create(
    connection: &mut AnyConnection,
    deployment: Deployment,
    keysets: &[(&'static str, String)],
    first_slot: &Slot,
) -> Result<(), StorageError> {
    connection.transaction(|connection| {
        diesel::insert_into(key_meta::table)
            .values((
                key_meta::id.eq(1_i16),
                key_meta::deployment_id.eq(deployment.0.to_vec()),
            ))
            .execute(connection)?;
        for (name, json) in keysets {
            diesel::insert_into(keyring::table)
                .values((keyring::name.eq(*name), keyring::json.eq(json)))
                .execute(connection)?;
        }
        insert_slot(connection, first_slot)
    })
}

/// What opened the key plane, and what it opened.
pub struct Unsealed {
    /// For making further slots.
    pub root: RootKey,
    /// All keys below it.
    pub keyring: Keyring,
    /// The slot that was opened.
    pub slot: Slot,
}

/// Opens the keyring with whatever opens one of the slots; `None` when none of them opens.
pub fn unseal(connection: &mut AnyConnection, opener: &Opener) -> Result<Option<Unsealed>, StorageError> {
    let deployment = deployment(connection)?;
    for slot in slots(connection)? {
        if let Ok(root) = slot.open(deployment, opener) {
            let keysets: Vec<(String, String)> =
                keyring::table.select((keyring::name, keyring::json)).load(connection)?;
            let keyring = Keyring::open(deployment, &root, &keysets)?;
            return Ok(Some(Unsealed { root, keyring, slot }));
        }
    }
    Ok(None)
}

/// All slots that can be read; a damaged one does not keep the others shut.
pub fn slots(connection: &mut AnyConnection) -> Result<Vec<Slot>, StorageError> {
    Ok(rows(connection)?.into_iter().filter_map(|(_, slot)| slot).collect())
}

/// Row ids of slots that cannot be read, for `check`.
pub fn damaged_slots(connection: &mut AnyConnection) -> Result<Vec<String>, StorageError> {
    let rows = rows(connection)?.into_iter();
    Ok(rows.filter(|(_, slot)| slot.is_none()).map(|(id, _)| id).collect())
}

fn rows(connection: &mut AnyConnection) -> Result<Vec<(String, Option<Slot>)>, StorageError> {
    let rows: Vec<(String, String)> = slot::table
        .order(slot::id)
        .select((slot::id, slot::json))
        .load(connection)?;
    let read = |(id, json): (String, String)| (id, serde_json::from_str(&json).ok());
    Ok(rows.into_iter().map(read).collect())
}

/// Adds a slot and takes one away, both or neither; the last slot stays.
pub fn change_slots(
    connection: &mut AnyConnection,
    add: Option<&Slot>,
    remove: Option<&str>,
) -> Result<(), StorageError> {
    connection.transaction(|connection| {
        if let Some(slot) = add {
            insert_slot(connection, slot)?;
        }
        if let Some(id) = remove {
            let rows = rows(connection)?;
            let named = rows
                .iter()
                .find(|(_, slot)| slot.as_ref().is_some_and(|slot| slot.id() == id));
            let (row, _) = named.ok_or(StorageError::Inconsistent("there is no slot of this name"))?;
            diesel::delete(slot::table.find(row)).execute(connection)?;
        }
        // A damaged slot opens nothing, so it does not count.
        if slots(connection)?.is_empty() {
            return Err(StorageError::Inconsistent(
                "the last slot cannot be removed; nothing would open the keys again",
            ));
        }
        Ok(())
    })
}

fn insert_slot(connection: &mut AnyConnection, slot: &Slot) -> Result<(), StorageError> {
    let json = serde_json::to_string(slot).map_err(|_| StorageError::Inconsistent("the slot cannot be written"))?;
    diesel::insert_into(slot::table)
        .values((slot::id.eq(slot.id()), slot::json.eq(json)))
        .execute(connection)?;
    Ok(())
}

/// The deployment whose keys these are.
pub fn deployment(connection: &mut AnyConnection) -> Result<Deployment, StorageError> {
    let id: Vec<u8> = key_meta::table.select(key_meta::deployment_id).first(connection)?;
    id.try_into()
        .map(Deployment)
        .map_err(|_| StorageError::Inconsistent("deployment id"))
}

impl KeyPlane {
    /// Uses these connections.
    #[must_use]
    pub fn new(connections: Pool) -> Self {
        Self {
            connections,
            spare: Arc::default(),
        }
    }

    /// [`unseal`] and [`slots`] on the connections of the process; blocks.
    pub fn with<T>(&self, body: impl FnOnce(&mut AnyConnection) -> Result<T, StorageError>) -> Result<T, StorageError> {
        self.connections.with(body)
    }

    /// An owner that is durable and unused; the caller's data transaction takes it by its id.
    pub fn take(&self, keyring: &Keyring) -> Result<WrappedOwner, StorageError> {
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(owner) = spare.pop() {
            return Ok(owner);
        }
        let fresh: Result<Vec<WrappedOwner>, _> = (0..POOL).map(|_| keyring.draw_owner()).collect();
        let mut fresh = fresh?;
        self.connections.with(|connection| {
            connection.transaction(|connection| {
                for owner in &fresh {
                    diesel::insert_into(owner_key::table)
                        .values((
                            owner_key::id.eq(owner.id.to_vec()),
                            owner_key::version.eq(i64::from(owner.version)),
                            owner_key::wrapped.eq(&owner.wrapped),
                            owner_key::wrapped_s4.eq(&owner.wrapped_s4),
                        ))
                        .execute(connection)?;
                }
                Ok(())
            })
        })?;
        let owner = fresh
            .pop()
            .ok_or(StorageError::Inconsistent("the pool of keys is empty"))?;
        spare.append(&mut fresh);
        Ok(owner)
    }

    /// Wrapped owners by id, in the order of the ids; a missing one was erased.
    pub fn owners(&self, ids: &[OwnerId]) -> Result<Vec<Option<WrappedOwner>>, StorageError> {
        let wanted: Vec<Vec<u8>> = ids.iter().map(|id| id.to_vec()).collect();
        let rows: Vec<OwnerRow> = self.connections.with(|connection| {
            // A statement that lists ids cannot be prepared once and kept, so a few are asked for one by one.
            if wanted.len() <= 4 {
                let mut rows = Vec::new();
                for id in &wanted {
                    rows.extend(
                        owner_key::table
                            .find(id)
                            .select(OwnerRow::as_select())
                            .first(connection)
                            .optional()?,
                    );
                }
                return Ok(rows);
            }
            Ok(owner_key::table
                .filter(owner_key::id.eq_any(wanted))
                .select(OwnerRow::as_select())
                .load(connection)?)
        })?;
        ids.iter()
            .map(|id| rows.iter().find(|row| row.id == id.as_slice()).map(wrapped).transpose())
            .collect()
    }
}

fn wrapped(row: &OwnerRow) -> Result<WrappedOwner, StorageError> {
    let damaged = |()| StorageError::Inconsistent("a row of the key plane is damaged");
    Ok(WrappedOwner {
        id: row.id.as_slice().try_into().map_err(|_| damaged(()))?,
        version: u32::try_from(row.version).map_err(|_| damaged(()))?,
        wrapped: row.wrapped.clone(),
        wrapped_s4: row.wrapped_s4.clone(),
    })
}
