//! An actor opens a case: policy, entry, receipt, and only then the parts.

use std::collections::HashMap;

use diesel::prelude::*;
use ledger::vault::owner::OwnerKeys;
use serde_json::Value;

use super::actor::Actor;
use super::case_act::CaseActError;
use super::failure::Failure;
use super::records::{self, Place, places};
use super::sections::{self, Closed};
use super::{owners, reading, refuse, sessions};
use crate::app::App;
use crate::domain::group::{Class, Group};
use crate::domain::order;
use crate::domain::part::Part;
use crate::domain::public_id::PublicId;
use crate::domain::purpose;
use crate::domain::step::Kind;
use crate::policy::{Action, Ask, Decision, Resource};
use crate::storage::StorageError;
use crate::storage::access_rows::{AccessRow as _, OrganisationRow, trusted};
pub use crate::storage::access_rows::{CaseRow, ConsentRow, OrderRow, ReferralRow, StepRow};
use crate::storage::case_rows::{self, Around};
use crate::storage::connection::AnyConnection;
use crate::storage::orders;
use crate::storage::schema::{account, deadline, membership, organisation};
use crate::storage::sealed_values::{self, SealedRow};
use crate::storage::visible::{self, Standing};

/// What is asked for.
#[derive(Clone)]
pub struct Wish {
    /// These parts; `None` for every part of class S2 and S3 that the actor may see.
    pub parts: Option<Vec<Part>>,
    /// Purpose code.
    pub purpose: &'static str,
    /// Second confirmation for class S4.
    pub confirmed: bool,
}

/// A case as an actor sees it; the only struct here that holds plaintext, so it cannot be printed.
pub struct CaseView {
    /// The plain row.
    pub case: CaseRow,
    /// Opened parts.
    pub open: Vec<OpenPart>,
    /// Parts that exist and were not asked for or need more: names only.
    pub closed: Vec<Part>,
    /// Steps, consents and referrals that the actor may know of.
    pub around: Around,
    /// Names of the organisations of the referrals, by row id.
    pub organisations: HashMap<Vec<u8>, String>,
    /// Clocks.
    pub deadlines: Vec<Clock>,
    /// Staff codes of the people who work on it.
    pub team: Vec<String>,
    /// What is decided about keeping or erasing it.
    pub fate: Fate,
    /// The groups that a receiving body may know of; `None` for everybody else.
    pub listed: Option<Vec<Group>>,
    /// What else the actor may do.
    pub may: May,
    /// Index of the entry that records this view.
    pub index: String,
}

impl CaseView {
    /// Whether the actor may know that there is such a group.
    #[must_use]
    pub fn may_know(&self, group: Group) -> bool {
        self.listed.as_ref().is_none_or(|listed| listed.contains(&group))
    }
}

/// What is decided about keeping or erasing a case; a receiving body does not learn it.
#[derive(Default)]
pub struct Fate {
    /// Basis of the legal hold that it is under; empty when the row was edited outside the program.
    pub held: Option<String>,
    /// The erasure that is asked for, agreed to or started.
    pub erasure: Option<OrderRow>,
}

/// What an actor may do with a case besides seeing it.
#[derive(Clone, Copy, Default)]
pub struct May {
    /// Change and add parts.
    pub edit: bool,
    /// Agree to what somebody else recorded.
    pub approve: bool,
    /// Let another body see groups.
    pub refer: bool,
    /// Record the answer of a receiving body.
    pub report: bool,
    /// Record the conclusion of the identification as the deciding body.
    pub conclude: bool,
    /// Ask for an act that takes two persons, and place a hold.
    pub order: bool,
    /// Take the case, because nobody has it.
    pub take: bool,
}

/// One opened part.
pub struct OpenPart {
    /// Which.
    pub part: Part,
    /// Version now, for the next save.
    pub version: i64,
    /// When it was saved, UTC milliseconds.
    pub saved_at: i64,
    /// Its fields.
    pub fields: Value,
}

