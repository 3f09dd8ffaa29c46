//! Why a group is opened; the log keeps the code.

use super::role::Role;

/// Purposes that a person may choose, by stored code.
pub const PURPOSES: [&str; 8] = [
    "case_work",
    "supervision",
    "identification",
    "protection",
    "support",
    "legal_aid",
    "follow_up",
    "safe_contact",
];

/// Why somebody of a role opens a case when nothing else is said.
#[must_use]
pub const fn usual(role: Role) -> &'static str {
    match role {
        Role::Supervisor => "supervision",
        Role::LegalAidOfficer => "legal_aid",
        Role::Liaison => "identification",
        _ => "case_work",
    }
}

/// Reads a chosen purpose.
#[must_use]
pub fn parse(code: &str) -> Option<&'static str> {
    PURPOSES.into_iter().find(|known| *known == code)
}
