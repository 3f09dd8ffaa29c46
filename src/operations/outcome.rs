//! Every form carries a request id; what became of it can be asked later, and nothing is done twice.
//!
//! A page with several forms gives them one id, so what is claimed is the id together with the act: two buttons of one page are two acts.

use diesel::prelude::*;

use super::actor::Actor;
use super::failure::{Failure, Written, sort};
use crate::app::App;
use crate::domain::group::Group;
use crate::domain::public_id::PublicId;
use crate::domain::step::MOVES;
use crate::storage::StorageError;
use crate::storage::connection::AnyConnection;
use crate::storage::schema::request_outcome;

/// An act as a form asks for it.
#[derive(Clone)]
pub struct Claim {
    /// Who asked, with the request id of the form.
    actor: Actor,
    /// Kind of the act and what it is done to, such as `support.approve/` and the id of the step.
    kind: String,
    /// The case.
    subject: PublicId,
    /// Digest of what the form says.
    digest: Vec<u8>,
}

/// What was done with the request id before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Before {
    /// Nothing: the act is to be done.
    New,
    /// The same act, saying the same.
    Same(PublicId),
    /// The same act, saying something else.
    Other(PublicId),
}

impl Claim {
    /// An act on a case; `said` is what the form says beyond the kind.
    #[must_use]
    pub fn new(actor: &Actor, kind: &str, target: &str, subject: PublicId, said: &[u8]) -> Self {
        Self {
            actor: actor.clone(),
            kind: format!("{kind}/{target}"),
            subject,
            digest: said.to_vec(),
        }
    }

    /// The case.
    #[must_use]
    pub fn subject(&self) -> PublicId {
        self.subject
    }

    /// Kind of the entry that the act would have left; `None` for what no form of this house asks for.
    #[must_use]
    pub fn tried(&self) -> Option<String> {
        let (kind, target) = self.kind.split_once('/').unwrap_or((&self.kind, ""));
        let words: Vec<&str> = target.split('/').collect();
        match (kind, words.as_slice()) {
            // What a form saves is named by the case, the part and its record.
            ("part.save", [_, part, ..]) if Group::parse(part).is_some_and(|group| !group.fields().is_empty()) => {
                Some("group.save".to_owned())
            }
            ("part.save", [_, part, ..]) => Some(format!("{part}.save")),
            ("step", [named, ..]) => MOVES
                .iter()
                .map(|known| format!("{}.{}", known.kind.name(), known.verb))
                .find(|known| known == named),
            _ => Some(kind.to_owned()),
        }
    }

    /// Whether the act was done before; asked before anything is judged, so that a second sending is not refused for what the first did.
    pub async fn before(&self, app: &App) -> Result<Before, Failure> {
        let claim = self.clone();
        Ok(app.read(move |_, connection| claim.find(connection)).await?)
    }

    /// Claims the request id for the act inside its transaction.
    pub fn once(&self, connection: &mut AnyConnection, now_ms: i64) -> Result<Before, StorageError> {
        let before = self.find(connection)?;
        if before == Before::New {
            diesel::insert_into(request_outcome::table)
                .values((
                    request_outcome::request.eq(self.key()),
                    request_outcome::account_id.eq(&self.actor.viewer.account_id),
                    request_outcome::kind.eq(&self.kind),
                    request_outcome::subject.eq(self.subject.0.to_vec()),
                    request_outcome::digest.eq(&self.digest),
                    request_outcome::at_ms.eq(now_ms),
                ))
                .execute(connection)?;
        }
        Ok(before)
    }

    /// What is claimed: the request id of a form, or of its draft, for one account. The same id sent by somebody else (a page that
    /// another person left open) is another claim.
    fn key(&self) -> Vec<u8> {
        key(&self.actor)
    }

    fn find(&self, connection: &mut AnyConnection) -> Result<Before, StorageError> {
        let found: Option<(Vec<u8>, Vec<u8>)> = request_outcome::table
            .filter(request_outcome::request.eq(self.key()))
            .filter(request_outcome::kind.eq(&self.kind))
            .filter(request_outcome::account_id.eq(&self.actor.viewer.account_id))
            .select((request_outcome::subject, request_outcome::digest))
            .first(connection)
            .optional()?;
        match found {
            None => Ok(Before::New),
            Some((subject, digest)) if digest == self.digest => Ok(Before::Same(public(subject)?)),
            Some((subject, _)) => Ok(Before::Other(public(subject)?)),
        }
    }
}

fn key(actor: &Actor) -> Vec<u8> {
    let said = [actor.viewer.account_id.as_slice(), actor.request.as_slice()].concat();
    ledger::sha256(&said).into_iter().take(16).collect()
}

fn public(subject: Vec<u8>) -> Result<PublicId, StorageError> {
    subject
        .try_into()
        .map(PublicId)
        .map_err(|_| StorageError::Inconsistent("outcome"))
}

/// The case that any act of this request of this actor was about.
pub fn of_request(connection: &mut AnyConnection, actor: &Actor) -> Result<Option<PublicId>, StorageError> {
    let found: Option<Vec<u8>> = request_outcome::table
        .filter(request_outcome::request.eq(key(actor)))
        .filter(request_outcome::account_id.eq(&actor.viewer.account_id))
        .select(request_outcome::subject)
        .first(connection)
        .optional()?;
    found.map(public).transpose()
}

/// What became of a request of this actor: the case it concerned if something was written, `None` if nothing was.
///
/// Asked through the queue of the writer, so that an act that still waits there is answered first.
pub async fn look_up(app: &App, actor: &Actor, request: [u8; 16]) -> Result<Option<PublicId>, Failure> {
    let actor = Actor {
        request,
        ..actor.clone()
    };
    let outcome = app
        .writer
        .write::<_, ()>(None, move |tx| Ok((of_request(tx.connection(), &actor)?, vec![])))
        .await;
    match sort(outcome)? {
        Written::Done((found, _)) => Ok(found),
        Written::Refused(()) | Written::Stale => Err(Failure::Internal(None)),
    }
}
