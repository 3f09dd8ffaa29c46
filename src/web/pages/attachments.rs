//! The files of a case: the list with small pictures, adding one, and one file as it streams out.

use std::str::FromStr as _;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;

use super::cases::case_of;
use crate::domain::attachment::{
    Carries, Fault, Kind, MOST_BYTES, MOST_IMAGE_BYTES, NAME_MOST, NOTE_MOST, Record, groups,
};
use crate::domain::field::{Typed, typed};
use crate::domain::group::Group;
use crate::domain::public_id::PublicId;
use crate::domain::text;
use crate::operations::attach_file::{AttachError, Attachment, attach_file};
use crate::operations::open_attachment::{List, Listed, list_attachments, open_attachment};
use crate::web::ctx::Ctx;
use crate::web::error::PageError;
use crate::web::form::FileForm;
use crate::web::page::Page;
use crate::web::{time, urls};

/// The files of a case.
#[derive(Serialize)]
pub struct Index {
    case: String,
    number: String,
    saved: bool,
    files: Vec<FileView>,
    form: Option<FormView>,
    /// Field and message.
    faults: Vec<(&'static str, &'static str)>,
}

#[derive(Serialize)]
struct FileView {
    name: String,
    note: String,
    ending: &'static str,
    size: String,
    group: &'static str,
    at: String,
    evidence: bool,
    carries: Vec<&'static str>,
    thumbnail: Option<String>,
    view: Option<String>,
    download: String,
}

#[derive(Serialize)]
struct FormView {
    action: String,
    /// Name, and whether it was chosen.
    groups: Vec<(&'static str, bool)>,
    note: String,
    note_most: usize,
    evidence: bool,
    accept: String,
    most: String,
    most_image: String,
}

impl Page for Index {
    const TEMPLATE: &'static str = "attachments/index.html";

    fn samples() -> Vec<Self> {
        let id = PublicId([1; 16]);
        let listed = |kind, carries: &[Carries], evidence, thumbnail: Option<&str>| Listed {
            name: PublicId([2; 16]),
            group: Group::Identity,
            saved_at: 0,
            record: Record {
                v: 1,
                name: "giấy tờ mẫu".to_owned(),
                kind,
                bytes: 1_234_567,
                evidence,
                note: if evidence {
                    "Ảnh mẫu".to_owned()
                } else {
                    String::new()
                },
                carries: carries.to_vec(),
                thumbnail: thumbnail.map(str::to_owned),
            },
        };
        let page = |files: Vec<Listed>, addable: Vec<Group>, faults: Vec<(&'static str, Fault)>| {
            let list = List {
                number: "DH-2026-7K3F9Q-2".to_owned(),
                files,
                addable,
                index: String::new(),
            };
            let form = vec![("group".to_owned(), "identity".to_owned())];
            let saved = faults.is_empty();
            page(id, list, &form, &faults, saved)
        };
        let all = vec![
            listed(Kind::Jpeg, &[Carries::PlaceAndTime], true, Some("/9j/")),
            listed(Kind::Pdf, &Carries::ALL, false, None),
        ];
        let faults = Fault::ALL.iter().map(|fault| (field_of(*fault), *fault)).collect();
        vec![
            page(all, groups().collect(), vec![]),
            page(vec![], vec![Group::Identity], faults),
            page(vec![], vec![], vec![]),
        ]
    }
}

/// The field of the form to which a fault belongs.
fn field_of(fault: Fault) -> &'static str {
    match fault {
        Fault::NoGroup => "group",
        Fault::Note => "note",
        _ => "file",
    }
}

/// `1,2 MB`
fn size(bytes: u64) -> String {
    let tenths = |unit: u64| (bytes * 10).div_ceil(unit);
    match bytes {
        0..1_000_000 => format!("{} KB", bytes.div_ceil(1000)),
        _ => match (tenths(1_000_000) / 10, tenths(1_000_000) % 10) {
            (whole, 0) => format!("{whole} MB"),
            (whole, tenth) => format!("{whole},{tenth} MB"),
        },
    }
}

