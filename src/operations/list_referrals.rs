//! The referrals to the actor's organisation: category and clocks, never a name. It is no list of people.

use super::actor::Actor;
use super::case_act::CaseActError;
use super::failure::Failure;
use super::move_referral::addressed;
use super::{owners, reading, refuse, sessions};
use crate::app::App;
use crate::domain::public_id::PublicId;
use crate::policy::Action;
use crate::storage::access_rows::ReferralRow;
use crate::storage::visible;

/// Rows a page.
const PAGE: u32 = 100;

/// What waits for the organisation, or has ended.
pub struct Inbox {
    /// Referrals with the number and the public id of their case.
    pub referrals: Vec<(ReferralRow, String, PublicId)>,
    /// How many to leave out for the next page, when there is one.
    pub next: Option<u32>,
    /// Index of the entry.
    pub index: String,
}

/// Lists the open referrals, the longest waiting first, or those that ended; the first `skipped` of each list are left out.
pub async fn list_referrals(app: &App, actor: &Actor, open: bool, skipped: u32) -> Result<Inbox, CaseActError> {
    sessions::with_current_rights(app, actor, async |actor| attempt(app, actor, open, skipped).await).await
}

async fn attempt(app: &App, actor: &Actor, open: bool, skipped: u32) -> Result<Option<Inbox>, CaseActError> {
    let permit = reading::permitted(app, actor, Action::Inbox).await?;
    let viewer = actor.viewer.clone();
    let (rows, handles, more, tampered) = app
        .read(move |app, connection| {
            let page = (i64::from(skipped), i64::from(PAGE));
            let visible::ReferralPage { rows, more, tampered } =
                visible::referrals(connection, &app.keyring, &viewer, open, page)?;
            let owners: Vec<&[u8]> = rows.iter().map(|(_, case)| case.owner_id.as_slice()).collect();
            let handles: Vec<_> = owners::open(app, &owners)?
                .into_iter()
                .flatten()
                .map(|keys| keys.handle())
                .collect();
            Ok((rows, handles, more, tampered))
        })
        .await
        .map_err(Failure::from)?;
    refuse::tampered(app, &vec!["referral"; tampered]).await?;
    let mut entry = actor.permitted("referral.list", &permit).purpose("inbox");
    for handle in handles {
        entry = entry.about(handle);
    }
    let receipts = reading::record(app, Some(permit.rights()), entry).await?;
    Ok(receipts.map(|receipts| Inbox {
        referrals: rows
            .into_iter()
            .filter_map(|(row, case)| Some((row, case.number, PublicId(case.public_id.try_into().ok()?))))
            .collect(),
        next: more.then_some(skipped.saturating_add(PAGE)),
        index: reading::index(&receipts),
    }))
}

/// One referral before it is accepted.
pub struct Waiting {
    /// The plain row.
    pub referral: ReferralRow,
    /// Its case.
    pub case: PublicId,
    /// Index of the entry.
    pub index: String,
}

/// Shows a referral that waits: category, clocks, the names of the groups it would open.
pub async fn view_referral(app: &App, actor: &Actor, id: PublicId) -> Result<Waiting, CaseActError> {
    sessions::with_current_rights(app, actor, async |actor| {
        let (referral, case, handle, permit) = addressed(app, actor, id).await?;
        let entry = actor
            .permitted("referral.view", &permit)
            .purpose(&referral.purpose)
            .about(handle);
        let receipts = reading::record(app, Some(permit.rights()), entry).await?;
        Ok::<_, CaseActError>(receipts.map(|receipts| Waiting {
            referral,
            case,
            index: reading::index(&receipts),
        }))
    })
    .await
}
