//! Why the work does not allow an act now; each has a sentence that says what to do, `why-…` in `locales/`.

/// A rule of the work that says no. Nothing was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Why {
    /// It is dated before its clock started.
    BeforeStart,
    /// The case is under a legal hold.
    Held,
    /// The time in which the second person could agree is over.
    Lapsed,
    /// The case is under no legal hold.
    NotHeld,
    /// An order of this kind stands already.
    Ordered,
    /// A closure waits for approval already.
    AlreadyAsked,
    /// Visits are planned already.
    AlreadyPlanned,
    /// The same body has this referral already.
    AlreadySent,
    /// The case is closed.
    CaseClosed,
    /// The case is open.
    CaseOpen,
    /// The record was decided; it stays as it is.
    Decided,
    /// No consent covers what would be shown.
    NoConsent,
    /// The centre has not recorded a result.
    NoResult,
    /// A form without a choice that is needed.
    NotChosen,
    /// The record is not in a state that allows this.
    NotNow,
    /// A referral has not been answered or ended.
    ReferralOpen,
    /// A protective measure is in force.
    ProtectionActive,
    /// A conclusion of another body than the one that answers.
    OtherBody,
    /// The version in force: it is corrected, only earlier ones give way.
    NewestVersion,
    /// A group that the consent does not name.
    OutsideConsent,
    /// Whoever recorded something does not approve it.
    SamePerson,
    /// A child agreed alone, and nobody said why no representative did.
    ChildAlone,
    /// Support was approved and has not reached the person.
    NotDelivered,
    /// Something waits for approval.
    Waiting,
}

impl Why {
    /// All of them.
    pub const ALL: [Self; 24] = [
        Self::BeforeStart,
        Self::Held,
        Self::Lapsed,
        Self::NotHeld,
        Self::Ordered,
        Self::AlreadyAsked,
        Self::AlreadyPlanned,
        Self::AlreadySent,
        Self::CaseClosed,
        Self::CaseOpen,
        Self::Decided,
        Self::NoConsent,
        Self::NoResult,
        Self::NotChosen,
        Self::NotNow,
        Self::ReferralOpen,
        Self::ProtectionActive,
        Self::OtherBody,
        Self::NewestVersion,
        Self::OutsideConsent,
        Self::SamePerson,
        Self::ChildAlone,
        Self::NotDelivered,
        Self::Waiting,
    ];

    /// Message key.
    #[must_use]
    pub fn message(self) -> &'static str {
        match self {
            Self::BeforeStart => "why-before-start",
            Self::Held => "why-held",
            Self::Lapsed => "why-lapsed",
            Self::NotHeld => "why-not-held",
            Self::Ordered => "why-ordered",
            Self::AlreadyAsked => "why-already-asked",
            Self::AlreadyPlanned => "why-already-planned",
            Self::AlreadySent => "why-already-sent",
            Self::CaseClosed => "why-case-closed",
            Self::CaseOpen => "why-case-open",
            Self::Decided => "why-decided",
            Self::NoConsent => "why-no-consent",
            Self::NoResult => "why-no-result",
            Self::NotChosen => "why-not-chosen",
            Self::NotNow => "why-not-now",
            Self::ReferralOpen => "why-referral-open",
            Self::ProtectionActive => "why-protection-active",
            Self::OtherBody => "why-other-body",
            Self::NewestVersion => "why-newest-version",
            Self::OutsideConsent => "why-outside-consent",
            Self::SamePerson => "why-same-person",
            Self::ChildAlone => "why-child-alone",
            Self::NotDelivered => "why-not-delivered",
            Self::Waiting => "why-waiting",
        }
    }
}
