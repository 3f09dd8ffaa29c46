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
use crate::clock::{random_id, row_id};
use crate::domain::field::Typed;
use crate::domain::group::Group;
use crate::domain::part::Part;
use crate::domain::public_id::PublicId;
use crate::domain::step::Kind;
use crate::domain::{order, referral};
use crate::policy::{Action, Ask};
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

/// A form about a case that is no part of it: it records something new there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NewForm {
    /// A consent.
    Consent,
    /// Asking for an act that takes two persons.
    Order(order::Kind),
    /// A referral.
    Referral(referral::Kind),
}

impl NewForm {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        let orders = order::Kind::ALL.into_iter().map(Self::Order);
        let referrals = referral::Kind::ALL.into_iter().map(Self::Referral);
        std::iter::once(Self::Consent).chain(orders).chain(referrals)
    }

    /// Name among the forms of a case.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Consent => "consents".to_owned(),
            Self::Order(kind) => format!("orders-{}", kind.name()),
            Self::Referral(kind) => format!("referrals-{}", kind.name()),
        }
    }

    /// Name of the form for a case.
    #[must_use]
    pub fn of(self, case: PublicId) -> String {
        format!("{case}/{}", self.name())
    }

    /// Whoever may send the form may keep what is typed in it.
    async fn allowed(self, app: &App, actor: &Actor, case: PublicId) -> Result<Allowed, CaseActError> {
        let (action, groups, purpose): (_, &[Group], _) = match self {
            Self::Consent => (Action::Edit, &[Group::Notes], "case_work"),
            Self::Order(kind) => (Action::Order, &[], kind.name()),
            Self::Referral(kind) => (Action::Refer, &[], kind.name()),
        };
        let ask = Ask {
            groups,
            purpose,
            confirmed: false,
        };
        allowed(app, actor, case, action, &ask).await
    }
}

/// Any form about a case.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CaseForm {
    /// Of a part.
    Part(Part),
    /// Of something new.
    New(NewForm),
}

/// Name of one draft of a form about something new: each window has its own.
#[must_use]
pub fn of_sheet(form: &str, sheet: PublicId) -> String {
    format!("{form}/{sheet}")
}

/// One draft, as a window that shows it knows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sheet {
    /// The request id of its form; tells it from others of the same form.
    pub id: PublicId,
    /// How often it was kept; 0 before the first time.
    pub version: i64,
}

impl Sheet {
    /// A draft that nothing is kept in yet.
    pub fn new() -> Result<Self, Failure> {
        Ok(Self {
            id: PublicId(random_id()?),
            version: 0,
        })
    }
}

/// What became of what was typed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Keeping {
    /// Kept here. This is another draft than was said when that one was changed in another window.
    Kept(Sheet),
    /// The form was sent before, from another window: nothing is kept, the case is there.
    Sent(PublicId),
}

/// A draft that can be gone on with.
pub struct Kept {
    /// Which, in its newest version.
    pub sheet: Sheet,
    /// UTC milliseconds.
    pub saved_at: i64,
}

/// A draft about a case.
pub struct KeptForm {
    /// Of which form.
    pub form: CaseForm,
    /// Which draft.
    pub kept: Kept,
}

/// The author's drafts about a case, newest first; nothing is opened.
pub async fn of_case(app: &App, actor: &Actor, case: PublicId) -> Result<Vec<KeptForm>, Failure> {
    let kept = under(app, actor, &case.to_string()).await?;
    let kept = kept.into_iter().filter_map(|(place, kept)| {
        if let Some(form) = NewForm::all().find(|form| form.name() == place) {
            let form = CaseForm::New(form);
            return Some(KeptForm { form, kept });
        }
        let (name, id) = match place.split_once('/') {
            Some((name, id)) => (name, Some(PublicId::parse(id)?)),
            None => (place.as_str(), None),
        };
        let part = match (name, id) {
            ("matter", Some(id)) => Part::Matter(id),
            ("advice", Some(id)) => Part::Advice(id),
            _ => {
                let group = Group::parse(name).map(Part::Group);
                group.or_else(|| Some(Part::Step(Kind::parse(name)?, id)))?
            }
        };
        Some(KeptForm {
            form: CaseForm::Part(part),
            kept,
        })
    });
    Ok(kept.collect())
}

