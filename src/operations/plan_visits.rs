//! The follow-up visits of a case are planned, each with its due time.

use diesel::prelude::*;

use super::actor::Actor;
use super::case_act::{self, CaseActError, No, allowed};
use super::outcome::Claim;
use super::save_part::states;
use crate::app::App;
use crate::clock::{random_id, row_id};
use crate::domain::follow_up;
use crate::domain::public_id::PublicId;
use crate::domain::refusal::Why;
use crate::domain::step::{Kind, State};
use crate::policy::{Action, Ask};
use crate::storage::StorageError;
use crate::storage::access_rows::{AccessRow, StepRow};
use crate::storage::case_rows;
use crate::storage::schema::step;

/// Plans the visits and gives the index of the entry.
pub async fn plan_visits(app: &App, actor: &Actor, id: PublicId) -> Result<String, CaseActError> {
    let claim = |actor: &Actor| Claim::new(actor, "visit.plan", "", id, &[]);
    case_act::once(app, actor, claim, async |actor| {
        attempt(app, actor, id, claim(actor)).await
    })
    .await
}

async fn attempt(app: &App, actor: &Actor, id: PublicId, claim: Claim) -> Result<Option<String>, CaseActError> {
    let ask = Ask {
        groups: &[],
        purpose: Kind::Visit.purpose(),
        confirmed: false,
    };
    let allowed = allowed(app, actor, id, Action::Edit, &ask).await?;
    allowed.open()?;
    if states(&allowed.around.steps).any(|step| step == (Kind::Visit, State::Planned)) {
        return Err(Why::AlreadyPlanned.into());
    }
    let now_ms = app.clock.now_ms();
    let row = |due_at| {
        let row = StepRow {
            id: row_id(now_ms)?.to_vec(),
            public_id: random_id()?.to_vec(),
            case_id: allowed.case.id.clone(),
            owner_id: allowed.case.owner_id.clone(),
            kind: Kind::Visit.name().to_owned(),
            state: State::Planned.code().to_owned(),
            content: 0,
            due_at: Some(due_at),
            recorded_by: actor.viewer.account_id.clone(),
            recorded_at: now_ms,
            decided_by: None,
            decided_at: None,
            version: 1,
            authors: Some(Vec::new()),
            reason: None,
            mac: Vec::new(),
        };
        Ok::<_, StorageError>(row.signed(&app.keyring))
    };
    let rows: Result<Vec<StepRow>, StorageError> = follow_up::visits(now_ms).into_iter().map(row).collect();
    let rows = rows.map_err(super::failure::Failure::from)?;
    let entry = actor
        .permitted("visit.plan", &allowed.permit)
        .purpose(Kind::Visit.purpose())
        .about(allowed.handle)
        .fields(&[Kind::Visit.group().name()]);
    case_act::write(app, allowed.permit.rights(), claim, entry, move |tx| {
        let connection = tx.connection();
        let planned = step::table
            .filter(step::case_id.eq(&allowed.case.id))
            .filter(step::state.eq(State::Planned.code()))
            .count()
            .get_result::<i64>(connection)?;
        if planned > 0 || !case_rows::is_unchanged(connection, &allowed.case)? {
            return Err(No::Conflict.into());
        }
        for row in &rows {
            diesel::insert_into(step::table).values(row).execute(connection)?;
        }
        Ok(())
    })
    .await
}
