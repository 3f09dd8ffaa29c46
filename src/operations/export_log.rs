//! An auditor takes what she found along as CSV; taking it is an entry of its own kind.

use super::actor::Actor;
use super::failure::{Failure, Written, sort};
use super::refuse;
use super::search_log::{Lines, Query, SearchLogError, search_log};
use crate::app::App;
use crate::policy::{Action, Ask, Decision, Resource};

/// Most lines of one export.
pub const MOST: usize = 100_000;

/// Gathers every line that matches, page by page, each page with its entry.
pub async fn export_log(app: &App, actor: &Actor, query: Query) -> Result<Vec<Lines>, SearchLogError> {
    let decision = app.engine.decide(
        actor.role(),
        Action::ExportLog,
        &Resource::House,
        &Ask::default(),
        actor.rights,
    );
    if let Decision::Deny(policies) = decision {
        return Err(SearchLogError::NotAllowed(
            refuse::act(app, actor, Action::ExportLog.name(), &policies).await?,
        ));
    }
    let entry = actor.draft("log.export").purpose("audit").decision(true, &[]);
    let outcome = app
        .writer
        .write::<(), ()>(Some(actor.rights), move |_| Ok(((), vec![entry])))
        .await;
    if !matches!(sort(outcome)?, Written::Done(_)) {
        return Err(Failure::Busy.into());
    }
    let (mut pages, mut query, mut count) = (Vec::new(), query, 0);
    loop {
        let page = search_log(app, actor, query.clone()).await?;
        count += page.entries.len();
        let (more, last) = (page.more, page.entries.last().map(|entry| entry.i));
        pages.push(page);
        let (true, Some(last)) = (more && count < MOST, last) else {
            return Ok(pages);
        };
        query.before = Some(i64::try_from(last).map_err(|_| Failure::Internal(None))?);
    }
}
