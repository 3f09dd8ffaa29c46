//! A referral is accepted, rejected, closed by its receiver, or taken back by its sender.

use diesel::prelude::*;
use ledger::vault::associated::Handle;

use super::actor::Actor;
use super::case_act::{self, CaseActError, No, allowed};
use super::failure::Failure;
use super::outcome::{Before, Claim};
use super::{owners, refuse, sections, sessions};
use crate::app::App;
use crate::clock::row_id;
use crate::domain::deadline;
use crate::domain::group::{Group, names_of};
use crate::domain::public_id::PublicId;
use crate::domain::referral::{Kind, State, Verb};
use crate::domain::refusal::Why;
use crate::policy::{Action, Ask, Decision, Permit, Resource};
use crate::storage::StorageError;
use crate::storage::access_rows::{AccessRow, ReferralRow};
use crate::storage::case_rows;
use crate::storage::schema::{deadline as deadline_table, sealed_value};
use crate::storage::visible;

/// What is done.
#[derive(Clone)]
pub struct Change {
    /// Which referral.
    pub referral: PublicId,
    /// What.
    pub verb: Verb,
    /// Code of the reason; a rejection needs one.
    pub reason: Option<&'static str>,
}

/// The receiver answers or ends a referral; gives the public id of its case and the index of the entry.
pub async fn answer_referral(app: &App, actor: &Actor, change: &Change) -> Result<(PublicId, String), CaseActError> {
    // The case of a referral that has ended is not told any more; the claim of the first sending knows it.
    let unknown = PublicId([0; 16]);
    let claim = |actor: &Actor, case: PublicId| {
        let said = change.reason.unwrap_or_default();
        Claim::new(
            actor,
            change.verb.kind(),
            &change.referral.to_string(),
            case,
            said.as_bytes(),
        )
    };
    if let Before::Same(case) = claim(actor, unknown).before(app).await? {
        return Ok((case, String::new()));
    }
    sessions::with_current_rights(app, actor, async |actor| {
        let (row, case, handle, permit) = addressed(app, actor, change.referral).await?;
        let done = write(app, actor, (&row, handle), &permit, change, claim(actor, case)).await;
        if let Err(CaseActError::Refused(why)) = &done {
            let tried = claim(actor, case).tried();
            refuse::work(app, actor, case, (*why, tried)).await?;
        }
        Ok::<_, CaseActError>(done?.map(|index| (case, index)))
    })
    .await
}

/// The sender takes a referral back and gets the index of the entry.
pub async fn withdraw_referral(
    app: &App,
    actor: &Actor,
    id: PublicId,
    referral: PublicId,
) -> Result<String, CaseActError> {
    let change = Change {
        referral,
        verb: Verb::Withdraw,
        reason: None,
    };
    let claim = |actor: &Actor| Claim::new(actor, Verb::Withdraw.kind(), &referral.to_string(), id, &[]);
    case_act::once(app, actor, claim, async |actor| {
        let ask = Ask {
            groups: &[],
            purpose: "case_work",
            confirmed: false,
        };
        let allowed = allowed(app, actor, id, Action::Refer, &ask).await?;
        let sent = allowed.around.referrals.iter().find(|row| row.public_id == referral.0);
        let Some(row) = sent else {
            let index = refuse::case(app, actor, id.0, Action::Refer, &ask, &[]).await?;
            return Err(CaseActError::NotFound(index));
        };
        write(
            app,
            actor,
            (row, allowed.handle),
            &allowed.permit,
            &change,
            claim(actor),
        )
        .await
    })
    .await
}

