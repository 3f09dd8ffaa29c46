//! Passwords and one-time codes: RFC 9106, RFC 6238, NIST SP 800-63B §3.1.1.

use ledger::vault::keyring::Keyring;
use ledger::vault::{VaultError, random};
use ledger::{b64u, from_b64u};
use totp_rs::{Algorithm, TOTP};
use unicode_normalization::UnicodeNormalization as _;

/// 19 MiB and two passes, the least that OWASP names for Argon2id; the pepper makes a stolen table useless anyway.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
/// Fewest characters of a password.
pub const SHORTEST: usize = 12;
/// Seconds of a one-time code.
pub const STEP: u64 = 30;

/// Hashes a password for an account: `argon2id$m$t$salt$hash$key`, peppered with the web key of this id (hex) and the account id.
pub fn hash(keyring: &Keyring, account: &[u8], password: &str) -> Result<String, VaultError> {
    let salt: [u8; 16] = random()?;
    let (key, _) = keyring.web_key_ids();
    let hash = stretch(keyring, account, password, &salt, (MEMORY_KIB, PASSES, key))?;
    Ok(format!(
        "argon2id${MEMORY_KIB}${PASSES}${}${}${key:08x}",
        b64u(&salt),
        b64u(&hash)
    ))
}

/// The id of the web key in a stored hash; `None` in one from before keys were turned, which is of the oldest.
#[must_use]
pub fn pepper_of(stored: &str) -> Option<u32> {
    u32::from_str_radix(stored.split('$').nth(5)?, 16).ok()
}

/// Whether a password fits; takes the same time for a hash that is not one.
pub fn fits(keyring: &Keyring, account: &[u8], password: &str, stored: &str) -> Result<bool, VaultError> {
    let mut parts = stored.splitn(6, '$');
    let (kind, memory, passes) = (parts.next(), parts.next(), parts.next());
    let (salt, expected) = (parts.next().and_then(from_b64u), parts.next().and_then(from_b64u));
    let memory = memory.and_then(|text| text.parse().ok()).unwrap_or(MEMORY_KIB);
    let passes = passes.and_then(|text| text.parse().ok()).unwrap_or(PASSES);
    let salt = salt.unwrap_or_else(|| vec![0; 16]);
    let (_, oldest) = keyring.web_key_ids();
    let key = pepper_of(stored).unwrap_or(oldest);
    let hash = stretch(keyring, account, password, &salt, (memory, passes, key))?;
    let expected = expected.unwrap_or_default();
    let different = hash
        .iter()
        .zip(&expected)
        .fold(0, |all, (left, right)| all | (left ^ right));
    Ok(kind == Some("argon2id") && expected.len() == hash.len() && different == 0)
}

#[cfg(test)]
thread_local! {
    /// Memory and passes of every hash that this thread made.
    pub static STRETCHED: std::cell::RefCell<Vec<(u32, u32)>> = const { std::cell::RefCell::new(Vec::new()) };
}

fn stretch(
    keyring: &Keyring,
    account: &[u8],
    password: &str,
    salt: &[u8],
    (memory, passes, key): (u32, u32, u32),
) -> Result<[u8; 32], VaultError> {
    #[cfg(test)]
    STRETCHED.with_borrow_mut(|all| all.push((memory, passes)));
    let normal: String = password.nfc().collect();
    let peppered = keyring.web_mac_with(key, &[b"password".as_slice(), account, normal.as_bytes()].concat());
    let params = argon2::Params::new(memory, passes, 1, Some(32)).map_err(|_| VaultError::Format)?;
    let mut out = [0; 32];
    argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params)
        .hash_password_into(&peppered, salt, &mut out)
        .map_err(|_| VaultError::Format)?;
    Ok(out)
}

/// The step whose code this is, within one step of now; `None` for a wrong code.
#[must_use]
pub fn totp_step(secret: &[u8], code: &str, now_ms: i64) -> Option<i64> {
    let code: String = code.chars().filter(|letter| !letter.is_whitespace()).collect();
    let now = u64::try_from(now_ms).ok()? / 1000 / STEP;
    (now.saturating_sub(1)..=now + 1)
        .find(|step| totp_code(secret, *step).is_some_and(|right| right == code))
        .and_then(|step| i64::try_from(step).ok())
}

/// The code of a step.
#[must_use]
pub fn totp_code(secret: &[u8], step: u64) -> Option<String> {
    let totp = TOTP::new(Algorithm::SHA1, 6, 1, STEP, secret.to_vec()).ok()?;
    Some(totp.generate(step * STEP))
}

/// Eight recovery codes of 50 bits, `XXXXX-XXXXX`.
pub fn recovery_codes() -> Result<Vec<String>, VaultError> {
    (0..8)
        .map(|_| {
            let bits = u64::from_be_bytes(random()?);
            let letters: String = (0..10).map(|at| symbol(bits >> (5 * at))).collect();
            let (left, right) = letters.split_at_checked(5).ok_or(VaultError::Format)?;
            Ok(format!("{left}-{right}"))
        })
        .collect()
}

/// What is kept of a recovery code.
#[must_use]
pub fn recovery_digest(code: &str) -> String {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    b64u(&ledger::sha256(plain.to_uppercase().as_bytes()))
}

/// A staff code as people type it, in the form that is stored; empty for what cannot be one.
#[must_use]
pub fn canonical_code(typed: &str) -> String {
    let code = typed.trim().to_uppercase();
    // Typed without its hyphens it is the same code.
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    let code = match plain.strip_prefix("NV").filter(|rest| rest.len() == 8) {
        Some(rest) if !code.contains('-') => match rest.split_at_checked(4) {
            Some((left, right)) => format!("NV-{left}-{right}"),
            None => code,
        },
        _ => code,
    };
    let fits = code.len() <= 20 && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if fits { code } else { String::new() }
}

/// A staff code `NV-XXXX-XXXX`.
pub fn staff_code() -> Result<String, VaultError> {
    let bits = u64::from_be_bytes(random()?);
    let letters: String = (0..8).map(|at| symbol(bits >> (5 * at))).collect();
    let (left, right) = letters.split_at_checked(4).ok_or(VaultError::Format)?;
    Ok(format!("NV-{left}-{right}"))
}

fn symbol(bits: u64) -> char {
    const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let at = usize::try_from(bits & 31).unwrap_or(0);
    char::from(ALPHABET.get(at).copied().unwrap_or(b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_time_codes_are_those_of_rfc_6238() {
        // Appendix B, SHA-1, last six of the eight digits.
        let secret = b"12345678901234567890";
        for (seconds, code) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
            assert_eq!(totp_code(secret, seconds / STEP).unwrap(), code);
        }
        assert_eq!(totp_step(secret, " 287 082 ", 59_000), Some(1));
        assert_eq!(totp_step(secret, "287082", 59_000 + 30_000), Some(1));
        assert_eq!(totp_step(secret, "287082", 59_000 + 91_000), None);
    }

    #[test]
    fn a_recovery_code_is_known_however_it_is_typed() {
        let code = recovery_codes().unwrap().remove(0);
        assert_eq!(
            recovery_digest(&code),
            recovery_digest(&code.to_lowercase().replace('-', " "))
        );
    }
}
