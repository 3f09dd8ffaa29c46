//! The referrals to the actor's organisation: new ones on top, with their category and the time left.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::Serialize;

use super::cases::case_of;
use super::cases::clock::ClockView;
use crate::domain::codes::REJECTION;
use crate::domain::field::typed;
use crate::domain::group::{Class, from_bits};
use crate::domain::public_id::PublicId;
use crate::domain::referral::{self, Kind, State, Verb};
use crate::operations::list_referrals::{list_referrals, view_referral};
use crate::operations::move_referral::{Change, answer_referral};
use crate::operations::view_case::{Clock, ReferralRow};
use crate::web::ctx::Ctx;
use crate::web::error::PageError;
use crate::web::form::Submission;
use crate::web::page::Page;
use crate::web::{time, urls};

/// The list.
#[derive(Serialize)]
pub struct Index {
    new: Vec<Row>,
    accepted: Vec<Row>,
    ended: Vec<Row>,
    /// Whether those that ended are asked for.
    past: bool,
    saved: bool,
    /// Address of the next page, and of the first one when this is another.
    next: Option<String>,
    first: Option<String>,
}

#[derive(Serialize, Clone)]
struct Row {
    url: Option<String>,
    /// Only of what the organisation has accepted.
    number: Option<String>,
    kind: String,
    category: Option<String>,
    state: String,
    sent: String,
    clock: Option<ClockView>,
}

impl Page for Index {
    const TEMPLATE: &'static str = "referrals/index.html";

    fn samples() -> Vec<Self> {
        let row = |due_at: Option<i64>, state: &str| Row {
            url: Some(urls::referral(PublicId([1; 16]))),
            number: (state == "accepted").then(|| "DH-2026-7K3F9Q-2".to_owned()),
            kind: "referral-legal_aid".to_owned(),
            category: Some("code-legal_aid_form-advice".to_owned()),
            state: format!("referral-state-{state}"),
            sent: time::shown(0),
            clock: due_at.map(|due_at| clock(Kind::LegalAid, due_at, 0)),
        };
        let page = |past, new, accepted, ended| Self {
            new,
            accepted,
            ended,
            past,
            saved: !past,
            next: past.then(|| page_at(past, 100)),
            first: past.then(|| page_at(past, 0)),
        };
        vec![
            page(false, vec![], vec![], vec![]),
            page(
                false,
                vec![row(Some(-1), "sent"), row(Some(1), "sent")],
                vec![row(None, "accepted")],
                vec![],
            ),
            page(
                true,
                vec![],
                vec![],
                vec![row(None, "closed"), row(None, "rejected"), row(None, "withdrawn")],
            ),
            page(true, vec![], vec![], vec![]),
        ]
    }
}

fn clock(kind: Kind, due_at: i64, now_ms: i64) -> ClockView {
    let code = kind.answer_clock().to_owned();
    ClockView::new(
        &Clock {
            code,
            started_at: None,
            due_at,
            met_at: None,
            of_referral: false,
        },
        now_ms,
    )
}

/// Which list.
#[derive(serde::Deserialize)]
pub struct Query {
    past: Option<String>,
    saved: Option<String>,
    skip: Option<String>,
}

/// Address of a page of one of the lists.
fn page_at(past: bool, skipped: u32) -> String {
    format!(
        "{}?{}skip={skipped}",
        urls::REFERRALS,
        if past { "past=1&" } else { "" }
    )
}

/// `GET /referrals`
pub async fn index(ctx: Ctx, query: web::Query<Query>) -> Result<HttpResponse, PageError> {
    let past = query.past.is_some();
    let skipped = query.skip.as_deref().and_then(|skip| skip.parse().ok()).unwrap_or(0);
    let inbox = list_referrals(ctx.app(), &ctx.actor, !past, skipped).await?;
    let now_ms = ctx.app().clock.now_ms();
    let mut page = Index {
        new: vec![],
        accepted: vec![],
        ended: vec![],
        past,
        saved: query.saved.is_some(),
        next: inbox.next.map(|next| page_at(past, next)),
        first: (skipped > 0).then(|| page_at(past, 0)),
    };
    for (referral, number, case) in inbox.referrals {
        let Some((kind, state)) = Kind::parse(&referral.kind).zip(State::parse(&referral.state)) else {
            continue;
        };
        let id = PublicId(referral.public_id.as_slice().try_into().unwrap_or_default());
        let row = Row {
            url: match state {
                State::Sent => Some(urls::referral(id)),
                State::Accepted => Some(urls::case(case)),
                State::Rejected | State::Closed | State::Withdrawn => None,
            },
            number: matches!(state, State::Accepted | State::Closed).then_some(number),
            kind: format!("referral-{}", kind.name()),
            category: category(&referral),
            state: format!("referral-state-{}", state.code()),
            sent: time::shown(referral.sent_at),
            clock: (state == State::Sent).then(|| clock(kind, referral.due_at, now_ms)),
        };
        match state {
            State::Sent => page.new.push(row),
            State::Accepted => page.accepted.push(row),
            State::Rejected | State::Closed | State::Withdrawn => page.ended.push(row),
        }
    }
    ctx.logged_page(&inbox.index, &page)
}

