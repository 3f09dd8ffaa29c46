//! The stages of a case as its page shows them: what is recorded, what waits, what can be done next.

use serde::Serialize;
use serde_json::json;

use super::clock::ClockView;
use crate::domain::codes::RETURN_REASON;
use crate::domain::group::{Class, from_bits};
use crate::domain::part::Part;
use crate::domain::public_id::PublicId;
use crate::domain::referral;
use crate::domain::step::{By, Kind, State};
use crate::operations::view_case::{CaseView, Clock, OpenPart, ReferralRow, StepRow};
use crate::web::ctx::Ctx;
use crate::web::pages::fields::{FieldView, shown_from};
use crate::web::pages::parts::title;
use crate::web::{time, urls};

/// A stage of the plans: *tiếp nhận – xác định – giải cứu – bảo vệ – hỗ trợ – trợ giúp pháp lý – hòa nhập – kết thúc*.
#[derive(Serialize)]
pub struct Stage {
    name: &'static str,
    /// `none`, `waiting`, `running` or `done`.
    state: &'static str,
    items: Vec<Item>,
    /// Address and message key of what can be added.
    actions: Vec<(String, String)>,
    /// Where the visits are planned.
    plan: Option<String>,
}

/// One thing in a stage.
#[derive(Serialize)]
pub struct Item {
    title: String,
    /// Message key of the state, and its colour.
    state: (String, &'static str),
    /// Message key of who acts next.
    next: Option<&'static str>,
    saved: Option<String>,
    saved_label: &'static str,
    due: Option<ClockView>,
    body: Option<String>,
    category: Option<String>,
    /// Message keys of what the reason is for, and of the reason.
    reason: Option<(&'static str, String)>,
    groups: Vec<&'static str>,
    fields: Vec<FieldView>,
    edit: Option<String>,
    /// Address of a part of class S4, which is opened by itself.
    locked: Option<String>,
    buttons: Vec<Button>,
    weight: u8,
}

/// Something that can be done with an item.
#[derive(Serialize)]
pub struct Button {
    /// Unlike that of any other button of the page that asks for a reason.
    id: String,
    action: String,
    label: String,
    verb: &'static str,
    /// The version that the page shows, with a mark that only a page which opened it carries.
    seen: String,
    warning: bool,
    /// What it brings about cannot be taken back, or it needs a reason: it is asked once more.
    confirm: bool,
    /// Reasons to choose from: code and message key.
    reasons: Vec<(&'static str, String)>,
    /// It was pressed without one.
    faulty: bool,
}

/// A consent on the page.
#[derive(Serialize)]
pub struct ConsentView {
    purpose: String,
    state: String,
    colour: &'static str,
    recorded: String,
    form: String,
    groups: Vec<&'static str>,
    fields: Vec<FieldView>,
    withdraw: Option<String>,
}

const STAGES: [(&str, &[Kind], Option<referral::Kind>); 7] = [
    ("reception", &[Kind::Companion], None),
    (
        "identification",
        &[Kind::Identification],
        Some(referral::Kind::Identification),
    ),
    ("rescue", &[Kind::Rescue], None),
    ("protection", &[Kind::Protection], None),
    ("support", &[Kind::Support], None),
    ("legal_aid", &[], Some(referral::Kind::LegalAid)),
    ("reintegration", &[Kind::Visit, Kind::Closure, Kind::Reopening], None),
];

/// A case as an actor sees it on its page.
struct Shown<'a> {
    ctx: &'a Ctx,
    id: PublicId,
    view: &'a CaseView,
    editable: bool,
    now_ms: i64,
}

/// The stages of a case for this actor; a receiving body sees only the one that is hers.
pub fn stages(ctx: &Ctx, id: PublicId, view: &CaseView, editable: bool) -> Vec<Stage> {
    let shown = Shown {
        ctx,
        id,
        view,
        editable,
        now_ms: ctx.app().clock.now_ms(),
    };
    let mut stages = Vec::new();
    for (name, kinds, referrals) in STAGES {
        let mut items: Vec<Item> = Vec::new();
        for row in &view.around.steps {
            let parsed = Kind::parse(&row.kind).zip(State::parse(&row.state));
            if let Some((kind, state)) = parsed.filter(|(kind, _)| kinds.contains(kind)) {
                items.push(shown.step(row, kind, state));
            }
        }
        let mut actions: Vec<(String, String)> = Vec::new();
        if editable {
            let addable = kinds.iter().filter(|kind| **kind != Kind::Reopening);
            actions.extend(addable.map(|kind| add(id, Part::Step(*kind, None))));
        } else if view.may.edit && kinds.contains(&Kind::Reopening) {
            actions.push(add(id, Part::Step(Kind::Reopening, None)));
        }
        if let Some(kind) = referrals {
            let rows = view.around.referrals.iter().filter(|row| row.kind == kind.name());
            for row in rows {
                items.extend(shown.referral(row, kind));
                actions.extend(shown.receiver_actions(row, kind));
            }
            if view.may.refer && editable {
                actions.push((urls::case_referrals(id, kind), format!("refer-{}", kind.name())));
            }
        }
        if ctx.is_receiver() && items.is_empty() && actions.is_empty() {
            continue;
        }
        let planned = kinds.contains(&Kind::Visit) && !view.around.steps.iter().any(|row| row.state == "planned");
        stages.push(Stage {
            name,
            // Whoever has a case was received.
            state: if name == "reception" { "done" } else { overall(&items) },
            items,
            actions,
            plan: (planned && editable).then(|| urls::visits(id)),
        });
    }
    stages
}

fn add(id: PublicId, part: Part) -> (String, String) {
    (urls::part(id, part), format!("add-{}", part.name()))
}

fn overall(items: &[Item]) -> &'static str {
    match items.iter().map(|item| item.weight).max() {
        None => "none",
        Some(0) => "done",
        Some(1) => "running",
        Some(_) => "waiting",
    }
}

/// Colour of a state, and whether it is done (0), goes on (1) or waits for somebody (2).
fn look(state: State) -> (&'static str, u8) {
    match state {
        State::Requested => ("yellow", 2),
        State::Returned => ("orange", 2),
        State::Active => ("blue", 1),
        State::Planned => ("blue", 1),
        State::Approved | State::Delivered | State::Done | State::Recorded => ("green", 0),
        State::Ended | State::Stopped => ("grey", 0),
    }
}

fn open(view: &CaseView, part: Part) -> Option<&OpenPart> {
    view.open.iter().find(|open| open.part == part)
}

/// Why something can go back to whoever recorded it.
fn reasons() -> Vec<(&'static str, String)> {
    let key = |code: &&'static str| (*code, format!("code-{}-{code}", RETURN_REASON.name));
    RETURN_REASON.codes.iter().map(key).collect()
}

fn public(bytes: &[u8]) -> PublicId {
    PublicId(bytes.try_into().unwrap_or_default())
}

impl Shown<'_> {
    fn step(&self, row: &StepRow, kind: Kind, state: State) -> Item {
        let Self {
            ctx,
            id,
            view,
            editable,
            now_ms,
        } = *self;
        let step = public(&row.public_id);
        let part = Part::Step(kind, Some(step));
        let stored = open(view, part);
        let (colour, weight) = look(state);
        // Approved support is not with the person yet.
        let weight = if (kind, state) == (Kind::Support, State::Approved) {
            1
        } else {
            weight
        };
        let mine = row.recorded_by == ctx.actor.viewer.account_id;
        let buttons = kind.moves(state).filter(|step| match step.by {
            By::Worker => editable,
            // Nobody decides on what she has not opened.
            By::SecondPerson => editable && view.may.approve && !mine && stored.is_some(),
        });
        let due = row.due_at.filter(|_| state == State::Planned).map(|due_at| {
            let code = "visit".to_owned();
            ClockView::new(
                &Clock {
                    code,
                    started_at: None,
                    due_at,
                    met_at: None,
                    of_referral: false,
                },
                now_ms,
            )
        });
        Item {
            title: title(part),
            state: (
                if state == State::Approved && row.decided_by.as_ref() == Some(&row.recorded_by) {
                    "state-concluded".to_owned()
                } else {
                    format!("state-{}", state.code())
                },
                colour,
            ),
            next: match state {
                State::Requested if kind == Kind::Identification && self.concluded() => {
                    Some("next-supervisor-replaces")
                }
                State::Requested => Some("next-supervisor"),
                State::Returned => Some("next-worker"),
                _ => None,
            },
            saved: stored.map(|open| time::shown(open.saved_at)),
            saved_label: "group-saved",
            due,
            body: None,
            category: None,
            reason: row
                .reason
                .as_ref()
                .map(|reason| ("step-reason", format!("code-return_reason-{reason}"))),
            groups: Vec::new(),
            fields: stored.map_or_else(Vec::new, |open| shown_from(part.fields(), &open.fields)),
            edit: (editable && kind.group().class() != Class::S4 && kind.corrected(state).is_ok())
                .then(|| urls::part(id, part)),
            locked: (kind.group().class() == Class::S4).then(|| urls::part(id, part)),
            buttons: buttons
                .map(|known| Button {
                    id: step.to_string(),
                    action: urls::step_state(id, kind, step),
                    label: format!("move-{}", known.verb),
                    verb: known.verb,
                    seen: seen(ctx, step, row.version),
                    warning: known.to == State::Stopped,
                    confirm: matches!(known.to, State::Stopped | State::Ended | State::Returned)
                        || kind == Kind::Closure,
                    reasons: if known.to == State::Returned {
                        reasons()
                    } else {
                        Vec::new()
                    },
                    faulty: false,
                })
                .collect(),
            weight,
        }
    }

