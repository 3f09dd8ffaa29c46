//! The keyring: seven Tink keysets under one root key, open in memory while the server is unsealed.
//!
//! A keyset may hold older keys beside its primary one: they open and check what they wrote, and seal nothing any more
//! (`rotation`).

use std::collections::HashSet;

use ring::hmac;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde::Serialize;

use super::associated::{Deployment, Handle, Place};
use super::keyset::{Keyset, Kind};
use super::owner::{self, OwnerKeys, WrappedOwner};
use super::sealed::{self, Sealed, Section};
use super::{RootKey, Secret, VaultError, aead, random_secret};

pub(super) const ROOT_ID: u32 = 1;
pub(crate) const NAMES: [(&str, Kind); 7] = [
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
    directory: SystemKeys,
    log_note: SystemKeys,
    access_row: MacKeys,
    web: MacKeys,
    signing: Ed25519KeyPair,
}

/// Keys of the house itself: the primary one, and older ones that only open.
struct SystemKeys {
    primary: OwnerKeys,
    older: Vec<OwnerKeys>,
}

impl SystemKeys {
    fn new(deployment: Deployment, keyset: &Keyset) -> Result<Self, VaultError> {
        let keys = |(version, secret): (u32, &Secret)| OwnerKeys {
            deployment,
            handle: Handle::SYSTEM,
            version,
            k: secret.clone(),
            k4: None,
        };
        let primary = keyset.primary()?;
        let older = keyset.keys().filter(|(id, _)| *id != primary.0).map(keys).collect();
        Ok(Self {
            primary: keys(primary),
            older,
        })
    }

    /// The key that sealed these bytes.
    fn of(&self, sealed: &[u8]) -> Result<&OwnerKeys, VaultError> {
        let id = aead::key_id(sealed)?;
        let mut all = std::iter::once(&self.primary).chain(&self.older);
        all.find(|keys| keys.version == id).ok_or(VaultError::Opaque)
    }
}

/// MAC keys: all of them check, the primary one signs.
struct MacKeys {
    primary: u32,
    keys: Vec<(u32, hmac::Key)>,
}

impl MacKeys {
    fn new(keyset: &Keyset) -> Result<Self, VaultError> {
        Ok(Self {
            primary: keyset.primary()?.0,
            keys: keyset
                .keys()
                .map(|(id, secret)| (id, hmac::Key::new(hmac::HMAC_SHA256, &**secret)))
                .collect(),
        })
    }

    fn key(&self, id: u32) -> Option<&hmac::Key> {
        self.keys.iter().find_map(|(known, key)| (*known == id).then_some(key))
    }

    /// The MAC under one of the keys, with its Tink prefix; empty without such a key, which fits nothing.
    fn sign_with(&self, id: u32, message: &[u8]) -> Vec<u8> {
        self.key(id).map_or_else(Vec::new, |key| {
            let mut out = vec![1];
            out.extend_from_slice(&id.to_be_bytes());
            out.extend_from_slice(hmac::sign(key, message).as_ref());
            out
        })
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.sign_with(self.primary, message)
    }

    fn verify(&self, message: &[u8], mac: &[u8]) -> bool {
        let key = mac_key_id(mac).and_then(|id| self.key(id));
        let tag = mac.get(5..).unwrap_or_default();
        key.is_some_and(|key| hmac::verify(key, message, tag).is_ok())
    }
}

