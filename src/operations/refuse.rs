//! Refusals are logged: one entry, whether the case exists or not, before the same answer.

use ledger::Draft;

use super::actor::Actor;
use super::failure::Failure;
use super::{owners, reading};
use crate::app::App;
use crate::clock::random_id;
use crate::domain::public_id::PublicId;
use crate::domain::refusal::Why;
use crate::policy::{Action, Ask};
use crate::storage::{orders, visible};

/// Records that an actor was refused a case, which act and which groups she asked for, and gives the index of the entry.
pub async fn case(
    app: &App,
    actor: &Actor,
    public_id: [u8; 16],
    action: Action,
    ask: &Ask<'_>,
    policies: &[String],
) -> Result<String, Failure> {
    behind(app, actor, Behind::Case(public_id), action, ask, policies).await
}

/// The same for a referral that she may not answer: the entry names its case.
pub async fn referral(app: &App, actor: &Actor, id: [u8; 16], policies: &[String]) -> Result<String, Failure> {
    behind(
        app,
        actor,
        Behind::Referral(id),
        Action::PickUp,
        &Ask::default(),
        policies,
    )
    .await
}

/// The same for an order: the entry names the case behind it.
pub async fn order(
    app: &App,
    actor: &Actor,
    id: [u8; 16],
    action: Action,
    policies: &[String],
) -> Result<String, Failure> {
    behind(app, actor, Behind::Order(id), action, &Ask::default(), policies).await
}

/// The same for the page of a form that she may not send.
pub async fn page(app: &App, actor: &Actor, public_id: [u8; 16]) -> Result<String, Failure> {
    case(app, actor, public_id, Action::Edit, &Ask::default(), &[]).await
}

/// Public id of what was asked for.
enum Behind {
    Case([u8; 16]),
    Referral([u8; 16]),
    Order([u8; 16]),
}

async fn behind(
    app: &App,
    actor: &Actor,
    what: Behind,
    action: Action,
    ask: &Ask<'_>,
    policies: &[String],
) -> Result<String, Failure> {
    // The same statements whether there is such a case or not.
    let viewer = actor.viewer.clone();
    let (handle, edited) = app
        .read(move |app, connection| {
            let case = match what {
                Behind::Case(id) => id,
                Behind::Referral(id) => visible::case_of_referral(connection, &id)?.unwrap_or(id),
                Behind::Order(id) => orders::case_of(connection, &id)?.unwrap_or(id),
            };
            let (owner, edited) = visible::behind(connection, &app.keyring, &viewer, &case)?;
            let exists = owner.is_some();
            // An owner id of another length was edited outside the program and names nobody.
            let owner = owner.filter(|owner| owner.len() == 16).unwrap_or_else(|| case.to_vec());
            let keys = owners::open(app, &[&owner])?.pop().flatten();
            Ok((keys.filter(|_| exists).map(|keys| keys.handle()), edited))
        })
        .await?;
    tampered(app, &edited).await?;
    let mut asked = vec![action.name()];
    asked.extend(ask.groups.iter().map(|group| group.name()));
    let mut entry = actor.draft("case.refuse").fields(&asked).decision(false, policies);
    if let Some(handle) = handle {
        entry = entry.about(handle);
    }
    if !ask.purpose.is_empty() {
        entry = entry.purpose(ask.purpose);
    }
    write(app, entry).await
}

/// Records that the rules of the work refused an act of this kind on a case that the actor may act on.
pub async fn work(
    app: &App,
    actor: &Actor,
    case: PublicId,
    (why, tried): (Why, Option<String>),
) -> Result<(), Failure> {
    let viewer = actor.viewer.clone();
    let handle = app
        .read(move |app, connection| {
            let (owner, _) = visible::behind(connection, &app.keyring, &viewer, &case.0)?;
            let keys = owner.map(|owner| owners::open(app, &[&owner])).transpose()?;
            Ok(keys.into_iter().flatten().flatten().next().map(|keys| keys.handle()))
        })
        .await?;
    let said: Vec<&str> = std::iter::once(why.message()).chain(tried.as_deref()).collect();
    let mut entry = actor.draft("case.decline").fields(&said).decision(false, &[]);
    if let Some(handle) = handle {
        entry = entry.about(handle);
    }
    write(app, entry).await?;
    Ok(())
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
    let receipts = reading::record(app, None, entry).await?;
    Ok(reading::index(&receipts.unwrap_or_default()))
}
