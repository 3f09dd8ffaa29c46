//! The list of cases and one case.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use serde_json::json;

use super::fields::{FieldView, from_stored};
use crate::domain::deadline;
use crate::domain::field::typed;
use crate::domain::group::{Class, Group};
use crate::domain::public_id::PublicId;
use crate::domain::purpose;
use crate::operations::list_cases::{Listed, list_cases};
use crate::operations::meet_deadline::meet_deadline;
use crate::operations::reveal_names::reveal_names;
use crate::operations::take_case::take_case;
use crate::operations::view_case::{CaseView, Clock, Wish, view_case};
use crate::web::ctx::Ctx;
use crate::web::error::PageError;
use crate::web::form::Submission;
use crate::web::page::Page;
use crate::web::{time, urls};

/// The list: numbers and clocks; names only after *reveal*.
#[derive(Serialize)]
pub struct Index {
    rows: Vec<Row>,
    overdue: usize,
    due: usize,
    older: Option<i64>,
    before: Option<i64>,
    revealed: bool,
    unnamed_purpose: bool,
    purposes: [&'static str; 8],
    may_take_in: bool,
}

#[derive(Serialize, Clone)]
struct Row {
    #[serde(skip)]
    id: Vec<u8>,
    url: String,
    number: String,
    name: Option<String>,
    opened: String,
    opened_machine: String,
    urgent: bool,
    assigned: bool,
    state: String,
    clock: Option<ClockView>,
}

/// A clock with its colour.
#[derive(Serialize, Clone)]
pub struct ClockView {
    code: String,
    due: String,
    due_machine: String,
    met: bool,
    /// `overdue`, `due` (within a day) or `ok`.
    state: &'static str,
    source: String,
    meet: Option<String>,
}

impl ClockView {
    fn new(clock: &Clock, now_ms: i64) -> Self {
        let left = clock.due_at - now_ms;
        let state = match left {
            _ if clock.met_at.is_some() => "ok",
            ..0 => "overdue",
            0..86_400_000 => "due",
            _ => "ok",
        };
        Self {
            code: clock.code.clone(),
            due: time::shown(clock.due_at),
            due_machine: time::machine(clock.due_at),
            met: clock.met_at.is_some(),
            state,
            source: deadline::find(&clock.code)
                .map(|known| known.source.clone())
                .unwrap_or_default(),
            meet: None,
        }
    }
}

impl Page for Index {
    const TEMPLATE: &'static str = "cases/index.html";

