//! What legal help the person asks for.

use super::section;
use crate::domain::codes;
use crate::domain::partial_date::PartialDate;

section! {
    /// What legal help the person asks for.
    LegalAid of LegalAid {
        law_field: Vec<String> = Kind::Codes(codes::LAW_FIELD),
        legal_question: String = Kind::Lines(4000),
        hearing_on: PartialDate = Kind::Date,
        preference: String = Kind::Line(200),
    }
}
