//! The key plane: keyset, slots and wrapped owner keys, in a database of its own that no data backup contains.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use diesel::prelude::*;
use ledger::vault::RootKey;
use ledger::vault::associated::{Deployment, Handle};
use ledger::vault::keyring::Keyring;
use ledger::vault::owner::{OwnerId, WrappedOwner};
use ledger::vault::rotation::Stored;
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
            let keyring = Keyring::open(deployment, &root, &keysets(connection)?)?;
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

/// Adds a slot and takes one away, both or neither; the last slot stays, and so does everything when this is the root key no more, or when
/// `told`, who hears of it last, fails.
pub fn change_slots(
    connection: &mut AnyConnection,
    root: &RootKey,
    (add, remove): (Option<&Slot>, Option<&str>),
    told: impl FnOnce() -> Result<(), StorageError>,
) -> Result<(), StorageError> {
    connection.transaction(|connection| {
        lock(connection)?;
        still_opens(connection, root)?;
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
        told()
    })
}

fn insert_slot(connection: &mut AnyConnection, slot: &Slot) -> Result<(), StorageError> {
    let json = serde_json::to_string(slot).map_err(|_| StorageError::Inconsistent("the slot cannot be written"))?;
    diesel::insert_into(slot::table)
        .values((slot::id.eq(slot.id()), slot::json.eq(json)))
        .execute(connection)?;
    Ok(())
}

/// Log handles of these owners; one whose keys are gone has none.
pub fn handles(
    connection: &mut AnyConnection,
    keyring: &Keyring,
    owners: &[Vec<u8>],
) -> Result<Vec<Handle>, StorageError> {
    let mut handles = Vec::new();
    for owner in owners {
        if let Some(row) = self::owner(connection, owner)? {
            handles.push(keyring.unwrap_owner(&row)?.handle());
        }
    }
    Ok(handles)
}

/// Every owner with its log handle.
pub fn all_handles(connection: &mut AnyConnection, keyring: &Keyring) -> Result<Vec<(Vec<u8>, Handle)>, StorageError> {
    let rows: Vec<OwnerRow> = owner_key::table.select(OwnerRow::as_select()).load(connection)?;
    rows.into_iter()
        .map(|row| Ok((row.id.clone(), keyring.unwrap_owner(&wrapped(&row)?)?.handle())))
        .collect()
}

/// One owner; `None` when its keys are gone.
pub fn owner(connection: &mut AnyConnection, id: &[u8]) -> Result<Option<WrappedOwner>, StorageError> {
    let row: Option<OwnerRow> = owner_key::table
        .find(id.to_vec())
        .select(OwnerRow::as_select())
        .first(connection)
        .optional()?;
    row.as_ref().map(wrapped).transpose()
}

