//! Why a group is opened; the log keeps the code.

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

/// Reads a chosen purpose.
#[must_use]
pub fn parse(code: &str) -> Option<&'static str> {
    PURPOSES.into_iter().find(|known| *known == code)
}
