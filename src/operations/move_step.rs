//! A step goes on: approved, returned, delivered, ended, stopped. Whoever recorded it does not approve it.

use super::actor::Actor;
use super::case_act::{self, CLOSED, CaseActError, No, allowed};
use super::save_part::{in_state, referral_open, states};
use super::{outcome, refuse, sessions};
use crate::app::App;
use crate::domain::public_id::PublicId;
use crate::domain::refusal::Why;
use crate::domain::step::{By, Kind, State, may_close};
use crate::policy::{Action, Ask};
use crate::storage::access_rows::{AccessRow, StepRow};
use crate::storage::case_rows;

/// What is done with a step.
#[derive(Clone)]
pub struct Change {
    /// Kind of the step.
    pub kind: Kind,
    /// Which step.
    pub step: PublicId,
    /// Name of the move.
    pub verb: String,
    /// The version of the step that the page showed.
    pub seen: i64,
}

/// Moves a step and gives the index of the entry.
pub async fn move_step(app: &App, actor: &Actor, id: PublicId, change: &Change) -> Result<String, CaseActError> {
    sessions::with_current_rights(app, actor, async |actor| attempt(app, actor, id, change).await).await
}

async fn attempt(app: &App, actor: &Actor, id: PublicId, change: &Change) -> Result<Option<String>, CaseActError> {
    let kind = change.kind;
    let by = State::ALL
        .into_iter()
        .find_map(|from| kind.step(from, &change.verb).ok())
        .map(|step| step.by)
        .ok_or(Why::NotNow)?;
    let action = match by {
        By::Worker => Action::Edit,
        By::SecondPerson => Action::Approve,
    };
    let ask = Ask {
        groups: &[],
        purpose: kind.purpose(),
        confirmed: false,
    };
    let allowed = allowed(app, actor, id, action, &ask).await?;
    let steps = &allowed.around.steps;
    let found = steps
        .iter()
        .find(|row| row.public_id == change.step.0 && row.kind == kind.name());
    let Some(row) = found else {
        let index = refuse::case(app, actor, id.0, Some(kind.purpose()), &[]).await?;
        return Err(CaseActError::NotFound(index));
    };
    allowed.open()?;
    if row.version != change.seen {
        return Err(CaseActError::Conflict);
    }
    let step = kind.step(State::parse(&row.state).ok_or(Why::NotNow)?, &change.verb)?;
    if by == By::SecondPerson && row.recorded_by == actor.viewer.account_id {
        return Err(Why::SamePerson.into());
    }
    let ends = (kind, step.to) == (Kind::Closure, State::Approved);
    if ends {
        may_close(states(steps), referral_open(&allowed.around.referrals))?;
    }
    let next = StepRow {
        state: step.to.code().to_owned(),
        decided_by: Some(actor.viewer.account_id.clone()),
        decided_at: Some(app.clock.now_ms()),
        version: row.version + 1,
        ..row.clone()
    }
    .signed(&app.keyring);
    let next_case = ends.then(|| in_state(app, &allowed.case, CLOSED));
    let entry = actor
        .permitted(&format!("{}.{}", kind.name(), step.verb), &allowed.permit)
        .purpose(kind.purpose())
        .about(allowed.handle);
    let (rights, for_act, keyring) = (
        allowed.permit.rights(),
        actor.clone(),
        std::sync::Arc::clone(&app.keyring),
    );
    case_act::write(app, rights, entry, move |tx| {
        let now_ms = tx.now_ms();
        let connection = tx.connection();
        let said = [next.state.as_bytes(), &next.id].concat();
        if outcome::once(connection, &for_act, "step.move", &id.0, &said, now_ms)?.is_some() {
            return Err(No::Already.into());
        }
        if !case_rows::is_unchanged(connection, &allowed.case)? || !case_rows::replace_step(connection, &next)? {
            return Err(No::Conflict.into());
        }
        if let Some(case) = &next_case {
            // What stands in the way may have come since the page was read.
            let around = case_rows::around(connection, &keyring, &case.id)?;
            may_close(states(&around.steps), referral_open(&around.referrals))?;
            if !case_rows::replace_case(connection, case)? {
                return Err(No::Conflict.into());
            }
        }
        Ok(())
    })
    .await
}
