//! How and where the person may be reached without danger.

use super::section;
use crate::domain::codes;

section! {
    /// How and where the person may be reached without danger.
    Safety of Safety {
        contact_way: Vec<String> = Kind::Codes(codes::CONTACT_WAY),
        safe_phone: String = Kind::Phone,
        safe_hours: String = Kind::Line(200),
        message_allowed: String = Kind::Line(200),
    }
}
