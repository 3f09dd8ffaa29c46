//! Every address of the house; no path is written anywhere else.

use crate::domain::group::Group;
use crate::domain::part::Part;
use crate::domain::public_id::PublicId;
use crate::domain::{order, referral, step};
use crate::operations::drafts::NewForm;
use crate::operations::request_order::Target;

/// A case.
#[must_use]
pub fn case(id: PublicId) -> String {
    format!("/cases/{id}")
}

/// A case, at the heading of what was saved just now.
#[must_use]
pub fn saved(id: PublicId, heading: &str) -> String {
    format!("{}?saved={heading}#{heading}", case(id))
}

/// A part of a case.
#[must_use]
pub fn part(id: PublicId, part: Part) -> String {
    match part {
        Part::Group(group) => format!("/cases/{id}/groups/{}", group.name()),
        Part::Step(kind, None) => format!("/cases/{id}/steps/{}/{NEW}", kind.name()),
        Part::Step(kind, Some(step)) => format!("/cases/{id}/steps/{}/{step}", kind.name()),
        Part::Matter(referral) | Part::Advice(referral) | Part::Consent(referral) => {
            format!("/cases/{id}/matters/{referral}/{}", part.name())
        }
    }
}

/// Opening a part of class S4.
#[must_use]
pub fn opening(id: PublicId, of: Part) -> String {
    format!("{}/opening", part(id, of))
}

/// The draft of a part.
#[must_use]
pub fn draft(id: PublicId, of: Part) -> String {
    format!("{}/draft", part(id, of))
}

/// A form about something new in a case.
#[must_use]
pub fn new_form(id: PublicId, form: NewForm) -> String {
    match form {
        NewForm::Consent => new_consent(id),
        NewForm::Order(kind) => case_orders(id, kind),
        NewForm::Referral(kind) => case_referrals(id, kind),
    }
}

/// The draft of such a form.
#[must_use]
pub fn new_draft(id: PublicId, form: NewForm) -> String {
    match form {
        NewForm::Consent => format!("{}/draft", consents(id)),
        NewForm::Order(_) | NewForm::Referral(_) => format!("{}/draft", new_form(id, form)),
    }
}

/// The versions of a part.
#[must_use]
pub fn versions(id: PublicId, of: Part) -> String {
    format!("{}/versions", part(id, of))
}

/// Asking that an earlier version gives way.
#[must_use]
pub fn redaction(id: PublicId, target: Target) -> String {
    let of = part(id, target.part);
    let of = of.strip_prefix(&case(id)).unwrap_or_default();
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("of", of.trim_start_matches('/'));
    query.append_pair("content", &target.version.to_string());
    format!("{}?{}", case_orders(id, order::Kind::Redaction), query.finish())
}

/// Reads what [`redaction`] says of a part.
#[must_use]
pub fn part_named(text: &str) -> Option<Part> {
    let mut words = text.split('/');
    let part = match (words.next()?, words.next()?, words.next()) {
        ("groups", group, None) => Part::Group(Group::parse(group)?),
        ("steps", kind, Some(step)) => Part::Step(step::Kind::parse(kind)?, Some(PublicId::parse(step)?)),
        _ => return None,
    };
    words.next().is_none().then_some(part)
}

/// The state of a step.
#[must_use]
pub fn step_state(id: PublicId, kind: step::Kind, step: PublicId) -> String {
    format!("{}/state", part(id, Part::Step(kind, Some(step))))
}

/// The plan of follow-up visits.
#[must_use]
pub fn visits(id: PublicId) -> String {
    format!("/cases/{id}/visits")
}

/// Files of a case.
#[must_use]
pub fn attachments(id: PublicId) -> String {
    format!("/cases/{id}/attachments")
}

/// One file of a case.
#[must_use]
pub fn attachment(id: PublicId, file: PublicId) -> String {
    format!("/cases/{id}/attachments/{file}")
}

/// Consents of a case.
#[must_use]
pub fn consents(id: PublicId) -> String {
    format!("/cases/{id}/consents")
}

/// The form for a consent.
#[must_use]
pub fn new_consent(id: PublicId) -> String {
    format!("/cases/{id}/consents/{NEW}")
}

