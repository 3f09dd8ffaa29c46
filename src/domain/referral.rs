//! A referral or a request to another body: a permission on the live groups that it lists, never a copy.

use super::group::Group;
use super::refusal::Why;

/// What the other body is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Kind {
    /// To conclude whether the person is a victim.
    Identification,
    /// To give legal aid.
    LegalAid,
}

/// Where it stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum State {
    /// It waits; its groups are shut.
    Sent,
    /// Its groups are open to the receiver.
    Accepted,
    /// The receiver said no.
    Rejected,
    /// The receiver has answered; its groups are shut again.
    Closed,
    /// The sender or the person took it back; its groups are shut.
    Withdrawn,
}

impl Kind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Identification, Self::LegalAid];

    /// Name in the database and in URLs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Identification => "identification",
            Self::LegalAid => "legal_aid",
        }
    }

    /// Reads a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The kinds of organisation that can receive it.
    #[must_use]
    pub const fn receivers(self) -> &'static [&'static str] {
        match self {
            Self::Identification => &["police", "border_guard", "procuracy"],
            Self::LegalAid => &["legal_aid_centre"],
        }
    }

    /// The purpose that a consent must name to cover it.
    #[must_use]
    pub const fn consent_purpose(self) -> &'static str {
        match self {
            Self::Identification => "police",
            Self::LegalAid => "legal_aid",
        }
    }

    /// Whether a basis of L91/2025 Art. 19 can stand for a consent; legal aid needs the client's own word (L11/2017 Art. 6).
    #[must_use]
    pub const fn allows_basis(self) -> bool {
        matches!(self, Self::Identification)
    }

    /// Groups that may be listed without a consent, on a basis of L91/2025 Art. 19: what a conclusion needs, nothing of safety of life.
    #[must_use]
    pub const fn without_consent(self) -> &'static [Group] {
        match self {
            Self::Identification => &[
                Group::Identity,
                Group::Contact,
                Group::Family,
                Group::Origin,
                Group::Trafficking,
                Group::Risk,
                Group::LegalStatus,
            ],
            Self::LegalAid => &[],
        }
    }

    /// Groups in which the receiver writes; the first is always listed, for it is what the referral is about.
    #[must_use]
    pub const fn own(self) -> &'static [Group] {
        match self {
            Self::Identification => &[Group::LegalStatus],
            Self::LegalAid => &[Group::LegalAid, Group::Privileged],
        }
    }

    /// The clock for an answer.
    #[must_use]
    pub const fn answer_clock(self) -> &'static str {
        match self {
            Self::Identification => "XM_TIEP_NHAN",
            Self::LegalAid => "TGPL_TRA_LOI",
        }
    }
}

impl State {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Sent,
        Self::Accepted,
        Self::Rejected,
        Self::Closed,
        Self::Withdrawn,
    ];

    /// The stored code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Closed => "closed",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Reads the stored code.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }

    /// Whether a body still holds it.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Sent | Self::Accepted)
    }
}

/// What somebody does with a referral.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verb {
    /// The receiver takes it on.
    Accept,
    /// The receiver says no.
    Reject,
    /// The receiver has recorded the result and is done.
    Close,
    /// The sender takes it back.
    Withdraw,
}

impl Verb {
    /// Name in the log.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Accept => "referral.accept",
            Self::Reject => "referral.reject",
            Self::Close => "referral.close",
            Self::Withdraw => "referral.withdraw",
        }
    }

    /// The state after it.
    pub fn apply(self, from: State) -> Result<State, Why> {
        match (self, from) {
            (Self::Accept, State::Sent) => Ok(State::Accepted),
            (Self::Reject, State::Sent) => Ok(State::Rejected),
            (Self::Close, State::Accepted) => Ok(State::Closed),
            (Self::Withdraw, State::Sent | State::Accepted) => Ok(State::Withdrawn),
            _ => Err(Why::NotNow),
        }
    }
}

/// Groups that a consent or a referral may name: a shelter, an informant, privileged advice and working notes never leave.
#[must_use]
pub fn may_be_listed(group: Group) -> bool {
    !matches!(
        group,
        Group::Shelter | Group::Informant | Group::Privileged | Group::Notes
    )
}

/// Groups that a referral opens: what was chosen, if the consent covers it, and the receiver's own.
pub fn listed(kind: Kind, chosen: &[Group], consented: Option<&[Group]>) -> Result<Vec<Group>, Why> {
    let mut groups: Vec<Group> = chosen.to_vec();
    groups.extend(kind.own().first());
    groups.sort_unstable();
    groups.dedup();
    if !groups.iter().all(|group| may_be_listed(*group)) {
        return Err(Why::OutsideConsent);
    }
    let covered = consented.unwrap_or(kind.without_consent());
    if !groups.iter().all(|group| covered.contains(group)) {
        return Err(Why::OutsideConsent);
    }
    groups.extend(kind.own().iter().skip(1));
    Ok(groups)
}

/// Names of the groups that a referral opens to its receiver; what the receiver writes for itself is not opened by anybody.
#[must_use]
pub fn shown(groups: &[Group]) -> Vec<&'static str> {
    groups
        .iter()
        .filter(|group| may_be_listed(**group))
        .map(|group| group.name())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_referral_lists_nothing_that_the_consent_does_not_name() {
        let consent = [Group::Identity, Group::LegalAid];
        let fits = listed(Kind::LegalAid, &[Group::Identity], Some(&consent));
        assert_eq!(fits, Ok(vec![Group::Identity, Group::LegalAid, Group::Privileged]));
        let more = listed(Kind::LegalAid, &[Group::Identity, Group::Trafficking], Some(&consent));
        assert_eq!(more, Err(Why::OutsideConsent));
        let without_the_matter = listed(Kind::LegalAid, &[Group::Identity], Some(&[Group::Identity]));
        assert_eq!(without_the_matter, Err(Why::OutsideConsent));
    }

    #[test]
    fn a_shelter_is_never_listed() {
        for group in [Group::Shelter, Group::Informant, Group::Privileged] {
            for kind in Kind::ALL {
                assert_eq!(listed(kind, &[group], None), Err(Why::OutsideConsent));
            }
        }
    }

    #[test]
    fn without_a_consent_nothing_of_safety_of_life_is_listed() {
        let asked = listed(Kind::Identification, &[Group::Identity, Group::Safety], None);
        assert_eq!(asked, Err(Why::OutsideConsent));
        assert!(listed(Kind::Identification, &[Group::Identity], None).is_ok());
    }

    #[test]
    fn a_rejected_referral_stays_rejected() {
        for verb in [Verb::Accept, Verb::Reject, Verb::Close, Verb::Withdraw] {
            assert_eq!(verb.apply(State::Rejected), Err(Why::NotNow));
        }
    }
}
