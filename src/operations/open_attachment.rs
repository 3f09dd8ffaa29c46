//! The files of a case: the list with what is known of each, and one file, opened as it streams out. Each is in the log before.

use bytes::Bytes;
use futures_util::stream::{self, Stream};
use ledger::vault::file::HEADER;
use ledger::vault::owner::OwnerKeys;
use ledger::{FileOpener, Receipt};

use super::actor::Actor;
use super::attach_file::{Place, action};
use super::case_act::{CLOSED, CaseActError};
use super::failure::Failure;
use super::{owners, reading, refuse, sessions};
use crate::app::App;
use crate::domain::attachment::Record;
use crate::domain::group::{Group, Owner};
use crate::domain::public_id::PublicId;
use crate::domain::purpose;
use crate::policy::{Action, Ask, Decision, Permit, Resource};
use crate::storage::StorageError;
use crate::storage::access_rows::CaseRow;
use crate::storage::attachments::{self, AttachmentRow, Part};
use crate::storage::log_rows;
use crate::storage::visible::{self, Standing};

/// The files of a case that an actor may open.
pub struct List {
    /// Number of the case.
    pub number: String,
    /// What is known of each, newest first.
    pub files: Vec<Listed>,
    /// Groups to which the actor may add a file; none in a closed case.
    pub addable: Vec<Group>,
    /// Index of the entry.
    pub index: String,
}

/// One file of the list.
pub struct Listed {
    /// Its name in addresses.
    pub name: PublicId,
    /// Group.
    pub group: Group,
    /// When it was added, UTC milliseconds.
    pub saved_at: i64,
    /// What is known of it.
    pub record: Record,
}

/// A file that is open.
pub struct Opened {
    /// Number of the case.
    pub number: String,
    /// What is known of it.
    pub record: Record,
    /// Index of the entry.
    pub index: String,
    name: [u8; 16],
    opener: FileOpener,
    place: Place,
    /// Asked again as the bytes go out: who loses the right meanwhile gets no more of them.
    still: Still,
}

/// Whether an actor may still have a file.
struct Still {
    app: App,
    actor: Actor,
    case: PublicId,
    file: PublicId,
    /// Rights version for which it was decided last.
    rights: i64,
}

impl Still {
    /// Decides anew when any right was taken away since; a denial is recorded.
    async fn check(&mut self) -> Result<(), CaseActError> {
        let now = self
            .app
            .read(|_, connection| Ok(log_rows::head(connection)?.rights_version))
            .await
            .map_err(Failure::from)?;
        if now == self.rights {
            return Ok(());
        }
        let (case, file) = (self.case, self.file);
        let app = self.app.clone();
        sessions::with_current_rights(&app, &self.actor, async |actor| {
            decided(&app, actor, case, Some(file)).await.map(Some)
        })
        .await?;
        self.rights = now;
        Ok(())
    }
}

struct Found {
    case: CaseRow,
    standing: Standing,
    rows: Vec<(AttachmentRow, Group, OwnerKeys)>,
    own: OwnerKeys,
}

/// Lists the files of a case; names and small pictures are opened, contents are not.
pub async fn list_attachments(app: &App, actor: &Actor, id: PublicId) -> Result<List, CaseActError> {
    sessions::with_current_rights(app, actor, async |actor| list(app, actor, id).await).await
}

async fn list(app: &App, actor: &Actor, id: PublicId) -> Result<Option<List>, CaseActError> {
    let (found, permit) = decided(app, actor, id, None).await?;
    let sealed: Result<Vec<_>, StorageError> = found
        .rows
        .iter()
        .map(|(row, _, keys)| row.sealed(keys.handle(), Part::Record))
        .collect();
    let sealed = sealed.map_err(Failure::from)?;
    let mut entry = actor
        .permitted("attachment.list", &permit)
        .purpose(purpose::usual(actor.role()))
        .about(found.own.handle());
    for file in &sealed {
        entry.read_file(file);
    }
    let Some(receipts) = reading::record(app, Some(permit.rights()), entry).await? else {
        return Ok(None);
    };
    let receipt = receipts.first().ok_or(Failure::Internal(None))?;
    let mut files = Vec::with_capacity(sealed.len());
    for (file, (row, group, keys)) in sealed.iter().zip(&found.rows) {
        files.push(Listed {
            name: PublicId(row.name().map_err(Failure::from)?),
            group: *group,
            saved_at: row.saved_at,
            record: open_record(receipt, file, keys, &row.record)?,
        });
    }
    let resource = Resource::Case {
        relations: &found.standing.relations,
        listed: &found.standing.listed,
    };
    let addable = |group: &Group| {
        let ask = Ask {
            groups: std::slice::from_ref(group),
            purpose: purpose::usual(actor.role()),
            confirmed: false,
        };
        let decision = app
            .engine
            .decide(actor.role(), action(actor), &resource, &ask, actor.rights);
        matches!(decision, Decision::Allow(_))
    };
    Ok(Some(List {
        files,
        addable: crate::domain::attachment::groups()
            .filter(|group| found.case.state != CLOSED && addable(group))
            .collect(),
        number: found.case.number,
        index: receipt.index(),
    }))
}