fn category(referral: &ReferralRow) -> Option<String> {
    (!referral.category.is_empty()).then(|| format!("code-legal_aid_form-{}", referral.category))
}

/// One referral before it is accepted.
#[derive(Serialize)]
pub struct Show {
    kind: String,
    category: Option<String>,
    sent: String,
    clock: ClockView,
    groups: Vec<&'static str>,
    safety: bool,
    answer: String,
    reasons: Vec<(&'static str, String)>,
    reason_missing: bool,
}

impl Page for Show {
    const TEMPLATE: &'static str = "referrals/show.html";

    fn samples() -> Vec<Self> {
        let page = |reason_missing| Self {
            kind: "referral-legal_aid".to_owned(),
            category: Some("code-legal_aid_form-proceedings".to_owned()),
            sent: time::shown(0),
            clock: clock(Kind::LegalAid, 1, 0),
            groups: vec!["identity", "legal_aid"],
            safety: reason_missing,
            answer: urls::referral_answer(PublicId([1; 16])),
            reasons: reasons(),
            reason_missing,
        };
        vec![page(false), page(true)]
    }
}

fn reasons() -> Vec<(&'static str, String)> {
    REJECTION
        .codes
        .iter()
        .map(|code| (*code, format!("code-{}-{code}", REJECTION.name)))
        .collect()
}

async fn waiting(ctx: &Ctx, id: PublicId, reason_missing: bool) -> Result<HttpResponse, PageError> {
    let waiting = view_referral(ctx.app(), &ctx.actor, id).await?;
    let row = waiting.referral;
    if row.state == State::Accepted.code() {
        return Ok(ctx.see_other(&urls::case(waiting.case), &waiting.index));
    }
    let kind = Kind::parse(&row.kind).ok_or_else(|| PageError::NotFound(String::new()))?;
    let now_ms = ctx.app().clock.now_ms();
    let groups = from_bits(row.groups);
    let page = Show {
        kind: format!("referral-{}", kind.name()),
        category: category(&row),
        sent: time::shown(row.sent_at),
        clock: clock(kind, row.due_at, now_ms),
        safety: groups.iter().any(|group| group.class() == Class::S4),
        groups: referral::shown(&groups),
        answer: urls::referral_answer(id),
        reasons: reasons(),
        reason_missing,
    };
    let status = if reason_missing {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    ctx.page_with(status, Some(&waiting.index), &page)
}

/// `GET /referrals/{referral}`
pub async fn show(ctx: Ctx, path: web::Path<String>) -> Result<HttpResponse, PageError> {
    waiting(&ctx, case_of(&path)?, false).await
}

/// `POST /referrals/{referral}/answer`: accept, or reject with a reason
pub async fn answer(path: web::Path<String>, submission: Submission) -> Result<HttpResponse, PageError> {
    let (ctx, sent) = submission.verified()?;
    let id = case_of(&path)?;
    let first = |name| typed(&sent, name).next().unwrap_or_default();
    let reason = REJECTION.find(first("reason"));
    let verb = match first("answer") {
        "accept" => Verb::Accept,
        "reject" if reason.is_some() => Verb::Reject,
        _ => return waiting(&ctx, id, true).await,
    };
    let change = Change {
        referral: id,
        verb,
        reason: reason.filter(|_| verb == Verb::Reject),
    };
    let (case, index) = answer_referral(ctx.app(), &ctx.actor, &change).await?;
    let to = match verb {
        Verb::Accept => urls::case(case),
        _ => format!("{}?saved=1", urls::REFERRALS),
    };
    Ok(ctx.see_other(&to, &index))
}

/// `POST /referrals/{referral}/closing`
pub async fn close(path: web::Path<String>, submission: Submission) -> Result<HttpResponse, PageError> {
    let (ctx, _) = submission.verified()?;
    let change = Change {
        referral: case_of(&path)?,
        verb: Verb::Close,
        reason: None,
    };
    let (_, index) = answer_referral(ctx.app(), &ctx.actor, &change).await?;
    Ok(ctx.see_other(&format!("{}?saved=1", urls::REFERRALS), &index))
}
