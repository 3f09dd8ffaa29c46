//! A backup of the data: one `age` file for keys that are not on this machine; inside is an embedded database, whatever the server uses. Format: `docs/formats.md` §4.
//!
//! What is in it is sealed already; the second lock hides times, units and numbers from whoever finds the medium.

use std::collections::{BTreeMap, HashSet};
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use age::x25519::Recipient;
use ledger::log::tree::{Frontier, leaf_hash};
use ledger::vault::associated::{Deployment, hex};
use ledger::{b64u, from_b64u};
use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};

use super::verify_log::{Sound, verify};
use crate::storage::StorageError;
use crate::storage::attachments::Known;
use crate::storage::connection::AnyConnection;
use crate::storage::copy;
use crate::storage::dialect::{Plane, migrate};
use crate::storage::transfer::transfer;

/// Ending of a backup.
const ENDING: &str = ".age";
/// Ending of the list of its sealed files.
const NAMES: &str = "names";
/// Longest first line.
const LONGEST_HEADER: u64 = 4096;

/// Why a backup was not made, or is none.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file cannot be read or written.
    #[error("{0}: {1}")]
    File(PathBuf, #[source] std::io::Error),
    /// The database says no.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The secret key does not open it, or it was changed.
    #[error("{0} does not open with this key, or was changed; nothing was written")]
    Shut(PathBuf),
    /// What is inside is not whole.
    #[error("{0} is not a whole backup: {1}")]
    Damaged(PathBuf, String),
    /// Another run is at it.
    #[error("a backup is being made into {0} already; wait until it is done")]
    Busy(PathBuf),
    /// It cannot be put behind this backup.
    #[error("the mirror {0} {1}; look for another, or say --no-mirror and tell the auditors")]
    Mirror(PathBuf, &'static str),
    /// Not a public key.
    #[error("backup.recipients of config.toml: {} (age1…); no backup was made", no_public_key(.0))]
    Recipient(String),
    /// Nobody could open it.
    #[error(
        "no recipient: put the public keys (age1…) of those who may restore into `backup.recipients` of config.toml"
    )]
    NoRecipient,
}

/// What is wrong with a text that should be a public age key; a secret one is never repeated.
#[must_use]
pub fn no_public_key(text: &str) -> String {
    if text.to_ascii_uppercase().contains("AGE-SECRET-KEY") {
        "this is the SECRET part of a key; it counts as seen now, so make a new key and give its public part".to_owned()
    } else {
        format!("{text} is no public age key")
    }
}

/// The first line of a backup.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields)]
pub struct Header {
    v: u32,
    deployment: String,
    /// When it was made, UTC milliseconds.
    pub made_at: i64,
    /// Shard of the log.
    pub shard: i64,
    /// Entries of the log.
    pub size: u64,
    root: String,
    digest: String,
}

impl Header {
    /// The deployment that it is a backup of.
    #[must_use]
    pub fn deployment(&self) -> Option<Deployment> {
        from_b64u(&self.deployment)?.try_into().ok().map(Deployment)
    }
}

fn at(path: &Path) -> impl FnOnce(std::io::Error) -> BackupError + use<> {
    let path = path.to_path_buf();
    move |error| BackupError::File(path, error)
}

/// Name of the backup of a moment: its time, UTC, to the millisecond.
#[must_use]
pub fn name(now_ms: i64) -> String {
    let time = chrono::DateTime::from_timestamp_millis(now_ms).unwrap_or_default();
    format!("donghanh-{}{ENDING}", time.format("%Y%m%dT%H%M%S%3fZ"))
}

/// Backups of a folder, oldest first, with their sizes.
pub fn list(folder: &Path) -> Result<Vec<(PathBuf, u64)>, BackupError> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(at(folder))? {
        let path = entry.map_err(at(folder))?.path();
        let named = path.file_name().and_then(|name| name.to_str());
        if named.is_some_and(|name| name.starts_with("donghanh-") && name.ends_with(ENDING)) {
            found.push((path.clone(), std::fs::metadata(&path).map_err(at(&path))?.len()));
        }
    }
    found.sort();
    Ok(found)
}

