//! Danger now and later.

use ledger::Section;
use ledger::vault::sealed::GroupId;
use serde::{Deserialize, Serialize};

use super::CaseSection;
use crate::domain::answer::Answer;
use crate::domain::codes;
use crate::domain::field::{Field, Kind};
use crate::domain::group::Group;
use crate::domain::partial_date::PartialDate;

/// Danger now and later.
#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
pub struct Risk {
    /// `field-danger`.
    pub danger: Answer<String>,
    /// `field-danger_detail`.
    pub danger_detail: Answer<String>,
    /// `field-review_on`.
    pub review_on: Answer<PartialDate>,
}

impl Section for Risk {
    const GROUP: GroupId = Group::Risk.id();
}

impl CaseSection for Risk {
    const GROUP_OF: Group = Group::Risk;
    const FIELDS: &'static [Field] = &[
        Field {
            name: "danger",
            kind: Kind::Code(codes::DANGER),
        },
        Field {
            name: "danger_detail",
            kind: Kind::Lines(4000),
        },
        Field {
            name: "review_on",
            kind: Kind::Date,
        },
    ];
}
