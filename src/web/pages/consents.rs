//! Consent: what is told on the left, one purpose and its groups on the right, yes or no.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::Serialize;
use serde_json::json;

use super::cases::case_of;
use super::cases::stages::anchor;
use super::drafts::{self as draft_pages, Accept, Asked, Drafts};
use super::fields::{FieldView, from_stored, from_typed, needed};
use super::parts::title;
use crate::domain::codes::{CONSENT_FORM, CONSENT_PURPOSE};
use crate::domain::field::{self, Fault, Typed, typed};
use crate::domain::group::Group;
use crate::domain::part::Part;
use crate::domain::public_id::PublicId;
use crate::domain::referral::may_be_listed;
use crate::domain::refusal::Why;
use crate::operations::case_act::{CLOSED, CaseActError};
use crate::operations::drafts::NewForm;
use crate::operations::record_consent::{Consent, record_consent};
use crate::operations::view_case::{CaseView, Wish, view_case};
use crate::operations::withdraw_consent::withdraw_consent;
use crate::web::ctx::Ctx;
use crate::web::error::PageError;
use crate::web::form::Submission;
use crate::web::page::Page;
use crate::web::urls;

/// The form for a consent.
#[derive(Serialize)]
pub struct New {
    case: String,
    number: String,
    title: String,
    action: String,
    purposes: Vec<(&'static str, String, bool)>,
    forms: Vec<(&'static str, String, bool)>,
    groups: Vec<(&'static str, bool)>,
    agreed: &'static str,
    fields: Vec<FieldView>,
    /// Field and message of what is missing.
    missing: Vec<(&'static str, &'static str)>,
    faults: Vec<(&'static str, String)>,
    draft: String,
    drafts: Drafts,
    closed: bool,
}

impl Page for New {
    const TEMPLATE: &'static str = "consents/new.html";

    fn samples() -> Vec<Self> {
        let id = PublicId([1; 16]);
        let page = |missing| Self {
            missing,
            ..form(id, "DH-2026-7K3F9Q-2".to_owned(), &vec![], stored())
        };
        vec![
            page(vec![]),
            page(vec![
                ("purpose", "consent-purpose-missing"),
                ("groups", "consent-groups-missing"),
                ("agreed", "consent-answer-missing"),
                ("form", "consent-form-missing"),
            ]),
            page(vec![("alone_because", Why::ChildAlone.message())]),
            Self {
                drafts: Drafts::sample(),
                closed: true,
                ..page(vec![])
            },
        ]
    }
}

/// What somebody has to choose besides who agreed.
struct Chosen {
    purpose: Option<&'static str>,
    form: Option<&'static str>,
    groups: Vec<Group>,
    /// Something was sent that no group may be listed as.
    strange: bool,
    agreed: Option<bool>,
}

impl Chosen {
    fn read(form: &Typed) -> Self {
        let first = |name| typed(form, name).next().unwrap_or_default();
        Self {
            purpose: CONSENT_PURPOSE.find(first("purpose")),
            form: CONSENT_FORM.find(first("form")),
            groups: typed(form, "groups").filter_map(listable).collect(),
            strange: typed(form, "groups").any(|name| listable(name).is_none()),
            agreed: match first("agreed") {
                "yes" => Some(true),
                "no" => Some(false),
                _ => None,
            },
        }
    }

    fn missing(&self) -> Vec<(&'static str, &'static str)> {
        let mut missing = Vec::new();
        if self.purpose.is_none() {
            missing.push(("purpose", "consent-purpose-missing"));
        }
        if self.groups.is_empty() {
            missing.push(("groups", "consent-groups-missing"));
        }
        if self.strange {
            missing.push(("groups", "fault-not-in-list"));
        }
        if self.agreed.is_none() {
            missing.push(("agreed", "consent-answer-missing"));
        }
        if self.form.is_none() {
            missing.push(("form", "consent-form-missing"));
        }
        missing
    }
}

fn listable(name: &str) -> Option<Group> {
    Group::parse(name).filter(|group| may_be_listed(*group))
}

const PART: Part = Part::Consent(PublicId([0; 16]));

fn stored() -> Vec<FieldView> {
    needed(from_stored(PART.fields(), &json!({})), PART.needed())
}

fn form(id: PublicId, number: String, typed: &Typed, fields: Vec<FieldView>) -> New {
    let chosen = Chosen::read(typed);
    let options = |list: crate::domain::codes::CodeList, is: Option<&str>| {
        list.codes
            .iter()
            .map(|code| (*code, format!("code-{}-{code}", list.name), is == Some(*code)))
            .collect()
    };
    New {
        case: urls::case(id),
        number,
        title: title(PART),
        action: urls::consents(id),
        purposes: options(CONSENT_PURPOSE, chosen.purpose),
        forms: options(CONSENT_FORM, chosen.form),
        groups: Group::in_use()
            .filter(|group| may_be_listed(*group))
            .map(|group| (group.name(), chosen.groups.contains(&group)))
            .collect(),
        agreed: match chosen.agreed {
            Some(true) => "yes",
            Some(false) => "no",
            None => "",
        },
        fields,
        missing: vec![],
        faults: vec![],
        draft: urls::new_draft(id, NewForm::Consent),
        drafts: Drafts::default(),
        closed: false,
    }
}

async fn seen(ctx: &Ctx, id: PublicId) -> Result<CaseView, PageError> {
    let wish = Wish {
        parts: Some(vec![]),
        purpose: "case_work",
        confirmed: false,
    };
    let view = view_case(ctx.app(), &ctx.actor, id.0, &wish).await?;
    if view.may.edit {
        Ok(view)
    } else {
        Err(ctx.refused(id).await)
    }
}

/// `GET /cases/{id}/consents/new`
pub async fn new(ctx: Ctx, path: web::Path<String>, asked: web::Query<Asked>) -> Result<HttpResponse, PageError> {
    let id = case_of(&path)?;
    let view = seen(&ctx, id).await?;
    let chosen = draft_pages::choose_new(&ctx, id, NewForm::Consent, &asked).await?;
    let fields = match &chosen.typed {
        Some(typed) => needed(from_typed(PART.fields(), typed, &[], ctx.wording()), PART.needed()),
        None => stored(),
    };
    let page = New {
        drafts: chosen.view,
        closed: view.case.state == CLOSED,
        ..form(id, view.case.number, &chosen.typed.unwrap_or_default(), fields)
    };
    ctx.logged_pages(&[&view.index, &chosen.index], &page)
}

/// `POST /cases/{id}/consents/draft`
pub async fn keep(accept: Accept, path: web::Path<String>, submission: Submission) -> Result<HttpResponse, PageError> {
    let (ctx, sent) = submission.verified_at_any_age()?;
    draft_pages::keep_new(&ctx, accept, (case_of(&path)?, NewForm::Consent), sent.typed).await
}

/// `POST /cases/{id}/consents`
pub async fn create(path: web::Path<String>, submission: Submission) -> Result<HttpResponse, PageError> {
    let (ctx, sent) = submission.verified_at_any_age()?;
    let id = case_of(&path)?;
    let chosen = Chosen::read(&sent.typed);
    let detail = field::read(PART.fields(), &sent.typed, ctx.app().clock.today()).and_then(|fields| {
        let faults: Vec<_> = PART.lacking(&fields).map(|name| (name, Fault::Needed)).collect();
        if faults.is_empty() { Ok(fields) } else { Err(faults) }
    });
    let mut refused = None;
    if let (Some(purpose), Some(form), Some(agreed), Ok(detail), false, false) = (
        chosen.purpose,
        chosen.form,
        chosen.agreed,
        &detail,
        chosen.groups.is_empty() || chosen.strange,
        sent.expired,
    ) {
        let consent = Consent {
            purpose,
            groups: chosen.groups.clone(),
            agreed,
            form,
            detail: detail.clone(),
        };
        match record_consent(ctx.app(), &ctx.actor, id, &consent).await {
            Ok(index) => return Ok(ctx.see_other(&urls::saved(id, &anchor(PART)), &index)),
            Err(CaseActError::Refused(why @ Why::ChildAlone)) => refused = Some(("alone_because", why.message())),
            Err(CaseActError::Refused(why)) => refused = Some(("purpose", why.message())),
            Err(CaseActError::Conflict) => refused = Some(("purpose", "why-not-now")),
            Err(error) => return Err(error.into()),
        }
    }
    let view = seen(&ctx, id).await?;
    let faults = detail.err().unwrap_or_default();
    let fields = from_typed(PART.fields(), &sent.typed, &faults, ctx.wording());
    let fields = needed(fields, PART.needed());
    let page = New {
        missing: chosen
            .missing()
            .into_iter()
            .chain(refused)
            .chain(sent.expired.then_some(("purpose", "edit-expired")))
            .collect(),
        faults: fields
            .iter()
            .filter_map(|field| field.fault.clone().map(|fault| (field.name, fault)))
            .collect(),
        drafts: draft_pages::again_new(&ctx, id, NewForm::Consent, &sent.typed).await?,
        ..form(id, view.case.number, &sent.typed, fields)
    };
    let status = if refused.is_some() {
        StatusCode::CONFLICT
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    ctx.page_with(status, Some(&view.index), &page)
}

/// `POST /cases/{id}/consents/{consent}/withdrawal`
pub async fn withdraw(path: web::Path<(String, String)>, submission: Submission) -> Result<HttpResponse, PageError> {
    let (ctx, _) = submission.verified()?;
    let (id, consent) = (case_of(&path.0)?, case_of(&path.1)?);
    let index = withdraw_consent(ctx.app(), &ctx.actor, id, consent).await?;
    Ok(ctx.see_other(&urls::saved(id, &anchor(PART)), &index))
}
