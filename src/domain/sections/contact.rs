//! Ordinary ways to reach the person; a safe telephone belongs to [`super::Safety`].

use ledger::Section;
use ledger::vault::sealed::GroupId;
use serde::{Deserialize, Serialize};

use super::CaseSection;
use crate::domain::answer::Answer;
use crate::domain::field::{Field, Kind};
use crate::domain::group::Group;

/// Ordinary ways to reach the person; a safe telephone belongs to [`super::Safety`].
#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
pub struct Contact {
    /// `field-phone`.
    pub phone: Answer<String>,
    /// `field-residence`.
    pub residence: Answer<String>,
    /// `field-former_residence`.
    pub former_residence: Answer<String>,
}

impl Section for Contact {
    const GROUP: GroupId = Group::Contact.id();
}

impl CaseSection for Contact {
    const GROUP_OF: Group = Group::Contact;
    const FIELDS: &'static [Field] = &[
        Field {
            name: "phone",
            kind: Kind::Phone,
        },
        Field {
            name: "residence",
            kind: Kind::Line(300),
        },
        Field {
            name: "former_residence",
            kind: Kind::Line(300),
        },
    ];
}
