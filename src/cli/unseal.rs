//! Opens the keys with what the operator has: a passphrase, a key file, shares of custodians, or a duty officer's two things.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ledger::Draft;
use ledger::vault::keyring::Keyring;
use ledger::vault::share::Share;
use ledger::vault::slot::{Hardware, Opener, Slot};
use zeroize::Zeroizing;

use super::{Arguments, Fault, fault, hardware, say, say_error};
use crate::clock::Clock;
use crate::config::Config;
use crate::operations::gate::{Offer, normal};
use crate::storage::connection::{AnyConnection, is_postgres};
use crate::storage::key_plane::{self, Unsealed};
use crate::storage::writer::{Writer, WriterThread};

/// Rows of a share.
const ROWS: usize = 7;

/// Configuration and key plane of a data folder.
pub fn key_plane(arguments: &Arguments) -> Result<(Config, AnyConnection), Fault> {
    let config = Config::load(&arguments.data).map_err(fault)?;
    let address = config.key_plane_address(&arguments.data);
    let connection = AnyConnection::open(&address, false).map_err(|error| match is_postgres(&address) {
        true => Fault(format!("the key plane (`key_plane` of config.toml) is out of reach: {error}")),
        false => Fault(format!(
            "{address} is not here: {error}. Is {} a data folder? `donghanh init` makes a new one, `keys package restore` brings lost keys back",
            arguments.data.display()
        )),
    })?;
    Ok((config, connection))
}

/// Configuration, root key and keyring of a data folder.
pub fn opened(arguments: &Arguments) -> Result<(Config, Unsealed), Fault> {
    let (config, mut connection) = key_plane(arguments)?;
    let slots = key_plane::slots(&mut connection).map_err(fault)?;
    let offers = offers(arguments, &slots)?;
    Ok((config, opened_with(&mut connection, &offers)?))
}

/// What these open in this key plane.
pub fn opened_with(connection: &mut AnyConnection, offers: &[Offer]) -> Result<Unsealed, Fault> {
    let mut shares = Vec::new();
    let mut opener = None;
    for offer in offers {
        match offer {
            Offer::KeyFile(text) => opener = Some(Opener::KeyFile(text.clone())),
            Offer::Passphrase(text) => opener = Some(Opener::Passphrase(normal(text))),
            Offer::Duty(passphrase, token) => opener = Some(Opener::Duty(normal(passphrase), token.clone())),
            Offer::Share(text) => shares.push(Share::parse(text).map_err(fault)?),
        }
    }
    let opener = opener.unwrap_or(Opener::Shares(shares));
    let wrong = match &opener {
        Opener::Passphrase(_) => "wrong passphrase",
        Opener::KeyFile(_) => "this key file opens nothing here; a duty officer's token needs --duty as well",
        Opener::Shares(_) => "these shares open nothing here: too few, of another deployment, or replaced since",
        Opener::Duty(..) => "this passphrase and this token open nothing here together",
    };
    let unsealed = key_plane::unseal(connection, &opener).map_err(fault)?;
    unsealed.ok_or_else(|| fault(wrong))
}

/// Configuration and keyring of a data folder.
pub fn keyring(arguments: &Arguments) -> Result<(Config, Keyring), Fault> {
    opened(arguments).map(|(config, unsealed)| (config, unsealed.keyring))
}

/// A writer of its own for one command, beside a server that may be running.
pub fn writer(arguments: &Arguments) -> Result<(Writer, WriterThread, Arc<Keyring>), Fault> {
    let (config, keyring) = keyring(arguments)?;
    let (writer, thread) = writer_without_keys(arguments, &config)?;
    Ok((writer, thread, Arc::new(keyring)))
}

/// [`writer`] for what needs no key.
pub fn writer_without_keys(arguments: &Arguments, config: &Config) -> Result<(Writer, WriterThread), Fault> {
    let node = format!("{}-cli", config.node);
    Writer::start(&config.database_address(&arguments.data), Clock::system(), &node).map_err(fault)
}

/// What to do when keys and data are not of one time.
pub const STRANGE: &str = "the keys and the data here are not of one time, so nobody can sign in: either the keys are from before the last \
    rotation (move the key plane, keys.db, away and restore a newer key package), or the data is an old backup (restore a newer one)";

/// Writes one entry; when that fails, what was to be done is not done, in these words.
pub fn tell(arguments: &Arguments, config: &Config, entry: Draft, otherwise: &str) -> Result<(), Fault> {
    with_writer(arguments, config, |writer| {
        let written = writer.write_blocking::<(), ()>(None, move |_| Ok(((), vec![entry])));
        written.map(drop).map_err(|_| fault(otherwise))
    })
}

/// Does something with a writer of its own, whose thread has ended when it is done.
pub fn with_writer<T>(
    arguments: &Arguments,
    config: &Config,
    act: impl FnOnce(&Writer) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let (writer, thread) = writer_without_keys(arguments, config)?;
    let done = act(&writer);
    drop(writer);
    thread.join();
    done
}

/// Whether the arguments say what opens the keys, so that nobody has to be asked.
pub fn is_said(arguments: &Arguments) -> bool {
    arguments.hardware || arguments.key_file.is_some() || arguments.passphrase_stdin || arguments.shares_stdin
}

