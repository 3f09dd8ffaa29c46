//! An actor saves a part of a case: a new version beside the old one, or a conflict in which nothing is lost.

use diesel::prelude::*;
use ledger::vault::keyring::Keyring;
use serde_json::Value;

use super::actor::Actor;
use super::case_act::{self, Allowed, CLOSED, CaseActError, No, OPEN, allowed};
use super::failure::Failure;
use super::outcome::Claim;
use super::sections::{self, Closed};
use super::{drafts, owners, refuse};
use crate::app::App;
use crate::clock::{random_id, row_id};
use crate::domain::codes::{is_urgent, may_be_child};
use crate::domain::deadline;
use crate::domain::group::{Group, Owner};
use crate::domain::organisation::deciding_bodies;
use crate::domain::part::Part;
use crate::domain::partial_date::PartialDate;
use crate::domain::public_id::PublicId;
use crate::domain::purpose;
use crate::domain::referral;
use crate::domain::refusal::Why;
use crate::domain::role::Role;
use crate::domain::step::{Kind, State, may_close};
use crate::policy::{Action, Ask};
use crate::storage::StorageError;
use crate::storage::access_rows::{AccessRow, CaseRow, ReferralRow, StepRow};
use crate::storage::case_rows::{self, Around};
use crate::storage::connection::AnyConnection;
use crate::storage::schema::{deadline as deadline_table, step as step_table};
use crate::storage::sealed_values::{self, SealedRow};
use crate::storage::writer::{ActError, Tx};

/// What is saved.
#[derive(Clone)]
pub struct Save {
    /// Which part.
    pub part: Part,
    /// The JSON of its fields.
    pub fields: Value,
    /// The version that the form was made from; 0 for what is new.
    pub from_version: i64,
    /// Purpose code.
    pub purpose: &'static str,
    /// Second confirmation for class S4.
    pub confirmed: bool,
}

/// Saves a part and gives the index of the entry.
pub async fn save_part(app: &App, actor: &Actor, id: PublicId, save: &Save) -> Result<String, CaseActError> {
    let said = format!("{} {}", save.from_version, save.fields);
    let digest = app.keyring.web_mac(said.as_bytes());
    let claim = |actor: &Actor| Claim::new(actor, "part.save", &drafts::form_of(id, save.part), id, &digest);
    case_act::once(app, actor, claim, async |actor| {
        attempt(app, actor, id, save, claim(actor)).await
    })
    .await
}

/// Saving the answer of a receiving body is reporting, everything else is editing.
pub fn action(actor: &Actor, part: Part) -> Action {
    match part {
        Part::Matter(_) | Part::Advice(_) => Action::Report,
        Part::Step(Kind::Identification, _) if actor.role() == Role::Liaison => Action::Report,
        Part::Group(_) | Part::Step(..) | Part::Consent(_) => Action::Edit,
    }
}

/// Whether the deciding body that a conclusion names is one that the actor's organisation speaks for.
fn is_of_own_body(actor: &Actor, fields: &Value) -> bool {
    let named = fields.pointer("/deciding_body/known").and_then(Value::as_str);
    named.is_some_and(|body| deciding_bodies(&actor.org_kind).contains(&body))
}

