//! Seals and opens bytes; never reads the clock for meaning, never does I/O, never says why a value did not open.
//!
//! Formats: `docs/formats.md` §2. Every key below an owner key comes from HKDF; every ciphertext is a Tink AEAD.

mod aead;
pub mod associated;
pub mod file;
pub mod keyring;
mod keyset;
pub mod owner;
mod padding;
pub mod rotation;
pub mod row_mac;
pub mod sealed;
mod shamir;
pub mod share;
pub mod slot;

use ring::hkdf;
use ring::rand::SecureRandom as _;
use zeroize::Zeroizing;

/// A secret of 256 bits, wiped when dropped.
pub(crate) type Secret = Zeroizing<[u8; 32]>;

/// The root key, which only [`keyring`] and [`slot`] can use: no code outside this crate holds the bytes of a key.
pub struct RootKey(pub(crate) Secret);

/// Why a value was not sealed or opened; says no more, so that an error cannot carry a secret.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum VaultError {
    /// Wrong key, wrong place or altered bytes.
    #[error("the sealed value does not open")]
    Opaque,
    /// The bytes are not of the format.
    #[error("not in the sealed format")]
    Format,
    /// The key of this class is not in memory.
    #[error("the key is locked")]
    Locked,
    /// The operating system gave no randomness.
    #[error("no randomness")]
    Randomness,
}

/// Draws bytes from the operating system.
pub fn random<const N: usize>() -> Result<[u8; N], VaultError> {
    let mut out = [0; N];
    ring::rand::SystemRandom::new()
        .fill(&mut out)
        .map_err(|_| VaultError::Randomness)?;
    Ok(out)
}

/// Draws a secret that is wiped when dropped.
pub(crate) fn random_secret() -> Result<Secret, VaultError> {
    let mut out = Secret::default();
    ring::rand::SystemRandom::new()
        .fill(&mut *out)
        .map_err(|_| VaultError::Randomness)?;
    Ok(out)
}

struct KeyLength;

impl hkdf::KeyType for KeyLength {
    fn len(&self) -> usize {
        32
    }
}

/// HKDF-SHA-256 with an empty salt (RFC 5869); `info` is joined.
pub(crate) fn derive(secret: &[u8], info: &[&[u8]]) -> Result<Secret, VaultError> {
    let mut out = Secret::default();
    hkdf::Salt::new(hkdf::HKDF_SHA256, &[])
        .extract(secret)
        .expand(info, KeyLength)
        .and_then(|key| key.fill(&mut *out))
        .map_err(|_| VaultError::Format)?;
    Ok(out)
}
