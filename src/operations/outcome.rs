//! Every form carries a request id; what became of it can be asked later, and nothing is done twice.

use diesel::prelude::*;

use super::actor::Actor;
use super::failure::Failure;
use crate::app::App;
use crate::domain::public_id::PublicId;
use crate::storage::StorageError;
use crate::storage::connection::AnyConnection;
use crate::storage::schema::request_outcome;

/// Claims the request id for an act inside its transaction; gives the subject if the same form was sent before.
pub fn once(
    connection: &mut AnyConnection,
    actor: &Actor,
    kind: &str,
    subject: &[u8],
    now_ms: i64,
) -> Result<Option<PublicId>, StorageError> {
    if let Some(before) = find(connection, actor)? {
        return Ok(Some(before));
    }
    diesel::insert_into(request_outcome::table)
        .values((
            request_outcome::request.eq(actor.request.to_vec()),
            request_outcome::account_id.eq(&actor.viewer.account_id),
            request_outcome::kind.eq(kind),
            request_outcome::subject.eq(subject.to_vec()),
            request_outcome::at_ms.eq(now_ms),
        ))
        .execute(connection)?;
    Ok(None)
}

fn find(connection: &mut AnyConnection, actor: &Actor) -> Result<Option<PublicId>, StorageError> {
    let subject: Option<Vec<u8>> = request_outcome::table
        .find(actor.request.to_vec())
        .filter(request_outcome::account_id.eq(actor.viewer.account_id.clone()))
        .select(request_outcome::subject)
        .first(connection)
        .optional()?;
    subject
        .map(|subject| {
            subject
                .try_into()
                .map(PublicId)
                .map_err(|_| StorageError::Inconsistent("outcome"))
        })
        .transpose()
}

/// What became of a request of this actor: the case it concerned if it was written, `None` if nothing was.
pub async fn look_up(app: &App, actor: &Actor, request: [u8; 16]) -> Result<Option<PublicId>, Failure> {
    let actor = Actor {
        request,
        ..actor.clone()
    };
    Ok(app.read(move |_, connection| find(connection, &actor)).await?)
}
