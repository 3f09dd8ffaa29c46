//! A social worker takes an unassigned case of her unit: she becomes its worker, the unit sees it no longer as waiting.

use diesel::prelude::*;

use super::actor::Actor;
use super::case_act::{self, CaseActError, No, allowed};
use super::outcome::Claim;
use crate::app::App;
use crate::clock::row_id;
use crate::domain::public_id::PublicId;
use crate::policy::{Action, Ask};
use crate::storage::StorageError;
use crate::storage::access_rows::{AccessRow, CaseRow, MembershipRow};
use crate::storage::case_rows;
use crate::storage::schema::membership;

/// Makes the actor the worker of the case and gives the index of the entry; a colleague who was quicker is a conflict.
pub async fn take_case(app: &App, actor: &Actor, id: PublicId) -> Result<String, CaseActError> {
    let claim = |actor: &Actor| Claim::new(actor, "case.take", "", id, &[]);
    case_act::once(app, actor, claim, async |actor| {
        attempt(app, actor, id, claim(actor)).await
    })
    .await
}

async fn attempt(app: &App, actor: &Actor, id: PublicId, claim: Claim) -> Result<Option<String>, CaseActError> {
    let ask = Ask {
        groups: &[],
        purpose: "take",
        confirmed: false,
    };
    let allowed = allowed(app, actor, id, Action::Take, &ask).await?;
    let entry = actor
        .permitted("case.take", &allowed.permit)
        .purpose(ask.purpose)
        .about(allowed.handle);
    let (keyring, account) = (std::sync::Arc::clone(&app.keyring), actor.viewer.account_id.clone());
    let case = allowed.case;
    case_act::write(app, allowed.permit.rights(), claim, entry, move |tx| {
        let now_ms = tx.now_ms();
        let connection = tx.connection();
        let next = CaseRow {
            assigned: true,
            version: case.version + 1,
            ..case.clone()
        };
        if !case_rows::replace_case(connection, &next.signed(&keyring))? {
            return Err(No::Conflict.into());
        }
        let row = MembershipRow {
            id: row_id(now_ms).map_err(StorageError::from)?.to_vec(),
            case_id: case.id,
            account_id: account,
            kind: "owner".to_owned(),
            from_at: now_ms,
            until_at: None,
            version: 1,
            mac: Vec::new(),
        };
        diesel::insert_into(membership::table)
            .values(&row.signed(&keyring))
            .execute(connection)?;
        // Colleagues of the unit no longer see it.
        tx.revoke();
        Ok(())
    })
    .await
}
