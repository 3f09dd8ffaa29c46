//! A slot: one way to open the root key. Several can stand side by side.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::associated::Deployment;
use super::{RootKey, Secret, VaultError, aead, random, random_secret};
use crate::{b64u, from_b64u};

const KEY_ID: u32 = 1;
const KEY_FILE: &str = "DH-KEY-1 ";

/// Memory and time of Argon2id; kept in the slot so that it can be raised later.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cost {
    /// Memory in KiB.
    pub m_kib: u32,
    /// Passes.
    pub t: u32,
}

impl Cost {
    /// 256 MiB and three passes.
    pub const STANDARD: Self = Self { m_kib: 262_144, t: 3 };
}

/// A slot as it is stored: JSON, `docs/formats.md` §2.4.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq)]
pub struct Slot {
    v: u32,
    id: String,
    #[serde(flatten)]
    kind: Kind,
    wrapped: String,
}

#[derive(Serialize, Deserialize, Clone, PartialEq, Eq)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Kind {
    Passphrase { m_kib: u32, t: u32, p: u32, salt: String },
    File {},
}

/// What opens a slot.
pub enum Opener {
    /// Typed by a person.
    Passphrase(Zeroizing<String>),
    /// The text of a key file.
    KeyFile(Zeroizing<String>),
}

impl Slot {
    /// A slot that a passphrase opens; slow on purpose.
    pub fn passphrase(
        deployment: Deployment,
        root: &RootKey,
        passphrase: &str,
        cost: Cost,
    ) -> Result<Self, VaultError> {
        let salt: [u8; 16] = random()?;
        let key = stretch(passphrase, &salt, cost.m_kib, cost.t, 1)?;
        let kind = Kind::Passphrase {
            m_kib: cost.m_kib,
            t: cost.t,
            p: 1,
            salt: b64u(&salt),
        };
        Self::wrap(deployment, root, &key, kind)
    }

    /// A slot that a key file opens, and the text of that file.
    pub fn key_file(deployment: Deployment, root: &RootKey) -> Result<(Self, Zeroizing<String>), VaultError> {
        let key = random_secret()?;
        let slot = Self::wrap(deployment, root, &key, Kind::File {})?;
        let text = Zeroizing::new(format!("{KEY_FILE}{}\n", b64u(&*key)));
        Ok((slot, text))
    }

    /// `passphrase` or `file`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self.kind {
            Kind::Passphrase { .. } => "passphrase",
            Kind::File {} => "file",
        }
    }

    /// Opens the root key; [`VaultError::Opaque`] for a wrong passphrase or file.
    pub fn open(&self, deployment: Deployment, opener: &Opener) -> Result<RootKey, VaultError> {
        let key = match (&self.kind, opener) {
            (Kind::Passphrase { m_kib, t, p, salt }, Opener::Passphrase(passphrase)) => {
                let salt = from_b64u(salt).ok_or(VaultError::Format)?;
                stretch(passphrase, &salt, *m_kib, *t, *p)?
            }
            (Kind::File {}, Opener::KeyFile(text)) => {
                let key = text.trim().strip_prefix(KEY_FILE.trim_end());
                let key = key.and_then(|key| from_b64u(key.trim()).map(Zeroizing::new));
                secret(&key.ok_or(VaultError::Format)?)?
            }
            _ => return Err(VaultError::Opaque),
        };
        let id = from_b64u(&self.id).ok_or(VaultError::Format)?;
        let wrapped = from_b64u(&self.wrapped).ok_or(VaultError::Format)?;
        secret(&aead::decrypt(&key, KEY_ID, &context(deployment, &id), &wrapped)?).map(RootKey)
    }

    fn wrap(deployment: Deployment, root: &RootKey, key: &Secret, kind: Kind) -> Result<Self, VaultError> {
        let id: [u8; 16] = random()?;
        let wrapped = aead::encrypt(key, KEY_ID, &context(deployment, &id), &*root.0)?;
        Ok(Self {
            v: 1,
            id: b64u(&id),
            kind,
            wrapped: b64u(&wrapped),
        })
    }
}

fn context(deployment: Deployment, id: &[u8]) -> Vec<u8> {
    [b"DH1S".as_slice(), &deployment.0, id].concat()
}

fn secret(bytes: &[u8]) -> Result<Secret, VaultError> {
    let bytes: [u8; 32] = bytes.try_into().map_err(|_| VaultError::Format)?;
    Ok(Zeroizing::new(bytes))
}

fn stretch(passphrase: &str, salt: &[u8], m_kib: u32, t: u32, p: u32) -> Result<Secret, VaultError> {
    let params = argon2::Params::new(m_kib, t, p, Some(32)).map_err(|_| VaultError::Format)?;
    let argon2 = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    let mut out = Secret::default();
    argon2
        .hash_password_into(passphrase.as_bytes(), salt, &mut *out)
        .map_err(|_| VaultError::Format)?;
    Ok(out)
}