/// Those of these owners whose keys are here.
pub fn present(connection: &mut AnyConnection, owners: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, StorageError> {
    let mut here = Vec::new();
    for owner in owners {
        let found: Option<Vec<u8>> = owner_key::table
            .find(owner)
            .select(owner_key::id)
            .first(connection)
            .optional()?;
        here.extend(found);
    }
    Ok(here)
}

/// Everything that a key package carries: keysets and slots as they are stored, and all owners.
pub struct Contents {
    /// Name and encrypted JSON.
    pub keysets: Vec<(String, String)>,
    /// Row id and JSON.
    pub slots: Vec<(String, String)>,
    /// Wrapped owners.
    pub owners: Vec<WrappedOwner>,
}

/// Reads the whole key plane.
pub fn contents(connection: &mut AnyConnection) -> Result<Contents, StorageError> {
    let owners: Vec<OwnerRow> = owner_key::table
        .order(owner_key::id)
        .select(OwnerRow::as_select())
        .load(connection)?;
    let owners: Result<Vec<_>, _> = owners.iter().map(wrapped).collect();
    Ok(Contents {
        keysets: keysets(connection)?,
        slots: slot::table
            .order(slot::id)
            .select((slot::id, slot::json))
            .load(connection)?,
        owners: owners?,
    })
}

/// Fills an empty key plane.
pub fn fill(connection: &mut AnyConnection, deployment: Deployment, contents: &Contents) -> Result<(), StorageError> {
    diesel::insert_into(key_meta::table)
        .values((
            key_meta::id.eq(1_i16),
            key_meta::deployment_id.eq(deployment.0.to_vec()),
        ))
        .execute(connection)?;
    for (name, json) in &contents.keysets {
        diesel::insert_into(keyring::table)
            .values((keyring::name.eq(name), keyring::json.eq(json)))
            .execute(connection)?;
    }
    for (id, json) in &contents.slots {
        diesel::insert_into(slot::table)
            .values((slot::id.eq(id), slot::json.eq(json)))
            .execute(connection)?;
    }
    for owner in &contents.owners {
        insert_owner(connection, owner)?;
    }
    Ok(())
}

fn insert_owner(connection: &mut AnyConnection, owner: &WrappedOwner) -> Result<(), StorageError> {
    diesel::insert_into(owner_key::table)
        .values((
            owner_key::id.eq(owner.id.to_vec()),
            owner_key::version.eq(i64::from(owner.version)),
            owner_key::wrapped.eq(&owner.wrapped),
            owner_key::wrapped_s4.eq(&owner.wrapped_s4),
        ))
        .execute(connection)?;
    Ok(())
}

/// Takes the lock of the key plane before anything is read; the first statement of a transaction that writes.
pub fn lock(connection: &mut AnyConnection) -> Result<(), StorageError> {
    diesel::update(keyring::table.find("owner"))
        .set(keyring::json.eq(keyring::json))
        .execute(connection)?;
    Ok(())
}

/// Fails when this root key opens the stored keysets no more: what would be stored under it, nobody could open.
fn still_opens(connection: &mut AnyConnection, root: &RootKey) -> Result<(), StorageError> {
    let (deployment, stored) = (deployment(connection)?, keysets(connection)?);
    match Keyring::open(deployment, root, &stored) {
        Ok(_) => Ok(()),
        Err(_) => Err(CHANGED),
    }
}

const CHANGED: StorageError =
    StorageError::Inconsistent("another command has just changed the keys; nothing was changed here, run this again");

/// Keeps the wrapping epoch as it is until the end of the transaction, and fails when it is not the one that is open here.
///
/// Otherwise a row wrapped under keys that another process has just destroyed would be lost.
fn hold_epoch(connection: &mut AnyConnection, keyring: &Keyring) -> Result<(), StorageError> {
    lock(connection)?;
    let stored = keysets(connection)?;
    let [open, _] = keyring.epoch()?;
    if primary(&told_of(&stored, "owner")) != Some(u64::from(open)) {
        return Err(StorageError::Inconsistent(
            "the keys were changed by another process; seal this server and unseal it again",
        ));
    }
    Ok(())
}

/// Rows that are wrapped anew at a time.
const STRIDE: i64 = 500;

/// Deletes the keys of these owners and wraps all others under a new epoch, whose predecessor is destroyed; gives the two epochs, `old-new` in hex.
///
/// One transaction: either all of it holds or nothing does, also when `told`, who hears the two epochs last, fails. What an older copy of this database holds opens with the keys of that copy only.
pub fn erase(
    connection: &mut AnyConnection,
    root: &RootKey,
    keyring: &Keyring,
    owners: &[Vec<u8>],
    told: impl FnOnce(&str) -> Result<(), StorageError>,
) -> Result<String, StorageError> {
    let name = turn(connection, root, keyring, (owners, None), told)?;
    super::dialect::leave_no_trace(connection)?;
    Ok(name)
}

/// [`erase`], with other keysets that change in the same transaction, if all are still as they were read; what was overwritten stays until
/// [`super::dialect::leave_no_trace`].
pub fn turn(
    connection: &mut AnyConnection,
    root: &RootKey,
    keyring: &Keyring,
    (owners, others): (&[Vec<u8>], Option<(&Stored, &Stored)>),
    told: impl FnOnce(&str) -> Result<(), StorageError>,
) -> Result<String, StorageError> {
    let epoch = keyring.next_epoch(root)?;
    let ([old, _], [new, _]) = (keyring.epoch()?, epoch.ids()?);
    let name = format!("{old:08x}-{new:08x}");
    connection.transaction(|connection| {
        lock(connection)?;
        if let Some((read, _)) = others
            && keysets(connection)? != *read
        {
            return Err(CHANGED);
        }
        still_opens(connection, root)?;
        hold_epoch(connection, keyring)?;
        for owner in owners {
            diesel::delete(owner_key::table.find(owner)).execute(connection)?;
        }
        let mut last = Vec::new();
        loop {
            let rows: Vec<OwnerRow> = owner_key::table
                .filter(owner_key::id.gt(last.clone()))
                .order(owner_key::id)
                .limit(STRIDE)
                .select(OwnerRow::as_select())
                .load(connection)?;
            let Some(end) = rows.last() else { break };
            last.clone_from(&end.id);
            for row in &rows {
                let anew = epoch.rewrap(&wrapped(row)?)?;
                diesel::update(owner_key::table.find(&row.id))
                    .set((
                        owner_key::wrapped.eq(anew.wrapped),
                        owner_key::wrapped_s4.eq(anew.wrapped_s4),
                    ))
                    .execute(connection)?;
            }
        }
        let own = epoch.keysets().iter().map(|(name, json)| (*name, json));
        for (name, json) in own.chain(
            others
                .into_iter()
                .flat_map(|(_, new)| new)
                .map(|(name, json)| (name.as_str(), json)),
        ) {
            put_keyset(connection, name, json)?;
        }
        told(&name)
    })?;
    Ok(name)
}

fn put_keyset(connection: &mut AnyConnection, name: &str, json: &str) -> Result<(), StorageError> {
    diesel::update(keyring::table.find(name))
        .set(keyring::json.eq(json))
        .execute(connection)?;
    Ok(())
}

/// The keysets as they are stored: name and encrypted JSON.
pub fn keysets(connection: &mut AnyConnection) -> Result<Stored, StorageError> {
    Ok(keyring::table
        .order(keyring::name)
        .select((keyring::name, keyring::json))
        .load(connection)?)
}

/// Stores keysets in place of those that were read; fails when another process was quicker. `told` hears of it last and can keep it from happening.
///
/// With a slot, that one takes the place of all others.
pub fn replace_keysets(
    connection: &mut AnyConnection,
    read: &[(String, String)],
    changed: &[(String, String)],
    only_slot: Option<&Slot>,
    told: impl FnOnce() -> Result<(), StorageError>,
) -> Result<(), StorageError> {
    connection.transaction(|connection| {
        lock(connection)?;
        if keysets(connection)? != read {
            return Err(CHANGED);
        }
        for (name, json) in changed {
            put_keyset(connection, name, json)?;
        }
        if let Some(slot) = only_slot {
            diesel::delete(slot::table).execute(connection)?;
            insert_slot(connection, slot)?;
        }
        told()
    })
}

/// What Tink tells of a keyset in plain: the ids of its keys, and which is the primary one.
fn told_of(keysets: &[(String, String)], name: &str) -> serde_json::Value {
    let json = keysets.iter().find(|(known, _)| known == name);
    json.and_then(|(_, json)| serde_json::from_str(json).ok())
        .unwrap_or_default()
}

fn primary(told: &serde_json::Value) -> Option<u64> {
    told.pointer("/keysetInfo/primaryKeyId")?.as_u64()
}

/// Fails when these are not the keysets from which a keyring was opened: what it judged, it judged of others.
pub fn are_of(keysets: &[(String, String)], keyring: &Keyring) -> Result<(), StorageError> {
    match primary(&told_of(keysets, "access-row")) == Some(u64::from(keyring.row_key())) {
        true => Ok(()),
        false => Err(CHANGED),
    }
}

/// Ids of the keys under which rows that grant access are signed, as Tink tells them in plain.
#[must_use]
pub fn row_keys(keysets: &[(String, String)]) -> HashSet<u32> {
    let told = told_of(keysets, "access-row");
    let keys = told
        .pointer("/keysetInfo/keyInfo")
        .and_then(serde_json::Value::as_array);
    let ids = keys.into_iter().flatten().filter_map(|key| key.get("keyId")?.as_u64());
    ids.filter_map(|id| u32::try_from(id).ok()).collect()
}

/// The deployment whose keys these are.
pub fn deployment(connection: &mut AnyConnection) -> Result<Deployment, StorageError> {
    let id: Option<Vec<u8>> = key_meta::table
        .select(key_meta::deployment_id)
        .first(connection)
        .optional()?;
    let id = id.ok_or(StorageError::Inconsistent(
        "the key plane is empty: bring the keys back with `donghanh keys package restore`",
    ))?;
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

    /// Forgets owners that were made under other keys; their rows stay and are used by nobody.
    pub fn forget_spare(&self) {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner).clear();
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
                hold_epoch(connection, keyring)?;
                for owner in &fresh {
                    insert_owner(connection, owner)?;
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
