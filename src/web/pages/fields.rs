//! The fields of a section as a form shows them: labels, answers, faults.

use serde::Serialize;
use serde_json::Value;

use crate::domain::field::{Fault, Field, Kind, Typed, typed};
use crate::domain::partial_date::PartialDate;
use crate::web::i18n::Wording;

/// One field of a form or of a page.
#[derive(Serialize, Clone)]
pub struct FieldView {
    /// Name in the form.
    pub name: &'static str,
    /// `line`, `lines`, `code`, `codes`, `date`, `id` or `phone`.
    pub kind: &'static str,
    /// What is in it.
    pub text: String,
    /// The way of not knowing, when it is empty: `not_asked`, `unknown` or `declined`.
    pub state: String,
    /// Options: code, label key, whether it is chosen.
    pub options: Vec<(&'static str, String, bool)>,
    /// What is wrong with it, in the reader's language.
    pub fault: Option<String>,
    /// The date without its mark, when it is an estimate.
    pub about: Option<String>,
    /// Whether the form says nothing without it.
    pub needed: bool,
    /// Whether the question was asked, with an answer or without.
    pub answered: bool,
    /// Most characters, for lines.
    pub most: Option<usize>,
}

impl FieldView {
    /// Whether nothing was answered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.trim().is_empty() && !self.options.iter().any(|option| option.2)
    }
}

impl FieldView {
    /// The answer itself: text, chosen codes, and how it is not known when there is neither.
    pub fn said(&self) -> (String, Vec<&'static str>, &str) {
        let chosen = self.options.iter().filter(|option| option.2).map(|option| option.0);
        let state = if self.is_empty() { self.state.as_str() } else { "" };
        // One date is typed in several ways.
        let date = matches!(self.kind, "date" | "day").then(|| PartialDate::from_typed(&self.text).ok());
        let text = date
            .flatten()
            .map_or_else(|| self.text.trim().to_owned(), |date| date.shown());
        (text, chosen.collect(), state)
    }

    /// Whether two answers are the same.
    #[must_use]
    pub fn says_as(&self, other: &Self) -> bool {
        self.said() == other.said()
    }
}

/// The same fields, of which the form says nothing without these.
#[must_use]
pub fn needed(mut fields: Vec<FieldView>, names: &[&str]) -> Vec<FieldView> {
    for field in &mut fields {
        field.needed = names.contains(&field.name);
    }
    fields
}

/// The fields for a form, from stored answers.
#[must_use]
pub fn from_stored(fields: &'static [Field], stored: &Value) -> Vec<FieldView> {
    fields
        .iter()
        .map(|field| {
            let answer = stored.get(field.name);
            let known = answer.and_then(|answer| answer.get("known"));
            let state = answer.and_then(Value::as_str).unwrap_or("not_asked");
            let values: Vec<String> = match known {
                Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
                Some(Value::String(text)) => vec![shown(field.kind, text)],
                _ => Vec::new(),
            };
            let mut shown = view(field, &values, state, None);
            let estimate = shown.text.strip_prefix('~').filter(|_| shown.kind == "date");
            shown.about = estimate.map(str::to_owned);
            shown
        })
        .collect()
}

/// The fields as a page shows them: of every list only what was chosen.
#[must_use]
pub fn shown_from(fields: &'static [Field], stored: &Value) -> Vec<FieldView> {
    let mut shown = from_stored(fields, stored);
    for field in &mut shown {
        field.options.retain(|option| option.2);
    }
    shown
}

/// The fields for a form, from what was typed, with what is wrong.
#[must_use]
pub fn from_typed(
    fields: &'static [Field],
    form: &Typed,
    faults: &[(&'static str, Fault)],
    wording: &Wording,
) -> Vec<FieldView> {
    fields
        .iter()
        .map(|field| {
            let values: Vec<String> = typed(form, field.name).map(str::to_owned).collect();
            let key = format!("{}.state", field.name);
            let state = typed(form, &key).next().unwrap_or("not_asked");
            let fault = faults.iter().find(|(name, _)| *name == field.name).map(|(_, fault)| {
                let (key, numbers) = fault.message();
                wording.with(key, &numbers)
            });
            view(field, &values, state, fault)
        })
        .collect()
}

fn view(field: &'static Field, values: &[String], state: &str, fault: Option<String>) -> FieldView {
    let (kind, list, most) = match field.kind {
        Kind::Code(list) => ("code", Some(list), None),
        Kind::Codes(list) => ("codes", Some(list), None),
        Kind::CodeName => ("line", None, Some(20)),
        Kind::Date | Kind::PastDate => ("date", None, None),
        Kind::PastDay => ("day", None, None),
        Kind::IdNumber => ("id", None, None),
        Kind::Line(most) => ("line", None, Some(most)),
        Kind::Lines(most) => ("lines", None, Some(most)),
        Kind::Phone => ("phone", None, None),
    };
    let options = list.map_or_else(Vec::new, |list| {
        let chosen = |code: &str| values.iter().any(|value| value == code);
        list.codes
            .iter()
            .map(|code| (*code, format!("code-{}-{code}", list.name), chosen(code)))
            .collect()
    });
    let text = if list.is_some() {
        String::new()
    } else {
        values.first().cloned().unwrap_or_default()
    };
    FieldView {
        answered: !text.trim().is_empty() || options.iter().any(|option| option.2) || state != "not_asked",
        name: field.name,
        kind,
        about: None,
        needed: false,
        text,
        state: state.to_owned(),
        options,
        fault,
        most,
    }
}

fn shown(kind: Kind, stored: &str) -> String {
    match kind {
        Kind::Date | Kind::PastDate | Kind::PastDay => {
            PartialDate::from_typed(stored).map_or_else(|_| stored.to_owned(), |date| date.shown())
        }
        Kind::Code(_)
        | Kind::CodeName
        | Kind::Codes(_)
        | Kind::IdNumber
        | Kind::Line(_)
        | Kind::Lines(_)
        | Kind::Phone => stored.to_owned(),
    }
}
