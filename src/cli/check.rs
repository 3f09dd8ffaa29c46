//! `check`: everything that can be wrong before serving, all at once.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::ExitCode;

use super::unseal::STRANGE;
use super::{Arguments, Fault, say};
use crate::config::Config;
use crate::operations::backup::no_public_key;
use crate::operations::copy_files::missing_files;
use crate::operations::files_of::files_of;
use crate::operations::rotate_keys;
use crate::operations::verify_log::verify;
use crate::storage::access_rows::are_strange;
use crate::storage::connection::{AnyConnection, is_postgres};
use crate::storage::dialect::{Plane, pending, version};
use crate::storage::{StorageError, attachments, key_packages, key_plane, orders};

/// Older SQLite versions can lose commits in WAL mode.
const OLDEST_SQLITE: (u32, u32, u32) = (3, 51, 3);
/// Free space of the data folder below which it is time to make room.
const LITTLE_FREE: u64 = 1 << 30;
/// Free space below which nothing more may be written soon: the log, and with it everything, stops.
const LEAST_FREE: u64 = 64 << 20;

/// Runs the command; exit code 1 when there is a fault, 0 with or without warnings.
pub fn run(arguments: &Arguments) -> Result<ExitCode, Fault> {
    let mut faults = Vec::new();
    let mut warnings = Vec::new();
    let data = &arguments.data;
    folder(data, &mut faults, &mut warnings);
    match Config::load(data) {
        Err(error) => {
            faults.push(error.to_string());
            // What it says about databases is not known; those that stand where they stand by default are looked at.
            let usual = Config::default();
            let (database, keys_at) = (usual.database_address(data), usual.key_plane_address(data));
            if Path::new(&database).exists() {
                house(&database, &mut faults);
            }
            if Path::new(&keys_at).exists() {
                keys(&keys_at, &mut faults);
            }
        }
        Ok(config) => {
            if config.tls_certificate.is_some() != config.tls_key.is_some() {
                faults.push("tls_certificate and tls_key belong together; set both or none".to_owned());
            }
            for file in [&config.tls_certificate, &config.tls_key]
                .into_iter()
                .flatten()
                .filter(|file| !file.exists())
            {
                faults.push(format!("{} is missing", file.display()));
            }
            if !config.tls() && !config.listen.ip().is_loopback() {
                faults.push("without TLS the server listens on loopback only".to_owned());
            }
            if let Some(path) = &config.tls_key {
                private(path, "the TLS key", &mut faults);
            }
            house(&config.database_address(data), &mut faults);
            keys(&config.key_plane_address(data), &mut faults);
            owners(&config, data, &mut faults, &mut warnings);
            files(&config, data, &mut faults);
            copies(&config, data, &mut faults, &mut warnings);
        }
    }
    if let Some(path) = &arguments.key_file {
        private(path, "the key file", &mut faults);
        let beside = |path: &Path| {
            path.canonicalize()
                .ok()
                .and_then(|path| path.parent().map(Path::to_path_buf))
        };
        if beside(path) == data.canonicalize().ok() {
            warnings.push("the key file lies beside the data: whoever takes the folder has both".to_owned());
        }
    }
    for warning in &warnings {
        say(&format!("WARNING {warning}"));
    }
    for fault in &faults {
        say(&format!("FAULT   {fault}"));
    }
    if faults.is_empty() {
        say("OK");
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::FAILURE)
}

fn folder(data: &Path, faults: &mut Vec<String>, warnings: &mut Vec<String>) {
    let Ok(about) = std::fs::metadata(data) else {
        faults.push(format!("{} is missing; `donghanh init` makes it", data.display()));
        return;
    };
    if about.permissions().mode() & 0o077 != 0 {
        faults.push(format!("{} can be read by others; chmod 700 it", data.display()));
    }
    match rustix::fs::statvfs(data) {
        Ok(space) => match space.f_bavail * space.f_frsize {
            ..LEAST_FREE => {
                faults.push("less than 64 MiB is free on the disk of the data folder: make room".to_owned())
            }
            LEAST_FREE..LITTLE_FREE => {
                warnings.push("less than 1 GiB is free on the disk of the data folder".to_owned());
            }
            _ => {}
        },
        Err(error) => faults.push(format!("free space cannot be read: {error}")),
    }
}

fn private(path: &Path, what: &str, faults: &mut Vec<String>) {
    match std::fs::metadata(path) {
        Ok(about) if about.permissions().mode() & 0o077 != 0 => {
            faults.push(format!("{what} {} can be read by others; chmod 600 it", path.display()));
        }
        Ok(_) => {}
        Err(error) => faults.push(format!("{what} {}: {error}", path.display())),
    }
}

fn house(address: &str, faults: &mut Vec<String>) {
    let mut connection = match AnyConnection::open(address, false) {
        Ok(connection) => connection,
        Err(error) => return faults.push(format!("database: {error}")),
    };
    match version(&mut connection) {
        Ok(text) if !is_postgres(address) && parse(&text) < OLDEST_SQLITE => {
            faults.push(format!("SQLite {text} is too old; at least 3.51.3"));
        }
        Ok(_) => {}
        Err(error) => faults.push(format!("database version: {error}")),
    }
    let older = match pending(&mut connection, Plane::House) {
        Ok(older) => older,
        Err(error) => return faults.push(format!("database: {error}")),
    };
    if older {
        faults.push("the database is older than this program; run `donghanh migrate`".to_owned());
    }
    match verify(&mut connection) {
        Ok(Ok(_)) => {}
        Ok(Err(bad)) => {
            let at = bad.index.map_or("head".to_owned(), |index| format!("entry {index}"));
            faults.push(format!("log, {at}: {}", bad.what));
        }
        // Tables of the log that are still to come are no fault of their own.
        Err(_) if older => {}
        Err(error) => faults.push(format!("log: {error}")),
    }
}

