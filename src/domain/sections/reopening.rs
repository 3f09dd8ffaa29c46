//! Why the case is opened again.

use super::section;
use crate::domain::codes;

section! {
    /// Why the case is opened again.
    Reopening of Reintegration {
        reopening_reason: String = Kind::Code(codes::REOPENING_REASON),
        reopening_account: String = Kind::Lines(2000),
    }
}