/// A clock of a case.
#[derive(Clone)]
pub struct Clock {
    /// Code.
    pub code: String,
    /// When it started, UTC milliseconds, where that is asked for.
    pub started_at: Option<i64>,
    /// Due, UTC milliseconds.
    pub due_at: i64,
    /// Met, UTC milliseconds.
    pub met_at: Option<i64>,
    /// Whether it runs for a receiving body.
    pub of_referral: bool,
}

struct Facts {
    case: CaseRow,
    standing: Standing,
    rows: Vec<Found>,
    closed: Vec<Part>,
    around: Around,
    organisations: HashMap<Vec<u8>, String>,
    deadlines: Vec<Clock>,
    team: Vec<String>,
    fate: Fate,
    keys: HashMap<Vec<u8>, OwnerKeys>,
    own: Vec<u8>,
    /// Consent or basis of the law on which a receiving body reads.
    basis: Option<String>,
    tampered: Vec<&'static str>,
}

struct Found {
    part: Part,
    row: SealedRow,
    closed: Box<dyn Closed>,
}

/// Shows a case.
pub async fn view_case(app: &App, actor: &Actor, id: [u8; 16], wish: &Wish) -> Result<CaseView, CaseActError> {
    sessions::with_current_rights(app, actor, async |actor| attempt(app, actor, id, wish).await).await
}

async fn attempt(app: &App, actor: &Actor, id: [u8; 16], wish: &Wish) -> Result<Option<CaseView>, CaseActError> {
    let (viewer, wanted) = (actor.viewer.clone(), wish.parts.clone());
    let facts = app
        .read(move |app, connection| {
            let now_ms = app.clock.now_ms();
            let (case, standing) = visible::case(connection, &app.keyring, &viewer, now_ms, &id)?;
            case.map(|case| load(app, connection, case, standing, wanted.as_deref()))
                .transpose()
        })
        .await
        .map_err(Failure::from)?;
    // What was asked for is decided, not what happens to be there: the answer must not tell which groups exist.
    let mut groups: Vec<Group> = match (&wish.parts, &facts) {
        (Some(parts), _) => parts.iter().map(|part| part.group()).collect(),
        (None, Some(facts)) => facts.rows.iter().map(|found| found.part.group()).collect(),
        (None, None) => Vec::new(),
    };
    groups.sort_unstable();
    groups.dedup();
    // A receiving body has one purpose: that of the referral it holds. Not naming any stays not naming any.
    let held = facts.as_ref().and_then(|facts| facts.standing.held.first());
    let purpose = held
        .and_then(|row| purpose::parse(&row.purpose))
        .filter(|_| !wish.purpose.is_empty())
        .unwrap_or(wish.purpose);
    let ask = Ask {
        groups: &groups,
        purpose,
        confirmed: wish.confirmed,
    };
    let refused = async |policies: &[String]| -> Result<Option<CaseView>, CaseActError> {
        // Records rows that were edited outside the program, too.
        let index = refuse::case(app, actor, id, Action::View, &ask, policies).await?;
        Err(CaseActError::NotFound(index))
    };
    let Some(facts) = facts else {
        return refused(&[]).await;
    };
    refuse::tampered(app, &facts.tampered).await?;
    let resource = Resource::Case {
        relations: &facts.standing.relations,
        listed: &facts.standing.listed,
    };
    let decide = |action, ask: &Ask<'_>| app.engine.decide(actor.role(), action, &resource, ask, actor.rights);
    let permit = match decide(Action::View, &ask) {
        Decision::Allow(permit) => permit,
        Decision::Deny(policies) => return refused(&policies).await,
    };
    let plain = Ask { groups: &[], ..ask };
    let may = |action| matches!(decide(action, &plain), Decision::Allow(_));
    let may = May {
        edit: may(Action::Edit),
        approve: may(Action::Approve),
        refer: may(Action::Refer),
        order: may(Action::Order),
        report: may(Action::Report),
        conclude: {
            let groups = [Part::Step(Kind::Identification, None).group()];
            let ask = Ask { groups: &groups, ..ask };
            matches!(decide(Action::Report, &ask), Decision::Allow(_))
        },
        take: may(Action::Take),
    };
    let own = facts.keys.get(&facts.own).ok_or(Failure::Internal(None))?;
    let mut entry = actor
        .permitted("case.view", &permit)
        .purpose(purpose)
        .about(own.handle());
    if let Some(basis) = &facts.basis {
        entry = entry.basis(basis);
    }
    for found in &facts.rows {
        found.closed.announce(&mut entry);
    }
    let Some(receipts) = reading::record(app, Some(permit.rights()), entry).await? else {
        return Ok(None);
    };
    let receipt = receipts.first().ok_or(Failure::Internal(None))?;
    let mut open = Vec::with_capacity(facts.rows.len());
    for Found { part, row, closed } in &facts.rows {
        let keys = facts.keys.get(&row.owner_id).ok_or(Failure::Internal(None))?;
        open.push(OpenPart {
            part: *part,
            version: row.version,
            saved_at: row.saved_at,
            fields: closed.open(receipt, keys)?,
        });
    }
    let receives = facts.standing.relations.contains(&"receiver");
    Ok(Some(CaseView {
        may,
        listed: receives.then(|| facts.standing.listed.clone()),
        case: facts.case,
        open,
        closed: facts.closed,
        around: facts.around,
        organisations: facts.organisations,
        deadlines: facts.deadlines,
        team: facts.team,
        fate: facts.fate,
        index: receipt.index(),
    }))
}

