//! Which draft a form goes on with, the others of the same form, and what is answered when one is kept.

use actix_web::HttpResponse;
use actix_web::http::header;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::domain::field::{Typed, typed};
use crate::domain::public_id::PublicId;
use crate::operations::drafts::{self, Keeping, Kept, NewForm, Sheet};
use crate::operations::failure::Failure;
use crate::web::ctx::Ctx;
use crate::web::error::PageError;
use crate::web::{time, urls};

/// What a page says about drafts.
#[derive(Serialize, Default)]
pub struct Drafts {
    /// Goes with the form as `draft`, so that two windows do not write over each other.
    sheet: String,
    /// Goes with the form as `draft_version`: what this window knows of the draft, 0 before anything was kept.
    version: i64,
    /// Where the form is when a draft is asked for.
    at: String,
    /// Whether the page shows a draft that was opened.
    shown: bool,
    /// Whether it was kept just now, or dropped.
    kept: bool,
    dropped: bool,
    /// Where and of when the other drafts are.
    others: Vec<(String, String)>,
    /// Where the form is without any draft.
    blank: Option<String>,
    /// Whether that shows what was saved before.
    saved: bool,
}

impl Drafts {
    /// Everything that the template can show.
    pub fn sample() -> Self {
        Self {
            sheet: PublicId([1; 16]).to_string(),
            version: 2,
            at: urls::NEW_INTAKE.to_owned(),
            shown: true,
            kept: true,
            dropped: true,
            others: vec![(urls::NEW_INTAKE.to_owned(), "05/03/2026 14:30:05".to_owned())],
            blank: Some(urls::NEW_INTAKE.to_owned()),
            saved: false,
        }
    }

    /// For a form that is shown again with what was typed, which is kept in this draft.
    pub fn again(at: &str, sheet: Sheet) -> Self {
        Self {
            sheet: sheet.id.to_string(),
            version: sheet.version,
            at: at.to_owned(),
            ..Self::default()
        }
    }
}

/// The version of the draft that a form says it knows.
pub fn version_of(form: &Typed) -> i64 {
    let said = typed(form, "draft_version")
        .next()
        .and_then(|version| version.parse().ok());
    said.unwrap_or(0)
}

/// Whether the author wants the draft gone rather than kept.
pub fn is_dropped(form: &Typed) -> bool {
    typed(form, "drop").any(|value| value == "yes")
}

/// What the address of a form says.
#[derive(Deserialize, Default)]
pub struct Asked {
    /// The id of a draft, or [`urls::NEW`] for an empty form.
    pub draft: Option<String>,
    /// A draft was kept just now.
    pub kept: Option<String>,
    /// A draft was dropped just now.
    pub dropped: Option<String>,
}

/// What was chosen: the page's words, what was typed, and the index of the entry that opened it.
pub struct Chosen {
    /// Words of the page.
    pub view: Drafts,
    /// What was typed, if a draft was opened.
    pub typed: Option<Typed>,
    /// Index of the entry, empty when nothing was opened.
    pub index: String,
}

/// A form as its drafts know it.
#[derive(Clone, Copy)]
pub struct Form<'a> {
    /// As the drafts are named.
    pub name: &'a str,
    /// Its address.
    pub at: &'a str,
    /// The case that it is about.
    pub case: Option<PublicId>,
    /// It is about one record: whoever comes back goes on with the newest draft. A form about something new begins
    /// empty, because the newest draft may be about somebody else.
    pub goes_on: bool,
}

/// Where a draft of the form at this address is shown.
pub fn address(at: &str, sheet: PublicId) -> String {
    format!("{at}?draft={sheet}")
}