async fn attempt(
    app: &App,
    actor: &Actor,
    id: PublicId,
    save: &Save,
    claim: Claim,
) -> Result<Option<String>, CaseActError> {
    let part = save.part;
    let action = action(actor, part);
    let concludes = action == Action::Report && matches!(part, Part::Step(..));
    let ask = Ask {
        groups: &[part.group()],
        purpose: save.purpose,
        confirmed: save.confirmed,
    };
    let allowed = allowed(app, actor, id, action, &ask).await?;
    if part.lacking(&save.fields).next().is_some() {
        return Err(Why::NotChosen.into());
    }
    if concludes && !is_of_own_body(actor, &save.fields) {
        return Err(Why::OtherBody.into());
    }
    // A receiving body writes for the purpose of its referral.
    let held = allowed
        .standing
        .held
        .first()
        .and_then(|row| purpose::parse(&row.purpose));
    let purpose = held.unwrap_or(save.purpose);
    let Some(target) = target(app, actor, &allowed, save, concludes).await? else {
        // A record that is not there, or is another body's.
        let index = refuse::case(app, actor, id.0, action, &ask, &[]).await?;
        return Err(CaseActError::NotFound(index));
    };
    let assigned = matches!(part, Part::Matter(_)) && save.fields.pointer("/assigned_on/known").is_some();
    let (sealed, row) = seal(app, actor, save, target.record.clone(), target.owner.clone()).await?;
    let kind = match part {
        Part::Group(_) => "group.save".to_owned(),
        _ if concludes => "identification.conclude".to_owned(),
        _ => format!("{}.save", part.name()),
    };
    let mut entry = actor
        .permitted(&kind, &allowed.permit)
        .purpose(purpose)
        .about(allowed.handle);
    sealed.record(&mut entry);
    let (rights, author) = (allowed.permit.rights(), actor.viewer.account_id.clone());
    let keyring = std::sync::Arc::clone(&app.keyring);
    let child = part == Part::Group(Group::Identity) && may_be_child(&save.fields, app.clock.today());
    let received = received_on(part, &save.fields);
    // The draft that the form was kept in ends with the saving.
    let draft = drafts::of_sheet(&drafts::form_of(id, part), PublicId(actor.request));
    case_act::write(app, rights, claim, entry, move |tx| {
        let now_ms = tx.now_ms();
        let connection = tx.connection();
        if !case_rows::is_unchanged(connection, &allowed.case)?
            || sealed_values::version(connection, &row.record_id, row.group_no)? != row.version - 1
        {
            return Err(No::Conflict.into());
        }
        sealed_values::insert(connection, &row)?;
        drafts::remove_of_form(connection, &keyring, (&author, &draft), None, now_ms)?;
        if assigned {
            case_rows::meet_clock(connection, &row.record_id, "TGPL_CU_NGUOI", now_ms)?;
        }
        if child {
            start_child_clock(connection, &allowed.case.id, now_ms)?;
        }
        if let Some(received) = received {
            let start = deadline::reception_start(received, allowed.case.opened_at);
            case_rows::restart_reception(connection, &allowed.case, start)?;
        }
        if let Some(concluded) = target.new_step.as_ref().filter(|_| concludes) {
            end_earlier(connection, &keyring, concluded, now_ms)?;
        }
        if part == Part::Step(Kind::Closure, None) {
            // Somebody may have asked since the page was read.
            new_closure_is_due(&case_rows::around(connection, &keyring, &allowed.case.id)?)?;
        }
        target.write(tx)
    })
    .await
}

/// Where the content goes and which rows change with it.
struct Target {
    record: Vec<u8>,
    owner: Vec<u8>,
    new_step: Option<StepRow>,
    next_step: Option<StepRow>,
    next_case: Option<CaseRow>,
    answered: Vec<ReferralRow>,
}

impl Target {
    fn write(self, tx: &mut Tx<'_>) -> Result<(), ActError<No>> {
        let connection = tx.connection();
        if let Some(step) = self.new_step {
            diesel::insert_into(step_table::table)
                .values(&step)
                .execute(connection)?;
        }
        let mut replaced = true;
        if let Some(step) = &self.next_step {
            replaced &= case_rows::replace_step(connection, step)?;
        }
        if let Some(case) = &self.next_case {
            replaced &= case_rows::replace_case(connection, case)?;
        }
        for referral in &self.answered {
            replaced &= case_rows::replace_referral(connection, referral)?;
        }
        if !replaced {
            return Err(No::Conflict.into());
        }
        if !self.answered.is_empty() {
            // The body that answered sees the groups no longer.
            tx.revoke();
        }
        Ok(())
    }
}