/// What the arguments give, or what the operator types when asked.
pub fn offers(arguments: &Arguments, slots: &[Slot]) -> Result<Vec<Offer>, Fault> {
    if arguments.hardware {
        return from_hardware(arguments, slots).map(|text| vec![Offer::KeyFile(text)]);
    }
    match (&arguments.key_file, arguments.duty) {
        (Some(path), true) => {
            let token = key_file(path)?;
            let passphrase = passphrase(arguments, "Duty officer's passphrase: ")?;
            return Ok(vec![Offer::Duty(passphrase, token)]);
        }
        (Some(path), false) => return Ok(vec![Offer::KeyFile(key_file(path)?)]),
        (None, true) => return Err(fault("--duty goes with --key-file, the file on the token")),
        (None, false) => {}
    }
    // Several slots of custodians may stand side by side: whichever the shares fit is opened.
    let most = slots
        .iter()
        .filter_map(Slot::quorum)
        .map(|(threshold, _)| threshold)
        .max();
    if arguments.shares_stdin {
        let lines = std::io::stdin().lines().map_while(Result::ok).map(Zeroizing::new);
        // What comes after them may be a new passphrase: an empty line ends the shares, or as many as any slot needs.
        let shares = lines.take_while(|line| !line.trim().is_empty());
        return Ok(shares.take(usize::from(most.unwrap_or(0))).map(Offer::Share).collect());
    }
    if let Some(typed) = asked_passphrase(arguments, slots)? {
        return Ok(vec![Offer::Passphrase(typed)]);
    }
    let Some(most) = most else {
        return Err(fault(
            "this deployment opens with a key file or a hardware module only: give it with --key-file, with --duty as well when it is a token, or with --hardware",
        ));
    };
    let mut shares = Vec::new();
    for number in 1..=most {
        say(&format!("Share {number}; leave row 1 empty when there are no more"));
        match share()? {
            Some(text) => shares.push(Offer::Share(text)),
            None => break,
        }
    }
    Ok(shares)
}

/// The PKCS #11 library that config.toml names.
pub fn module(arguments: &Arguments) -> Result<PathBuf, Fault> {
    let config = Config::load(&arguments.data).map_err(fault)?;
    config
        .pkcs11
        .ok_or_else(|| fault("set `pkcs11` in config.toml: the PKCS #11 library of the hardware module"))
}

/// The key file of a slot, as the hardware module gives it out for the PIN.
fn from_hardware(arguments: &Arguments, slots: &[Slot]) -> Result<Zeroizing<String>, Fault> {
    let module = module(arguments)?;
    let slots: Vec<Hardware> = slots.iter().filter_map(Slot::of_hardware).collect();
    if slots.is_empty() {
        return Err(fault(
            "no slot is opened by a hardware module; `keys status` shows the slots",
        ));
    }
    // One of several tokens may be broken or in another safe: whichever is here is asked, each once.
    let there = hardware::tokens(&module)?;
    let here: Vec<&Hardware> = slots.iter().filter(|slot| there.contains(&slot.token)).collect();
    let labels: Vec<&str> = slots.iter().map(|slot| slot.token.as_str()).collect();
    if here.is_empty() {
        return Err(Fault(format!(
            "there is no token `{}` in the hardware module; is it plugged in?",
            labels.join("`, `")
        )));
    }
    let pin = passphrase(arguments, "PIN of the token: ")?;
    let mut last = fault("no token opened");
    for slot in here {
        match hardware::open(&module, &pin, slot) {
            Ok(text) => return Ok(text),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// A passphrase, where one alone opens a slot; `None` when shares are to be given instead.
pub fn asked_passphrase(arguments: &Arguments, slots: &[Slot]) -> Result<Option<Zeroizing<String>>, Fault> {
    if !slots.iter().any(|slot| slot.kind() == "passphrase") {
        return Ok(None);
    }
    let shares = !arguments.passphrase_stdin && slots.iter().any(|slot| slot.quorum().is_some());
    let prompt = match shares {
        true => "Passphrase (leave it empty to give shares of custodians): ",
        false => "Passphrase: ",
    };
    let typed = passphrase(arguments, prompt)?;
    Ok(Some(typed).filter(|typed| !(shares && typed.is_empty())))
}

/// A share from the terminal, row by row without echo; a wrong row is asked for again, an empty one goes back a row.
/// `None` for an empty first row.
pub fn share() -> Result<Option<Zeroizing<String>>, Fault> {
    let mut rows: Vec<Zeroizing<String>> = Vec::new();
    while rows.len() < ROWS {
        let row = rows.len() + 1;
        let typed = hidden(&format!("  row {row}: "))?;
        if typed.trim().is_empty() {
            if rows.pop().is_none() {
                return Ok(None);
            }
            continue;
        }
        match Share::check_row(row, &typed) {
            Ok(()) => rows.push(typed),
            Err(error) => say_error(&format!("{error}; type this row again (an empty row goes back)")),
        }
    }
    let mut whole = Zeroizing::new(String::with_capacity(512));
    for row in &rows {
        whole.push_str(row);
        whole.push('\n');
    }
    Ok(Some(whole))
}

/// A passphrase, NFC; from the terminal without echo or the next line of standard input.
pub fn passphrase(arguments: &Arguments, prompt: &str) -> Result<Zeroizing<String>, Fault> {
    let text = if arguments.passphrase_stdin {
        let mut line = Zeroizing::new(String::new());
        std::io::stdin().read_line(&mut line).map_err(fault)?;
        line
    } else {
        hidden(prompt)?
    };
    Ok(normal(&text))
}

/// Typed at the terminal, not shown.
fn hidden(prompt: &str) -> Result<Zeroizing<String>, Fault> {
    rpassword::prompt_password(prompt).map(Zeroizing::new).map_err(|error| {
        Fault(format!(
            "there is no terminal to ask at ({error}); give it on standard input with --passphrase-stdin or --shares-stdin, \
             or a key file with --key-file"
        ))
    })
}

fn key_file(path: &Path) -> Result<Zeroizing<String>, Fault> {
    std::fs::read_to_string(path)
        .map(Zeroizing::new)
        .map_err(|error| Fault(format!("cannot read the key file {}: {error}", path.display())))
}
