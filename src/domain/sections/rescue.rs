//! How the person was freed, by whom, and to whom handed over (L53/2024 Art. 28).

use super::section;
use crate::domain::codes;
use crate::domain::partial_date::PartialDate;

section! {
    /// How the person was freed, by whom, and to whom handed over (L53/2024 Art. 28).
    Rescue of Origin {
        rescued_on: PartialDate = Kind::PastDate,
        rescue_place: String = Kind::Line(300),
        lead_force: String = Kind::Code(codes::FORCE),
        joint_forces: Vec<String> = Kind::Codes(codes::FORCE),
        help_on_spot: Vec<String> = Kind::Codes(codes::HELP_ON_SPOT),
        handed_to: String = Kind::Line(200),
        handover_record: String = Kind::Line(100),
        medical_state: String = Kind::Lines(2000),
    }
}
