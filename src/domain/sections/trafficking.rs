//! What was done to the person (L53/2024 Art. 2.1).

use super::section;
use crate::domain::codes;
use crate::domain::partial_date::PartialDate;

section! {
    /// What was done to the person (L53/2024 Art. 2.1).
    Trafficking of Trafficking {
        acts: Vec<String> = Kind::Codes(codes::ACT),
        means: Vec<String> = Kind::Codes(codes::MEANS),
        exploitation: Vec<String> = Kind::Codes(codes::EXPLOITATION),
        since: PartialDate = Kind::PastDate,
        taken_from: String = Kind::Line(200),
        taken_to: String = Kind::Line(200),
        circumstances: String = Kind::Lines(8000),
    }
}
