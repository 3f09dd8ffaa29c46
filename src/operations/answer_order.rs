//! The second person agrees to an order or refuses it; whoever asked for it takes it back.

use ledger::vault::associated::Handle;

use super::actor::Actor;
use super::case_act::{self, CaseActError, No};
use super::failure::Failure;
use super::outcome::Claim;
use super::records::part_at;
use super::request_order::name;
use super::sections::{self, Closed};
use super::{owners, refuse};
use crate::app::App;
use crate::domain::order::{Kind, State};
use crate::domain::public_id::PublicId;
use crate::domain::refusal::Why;
use crate::policy::{Action, Ask, Decision, Permit, Resource};
use crate::storage::StorageError;
use crate::storage::access_rows::{AccessRow, CaseRow, OrderRow};
use crate::storage::copy::REMOVED;
use crate::storage::sealed_values::{self, SealedRow};
use crate::storage::writer::{ActError, Tx};
use crate::storage::{case_rows, orders};

/// What becomes of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// The second person agrees.
    Agree,
    /// The second person refuses, or stops what was agreed to while it waits.
    Refuse,
    /// Whoever asked takes it back, as long as it is not being carried out.
    Withdraw,
}

impl Answer {
    fn entry(self) -> &'static str {
        match self {
            Self::Agree => "order.agree",
            Self::Refuse => "order.refuse",
            Self::Withdraw => "order.withdraw",
        }
    }

    fn action(self) -> Action {
        match self {
            Self::Agree | Self::Refuse => Action::Agree,
            Self::Withdraw => Action::Order,
        }
    }
}

/// An order that the actor may act on.
pub struct Found {
    /// The order.
    pub order: OrderRow,
    /// Its kind.
    pub kind: Kind,
    /// Its case.
    pub case: CaseRow,
    /// Log handle of the case; none when its keys were destroyed.
    pub handle: Option<Handle>,
    /// The decision.
    pub permit: Permit,
}

/// Finds an order and decides; a refusal is recorded before it is told.
pub async fn found(app: &App, actor: &Actor, id: PublicId, action: Action) -> Result<Found, CaseActError> {
    let read = app
        .read(move |app, connection| {
            let found = match orders::find(connection, &app.keyring, &id.0) {
                Err(StorageError::Tampered(table)) => return Ok(Err(table)),
                found => found?,
            };
            let Some((order, case)) = found else {
                return Ok(Ok(None));
            };
            let keys = owners::open(app, &[&case.owner_id])?.pop().flatten();
            Ok(Ok(Some((order, case, keys.map(|keys| keys.handle())))))
        })
        .await
        .map_err(Failure::from)?;
    let refused = async |policies: &[String]| -> Result<Found, CaseActError> {
        let index = refuse::order(app, actor, id.0, action, policies).await?;
        Err(CaseActError::NotFound(index))
    };
    let (order, case, handle) = match read {
        Ok(Some(found)) => found,
        Ok(None) => return refused(&[]).await,
        Err(table) => {
            refuse::tampered(app, &[table]).await?;
            return refused(&[]).await;
        }
    };
    let Some(kind) = Kind::parse(&order.kind) else {
        return refused(&[]).await;
    };
    match decide(app, actor, &order, &case, action) {
        Decision::Allow(permit) => Ok(Found {
            order,
            kind,
            case,
            handle,
            permit,
        }),
        Decision::Deny(policies) => refused(&policies).await,
    }
}

/// Whether the actor may do this with an order.
#[must_use]
pub fn decide(app: &App, actor: &Actor, order: &OrderRow, case: &CaseRow, action: Action) -> Decision {
    let mut relations = Vec::new();
    if order.requested_by == actor.viewer.account_id {
        relations.push("requester");
    }
    if case.org_id == actor.viewer.org_id {
        relations.push("unit");
    }
    let resource = Resource::Case {
        relations: &relations,
        listed: &[],
    };
    let ask = Ask {
        groups: &[],
        purpose: &order.kind,
        confirmed: false,
    };
    app.engine.decide(actor.role(), action, &resource, &ask, actor.rights)
}

/// Answers an order as the actor saw it at `version`, and gives the index of the entry.
pub async fn answer_order(
    app: &App,
    actor: &Actor,
    id: PublicId,
    version: i64,
    answer: Answer,
) -> Result<String, CaseActError> {
    // Asked first: what may not be seen is not claimed either.
    let case = found(app, actor, id, answer.action()).await?.case;
    let case = PublicId(case.public_id.as_slice().try_into().unwrap_or_default());
    let target = id.to_string();
    let claim = |actor: &Actor| Claim::new(actor, answer.entry(), &target, case, &version.to_be_bytes());
    case_act::once(app, actor, claim, async |actor| {
        attempt(app, actor, id, version, answer, claim(actor)).await
    })
    .await
}