fn page(id: PublicId, list: List, form: &Typed, faults: &[(&'static str, Fault)], saved: bool) -> Index {
    let first = |name| typed(form, name).next().unwrap_or_default();
    let chosen = Group::parse(first("group"));
    let view = |file: Listed| {
        let (record, download) = (file.record, urls::attachment(id, file.name));
        FileView {
            name: record.name,
            note: record.note,
            ending: record.kind.ending_and_type().0,
            size: size(record.bytes),
            group: file.group.name(),
            at: time::shown(file.saved_at),
            evidence: record.evidence,
            carries: record.carries.iter().map(|what| what.message()).collect(),
            thumbnail: record.thumbnail,
            view: record.kind.is_image().then(|| format!("{download}?show=1")),
            download,
        }
    };
    let ending = |kind: Kind| format!(".{}", kind.ending_and_type().0);
    Index {
        case: urls::case(id),
        number: list.number,
        saved,
        files: list.files.into_iter().map(view).collect(),
        form: (!list.addable.is_empty()).then(|| FormView {
            action: urls::attachments(id),
            groups: list
                .addable
                .iter()
                .map(|group| (group.name(), chosen == Some(*group)))
                .collect(),
            note: first("note").to_owned(),
            note_most: NOTE_MOST,
            evidence: first("evidence") == "yes",
            accept: Kind::ALL.map(ending).join(","),
            most: size(MOST_BYTES),
            most_image: size(MOST_IMAGE_BYTES),
        }),
        faults: faults.iter().map(|(field, fault)| (*field, fault.message())).collect(),
    }
}

/// What the address may say.
#[derive(serde::Deserialize)]
pub struct Asked {
    saved: Option<String>,
    show: Option<String>,
}

/// `GET /cases/{id}/attachments`
pub async fn index(ctx: Ctx, path: web::Path<String>, query: web::Query<Asked>) -> Result<HttpResponse, PageError> {
    let id = case_of(&path)?;
    let list = list_attachments(ctx.app(), &ctx.actor, id).await?;
    let entry = list.index.clone();
    ctx.logged_page(&entry, &page(id, list, &vec![], &[], query.saved.is_some()))
}

/// `POST /cases/{id}/attachments`
pub async fn create(path: web::Path<String>, sent: FileForm) -> Result<HttpResponse, PageError> {
    let FileForm {
        ctx,
        form,
        name,
        mut content,
    } = sent;
    let id = case_of(&path)?;
    let first = |name| typed(&form.typed, name).next().unwrap_or_default();
    let group = Group::parse(first("group")).filter(|group| groups().any(|known| known == *group));
    let note = text::lines(first("note"), NOTE_MOST);
    let mut faults = Vec::new();
    faults.extend(group.is_none().then_some(Fault::NoGroup));
    faults.extend(note.is_err().then_some(Fault::Note));
    faults.extend(name.is_empty().then_some(Fault::Empty));
    // A page that was open too long has lost nothing but its token: the same list with what was chosen.
    if form.expired && faults.is_empty() {
        faults.push(Fault::Interrupted);
    }
    let (Some(group), Ok(note), true) = (group, note, faults.is_empty()) else {
        return again(&ctx, id, &form.typed, &faults, &mut content).await;
    };
    let attachment = Attachment {
        group,
        name: named(&name),
        note,
        evidence: first("evidence") == "yes",
    };
    match attach_file(ctx.app(), &ctx.actor, id, attachment, &mut content).await {
        Ok(entry) => {
            content.drain().await;
            Ok(ctx.see_other(&format!("{}?saved=1", urls::attachments(id)), &entry))
        }
        Err(AttachError::Fault(fault)) => again(&ctx, id, &form.typed, &[fault], &mut content).await,
        Err(AttachError::Act(error)) => {
            content.drain().await;
            Err(error.into())
        }
    }
}

/// The name of a file as it can be kept: what cannot is left out.
fn named(sent: &str) -> String {
    let kept: String = sent
        .chars()
        .filter(|letter| !letter.is_control() && !text::turns(*letter))
        .take(NAME_MOST)
        .collect();
    text::line(&kept, NAME_MOST).unwrap_or_default()
}

async fn again(
    ctx: &Ctx,
    id: PublicId,
    typed: &Typed,
    faults: &[Fault],
    content: &mut crate::web::form::Content,
) -> Result<HttpResponse, PageError> {
    content.drain().await;
    let list = list_attachments(ctx.app(), &ctx.actor, id).await?;
    let entry = list.index.clone();
    let faults: Vec<_> = faults.iter().map(|fault| (field_of(*fault), *fault)).collect();
    let page = page(id, list, typed, &faults, false);
    let status = match faults.contains(&(field_of(Fault::SentBefore), Fault::SentBefore)) {
        true => StatusCode::CONFLICT,
        false => StatusCode::UNPROCESSABLE_ENTITY,
    };
    ctx.page_with(status, Some(&entry), &page)
}

/// What a browser may do with a file that it shows: nothing but show it.
const ALONE: &str = "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; sandbox";

/// `GET /cases/{id}/attachments/{file}`
pub async fn show(
    ctx: Ctx,
    path: web::Path<(String, String)>,
    query: web::Query<Asked>,
    request: HttpRequest,
) -> Result<HttpResponse, PageError> {
    let id = case_of(&path.0)?;
    let file = PublicId::parse(&path.1).ok_or_else(|| PageError::NotFound(String::new()))?;
    let open = open_attachment(ctx.app(), &ctx.actor, id, file).await?;
    let length = open.length();
    let (ending, kind) = open.record.kind.ending_and_type();
    let shown = query.show.is_some() && open.record.kind.is_image();
    // The file that lands on somebody's disk is called by the case, not by a person.
    let short: String = file.to_string().chars().take(4).collect();
    let disposition = match shown {
        true => "inline".to_owned(),
        false => format!("attachment; filename=\"{}-{short}.{ending}\"", open.number),
    };
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::CONTENT_TYPE, kind))
        .insert_header((header::CONTENT_DISPOSITION, disposition))
        .insert_header((header::CONTENT_SECURITY_POLICY, ALONE))
        .insert_header((header::CONTENT_ENCODING, "identity"))
        .insert_header((header::ACCEPT_RANGES, "bytes"))
        .insert_header(("X-Log-Index", open.index.as_str()));
    let asked = request
        .headers()
        .get(header::RANGE)
        .and_then(|value| value.to_str().ok());
    let (start, end) = match asked.map(|text| range(text, length)) {
        None | Some(Asks::Whole) => (0, length),
        Some(Asks::Part(start, end)) => {
            response.status(StatusCode::PARTIAL_CONTENT);
            response.insert_header((header::CONTENT_RANGE, format!("bytes {start}-{}/{length}", end - 1)));
            (start, end)
        }
        Some(Asks::Nothing) => {
            response.status(StatusCode::RANGE_NOT_SATISFIABLE);
            response.insert_header((header::CONTENT_RANGE, format!("bytes */{length}")));
            return Ok(response.finish());
        }
    };
    let body = actix_web::body::SizedStream::new(end - start, Box::pin(open.bytes(start, end)));
    Ok(response.body(body))
}