    /// Whether a conclusion is in force, which another one would end.
    fn concluded(&self) -> bool {
        let mut steps = self.view.around.steps.iter();
        steps.any(|row| row.kind == Kind::Identification.name() && row.state == State::Approved.code())
    }

    fn referral(&self, row: &ReferralRow, kind: referral::Kind) -> Vec<Item> {
        let Self {
            ctx,
            id,
            view,
            editable,
            now_ms,
        } = *self;
        let public_id = public(&row.public_id);
        let state = referral::State::parse(&row.state).unwrap_or(referral::State::Withdrawn);
        let (colour, weight) = match state {
            referral::State::Sent => ("yellow", 2),
            referral::State::Accepted => ("blue", 1),
            referral::State::Closed => ("green", 0),
            referral::State::Rejected => ("red", 0),
            referral::State::Withdrawn => ("grey", 0),
        };
        let other = if ctx.is_receiver() { &row.from_org } else { &row.to_org };
        let mut buttons = Vec::new();
        let button = |action, label: &str, warning| Button {
            id: public_id.to_string(),
            action,
            label: label.to_owned(),
            verb: "",
            seen: String::new(),
            warning,
            confirm: true,
            reasons: Vec::new(),
            faulty: false,
        };
        if ctx.is_receiver() && state == referral::State::Accepted {
            if kind == referral::Kind::LegalAid {
                buttons.push(button(urls::referral_closing(public_id), "referral-close", false));
            }
        } else if view.may.refer && editable && state.is_open() {
            buttons.push(button(
                urls::referral_withdrawal(id, public_id),
                "referral-withdraw",
                true,
            ));
        }
        let answer_clock = Clock {
            code: kind.answer_clock().to_owned(),
            started_at: None,
            due_at: row.due_at,
            met_at: None,
            of_referral: false,
        };
        let mut items = vec![Item {
            title: format!("referral-{}", kind.name()),
            state: (format!("referral-state-{}", state.code()), colour),
            next: (state == referral::State::Sent).then_some("next-receiver"),
            saved: Some(time::shown(row.sent_at)),
            saved_label: "group-sent",
            due: (state == referral::State::Sent).then(|| ClockView::new(&answer_clock, now_ms)),
            body: view.organisations.get(other).cloned(),
            category: (!row.category.is_empty()).then(|| format!("code-legal_aid_form-{}", row.category)),
            reason: row
                .reason
                .as_ref()
                .map(|reason| ("referral-reason", format!("code-rejection-{reason}"))),
            groups: referral::shown(&from_bits(row.groups)),
            fields: Vec::new(),
            edit: None,
            locked: None,
            buttons,
            weight,
        }];
        for part in [Part::Matter(public_id), Part::Advice(public_id)] {
            if let Some(open) = open(view, part) {
                items.push(Item {
                    title: title(part),
                    state: ("state-recorded".to_owned(), "green"),
                    next: None,
                    saved: Some(time::shown(open.saved_at)),
                    saved_label: "group-saved",
                    due: None,
                    body: None,
                    category: None,
                    reason: None,
                    groups: Vec::new(),
                    fields: shown_from(part.fields(), &open.fields),
                    edit: view.may.report.then(|| urls::part(id, part)),
                    locked: None,
                    buttons: Vec::new(),
                    weight: 0,
                });
            }
        }
        items
    }

