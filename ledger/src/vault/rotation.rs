//! New keys in the keysets above the owners, the end of old ones, and a new root key. Works on the keysets as they are stored:
//! nothing is changed until the caller stores what comes back.

use ring::signature::{Ed25519KeyPair, KeyPair as _};

use super::associated::Deployment;
use super::keyring::{NAMES, ROOT_ID, context};
use super::keyset::{Keyset, Kind};
use super::{RootKey, VaultError};
use crate::log::checkpoint::{VerifierKey, sign_with};

/// Keysets as they are stored: name and encrypted JSON.
pub type Stored = Vec<(String, String)>;

/// Keysets that get a new primary key and keep the older ones for what those wrote.
const JOINED: [&str; 4] = ["directory", "log-note", "access-row", "web"];

/// What a rotation stores, and what it tells.
pub struct Turned {
    /// The keysets that changed.
    pub keysets: Stored,
    /// The key that signs the log from now on, signed by the one before: `docs/formats.md` §3.6.
    pub succession: String,
    /// The line of the new key for paper.
    pub vkey: String,
}

/// Draws a new primary key for the keysets of the house, and a new signing key for the log, whose predecessor is gone.
pub fn turn(deployment: Deployment, root: &RootKey, stored: &Stored) -> Result<Turned, VaultError> {
    let mut keysets = Vec::new();
    for name in JOINED {
        let joined = open(deployment, root, stored, name)?.joined()?;
        keysets.push((name.to_owned(), close(deployment, root, name, &joined)?));
    }
    let old = open(deployment, root, stored, "log-signing")?;
    let new = old.succeed()?;
    keysets.push(("log-signing".to_owned(), close(deployment, root, "log-signing", &new)?));
    let (old, new) = (signing(&old)?, signing(&new)?);
    let line = |pair: &Ed25519KeyPair| VerifierKey::new(deployment, pair.public_key().as_ref());
    let named = line(&new)?;
    let (vkey, body) = (named.line(), named.named_by(deployment));
    Ok(Turned {
        keysets,
        succession: sign_with(&line(&old)?, &body, |body| old.sign(body).as_ref().to_vec()),
        vkey,
    })
}

/// The keysets without the older keys that nothing needs, and how many keys went. Asked of each older key: name of its keyset, its id,
/// and whether it is the one before the primary one.
pub fn retire(
    deployment: Deployment,
    root: &RootKey,
    stored: &Stored,
    needed: impl Fn(&str, u32, bool) -> bool,
) -> Result<(Stored, usize), VaultError> {
    let (mut keysets, mut gone) = (Vec::new(), 0);
    for name in JOINED {
        let all = open(deployment, root, stored, name)?;
        let before = all.keys().count();
        let (primary, _) = all.primary()?;
        let before_it = all.keys().map(|(id, _)| id).filter(|id| *id != primary).last();
        let kept = all.kept(|id| needed(name, id, Some(id) == before_it));
        let after = kept.keys().count();
        gone += before - after;
        if after < before {
            keysets.push((name.to_owned(), close(deployment, root, name, &kept)?));
        }
    }
    Ok((keysets, gone))
}

/// All keysets under another root key; the keys in them stay.
pub fn under(deployment: Deployment, (old, new): (&RootKey, &RootKey), stored: &Stored) -> Result<Stored, VaultError> {
    NAMES
        .iter()
        .map(|(name, _)| {
            let keyset = open(deployment, old, stored, name)?;
            Ok(((*name).to_owned(), close(deployment, new, name, &keyset)?))
        })
        .collect()
}

fn open(deployment: Deployment, root: &RootKey, stored: &Stored, name: &str) -> Result<Keyset, VaultError> {
    let kind: Option<Kind> = NAMES.iter().find_map(|(known, kind)| (*known == name).then_some(*kind));
    let json = stored.iter().find_map(|(known, json)| (known == name).then_some(json));
    let (kind, json) = kind.zip(json).ok_or(VaultError::Format)?;
    Keyset::decrypt(kind, json, &root.0, ROOT_ID, &context(deployment, name))
}

fn close(deployment: Deployment, root: &RootKey, name: &str, keyset: &Keyset) -> Result<String, VaultError> {
    keyset.encrypt(&root.0, ROOT_ID, &context(deployment, name))
}

fn signing(keyset: &Keyset) -> Result<Ed25519KeyPair, VaultError> {
    let (_, secret) = keyset.primary()?;
    Ed25519KeyPair::from_seed_unchecked(&**secret).map_err(|_| VaultError::Format)
}
