//! An actor records that what a clock asked for has been done; the clock that follows starts at that moment.

use diesel::prelude::*;

use super::actor::Actor;
use super::case_act::{self, CaseActError, No, allowed};
use super::outcome::Claim;
use crate::app::App;
use crate::clock::row_id;
use crate::domain::deadline::Deadline;
use crate::domain::public_id::PublicId;
use crate::policy::{Action, Ask};
use crate::storage::StorageError;
use crate::storage::schema::deadline;

/// Stops a clock of a case and gives the index of the entry; a clock that does not run is a conflict.
pub async fn meet_deadline(
    app: &App,
    actor: &Actor,
    id: PublicId,
    met: &'static Deadline,
) -> Result<String, CaseActError> {
    let claim = |actor: &Actor| Claim::new(actor, "deadline.meet", &met.code, id, &[]);
    case_act::once(app, actor, claim, async |actor| {
        attempt(app, actor, id, met, claim(actor)).await
    })
    .await
}

async fn attempt(
    app: &App,
    actor: &Actor,
    id: PublicId,
    met: &'static Deadline,
    claim: Claim,
) -> Result<Option<String>, CaseActError> {
    let ask = Ask {
        groups: &[],
        purpose: "case_work",
        confirmed: false,
    };
    let allowed = allowed(app, actor, id, Action::Edit, &ask).await?;
    let entry = actor
        .permitted("deadline.meet", &allowed.permit)
        .purpose("case_work")
        .about(allowed.handle)
        .fields(&[&met.code]);
    allowed.open()?;
    case_act::write(app, allowed.permit.rights(), claim, entry, move |tx| {
        let now_ms = tx.now_ms();
        let connection = tx.connection();
        let running = deadline::case_id
            .eq(&allowed.case.id)
            .and(deadline::code.eq(&met.code))
            .and(deadline::met_at.is_null())
            // The clock of a receiving body is met by what that body records.
            .and(deadline::referral_id.is_null());
        let changed = diesel::update(deadline::table.filter(running))
            .set(deadline::met_at.eq(Some(now_ms)))
            .execute(connection)?;
        if changed == 0 {
            return Err(No::Conflict.into());
        }
        if let Some(next) = met.next() {
            diesel::insert_into(deadline::table)
                .values((
                    deadline::id.eq(row_id(now_ms).map_err(StorageError::from)?.to_vec()),
                    deadline::case_id.eq(&allowed.case.id),
                    deadline::code.eq(&next.code),
                    deadline::started_at.eq(now_ms),
                    deadline::due_at.eq(next.due_ms(now_ms)),
                    deadline::met_at.eq(None::<i64>),
                    deadline::referral_id.eq(None::<Vec<u8>>),
                ))
                .execute(connection)?;
        }
        Ok(())
    })
    .await
}
