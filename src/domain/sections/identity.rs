//! Who the person is.

use super::section;
use crate::domain::codes;
use crate::domain::partial_date::PartialDate;

section! {
    /// Who the person is.
    Identity of Identity {
        alias: String = Kind::Line(100),
        full_name: String = Kind::Line(150),
        other_names: String = Kind::Line(300),
        birth: PartialDate = Kind::PastDate,
        age_band: String = Kind::Code(codes::AGE_BAND),
        sex: String = Kind::Code(codes::SEX),
        id_number: String = Kind::IdNumber,
        document_kind: String = Kind::Code(codes::DOCUMENT_KIND),
        document_number: String = Kind::Line(60),
        nationality: String = Kind::Line(100),
        language: String = Kind::Line(100),
    }
}
