//! A social worker takes somebody in: person, case, four sealed groups, the first clocks, in one act.

use std::sync::Arc;

use diesel::dsl::exists;
use diesel::prelude::*;
use serde_json::Value;

use super::actor::Actor;
use super::case_act::CaseActError;
use super::failure::{Failure, Written, sort};
use super::outcome::{Before, Claim};
use super::sections::{self, Closed};
use super::sessions::SignedOut;
use super::{drafts, reading, sessions};
use crate::app::App;
use crate::clock::{random_id, row_id};
use crate::domain::case_number::case_number;
use crate::domain::deadline;
use crate::domain::group::{Group, Owner};
use crate::domain::part::Part;
use crate::domain::public_id::PublicId;
use crate::policy::Action;
use crate::storage::StorageError;
use crate::storage::access_rows::{AccessRow, CaseRow, MembershipRow};
use crate::storage::connection::AnyConnection;
use crate::storage::schema::{case_file, deadline as deadline_table, membership, person};
use crate::storage::sealed_values::{self, SealedRow};
use crate::storage::writer::ActError;

/// An intake as the form gave it.
#[derive(Clone)]
pub struct Intake {
    /// Groups with the JSON of their fields.
    pub groups: Vec<(Group, Value)>,
    /// Danger now, or under 18 without a clear age: the unit's on-call worker sees it.
    pub urgent: bool,
    /// Whether the clock of child protection runs too.
    pub child: bool,
}

/// What was opened.
#[derive(Clone)]
pub struct Opened {
    /// Public id of the case.
    pub id: PublicId,
    /// Case number.
    pub number: String,
    /// Index of the entry.
    pub index: String,
}

