//! How and where the person may be reached without danger.

use ledger::Section;
use ledger::vault::sealed::GroupId;
use serde::{Deserialize, Serialize};

use super::CaseSection;
use crate::domain::answer::Answer;
use crate::domain::codes;
use crate::domain::field::{Field, Kind};
use crate::domain::group::Group;

/// How and where the person may be reached without danger.
#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
pub struct Safety {
    /// `field-contact_way`.
    pub contact_way: Answer<Vec<String>>,
    /// `field-safe_phone`.
    pub safe_phone: Answer<String>,
    /// `field-safe_hours`.
    pub safe_hours: Answer<String>,
    /// `field-message_allowed`.
    pub message_allowed: Answer<String>,
    /// `field-present_stay`.
    pub present_stay: Answer<String>,
}

impl Section for Safety {
    const GROUP: GroupId = Group::Safety.id();
}

impl CaseSection for Safety {
    const GROUP_OF: Group = Group::Safety;
    const FIELDS: &'static [Field] = &[
        Field {
            name: "contact_way",
            kind: Kind::Codes(codes::CONTACT_WAY),
        },
        Field {
            name: "safe_phone",
            kind: Kind::Phone,
        },
        Field {
            name: "safe_hours",
            kind: Kind::Line(200),
        },
        Field {
            name: "message_allowed",
            kind: Kind::Line(200),
        },
        Field {
            name: "present_stay",
            kind: Kind::Line(300),
        },
    ];
}
