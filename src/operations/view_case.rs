//! An actor opens a case: policy, entry, receipt, and only then the groups.

use diesel::prelude::*;
use ledger::vault::owner::OwnerKeys;
use serde_json::Value;

use super::actor::Actor;
use super::failure::{Failure, Written, sort};
use super::sections::{self, Closed};
use super::{owners, refuse, sessions};
use crate::app::App;
use crate::domain::group::{Class, Group, Owner};
use crate::policy::{Action, Ask, Decision, Resource};
use crate::storage::StorageError;
use crate::storage::access_rows::CaseRow;
use crate::storage::schema::{account, deadline, membership};
use crate::storage::sealed_values::{self, SealedRow};
use crate::storage::visible::{self, Standing};

/// What is asked for.
#[derive(Clone)]
pub struct Wish {
    /// These groups; `None` for every group of class S2 and S3 that the actor may see.
    pub groups: Option<Vec<Group>>,
    /// Purpose code.
    pub purpose: &'static str,
    /// Second confirmation for class S4.
    pub confirmed: bool,
}

/// A case as an actor sees it; the only struct here that holds plaintext, so it cannot be printed.
pub struct CaseView {
    /// The plain row.
    pub case: CaseRow,
    /// Opened groups.
    pub groups: Vec<OpenGroup>,
    /// Groups that exist and were not asked for or need more: names only.
    pub closed: Vec<Group>,
    /// Clocks.
    pub deadlines: Vec<Clock>,
    /// Staff codes of the people who work on it.
    pub team: Vec<String>,
    /// Whether the actor may change groups.
    pub editable: bool,
    /// Whether the case waits for somebody to take it.
    pub may_take: bool,
    /// Index of the entry that records this view.
    pub index: String,
}

/// One opened group.
pub struct OpenGroup {
    /// Which.
    pub group: Group,
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
    /// Due, UTC milliseconds.
    pub due_at: i64,
    /// Met, UTC milliseconds.
    pub met_at: Option<i64>,
}

