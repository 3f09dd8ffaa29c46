//! A step goes on, and visits are planned: buttons on the page of the case.

use actix_web::{HttpResponse, web};

use super::cases::stages::{self, anchor};
use super::cases::{case_of, show};
use crate::domain::codes::RETURN_REASON;
use crate::domain::field::typed;
use crate::domain::part::Part;
use crate::domain::public_id::PublicId;
use crate::domain::refusal::Why;
use crate::domain::step::Kind;
use crate::operations::case_act::CaseActError;
use crate::operations::move_step::{Change, move_step};
use crate::operations::plan_visits::plan_visits;
use crate::web::error::PageError;
use crate::web::form::Submission;
use crate::web::urls;

/// `POST /cases/{id}/steps/{kind}/{step}/state`
pub async fn update(
    path: web::Path<(String, String, String)>,
    submission: Submission,
) -> Result<HttpResponse, PageError> {
    let (ctx, form) = submission.verified()?;
    let id = case_of(&path.0)?;
    let step = Kind::parse(&path.1).zip(PublicId::parse(&path.2));
    let (kind, step) = step.ok_or_else(|| PageError::NotFound(String::new()))?;
    let field = |name| typed(&form, name).next().unwrap_or_default();
    let change = Change {
        kind,
        step,
        verb: field("verb").to_owned(),
        seen: stages::version_seen(&ctx, step, field("seen")),
        reason: RETURN_REASON.find(field("reason")),
    };
    match move_step(ctx.app(), &ctx.actor, id, &change).await {
        Ok(index) => Ok(ctx.see_other(&urls::saved(id, &anchor(Part::Step(kind, Some(step)))), &index)),
        Err(CaseActError::Refused(Why::NotChosen)) => show::without_reason(&ctx, id, step).await,
        Err(error) => Err(error.into()),
    }
}

/// `POST /cases/{id}/visits`
pub async fn plan(path: web::Path<String>, submission: Submission) -> Result<HttpResponse, PageError> {
    let (ctx, _) = submission.verified()?;
    let id = case_of(&path)?;
    let index = plan_visits(ctx.app(), &ctx.actor, id).await?;
    Ok(ctx.see_other(&urls::saved(id, &anchor(Part::Step(Kind::Visit, None))), &index))
}
