//! Cases: the list, one case, and what is done with a case as a whole.

pub mod clock;
pub mod index;
pub mod show;
pub mod stages;
pub mod timeline;

use actix_web::{HttpResponse, web};

pub use index::{index, names};
pub use show::show;

use crate::domain::deadline;
use crate::domain::public_id::PublicId;
use crate::operations::meet_deadline::meet_deadline;
use crate::operations::take_case::take_case;
use crate::web::error::PageError;
use crate::web::form::Submission;
use crate::web::urls;

/// The case that an address names; an address that names none is no page.
pub fn case_of(text: &str) -> Result<PublicId, PageError> {
    PublicId::parse(text).ok_or_else(|| PageError::NotFound(String::new()))
}

/// `POST /cases/{id}/assignment`
pub async fn take(path: web::Path<String>, submission: Submission) -> Result<HttpResponse, PageError> {
    let (ctx, _) = submission.verified()?;
    let id = case_of(&path)?;
    let index = take_case(ctx.app(), &ctx.actor, id).await?;
    Ok(ctx.see_other(&urls::case(id), &index))
}

/// `POST /cases/{id}/deadlines/{clock}`
pub async fn meet(path: web::Path<(String, String)>, submission: Submission) -> Result<HttpResponse, PageError> {
    let (ctx, _) = submission.verified()?;
    let id = case_of(&path.0)?;
    let met = deadline::find(&path.1).ok_or_else(|| PageError::NotFound(String::new()))?;
    let index = meet_deadline(ctx.app(), &ctx.actor, id, met).await?;
    Ok(ctx.see_other(&format!("{}?saved=1", urls::case(id)), &index))
}
