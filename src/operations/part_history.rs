//! The earlier versions of a part of a case: when each was saved and by whom, and one of them opened, with its entry.

use diesel::prelude::*;
use serde_json::Value;

use super::actor::Actor;
use super::case_act::{CaseActError, allowed};
use super::failure::Failure;
use super::records::{Record, record_of};
use super::{owners, reading, refuse, sections, sessions};
use crate::app::App;
use crate::domain::order;
use crate::domain::part::Part;
use crate::domain::public_id::PublicId;
use crate::policy::{Action, Ask};
use crate::storage::schema::account;
use crate::storage::sealed_values::{self, SealedRow};
use crate::storage::{StorageError, orders};

/// What is asked for.
#[derive(Clone, Copy)]
pub struct Wish {
    /// The part.
    pub part: Part,
    /// The version to open; `None` for the list alone.
    pub version: Option<i64>,
    /// Purpose code.
    pub purpose: &'static str,
    /// Second confirmation for class S4.
    pub confirmed: bool,
}

/// The versions of a part, with one of them opened; holds plaintext, so it cannot be printed.
pub struct History {
    /// Number of the case.
    pub number: String,
    /// All versions, newest first.
    pub versions: Vec<Version>,
    /// The opened one, as the JSON of its fields.
    pub open: Option<(i64, Value)>,
    /// Whether the actor may ask that an earlier one gives way.
    pub may_order: bool,
    /// Index of the entry.
    pub index: String,
}

/// One version, as far as it can be told without opening it.
pub struct Version {
    /// From 1.
    pub version: i64,
    /// When, UTC milliseconds.
    pub saved_at: i64,
    /// Staff code.
    pub saved_by: String,
    /// When an order put a stub in its place, UTC milliseconds.
    pub redacted_at: Option<i64>,
}

/// Lists the versions of a part and opens one of them.
pub async fn part_history(app: &App, actor: &Actor, id: PublicId, wish: Wish) -> Result<History, CaseActError> {
    sessions::with_current_rights(app, actor, async |actor| attempt(app, actor, id, wish).await).await
}

async fn attempt(app: &App, actor: &Actor, id: PublicId, wish: Wish) -> Result<Option<History>, CaseActError> {
    let group = wish.part.group();
    let groups = wish.version.map(|_| group);
    let ask = Ask {
        groups: groups.as_slice(),
        purpose: wish.purpose,
        confirmed: wish.confirmed,
    };
    let allowed = allowed(app, actor, id, Action::History, &ask).await?;
    let refused = async || -> Result<Option<History>, CaseActError> {
        let index = refuse::case(app, actor, id.0, Action::History, &ask, &[]).await?;
        Err(CaseActError::NotFound(index))
    };
    let Some(record) = record_of(&allowed.case, &allowed.around, wish.part) else {
        return refused().await;
    };
    let (case_id, owner) = (allowed.case.id.clone(), record.owner.clone());
    let (rows, versions, keys) = app
        .read(move |app, connection| {
            let rows = sealed_values::versions(connection, &record.id, sections::number(group))?;
            let done = orders::redactions(connection, &app.keyring, &case_id)?;
            let versions: Result<Vec<Version>, StorageError> = rows
                .iter()
                .map(|row| {
                    Ok(Version {
                        version: row.version,
                        saved_at: row.saved_at,
                        saved_by: account::table
                            .find(row.saved_by.clone())
                            .select(account::code)
                            .first(connection)?,
                        redacted_at: done
                            .iter()
                            .find(|order| is_of(order, &record, row))
                            .and_then(|order| order.ended_at),
                    })
                })
                .collect();
            Ok((rows, versions?, owners::open_one(app, &owner)?))
        })
        .await
        .map_err(Failure::from)?;
    let row = match wish.version {
        None => None,
        Some(version) => match rows.into_iter().find(|row| row.version == version) {
            None => return refused().await,
            row => row,
        },
    };
    let sealed = match &row {
        None => None,
        Some(row) => sections::from_row(wish.part, row, keys.handle()).map_err(Failure::from)?,
    };
    let (kind, named) = match wish.version {
        None => ("version.list", vec![wish.part.name().to_owned()]),
        Some(version) => (
            "version.view",
            vec![wish.part.name().to_owned(), format!("version-{version}")],
        ),
    };
    let named: Vec<&str> = named.iter().map(String::as_str).collect();
    let mut entry = actor
        .permitted(kind, &allowed.permit)
        .purpose(wish.purpose)
        .fields(&named)
        .about(allowed.handle);
    if let Some(sealed) = &sealed {
        sealed.announce(&mut entry);
    }
    let Some(receipts) = reading::record(app, Some(allowed.permit.rights()), entry).await? else {
        return Ok(None);
    };
    let receipt = receipts.first().ok_or(Failure::Internal(None))?;
    let open = match (&row, &sealed) {
        (Some(row), Some(sealed)) => Some((row.version, sealed.open(receipt, &keys)?)),
        _ => None,
    };
    let resource = crate::policy::Resource::Case {
        relations: &allowed.standing.relations,
        listed: &allowed.standing.listed,
    };
    let ask = Ask {
        groups: &[],
        purpose: order::Kind::Redaction.name(),
        confirmed: false,
    };
    let may_order = app
        .engine
        .decide(actor.role(), Action::Order, &resource, &ask, actor.rights);
    Ok(Some(History {
        number: allowed.case.number,
        versions,
        open,
        may_order: matches!(may_order, crate::policy::Decision::Allow(_)),
        index: receipt.index(),
    }))
}

fn is_of(order: &crate::storage::access_rows::OrderRow, record: &Record, row: &SealedRow) -> bool {
    order.record_id.as_ref() == Some(&record.id)
        && order.group_no == Some(i64::from(row.group_no))
        && order.content == Some(row.version)
}
