//! Orders: those of the unit for a supervisor, all of them for a custodian of the keys. Case numbers, never a name.

use super::actor::Actor;
use super::answer_order::{Found, decide, found};
use super::case_act::CaseActError;
use super::failure::Failure;
use super::request_order::{name, stored_reason};
use super::{owners, reading, refuse, sessions};
use crate::app::App;
use crate::domain::public_id::PublicId;
use crate::domain::role::Role;
use crate::policy::{Action, Decision};
use crate::storage::access_rows::{CaseRow, OrderRow};
use crate::storage::orders;

/// Rows a page.
const PAGE: i64 = 200;

/// What the actor may know of.
pub struct List {
    /// Orders, newest first, with their cases.
    pub orders: Vec<(OrderRow, CaseRow)>,
    /// Index of the entry.
    pub index: String,
}

/// Lists orders.
pub async fn list_orders(app: &App, actor: &Actor) -> Result<List, CaseActError> {
    sessions::with_current_rights(app, actor, async |actor| {
        let permit = reading::permitted(app, actor, Action::ListOrders).await?;
        let org = (actor.role() == Role::Supervisor).then(|| actor.viewer.org_id.clone());
        let (rows, edited, handles) = app
            .read(move |app, connection| {
                let (rows, edited) = orders::list(connection, &app.keyring, org.as_deref(), PAGE)?;
                let ids: Vec<&[u8]> = rows.iter().map(|(_, case)| case.owner_id.as_slice()).collect();
                let keys = owners::open(app, &ids)?;
                let handles: Vec<_> = keys.into_iter().flatten().map(|keys| keys.handle()).collect();
                Ok((rows, edited, handles))
            })
            .await
            .map_err(Failure::from)?;
        refuse::tampered(app, &vec!["joint_order"; edited]).await?;
        let mut entry = actor.permitted("order.list", &permit).purpose("list_orders");
        for handle in handles {
            entry = entry.about(handle);
        }
        let receipts = reading::record(app, Some(permit.rights()), entry).await?;
        Ok::<_, CaseActError>(receipts.map(|receipts| List {
            orders: rows,
            index: reading::index(&receipts),
        }))
    })
    .await
}

/// One order with its reason; the reason is plaintext, so this cannot be printed.
pub struct View {
    /// The order.
    pub order: OrderRow,
    /// Its case.
    pub case: CaseRow,
    /// Why, in the words of whoever asked.
    pub reason: String,
    /// Staff code of whoever asked.
    pub requested_by: String,
    /// Staff code of the second person.
    pub decided_by: Option<String>,
    /// Whether the actor can be the second person.
    pub may_agree: bool,
    /// Whether the actor asked for it.
    pub own: bool,
    /// Index of the entry.
    pub index: String,
}

/// Shows an order and opens its reason.
pub async fn view_order(app: &App, actor: &Actor, id: PublicId) -> Result<View, CaseActError> {
    sessions::with_current_rights(app, actor, async |actor| {
        let Found {
            order,
            kind,
            case,
            handle,
            permit,
        } = found(app, actor, id, Action::SeeOrder).await?;
        let asked = order.clone();
        let (note, requested_by, decided_by) = app
            .read(move |_, connection| {
                let (id, sealed) = orders::note(connection, &asked.note)?;
                let decided_by = asked.decided_by.map(|id| orders::staff_code(connection, &id));
                Ok((
                    stored_reason(&id, sealed)?,
                    orders::staff_code(connection, &asked.requested_by)?,
                    decided_by.transpose()?,
                ))
            })
            .await
            .map_err(Failure::from)?;
        let mut entry = actor
            .permitted("order.view", &permit)
            .purpose(kind.name())
            .fields(&[&name(&order)]);
        if let Some(handle) = handle {
            entry = entry.about(handle);
        }
        entry.read(&note);
        let Some(receipts) = reading::record(app, Some(permit.rights()), entry).await? else {
            return Ok(None);
        };
        let receipt = receipts.first().ok_or(Failure::Internal(None))?;
        let opened = receipt.grant(&note).map_err(Failure::from)?;
        let reason = opened
            .open(app.keyring.keys_of_note(&note).map_err(Failure::from)?)
            .map_err(Failure::from)?
            .text;
        let own = order.requested_by == actor.viewer.account_id;
        Ok::<_, CaseActError>(Some(View {
            may_agree: matches!(decide(app, actor, &order, &case, Action::Agree), Decision::Allow(_)),
            own,
            order,
            case,
            reason,
            requested_by,
            decided_by,
            index: receipt.index(),
        }))
    })
    .await
}
