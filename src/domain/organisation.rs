//! The kinds of organisation (C.ORG of the field): what an organisation can receive depends on its kind.

/// Every kind, by stored code.
pub const KINDS: [&str; 16] = [
    "border_guard",
    "civil_society",
    "coast_guard",
    "commune",
    "court",
    "health_department",
    "health_facility",
    "inspectorate",
    "justice_department",
    "legal_aid_centre",
    "mission_abroad",
    "police",
    "procuracy",
    "school",
    "support_facility",
    "womens_union",
];

/// The deciding bodies, as `codes::DECIDING_BODY`, for which somebody of this kind of organisation speaks (L53/2024 Art. 27-31);
/// empty for a kind that decides on no identification.
#[must_use]
pub fn deciding_bodies(kind: &str) -> &'static [&'static str] {
    match kind {
        "police" => &["provincial_police", "investigating_body", "ministry_body"],
        "border_guard" => &["border_guard", "investigating_body", "ministry_body"],
        "coast_guard" => &["coast_guard", "investigating_body", "ministry_body"],
        "procuracy" => &["procuracy"],
        "court" => &["court"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::codes::DECIDING_BODY;

    #[test]
    fn every_deciding_body_has_somebody_who_speaks_for_it() {
        let spoken: Vec<&str> = KINDS.iter().flat_map(|kind| deciding_bodies(kind)).copied().collect();
        for body in DECIDING_BODY.codes {
            assert!(spoken.contains(body), "{body}");
        }
        for body in spoken {
            assert!(DECIDING_BODY.find(body).is_some(), "{body}");
        }
    }
}
