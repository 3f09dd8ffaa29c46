//! Hands groups of one case to a body that may demand them: what the order lists, for one key that is not on this machine.
//!
//! Owner keys stay here: they would open every later version, too. Each opened value stands in the entry before it is opened.

use std::io::Write;
use std::sync::Arc;

use age::x25519::Recipient;
use bytes::Bytes;
use ledger::vault::associated::Handle;
use ledger::vault::file::HEADER;
use ledger::vault::keyring::Keyring;
use ledger::vault::owner::OwnerKeys;
use ledger::{Draft, FileOpener};
use serde_json::json;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::backup::no_public_key;
use super::failure::Failure;
use super::open_attachment::open_record;
use super::records::{Place, part_of, places};
use super::request_order::name;
use super::sections::{self, Closed};
use super::view_case::OpenPart;
use crate::clock::random_id;
use crate::domain::attachment::Record;
use crate::domain::group::{Group, Owner, from_bits};
use crate::domain::order::{Kind, State, may_be_handed_over};
use crate::domain::part::Part;
use crate::domain::public_id::PublicId;
use crate::storage::access_rows::{AccessRow, CaseRow, OrderRow};
use crate::storage::attachments::{self, AttachmentRow, Part as OfFile};
use crate::storage::connection::AnyConnection;
use crate::storage::objects::Objects;
use crate::storage::sealed_values::{self, SealedRow};
use crate::storage::writer::{ActError, WriteError, Writer};
use crate::storage::{StorageError, case_rows, key_plane, orders};

