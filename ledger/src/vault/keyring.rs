//! The keyring: seven Tink keysets under one root key, open in memory while the server is unsealed.

use ring::hmac;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde::Serialize;

use super::associated::{Deployment, Handle, Place};
use super::keyset::{Keyset, Kind};
use super::owner::{self, OwnerKeys, WrappedOwner};
use super::sealed::{self, Sealed, Section};
use super::{RootKey, VaultError, random_secret};

const ROOT_ID: u32 = 1;
const NAMES: [(&str, Kind); 7] = [
    ("owner", Kind::AesGcm),
    ("owner-s4", Kind::AesGcm),
    ("directory", Kind::AesGcm),
    ("log-note", Kind::AesGcm),
    ("access-row", Kind::Hmac),
    ("web", Kind::Hmac),
    ("log-signing", Kind::Ed25519),
];

/// All keys of a deployment between the root key and the owners.
pub struct Keyring {
    deployment: Deployment,
    owner: Keyset,
    owner_s4: Keyset,
    directory: OwnerKeys,
    log_note: OwnerKeys,
    access_row: hmac::Key,
    access_row_id: u32,
    web: hmac::Key,
    web_id: u32,
    signing: Ed25519KeyPair,
}

/// A new wrapping epoch: what is wrapped anew under it opens with nothing that was kept before.
pub struct Epoch<'a> {
    keyring: &'a Keyring,
    owner: Keyset,
    owner_s4: Keyset,
    keysets: [(&'static str, String); 2],
}

impl Epoch<'_> {
    /// The keysets to store in place of the old ones: name and encrypted JSON. They hold the new keys only.
    #[must_use]
    pub fn keysets(&self) -> &[(&'static str, String)] {
        &self.keysets
    }

    /// Ids of the new wrapping keys, for K and for K4.
    pub fn ids(&self) -> Result<[u32; 2], VaultError> {
        Ok([self.owner.primary()?.0, self.owner_s4.primary()?.0])
    }

    /// Wraps a row of the key plane anew.
    pub fn rewrap(&self, row: &WrappedOwner) -> Result<WrappedOwner, VaultError> {
        let Keyring {
            deployment,
            owner,
            owner_s4,
            ..
        } = self.keyring;
        owner::rewrap(*deployment, (owner, owner_s4), (&self.owner, &self.owner_s4), row)
    }
}

/// A section of the staff directory: the only sections that open without a receipt, because they are about staff.
pub trait DirectorySection: Section {}

/// Draws a root key.
pub fn draw_root() -> Result<RootKey, VaultError> {
    random_secret().map(RootKey)
}

/// Draws the keysets of a new deployment: name and encrypted JSON.
pub fn draw_keysets(deployment: Deployment, root: &RootKey) -> Result<Vec<(&'static str, String)>, VaultError> {
    NAMES
        .iter()
        .map(|(name, kind)| {
            let keyset = Keyset::generate(*kind)?;
            Ok((*name, keyset.encrypt(&root.0, ROOT_ID, &context(deployment, name))?))
        })
        .collect()
}

impl Keyring {
    /// Opens the keysets, given as name and encrypted JSON.
    pub fn open(deployment: Deployment, root: &RootKey, keysets: &[(String, String)]) -> Result<Self, VaultError> {
        let load = |name: &str| {
            let kind = NAMES.iter().find(|(known, _)| *known == name);
            let json = keysets.iter().find(|(known, _)| known == name);
            let ((_, kind), (_, json)) = kind.zip(json).ok_or(VaultError::Format)?;
            Keyset::decrypt(*kind, json, &root.0, ROOT_ID, &context(deployment, name))
        };
        let system = |keyset: &Keyset| {
            let (version, secret) = keyset.primary()?;
            Ok::<_, VaultError>(OwnerKeys {
                deployment,
                handle: Handle::SYSTEM,
                version,
                k: secret.clone(),
                k4: None,
            })
        };
        let mac = |keyset: &Keyset| {
            let (id, secret) = keyset.primary()?;
            Ok::<_, VaultError>((hmac::Key::new(hmac::HMAC_SHA256, &**secret), id))
        };
        let (access_row, access_row_id) = mac(&load("access-row")?)?;
        let (web, web_id) = mac(&load("web")?)?;
        let signing = load("log-signing")?;
        Ok(Self {
            deployment,
            owner: load("owner")?,
            owner_s4: load("owner-s4")?,
            directory: system(&load("directory")?)?,
            log_note: system(&load("log-note")?)?,
            access_row,
            access_row_id,
            web,
            web_id,
            signing: Ed25519KeyPair::from_seed_unchecked(&**signing.primary()?.1).map_err(|_| VaultError::Format)?,
        })
    }

    /// The deployment whose keys these are.
    #[must_use]
    pub fn deployment(&self) -> Deployment {
        self.deployment
    }

    /// Draws a new owner for the pool of the key plane.
    pub fn draw_owner(&self) -> Result<WrappedOwner, VaultError> {
        owner::draw(self.deployment, &self.owner, &self.owner_s4)
    }

    /// Draws the keys of the next wrapping epoch; nothing is changed until rows and keysets are stored together.
    pub fn next_epoch(&self, root: &RootKey) -> Result<Epoch<'_>, VaultError> {
        let (owner, owner_s4) = (self.owner.succeed()?, self.owner_s4.succeed()?);
        let encrypt = |keyset: &Keyset, name| keyset.encrypt(&root.0, ROOT_ID, &context(self.deployment, name));
        Ok(Epoch {
            keysets: [
                ("owner", encrypt(&owner, "owner")?),
                ("owner-s4", encrypt(&owner_s4, "owner-s4")?),
            ],
            keyring: self,
            owner,
            owner_s4,
        })
    }

    /// Ids of the wrapping keys in use, for K and for K4: the epoch, which is no secret.
    pub fn epoch(&self) -> Result<[u32; 2], VaultError> {
        Ok([self.owner.primary()?.0, self.owner_s4.primary()?.0])
    }

    /// Opens the keys of an owner; they still open nothing without a receipt.
    pub fn unwrap_owner(&self, row: &WrappedOwner) -> Result<OwnerKeys, VaultError> {
        owner::unwrap(self.deployment, &self.owner, Some(&self.owner_s4), row)
    }

    /// The system owner of log notes; they open with a receipt like everything else.
    #[must_use]
    pub fn log_notes(&self) -> &OwnerKeys {
        &self.log_note
    }

    /// Seals a section of the staff directory.
    pub fn seal_directory<G: DirectorySection>(&self, place: Place, section: &G) -> Result<Sealed<G>, VaultError> {
        sealed::seal(&self.directory, place, section)
    }

    /// Opens a section of the staff directory.
    pub fn open_directory<G: DirectorySection>(&self, place: Place, bytes: Vec<u8>) -> Result<G, VaultError> {
        sealed::open(&self.directory, &Sealed::from_stored(Handle::SYSTEM, place, bytes))
    }

    /// MAC of a row that grants access, over [`super::row_mac::canonical`].
    #[must_use]
    pub fn sign_row(&self, canonical: &[u8]) -> Vec<u8> {
        tink_mac(&self.access_row, self.access_row_id, canonical)
    }

    /// Whether a row that grants access is as it was written.
    #[must_use]
    pub fn verify_row(&self, canonical: &[u8], mac: &[u8]) -> bool {
        tink_mac_matches(&self.access_row, self.access_row_id, canonical, mac)
    }

    /// MAC for tokens of the web front, with the Tink prefix.
    #[must_use]
    pub fn web_mac(&self, message: &[u8]) -> Vec<u8> {
        tink_mac(&self.web, self.web_id, message)
    }

    /// Checks [`Keyring::web_mac`] in constant time.
    #[must_use]
    pub fn verify_web_mac(&self, message: &[u8], mac: &[u8]) -> bool {
        tink_mac_matches(&self.web, self.web_id, message, mac)
    }

    /// Eight bytes that stand for a network address in the log.
    #[must_use]
    pub fn network_digest(&self, address: &str) -> [u8; 8] {
        let tag = hmac::sign(&self.web, &[b"net".as_slice(), address.as_bytes()].concat());
        tag.as_ref().first_chunk::<8>().copied().unwrap_or_default()
    }

    /// Ed25519 public key of the log, 32 bytes.
    #[must_use]
    pub fn log_public_key(&self) -> Vec<u8> {
        self.signing.public_key().as_ref().to_vec()
    }

    /// Signs the body of a note.
    pub(crate) fn sign_note(&self, body: &[u8]) -> Vec<u8> {
        self.signing.sign(body).as_ref().to_vec()
    }
}

fn context(deployment: Deployment, name: &str) -> Vec<u8> {
    [b"DH1R".as_slice(), &deployment.0, name.as_bytes()].concat()
}

fn tink_mac(key: &hmac::Key, id: u32, message: &[u8]) -> Vec<u8> {
    let mut out = vec![1];
    out.extend_from_slice(&id.to_be_bytes());
    out.extend_from_slice(hmac::sign(key, message).as_ref());
    out
}

fn tink_mac_matches(key: &hmac::Key, id: u32, message: &[u8], mac: &[u8]) -> bool {
    match mac.split_first_chunk::<5>() {
        Some(([1, prefix @ ..], tag)) => *prefix == id.to_be_bytes() && hmac::verify(key, message, tag).is_ok(),
        _ => false,
    }
}

/// A note that goes with an entry: a reason, an explanation, a search term.
#[derive(Serialize, serde::Deserialize)]
pub struct LogNote {
    /// What the person wrote; the form asks for no names.
    pub text: String,
}

impl Section for LogNote {
    const GROUP: sealed::GroupId = sealed::GroupId {
        number: 0xFF01,
        name: "log_note",
        lock: owner::Lock::Ordinary,
    };
}