    /// What a receiving body records.
    fn receiver_actions(&self, row: &ReferralRow, kind: referral::Kind) -> Vec<(String, String)> {
        let Self { ctx, id, view, .. } = *self;
        if !ctx.is_receiver() || !view.may.report {
            return Vec::new();
        }
        let public_id = public(&row.public_id);
        let parts = match kind {
            referral::Kind::Identification => vec![Part::Step(Kind::Identification, None)],
            referral::Kind::LegalAid => vec![Part::Matter(public_id), Part::Advice(public_id)],
        };
        let missing = parts.into_iter().filter(|part| open(view, *part).is_none());
        missing.map(|part| add(id, part)).collect()
    }
}

/// The consents of a case, the newest first.
pub fn consents(id: PublicId, view: &CaseView, editable: bool) -> Vec<ConsentView> {
    let rows = view.around.consents.iter().rev();
    rows.map(|row| {
        let consent = public(&row.public_id);
        let part = Part::Consent(consent);
        let mut fields = open(view, part).map_or_else(Vec::new, |open| shown_from(part.fields(), &open.fields));
        // Asked of a child who agreed alone, and of nobody else.
        fields.retain(|field| field.name != "alone_because" || field.answered);
        ConsentView {
            purpose: format!("code-consent_purpose-{}", row.purpose),
            state: format!("consent-{}", row.state),
            colour: match row.state.as_str() {
                "given" => "green",
                "refused" => "red",
                _ => "grey",
            },
            recorded: time::shown(row.recorded_at),
            form: format!("code-consent_form-{}", row.form),
            groups: from_bits(row.groups).into_iter().map(|group| group.name()).collect(),
            fields,
            withdraw: ((editable || view.may.edit) && row.state == "given")
                .then(|| urls::consent_withdrawal(id, consent)),
        }
    })
    .collect()
}

