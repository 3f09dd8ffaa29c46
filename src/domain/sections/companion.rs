//! Somebody under 18 who came along; a person with keys of her own (L53/2024 Art. 2).

use super::section;
use crate::domain::codes;

section! {
    /// Somebody under 18 who came along; a person with keys of her own (L53/2024 Art. 2).
    Companion of Family {
        companion_alias: String = Kind::Line(100),
        companion_relation: String = Kind::Code(codes::RELATION),
        companion_age_band: String = Kind::Code(codes::MINOR_AGE_BAND),
        signs_of_victim: String = Kind::Code(codes::YES_NO),
        birth_certificate: String = Kind::Code(codes::YES_NO),
        wishes_together: String = Kind::Code(codes::YES_NO),
        companion_needs: String = Kind::Lines(2000),
    }
}
