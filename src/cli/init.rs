//! `init`: a passphrase slot by default, a key file only when asked for by name.

use std::fs::{DirBuilder, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::process::ExitCode;

use ledger::vault::slot::Cost;

use super::{Arguments, Fault, fault, say, unseal};
use crate::clock::Clock;
use crate::config::Config;
use crate::operations::init::{FirstSlot, init};

/// Fewest characters of a passphrase.
const SHORTEST: usize = 16;

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<ExitCode, Fault> {
    let data = &arguments.data;
    if data.exists() {
        let mut entries = std::fs::read_dir(data).map_err(fault)?.filter_map(Result::ok);
        if entries.any(|entry| entry.file_name() != "config.toml") {
            return Err(Fault(format!(
                "{} is not empty; choose another folder with --data",
                data.display()
            )));
        }
    } else {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(data)
            .map_err(fault)?;
    }
    let config = Config::load(data).map_err(fault)?;
    let first = if arguments.key_file.is_some() {
        FirstSlot::KeyFile
    } else {
        let passphrase = unseal::passphrase(arguments, "New passphrase (at least 16 characters): ")?;
        if passphrase.chars().count() < SHORTEST {
            return Err(fault(
                "the passphrase needs at least 16 characters; four random words are good",
            ));
        }
        if !arguments.passphrase_stdin && unseal::passphrase(arguments, "Once more: ")? != passphrase {
            return Err(fault("the two passphrases differ; nothing was made"));
        }
        FirstSlot::Passphrase(passphrase, Cost::STANDARD)
    };
    let made = init(data, &config, &Clock::system(), first).map_err(fault)?;
    if let (Some(path), Some(text)) = (&arguments.key_file, &made.key_file) {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .map_err(fault)?;
        file.write_all(text.as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(fault)?;
        say(&format!(
            "Key file written to {} (0600). Keep it away from the data folder.",
            path.display()
        ));
    }
    say("The log's public key. Write it on paper and give it to the auditors:");
    say(&made.vkey);
    Ok(ExitCode::SUCCESS)
}
