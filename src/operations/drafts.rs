//! What is typed and not yet saved: sealed, the author's alone, never lost with a session.

use diesel::prelude::*;
use ledger::Section;
use ledger::vault::associated::Handle;
use ledger::vault::keyring::Keyring;
use ledger::vault::sealed::GroupId;
use serde::{Deserialize, Serialize};

use super::actor::Actor;
use super::case_act::{Allowed, CaseActError, allowed};
use super::failure::{Failure, Written, sort};
use super::save_part::{Save, action};
use super::{owners, reading, refuse};
use crate::app::App;
use crate::clock::row_id;
use crate::domain::field::Typed;
use crate::domain::part::Part;
use crate::domain::public_id::PublicId;
use crate::policy::Ask;
use crate::storage::StorageError;
use crate::storage::access_rows::{AccessRow, DraftRow};
use crate::storage::connection::AnyConnection;
use crate::storage::schema::draft;
use crate::storage::sealed_values::{self, SealedRow, place};
use crate::storage::writer::ActError;
use crate::storage::{orders, visible};

/// Name of the form for a new intake.
pub const INTAKE: &str = "intake";

/// The fields of a form as typed, valid or not. Class S4, because a safe telephone may be among them.
#[derive(Serialize, Deserialize)]
pub struct Draft {
    /// Names and values.
    pub typed: Typed,
}

impl Section for Draft {
    // Sealed with the key of class S4 under a name of its own; only the author opens it.
    const GROUP: GroupId = GroupId {
        number: 0xFF02,
        name: "draft",
        lock: ledger::vault::owner::Lock::SafetyOfLife,
    };
}

/// Name of the form for a part of a case.
#[must_use]
pub fn form_of(case: PublicId, part: Part) -> String {
    match part {
        Part::Group(_) | Part::Step(_, None) => format!("{case}/{}", part.name()),
        Part::Step(_, Some(id)) | Part::Matter(id) | Part::Advice(id) | Part::Consent(id) => {
            format!("{case}/{}/{id}", part.name())
        }
    }
}

/// Name of one draft of a form about something new: each window has its own.
#[must_use]
pub fn of_sheet(form: &str, sheet: PublicId) -> String {
    format!("{form}/{sheet}")
}

/// Name of the draft that a form of a part is kept in.
#[must_use]
pub fn of_part(case: PublicId, part: Part, sheet: Option<PublicId>) -> String {
    let form = form_of(case, part);
    match (part, sheet) {
        (Part::Step(_, None), Some(sheet)) => of_sheet(&form, sheet),
        _ => form,
    }
}

/// A draft that can be gone on with.
pub struct Kept {
    /// Tells it from others of the same form.
    pub sheet: PublicId,
    /// UTC milliseconds.
    pub saved_at: i64,
}

/// The author's drafts of a form about something new, newest first; nothing is opened.
pub async fn of_form(app: &App, actor: &Actor, form: &str) -> Result<Vec<Kept>, Failure> {
    let (account, form) = (actor.viewer.account_id.clone(), form.to_owned());
    let (mut kept, tampered) = app
        .read(move |app, connection| {
            let rows: Vec<DraftRow> = draft::table
                .filter(draft::account_id.eq(account))
                .filter(draft::form.like(format!("{form}/%")))
                .select(DraftRow::as_select())
                .load(connection)?;
            let there = rows.len();
            let rows: Vec<DraftRow> = rows
                .into_iter()
                .filter_map(|row| row.trusted(&app.keyring).ok())
                .collect();
            let tampered = there - rows.len();
            let sheet = |row: &DraftRow| PublicId::parse(row.form.strip_prefix(&form)?.strip_prefix('/')?);
            let kept = rows.iter().filter_map(|row| {
                Some(Kept {
                    sheet: sheet(row)?,
                    saved_at: row.saved_at,
                })
            });
            Ok((kept.collect::<Vec<_>>(), tampered))
        })
        .await?;
    refuse::tampered(app, &vec!["draft"; tampered]).await?;
    kept.sort_by_key(|kept| std::cmp::Reverse((kept.saved_at, kept.sheet.0)));
    Ok(kept)
}

/// Keeps what is typed; the draft of the same form is replaced.
pub async fn keep(app: &App, actor: &Actor, form: &str, case: Option<Handle>, typed: Typed) -> Result<(), Failure> {
    // The draft may be dropped while a newer one is on its way; its keys are to be destroyed, so the newer one takes others.
    for _ in 0..3 {
        if keep_once(app, actor, form, case, typed.clone()).await? {
            return Ok(());
        }
    }
    Err(Failure::Busy)
}

