//! Recomputes the whole log from its raw entries and compares head, leaves and filter columns.

use ledger::log::checkpoint::Checkpoint;
use ledger::log::verify::Verifier;
use ledger::vault::keyring::Keyring;

use super::actor::Actor;
use super::case_act::CaseActError;
use super::failure::{Failure, sort};
use super::reading;
use crate::app::App;
use crate::policy::Action;
use crate::storage::StorageError;
use crate::storage::connection::AnyConnection;
use crate::storage::log_rows::{self, EntryRow, HeadRow};

const AT_ONCE: i64 = 10_000;

/// The log is whole.
#[derive(Clone, Debug)]
pub struct Sound {
    /// Number of the shard.
    pub shard: i64,
    /// Entries.
    pub size: u64,
    /// Root over them.
    pub root: [u8; 32],
}

/// The first thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bad {
    /// Index of the entry; `None` when the head is wrong.
    pub index: Option<u64>,
    /// What is wrong, for the operator.
    pub what: String,
}

/// Checks everything up to the head; needs no key.
pub fn verify(connection: &mut AnyConnection) -> Result<Result<Sound, Bad>, StorageError> {
    let head = log_rows::head(connection)?;
    let size = u64::try_from(head.size).unwrap_or(0);
    let kept = log_rows::checkpoints(connection, head.shard)?;
    if kept.iter().any(|(size, _)| *size > head.size) {
        return Ok(Err(bad(size, "the log is shorter than a checkpoint that was signed")));
    }
    let mut kept = kept.into_iter().peekable();
    let mut verifier = Verifier::default();
    let mut last_ms = 0;
    while verifier.frontier().size() < size {
        let from = i64::try_from(verifier.frontier().size()).unwrap_or(i64::MAX);
        let rows = log_rows::from_index(connection, head.shard, from, AT_ONCE.min(head.size - from))?;
        if rows.is_empty() {
            return Ok(Err(bad(verifier.frontier().size(), "the entry is missing")));
        }
        for row in rows {
            if let Err(fault) = check(connection, &mut verifier, &head, &row)? {
                return Ok(Err(fault));
            }
            last_ms = row.at_ms;
            while let Some((_, note)) = kept.next_if(|(size, _)| *size == row.idx + 1) {
                let signed = Checkpoint::unverified(&note).map(|checkpoint| checkpoint.root);
                if signed != Some(verifier.frontier().root()) {
                    return Ok(Err(bad(
                        verifier.frontier().size() - 1,
                        "at or before this entry the log differs from a checkpoint that was signed",
                    )));
                }
            }
        }
    }
    let after = log_rows::from_index(connection, head.shard, head.size, 1)?;
    if let Some(row) = after
        .first()
        .filter(|_| log_rows::head(connection).is_ok_and(|now| now.size == head.size))
    {
        return Ok(Err(bad(
            u64::try_from(row.idx).unwrap_or(0),
            "an entry stands behind the head",
        )));
    }
    if verifier.frontier().to_bytes() != head.frontier || (size > 0 && last_ms != head.last_ms) {
        return Ok(Err(Bad {
            index: None,
            what: "the head does not fit the entries".to_owned(),
        }));
    }
    Ok(Ok(Sound {
        shard: head.shard,
        size,
        root: verifier.frontier().root(),
    }))
}

fn check(
    connection: &mut AnyConnection,
    verifier: &mut Verifier,
    head: &HeadRow,
    row: &EntryRow,
) -> Result<Result<(), Bad>, StorageError> {
    let at = verifier.frontier().size();
    let (entry, leaf) = match verifier.next(&row.bytes) {
        Ok(next) => next,
        Err(fault) => return Ok(Err(bad(at, &fault.to_string()))),
    };
    let shard = u32::try_from(head.shard).unwrap_or(0);
    if EntryRow::project(shard, &entry, row.bytes.clone(), leaf)? != *row {
        return Ok(Err(bad(at, "a filter column or the leaf hash differs from the entry")));
    }
    let mut subjects = log_rows::subjects(&entry);
    subjects.sort_unstable();
    if log_rows::stored_subjects(connection, row.shard, row.idx)? != subjects {
        return Ok(Err(bad(at, "the subjects differ from the entry")));
    }
    Ok(Ok(()))
}

fn bad(index: u64, what: &str) -> Bad {
    Bad {
        index: Some(index),
        what: what.to_owned(),
    }
}

/// What a page shows after verifying.
pub struct Verified {
    /// Outcome.
    pub outcome: Result<Sound, Bad>,
    /// Signed checkpoint, when the log is whole.
    pub checkpoint: Option<String>,
    /// Index of the entry that records it.
    pub index: String,
}

/// An auditor presses *verify*.
pub async fn verify_log(app: &App, actor: &Actor) -> Result<Verified, CaseActError> {
    let permit = reading::permitted(app, actor, Action::VerifyLog).await?;
    let entry = actor.permitted("log.verify", &permit).purpose("audit");
    let Some(receipts) = reading::record(app, Some(permit.rights()), entry).await? else {
        app.sessions.forget(&actor.session);
        return Err(Failure::Busy.into());
    };
    let index = reading::index(&receipts);
    let outcome = app
        .read(|_, connection| verify(connection))
        .await
        .map_err(Failure::from)?;
    let checkpoint = match &outcome {
        Ok(sound) => Some(keep_checkpoint(app, sound).await?),
        Err(_) => None,
    };
    Ok(Verified {
        outcome,
        checkpoint,
        index,
    })
}

/// Signs a checkpoint and keeps it, so that the log cannot be shortened or rewritten unnoticed while the row stands.
pub async fn keep_checkpoint(app: &App, sound: &Sound) -> Result<String, Failure> {
    let note = checkpoint(&app.keyring, sound);
    let (kept, shard) = (note.clone(), sound.shard);
    let size = i64::try_from(sound.size).map_err(|_| Failure::Internal(None))?;
    let outcome = app.writer.write::<(), ()>(None, move |tx| {
        log_rows::insert_checkpoint(tx.connection(), shard, size, &kept)?;
        Ok(((), vec![]))
    });
    sort(outcome.await)?;
    Ok(note)
}

/// The signed note of a sound log.
#[must_use]
pub fn checkpoint(keyring: &Keyring, sound: &Sound) -> String {
    let shard = u32::try_from(sound.shard).unwrap_or(0);
    Checkpoint::new(keyring.deployment(), shard, sound.size, sound.root).sign(keyring)
}