/// Makes a backup beside the running server; what a run that was cut short left is written over.
pub fn create(
    connection: &mut AnyConnection,
    deployment: Deployment,
    folder: &Path,
    recipients: &[String],
    now_ms: i64,
) -> Result<Made, BackupError> {
    let recipients: Result<Vec<Recipient>, BackupError> = recipients
        .iter()
        .map(|text| text.parse().map_err(|_| BackupError::Recipient(text.clone())))
        .collect();
    let recipients = recipients?;
    if recipients.is_empty() {
        return Err(BackupError::NoRecipient);
    }
    // One at a time: the next would take this one's unfinished files for litter.
    let lock = File::create(folder.join(".lock")).map_err(at(folder))?;
    lock.try_lock().map_err(|_| BackupError::Busy(folder.to_path_buf()))?;
    let (path, plain) = (folder.join(name(now_ms)), folder.join(".copy.partial"));
    remove(&plain);
    drop(new(&plain)?);
    copied(connection, &plain)?;
    let made = sealed(&plain, &path, deployment, &recipients, now_ms);
    remove(&plain);
    let (header, missing) = made?;
    Ok(Made {
        path,
        header,
        missing,
        lock,
    })
}

/// The state of now as an embedded database in a new file.
fn copied(connection: &mut AnyConnection, file: &Path) -> Result<(), BackupError> {
    if connection.is_embedded() {
        return Ok(copy::copy_to(connection, file)?);
    }
    let mut copy = opened(file)?;
    migrate(&mut copy, Plane::House)?;
    Ok(transfer(connection, &mut copy)?)
}

/// A backup that was made.
pub struct Made {
    /// Its file.
    pub path: PathBuf,
    /// Its first line.
    pub header: Header,
    /// What the log tells of and the data does not hold: indices by kind. Empty for a backup that is whole.
    pub missing: BTreeMap<String, Vec<u64>>,
    /// Keeps other runs out until its files are there and older backups are gone.
    pub lock: File,
}

fn sealed(
    plain: &Path,
    path: &Path,
    deployment: Deployment,
    recipients: &[Recipient],
    now_ms: i64,
) -> Result<(Header, BTreeMap<String, Vec<u64>>), BackupError> {
    let sound = whole(plain, plain)?;
    let missing = lacks(plain, sound.size)?;
    copy::settle(&mut opened(plain)?)?;
    let header = Header {
        v: 1,
        deployment: b64u(&deployment.0),
        made_at: now_ms,
        shard: sound.shard,
        size: sound.size,
        root: b64u(&sound.root),
        digest: b64u(&digest(plain)?),
    };
    let partial = plain.with_file_name(".backup.partial");
    remove(&partial);
    let out = new(&partial)?;
    let wrong = |_| BackupError::NoRecipient;
    let encryptor =
        age::Encryptor::with_recipients(recipients.iter().map(|one| one as &dyn age::Recipient)).map_err(wrong)?;
    let mut writer = encryptor.wrap_output(BufWriter::new(out)).map_err(at(&partial))?;
    let line =
        serde_json::to_string(&header).map_err(|error| BackupError::Damaged(partial.clone(), error.to_string()))?;
    writeln!(writer, "{line}").map_err(at(&partial))?;
    std::io::copy(&mut File::open(plain).map_err(at(plain))?, &mut writer).map_err(at(&partial))?;
    let out = writer
        .finish()
        .and_then(|out| Ok(out.into_inner()?))
        .map_err(at(&partial))?;
    out.sync_all().map_err(at(&partial))?;
    std::fs::rename(&partial, path).map_err(at(path))?;
    if let Some(folder) = path.parent() {
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(at(folder))?;
    }
    Ok((header, missing))
}

/// Writes down, beside a backup, which sealed files belong to it: their names in hex, one a line.
pub fn name_files(path: &Path, known: &[Known]) -> Result<(), BackupError> {
    let names: String = known.iter().map(|(name, ..)| format!("{}\n", hex(name))).collect();
    let (list, partial) = (path.with_extension(NAMES), path.with_extension("names.partial"));
    remove(&partial);
    let mut out = new(&partial)?;
    out.write_all(names.as_bytes())
        .and_then(|()| out.sync_all())
        .map_err(at(&partial))?;
    std::fs::rename(&partial, &list).map_err(at(&list))
}

