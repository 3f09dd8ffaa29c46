//! The data groups: the unit of sealing, permission, receipt, log, consent and referral.

use ledger::vault::owner::Lock;
use ledger::vault::sealed::GroupId;

/// A closed list; numbers and names are in every sealed value and are never changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
pub enum Group {
    /// Names, birth, sex, documents of identity.
    Identity,
    /// Ordinary address and telephone.
    Contact,
    /// Safe telephone, safe way of contact, present place of stay.
    Safety,
    /// Relatives.
    Family,
    /// How the person came: route, channel, who brought.
    Origin,
    /// Acts, means, purpose, places of the trafficking.
    Trafficking,
    /// Health.
    Health,
    /// Psychology.
    Psychology,
    /// Risk and danger.
    Risk,
    /// Needs and support.
    Needs,
    /// Where the person is sheltered.
    Shelter,
    /// Status, grounds and documents of identification.
    LegalStatus,
    /// Matter and milestones of legal aid.
    LegalAid,
    /// Content of legal advice.
    Privileged,
    /// Criminal proceedings.
    CriminalCase,
    /// Reintegration.
    Reintegration,
    /// Notes and drafts.
    Notes,
    /// Who informed.
    Informant,
}

/// Sensitivity class, `docs/formats.md` §2.1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// Basic personal data.
    S2,
    /// Sensitive personal data (D356/2025 Art. 4).
    S3,
    /// Safety of life.
    S4,
}

/// Whose key seals a group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Owner {
    /// The person, in every case of hers.
    Person,
    /// The case.
    Case,
}

use Class::{S2, S3, S4};
use Owner::{Case, Person};

impl Group {
    /// All of them by number.
    pub const ALL: [Self; 18] = [
        Self::Identity,
        Self::Contact,
        Self::Safety,
        Self::Family,
        Self::Origin,
        Self::Trafficking,
        Self::Health,
        Self::Psychology,
        Self::Risk,
        Self::Needs,
        Self::Shelter,
        Self::LegalStatus,
        Self::LegalAid,
        Self::Privileged,
        Self::CriminalCase,
        Self::Reintegration,
        Self::Notes,
        Self::Informant,
    ];

    const fn facts(self) -> (u16, &'static str, Class, Owner) {
        match self {
            Self::Identity => (1, "identity", S2, Person),
            Self::Contact => (2, "contact", S2, Person),
            Self::Safety => (3, "safety", S4, Person),
            Self::Family => (4, "family", S3, Case),
            Self::Origin => (5, "origin", S3, Case),
            Self::Trafficking => (6, "trafficking", S3, Case),
            Self::Health => (7, "health", S3, Case),
            Self::Psychology => (8, "psychology", S3, Case),
            Self::Risk => (9, "risk", S3, Case),
            Self::Needs => (10, "needs", S3, Case),
            Self::Shelter => (11, "shelter", S4, Case),
            Self::LegalStatus => (12, "legal_status", S3, Case),
            Self::LegalAid => (13, "legal_aid", S3, Case),
            Self::Privileged => (14, "privileged", S3, Case),
            Self::CriminalCase => (15, "criminal_case", S3, Case),
            Self::Reintegration => (16, "reintegration", S3, Case),
            Self::Notes => (17, "notes", S3, Case),
            Self::Informant => (18, "informant", S4, Case),
        }
    }

    /// Number in associated data; its bit in a set of groups is `1 << (number - 1)`.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.facts().0
    }

    /// Name in the log, in policies and in URLs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.facts().1
    }

    /// Sensitivity.
    #[must_use]
    pub const fn class(self) -> Class {
        self.facts().2
    }

    /// Whose key seals it.
    #[must_use]
    pub const fn owner(self) -> Owner {
        self.facts().3
    }

    /// The group as the vault knows it.
    #[must_use]
    pub const fn id(self) -> GroupId {
        let (number, name, class, _) = self.facts();
        let lock = match class {
            S2 | S3 => Lock::Ordinary,
            S4 => Lock::SafetyOfLife,
        };
        GroupId { number, name, lock }
    }

    /// Reads a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|group| group.name() == name)
    }

    /// Reads a number.
    #[must_use]
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|group| group.number() == number)
    }
}

/// A set of groups as the database keeps it.
#[must_use]
pub fn to_bits(groups: &[Group]) -> i64 {
    groups.iter().fold(0, |bits, group| bits | 1 << (group.number() - 1))
}

/// Reads [`to_bits`]; bits without a group are passed over.
#[must_use]
pub fn from_bits(bits: i64) -> Vec<Group> {
    Group::ALL
        .into_iter()
        .filter(|group| bits & (1 << (group.number() - 1)) != 0)
        .collect()
}

/// Names of the groups of [`to_bits`], as entries of the log list them.
#[must_use]
pub fn names_of(bits: i64) -> Vec<&'static str> {
    from_bits(bits).into_iter().map(Group::name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_the_published_ones() {
        // These are in every sealed value ever written; a change here is a loss of data.
        let published = "1 identity S2|2 contact S2|3 safety S4|4 family S3|5 origin S3|6 trafficking S3|7 health S3|8 psychology S3|9 risk S3|\
            10 needs S3|11 shelter S4|12 legal_status S3|13 legal_aid S3|14 privileged S3|15 criminal_case S3|16 reintegration S3|17 notes S3|18 informant S4";
        let here: Vec<String> = Group::ALL
            .iter()
            .map(|group| format!("{} {} {:?}", group.number(), group.name(), group.class()))
            .collect();
        assert_eq!(here.join("|"), published);
    }

    #[test]
    fn sets_read_back() {
        let groups = vec![Group::Identity, Group::Shelter, Group::Informant];
        assert_eq!(from_bits(to_bits(&groups)), groups);
    }
}