/// Why a case was not shown.
#[derive(Debug, thiserror::Error)]
pub enum ViewCaseError {
    /// A fault of the house.
    #[error(transparent)]
    Failure(#[from] Failure),
    /// There is no such case for this actor; the refusal is in the log at this index.
    #[error("no such case")]
    NotFound(String),
    /// The session ended meanwhile.
    #[error("signed out")]
    SignedOut,
}

struct Facts {
    case: CaseRow,
    standing: Standing,
    rows: Vec<(Group, SealedRow, Box<dyn Closed>)>,
    closed: Vec<Group>,
    deadlines: Vec<Clock>,
    team: Vec<String>,
    person: OwnerKeys,
    own: OwnerKeys,
}

/// Shows a case.
pub async fn view_case(app: &App, actor: &Actor, public_id: [u8; 16], wish: &Wish) -> Result<CaseView, ViewCaseError> {
    let mut actor = actor.clone();
    loop {
        match attempt(app, &actor, public_id, wish).await? {
            Some(view) => return Ok(view),
            // Rights were taken away between the decision and the entry: decide again with what is left.
            None => {
                actor = sessions::refresh(app, actor.session, actor.network, actor.request)
                    .await?
                    .ok_or(ViewCaseError::SignedOut)?;
            }
        }
    }
}

async fn attempt(
    app: &App,
    actor: &Actor,
    public_id: [u8; 16],
    wish: &Wish,
) -> Result<Option<CaseView>, ViewCaseError> {
    let (viewer, wanted) = (actor.viewer.clone(), wish.groups.clone());
    let (facts, tampered) = app
        .read(move |app, connection| {
            let now_ms = app.clock.now_ms();
            let (case, standing) = visible::case(connection, &app.keyring, &viewer, now_ms, &public_id)?;
            let tampered = standing.tampered;
            match case {
                None => Ok((None, tampered)),
                Some(case) => Ok((Some(load(app, connection, case, standing, wanted)?), tampered)),
            }
        })
        .await
        .map_err(Failure::from)?;
    let Some(facts) = facts else {
        // Records rows that were edited outside the program, too.
        return Err(ViewCaseError::NotFound(
            refuse::case(app, actor, public_id, Some(wish.purpose), &[]).await?,
        ));
    };
    if tampered > 0 {
        refuse::tampered(app, &vec!["membership"; tampered]).await?;
    }
    // What was asked for is decided, not what happens to be there: the answer must not tell which groups exist.
    let found = facts.rows.iter().map(|(group, ..)| *group);
    let groups: Vec<Group> = wish.groups.clone().unwrap_or_else(|| found.collect());
    let ask = Ask {
        groups: &groups,
        purpose: wish.purpose,
        confirmed: wish.confirmed,
    };
    let resource = Resource::Case {
        relations: &facts.standing.relations,
        listed: &facts.standing.listed,
    };
    let permit = match app
        .engine
        .decide(actor.role(), Action::View, &resource, &ask, actor.rights)
    {
        Decision::Allow(permit) => permit,
        Decision::Deny(policies) => {
            return Err(ViewCaseError::NotFound(
                refuse::case(app, actor, public_id, Some(wish.purpose), &policies).await?,
            ));
        }
    };
    let edit = app.engine.decide(
        actor.role(),
        Action::Edit,
        &resource,
        &Ask { groups: &[], ..ask },
        actor.rights,
    );
    let mut entry = actor
        .permitted("case.view", &permit)
        .purpose(wish.purpose)
        .about(facts.own.handle());
    for (_, _, closed) in &facts.rows {
        closed.announce(&mut entry);
    }
    let rights = permit.rights();
    let outcome = app
        .writer
        .write::<(), ()>(Some(rights), move |_| Ok(((), vec![entry])))
        .await;
    let receipts = match sort(outcome)? {
        Written::Done(((), receipts)) => receipts,
        Written::Stale => return Ok(None),
        Written::Refused(()) => return Err(Failure::Internal(None).into()),
    };
    let receipt = receipts.first().ok_or(Failure::Internal(None))?;
    let mut open = Vec::with_capacity(facts.rows.len());
    for (group, row, closed) in &facts.rows {
        let keys = if group.owner() == Owner::Person {
            &facts.person
        } else {
            &facts.own
        };
        open.push(OpenGroup {
            group: *group,
            version: row.version,
            saved_at: row.saved_at,
            fields: closed.open(receipt, keys)?,
        });
    }
    open.sort_by_key(|open| open.group);
    Ok(Some(CaseView {
        editable: matches!(edit, Decision::Allow(_)),
        may_take: facts.standing.relations.contains(&"unassigned"),
        case: facts.case,
        groups: open,
        closed: facts.closed,
        deadlines: facts.deadlines,
        team: facts.team,
        index: receipt.index(),
    }))
}

fn load(
    app: &App,
    connection: &mut crate::storage::connection::AnyConnection,
    case: CaseRow,
    standing: Standing,
    wanted: Option<Vec<Group>>,
) -> Result<Facts, StorageError> {
    let mut keys = owners::open(app, &[&case.person_owner_id, &case.owner_id])?
        .into_iter()
        .flatten();
    let (Some(person), Some(own)) = (keys.next(), keys.next()) else {
        return Err(StorageError::Inconsistent("the keys of this case are gone"));
    };
    let receiver = standing.relations.contains(&"receiver");
    let (mut rows, mut closed) = (Vec::new(), Vec::new());
    for row in sealed_values::current(connection, &[&case.person_id, &case.id], None)? {
        let Some(group) = sections::group_of(&row) else {
            continue;
        };
        let shown = match &wanted {
            Some(wanted) => wanted.contains(&group),
            None => group.class() != Class::S4 && (!receiver || standing.listed.contains(&group)),
        };
        let keys = if group.owner() == Owner::Person { &person } else { &own };
        match sections::from_row(&row, keys.handle())? {
            Some(section) if shown => rows.push((group, row, section)),
            Some(_) if !receiver || standing.listed.contains(&group) => closed.push(group),
            _ => {}
        }
    }
    closed.sort_unstable();
    let deadlines = deadline::table
        .filter(deadline::case_id.eq(&case.id))
        .order(deadline::due_at)
        .select((deadline::code, deadline::due_at, deadline::met_at))
        .load::<(String, i64, Option<i64>)>(connection)?
        .into_iter()
        .map(|(code, due_at, met_at)| Clock { code, due_at, met_at })
        .collect();
    let team = membership::table
        .inner_join(account::table)
        .filter(membership::case_id.eq(&case.id))
        .filter(membership::until_at.is_null())
        .order(account::code)
        .select(account::code)
        .load(connection)?;
    Ok(Facts {
        case,
        standing,
        rows,
        closed,
        deadlines,
        team,
        person,
        own,
    })
}
