//! A person takes her consent back: every referral that rests on it ends at once (L91/2025 Art. 10).

use ledger::vault::keyring::Keyring;

use super::actor::Actor;
use super::case_act::{self, CaseActError, No, allowed};
use super::outcome::Claim;
use super::refuse;
use crate::app::App;
use crate::domain::group::names_of;
use crate::domain::public_id::PublicId;
use crate::domain::referral::State;
use crate::domain::refusal::Why;
use crate::policy::{Action, Ask};
use crate::storage::access_rows::{AccessRow, ConsentRow, ReferralRow};
use crate::storage::case_rows;
use crate::storage::writer::{ActError, Tx};

/// Withdraws a consent and gives the index of the entry.
pub async fn withdraw_consent(
    app: &App,
    actor: &Actor,
    id: PublicId,
    consent: PublicId,
) -> Result<String, CaseActError> {
    let claim = |actor: &Actor| Claim::new(actor, "consent.withdraw", &consent.to_string(), id, &[]);
    case_act::once(app, actor, claim, async |actor| {
        attempt(app, actor, id, consent, claim(actor)).await
    })
    .await
}

async fn attempt(
    app: &App,
    actor: &Actor,
    id: PublicId,
    consent: PublicId,
    claim: Claim,
) -> Result<Option<String>, CaseActError> {
    let ask = Ask {
        groups: &[],
        purpose: "case_work",
        confirmed: false,
    };
    let allowed = allowed(app, actor, id, Action::Edit, &ask).await?;
    let around = &allowed.around;
    let Some(row) = around.consents.iter().find(|row| row.public_id == consent.0) else {
        let index = refuse::case(app, actor, id.0, Action::Edit, &ask, &[]).await?;
        return Err(CaseActError::NotFound(index));
    };
    if row.state != "given" {
        return Err(Why::NotNow.into());
    }
    let (row, case) = (row.clone(), allowed.case.id.clone());
    let keyring = std::sync::Arc::clone(&app.keyring);
    let entry = actor
        .permitted("consent.withdraw", &allowed.permit)
        .purpose("case_work")
        .basis(&consent.to_string())
        .fields(&names_of(row.groups))
        .about(allowed.handle);
    case_act::write(app, allowed.permit.rights(), claim, entry, move |tx| {
        withdraw(tx, &keyring, &case, row)
    })
    .await
}

/// Withdraws a consent and ends every referral that rests on it, inside a transaction.
pub fn withdraw(tx: &mut Tx<'_>, keyring: &Keyring, case_id: &[u8], row: ConsentRow) -> Result<(), ActError<No>> {
    let now_ms = tx.now_ms();
    let connection = tx.connection();
    let next = ConsentRow {
        state: "withdrawn".to_owned(),
        withdrawn_at: Some(now_ms),
        version: row.version + 1,
        ..row
    }
    .signed(keyring);
    if !case_rows::replace_consent(connection, &next)? {
        return Err(No::Conflict.into());
    }
    // Read here: a referral may have been sent since the page was.
    for referral in case_rows::around(connection, keyring, case_id)?.referrals {
        let rests_on_it = referral.consent_id.as_ref() == Some(&next.id);
        if rests_on_it && State::parse(&referral.state).is_some_and(State::is_open) {
            let ended = ReferralRow {
                state: State::Withdrawn.code().to_owned(),
                closed_at: Some(now_ms),
                version: referral.version + 1,
                ..referral
            };
            case_rows::replace_referral(connection, &ended.clone().signed(keyring))?;
            case_rows::stop_clocks(connection, &ended.id)?;
        }
    }
    tx.revoke();
    Ok(())
}
