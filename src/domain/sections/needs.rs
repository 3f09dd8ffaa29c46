//! What the person needs and wishes.

use super::section;
use crate::domain::codes;

section! {
    /// What the person needs and wishes.
    Needs of Needs {
        urgent_needs: Vec<String> = Kind::Codes(codes::URGENT_NEED),
        wishes: String = Kind::Lines(4000),
        interpreter: String = Kind::Line(100),
    }
}
