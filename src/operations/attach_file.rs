//! An actor attaches a file: read by its content, sealed as it streams in, recorded when it is whole. No plain byte touches a disk.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use ledger::b64u;
use ledger::vault::owner::OwnerKeys;
use ledger::{FileSealer, SealedFile};
use ring::digest::{Context, Digest, SHA256};
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use zeroize::Zeroizing;

use super::actor::Actor;
use super::case_act::{self, Allowed, CaseActError, No, allowed};
use super::failure::Failure;
use super::inspect_file::{self, ENOUGH, MOST_EXAMINED};
use super::outcome::{Before, Claim};
use super::{owners, sessions};
use crate::app::App;
use crate::clock::{random_id, row_id};
use crate::domain::attachment::{Carries, Fault, Kind, MOST_BYTES, MOST_FILES, MOST_IMAGE_BYTES, Record};
use crate::domain::group::{Group, Owner};
use crate::domain::public_id::PublicId;
use crate::domain::purpose;
use crate::domain::role::Role;
use crate::policy::{Action, Ask};
use crate::storage::StorageError;
use crate::storage::attachments::{self, AttachmentRow, Part, file_id};
use crate::storage::objects::{Objects, Upload};

/// Files that are taken in at a time: each holds at most a few MB, or a photograph.
const MOST_UPLOADS: usize = 4;
/// Files that are given out at a time.
const MOST_DOWNLOADS: usize = 8;
/// Files that one account is given at a time.
const MOST_OF_ONE: usize = 2;
/// Who finds no place within this time is told to come back.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// Where files are kept, and how many move at a time; cheap to clone.
#[derive(Clone)]
pub struct Files {
    /// Sealed contents.
    pub objects: Objects,
    uploads: Arc<Semaphore>,
    downloads: Arc<Semaphore>,
    /// How many each account is giving or being given.
    giving: Shares,
    taking: Shares,
    /// Photographs are decoded one by one: each takes up to 200 MB for a moment.
    pictures: Arc<Semaphore>,
}

impl Files {
    /// Uses this store.
    #[must_use]
    pub fn new(objects: Objects) -> Self {
        Self {
            objects,
            uploads: Arc::new(Semaphore::new(MOST_UPLOADS)),
            downloads: Arc::new(Semaphore::new(MOST_DOWNLOADS)),
            giving: Shares::default(),
            taking: Shares::default(),
            pictures: Arc::new(Semaphore::new(1)),
        }
    }

    /// A place among those that read; one account, whose browser may take its time, has no more than its share.
    pub async fn download(&self, account: &[u8]) -> Result<Place, Failure> {
        place(&self.downloads, &self.taking, account).await
    }

    /// A place among those that send.
    pub async fn upload(&self, account: &[u8]) -> Result<Place, Failure> {
        place(&self.uploads, &self.giving, account).await
    }
}

/// A place among those that read or send, given back when it is dropped.
pub struct Place {
    _permit: OwnedSemaphorePermit,
    _share: Share,
}

/// How many places each account has.
type Shares = Arc<Mutex<HashMap<Vec<u8>, usize>>>;

struct Share {
    taking: Shares,
    account: Vec<u8>,
}

impl Share {
    fn of(taking: &Shares, account: &[u8]) -> Option<Self> {
        let mut counts = taking.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(account.to_vec()).or_default();
        if *count >= MOST_OF_ONE {
            return None;
        }
        *count += 1;
        Some(Self {
            taking: Arc::clone(taking),
            account: account.to_vec(),
        })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut counts = self.taking.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.account) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.account);
            }
        }
    }
}

