//! How the person came.

use ledger::Section;
use ledger::vault::sealed::GroupId;
use serde::{Deserialize, Serialize};

use super::CaseSection;
use crate::domain::answer::Answer;
use crate::domain::codes;
use crate::domain::field::{Field, Kind};
use crate::domain::group::Group;
use crate::domain::partial_date::PartialDate;

/// How the person came.
#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
pub struct Origin {
    /// `field-route`.
    pub route: Answer<String>,
    /// `field-channel`.
    pub channel: Answer<String>,
    /// `field-brought_by`.
    pub brought_by: Answer<String>,
    /// `field-place`.
    pub place: Answer<String>,
    /// `field-received_on`.
    pub received_on: Answer<PartialDate>,
    /// `field-accompanying_minors`.
    pub accompanying_minors: Answer<String>,
    /// `field-account`.
    pub account: Answer<String>,
}

impl Section for Origin {
    const GROUP: GroupId = Group::Origin.id();
}

impl CaseSection for Origin {
    const GROUP_OF: Group = Group::Origin;
    const FIELDS: &'static [Field] = &[
        Field {
            name: "route",
            kind: Kind::Code(codes::ROUTE),
        },
        Field {
            name: "channel",
            kind: Kind::Code(codes::CHANNEL),
        },
        Field {
            name: "brought_by",
            kind: Kind::Line(200),
        },
        Field {
            name: "place",
            kind: Kind::Line(300),
        },
        Field {
            name: "received_on",
            kind: Kind::Date,
        },
        Field {
            name: "accompanying_minors",
            kind: Kind::Lines(1000),
        },
        Field {
            name: "account",
            kind: Kind::Lines(4000),
        },
    ];
}
