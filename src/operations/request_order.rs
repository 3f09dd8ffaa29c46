//! A supervisor asks for an act that takes two persons: its legal basis and a reason that the second person will read.

use ledger::Sealed;
use ledger::vault::associated::{Handle, Place};
use ledger::vault::keyring::LogNote;

use super::actor::Actor;
use super::case_act::{self, Allowed, CaseActError, No, allowed};
use super::drafts::{self, NewForm};
use super::failure::Failure;
use super::outcome::Claim;
use super::records::record_of;
use super::sections;
use crate::app::App;
use crate::clock::{random_id, row_id};
use crate::domain::group::{Group, names_of, to_bits};
use crate::domain::order::{Kind, State, may_be_handed_over};
use crate::domain::part::Part;
use crate::domain::public_id::PublicId;
use crate::domain::refusal::Why;
use crate::policy::{Action, Ask};
use crate::storage::StorageError;
use crate::storage::access_rows::{AccessRow, OrderRow};
use crate::storage::{classification, log_rows, orders, sealed_values};

/// What is asked for.
#[derive(Clone)]
pub struct Request {
    /// What is to be done.
    pub kind: Kind,
    /// Legal basis, one of [`Kind::bases`].
    pub basis: &'static str,
    /// Why, for the second person; the form asks for no names.
    pub reason: String,
    /// The version that gives way, for a redaction.
    pub target: Option<Target>,
    /// What is handed over, for a hand-over.
    pub groups: Vec<Group>,
}

/// One version of a part of the case.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// The part.
    pub part: Part,
    /// From 1.
    pub version: i64,
}

/// Records the request and gives its public id with the index of the entry.
pub async fn request_order(app: &App, actor: &Actor, id: PublicId, wish: &Request) -> Result<String, CaseActError> {
    let target = wish
        .target
        .map(|target| (drafts::form_of(id, target.part), target.version));
    let digest = app
        .keyring
        .web_mac(format!("{} {target:?} {} {}", wish.basis, to_bits(&wish.groups), wish.reason).as_bytes());
    let claim = |actor: &Actor| Claim::new(actor, "order.request", wish.kind.name(), id, &digest);
    case_act::once(app, actor, claim, async |actor| {
        attempt(app, actor, id, wish, claim(actor)).await
    })
    .await
}