fn keys(address: &str, faults: &mut Vec<String>) {
    match AnyConnection::open(address, false) {
        Ok(mut connection) => {
            match pending(&mut connection, Plane::Keys) {
                Ok(false) => {}
                Ok(true) => faults.push("the key plane is older than this program; run `donghanh migrate`".to_owned()),
                Err(error) => faults.push(format!("key plane: {error}")),
            }
            if let Err(error) = key_plane::deployment(&mut connection) {
                faults.push(format!("key plane: {error}"));
            }
            match key_plane::damaged_slots(&mut connection) {
                Ok(damaged) => faults.extend(damaged.iter().map(|id| format!("key plane: slot {id} cannot be read"))),
                Err(error) => faults.push(format!("key plane: {error}")),
            }
        }
        Err(error) => faults.push(format!("key plane: {error}")),
    }
}

/// Files whose rows are here and whose contents are not.
fn files(config: &Config, data: &Path, faults: &mut Vec<String>) {
    let folder = config.files_folder(data);
    let missing = || -> Result<usize, Fault> {
        let mut house = AnyConnection::open(&config.database_address(data), false)?;
        let known = attachments::all(&mut house)?;
        if known.is_empty() {
            return Ok(0);
        }
        let store = files_of(config, data)?;
        Ok(super::wait(missing_files(&known, &store))??)
    };
    match missing() {
        Ok(0) => {}
        Ok(some) => faults.push(format!(
            "{some} sealed files are missing in {} or not as long as they were; copy them from the folder `files` of the backups",
            folder.display()
        )),
        Err(Fault(text)) => faults.push(format!("{}: {text}", folder.display())),
    }
}

/// An older key package brings back keys that were destroyed, or lacks those of people who came later.
fn owners(config: &Config, data: &Path, faults: &mut Vec<String>, warnings: &mut Vec<String>) {
    let mut count = || -> Result<(usize, usize, bool), StorageError> {
        let mut house = AnyConnection::open(&config.database_address(data), false)?;
        let mut plane = AnyConnection::open(&config.key_plane_address(data), false)?;
        let strange = are_strange(&mut house, &key_plane::row_keys(&key_plane::keysets(&mut plane)?))?;
        let turned = rotate_keys::last(&mut house)?;
        let packages = key_packages::list(&mut plane)?.into_iter();
        let newest = packages
            .filter(|one| one.destroyed_at.is_none())
            .map(|one| one.made_at)
            .max();
        if turned.is_some_and(|turned| newest.is_none_or(|newest| newest < turned)) {
            warnings.push("the keys were drawn anew and no key package was made since: `keys package make`".to_owned());
        }
        let back = key_plane::present(&mut plane, orders::registered(&mut house)?)?.len();
        let needed = orders::owners(&mut house)?;
        let all = needed.len();
        Ok((back, all - key_plane::present(&mut plane, needed)?.len(), strange))
    };
    // What cannot be opened is said elsewhere.
    let Ok((back, missing, strange)) = count() else { return };
    if strange {
        faults.push(STRANGE.to_owned());
    }
    if back > 0 {
        faults.push("keys of erased persons are here; run `donghanh keys erase`".to_owned());
    }
    if missing > 0 {
        faults.push(format!(
            "{missing} people, cases or records have no key here and cannot be opened: this key plane is older than the data, or another one; \
             put back the newest key package (`keys package restore`)"
        ));
    }
}

/// Where copies of the data and of the log go, and whether the log is there as far as it is here.
fn copies(config: &Config, data: &Path, faults: &mut Vec<String>, warnings: &mut Vec<String>) {
    if config.backup.folder.is_none() {
        warnings.push("no backup is configured: [backup] in config.toml".to_owned());
    }
    for text in &config.backup.recipients {
        if text.parse::<age::x25519::Recipient>().is_err() {
            faults.push(format!("backup.recipients: {} (age1…)", no_public_key(text)));
        }
    }
    if let Some(folder) = &config.backup.folder {
        if config.backup.recipients.is_empty() {
            faults.push("backup.recipients is empty: nobody could open a backup".to_owned());
        }
        if rustix::fs::access(folder, rustix::fs::Access::WRITE_OK).is_err() {
            faults.push(format!("the folder of backups {} cannot be written", folder.display()));
        }
    }
    match super::backup::behind_by(config, data) {
        Ok(Some(behind)) if behind > 0 => warnings.push(format!("the mirror of the log is {behind} entries behind")),
        Ok(_) => {}
        Err(Fault(text)) => faults.push(format!("the mirror of the log: {text}")),
    }
}

fn parse(version: &str) -> (u32, u32, u32) {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    (
        parts.next().unwrap_or(0),
        parts.next().unwrap_or(0),
        parts.next().unwrap_or(0),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_sqlite_are_compared_as_numbers() {
        for (text, old) in [
            ("3.51.3", false),
            ("3.51.10", false),
            ("3.100.0", false),
            ("4.0.0", false),
            ("3.51.2", true),
            ("3.9.99", true),
            ("3.51", true),
            ("", true),
        ] {
            assert_eq!(parse(text) < OLDEST_SQLITE, old, "{text}");
        }
    }
}
