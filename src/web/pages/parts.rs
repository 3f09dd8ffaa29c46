//! One part of a case as a form; class S4 opens only after a purpose and a second confirmation.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use serde::Serialize;
use serde_json::{Value, json};

use super::cases::stages::anchor;
use super::drafts::{self as draft_pages, Accept, Asked, Drafts};
use super::fields::{FieldView, from_stored, from_typed, needed};
use crate::domain::field::{self, Fault, Typed, typed};
use crate::domain::group::{Class, Group};
use crate::domain::organisation::deciding_bodies;
use crate::domain::part::Part;
use crate::domain::public_id::PublicId;
use crate::domain::purpose;
use crate::domain::referral;
use crate::domain::refusal::Why;
use crate::domain::step::{Kind, State};
use crate::operations::case_act::{CLOSED, CaseActError};
use crate::operations::drafts;
use crate::operations::save_part::{Save, save_part};
use crate::operations::view_case::{CaseView, Wish, view_case};
use crate::web::ctx::Ctx;
use crate::web::error::PageError;
use crate::web::form::Submission;
use crate::web::page::Page;
use crate::web::urls;

/// The form of a part.
#[derive(Serialize)]
pub struct Edit {
    case: String,
    number: String,
    title: String,
    action: String,
    draft: String,
    why: Option<&'static str>,
    version: i64,
    base: String,
    purpose: String,
    confirmed: bool,
    fields: Vec<FieldView>,
    faults: Vec<(&'static str, String)>,
    conflict: Option<Vec<Changed>>,
    expired: bool,
    drafts: Drafts,
    editable: bool,
    /// Why the form takes nothing, in words of the page.
    shut: Option<&'static str>,
    /// Where the earlier versions are, for whoever may open them.
    versions: Option<String>,
}

/// A field in which a colleague's version differs from what was typed.
#[derive(Serialize)]
pub struct Changed {
    name: &'static str,
    theirs: FieldView,
}

impl Page for Edit {
    const TEMPLATE: &'static str = "cases/edit_part.html";

    fn samples() -> Vec<Self> {
        let id = PublicId([1; 16]);
        let page = |part: Part| Self {
            case: urls::case(id),
            number: "DH-2026-7K3F9Q-2".to_owned(),
            title: title(part),
            action: urls::part(id, part),
            draft: urls::draft(id, part),
            why: None,
            version: 1,
            base: "alias=AAAAAAAA".to_owned(),
            purpose: "case_work".to_owned(),
            confirmed: part.group().class() == Class::S4,
            fields: needed(from_stored(part.fields(), &json!({})), part.needed()),
            faults: vec![],
            conflict: None,
            expired: false,
            drafts: Drafts::default(),
            editable: true,
            shut: None,
            versions: (part.group().class() == Class::S2).then(|| urls::versions(id, part)),
        };
        let groups = Group::with_section().map(Part::Group);
        let steps = Kind::ALL.into_iter().map(|kind| Part::Step(kind, None));
        let parts = groups
            .chain(steps)
            .chain([Part::Matter(id), Part::Advice(id), Part::Consent(id)]);
        let mut samples: Vec<Self> = parts.map(page).collect();
        let mut faulty = page(Part::Group(Group::Identity));
        faulty.why = Some(Why::CaseClosed.message());
        if let Some(field) = faulty.fields.first_mut() {
            field.fault = Some("Lỗi mẫu".to_owned());
        }
        faulty.faults = vec![("alias", "Lỗi mẫu".to_owned())];
        let theirs = from_stored(Group::Identity.fields(), &json!({"alias": {"known": "Hoa Mẫu"}}));
        let mut conflict = page(Part::Group(Group::Identity));
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
            drafts: Drafts::sample(),
            ..page(Part::Group(Group::Notes))
        };
        let closed = Self {
            editable: false,
            shut: Some("case-closed"),
            ..page(Part::Group(Group::Safety))
        };
        samples.extend([faulty, conflict, expired, closed]);
        samples
    }
}

/// The question before a part of class S4.
#[derive(Serialize)]
pub struct Opening {
    /// Which draft was asked for, and whether it was kept just now.
    draft: String,
    kept: bool,
    case: String,
    title: String,
    action: String,
    purposes: [&'static str; 8],
    chosen: &'static str,
    confirmed: bool,
    faults: Vec<(&'static str, &'static str)>,
}

impl Page for Opening {
    const TEMPLATE: &'static str = "cases/open_part.html";

