//! An answer to a question: known, or one of three different ways of not knowing (GBV practice: never force an answer).

use serde::{Deserialize, Serialize};

/// `{"known": value}`, `"unknown"`, `"not_asked"` or `"declined"`.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Default)]
#[serde(rename_all = "snake_case")]
pub enum Answer<T> {
    /// The value.
    Known(T),
    /// Asked; the person does not know.
    Unknown,
    /// Nobody has asked yet.
    #[default]
    NotAsked,
    /// The person would rather not say.
    Declined,
}

impl<T> Answer<T> {
    /// The value, if there is one.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unknown | Self::NotAsked | Self::Declined => None,
        }
    }
}
