//! A file, sealed as it streams by: Tink's `AES256_GCM_HKDF_1MB`. Format: `docs/formats.md` §2.9.
//!
//! Anybody with the owner's keys can seal one; it is opened only through a [`crate::FileGrant`].

use std::ops::Range;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::digest::{Context, SHA256};
use ring::hkdf;
use zeroize::Zeroizing;

use super::associated::{Handle, Place, associated_data};
use super::owner::OwnerKeys;
use super::sealed::GroupId;
use super::{KeyLength, Secret, VaultError, derive, random};
use crate::b64u;

/// Bytes of a segment as it is stored.
const SEGMENT: usize = 1 << 20;
const SALT: usize = 32;
const PREFIX: usize = 7;
/// Bytes before the first segment's ciphertext.
pub const HEADER: usize = 1 + SALT + PREFIX;
const TAG: usize = 16;

/// Where a file is kept, whose it is, and by which name the log knows it.
pub struct FileId {
    /// Whose.
    pub handle: Handle,
    /// Where; the row is the name of the file in the log.
    pub place: Place,
    /// The group that decides who may open it.
    pub group: GroupId,
    /// What is sealed, such as `attachment`; the log names it with the row.
    pub what: &'static str,
}

impl FileId {
    /// `attachment/` and the row, b64u: what an entry says that reads or writes it.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}/{}", self.what, b64u(&self.place.row))
    }
}

/// A file that nobody can read without a receipt; its bytes are kept elsewhere.
pub struct SealedFile {
    id: FileId,
    length: u64,
    digest: [u8; 32],
}

impl SealedFile {
    /// Takes length and SHA-256 of the sealed bytes as a row keeps them.
    #[must_use]
    pub fn from_stored(id: FileId, length: u64, digest: [u8; 32]) -> Self {
        Self { id, length, digest }
    }

    /// Which file.
    #[must_use]
    pub fn id(&self) -> &FileId {
        &self.id
    }

    /// Sealed bytes.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// SHA-256 of the sealed bytes.
    #[must_use]
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }
}

struct Cipher {
    key: LessSafeKey,
    prefix: [u8; PREFIX],
}

impl Cipher {
    fn new(keys: &OwnerKeys, id: &FileId, salt: &[u8], prefix: [u8; PREFIX]) -> Result<Self, VaultError> {
        let secret = derive(&**keys.secret(id.group.lock)?, &[b"dh/v1/attachment/", &id.place.row])?;
        let associated = associated_data(keys.deployment, keys.handle, &id.place, id.group.number);
        let mut key = Secret::default();
        hkdf::Salt::new(hkdf::HKDF_SHA256, salt)
            .extract(&*secret)
            .expand(&[&associated], KeyLength)
            .and_then(|out| out.fill(&mut *key))
            .map_err(|_| VaultError::Format)?;
        let key = UnboundKey::new(&AES_256_GCM, &*key).map_err(|_| VaultError::Format)?;
        Ok(Self {
            key: LessSafeKey::new(key),
            prefix,
        })
    }

    fn nonce(&self, segment: u32, last: bool) -> Nonce {
        let mut nonce = [0; NONCE_LEN];
        let parts = self.prefix.into_iter().chain(segment.to_be_bytes());
        for (slot, byte) in nonce.iter_mut().zip(parts.chain([u8::from(last)])) {
            *slot = byte;
        }
        Nonce::assume_unique_for_key(nonce)
    }
}

/// Seals what is pushed into it, a segment at a time.
pub struct FileSealer {
    id: FileId,
    cipher: Cipher,
    segment: u32,
    waiting: Zeroizing<Vec<u8>>,
    room: usize,
    length: u64,
    digest: Context,
}

impl FileSealer {
    /// Begins a file and gives the first bytes to store.
    pub fn new(keys: &OwnerKeys, id: FileId) -> Result<(Self, Vec<u8>), VaultError> {
        if keys.handle != id.handle {
            return Err(VaultError::Opaque);
        }
        let (salt, prefix): ([u8; SALT], [u8; PREFIX]) = (random()?, random()?);
        let mut header = Vec::with_capacity(HEADER);
        header.push(u8::try_from(HEADER).map_err(|_| VaultError::Format)?);
        header.extend_from_slice(&salt);
        header.extend_from_slice(&prefix);
        let mut digest = Context::new(&SHA256);
        digest.update(&header);
        let sealer = Self {
            cipher: Cipher::new(keys, &id, &salt, prefix)?,
            id,
            segment: 0,
            waiting: Zeroizing::new(Vec::with_capacity(SEGMENT)),
            room: SEGMENT - HEADER - TAG,
            length: HEADER as u64,
            digest,
        };
        Ok((sealer, header))
    }

