//! A protective measure; a place is written by its code name only (L53/2024 Art. 35).

use super::section;
use crate::domain::codes;
use crate::domain::partial_date::PartialDate;

section! {
    /// A protective measure; a place is written by its code name only (L53/2024 Art. 35).
    Protection of Shelter {
        measures: Vec<String> = Kind::Codes(codes::MEASURE),
        shelter_code: String = Kind::CodeName,
        threat: String = Kind::Lines(4000),
        decided_by_body: String = Kind::Line(200),
        decision_number: String = Kind::Line(100),
        protected_from: PartialDate = Kind::Date,
        protected_until: PartialDate = Kind::Date,
        safety_plan: String = Kind::Lines(4000),
    }
}
