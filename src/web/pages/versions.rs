//! The versions of a part of a case: the list, and one that is opened; class S4 asks for purpose and confirmation first.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde::Serialize;
use serde_json::json;

use super::fields::{FieldView, shown_from};
use super::parts::{PartPath, lacking, title};
use crate::domain::field::typed;
use crate::domain::group::{Class, Group};
use crate::domain::part::Part;
use crate::domain::public_id::PublicId;
use crate::domain::purpose;
use crate::operations::part_history::{History, Wish, part_history};
use crate::operations::request_order::Target;
use crate::web::ctx::Ctx;
use crate::web::error::PageError;
use crate::web::form::Submission;
use crate::web::page::Page;
use crate::web::{time, urls};

/// The versions of a part.
#[derive(Serialize)]
pub struct Versions {
    case: String,
    number: String,
    title: String,
    action: String,
    rows: Vec<Row>,
    open: Option<Open>,
    /// Whether purpose and confirmation are asked for.
    safety: bool,
    purposes: [&'static str; 8],
    chosen: String,
    confirmed: bool,
    faults: Vec<(&'static str, &'static str)>,
}

/// One version of the list.
#[derive(Serialize)]
struct Row {
    version: i64,
    saved: String,
    saved_by: String,
    newest: bool,
    /// When it gave way to a stub.
    redacted: Option<String>,
}

/// The version that is opened.
#[derive(Serialize)]
struct Open {
    version: i64,
    fields: Vec<FieldView>,
    /// The order by which it gave way.
    redacted: Option<String>,
    /// Where it can be asked that it gives way.
    order: Option<String>,
}

impl Page for Versions {
    const TEMPLATE: &'static str = "cases/versions.html";

    fn samples() -> Vec<Self> {
        let id = PublicId([1; 16]);
        let part = Part::Group(Group::Notes);
        let row = |version, newest, redacted: Option<String>| Row {
            version,
            saved: time::shown(0),
            saved_by: "NV-MAU0-0001".to_owned(),
            newest,
            redacted,
        };
        let page = |part: Part, open| Self {
            case: urls::case(id),
            number: "DH-2026-7K3F9Q-2".to_owned(),
            title: title(part),
            action: urls::versions(id, part),
            rows: vec![row(2, true, None), row(1, false, Some(time::shown(0)))],
            open,
            safety: part.group().class() == Class::S4,
            purposes: purpose::PURPOSES,
            chosen: String::new(),
            confirmed: false,
            faults: vec![],
        };
        let open = |redacted: bool| Open {
            version: 1,
            fields: shown_from(part.fields(), &json!({"text": {"known": "Ghi chú mẫu"}})),
            redacted: redacted.then(|| id.to_string()),
            order: (!redacted).then(|| urls::redaction(id, Target { part, version: 1 })),
        };
        let none = Self {
            rows: vec![],
            ..page(part, None)
        };
        let faulty = Self {
            faults: lacking("", false),
            ..page(Part::Group(Group::Safety), None)
        };
        vec![
            none,
            page(part, None),
            page(part, Some(open(false))),
            page(part, Some(open(true))),
            faulty,
        ]
    }
}

fn page(path: &PartPath, history: History) -> Versions {
    let PartPath { id, part } = *path;
    let newest = history.versions.first().map(|known| known.version);
    let gone = |version| {
        let mut versions = history.versions.iter();
        versions.any(|known| known.version == version && known.redacted_at.is_some())
    };
    let open = history.open.as_ref().map(|(version, fields)| Open {
        version: *version,
        fields: shown_from(part.fields(), fields),
        redacted: fields
            .get("redacted")
            .and_then(|order| order.as_str())
            .map(str::to_owned),
        order: (history.may_order && Some(*version) != newest && !gone(*version)).then(|| {
            urls::redaction(
                id,
                Target {
                    part,
                    version: *version,
                },
            )
        }),
    });
    Versions {
        case: urls::case(id),
        number: history.number,
        title: title(part),
        action: urls::versions(id, part),
        open,
        rows: history
            .versions
            .into_iter()
            .map(|known| Row {
                newest: Some(known.version) == newest,
                version: known.version,
                saved: time::shown(known.saved_at),
                saved_by: known.saved_by,
                redacted: known.redacted_at.map(time::shown),
            })
            .collect(),
        safety: part.group().class() == Class::S4,
        purposes: purpose::PURPOSES,
        chosen: String::new(),
        confirmed: false,
        faults: vec![],
    }
}

async fn history(
    ctx: &Ctx,
    path: &PartPath,
    version: Option<i64>,
    purpose: &'static str,
    confirmed: bool,
) -> Result<History, PageError> {
    let wish = Wish {
        part: path.part,
        version,
        purpose,
        confirmed,
    };
    Ok(part_history(ctx.app(), &ctx.actor, path.id, wish).await?)
}

/// `GET` the versions of a part
pub async fn index(ctx: Ctx, path: PartPath) -> Result<HttpResponse, PageError> {
    let found = history(&ctx, &path, None, purpose::usual(ctx.actor.role()), false).await?;
    ctx.logged_page(&found.index.clone(), &page(&path, found))
}

/// `POST` which version to open
pub async fn show(path: PartPath, submission: Submission) -> Result<HttpResponse, PageError> {
    let (ctx, sent) = submission.verified()?;
    let first = |name| typed(&sent, name).next().unwrap_or_default();
    let usual = purpose::usual(ctx.actor.role());
    let safety = path.part.group().class() == Class::S4;
    let chosen = purpose::parse(first("purpose"));
    let confirmed = first("confirmed") == "yes";
    let faults = if safety {
        lacking(chosen.unwrap_or_default(), confirmed)
    } else {
        vec![]
    };
    let version = first("open").parse().ok().filter(|_| faults.is_empty());
    let purpose = chosen.filter(|_| safety && version.is_some()).unwrap_or(usual);
    let found = history(&ctx, &path, version, purpose, confirmed).await?;
    let index = found.index.clone();
    let page = Versions {
        chosen: chosen.unwrap_or_default().to_owned(),
        confirmed,
        faults,
        ..page(&path, found)
    };
    let status = if version.is_some() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    ctx.page_with(status, Some(&index), &page)
}