async fn waited(of: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Failure> {
    let place = tokio::time::timeout(LONGEST_WAIT, Arc::clone(of).acquire_owned()).await;
    place.map_err(|_| Failure::Busy)?.map_err(|_| Failure::Busy)
}

async fn place(of: &Arc<Semaphore>, shares: &Shares, account: &[u8]) -> Result<Place, Failure> {
    let share = Share::of(shares, account).ok_or(Failure::Busy)?;
    Ok(Place {
        _permit: waited(of).await?,
        _share: share,
    })
}

/// A sender who is silent for so long has gone.
pub const LONGEST_SILENCE: Duration = Duration::from_secs(60);

/// What the form says beside the file.
pub struct Attachment {
    /// Group that decides who opens it.
    pub group: Group,
    /// Name of the file.
    pub name: String,
    /// What is said of it.
    pub note: String,
    /// Keep it exactly as it is.
    pub evidence: bool,
}

/// Why a file was not attached; nothing was kept.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// As for any act on a case.
    #[error(transparent)]
    Act(#[from] CaseActError),
    /// The file is not taken.
    #[error("the file is not taken")]
    Fault(Fault),
}

impl From<Failure> for AttachError {
    fn from(failure: Failure) -> Self {
        Self::Act(failure.into())
    }
}

impl From<StorageError> for AttachError {
    fn from(error: StorageError) -> Self {
        Failure::from(error).into()
    }
}

impl From<ledger::vault::VaultError> for AttachError {
    fn from(error: ledger::vault::VaultError) -> Self {
        Failure::from(error).into()
    }
}

/// The act that attaching is for this actor: a receiving body reports, everybody else edits.
#[must_use]
pub fn action(actor: &Actor) -> Action {
    match actor.role() {
        Role::LegalAidOfficer | Role::Liaison => Action::Report,
        _ => Action::Edit,
    }
}

/// Attaches the file that streams in and gives the index of the entry, empty when the same form brought the same file before.
pub async fn attach_file(
    app: &App,
    actor: &Actor,
    id: PublicId,
    attachment: Attachment,
    content: impl Stream<Item = Result<Bytes, Fault>> + Unpin,
) -> Result<String, AttachError> {
    let groups = [attachment.group];
    let ask = Ask {
        groups: &groups,
        purpose: purpose::usual(actor.role()),
        confirmed: false,
    };
    let may = async |actor: &Actor| {
        let allowed = allowed(app, actor, id, action(actor), &ask).await?;
        allowed.open()?;
        Ok::<_, CaseActError>(allowed)
    };
    // Asked before a byte is taken.
    let first = may(actor).await?;
    let _place = app.files.upload(&actor.viewer.account_id).await?;
    let said = json!([
        attachment.group.name(),
        attachment.evidence,
        attachment.note,
        attachment.name
    ]);
    let Taken { row, files, plain } = take(app, actor, &first, attachment, content).await?;
    let digest = app
        .keyring
        .web_mac(json!([said, b64u(plain.as_ref())]).to_string().as_bytes());
    let claim = |actor: &Actor| Claim::new(actor, "attachment.add", "", id, &digest);
    let name = row.name()?;
    let record = async || match claim(actor).before(app).await.map_err(CaseActError::from)? {
        Before::Same(_) => Ok(String::new()),
        // Taken for the same, this file would be lost while the page says that it is kept.
        Before::Other(_) => Err(AttachError::Fault(Fault::SentBefore)),
        Before::New => Ok(sessions::with_current_rights(app, actor, async |actor| {
            let allowed = may(actor).await?;
            let mut entry = actor
                .permitted("attachment.add", &allowed.permit)
                .purpose(ask.purpose)
                .about(allowed.handle);
            for file in &files {
                entry.wrote_file(file);
            }
            let row = row.clone();
            case_act::write(app, allowed.permit.rights(), claim(actor), entry, move |tx| {
                let connection = tx.connection();
                if attachments::count(connection, &row.case_id)? >= MOST_FILES {
                    return Err(No::Conflict.into());
                }
                attachments::insert(connection, &row)?;
                Ok(())
            })
            .await
        })
        .await?),
    };
    let written = record().await;
    if written.as_ref().map_or(true, String::is_empty) {
        // Not recorded, or recorded by an earlier sending under another name: nothing points to these bytes.
        app.files.objects.delete(&name).await?;
    }
    written
}

/// A file that is sealed in the store and not yet recorded.
struct Taken {
    row: AttachmentRow,
    /// Content and record.
    files: [SealedFile; 2],
    /// SHA-256 of the bytes that came.
    plain: Digest,
}

/// Reads, checks and seals the file into the store.
async fn take(
    app: &App,
    actor: &Actor,
    allowed: &Allowed,
    attachment: Attachment,
    content: impl Stream<Item = Result<Bytes, Fault>> + Unpin,
) -> Result<Taken, AttachError> {
    let (case, group) = (allowed.case.clone(), attachment.group);
    let owner = match group.owner() {
        Owner::Person => case.person_owner_id.clone(),
        Owner::Case => case.owner_id.clone(),
    };
    let (owner_id, case_id) = (owner.clone(), case.id.clone());
    let (keys, there) = app
        .read(move |app, connection| {
            Ok((
                owners::open_one(app, &owner)?,
                attachments::count(connection, &case_id)?,
            ))
        })
        .await?;
    if there >= MOST_FILES {
        return Err(AttachError::Fault(Fault::TooMany));
    }
    let name: [u8; 16] = random_id()?;
    let mut incoming = Incoming {
        content,
        taken: 0,
        plain: Context::new(&SHA256),
        first: Vec::new(),
    };
    let kind = incoming.kind().await?;
    let (sealer, header) = FileSealer::new(&keys, file_id(keys.handle(), name, group, Part::Content))?;
    let mut sink = Sink {
        upload: app.files.objects.begin(&name).await?,
        sealer,
        bytes: 0,
    };
    let streamed = match sink.upload.push(header).await {
        Ok(()) => stream(app, &mut incoming, &mut sink, kind, attachment.evidence).await,
        Err(error) => Err(error.into()),
    };
    let seen = match streamed {
        Ok(seen) => seen,
        Err(error) => {
            sink.upload.abort().await;
            return Err(error);
        }
    };
    let (content, bytes) = sink.finish().await?;
    let record = Record {
        v: 1,
        name: attachment.name,
        kind: seen.kind,
        bytes,
        evidence: attachment.evidence,
        note: attachment.note,
        carries: seen.carries,
        thumbnail: seen.thumbnail,
    };
    let (record, sealed) = seal_record(&keys, name, group, &record)?;
    let now_ms = app.clock.now_ms();
    let row = AttachmentRow {
        id: row_id(now_ms)?.to_vec(),
        public_id: name.to_vec(),
        case_id: case.id,
        group_no: i16::try_from(group.number()).unwrap_or_default(),
        owner_id,
        key_version: 1,
        record: sealed,
        size: i64::try_from(content.length()).unwrap_or(i64::MAX),
        digest: content.digest().to_vec(),
        saved_at: now_ms,
        saved_by: actor.viewer.account_id.clone(),
    };
    Ok(Taken {
        row,
        files: [content, record],
        plain: incoming.plain.finish(),
    })
}

/// A record is filled up to a multiple of so many bytes, so that its length does not tell the name.
const STEP: usize = 1024;

fn seal_record(
    keys: &OwnerKeys,
    name: [u8; 16],
    group: Group,
    record: &Record,
) -> Result<(SealedFile, Vec<u8>), AttachError> {
    let mut json = Zeroizing::new(serde_json::to_vec(record).map_err(|_| Failure::Internal(None))?);
    let length = json.len().next_multiple_of(STEP);
    json.resize(length, b' ');
    let (mut sealer, mut bytes) = FileSealer::new(keys, file_id(keys.handle(), name, group, Part::Record))?;
    for segment in sealer.push(&json)? {
        bytes.extend(segment);
    }
    let (file, last) = sealer.finish()?;
    bytes.extend(last);
    Ok((file, bytes))
}

/// What was found out while a file streamed by.
struct Seen {
    kind: Kind,
    carries: Vec<Carries>,
    thumbnail: Option<String>,
}

async fn stream(
    app: &App,
    incoming: &mut Incoming<impl Stream<Item = Result<Bytes, Fault>> + Unpin>,
    sink: &mut Sink,
    kind: Kind,
    evidence: bool,
) -> Result<Seen, AttachError> {
    if kind.is_image() && !evidence {
        let mut whole = Zeroizing::new(Vec::new());
        while let Some(piece) = incoming.next().await? {
            if (whole.len() + piece.len()) as u64 > MOST_IMAGE_BYTES {
                return Err(AttachError::Fault(Fault::ImageTooLarge));
            }
            whole.extend_from_slice(&piece);
        }
        let anew = picture(app, move || inspect_file::anew(kind, &whole)).await?;
        let anew = anew.map_err(AttachError::Fault)?;
        for piece in anew.bytes.chunks(1 << 16) {
            sink.push(piece).await?;
        }
        return Ok(Seen {
            kind: anew.kind,
            carries: Vec::new(),
            thumbnail: anew.thumbnail,
        });
    }
    // A recording is only named for what it may carry; nobody looks into it.
    let mut whole = (!kind.is_recording()).then(|| Zeroizing::new(Vec::new()));
    while let Some(piece) = incoming.next().await? {
        sink.push(&piece).await?;
        match &mut whole {
            Some(so_far) if so_far.len() + piece.len() <= MOST_EXAMINED => so_far.extend_from_slice(&piece),
            _ => whole = None,
        }
    }
    let seen = move || {
        let whole = whole.as_ref().map(|whole| whole.as_slice());
        let thumbnail = whole.filter(|_| kind.is_image());
        Seen {
            kind,
            carries: inspect_file::carries(kind, whole),
            thumbnail: thumbnail.and_then(|whole| inspect_file::thumbnail(kind, whole)),
        }
    };
    picture(app, seen).await
}

/// Runs the work of the processor away from the threads that serve, one at a time; a fault in a decoder stays in it.
async fn picture<T: Send + 'static>(app: &App, work: impl FnOnce() -> T + Send + 'static) -> Result<T, AttachError> {
    let _place = app.files.pictures.acquire().await.map_err(|_| Failure::Busy)?;
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| AttachError::Fault(Fault::BrokenImage))
}

