//! A member of staff signs out: the session row goes, the entry stays.

use diesel::prelude::*;

use super::actor::Actor;
use super::failure::{Failure, sort};
use crate::app::App;
use crate::storage::schema::session;

/// Ends the session; taking it away voids permits decided under it.
pub async fn sign_out(app: &App, actor: &Actor) -> Result<(), Failure> {
    let id = actor.session;
    let entry = actor.draft("auth.sign_out");
    app.sessions.forget(&id);
    let outcome = app
        .writer
        .write::<(), ()>(None, move |tx| {
            diesel::delete(session::table.find(id.to_vec())).execute(tx.connection())?;
            tx.revoke();
            Ok(((), vec![entry]))
        })
        .await;
    sort(outcome).map(drop)
}