/// The version of a step that a page shows to an actor, so that nobody decides on what she has not opened.
fn seen(ctx: &Ctx, step: PublicId, version: i64) -> String {
    let said = json!(["seen", ctx.actor.code, step.to_string(), version]).to_string();
    let mac: Vec<u8> = ctx
        .app()
        .keyring
        .web_mac(said.as_bytes())
        .into_iter()
        .skip(5)
        .take(12)
        .collect();
    format!("{version}.{}", ledger::b64u(&mac))
}

/// The version that a button says was shown; 0, which no step has, when no page of this actor showed it.
#[must_use]
pub fn version_seen(ctx: &Ctx, step: PublicId, said: &str) -> i64 {
    let version = said.split('.').next().and_then(|version| version.parse().ok());
    version.filter(|version| seen(ctx, step, *version) == said).unwrap_or(0)
}

/// The heading under which a part of a case is shown, as `id`.
#[must_use]
pub fn anchor(part: Part) -> String {
    let stage = match part {
        Part::Group(group) => return format!("g-{}", group.name()),
        Part::Consent(_) => return "consents".to_owned(),
        Part::Matter(_) | Part::Advice(_) => "legal_aid",
        Part::Step(kind, _) => STAGES
            .iter()
            .find(|(_, kinds, _)| kinds.contains(&kind))
            .map_or("reception", |(name, ..)| name),
    };
    format!("s-{stage}")
}

