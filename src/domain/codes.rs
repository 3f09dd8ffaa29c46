//! Code lists: stored codes are English, labels live in `locales/` under `code-<list>-<code>`.

use super::partial_date::PartialDate;

/// A closed list.
#[derive(Clone, Copy)]
pub struct CodeList {
    /// Name of the list.
    pub name: &'static str,
    /// Its codes in the order in which forms show them.
    pub codes: &'static [&'static str],
}

impl CodeList {
    /// The code as this list spells it, if it is one of them.
    #[must_use]
    pub fn find(&self, code: &str) -> Option<&'static str> {
        self.codes.iter().find(|known| **known == code).copied()
    }
}

/// Whether an age band lies under 18, where the rules for children hold.
#[must_use]
pub fn is_child(age_band: &str) -> bool {
    matches!(age_band, "under_6" | "6_10" | "11_13" | "14_15" | "16_17")
}

/// Whether somebody may be under 18 on a day, by age band or by date of birth; of a month or a year of birth the last day
/// counts, as in criminal proceedings (BLTTHS Art. 417).
#[must_use]
pub fn may_be_child(identity: &serde_json::Value, today: chrono::NaiveDate) -> bool {
    let known = |name: &str| {
        identity
            .pointer(&format!("/{name}/known"))
            .and_then(serde_json::Value::as_str)
    };
    let birth = known("birth").and_then(|text| PartialDate::try_from(text.to_owned()).ok());
    let grown = |birth: PartialDate| birth.last_day().checked_add_months(chrono::Months::new(18 * 12));
    known("age_band").is_some_and(is_child) || birth.and_then(grown).is_some_and(|day| day > today)
}

/// Whether a danger makes a case urgent for the unit.
#[must_use]
pub fn is_urgent(danger: &str) -> bool {
    matches!(danger, "immediate" | "high")
}

macro_rules! lists {
    ($($constant:ident $name:literal [$($code:literal)*];)*) => {
        $(
            #[doc = concat!("Codes of `", $name, "`.")]
            pub const $constant: CodeList = CodeList { name: $name, codes: &[$($code),*] };
        )*
        /// Every list.
        pub const ALL: &[CodeList] = &[$($constant),*];
    };
}

