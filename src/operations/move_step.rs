//! A step goes on: approved, returned, delivered, ended, stopped. Whoever recorded it does not approve it.

use super::actor::Actor;
use super::case_act::{self, CLOSED, CaseActError, No, allowed};
use super::failure::Failure;
use super::outcome::Claim;
use super::refuse;
use super::save_part::{end_earlier, in_state, referral_open, states};
use crate::app::App;
use crate::domain::public_id::PublicId;
use crate::domain::refusal::Why;
use crate::domain::step::{By, Kind, State, may_close};
use crate::policy::{Action, Ask};
use crate::storage::access_rows::{AccessRow, StepRow};
use crate::storage::{case_rows, sealed_values};

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
    /// Why it goes back, one of `codes::RETURN_REASON`; only for a return, and needed there.
    pub reason: Option<&'static str>,
}

/// Moves a step and gives the index of the entry.
pub async fn move_step(app: &App, actor: &Actor, id: PublicId, change: &Change) -> Result<String, CaseActError> {
    let target = format!("{}.{}/{}", change.kind.name(), change.verb, change.step);
    let said = format!("{} {}", change.seen, change.reason.unwrap_or_default()).into_bytes();
    let claim = |actor: &Actor| Claim::new(actor, "step", &target, id, &said);
    case_act::once(app, actor, claim, async |actor| {
        attempt(app, actor, id, change, claim(actor)).await
    })
    .await
}

async fn attempt(
    app: &App,
    actor: &Actor,
    id: PublicId,
    change: &Change,
    claim: Claim,
) -> Result<Option<String>, CaseActError> {
    let kind = change.kind;
    let by = State::ALL
        .into_iter()
        .find_map(|from| kind.step(from, &change.verb).ok())
        .map(|step| step.by);
    let action = match by {
        Some(By::SecondPerson) => Action::Approve,
        // A move that does not exist is decided like any other change before it is judged.
        Some(By::Worker) | None => Action::Edit,
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
        let index = refuse::case(app, actor, id.0, action, &ask, &[]).await?;
        return Err(CaseActError::NotFound(index));
    };
    allowed.open()?;
    let step = kind.step(State::parse(&row.state).ok_or(Why::NotNow)?, &change.verb)?;
    let second = step.by == By::SecondPerson;
    if second && is_author(app, row, &actor.viewer.account_id).await? {
        return Err(Why::SamePerson.into());
    }
    if row.version != change.seen {
        return Err(CaseActError::Conflict);
    }
    let ends = (kind, step.to) == (Kind::Closure, State::Approved);
    let returns = step.to == State::Returned;
    if returns && change.reason.is_none() {
        return Err(Why::NotChosen.into());
    }
    let reason = change.reason.filter(|_| returns);
    let concludes = (kind, step.to) == (Kind::Identification, State::Approved);
    if ends {
        may_close(states(steps), referral_open(&allowed.around.referrals))?;
    }
    let next = StepRow {
        state: step.to.code().to_owned(),
        // Who agreed stays, whoever delivers or stops it later.
        decided_by: Some(actor.viewer.account_id.clone())
            .filter(|_| second)
            .or_else(|| row.decided_by.clone()),
        decided_at: Some(app.clock.now_ms()),
        reason: reason.map(str::to_owned),
        version: row.version + 1,
        ..row.clone()
    }
    .signed(&app.keyring);
    let next_case = ends.then(|| in_state(app, &allowed.case, CLOSED));
    let mut entry = actor
        .permitted(&format!("{}.{}", kind.name(), step.verb), &allowed.permit)
        .purpose(kind.purpose())
        .about(allowed.handle)
        .fields(&[kind.group().name()]);
    if let Some(reason) = reason {
        entry = entry.basis(reason);
    }
    let keyring = std::sync::Arc::clone(&app.keyring);
    case_act::write(app, allowed.permit.rights(), claim, entry, move |tx| {
        let now_ms = tx.now_ms();
        let connection = tx.connection();
        if !case_rows::is_unchanged(connection, &allowed.case)? || !case_rows::replace_step(connection, &next)? {
            return Err(No::Conflict.into());
        }
        if concludes {
            end_earlier(connection, &keyring, &next, now_ms)?;
        }
        if let Some(case) = &next_case {
            // What stands in the way may have come since the page was read.
            let around = case_rows::around(connection, &keyring, &case.id)?;
            may_close(states(&around.steps), referral_open(&around.referrals))?;
            if !case_rows::replace_case(connection, case)? {
                return Err(No::Conflict.into());
            }
            for visit in around
                .steps
                .into_iter()
                .filter(|row| row.state == State::Planned.code())
            {
                let stopped = StepRow {
                    state: State::Stopped.code().to_owned(),
                    decided_at: Some(now_ms),
                    version: visit.version + 1,
                    ..visit
                };
                case_rows::replace_step(connection, &stopped.signed(&keyring))?;
            }
        }
        Ok(())
    })
    .await
}

/// Whether an account wrote a version of the step: then it is not the second person.
async fn is_author(app: &App, row: &StepRow, account: &[u8]) -> Result<bool, Failure> {
    if let Some(known) = row.is_by(account) {
        return Ok(known);
    }
    let record = row.id.clone();
    let authors = app
        .read(move |_, connection| sealed_values::authors(connection, &record))
        .await?;
    Ok(row.recorded_by == account || authors.iter().any(|author| author == account))
}