    fn samples() -> Vec<Self> {
        let (id, part) = (PublicId([1; 16]), Part::Group(Group::Safety));
        let question = |chosen, confirmed| Opening {
            chosen,
            confirmed,
            faults: lacking(chosen, confirmed),
            ..opening(id, part, &Asked::default())
        };
        vec![
            Opening {
                draft: urls::NEW.to_owned(),
                kept: true,
                ..opening(id, part, &Asked::default())
            },
            question("", true),
            question("protection", false),
        ]
    }
}

/// Message key of the name of a part.
#[must_use]
pub fn title(part: Part) -> String {
    match part {
        Part::Group(group) => format!("group-{}", group.name()),
        Part::Step(..) | Part::Matter(_) | Part::Advice(_) | Part::Consent(_) => format!("part-{}", part.name()),
    }
}

fn opening(id: PublicId, part: Part, asked: &Asked) -> Opening {
    Opening {
        draft: asked.draft.clone().unwrap_or_default(),
        kept: asked.kept.is_some(),
        case: urls::case(id),
        title: title(part),
        action: urls::opening(id, part),
        purposes: purpose::PURPOSES,
        chosen: "",
        confirmed: false,
        faults: vec![],
    }
}

/// What is missing before a part of class S4 may be opened: field and message.
pub fn lacking(chosen: &str, confirmed: bool) -> Vec<(&'static str, &'static str)> {
    let mut lacking = Vec::new();
    if chosen.is_empty() {
        lacking.push(("purpose", "purpose-missing"));
    }
    if !confirmed {
        lacking.push(("confirmed", "open-unconfirmed"));
    }
    lacking
}

/// The case and the part that an address names; an address that names none is no page.
pub struct PartPath {
    /// The case.
    pub id: PublicId,
    /// The part.
    pub part: Part,
}

impl FromRequest for PartPath {
    type Error = PageError;
    type Future = Ready<Result<Self, PageError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let named = |name: &str| request.match_info().get(name);
        let group = named("group").and_then(Group::parse).map(Part::Group);
        let step = named("kind").and_then(Kind::parse).zip(named("step"));
        let step = step.and_then(|(kind, step)| match step {
            urls::NEW => Some(Part::Step(kind, None)),
            id => PublicId::parse(id).map(|id| Part::Step(kind, Some(id))),
        });
        let referral = named("referral").and_then(PublicId::parse).zip(named("record"));
        let record = referral.and_then(|(id, record)| match record {
            "matter" => Some(Part::Matter(id)),
            "advice" => Some(Part::Advice(id)),
            _ => None,
        });
        let part = group.or(step).or(record).filter(|part| !part.fields().is_empty());
        let found = named("id").and_then(PublicId::parse).zip(part);
        ready(
            found
                .map(|(id, part)| Self { id, part })
                .ok_or_else(|| PageError::NotFound(String::new())),
        )
    }
}

impl PartPath {
    /// Asks whether the case may be seen at all, opening nothing.
    async fn seen(&self, ctx: &Ctx, purpose: &'static str, confirmed: bool) -> Result<CaseView, PageError> {
        let wish = Wish {
            parts: Some(vec![]),
            purpose,
            confirmed,
        };
        Ok(view_case(ctx.app(), &ctx.actor, self.id.0, &wish).await?)
    }

    /// Opens the part.
    async fn opened(&self, ctx: &Ctx, purpose: &'static str, confirmed: bool) -> Result<CaseView, PageError> {
        let wish = Wish {
            parts: Some(vec![self.part]),
            purpose,
            confirmed,
        };
        Ok(view_case(ctx.app(), &ctx.actor, self.id.0, &wish).await?)
    }

