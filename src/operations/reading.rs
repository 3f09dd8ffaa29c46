//! What acts share that only read: decided, then recorded, and only then is anything opened or shown.

use ledger::{Draft, Receipt};

use super::actor::Actor;
use super::case_act::CaseActError;
use super::failure::{Failure, Written, sort};
use super::refuse;
use crate::app::App;
use crate::policy::{Action, Ask, Decision, Permit, Resource};

/// A permit for something that is about no single case; a refusal is recorded before it is told.
pub async fn permitted(app: &App, actor: &Actor, action: Action) -> Result<Permit, CaseActError> {
    let ask = Ask::default();
    match app
        .engine
        .decide(actor.role(), action, &Resource::House, &ask, actor.rights)
    {
        Decision::Allow(permit) => Ok(permit),
        Decision::Deny(policies) => {
            let index = refuse::act(app, actor, action.name(), &policies).await?;
            Err(CaseActError::NotFound(index))
        }
    }
}

/// Makes an entry durable and gives its receipts; `None` when rights were taken away since `rights`.
pub async fn record(app: &App, rights: Option<i64>, entry: Draft) -> Result<Option<Vec<Receipt>>, Failure> {
    let outcome = app.writer.write::<(), ()>(rights, move |_| Ok(((), vec![entry]))).await;
    match sort(outcome)? {
        Written::Done(((), receipts)) if receipts.is_empty() => Err(Failure::Internal(None)),
        Written::Done(((), receipts)) => Ok(Some(receipts)),
        Written::Stale => Ok(None),
        Written::Refused(()) => Err(Failure::Internal(None)),
    }
}

/// The index of the first of these receipts.
#[must_use]
pub fn index(receipts: &[Receipt]) -> String {
    receipts.first().map(Receipt::index).unwrap_or_default()
}
