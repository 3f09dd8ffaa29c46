//! Danger now and later.

use super::section;
use crate::domain::codes;
use crate::domain::partial_date::PartialDate;

section! {
    /// Danger now and later.
    Risk of Risk {
        danger: String = Kind::Code(codes::DANGER),
        danger_detail: String = Kind::Lines(4000),
        review_on: PartialDate = Kind::Date,
    }
}