    /// Whether the record that the address names exists, or is still to be made.
    fn is_there(&self, view: &CaseView) -> bool {
        let named = |bytes: &[u8], id: PublicId| bytes == id.0;
        match self.part {
            Part::Group(_) => true,
            // What is still to be made is there for whoever may make it.
            Part::Step(_, None) => self.may_save(view),
            Part::Step(kind, Some(id)) => {
                let mut steps = view.around.steps.iter();
                steps.any(|row| row.kind == kind.name() && named(&row.public_id, id))
            }
            Part::Matter(id) | Part::Advice(id) => {
                let mut referrals = view.around.referrals.iter();
                referrals.any(|row| row.kind == referral::Kind::LegalAid.name() && named(&row.public_id, id))
            }
            Part::Consent(id) => view.around.consents.iter().any(|row| named(&row.public_id, id)),
        }
    }

    /// The purpose when the form does not name one.
    fn purpose(&self) -> &'static str {
        match self.part {
            // Safety of life is never opened for a purpose that nobody named: the policies refuse the empty one.
            part if part.group().class() == Class::S4 => "",
            Part::Group(_) | Part::Consent(_) => "case_work",
            Part::Step(kind, _) => kind.purpose(),
            Part::Matter(_) | Part::Advice(_) => "legal_aid",
        }
    }

    /// What is typed and not read.
    fn unread(&self, purpose: &'static str, confirmed: bool) -> Save {
        Save {
            part: self.part,
            fields: Value::Null,
            from_version: 0,
            purpose,
            confirmed,
        }
    }

    /// Whether the form takes anything: in a closed case only its reopening.
    fn editable(&self, view: &CaseView) -> bool {
        let reopens = matches!(self.part, Part::Step(Kind::Reopening, None));
        (reopens || view.case.state != CLOSED) && !self.decided(view) && self.may_save(view)
    }

    /// Whether it is a step that was decided, which stays as it is.
    fn decided(&self, view: &CaseView) -> bool {
        let Part::Step(kind, Some(id)) = self.part else {
            return false;
        };
        let step = view.around.steps.iter().find(|row| row.public_id == id.0);
        let state = step.and_then(|row| State::parse(&row.state));
        state.is_some_and(|state| kind.corrected(state).is_err())
    }

    /// Why whoever might save otherwise cannot.
    fn shut(&self, view: &CaseView) -> Option<&'static str> {
        match () {
            () if view.case.state == CLOSED => Some("case-closed"),
            () if self.decided(view) => Some(Why::Decided.message()),
            () => None,
        }
    }

    /// Whether the actor may save the part.
    fn may_save(&self, view: &CaseView) -> bool {
        match self.part {
            Part::Matter(_) | Part::Advice(_) => view.may.report,
            Part::Step(Kind::Identification, None) => view.may.edit || view.may.conclude,
            _ => view.may.edit,
        }
    }
}

/// `GET` the form of a part
pub async fn edit(ctx: Ctx, path: PartPath, asked: web::Query<Asked>) -> Result<HttpResponse, PageError> {
    if path.part.group().class() == Class::S4 {
        // Whether the case may be seen at all is asked first, so that the question tells nobody that it exists.
        let view = path.seen(&ctx, "case_work", false).await?;
        if !view.may_know(path.part.group()) {
            return Err(ctx.refused(path.id).await);
        }
        let question = opening(path.id, path.part, &asked);
        return ctx.logged_page(&view.index, &question);
    }
    form(&ctx, &path, path.purpose(), false, &asked).await
}

/// What a form says about purpose and second confirmation.
fn said(form: &Typed) -> (Option<&'static str>, bool) {
    let purpose = typed(form, "purpose").next().and_then(purpose::parse);
    (purpose, typed(form, "confirmed").any(|value| value == "yes"))
}

/// `POST` purpose and confirmation for a part of class S4
pub async fn open(path: PartPath, submission: Submission) -> Result<HttpResponse, PageError> {
    let (ctx, sent) = submission.verified()?;
    let (purpose, confirmed) = said(&sent);
    let asked = Asked {
        draft: typed(&sent, "draft").next().map(str::to_owned),
        ..Asked::default()
    };
    match purpose.filter(|_| confirmed) {
        Some(purpose) => form(&ctx, &path, purpose, true, &asked).await,
        None => {
            let view = path.seen(&ctx, "case_work", false).await?;
            if !view.may_know(path.part.group()) {
                return Err(ctx.refused(path.id).await);
            }
            let chosen = purpose.unwrap_or_default();
            let question = Opening {
                chosen,
                confirmed,
                faults: lacking(chosen, confirmed),
                ..opening(path.id, path.part, &asked)
            };
            ctx.page_with(StatusCode::UNPROCESSABLE_ENTITY, Some(&view.index), &question)
        }
    }
}