/// `false` when the keys that it was sealed with are to be destroyed.
async fn keep_once(app: &App, actor: &Actor, form: &str, case: Option<Handle>, typed: Typed) -> Result<bool, Failure> {
    let (account, form) = (actor.viewer.account_id.clone(), form.to_owned());
    let form_for_act = form.clone();
    let (existing, tampered) = {
        let (account, form) = (account.clone(), form.clone());
        app.read(move |app, connection| find(app, connection, &account, &form))
            .await?
    };
    refuse::tampered(app, &vec!["draft"; usize::from(tampered)]).await?;
    let (row, sealed, handle) = app
        .read(move |app, _| {
            let now_ms = app.clock.now_ms();
            let (id, owner, version) = match existing {
                Some(row) => (row.id, row.owner_id, row.version + 1),
                None => (
                    row_id(now_ms)?.to_vec(),
                    app.key_plane.take(&app.keyring)?.id.to_vec(),
                    1,
                ),
            };
            let keys = owners::open_one(app, &owner)?;
            let sealed = ledger::seal(
                &keys,
                place(&id, u64::try_from(version).unwrap_or(1))?,
                &Draft { typed },
            )?;
            let row = DraftRow {
                id,
                account_id: account,
                form,
                case_id: None,
                owner_id: owner,
                version,
                saved_at: now_ms,
                mac: Vec::new(),
            };
            Ok((row.signed(&app.keyring), sealed, keys.handle()))
        })
        .await?;
    let (for_act, keyring) = (actor.clone(), std::sync::Arc::clone(&app.keyring));
    let mut entry = actor.draft("draft.keep").purpose("own_draft").about(handle);
    if let Some(case) = case {
        entry = entry.about(case);
    }
    entry.wrote(&sealed);
    let outcome = app
        .writer
        .write::<(), ()>(Some(actor.rights), move |tx| {
            let now_ms = tx.now_ms();
            let connection = tx.connection();
            if super::outcome::of_request(connection, &for_act)?.is_some() {
                // This very form was saved while its draft was on the way: a draft now would only come back to life.
                return Ok(((), vec![]));
            }
            if orders::is_registered(connection, &keyring, &row.owner_id)? {
                return Err(ActError::Refused(()));
            }
            let place = (row.account_id.as_slice(), form_for_act.as_str());
            remove_of_form(connection, &keyring, place, Some(&row.owner_id), now_ms)?;
            diesel::insert_into(draft::table).values(&row).execute(connection)?;
            sealed_values::insert(
                connection,
                &SealedRow {
                    record_id: row.id,
                    group_no: GROUP_NO,
                    version: row.version,
                    owner_id: row.owner_id,
                    value: sealed.bytes().to_vec(),
                    saved_at: row.saved_at,
                    saved_by: row.account_id,
                },
            )?;
            Ok(((), vec![entry]))
        })
        .await;
    match sort(outcome)? {
        Written::Done(_) => Ok(true),
        Written::Refused(()) => Ok(false),
        Written::Stale => Err(Failure::Busy),
    }
}

/// Drops the author's draft of a form for good; one that is not there is dropped already.
pub async fn discard(app: &App, actor: &Actor, form: &str, case: Option<Handle>) -> Result<(), Failure> {
    let (account, form) = (actor.viewer.account_id.clone(), form.to_owned());
    let found = {
        let (account, form) = (account.clone(), form.clone());
        app.read(move |app, connection| {
            let (row, tampered) = find(app, connection, &account, &form)?;
            let keys = row.map(|row| owners::open_one(app, &row.owner_id)).transpose()?;
            Ok((keys.map(|keys| keys.handle()), tampered))
        })
        .await?
    };
    let (handle, tampered) = found;
    refuse::tampered(app, &vec!["draft"; usize::from(tampered)]).await?;
    let Some(handle) = handle else {
        return Ok(());
    };
    let mut entry = actor.draft("draft.drop").purpose("own_draft").about(handle);
    if let Some(case) = case {
        entry = entry.about(case);
    }
    let keyring = std::sync::Arc::clone(&app.keyring);
    let outcome = app
        .writer
        .write::<(), ()>(Some(actor.rights), move |tx| {
            let now_ms = tx.now_ms();
            remove_of_form(tx.connection(), &keyring, (&account, &form), None, now_ms)?;
            Ok(((), vec![entry]))
        })
        .await;
    match sort(outcome)? {
        Written::Done(_) => Ok(()),
        Written::Refused(()) | Written::Stale => Err(Failure::Busy),
    }
}

/// Keeps what is typed in the form of a part of a case, or drops it for `None`, if the actor may save that part.
pub async fn keep_part(
    app: &App,
    actor: &Actor,
    case: PublicId,
    save: &Save,
    typed: Option<Typed>,
) -> Result<(), CaseActError> {
    let ask = Ask {
        groups: &[save.part.group()],
        purpose: save.purpose,
        confirmed: save.confirmed,
    };
    let action = action(actor, save.part);
    let allowed = allowed(app, actor, case, action, &ask).await?;
    if !is_there(&allowed, save.part) {
        let index = refuse::case(app, actor, case.0, action, &ask, &[]).await?;
        return Err(CaseActError::NotFound(index));
    }
    let form = of_part(case, save.part, save.draft.or(Some(PublicId(actor.request))));
    match typed {
        Some(typed) => keep(app, actor, &form, Some(allowed.handle), typed).await?,
        None => discard(app, actor, &form, Some(allowed.handle)).await?,
    }
    Ok(())
}

