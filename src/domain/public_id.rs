//! The random id of a case, an account or a referral in URLs and on paper: 26 Crockford base32 characters.

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// 128 random bits; the page for an unknown one and for somebody else's is the same.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct PublicId(pub [u8; 16]);

impl PublicId {
    /// Reads the canonical form only: anything else is no id and was never asked of the database.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 26 {
            return None;
        }
        let mut value = 0_u128;
        for (at, byte) in text.bytes().enumerate() {
            let digit = u128::try_from(ALPHABET.iter().position(|known| *known == byte)?).ok()?;
            if at == 0 && digit > 7 {
                return None;
            }
            value = value << 5 | digit;
        }
        Some(Self(value.to_be_bytes()))
    }
}

impl std::fmt::Display for PublicId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let value = u128::from_be_bytes(self.0);
        for at in (0..26).rev() {
            let digit = usize::try_from(value >> (5 * at) & 31).unwrap_or(0);
            write!(
                formatter,
                "{}",
                char::from(ALPHABET.get(digit).copied().unwrap_or(b'0'))
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_on_paper_stay_what_they_are() {
        let counted = std::array::from_fn(|at| u8::try_from(at).unwrap());
        assert_eq!(PublicId(counted).to_string(), "00041061050r3gg28a1c60t3gf");
        assert_eq!(PublicId([255; 16]).to_string(), "7zzzzzzzzzzzzzzzzzzzzzzzzz");
        assert_eq!(PublicId(*b"sixteen bytes ok").to_string(), "3kd5w78sb5drg64ybmcnsj0vvb");
    }

    #[test]
    fn ids_read_back_and_nothing_else_is_an_id() {
        for bytes in [[0; 16], [255; 16], *b"sixteen bytes ok"] {
            assert_eq!(PublicId::parse(&PublicId(bytes).to_string()), Some(PublicId(bytes)));
        }
        for text in [
            "",
            "zzzzzzzzzzzzzzzzzzzzzzzzzz",
            "0000000000000000000000000U",
            "../../../../etc/passwd/0000",
        ] {
            assert_eq!(PublicId::parse(text), None);
        }
    }
}