/// The id in the Tink prefix of a MAC or of sealed bytes.
fn mac_key_id(mac: &[u8]) -> Option<u32> {
    match mac.first_chunk::<5>() {
        Some([1, id @ ..]) => Some(u32::from_be_bytes(*id)),
        _ => None,
    }
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
        let signing = load("log-signing")?;
        Ok(Self {
            deployment,
            owner: load("owner")?,
            owner_s4: load("owner-s4")?,
            directory: SystemKeys::new(deployment, &load("directory")?)?,
            log_note: SystemKeys::new(deployment, &load("log-note")?)?,
            access_row: MacKeys::new(&load("access-row")?)?,
            web: MacKeys::new(&load("web")?)?,
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

    /// The system owner of new log notes.
    #[must_use]
    pub fn log_notes(&self) -> &OwnerKeys {
        &self.log_note.primary
    }

    /// The system owner under whose key this log note is sealed; it opens with a receipt like everything else.
    pub fn keys_of_note(&self, note: &Sealed<LogNote>) -> Result<&OwnerKeys, VaultError> {
        self.log_note.of(note.bytes())
    }

    /// Seals a section of the staff directory.
    pub fn seal_directory<G: DirectorySection>(&self, place: Place, section: &G) -> Result<Sealed<G>, VaultError> {
        sealed::seal(&self.directory.primary, place, section)
    }

    /// Opens a section of the staff directory.
    pub fn open_directory<G: DirectorySection>(&self, place: Place, bytes: Vec<u8>) -> Result<G, VaultError> {
        sealed::open(
            self.directory.of(&bytes)?,
            &Sealed::from_stored(Handle::SYSTEM, place, bytes),
        )
    }

    /// MAC of a row that grants access, over [`super::row_mac::canonical`].
    #[must_use]
    pub fn sign_row(&self, canonical: &[u8]) -> Vec<u8> {
        self.access_row.sign(canonical)
    }

    /// Whether a MAC of a row, or a record of the directory, is of the primary key: of one that is not, the row is written anew.
    #[must_use]
    pub fn is_current(&self, mac: &[u8], directory: Option<&[u8]>) -> bool {
        mac_key_id(mac) == Some(self.access_row.primary)
            && directory.is_none_or(|sealed| mac_key_id(sealed) == Some(self.directory.primary.version))
    }

    /// Id of the key that signs rows here.
    #[must_use]
    pub fn row_key(&self) -> u32 {
        self.access_row.primary
    }

    /// Whether the key that signs rows here is among these, by its id.
    #[must_use]
    pub fn is_signed_by(&self, keys: &HashSet<u32>) -> bool {
        keys.contains(&self.access_row.primary)
    }

    /// Whether a row that grants access is as it was written.
    #[must_use]
    pub fn verify_row(&self, canonical: &[u8], mac: &[u8]) -> bool {
        self.access_row.verify(canonical, mac)
    }

    /// MAC for tokens of the web front, with the Tink prefix.
    #[must_use]
    pub fn web_mac(&self, message: &[u8]) -> Vec<u8> {
        self.web.sign(message)
    }

    /// The key of [`Keyring::web_mac`] now, and the oldest one that is still kept.
    #[must_use]
    pub fn web_key_ids(&self) -> (u32, u32) {
        let oldest = self.web.keys.first().map_or(self.web.primary, |(id, _)| *id);
        (self.web.primary, oldest)
    }

    /// [`Keyring::web_mac`] under one of the keys that are kept; empty without it.
    #[must_use]
    pub fn web_mac_with(&self, id: u32, message: &[u8]) -> Vec<u8> {
        self.web.sign_with(id, message)
    }

    /// Checks [`Keyring::web_mac`] in constant time; of the key of now and the one before it. Older ones are kept for passwords alone.
    #[must_use]
    pub fn verify_web_mac(&self, message: &[u8], mac: &[u8]) -> bool {
        let recent = self
            .web
            .keys
            .iter()
            .rev()
            .take(2)
            .any(|(id, _)| mac_key_id(mac) == Some(*id));
        recent && self.web.verify(message, mac)
    }

    /// Eight bytes that stand for a network address in the log.
    #[must_use]
    pub fn network_digest(&self, address: &str) -> [u8; 8] {
        let mac = self.web.sign(&[b"net".as_slice(), address.as_bytes()].concat());
        let tag = mac.get(5..).unwrap_or_default();
        tag.first_chunk::<8>().copied().unwrap_or_default()
    }

    /// Ed25519 public key of the log.
    #[must_use]
    pub fn log_public_key(&self) -> [u8; 32] {
        let key = self.signing.public_key().as_ref();
        key.first_chunk::<32>().copied().unwrap_or_default()
    }

    /// Signs the body of a note.
    pub(crate) fn sign_note(&self, body: &[u8]) -> Vec<u8> {
        self.signing.sign(body).as_ref().to_vec()
    }
}

pub(super) fn context(deployment: Deployment, name: &str) -> Vec<u8> {
    [b"DH1R".as_slice(), &deployment.0, name.as_bytes()].concat()
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