lists! {
    AGE_BAND "age_band" ["under_6" "6_10" "11_13" "14_15" "16_17" "18_24" "25_34" "35_49" "50_plus"];
    MINOR_AGE_BAND "minor_age_band" ["under_6" "6_10" "11_13" "14_15" "16_17"];
    SEX "sex" ["female" "male"];
    CHANNEL "channel" ["hotline_111" "police" "border_guard" "coast_guard" "commune" "health_department" "support_facility"
        "mission_abroad" "legal_aid_centre" "womens_union" "school" "health_facility" "civil_society" "individual" "self"
        "foreign_body" "other"];
    ROUTE "route" ["self_report" "rescued" "returned_from_abroad" "foreigner" "referred"];
    DANGER "danger" ["immediate" "high" "medium" "low"];
    URGENT_NEED "urgent_need" ["food" "clothing" "shelter" "medical" "safety" "interpretation" "family_contact" "papers" "psychological"];
    CONTACT_WAY "contact_way" ["in_person" "phone" "trusted_person" "facility" "no_contact"];
    ACT "act" ["recruiting" "transporting" "transferring" "harbouring" "receiving"];
    MEANS "means" ["force" "threat" "deception" "other"];
    EXPLOITATION "exploitation" ["profit" "sexual" "forced_labour" "forced_begging" "organ_removal" "forced_marriage" "forced_childbearing"
        "forced_crime" "illegal_adoption" "other"];
    DOCUMENT_KIND "document_kind" ["citizen_card" "old_id_card" "passport" "birth_certificate" "confirmation" "foreign" "none"];
    YES_NO "yes_no" ["yes" "no"];
    CONCLUSION "conclusion" ["victim" "not_enough_grounds" "not_victim"];
    GROUND "ground" ["proceedings_body" "rescuing_body" "mission_abroad" "domestic_body" "foreign_body" "own_statement"
        "suspect_statement" "other_victims" "other_lawful"];
    DECIDING_BODY "deciding_body" ["provincial_police" "border_guard" "coast_guard" "investigating_body" "procuracy" "court"
        "ministry_body"];
    STATUS_DOCUMENT "status_document" ["police_confirmation" "rescuing_body_confirmation" "proceedings_document"
        "foreign_document"];
    FORCE "force" ["police" "border_guard" "coast_guard" "foreign_body" "other"];
    HELP_ON_SPOT "help_on_spot" ["food" "medical" "interpretation" "clothing" "travel"];
    RELATION "relation" ["child" "sibling" "grandchild_niece_nephew" "other"];
    MEASURE "measure" ["secrecy_of_evidence" "secrecy_of_person" "guards" "limits_on_contact" "temporary_shelter" "new_place"
        "deterrence" "closed_trial" "procedure_code" "other"];
    REGIME "regime" ["essential_needs" "medical" "interpretation" "legal_support" "legal_aid" "travel" "psychological"
        "schooling" "vocational" "allowance_loan"];
    PRIORITY "priority" ["urgent" "high" "normal"];
    VISIT_FORM "visit_form" ["home" "facility" "telephone" "safe_place" "not_reached"];
    SAFE_NOW "safe_now" ["safe" "at_risk" "unsafe"];
    RISK_LEVEL "risk_level" ["low" "medium" "high"];
    CLOSING_REASON "closing_reason" ["settled" "moved_away" "handed_over" "own_wish" "not_reached" "not_victim" "repatriated"
        "deceased" "other"];
    REOPENING_REASON "reopening_reason" ["new_evidence" "new_danger" "own_wish" "trafficked_again" "closed_by_mistake" "other"];
    LAW_FIELD "law_field" ["criminal" "civil" "marriage_family" "administrative" "land" "labour" "civil_status" "compensation"
        "other"];
    LEGAL_AID_FORM "legal_aid_form" ["proceedings" "advice" "representation"];
    PROVIDER_KIND "provider_kind" ["legal_aid_officer" "lawyer" "legal_adviser" "collaborator"];
    OUTCOME "outcome" ["completed" "continuing" "not_continued" "suspended"];
    AGREED_BY "agreed_by" ["self" "representative" "both"];
    CONSENT_FORM "consent_form" ["signed" "thumbprint" "spoken_recorded" "electronic"];
    CONSENT_PURPOSE "consent_purpose" ["case_file" "health_department" "police" "legal_aid" "medical" "psychological"
        "family_contact" "school_work" "statistics" "foreign_body" "follow_up"];
    BASIS "basis" ["vital_interest" "crime_prevention" "state_function"];
    RETURN_REASON "return_reason" ["missing_answer" "missing_document" "grounds_unclear" "not_entitled" "talk_first"];
    REJECTION "rejection" ["conflict_of_interest" "no_concrete_matter" "unlawful_request" "other_organisation" "out_of_area"
        "no_provider" "other"];
    REDACTION_BASIS "redaction_basis" ["wrong_place" "wrong_person" "not_needed" "person_asked"];
    ERASURE_BASIS "erasure_basis" ["person_asked" "purpose_ended" "keeping_period_over" "authority_decision"];
    HANDOVER_BASIS "handover_basis" ["court" "procuracy" "investigating_body"];
    HOLD_BASIS "hold_basis" ["criminal_proceedings" "compensation_claim" "complaint" "court_order" "inspection"];
    RELEASE_BASIS "release_basis" ["proceedings_ended" "claim_settled" "authority_decision" "placed_by_mistake"];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_is_known_by_age_band_or_by_birth() {
        let today = chrono::NaiveDate::from_ymd_opt(2026, 3, 5).unwrap();
        let of = |field: &str, answer: &str| may_be_child(&serde_json::json!({field: {"known": answer}}), today);
        for birth in ["2008-03-06", "2008-03", "2008", "2008~", "2020"] {
            assert!(of("birth", birth), "{birth}");
        }
        for birth in ["2008-03-05", "2008-02", "2007", "1990-01-01"] {
            assert!(!of("birth", birth), "{birth}");
        }
        assert!(of("age_band", "16_17") && !of("age_band", "18_24"));
        assert!(!may_be_child(&serde_json::json!({"birth": "unknown"}), today));
    }
}
