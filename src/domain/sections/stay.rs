//! Where the person stays now; a shelter by its code name only.

use super::section;
use crate::domain::partial_date::PartialDate;

section! {
    /// Where the person stays now; a shelter by its code name only. It is never listed in a consent or a referral.
    Stay of Shelter {
        present_stay: String = Kind::Line(300),
        stay_since: PartialDate = Kind::PastDate,
        who_may_know: String = Kind::Lines(1000),
    }
}
