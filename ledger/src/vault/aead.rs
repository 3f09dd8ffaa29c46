//! A Tink AEAD by hand: `0x01 ‖ key id u32 ‖ nonce 12 ‖ AES-256-GCM ciphertext ‖ tag` (Tink wire format, TINK prefix).

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use zeroize::Zeroizing;

use super::{VaultError, random};

const VERSION: u8 = 1;
const PREFIX: usize = 5;
const NONCE: usize = 12;
const TAG: usize = 16;

/// Encrypts under a random nonce.
pub fn encrypt(key: &[u8; 32], key_id: u32, associated: &[u8], plain: &[u8]) -> Result<Vec<u8>, VaultError> {
    let nonce: [u8; NONCE] = random()?;
    let mut body = Vec::with_capacity(PREFIX + NONCE + plain.len() + TAG);
    body.extend_from_slice(plain);
    let tag = cipher(key)?
        .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(associated), &mut body)
        .map_err(|_| VaultError::Opaque)?;
    let mut out = Vec::with_capacity(PREFIX + NONCE + body.len() + TAG);
    out.push(VERSION);
    out.extend_from_slice(&key_id.to_be_bytes());
    out.extend_from_slice(&nonce);
    out.append(&mut body);
    out.extend_from_slice(tag.as_ref());
    Ok(out)
}

/// Decrypts what [`encrypt`] made; the key id must be the one expected.
pub fn decrypt(
    key: &[u8; 32],
    key_id: u32,
    associated: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    if self::key_id(sealed)? != key_id {
        return Err(VaultError::Opaque);
    }
    let (nonce, body) = sealed
        .get(PREFIX..)
        .and_then(|rest| rest.split_at_checked(NONCE))
        .ok_or(VaultError::Format)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| VaultError::Format)?;
    let mut buffer = Zeroizing::new(body.to_vec());
    let length = cipher(key)?
        .open_in_place(nonce, Aad::from(associated), &mut buffer)
        .map_err(|_| VaultError::Opaque)?
        .len();
    buffer.truncate(length);
    Ok(buffer)
}

/// The key id in the prefix of a sealed value.
pub fn key_id(sealed: &[u8]) -> Result<u32, VaultError> {
    match sealed.split_first_chunk::<PREFIX>() {
        Some(([VERSION, a, b, c, d], _)) => Ok(u32::from_be_bytes([*a, *b, *c, *d])),
        _ => Err(VaultError::Format),
    }
}

fn cipher(key: &[u8; 32]) -> Result<LessSafeKey, VaultError> {
    let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| VaultError::Format)?;
    Ok(LessSafeKey::new(key))
}
