//! An actor saves a group of a case: a new version beside the old one, or a conflict in which nothing is lost.

use serde_json::Value;

use super::actor::Actor;
use super::failure::{Failure, Written, sort};
use super::sections;
use super::{outcome, owners, refuse, sessions};
use crate::app::App;
use crate::domain::group::{Group, Owner};
use crate::domain::public_id::PublicId;
use crate::policy::{Action, Ask, Decision, Resource};
use crate::storage::sealed_values::{self, SealedRow};
use crate::storage::visible;
use crate::storage::writer::ActError;

/// What is saved.
#[derive(Clone)]
pub struct Save {
    /// Which group.
    pub group: Group,
    /// The JSON of its fields.
    pub fields: Value,
    /// The version that the form was made from; 0 for a new group.
    pub from_version: i64,
    /// Purpose code.
    pub purpose: &'static str,
    /// Second confirmation for class S4.
    pub confirmed: bool,
}

/// Why nothing was saved.
#[derive(Debug, thiserror::Error)]
pub enum SaveGroupError {
    /// Somebody else saved the group meanwhile.
    #[error("changed by somebody else")]
    Conflict,
    /// A fault of the house.
    #[error(transparent)]
    Failure(#[from] Failure),
    /// There is no such case for this actor.
    #[error("no such case")]
    NotFound(String),
    /// The session ended meanwhile.
    #[error("signed out")]
    SignedOut,
}

enum Refusal {
    Already,
    Conflict,
}

impl std::fmt::Debug for Refusal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Refusal")
    }
}

/// Saves a group and gives the index of the entry.
pub async fn save_group(app: &App, actor: &Actor, public_id: PublicId, save: &Save) -> Result<String, SaveGroupError> {
    let mut actor = actor.clone();
    loop {
        match attempt(app, &actor, public_id, save.clone()).await? {
            Some(index) => return Ok(index),
            None => {
                actor = sessions::refresh(app, actor.session, actor.network, actor.request)
                    .await?
                    .ok_or(SaveGroupError::SignedOut)?;
            }
        }
    }
}

async fn attempt(app: &App, actor: &Actor, public_id: PublicId, save: Save) -> Result<Option<String>, SaveGroupError> {
    let viewer = actor.viewer.clone();
    let facts = app
        .read(move |app, connection| {
            let now_ms = app.clock.now_ms();
            let (case, standing) = visible::case(connection, &app.keyring, &viewer, now_ms, &public_id.0)?;
            let Some(case) = case else {
                return Ok((None, standing));
            };
            Ok((Some(case), standing))
        })
        .await
        .map_err(Failure::from)?;
    let (Some(case), standing) = facts else {
        return Err(SaveGroupError::NotFound(
            refuse::case(app, actor, public_id.0, Some(save.purpose), &[]).await?,
        ));
    };
    let groups = [save.group];
    let ask = Ask {
        groups: &groups,
        purpose: save.purpose,
        confirmed: save.confirmed,
    };
    let resource = Resource::Case {
        relations: &standing.relations,
        listed: &standing.listed,
    };
    let permit = match app
        .engine
        .decide(actor.role(), Action::Edit, &resource, &ask, actor.rights)
    {
        Decision::Allow(permit) => permit,
        Decision::Deny(policies) => {
            return Err(SaveGroupError::NotFound(
                refuse::case(app, actor, public_id.0, Some(save.purpose), &policies).await?,
            ));
        }
    };
    let (record, owner) = match save.group.owner() {
        Owner::Person => (case.person_id, case.person_owner_id),
        Owner::Case => (case.id, case.owner_id),
    };
    let by = actor.viewer.account_id.clone();
    let digest = app
        .keyring
        .web_mac(format!("form {} {} {}", save.group.name(), save.from_version, save.fields).as_bytes());
    let (sealed, row) = app
        .read(move |app, _| {
            let keys = owners::open_one(app, &owner)?;
            let version = u64::try_from(save.from_version + 1).unwrap_or(1);
            let sealed = sections::seal(save.group, &keys, &record, version, save.fields)?
                .ok_or(crate::storage::StorageError::Inconsistent("a group without a section"))?;
            let row = SealedRow {
                record_id: record,
                group_no: sections::number(save.group),
                version: save.from_version + 1,
                owner_id: owner,
                value: sealed.bytes().to_vec(),
                saved_at: app.clock.now_ms(),
                saved_by: by,
            };
            Ok((sealed, row))
        })
        .await
        .map_err(Failure::from)?;
    let mut entry = actor.permitted("group.save", &permit).purpose(save.purpose);
    sealed.record(&mut entry);
    let for_act = actor.clone();
    let outcome = app
        .writer
        .write(Some(permit.rights()), move |tx| {
            let now_ms = tx.now_ms();
            let connection = tx.connection();
            match outcome::once(connection, &for_act, "group.save", &public_id.0, &digest, now_ms)? {
                Some((_, true)) => return Err(ActError::Refused(Refusal::Already)),
                // Sent before with other text: what was saved then is shown beside what was typed now.
                Some((_, false)) => return Err(ActError::Refused(Refusal::Conflict)),
                None => {}
            }
            if sealed_values::version(connection, &row.record_id, row.group_no)? != row.version - 1 {
                return Err(ActError::Refused(Refusal::Conflict));
            }
            sealed_values::insert(connection, &row)?;
            super::drafts::remove_of_form(
                connection,
                &for_act.viewer.account_id,
                &super::drafts::form_of(public_id, save.group),
            )?;
            Ok(((), vec![entry]))
        })
        .await;
    match sort(outcome)? {
        Written::Done(((), receipts)) => Ok(Some(receipts.first().map(ledger::Receipt::index).unwrap_or_default())),
        Written::Stale => Ok(None),
        // The same form again: it was saved the first time.
        Written::Refused(Refusal::Already) => Ok(Some(String::new())),
        Written::Refused(Refusal::Conflict) => Err(SaveGroupError::Conflict),
    }
}
