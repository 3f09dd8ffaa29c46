//! A new intake: six fields on one screen, savable with an alias only, kept as a sealed draft.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::Serialize;
use serde_json::{Value, json};

use super::drafts::{self as draft_pages, Accept, Asked, Drafts};
use super::fields::{FieldView, from_stored, from_typed};
use crate::domain::codes::{is_child, is_urgent};
use crate::domain::field::{self, Fault, Field, Typed};
use crate::domain::group::Group;
use crate::domain::public_id::PublicId;
use crate::operations::create_intake::{CreateIntakeError, Intake, create_intake};
use crate::operations::drafts::{self, Keeping};
use crate::operations::failure::Failure;
use crate::policy::{Action, Ask, Decision, Resource};
use crate::web::ctx::Ctx;
use crate::web::error::PageError;
use crate::web::form::Submission;
use crate::web::page::Page;
use crate::web::urls;

/// Who, who brought, where, how old, in danger, needs what: name of the field and the group it belongs to.
const SIX: [(Group, &str); 6] = [
    (Group::Identity, "alias"),
    (Group::Origin, "brought_by"),
    (Group::Origin, "place"),
    (Group::Identity, "age_band"),
    (Group::Risk, "danger"),
    (Group::Needs, "urgent_needs"),
];

/// The form.
#[derive(Serialize)]
pub struct New {
    fields: Vec<FieldView>,
    faults: Vec<(&'static str, String)>,
    expired: bool,
    drafts: Drafts,
    /// The case that this form opened when it was sent before, with other answers.
    sent: Option<String>,
}

impl Page for New {
    const TEMPLATE: &'static str = "intakes/new.html";

