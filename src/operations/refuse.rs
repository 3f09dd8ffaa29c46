//! Refusals are logged: one entry, whether the case exists or not, before the same answer.

use ledger::Draft;

use super::actor::Actor;
use super::failure::{Failure, sort};
use super::owners;
use crate::app::App;
use crate::clock::random_id;
use crate::storage::visible;

/// Records that an actor was refused a case, and gives the index of the entry.
pub async fn case(
    app: &App,
    actor: &Actor,
    public_id: [u8; 16],
    purpose: Option<&str>,
    policies: &[String],
) -> Result<String, Failure> {
    // The same statements whether there is such a case or not.
    let viewer = actor.viewer.clone();
    let (handle, edited) = app
        .read(move |app, connection| {
            let (owner, edited) = visible::behind(connection, &app.keyring, &viewer, &public_id)?;
            let exists = owner.is_some();
            // An owner id of another length was edited outside the program and names nobody.
            let owner = owner
                .filter(|owner| owner.len() == 16)
                .unwrap_or_else(|| public_id.to_vec());
            let keys = owners::open(app, &[&owner])?.pop().flatten();
            Ok((keys.filter(|_| exists).map(|keys| keys.handle()), edited))
        })
        .await?;
    tampered(app, &edited).await?;
    let mut entry = actor.draft("case.refuse").decision(false, policies);
    if let Some(handle) = handle {
        entry = entry.about(handle);
    }
    if let Some(purpose) = purpose {
        entry = entry.purpose(purpose);
    }
    write(app, entry).await
}

/// Records that an actor was refused something that is about no single case.
pub async fn act(app: &App, actor: &Actor, action: &str, policies: &[String]) -> Result<String, Failure> {
    write(app, actor.draft("act.refuse").purpose(action).decision(false, policies)).await
}

/// Records rows that were edited outside the program, one entry a row.
pub async fn tampered(app: &App, tables: &[&'static str]) -> Result<(), Failure> {
    for table in tables {
        let entry = Draft::new("sys.tamper", "system", &random_id()?).fields(&[*table]);
        write(app, entry).await?;
    }
    Ok(())
}

async fn write(app: &App, entry: Draft) -> Result<String, Failure> {
    let outcome = app.writer.write::<(), ()>(None, move |_| Ok(((), vec![entry]))).await;
    match sort(outcome)? {
        super::failure::Written::Done(((), receipts)) => {
            Ok(receipts.first().map(ledger::Receipt::index).unwrap_or_default())
        }
        super::failure::Written::Refused(()) | super::failure::Written::Stale => Err(Failure::Internal(None)),
    }
}
