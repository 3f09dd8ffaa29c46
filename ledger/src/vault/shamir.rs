//! Shamir's secret sharing, byte by byte over GF(2⁸) with the polynomial of AES (x⁸+x⁴+x³+x+1).
//!
//! Coefficients are uniform, the highest one included; no table is looked up and no branch depends on a secret.

use super::{Secret, VaultError, random_secret};

/// Points x = 1 … `shares` of random polynomials of degree `threshold` − 1 whose values at 0 are the secret.
pub(super) fn split(secret: &Secret, threshold: u8, shares: u8) -> Result<Vec<(u8, Secret)>, VaultError> {
    if threshold < 2 || threshold > shares {
        return Err(VaultError::Format);
    }
    let coefficients: Vec<Secret> = (1..threshold).map(|_| random_secret()).collect::<Result<_, _>>()?;
    Ok((1..=shares)
        .map(|x| {
            let mut share = Secret::default();
            // Horner, from the highest coefficient down to the secret itself.
            for coefficient in coefficients.iter().rev().chain([secret]) {
                for (sum, byte) in share.iter_mut().zip(coefficient.iter()) {
                    *sum = multiply(*sum, x) ^ byte;
                }
            }
            (x, share)
        })
        .collect())
}

/// The value at 0 of the polynomials through these points; other points than those of [`split`] give a useless value.
pub(super) fn join(points: &[(u8, &Secret)]) -> Result<Secret, VaultError> {
    let mut secret = Secret::default();
    for (at, (x, share)) in points.iter().enumerate() {
        let mut factor = 1;
        for (other, (y, _)) in points.iter().enumerate() {
            if other != at {
                if x == y || *y == 0 {
                    return Err(VaultError::Format);
                }
                factor = multiply(factor, multiply(*y, inverse(y ^ x)));
            }
        }
        for (sum, byte) in secret.iter_mut().zip(share.iter()) {
            *sum ^= multiply(*byte, factor);
        }
    }
    Ok(secret)
}

fn multiply(a: u8, b: u8) -> u8 {
    let (mut a, mut product) = (a, 0);
    for bit in 0..8 {
        product ^= a & 0_u8.wrapping_sub(b >> bit & 1);
        a = a << 1 ^ 0x1b & 0_u8.wrapping_sub(a >> 7);
    }
    product
}

/// a²⁵⁴.
fn inverse(a: u8) -> u8 {
    let mut power = a;
    for _ in 0..6 {
        power = multiply(multiply(power, power), a);
    }
    multiply(power, power)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failing test may panic")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn products_are_those_of_fips_197() {
        assert_eq!(multiply(0x57, 0x83), 0xc1);
        assert_eq!(multiply(0x57, 0x13), 0xfe);
        for a in 1..=255 {
            assert_eq!(multiply(a, inverse(a)), 1, "{a}");
        }
    }

    proptest! {
        #[test]
        fn any_threshold_of_shares_gives_the_secret_back(
            bytes in any::<[u8; 32]>(), threshold in 2_u8..8, more in 0_u8..8, order in any::<u64>()
        ) {
            let secret = Secret::new(bytes);
            let mut shares = split(&secret, threshold, threshold + more).unwrap();
            let turn = usize::try_from(order % 15).unwrap() % shares.len();
            shares.rotate_left(turn);
            let points: Vec<(u8, &Secret)> =
                shares.iter().take(usize::from(threshold)).map(|(x, share)| (*x, share)).collect();
            prop_assert_eq!(*join(&points).unwrap(), bytes);
            // One share fewer says nothing: it meets the secret no more often than chance.
            prop_assert_ne!(*join(&points[1..]).unwrap(), bytes);
        }
    }

    #[test]
    fn a_share_by_itself_is_uniform() {
        // Two shares of a secret of zeros: were the highest coefficient never zero, no share byte would ever be zero.
        let zeros = (0..200)
            .flat_map(|_| split(&Secret::default(), 2, 2).unwrap())
            .flat_map(|(_, share)| share.to_vec())
            .filter(|byte| *byte == 0)
            .count();
        assert!(
            (10..120).contains(&zeros),
            "{zeros} of 12,800 bytes are zero; 50 are expected"
        );
    }

    #[test]
    fn the_same_share_twice_and_a_threshold_of_one_are_refused() {
        let share = random_secret().unwrap();
        assert!(join(&[(1, &share), (1, &share)]).is_err());
        assert!(split(&share, 1, 3).is_err() && split(&share, 4, 3).is_err());
    }
}
