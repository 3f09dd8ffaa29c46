//! Code lists: stored codes are English, labels live in `locales/` under `code-<list>-<code>`.

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
}