/// Opens one file; its plain bytes come from [`Opened::bytes`].
pub async fn open_attachment(app: &App, actor: &Actor, id: PublicId, file: PublicId) -> Result<Opened, CaseActError> {
    // Asked first: who may not have the file takes nobody's place.
    let opened: Result<Opened, CaseActError> = sessions::with_current_rights(app, actor, async |actor| {
        let (mut found, permit) = decided(app, actor, id, Some(file)).await?;
        let place = app.files.download(&actor.viewer.account_id).await?;
        let (row, _, keys) = found.rows.pop().ok_or(Failure::Internal(None))?;
        let name = row.name().map_err(Failure::from)?;
        let record = row.sealed(keys.handle(), Part::Record).map_err(Failure::from)?;
        let content = row.sealed(keys.handle(), Part::Content).map_err(Failure::from)?;
        let mut entry = actor
            .permitted("attachment.view", &permit)
            .purpose(purpose::usual(actor.role()))
            .about(found.own.handle());
        entry.read_file(&record);
        entry.read_file(&content);
        let Some(receipts) = reading::record(app, Some(permit.rights()), entry).await? else {
            return Ok(None);
        };
        let receipt = receipts.first().ok_or(Failure::Internal(None))?;
        let header = app.files.objects.read(&name, 0..HEADER as u64).await;
        let header = header.map_err(Failure::from)?;
        let opener = receipt
            .grant_file(&content)
            .map_err(Failure::from)?
            .open(&keys, &header)
            .map_err(Failure::from)?;
        Ok(Some(Opened {
            number: found.case.number,
            record: open_record(receipt, &record, &keys, &row.record)?,
            index: receipt.index(),
            name,
            opener,
            place,
            still: Still {
                app: app.clone(),
                actor: actor.clone(),
                case: id,
                file,
                rights: permit.rights(),
            },
        }))
    })
    .await;
    opened
}

/// Opens what is known of a file.
pub(super) fn open_record(
    receipt: &Receipt,
    file: &ledger::SealedFile,
    keys: &OwnerKeys,
    sealed: &[u8],
) -> Result<Record, Failure> {
    let header = sealed.get(..HEADER).unwrap_or_default();
    let opener = receipt.grant_file(file)?.open(keys, header)?;
    let body = sealed.get(HEADER..).unwrap_or_default();
    let json = opener.open(opener.last(), body)?;
    serde_json::from_slice(&json).map_err(|_| Failure::Internal(None))
}

/// Finds the files and decides; one that is asked for by name must be there.
async fn decided(
    app: &App,
    actor: &Actor,
    id: PublicId,
    one: Option<PublicId>,
) -> Result<(Found, Permit), CaseActError> {
    let viewer = actor.viewer.clone();
    let found = app
        .read(move |app, connection| {
            let now_ms = app.clock.now_ms();
            let (case, standing) = visible::case(connection, &app.keyring, &viewer, now_ms, &id.0)?;
            let Some(case) = case else { return Ok(None) };
            let own = owners::open_one(app, &case.owner_id)?;
            let receives = standing.relations.contains(&"receiver");
            let mut rows = Vec::new();
            for row in attachments::of_case(connection, &case.id)? {
                let group = row.group()?;
                // A row that was moved here from another case is not of this one, whatever its column says.
                let owner = match group.owner() {
                    Owner::Person => &case.person_owner_id,
                    Owner::Case => &case.owner_id,
                };
                if row.owner_id != *owner {
                    return Err(StorageError::Inconsistent("owner of an attachment"));
                }
                let known = match receives {
                    true => standing.listed.contains(&group),
                    false => group != Group::Privileged,
                };
                if known && one.is_none_or(|one| row.public_id == one.0) {
                    let keys = owners::open_one(app, &row.owner_id)?;
                    rows.push((row, group, keys));
                }
            }
            Ok(Some(Found {
                case,
                standing,
                rows,
                own,
            }))
        })
        .await
        .map_err(Failure::from)?;
    let mut groups: Vec<Group> = found
        .iter()
        .flat_map(|found| found.rows.iter().map(|row| row.1))
        .collect();
    groups.sort_unstable();
    groups.dedup();
    let ask = Ask {
        groups: &groups,
        purpose: purpose::usual(actor.role()),
        confirmed: false,
    };
    let refused = async |policies: &[String]| {
        let index = refuse::case(app, actor, id.0, Action::View, &ask, policies).await?;
        Err(CaseActError::NotFound(index))
    };
    let Some(found) = found.filter(|found| one.is_none() || !found.rows.is_empty()) else {
        return refused(&[]).await;
    };
    let resource = Resource::Case {
        relations: &found.standing.relations,
        listed: &found.standing.listed,
    };
    match app
        .engine
        .decide(actor.role(), Action::View, &resource, &ask, actor.rights)
    {
        Decision::Allow(permit) => Ok((found, permit)),
        Decision::Deny(policies) => refused(&policies).await,
    }
}

impl Opened {
    /// Plain bytes of the whole file.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.opener.length()
    }

    /// The plain bytes from `start` to before `end`, a segment at a time.
    pub fn bytes(self, start: u64, end: u64) -> impl Stream<Item = Result<Bytes, Failure>> {
        stream::try_unfold((self, start), move |(mut open, at)| async move {
            if at >= end {
                return Ok(None);
            }
            open.still.check().await.map_err(|_| Failure::Busy)?;
            let (segment, skip) = FileOpener::segment_of(at);
            let files = &open.still.app.files;
            let sealed = files.objects.read(&open.name, open.opener.sealed(segment)).await?;
            let plain = open.opener.open(segment, &sealed)?;
            let most = usize::try_from(end - at).unwrap_or(usize::MAX);
            let piece: Vec<u8> = plain.iter().skip(skip).take(most).copied().collect();
            if piece.is_empty() {
                return Err(Failure::Internal(None));
            }
            let next = at + piece.len() as u64;
            // The place is given back when the last piece is out.
            let _held = &open.place;
            Ok(Some((Bytes::from(piece), (open, next))))
        })
    }
}
