//! Sending a referral: to whom, which groups, under which consent.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::Serialize;

use super::cases::{case_of, stages};
use super::drafts::{self as draft_pages, Accept, Asked, Drafts};
use crate::domain::codes::{BASIS, CodeList, LEGAL_AID_FORM};
use crate::domain::field::{Typed, typed};
use crate::domain::group::{Class, Group, from_bits};
use crate::domain::public_id::PublicId;
use crate::domain::referral::{Kind, may_be_listed};
use crate::operations::case_act::CaseActError;
use crate::operations::drafts::NewForm;
use crate::operations::move_referral::withdraw_referral;
use crate::operations::send_referral::{OrganisationRow, Referral, receivers, send_referral};
use crate::operations::view_case::{CaseView, Wish, view_case};
use crate::web::ctx::Ctx;
use crate::web::error::PageError;
use crate::web::form::Submission;
use crate::web::page::Page;
use crate::web::{time, urls};

/// The form for a referral.
#[derive(Serialize)]
pub struct New {
    case: String,
    number: String,
    kind: &'static str,
    action: String,
    new_consent: String,
    receivers: Vec<(String, String, bool)>,
    categories: Vec<(&'static str, String, bool)>,
    consents: Vec<Given>,
    bases: Vec<(&'static str, String, bool)>,
    groups: Vec<Offered>,
    /// Whether a group of class S4 is among those offered.
    safety: bool,
    confirmed: bool,
    /// Field and message of what is missing.
    missing: Vec<(&'static str, &'static str)>,
    /// The person was asked and said no, and has not said yes since.
    refused: bool,
    draft: String,
    drafts: Drafts,
}

/// A consent that covers this kind of referral.
#[derive(Serialize)]
struct Given {
    id: String,
    recorded: String,
    groups: Vec<&'static str>,
    chosen: bool,
}

/// A group that can be listed.
#[derive(Serialize)]
struct Offered {
    name: &'static str,
    chosen: bool,
    /// Always listed, for it is what the referral is about.
    fixed: bool,
    safety: bool,
}

impl Page for New {
    const TEMPLATE: &'static str = "referrals/new.html";

    fn samples() -> Vec<Self> {
        let id = PublicId([1; 16]);
        let page = |kind: Kind, given: bool, missing| Self {
            consents: if given {
                vec![Given {
                    id: id.to_string(),
                    recorded: time::shown(0),
                    groups: vec!["identity", "legal_aid"],
                    chosen: true,
                }]
            } else {
                vec![]
            },
            missing,
            ..form(id, "DH-2026-7K3F9Q-2", kind, &[], vec![], &vec![])
        };
        vec![
            page(Kind::LegalAid, true, vec![]),
            page(Kind::LegalAid, false, vec![("consent", "why-no-consent")]),
            Self {
                refused: true,
                ..page(Kind::Identification, true, vec![("to", "referral-to-missing")])
            },
        ]
    }
}

fn form(
    id: PublicId,
    number: &str,
    kind: Kind,
    receivers: &[OrganisationRow],
    consents: Vec<(String, String, Vec<Group>)>,
    sent: &Typed,
) -> New {
    let is = |name: &str, value: &str| typed(sent, name).any(|typed| typed == value);
    let options = |name: &str, list: CodeList| {
        list.codes
            .iter()
            .map(|code| (*code, format!("code-{}-{code}", list.name), is(name, code)))
            .collect()
    };
    let only = consents.len() == 1 && sent.is_empty();
    let consented: Vec<Group> = consents.iter().flat_map(|(.., groups)| groups.clone()).collect();
    let own = kind.own().first().copied();
    let groups: Vec<Offered> = Group::in_use()
        .filter(|group| may_be_listed(*group))
        .filter(|group| kind.without_consent().contains(group) || consented.contains(group) || Some(*group) == own)
        .map(|group| Offered {
            name: group.name(),
            // Nothing is offered as chosen that somebody has not chosen: who receives it needs a reason for each.
            chosen: is("groups", group.name()) || Some(group) == own,
            fixed: Some(group) == own,
            safety: group.class() == Class::S4,
        })
        .collect();
    New {
        case: urls::case(id),
        number: number.to_owned(),
        kind: kind.name(),
        action: urls::case_referrals(id, kind),
        new_consent: urls::new_consent(id),
        receivers: receivers
            .iter()
            .map(|receiver| {
                (
                    receiver.code.clone(),
                    receiver.name.clone(),
                    is("to", &receiver.code) || receivers.len() == 1,
                )
            })
            .collect(),
        categories: if kind == Kind::LegalAid {
            options("category", LEGAL_AID_FORM)
        } else {
            vec![]
        },
        consents: consents
            .into_iter()
            .map(|(id, recorded, groups)| Given {
                chosen: only || is("consent", &id),
                id,
                recorded,
                groups: groups.into_iter().map(Group::name).collect(),
            })
            .collect(),
        bases: if kind.allows_basis() {
            options("basis", BASIS)
        } else {
            vec![]
        },
        safety: groups.iter().any(|group| group.safety),
        groups,
        confirmed: is("confirmed", "yes"),
        missing: vec![],
        refused: false,
        draft: urls::new_draft(id, NewForm::Referral(kind)),
        drafts: Drafts::default(),
    }
}

/// Whether the last answer to the question for this purpose was no.
fn refused(view: &CaseView, kind: Kind) -> bool {
    let mut answers = view.around.consents.iter().rev();
    let last = answers.find(|row| row.purpose == kind.consent_purpose());
    last.is_some_and(|row| row.state == "refused")
}

/// The consents of the case that cover this kind: id, when, groups.
fn given(view: &CaseView, kind: Kind) -> Vec<(String, String, Vec<Group>)> {
    let consents = view.around.consents.iter().rev();
    consents
        .filter(|row| row.state == "given" && row.purpose == kind.consent_purpose())
        .map(|row| {
            let id = PublicId(row.public_id.as_slice().try_into().unwrap_or_default());
            (id.to_string(), time::shown(row.recorded_at), from_bits(row.groups))
        })
        .collect()
}

/// Whether the case lets itself be referred by the actor.
async fn seen(ctx: &Ctx, id: PublicId, kind: Kind) -> Result<CaseView, PageError> {
    let wish = Wish {
        parts: Some(vec![]),
        purpose: kind.name(),
        confirmed: false,
    };
    let view = view_case(ctx.app(), &ctx.actor, id.0, &wish).await?;
    if view.may.refer {
        Ok(view)
    } else {
        Err(ctx.refused(id).await)
    }
}

/// The form once more with what was chosen, which is kept as a draft first.
async fn again(
    ctx: &Ctx,
    id: PublicId,
    kind: Kind,
    sent: &Typed,
    missing: Vec<(&'static str, &'static str)>,
) -> Result<HttpResponse, PageError> {
    let view = seen(ctx, id, kind).await?;
    let receivers = receivers(ctx.app(), kind).await?;
    let consents = given(&view, kind);
    let page = New {
        missing,
        drafts: draft_pages::again_new(ctx, id, NewForm::Referral(kind), sent).await?,
        refused: refused(&view, kind),
        ..form(id, &view.case.number, kind, &receivers, consents, sent)
    };
    ctx.page_with(StatusCode::UNPROCESSABLE_ENTITY, Some(&view.index), &page)
}

fn kind_of(text: &str) -> Result<Kind, PageError> {
    Kind::parse(text).ok_or_else(|| PageError::NotFound(String::new()))
}

/// `GET /cases/{id}/referrals/{kind}`
pub async fn new(
    ctx: Ctx,
    path: web::Path<(String, String)>,
    asked: web::Query<Asked>,
) -> Result<HttpResponse, PageError> {
    let (id, kind) = (case_of(&path.0)?, kind_of(&path.1)?);
    let view = seen(&ctx, id, kind).await?;
    let chosen = draft_pages::choose_new(&ctx, id, NewForm::Referral(kind), &asked).await?;
    let receivers = receivers(ctx.app(), kind).await?;
    let (consents, typed) = (given(&view, kind), chosen.typed.unwrap_or_default());
    let page = New {
        drafts: chosen.view,
        refused: refused(&view, kind),
        ..form(id, &view.case.number, kind, &receivers, consents, &typed)
    };
    ctx.logged_pages(&[&view.index, &chosen.index], &page)
}

/// `POST /cases/{id}/referrals/{kind}/draft`
pub async fn keep(
    accept: Accept,
    path: web::Path<(String, String)>,
    submission: Submission,
) -> Result<HttpResponse, PageError> {
    let (ctx, sent) = submission.verified_at_any_age()?;
    let (id, kind) = (case_of(&path.0)?, kind_of(&path.1)?);
    draft_pages::keep_new(&ctx, accept, (id, NewForm::Referral(kind)), sent.typed).await
}

/// `POST /cases/{id}/referrals/{kind}`
pub async fn create(path: web::Path<(String, String)>, submission: Submission) -> Result<HttpResponse, PageError> {
    let (ctx, sent) = submission.verified()?;
    let (id, kind) = (case_of(&path.0)?, kind_of(&path.1)?);
    let first = |name| typed(&sent, name).next().unwrap_or_default();
    let groups: Vec<Group> = typed(&sent, "groups").filter_map(Group::parse).collect();
    let wish = Referral {
        kind,
        to: first("to").to_owned(),
        category: LEGAL_AID_FORM.find(first("category")).unwrap_or_default(),
        consent: PublicId::parse(first("consent")),
        basis: BASIS.find(first("basis")),
        confirmed: first("confirmed") == "yes",
        groups,
    };
    let mut missing = Vec::new();
    if typed(&sent, "groups").any(|name| Group::parse(name).is_none()) {
        missing.push(("groups", "fault-not-in-list"));
    }
    if wish.to.is_empty() {
        missing.push(("to", "referral-to-missing"));
    }
    if kind == Kind::LegalAid && wish.category.is_empty() {
        missing.push(("category", "referral-category-missing"));
    }
    if wish.groups.iter().any(|group| group.class() == Class::S4) && !wish.confirmed {
        missing.push(("confirmed", "referral-unconfirmed"));
    }
    if !missing.is_empty() {
        return again(&ctx, id, kind, &sent, missing).await;
    }
    match send_referral(ctx.app(), &ctx.actor, id, &wish).await {
        Ok(index) => Ok(ctx.see_other(&urls::saved(id, &stages::of_referral(kind)), &index)),
        // The form comes back with the reason; what was chosen stays chosen.
        Err(CaseActError::Refused(why)) => again(&ctx, id, kind, &sent, vec![("consent", why.message())]).await,
        Err(CaseActError::Conflict) => again(&ctx, id, kind, &sent, vec![("consent", "why-not-now")]).await,
        Err(error) => Err(error.into()),
    }
}

/// `POST /cases/{id}/withdrawals/{referral}`
pub async fn withdraw(path: web::Path<(String, String)>, submission: Submission) -> Result<HttpResponse, PageError> {
    let (ctx, _) = submission.verified()?;
    let (id, referral) = (case_of(&path.0)?, case_of(&path.1)?);
    let index = withdraw_referral(ctx.app(), &ctx.actor, id, referral).await?;
    Ok(ctx.see_other(&format!("{}?saved=1", urls::case(id)), &index))
}
