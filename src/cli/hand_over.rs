//! `keys handover`: writes the package of one case for a body that may demand it. The server goes on working.

use std::fs::OpenOptions;
use std::io::BufWriter;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use super::{Arguments, Fault, fault, say, unseal};
use crate::clock::Clock;
use crate::domain::public_id::PublicId;
use crate::operations::backup::digest;
use crate::operations::files_of::files_of;
use crate::operations::hand_over::{HandOverError, find, recipient};
use crate::storage::connection::AnyConnection;
use crate::storage::key_plane;
use crate::web::case_file::case_file;

/// Runs the command.
pub fn run(arguments: &Arguments, order: &str, to: &str, file: &Path) -> Result<ExitCode, Fault> {
    let id = PublicId::parse(order)
        .ok_or_else(|| fault("this is no number of an act; its page under Việc cần hai người shows it"))?;
    let receiver = recipient(to).map_err(fault)?;
    if file.exists() {
        return Err(Fault(format!("{} is there already; name a new file", file.display())));
    }
    // Complete under its own name only once the log has its digest.
    let mut partial = file.as_os_str().to_owned();
    partial.push(format!(".{id}.partial"));
    let partial = PathBuf::from(partial);
    let (config, mut plane) = unseal::key_plane(arguments)?;
    let offers = unseal::offers(arguments, &key_plane::slots(&mut plane)?)?;
    let keyring = Arc::new(unseal::opened_with(&mut plane, &offers)?.keyring);
    let mut house = AnyConnection::open(&config.database_address(&arguments.data), false)?;
    let objects = files_of(&config, &arguments.data)?;
    let found = find(&mut house, &mut plane, &keyring, (id, Clock::system().now_ms())).map_err(fault)?;
    let headers = super::wait(found.headers(&objects))??;
    let cannot = |error: std::io::Error| Fault(format!("cannot write {}: {error}", file.display()));
    // What a run that was cut short left counts for nothing, as the order is not done.
    drop(std::fs::remove_file(&partial));
    // Whether the file can be there at all is known before anything is opened.
    let mut options = OpenOptions::new();
    let out = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&partial)
        .map_err(cannot)?;
    let (writer, thread) = unseal::writer_without_keys(arguments, &config)?;
    let mut may_count = false;
    let done = found
        .open(&writer, &keyring, to, &headers)
        .map_err(fault)
        .and_then(|handed| {
            let pages = case_file(&handed).map_err(fault)?;
            let packed = super::wait(handed.pack(&objects, &receiver, &pages, BufWriter::new(out)))?.map_err(fault)?;
            packed
                .into_inner()
                .map_err(|error| cannot(error.into_error()))?
                .sync_all()
                .map_err(cannot)?;
            let digest = digest(&partial).map_err(fault)?;
            let count = (handed.parts.len(), handed.files.len());
            let finished = handed.finish(&writer, &keyring, &digest);
            may_count = matches!(finished, Err(HandOverError::NotTold));
            finished.map_err(fault)?;
            Ok((digest, count))
        });
    drop(writer);
    thread.join();
    if done.is_err() && !may_count {
        // Half a package says nothing to anybody; the order still stands.
        drop(std::fs::remove_file(&partial));
    }
    let (digest, (parts, files)) = done?;
    if file.exists() || std::fs::rename(&partial, file).is_err() {
        return Err(Fault(format!(
            "the package is made and whole, but could not be given its name; it is {}",
            partial.display()
        )));
    }
    say(&format!(
        "{parts} records and {files} files of one case are in {}.",
        file.display()
    ));
    say(&format!(
        "SHA-256, in the log too: {}",
        ledger::vault::associated::hex(&digest)
    ));
    say("Hand it over with a record signed by both sides. Only whoever has the secret part of the key can open it.");
    Ok(ExitCode::SUCCESS)
}