async fn target(
    app: &App,
    actor: &Actor,
    allowed: &Allowed,
    save: &Save,
    concludes: bool,
) -> Result<Option<Target>, CaseActError> {
    let (case, part, fields) = (&allowed.case, save.part, &save.fields);
    let target = |record: &[u8], owner: &[u8]| Target {
        record: record.to_vec(),
        owner: owner.to_vec(),
        new_step: None,
        next_step: None,
        next_case: None,
        answered: Vec::new(),
    };
    if !matches!(part, Part::Step(Kind::Reopening, None)) {
        allowed.open()?;
    }
    let found = match part {
        Part::Group(group) if group.owner() == Owner::Person => Some(target(&case.person_id, &case.person_owner_id)),
        Part::Group(_) => Some(Target {
            next_case: marked(app, case, part, fields),
            ..target(&case.id, &case.owner_id)
        }),
        // Recorded once, with the consent itself.
        Part::Consent(_) => None,
        Part::Matter(id) | Part::Advice(id) => {
            let held = allowed.standing.held.iter().find(|row| row.public_id == id.0);
            held.map(|row| target(&row.id, &case.owner_id))
        }
        Part::Step(kind, Some(id)) => {
            let found = allowed
                .around
                .steps
                .iter()
                .find(|row| row.public_id == id.0 && row.kind == kind.name());
            match found {
                None => None,
                Some(_) if concludes => None,
                Some(row) => {
                    let next = corrected(app, actor, kind, row)?;
                    Some(Target {
                        next_step: Some(next),
                        ..target(&row.id, &row.owner_id)
                    })
                }
            }
        }
        Part::Step(kind, None) => {
            new_step_is_due(kind, allowed)?;
            let (row, record, owner) = new_step(app, actor, kind, case, concludes).await?;
            let next_case = (kind == Kind::Reopening).then(|| in_state(app, case, OPEN));
            let answered = allowed.standing.held.iter().filter(|_| concludes);
            Some(Target {
                new_step: Some(row),
                next_case,
                answered: answered.map(|row| closed(app, row)).collect(),
                ..target(&record, &owner)
            })
        }
    };
    Ok(found)
}

/// The case in another state, signed.
pub fn in_state(app: &App, case: &CaseRow, state: &str) -> CaseRow {
    CaseRow {
        state: state.to_owned(),
        version: case.version + 1,
        ..case.clone()
    }
    .signed(&app.keyring)
}

fn closed(app: &App, row: &ReferralRow) -> ReferralRow {
    ReferralRow {
        state: referral::State::Closed.code().to_owned(),
        closed_at: Some(app.clock.now_ms()),
        version: row.version + 1,
        ..row.clone()
    }
    .signed(&app.keyring)
}

fn new_step_is_due(kind: Kind, allowed: &Allowed) -> Result<(), Why> {
    match kind {
        Kind::Reopening if allowed.case.state != CLOSED => Err(Why::CaseOpen),
        Kind::Closure => new_closure_is_due(&allowed.around),
        _ => Ok(()),
    }
}

fn new_closure_is_due(around: &Around) -> Result<(), Why> {
    let asked = states(&around.steps)
        .any(|(kind, state)| kind == Kind::Closure && matches!(state, State::Requested | State::Returned));
    if asked {
        return Err(Why::AlreadyAsked);
    }
    may_close(states(&around.steps), referral_open(&around.referrals))
}

/// The day on which the person came, if what is saved says it to the day.
fn received_on(part: Part, fields: &Value) -> Option<chrono::NaiveDate> {
    let said = fields.pointer("/received_on/known").and_then(Value::as_str);
    let said = said.filter(|_| part == Part::Group(Group::Origin))?;
    PartialDate::try_from(said.to_owned()).ok()?.day()
}

/// A case has one conclusion in force: with a new one the earlier one ends, and stays readable.
pub fn end_earlier(
    connection: &mut AnyConnection,
    keyring: &Keyring,
    concluded: &StepRow,
    now_ms: i64,
) -> Result<(), ActError<No>> {
    let steps = case_rows::around(connection, keyring, &concluded.case_id)?.steps;
    let earlier = steps.into_iter().filter(|row| {
        row.kind == Kind::Identification.name() && row.state == State::Approved.code() && row.id != concluded.id
    });
    for row in earlier {
        let ended = StepRow {
            state: State::Ended.code().to_owned(),
            decided_at: Some(now_ms),
            version: row.version + 1,
            ..row
        };
        if !case_rows::replace_step(connection, &ended.signed(keyring))? {
            return Err(No::Conflict.into());
        }
    }
    Ok(())
}

/// The clock of child protection, if it has never run in this case.
fn start_child_clock(connection: &mut AnyConnection, case_id: &[u8], now_ms: i64) -> Result<(), StorageError> {
    let clock = deadline::find(deadline::CHILD).ok_or(StorageError::Inconsistent("a clock is missing"))?;
    if case_rows::has_clock(connection, case_id, &clock.code)? {
        return Ok(());
    }
    diesel::insert_into(deadline_table::table)
        .values((
            deadline_table::id.eq(row_id(now_ms)?.to_vec()),
            deadline_table::case_id.eq(case_id.to_vec()),
            deadline_table::code.eq(&clock.code),
            deadline_table::started_at.eq(now_ms),
            deadline_table::due_at.eq(clock.due_ms(now_ms)),
            deadline_table::met_at.eq(None::<i64>),
            deadline_table::referral_id.eq(None::<Vec<u8>>),
        ))
        .execute(connection)?;
    Ok(())
}