/// Why nothing was opened.
#[derive(Debug, thiserror::Error)]
pub enum CreateIntakeError {
    /// This form was sent before and its case exists.
    #[error("this form was sent before")]
    Already(PublicId),
    /// This form was sent before with other answers: its case exists, what was changed since is not in it.
    #[error("this form was sent before with other answers")]
    Changed(PublicId),
    /// A fault of the house, or a role that takes nobody in.
    #[error(transparent)]
    Act(#[from] CaseActError),
}

impl From<Failure> for CreateIntakeError {
    fn from(failure: Failure) -> Self {
        Self::Act(failure.into())
    }
}

impl From<SignedOut> for CreateIntakeError {
    fn from(gone: SignedOut) -> Self {
        Self::Act(gone.into())
    }
}

struct Prepared {
    person_id: [u8; 16],
    person_owner: Vec<u8>,
    case: CaseRow,
    membership: MembershipRow,
    rows: Vec<SealedRow>,
    sealed: Vec<Box<dyn Closed>>,
    handle: ledger::vault::associated::Handle,
    deadlines: Vec<([u8; 16], &'static str, i64)>,
}

/// Opens a case; a form that is sent twice opens one case.
pub async fn create_intake(app: &App, actor: &Actor, intake: Intake) -> Result<Opened, CreateIntakeError> {
    sessions::with_current_rights(app, actor, async |actor| attempt(app, actor, &intake).await).await
}

async fn attempt(app: &App, actor: &Actor, intake: &Intake) -> Result<Option<Opened>, CreateIntakeError> {
    let permit = reading::permitted(app, actor, Action::Intake).await?;
    let (for_prepare, wish) = (actor.clone(), intake.clone());
    let prepared = app
        .read(move |app, _| prepare(app, &for_prepare, wish))
        .await
        .map_err(Failure::from)?;
    let mut entry = actor
        .permitted("case.create", &permit)
        .purpose("intake")
        .about(prepared.handle);
    for sealed in &prepared.sealed {
        sealed.record(&mut entry);
    }
    let for_act = actor.clone();
    let keyring = Arc::clone(&app.keyring);
    // The draft that the form was kept in ends with the intake.
    let draft = drafts::of_sheet(drafts::INTAKE, PublicId(actor.request));
    let opened = PublicId(
        prepared
            .case
            .public_id
            .clone()
            .try_into()
            .map_err(|_| Failure::Internal(None))?,
    );
    let said: Vec<(&str, &Value)> = intake.groups.iter().map(|(group, json)| (group.name(), json)).collect();
    let said = serde_json::to_vec(&said).map_err(|_| Failure::Internal(None))?;
    let claim = Claim::new(actor, "case.create", "", opened, &app.keyring.web_mac(&said));
    let outcome = app
        .writer
        .write(Some(permit.rights()), move |tx| {
            let now_ms = tx.now_ms();
            let connection = tx.connection();
            let opened_at = prepared.case.opened_at;
            match claim.once(connection, now_ms)? {
                Before::New => {}
                Before::Same(subject) => return Err(ActError::Refused(CreateIntakeError::Already(subject))),
                Before::Other(subject) => return Err(ActError::Refused(CreateIntakeError::Changed(subject))),
            }
            diesel::insert_into(person::table)
                .values((
                    person::id.eq(prepared.person_id.to_vec()),
                    person::owner_id.eq(prepared.person_owner),
                    person::created_at.eq(opened_at),
                ))
                .execute(connection)?;
            // Six characters are drawn twice once in some ten thousand cases.
            let number = unused_number(connection, year_of(prepared.case.opened_at), draw)?;
            let case = CaseRow {
                number: number.clone(),
                ..prepared.case
            };
            let case = case.signed(&keyring);
            diesel::insert_into(case_file::table)
                .values(&case)
                .execute(connection)?;
            diesel::insert_into(membership::table)
                .values(&prepared.membership)
                .execute(connection)?;
            for row in &prepared.rows {
                sealed_values::insert(connection, row)?;
            }
            for (id, code, due_at) in &prepared.deadlines {
                diesel::insert_into(deadline_table::table)
                    .values((
                        deadline_table::id.eq(id.to_vec()),
                        deadline_table::case_id.eq(&case.id),
                        deadline_table::code.eq(*code),
                        deadline_table::started_at.eq(opened_at),
                        deadline_table::due_at.eq(*due_at),
                        deadline_table::met_at.eq(None::<i64>),
                        deadline_table::referral_id.eq(None::<Vec<u8>>),
                    ))
                    .execute(connection)?;
            }
            let place = (for_act.viewer.account_id.as_slice(), draft.as_str());
            drafts::remove_of_form(connection, &keyring, place, None, opened_at)?;
            Ok((number, vec![entry]))
        })
        .await;
    match sort(outcome)? {
        Written::Done((number, receipts)) => Ok(Some(Opened {
            id: opened,
            number,
            index: reading::index(&receipts),
        })),
        Written::Refused(no) => Err(no),
        Written::Stale => Ok(None),
    }
}

/// A case number that no case has yet.
pub fn unused_number(
    connection: &mut AnyConnection,
    year: i32,
    mut draw: impl FnMut() -> Result<u32, StorageError>,
) -> Result<String, StorageError> {
    loop {
        let number = case_number(year, draw()?);
        let taken = diesel::select(exists(case_file::table.filter(case_file::number.eq(&number))));
        if !taken.get_result::<bool>(connection)? {
            return Ok(number);
        }
    }
}

fn draw() -> Result<u32, StorageError> {
    Ok(u32::from_be_bytes(ledger::vault::random()?))
}

/// The year in Viet Nam.
fn year_of(at_ms: i64) -> i32 {
    let local = chrono::DateTime::from_timestamp_millis(at_ms + 7 * 3_600_000);
    local.map_or(1970, |time| chrono::Datelike::year(&time))
}

fn prepare(app: &App, actor: &Actor, intake: Intake) -> Result<Prepared, StorageError> {
    let now_ms = app.clock.now_ms();
    let (person_id, case_id) = (row_id(now_ms)?, row_id(now_ms)?);
    let person_owner = app.key_plane.take(&app.keyring)?;
    let case_owner = app.key_plane.take(&app.keyring)?;
    let person_keys = app.keyring.unwrap_owner(&person_owner)?;
    let case_keys = app.keyring.unwrap_owner(&case_owner)?;
    let (mut rows, mut sealed) = (Vec::new(), Vec::new());
    for (group, json) in intake.groups {
        let (record, owner, keys) = if group.owner() == Owner::Person {
            (person_id, person_owner.id, &person_keys)
        } else {
            (case_id, case_owner.id, &case_keys)
        };
        let closed = sections::seal(Part::Group(group), keys, &record, 1, json)?
            .ok_or(StorageError::Inconsistent("a group without a section"))?;
        rows.push(SealedRow {
            record_id: record.to_vec(),
            group_no: sections::number(group),
            version: 1,
            owner_id: owner.to_vec(),
            value: closed.bytes().to_vec(),
            saved_at: now_ms,
            saved_by: actor.viewer.account_id.clone(),
        });
        sealed.push(closed);
    }
    let case = CaseRow {
        id: case_id.to_vec(),
        public_id: random_id()?.to_vec(),
        number: String::new(),
        person_id: person_id.to_vec(),
        owner_id: case_owner.id.to_vec(),
        person_owner_id: person_owner.id.to_vec(),
        org_id: actor.viewer.org_id.clone(),
        state: "open".to_owned(),
        urgent: intake.urgent,
        assigned: true,
        opened_at: now_ms,
        version: 1,
        mac: Vec::new(),
    };
    let membership = MembershipRow {
        id: row_id(now_ms)?.to_vec(),
        case_id: case_id.to_vec(),
        account_id: actor.viewer.account_id.clone(),
        kind: "owner".to_owned(),
        from_at: now_ms,
        until_at: None,
        version: 1,
        mac: Vec::new(),
    };
    let mut deadlines = Vec::new();
    for code in deadline::OF_RECEPTION {
        if code == deadline::CHILD && !intake.child {
            continue;
        }
        let due = deadline::find(code)
            .ok_or(StorageError::Inconsistent("a clock is missing"))?
            .due_ms(now_ms);
        deadlines.push((row_id(now_ms)?, code, due));
    }
    Ok(Prepared {
        person_id,
        person_owner: person_owner.id.to_vec(),
        case,
        membership: membership.signed(&app.keyring),
        rows,
        sealed,
        handle: case_keys.handle(),
        deadlines,
    })
}
