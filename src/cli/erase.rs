//! `keys erase`: the ceremony in which keys are destroyed. The server is sealed meanwhile, and opened again with what was given.

use std::process::ExitCode;
use std::sync::Arc;

use super::server::{mention_sealed, while_sealed};
use super::{Arguments, Fault, fault, say, unseal};
use crate::clock::Clock;
use crate::operations::erase::{self, Outcome, due, left, returned};
use crate::operations::files_of::files_of;
use crate::storage::connection::AnyConnection;
use crate::storage::key_plane::{self, Unsealed};

/// Runs the command.
pub fn run(arguments: &Arguments, again: bool) -> Result<ExitCode, Fault> {
    let (config, mut plane) = unseal::key_plane(arguments)?;
    let slots = key_plane::slots(&mut plane)?;
    let offers = unseal::offers(arguments, &slots)?;
    let Unsealed { root, keyring, .. } = unseal::opened_with(&mut plane, &offers)?;
    let keyring = Arc::new(keyring);
    let mut house = AnyConnection::open(&config.database_address(&arguments.data), false)?;
    let orders = due(&mut house, &keyring, Clock::system().now_ms())?;
    let mut back = returned(&mut house, &mut plane, &keyring)?;
    if !back.is_empty() && !again {
        say(&format!(
            "WARNING the log tells of erasures that this database does not know: {} keys of erased persons and cases came back with an older backup. \
             Compare with the certificates, then run `keys erase --again`.",
            back.len()
        ));
        back.clear();
    }
    if orders.is_empty() && back.is_empty() && left(&mut house, &mut plane, &keyring)?.is_empty() {
        say("No erasure order is due.");
        return Ok(ExitCode::SUCCESS);
    }
    let files = erase::files(&mut house, &keyring, &orders, &back)?;
    let (done, reopened) = while_sealed(arguments, offers, || {
        let (writer, thread) = unseal::writer_without_keys(arguments, &config)?;
        let done = erase::erase(&writer, (&mut house, &mut plane), (&root, &keyring), orders, &back);
        drop(writer);
        thread.join();
        Ok(done)
    })?;
    let objects = files_of(&config, &arguments.data)?;
    super::wait(erase::delete_files(&mut house, &objects, &files))??;
    if !back.is_empty() && done.is_ok() {
        say(&format!("{} keys that had come back are destroyed again.", back.len()));
    }
    let mut stopped = false;
    for (order, outcome) in done.map_err(fault)? {
        match outcome {
            Outcome::Stopped(why) => {
                stopped = true;
                say(&format!(
                    "{order}  NOT erased, nothing of this person was touched: {why}"
                ));
            }
            Outcome::Erased => say(&format!("{order}  keys destroyed")),
            Outcome::Held => say(&format!(
                "{order}  not erased: a case of this person is under a legal hold"
            )),
        }
    }
    say(
        "Now make a new key package, and destroy and attest those made before: `keys package make`, `keys package destroyed`.",
    );
    say("Until then the certificate says that these copies are not attested.");
    mention_sealed(arguments);
    reopened.map(|()| if stopped { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