/// The case with the mark *urgent* as the danger that is saved now says; `None` when that does not change it.
fn marked(app: &App, case: &CaseRow, part: Part, fields: &Value) -> Option<CaseRow> {
    let danger = fields.pointer("/danger/known").and_then(Value::as_str);
    let urgent = is_urgent(danger.filter(|_| part == Part::Group(Group::Risk))?);
    (urgent != case.urgent).then(|| {
        CaseRow {
            urgent,
            version: case.version + 1,
            ..case.clone()
        }
        .signed(&app.keyring)
    })
}

/// Kind and state of each step.
pub fn states(steps: &[StepRow]) -> impl Iterator<Item = (Kind, State)> {
    steps
        .iter()
        .filter_map(|row| Some((Kind::parse(&row.kind)?, State::parse(&row.state)?)))
}

/// Whether a body still holds one of these.
pub fn referral_open(referrals: &[ReferralRow]) -> bool {
    referrals
        .iter()
        .any(|row| referral::State::parse(&row.state).is_some_and(referral::State::is_open))
}

fn corrected(app: &App, actor: &Actor, kind: Kind, row: &StepRow) -> Result<StepRow, Why> {
    let now = State::parse(&row.state).ok_or(Why::NotNow)?;
    Ok(StepRow {
        state: kind.corrected(now)?.code().to_owned(),
        content: row.content + 1,
        recorded_by: actor.viewer.account_id.clone(),
        decided_by: None,
        decided_at: None,
        version: row.version + 1,
        // It was read by whoever corrects.
        reason: None,
        ..row.clone()
    }
    .written_by(&actor.viewer.account_id)
    .signed(&app.keyring))
}

async fn new_step(
    app: &App,
    actor: &Actor,
    kind: Kind,
    case: &CaseRow,
    concludes: bool,
) -> Result<(StepRow, Vec<u8>, Vec<u8>), Failure> {
    // Somebody who came along is a person: her record has keys of its own and can be erased by itself.
    let own_keys = kind == Kind::Companion;
    let (case, account) = (case.clone(), actor.viewer.account_id.clone());
    let row = app
        .read(move |app, _| {
            let now_ms = app.clock.now_ms();
            let owner_id = if own_keys {
                app.key_plane.take(&app.keyring)?.id.to_vec()
            } else {
                case.owner_id
            };
            let state = if concludes { State::Approved } else { kind.first() };
            let row = StepRow {
                id: row_id(now_ms)?.to_vec(),
                public_id: random_id()?.to_vec(),
                case_id: case.id,
                owner_id,
                kind: kind.name().to_owned(),
                state: state.code().to_owned(),
                content: 1,
                due_at: None,
                authors: Some(account.clone()),
                reason: None,
                recorded_by: account.clone(),
                recorded_at: now_ms,
                decided_by: concludes.then_some(account),
                decided_at: concludes.then_some(now_ms),
                version: 1,
                mac: Vec::new(),
            };
            Ok(row.signed(&app.keyring))
        })
        .await?;
    let (record, owner) = (row.id.clone(), row.owner_id.clone());
    Ok((row, record, owner))
}

async fn seal(
    app: &App,
    actor: &Actor,
    save: &Save,
    record: Vec<u8>,
    owner: Vec<u8>,
) -> Result<(Box<dyn Closed>, SealedRow), Failure> {
    let (part, fields, version) = (save.part, save.fields.clone(), save.from_version + 1);
    let by = actor.viewer.account_id.clone();
    let sealed = app
        .read(move |app, _| {
            let keys = owners::open_one(app, &owner)?;
            let sealed = sections::seal(part, &keys, &record, u64::try_from(version).unwrap_or(1), fields)?
                .ok_or(StorageError::Inconsistent("a part without a section"))?;
            let row = SealedRow {
                record_id: record,
                group_no: sections::number(part.group()),
                version,
                owner_id: owner,
                value: sealed.bytes().to_vec(),
                saved_at: app.clock.now_ms(),
                saved_by: by,
            };
            Ok((sealed, row))
        })
        .await?;
    Ok(sealed)
}
