//! One case: its stages, its groups, its clocks and the people who work on it.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::Serialize;
use serde_json::json;

use super::case_of;
use super::clock::ClockView;
use super::stages::{ConsentView, Stage, consents, stages};
use super::timeline::{Event, timeline};
use crate::domain::codes::HOLD_BASIS;
use crate::domain::deadline::Deadline;
use crate::domain::field::{Typed, typed};
use crate::domain::group::{Class, Group};
use crate::domain::order;
use crate::domain::part::Part;
use crate::domain::public_id::PublicId;
use crate::domain::purpose;
use crate::domain::refusal::Why;
use crate::operations::case_act::CLOSED;
use crate::operations::drafts::{self, CaseForm, NewForm};
use crate::operations::view_case::{CaseView, Clock, Wish, view_case};
use crate::web::ctx::Ctx;
use crate::web::error::PageError;
use crate::web::page::Page;
use crate::web::pages::drafts as draft_pages;
use crate::web::pages::fields::{FieldView, shown_from};
use crate::web::pages::orders::standing;
use crate::web::pages::parts::title;
use crate::web::{time, urls};

/// One case.
#[derive(Serialize)]
pub struct Show {
    number: String,
    opened: Option<String>,
    urgent: bool,
    closed: bool,
    team: Option<Vec<String>>,
    clocks: Vec<ClockView>,
    stages: Vec<Stage>,
    groups: Vec<GroupView>,
    locked: Vec<Locked>,
    missing: Vec<(String, &'static str)>,
    consents: Vec<ConsentView>,
    new_consent: Option<String>,
    take: Option<String>,
    guard: Option<Guard>,
    /// What everybody who works on the case has to know: message, basis or time.
    held: Option<String>,
    erasure: Option<ErasureView>,
    attachments: String,
    timeline: Vec<Event>,
    /// The `id` of a field and what is wrong with it.
    faults: Vec<(String, String)>,
    /// Title, address and time of what is typed and not saved.
    drafts: Vec<(String, String, String)>,
    /// The section that was saved just now, as `id` of its heading; `1` for the case as a whole.
    saved: String,
    dropped: bool,
}

/// An erasure that is under way.
#[derive(Serialize)]
pub struct ErasureView {
    /// Message of where it stands.
    state: String,
    /// Message and time of what comes next.
    next: Option<(&'static str, String)>,
}

/// The orders that can be asked for.
#[derive(Serialize)]
pub struct Guard {
    hold: String,
    erasure: String,
    handover: String,
    release: String,
}

impl Guard {
    fn new(id: PublicId) -> Self {
        Self {
            hold: urls::hold(id),
            erasure: urls::case_orders(id, order::Kind::Erasure),
            handover: urls::case_orders(id, order::Kind::Handover),
            release: urls::case_orders(id, order::Kind::Release),
        }
    }
}

/// An opened group on the page.
#[derive(Serialize)]
pub struct GroupView {
    name: &'static str,
    saved: String,
    edit: Option<String>,
    fields: Vec<FieldView>,
}

/// A group that needs purpose and confirmation.
#[derive(Serialize)]
pub struct Locked {
    name: &'static str,
    opening: String,
}

impl Page for Show {
    const TEMPLATE: &'static str = "cases/show.html";