    /// Takes plain bytes and gives the segments that became full, to be stored behind what was given before.
    pub fn push(&mut self, mut plain: &[u8]) -> Result<Vec<Vec<u8>>, VaultError> {
        let mut full = Vec::new();
        while !plain.is_empty() {
            // A full segment waits until something follows it: the last one is marked.
            if self.waiting.len() == self.room {
                full.push(self.seal(false)?);
            }
            let (now, later) = plain.split_at(plain.len().min(self.room - self.waiting.len()));
            self.waiting.extend_from_slice(now);
            plain = later;
        }
        Ok(full)
    }

    /// Ends the file and gives its last bytes.
    pub fn finish(mut self) -> Result<(SealedFile, Vec<u8>), VaultError> {
        let last = self.seal(true)?;
        let mut digest = [0; 32];
        digest.copy_from_slice(self.digest.finish().as_ref());
        Ok((SealedFile::from_stored(self.id, self.length, digest), last))
    }

    fn seal(&mut self, last: bool) -> Result<Vec<u8>, VaultError> {
        let nonce = self.cipher.nonce(self.segment, last);
        let mut bytes = Vec::with_capacity(self.waiting.len() + TAG);
        bytes.extend_from_slice(&self.waiting);
        self.waiting.clear();
        self.cipher
            .key
            .seal_in_place_append_tag(nonce, Aad::empty(), &mut bytes)
            .map_err(|_| VaultError::Opaque)?;
        self.segment = self.segment.checked_add(1).ok_or(VaultError::Format)?;
        self.room = SEGMENT - TAG;
        self.length += bytes.len() as u64;
        self.digest.update(&bytes);
        Ok(bytes)
    }
}

/// An opened file: gives plain bytes for sealed segments, in any order.
pub struct FileOpener {
    cipher: Cipher,
    length: u64,
    last: u32,
}

impl FileOpener {
    /// For [`crate::FileGrant`] only.
    pub(crate) fn new(keys: &OwnerKeys, file: &SealedFile, header: &[u8]) -> Result<Self, VaultError> {
        if keys.handle != file.id.handle {
            return Err(VaultError::Opaque);
        }
        let (salt, prefix) = match header.split_first() {
            Some((length, rest)) if usize::from(*length) == HEADER => rest.split_at_checked(SALT),
            _ => None,
        }
        .ok_or(VaultError::Format)?;
        let prefix = prefix.try_into().map_err(|_| VaultError::Format)?;
        // The shortest file is a header and a tag.
        if file.length < (HEADER + TAG) as u64 {
            return Err(VaultError::Format);
        }
        let last = (file.length - 1) / SEGMENT as u64;
        let opener = Self {
            cipher: Cipher::new(keys, &file.id, salt, prefix)?,
            length: file.length,
            last: u32::try_from(last).map_err(|_| VaultError::Format)?,
        };
        // A last segment that is shorter than its tag is none.
        let last = opener.sealed(opener.last);
        if last.end - last.start < TAG as u64 {
            return Err(VaultError::Format);
        }
        Ok(opener)
    }

    /// Plain bytes.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length - HEADER as u64 - TAG as u64 * (u64::from(self.last) + 1)
    }

    /// The segment in which a plain byte lies, and its place in it.
    #[must_use]
    pub fn segment_of(at: u64) -> (u32, usize) {
        let shifted = at + HEADER as u64;
        let room = (SEGMENT - TAG) as u64;
        let segment = shifted / room;
        let start = if segment == 0 { HEADER as u64 } else { segment * room };
        (
            u32::try_from(segment).unwrap_or(u32::MAX),
            usize::try_from(shifted - start).unwrap_or(0),
        )
    }

    /// Where the bytes of a segment lie in the sealed file.
    #[must_use]
    pub fn sealed(&self, segment: u32) -> Range<u64> {
        let start = u64::from(segment) * SEGMENT as u64;
        let end = (start + SEGMENT as u64).min(self.length);
        start.max(HEADER as u64).min(end)..end
    }

    /// Number of the last segment.
    #[must_use]
    pub fn last(&self) -> u32 {
        self.last
    }

    /// Opens one segment.
    pub fn open(&self, segment: u32, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let nonce = self.cipher.nonce(segment, segment == self.last);
        let mut bytes = Zeroizing::new(sealed.to_vec());
        let length = self
            .cipher
            .key
            .open_in_place(nonce, Aad::empty(), &mut bytes)
            .map_err(|_| VaultError::Opaque)?
            .len();
        bytes.truncate(length);
        Ok(bytes)
    }
}
