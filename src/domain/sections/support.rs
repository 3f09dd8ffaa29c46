//! One regime of support, asked for, approved, delivered (L53/2024 Art. 37).

use super::section;
use crate::domain::codes;

section! {
    /// One regime of support, asked for, approved, delivered (L53/2024 Art. 37).
    Support of Needs {
        regime: String = Kind::Code(codes::REGIME),
        priority: String = Kind::Code(codes::PRIORITY),
        person_wants: String = Kind::Code(codes::YES_NO),
        provider: String = Kind::Line(200),
        support_detail: String = Kind::Lines(2000),
    }
}
