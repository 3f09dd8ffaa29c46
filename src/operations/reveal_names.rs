//! An actor asks for the names in a list: purpose, one entry that names every case shown, then the names.

use std::collections::HashMap;

use ledger::Sealed;
use ledger::vault::owner::OwnerKeys;

use super::actor::Actor;
use super::case_act::CaseActError;
use super::failure::Failure;
use super::list_cases::{self, Listed};
use super::{owners, reading, refuse, sections, sessions};
use crate::app::App;
use crate::domain::group::Group;
use crate::domain::public_id::PublicId;
use crate::domain::sections::Identity;
use crate::policy::{Action, Ask, Decision, Resource};
use crate::storage::StorageError;
use crate::storage::access_rows::CaseRow;
use crate::storage::connection::AnyConnection;
use crate::storage::sealed_values;

/// A list with names.
pub struct Revealed {
    /// The rows.
    pub listed: Vec<Listed>,
    /// The case at which an older page begins.
    pub older: Option<PublicId>,
    /// Name or alias by case id; a person without either is left out.
    pub names: HashMap<Vec<u8>, String>,
    /// Index of the entry.
    pub index: String,
}

struct Name {
    case: Vec<u8>,
    sealed: Sealed<Identity>,
    keys: OwnerKeys,
}

/// Shows the names of a page of the list.
pub async fn reveal_names(
    app: &App,
    actor: &Actor,
    before: Option<PublicId>,
    purpose: &'static str,
) -> Result<Revealed, CaseActError> {
    sessions::with_current_rights(app, actor, async |actor| attempt(app, actor, before, purpose).await).await
}

async fn attempt(
    app: &App,
    actor: &Actor,
    before: Option<PublicId>,
    purpose: &'static str,
) -> Result<Option<Revealed>, CaseActError> {
    reading::permitted(app, actor, Action::List).await?;
    let for_read = actor.clone();
    let (found, names, policies, refused) = app
        .read(move |app, connection| {
            let found = list_cases::load(app, connection, &for_read.viewer, before)?;
            let (mut policies, mut allowed) = (Vec::new(), Vec::new());
            for (listed, standing) in &found.rows {
                let resource = Resource::Case {
                    relations: &standing.relations,
                    listed: &standing.listed,
                };
                let ask = Ask {
                    groups: &[Group::Identity],
                    purpose,
                    confirmed: false,
                };
                let decision = app
                    .engine
                    .decide(for_read.role(), Action::Reveal, &resource, &ask, for_read.rights);
                if let Decision::Allow(permit) = decision {
                    policies.extend_from_slice(permit.policies());
                    allowed.push(&listed.case);
                }
            }
            policies.sort_unstable();
            policies.dedup();
            let names = names(app, connection, &allowed)?;
            let refused = found.rows.len() - allowed.len();
            Ok((found, names, policies, refused))
        })
        .await
        .map_err(Failure::from)?;
    refuse::tampered(app, &vec!["case_file"; found.tampered]).await?;
    if refused > 0 {
        refuse::act(app, actor, Action::Reveal.name(), &[]).await?;
    }
    let mut entry = actor
        .draft("list.reveal")
        .decision(true, &policies)
        .purpose(purpose)
        .fields(&["alias", "full_name"]);
    for handle in found.handles {
        entry = entry.about(handle);
    }
    for name in &names {
        entry.read(&name.sealed);
    }
    let Some(receipts) = reading::record(app, Some(actor.rights), entry).await? else {
        return Ok(None);
    };
    let receipt = receipts.first().ok_or(Failure::Internal(None))?;
    let mut shown = HashMap::with_capacity(names.len());
    for name in &names {
        let grant = receipt.grant(&name.sealed).map_err(Failure::from)?;
        let identity = grant.open(&name.keys).map_err(Failure::from)?;
        if let Some(text) = identity.full_name.known().or(identity.alias.known()) {
            shown.insert(name.case.clone(), text.clone());
        }
    }
    Ok(Some(Revealed {
        listed: found.rows.into_iter().map(|(listed, _)| listed).collect(),
        older: found.older,
        names: shown,
        index: receipt.index(),
    }))
}

/// The sealed names of these cases, with one question to each database.
fn names(app: &App, connection: &mut AnyConnection, cases: &[&CaseRow]) -> Result<Vec<Name>, StorageError> {
    let owners: Vec<&[u8]> = cases.iter().map(|case| case.person_owner_id.as_slice()).collect();
    let keys = owners::open(app, &owners)?;
    let people: Vec<&[u8]> = cases.iter().map(|case| case.person_id.as_slice()).collect();
    let rows = sealed_values::current(connection, &people, Some(&[sections::number(Group::Identity)]))?;
    let by_person: HashMap<&[u8], _> = rows.iter().map(|row| (row.record_id.as_slice(), row)).collect();
    let mut names = Vec::with_capacity(cases.len());
    for (case, keys) in cases.iter().zip(keys) {
        if let (Some(row), Some(keys)) = (by_person.get(case.person_id.as_slice()), keys) {
            names.push(Name {
                case: case.id.clone(),
                sealed: row.sealed::<Identity>(keys.handle())?,
                keys,
            });
        }
    }
    Ok(names)
}
