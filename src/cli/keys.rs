//! `keys`: slots, unsealing and sealing. Secrets are prompted for or read from standard input and never shown again.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

use super::control::{self, Question, Reply};
use super::package::Package;
use super::server::{give, running, tell};
use super::slot::{NewSlot, make};
use super::unseal::with_writer;
use super::{Arguments, Fault, fault, say, unseal};
use crate::operations::gate::{entry, fields};
use crate::storage::StorageError;
use crate::storage::key_plane::{self, change_slots};

/// Keys.
#[derive(Subcommand)]
pub enum Keys {
    /// Carry out the erasure orders whose time has come: their keys are destroyed in every copy that is not kept back.
    Erase {
        /// Also erase again those whom the log calls erased and whom an older backup and an older package brought back.
        #[arg(long)]
        again: bool,
    },
    /// Write the package of one case that a supervisor and a custodian of the keys agreed to hand over: it opens that case and no other.
    Handover {
        /// Number of the act, as its page shows it.
        order: String,
        /// Public age key (age1…) of the body that receives it.
        #[arg(long)]
        to: String,
        /// The package, a new file.
        file: PathBuf,
    },
    /// Numbered copies of the key plane: the only ones that may leave this machine.
    #[command(subcommand)]
    Package(Package),
    /// Set up a new deployment, the same as `init`.
    Init(NewSlot),
    /// Draw a new root key, opened by one new slot; all old slots are gone, and data is not touched.
    Rekey(NewSlot),
    /// Destroy at once the older keys that rotations keep for backups.
    Retire,
    /// Draw new keys for everything below the root key: what an older copy of the key plane holds opens nothing made from then on.
    Rotate {
        /// Although the keys were drawn within the last day: backups from before that rotation restore no more.
        #[arg(long)]
        again: bool,
    },
    /// Take the keys of the running server out of its memory; every page says 503 until somebody unseals it.
    Seal,
    /// Add, remove or replace a way to open the keys; data is not touched.
    #[command(subcommand)]
    Slot(SlotAct),
    /// Show the slots, and whether the server is sealed.
    Status,
    /// Give the running server what opens its keys: a passphrase, a key file, or shares one by one.
    Unseal,
}

/// What to do with slots.
#[derive(Subcommand)]
pub enum SlotAct {
    /// Add a slot; asks for what opens the keys now, then makes the new one.
    Add(NewSlot),
    /// Remove a slot; the last one stays.
    Remove {
        /// Name of the slot, as `keys status` shows it, or its beginning.
        #[arg(allow_hyphen_values = true)]
        slot: String,
    },
    /// Make a new slot and remove an old one in one step, for example when a custodian leaves.
    Replace {
        /// Name of the old slot, or its beginning.
        #[arg(allow_hyphen_values = true)]
        slot: String,
        /// The new one.
        #[command(flatten)]
        new: NewSlot,
    },
}

/// Runs the command.
pub fn run(arguments: &Arguments, keys: &Keys) -> Result<ExitCode, Fault> {
    match keys {
        Keys::Erase { again } => super::erase::run(arguments, *again),
        Keys::Handover { order, to, file } => super::hand_over::run(arguments, order, to, file),
        Keys::Package(act) => super::package::run(arguments, act),
        Keys::Init(new) => super::init::run(arguments, new),
        Keys::Rekey(new) => super::rotate::rekey(arguments, new),
        Keys::Retire => super::rotate::retire(arguments),
        Keys::Rotate { again } => super::rotate::rotate(arguments, *again),
        Keys::Seal => tell(running(control::ask(&arguments.data, &Question::Seal)?)?),
        Keys::Slot(act) => slot(arguments, act),
        Keys::Status => status(arguments),
        Keys::Unseal => open(arguments),
    }
}