/// Taking a consent back.
#[must_use]
pub fn consent_withdrawal(id: PublicId, consent: PublicId) -> String {
    format!("/cases/{id}/consents/{consent}/withdrawal")
}

/// Asking for a kind of order.
#[must_use]
pub fn case_orders(id: PublicId, kind: order::Kind) -> String {
    format!("/cases/{id}/orders/{}", kind.name())
}

/// The legal hold of a case.
#[must_use]
pub fn hold(id: PublicId) -> String {
    format!("/cases/{id}/hold")
}

/// An order.
#[must_use]
pub fn order(id: PublicId) -> String {
    format!("{ORDERS}/{id}")
}

/// The second person's yes.
#[must_use]
pub fn order_agreement(id: PublicId) -> String {
    format!("{ORDERS}/{id}/agreement")
}

/// The second person's no.
#[must_use]
pub fn order_refusal(id: PublicId) -> String {
    format!("{ORDERS}/{id}/refusal")
}

/// Taking an order back.
#[must_use]
pub fn order_withdrawal(id: PublicId) -> String {
    format!("{ORDERS}/{id}/withdrawal")
}

/// The certificate of an order that was carried out.
#[must_use]
pub fn order_certificate(id: PublicId) -> String {
    format!("{ORDERS}/{id}/certificate")
}

/// Sending a kind of referral.
#[must_use]
pub fn case_referrals(id: PublicId, kind: referral::Kind) -> String {
    format!("/cases/{id}/referrals/{}", kind.name())
}

/// Taking a referral back.
#[must_use]
pub fn referral_withdrawal(id: PublicId, referral: PublicId) -> String {
    format!("/cases/{id}/withdrawals/{referral}")
}

/// A referral, as its receiver sees it.
#[must_use]
pub fn referral(id: PublicId) -> String {
    format!("{REFERRALS}/{id}")
}

/// The receiver's answer to a referral.
#[must_use]
pub fn referral_answer(id: PublicId) -> String {
    format!("{REFERRALS}/{id}/answer")
}

/// The receiver is done.
#[must_use]
pub fn referral_closing(id: PublicId) -> String {
    format!("{REFERRALS}/{id}/closing")
}

/// Taking a case.
#[must_use]
pub fn assignment(id: PublicId) -> String {
    format!("/cases/{id}/assignment")
}

/// A clock of a case that has been met.
#[must_use]
pub fn deadline(id: PublicId, code: &str) -> String {
    format!("/cases/{id}/deadlines/{code}")
}

/// Where it is taken back that a clock was met.
#[must_use]
pub fn resumption(id: PublicId, code: &str) -> String {
    format!("{}/resumption", deadline(id, code))
}

/// What became of a form.
#[must_use]
pub fn request(id: &[u8; 16]) -> String {
    format!("/requests/{}", PublicId(*id))
}

/// Stands for the id of what is still to be made.
pub const NEW: &str = "new";
/// Where signed-in people land.
pub const HOME: &str = "/";
/// The list of cases.
pub const CASES: &str = "/cases";
/// Names in the list.
pub const NAMES: &str = "/cases/names";
/// Acts that take two persons.
pub const ORDERS: &str = "/orders";
/// Referrals to the actor's organisation.
pub const REFERRALS: &str = "/referrals";
/// A new intake.
pub const NEW_INTAKE: &str = "/intakes/new";
/// Intakes.
pub const INTAKES: &str = "/intakes";
/// The draft of an intake.
pub const INTAKE_DRAFT: &str = "/intakes/draft";
/// The log.
pub const LOG: &str = "/log";
/// Lines of the log as CSV.
pub const LOG_EXPORT: &str = "/log/export";
/// Verification of the log.
pub const LOG_VERIFICATION: &str = "/log/verification";
/// Signing in.
pub const SIGN_IN: &str = "/sign-in";
/// Signing out.
pub const SIGN_OUT: &str = "/sign-out";
/// Quick exit.
pub const EXIT: &str = "/exit";
/// Opening the keys of a sealed house.
pub const UNSEALING: &str = "/unsealing";