/// What comes from the browser.
struct Incoming<S> {
    content: S,
    taken: u64,
    plain: Context,
    first: Vec<u8>,
}

impl<S: Stream<Item = Result<Bytes, Fault>> + Unpin> Incoming<S> {
    /// Takes enough bytes to tell what the file is.
    async fn kind(&mut self) -> Result<Kind, AttachError> {
        let mut first = Vec::new();
        while first.len() < ENOUGH {
            let Some(piece) = self.next().await? else { break };
            first.extend_from_slice(&piece);
        }
        if first.is_empty() {
            return Err(AttachError::Fault(Fault::Empty));
        }
        let kind = inspect_file::kind(&first).ok_or(AttachError::Fault(Fault::UnknownKind))?;
        self.first = first;
        Ok(kind)
    }

    async fn next(&mut self) -> Result<Option<Bytes>, AttachError> {
        if !self.first.is_empty() {
            return Ok(Some(Bytes::from(std::mem::take(&mut self.first))));
        }
        let piece = tokio::time::timeout(LONGEST_SILENCE, self.content.next()).await;
        let Some(piece) = piece.map_err(|_| AttachError::Fault(Fault::Interrupted))? else {
            return Ok(None);
        };
        let piece = piece.map_err(AttachError::Fault)?;
        self.taken += piece.len() as u64;
        if self.taken > MOST_BYTES {
            return Err(AttachError::Fault(Fault::TooLarge));
        }
        self.plain.update(&piece);
        Ok(Some(piece))
    }
}

/// Seals into the store.
struct Sink {
    upload: Upload,
    sealer: FileSealer,
    bytes: u64,
}

impl Sink {
    async fn push(&mut self, plain: &[u8]) -> Result<(), AttachError> {
        self.bytes += plain.len() as u64;
        for segment in self.sealer.push(plain)? {
            self.upload.push(segment).await?;
        }
        Ok(())
    }

    async fn finish(mut self) -> Result<(SealedFile, u64), AttachError> {
        let (file, last) = self.sealer.finish()?;
        self.upload.push(last).await?;
        self.upload.finish().await?;
        Ok((file, self.bytes))
    }
}
