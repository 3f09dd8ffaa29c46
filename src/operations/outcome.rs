//! Every form carries a request id; what became of it can be asked later, and nothing is done twice.

use diesel::prelude::*;

use super::actor::Actor;
use super::failure::{Failure, Written, sort};
use crate::app::App;
use crate::domain::public_id::PublicId;
use crate::storage::StorageError;
use crate::storage::connection::AnyConnection;
use crate::storage::schema::request_outcome;

/// Claims the request id for an act inside its transaction; for a form that was sent before, its subject and whether it said the same.
pub fn once(
    connection: &mut AnyConnection,
    actor: &Actor,
    kind: &str,
    subject: &[u8],
    digest: &[u8],
    now_ms: i64,
) -> Result<Option<(PublicId, bool)>, StorageError> {
    if let Some((before, said)) = find(connection, actor)? {
        return Ok(Some((before, said == digest)));
    }
    diesel::insert_into(request_outcome::table)
        .values((
            request_outcome::request.eq(actor.request.to_vec()),
            request_outcome::account_id.eq(&actor.viewer.account_id),
            request_outcome::kind.eq(kind),
            request_outcome::subject.eq(subject.to_vec()),
            request_outcome::digest.eq(digest.to_vec()),
            request_outcome::at_ms.eq(now_ms),
        ))
        .execute(connection)?;
    Ok(None)
}

/// What a request of this actor was about, and the digest of what it said.
pub fn find(connection: &mut AnyConnection, actor: &Actor) -> Result<Option<(PublicId, Vec<u8>)>, StorageError> {
    let found: Option<(Vec<u8>, Vec<u8>)> = request_outcome::table
        .find(actor.request.to_vec())
        .filter(request_outcome::account_id.eq(actor.viewer.account_id.clone()))
        .select((request_outcome::subject, request_outcome::digest))
        .first(connection)
        .optional()?;
    found
        .map(|(subject, digest)| match subject.try_into() {
            Ok(subject) => Ok((PublicId(subject), digest)),
            Err(_) => Err(StorageError::Inconsistent("outcome")),
        })
        .transpose()
}

/// What became of a request of this actor: the case it concerned if it was written, `None` if nothing was.
///
/// Asked through the queue of the writer, so that an act that still waits there is answered first.
pub async fn look_up(app: &App, actor: &Actor, request: [u8; 16]) -> Result<Option<PublicId>, Failure> {
    let actor = Actor {
        request,
        ..actor.clone()
    };
    let outcome = app
        .writer
        .write::<_, ()>(None, move |tx| Ok((find(tx.connection(), &actor)?, vec![])))
        .await;
    match sort(outcome)? {
        Written::Done((found, _)) => Ok(found.map(|(subject, _)| subject)),
        Written::Refused(()) | Written::Stale => Err(Failure::Internal(None)),
    }
}
