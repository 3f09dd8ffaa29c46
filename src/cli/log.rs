//! `log verify | export`.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use ledger::Draft;

use super::{Arguments, Fault, fault, say, unseal};
use crate::clock::random_id;
use crate::config::Config;
use crate::operations::verify_log::{checkpoint, verify};
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
    /// Recompute the log from its raw entries; needs no key. Exit code 1 names the first bad entry.
    Verify,
}

/// Runs the command.
pub fn run(arguments: &Arguments, log: &Log) -> Result<ExitCode, Fault> {
    match log {
        Log::Export { folder } => export(arguments, folder),
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

fn export(arguments: &Arguments, folder: &PathBuf) -> Result<ExitCode, Fault> {
    let (writer, thread, keyring) = unseal::writer(arguments)?;
    let entry = Draft::new("log.export", "operator", &random_id().map_err(fault)?);
    let written = writer.write_blocking::<(), ()>(None, move |_| Ok(((), vec![entry])));
    drop(writer);
    thread.join();
    written.map_err(|_| fault("the export could not be logged, so nothing was exported"))?;
    let config = Config::load(&arguments.data).map_err(fault)?;
    let mut connection = AnyConnection::open(&config.database_address(&arguments.data), false).map_err(fault)?;
    let sound = verify(&mut connection)
        .map_err(fault)?
        .map_err(|bad| Fault(format!("the log does not verify: {}", bad.what)))?;
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
