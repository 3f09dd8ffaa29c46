//! How the legal-aid centre handles the matter; the worker reads it (L11/2017 Art. 30–33).

use super::section;
use crate::domain::codes;
use crate::domain::partial_date::PartialDate;

section! {
    /// How the legal-aid centre handles the matter; the worker reads it (L11/2017 Art. 30–33).
    Matter of LegalAid {
        matter_number: String = Kind::Line(60),
        provider_kind: String = Kind::Code(codes::PROVIDER_KIND),
        provider_name: String = Kind::Line(150),
        assigned_on: PartialDate = Kind::PastDay,
        outcome: String = Kind::Code(codes::OUTCOME),
        report: String = Kind::Lines(2000),
    }
}
