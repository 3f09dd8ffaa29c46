//! The token of a form: a MAC over session, request id and expiry, checked in constant time before anything is read.

use ledger::vault::keyring::Keyring;
use ledger::{b64u, from_b64u};

/// How long a form may stay open; a later one comes back with everything that was typed.
const LIFETIME_MS: i64 = 12 * 3_600_000;

/// What a form carries in hidden fields.
#[derive(serde::Serialize, Clone)]
pub struct FormToken {
    /// Request id, b64u.
    pub request: String,
    /// Expiry, UTC milliseconds.
    pub expires: i64,
    /// MAC, b64u.
    pub mac: String,
    /// Whose form it is, in a mark that says nothing: it outlives the session, so that nobody else goes on with it.
    pub whose: Option<String>,
}

/// The mark of a member of staff in her forms.
#[must_use]
pub fn whose(keyring: &Keyring, staff: &str) -> String {
    let mac = keyring.web_mac(format!("dh/whose/{staff}").as_bytes());
    b64u(mac.get(5..21).unwrap_or_default())
}

/// Why a form is not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TokenFault {
    /// Not made by this house for this session.
    Forged,
    /// Open for too long.
    Expired,
}

impl FormToken {
    /// A token for one form of one session.
    #[must_use]
    pub fn new(keyring: &Keyring, session: &[u8], request: [u8; 16], now_ms: i64) -> Self {
        let expires = now_ms + LIFETIME_MS;
        let mac = keyring.web_mac(&message(session, &request, expires));
        Self {
            request: b64u(&request),
            expires,
            mac: b64u(&mac),
            whose: None,
        }
    }

    /// The request id of a genuine token.
    pub fn check(
        keyring: &Keyring,
        session: &[u8],
        request: &str,
        expires: &str,
        mac: &str,
        now_ms: i64,
    ) -> Result<[u8; 16], TokenFault> {
        let request: [u8; 16] = from_b64u(request)
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or(TokenFault::Forged)?;
        let expires: i64 = expires.parse().map_err(|_| TokenFault::Forged)?;
        let mac = from_b64u(mac).ok_or(TokenFault::Forged)?;
        if !keyring.verify_web_mac(&message(session, &request, expires), &mac) {
            return Err(TokenFault::Forged);
        }
        if now_ms > expires {
            Err(TokenFault::Expired)
        } else {
            Ok(request)
        }
    }
}

fn message(session: &[u8], request: &[u8; 16], expires: i64) -> Vec<u8> {
    [b"csrf".as_slice(), request, &expires.to_be_bytes(), session].concat()
}
