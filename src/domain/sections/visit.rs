//! A follow-up visit after the return to the community.

use super::section;
use crate::domain::codes;
use crate::domain::partial_date::PartialDate;

section! {
    /// A follow-up visit after the return to the community.
    Visit of Reintegration {
        visited_on: PartialDate = Kind::PastDay,
        visit_form: String = Kind::Code(codes::VISIT_FORM),
        safe_now: String = Kind::Code(codes::SAFE_NOW),
        retrafficking_risk: String = Kind::Code(codes::RISK_LEVEL),
        living: String = Kind::Lines(4000),
        next_steps: String = Kind::Lines(2000),
        visit_again: String = Kind::Code(codes::YES_NO),
    }
}