/// What a `Range` asks for (RFC 9110 §14).
#[derive(PartialEq, Eq, Debug)]
enum Asks {
    Whole,
    /// From, and before.
    Part(u64, u64),
    Nothing,
}

fn range(text: &str, length: u64) -> Asks {
    let Ok(header::Range::Bytes(specs)) = header::Range::from_str(text) else {
        return Asks::Whole;
    };
    // Several ranges may be answered by the whole.
    let [one] = specs.as_slice() else {
        return Asks::Whole;
    };
    match one.to_satisfiable_range(length) {
        Some((start, last)) => Asks::Part(start, last + 1),
        None => Asks::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_browsers_write_them() {
        for (text, expected) in [
            ("bytes=0-0", Asks::Part(0, 1)),
            ("bytes=5-", Asks::Part(5, 10)),
            ("bytes=-3", Asks::Part(7, 10)),
            ("bytes=3-99", Asks::Part(3, 10)),
            ("bytes=10-", Asks::Nothing),
            ("bytes=0-1,3-4", Asks::Whole),
            ("lines=1-2", Asks::Whole),
            ("bytes=x", Asks::Whole),
        ] {
            assert_eq!(range(text, 10), expected, "{text}");
        }
    }

    #[test]
    fn sizes_are_shown_as_people_read_them() {
        assert_eq!(size(1), "1 KB");
        assert_eq!(size(999_000), "999 KB");
        assert_eq!(size(1_234_567), "1,3 MB");
        assert_eq!(size(MOST_BYTES), "100 MB");
    }

    #[test]
    fn a_name_that_cannot_be_kept_is_kept_as_far_as_it_can() {
        assert_eq!(named("a\u{0}b\tc.pdf"), "abc.pdf");
        assert_eq!(named(&"x".repeat(400)).len(), NAME_MOST);
    }
}
