//! Which draft a form goes on with, and the others of the same form.

use serde::Serialize;

use crate::clock::random_id;
use crate::domain::field::{Typed, typed};
use crate::domain::public_id::PublicId;
use crate::operations::drafts;
use crate::operations::failure::Failure;
use crate::web::ctx::Ctx;
use crate::web::error::PageError;
use crate::web::{time, urls};

/// What a page says about drafts.
#[derive(Serialize, Default)]
pub struct Drafts {
    /// Goes with the form as `draft`, so that two windows do not write over each other; empty for what has one draft only.
    pub sheet: String,
    /// Whether the page shows a draft.
    pub shown: bool,
    /// Where and of when the other drafts are.
    pub others: Vec<(String, String)>,
    /// Where an empty form is.
    pub blank: Option<String>,
}

impl Drafts {
    /// Everything that the template can show.
    pub fn sample() -> Self {
        Self {
            sheet: PublicId([1; 16]).to_string(),
            shown: true,
            others: vec![(urls::NEW_INTAKE.to_owned(), "05/03/2026 14:30".to_owned())],
            blank: Some(urls::NEW_INTAKE.to_owned()),
        }
    }

    /// For a form that is shown again with what was typed.
    pub fn again(sheet: Option<PublicId>) -> Self {
        Self {
            sheet: sheet.map(|id| id.to_string()).unwrap_or_default(),
            ..Self::default()
        }
    }
}

/// The draft that a form of something new says it is kept in.
pub fn sheet_of(form: &Typed) -> Option<PublicId> {
    typed(form, "draft").next().and_then(PublicId::parse)
}

/// Whether the author wants the draft gone rather than kept.
pub fn is_dropped(form: &Typed) -> bool {
    typed(form, "drop").any(|value| value == "yes")
}

/// `?draft=`: the id of a draft, or [`urls::NEW`] for an empty form.
#[derive(serde::Deserialize)]
pub struct Asked {
    /// As it stands in the address.
    pub draft: Option<String>,
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

impl Chosen {
    fn of(opened: Option<drafts::Opened>, view: Drafts) -> Self {
        let (typed, index) = opened.map_or((None, String::new()), |opened| (Some(opened.typed), opened.index));
        let view = Drafts {
            shown: typed.is_some(),
            ..view
        };
        Self { view, typed, index }
    }
}

/// The draft of a form about something that exists: there is one at most.
pub async fn of_record(ctx: &Ctx, form: &str, case: PublicId) -> Result<Chosen, PageError> {
    let opened = drafts::open(ctx.app(), &ctx.actor, form, Some(case)).await?;
    Ok(Chosen::of(opened, Drafts::default()))
}

/// The draft of a form about something new at this address: the one that is asked for, or else the newest.
pub async fn of_new(
    ctx: &Ctx,
    form: &str,
    address: &str,
    case: Option<PublicId>,
    asked: Option<&str>,
) -> Result<Chosen, PageError> {
    let mut kept = drafts::of_form(ctx.app(), &ctx.actor, form).await?;
    let at = match asked {
        None | Some("") => 0,
        Some(asked) => {
            let named = PublicId::parse(asked);
            kept.iter()
                .position(|kept| Some(kept.sheet) == named)
                .unwrap_or(kept.len())
        }
    };
    let chosen = (at < kept.len()).then(|| kept.remove(at).sheet);
    let opened = match chosen {
        Some(sheet) => drafts::open(ctx.app(), &ctx.actor, &drafts::of_sheet(form, sheet), case).await?,
        None => None,
    };
    let sheet = match chosen {
        Some(sheet) => sheet,
        None => PublicId(random_id().map_err(Failure::from)?),
    };
    let view = Drafts {
        sheet: sheet.to_string(),
        shown: false,
        others: kept
            .iter()
            .map(|kept| (format!("{address}?draft={}", kept.sheet), time::shown(kept.saved_at)))
            .collect(),
        blank: opened.is_some().then(|| format!("{address}?draft={}", urls::NEW)),
    };
    Ok(Chosen::of(opened, view))
}
