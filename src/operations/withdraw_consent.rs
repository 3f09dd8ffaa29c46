//! A person takes her consent back: every referral that rests on it ends at once (L91/2025 Art. 10).

use super::actor::Actor;
use super::case_act::{self, CaseActError, No, allowed};
use super::{outcome, refuse, sessions};
use crate::app::App;
use crate::domain::public_id::PublicId;
use crate::domain::referral::State;
use crate::domain::refusal::Why;
use crate::policy::{Action, Ask};
use crate::storage::access_rows::{AccessRow, ConsentRow, ReferralRow};
use crate::storage::case_rows;

/// Withdraws a consent and gives the index of the entry.
pub async fn withdraw_consent(
    app: &App,
    actor: &Actor,
    id: PublicId,
    consent: PublicId,
) -> Result<String, CaseActError> {
    sessions::with_current_rights(app, actor, async |actor| attempt(app, actor, id, consent).await).await
}

async fn attempt(app: &App, actor: &Actor, id: PublicId, consent: PublicId) -> Result<Option<String>, CaseActError> {
    let ask = Ask {
        groups: &[],
        purpose: "case_work",
        confirmed: false,
    };
    let allowed = allowed(app, actor, id, Action::Edit, &ask).await?;
    let around = &allowed.around;
    let Some(row) = around.consents.iter().find(|row| row.public_id == consent.0) else {
        let index = refuse::case(app, actor, id.0, Some("case_work"), &[]).await?;
        return Err(CaseActError::NotFound(index));
    };
    if row.state != "given" {
        return Err(Why::NotNow.into());
    }
    let now_ms = app.clock.now_ms();
    let next = ConsentRow {
        state: "withdrawn".to_owned(),
        withdrawn_at: Some(now_ms),
        version: row.version + 1,
        ..row.clone()
    }
    .signed(&app.keyring);
    let keyring = std::sync::Arc::clone(&app.keyring);
    let entry = actor
        .permitted("consent.withdraw", &allowed.permit)
        .purpose("case_work")
        .basis(&consent.to_string())
        .about(allowed.handle);
    let (rights, for_act) = (allowed.permit.rights(), actor.clone());
    case_act::write(app, rights, entry, move |tx| {
        let connection = tx.connection();
        if outcome::once(connection, &for_act, "consent.withdraw", &id.0, &next.id, now_ms)?.is_some() {
            return Err(No::Already.into());
        }
        if !case_rows::replace_consent(connection, &next)? {
            return Err(No::Conflict.into());
        }
        // Read again: a referral may have been sent since.
        for referral in case_rows::around(connection, &keyring, &allowed.case.id)?.referrals {
            let rests_on_it = referral.consent_id.as_ref() == Some(&next.id);
            if rests_on_it && State::parse(&referral.state).is_some_and(State::is_open) {
                let ended = ReferralRow {
                    state: State::Withdrawn.code().to_owned(),
                    closed_at: Some(now_ms),
                    version: referral.version + 1,
                    ..referral
                };
                case_rows::replace_referral(connection, &ended.signed(&keyring))?;
            }
        }
        tx.revoke();
        Ok(())
    })
    .await
}