/// The sealed files that belong to any backup of a folder, names in hex; `None` while one of them does not say.
pub fn named_files(folder: &Path) -> Result<Option<HashSet<String>>, BackupError> {
    let mut names = HashSet::new();
    for (path, _) in list(folder)? {
        let list = path.with_extension(NAMES);
        match std::fs::read_to_string(&list) {
            Ok(text) => names.extend(text.lines().map(str::to_owned)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(BackupError::File(list, error)),
        }
    }
    Ok(Some(names))
}

/// Deletes all but the newest and the one just made; gives what was deleted.
pub fn prune(folder: &Path, keep: usize, made: &Path) -> Result<Vec<PathBuf>, BackupError> {
    let mut all = list(folder)?;
    all.truncate(all.len().saturating_sub(keep.max(1)));
    // A clock that was put back does not make the newest the oldest.
    all.retain(|(path, _)| path != made);
    for (path, _) in &all {
        std::fs::remove_file(path).map_err(at(path))?;
        drop(std::fs::remove_file(path.with_extension(NAMES)));
    }
    Ok(all.into_iter().map(|(path, _)| path).collect())
}

/// Opens a backup into a new file and proves it: bytes, log and, unless it may be `incomplete`, every row that the log tells of.
pub fn open(path: &Path, identity: &Path, into: &Path, incomplete: bool) -> Result<Header, BackupError> {
    let keys = File::open(identity).map_err(at(identity))?;
    let keys = age::IdentityFile::from_buffer(BufReader::new(keys))
        .map_err(at(identity))?
        .into_identities()
        .map_err(|_| BackupError::Shut(path.to_path_buf()))?;
    let shut = |_| BackupError::Shut(path.to_path_buf());
    let input = File::open(path).map_err(at(path))?;
    let decryptor = age::Decryptor::new_buffered(BufReader::new(input)).map_err(shut)?;
    let reader = decryptor.decrypt(keys.iter().map(AsRef::as_ref)).map_err(shut)?;
    let opened = extract(path, BufReader::new(reader), into, incomplete);
    if opened.is_err() {
        remove(into);
    }
    opened
}

fn extract(
    path: &Path,
    mut reader: impl std::io::BufRead,
    into: &Path,
    incomplete: bool,
) -> Result<Header, BackupError> {
    let damaged = |what: &str| BackupError::Damaged(path.to_path_buf(), what.to_owned());
    let mut line = Vec::new();
    let first = (&mut reader).take(LONGEST_HEADER).read_until(b'\n', &mut line);
    first.map_err(|_| BackupError::Shut(path.to_path_buf()))?;
    let header: Header = serde_json::from_slice(&line).map_err(|_| damaged("its first line"))?;
    if header.v != 1 {
        return Err(damaged("it was made by a newer version"));
    }
    let mut out = new(into)?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        // What cannot be read is shut or was changed; what cannot be written is a matter of the disk.
        let read = reader
            .read(&mut buffer)
            .map_err(|_| BackupError::Shut(path.to_path_buf()))?;
        if read == 0 {
            break;
        }
        out.write_all(buffer.get(..read).unwrap_or_default())
            .map_err(at(into))?;
    }
    out.sync_all().map_err(at(into))?;
    if b64u(&digest(into)?) != header.digest {
        return Err(damaged("the database inside differs from its first line"));
    }
    let sound = whole(into, path)?;
    if (sound.shard, sound.size, b64u(&sound.root)) != (header.shard, header.size, header.root.clone()) {
        return Err(damaged("the log inside is not the one that its first line tells of"));
    }
    let missing = lacks(into, header.size)?;
    if let Some((kind, indices)) = missing.first_key_value().filter(|_| !incomplete) {
        let index = indices.first().copied().unwrap_or_default();
        return Err(damaged(&format!("what entry {index} ({kind}) wrote is not in it")));
    }
    Ok(header)
}

