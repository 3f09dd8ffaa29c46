//! A checkpoint: size and root of a shard, as a C2SP signed note.
//!
//! ```text
//! donghanh/4f1c…/2026
//! 1200
//! 3q2+7w…=
//!
//! — donghanh-4f1c9a02 x08go/ZJ…
//! ```

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ED25519, UnparsedPublicKey};

use super::LogError;
use super::tree::Hash;
use crate::sha256;
use crate::vault::VaultError;
use crate::vault::associated::{Deployment, hex};
use crate::vault::keyring::Keyring;

/// A C2SP signed note over lines of text, each ended by a newline; the first says what it is, so that no note passes for another.
#[must_use]
pub fn sign_note(keyring: &Keyring, body: &str) -> String {
    sign_with(&VerifierKey::of(keyring), body, |body| keyring.sign_note(body))
}

/// The same for any key.
pub(crate) fn sign_with(key: &VerifierKey, body: &str, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let mut signature = key.hash().to_vec();
    signature.extend_from_slice(&sign(body.as_bytes()));
    format!("{body}\n\u{2014} {} {}\n", key.name, STANDARD.encode(signature))
}

/// What a checkpoint says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checkpoint {
    /// `donghanh/<deployment>/<shard>`.
    pub origin: String,
    /// Number of entries.
    pub size: u64,
    /// Root over them.
    pub root: Hash,
}

/// The key an auditor has on paper.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifierKey {
    name: String,
    key: [u8; 32],
}

impl Checkpoint {
    /// The checkpoint of a shard.
    #[must_use]
    pub fn new(deployment: Deployment, shard: u32, size: u64, root: Hash) -> Self {
        Self {
            origin: format!("donghanh/{}/{shard}", deployment.hex()),
            size,
            root,
        }
    }

    /// The signed note.
    #[must_use]
    pub fn sign(&self, keyring: &Keyring) -> String {
        sign_note(keyring, &self.body())
    }

    /// Reads a note that carries a good signature of this key; other signatures are passed over.
    pub fn open(note: &str, key: &VerifierKey) -> Result<Self, LogError> {
        Self::parse(key.open(note)?).ok_or(LogError::Checkpoint)
    }

    /// Reads a note without asking who signed it: good for comparing with one's own log, proof of nothing.
    #[must_use]
    pub fn unverified(note: &str) -> Option<Self> {
        let (body, _) = note.rsplit_once("\n\n")?;
        Self::parse(note.get(..=body.len())?)
    }

    fn body(&self) -> String {
        let root = STANDARD.encode(self.root);
        format!("{}\n{}\n{root}\n", self.origin, self.size)
    }

    fn parse(body: &str) -> Option<Self> {
        let mut lines = body.lines();
        let origin = lines.next()?.to_owned();
        let size: u64 = lines.next()?.parse().ok()?;
        let root = STANDARD.decode(lines.next()?).ok()?.try_into().ok()?;
        let checkpoint = Self { origin, size, root };
        (checkpoint.body() == body).then_some(checkpoint)
    }
}

impl VerifierKey {
    /// The key under which this keyring signs.
    #[must_use]
    pub fn of(keyring: &Keyring) -> Self {
        Self::named(keyring.deployment(), keyring.log_public_key())
    }

    /// A public key of a deployment.
    pub(crate) fn new(deployment: Deployment, key: &[u8]) -> Result<Self, VaultError> {
        Ok(Self::named(deployment, key.try_into().map_err(|_| VaultError::Format)?))
    }

    fn named(deployment: Deployment, key: [u8; 32]) -> Self {
        let name: String = deployment.hex().chars().take(8).collect();
        Self {
            name: format!("donghanh-{name}"),
            key,
        }
    }

    /// A note in which the signing key of now names itself: `docs/formats.md` §3.6.
    #[must_use]
    pub fn succession(&self, keyring: &Keyring) -> String {
        sign_note(keyring, &self.named_by(keyring.deployment()))
    }

    /// The body of a note that names this key.
    pub(crate) fn named_by(&self, deployment: Deployment) -> String {
        format!("donghanh/{}/key\n{}\n", deployment.hex(), self.line())
    }

    /// The key that this one names as its successor in a note that it signed: `docs/formats.md` §3.6.
    #[must_use]
    pub fn successor(&self, note: &str) -> Option<Self> {
        let mut lines = self.open(note).ok()?.lines();
        let (origin, line, end) = (lines.next()?, lines.next()?, lines.next());
        let deployment = origin.strip_prefix("donghanh/")?.strip_suffix("/key")?;
        let key = Self::parse(line)?;
        let same = self.name == key.name && deployment.get(..8) == key.name.strip_prefix("donghanh-");
        (same && end.is_none()).then_some(key)
    }

    /// Reads a `vkey` line: `name+hash+base64(0x01 ‖ key)`; the hash must fit.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        let mut parts = line.trim().splitn(3, '+');
        let (name, hash, key) = (parts.next()?, parts.next()?, parts.next()?);
        let key = STANDARD.decode(key).ok()?;
        let (1, key) = key.split_first().map(|(kind, key)| (*kind, key))? else {
            return None;
        };
        let key = Self {
            name: name.to_owned(),
            key: key.try_into().ok()?,
        };
        (hex(&key.hash()) == hash).then_some(key)
    }

    /// The `vkey` line for paper.
    #[must_use]
    pub fn line(&self) -> String {
        let key = STANDARD.encode([[1].as_slice(), &self.key].concat());
        format!("{}+{}+{key}", self.name, hex(&self.hash()))
    }

    /// The body of a note, if this key signed it.
    pub fn open<'a>(&self, note: &'a str) -> Result<&'a str, LogError> {
        let (body, signatures) = note.rsplit_once("\n\n").ok_or(LogError::Checkpoint)?;
        let body = note.get(..=body.len()).ok_or(LogError::Checkpoint)?;
        let prefix = format!("\u{2014} {} ", self.name);
        let signed = signatures
            .lines()
            .filter_map(|line| STANDARD.decode(line.strip_prefix(&prefix)?).ok())
            .any(|signature| match signature.split_first_chunk::<4>() {
                Some((hash, signature)) => {
                    *hash == self.hash()
                        && UnparsedPublicKey::new(&ED25519, &self.key)
                            .verify(body.as_bytes(), signature)
                            .is_ok()
                }
                None => false,
            });
        if signed { Ok(body) } else { Err(LogError::Checkpoint) }
    }

    fn hash(&self) -> [u8; 4] {
        let digest = sha256(&[self.name.as_bytes(), b"\n\x01", &self.key].concat());
        digest.first_chunk::<4>().copied().unwrap_or_default()
    }
}
