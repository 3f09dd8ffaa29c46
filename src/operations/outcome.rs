//! Every form carries a request id; what became of it can be asked later, and nothing is done twice.
//!
//! A page with several forms gives them one id, so what is claimed is the id together with the act: two buttons of one page are two acts.

use diesel::prelude::*;

use super::actor::Actor;
use super::failure::{Failure, Written, sort};
use crate::app::App;
use crate::domain::public_id::PublicId;
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
                    request_outcome::request.eq(self.actor.request.to_vec()),
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

    fn find(&self, connection: &mut AnyConnection) -> Result<Before, StorageError> {
        let found: Option<(Vec<u8>, Vec<u8>)> = request_outcome::table
            .filter(request_outcome::request.eq(self.actor.request.to_vec()))
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

fn public(subject: Vec<u8>) -> Result<PublicId, StorageError> {
    subject
        .try_into()
        .map(PublicId)
        .map_err(|_| StorageError::Inconsistent("outcome"))
}

/// The case that any act of this request of this actor was about.
pub fn of_request(connection: &mut AnyConnection, actor: &Actor) -> Result<Option<PublicId>, StorageError> {
    let found: Option<Vec<u8>> = request_outcome::table
        .filter(request_outcome::request.eq(actor.request.to_vec()))
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
