//! The sealed value of one data group at one place.
//!
//! It can be made and moved about; it is opened only through a [`crate::Grant`].

use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::associated::{Handle, Place, associated_data};
use super::owner::{Lock, OwnerKeys};
use super::{VaultError, aead, derive, padding};

/// A data group as the vault and the log know it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GroupId {
    /// Number in the associated data; never used twice.
    pub number: u16,
    /// Name in the log and in the key derivation; never changed.
    pub name: &'static str,
    /// Which key of the owner seals it.
    pub lock: Lock,
}

/// A struct that is sealed as a whole.
pub trait Section: Serialize + DeserializeOwned {
    /// The group it belongs to.
    const GROUP: GroupId;
    /// Version of its shape, written as `"v"`.
    const VERSION: u32 = 1;

    /// Reads an earlier shape.
    fn upgrade(_version: u32, _json: &[u8]) -> Result<Self, VaultError> {
        Err(VaultError::Format)
    }
}

/// Bytes that nobody can read without a receipt; typed by what is inside.
pub struct Sealed<G> {
    handle: Handle,
    place: Place,
    bytes: Vec<u8>,
    inside: PhantomData<fn() -> G>,
}

impl<G: Section> Sealed<G> {
    /// Takes the bytes of a row as they are stored.
    #[must_use]
    pub fn from_stored(handle: Handle, place: Place, bytes: Vec<u8>) -> Self {
        Self {
            handle,
            place,
            bytes,
            inside: PhantomData,
        }
    }

    /// The bytes to store.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whose value it is.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle
    }

    /// Where it is kept.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }
}

#[derive(Serialize)]
struct Versioned<'a, G> {
    v: u32,
    #[serde(flatten)]
    body: &'a G,
}

#[derive(Deserialize)]
struct OnlyVersion {
    v: u32,
}

/// Seals a section for one owner at one place.
pub fn seal<G: Section>(keys: &OwnerKeys, place: Place, section: &G) -> Result<Sealed<G>, VaultError> {
    let versioned = Versioned {
        v: G::VERSION,
        body: section,
    };
    let json = Zeroizing::new(serde_json::to_vec(&versioned).map_err(|_| VaultError::Format)?);
    let key = derive(
        &**keys.secret(G::GROUP.lock)?,
        &[b"dh/v1/value/", G::GROUP.name.as_bytes()],
    )?;
    let associated = associated_data(keys.deployment, keys.handle, &place, G::GROUP.number);
    let bytes = aead::encrypt(&key, keys.version, &associated, &padding::pad(&json)?)?;
    Ok(Sealed::from_stored(keys.handle, place, bytes))
}

/// Opens; for [`crate::Grant`] and the staff directory only.
pub(crate) fn open<G: Section>(keys: &OwnerKeys, sealed: &Sealed<G>) -> Result<G, VaultError> {
    if keys.handle != sealed.handle {
        return Err(VaultError::Opaque);
    }
    let key = derive(
        &**keys.secret(G::GROUP.lock)?,
        &[b"dh/v1/value/", G::GROUP.name.as_bytes()],
    )?;
    let associated = associated_data(keys.deployment, keys.handle, &sealed.place, G::GROUP.number);
    let plain = aead::decrypt(&key, keys.version, &associated, &sealed.bytes)?;
    let json = padding::unpad(&plain)?;
    let OnlyVersion { v } = serde_json::from_slice(json).map_err(|_| VaultError::Format)?;
    if v == G::VERSION {
        serde_json::from_slice(json).map_err(|_| VaultError::Format)
    } else {
        G::upgrade(v, json)
    }
}
