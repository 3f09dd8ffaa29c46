//! Every address of the house; no path is written anywhere else.

use crate::domain::group::Group;
use crate::domain::public_id::PublicId;

/// A case.
#[must_use]
pub fn case(id: PublicId) -> String {
    format!("/cases/{id}")
}

/// A group of a case.
#[must_use]
pub fn group(id: PublicId, group: Group) -> String {
    format!("/cases/{id}/groups/{}", group.name())
}

/// Opening a group of class S4.
#[must_use]
pub fn opening(id: PublicId, group: Group) -> String {
    format!("/cases/{id}/groups/{}/opening", group.name())
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

/// What became of a form.
#[must_use]
pub fn request(id: &[u8; 16]) -> String {
    format!("/requests/{}", PublicId(*id))
}

/// Where signed-in people land.
pub const HOME: &str = "/";
/// The list of cases.
pub const CASES: &str = "/cases";
/// Names in the list.
pub const NAMES: &str = "/cases/names";
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
