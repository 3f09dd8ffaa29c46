//! A slot: one way to open the root key. Several can stand side by side.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::associated::Deployment;
use super::share::Share;
use super::{RootKey, Secret, VaultError, aead, derive, random, random_secret, shamir};
use crate::{b64u, from_b64u};

const KEY_ID: u32 = 1;
const KEY_FILE: &str = "DH-KEY-1 ";
/// Most memory and passes that a slot may ask for: an edited slot must not exhaust the machine.
const MOST: Cost = Cost { m_kib: 4 << 20, t: 64 };

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
    Passphrase(Stretching),
    File {},
    Custodians { threshold: u8, shares: Vec<Commitment> },
    Duty(Stretching),
    Pkcs11 { token: String, key: String, sealed: String },
}

#[derive(Serialize, Deserialize, Clone, PartialEq, Eq)]
struct Stretching {
    m_kib: u32,
    t: u32,
    p: u32,
    salt: String,
}

/// What is kept of a custodian's share.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq)]
struct Commitment {
    x: u8,
    check: String,
}

/// What a hardware module keeps a slot shut with.
pub struct Hardware {
    /// Label of the token.
    pub token: String,
    /// `CKA_ID` of the key in it.
    pub key: Vec<u8>,
    /// The text of a key file under that key, in the module's own form.
    pub sealed: Vec<u8>,
    /// What must be given with it.
    pub associated: Vec<u8>,
}

/// What opens a slot.
pub enum Opener {
    /// Typed by a person.
    Passphrase(Zeroizing<String>),
    /// The text of a key file.
    KeyFile(Zeroizing<String>),
    /// Shares of custodians, at least as many as the slot asks for.
    Shares(Vec<Share>),
    /// The duty officer's passphrase and the text of the key file on her token.
    Duty(Zeroizing<String>, Zeroizing<String>),
}

impl Slot {
    /// A slot that a passphrase opens; slow on purpose.
    pub fn passphrase(
        deployment: Deployment,
        root: &RootKey,
        passphrase: &str,
        cost: Cost,
    ) -> Result<Self, VaultError> {
        let stretching = Stretching::new(cost)?;
        let key = stretching.key(passphrase)?;
        Self::wrap(deployment, root, &key, random()?, Kind::Passphrase(stretching))
    }

    /// A slot that a key file opens, and the text of that file.
    pub fn key_file(deployment: Deployment, root: &RootKey) -> Result<(Self, Zeroizing<String>), VaultError> {
        let key = random_secret()?;
        let slot = Self::wrap(deployment, root, &key, random()?, Kind::File {})?;
        Ok((slot, key_file(&key)))
    }

    /// A slot that `threshold` of `shares` custodians open together, and their shares, 1 to `shares`.
    pub fn custodians(
        deployment: Deployment,
        root: &RootKey,
        threshold: u8,
        shares: u8,
    ) -> Result<(Self, Vec<Share>), VaultError> {
        let key = random_secret()?;
        let id: [u8; 16] = random()?;
        let [mark, ..] = id;
        let shares: Vec<Share> = shamir::split(&key, threshold, shares)?
            .into_iter()
            .map(|(x, secret)| Share { x, mark, secret })
            .collect();
        let commitments = shares.iter().map(|share| Commitment {
            x: share.x,
            check: b64u(&share.commitment(deployment, &id)),
        });
        let kind = Kind::Custodians {
            threshold,
            shares: commitments.collect(),
        };
        Ok((Self::wrap(deployment, root, &key, id, kind)?, shares))
    }

    /// A slot for one person at night: a passphrase *and* the key file on a token; and the text of that file.
    pub fn duty(
        deployment: Deployment,
        root: &RootKey,
        passphrase: &str,
        cost: Cost,
    ) -> Result<(Self, Zeroizing<String>), VaultError> {
        let stretching = Stretching::new(cost)?;
        let token = random_secret()?;
        let key = both(&stretching.key(passphrase)?, &token)?;
        let slot = Self::wrap(deployment, root, &key, random()?, Kind::Duty(stretching))?;
        Ok((slot, key_file(&token)))
    }

    /// A slot whose key file only a key within a hardware module opens; `seal` has the module seal its text with this associated data.
    pub fn hardware<E: From<VaultError>>(
        deployment: Deployment,
        root: &RootKey,
        (token, key): (&str, &[u8]),
        seal: impl FnOnce(&str, &[u8]) -> Result<Vec<u8>, E>,
    ) -> Result<Self, E> {
        let secret = random_secret()?;
        let sealed = seal(&key_file(&secret), &of_hardware(key))?;
        let kind = Kind::Pkcs11 {
            token: token.to_owned(),
            key: b64u(key),
            sealed: b64u(&sealed),
        };
        Ok(Self::wrap(deployment, root, &secret, random()?, kind)?)
    }

    /// What the module needs to give the key file of a slot out.
    #[must_use]
    pub fn of_hardware(&self) -> Option<Hardware> {
        let Kind::Pkcs11 { token, key, sealed } = &self.kind else {
            return None;
        };
        let key = from_b64u(key)?;
        Some(Hardware {
            token: token.clone(),
            associated: of_hardware(&key),
            sealed: from_b64u(sealed)?,
            key,
        })
    }

