//! Notes of the case team.

use super::section;

section! {
    /// Notes of the case team.
    Notes of Notes {
        text: String = Kind::Lines(8000),
    }
}