    fn samples() -> Vec<Self> {
        let id = PublicId([1; 16]);
        let stored = json!({"full_name": {"known": "Đặng Thị Ánh Nguyệt (mẫu)"}, "birth": {"known": "1999-03~"},
            "sex": {"known": "female"}, "alias": "declined", "age_band": "unknown"});
        let clock = |due_at, met_at| {
            let code = "XM_BAN_DAU".to_owned();
            ClockView::new(
                &Clock {
                    code,
                    started_at: Some(61_200_000),
                    due_at,
                    met_at,
                    of_referral: false,
                },
                0,
            )
        };
        let page = |editable: bool| Self {
            number: "DH-2026-7K3F9Q-2".to_owned(),
            opened: editable.then(|| time::shown(0)),
            urgent: editable,
            closed: !editable,
            team: Some(if editable {
                vec!["NV-MAU0-0001".to_owned()]
            } else {
                vec![]
            }),
            clocks: vec![
                clock(-1, None).met_at(editable.then(|| urls::deadline(id, "XM_BAN_DAU"))),
                clock(1, None)
                    .met_at(editable.then(|| urls::deadline(id, "TE_CAN_THIEP")))
                    .faulty("31/02/2026", "Lỗi mẫu".to_owned()),
                clock(1, None).unmet(),
                clock(90_000_000, None),
                clock(-1, Some(-2)).resumed_at(editable.then(|| urls::resumption(id, "XM_BAN_DAU"))),
            ],
            stages: Stage::samples(editable),
            groups: Group::with_section()
                .map(|group| GroupView {
                    name: group.name(),
                    saved: time::shown(0),
                    edit: editable.then(|| urls::part(id, Part::Group(group))),
                    fields: shown_from(group.fields(), &stored),
                })
                .collect(),
            locked: vec![Locked {
                name: "safety",
                opening: urls::part(id, Part::Group(Group::Safety)),
            }],
            missing: vec![(urls::part(id, Part::Group(Group::Notes)), "notes")],
            consents: ConsentView::samples(editable),
            new_consent: editable.then(|| urls::new_consent(id)),
            take: (!editable).then(|| urls::assignment(id)),
            guard: Some(Guard::new(id)),
            held: Some(held(if editable { "court_order" } else { "" })),
            erasure: editable.then(|| ErasureView {
                state: "order-state-agreed".to_owned(),
                next: Some(("order-due", time::shown(0))),
            }),
            attachments: urls::attachments(id),
            timeline: Event::samples(),
            faults: vec![("met-TE_CAN_THIEP".to_owned(), "Lỗi mẫu".to_owned())],
            drafts: vec![(
                title(Part::Group(Group::Notes)),
                urls::part(id, Part::Group(Group::Notes)),
                time::shown_to_the_second(0),
            )],
            saved: if editable { "g-identity" } else { "1" }.to_owned(),
            dropped: editable,
        };
        let receiver = Self {
            team: None,
            held: None,
            saved: "s-legal_aid".to_owned(),
            guard: None,
            clocks: vec![],
            timeline: vec![],
            consents: vec![],
            ..page(false)
        };
        vec![page(true), page(false), receiver]
    }
}

/// What the address may say.
#[derive(serde::Deserialize, Default)]
pub struct ShowQuery {
    saved: Option<String>,
    dropped: Option<String>,
}

/// `GET /cases/{id}`
pub async fn show(ctx: Ctx, path: web::Path<String>, query: web::Query<ShowQuery>) -> Result<HttpResponse, PageError> {
    let id = case_of(&path)?;
    let (index, page) = read(&ctx, id, &query).await?;
    ctx.logged_page(&index, &page)
}

/// The page once more, with what is wrong with the day typed for a clock.
pub(super) async fn with_fault(
    ctx: &Ctx,
    id: PublicId,
    clock: &Deadline,
    form: &Typed,
    (key, numbers): (&'static str, Vec<(&'static str, usize)>),
) -> Result<HttpResponse, PageError> {
    let (index, mut page) = read(ctx, id, &ShowQuery::default()).await?;
    let day = typed(form, "met_on").next().unwrap_or_default();
    let fault = ctx.wording().with(key, &numbers);
    let mark = |shown: ClockView| match shown.is(&clock.code) {
        true => shown.faulty(day, fault.clone()),
        false => shown,
    };
    page.faults = vec![(format!("met-{}", clock.code), fault.clone())];
    page.clocks = page.clocks.into_iter().map(mark).collect();
    ctx.page_with(StatusCode::UNPROCESSABLE_ENTITY, Some(&index), &page)
}

/// The page once more, because a step goes back only with a reason.
pub(in crate::web::pages) async fn without_reason(
    ctx: &Ctx,
    id: PublicId,
    step: PublicId,
) -> Result<HttpResponse, PageError> {
    let (index, mut page) = read(ctx, id, &ShowQuery::default()).await?;
    let text = ctx.wording().text("return-reason-missing");
    let fields = page.stages.iter_mut().filter_map(|stage| stage.without_reason(step));
    page.faults = fields.map(|field| (field, text.clone())).collect();
    if page.faults.is_empty() {
        // Meanwhile somebody else decided.
        return Err(PageError::Refused(Why::NotNow));
    }
    ctx.page_with(StatusCode::UNPROCESSABLE_ENTITY, Some(&index), &page)
}

async fn read(ctx: &Ctx, id: PublicId, query: &ShowQuery) -> Result<(String, Show), PageError> {
    let wish = Wish {
        parts: None,
        purpose: purpose::usual(ctx.actor.role()),
        confirmed: false,
    };
    let view = view_case(ctx.app(), &ctx.actor, id.0, &wish).await?;
    let index = view.index.clone();
    let kept = drafts::of_case(ctx.app(), &ctx.actor, id).await?;
    let page = Show {
        drafts: kept
            .iter()
            .map(|kept| {
                let (title, at) = match kept.form {
                    CaseForm::Part(part) => (title(part), urls::part(id, part)),
                    CaseForm::New(form) => (form_title(form), urls::new_form(id, form)),
                };
                let address = draft_pages::address(&at, kept.kept.sheet.id);
                (title, address, time::shown_to_the_second(kept.kept.saved_at))
            })
            .collect(),
        saved: query.saved.clone().unwrap_or_default(),
        dropped: query.dropped.is_some(),
        ..page(ctx, id, &view)
    };
    Ok((index, page))
}

/// Message of the name of a form.
fn form_title(form: NewForm) -> String {
    match form {
        NewForm::Consent => "consent-title".to_owned(),
        NewForm::Order(kind) => format!("order-kind-{}", kind.name()),
        NewForm::Referral(kind) => format!("refer-{}", kind.name()),
    }
}

/// Message of the basis of a hold.
fn held(basis: &str) -> String {
    match HOLD_BASIS.find(basis) {
        Some(basis) => format!("code-{}-{basis}", HOLD_BASIS.name),
        None => "guard-held-edited".to_owned(),
    }
}

fn page(ctx: &Ctx, id: PublicId, view: &CaseView) -> Show {
    let now_ms = ctx.app().clock.now_ms();
    let closed = view.case.state == CLOSED;
    let editable = view.may.edit && !closed;
    let there: Vec<Part> = view
        .open
        .iter()
        .map(|open| open.part)
        .chain(view.closed.iter().copied())
        .collect();
    let own = |part: &Part| match part {
        Part::Group(group) => Some(*group),
        _ => None,
    };
    let groups = view.open.iter().filter_map(|open| {
        let group = own(&open.part)?;
        Some(GroupView {
            name: group.name(),
            saved: time::shown(open.saved_at),
            edit: editable.then(|| urls::part(id, open.part)),
            fields: shown_from(group.fields(), &open.fields),
        })
    });
    let locked = view
        .closed
        .iter()
        .filter_map(own)
        .filter(|group| group.class() == Class::S4);
    Show {
        number: view.case.number.clone(),
        opened: (!ctx.is_receiver()).then(|| time::shown(view.case.opened_at)),
        // Whether somebody is in danger is the person's own; a receiver sees only what is listed.
        urgent: view.case.urgent && !closed && !ctx.is_receiver(),
        closed,
        team: (!ctx.is_receiver()).then(|| view.team.clone()),
        clocks: view
            .deadlines
            .iter()
            .map(|clock| {
                let own = editable && !clock.of_referral;
                let shown = ClockView::new(clock, now_ms)
                    .met_at((own && clock.met_at.is_none()).then(|| urls::deadline(id, &clock.code)))
                    .resumed_at((own && clock.met_at.is_some()).then(|| urls::resumption(id, &clock.code)));
                if closed { shown.unmet() } else { shown }
            })
            .collect(),
        stages: stages(ctx, id, view, editable),
        groups: groups.collect(),
        locked: locked
            .map(|group| Locked {
                name: group.name(),
                opening: urls::part(id, Part::Group(group)),
            })
            .collect(),
        missing: Group::with_section()
            .map(Part::Group)
            .filter(|part| editable && !there.contains(part))
            .map(|part| (urls::part(id, part), part.name()))
            .collect(),
        consents: consents(id, view, editable),
        new_consent: editable.then(|| urls::new_consent(id)),
        take: (view.may.take && !view.may.edit).then(|| urls::assignment(id)),
        guard: view.may.order.then(|| Guard::new(id)),
        held: view.fate.held.as_deref().map(held),
        erasure: view.fate.erasure.as_ref().map(|order| {
            let (state, _, next) = standing(order, now_ms);
            ErasureView { state, next }
        }),
        attachments: urls::attachments(id),
        timeline: if ctx.is_receiver() { vec![] } else { timeline(view) },
        faults: vec![],
        drafts: vec![],
        saved: String::new(),
        dropped: false,
    }
}
