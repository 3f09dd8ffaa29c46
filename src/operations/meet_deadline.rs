//! An actor records that what a clock asked for has been done, today or on an earlier day; the clock that follows starts then.
//! What was recorded by mistake is taken back.

use chrono::NaiveDate;
use diesel::prelude::*;

use super::actor::Actor;
use super::case_act::{self, CaseActError, No, allowed};
use super::outcome::Claim;
use crate::app::App;
use crate::clock::row_id;
use crate::domain::deadline::{Deadline, done_on};
use crate::domain::public_id::PublicId;
use crate::domain::refusal::Why;
use crate::policy::{Action, Ask};
use crate::storage::StorageError;
use crate::storage::connection::AnyConnection;
use crate::storage::schema::deadline;
use crate::storage::writer::ActError;

/// What is recorded of a clock.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// Done now.
    Now,
    /// Done on this day, not later than today.
    On(NaiveDate),
    /// Not done: it was recorded by mistake.
    NotYet,
}

/// Stops or resumes a clock of a case and gives the index of the entry; a clock that is not in the state for it is a conflict.
pub async fn meet_deadline(
    app: &App,
    actor: &Actor,
    id: PublicId,
    clock: &'static Deadline,
    done: Done,
) -> Result<String, CaseActError> {
    let (kind, said) = match done {
        Done::Now => ("deadline.meet", Vec::new()),
        Done::On(day) => ("deadline.meet", day.to_string().into_bytes()),
        Done::NotYet => ("deadline.resume", Vec::new()),
    };
    let claim = |actor: &Actor| Claim::new(actor, kind, &clock.code, id, &said);
    case_act::once(app, actor, claim, async |actor| {
        let claim = claim(actor);
        attempt(app, actor, id, (clock, done, kind), claim).await
    })
    .await
}

async fn attempt(
    app: &App,
    actor: &Actor,
    id: PublicId,
    (clock, done, kind): (&'static Deadline, Done, &'static str),
    claim: Claim,
) -> Result<Option<String>, CaseActError> {
    let ask = Ask {
        groups: &[],
        purpose: "case_work",
        confirmed: false,
    };
    let allowed = allowed(app, actor, id, Action::Edit, &ask).await?;
    let entry = actor
        .permitted(kind, &allowed.permit)
        .purpose("case_work")
        .about(allowed.handle)
        .fields(&[&clock.code]);
    allowed.open()?;
    case_act::write(app, allowed.permit.rights(), claim, entry, move |tx| {
        let now_ms = tx.now_ms();
        let connection = tx.connection();
        match done {
            Done::Now => meet(connection, &allowed.case.id, clock, |_| Ok(now_ms), now_ms),
            Done::On(day) => {
                let at = |started| done_on(day, started).map(|at| at.min(now_ms)).ok_or(Why::BeforeStart);
                meet(connection, &allowed.case.id, clock, at, now_ms)
            }
            Done::NotYet => resume(connection, &allowed.case.id, clock),
        }
    })
    .await
}

/// The rows of a clock that the case itself runs: the clock of a receiving body is met by what that body records.
macro_rules! of_case {
    ($case_id:expr, $clock:expr) => {
        deadline::case_id
            .eq($case_id)
            .and(deadline::code.eq(&$clock.code))
            .and(deadline::referral_id.is_null())
    };
}

fn meet(
    connection: &mut AnyConnection,
    case_id: &[u8],
    clock: &Deadline,
    at: impl Fn(i64) -> Result<i64, Why>,
    now_ms: i64,
) -> Result<(), ActError<No>> {
    let running = deadline::table.filter(of_case!(case_id, clock).and(deadline::met_at.is_null()));
    let started: Option<i64> = running.select(deadline::started_at).first(connection).optional()?;
    let met_at = at(started.ok_or(No::Conflict)?)?;
    diesel::update(running)
        .set(deadline::met_at.eq(Some(met_at)))
        .execute(connection)?;
    if let Some(next) = clock.next() {
        diesel::insert_into(deadline::table)
            .values((
                deadline::id.eq(row_id(now_ms).map_err(StorageError::from)?.to_vec()),
                deadline::case_id.eq(case_id),
                deadline::code.eq(&next.code),
                deadline::started_at.eq(met_at),
                deadline::due_at.eq(next.due_ms(met_at)),
                deadline::met_at.eq(None::<i64>),
                deadline::referral_id.eq(None::<Vec<u8>>),
            ))
            .execute(connection)?;
    }
    Ok(())
}

fn resume(connection: &mut AnyConnection, case_id: &[u8], clock: &Deadline) -> Result<(), ActError<No>> {
    if let Some(next) = clock.next() {
        // What follows was started by mistake too, unless it was done meanwhile.
        let followed = diesel::delete(deadline::table.filter(of_case!(case_id, next).and(deadline::met_at.is_null())));
        if followed.execute(connection)? == 0 {
            return Err(Why::NotNow.into());
        }
    }
    let met = deadline::table.filter(of_case!(case_id, clock).and(deadline::met_at.is_not_null()));
    let resumed = diesel::update(met)
        .set(deadline::met_at.eq(None::<i64>))
        .execute(connection)?;
    if resumed == 0 {
        return Err(No::Conflict.into());
    }
    Ok(())
}
