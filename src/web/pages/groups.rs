//! One group of a case as a form; class S4 opens only after a purpose and a second confirmation.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::Serialize;
use serde_json::{Value, json};

use super::fields::{FieldView, from_stored, from_typed};
use crate::domain::field::{self, Fault, Typed, typed};
use crate::domain::group::{Class, Group};
use crate::domain::public_id::PublicId;
use crate::domain::purpose;
use crate::operations::drafts;
use crate::operations::save_group::{Save, SaveGroupError, save_group};
use crate::operations::view_case::{Wish, view_case};
use crate::web::ctx::Ctx;
use crate::web::error::PageError;
use crate::web::form::Submission;
use crate::web::page::Page;
use crate::web::urls;

/// The form of a group.
#[derive(Serialize)]
pub struct Edit {
    case: String,
    number: String,
    group: &'static str,
    action: String,
    version: i64,
    purpose: String,
    confirmed: bool,
    fields: Vec<FieldView>,
    faults: Vec<(&'static str, String)>,
    conflict: Option<Vec<Changed>>,
    expired: bool,
    from_draft: bool,
    editable: bool,
}

/// A field in which a colleague's version differs from what was typed.
#[derive(Serialize)]
pub struct Changed {
    name: &'static str,
    theirs: FieldView,
}

impl Page for Edit {
    const TEMPLATE: &'static str = "cases/edit_group.html";

    fn samples() -> Vec<Self> {
        let page = |group: Group| Self {
            case: urls::case(PublicId([1; 16])),
            number: "DH-2026-7K3F9Q-2".to_owned(),
            group: group.name(),
            action: urls::group(PublicId([1; 16]), group),
            version: 1,
            purpose: "case_work".to_owned(),
            confirmed: group.class() == Class::S4,
            fields: from_stored(group.fields(), &json!({})),
            faults: vec![],
            conflict: None,
            expired: false,
            from_draft: false,
            editable: true,
        };
        let mut samples: Vec<Self> = Group::with_section().map(page).collect();
        let mut faulty = page(Group::Identity);
        if let Some(field) = faulty.fields.first_mut() {
            field.fault = Some("Lỗi mẫu".to_owned());
        }
        faulty.faults = vec![("alias", "Lỗi mẫu".to_owned())];
        let theirs = from_stored(Group::Identity.fields(), &json!({"alias": {"known": "Hoa Mẫu"}}));
        let mut conflict = page(Group::Identity);
        conflict.conflict = Some(
            theirs
                .into_iter()
                .take(2)
                .map(|theirs| Changed {
                    name: theirs.name,
                    theirs,
                })
                .collect(),
        );
        let expired = Self {
            expired: true,
            from_draft: true,
            ..page(Group::Notes)
        };
        let closed = Self {
            editable: false,
            ..page(Group::Safety)
        };
        samples.extend([faulty, conflict, expired, closed]);
        samples
    }
}

/// The question before a group of class S4.
#[derive(Serialize)]
pub struct Opening {
    case: String,
    group: &'static str,
    action: String,
    purposes: [&'static str; 8],
    chosen: &'static str,
    confirmed: bool,
    faults: Vec<(&'static str, &'static str)>,
}

impl Page for Opening {
    const TEMPLATE: &'static str = "cases/open_group.html";

