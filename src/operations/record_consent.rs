//! What a person agreed to, per purpose and group (L91/2025 Art. 9): recorded once, later only withdrawn.

use diesel::prelude::*;
use serde_json::Value;

use super::actor::Actor;
use super::case_act::{self, CaseActError, No, allowed};
use super::drafts::{self, NewForm};
use super::failure::Failure;
use super::outcome::Claim;
use super::withdraw_consent::withdraw;
use super::{owners, sections};
use crate::app::App;
use crate::clock::{random_id, row_id};
use crate::domain::deadline;
use crate::domain::group::{Group, names_of, to_bits};
use crate::domain::part::Part;
use crate::domain::public_id::PublicId;
use crate::domain::referral::may_be_listed;
use crate::domain::refusal::Why;
use crate::policy::{Action, Ask};
use crate::storage::StorageError;
use crate::storage::access_rows::{AccessRow, ConsentRow};
use crate::storage::case_rows;
use crate::storage::schema::consent;
use crate::storage::sealed_values::{self, SealedRow};

/// Version of the explanation that is read out, `consent-told-…` in `locales/`.
pub const TEXT_VERSION: &str = "2026-1";

/// An answer to the question for consent.
#[derive(Clone)]
pub struct Consent {
    /// Purpose code.
    pub purpose: &'static str,
    /// The groups that were named.
    pub groups: Vec<Group>,
    /// Yes or no; both are recorded.
    pub agreed: bool,
    /// How it was given: code.
    pub form: &'static str,
    /// The JSON of who agreed and how it was explained.
    pub detail: Value,
}

/// Records a consent or a refusal and gives the index of the entry.
pub async fn record_consent(app: &App, actor: &Actor, id: PublicId, consent: &Consent) -> Result<String, CaseActError> {
    let said = format!(
        "{} {} {} {} {}",
        consent.purpose,
        to_bits(&consent.groups),
        consent.agreed,
        consent.form,
        consent.detail
    );
    let digest = app.keyring.web_mac(said.as_bytes());
    let claim = |actor: &Actor| Claim::new(actor, "consent.give", "", id, &digest);
    case_act::once(app, actor, claim, async |actor| {
        attempt(app, actor, id, consent, claim(actor)).await
    })
    .await
}

/// Whether somebody agreed by herself and nobody said why no representative did.
fn is_alone(given: &Consent) -> bool {
    let known = |name: &str| given.detail.get(name).and_then(|answer| answer.get("known"));
    given.agreed && known("agreed_by").is_some_and(|by| by == "self") && known("alone_because").is_none()
}

/// Whether the person may be under 18: the clock of child protection has run in the case.
async fn is_child(app: &App, case_id: &[u8]) -> Result<bool, Failure> {
    let case_id = case_id.to_vec();
    Ok(app
        .read(move |_, connection| case_rows::has_clock(connection, &case_id, deadline::CHILD))
        .await?)
}

async fn attempt(
    app: &App,
    actor: &Actor,
    id: PublicId,
    given: &Consent,
    claim: Claim,
) -> Result<Option<String>, CaseActError> {
    let public_id = PublicId(random_id().map_err(Failure::from)?);
    let part = Part::Consent(public_id);
    let ask = Ask {
        groups: &[part.group()],
        purpose: "case_work",
        confirmed: false,
    };
    let allowed = allowed(app, actor, id, Action::Edit, &ask).await?;
    allowed.open()?;
    if given.groups.is_empty() || !given.groups.iter().all(|group| may_be_listed(*group)) {
        return Err(Why::NotChosen.into());
    }
    if is_alone(given) && is_child(app, &allowed.case.id).await? {
        return Err(Why::ChildAlone.into());
    }
    let (account, case, given) = (actor.viewer.account_id.clone(), allowed.case.clone(), given.clone());
    let (row, sealed) = app
        .read(move |app, _| {
            let now_ms = app.clock.now_ms();
            let row = ConsentRow {
                id: row_id(now_ms)?.to_vec(),
                public_id: public_id.0.to_vec(),
                case_id: case.id,
                purpose: given.purpose.to_owned(),
                groups: to_bits(&given.groups),
                state: if given.agreed { "given" } else { "refused" }.to_owned(),
                form: given.form.to_owned(),
                text_version: TEXT_VERSION.to_owned(),
                recorded_by: account,
                recorded_at: now_ms,
                withdrawn_at: None,
                version: 1,
                mac: Vec::new(),
            };
            let keys = owners::open_one(app, &case.owner_id)?;
            let sealed = sections::seal(part, &keys, &row.id, 1, given.detail)?
                .ok_or(StorageError::Inconsistent("a part without a section"))?;
            let value = SealedRow {
                record_id: row.id.clone(),
                group_no: sections::number(part.group()),
                version: 1,
                owner_id: case.owner_id,
                value: sealed.bytes().to_vec(),
                saved_at: now_ms,
                saved_by: row.recorded_by.clone(),
            };
            Ok((row.signed(&app.keyring), (sealed, value)))
        })
        .await
        .map_err(Failure::from)?;
    let (sealed, value) = sealed;
    let kind = if row.state == "given" {
        "consent.give"
    } else {
        "consent.refuse"
    };
    let mut entry = actor
        .permitted(kind, &allowed.permit)
        .purpose("case_work")
        .basis(&public_id.to_string())
        .fields(&names_of(row.groups))
        .about(allowed.handle);
    sealed.record(&mut entry);
    let keyring = std::sync::Arc::clone(&app.keyring);
    let author = actor.clone();
    case_act::write(app, allowed.permit.rights(), claim, entry, move |tx| {
        let now_ms = tx.now_ms();
        let connection = tx.connection();
        if !case_rows::is_unchanged(connection, &allowed.case)? {
            return Err(No::Conflict.into());
        }
        drafts::sent(connection, &keyring, &author, (id, NewForm::Consent), now_ms)?;
        diesel::insert_into(consent::table).values(&row).execute(connection)?;
        sealed_values::insert(connection, &value)?;
        if row.state == "refused" {
            // A later no ends an earlier yes for the same purpose, and what rests on it.
            let before = case_rows::around(connection, &keyring, &row.case_id)?.consents;
            for given in before
                .into_iter()
                .filter(|known| known.purpose == row.purpose && known.state == "given")
            {
                withdraw(tx, &keyring, &row.case_id, given)?;
            }
        }
        Ok(())
    })
    .await
}
