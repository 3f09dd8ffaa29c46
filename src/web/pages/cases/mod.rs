//! Cases: the list, one case, and what is done with a case as a whole.

pub mod clock;
pub mod index;
pub mod show;
pub mod stages;
pub mod timeline;

use actix_web::{HttpResponse, web};
use serde_json::Value;

pub use index::{index, names};
pub use show::show;

use crate::domain::deadline::{self, Deadline};
use crate::domain::field::{self, Fault, Field, Kind};
use crate::domain::partial_date::PartialDate;
use crate::domain::public_id::PublicId;
use crate::domain::refusal::Why;
use crate::operations::case_act::CaseActError;
use crate::operations::meet_deadline::{Done, meet_deadline};
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
    let (ctx, sent) = submission.verified()?;
    let (id, clock) = clock_of(&path)?;
    let today = ctx.app().clock.today();
    let said = field::read(&MET_ON, &sent, today);
    let day = said.map(|said| said.pointer("/met_on/known").and_then(Value::as_str).map(str::to_owned));
    let done = match day {
        Ok(None) => Done::Now,
        Ok(Some(day)) => match PartialDate::try_from(day).ok().and_then(|date| date.day()) {
            Some(day) if day == today => Done::Now,
            Some(day) => Done::On(day),
            None => return show::with_fault(&ctx, id, clock, &sent, Fault::NotADay.message()).await,
        },
        Err(faults) => {
            let fault = match faults.first() {
                // A day is asked for, so no month is offered as an example.
                None | Some((_, Fault::NoSuchDate)) => Fault::NoSuchDay,
                Some((_, fault)) => *fault,
            };
            return show::with_fault(&ctx, id, clock, &sent, fault.message()).await;
        }
    };
    let index = match meet_deadline(ctx.app(), &ctx.actor, id, clock, done).await {
        Err(CaseActError::Refused(why @ Why::BeforeStart)) => {
            return show::with_fault(&ctx, id, clock, &sent, (why.message(), vec![])).await;
        }
        met => met?,
    };
    Ok(ctx.see_other(&format!("{}?saved=1", urls::case(id)), &index))
}

/// `POST /cases/{id}/deadlines/{clock}/resumption`
pub async fn resume(path: web::Path<(String, String)>, submission: Submission) -> Result<HttpResponse, PageError> {
    let (ctx, _) = submission.verified()?;
    let (id, clock) = clock_of(&path)?;
    let index = meet_deadline(ctx.app(), &ctx.actor, id, clock, Done::NotYet).await?;
    Ok(ctx.see_other(&format!("{}?saved=1", urls::case(id)), &index))
}

fn clock_of((id, clock): &(String, String)) -> Result<(PublicId, &'static Deadline), PageError> {
    let clock = deadline::find(clock).ok_or_else(|| PageError::NotFound(String::new()))?;
    Ok((case_of(id)?, clock))
}

/// When what a clock asks for was done; empty for now.
const MET_ON: [Field; 1] = [Field {
    name: "met_on",
    kind: Kind::PastDate,
}];
