//! A case is referred to another body: the groups that the consent covers become open to it once it accepts.

use diesel::prelude::*;

use super::actor::Actor;
use super::case_act::{self, CaseActError, No, allowed};
use super::drafts::{self, NewForm};
use super::failure::Failure;
use super::outcome::Claim;
use super::refuse;
use crate::app::App;
use crate::clock::{random_id, row_id};
use crate::domain::deadline;
use crate::domain::group::{Group, from_bits, to_bits};
use crate::domain::public_id::PublicId;
use crate::domain::referral::{Kind, State, listed};
use crate::domain::refusal::Why;
use crate::policy::{Action, Ask};
use crate::storage::StorageError;
pub use crate::storage::access_rows::OrganisationRow;
use crate::storage::access_rows::{AccessRow, ReferralRow, trusted};
use crate::storage::case_rows::{self, Around};
use crate::storage::schema::{organisation, referral};

/// What is sent.
#[derive(Clone)]
pub struct Referral {
    /// What the other body is asked for.
    pub kind: Kind,
    /// Code of the organisation.
    pub to: String,
    /// Form of legal aid, seen before acceptance; empty for a request to conclude.
    pub category: &'static str,
    /// The consent that covers it.
    pub consent: Option<PublicId>,
    /// Or a basis of L91/2025 Art. 19, where the kind allows one.
    pub basis: Option<&'static str>,
    /// Groups to open.
    pub groups: Vec<Group>,
    /// Second confirmation, when a group of class S4 is among them.
    pub confirmed: bool,
}

/// The organisations that can receive a kind of referral; rows that were edited outside the program receive nothing.
pub async fn receivers(app: &App, kind: Kind) -> Result<Vec<OrganisationRow>, Failure> {
    let (found, tampered) = app
        .read(move |app, connection| {
            let rows: Vec<OrganisationRow> = organisation::table
                .filter(organisation::kind.eq_any(kind.receivers()))
                .order(organisation::name)
                .select(OrganisationRow::as_select())
                .load(connection)?;
            Ok(trusted(rows, &app.keyring))
        })
        .await?;
    refuse::tampered(app, &vec!["organisation"; tampered]).await?;
    Ok(found)
}

/// Sends a referral and gives the index of the entry.
pub async fn send_referral(app: &App, actor: &Actor, id: PublicId, wish: &Referral) -> Result<String, CaseActError> {
    let said = format!(
        "{} {} {:?} {:?} {}",
        wish.to,
        wish.category,
        wish.consent,
        wish.basis,
        to_bits(&wish.groups)
    );
    let digest = app.keyring.web_mac(said.as_bytes());
    let claim = |actor: &Actor| Claim::new(actor, "referral.send", wish.kind.name(), id, &digest);
    case_act::once(app, actor, claim, async |actor| {
        attempt(app, actor, id, wish, claim(actor)).await
    })
    .await
}

async fn attempt(
    app: &App,
    actor: &Actor,
    id: PublicId,
    wish: &Referral,
    claim: Claim,
) -> Result<Option<String>, CaseActError> {
    let purpose = wish.kind.name();
    let ask = Ask {
        groups: &wish.groups,
        purpose,
        confirmed: wish.confirmed,
    };
    let allowed = allowed(app, actor, id, Action::Refer, &ask).await?;
    allowed.open()?;
    let consent = covered_by(wish, &allowed.around)?;
    let groups = listed(
        wish.kind,
        &wish.groups,
        consent.as_ref().map(|(_, groups)| groups.as_slice()),
    )?;
    let kind = wish.kind;
    let receivers = receivers(app, kind).await?;
    let receiver = receivers
        .into_iter()
        .find(|row| row.code == wish.to)
        .ok_or(Why::NotChosen)?;
    let now_ms = app.clock.now_ms();
    let clock = deadline::find(kind.answer_clock()).ok_or(Failure::Internal(None))?;
    let row = ReferralRow {
        id: row_id(now_ms).map_err(Failure::from)?.to_vec(),
        public_id: random_id().map_err(Failure::from)?.to_vec(),
        case_id: allowed.case.id.clone(),
        kind: kind.name().to_owned(),
        from_org: actor.viewer.org_id.clone(),
        to_org: receiver.id,
        groups: to_bits(&groups),
        purpose: purpose.to_owned(),
        consent_id: consent.as_ref().map(|(id, _)| id.clone()),
        basis: wish.basis.filter(|_| consent.is_none()).map(str::to_owned),
        state: State::Sent.code().to_owned(),
        sent_at: now_ms,
        due_at: clock.due_ms(now_ms),
        decided_at: None,
        closed_at: None,
        reason: None,
        version: 1,
        category: wish.category.to_owned(),
        mac: Vec::new(),
    }
    .signed(&app.keyring);
    let names: Vec<&str> = groups.iter().map(|group| group.name()).collect();
    let basis = match (wish.consent, wish.basis) {
        (Some(consent), _) => consent.to_string(),
        (None, basis) => basis.unwrap_or_default().to_owned(),
    };
    let entry = actor
        .permitted("referral.send", &allowed.permit)
        .purpose(purpose)
        .basis(&basis)
        .fields(&names)
        .about(allowed.handle);
    let keyring = std::sync::Arc::clone(&app.keyring);
    let author = actor.clone();
    case_act::write(app, allowed.permit.rights(), claim, entry, move |tx| {
        let now_ms = tx.now_ms();
        let connection = tx.connection();
        if !case_rows::is_unchanged(connection, &allowed.case)? {
            return Err(No::Conflict.into());
        }
        let around = case_rows::around(connection, &keyring, &allowed.case.id)?;
        let held = |sent: &ReferralRow| {
            sent.to_org == row.to_org && sent.kind == row.kind && State::parse(&sent.state).is_some_and(State::is_open)
        };
        if around.referrals.iter().any(held) {
            return Err(Why::AlreadySent.into());
        }
        // The consent may have been withdrawn since the page was read.
        let stands = |id: &Vec<u8>| around.consents.iter().any(|row| row.id == *id && row.state == "given");
        if row.consent_id.as_ref().is_some_and(|id| !stands(id)) {
            return Err(Why::NoConsent.into());
        }
        drafts::sent(connection, &keyring, &author, (id, NewForm::Referral(kind)), now_ms)?;
        diesel::insert_into(referral::table)
            .values(&row)
            .execute(connection)
            .map_err(StorageError::from)?;
        Ok(())
    })
    .await
}

/// Row id of a consent, and the groups it names.
type Cover = (Vec<u8>, Vec<Group>);

/// The row id and the groups of the consent; `None` when a basis of the law stands for it.
fn covered_by(wish: &Referral, around: &Around) -> Result<Option<Cover>, Why> {
    match wish.consent {
        Some(consent) => {
            let found = around.consents.iter().find(|row| {
                row.public_id == consent.0 && row.state == "given" && row.purpose == wish.kind.consent_purpose()
            });
            let row = found.ok_or(Why::NoConsent)?;
            Ok(Some((row.id.clone(), from_bits(row.groups))))
        }
        None if wish.kind.allows_basis() && wish.basis.is_some() => Ok(None),
        None => Err(Why::NoConsent),
    }
}