async fn form(
    ctx: &Ctx,
    path: &PartPath,
    purpose: &'static str,
    confirmed: bool,
    asked: &Asked,
) -> Result<HttpResponse, PageError> {
    let (id, part) = (path.id, path.part);
    let view = path.opened(ctx, purpose, confirmed).await?;
    if !path.is_there(&view) {
        return Err(ctx.refused(id).await);
    }
    let named = drafts::form_of(id, part);
    let form = draft_pages::Form {
        name: &named,
        at: &urls::part(id, part),
        case: Some(id),
        goes_on: !matches!(part, Part::Step(_, None)),
    };
    let chosen = draft_pages::choose(ctx, form, asked).await?;
    let draft = chosen.typed;
    let stored = view.open.iter().find(|open| open.part == part);
    let empty = json!({});
    let fields = match &draft {
        Some(typed) => from_typed(part.fields(), typed, &[], ctx.wording()),
        None => from_stored(part.fields(), stored.map_or(&empty, |open| &open.fields)),
    };
    // A draft goes on from the version it was typed over, so that a colleague's later one is not lost.
    let drafted = |name| draft.iter().flat_map(move |typed| field::typed(typed, name)).next();
    let version = drafted("version").and_then(|version| version.parse().ok());
    let base = match &draft {
        // Without a word of what it began with, everything in a draft counts as touched.
        Some(_) => drafted("base").unwrap_or_default().to_owned(),
        None => base(ctx, path, &fields),
    };
    let fields = of_own_body(ctx, part, needed(fields, part.needed()));
    let page = Edit {
        case: urls::case(id),
        title: title(part),
        action: urls::part(id, part),
        draft: urls::draft(id, part),
        why: None,
        version: version.unwrap_or_else(|| stored.map_or(0, |open| open.version)),
        base,
        purpose: purpose.to_owned(),
        confirmed,
        fields,
        faults: vec![],
        conflict: None,
        expired: false,
        drafts: chosen.view,
        editable: path.editable(&view),
        shut: path.shut(&view),
        versions: (view.may.edit && stored.is_some() && matches!(part, Part::Group(_) | Part::Step(..)))
            .then(|| urls::versions(id, part)),
        number: view.case.number,
    };
    ctx.logged_pages(&[&view.index, &chosen.index], &page)
}

/// `POST` what is typed so far, valid or not
pub async fn keep(accept: Accept, path: PartPath, submission: Submission) -> Result<HttpResponse, PageError> {
    let (ctx, sent) = submission.verified_at_any_age()?;
    let (purpose, confirmed) = said(&sent.typed);
    let save = path.unread(purpose.unwrap_or_else(|| path.purpose()), confirmed);
    if draft_pages::is_dropped(&sent.typed) {
        drafts::discard_part(ctx.app(), &ctx.actor, path.id, &save).await?;
        return Ok(ctx.see_other(&format!("{}?dropped=1", urls::case(path.id)), ""));
    }
    let version = draft_pages::version_of(&sent.typed);
    let keeping = drafts::keep_part(ctx.app(), &ctx.actor, path.id, &save, (sent.typed, version)).await?;
    Ok(draft_pages::kept(
        &ctx,
        accept,
        &urls::part(path.id, path.part),
        keeping,
    ))
}

