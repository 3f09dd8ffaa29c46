//! A legal hold: the supervisor alone places it, two persons lift it; while it lasts, nothing of the case is erased.

use super::actor::Actor;
use super::case_act::{self, CaseActError, allowed};
use super::failure::Failure;
use super::outcome::Claim;
use crate::app::App;
use crate::clock::row_id;
use crate::domain::public_id::PublicId;
use crate::domain::refusal::Why;
use crate::policy::{Action, Ask};
use crate::storage::access_rows::{AccessRow, HoldRow};
use crate::storage::orders;

/// Places a hold and gives the index of the entry.
pub async fn hold_case(app: &App, actor: &Actor, id: PublicId, basis: &'static str) -> Result<String, CaseActError> {
    let claim = |actor: &Actor| Claim::new(actor, "hold.place", "", id, basis.as_bytes());
    case_act::once(app, actor, claim, async |actor| {
        attempt(app, actor, id, basis, claim(actor)).await
    })
    .await
}

async fn attempt(
    app: &App,
    actor: &Actor,
    id: PublicId,
    basis: &'static str,
    claim: Claim,
) -> Result<Option<String>, CaseActError> {
    let ask = Ask {
        groups: &[],
        purpose: "case_work",
        confirmed: false,
    };
    let allowed = allowed(app, actor, id, Action::Hold, &ask).await?;
    let now_ms = app.clock.now_ms();
    let row = HoldRow {
        id: row_id(now_ms).map_err(Failure::from)?.to_vec(),
        case_id: allowed.case.id.clone(),
        basis: basis.to_owned(),
        placed_by: actor.viewer.account_id.clone(),
        placed_at: now_ms,
        lifted_at: None,
        version: 1,
        mac: Vec::new(),
    }
    .signed(&app.keyring);
    let entry = actor
        .permitted("hold.place", &allowed.permit)
        .purpose("supervision")
        .basis(basis)
        .about(allowed.handle);
    let keyring = std::sync::Arc::clone(&app.keyring);
    case_act::write(app, allowed.permit.rights(), claim, entry, move |tx| {
        let connection = tx.connection();
        if orders::hold(connection, &keyring, std::slice::from_ref(&row.case_id))?.is_some() {
            return Err(Why::Held.into());
        }
        orders::place_hold(connection, &row)?;
        Ok(())
    })
    .await
}