    fn samples() -> Vec<Self> {
        let page = |from_draft| Self {
            fields: stored(),
            faults: if from_draft {
                vec![("alias", "Lỗi mẫu".to_owned())]
            } else {
                vec![]
            },
            expired: from_draft,
            drafts: if from_draft {
                Drafts::sample()
            } else {
                Drafts::default()
            },
            sent: from_draft.then(|| urls::case(PublicId([1; 16]))),
        };
        vec![page(false), page(true)]
    }
}

fn stored() -> Vec<FieldView> {
    chosen(|group| from_stored(group.fields(), &json!({})))
}

/// The six fields out of the forms of their groups.
fn chosen(fields: impl Fn(Group) -> Vec<FieldView>) -> Vec<FieldView> {
    SIX.iter()
        .filter_map(|(group, name)| fields(*group).into_iter().find(|field| field.name == *name))
        .collect()
}

/// `GET /intakes/new`
pub async fn new(ctx: Ctx, asked: web::Query<Asked>) -> Result<HttpResponse, PageError> {
    allowed(&ctx).await?;
    let form = draft_pages::Form {
        name: drafts::INTAKE,
        at: urls::NEW_INTAKE,
        case: None,
        goes_on: false,
    };
    let chosen = draft_pages::choose(&ctx, form, &asked).await?;
    let page = New {
        fields: match &chosen.typed {
            Some(typed) => from_form(&ctx, typed, &[]),
            None => stored(),
        },
        faults: vec![],
        expired: false,
        drafts: chosen.view,
        sent: None,
    };
    ctx.logged_page(&chosen.index, &page)
}

/// Says no before any draft is opened, with an entry.
async fn allowed(ctx: &Ctx) -> Result<(), PageError> {
    let (app, actor) = (ctx.app(), &ctx.actor);
    match app.engine.decide(
        actor.role(),
        Action::Intake,
        &Resource::House,
        &Ask::default(),
        actor.rights,
    ) {
        Decision::Allow(_) => Ok(()),
        Decision::Deny(policies) => {
            let index = crate::operations::refuse::act(app, actor, Action::Intake.name(), &policies).await?;
            Err(PageError::NotFound(index))
        }
    }
}

fn from_form(ctx: &Ctx, typed: &Typed, faults: &[(&'static str, Fault)]) -> Vec<FieldView> {
    chosen(|group| from_typed(group.fields(), typed, faults, ctx.wording()))
}

/// `POST /intakes/draft`: what is typed so far, valid or not; or the author drops it.
pub async fn keep(accept: Accept, submission: Submission) -> Result<HttpResponse, PageError> {
    let (ctx, sent) = submission.verified_at_any_age()?;
    allowed(&ctx).await?;
    if draft_pages::is_dropped(&sent.typed) {
        drafts::discard(ctx.app(), &ctx.actor, drafts::INTAKE, None).await?;
        return Ok(ctx.see_other(&format!("{}?dropped=1", urls::NEW_INTAKE), ""));
    }
    let keeping = kept(&ctx, &sent.typed).await?;
    Ok(draft_pages::kept(&ctx, accept, urls::NEW_INTAKE, keeping))
}

async fn kept(ctx: &Ctx, typed: &Typed) -> Result<Keeping, Failure> {
    let version = draft_pages::version_of(typed);
    drafts::keep(ctx.app(), &ctx.actor, drafts::INTAKE, version, None, typed.clone()).await
}

/// `POST /intakes`
pub async fn create(submission: Submission) -> Result<HttpResponse, PageError> {
    let (ctx, sent) = submission.verified_at_any_age()?;
    allowed(&ctx).await?;
    let read = read(&sent.typed, ctx.app().clock.today());
    let groups = match read {
        Ok(groups) if !sent.expired => groups,
        Ok(_) => return again(&ctx, &sent.typed, &[], true, None).await,
        Err(faults) => return again(&ctx, &sent.typed, &faults, false, None).await,
    };
    let known = |group: Group, name: &str| {
        let fields = groups.iter().find(|(of, _)| *of == group).map(|(_, fields)| fields);
        fields.and_then(|fields| fields.get(name)?.get("known")?.as_str().map(str::to_owned))
    };
    let age = known(Group::Identity, "age_band");
    let child = age.as_deref().is_some_and(is_child);
    let danger = known(Group::Risk, "danger");
    let urgent = danger.as_deref().is_some_and(is_urgent);
    let intake = Intake { groups, urgent, child };
    match create_intake(ctx.app(), &ctx.actor, intake).await {
        Ok(opened) => Ok(ctx.see_other(&format!("{}?saved=1", urls::case(opened.id)), &opened.index)),
        // Sent twice: the case is there.
        Err(CreateIntakeError::Already(id)) => Ok(ctx.see_other(&urls::case(id), "")),
        // Sent twice with something more: that is not in the case, and not lost.
        Err(CreateIntakeError::Changed(id)) => again(&ctx, &sent.typed, &[], false, Some(id)).await,
        Err(error) => Err(error.into()),
    }
}

/// The form once more with what was typed, which is kept as a draft first.
async fn again(
    ctx: &Ctx,
    typed: &Typed,
    faults: &[(&'static str, Fault)],
    expired: bool,
    sent: Option<PublicId>,
) -> Result<HttpResponse, PageError> {
    let fields = from_form(ctx, typed, faults);
    let listed = fields
        .iter()
        .filter_map(|field| field.fault.clone().map(|fault| (field.name, fault)))
        .collect();
    let page = New {
        fields,
        faults: listed,
        expired,
        drafts: Drafts::again(urls::NEW_INTAKE, draft_pages::goes_on_in(kept(ctx, typed).await?)?),
        sent: sent.map(urls::case),
    };
    let status = if sent.is_some() {
        StatusCode::CONFLICT
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    ctx.page_with(status, None, &page)
}

type Sections = Vec<(Group, Value)>;

/// The four groups that the six fields fill.
fn read(form: &Typed, today: chrono::NaiveDate) -> Result<Sections, Vec<(&'static str, Fault)>> {
    let (mut groups, mut faults) = (Vec::new(), Vec::new());
    for group in [Group::Identity, Group::Origin, Group::Risk, Group::Needs] {
        let asked: Vec<Field> = group
            .fields()
            .iter()
            .filter(|field| SIX.contains(&(group, field.name)))
            .map(|field| Field {
                name: field.name,
                kind: field.kind,
            })
            .collect();
        match field::read(&asked, form, today) {
            Ok(fields) => groups.push((group, fields)),
            Err(mut wrong) => faults.append(&mut wrong),
        }
    }
    let answered = groups.iter().any(|(_, fields): &(Group, Value)| {
        fields
            .as_object()
            .is_some_and(|fields| fields.values().any(|answer| answer != "not_asked"))
    });
    if faults.is_empty() && !answered {
        faults.push(("alias", Fault::Nothing));
    }
    if faults.is_empty() { Ok(groups) } else { Err(faults) }
}
