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
