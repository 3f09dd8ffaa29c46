//! What is sealed: one struct and one table of fields per section. None of them can be printed.

mod advice;
mod closure;
mod companion;
mod consent;
mod contact;
mod identification;
mod identity;
mod legal_aid;
mod matter;
mod needs;
mod notes;
mod origin;
mod protection;
mod reopening;
mod rescue;
mod risk;
mod safety;
mod stay;
mod support;
mod trafficking;
mod visit;

pub use advice::Advice;
pub use closure::Closure;
pub use companion::Companion;
pub use consent::ConsentDetail;
pub use contact::Contact;
pub use identification::Identification;
pub use identity::Identity;
pub use legal_aid::LegalAid;
pub use matter::Matter;
pub use needs::Needs;
pub use notes::Notes;
pub use origin::Origin;
pub use protection::Protection;
pub use reopening::Reopening;
pub use rescue::Rescue;
pub use risk::Risk;
pub use safety::Safety;
pub use stay::Stay;
pub use support::Support;
pub use trafficking::Trafficking;
pub use visit::Visit;

use super::field::Field;
use super::group::Group;

/// A section that a form can show and take.
pub trait CaseSection: ledger::Section + Default {
    /// Its group.
    const GROUP_OF: Group;
    /// Its fields in the order of the form.
    const FIELDS: &'static [Field];
}

/// Does something with the section type of a part of a case.
pub trait Visitor {
    /// What comes out.
    type Output;
    /// Called with the section type.
    fn visit<S: CaseSection + Send + 'static>(self) -> Self::Output;
}

/// Declares a section: its struct with one answer per field, and the table by which forms read and show it.
macro_rules! section {
    ($(#[$doc:meta])* $name:ident of $group:ident { $($field:ident: $kind_of:ty = $kind:expr,)* }) => {
        $(#[$doc])*
        #[derive(serde::Serialize, serde::Deserialize, Default)]
        #[serde(default)]
        pub struct $name {
            $(
                #[doc = concat!("`field-", stringify!($field), "`.")]
                pub $field: $crate::domain::answer::Answer<$kind_of>,
            )*
            /// The order by which this version gave way; then it has no answers.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub redacted: Option<String>,
        }

        impl ledger::Section for $name {
            const GROUP: ledger::vault::sealed::GroupId = $crate::domain::group::Group::$group.id();
        }

        impl $crate::domain::sections::CaseSection for $name {
            const GROUP_OF: $crate::domain::group::Group = $crate::domain::group::Group::$group;
            const FIELDS: &'static [$crate::domain::field::Field] = {
                use $crate::domain::field::Kind;
                &[$($crate::domain::field::Field { name: stringify!($field), kind: $kind },)*]
            };
        }
    };
}
use section;
