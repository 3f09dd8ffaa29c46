//! `backup`: copies of the data for a key that is not on this machine, and the way back. The keys have packages of their own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;

use super::{Arguments, Fault, fault, say, unseal};
use crate::clock::Clock;
use crate::config::Config;
use crate::operations::backup::{self, BackupError, Header, Replayed};
use crate::operations::copy_files::{bad_files, copy_files, keep_files};
use crate::operations::files_of::files_of;
use crate::operations::gate::entry;
use crate::operations::{key_package, mirror, rotate_keys};
use crate::storage::access_rows::are_strange;
use crate::storage::attachments::Known;
use crate::storage::connection::{AnyConnection, is_postgres};
use crate::storage::dialect::{Plane, migrate};
use crate::storage::objects::Objects;
use crate::storage::transfer::transfer;
use crate::storage::writer::Writer;
use crate::storage::{attachments, copy, key_packages, key_plane, log_rows, orders};

/// Backups of the data.
#[derive(Subcommand)]
pub enum Backup {
    /// Make one, beside the running server, into `backup.folder`; needs no key.
    Create,
    /// Show those that are kept.
    List,
    /// Put a backup into a data folder that has no database, and the mirrored entries of the log behind it.
    Restore {
        /// The backup.
        file: PathBuf,
        /// The file with the secret age key.
        #[arg(long)]
        identity: PathBuf,
        /// The folder of mirrors; without it, the one of config.toml.
        #[arg(long)]
        mirror: Option<PathBuf>,
        /// There is no mirror: entries written after the backup are lost, and auditors will see that.
        #[arg(long)]
        no_mirror: bool,
        /// Take a backup that lacks rows of which its log tells, because there is no better one; auditors will see that.
        #[arg(long)]
        incomplete: bool,
    },
    /// A restore drill: open a backup (the newest, unless named), prove it, and throw the copy away.
    Verify {
        /// The backup.
        file: Option<PathBuf>,
        /// The file with the secret age key.
        #[arg(long)]
        identity: PathBuf,
        /// A key package: check that it has the keys of everybody in the backup.
        #[arg(long)]
        package: Option<PathBuf>,
    },
}

impl From<BackupError> for Fault {
    fn from(error: BackupError) -> Self {
        fault(error)
    }
}

/// Runs the command.
pub fn run(arguments: &Arguments, act: &Backup) -> Result<ExitCode, Fault> {
    let config = Config::load(&arguments.data).map_err(fault)?;
    match act {
        Backup::Create => create(arguments, &config),
        Backup::List => list(&config),
        Backup::Restore {
            file,
            identity,
            mirror,
            no_mirror,
            incomplete,
        } => {
            let from = Wanted {
                file,
                identity,
                mirror: mirror.as_deref(),
                no_mirror: *no_mirror,
                incomplete: *incomplete,
            };
            restore(arguments, &config, &from)
        }
        Backup::Verify {
            file,
            identity,
            package,
        } => verify(&config, file.as_deref(), identity, package.as_deref()),
    }
}

fn folder(config: &Config) -> Result<&Path, Fault> {
    let folder = config.backup.folder.as_deref();
    folder.ok_or_else(|| fault("set `folder` under [backup] in config.toml, another disk than the data"))
}

