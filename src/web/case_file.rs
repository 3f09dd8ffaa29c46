//! The pages of a case that is handed over: one file that a browser opens anywhere, without a server.

use serde::Serialize;
use serde_json::json;

use super::i18n::Locale;
use super::page::{Frame, Page, Pages};
use super::pages::fields::{FieldView, shown_from};
use super::pages::parts::title;
use super::time;
use crate::domain::group::Group;
use crate::domain::order::Kind;
use crate::domain::part::Part;
use crate::operations::hand_over::Handed;

/// The case as it is handed over.
#[derive(Serialize)]
pub struct CaseFile {
    number: String,
    order: String,
    basis: String,
    entry: String,
    groups: Vec<&'static str>,
    /// Groups of which nothing is recorded and no file is kept.
    empty: Vec<&'static str>,
    parts: Vec<Shown>,
    files: Vec<File>,
}

#[derive(Serialize)]
struct Shown {
    title: String,
    saved: String,
    fields: Vec<FieldView>,
}

#[derive(Serialize)]
struct File {
    path: String,
    group: &'static str,
    name: String,
    note: String,
    carries: Vec<&'static str>,
}

impl Page for CaseFile {
    const TEMPLATE: &'static str = "orders/case_file.html";

    fn samples() -> Vec<Self> {
        let basis = format!("code-{}-court", Kind::Handover.bases().name);
        let empty = Self {
            number: "DH-2026-7K3F9Q-2".to_owned(),
            order: "0".repeat(26),
            basis,
            entry: "2026/12".to_owned(),
            groups: vec!["notes"],
            empty: vec!["notes"],
            parts: vec![],
            files: vec![],
        };
        let part = Part::Group(Group::Notes);
        let full = Self {
            number: empty.number.clone(),
            order: empty.order.clone(),
            basis: empty.basis.clone(),
            entry: empty.entry.clone(),
            groups: vec!["identity", "notes"],
            empty: vec!["identity"],
            parts: vec![Shown {
                title: title(part),
                saved: time::shown(0),
                fields: shown_from(part.fields(), &json!({"text": {"known": "Ghi chú mẫu"}})),
            }],
            files: vec![File {
                path: "files/001.jpg".to_owned(),
                group: "notes",
                name: "anh-mau.jpg".to_owned(),
                note: "Ảnh mẫu".to_owned(),
                carries: vec!["carries-author"],
            }],
        };
        vec![empty, full]
    }
}

/// The case file in every language, by name of the file.
pub fn case_file(handed: &Handed) -> Result<Vec<(&'static str, Vec<u8>)>, String> {
    let pages = Pages::load()?;
    let page = CaseFile {
        number: handed.number.clone(),
        order: handed.order.clone(),
        basis: format!("code-{}-{}", Kind::Handover.bases().name, handed.basis),
        entry: handed.index.clone(),
        groups: handed.groups.iter().map(|group| group.name()).collect(),
        empty: handed
            .groups
            .iter()
            .filter(|group| {
                let recorded = handed.parts.iter().any(|open| open.part.group() == **group);
                !recorded && !handed.files.iter().any(|file| file.group == **group)
            })
            .map(|group| group.name())
            .collect(),
        parts: handed
            .parts
            .iter()
            .map(|open| Shown {
                title: title(open.part),
                saved: time::shown(open.saved_at),
                fields: shown_from(open.part.fields(), &open.fields),
            })
            .collect(),
        files: handed
            .files
            .iter()
            .map(|file| File {
                path: file.path.clone(),
                group: file.group.name(),
                name: file.record.name.clone(),
                note: file.record.note.clone(),
                carries: file.record.carries.iter().map(|what| what.message()).collect(),
            })
            .collect(),
    };
    let render = |locale: Locale| {
        let name = match locale {
            Locale::Vi => "ho-so.html",
            Locale::En => "case-file.html",
        };
        let frame = Frame {
            lang: locale.code(),
            ..Frame::default()
        };
        Ok((name, pages.render(locale, &frame, &page)?))
    };
    Locale::ALL.into_iter().map(render).collect()
}
