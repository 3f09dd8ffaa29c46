//! The parts of a case that a form shows and saves: a group, the content of a step, a record of a receiving body.

use super::field::{Fault, Field};
use super::group::Group;
use super::partial_date::PartialDate;
use super::public_id::PublicId;
use super::sections::{
    Advice, CaseSection, ConsentDetail, Contact, Identity, LegalAid, Matter, Needs, Notes, Origin, Risk, Safety, Stay,
    Trafficking, Visitor,
};
use super::step;

/// One part; each is sealed, versioned and logged by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Part {
    /// The group itself: one record of the person or of the case.
    Group(Group),
    /// The content of a step; `None` for one that is still to be recorded.
    Step(step::Kind, Option<PublicId>),
    /// How a centre handles a referral; the worker reads it.
    Matter(PublicId),
    /// What a centre advises; nobody else reads it.
    Advice(PublicId),
    /// Who agreed to a consent, and how it was explained.
    Consent(PublicId),
}

impl Part {
    /// The group that decides who may open it.
    #[must_use]
    pub const fn group(self) -> Group {
        match self {
            Self::Group(group) => group,
            Self::Step(kind, _) => kind.group(),
            Self::Matter(_) => Group::LegalAid,
            Self::Advice(_) => Group::Privileged,
            Self::Consent(_) => Group::Notes,
        }
    }

    /// Name in the log and in `locales/`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Group(group) => group.name(),
            Self::Step(kind, _) => kind.name(),
            Self::Matter(_) => "matter",
            Self::Advice(_) => "advice",
            Self::Consent(_) => "consent",
        }
    }

    /// Calls the visitor with the section of this part; `None` for a group that has none.
    pub fn accept<V: Visitor>(self, visitor: V) -> Option<V::Output> {
        match self {
            Self::Group(group) => group.accept(visitor),
            Self::Step(kind, _) => Some(kind.accept(visitor)),
            Self::Matter(_) => Some(visitor.visit::<Matter>()),
            Self::Advice(_) => Some(visitor.visit::<Advice>()),
            Self::Consent(_) => Some(visitor.visit::<ConsentDetail>()),
        }
    }

    /// Fields without which the part says nothing; everywhere else an answer may be missing.
    #[must_use]
    pub const fn needed(self) -> &'static [&'static str] {
        match self {
            Self::Step(step::Kind::Companion, _) => &["companion_alias"],
            Self::Step(step::Kind::Identification, _) => &["conclusion", "grounds", "deciding_body"],
            Self::Step(step::Kind::Rescue, _) => &["lead_force"],
            Self::Step(step::Kind::Protection, _) => &["measures"],
            Self::Step(step::Kind::Support, _) => &["regime"],
            Self::Step(step::Kind::Visit, _) => &["visited_on", "visit_form"],
            Self::Step(step::Kind::Closure, _) => &["closing_reason"],
            Self::Step(step::Kind::Reopening, _) => &["reopening_reason"],
            Self::Matter(_) => &["provider_kind", "assigned_on", "outcome"],
            Self::Advice(_) => &["advice"],
            Self::Consent(_) => &["agreed_by"],
            _ => &[],
        }
    }

    /// The fields of this part that are needed and not answered; a victim is confirmed by a document (L53/2024 Art. 33).
    pub fn lacking(self, fields: &serde_json::Value) -> impl Iterator<Item = &'static str> {
        let confirms = matches!(self, Self::Step(step::Kind::Identification, _))
            && fields
                .pointer("/conclusion/known")
                .is_some_and(|conclusion| conclusion == "victim");
        let document = confirms.then_some("status_document");
        let needed = self.needed().iter().copied().chain(document);
        needed.filter(|name| fields.get(name).and_then(|answer| answer.get("known")).is_none())
    }

    /// An answer that another one contradicts: a measure that ends before it begins, at the earliest.
    #[must_use]
    pub fn contradicts(self, fields: &serde_json::Value) -> Option<(&'static str, Fault)> {
        let date = |name: &str| {
            let known = fields.get(name)?.get("known")?.as_str()?;
            PartialDate::try_from(known.to_owned()).ok()
        };
        let (from, until) = (date("protected_from")?, date("protected_until")?);
        (until.last_day() < from.first_day()).then_some(("protected_until", Fault::BeforeFrom))
    }

    /// The fields of this part.
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
}

impl Group {
    /// Calls the visitor with the section of the group's own record; `None` for a group that has only records of steps.
    pub fn accept<V: Visitor>(self, visitor: V) -> Option<V::Output> {
        match self {
            Self::Identity => Some(visitor.visit::<Identity>()),
            Self::Contact => Some(visitor.visit::<Contact>()),
            Self::Safety => Some(visitor.visit::<Safety>()),
            Self::Origin => Some(visitor.visit::<Origin>()),
            Self::Trafficking => Some(visitor.visit::<Trafficking>()),
            Self::Risk => Some(visitor.visit::<Risk>()),
            Self::Needs => Some(visitor.visit::<Needs>()),
            Self::Shelter => Some(visitor.visit::<Stay>()),
            Self::LegalAid => Some(visitor.visit::<LegalAid>()),
            Self::Notes => Some(visitor.visit::<Notes>()),
            Self::Family
            | Self::Health
            | Self::Psychology
            | Self::LegalStatus
            | Self::Privileged
            | Self::CriminalCase
            | Self::Reintegration
            | Self::Informant => None,
        }
    }

    /// The fields of the group's own record; empty when it has none.
    #[must_use]
    pub fn fields(self) -> &'static [Field] {
        Part::Group(self).fields()
    }

    /// The groups that have a record of their own.
    pub fn with_section() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|group| !group.fields().is_empty())
    }

    /// The groups that hold anything yet, in their own record or in steps.
    pub fn in_use() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|group| {
            let in_steps = step::Kind::ALL.iter().any(|kind| kind.group() == *group);
            in_steps || *group == Self::Privileged || !group.fields().is_empty()
        })
    }
}
