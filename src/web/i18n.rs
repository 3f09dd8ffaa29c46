//! Vietnamese and English wording from `locales/`; a missing or unused key fails a test.

use std::collections::HashMap;
use std::sync::Arc;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};

/// A language of the interface.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Locale {
    /// English.
    En,
    /// Vietnamese, the first language.
    Vi,
}

impl Locale {
    /// Both, Vietnamese first.
    pub const ALL: [Self; 2] = [Self::Vi, Self::En];

    /// `vi` or `en`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Vi => "vi",
        }
    }

    /// Reads a code; anything but `en` is Vietnamese.
    #[must_use]
    pub fn parse(code: &str) -> Self {
        if code == "en" { Self::En } else { Self::Vi }
    }

    /// The files of a language.
    #[must_use]
    pub fn sources(self) -> [&'static str; 2] {
        match self {
            Self::En => [
                include_str!("../../locales/en/pages.ftl"),
                include_str!("../../locales/en/words.ftl"),
            ],
            Self::Vi => [
                include_str!("../../locales/vi/pages.ftl"),
                include_str!("../../locales/vi/words.ftl"),
            ],
        }
    }
}

type Bundle = FluentBundle<FluentResource>;

/// The wording of one language.
#[derive(Clone)]
pub struct Wording {
    bundle: Arc<Bundle>,
    /// Messages without arguments, formatted once.
    plain: Arc<HashMap<String, String>>,
}

impl Wording {
    /// Reads the files of a language.
    pub fn load(locale: Locale) -> Result<Self, String> {
        let id = locale
            .code()
            .parse::<unic_langid::LanguageIdentifier>()
            .map_err(|error| error.to_string())?;
        let mut bundle = FluentBundle::new_concurrent(vec![id]);
        bundle.set_use_isolating(false);
        for source in locale.sources() {
            let resource = FluentResource::try_new(source.to_owned()).map_err(|(_, errors)| format!("{errors:?}"))?;
            bundle.add_resource(resource).map_err(|errors| format!("{errors:?}"))?;
        }
        let keys = locale.sources().into_iter().flat_map(str::lines).filter_map(|line| {
            let (key, _) = line.split_once(" = ")?;
            Some(key.to_owned()).filter(|key| !key.starts_with([' ', '#']))
        });
        let plain = keys.filter_map(|key| format(&bundle, &key, &FluentArgs::new()).ok().map(|text| (key, text)));
        let plain = Arc::new(plain.collect());
        let bundle = Arc::new(bundle);
        Ok(Self { bundle, plain })
    }

    /// A message that takes no arguments.
    #[must_use]
    pub fn plain(&self, key: &str) -> Option<&str> {
        self.plain.get(key).map(String::as_str)
    }

    /// A message with its arguments.
    pub fn format(&self, key: &str, arguments: &FluentArgs<'_>) -> Result<String, String> {
        format(&self.bundle, key, arguments)
    }

    /// A message without arguments; the key itself when it is missing, which tests rule out.
    #[must_use]
    pub fn text(&self, key: &str) -> String {
        self.format(key, &FluentArgs::new()).unwrap_or_else(|error| {
            tracing::error!(%error, "wording");
            key.to_owned()
        })
    }

    /// A message with numbers.
    #[must_use]
    pub fn with(&self, key: &str, numbers: &[(&'static str, usize)]) -> String {
        let mut arguments = FluentArgs::new();
        for (name, number) in numbers {
            arguments.set(*name, FluentValue::from(*number));
        }
        self.format(key, &arguments).unwrap_or_else(|_| key.to_owned())
    }

    /// Whether there is such a message.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.bundle.has_message(key)
    }
}

fn format(bundle: &Bundle, key: &str, arguments: &FluentArgs<'_>) -> Result<String, String> {
    let message = bundle.get_message(key).and_then(|message| message.value());
    let pattern = message.ok_or_else(|| format!("no message {key}"))?;
    let mut errors = Vec::new();
    let text = bundle
        .format_pattern(pattern, Some(arguments), &mut errors)
        .into_owned();
    if errors.is_empty() {
        Ok(text)
    } else {
        Err(format!("{key}: {errors:?}"))
    }
}
