//! `log verify | export | prove`.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use ledger::Draft;
use ledger::log::tlog_proof::TlogProof;
use ledger::log::tree::leaf_hash;
use ledger::vault::keyring::Keyring;

use super::unseal::STRANGE;
use super::{Arguments, Fault, fault, say, unseal};
use crate::clock::random_id;
use crate::config::Config;
use crate::operations::rotate_keys;
use crate::operations::verify_log::{Sound, checkpoint, verify};
use crate::storage::connection::AnyConnection;
use crate::storage::log_rows;

/// The access log.
#[derive(Subcommand)]
pub enum Log {
    /// Write raw entries and a signed checkpoint to a new folder, for donghanh-verify.
    Export {
        /// The folder.
        folder: PathBuf,
    },
    /// Write one entry with the proof that it is in the log, for whoever it concerns: it tells of no other entry.
    Prove {
        /// Index of the entry, as pages and the log show it.
        index: u64,
        /// The proof, a new file.
        file: PathBuf,
    },
    /// Recompute the log from its raw entries; needs no key. Exit code 1 names the first bad entry.
    Verify,
}

/// Runs the command.
pub fn run(arguments: &Arguments, log: &Log) -> Result<ExitCode, Fault> {
    match log {
        Log::Export { folder } => export(arguments, folder),
        Log::Prove { index, file } => prove(arguments, *index, file),
        Log::Verify => {
            let config = Config::load(&arguments.data).map_err(fault)?;
            let mut connection =
                AnyConnection::open(&config.database_address(&arguments.data), false).map_err(fault)?;
            match verify(&mut connection).map_err(fault)? {
                Ok(sound) => {
                    let root = ledger::vault::associated::hex(&sound.root);
                    say(&format!(
                        "OK  shard {}: {} entries, root {root}",
                        sound.shard, sound.size
                    ));
                    Ok(ExitCode::SUCCESS)
                }
                Err(bad) => {
                    let at = bad
                        .index
                        .map_or("the head".to_owned(), |index| format!("entry {index}"));
                    say(&format!("BAD {at}: {}", bad.what));
                    Ok(ExitCode::FAILURE)
                }
            }
        }
    }
}

/// The log after an entry of this kind, recomputed, and the keys that sign it.
fn after(arguments: &Arguments, kind: &str, fields: &[&str]) -> Result<(AnyConnection, Sound, Keyring), Fault> {
    let (config, keyring) = unseal::keyring(arguments)?;
    let mut connection = AnyConnection::open(&config.database_address(&arguments.data), false).map_err(fault)?;
    // What a key signs that was replaced, nobody should take for the log.
    if rotate_keys::is_replaced(&mut connection, &keyring)? {
        return Err(fault(STRANGE));
    }
    let entry = Draft::new(kind, "operator", &random_id().map_err(fault)?).fields(fields);
    let otherwise = "the log could not be written, so nothing was taken out of it";
    unseal::tell(arguments, &config, entry, otherwise)?;
    let sound = verify(&mut connection)
        .map_err(fault)?
        .map_err(|bad| Fault(format!("the log does not verify: {}", bad.what)))?;
    Ok((connection, sound, keyring))
}

fn prove(arguments: &Arguments, index: u64, file: &Path) -> Result<ExitCode, Fault> {
    if file.exists() {
        return Err(Fault(format!("{} is there already; name a new file", file.display())));
    }
    let named = format!("index-{index}");
    let (mut connection, sound, keyring) = after(arguments, "log.prove", &[&named])?;
    let size = i64::try_from(sound.size).map_err(fault)?;
    let (mut leaves, mut entry, mut from) = (Vec::new(), None, 0);
    while from < size {
        for row in log_rows::from_index(&mut connection, sound.shard, from, 10_000.min(size - from)).map_err(fault)? {
            leaves.push(leaf_hash(&row.bytes));
            if u64::try_from(row.idx) == Ok(index) {
                entry = Some(row.bytes);
            }
            from = row.idx + 1;
        }
    }
    let entry = entry.ok_or_else(|| Fault(format!("there is no entry {index}; the log has {} of them", sound.size)))?;
    let proof = TlogProof::new(entry, index, &leaves, checkpoint(&keyring, &sound));
    let proof = proof.ok_or_else(|| fault("the entry is not in the tree"))?;
    let mut out = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .map_err(|error| Fault(format!("cannot write {}: {error}", file.display())))?;
    out.write_all(proof.text().as_bytes()).map_err(fault)?;
    say(&format!("Entry {index} of {} in {}", sound.size, file.display()));
    Ok(ExitCode::SUCCESS)
}

fn export(arguments: &Arguments, folder: &PathBuf) -> Result<ExitCode, Fault> {
    let (mut connection, sound, keyring) = after(arguments, "log.export", &[])?;
    DirBuilder::new()
        .mode(0o700)
        .create(folder)
        .map_err(|error| Fault(format!("cannot make {}: {error}; name a new folder", folder.display())))?;
    let create = |name: &str| {
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(folder.join(name))
            .map_err(fault)
    };
    let mut lines = BufWriter::new(create("entries.jsonl")?);
    let size = i64::try_from(sound.size).map_err(fault)?;
    let mut from = 0;
    while from < size {
        for row in log_rows::from_index(&mut connection, sound.shard, from, 10_000.min(size - from)).map_err(fault)? {
            lines
                .write_all(&row.bytes)
                .and_then(|()| lines.write_all(b"\n"))
                .map_err(fault)?;
            from = row.idx + 1;
        }
    }
    lines.flush().map_err(fault)?;
    create("checkpoint")?
        .write_all(checkpoint(&keyring, &sound).as_bytes())
        .map_err(fault)?;
    say(&format!("{} entries in {}", sound.size, folder.display()));
    Ok(ExitCode::SUCCESS)
}