/// `POST` the form of a part
pub async fn update(path: PartPath, submission: Submission) -> Result<HttpResponse, PageError> {
    let (ctx, sent) = submission.verified_at_any_age()?;
    let (purpose, confirmed) = said(&sent.typed);
    let purpose = purpose.unwrap_or_else(|| path.purpose());
    let version = typed(&sent.typed, "version").next().and_then(|text| text.parse().ok());
    let from_version: i64 = version.filter(|version| (0..1 << 40).contains(version)).unwrap_or(0);
    let again = Again {
        path: &path,
        purpose,
        confirmed,
        version: from_version,
        expired: sent.expired,
        why: None,
        typed: &sent.typed,
    };
    let fields = match field::read(path.part.fields(), &sent.typed, ctx.app().clock.today()) {
        Ok(fields) if path.part.lacking(&fields).next().is_some() => {
            let faults: Vec<_> = path.part.lacking(&fields).map(|name| (name, Fault::Needed)).collect();
            return again.show(&ctx, &faults).await;
        }
        Ok(fields) if path.part.contradicts(&fields).is_some() => {
            let faults: Vec<_> = path.part.contradicts(&fields).into_iter().collect();
            return again.show(&ctx, &faults).await;
        }
        Ok(fields) if !sent.expired => fields,
        Ok(_) => return again.show(&ctx, &[]).await,
        Err(faults) => return again.show(&ctx, &faults).await,
    };
    let save = Save {
        part: path.part,
        fields,
        from_version,
        purpose,
        confirmed,
    };
    match save_part(ctx.app(), &ctx.actor, path.id, &save).await {
        // The answer of a body ends its access: it goes back to its list.
        Ok(index) if path.part == Part::Step(Kind::Identification, None) && ctx.is_receiver() => {
            Ok(ctx.see_other(&format!("{}?saved=1", urls::REFERRALS), &index))
        }
        Ok(index) => Ok(ctx.see_other(&urls::saved(path.id, &anchor(path.part)), &index)),
        Err(CaseActError::Conflict) => conflict(&ctx, again).await,
        Err(CaseActError::Refused(why)) => {
            let again = Again {
                why: Some(why.message()),
                ..again
            };
            again.show(&ctx, &[]).await
        }
        Err(error) => Err(error.into()),
    }
}

/// Somebody saved while this was typed: what she changed is shown, and fields that were not touched here take her answer.
async fn conflict(ctx: &Ctx, again: Again<'_>) -> Result<HttpResponse, PageError> {
    let (path, typed) = (again.path, again.typed);
    let view = path.opened(ctx, again.purpose, again.confirmed).await?;
    let theirs = view.open.into_iter().find(|open| open.part == path.part);
    let stored = theirs.as_ref().map_or(&Value::Null, |open| &open.fields);
    let mine = from_typed(path.part.fields(), typed, &[], ctx.wording());
    let theirs_now = from_stored(path.part.fields(), stored);
    if theirs.is_some() && mine.iter().zip(&theirs_now).all(|(mine, theirs)| mine.says_as(theirs)) {
        // Both wrote the same: it is saved already.
        return Ok(ctx.see_other(&urls::saved(path.id, &anchor(path.part)), &view.index));
    }
    let again = Again {
        version: theirs.as_ref().map_or(0, |open| open.version),
        ..again
    };
    let before = field::typed(typed, "base").next().unwrap_or_default();
    let is_as_before = |field: &FieldView| before.split(' ').any(|known| known == mark(ctx, path, field));
    let next = base(ctx, path, &theirs_now);
    let now = again.version;
    let (mut fields, mut changed) = (Vec::new(), Vec::new());
    for (mine, theirs) in mine.into_iter().zip(theirs_now) {
        let untouched = is_as_before(&mine);
        if !mine.says_as(&theirs) && !is_as_before(&theirs) {
            changed.push(Changed {
                name: theirs.name,
                theirs: theirs.clone(),
            });
        }
        fields.push(if untouched { theirs } else { mine });
    }
    if changed.is_empty() {
        // She changed nothing that would be written over, so there is nothing to ask: it is saved over her version.
        return Box::pin(saved_over(ctx, again, now)).await;
    }
    again.page(ctx, fields, next, Some((view.index, changed))).await
}

/// Saves what was typed over a version in which nothing differs from what the form began with.
async fn saved_over(ctx: &Ctx, again: Again<'_>, version: i64) -> Result<HttpResponse, PageError> {
    let (id, part) = (again.path.id, again.path.part);
    let fields = match field::read(part.fields(), again.typed, ctx.app().clock.today()) {
        Ok(fields) => fields,
        Err(faults) => return again.show(ctx, &faults).await,
    };
    let save = Save {
        part,
        fields,
        from_version: version,
        purpose: again.purpose,
        confirmed: again.confirmed,
    };
    match save_part(ctx.app(), &ctx.actor, id, &save).await {
        Ok(index) => Ok(ctx.see_other(&urls::saved(id, &anchor(part)), &index)),
        // Somebody was quicker once more.
        Err(CaseActError::Conflict) => conflict(ctx, again).await,
        Err(CaseActError::Refused(why)) => {
            let again = Again {
                why: Some(why.message()),
                ..again
            };
            again.show(ctx, &[]).await
        }
        Err(error) => Err(error.into()),
    }
}