fn load(
    app: &App,
    connection: &mut AnyConnection,
    case: CaseRow,
    standing: Standing,
    wanted: Option<&[Part]>,
) -> Result<Facts, StorageError> {
    let mut around = case_rows::around(connection, &app.keyring, &case.id)?;
    let mut tampered = std::mem::take(&mut around.tampered);
    tampered.extend(vec!["membership"; standing.tampered]);
    let receives = standing.relations.contains(&"receiver");
    let basis = standing.held.first().and_then(|row| basis_of(row, &around));
    if receives {
        keep_for_receiver(&mut around, &standing);
    }
    let mut ids: Vec<&[u8]> = vec![&case.owner_id, &case.person_owner_id];
    ids.extend(around.steps.iter().map(|step| step.owner_id.as_slice()));
    ids.sort_unstable();
    ids.dedup();
    let keys: HashMap<Vec<u8>, OwnerKeys> = ids
        .iter()
        .zip(owners::open(app, &ids)?)
        .filter_map(|(id, keys)| Some((id.to_vec(), keys?)))
        .collect();
    if !keys.contains_key(&case.owner_id) || !keys.contains_key(&case.person_owner_id) {
        return Err(StorageError::NoKeys);
    }
    let places = places(&case, &around);
    let records: Vec<&[u8]> = places.iter().map(|(record, _)| *record).collect();
    let (mut rows, mut closed) = (Vec::new(), Vec::new());
    for row in sealed_values::current(connection, &records, None)? {
        let place = places.iter().find(|(record, _)| *record == row.record_id);
        let Some(part) = place.and_then(|(_, place)| records::part_of(place, &row)) else {
            continue;
        };
        // A step says which version counts: an older one in its place was put there outside the program.
        if matches!(place, Some((_, Place::Step(_, _, content))) if *content != row.version) {
            tampered.push("sealed_value");
            continue;
        }
        let group = part.group();
        let may_know = match receives {
            true => standing.listed.contains(&group),
            false => group != Group::Privileged,
        };
        let shown = match wanted {
            Some(wanted) => wanted.contains(&part),
            None => group.class() != Class::S4 && may_know,
        };
        let Some(keys) = keys.get(&row.owner_id) else {
            continue;
        };
        match sections::from_row(part, &row, keys.handle())? {
            Some(sealed) if shown => rows.push(Found {
                part,
                row,
                closed: sealed,
            }),
            Some(_) if may_know => closed.push(part),
            _ => {}
        }
    }
    rows.sort_by_key(|found| found.part.group());
    closed.sort_unstable_by_key(|part| part.group());
    let organisations = if around.referrals.is_empty() {
        HashMap::new()
    } else {
        let ids: Vec<Vec<u8>> = around
            .referrals
            .iter()
            .flat_map(|row| [row.to_org.clone(), row.from_org.clone()])
            .collect();
        let rows: Vec<OrganisationRow> = organisation::table
            .filter(organisation::id.eq_any(ids))
            .select(OrganisationRow::as_select())
            .load(connection)?;
        let (rows, edited) = trusted(rows, &app.keyring);
        tampered.extend(vec!["organisation"; edited]);
        rows.into_iter().map(|row| (row.id, row.name)).collect()
    };
    let (deadlines, team) = (
        clocks(connection, receives.then_some(standing.held.as_slice()), &case.id)?,
        team(connection, receives, &case.id)?,
    );
    let fate = match receives {
        true => Fate::default(),
        false => fate(app, connection, &case, &mut tampered)?,
    };
    Ok(Facts {
        own: case.owner_id.clone(),
        basis,
        case,
        standing,
        rows,
        closed,
        around,
        organisations,
        deadlines,
        team,
        fate,
        keys,
        tampered,
    })
}

