//! Tink keysets: the protobuf of `google.crypto.tink.Keyset` by hand, and its encrypted JSON form.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Secret, VaultError, aead, random, random_secret};

/// What the keys of a keyset are for; one keyset holds one kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// `AesGcmKey`, 32 bytes, TINK prefix.
    AesGcm,
    /// `Ed25519PrivateKey`, RAW prefix.
    Ed25519,
    /// `HmacKey`, SHA-256, tag of 32 bytes, TINK prefix.
    Hmac,
}

/// Several keys of one kind, the oldest first; the primary one seals, all of them open.
pub struct Keyset {
    kind: Kind,
    primary: u32,
    keys: Vec<(u32, Secret)>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct EncryptedKeyset {
    encrypted_keyset: String,
    keyset_info: KeysetInfo,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeysetInfo {
    primary_key_id: u32,
    key_info: Vec<KeyInfo>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeyInfo {
    type_url: String,
    status: String,
    key_id: u32,
    output_prefix_type: String,
}

impl Keyset {
    /// A keyset with one fresh key.
    pub fn generate(kind: Kind) -> Result<Self, VaultError> {
        let id = u32::from_be_bytes(random()?).max(1);
        Ok(Self {
            kind,
            primary: id,
            keys: vec![(id, random_secret()?)],
        })
    }

    /// A keyset of the same kind with one fresh key, whose id is none of the old ones.
    pub fn succeed(&self) -> Result<Self, VaultError> {
        loop {
            let next = Self::generate(self.kind)?;
            if self.key(next.primary).is_err() {
                return Ok(next);
            }
        }
    }

    /// The same keys and one fresh one, which is the primary one from now on.
    pub fn joined(mut self) -> Result<Self, VaultError> {
        let next = self.succeed()?;
        self.primary = next.primary;
        self.keys.extend(next.keys);
        Ok(self)
    }

    /// The primary key, and of the others those that are still needed.
    pub fn kept(mut self, needed: impl Fn(u32) -> bool) -> Self {
        let primary = self.primary;
        self.keys.retain(|(id, _)| *id == primary || needed(*id));
        self
    }

    /// Every key with its id, the oldest first.
    pub fn keys(&self) -> impl Iterator<Item = (u32, &Secret)> {
        self.keys.iter().map(|(id, secret)| (*id, secret))
    }

    /// The key that seals, with its id.
    pub fn primary(&self) -> Result<(u32, &Secret), VaultError> {
        Ok((self.primary, self.key(self.primary)?))
    }

    /// A key by id.
    pub fn key(&self, id: u32) -> Result<&Secret, VaultError> {
        self.keys
            .iter()
            .find_map(|(key_id, secret)| (*key_id == id).then_some(secret))
            .ok_or(VaultError::Opaque)
    }

    /// The encrypted JSON keyset of Tink.
    pub fn encrypt(&self, root: &Secret, root_id: u32, associated: &[u8]) -> Result<String, VaultError> {
        let sealed = aead::encrypt(root, root_id, associated, &self.to_proto()?)?;
        let json = EncryptedKeyset {
            encrypted_keyset: STANDARD.encode(sealed),
            keyset_info: KeysetInfo {
                primary_key_id: self.primary,
                key_info: self
                    .keys
                    .iter()
                    .map(|(id, _)| KeyInfo {
                        type_url: self.kind.type_url().into(),
                        status: "ENABLED".into(),
                        key_id: *id,
                        output_prefix_type: self.kind.prefix_name().into(),
                    })
                    .collect(),
            },
        };
        serde_json::to_string(&json).map_err(|_| VaultError::Format)
    }

    /// Reads [`Keyset::encrypt`] or what Tink wrote; every key must be enabled and of the expected kind.
    pub fn decrypt(kind: Kind, json: &str, root: &Secret, root_id: u32, associated: &[u8]) -> Result<Self, VaultError> {
        let json: EncryptedKeyset = serde_json::from_str(json).map_err(|_| VaultError::Format)?;
        let sealed = STANDARD.decode(json.encrypted_keyset).map_err(|_| VaultError::Format)?;
        let proto = aead::decrypt(root, root_id, associated, &sealed)?;
        Self::from_proto(kind, &proto)
    }

    fn to_proto(&self) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let mut keyset = Message::default();
        keyset.number(1, self.primary);
        for (id, secret) in &self.keys {
            let mut data = Message::default();
            data.bytes(1, self.kind.type_url().as_bytes());
            data.bytes(2, &self.kind.key_proto(secret)?.0);
            data.number(3, self.kind.material());
            let mut key = Message::default();
            key.bytes(1, &data.0);
            key.number(2, 1);
            key.number(3, *id);
            key.number(4, self.kind.prefix());
            keyset.bytes(2, &key.0);
        }
        Ok(keyset.0)
    }

    fn from_proto(kind: Kind, proto: &[u8]) -> Result<Self, VaultError> {
        let mut primary = None;
        let mut keys = Vec::new();
        for field in fields(proto)? {
            match field {
                (1, Field::Number(id)) => primary = Some(id),
                (2, Field::Bytes(key)) => keys.push(kind.parse_key(key)?),
                _ => return Err(VaultError::Format),
            }
        }
        let primary = primary.ok_or(VaultError::Format)?;
        let keyset = Self { kind, primary, keys };
        keyset.key(primary)?;
        Ok(keyset)
    }
}

impl Kind {
    fn type_url(self) -> &'static str {
        match self {
            Self::AesGcm => "type.googleapis.com/google.crypto.tink.AesGcmKey",
            Self::Ed25519 => "type.googleapis.com/google.crypto.tink.Ed25519PrivateKey",
            Self::Hmac => "type.googleapis.com/google.crypto.tink.HmacKey",
        }
    }

    fn prefix(self) -> u32 {
        match self {
            Self::AesGcm | Self::Hmac => 1,
            Self::Ed25519 => 3,
        }
    }

    fn prefix_name(self) -> &'static str {
        match self {
            Self::AesGcm | Self::Hmac => "TINK",
            Self::Ed25519 => "RAW",
        }
    }

