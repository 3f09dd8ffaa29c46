//! Who agreed and how it was explained (L91/2025 Art. 9).

use super::section;
use crate::domain::codes;

section! {
    /// Who agreed and how it was explained (L91/2025 Art. 9).
    ConsentDetail of Notes {
        agreed_by: String = Kind::Code(codes::AGREED_BY),
        alone_because: String = Kind::Line(200),
        explained_in: String = Kind::Line(100),
        evidence: String = Kind::Line(200),
    }
}