fn fate(
    app: &App,
    connection: &mut AnyConnection,
    case: &CaseRow,
    tampered: &mut Vec<&'static str>,
) -> Result<Fate, StorageError> {
    let (keyring, now_ms) = (&app.keyring, app.clock.now_ms());
    let hold = orders::hold(connection, keyring, std::slice::from_ref(&case.id))?;
    // A hold that was edited outside the program holds all the same; what it says counts for nothing.
    let held = hold.map(|row| row.trusted(keyring).map_or_else(|_| String::new(), |row| row.basis));
    tampered.extend(held.iter().filter(|basis| basis.is_empty()).map(|_| "legal_hold"));
    let (erasure, edited) = orders::standing(connection, keyring, &case.id, order::Kind::Erasure, now_ms)?;
    tampered.extend(vec!["joint_order"; edited]);
    Ok(Fate { held, erasure })
}

/// The consent, by public id, or the basis of the law on which a referral rests.
fn basis_of(row: &ReferralRow, around: &Around) -> Option<String> {
    let consent = row
        .consent_id
        .as_ref()
        .and_then(|id| around.consents.iter().find(|consent| consent.id == *id));
    match consent {
        Some(consent) => consent
            .public_id
            .as_slice()
            .try_into()
            .ok()
            .map(|id| PublicId(id).to_string()),
        None => row.basis.clone(),
    }
}

/// A receiving body knows of its own referrals, and of steps in the groups they list.
fn keep_for_receiver(around: &mut Around, standing: &Standing) {
    around.consents.clear();
    around
        .referrals
        .retain(|row| standing.held.iter().any(|held| held.id == row.id));
    around
        .steps
        .retain(|row| Kind::parse(&row.kind).is_some_and(|kind| standing.listed.contains(&kind.group())));
}

/// A receiving body sees the clocks of the referrals it holds, everybody else all of them.
fn clocks(
    connection: &mut AnyConnection,
    held: Option<&[ReferralRow]>,
    case_id: &[u8],
) -> Result<Vec<Clock>, StorageError> {
    type Row = (String, i64, i64, Option<i64>, Option<Vec<u8>>);
    let rows: Vec<Row> = deadline::table
        .filter(deadline::case_id.eq(case_id.to_vec()))
        .order(deadline::due_at)
        .select((
            deadline::code,
            deadline::started_at,
            deadline::due_at,
            deadline::met_at,
            deadline::referral_id,
        ))
        .load(connection)?;
    Ok(rows
        .into_iter()
        .filter(|(.., referral)| match (held, referral) {
            (None, _) => true,
            (Some(held), Some(referral)) => held.iter().any(|row| row.id == *referral),
            (Some(_), None) => false,
        })
        .map(|(code, started_at, due_at, met_at, referral)| Clock {
            code,
            started_at: Some(started_at),
            due_at,
            met_at,
            of_referral: referral.is_some(),
        })
        .collect())
}

fn team(connection: &mut AnyConnection, receives: bool, case_id: &[u8]) -> Result<Vec<String>, StorageError> {
    if receives {
        return Ok(Vec::new());
    }
    Ok(membership::table
        .inner_join(account::table)
        .filter(membership::case_id.eq(case_id.to_vec()))
        .filter(membership::until_at.is_null())
        .order(account::code)
        .select(account::code)
        .load(connection)?)
}