/// A referral to the actor's organisation that she may answer, its case, and the handle of that.
pub async fn addressed(
    app: &App,
    actor: &Actor,
    id: PublicId,
) -> Result<(ReferralRow, PublicId, Handle, Permit), CaseActError> {
    let viewer = actor.viewer.clone();
    let found = app
        .read(move |app, connection| {
            let found = visible::referral(connection, &app.keyring, &viewer, app.clock.now_ms(), &id.0)?;
            match found {
                None => Ok(None),
                Some((row, case, standing)) => {
                    let handle = owners::open_one(app, &case.owner_id)?.handle();
                    Ok(Some((row, case.public_id, standing, handle)))
                }
            }
        })
        .await
        .map_err(Failure::from)?;
    let refused = async |policies: &[String]| -> Result<_, CaseActError> {
        Err(CaseActError::NotFound(
            refuse::referral(app, actor, id.0, policies).await?,
        ))
    };
    let Some((row, case, standing, handle)) = found else {
        return refused(&[]).await;
    };
    // A referral that ended leaves nothing to answer: it does not exist for its receiver any more.
    if !State::parse(&row.state).is_some_and(State::is_open) {
        return refused(&[]).await;
    }
    let resource = Resource::Case {
        relations: &standing.relations,
        listed: &standing.listed,
    };
    let ask = Ask {
        groups: &[],
        purpose: "",
        confirmed: false,
    };
    match app
        .engine
        .decide(actor.role(), Action::PickUp, &resource, &ask, actor.rights)
    {
        Decision::Deny(policies) => refused(&policies).await,
        Decision::Allow(permit) => {
            let case = PublicId(case.try_into().map_err(|_| Failure::Internal(None))?);
            Ok((row, case, handle, permit))
        }
    }
}

async fn write(
    app: &App,
    actor: &Actor,
    (row, handle): (&ReferralRow, Handle),
    permit: &Permit,
    change: &Change,
    claim: Claim,
) -> Result<Option<String>, CaseActError> {
    let from = State::parse(&row.state).ok_or(Why::NotNow)?;
    let to = change.verb.apply(from)?;
    let now_ms = app.clock.now_ms();
    if change.verb == Verb::Reject && change.reason.is_none() {
        return Err(Why::NotChosen.into());
    }
    let ended = matches!(to, State::Closed | State::Withdrawn);
    let next = ReferralRow {
        state: to.code().to_owned(),
        decided_at: if ended { row.decided_at } else { Some(now_ms) },
        closed_at: ended.then_some(now_ms),
        reason: change.reason.map(str::to_owned),
        version: row.version + 1,
        ..row.clone()
    }
    .signed(&app.keyring);
    let mut entry = actor
        .permitted(change.verb.kind(), permit)
        .purpose(&row.purpose)
        .fields(&names_of(row.groups))
        .about(handle);
    if let Some(reason) = change.reason {
        entry = entry.basis(reason);
    }
    let clock = (change.verb == Verb::Accept && row.kind == Kind::LegalAid.name()).then_some("TGPL_CU_NGUOI");
    let verb = change.verb;
    case_act::write(app, permit.rights(), claim, entry, move |tx| {
        let connection = tx.connection();
        if verb == Verb::Close && records(connection, &next.id)? == 0 {
            return Err(Why::NoResult.into());
        }
        if !case_rows::replace_referral(connection, &next)? {
            return Err(No::Conflict.into());
        }
        if let Some(code) = clock {
            let clock = deadline::find(code).ok_or(StorageError::Inconsistent("a clock is missing"))?;
            diesel::insert_into(deadline_table::table)
                .values((
                    deadline_table::id.eq(row_id(now_ms).map_err(StorageError::from)?.to_vec()),
                    deadline_table::case_id.eq(&next.case_id),
                    deadline_table::code.eq(code),
                    deadline_table::started_at.eq(now_ms),
                    deadline_table::due_at.eq(clock.due_ms(now_ms)),
                    deadline_table::met_at.eq(None::<i64>),
                    deadline_table::referral_id.eq(Some(next.id.clone())),
                ))
                .execute(connection)?;
        }
        if from == State::Accepted {
            // The receiver sees the groups no longer, and owes nothing more.
            case_rows::stop_clocks(connection, &next.id)?;
            tx.revoke();
        }
        Ok(())
    })
    .await
}

/// How many versions of a result for the worker the receiver has recorded.
fn records(connection: &mut crate::storage::connection::AnyConnection, id: &[u8]) -> Result<i64, StorageError> {
    Ok(sealed_value::table
        .filter(sealed_value::record_id.eq(id.to_vec()))
        .filter(sealed_value::group_no.eq(sections::number(Group::LegalAid)))
        .count()
        .get_result(connection)?)
}
