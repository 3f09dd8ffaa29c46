//! Acts that take two persons: asking for one, the list, one order with its reason and its answers, the certificate. And the legal hold.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, web};
use serde::Serialize;

use super::cases::case_of;
use super::drafts::{self as draft_pages, Accept, Drafts};
use super::parts::title;
use crate::domain::codes::{CodeList, HOLD_BASIS};
use crate::domain::field::{Typed, typed};
use crate::domain::group::{Class, Group, from_bits};
use crate::domain::order::{Kind, REASON_MOST, State, may_be_handed_over};
use crate::domain::public_id::PublicId;
use crate::domain::text::{self, TextFault};
use crate::operations::answer_order::{Answer, answer_order};
use crate::operations::case_act::CaseActError;
use crate::operations::certify_erasure::certify_erasure;
use crate::operations::drafts::NewForm;
use crate::operations::hold_case::hold_case;
use crate::operations::list_orders::{View, list_orders, view_order};
use crate::operations::request_order::{Request, Target, request_order};
use crate::operations::view_case::{CaseView, OrderRow, Wish, view_case};
use crate::web::ctx::Ctx;
use crate::web::error::PageError;
use crate::web::form::Submission;
use crate::web::page::Page;
use crate::web::{time, urls};

/// What a form of this room asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Order(Kind),
    Hold,
}

impl Asked {
    fn name(self) -> &'static str {
        match self {
            Self::Order(kind) => kind.name(),
            Self::Hold => "hold",
        }
    }

    /// As its drafts know it.
    fn form(self) -> Option<NewForm> {
        match self {
            Self::Order(kind) => Some(NewForm::Order(kind)),
            Self::Hold => None,
        }
    }

    fn bases(self) -> CodeList {
        match self {
            Self::Order(kind) => kind.bases(),
            Self::Hold => HOLD_BASIS,
        }
    }

    fn action(self, id: PublicId) -> String {
        match self {
            Self::Order(kind) => urls::case_orders(id, kind),
            Self::Hold => urls::hold(id),
        }
    }
}