/// The author's drafts of a form, newest first; nothing is opened.
pub async fn of_form(app: &App, actor: &Actor, form: &str) -> Result<Vec<Kept>, Failure> {
    let kept = under(app, actor, form).await?;
    Ok(kept
        .into_iter()
        .filter_map(|(place, kept)| place.is_empty().then_some(kept))
        .collect())
}

/// The author's drafts whose names begin with a form's, each with what stands between that and the sheet.
async fn under(app: &App, actor: &Actor, form: &str) -> Result<Vec<(String, Kept)>, Failure> {
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
            let kept = rows.iter().filter_map(|row| {
                let (place, sheet) = row.form.strip_prefix(&form)?.rsplit_once('/')?;
                let sheet = Sheet {
                    id: PublicId::parse(sheet)?,
                    version: row.version,
                };
                let saved_at = row.saved_at;
                Some((place.trim_start_matches('/').to_owned(), Kept { sheet, saved_at }))
            });
            Ok((kept.collect::<Vec<_>>(), tampered))
        })
        .await?;
    refuse::tampered(app, &vec!["draft"; tampered]).await?;
    kept.sort_by_key(|(_, kept)| std::cmp::Reverse((kept.saved_at, kept.sheet.id.0)));
    Ok(kept)
}

/// Keeps what is typed, in the draft that the actor's request names.
///
/// `from_version` is the version that the window knows. When another window has kept more since, this is kept beside it.
pub async fn keep(
    app: &App,
    actor: &Actor,
    form: &str,
    from_version: i64,
    case: Option<Handle>,
    typed: Typed,
) -> Result<Keeping, Failure> {
    let own = Sheet {
        id: PublicId(actor.request),
        version: from_version,
    };
    // The draft may be kept or dropped elsewhere while this is on its way.
    for _ in 0..3 {
        if let Some(keeping) = keep_once(app, actor, (form, own), case, typed.clone()).await? {
            return Ok(keeping);
        }
    }
    Err(Failure::Busy)
}

/// `None` when the draft changed meanwhile, or the keys that it was sealed with are to be destroyed.
async fn keep_once(
    app: &App,
    actor: &Actor,
    (form, own): (&str, Sheet),
    case: Option<Handle>,
    typed: Typed,
) -> Result<Option<Keeping>, Failure> {
    let account = actor.viewer.account_id.clone();
    let name = of_sheet(form, own.id);
    let (existing, tampered) = {
        let (account, name) = (account.clone(), name.clone());
        app.read(move |app, connection| find(app, connection, &account, &name))
            .await?
    };
    refuse::tampered(app, &vec!["draft"; usize::from(tampered)]).await?;
    let (existing, sheet) = match existing {
        Some(row) if row.version != own.version => (None, Sheet::new()?.id),
        same => (same, own.id),
    };
    let (before, name) = (existing.as_ref().map(|row| row.version), of_sheet(form, sheet));
    let name_for_act = name.clone();
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
                form: name,
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
    let version = row.version;
    let outcome = app
        .writer
        .write::<_, ()>(Some(actor.rights), move |tx| {
            let now_ms = tx.now_ms();
            let connection = tx.connection();
            if let Some(sent) = super::outcome::of_request(connection, &for_act)? {
                // This very form was saved while its draft was on the way: a draft now would only come back to life.
                return Ok((Keeping::Sent(sent), vec![]));
            }
            let now_there = version_of(connection, &keyring, &row.account_id, &name_for_act)?;
            if now_there != before || orders::is_registered(connection, &keyring, &row.owner_id)? {
                return Err(ActError::Refused(()));
            }
            let place = (row.account_id.as_slice(), name_for_act.as_str());
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
            Ok((Keeping::Kept(Sheet { id: sheet, version }), vec![entry]))
        })
        .await;
    match sort(outcome)? {
        Written::Done((keeping, _)) => Ok(Some(keeping)),
        Written::Refused(()) => Ok(None),
        Written::Stale => Err(Failure::Busy),
    }
}