    fn material(self) -> u32 {
        match self {
            Self::AesGcm | Self::Hmac => 1,
            Self::Ed25519 => 2,
        }
    }

    fn key_proto(self, secret: &Secret) -> Result<Message, VaultError> {
        let mut key = Message::default();
        match self {
            Self::AesGcm => key.bytes(3, &**secret),
            Self::Hmac => {
                let mut params = Message::default();
                params.number(1, 3);
                params.number(2, 32);
                key.bytes(2, &params.0);
                key.bytes(3, &**secret);
            }
            Self::Ed25519 => {
                use ring::signature::KeyPair as _;
                let pair =
                    ring::signature::Ed25519KeyPair::from_seed_unchecked(&**secret).map_err(|_| VaultError::Format)?;
                let mut public = Message::default();
                public.bytes(2, pair.public_key().as_ref());
                key.bytes(2, &**secret);
                key.bytes(3, &public.0);
            }
        }
        Ok(key)
    }

    fn parse_key(self, proto: &[u8]) -> Result<(u32, Secret), VaultError> {
        let (mut data, mut enabled, mut id, mut prefix) = (None, false, None, None);
        for field in fields(proto)? {
            match field {
                (1, Field::Bytes(bytes)) => data = Some(bytes),
                (2, Field::Number(status)) => enabled = status == 1,
                (3, Field::Number(number)) => id = Some(number),
                (4, Field::Number(number)) => prefix = Some(number),
                _ => return Err(VaultError::Format),
            }
        }
        match (data, enabled, id) {
            (Some(data), true, Some(id)) if prefix == Some(self.prefix()) => Ok((id, self.parse_data(data)?)),
            _ => Err(VaultError::Format),
        }
    }

    fn parse_data(self, proto: &[u8]) -> Result<Secret, VaultError> {
        let (mut url, mut value) = (None, None);
        for field in fields(proto)? {
            match field {
                (1, Field::Bytes(bytes)) => url = Some(bytes),
                (2, Field::Bytes(bytes)) => value = Some(bytes),
                (3, Field::Number(_)) => {}
                _ => return Err(VaultError::Format),
            }
        }
        if url != Some(self.type_url().as_bytes()) {
            return Err(VaultError::Format);
        }
        let at = if self == Self::Ed25519 { 2 } else { 3 };
        let secret = fields(value.ok_or(VaultError::Format)?)?
            .into_iter()
            .find_map(|field| match field {
                (number, Field::Bytes(bytes)) if number == at => Some(bytes),
                _ => None,
            })
            .ok_or(VaultError::Format)?;
        let secret: [u8; 32] = secret.try_into().map_err(|_| VaultError::Format)?;
        Ok(Zeroizing::new(secret))
    }
}

/// A protobuf message being written: only varints and length-delimited fields occur here.
#[derive(Default)]
struct Message(Zeroizing<Vec<u8>>);

impl Message {
    fn number(&mut self, field: u8, value: u32) {
        self.0.push(field << 3);
        self.varint(value);
    }

    fn bytes(&mut self, field: u8, value: &[u8]) {
        self.0.push(field << 3 | 2);
        // Keys and their names are far below 4 GiB.
        self.varint(u32::try_from(value.len()).unwrap_or(u32::MAX));
        self.0.extend_from_slice(value);
    }

    fn varint(&mut self, mut value: u32) {
        while value >= 0x80 {
            self.0.push(value.to_le_bytes()[0] | 0x80);
            value >>= 7;
        }
        self.0.push(value.to_le_bytes()[0]);
    }
}

enum Field<'a> {
    Number(u32),
    Bytes(&'a [u8]),
}

fn fields(mut proto: &[u8]) -> Result<Vec<(u32, Field<'_>)>, VaultError> {
    let mut out = Vec::new();
    while !proto.is_empty() {
        let (tag, rest) = varint(proto)?;
        let (number, after) = varint(rest)?;
        proto = after;
        match tag & 7 {
            0 => out.push((tag >> 3, Field::Number(number))),
            2 => {
                let length = usize::try_from(number).map_err(|_| VaultError::Format)?;
                let (bytes, after) = proto.split_at_checked(length).ok_or(VaultError::Format)?;
                out.push((tag >> 3, Field::Bytes(bytes)));
                proto = after;
            }
            _ => return Err(VaultError::Format),
        }
    }
    Ok(out)
}

fn varint(proto: &[u8]) -> Result<(u32, &[u8]), VaultError> {
    let mut value = 0_u64;
    for (at, byte) in proto.iter().take(5).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            let value = u32::try_from(value).map_err(|_| VaultError::Format)?;
            return Ok((value, proto.get(at + 1..).unwrap_or_default()));
        }
    }
    Err(VaultError::Format)
}
