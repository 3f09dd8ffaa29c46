//! Opens the keyring with what the operator has: a passphrase or a key file.

use std::path::Path;
use std::sync::Arc;

use ledger::vault::keyring::Keyring;
use ledger::vault::slot::Opener;
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use super::{Arguments, Fault, fault};
use crate::clock::Clock;
use crate::config::Config;
use crate::storage::connection::AnyConnection;
use crate::storage::key_plane;
use crate::storage::writer::{Writer, WriterThread};

/// Configuration and keyring of a data folder.
pub fn keyring(arguments: &Arguments) -> Result<(Config, Keyring), Fault> {
    let config = Config::load(&arguments.data).map_err(fault)?;
    let mut connection = AnyConnection::open(&config.key_plane_address(&arguments.data), false).map_err(|error| {
        Fault(format!(
            "{error}; is {} a data folder? `donghanh init` makes one",
            arguments.data.display()
        ))
    })?;
    let opener = match &arguments.key_file {
        Some(path) => Opener::KeyFile(key_file(path)?),
        None => Opener::Passphrase(passphrase(arguments, "Passphrase: ")?),
    };
    let keyring = key_plane::unseal(&mut connection, &opener).map_err(fault)?;
    let wrong = if arguments.key_file.is_some() {
        "this key file opens nothing here"
    } else {
        "wrong passphrase"
    };
    Ok((config, keyring.ok_or_else(|| fault(wrong))?))
}

/// A writer of its own for one command, beside a server that may be running.
pub fn writer(arguments: &Arguments) -> Result<(Writer, WriterThread, Arc<Keyring>), Fault> {
    let (config, keyring) = keyring(arguments)?;
    let node = format!("{}-cli", config.node);
    let (writer, thread) =
        Writer::start(&config.database_address(&arguments.data), Clock::system(), &node).map_err(fault)?;
    Ok((writer, thread, Arc::new(keyring)))
}

/// A passphrase, NFC; from the terminal without echo or the first line of standard input.
pub fn passphrase(arguments: &Arguments, prompt: &str) -> Result<Zeroizing<String>, Fault> {
    let text = if arguments.passphrase_stdin {
        let mut line = Zeroizing::new(String::new());
        std::io::stdin().read_line(&mut line).map_err(fault)?;
        line
    } else {
        Zeroizing::new(rpassword::prompt_password(prompt).map_err(fault)?)
    };
    Ok(Zeroizing::new(text.trim_end_matches(['\r', '\n']).nfc().collect()))
}

fn key_file(path: &Path) -> Result<Zeroizing<String>, Fault> {
    std::fs::read_to_string(path)
        .map(Zeroizing::new)
        .map_err(|error| Fault(format!("cannot read the key file {}: {error}", path.display())))
}
