//! Who the person is.

use ledger::Section;
use ledger::vault::sealed::GroupId;
use serde::{Deserialize, Serialize};

use super::CaseSection;
use crate::domain::answer::Answer;
use crate::domain::codes;
use crate::domain::field::{Field, Kind};
use crate::domain::group::Group;
use crate::domain::partial_date::PartialDate;

/// Who the person is.
#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
pub struct Identity {
    /// `field-alias`.
    pub alias: Answer<String>,
    /// `field-full_name`.
    pub full_name: Answer<String>,
    /// `field-other_names`.
    pub other_names: Answer<String>,
    /// `field-birth`.
    pub birth: Answer<PartialDate>,
    /// `field-age_band`.
    pub age_band: Answer<String>,
    /// `field-sex`.
    pub sex: Answer<String>,
    /// `field-id_number`.
    pub id_number: Answer<String>,
    /// `field-document_kind`.
    pub document_kind: Answer<String>,
    /// `field-document_number`.
    pub document_number: Answer<String>,
    /// `field-nationality`.
    pub nationality: Answer<String>,
    /// `field-language`.
    pub language: Answer<String>,
}

impl Section for Identity {
    const GROUP: GroupId = Group::Identity.id();
}

impl CaseSection for Identity {
    const GROUP_OF: Group = Group::Identity;
    const FIELDS: &'static [Field] = &[
        Field {
            name: "alias",
            kind: Kind::Line(100),
        },
        Field {
            name: "full_name",
            kind: Kind::Line(150),
        },
        Field {
            name: "other_names",
            kind: Kind::Line(300),
        },
        Field {
            name: "birth",
            kind: Kind::Date,
        },
        Field {
            name: "age_band",
            kind: Kind::Code(codes::AGE_BAND),
        },
        Field {
            name: "sex",
            kind: Kind::Code(codes::SEX),
        },
        Field {
            name: "id_number",
            kind: Kind::IdNumber,
        },
        Field {
            name: "document_kind",
            kind: Kind::Code(codes::DOCUMENT_KIND),
        },
        Field {
            name: "document_number",
            kind: Kind::Line(60),
        },
        Field {
            name: "nationality",
            kind: Kind::Line(100),
        },
        Field {
            name: "language",
            kind: Kind::Line(100),
        },
    ];
}
