//! How the person came.

use super::section;
use crate::domain::codes;
use crate::domain::partial_date::PartialDate;

section! {
    /// How the person came.
    Origin of Origin {
        route: String = Kind::Code(codes::ROUTE),
        channel: String = Kind::Code(codes::CHANNEL),
        brought_by: String = Kind::Line(200),
        place: String = Kind::Line(300),
        received_on: PartialDate = Kind::PastDate,
        account: String = Kind::Lines(4000),
    }
}
