//! The cases an actor sees, with clocks and without a name.

use diesel::prelude::*;

use super::actor::Actor;
use super::failure::Failure;
use super::refuse;
use super::view_case::Clock;
use crate::app::App;
use crate::policy::{Action, Ask, Decision, Resource};
use crate::storage::access_rows::CaseRow;
use crate::storage::schema::deadline;
use crate::storage::visible;

/// Rows a page.
pub const PAGE: i64 = 50;

/// A row of a list: nothing in it says who the person is.
#[derive(Clone)]
pub struct Listed {
    /// The plain row.
    pub case: CaseRow,
    /// The clock that is due next and not met.
    pub next: Option<Clock>,
}

/// Why there is no list.
#[derive(Debug, thiserror::Error)]
pub enum ListCasesError {
    /// A fault of the house.
    #[error(transparent)]
    Failure(#[from] Failure),
    /// The role has no list.
    #[error("not allowed")]
    NotAllowed(String),
}

/// Lists cases, newest first, before a time; opens nothing, so it needs no receipt.
pub async fn list_cases(app: &App, actor: &Actor, before: Option<i64>) -> Result<Vec<Listed>, ListCasesError> {
    match app.engine.decide(
        actor.role(),
        Action::List,
        &Resource::House,
        &Ask::default(),
        actor.rights,
    ) {
        Decision::Allow(_) => {}
        Decision::Deny(policies) => {
            return Err(ListCasesError::NotAllowed(
                refuse::act(app, actor, Action::List.name(), &policies).await?,
            ));
        }
    }
    let viewer = actor.viewer.clone();
    let (listed, tampered) = app
        .read(move |app, connection| {
            let now_ms = app.clock.now_ms();
            let (cases, tampered) = visible::cases(connection, &app.keyring, &viewer, now_ms, PAGE, before)?;
            let ids: Vec<Vec<u8>> = cases.iter().map(|case| case.id.clone()).collect();
            let clocks: Vec<(Vec<u8>, String, i64)> = deadline::table
                .filter(deadline::case_id.eq_any(ids))
                .filter(deadline::met_at.is_null())
                .order(deadline::due_at)
                .select((deadline::case_id, deadline::code, deadline::due_at))
                .load(connection)?;
            let listed: Vec<Listed> = cases
                .into_iter()
                .map(|case| {
                    let next = clocks.iter().find(|(id, ..)| *id == case.id);
                    let next = next.map(|(_, code, due_at)| Clock {
                        code: code.clone(),
                        due_at: *due_at,
                        met_at: None,
                    });
                    Listed { case, next }
                })
                .collect();
            Ok((listed, tampered))
        })
        .await
        .map_err(Failure::from)?;
    if tampered > 0 {
        refuse::tampered(app, &vec!["case_file"; tampered]).await?;
    }
    Ok(listed)
}