/// The version in which a draft is there; a row that was edited outside the program counts as none and is replaced.
fn version_of(
    connection: &mut AnyConnection,
    keyring: &Keyring,
    account: &[u8],
    form: &str,
) -> Result<Option<i64>, StorageError> {
    let row = row_of(connection, account, form)?;
    Ok(row.and_then(|row| row.trusted(keyring).ok()).map(|row| row.version))
}

fn row_of(connection: &mut AnyConnection, account: &[u8], form: &str) -> Result<Option<DraftRow>, StorageError> {
    Ok(draft::table
        .filter(draft::account_id.eq(account.to_vec()))
        .filter(draft::form.eq(form.to_owned()))
        .select(DraftRow::as_select())
        .first(connection)
        .optional()?)
}

/// Drops the draft that the actor's request names for good; one that is not there is dropped already.
pub async fn discard(app: &App, actor: &Actor, form: &str, case: Option<Handle>) -> Result<(), Failure> {
    let (account, form) = (actor.viewer.account_id.clone(), of_sheet(form, PublicId(actor.request)));
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

/// Keeps what is typed in the form of a part of a case, over a version of the draft, if the actor may save that part.
pub async fn keep_part(
    app: &App,
    actor: &Actor,
    case: PublicId,
    save: &Save,
    (typed, from_version): (Typed, i64),
) -> Result<Keeping, CaseActError> {
    let allowed = may_keep(app, actor, case, save).await?;
    let form = form_of(case, save.part);
    Ok(keep(app, actor, &form, from_version, Some(allowed.handle), typed).await?)
}

/// Drops the draft of a part of a case that the actor's request names.
pub async fn discard_part(app: &App, actor: &Actor, case: PublicId, save: &Save) -> Result<(), CaseActError> {
    let allowed = may_keep(app, actor, case, save).await?;
    let form = form_of(case, save.part);
    Ok(discard(app, actor, &form, Some(allowed.handle)).await?)
}

/// Keeps what is typed in a form about something new in a case, over a version of the draft, if the actor may send the form.
pub async fn keep_new(
    app: &App,
    actor: &Actor,
    case: PublicId,
    form: NewForm,
    (typed, from_version): (Typed, i64),
) -> Result<Keeping, CaseActError> {
    let allowed = form.allowed(app, actor, case).await?;
    Ok(keep(app, actor, &form.of(case), from_version, Some(allowed.handle), typed).await?)
}

/// Drops the draft of such a form that the actor's request names.
pub async fn discard_new(app: &App, actor: &Actor, case: PublicId, form: NewForm) -> Result<(), CaseActError> {
    let allowed = form.allowed(app, actor, case).await?;
    Ok(discard(app, actor, &form.of(case), Some(allowed.handle)).await?)
}

/// Drops the draft of a form about something new that has been sent, inside the act that the form asked for.
pub fn sent(
    connection: &mut AnyConnection,
    keyring: &Keyring,
    actor: &Actor,
    (case, form): (PublicId, NewForm),
    now_ms: i64,
) -> Result<(), StorageError> {
    let name = of_sheet(&form.of(case), PublicId(actor.request));
    remove_of_form(connection, keyring, (&actor.viewer.account_id, &name), None, now_ms)
}

async fn may_keep(app: &App, actor: &Actor, case: PublicId, save: &Save) -> Result<Allowed, CaseActError> {
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
    Ok(allowed)
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
    /// The version that was opened.
    pub version: i64,
    /// Names and values.
    pub typed: Typed,
    /// Index of the entry.
    pub index: String,
}

/// Opens a draft of a form of the author's, with an entry.
///
/// `case` is the public id of the case that the form is about; the entry names it.
pub async fn open(
    app: &App,
    actor: &Actor,
    form: &str,
    sheet: PublicId,
    case: Option<PublicId>,
) -> Result<Option<Opened>, Failure> {
    let (account, form) = (actor.viewer.account_id.clone(), of_sheet(form, sheet));
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
            Ok((Some((keys, sealed, row.version)), tampered))
        })
        .await?;
    refuse::tampered(app, &vec!["draft"; usize::from(tampered)]).await?;
    let Some((keys, sealed, version)) = found else {
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
        version,
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
    let row = row_of(connection, account, form)?;
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
