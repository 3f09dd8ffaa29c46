//! `keys package`: numbered copies of the key plane, the register of them, and the way back.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;

use super::unseal::STRANGE;
use super::{Arguments, Fault, fault, say, unseal};
use crate::clock::Clock;
use crate::config::Config;
use crate::operations::accounts;
use crate::operations::erase::left;
use crate::operations::gate::entry;
use crate::operations::key_package::{self, existing};
use crate::storage::StorageError;
use crate::storage::access_rows::are_strange;
use crate::storage::connection::{AnyConnection, is_postgres};
use crate::storage::dialect::{Plane, migrate};
use crate::storage::key_packages::PackageRow;
use crate::storage::{key_packages, key_plane, orders};

/// What to do with key packages.
#[derive(Subcommand)]
pub enum Package {
    /// Record that a package is destroyed, and who attests it.
    Destroyed {
        /// Number of the package.
        number: i64,
        /// Staff code of whoever saw it destroyed.
        #[arg(long)]
        by: String,
    },
    /// Show every package ever made and what became of it.
    List,
    /// Write the next package to a new file; at most two exist at a time.
    Make {
        /// The file, on a medium that is kept apart from the data.
        file: PathBuf,
    },
    /// Fill the key plane of a data folder that has none from a package.
    Restore {
        /// The file.
        file: PathBuf,
    },
}

/// Runs the command.
pub fn run(arguments: &Arguments, act: &Package) -> Result<ExitCode, Fault> {
    match act {
        Package::Destroyed { number, by } => destroyed(arguments, *number, by),
        Package::List => list(arguments),
        Package::Make { file } => make(arguments, file),
        Package::Restore { file } => restore(arguments, file),
    }
}

fn list(arguments: &Arguments) -> Result<ExitCode, Fault> {
    let (config, mut plane) = unseal::key_plane(arguments)?;
    catch_up(arguments, &config, &mut plane)?;
    let known = key_packages::list(&mut plane)?;
    if known.is_empty() {
        say("No key package was made yet.");
    }
    for package in known {
        let state = match (package.destroyed_at, package.destroyed_by) {
            (Some(at), Some(by)) => format!("destroyed {}, attested by {by}", day(at)),
            _ => "exists".to_owned(),
        };
        say(&format!("{}  made {}  {state}", package.number, day(package.made_at)));
    }
    Ok(ExitCode::SUCCESS)
}

fn day(ms: i64) -> String {
    chrono::DateTime::from_timestamp_millis(ms)
        .map(|time| time.format("%Y-%m-%d").to_string())
        .unwrap_or_default()
}

fn make(arguments: &Arguments, file: &Path) -> Result<ExitCode, Fault> {
    if file.exists() {
        return Err(Fault(format!("{} is there already; name a new file", file.display())));
    }
    let (config, mut plane) = unseal::key_plane(arguments)?;
    catch_up(arguments, &config, &mut plane)?;
    if existing(&key_packages::list(&mut plane)?).len() >= key_packages::MOST {
        return Err(fault(
            "two packages exist; destroy the older one, attest it with `keys package destroyed`, then make a new one",
        ));
    }
    let (_, unsealed) = unseal::opened(arguments)?;
    let mut house = AnyConnection::open(&config.database_address(&arguments.data), false)?;
    if are_strange(&mut house, &key_plane::row_keys(&key_plane::keysets(&mut plane)?))? {
        return Err(fault(STRANGE));
    }
    // Whoever wrote the register of erased persons: no package may keep their keys.
    if !key_plane::present(&mut plane, orders::registered(&mut house)?)?.is_empty()
        || !left(&mut house, &mut plane, &unsealed.keyring)?.is_empty()
    {
        return Err(fault(
            "keys of erased persons are here; run `donghanh keys erase` first, so that no package keeps them",
        ));
    }
    let cannot = |error: std::io::Error| Fault(format!("cannot write {}: {error}", file.display()));
    let mut out = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .map_err(cannot)?;
    let told = |row: &PackageRow| {
        let told = record(arguments, &config, "key.package", &key_package::fields(row));
        told.map_err(|_| StorageError::Inconsistent("the log could not be written, so no package was made"))
    };
    let made = key_package::make(&mut plane, &unsealed.keyring, Clock::system().now_ms(), told);
    if made.is_err() {
        drop(std::fs::remove_file(file));
    }
    let (row, bytes) = made?;
    out.write_all(&bytes).and_then(|()| out.sync_all()).map_err(|error| {
        let Fault(said) = cannot(error);
        // Half a package is none.
        drop(std::fs::remove_file(file));
        Fault(format!(
            "{said}; package {} is registered, attest it as destroyed and make another",
            row.number
        ))
    })?;
    say(&format!("Package {} written to {}.", row.number, file.display()));
    Ok(ExitCode::SUCCESS)
}