async fn attempt(
    app: &App,
    actor: &Actor,
    id: PublicId,
    version: i64,
    answer: Answer,
    claim: Claim,
) -> Result<Option<String>, CaseActError> {
    let Found {
        order,
        kind,
        case,
        handle,
        permit,
    } = found(app, actor, id, answer.action()).await?;
    if order.version != version {
        return Err(CaseActError::Conflict);
    }
    let state = State::parse(&order.state);
    let own = order.requested_by == actor.viewer.account_id;
    match (answer, state) {
        (Answer::Withdraw, Some(State::Requested | State::Agreed | State::Started)) if !own => {
            return Err(Why::SamePerson.into());
        }
        // A hand-over of which a run was cut short has given nothing out yet.
        (Answer::Refuse | Answer::Withdraw, Some(State::Started)) if kind == Kind::Handover => {}
        // What was agreed to can still be stopped by either side while it waits.
        (Answer::Agree, Some(State::Requested))
        | (Answer::Refuse | Answer::Withdraw, Some(State::Requested | State::Agreed)) => {}
        _ => return Err(Why::NotNow.into()),
    }
    let stub = match (answer, kind) {
        (Answer::Agree, Kind::Redaction) => Some(stub(app, &order, &case).await?),
        _ => None,
    };
    let mut named = vec![name(&order)];
    // A backup is held against the log: what gave way need not be in it any more.
    named.extend(
        stub.iter()
            .map(|stub| format!("{REMOVED}{}", ledger::b64u(&ledger::sha256(&stub.row.value)))),
    );
    let named: Vec<&str> = named.iter().map(String::as_str).collect();
    let mut entry = actor
        .permitted(answer.entry(), &permit)
        .purpose(kind.name())
        .basis(&order.basis)
        .fields(&named);
    if let Some(handle) = handle {
        entry = entry.about(handle);
    }
    if let Some(stub) = &stub {
        stub.sealed.record(&mut entry);
    }
    let (keyring, account) = (std::sync::Arc::clone(&app.keyring), actor.viewer.account_id.clone());
    case_act::write(app, permit.rights(), claim, entry, move |tx| match answer {
        Answer::Agree => {
            agree(tx, &keyring, kind, order, account)?;
            match stub {
                Some(stub) if !sealed_values::replace_value(tx.connection(), &stub.row, stub.sealed.bytes())? => {
                    Err(No::Conflict.into())
                }
                _ => Ok(()),
            }
        }
        Answer::Refuse => end(tx, &keyring, order, State::Refused, Some(account)),
        Answer::Withdraw => end(tx, &keyring, order, State::Withdrawn, None),
    })
    .await
}

/// What takes the place of a version: the row as it was read, and the sealed stub.
struct Stub {
    row: SealedRow,
    sealed: Box<dyn Closed>,
}

/// Seals the stub that names its order, at the place of the version that gives way.
async fn stub(app: &App, order: &OrderRow, case: &CaseRow) -> Result<Stub, CaseActError> {
    let (order, case) = (order.clone(), case.clone());
    let found = app
        .read(move |app, connection| {
            let (Some(record), Some(group), Some(version)) = (&order.record_id, order.group_no, order.content) else {
                return Ok(None);
            };
            let group_no = i16::try_from(group).unwrap_or_default();
            let rows = sealed_values::versions(connection, record, group_no)?;
            let newest = rows.first().map(|row| row.version);
            let row = rows
                .into_iter()
                .find(|row| row.version == version && Some(version) != newest);
            let around = case_rows::around(connection, &app.keyring, &case.id)?;
            let group = row.as_ref().and_then(sections::group_of);
            let part = group.and_then(|group| part_at(&case, &around, record, group));
            let (Some(row), Some(part)) = (row, part) else {
                return Ok(None);
            };
            let keys = owners::open_one(app, &row.owner_id)?;
            let json = serde_json::json!({ "redacted": name(&order) });
            let version = u64::try_from(row.version).map_err(|_| StorageError::Inconsistent("version"))?;
            let sealed = sections::seal(part, &keys, &row.record_id, version, json)?;
            Ok(sealed.map(|sealed| Stub { row, sealed }))
        })
        .await
        .map_err(Failure::from)?;
    found.ok_or_else(|| Why::NotNow.into())
}

fn agree(
    tx: &mut Tx<'_>,
    keyring: &ledger::vault::keyring::Keyring,
    kind: Kind,
    order: OrderRow,
    account: Vec<u8>,
) -> Result<(), ActError<No>> {
    let now_ms = tx.now_ms();
    if now_ms >= order.expires_at {
        return Err(Why::Lapsed.into());
    }
    let held = orders::hold(tx.connection(), keyring, std::slice::from_ref(&order.case_id))?;
    let due_at = kind.waits_ms().map(|waits| now_ms + waits);
    let next = OrderRow {
        state: if due_at.is_some() { State::Agreed } else { State::Done }
            .code()
            .to_owned(),
        decided_by: Some(account),
        decided_at: Some(now_ms),
        due_at,
        ended_at: due_at.is_none().then_some(now_ms),
        version: order.version + 1,
        ..order
    };
    match (kind, held) {
        (Kind::Erasure | Kind::Redaction, Some(_)) => return Err(Why::Held.into()),
        (Kind::Release, None) => return Err(Why::NotHeld.into()),
        (Kind::Release, Some(hold)) => {
            if !orders::lift_hold(tx.connection(), keyring, hold, now_ms)? {
                return Err(No::Conflict.into());
            }
        }
        (Kind::Handover, _) | (Kind::Erasure | Kind::Redaction, None) => {}
    }
    replace(tx, next.signed(keyring))
}

fn end(
    tx: &mut Tx<'_>,
    keyring: &ledger::vault::keyring::Keyring,
    order: OrderRow,
    state: State,
    decided_by: Option<Vec<u8>>,
) -> Result<(), ActError<No>> {
    let now_ms = tx.now_ms();
    let next = OrderRow {
        state: state.code().to_owned(),
        decided_at: decided_by.is_some().then_some(now_ms).or(order.decided_at),
        decided_by: decided_by.or(order.decided_by),
        ended_at: Some(now_ms),
        version: order.version + 1,
        ..order
    };
    replace(tx, next.signed(keyring))
}

fn replace(tx: &mut Tx<'_>, next: OrderRow) -> Result<(), ActError<No>> {
    if !orders::replace(tx.connection(), &next)? {
        return Err(No::Conflict.into());
    }
    Ok(())
}
