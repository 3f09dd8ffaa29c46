//! What was done to the person (L53/2024 Art. 2.1).

use ledger::Section;
use ledger::vault::sealed::GroupId;
use serde::{Deserialize, Serialize};

use super::CaseSection;
use crate::domain::answer::Answer;
use crate::domain::codes;
use crate::domain::field::{Field, Kind};
use crate::domain::group::Group;
use crate::domain::partial_date::PartialDate;

/// What was done to the person (L53/2024 Art. 2.1).
#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
pub struct Trafficking {
    /// `field-acts`.
    pub acts: Answer<Vec<String>>,
    /// `field-means`.
    pub means: Answer<Vec<String>>,
    /// `field-exploitation`.
    pub exploitation: Answer<Vec<String>>,
    /// `field-since`.
    pub since: Answer<PartialDate>,
    /// `field-taken_from`.
    pub taken_from: Answer<String>,
    /// `field-taken_to`.
    pub taken_to: Answer<String>,
    /// `field-circumstances`.
    pub circumstances: Answer<String>,
}

impl Section for Trafficking {
    const GROUP: GroupId = Group::Trafficking.id();
}

impl CaseSection for Trafficking {
    const GROUP_OF: Group = Group::Trafficking;
    const FIELDS: &'static [Field] = &[
        Field {
            name: "acts",
            kind: Kind::Codes(codes::ACT),
        },
        Field {
            name: "means",
            kind: Kind::Codes(codes::MEANS),
        },
        Field {
            name: "exploitation",
            kind: Kind::Codes(codes::EXPLOITATION),
        },
        Field {
            name: "since",
            kind: Kind::Date,
        },
        Field {
            name: "taken_from",
            kind: Kind::Line(200),
        },
        Field {
            name: "taken_to",
            kind: Kind::Line(200),
        },
        Field {
            name: "circumstances",
            kind: Kind::Lines(8000),
        },
    ];
}
