//! What every act on one case shares: find the case, decide, write with its entry, say no in one way.

use ledger::Draft;
use ledger::vault::associated::Handle;

use super::actor::Actor;
use super::failure::{Failure, Written, sort};
use super::outcome::{Before, Claim};
use super::sessions::SignedOut;
use super::{owners, refuse, sessions};
use crate::app::App;
use crate::domain::public_id::PublicId;
use crate::domain::refusal::Why;
use crate::policy::{Action, Ask, Decision, Permit, Resource};
use crate::storage::access_rows::CaseRow;
use crate::storage::case_rows::{self, Around};
use crate::storage::visible::{self, Standing};
use crate::storage::writer::{ActError, Tx};

/// Why an act on a case was not done; nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum CaseActError {
    /// Somebody else changed it meanwhile.
    #[error("changed by somebody else")]
    Conflict,
    /// A fault of the house.
    #[error(transparent)]
    Failure(#[from] Failure),
    /// There is no such case for this actor; the refusal is in the log at this index.
    #[error("no such case")]
    NotFound(String),
    /// The rules of the work say no.
    #[error("not allowed by the work")]
    Refused(Why),
    /// The session ended meanwhile.
    #[error("signed out")]
    SignedOut,
}

impl From<SignedOut> for CaseActError {
    fn from(_: SignedOut) -> Self {
        Self::SignedOut
    }
}

impl From<Why> for CaseActError {
    fn from(why: Why) -> Self {
        Self::Refused(why)
    }
}

/// Why the act itself stops inside its transaction.
#[derive(Debug)]
pub enum No {
    /// The same form was sent before and written then.
    Already,
    /// Somebody else was quicker.
    Conflict,
    /// A rule of the work.
    Why(Why),
}

impl From<No> for ActError<No> {
    fn from(no: No) -> Self {
        Self::Refused(no)
    }
}

impl From<Why> for ActError<No> {
    fn from(why: Why) -> Self {
        Self::Refused(No::Why(why))
    }
}

/// A case that the actor may act on.
pub struct Allowed {
    /// The plain row.
    pub case: CaseRow,
    /// How the actor stands to it.
    pub standing: Standing,
    /// Its log handle.
    pub handle: Handle,
    /// What is around it.
    pub around: Around,
    /// The decision.
    pub permit: Permit,
}

impl Allowed {
    /// Refuses acts on a closed case.
    pub fn open(&self) -> Result<(), Why> {
        if self.case.state == CLOSED {
            return Err(Why::CaseClosed);
        }
        Ok(())
    }
}

/// `case_file.state` of a case whose keys were destroyed; nobody sees it any more.
pub const ERASED: &str = visible::ERASED;
/// `case_file.state` of an ended case.
pub const CLOSED: &str = "closed";
/// `case_file.state` of a case that is worked on.
pub const OPEN: &str = "open";

/// Finds the case and decides; a refusal is recorded before it is told.
pub async fn allowed(
    app: &App,
    actor: &Actor,
    id: PublicId,
    action: Action,
    ask: &Ask<'_>,
) -> Result<Allowed, CaseActError> {
    let viewer = actor.viewer.clone();
    let found = app
        .read(move |app, connection| {
            let now_ms = app.clock.now_ms();
            let (case, standing) = visible::case(connection, &app.keyring, &viewer, now_ms, &id.0)?;
            let Some(case) = case else {
                return Ok(None);
            };
            let handle = owners::open_one(app, &case.owner_id)?.handle();
            let around = case_rows::around(connection, &app.keyring, &case.id)?;
            Ok(Some((case, standing, handle, around)))
        })
        .await
        .map_err(Failure::from)?;
    let refused = async |policies: &[String]| -> Result<Allowed, CaseActError> {
        let index = refuse::case(app, actor, id.0, action, ask, policies).await?;
        Err(CaseActError::NotFound(index))
    };
    let Some((case, standing, handle, around)) = found else {
        return refused(&[]).await;
    };
    refuse::tampered(app, &around.tampered).await?;
    let resource = Resource::Case {
        relations: &standing.relations,
        listed: &standing.listed,
    };
    match app.engine.decide(actor.role(), action, &resource, ask, actor.rights) {
        Decision::Allow(permit) => Ok(Allowed {
            case,
            standing,
            handle,
            around,
            permit,
        }),
        Decision::Deny(policies) => refused(&policies).await,
    }
}

/// Does an act of a form once: a form that was sent before is done already, and a *no* of the work is recorded before it is told.
///
/// Gives the index of the entry, empty for a form that was sent before.
pub async fn once(
    app: &App,
    actor: &Actor,
    claim: impl Fn(&Actor) -> Claim,
    attempt: impl AsyncFn(&Actor) -> Result<Option<String>, CaseActError>,
) -> Result<String, CaseActError> {
    match claim(actor).before(app).await? {
        Before::Same(_) => return Ok(String::new()),
        Before::Other(_) => return Err(CaseActError::Conflict),
        Before::New => {}
    }
    let done = sessions::with_current_rights(app, actor, attempt).await;
    if let Err(CaseActError::Refused(why)) = &done {
        let claim = claim(actor);
        refuse::work(app, actor, claim.subject(), (*why, claim.tried())).await?;
    }
    done
}

/// Writes an act with its entry and gives the index of the entry; `None` when rights were taken away meanwhile.
pub async fn write(
    app: &App,
    rights: i64,
    claim: Claim,
    entry: Draft,
    act: impl FnOnce(&mut Tx<'_>) -> Result<(), ActError<No>> + Send + 'static,
) -> Result<Option<String>, CaseActError> {
    let outcome = app
        .writer
        .write(Some(rights), move |tx| {
            let now_ms = tx.now_ms();
            match claim.once(tx.connection(), now_ms)? {
                Before::Same(_) => return Err(No::Already.into()),
                Before::Other(_) => return Err(No::Conflict.into()),
                Before::New => {}
            }
            act(tx)?;
            Ok(((), vec![entry]))
        })
        .await;
    match sort(outcome)? {
        Written::Done(((), receipts)) => Ok(Some(receipts.first().map(ledger::Receipt::index).unwrap_or_default())),
        Written::Stale => Ok(None),
        Written::Refused(No::Already) => Ok(Some(String::new())),
        Written::Refused(No::Conflict) => Err(CaseActError::Conflict),
        Written::Refused(No::Why(why)) => Err(why.into()),
    }
}
