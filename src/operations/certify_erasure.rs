//! The certificate of an erasure: what was destroyed, which copies of the keys are attested as destroyed, and which are not.
//!
//! Format: `docs/formats.md` §3.5. It is true for the moment at which it is signed; a later one knows of more attestations.

use std::fmt::Write as _;

use ledger::log::checkpoint::sign_note;

use super::actor::Actor;
use super::answer_order::{Found, found};
use super::case_act::CaseActError;
use super::failure::Failure;
use super::request_order::name;
use super::{reading, sessions};
use crate::app::App;
use crate::domain::order::{Kind, State};
use crate::domain::public_id::PublicId;
use crate::domain::refusal::Why;
use crate::policy::Action;
use crate::storage::StorageError;
use crate::storage::key_packages::{self, PackageRow};
use crate::storage::orders;

/// A signed certificate.
pub struct Certificate {
    /// The note.
    pub note: String,
    /// Index of the entry.
    pub index: String,
}

/// Signs the certificate of an order that was carried out.
pub async fn certify_erasure(app: &App, actor: &Actor, id: PublicId) -> Result<Certificate, CaseActError> {
    sessions::with_current_rights(app, actor, async |actor| {
        let Found {
            order,
            kind,
            case,
            permit,
            ..
        } = found(app, actor, id, Action::SeeOrder).await?;
        let done = kind == Kind::Erasure && order.state == State::Done.code();
        let Some(ended_at) = order.ended_at.filter(|_| done) else {
            return Err(Why::NotNow.into());
        };
        let ids = (order.requested_by.clone(), order.decided_by.clone().unwrap_or_default());
        let (packages, requested_by, decided_by) = app
            .read(move |app, connection| {
                Ok((
                    app.key_plane.with(key_packages::list)?,
                    orders::staff_code(connection, &ids.0)?,
                    orders::staff_code(connection, &ids.1)?,
                ))
            })
            .await
            .map_err(Failure::from)?;
        let entry = actor
            .permitted("order.certify", &permit)
            .purpose(kind.name())
            .fields(&[&name(&order)]);
        let Some(receipts) = reading::record(app, Some(permit.rights()), entry).await? else {
            return Ok(None);
        };
        let mut body = format!(
            "donghanh/{}/erasure/{}\ncase {}\nbasis {}\nrequested {} by {requested_by}\nagreed {} by {decided_by}\nkeys destroyed {} epoch {}\n",
            app.keyring.deployment().hex(),
            name(&order),
            case.number,
            order.basis,
            time(order.requested_at),
            time(order.decided_at.unwrap_or_default()),
            time(ended_at),
            order.epoch.as_deref().unwrap_or("-"),
        );
        for package in packages.iter().filter(|package| package.made_at <= ended_at) {
            copy(&mut body, package).map_err(|_| StorageError::Inconsistent("certificate")).map_err(Failure::from)?;
        }
        let _infallible = writeln!(body, "issued {}", time(app.clock.now_ms()));
        Ok::<_, CaseActError>(Some(Certificate {
            note: sign_note(&app.keyring, &body),
            index: reading::index(&receipts),
        }))
    })
    .await
}

fn copy(body: &mut String, package: &PackageRow) -> std::fmt::Result {
    let number = package.number;
    match (package.destroyed_at, &package.destroyed_by) {
        (Some(at), Some(by)) => writeln!(body, "package {number} destroyed {} by {by}", time(at)),
        _ => writeln!(body, "package {number} not attested"),
    }
}

/// UTC to the second, RFC 3339.
fn time(ms: i64) -> String {
    chrono::DateTime::from_timestamp_millis(ms)
        .map(|time| time.format("%Y-%m-%dT%H:%M:%SZ").to_string())
        .unwrap_or_default()
}
