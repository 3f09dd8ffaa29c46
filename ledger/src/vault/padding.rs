//! Hides the length of a plaintext: `length u32 ‖ bytes ‖ zeros` up to max(256, Padmé).

use zeroize::Zeroizing;

use super::VaultError;

const LEAST: usize = 256;

/// Pads; at most 4 GiB.
pub fn pad(plain: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let length = u32::try_from(plain.len()).map_err(|_| VaultError::Format)?;
    let total = padme(plain.len() + 4).max(LEAST);
    let mut out = Zeroizing::new(Vec::with_capacity(total));
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(plain);
    out.resize(total, 0);
    Ok(out)
}

/// Takes the padding off; refuses a length that does not fit and padding that is not zero.
pub fn unpad(padded: &[u8]) -> Result<&[u8], VaultError> {
    let (length, rest) = padded.split_first_chunk::<4>().ok_or(VaultError::Format)?;
    let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| VaultError::Format)?;
    let (plain, zeros) = rest.split_at_checked(length).ok_or(VaultError::Format)?;
    if zeros.iter().any(|byte| *byte != 0) || padded.len() != padme(length + 4).max(LEAST) {
        return Err(VaultError::Format);
    }
    Ok(plain)
}

/// Rounds a length up so that it tells at most O(log log L) bits (Nikitin et al. 2019, §4).
#[must_use]
pub fn padme(length: usize) -> usize {
    if length < 2 {
        return length;
    }
    let exponent = length.ilog2();
    let significant = exponent.checked_ilog2().unwrap_or(0) + 1;
    let mask = (1_usize << (exponent - significant)) - 1;
    (length + mask) & !mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padme_follows_the_paper() {
        // Values worked out by hand from the definition: E = 8 -> S = 4 -> multiples of 16, and so on.
        for (length, padded) in [
            (2, 2),
            (8, 8),
            (9, 10),
            (256, 256),
            (257, 272),
            (1000, 1024),
            (1025, 1088),
            (65_537, 67_584),
        ] {
            assert_eq!(padme(length), padded, "{length}");
        }
    }

    #[test]
    fn padding_round_trips_and_refuses_anything_else() {
        for length in 0..1200 {
            let plain = vec![7; length];
            let padded = pad(&plain).unwrap();
            assert!(padded.len() >= LEAST);
            assert_eq!(unpad(&padded).unwrap(), plain);
            for cut in 0..padded.len() {
                assert_eq!(unpad(&padded[..cut]), Err(VaultError::Format));
            }
        }
        let mut dirty = pad(b"x").unwrap();
        dirty[255] = 1;
        assert_eq!(unpad(&dirty), Err(VaultError::Format));
    }
}
