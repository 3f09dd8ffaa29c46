//! Why the case may end.

use super::section;
use crate::domain::codes;

section! {
    /// Why the case may end.
    Closure of Reintegration {
        closing_reason: String = Kind::Code(codes::CLOSING_REASON),
        closing_account: String = Kind::Lines(2000),
    }
}