    /// Name of the slot: 16 bytes, b64u.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// `passphrase`, `file`, `custodians`, `duty` or `pkcs11`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self.kind {
            Kind::Passphrase(_) => "passphrase",
            Kind::File {} => "file",
            Kind::Custodians { .. } => "custodians",
            Kind::Duty(_) => "duty",
            Kind::Pkcs11 { .. } => "pkcs11",
        }
    }

    /// How many shares of how many open a slot of custodians.
    #[must_use]
    pub fn quorum(&self) -> Option<(u8, usize)> {
        match &self.kind {
            Kind::Custodians { threshold, shares } => Some((*threshold, shares.len())),
            _ => None,
        }
    }

    /// What a passphrase costs to try.
    #[must_use]
    pub fn cost(&self) -> Option<Cost> {
        match &self.kind {
            Kind::Passphrase(stretching) | Kind::Duty(stretching) => Some(Cost {
                m_kib: stretching.m_kib,
                t: stretching.t,
            }),
            Kind::File {} | Kind::Custodians { .. } | Kind::Pkcs11 { .. } => None,
        }
    }

    /// Whether a share belongs to this slot, without any other share.
    #[must_use]
    pub fn takes(&self, deployment: Deployment, share: &Share) -> bool {
        let (Kind::Custodians { shares, .. }, Some(id)) = (&self.kind, from_b64u(&self.id)) else {
            return false;
        };
        let check = b64u(&share.commitment(deployment, &id));
        shares.iter().any(|known| known.x == share.x && known.check == check)
    }

    /// Opens the root key; [`VaultError::Opaque`] for a wrong passphrase or file.
    pub fn open(&self, deployment: Deployment, opener: &Opener) -> Result<RootKey, VaultError> {
        let key = match (&self.kind, opener) {
            (Kind::Passphrase(stretching), Opener::Passphrase(passphrase)) => stretching.key(passphrase)?,
            (Kind::File {} | Kind::Pkcs11 { .. }, Opener::KeyFile(text)) => from_key_file(text)?,
            (Kind::Custodians { threshold, .. }, Opener::Shares(shares)) => {
                let points: Vec<(u8, &Secret)> = shares
                    .iter()
                    .filter(|share| self.takes(deployment, share))
                    .map(|share| (share.x, &share.secret))
                    .collect();
                if points.len() < usize::from(*threshold) {
                    return Err(VaultError::Opaque);
                }
                shamir::join(&points)?
            }
            (Kind::Duty(stretching), Opener::Duty(passphrase, token)) => {
                both(&stretching.key(passphrase)?, &from_key_file(token)?)?
            }
            _ => return Err(VaultError::Opaque),
        };
        let id = from_b64u(&self.id).ok_or(VaultError::Format)?;
        let wrapped = from_b64u(&self.wrapped).ok_or(VaultError::Format)?;
        secret(&aead::decrypt(&key, KEY_ID, &context(deployment, &id), &wrapped)?).map(RootKey)
    }

    fn wrap(
        deployment: Deployment,
        root: &RootKey,
        key: &Secret,
        id: [u8; 16],
        kind: Kind,
    ) -> Result<Self, VaultError> {
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

fn of_hardware(key: &[u8]) -> Vec<u8> {
    [b"DH1H".as_slice(), key].concat()
}

fn secret(bytes: &[u8]) -> Result<Secret, VaultError> {
    let bytes: [u8; 32] = bytes.try_into().map_err(|_| VaultError::Format)?;
    Ok(Zeroizing::new(bytes))
}

fn key_file(key: &Secret) -> Zeroizing<String> {
    Zeroizing::new(format!("{KEY_FILE}{}\n", &*Zeroizing::new(b64u(&**key))))
}

fn from_key_file(text: &str) -> Result<Secret, VaultError> {
    let key = text.trim().strip_prefix(KEY_FILE.trim_end());
    let key = key.and_then(|key| from_b64u(key.trim()).map(Zeroizing::new));
    secret(&key.ok_or(VaultError::Format)?)
}

/// One key of two secrets: neither alone says anything about it.
fn both(passphrase: &Secret, token: &Secret) -> Result<Secret, VaultError> {
    let joined = Zeroizing::new([passphrase.as_slice(), token.as_slice()].concat());
    derive(&joined, &[b"dh/v1/slot/duty"])
}

impl Stretching {
    fn new(cost: Cost) -> Result<Self, VaultError> {
        let salt: [u8; 16] = random()?;
        Ok(Self {
            m_kib: cost.m_kib,
            t: cost.t,
            p: 1,
            salt: b64u(&salt),
        })
    }

    fn key(&self, passphrase: &str) -> Result<Secret, VaultError> {
        if self.m_kib > MOST.m_kib || self.t > MOST.t || self.p > 4 {
            return Err(VaultError::Format);
        }
        let salt = from_b64u(&self.salt).ok_or(VaultError::Format)?;
        let params = argon2::Params::new(self.m_kib, self.t, self.p, Some(32)).map_err(|_| VaultError::Format)?;
        let argon2 = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
        let mut out = Secret::default();
        argon2
            .hash_password_into(passphrase.as_bytes(), &salt, &mut *out)
            .map_err(|_| VaultError::Format)?;
        Ok(out)
    }
}