fn status(arguments: &Arguments) -> Result<ExitCode, Fault> {
    let (_, mut connection) = unseal::key_plane(arguments)?;
    say("SLOT                    OPENED BY");
    for slot in key_plane::slots(&mut connection).map_err(fault)? {
        let how = match (slot.quorum(), slot.cost()) {
            (Some((threshold, shares)), _) => format!("{threshold} of {shares} custodians"),
            (None, Some(cost)) => format!("{} ({} MiB, {} passes)", slot.kind(), cost.m_kib / 1024, cost.t),
            (None, None) => slot.kind().to_owned(),
        };
        say(&format!("{}  {how}", slot.id()));
    }
    match control::ask(&arguments.data, &Question::Status)? {
        Some(reply) => tell(reply),
        None => {
            say("No server runs on this data folder.");
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn open(arguments: &Arguments) -> Result<ExitCode, Fault> {
    match running(control::ask(&arguments.data, &Question::Status)?)? {
        Reply::Sealed { .. } => {}
        other => return tell(other),
    }
    let (_, mut connection) = unseal::key_plane(arguments)?;
    let slots = key_plane::slots(&mut connection).map_err(fault)?;
    if !unseal::is_said(arguments) && slots.iter().any(|slot| slot.quorum().is_some()) {
        if let Some(text) = unseal::asked_passphrase(arguments, &slots)? {
            return tell(running(control::ask(&arguments.data, &Question::Passphrase { text })?)?);
        }
        // Custodians come one after another, perhaps from several terminals.
        loop {
            say("Type your share, row by row; it is not shown. An empty first row ends this.");
            let Some(text) = unseal::share()? else {
                return Ok(ExitCode::SUCCESS);
            };
            let reply = running(control::ask(&arguments.data, &Question::Share { text })?)?;
            let waits = matches!(reply, Reply::Waiting { .. } | Reply::Fault { .. });
            let told = tell(reply);
            if !waits {
                return told;
            }
            if let Err(Fault(text)) = told {
                super::say_error(&text);
            }
        }
    }
    give(arguments, unseal::offers(arguments, &slots)?)
}

fn slot(arguments: &Arguments, act: &SlotAct) -> Result<ExitCode, Fault> {
    let (_, mut connection) = unseal::key_plane(arguments)?;
    let (new, old) = match act {
        SlotAct::Add(new) => (Some(new), None),
        SlotAct::Remove { slot } => (None, Some(slot)),
        SlotAct::Replace { slot, new } => (Some(new), Some(slot)),
    };
    let known = key_plane::slots(&mut connection).map_err(fault)?;
    let old = old.map(|wanted| {
        let mut fitting = known.iter().filter(|slot| slot.id().starts_with(wanted.as_str()));
        match (fitting.next(), fitting.next()) {
            (Some(one), None) => Ok(one),
            (None, _) => Err(fault("there is no such slot; `keys status` shows them")),
            _ => Err(fault("several slots begin like this; type more of the name")),
        }
    });
    let old = old.transpose()?;
    if new.is_none() && known.len() == 1 {
        return Err(fault("this is the last slot; add another one first"));
    }
    // What can be wrong is found before anybody types a secret.
    new.map(NewSlot::check).transpose()?;
    let (config, unsealed) = unseal::opened(arguments)?;
    let deployment = unsealed.keyring.deployment();
    let made = new
        .map(|new| make(arguments, new, deployment, &unsealed.root))
        .transpose()?;
    let (kind, named) = match (&made, old) {
        (Some(made), None) => ("key.slot_add", made),
        (Some(made), Some(_)) => ("key.slot_replace", made),
        (None, Some(old)) => ("key.slot_remove", old),
        (None, None) => return Ok(ExitCode::SUCCESS),
    };
    let mut names = fields(named.id(), []);
    names.extend(old.filter(|_| made.is_some()).map(|old| old.id().to_owned()));
    let entry = entry(kind, "operator", named.kind(), &names).map_err(fault)?;
    with_writer(arguments, &config, |writer| {
        let told = || {
            let written = writer.write_blocking::<(), ()>(None, move |_| Ok(((), vec![entry])));
            let kept = StorageError::Inconsistent("the log could not be written, so the slots stay as they were");
            written.map(drop).map_err(|_| kept)
        };
        let changed = (made.as_ref(), old.map(|old| old.id()));
        Ok(change_slots(&mut connection, &unsealed.root, changed, told)?)
    })?;
    say("Done. Try the new slot before you rely on it, and make a new copy of the key plane.");
    Ok(ExitCode::SUCCESS)
}
