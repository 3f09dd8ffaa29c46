//! What is sealed: one struct and one table of fields per section. None of them can be printed.

mod contact;
mod identity;
mod needs;
mod notes;
mod origin;
mod risk;
mod safety;
mod trafficking;

pub use contact::Contact;
pub use identity::Identity;
pub use needs::Needs;
pub use notes::Notes;
pub use origin::Origin;
pub use risk::Risk;
pub use safety::Safety;
pub use trafficking::Trafficking;

use super::field::Field;
use super::group::Group;

/// A section that a form can show and take.
pub trait CaseSection: ledger::Section + Default {
    /// Its group.
    const GROUP_OF: Group;
    /// Its fields in the order of the form.
    const FIELDS: &'static [Field];
}

/// Does something with the section type of a group.
pub trait Visitor {
    /// What comes out.
    type Output;
    /// Called with the section type.
    fn visit<S: CaseSection + Send + 'static>(self) -> Self::Output;
}

impl Group {
    /// Calls the visitor with the section of this group; `None` while the group has no section yet.
    pub fn accept<V: Visitor>(self, visitor: V) -> Option<V::Output> {
        match self {
            Self::Identity => Some(visitor.visit::<Identity>()),
            Self::Contact => Some(visitor.visit::<Contact>()),
            Self::Safety => Some(visitor.visit::<Safety>()),
            Self::Origin => Some(visitor.visit::<Origin>()),
            Self::Trafficking => Some(visitor.visit::<Trafficking>()),
            Self::Risk => Some(visitor.visit::<Risk>()),
            Self::Needs => Some(visitor.visit::<Needs>()),
            Self::Notes => Some(visitor.visit::<Notes>()),
            Self::Family
            | Self::Health
            | Self::Psychology
            | Self::Shelter
            | Self::LegalStatus
            | Self::LegalAid
            | Self::Privileged
            | Self::CriminalCase
            | Self::Reintegration
            | Self::Informant => None,
        }
    }

    /// The fields of this group; empty while it has no section yet.
    #[must_use]
    pub fn fields(self) -> &'static [Field] {
        struct Fields;
        impl Visitor for Fields {
            type Output = &'static [Field];
            fn visit<S: CaseSection + Send + 'static>(self) -> &'static [Field] {
                S::FIELDS
            }
        }
        self.accept(Fields).unwrap_or_default()
    }

    /// The groups that have a section.
    pub fn with_section() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|group| !group.fields().is_empty())
    }
}