/// The form for an order or a hold.
#[derive(Serialize)]
pub struct New {
    case: String,
    number: String,
    kind: &'static str,
    action: String,
    bases: Vec<(&'static str, String, bool)>,
    /// What was typed; `None` where no reason is asked for.
    reason: Option<String>,
    most: usize,
    /// The version that is to give way: as the address names its part, title of the part, number.
    target: Option<(String, String, i64)>,
    /// For a hand-over, the groups that can be chosen: name, whether it is, whether it is of class S4.
    groups: Vec<(&'static str, bool, bool)>,
    /// Field and message of what is missing.
    missing: Vec<(&'static str, &'static str)>,
    /// Where what is typed is kept; a hold has nothing to type.
    draft: Option<String>,
    drafts: Drafts,
}

impl Page for New {
    const TEMPLATE: &'static str = "orders/new.html";

    fn samples() -> Vec<Self> {
        let id = PublicId([1; 16]);
        let page = |asked, missing| Self {
            missing,
            ..form(id, "DH-2026-7K3F9Q-2".to_owned(), asked, &vec![])
        };
        vec![
            page(Asked::Order(Kind::Erasure), vec![]),
            page(
                Asked::Order(Kind::Erasure),
                vec![("basis", "order-basis-missing"), ("reason", "order-reason-missing")],
            ),
            page(Asked::Order(Kind::Release), vec![("basis", "why-not-held")]),
            New {
                target: Some(("groups/notes".to_owned(), "group-notes".to_owned(), 1)),
                ..page(Asked::Order(Kind::Redaction), vec![])
            },
            page(Asked::Order(Kind::Handover), vec![("groups", "order-groups-missing")]),
            page(Asked::Hold, vec![]),
        ]
    }
}

fn form(id: PublicId, number: String, asked: Asked, sent: &Typed) -> New {
    let first = |name| typed(sent, name).next().unwrap_or_default();
    let list = asked.bases();
    New {
        case: urls::case(id),
        number,
        kind: asked.name(),
        action: asked.action(id),
        bases: list
            .codes
            .iter()
            .map(|code| (*code, format!("code-{}-{code}", list.name), first("basis") == *code))
            .collect(),
        reason: (asked != Asked::Hold).then(|| first("reason").to_owned()),
        most: REASON_MOST,
        target: target(sent).map(|target| {
            let of = first("of").to_owned();
            (of, title(target.part), target.version)
        }),
        groups: match asked {
            Asked::Order(Kind::Handover) => may_be_handed_over()
                .map(|group| {
                    let chosen = typed(sent, "groups").any(|name| name == group.name());
                    (group.name(), chosen, group.class() == Class::S4)
                })
                .collect(),
            Asked::Order(_) | Asked::Hold => vec![],
        },
        missing: vec![],
        draft: asked.form().map(|form| urls::new_draft(id, form)),
        drafts: Drafts::default(),
    }
}

/// The version that a form or an address says is to give way.
fn target(sent: &Typed) -> Option<Target> {
    let part = urls::part_named(typed(sent, "of").next()?)?;
    let version = typed(sent, "content").next()?.parse().ok()?;
    Some(Target { part, version })
}

fn kind_of(text: &str) -> Result<Kind, PageError> {
    Kind::parse(text).ok_or_else(|| PageError::NotFound(String::new()))
}

async fn seen(ctx: &Ctx, id: PublicId) -> Result<CaseView, PageError> {
    let wish = Wish {
        parts: Some(vec![]),
        purpose: "supervision",
        confirmed: false,
    };
    let view = view_case(ctx.app(), &ctx.actor, id.0, &wish).await?;
    if view.may.order {
        Ok(view)
    } else {
        Err(ctx.refused(id).await)
    }
}

/// The form once more with what was typed, which is kept as a draft first.
async fn page(
    ctx: &Ctx,
    id: PublicId,
    asked: Asked,
    sent: &Typed,
    status: StatusCode,
    missing: Vec<(&'static str, &'static str)>,
) -> Result<HttpResponse, PageError> {
    let view = seen(ctx, id).await?;
    let drafts = match asked.form() {
        Some(form) => draft_pages::again_new(ctx, id, form, sent).await?,
        None => Drafts::default(),
    };
    let page = New {
        missing,
        drafts,
        ..form(id, view.case.number, asked, sent)
    };
    ctx.page_with(status, Some(&view.index), &page)
}

/// `GET /cases/{id}/orders/{kind}`
pub async fn new(
    ctx: Ctx,
    path: web::Path<(String, String)>,
    query: web::Query<Typed>,
) -> Result<HttpResponse, PageError> {
    let (id, kind) = (case_of(&path.0)?, kind_of(&path.1)?);
    let view = seen(&ctx, id).await?;
    let first = |name| typed(&query, name).next().map(str::to_owned);
    let asked = draft_pages::Asked {
        draft: first("draft"),
        kept: first("kept"),
        dropped: first("dropped"),
    };
    let chosen = draft_pages::choose_new(&ctx, id, NewForm::Order(kind), &asked).await?;
    let sent = chosen.typed.unwrap_or_else(|| query.into_inner());
    if kind == Kind::Redaction && target(&sent).is_none() {
        // Only the page of a version, or a draft, leads here.
        return Err(ctx.refused(id).await);
    }
    let page = New {
        drafts: chosen.view,
        ..form(id, view.case.number, Asked::Order(kind), &sent)
    };
    ctx.logged_pages(&[&view.index, &chosen.index], &page)
}

/// `POST /cases/{id}/orders/{kind}/draft`
pub async fn keep(
    accept: Accept,
    path: web::Path<(String, String)>,
    submission: Submission,
) -> Result<HttpResponse, PageError> {
    let (ctx, sent) = submission.verified_at_any_age()?;
    let (id, kind) = (case_of(&path.0)?, kind_of(&path.1)?);
    draft_pages::keep_new(&ctx, accept, (id, NewForm::Order(kind)), sent.typed).await
}

/// `GET /cases/{id}/hold`
pub async fn new_hold(ctx: Ctx, path: web::Path<String>) -> Result<HttpResponse, PageError> {
    page(&ctx, case_of(&path)?, Asked::Hold, &vec![], StatusCode::OK, vec![]).await
}

/// `POST /cases/{id}/orders/{kind}`
pub async fn create(path: web::Path<(String, String)>, submission: Submission) -> Result<HttpResponse, PageError> {
    let (ctx, sent) = submission.verified_at_any_age()?;
    let (id, kind) = (case_of(&path.0)?, kind_of(&path.1)?);
    let first = |name| typed(&sent.typed, name).next().unwrap_or_default();
    let basis = kind.bases().find(first("basis"));
    let reason = text::lines(first("reason"), REASON_MOST);
    let mut missing = Vec::new();
    missing.extend(basis.is_none().then_some(("basis", "order-basis-missing")));
    match &reason {
        Ok(reason) if reason.is_empty() => missing.push(("reason", "order-reason-missing")),
        Ok(_) => {}
        Err(TextFault::TooLong { .. }) => missing.push(("reason", "order-reason-long")),
        Err(TextFault::Control) => missing.push(("reason", "order-reason-control")),
    }
    let groups: Vec<Group> = typed(&sent.typed, "groups").filter_map(Group::parse).collect();
    missing.extend((kind == Kind::Handover && groups.is_empty()).then_some(("groups", "order-groups-missing")));
    missing.extend(sent.expired.then_some(("basis", "edit-expired")));
    let asked = Asked::Order(kind);
    let (Some(basis), Ok(reason), true) = (basis, reason, missing.is_empty()) else {
        return page(&ctx, id, asked, &sent.typed, StatusCode::UNPROCESSABLE_ENTITY, missing).await;
    };
    let wish = Request {
        kind,
        basis,
        reason,
        target: target(&sent.typed),
        groups,
    };
    match request_order(ctx.app(), &ctx.actor, id, &wish).await {
        Ok(index) => Ok(ctx.see_other(&format!("{}?saved=1", urls::ORDERS), &index)),
        Err(error) => again(&ctx, id, asked, &sent.typed, error).await,
    }
}

/// `POST /cases/{id}/hold`
pub async fn create_hold(path: web::Path<String>, submission: Submission) -> Result<HttpResponse, PageError> {
    let (ctx, sent) = submission.verified()?;
    let id = case_of(&path)?;
    let basis = HOLD_BASIS.find(typed(&sent, "basis").next().unwrap_or_default());
    let Some(basis) = basis else {
        let (status, missing) = (StatusCode::UNPROCESSABLE_ENTITY, vec![("basis", "order-basis-missing")]);
        return page(&ctx, id, Asked::Hold, &sent, status, missing).await;
    };
    match hold_case(ctx.app(), &ctx.actor, id, basis).await {
        Ok(index) => Ok(ctx.see_other(&format!("{}?saved=1", urls::case(id)), &index)),
        Err(error) => again(&ctx, id, Asked::Hold, &sent, error).await,
    }
}

/// The form with what was typed and the reason why it was not taken.
async fn again(
    ctx: &Ctx,
    id: PublicId,
    asked: Asked,
    sent: &Typed,
    error: CaseActError,
) -> Result<HttpResponse, PageError> {
    let why = match error {
        CaseActError::Refused(why) => why.message(),
        CaseActError::Conflict => "why-not-now",
        other => return Err(other.into()),
    };
    page(ctx, id, asked, sent, StatusCode::CONFLICT, vec![("basis", why)]).await
}

/// The list.
#[derive(Serialize)]
pub struct Index {
    open: Vec<Row>,
    ended: Vec<Row>,
    saved: bool,
}

#[derive(Serialize)]
struct Row {
    url: String,
    number: String,
    kind: String,
    state: String,
    colour: &'static str,
    requested: String,
    /// Message and time of what comes next.
    next: Option<(&'static str, String)>,
}

impl Page for Index {
    const TEMPLATE: &'static str = "orders/index.html";

    fn samples() -> Vec<Self> {
        let row = |state| {
            let order = sample(state);
            Row::new(&order, "DH-2026-7K3F9Q-2".to_owned(), 0)
        };
        vec![
            Self {
                open: vec![],
                ended: vec![],
                saved: false,
            },
            Self {
                open: vec![row(State::Requested), row(State::Agreed), row(State::Started)],
                ended: vec![row(State::Refused), row(State::Withdrawn), row(State::Done)],
                saved: true,
            },
        ]
    }
}

fn sample(state: State) -> OrderRow {
    OrderRow {
        id: vec![1; 16],
        public_id: vec![1; 16],
        kind: Kind::Erasure.name().to_owned(),
        case_id: vec![1; 16],
        basis: "person_asked".to_owned(),
        note: vec![1; 32],
        state: state.code().to_owned(),
        requested_by: vec![1; 16],
        requested_at: 0,
        expires_at: 1,
        decided_by: None,
        decided_at: Some(1),
        due_at: (state == State::Agreed).then_some(1),
        ended_at: Some(2),
        epoch: None,
        version: 1,
        record_id: None,
        group_no: None,
        content: None,
        groups: None,
        mac: vec![],
    }
}

/// Where an order stands for people: message, colour, and what comes next.
pub(super) fn standing(order: &OrderRow, now_ms: i64) -> (String, &'static str, Option<(&'static str, String)>) {
    let state = State::parse(&order.state).unwrap_or(State::Refused);
    let plain = format!("order-state-{}", state.code());
    match state {
        _ if order.has_lapsed(now_ms) => ("order-state-lapsed".to_owned(), "grey", None),
        State::Refused if order.due_at.is_some() => (
            "order-state-stopped".to_owned(),
            "grey",
            order.ended_at.map(|at| ("order-ended", time::shown(at))),
        ),
        State::Requested => (plain, "yellow", Some(("order-expires", time::shown(order.expires_at)))),
        State::Agreed => match order.due_at {
            Some(due) if now_ms >= due => (
                "order-state-due".to_owned(),
                "orange",
                Some(("order-due", time::shown(due))),
            ),
            due => (plain, "blue", due.map(|due| ("order-due", time::shown(due)))),
        },
        State::Started => (plain, "orange", None),
        State::Done => (
            plain,
            "green",
            order.ended_at.map(|at| ("order-ended", time::shown(at))),
        ),
        State::Refused | State::Withdrawn => (plain, "grey", order.ended_at.map(|at| ("order-ended", time::shown(at)))),
    }
}

impl Row {
    fn new(order: &OrderRow, number: String, now_ms: i64) -> Self {
        let (state, colour, next) = standing(order, now_ms);
        Self {
            url: urls::order(id_of(order)),
            number,
            kind: format!("order-kind-{}", order.kind),
            state,
            colour,
            requested: time::shown(order.requested_at),
            next,
        }
    }
}

fn id_of(order: &OrderRow) -> PublicId {
    PublicId(order.public_id.as_slice().try_into().unwrap_or_default())
}

/// What the address may say.
#[derive(serde::Deserialize)]
pub struct Query {
    saved: Option<String>,
}

/// `GET /orders`
pub async fn index(ctx: Ctx, query: web::Query<Query>) -> Result<HttpResponse, PageError> {
    let list = list_orders(ctx.app(), &ctx.actor).await?;
    let now_ms = ctx.app().clock.now_ms();
    let (mut open, mut ended) = (Vec::new(), Vec::new());
    for (order, case) in list.orders {
        let lapsed = order.has_lapsed(now_ms);
        let waits = matches!(
            State::parse(&order.state),
            Some(State::Requested | State::Agreed | State::Started)
        );
        let row = Row::new(&order, case.number, now_ms);
        if waits && !lapsed {
            open.push(row)
        } else {
            ended.push(row)
        }
    }
    let saved = query.saved.is_some();
    ctx.logged_page(&list.index, &Index { open, ended, saved })
}

/// One order.
#[derive(Serialize)]
pub struct Show {
    id: String,
    number: String,
    kind: &'static str,
    state: String,
    colour: &'static str,
    next: Option<(&'static str, String)>,
    basis: String,
    /// Group and number of the version that gives way.
    target: Option<(&'static str, i64)>,
    /// What is handed over.
    groups: Vec<&'static str>,
    reason: String,
    requested: String,
    requested_by: String,
    decided: Option<String>,
    decided_by: Option<String>,
    version: i64,
    agreement: Option<String>,
    refusal: Option<String>,
    withdrawal: Option<String>,
    certificate: Option<String>,
    saved: bool,
}

impl Page for Show {
    const TEMPLATE: &'static str = "orders/show.html";

    fn samples() -> Vec<Self> {
        let page = |state, may_agree, own| {
            let view = View {
                order: sample(state),
                case: sample_case(),
                reason: "Lý do mẫu, hai dòng.\nDòng hai.".to_owned(),
                requested_by: "NV-MAU0-0001".to_owned(),
                decided_by: (state != State::Requested).then(|| "NV-MAU0-0002".to_owned()),
                may_agree,
                own,
                index: String::new(),
            };
            shown(view, 0, own)
        };
        vec![
            page(State::Requested, true, false),
            page(State::Requested, false, true),
            page(State::Agreed, false, true),
            page(State::Done, false, false),
            Show {
                kind: Kind::Redaction.name(),
                target: Some(("notes", 1)),
                certificate: None,
                ..page(State::Done, false, false)
            },
            Show {
                kind: Kind::Handover.name(),
                groups: vec!["identity", "safety"],
                ..page(State::Requested, true, false)
            },
        ]
    }
}

fn sample_case() -> crate::operations::view_case::CaseRow {
    crate::operations::view_case::CaseRow {
        id: vec![1; 16],
        public_id: vec![1; 16],
        number: "DH-2026-7K3F9Q-2".to_owned(),
        person_id: vec![1; 16],
        owner_id: vec![1; 16],
        person_owner_id: vec![1; 16],
        org_id: vec![1; 16],
        state: "open".to_owned(),
        urgent: false,
        assigned: true,
        opened_at: 0,
        version: 1,
        mac: vec![],
    }
}

fn shown(view: View, now_ms: i64, saved: bool) -> Show {
    let order = view.order;
    let (state, colour, next) = standing(&order, now_ms);
    let kind = Kind::parse(&order.kind).unwrap_or(Kind::Erasure);
    let now = State::parse(&order.state);
    let waits = now == Some(State::Requested) && !order.has_lapsed(now_ms);
    let stoppable = now == Some(State::Agreed) || (now == Some(State::Started) && kind == Kind::Handover);
    let stoppable = waits || (stoppable && !order.has_lapsed(now_ms));
    let id = id_of(&order);
    let done = kind == Kind::Erasure && now == Some(State::Done);
    Show {
        id: id.to_string(),
        number: view.case.number,
        kind: kind.name(),
        state,
        colour,
        next,
        basis: format!("code-{}-{}", kind.bases().name, order.basis),
        target: order
            .group_no
            .and_then(|group| Group::from_number(u16::try_from(group).ok()?))
            .map(Group::name)
            .zip(order.content),
        groups: from_bits(order.groups.unwrap_or_default())
            .into_iter()
            .map(Group::name)
            .collect(),
        reason: view.reason,
        requested: time::shown(order.requested_at),
        requested_by: view.requested_by,
        decided: view.decided_by.as_ref().and(order.decided_at).map(time::shown),
        decided_by: view.decided_by,
        version: order.version,
        agreement: (view.may_agree && waits).then(|| urls::order_agreement(id)),
        refusal: (view.may_agree && stoppable).then(|| urls::order_refusal(id)),
        withdrawal: (view.own && stoppable).then(|| urls::order_withdrawal(id)),
        certificate: done.then(|| urls::order_certificate(id)),
        saved,
    }
}

/// `GET /orders/{order}`
pub async fn show(ctx: Ctx, path: web::Path<String>, query: web::Query<Query>) -> Result<HttpResponse, PageError> {
    let view = view_order(ctx.app(), &ctx.actor, case_of(&path)?).await?;
    let index = view.index.clone();
    let page = shown(view, ctx.app().clock.now_ms(), query.saved.is_some());
    ctx.logged_page(&index, &page)
}

async fn answer(path: web::Path<String>, submission: Submission, answer: Answer) -> Result<HttpResponse, PageError> {
    let (ctx, sent) = submission.verified()?;
    let id = case_of(&path)?;
    let version = typed(&sent, "version").next().and_then(|text| text.parse().ok());
    let index = answer_order(ctx.app(), &ctx.actor, id, version.unwrap_or_default(), answer).await?;
    Ok(ctx.see_other(&format!("{}?saved=1", urls::order(id)), &index))
}

/// `POST /orders/{order}/agreement`
pub async fn agree(path: web::Path<String>, submission: Submission) -> Result<HttpResponse, PageError> {
    answer(path, submission, Answer::Agree).await
}

/// `POST /orders/{order}/refusal`
pub async fn refuse(path: web::Path<String>, submission: Submission) -> Result<HttpResponse, PageError> {
    answer(path, submission, Answer::Refuse).await
}

/// `POST /orders/{order}/withdrawal`
pub async fn withdraw(path: web::Path<String>, submission: Submission) -> Result<HttpResponse, PageError> {
    answer(path, submission, Answer::Withdraw).await
}

/// `GET /orders/{order}/certificate`
pub async fn certificate(ctx: Ctx, path: web::Path<String>) -> Result<HttpResponse, PageError> {
    let id = case_of(&path)?;
    let certificate = certify_erasure(ctx.app(), &ctx.actor, id).await?;
    Ok(HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .insert_header((
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"erasure-{id}.txt\""),
        ))
        .insert_header(("X-Log-Index", certificate.index))
        .body(certificate.note))
}
