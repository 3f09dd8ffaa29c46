//! An order: an act that one person asks for and a second one of another role agrees to, within a time, for a written reason.
//!
//! Erasure, of a person or of one version that was typed into the wrong place: L91/2025 Art. 14. The waiting time leaves room for a mistake to be noticed; the whole stays within the 20 days that the law gives.

use super::codes::{CodeList, ERASURE_BASIS, HANDOVER_BASIS, REDACTION_BASIS, RELEASE_BASIS};
use super::group::Group;

const DAY_MS: i64 = 86_400_000;

/// Most characters of a reason.
pub const REASON_MOST: usize = 1000;

/// What is ordered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Kind {
    /// To destroy the keys of a person and of all her cases.
    Erasure,
    /// To give groups of one case to a body that may demand them (BLTTHS 2015 Art. 88; L91/2025 Art. 19), and nothing else to anybody.
    Handover,
    /// To put a sealed stub in the place of an earlier version.
    Redaction,
    /// To lift the legal hold of a case.
    Release,
}

/// Where an order stands, as stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum State {
    /// It waits for the second person.
    Requested,
    /// The second person agreed; it waits for its time.
    Agreed,
    /// The second person said no.
    Refused,
    /// Whoever asked took it back.
    Withdrawn,
    /// It is being carried out: the data is gone, the keys are next.
    Started,
    /// It is done.
    Done,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Erasure, Self::Handover, Self::Redaction, Self::Release];

    /// Name in the database, in URLs, in the log as its purpose.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Erasure => "erasure",
            Self::Handover => "handover",
            Self::Redaction => "redaction",
            Self::Release => "release",
        }
    }

    /// Reads a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The legal bases that can be named.
    #[must_use]
    pub const fn bases(self) -> CodeList {
        match self {
            Self::Erasure => ERASURE_BASIS,
            Self::Handover => HANDOVER_BASIS,
            Self::Redaction => REDACTION_BASIS,
            Self::Release => RELEASE_BASIS,
        }
    }

    /// How long the second person has, milliseconds.
    #[must_use]
    pub const fn lasts_ms(self) -> i64 {
        7 * DAY_MS
    }

    /// How long it waits for the ceremony once it is agreed to, milliseconds; `None` when it is done at once.
    #[must_use]
    pub const fn waits_ms(self) -> Option<i64> {
        match self {
            Self::Erasure => Some(7 * DAY_MS),
            Self::Handover => Some(0),
            Self::Redaction | Self::Release => None,
        }
    }
}

/// The groups that can be handed over: whatever is in use, but what a lawyer was told in confidence (L11/2017 Art. 6).
pub fn may_be_handed_over() -> impl Iterator<Item = Group> {
    Group::in_use().filter(|group| *group != Group::Privileged)
}

impl State {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Requested,
        Self::Agreed,
        Self::Refused,
        Self::Withdrawn,
        Self::Started,
        Self::Done,
    ];

    /// Code in the database.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Agreed => "agreed",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
            Self::Started => "started",
            Self::Done => "done",
        }
    }

    /// Reads a code.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }
}
