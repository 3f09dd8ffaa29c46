//! An auditor takes what she found along as CSV; taking it is an entry of its own kind.

use super::actor::Actor;
use super::failure::Failure;
use super::reading;
use super::search_log::{Lines, Query, SearchLogError, search_log};
use crate::app::App;
use crate::policy::Action;

/// Most lines of one export.
pub const MOST: usize = 100_000;

/// Lines that were found, and the indexes of the entries that say so.
pub struct Export {
    /// Page by page.
    pub pages: Vec<Lines>,
    /// Index of the entry of the export itself.
    pub index: String,
}

/// Gathers every line that matches, page by page, each page with its entry.
pub async fn export_log(app: &App, actor: &Actor, query: Query) -> Result<Export, SearchLogError> {
    let permit = reading::permitted(app, actor, Action::ExportLog).await?;
    let entry = actor.permitted("log.export", &permit).purpose("audit");
    let receipts = reading::record(app, Some(permit.rights()), entry).await?;
    let index = reading::index(&receipts.ok_or(Failure::Busy)?);
    let (mut pages, mut query, mut count) = (Vec::new(), query, 0);
    loop {
        let page = search_log(app, actor, query.clone()).await?;
        count += page.entries.len();
        let (more, last) = (page.more, page.entries.last().map(|entry| entry.i));
        pages.push(page);
        let (true, Some(last)) = (more && count < MOST, last) else {
            return Ok(Export { pages, index });
        };
        query.before = Some(i64::try_from(last).map_err(|_| Failure::Internal(None))?);
    }
}