    fn samples() -> Vec<Self> {
        let (id, group) = (PublicId([1; 16]), Group::Safety);
        let question = |chosen, confirmed| Opening {
            chosen,
            confirmed,
            faults: lacking(chosen, confirmed),
            ..opening(id, group)
        };
        vec![opening(id, group), question("", true), question("protection", false)]
    }
}

fn opening(id: PublicId, group: Group) -> Opening {
    Opening {
        case: urls::case(id),
        group: group.name(),
        action: urls::opening(id, group),
        purposes: purpose::PURPOSES,
        chosen: "",
        confirmed: false,
        faults: vec![],
    }
}

/// What is missing before a group of class S4 may be opened: field and message.
fn lacking(chosen: &str, confirmed: bool) -> Vec<(&'static str, &'static str)> {
    let mut lacking = Vec::new();
    if chosen.is_empty() {
        lacking.push(("purpose", "purpose-missing"));
    }
    if !confirmed {
        lacking.push(("confirmed", "open-unconfirmed"));
    }
    lacking
}

type GroupPath = web::Path<(String, String)>;

fn parse(path: &GroupPath) -> Result<(PublicId, Group), PageError> {
    let id = PublicId::parse(&path.0);
    let group = Group::parse(&path.1).filter(|group| !group.fields().is_empty());
    id.zip(group).ok_or_else(|| PageError::NotFound(String::new()))
}

/// `GET /cases/{id}/groups/{group}`
pub async fn edit(ctx: Ctx, path: GroupPath) -> Result<HttpResponse, PageError> {
    let (id, group) = parse(&path)?;
    if group.class() == Class::S4 {
        // Whether the case may be seen at all is asked first, so that the question tells nobody that it exists.
        let wish = Wish {
            groups: Some(vec![]),
            purpose: "case_work",
            confirmed: false,
        };
        let view = view_case(ctx.app(), &ctx.actor, id.0, &wish).await?;
        return ctx.logged_page(&view.index, &opening(id, group));
    }
    form(&ctx, id, group, "case_work", false).await
}

/// `POST /cases/{id}/groups/{group}/opening`
pub async fn open(path: GroupPath, submission: Submission) -> Result<HttpResponse, PageError> {
    let (ctx, sent) = submission.verified()?;
    let (id, group) = parse(&path)?;
    let purpose = typed(&sent.typed, "purpose").next().and_then(purpose::parse);
    let confirmed = typed(&sent.typed, "confirmed").any(|value| value == "yes");
    match purpose.filter(|_| confirmed && !sent.expired) {
        Some(purpose) => form(&ctx, id, group, purpose, true).await,
        None => {
            let wish = Wish {
                groups: Some(vec![]),
                purpose: "case_work",
                confirmed: false,
            };
            let view = view_case(ctx.app(), &ctx.actor, id.0, &wish).await?;
            let chosen = purpose.unwrap_or_default();
            let question = Opening {
                chosen,
                confirmed,
                faults: lacking(chosen, confirmed),
                ..opening(id, group)
            };
            ctx.page_with(StatusCode::UNPROCESSABLE_ENTITY, Some(&view.index), &question)
        }
    }
}

async fn form(
    ctx: &Ctx,
    id: PublicId,
    group: Group,
    purpose: &'static str,
    confirmed: bool,
) -> Result<HttpResponse, PageError> {
    let wish = Wish {
        groups: Some(vec![group]),
        purpose,
        confirmed,
    };
    let view = view_case(ctx.app(), &ctx.actor, id.0, &wish).await?;
    let draft = drafts::open(ctx.app(), &ctx.actor, &drafts::form_of(id, group)).await?;
    let stored = view.groups.iter().find(|open| open.group == group);
    let empty = json!({});
    let fields = match &draft {
        Some(typed) => from_typed(group.fields(), typed, &[], ctx.wording()),
        None => from_stored(group.fields(), stored.map_or(&empty, |open| &open.fields)),
    };
    let page = Edit {
        case: urls::case(id),
        number: view.case.number,
        group: group.name(),
        action: urls::group(id, group),
        version: stored.map_or(0, |open| open.version),
        purpose: purpose.to_owned(),
        confirmed,
        fields,
        faults: vec![],
        conflict: None,
        expired: false,
        from_draft: draft.is_some(),
        editable: view.editable,
    };
    ctx.logged_page(&view.index, &page)
}

/// `POST /cases/{id}/groups/{group}`
pub async fn update(path: GroupPath, submission: Submission) -> Result<HttpResponse, PageError> {
    let (ctx, sent) = submission.verified()?;
    let (id, group) = parse(&path)?;
    let purpose = typed(&sent.typed, "purpose").next().and_then(purpose::parse);
    // Safety of life is never written for a purpose that nobody named: the policies refuse the empty one.
    let purpose = purpose.unwrap_or(if group.class() == Class::S4 { "" } else { "case_work" });
    let confirmed = typed(&sent.typed, "confirmed").any(|value| value == "yes");
    let version = typed(&sent.typed, "version").next().and_then(|text| text.parse().ok());
    let from_version: i64 = version.filter(|version| (0..1 << 40).contains(version)).unwrap_or(0);
    let read = field::read(group.fields(), &sent.typed);
    let (fields, faults) = match read {
        Ok(fields) => (fields, vec![]),
        Err(faults) => (Value::Null, faults),
    };
    if !faults.is_empty() || sent.expired {
        let again = Again {
            id,
            group,
            purpose,
            confirmed,
            version: from_version,
            expired: sent.expired,
        };
        return again.show(&ctx, &sent.typed, &faults, None).await;
    }
    let save = Save {
        group,
        fields,
        from_version,
        purpose,
        confirmed,
    };
    match save_group(ctx.app(), &ctx.actor, id, &save).await {
        Ok(index) => Ok(ctx.see_other(&format!("{}?saved=1", urls::case(id)), &index)),
        Err(SaveGroupError::Conflict) => {
            let wish = Wish {
                groups: Some(vec![group]),
                purpose,
                confirmed,
            };
            let view = view_case(ctx.app(), &ctx.actor, id.0, &wish).await?;
            let theirs = view.groups.into_iter().find(|open| open.group == group);
            let same = theirs.as_ref().is_some_and(|open| {
                let mine = from_typed(group.fields(), &sent.typed, &[], ctx.wording());
                changed(&mine, from_stored(group.fields(), &open.fields)).is_empty()
            });
            if same {
                // Both wrote the same: it is saved already.
                return Ok(ctx.see_other(&format!("{}?saved=1", urls::case(id)), &view.index));
            }
            let version = theirs.as_ref().map_or(0, |open| open.version);
            let again = Again {
                id,
                group,
                purpose,
                confirmed,
                version,
                expired: false,
            };
            again
                .show(&ctx, &sent.typed, &[], theirs.map(|open| (view.index, open.fields)))
                .await
        }
        Err(error) => Err(error.into()),
    }
}

/// The same form once more, with everything that was typed.
struct Again {
    id: PublicId,
    group: Group,
    purpose: &'static str,
    confirmed: bool,
    version: i64,
    expired: bool,
}

impl Again {
    async fn show(
        self,
        ctx: &Ctx,
        form: &Typed,
        faults: &[(&'static str, Fault)],
        theirs: Option<(String, Value)>,
    ) -> Result<HttpResponse, PageError> {
        // The page shows what was typed, so it asks once more whether the case may be seen.
        let wish = Wish {
            groups: Some(vec![]),
            purpose: self.purpose,
            confirmed: self.confirmed,
        };
        let view = view_case(ctx.app(), &ctx.actor, self.id.0, &wish).await?;
        let fields = from_typed(self.group.fields(), form, faults, ctx.wording());
        let listed: Vec<(&'static str, String)> = fields
            .iter()
            .filter_map(|field| field.fault.clone().map(|fault| (field.name, fault)))
            .collect();
        let (index, conflict) = match theirs {
            None => (view.index, None),
            Some((index, theirs)) => (index, Some(changed(&fields, from_stored(self.group.fields(), &theirs)))),
        };
        let status = if conflict.is_some() {
            StatusCode::CONFLICT
        } else {
            StatusCode::UNPROCESSABLE_ENTITY
        };
        let page = Edit {
            case: urls::case(self.id),
            number: view.case.number,
            group: self.group.name(),
            action: urls::group(self.id, self.group),
            version: self.version,
            purpose: self.purpose.to_owned(),
            confirmed: self.confirmed,
            fields,
            faults: listed,
            conflict,
            expired: self.expired,
            from_draft: false,
            editable: true,
        };
        ctx.page_with(status, Some(&index), &page)
    }
}

fn changed(mine: &[FieldView], theirs: Vec<FieldView>) -> Vec<Changed> {
    mine.iter()
        .zip(theirs)
        .filter(|(mine, theirs)| {
            mine.text.trim() != theirs.text
                || (mine.is_empty() && theirs.is_empty() && mine.state != theirs.state)
                || mine
                    .options
                    .iter()
                    .map(|option| option.2)
                    .ne(theirs.options.iter().map(|option| option.2))
        })
        .map(|(_, theirs)| Changed {
            name: theirs.name,
            theirs,
        })
        .collect()
}
