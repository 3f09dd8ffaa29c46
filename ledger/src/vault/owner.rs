//! The two keys and the handle of a person or a case, and how the key plane keeps them.

use zeroize::Zeroizing;

use super::associated::{Deployment, Handle};
use super::keyset::Keyset;
use super::{Secret, VaultError, aead, random, random_secret};

/// Which of an owner's keys opens a group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lock {
    /// K: classes S2 and S3.
    Ordinary,
    /// K4: class S4, safety of life.
    SafetyOfLife,
}

/// Name of a row of the key plane.
pub type OwnerId = [u8; 16];

/// The opened keys of one person or one case.
pub struct OwnerKeys {
    pub(crate) deployment: Deployment,
    pub(crate) handle: Handle,
    pub(crate) version: u32,
    pub(crate) k: Secret,
    pub(crate) k4: Option<Secret>,
}

/// One row of the key plane.
#[derive(Clone, PartialEq, Eq)]
pub struct WrappedOwner {
    /// Name of the row.
    pub id: OwnerId,
    /// Version of the owner key, from 1; the Tink key id of what it seals.
    pub version: u32,
    /// K and the handle under the keyset `owner`.
    pub wrapped: Vec<u8>,
    /// K4 under the keyset `owner-s4`.
    pub wrapped_s4: Vec<u8>,
}

impl OwnerKeys {
    /// The name under which the log knows this owner.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle
    }

    pub(crate) fn secret(&self, lock: Lock) -> Result<&Secret, VaultError> {
        match lock {
            Lock::Ordinary => Ok(&self.k),
            Lock::SafetyOfLife => self.k4.as_ref().ok_or(VaultError::Locked),
        }
    }
}

/// Draws the keys and the handle of a new owner, already wrapped.
pub(crate) fn draw(deployment: Deployment, owner: &Keyset, owner_s4: &Keyset) -> Result<WrappedOwner, VaultError> {
    let id: OwnerId = random()?;
    let handle: [u8; 16] = random()?;
    let version = 1;
    let mut plain = Zeroizing::new(Vec::with_capacity(48));
    plain.extend_from_slice(&*random_secret()?);
    plain.extend_from_slice(&handle);
    let (epoch, key) = owner.primary()?;
    let wrapped = aead::encrypt(key, epoch, &context(deployment, &id, version, 1), &plain)?;
    let (epoch, key) = owner_s4.primary()?;
    let k4 = random_secret()?;
    let wrapped_s4 = aead::encrypt(key, epoch, &context(deployment, &id, version, 4), &*k4)?;
    Ok(WrappedOwner {
        id,
        version,
        wrapped,
        wrapped_s4,
    })
}

/// Opens a row of the key plane; without the keyset for class S4 the owner opens without K4.
pub(crate) fn unwrap(
    deployment: Deployment,
    owner: &Keyset,
    owner_s4: Option<&Keyset>,
    row: &WrappedOwner,
) -> Result<OwnerKeys, VaultError> {
    let key = owner.key(aead::key_id(&row.wrapped)?)?;
    let plain = aead::decrypt(
        key,
        aead::key_id(&row.wrapped)?,
        &context(deployment, &row.id, row.version, 1),
        &row.wrapped,
    )?;
    let (k, handle) = plain.split_first_chunk::<32>().ok_or(VaultError::Format)?;
    let handle: [u8; 16] = handle.try_into().map_err(|_| VaultError::Format)?;
    let k4 = match owner_s4 {
        None => None,
        Some(keyset) => {
            let epoch = aead::key_id(&row.wrapped_s4)?;
            let context = context(deployment, &row.id, row.version, 4);
            let plain = aead::decrypt(keyset.key(epoch)?, epoch, &context, &row.wrapped_s4)?;
            let plain: [u8; 32] = plain.as_slice().try_into().map_err(|_| VaultError::Format)?;
            Some(Zeroizing::new(plain))
        }
    };
    Ok(OwnerKeys {
        deployment,
        handle: Handle(handle),
        version: row.version,
        k: Zeroizing::new(*k),
        k4,
    })
}

/// Wraps a row anew under the primary keys of other keysets; the keys of the owner and its handle stay.
pub(crate) fn rewrap(
    deployment: Deployment,
    (old, old_s4): (&Keyset, &Keyset),
    (new, new_s4): (&Keyset, &Keyset),
    row: &WrappedOwner,
) -> Result<WrappedOwner, VaultError> {
    let turn = |old: &Keyset, new: &Keyset, wrapped: &[u8], which| {
        let context = context(deployment, &row.id, row.version, which);
        let epoch = aead::key_id(wrapped)?;
        let plain = aead::decrypt(old.key(epoch)?, epoch, &context, wrapped)?;
        let (epoch, key) = new.primary()?;
        aead::encrypt(key, epoch, &context, &plain)
    };
    Ok(WrappedOwner {
        id: row.id,
        version: row.version,
        wrapped: turn(old, new, &row.wrapped, 1)?,
        wrapped_s4: turn(old_s4, new_s4, &row.wrapped_s4, 4)?,
    })
}

fn context(deployment: Deployment, id: &OwnerId, version: u32, which: u8) -> Vec<u8> {
    [b"DH1K".as_slice(), &deployment.0, id, &version.to_be_bytes(), &[which]].concat()
}
