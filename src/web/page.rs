//! A page is a struct with a template and samples; rendering never sees an ad-hoc context.

use std::sync::Arc;

use fluent_bundle::{FluentArgs, FluentValue};
use rust_embed::RustEmbed;
use serde::Serialize;
use tera::value::ValueKind;
use tera::{Kwargs, State, Tera, TeraResult, Value};

use super::i18n::{Locale, Wording};

/// A page of the house.
pub trait Page: Serialize {
    /// Template under `templates/`.
    const TEMPLATE: &'static str;

    /// Examples with everything a template can show; a test renders them in both languages.
    fn samples() -> Vec<Self>
    where
        Self: Sized;
}

#[derive(RustEmbed)]
#[folder = "templates"]
struct Templates;

/// Templates and wording of both languages.
pub struct Pages {
    vi: (Tera, Wording),
    en: (Tera, Wording),
}

impl Pages {
    /// Parses every template with both languages.
    pub fn load() -> Result<Self, String> {
        let load = |locale| {
            let wording = Wording::load(locale)?;
            let tera = tera(&wording).map_err(|error| error.to_string())?;
            Ok::<_, String>((tera, wording))
        };
        Ok(Self {
            vi: load(Locale::Vi)?,
            en: load(Locale::En)?,
        })
    }

    /// The wording of a language.
    #[must_use]
    pub fn wording(&self, locale: Locale) -> &Wording {
        &self.of(locale).1
    }

    /// Renders a page inside its frame.
    pub fn render<P: Page>(&self, locale: Locale, frame: &Frame, page: &P) -> Result<Vec<u8>, String> {
        #[derive(Serialize)]
        struct Whole<'a, P> {
            frame: &'a Frame,
            page: &'a P,
        }
        let context = tera::Context::from_serialize(&Whole { frame, page }).map_err(|error| error.to_string())?;
        let mut out = Vec::with_capacity(24 * 1024);
        // The message of a template error can quote values, so only its kind goes on.
        self.of(locale)
            .0
            .render_to(P::TEMPLATE, &context, &mut out)
            .map_err(|error| describe(&error))?;
        Ok(out)
    }

    fn of(&self, locale: Locale) -> &(Tera, Wording) {
        match locale {
            Locale::En => &self.en,
            Locale::Vi => &self.vi,
        }
    }
}

fn describe(error: &tera::Error) -> String {
    match error.kind() {
        tera::ErrorKind::RenderingError(report) | tera::ErrorKind::SyntaxError(report) => {
            format!("{}:{}", report.filename(), report.span().start_line)
        }
        _ => "template".to_owned(),
    }
}

/// What surrounds every page.
#[derive(Serialize, Clone, Default)]
pub struct Frame {
    /// `vi` or `en`.
    pub lang: &'static str,
    /// The other language, and the same page in it.
    pub other_lang: &'static str,
    /// Path of this page, for the language switch.
    pub path: String,
    /// Role code, when somebody is signed in.
    pub role: Option<&'static str>,
    /// Staff code.
    pub staff: Option<String>,
    /// Code of the organisation.
    pub org: Option<String>,
    /// Navigation: address, message key, whether it is this page.
    pub nav: Vec<(&'static str, &'static str, bool)>,
    /// Hidden fields of every form on the page.
    pub token: Option<super::token::FormToken>,
    /// Plain HTTP on loopback: a bar says so.
    pub plain: bool,
}

fn tera(wording: &Wording) -> TeraResult<Tera> {
    let mut tera = Tera::new();
    tera.autoescape_on([".html"]);
    tera.register_function("t", translate(wording.clone()));
    let files: Vec<(String, String)> = Templates::iter()
        .filter_map(|name| {
            let file = Templates::get(&name)?;
            Some((name.to_string(), spoken(&String::from_utf8_lossy(&file.data), wording)))
        })
        .collect();
    tera.add_raw_templates(files.iter().map(|(name, text)| (name.as_str(), text.as_str())))?;
    Ok(tera)
}

/// The template in one language: wording that depends on nothing is put in once, not at every request.
fn spoken(template: &str, wording: &Wording) -> String {
    const CALL: &str = "{{ t(key=\"";
    let mut out = String::with_capacity(template.len() * 2);
    let mut rest = template;
    while let Some((before, call)) = rest.split_once(CALL) {
        out.push_str(before);
        let literal = call.split_once("\") }}").filter(|(key, _)| !key.contains('"'));
        rest = match literal.and_then(|(key, after)| Some((wording.plain(key)?, after))) {
            Some((text, after)) => {
                out.push_str(&escaped(text));
                after
            }
            None => {
                out.push_str(CALL);
                call
            }
        };
    }
    out.push_str(rest);
    out
}

/// Text between tags: escaped as the renderer does it, and without braces, which would begin a tag of the template.
fn escaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    // Writing to memory does not fail.
    if tera::escape_html(text, &mut bytes).is_err() {
        return String::new();
    }
    let text = String::from_utf8_lossy(&bytes);
    text.replace('{', "&#123;").replace('}', "&#125;")
}

fn translate(wording: Wording) -> impl Fn(Kwargs, &State<'_>) -> TeraResult<Value> + Send + Sync + 'static {
    let wording = Arc::new(wording);
    move |arguments: Kwargs, _: &State<'_>| {
        let key = arguments.must_get::<&str>("key")?;
        if let Some(text) = wording.plain(key) {
            return Ok(Value::from(text));
        }
        let mut values = FluentArgs::new();
        for (name, value) in arguments.iter() {
            if let Some(name) = name.as_str().filter(|name| *name != "key") {
                values.set(name.to_owned(), fluent(value));
            }
        }
        wording
            .format(key, &values)
            .map(Value::from)
            .map_err(tera::Error::message)
    }
}

fn fluent(value: &Value) -> FluentValue<'_> {
    match value.kind() {
        ValueKind::None => FluentValue::None,
        _ if value.is_number() => value.as_i64().into(),
        _ => match value.as_str() {
            Some(text) => text.into(),
            None => value.to_string().into(),
        },
    }
}
