//! Ordinary ways to reach the person; a safe telephone belongs to [`super::Safety`].

use super::section;

section! {
    /// Ordinary ways to reach the person; a safe telephone belongs to [`super::Safety`].
    Contact of Contact {
        phone: String = Kind::Phone,
        residence: String = Kind::Line(300),
        former_residence: String = Kind::Line(300),
    }
}
