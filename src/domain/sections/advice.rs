//! The content of the advice: it never leaves the centre (L11/2017 Art. 6).

use super::section;

section! {
    /// The content of the advice: it never leaves the centre (L11/2017 Art. 6).
    Advice of Privileged {
        advice: String = Kind::Lines(8000),
    }
}
