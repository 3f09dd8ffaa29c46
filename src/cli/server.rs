//! The running server of a data folder, as the operator's commands meet it: giving it what opens its keys, and acting while it has none.

use std::process::ExitCode;

use super::control::{self, Question, Reply};
use super::{Arguments, Fault, fault, say};
use crate::operations::gate::Offer;

/// The answer of a server that must be there: whoever seals must not be told that all is well when nothing was sealed.
pub fn running(reply: Option<Reply>) -> Result<Reply, Fault> {
    reply.ok_or_else(|| fault("no server runs on this data folder, so nothing was done; is --data right?"))
}

/// Says what a server answered; a fault of it is one of the command.
pub fn tell(reply: Reply) -> Result<ExitCode, Fault> {
    match reply {
        Reply::Open => say("The server is open."),
        Reply::Sealed { taken } if taken.is_empty() => say("The server is sealed."),
        Reply::Sealed { taken } => {
            let taken: Vec<String> = taken.iter().map(u8::to_string).collect();
            say(&format!("The server is sealed; shares taken: {}.", taken.join(", ")));
        }
        Reply::Waiting { missing } => say(&format!("Taken. Shares still missing: {missing}.")),
        Reply::Fault { text } => return Err(Fault(text)),
    }
    Ok(ExitCode::SUCCESS)
}

/// Gives the running server what opens its keys.
pub fn give(arguments: &Arguments, offers: Vec<Offer>) -> Result<ExitCode, Fault> {
    let mut last = None;
    for offer in offers {
        let question = match offer {
            Offer::KeyFile(text) => Question::KeyFile { text },
            Offer::Passphrase(text) => Question::Passphrase { text },
            Offer::Share(text) => Question::Share { text },
            Offer::Duty(passphrase, token) => Question::Duty { passphrase, token },
        };
        let reply = running(control::ask(&arguments.data, &question)?)?;
        let ends = matches!(reply, Reply::Fault { .. } | Reply::Open);
        last = Some(reply);
        if ends {
            break;
        }
    }
    tell(last.ok_or_else(|| fault("nothing was given, so the server stays sealed"))?)
}

/// Does something with the key plane while no server has the keys in memory; afterwards, whatever happened, people go on working.
///
/// A server that kept the old keys could open nothing any more, and would wrap new keys under destroyed ones.
pub fn while_sealed<T>(
    arguments: &Arguments,
    offers: Vec<Offer>,
    act: impl FnOnce() -> Result<T, Fault>,
) -> Result<(T, Result<(), Fault>), Fault> {
    let was_open = control::ask(&arguments.data, &Question::Status)? == Some(Reply::Open);
    if was_open {
        match control::ask(&arguments.data, &Question::Seal)? {
            Some(Reply::Sealed { .. }) => say("The server is sealed while keys are changed."),
            Some(Reply::Fault { text }) => return Err(Fault(text)),
            _ => return Err(fault("the server did not seal itself, so nothing was done")),
        }
    }
    let done = act();
    let reopened = reopen(arguments, offers, was_open);
    match (done, reopened) {
        (Ok(value), reopened) => Ok((value, reopened)),
        (Err(Fault(why)), Err(Fault(sealed))) => {
            Err(Fault(format!("{why}. And the server may be sealed now: {sealed}")))
        }
        (Err(fault), Ok(())) => Err(fault),
    }
}

/// Opens the server again, if there is one and it was open.
fn reopen(arguments: &Arguments, offers: Vec<Offer>, was_open: bool) -> Result<(), Fault> {
    let Some(now) = control::ask(&arguments.data, &Question::Status)? else {
        return Ok(());
    };
    // Somebody who saw the sealed page may have unsealed it meanwhile, or be about to, with the keys of before.
    control::ask(&arguments.data, &Question::Seal)?;
    if was_open || now == Reply::Open {
        return give(arguments, offers).map(drop);
    }
    Ok(())
}

/// Says so when a server runs on this data folder and is sealed.
pub fn mention_sealed(arguments: &Arguments) {
    if let Ok(Some(Reply::Sealed { .. } | Reply::Waiting { .. })) = control::ask(&arguments.data, &Question::Status) {
        say("The server is SEALED: open it with `keys unseal`.");
    }
}
