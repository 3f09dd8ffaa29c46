//! Whether the person is a victim, on which grounds, by whose document (L53/2024 Art. 32, 33).

use super::section;
use crate::domain::codes;
use crate::domain::partial_date::PartialDate;

section! {
    /// Whether the person is a victim, on which grounds, by whose document (L53/2024 Art. 32, 33).
    Identification of LegalStatus {
        conclusion: String = Kind::Code(codes::CONCLUSION),
        grounds: Vec<String> = Kind::Codes(codes::GROUND),
        deciding_body: String = Kind::Code(codes::DECIDING_BODY),
        status_document: String = Kind::Code(codes::STATUS_DOCUMENT),
        status_document_number: String = Kind::Line(100),
        concluded_on: PartialDate = Kind::PastDate,
        person_told: String = Kind::Code(codes::YES_NO),
        reasoning: String = Kind::Lines(4000),
    }
}
