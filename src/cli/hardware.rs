//! A hardware module through PKCS #11: it seals the key file of a slot under a key that never leaves it, and opens it for a PIN.

use std::path::Path;

use ledger::vault::slot::Hardware;
use zeroize::Zeroizing;

use super::{Fault, fault};

#[cfg(feature = "pkcs11")]
pub use with::{open, seal, tokens};

/// Bytes of the nonce before the ciphertext.
#[cfg(feature = "pkcs11")]
const NONCE: usize = 12;

/// Seals a text under a new key of a token and gives `nonce 12 ‖ AES-256-GCM ciphertext ‖ tag 16`; this program cannot.
#[cfg(not(feature = "pkcs11"))]
pub fn seal(_: &Path, _: &str, _: &str, _: &[u8], _: (&str, &[u8])) -> Result<Vec<u8>, Fault> {
    Err(without())
}

/// Labels of the tokens that are there; this program cannot.
#[cfg(not(feature = "pkcs11"))]
pub fn tokens(_: &Path) -> Result<Vec<String>, Fault> {
    Err(without())
}

/// Opens what [`seal`] made; this program cannot.
#[cfg(not(feature = "pkcs11"))]
pub fn open(_: &Path, _: &str, _: &Hardware) -> Result<Zeroizing<String>, Fault> {
    Err(without())
}

#[cfg(not(feature = "pkcs11"))]
fn without() -> Fault {
    fault("this program was built without the feature `pkcs11`")
}

#[cfg(feature = "pkcs11")]
mod with {
    use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
    use cryptoki::error::{Error, RvError};
    use cryptoki::mechanism::Mechanism;
    use cryptoki::mechanism::aead::GcmParams;
    use cryptoki::object::{Attribute, ObjectClass};
    use cryptoki::session::{Session, UserType};
    use cryptoki::types::AuthPin;

    use super::{Fault, Hardware, NONCE, Path, Zeroizing, fault};

    fn cannot(what: &str) -> impl Fn(Error) -> Fault + '_ {
        move |error| match error {
            Error::Pkcs11(RvError::PinIncorrect | RvError::PinLenRange, _) => {
                fault("wrong PIN; the module locks the token after a few of them")
            }
            Error::Pkcs11(RvError::PinLocked, _) => {
                fault("the PIN is locked; the officer of the module has to set a new one")
            }
            error => Fault(format!("the hardware module {what}: {error}")),
        }
    }

    /// The library, started once for the process: a module starts no second time.
    fn library(module: &Path) -> Result<&'static Pkcs11, Fault> {
        static LIBRARY: std::sync::OnceLock<Pkcs11> = std::sync::OnceLock::new();
        if let Some(library) = LIBRARY.get() {
            return Ok(library);
        }
        let library = Pkcs11::new(module).map_err(|error| {
            Fault(format!(
                "`pkcs11` of config.toml: {} is no PKCS #11 module here ({error})",
                module.display()
            ))
        })?;
        let begun = library.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK));
        begun.map_err(cannot("does not start"))?;
        Ok(LIBRARY.get_or_init(|| library))
    }

    /// Slots of the module with the labels of their tokens.
    fn labelled(library: &Pkcs11) -> Result<Vec<(cryptoki::slot::Slot, String)>, Fault> {
        let slots = library.get_slots_with_token().map_err(cannot("shows no tokens"))?;
        let mut all = Vec::with_capacity(slots.len());
        for slot in slots {
            let about = library
                .get_token_info(slot)
                .map_err(cannot("says nothing of its token"))?;
            all.push((slot, about.label().trim_end().to_owned()));
        }
        Ok(all)
    }

    /// Labels of the tokens that are there.
    pub fn tokens(module: &Path) -> Result<Vec<String>, Fault> {
        Ok(labelled(library(module)?)?
            .into_iter()
            .map(|(_, label)| label)
            .collect())
    }

    /// A session of the user of a token.
    fn session(module: &Path, token: &str, pin: &str) -> Result<Session, Fault> {
        let library = library(module)?;
        let found = labelled(library)?.into_iter().find(|(_, label)| label == token);
        let (slot, _) = found.ok_or_else(|| {
            Fault(format!(
                "there is no token `{token}` in the hardware module; is it plugged in?"
            ))
        })?;
        let session = library.open_rw_session(slot).map_err(cannot("opens no session"))?;
        let logged_in = session.login(UserType::User, Some(&AuthPin::new(pin.into())));
        logged_in.map_err(cannot("does not let you in"))?;
        Ok(session)
    }

    /// Seals a text under a new key of a token and gives `nonce 12 ‖ AES-256-GCM ciphertext ‖ tag 16`.
    pub fn seal(
        module: &Path,
        token: &str,
        pin: &str,
        key: &[u8],
        (text, associated): (&str, &[u8]),
    ) -> Result<Vec<u8>, Fault> {
        let session = session(module, token, pin)?;
        let made = session.generate_key(
            &Mechanism::AesKeyGen,
            &[
                Attribute::Token(true),
                Attribute::Private(true),
                Attribute::Sensitive(true),
                Attribute::Extractable(false),
                Attribute::Encrypt(true),
                Attribute::Decrypt(true),
                Attribute::ValueLen(32.into()),
                Attribute::Label(b"donghanh".to_vec()),
                Attribute::Id(key.to_vec()),
            ],
        );
        let made = made.map_err(cannot("makes no key"))?;
        let mut nonce: [u8; NONCE] = ledger::vault::random().map_err(fault)?;
        let mut out = nonce.to_vec();
        let params = GcmParams::new(&mut nonce, associated, 128.into()).map_err(cannot("takes no parameters"))?;
        let sealed = session.encrypt(&Mechanism::AesGcm(params), made, text.as_bytes());
        out.extend(sealed.map_err(cannot("seals nothing"))?);
        Ok(out)
    }

    /// Opens what [`seal`] made.
    pub fn open(module: &Path, pin: &str, slot: &Hardware) -> Result<Zeroizing<String>, Fault> {
        let session = session(module, &slot.token, pin)?;
        let wanted = [
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::Id(slot.key.clone()),
        ];
        let found = session.find_objects(&wanted).map_err(cannot("finds no keys"))?;
        let key = found
            .first()
            .ok_or_else(|| Fault(format!("the token `{}` has no key of this slot", slot.token)))?;
        let shut = || fault("the hardware module does not open this slot; it was changed, or is of another deployment");
        let (nonce, sealed) = slot.sealed.split_at_checked(NONCE).ok_or_else(shut)?;
        let mut nonce = nonce.to_vec();
        let params = GcmParams::new(&mut nonce, &slot.associated, 128.into()).map_err(cannot("takes no parameters"))?;
        let opened = session
            .decrypt(&Mechanism::AesGcm(params), *key, sealed)
            .map_err(|_| shut())?;
        let opened = Zeroizing::new(opened);
        let text = std::str::from_utf8(&opened).map_err(|_| shut())?;
        Ok(Zeroizing::new(text.to_owned()))
    }
}