    fn samples() -> Vec<Self> {
        let clock = |due_at| Clock {
            code: "TN_THONG_BAO_SYT".to_owned(),
            due_at,
            met_at: None,
        };
        let row = |due_at, name: Option<&str>| Row {
            id: Vec::new(),
            url: urls::case(PublicId([1; 16])),
            number: "DH-2026-7K3F9Q-2".to_owned(),
            name: name.map(str::to_owned),
            opened: time::shown(0),
            opened_machine: time::machine(0),
            urgent: true,
            assigned: due_at > 0,
            state: "open".to_owned(),
            clock: Some(ClockView::new(&clock(due_at), 0)),
        };
        let page = |rows: Vec<Row>, revealed| Self {
            overdue: 1,
            due: 1,
            rows,
            older: Some(1),
            before: Some(2),
            revealed,
            unnamed_purpose: !revealed,
            purposes: purpose::PURPOSES,
            may_take_in: true,
        };
        vec![
            page(vec![], false),
            page(vec![row(-1, None), row(1, None), row(90_000_000, None)], false),
            page(vec![row(-1, Some("Đặng Thị Ánh Nguyệt (mẫu)")), row(1, None)], true),
        ]
    }
}

/// `GET /cases`
pub async fn index(ctx: Ctx, query: web::Query<Before>) -> Result<HttpResponse, PageError> {
    let list = list_cases(ctx.app(), &ctx.actor, query.before).await?;
    let page = listing(&ctx, list.listed, list.older, query.before);
    ctx.logged_page(&list.index, &page)
}

/// Which page of the list.
#[derive(serde::Deserialize)]
pub struct Before {
    before: Option<i64>,
}

/// `POST /cases/names`: the same page with names, after a purpose was chosen.
pub async fn names(submission: Submission) -> Result<HttpResponse, PageError> {
    let (ctx, form) = submission.verified()?;
    let before = typed(&form.typed, "before").next().and_then(|text| text.parse().ok());
    let purpose = typed(&form.typed, "purpose").next().and_then(purpose::parse);
    let Some(purpose) = purpose.filter(|_| !form.expired) else {
        let list = list_cases(ctx.app(), &ctx.actor, before).await?;
        let page = Index {
            unnamed_purpose: true,
            ..listing(&ctx, list.listed, list.older, before)
        };
        return ctx.page_with(
            actix_web::http::StatusCode::UNPROCESSABLE_ENTITY,
            Some(&list.index),
            &page,
        );
    };
    let revealed = reveal_names(ctx.app(), &ctx.actor, before, purpose).await?;
    let mut page = listing(&ctx, revealed.listed, revealed.older, before);
    page.revealed = true;
    for row in &mut page.rows {
        row.name = revealed.names.get(&row.id).cloned();
    }
    ctx.logged_page(&revealed.index, &page)
}

fn listing(ctx: &Ctx, listed: Vec<Listed>, older: Option<i64>, before: Option<i64>) -> Index {
    let now_ms = ctx.app().clock.now_ms();
    let mut rows: Vec<(i64, Row)> = listed
        .into_iter()
        .map(|listed| (sort_key(&listed, now_ms), row(&listed, now_ms)))
        .collect();
    rows.sort_by_key(|(key, _)| *key);
    let rows: Vec<Row> = rows.into_iter().map(|(_, row)| row).collect();
    let count = |state| {
        rows.iter()
            .filter(|row| row.clock.as_ref().is_some_and(|clock| clock.state == state))
            .count()
    };
    Index {
        overdue: count("overdue"),
        due: count("due"),
        older,
        before,
        revealed: false,
        unnamed_purpose: false,
        purposes: purpose::PURPOSES,
        may_take_in: ctx.actor.role() == crate::domain::role::Role::SocialWorker,
        rows,
    }
}

/// Overdue and due first, then the newest.
fn sort_key(listed: &Listed, now_ms: i64) -> i64 {
    match &listed.next {
        Some(clock) if clock.due_at < now_ms + 86_400_000 => clock.due_at - 4_000_000_000_000,
        _ => -listed.case.opened_at / 1000,
    }
}

fn row(listed: &Listed, now_ms: i64) -> Row {
    let case = &listed.case;
    Row {
        id: case.id.clone(),
        url: urls::case(public_id(&case.public_id)),
        number: case.number.clone(),
        name: None,
        opened: time::shown(case.opened_at),
        opened_machine: time::machine(case.opened_at),
        urgent: case.urgent,
        assigned: case.assigned,
        state: case.state.clone(),
        clock: listed.next.as_ref().map(|clock| ClockView::new(clock, now_ms)),
    }
}

fn public_id(bytes: &[u8]) -> PublicId {
    PublicId(bytes.try_into().unwrap_or_default())
}

/// One case.
#[derive(Serialize)]
pub struct Show {
    number: String,
    opened: String,
    urgent: bool,
    team: Vec<String>,
    clocks: Vec<ClockView>,
    groups: Vec<GroupView>,
    closed: Vec<Closed>,
    missing: Vec<(String, &'static str)>,
    take: Option<String>,
    editable: bool,
    saved: bool,
    purposes: [&'static str; 8],
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
pub struct Closed {
    name: &'static str,
    opening: String,
}

impl Page for Show {
    const TEMPLATE: &'static str = "cases/show.html";

    fn samples() -> Vec<Self> {
        let stored = json!({"full_name": {"known": "Đặng Thị Ánh Nguyệt (mẫu)"}, "birth": {"known": "1999-03~"},
            "sex": {"known": "female"}, "alias": "declined", "age_band": "unknown"});
        let clock = |due_at, met_at| {
            ClockView::new(
                &Clock {
                    code: "XM_BAN_DAU".to_owned(),
                    due_at,
                    met_at,
                },
                0,
            )
        };
        let page = |editable| Self {
            number: "DH-2026-7K3F9Q-2".to_owned(),
            opened: time::shown(0),
            urgent: editable,
            team: if editable {
                vec!["NV-MAU0-0001".to_owned()]
            } else {
                vec![]
            },
            clocks: vec![
                ClockView {
                    meet: editable.then(|| urls::deadline(PublicId([1; 16]), "XM_BAN_DAU")),
                    ..clock(-1, None)
                },
                clock(1, None),
                clock(90_000_000, None),
                clock(-1, Some(-2)),
            ],
            groups: Group::with_section()
                .map(|group| GroupView {
                    name: group.name(),
                    saved: time::shown(0),
                    edit: editable.then(|| urls::group(PublicId([1; 16]), group)),
                    fields: from_stored(group.fields(), &stored),
                })
                .collect(),
            closed: vec![Closed {
                name: "safety",
                opening: urls::group(PublicId([1; 16]), Group::Safety),
            }],
            missing: vec![(urls::group(PublicId([1; 16]), Group::Notes), "notes")],
            take: (!editable).then(|| urls::assignment(PublicId([1; 16]))),
            editable,
            saved: editable,
            purposes: purpose::PURPOSES,
        };
        vec![page(true), page(false)]
    }
}

/// What the address may say.
#[derive(serde::Deserialize)]
pub struct ShowQuery {
    saved: Option<String>,
}

/// `GET /cases/{id}`
pub async fn show(ctx: Ctx, path: web::Path<String>, query: web::Query<ShowQuery>) -> Result<HttpResponse, PageError> {
    let id = PublicId::parse(&path).ok_or_else(|| PageError::NotFound(String::new()))?;
    let purpose = if ctx.actor.role() == crate::domain::role::Role::Supervisor {
        "supervision"
    } else {
        "case_work"
    };
    let wish = Wish {
        groups: None,
        purpose,
        confirmed: false,
    };
    let view = view_case(ctx.app(), &ctx.actor, id.0, &wish).await?;
    let index = view.index.clone();
    ctx.logged_page(&index, &page(&ctx, id, view, query.saved.is_some()))
}

/// A case view as a page.
pub fn page(ctx: &Ctx, id: PublicId, view: CaseView, saved: bool) -> Show {
    let now_ms = ctx.app().clock.now_ms();
    let there: Vec<Group> = view
        .groups
        .iter()
        .map(|open| open.group)
        .chain(view.closed.iter().copied())
        .collect();
    let editable = view.editable;
    Show {
        number: view.case.number,
        opened: time::shown(view.case.opened_at),
        urgent: view.case.urgent,
        team: view.team,
        clocks: view
            .deadlines
            .iter()
            .map(|clock| ClockView {
                meet: (editable && clock.met_at.is_none()).then(|| urls::deadline(id, &clock.code)),
                ..ClockView::new(clock, now_ms)
            })
            .collect(),
        closed: view
            .closed
            .iter()
            .filter(|group| group.class() == Class::S4)
            .map(|group| Closed {
                name: group.name(),
                opening: urls::group(id, *group),
            })
            .collect(),
        missing: Group::with_section()
            .filter(|group| editable && !there.contains(group))
            .map(|group| (urls::group(id, group), group.name()))
            .collect(),
        groups: view
            .groups
            .into_iter()
            .map(|open| GroupView {
                name: open.group.name(),
                saved: time::shown(open.saved_at),
                edit: editable.then(|| urls::group(id, open.group)),
                fields: from_stored(open.group.fields(), &open.fields),
            })
            .collect(),
        take: view.may_take.then(|| urls::assignment(id)).filter(|_| !editable),
        editable,
        saved,
        purposes: purpose::PURPOSES,
    }
}

/// `POST /cases/{id}/assignment`
pub async fn take(path: web::Path<String>, submission: Submission) -> Result<HttpResponse, PageError> {
    let (ctx, _) = submission.verified()?;
    let id = PublicId::parse(&path).ok_or_else(|| PageError::NotFound(String::new()))?;
    let index = take_case(ctx.app(), &ctx.actor, id).await?;
    Ok(ctx.see_other(&urls::case(id), &index))
}

/// `POST /cases/{id}/deadlines/{clock}`
pub async fn meet(path: web::Path<(String, String)>, submission: Submission) -> Result<HttpResponse, PageError> {
    let (ctx, _) = submission.verified()?;
    let known = PublicId::parse(&path.0).zip(deadline::find(&path.1));
    let (id, met) = known.ok_or_else(|| PageError::NotFound(String::new()))?;
    let index = meet_deadline(ctx.app(), &ctx.actor, id, met).await?;
    Ok(ctx.see_other(&format!("{}?saved=1", urls::case(id)), &index))
}