/// The heading under which referrals of this kind are shown, as `id`.
#[must_use]
pub fn of_referral(kind: referral::Kind) -> String {
    format!("s-{}", kind.name())
}

impl Stage {
    /// Marks the buttons of a step that were pressed without a reason; gives the `id` of the field.
    pub(super) fn without_reason(&mut self, step: PublicId) -> Option<String> {
        let id = step.to_string();
        let buttons = self.items.iter_mut().flat_map(|item| &mut item.buttons);
        let pressed = buttons.filter(|button| button.id == id && !button.reasons.is_empty());
        let mut field = None;
        for button in pressed {
            button.faulty = true;
            field = Some(format!("reason-{id}"));
        }
        field
    }

    /// Every kind of item in every state that a page can show.
    pub fn samples(editable: bool) -> Vec<Self> {
        let id = PublicId([1; 16]);
        let stored =
            json!({"regime": {"known": "medical"}, "provider": {"known": "Trạm y tế xã Mẫu"}, "priority": "unknown"});
        let item = |title: String, state: String, colour| Item {
            title,
            state: (state, colour),
            next: editable.then_some("next-supervisor"),
            saved: Some(time::shown(0)),
            saved_label: "group-saved",
            due: Some(ClockView::new(
                &Clock {
                    code: "visit".to_owned(),
                    started_at: None,
                    due_at: -1,
                    met_at: None,
                    of_referral: false,
                },
                0,
            )),
            body: Some("Trung tâm mẫu".to_owned()),
            category: Some("code-legal_aid_form-advice".to_owned()),
            reason: Some(("step-reason", "code-return_reason-talk_first".to_owned())),
            groups: vec!["identity", "legal_aid"],
            fields: shown_from(Part::Step(Kind::Support, None).fields(), &stored),
            edit: editable.then(|| urls::part(id, Part::Step(Kind::Support, None))),
            locked: editable.then(|| urls::part(id, Part::Step(Kind::Protection, None))),
            buttons: Vec::new(),
            weight: 0,
        };
        let mut samples = Vec::new();
        for (name, kinds, referrals) in STAGES {
            let mut items = Vec::new();
            for kind in kinds {
                for state in State::ALL {
                    let part = Part::Step(*kind, Some(id));
                    let mut item = item(title(part), format!("state-{}", state.code()), look(state).0);
                    item.buttons = kind
                        .moves(state)
                        .map(|known| Button {
                            id: format!("{}-{}", kind.name(), state.code()),
                            action: urls::step_state(id, *kind, id),
                            label: format!("move-{}", known.verb),
                            verb: known.verb,
                            seen: "1".to_owned(),
                            warning: known.to == State::Stopped,
                            confirm: editable,
                            reasons: if known.to == State::Returned {
                                reasons()
                            } else {
                                Vec::new()
                            },
                            faulty: editable,
                        })
                        .collect();
                    items.push(item);
                }
            }
            if let Some(kind) = referrals {
                for state in referral::State::ALL {
                    items.push(item(
                        format!("referral-{}", kind.name()),
                        format!("referral-state-{}", state.code()),
                        "blue",
                    ));
                }
            }
            samples.push(Self {
                name,
                state: overall(&items),
                items: if editable { items } else { Vec::new() },
                actions: kinds.iter().map(|kind| add(id, Part::Step(*kind, None))).collect(),
                plan: editable.then(|| urls::visits(id)),
            });
        }
        samples
    }
}

impl ConsentView {
    /// A consent in every state.
    pub fn samples(editable: bool) -> Vec<Self> {
        let id = PublicId([1; 16]);
        ["given", "refused", "withdrawn"]
            .into_iter()
            .map(|state| Self {
                purpose: "code-consent_purpose-legal_aid".to_owned(),
                state: format!("consent-{state}"),
                colour: "green",
                recorded: time::shown(0),
                form: "code-consent_form-signed".to_owned(),
                groups: vec!["identity"],
                fields: shown_from(Part::Consent(id).fields(), &json!({"agreed_by": {"known": "self"}})),
                withdraw: editable.then(|| urls::consent_withdrawal(id, id)),
            })
            .collect()
    }
}