/// The log of a database file that nobody else has open.
fn whole(file: &Path, shown: &Path) -> Result<Sound, BackupError> {
    let mut connection = opened(file)?;
    let sound = verify(&mut connection)?
        .map_err(|bad| BackupError::Damaged(shown.to_path_buf(), format!("the log: {}", bad.what)))?;
    copy::settle(&mut connection)?;
    Ok(sound)
}

fn opened(file: &Path) -> Result<AnyConnection, BackupError> {
    let address = file
        .to_str()
        .ok_or(StorageError::Inconsistent("the path is not text"))?;
    Ok(AnyConnection::open(address, false)?)
}

/// What the log of a restored database tells of up to `size` and its data does not hold: indices by kind.
pub fn lacks(database: &Path, size: u64) -> Result<BTreeMap<String, Vec<u64>>, BackupError> {
    let until = i64::try_from(size).unwrap_or(i64::MAX);
    Ok(copy::missing_writes(&mut opened(database)?, until)?)
}

/// What a replay of the mirror did, and what has to be done again by people.
pub struct Replayed {
    /// Entries that were put behind the log.
    pub entries: usize,
    /// Acts of which only the entry is left: indices by kind.
    pub lost: BTreeMap<String, Vec<u64>>,
}

/// Puts the entries of the mirror behind a restored log and says which acts are lost.
///
/// Without a mirror only what was decided before and every session end.
pub fn replay(database: &Path, header: &Header, mirror: Option<&Path>) -> Result<Replayed, BackupError> {
    let entries = match mirror {
        None => Vec::new(),
        Some(mirror) => behind(header, mirror)?,
    };
    let mut connection = opened(database)?;
    copy::replay(&mut connection, &entries)?;
    let mut lost: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for bytes in &entries {
        let entry = ledger::log::entry::Entry::parse(bytes).map_err(StorageError::from)?;
        if !only_looked(&entry.k) {
            lost.entry(entry.k).or_default().push(entry.i);
        }
    }
    drop(connection);
    whole(database, database)?;
    Ok(Replayed {
        entries: entries.len(),
        lost,
    })
}

/// The entries of a mirror behind those of a backup, whose own it must begin with.
fn behind(header: &Header, mirror: &Path) -> Result<Vec<Vec<u8>>, BackupError> {
    let mut entries = super::mirror::entries(mirror, 0).map_err(at(mirror))?;
    let size = usize::try_from(header.size).unwrap_or(usize::MAX);
    if entries.len() < size {
        return Err(BackupError::Mirror(mirror.to_path_buf(), "ends before the backup"));
    }
    let after = entries.split_off(size);
    let mut frontier = Frontier::default();
    for bytes in &entries {
        frontier.append(leaf_hash(bytes));
    }
    if b64u(&frontier.root()) != header.root {
        return Err(BackupError::Mirror(
            mirror.to_path_buf(),
            "tells of another log than the backup",
        ));
    }
    Ok(after)
}

/// Kinds that changed nothing but the log.
fn only_looked(kind: &str) -> bool {
    let (noun, verb) = kind.split_once('.').unwrap_or((kind, ""));
    matches!(noun, "list" | "log" | "auth" | "act" | "sys" | "backup" | "key")
        || matches!(verb, "view" | "list" | "decline" | "certify")
        || kind == "case.refuse"
}

/// SHA-256 of a file.
pub fn digest(file: &Path) -> Result<[u8; 32], BackupError> {
    let mut input = File::open(file).map_err(at(file))?;
    let (mut context, mut buffer) = (Context::new(&SHA256), vec![0; 1 << 16]);
    loop {
        let read = input.read(&mut buffer).map_err(at(file))?;
        if read == 0 {
            let mut out = [0; 32];
            out.copy_from_slice(context.finish().as_ref());
            return Ok(out);
        }
        context.update(buffer.get(..read).unwrap_or_default());
    }
}

fn new(file: &Path) -> Result<File, BackupError> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .map_err(at(file))
}

/// A database file with what SQLite keeps beside it; what is not there need not go.
pub fn remove(file: &Path) {
    for end in ["", "-wal", "-shm"] {
        let mut name = file.as_os_str().to_owned();
        name.push(end);
        drop(std::fs::remove_file(PathBuf::from(name)));
    }
}
