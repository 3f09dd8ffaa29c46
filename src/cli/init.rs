//! `init`: a passphrase slot by default; anything else only when asked for by name.

use std::fs::DirBuilder;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::process::ExitCode;

use super::slot::{NewSlot, SlotKind, make};
use super::{Arguments, Fault, fault, say};
use crate::clock::Clock;
use crate::config::Config;
use crate::operations::init::init;

/// What an interrupted `init` may have left, and the configuration: a folder with these alone can be set up.
const MAY_BE_THERE: [&str; 3] = ["config.toml", "donghanh.db", "keys.db"];

/// Runs the command.
pub fn run(arguments: &Arguments, new: &NewSlot) -> Result<ExitCode, Fault> {
    let data = &arguments.data;
    if data.exists() {
        let mut entries = std::fs::read_dir(data).map_err(fault)?.filter_map(Result::ok);
        let known = |name: &str| MAY_BE_THERE.iter().any(|known| name.starts_with(known));
        if entries.any(|entry| !entry.file_name().to_str().is_some_and(known)) {
            return Err(Fault(format!(
                "{} is not empty; choose another folder with --data",
                data.display()
            )));
        }
        // Only its owner may read what is about to be made there.
        std::fs::set_permissions(data, std::fs::Permissions::from_mode(0o700)).map_err(fault)?;
    } else {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(data)
            .map_err(fault)?;
    }
    let config = Config::load(data).map_err(fault)?;
    // `--key-file` alone asks for a key file by name.
    let new = match &arguments.key_file {
        Some(path) if new.kind.is_none() => &NewSlot {
            kind: Some(SlotKind::File),
            write: Some(path.clone()),
            ..new.clone()
        },
        _ => new,
    };
    new.check()?;
    let made = init(data, &config, &Clock::system(), |deployment, root| {
        make(arguments, new, deployment, root)
    })?;
    say("The log's public key. Write it on paper and give it to the auditors:");
    say(&made.vkey);
    Ok(ExitCode::SUCCESS)
}