/// The draft that the address asks for, and where the others are.
pub async fn choose(ctx: &Ctx, form: Form<'_>, asked: &Asked) -> Result<Chosen, PageError> {
    let mut kept = drafts::of_form(ctx.app(), &ctx.actor, form.name).await?;
    let wish = asked.draft.as_deref().filter(|wish| !wish.is_empty());
    let at = match wish {
        None => form.goes_on.then_some(0),
        Some(wish) => {
            let named = PublicId::parse(wish);
            kept.iter().position(|kept| Some(kept.sheet.id) == named)
        }
    };
    let chosen = at.filter(|at| *at < kept.len()).map(|at| kept.remove(at).sheet.id);
    let opened = match chosen {
        Some(sheet) => drafts::open(ctx.app(), &ctx.actor, form.name, sheet, form.case).await?,
        None => None,
    };
    let sheet = match (chosen, &opened) {
        (Some(id), Some(opened)) => Sheet {
            id,
            version: opened.version,
        },
        _ => Sheet::new()?,
    };
    let view = Drafts {
        shown: opened.is_some() && asked.kept.is_none(),
        kept: opened.is_some() && asked.kept.is_some(),
        dropped: opened.is_none() && asked.dropped.is_some(),
        others: others(form.at, &kept),
        saved: form.goes_on,
        blank: opened.is_some().then(|| format!("{}?draft={}", form.at, urls::NEW)),
        ..Drafts::again(form.at, sheet)
    };
    let (typed, index) = opened.map_or((None, String::new()), |opened| (Some(opened.typed), opened.index));
    Ok(Chosen { view, typed, index })
}

/// The draft that the address of a form about something new in a case asks for.
pub async fn choose_new(ctx: &Ctx, id: PublicId, form: NewForm, asked: &Asked) -> Result<Chosen, PageError> {
    let known = Form {
        name: &form.of(id),
        at: &urls::new_form(id, form),
        case: Some(id),
        goes_on: false,
    };
    choose(ctx, known, asked).await
}

/// Keeps what is typed in such a form, or drops it, and answers.
pub async fn keep_new(
    ctx: &Ctx,
    accept: Accept,
    (id, form): (PublicId, NewForm),
    typed: Typed,
) -> Result<HttpResponse, PageError> {
    if is_dropped(&typed) {
        drafts::discard_new(ctx.app(), &ctx.actor, id, form).await?;
        return Ok(ctx.see_other(&format!("{}?dropped=1", urls::case(id)), ""));
    }
    let version = version_of(&typed);
    let keeping = drafts::keep_new(ctx.app(), &ctx.actor, id, form, (typed, version)).await?;
    Ok(kept(ctx, accept, &urls::new_form(id, form), keeping))
}

/// What such a form says about drafts when it is shown again: what was typed is kept first.
pub async fn again_new(ctx: &Ctx, id: PublicId, form: NewForm, typed: &Typed) -> Result<Drafts, PageError> {
    let typed = (typed.clone(), version_of(typed));
    let keeping = drafts::keep_new(ctx.app(), &ctx.actor, id, form, typed).await?;
    Ok(Drafts::again(&urls::new_form(id, form), goes_on_in(keeping)?))
}

/// Where drafts are, and of when.
fn others(at: &str, kept: &[Kept]) -> Vec<(String, String)> {
    kept.iter()
        .map(|kept| (address(at, kept.sheet.id), time::shown_to_the_second(kept.saved_at)))
        .collect()
}

/// Answers that a draft was kept: the script hears where, a form without scripts goes on with the draft.
pub fn kept(ctx: &Ctx, accept: Accept, at: &str, keeping: Keeping) -> HttpResponse {
    match (keeping, accept) {
        (Keeping::Kept(sheet), Accept::Json) => HttpResponse::Ok().json(json!({
            "draft": sheet.id.to_string(),
            "draft_version": sheet.version,
        })),
        (Keeping::Kept(sheet), Accept::Page) => ctx.see_other(&format!("{}&kept=1", address(at, sheet.id)), ""),
        (Keeping::Sent(_), Accept::Json) => HttpResponse::Conflict().json(json!({})),
        (Keeping::Sent(case), Accept::Page) => ctx.see_other(&urls::case(case), ""),
    }
}

/// What the asking side wants to be answered with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Accept {
    /// The script that keeps what is typed.
    Json,
    /// A person.
    Page,
}

impl actix_web::FromRequest for Accept {
    type Error = PageError;
    type Future = std::future::Ready<Result<Self, PageError>>;

    fn from_request(request: &actix_web::HttpRequest, _: &mut actix_web::dev::Payload) -> Self::Future {
        let said = request.headers().get(header::ACCEPT);
        let json = said.is_some_and(|said| said.as_bytes() == b"application/json");
        std::future::ready(Ok(if json { Self::Json } else { Self::Page }))
    }
}

/// The draft that a form goes on with when it is shown again: what was typed is kept before it is shown.
pub fn goes_on_in(keeping: Keeping) -> Result<Sheet, Failure> {
    match keeping {
        Keeping::Kept(sheet) => Ok(sheet),
        // What is not in the case that this form opened goes on in a draft of its own.
        Keeping::Sent(_) => Sheet::new(),
    }
}