/// Why nothing was handed over.
#[derive(Debug, thiserror::Error)]
pub enum HandOverError {
    /// A database or a sealed file says no.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// There is no such order.
    #[error("there is no hand-over with this number; its page under Việc cần hai người shows it")]
    NoSuch,
    /// It is not agreed to, or not any more.
    #[error("{0}")]
    NotNow(&'static str),
    /// The package is whole, and nobody here knows whether the log says so.
    #[error(
        "the package is written, but the log gave no answer to its SHA-256: when the page of the act says that it is done, the file that ends in .partial \
         is the package; otherwise destroy it and run this again"
    )]
    NotTold,
    /// Rows that nobody here wrote.
    #[error("{0} of this case was edited outside the program; nothing was handed over")]
    Edited(&'static str),
    /// The log could not be written.
    #[error("the log could not be written, so nothing was opened; see `donghanh check`, then run this again")]
    Log,
    /// A value does not open.
    #[error("a value of this case does not open; see `donghanh log verify`")]
    Shut,
    /// Not a public key.
    #[error("{} (age1…); ask the body that receives it for one", no_public_key(.0))]
    Recipient(String),
    /// The package cannot be written.
    #[error("the package cannot be written: {0}")]
    Write(#[source] std::io::Error),
}

impl From<Failure> for HandOverError {
    fn from(_: Failure) -> Self {
        Self::Shut
    }
}

impl From<zip::result::ZipError> for HandOverError {
    fn from(error: zip::result::ZipError) -> Self {
        Self::Write(error.into())
    }
}

/// What an order hands over, still sealed.
pub struct Found {
    order: OrderRow,
    case: CaseRow,
    own: OwnerKeys,
    parts: Vec<(Part, SealedRow, Box<dyn Closed>, OwnerKeys)>,
    files: Vec<(AttachmentRow, Group, OwnerKeys)>,
}

/// What is handed over, opened; holds plaintext, so it cannot be printed.
pub struct Handed {
    /// Number of the case.
    pub number: String,
    /// Public id of the order.
    pub order: String,
    /// Its legal basis.
    pub basis: String,
    /// The groups that it lists.
    pub groups: Vec<Group>,
    /// What is recorded in them now.
    pub parts: Vec<OpenPart>,
    /// Their files.
    pub files: Vec<File>,
    /// Index of the entry that names all of it.
    pub index: String,
    row: OrderRow,
    handle: Handle,
}

/// A file that is handed over.
pub struct File {
    /// What it is called in the package.
    pub path: String,
    /// Its group.
    pub group: Group,
    /// What is known of it.
    pub record: Record,
    name: [u8; 16],
    opener: FileOpener,
}

/// Finds what an agreed order lists.
pub fn find(
    house: &mut AnyConnection,
    plane: &mut AnyConnection,
    keyring: &Keyring,
    (id, now_ms): (PublicId, i64),
) -> Result<Found, HandOverError> {
    let found = orders::find(house, keyring, &id.0)?;
    let (order, case) = found
        .filter(|(order, _)| Kind::parse(&order.kind) == Some(Kind::Handover))
        .ok_or(HandOverError::NoSuch)?;
    standing(&order, now_ms)?;
    let listed = from_bits(order.groups.unwrap_or_default());
    let groups: Vec<Group> = may_be_handed_over().filter(|group| listed.contains(group)).collect();
    let around = case_rows::around(house, keyring, &case.id)?;
    if let Some(table) = around.tampered.first() {
        return Err(HandOverError::Edited(table));
    }
    let mut keys_of = |owner: &[u8]| {
        let row = key_plane::owner(plane, owner)?.ok_or(StorageError::NoKeys)?;
        Ok::<_, StorageError>(keyring.unwrap_owner(&row)?)
    };
    let places = places(&case, &around);
    let records: Vec<&[u8]> = places.iter().map(|(record, _)| *record).collect();
    let mut parts = Vec::new();
    for row in sealed_values::current(house, &records, None)? {
        let place = places.iter().find(|(record, _)| *record == row.record_id);
        let Some(part) = place
            .and_then(|(_, place)| part_of(place, &row))
            .filter(|part| groups.contains(&part.group()))
        else {
            continue;
        };
        if matches!(place, Some((_, Place::Step(_, _, content))) if *content != row.version) {
            return Err(HandOverError::Edited("sealed_value"));
        }
        let keys = keys_of(&row.owner_id)?;
        if let Some(closed) = sections::from_row(part, &row, keys.handle())? {
            parts.push((part, row, closed, keys));
        }
    }
    parts.sort_by_key(|(part, ..)| part.group());
    let mut files = Vec::new();
    for row in attachments::of_case(house, &case.id)? {
        let group = row.group()?;
        let owner = match group.owner() {
            Owner::Person => &case.person_owner_id,
            Owner::Case => &case.owner_id,
        };
        if row.owner_id != *owner {
            return Err(HandOverError::Edited("attachment"));
        }
        if groups.contains(&group) {
            files.push((row, group, keys_of(owner)?));
        }
    }
    let own = keys_of(&case.owner_id)?;
    Ok(Found {
        order,
        case,
        own,
        parts,
        files,
    })
}

/// Whether an order may be carried out now.
fn standing(order: &OrderRow, now_ms: i64) -> Result<(), HandOverError> {
    let lapsed = order.has_lapsed(now_ms);
    Err(HandOverError::NotNow(match State::parse(&order.state) {
        Some(State::Agreed | State::Started) if !lapsed => return Ok(()),
        Some(State::Agreed | State::Started) => {
            "what was agreed to has lapsed after seven days; it has to be asked for again"
        }
        Some(State::Requested) => "it waits for a custodian of the keys, who has not agreed to it",
        Some(State::Done) => {
            "its package was made already, the log has its SHA-256 (a file that ends in .partial and has it is that package); for another one it has to be asked for again"
        }
        Some(State::Refused | State::Withdrawn) | None => "it was stopped; it has to be asked for again",
    }))
}

impl Found {
    /// The sealed beginnings of its files.
    pub async fn headers(&self, objects: &Objects) -> Result<Vec<Bytes>, StorageError> {
        let mut headers = Vec::with_capacity(self.files.len());
        for (row, ..) in &self.files {
            headers.push(objects.read(&row.name()?, 0..HEADER as u64).await?);
        }
        Ok(headers)
    }

    /// Writes the entry that names every value, for whom it is, and by which order; and opens them.
    pub fn open(
        self,
        writer: &Writer,
        keyring: &Arc<Keyring>,
        to: &str,
        headers: &[Bytes],
    ) -> Result<Handed, HandOverError> {
        let order = name(&self.order);
        let mut entry = Draft::new("case.hand_over", "operator", &random_id().map_err(StorageError::from)?)
            .purpose(Kind::Handover.name())
            .basis(&self.order.basis)
            .fields(&[&order, &format!("to-{to}")])
            .about(self.own.handle());
        for (_, _, closed, _) in &self.parts {
            closed.announce(&mut entry);
        }
        let mut sealed = Vec::with_capacity(self.files.len());
        for (row, _, keys) in &self.files {
            let both = (
                row.sealed(keys.handle(), OfFile::Record)?,
                row.sealed(keys.handle(), OfFile::Content)?,
            );
            entry.read_file(&both.0);
            entry.read_file(&both.1);
            sealed.push(both);
        }
        let (signer, before) = (Arc::clone(keyring), self.order.clone());
        let written = writer.write_blocking::<OrderRow, ()>(None, move |tx| {
            let next = OrderRow {
                state: State::Started.code().to_owned(),
                version: before.version + 1,
                ..before
            }
            .signed(&signer);
            if !orders::replace(tx.connection(), &next)? {
                return Err(ActError::Refused(()));
            }
            Ok((next, vec![entry]))
        });
        let (row, receipts) = written.map_err(|error| match error {
            WriteError::Refused(()) => HandOverError::NotNow("somebody else has just acted on it; look at its page"),
            _ => HandOverError::Log,
        })?;
        let receipt = receipts.first().ok_or(HandOverError::Log)?;
        let mut parts = Vec::with_capacity(self.parts.len());
        for (part, row, closed, keys) in &self.parts {
            parts.push(OpenPart {
                part: *part,
                version: row.version,
                saved_at: row.saved_at,
                fields: closed.open(receipt, keys)?,
            });
        }
        let mut files = Vec::with_capacity(sealed.len());
        for (at, ((row, group, keys), (record, content))) in self.files.iter().zip(&sealed).enumerate() {
            let record = open_record(receipt, record, keys, &row.record)?;
            let header = headers.get(at).ok_or(HandOverError::Shut)?;
            let granted = receipt.grant_file(content).map_err(|_| HandOverError::Shut)?;
            let (ending, _) = record.kind.ending_and_type();
            files.push(File {
                path: format!("files/{:03}.{ending}", at + 1),
                group: *group,
                record,
                name: row.name()?,
                opener: granted.open(keys, header).map_err(|_| HandOverError::Shut)?,
            });
        }
        Ok(Handed {
            number: self.case.number,
            groups: from_bits(row.groups.unwrap_or_default()),
            basis: row.basis.clone(),
            order,
            parts,
            files,
            index: receipt.index(),
            row,
            handle: self.own.handle(),
        })
    }
}

/// The recipient of a package.
pub fn recipient(text: &str) -> Result<Recipient, HandOverError> {
    text.parse().map_err(|_| HandOverError::Recipient(text.to_owned()))
}

impl Handed {
    /// Writes the package: a ZIP file within an `age` file, in pieces; nothing plain touches the disk. Format: `docs/formats.md` §5.
    pub async fn pack<W: Write>(
        &self,
        objects: &Objects,
        to: &Recipient,
        pages: &[(&str, Vec<u8>)],
        out: W,
    ) -> Result<W, HandOverError> {
        let to: [&dyn age::Recipient; 1] = [to];
        let encryptor = age::Encryptor::with_recipients(to.into_iter())
            .map_err(|error| HandOverError::Write(std::io::Error::other(error)))?;
        let writer = encryptor.wrap_output(out).map_err(HandOverError::Write)?;
        let mut zip = ZipWriter::new_stream(writer);
        let text = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        for (name, page) in pages {
            zip.start_file(name, text)?;
            zip.write_all(page).map_err(HandOverError::Write)?;
        }
        zip.start_file("data.json", text)?;
        let json = serde_json::to_vec_pretty(&self.json()).map_err(|error| HandOverError::Write(error.into()))?;
        zip.write_all(&json).map_err(HandOverError::Write)?;
        let kept = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        for file in &self.files {
            zip.start_file(&file.path, kept)?;
            for segment in 0..=file.opener.last() {
                let sealed = objects.read(&file.name, file.opener.sealed(segment)).await?;
                let plain = file.opener.open(segment, &sealed).map_err(|_| HandOverError::Shut)?;
                zip.write_all(&plain).map_err(HandOverError::Write)?;
            }
        }
        let writer = zip.finish()?.into_inner();
        writer.finish().map_err(HandOverError::Write)
    }

    fn json(&self) -> serde_json::Value {
        let names: Vec<&str> = self.groups.iter().map(|group| group.name()).collect();
        let parts: Vec<_> = self
            .parts
            .iter()
            .map(|part| {
                json!({
                    "group": part.part.group().name(), "part": part.part.name(), "version": part.version,
                    "saved_at": part.saved_at, "fields": part.fields,
                })
            })
            .collect();
        let files: Vec<_> = self
            .files
            .iter()
            .map(|file| {
                json!({
                    "path": file.path, "group": file.group.name(), "name": file.record.name,
                    "note": file.record.note, "bytes": file.record.bytes,
                })
            })
            .collect();
        json!({
            "v": 1, "case": self.number, "order": self.order, "basis": self.basis, "entry": self.index,
            "groups": names, "parts": parts, "files": files,
        })
    }

    /// Says that the package of this SHA-256 is written; the order is done.
    pub fn finish(self, writer: &Writer, keyring: &Arc<Keyring>, digest: &[u8; 32]) -> Result<(), HandOverError> {
        let entry = Draft::new("order.deliver", "operator", &random_id().map_err(StorageError::from)?)
            .purpose(Kind::Handover.name())
            .about(self.handle)
            .fields(&[&self.order, &format!("sha256-{}", ledger::b64u(digest))]);
        let (signer, before) = (Arc::clone(keyring), self.row);
        let written = writer.write_blocking::<(), ()>(None, move |tx| {
            let done = OrderRow {
                state: State::Done.code().to_owned(),
                ended_at: Some(tx.now_ms()),
                version: before.version + 1,
                ..before
            };
            if !orders::replace(tx.connection(), &done.signed(&signer))? {
                return Err(ActError::Refused(()));
            }
            Ok(((), vec![entry]))
        });
        written.map(drop).map_err(|error| match error {
            WriteError::Refused(()) => HandOverError::NotNow("it was stopped meanwhile, so nothing is given out"),
            _ => HandOverError::NotTold,
        })
    }
}
