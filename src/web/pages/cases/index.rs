//! The list of cases: numbers and clocks, and names only after *reveal*.

use actix_web::{HttpResponse, web};
use serde::Serialize;

use super::clock::ClockView;
use crate::domain::field::typed;
use crate::domain::public_id::PublicId;
use crate::domain::purpose;
use crate::operations::case_act::CLOSED;
use crate::operations::drafts;
use crate::operations::list_cases::{DAY_MS, Listed, list_cases};
use crate::operations::reveal_names::reveal_names;
use crate::operations::view_case::Clock;
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
    new: usize,
    older: Option<String>,
    before: Option<String>,
    revealed: bool,
    unnamed_purpose: bool,
    purposes: [&'static str; 8],
    may_take_in: bool,
    /// How many intakes are typed and not sent.
    drafts: usize,
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
    new: bool,
    closed: bool,
    waits: bool,
    returned: bool,
    clock: Option<ClockView>,
}

impl Page for Index {
    const TEMPLATE: &'static str = "cases/index.html";

    fn samples() -> Vec<Self> {
        let clock = |due_at| Clock {
            code: "TN_THONG_BAO_SYT".to_owned(),
            started_at: None,
            due_at,
            met_at: None,
            of_referral: false,
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
            new: due_at == 1,
            closed: due_at > 10,
            waits: due_at < 0,
            returned: due_at == 1,
            clock: Some(ClockView::new(&clock(due_at), 0)),
        };
        let page = |rows: Vec<Row>, revealed| Self {
            overdue: 1,
            due: 1,
            new: 1,
            rows,
            older: Some(PublicId([1; 16]).to_string()),
            before: Some(PublicId([2; 16]).to_string()),
            revealed,
            unnamed_purpose: !revealed,
            purposes: purpose::PURPOSES,
            may_take_in: true,
            drafts: 2,
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
    let before = query.before.as_deref().map(super::case_of).transpose()?;
    let list = list_cases(ctx.app(), &ctx.actor, before).await?;
    let page = Index {
        drafts: drafts::of_form(ctx.app(), &ctx.actor, drafts::INTAKE).await?.len(),
        ..listing(&ctx, list.listed, list.older, before)
    };
    ctx.logged_page(&list.index, &page)
}

/// Which page of the list.
#[derive(serde::Deserialize)]
pub struct Before {
    before: Option<String>,
}

/// `POST /cases/names`: the same page with names, after a purpose was chosen.
pub async fn names(submission: Submission) -> Result<HttpResponse, PageError> {
    let (ctx, form) = submission.verified()?;
    let before = typed(&form, "before").next().and_then(PublicId::parse);
    let purpose = typed(&form, "purpose").next().and_then(purpose::parse);
    let Some(purpose) = purpose else {
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

fn listing(ctx: &Ctx, listed: Vec<Listed>, older: Option<PublicId>, before: Option<PublicId>) -> Index {
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
        new: rows.iter().filter(|row| row.new).count(),
        older: older.map(|id| id.to_string()),
        before: before.map(|id| id.to_string()),
        revealed: false,
        unnamed_purpose: false,
        purposes: purpose::PURPOSES,
        may_take_in: ctx.actor.role() == crate::domain::role::Role::SocialWorker,
        drafts: 0,
        rows,
    }
}

/// Overdue and due first, then the newest; what is closed comes last.
fn sort_key(listed: &Listed, now_ms: i64) -> i64 {
    match &listed.next {
        _ if listed.case.state == CLOSED => i64::MAX - listed.case.opened_at / 1000,
        Some(clock) if clock.due_at < now_ms + DAY_MS => clock.due_at - 4_000_000_000_000,
        _ => -listed.case.opened_at / 1000,
    }
}

fn row(listed: &Listed, now_ms: i64) -> Row {
    let case = &listed.case;
    Row {
        id: case.id.clone(),
        url: urls::case(PublicId(case.public_id.as_slice().try_into().unwrap_or_default())),
        number: case.number.clone(),
        name: None,
        opened: time::shown(case.opened_at),
        opened_machine: time::machine(case.opened_at),
        urgent: case.urgent && case.state != CLOSED,
        assigned: case.assigned,
        new: case.opened_at > now_ms - DAY_MS && case.state != CLOSED,
        closed: case.state == CLOSED,
        waits: listed.waits,
        returned: listed.returned,
        clock: listed
            .next
            .as_ref()
            .filter(|_| case.state != CLOSED)
            .map(|clock| ClockView::new(clock, now_ms)),
    }
}