async fn attempt(
    app: &App,
    actor: &Actor,
    id: PublicId,
    wish: &Request,
    claim: Claim,
) -> Result<Option<String>, CaseActError> {
    let ask = Ask {
        groups: &[],
        purpose: wish.kind.name(),
        confirmed: false,
    };
    let allowed = allowed(app, actor, id, Action::Order, &ask).await?;
    let target = match (wish.kind, wish.target) {
        (Kind::Redaction, Some(target)) => Some(record(app, &allowed, target).await?),
        (Kind::Redaction, None) => return Err(Why::NotChosen.into()),
        _ => None,
    };
    let chosen = (wish.kind == Kind::Handover).then(|| to_bits(&wish.groups));
    let offered = to_bits(&may_be_handed_over().collect::<Vec<_>>());
    if chosen.is_some_and(|chosen| chosen == 0 || chosen & !offered != 0) {
        return Err(Why::NotChosen.into());
    }
    let (note_id, note) = seal_reason(app, &wish.reason)?;
    let kind = wish.kind;
    let now_ms = app.clock.now_ms();
    let row = OrderRow {
        id: row_id(now_ms).map_err(Failure::from)?.to_vec(),
        public_id: random_id().map_err(Failure::from)?.to_vec(),
        kind: kind.name().to_owned(),
        case_id: allowed.case.id.clone(),
        basis: wish.basis.to_owned(),
        note: ledger::sha256(note.bytes()).to_vec(),
        state: State::Requested.code().to_owned(),
        requested_by: actor.viewer.account_id.clone(),
        requested_at: now_ms,
        expires_at: now_ms + kind.lasts_ms(),
        decided_by: None,
        decided_at: None,
        due_at: None,
        ended_at: None,
        epoch: None,
        version: 1,
        record_id: target.as_ref().map(|(record, ..)| record.clone()),
        group_no: target.as_ref().map(|(_, group, _)| i64::from(*group)),
        content: target.as_ref().map(|(.., version)| *version),
        groups: chosen,
        mac: Vec::new(),
    }
    .signed(&app.keyring);
    let mut named = vec![name(&row)];
    if let Some(target) = wish.target.filter(|_| kind == Kind::Redaction) {
        named.extend([target.part.name().to_owned(), format!("version-{}", target.version)]);
    }
    named.extend(names_of(chosen.unwrap_or_default()).into_iter().map(str::to_owned));
    let named: Vec<&str> = named.iter().map(String::as_str).collect();
    let entry = actor
        .permitted("order.request", &allowed.permit)
        .purpose(kind.name())
        .basis(wish.basis)
        .fields(&named)
        .note(note.bytes())
        .about(allowed.handle);
    let keyring = std::sync::Arc::clone(&app.keyring);
    let author = actor.clone();
    case_act::write(app, allowed.permit.rights(), claim, entry, move |tx| {
        let now_ms = tx.now_ms();
        let connection = tx.connection();
        if !crate::storage::case_rows::is_unchanged(connection, &allowed.case)? {
            return Err(No::Conflict.into());
        }
        if orders::standing(connection, &keyring, &row.case_id, kind, now_ms)?
            .0
            .is_some()
        {
            return Err(Why::Ordered.into());
        }
        let held = orders::hold(connection, &keyring, std::slice::from_ref(&row.case_id))?.is_some();
        match kind {
            Kind::Erasure | Kind::Redaction if held => return Err(Why::Held.into()),
            Kind::Release if !held => return Err(Why::NotHeld.into()),
            Kind::Erasure | Kind::Handover | Kind::Redaction | Kind::Release => {}
        }
        drafts::sent(connection, &keyring, &author, (id, NewForm::Order(kind)), now_ms)?;
        log_rows::insert_note(connection, &note_id, note.bytes()).map_err(StorageError::from)?;
        orders::insert(connection, &row)?;
        Ok(())
    })
    .await
}

/// Record, group and version of what is to give way: there, not the newest, and not given way already.
async fn record(app: &App, allowed: &Allowed, target: Target) -> Result<(Vec<u8>, i16, i64), CaseActError> {
    let record = record_of(&allowed.case, &allowed.around, target.part).ok_or(Why::NotNow)?;
    let (case_id, group) = (allowed.case.id.clone(), sections::number(target.part.group()));
    let named = (record.id.clone(), group, target.version);
    let (newest, done) = app
        .read(move |app, connection| {
            let newest = sealed_values::version(connection, &record.id, group)?;
            let done = orders::redactions(connection, &app.keyring, &case_id)?;
            let is_done = done.iter().any(|order| {
                order.record_id.as_ref() == Some(&record.id)
                    && order.group_no == Some(i64::from(group))
                    && order.content == Some(target.version)
            });
            Ok((newest, is_done))
        })
        .await
        .map_err(Failure::from)?;
    match target.version {
        version if version == newest => Err(Why::NewestVersion.into()),
        version if version < 1 || version > newest || done => Err(Why::NotNow.into()),
        _ => Ok(named),
    }
}

/// The public id of an order as the log names it.
#[must_use]
pub fn name(row: &OrderRow) -> String {
    PublicId(row.public_id.as_slice().try_into().unwrap_or_default()).to_string()
}

/// Place of a note: its row, once and for all.
fn place(row: [u8; 16]) -> Place {
    let (table, column) = classification::numbers("log_note", "sealed");
    Place {
        table,
        column,
        row,
        version: 1,
    }
}

fn seal_reason(app: &App, reason: &str) -> Result<([u8; 16], Sealed<LogNote>), Failure> {
    let id = random_id()?;
    let note = LogNote {
        text: reason.to_owned(),
    };
    Ok((id, ledger::seal(app.keyring.log_notes(), place(id), &note)?))
}

/// A stored reason, still sealed.
pub fn stored_reason(id: &[u8], sealed: Vec<u8>) -> Result<Sealed<LogNote>, StorageError> {
    let row = id.try_into().map_err(|_| StorageError::Inconsistent("note id"))?;
    Ok(Sealed::from_stored(Handle::SYSTEM, place(row), sealed))
}
