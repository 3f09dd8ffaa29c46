//! The roles of the house and the kinds of organisation.

/// What an account is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Role {
    /// Accounts and organisations; no case.
    Administrator,
    /// Aggregates; no case.
    Analyst,
    /// The log; no case.
    Auditor,
    /// Keys; no case.
    KeyCustodian,
    /// Referrals to a state legal-aid centre.
    LegalAidOfficer,
    /// Requests to police, border guard or procuracy.
    Liaison,
    /// Residents and clients of a shelter, health or psychology service.
    ServiceProvider,
    /// Intake to reintegration.
    SocialWorker,
    /// The cases of a unit.
    Supervisor,
}

impl Role {
    /// All of them, in the order of the house.
    pub const ALL: [Self; 9] = [
        Self::SocialWorker,
        Self::Supervisor,
        Self::Liaison,
        Self::LegalAidOfficer,
        Self::ServiceProvider,
        Self::Auditor,
        Self::Administrator,
        Self::Analyst,
        Self::KeyCustodian,
    ];

    /// The stored code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Analyst => "analyst",
            Self::Auditor => "auditor",
            Self::KeyCustodian => "key_custodian",
            Self::LegalAidOfficer => "legal_aid_officer",
            Self::Liaison => "liaison",
            Self::ServiceProvider => "service_provider",
            Self::SocialWorker => "social_worker",
            Self::Supervisor => "supervisor",
        }
    }

    /// Reads the stored code.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.code() == code)
    }
}