fn create(arguments: &Arguments, config: &Config) -> Result<ExitCode, Fault> {
    let folder = folder(config)?;
    if config.backup.recipients.is_empty() {
        return Err(BackupError::NoRecipient.into());
    }
    if config.backup.keep == 0 {
        return Err(fault(
            "`keep` under [backup] in config.toml is 0: say how many backups are kept, at least 1",
        ));
    }
    let (_, mut plane) = unseal::key_plane(arguments)?;
    let deployment = key_plane::deployment(&mut plane)?;
    let now_ms = Clock::system().now_ms();
    let name = backup::name(now_ms);
    let entry = entry("backup.create", "operator", "", std::slice::from_ref(&name)).map_err(fault)?;
    unseal::tell(
        arguments,
        config,
        entry,
        "the log could not be written, so no backup was made",
    )?;
    let mut house = AnyConnection::open(&config.database_address(&arguments.data), false)?;
    let recipients = &config.backup.recipients;
    let backup::Made {
        path,
        header,
        missing,
        lock,
    } = backup::create(&mut house, deployment, folder, recipients, now_ms)?;
    say(&format!("{}  {} entries of the log", path.display(), header.size));
    // Asked for after the copy, so that every file of which the copy tells is among them.
    let known = attachments::all(&mut house)?;
    let (from, to) = (
        files_of(config, &arguments.data)?,
        Objects::folder(&folder.join(FILES))?,
    );
    backup::name_files(&path, &known)?;
    let copied = super::wait(copy_files(&known, &from, &to))??;
    if copied.files > 0 {
        say(&format!(
            "{} sealed files, {} KiB, are new in it",
            copied.files,
            copied.bytes.div_ceil(1024)
        ));
    }
    if copied.bad > 0 {
        return Err(Fault(format!(
            "{} sealed files are missing or damaged here and could not be copied; see `donghanh check`",
            copied.bad
        )));
    }
    if !missing.is_empty() {
        gone_from(&missing);
        return Err(fault(
            "the data lacks what its log tells of, so this backup is kept beside the older ones and none was deleted; \
             compare with the newest whole backup (`backup verify`) before you go on",
        ));
    }
    for gone in backup::prune(folder, config.backup.keep, &path)? {
        say(&format!("{}  deleted; {} are kept", gone.display(), config.backup.keep));
    }
    if let Some(names) = backup::named_files(folder)? {
        let gone = super::wait(keep_files(&names, &to))??;
        if gone > 0 {
            say(&format!("{gone} sealed files that no kept backup tells of are deleted"));
        }
    }
    drop(lock);
    let newest = key_packages::list(&mut plane)?
        .into_iter()
        .rfind(|one| one.destroyed_at.is_none());
    let newest = newest.map_or(0, |package| package.made_at);
    if rotate_keys::last(&mut house)?.is_some_and(|turned| turned > newest) {
        say(
            "WARNING the keys were drawn anew after the newest key package was made; without a new one this backup cannot be opened: `keys package make`",
        );
    }
    let younger = orders::cases_since(&mut house, newest)?;
    if younger > 0 {
        say(&format!(
            "WARNING {younger} cases are younger than the newest key package; without a new one they cannot be opened from this backup: `keys package make`"
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn list(config: &Config) -> Result<ExitCode, Fault> {
    let all = backup::list(folder(config)?)?;
    if all.is_empty() {
        say("No backup was made yet.");
    }
    for (path, bytes) in all {
        say(&format!("{}  {} KiB", path.display(), bytes.div_ceil(1024)));
    }
    Ok(ExitCode::SUCCESS)
}

fn verify(config: &Config, file: Option<&Path>, identity: &Path, package: Option<&Path>) -> Result<ExitCode, Fault> {
    let file = match file {
        Some(file) => file.to_path_buf(),
        None => {
            let newest = backup::list(folder(config)?)?.pop();
            newest
                .map(|(path, _)| path)
                .ok_or_else(|| fault("no backup was made yet"))?
        }
    };
    let scratch = file.with_extension("drill.partial");
    backup::remove(&scratch);
    let opened = backup::open(&file, identity, &scratch, false);
    let held = opened.and_then(|header| {
        let without = package.map(|package| keyless(&scratch, package)).transpose()?;
        let known = known(&scratch)?;
        Ok((header, without, known))
    });
    backup::remove(&scratch);
    let (header, without, known) = held?;
    let store = Objects::folder(&file.with_file_name(FILES))?;
    let bad = super::wait(bad_files(&known, &store))??;
    if bad > 0 {
        say(&format!(
            "BAD {bad} of {} sealed files are missing in {FILES} beside it, or damaged",
            known.len()
        ));
        return Ok(ExitCode::FAILURE);
    }
    say(&format!(
        "OK  {}: {} entries of the log, every row that it tells of, {} sealed files",
        file.display(),
        header.size,
        known.len()
    ));
    match without {
        None => Ok(ExitCode::SUCCESS),
        Some(None) => {
            say(
                "BAD the package and this backup are not of one time: the keys were drawn anew between them, and with this package nobody could sign in",
            );
            Ok(ExitCode::FAILURE)
        }
        Some(Some(0)) => {
            say("OK  the package has the keys of everybody in it");
            Ok(ExitCode::SUCCESS)
        }
        Some(Some(some)) => {
            say(&format!(
                "BAD {some} people or cases in it have no key in this package; take a newer one"
            ));
            Ok(ExitCode::FAILURE)
        }
    }
}

/// The folder of sealed files beside the backups: they never change, so each is copied once for all backups.
const FILES: &str = "files";

fn known(database: &Path) -> Result<Vec<Known>, BackupError> {
    let mut connection = AnyConnection::open(database.to_str().unwrap_or_default(), false)?;
    Ok(attachments::all(&mut connection)?)
}

/// How many owners of a database have no key in a package, those that were erased aside; `None` when the package is of another time than the data.
fn keyless(database: &Path, package: &Path) -> Result<Option<usize>, BackupError> {
    let bytes = std::fs::read(package).map_err(|error| BackupError::File(package.to_path_buf(), error))?;
    let package = key_package::Package::parse(&bytes)?;
    let address = database.to_str().unwrap_or_default();
    let mut connection = AnyConnection::open(address, false)?;
    if are_strange(&mut connection, &package.row_keys())? {
        return Ok(None);
    }
    let owners = orders::owners(&mut connection)?;
    Ok(Some(owners.iter().filter(|owner| !package.has(owner)).count()))
}

/// Says what the log tells of and the data does not hold.
fn gone_from(missing: &BTreeMap<String, Vec<u64>>) {
    for (kind, indices) in missing {
        let list: Vec<String> = indices.iter().map(u64::to_string).collect();
        say(&format!("  gone from the data: {kind}  (entries {})", list.join(", ")));
    }
}

/// Kinds of entries about what has left the house.
const HANDED_OVER: [&str; 2] = ["case.hand_over", "order.deliver"];

/// What a restore starts from.
struct Wanted<'a> {
    file: &'a Path,
    identity: &'a Path,
    mirror: Option<&'a Path>,
    no_mirror: bool,
    incomplete: bool,
}

fn restore(arguments: &Arguments, config: &Config, from: &Wanted<'_>) -> Result<ExitCode, Fault> {
    let Wanted {
        file,
        identity,
        mirror,
        no_mirror,
        incomplete,
    } = *from;
    let mirrors = mirror.or(config.backup.mirror.as_deref()).filter(|_| !no_mirror);
    if mirrors.is_none() && !no_mirror {
        return Err(fault(
            "where is the mirror of the log? Give it with --mirror, or say --no-mirror when there is none",
        ));
    }
    let address = config.database_address(&arguments.data);
    let mut server = is_postgres(&address).then(|| empty(&address)).transpose()?;
    if server.is_none() && Path::new(&address).exists() {
        return Err(fault("this data folder has a database already; nothing was changed"));
    }
    let partial = arguments.data.join("donghanh.restore.partial");
    backup::remove(&partial);
    let header = backup::open(file, identity, &partial, incomplete)?;
    say(&format!(
        "{}: {} entries of the log, all proved",
        file.display(),
        header.size
    ));
    let replayed = behind(&partial, &header, mirrors);
    let replayed = replayed.inspect_err(|_| backup::remove(&partial))?;
    let (known, gone) = (known(&partial)?, backup::lacks(&partial, header.size)?);
    // The files first: as long as there is no database, a restore that was cut short can be run again.
    let (from, to) = (
        Objects::folder(&file.with_file_name(FILES))?,
        files_of(config, &arguments.data)?,
    );
    let copied = super::wait(copy_files(&known, &from, &to))??;
    say(&format!("{} sealed files came back.", copied.files));
    if copied.bad > 0 {
        say(&format!(
            "WARNING {} sealed files are missing in {FILES} beside the backup, or damaged; `check` counts them.",
            copied.bad
        ));
    }
    // The log says so before anybody can look at it: no restored house is without this entry.
    let size = header.size + replayed.entries as u64;
    let mut fields = vec![format!("from-{}", header.size), format!("to-{size}")];
    // Empty unless an incomplete backup was asked for.
    gone_from(&gone);
    fields.extend(gone.values().flatten().map(|index| format!("lost-{index}")));
    let entry = entry("backup.restore", "operator", "", &fields).map_err(fault)?;
    let node = format!("{}-cli", config.node);
    let (writer, thread) =
        Writer::start(partial.to_str().unwrap_or_default(), Clock::system(), &node).map_err(fault)?;
    let written = writer.write_blocking::<(), ()>(None, move |_| Ok(((), vec![entry])));
    drop(writer);
    thread.join();
    written.map_err(|_| fault("the restored log could not be written, so nothing was restored"))?;
    copy::settle(&mut AnyConnection::open(partial.to_str().unwrap_or_default(), false)?)?;
    match &mut server {
        None => {
            backup::remove(Path::new(&address));
            std::fs::rename(&partial, &address).map_err(fault)?;
        }
        Some(server) => {
            let mut copy = AnyConnection::open(partial.to_str().unwrap_or_default(), false)?;
            transfer(&mut copy, server).inspect_err(|_| backup::remove(&partial))?;
        }
    }
    backup::remove(&partial);
    match replayed {
        _ if mirrors.is_none() => say(
            "Entries written after the backup are lost. Tell the auditors: their checkpoints are longer than this log.",
        ),
        Replayed { entries, lost } => {
            say(&format!(
                "{entries} entries were put behind it from the mirror; no entry of the mirror is lost."
            ));
            for (kind, indices) in lost {
                let what = match HANDED_OVER.contains(&kind.as_str()) {
                    true => "has happened and is not to be repeated",
                    false => "to be done again",
                };
                let list: Vec<String> = indices.iter().map(u64::to_string).collect();
                say(&format!("  {what}: {kind}  (entries {})", list.join(", ")));
            }
        }
    }
    if let Ok((_, mut plane)) = unseal::key_plane(arguments)
        && key_plane::deployment(&mut plane).is_ok()
    {
        super::package::catch_up(arguments, config, &mut plane)?;
    }
    say(
        "Everybody signs in again. Now the keys: `keys package restore`, unless keys.db is here; then `check`, then `serve`.",
    );
    Ok(ExitCode::SUCCESS)
}

/// A database of PostgreSQL that is there and holds nothing, with its schema.
fn empty(address: &str) -> Result<AnyConnection, Fault> {
    let mut server = AnyConnection::open(address, false)?;
    migrate(&mut server, Plane::House)?;
    match log_rows::is_new(&mut server).map_err(fault)? {
        true => Ok(server),
        false => Err(fault(
            "the database of config.toml holds a house already; nothing was changed",
        )),
    }
}

fn behind(database: &Path, header: &Header, mirrors: Option<&Path>) -> Result<Replayed, BackupError> {
    let damaged = || BackupError::Damaged(database.to_path_buf(), "its deployment".to_owned());
    let deployment = header.deployment().ok_or_else(damaged)?;
    let path = mirrors.map(|mirrors| mirror::path(mirrors, deployment, header.shard));
    backup::replay(database, header, path.as_deref())
}

/// Whether the mirror is as long as the log, for `check`.
pub fn behind_by(config: &Config, data: &Path) -> Result<Option<u64>, Fault> {
    let Some(folder) = &config.backup.mirror else {
        return Ok(None);
    };
    let mut house = AnyConnection::open(&config.database_address(data), false)?;
    let mut plane = AnyConnection::open(&config.key_plane_address(data), false)?;
    let head = log_rows::head(&mut house)?;
    let path = mirror::path(folder, key_plane::deployment(&mut plane)?, head.shard);
    let mirrored = mirror::entries(&path, 0).map_err(fault)?.len() as u64;
    Ok(Some(u64::try_from(head.size).unwrap_or(0).saturating_sub(mirrored)))
}
