//! The auditor's offline verifier: checks a bundle against the key she has on paper.
//!
//! `donghanh-verify VKEY FOLDER` — exit code 0 when every entry is in the signed tree, 1 when not, 2 on wrong use.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::ExitCode;

use ledger::log::checkpoint::{Checkpoint, VerifierKey};
use ledger::log::verify::Verifier;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [key, folder] = arguments.as_slice() else {
        say(
            "usage: donghanh-verify VKEY FOLDER\n  VKEY    the line printed by `donghanh init`, from paper\n  FOLDER  holds entries.jsonl and checkpoint",
        );
        return ExitCode::from(2);
    };
    let Some(key) = VerifierKey::parse(key) else {
        say("the key is not a vkey line: name+hash+base64; copy it again from paper");
        return ExitCode::from(2);
    };
    match verify(&key, Path::new(folder)) {
        Ok(checkpoint) => {
            say(&format!(
                "OK  {}: {} entries, root signed by the key on paper",
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

fn verify(key: &VerifierKey, folder: &Path) -> Result<Checkpoint, String> {
    let note = std::fs::read_to_string(folder.join("checkpoint"))
        .map_err(|error| format!("cannot read checkpoint: {error}"))?;
    let checkpoint = Checkpoint::open(&note, key).map_err(|_| "the checkpoint is not signed by this key")?;
    let entries = std::fs::File::open(folder.join("entries.jsonl"))
        .map_err(|error| format!("cannot read entries.jsonl: {error}"))?;
    let mut verifier = Verifier::default();
    for line in BufReader::new(entries).split(b'\n') {
        let line = line.map_err(|error| format!("cannot read entries.jsonl: {error}"))?;
        verifier.next(&line).map_err(|fault| fault.to_string())?;
    }
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
    Ok(checkpoint)
}

fn say(text: &str) {
    // A closed terminal is the reader's choice, the exit code still tells.
    let _closed: std::io::Result<()> = writeln!(std::io::stdout(), "{text}");
}