/// A body concludes for itself: the form of its liaison offers no other, and chooses the only one.
fn of_own_body(ctx: &Ctx, part: Part, mut fields: Vec<FieldView>) -> Vec<FieldView> {
    if !ctx.is_receiver() || !matches!(part, Part::Step(Kind::Identification, _)) {
        return fields;
    }
    let own = deciding_bodies(&ctx.actor.org_kind);
    for field in fields.iter_mut().filter(|field| field.name == "deciding_body") {
        field.options.retain(|option| own.contains(&option.0));
        if let [only] = field.options.as_mut_slice() {
            only.2 = true;
        }
    }
    fields
}

/// What a form began with, field by field, so that a later conflict knows what was touched; says nothing about the answers.
fn base(ctx: &Ctx, path: &PartPath, fields: &[FieldView]) -> String {
    let marks: Vec<String> = fields.iter().map(|field| mark(ctx, path, field)).collect();
    marks.join(" ")
}

fn mark(ctx: &Ctx, path: &PartPath, field: &FieldView) -> String {
    let place = drafts::form_of(path.id, path.part);
    let said = json!(["base", place, field.name, field.said()]).to_string();
    let mac = ctx.app().keyring.web_mac(said.as_bytes());
    let short: Vec<u8> = mac.into_iter().skip(5).take(9).collect();
    format!("{}={}", field.name, ledger::b64u(&short))
}

/// The same form once more, with everything that was typed.
struct Again<'a> {
    path: &'a PartPath,
    purpose: &'static str,
    confirmed: bool,
    version: i64,
    expired: bool,
    why: Option<&'static str>,
    typed: &'a Typed,
}

impl Again<'_> {
    async fn show(self, ctx: &Ctx, faults: &[(&'static str, Fault)]) -> Result<HttpResponse, PageError> {
        let fields = from_typed(self.path.part.fields(), self.typed, faults, ctx.wording());
        let base = typed(self.typed, "base").next().unwrap_or_default().to_owned();
        self.page(ctx, fields, base, None).await
    }

    async fn page(
        self,
        ctx: &Ctx,
        fields: Vec<FieldView>,
        base: String,
        conflict: Option<(String, Vec<Changed>)>,
    ) -> Result<HttpResponse, PageError> {
        let (id, part) = (self.path.id, self.path.part);
        // The page shows what was typed, so it asks once more whether the case may be seen.
        let view = self.path.seen(ctx, self.purpose, self.confirmed).await?;
        if !self.path.may_save(&view) || !self.path.is_there(&view) {
            return Err(ctx.refused(id).await);
        }
        let save = self.path.unread(self.purpose, self.confirmed);
        let typed = (self.typed.clone(), draft_pages::version_of(self.typed));
        let keeping = drafts::keep_part(ctx.app(), &ctx.actor, id, &save, typed).await?;
        let listed: Vec<(&'static str, String)> = fields
            .iter()
            .filter_map(|field| field.fault.clone().map(|fault| (field.name, fault)))
            .collect();
        let (index, conflict) = match conflict {
            None => (view.index, None),
            Some((index, changed)) => (index, Some(changed)),
        };
        let status = if conflict.is_some() || self.why.is_some() {
            StatusCode::CONFLICT
        } else {
            StatusCode::UNPROCESSABLE_ENTITY
        };
        let fields = of_own_body(ctx, part, needed(fields, part.needed()));
        let page = Edit {
            case: urls::case(id),
            number: view.case.number,
            title: title(part),
            action: urls::part(id, part),
            draft: urls::draft(id, part),
            why: self.why,
            version: self.version,
            base,
            purpose: self.purpose.to_owned(),
            confirmed: self.confirmed,
            fields,
            faults: listed,
            conflict,
            expired: self.expired,
            drafts: Drafts::again(&urls::part(id, part), draft_pages::goes_on_in(keeping)?),
            editable: true,
            shut: None,
            versions: None,
        };
        ctx.page_with(status, Some(&index), &page)
    }
}
