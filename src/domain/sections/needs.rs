//! What the person needs and wishes.

use ledger::Section;
use ledger::vault::sealed::GroupId;
use serde::{Deserialize, Serialize};

use super::CaseSection;
use crate::domain::answer::Answer;
use crate::domain::codes;
use crate::domain::field::{Field, Kind};
use crate::domain::group::Group;

/// What the person needs and wishes.
#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
pub struct Needs {
    /// `field-urgent_needs`.
    pub urgent_needs: Answer<Vec<String>>,
    /// `field-wishes`.
    pub wishes: Answer<String>,
    /// `field-interpreter`.
    pub interpreter: Answer<String>,
}

impl Section for Needs {
    const GROUP: GroupId = Group::Needs.id();
}

impl CaseSection for Needs {
    const GROUP_OF: Group = Group::Needs;
    const FIELDS: &'static [Field] = &[
        Field {
            name: "urgent_needs",
            kind: Kind::Codes(codes::URGENT_NEED),
        },
        Field {
            name: "wishes",
            kind: Kind::Lines(4000),
        },
        Field {
            name: "interpreter",
            kind: Kind::Line(100),
        },
    ];
}
