//! An actor asks for the names in a list: purpose, one entry that names every case shown, then the names.

use std::collections::HashMap;

use super::actor::Actor;
use super::failure::{Failure, Written, sort};
use super::list_cases::{List, ListCasesError, Listed, list_cases};
use super::{owners, refuse};
use crate::app::App;
use crate::domain::group::Group;
use crate::domain::sections::Identity;
use crate::policy::{Action, Ask, Decision, Resource};
use crate::storage::sealed_values;
use crate::storage::visible;

/// A list with names.
pub struct Revealed {
    /// The rows.
    pub listed: Vec<Listed>,
    /// Opening time before which older ones are found.
    pub older: Option<i64>,
    /// Name or alias by case id; a person without either is left out.
    pub names: HashMap<Vec<u8>, String>,
    /// Index of the entry.
    pub index: String,
}

/// Shows the names of a page of the list.
pub async fn reveal_names(
    app: &App,
    actor: &Actor,
    before: Option<i64>,
    purpose: &'static str,
) -> Result<Revealed, ListCasesError> {
    let List { listed, older, .. } = list_cases(app, actor, before).await?;
    let (viewer, cases) = (
        actor.viewer.clone(),
        listed.iter().map(|row| row.case.clone()).collect::<Vec<_>>(),
    );
    let (sealed, allowed, policies) = {
        let (role, rights) = (actor.role(), actor.rights);
        app.read(move |app, connection| {
            let now_ms = app.clock.now_ms();
            let mut allowed = Vec::new();
            let mut policies: Vec<String> = Vec::new();
            for case in cases {
                let standing = visible::standing(connection, &app.keyring, &viewer, now_ms, &case)?;
                let resource = Resource::Case {
                    relations: &standing.relations,
                    listed: &standing.listed,
                };
                let ask = Ask {
                    groups: &[Group::Identity],
                    purpose,
                    confirmed: false,
                };
                if let Decision::Allow(permit) = app.engine.decide(role, Action::Reveal, &resource, &ask, rights) {
                    policies.extend_from_slice(permit.policies());
                    allowed.push(case);
                }
            }
            policies.sort_unstable();
            policies.dedup();
            let people: Vec<Vec<u8>> = allowed.iter().map(|case| case.person_id.clone()).collect();
            let ids: Vec<&[u8]> = allowed.iter().map(|case| case.person_owner_id.as_slice()).collect();
            let keys = owners::open(app, &ids)?;
            let records: Vec<&[u8]> = people.iter().map(Vec::as_slice).collect();
            let rows = sealed_values::current(connection, &records, Some(&[super::sections::number(Group::Identity)]))?;
            let mut sealed = Vec::new();
            for (case, keys) in allowed.iter().zip(keys) {
                let row = rows.iter().find(|row| row.record_id == case.person_id);
                if let (Some(row), Some(keys)) = (row, keys) {
                    sealed.push((case.id.clone(), row.sealed::<Identity>(keys.handle())?, keys));
                }
            }
            Ok((sealed, allowed.len(), policies))
        })
        .await
        .map_err(Failure::from)?
    };
    if allowed < listed.len() {
        refuse::act(app, actor, Action::Reveal.name(), &[]).await?;
    }
    let mut entry = actor
        .draft("list.reveal")
        .decision(true, &policies)
        .purpose(purpose)
        .fields(&["alias", "full_name"]);
    for (_, sealed, _) in &sealed {
        entry.read(sealed);
    }
    let outcome = app
        .writer
        .write::<(), ()>(Some(actor.rights), move |_| Ok(((), vec![entry])))
        .await;
    let receipts = match sort(outcome)? {
        Written::Done(((), receipts)) => receipts,
        Written::Stale => {
            app.sessions.forget(&actor.session);
            return Err(Failure::Busy.into());
        }
        Written::Refused(()) => return Err(Failure::Internal(None).into()),
    };
    let receipt = receipts.first().ok_or(Failure::Internal(None))?;
    let mut names = HashMap::with_capacity(sealed.len());
    for (case, sealed, keys) in &sealed {
        let identity = receipt
            .grant(sealed)
            .map_err(Failure::from)?
            .open(keys)
            .map_err(Failure::from)?;
        if let Some(name) = identity.full_name.known().or(identity.alias.known()) {
            names.insert(case.clone(), name.clone());
        }
    }
    Ok(Revealed {
        listed,
        older,
        names,
        index: receipt.index(),
    })
}
