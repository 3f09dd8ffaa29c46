//! Who acts: an account in a session, with the rights version at which it was looked up.

use ledger::Draft;

use crate::domain::role::Role;
use crate::policy::Permit;
use crate::storage::visible::Viewer;

/// A signed-in member of staff, for one request.
#[derive(Clone)]
pub struct Actor {
    /// Account and organisation.
    pub viewer: Viewer,
    /// Staff code.
    pub code: String,
    /// Code of the organisation.
    pub org_code: String,
    /// Kind of the organisation, one of `domain::organisation::KINDS`.
    pub org_kind: String,
    /// Hash of the session token: the id of the session row.
    pub session: [u8; 32],
    /// Digest of the network address.
    pub network: [u8; 8],
    /// Rights version before the account was read.
    pub rights: i64,
    /// Request id.
    pub request: [u8; 16],
}

impl Actor {
    /// Role.
    #[must_use]
    pub fn role(&self) -> Role {
        self.viewer.role
    }

    /// An entry of this actor's request.
    #[must_use]
    pub fn draft(&self, kind: &str) -> Draft {
        let session = self.session.first_chunk::<8>().copied();
        Draft::new(kind, &self.code, &self.request)
            .role(self.role().code(), &self.org_code)
            .session(session, Some(self.network))
    }

    /// An entry under a permit.
    #[must_use]
    pub fn permitted(&self, kind: &str, permit: &Permit) -> Draft {
        self.draft(kind).decision(true, permit.policies())
    }
}