/// Brings the register to what the log tells, if there is a log.
pub fn catch_up(arguments: &Arguments, config: &Config, plane: &mut AnyConnection) -> Result<(), Fault> {
    let address = config.database_address(&arguments.data);
    if !is_postgres(&address) && !Path::new(&address).exists() {
        return Ok(());
    }
    let mut house = AnyConnection::open(&address, false)?;
    Ok(key_package::catch_up(plane, &mut house)?)
}

fn destroyed(arguments: &Arguments, number: i64, by: &str) -> Result<ExitCode, Fault> {
    let (config, mut plane) = unseal::key_plane(arguments)?;
    catch_up(arguments, &config, &mut plane)?;
    let mut house = AnyConnection::open(&config.database_address(&arguments.data), false)?;
    if !accounts::exists(&mut house, by)? {
        return Err(fault("there is no account with this staff code"));
    }
    if !key_packages::list(&mut plane)?
        .iter()
        .any(|package| package.number == number && package.destroyed_at.is_none())
    {
        return Err(fault(
            "no package of this number exists; `keys package list` shows them",
        ));
    }
    record(
        arguments,
        &config,
        "key.package_destroy",
        &[by.to_owned(), format!("package-{number}")],
    )?;
    key_packages::destroyed(&mut plane, number, by, Clock::system().now_ms())?;
    say(&format!("Package {number}: destroyed, attested by {by}."));
    Ok(ExitCode::SUCCESS)
}

fn record(arguments: &Arguments, config: &Config, kind: &str, fields: &[String]) -> Result<(), Fault> {
    let entry = entry(kind, "operator", "", fields).map_err(fault)?;
    unseal::tell(
        arguments,
        config,
        entry,
        "the log could not be written, so nothing was done",
    )
}

fn restore(arguments: &Arguments, file: &Path) -> Result<ExitCode, Fault> {
    let bytes = std::fs::read(file).map_err(|error| Fault(format!("cannot read {}: {error}", file.display())))?;
    let package = key_package::Package::parse(&bytes)?;
    let config = Config::load(&arguments.data).map_err(fault)?;
    let mut plane = AnyConnection::open(&config.key_plane_address(&arguments.data), true)?;
    migrate(&mut plane, Plane::Keys)?;
    if key_plane::deployment(&mut plane).is_ok() {
        return Err(fault(
            "this data folder has keys already; nothing was changed. If they are the wrong ones, move keys.db away first",
        ));
    }
    // Without a database the keys come first.
    let mut house = AnyConnection::open(&config.database_address(&arguments.data), false);
    if let Ok(house) = &mut house
        && are_strange(house, &package.row_keys()).unwrap_or_default()
    {
        return Err(fault(
            "this package is from before the last rotation of the keys that the data knows of: with it nobody could sign in. \
             Nothing was changed; take a newer package",
        ));
    }
    let unsealed = package.restore(&mut plane, |plane| {
        let offers = unseal::offers(arguments, &key_plane::slots(plane)?)?;
        unseal::opened_with(plane, &offers)
    })?;
    catch_up(arguments, &config, &mut plane)?;
    say("The keys are back.");
    if let Ok(mut house) = house
        && (!key_plane::present(&mut plane, orders::registered(&mut house)?)?.is_empty()
            || !left(&mut house, &mut plane, &unsealed.keyring)?.is_empty())
    {
        say(
            "Among them are keys that were erased after this package was made: run `donghanh keys erase` before you serve.",
        );
    }
    Ok(ExitCode::SUCCESS)
}
