//! The auditor's offline verifier: checks a bundle against the key she has on paper.
//!
//! `donghanh-verify VKEY FOLDER` checks a bundle, `donghanh-verify VKEY FILE` a signed note such as a certificate of erasure — exit code 0 when every entry is in the signed tree, 1 when not, 2 on wrong use.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::ExitCode;

use ledger::log::checkpoint::{Checkpoint, VerifierKey};
use ledger::log::tlog_proof::TlogProof;
use ledger::log::verify::Verifier;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [key, what] = arguments.as_slice() else {
        say(
            "usage: donghanh-verify VKEY FOLDER|FILE\n  VKEY    the line printed by `donghanh init`, from paper\n  FOLDER  holds entries.jsonl and checkpoint\n  FILE    a signed note, such as a certificate of erasure, or the proof of one entry",
        );
        return ExitCode::from(2);
    };
    let Some(key) = VerifierKey::parse(key) else {
        say("the key is not a vkey line: name+hash+base64; copy it again from paper");
        return ExitCode::from(2);
    };
    let what = Path::new(what);
    if what.is_file() {
        return note(&key, what);
    }
    // Something that cannot be read is no forgery.
    if let Some(missing) = ["checkpoint", "entries.jsonl"]
        .into_iter()
        .find(|name| !what.join(name).is_file())
    {
        say(&format!(
            "{} has no {missing}: is it the folder of `log export`?",
            what.display()
        ));
        return ExitCode::from(2);
    }
    match verify(&key, what) {
        Ok((checkpoint, signer)) => {
            let by = if signer == key {
                "the key on paper".to_owned()
            } else {
                format!(
                    "a key that follows from the one on paper; put this line beside it:\n    {}",
                    signer.line()
                )
            };
            say(&format!(
                "OK  {}: {} entries, root signed by {by}",
                checkpoint.origin, checkpoint.size
            ));
            ExitCode::SUCCESS
        }
        Err(fault) => {
            say(&format!("BAD {fault}"));
            ExitCode::FAILURE
        }
    }
}

/// Says what a proof of one entry proves, and shows the entry.
fn proof(key: &VerifierKey, text: &str) -> ExitCode {
    let proved = TlogProof::parse(text).and_then(|proof| Ok((proof.verify(key)?, proof)));
    match proved {
        Ok((checkpoint, proof)) => {
            say(&format!(
                "OK  entry {} is in {} of {} entries, root signed by the key on paper\n\n{}",
                proof.index,
                checkpoint.origin,
                checkpoint.size,
                String::from_utf8_lossy(&proof.entry)
            ));
            ExitCode::SUCCESS
        }
        Err(_) => {
            say("BAD it proves nothing under this key; after a rotation it wants the newest line");
            ExitCode::FAILURE
        }
    }
}

/// Says what a note says, if this key signed it.
fn note(key: &VerifierKey, file: &Path) -> ExitCode {
    let text = std::fs::read_to_string(file).map_err(|error| format!("cannot read it: {error}"));
    if let Some(text) = text
        .as_ref()
        .ok()
        .filter(|text| text.starts_with("c2sp.org/tlog-proof"))
    {
        return proof(key, text);
    }
    let body = text
        .as_deref()
        .map_err(Clone::clone)
        .and_then(|text| key.open(text).map_err(|_| "it is not signed by this key".to_owned()));
    match body {
        Ok(body) => {
            say(&format!("OK  signed by the key on paper\n\n{}", body.trim_end()));
            ExitCode::SUCCESS
        }
        Err(fault) => {
            say(&format!("BAD {fault}"));
            ExitCode::FAILURE
        }
    }
}

/// The checkpoint, and which key signed it: the one on paper, or one that follows from it by successions in the log.
fn verify(key: &VerifierKey, folder: &Path) -> Result<(Checkpoint, VerifierKey), String> {
    let note = std::fs::read_to_string(folder.join("checkpoint"))
        .map_err(|error| format!("cannot read checkpoint: {error}"))?;
    let entries = std::fs::File::open(folder.join("entries.jsonl"))
        .map_err(|error| format!("cannot read entries.jsonl: {error}"))?;
    let mut verifier = Verifier::default();
    let mut keys = vec![key.clone()];
    for line in BufReader::new(entries).split(b'\n') {
        let line = line.map_err(|error| format!("cannot read entries.jsonl: {error}"))?;
        let (entry, _) = verifier.next(&line).map_err(|fault| fault.to_string())?;
        let next: Vec<VerifierKey> = entry
            .successions()
            .iter()
            .filter_map(|note| keys.iter().find_map(|key| key.successor(note)))
            .collect();
        keys.extend(next);
        // A key that says itself that it signs from here on ends those before it.
        let confirmed = entry.confirmation().and_then(|note| {
            keys.iter()
                .find(|key| key.successor(&note).as_ref() == Some(key))
                .cloned()
        });
        if let Some(key) = confirmed {
            keys = vec![key];
        }
    }
    let mut signed = keys
        .into_iter()
        .filter_map(|key| Some((Checkpoint::open(&note, &key).ok()?, key)));
    let (checkpoint, signer) = signed
        .next()
        .ok_or("the checkpoint is not signed by this key, or by the one that follows from it; an older bundle wants an older line")?;
    if verifier.frontier().size() != checkpoint.size {
        return Err(format!(
            "{} entries here, {} in the checkpoint",
            verifier.frontier().size(),
            checkpoint.size
        ));
    }
    if verifier.frontier().root() != checkpoint.root {
        return Err("an entry was changed: the root is not the signed one".to_owned());
    }
    Ok((checkpoint, signer))
}

fn say(text: &str) {
    // A closed terminal is the reader's choice, the exit code still tells.
    let _closed: std::io::Result<()> = writeln!(std::io::stdout(), "{text}");
}