/// Whether the record that a form is about exists, or is still to be made.
fn is_there(allowed: &Allowed, part: Part) -> bool {
    match part {
        Part::Group(_) | Part::Step(_, None) => true,
        Part::Step(kind, Some(id)) => {
            let mut steps = allowed.around.steps.iter();
            steps.any(|row| row.public_id == id.0 && row.kind == kind.name())
        }
        Part::Matter(id) | Part::Advice(id) => allowed.standing.held.iter().any(|row| row.public_id == id.0),
        Part::Consent(_) => false,
    }
}

/// As the database keeps `0xFF02`.
const GROUP_NO: i16 = 0xFF02_u16.cast_signed();

/// What the author typed, and the index of the entry that says it was opened.
pub struct Opened {
    /// Names and values.
    pub typed: Typed,
    /// Index of the entry.
    pub index: String,
}

/// Opens the author's draft of a form, with an entry.
///
/// `case` is the public id of the case that the form is about; the entry names it.
pub async fn open(app: &App, actor: &Actor, form: &str, case: Option<PublicId>) -> Result<Option<Opened>, Failure> {
    let (account, form) = (actor.viewer.account_id.clone(), form.to_owned());
    let (found, tampered) = app
        .read(move |app, connection| {
            let (row, tampered) = find(app, connection, &account, &form)?;
            let Some(row) = row else {
                return Ok((None, tampered));
            };
            let keys = owners::open_one(app, &row.owner_id)?;
            let stored = sealed_values::current(connection, &[&row.id], None)?.pop();
            let Some(stored) = stored else {
                return Ok((None, tampered));
            };
            let sealed = stored.sealed::<Draft>(keys.handle())?;
            Ok((Some((keys, sealed)), tampered))
        })
        .await?;
    refuse::tampered(app, &vec!["draft"; usize::from(tampered)]).await?;
    let Some((keys, sealed)) = found else {
        return Ok(None);
    };
    let mut entry = actor.draft("draft.view").purpose("own_draft");
    if let Some(case) = case {
        let owner = app
            .read(move |app, connection| {
                let owner = visible::owner_of(connection, &case.0)?;
                owner.map(|owner| owners::open_one(app, &owner)).transpose()
            })
            .await?;
        entry = owner.into_iter().fold(entry, |entry, keys| entry.about(keys.handle()));
    }
    entry.read(&sealed);
    let receipts = reading::record(app, Some(actor.rights), entry).await?;
    let receipt = receipts.as_deref().and_then(<[_]>::first).ok_or(Failure::Busy)?;
    Ok(Some(Opened {
        typed: receipt.grant(&sealed)?.open(&keys)?.typed,
        index: receipt.index(),
    }))
}

/// The author's draft of a form, and whether one was edited outside the program.
fn find(
    app: &App,
    connection: &mut AnyConnection,
    account: &[u8],
    form: &str,
) -> Result<(Option<DraftRow>, bool), StorageError> {
    let row: Option<DraftRow> = draft::table
        .filter(draft::account_id.eq(account.to_vec()))
        .filter(draft::form.eq(form.to_owned()))
        .select(DraftRow::as_select())
        .first(connection)
        .optional()?;
    // A draft that was edited outside the program is nobody's.
    let there = row.is_some();
    let row = row.and_then(|row| row.trusted(&app.keyring).ok());
    let tampered = there && row.is_none();
    Ok((row, tampered))
}

/// Drops the draft of a form once it has been saved; its keys fall at the next ceremony, unless `keep` is its owner.
pub fn remove_of_form(
    connection: &mut AnyConnection,
    keyring: &Keyring,
    (account, form): (&[u8], &str),
    keep: Option<&[u8]>,
    now_ms: i64,
) -> Result<(), StorageError> {
    let rows: Vec<DraftRow> = draft::table
        .filter(draft::account_id.eq(account.to_vec()))
        .filter(draft::form.eq(form.to_owned()))
        .select(DraftRow::as_select())
        .load(connection)?;
    for row in rows {
        diesel::delete(draft::table.find(row.id.clone())).execute(connection)?;
        sealed_values::delete_draft(connection, &row.id)?;
        // A row that was edited outside the program must not name whose keys fall.
        if let Ok(row) = row.trusted(keyring)
            && keep != Some(row.owner_id.as_slice())
        {
            orders::discard(connection, keyring, row.owner_id, now_ms)?;
        }
    }
    Ok(())
}
