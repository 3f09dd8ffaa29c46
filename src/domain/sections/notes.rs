//! Notes of the case team.

use ledger::Section;
use ledger::vault::sealed::GroupId;
use serde::{Deserialize, Serialize};

use super::CaseSection;
use crate::domain::answer::Answer;
use crate::domain::field::{Field, Kind};
use crate::domain::group::Group;

/// Notes of the case team.
#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
pub struct Notes {
    /// `field-text`.
    pub text: Answer<String>,
}

impl Section for Notes {
    const GROUP: GroupId = Group::Notes.id();
}

impl CaseSection for Notes {
    const GROUP_OF: Group = Group::Notes;
    const FIELDS: &'static [Field] = &[Field {
        name: "text",
        kind: Kind::Lines(8000),
    }];
}
