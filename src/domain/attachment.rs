//! Files of a case: which kinds are taken, how large, and what is known of each.

use serde::{Deserialize, Serialize};

use super::group::{Class, Group};

/// Most bytes of a file.
pub const MOST_BYTES: u64 = 100_000_000;
/// Most bytes of a photograph that is written anew.
pub const MOST_IMAGE_BYTES: u64 = 12_000_000;
/// Most files of a case.
pub const MOST_FILES: i64 = 200;
/// Most characters of the name of a file.
pub const NAME_MOST: usize = 150;
/// Most characters of what is said about a file.
pub const NOTE_MOST: usize = 300;

/// Kinds of files that are taken, by their content.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Photograph.
    Jpeg,
    /// Picture.
    Png,
    /// Picture.
    Webp,
    /// Portable document.
    Pdf,
    /// Office Open XML text.
    Docx,
    /// Office Open XML table.
    Xlsx,
    /// `OpenDocument` text.
    Odt,
    /// `OpenDocument` table.
    Ods,
    /// Old Word text.
    Doc,
    /// Old Excel table.
    Xls,
    /// Sound.
    Mp3,
    /// Sound.
    M4a,
    /// Sound.
    Ogg,
    /// Sound.
    Wav,
    /// Film.
    Mp4,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Jpeg,
        Self::Png,
        Self::Webp,
        Self::Pdf,
        Self::Docx,
        Self::Xlsx,
        Self::Odt,
        Self::Ods,
        Self::Doc,
        Self::Xls,
        Self::Mp3,
        Self::M4a,
        Self::Ogg,
        Self::Wav,
        Self::Mp4,
    ];

    /// Ending of a downloaded file, and its type in HTTP.
    #[must_use]
    pub const fn ending_and_type(self) -> (&'static str, &'static str) {
        match self {
            Self::Jpeg => ("jpg", "image/jpeg"),
            Self::Png => ("png", "image/png"),
            Self::Webp => ("webp", "image/webp"),
            Self::Pdf => ("pdf", "application/pdf"),
            Self::Docx => (
                "docx",
                "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            ),
            Self::Xlsx => (
                "xlsx",
                "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            ),
            Self::Odt => ("odt", "application/vnd.oasis.opendocument.text"),
            Self::Ods => ("ods", "application/vnd.oasis.opendocument.spreadsheet"),
            Self::Doc => ("doc", "application/msword"),
            Self::Xls => ("xls", "application/vnd.ms-excel"),
            Self::Mp3 => ("mp3", "audio/mpeg"),
            Self::M4a => ("m4a", "audio/mp4"),
            Self::Ogg => ("ogg", "audio/ogg"),
            Self::Wav => ("wav", "audio/wav"),
            Self::Mp4 => ("mp4", "video/mp4"),
        }
    }

    /// Whether it is a picture, which can be written anew and shown.
    #[must_use]
    pub const fn is_image(self) -> bool {
        matches!(self, Self::Jpeg | Self::Png | Self::Webp)
    }

    /// Whether it is sound or film.
    #[must_use]
    pub const fn is_recording(self) -> bool {
        matches!(self, Self::Mp3 | Self::M4a | Self::Ogg | Self::Wav | Self::Mp4)
    }
}

/// What a file carries besides what one sees in it; shown as a warning.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
#[serde(rename_all = "snake_case")]
pub enum Carries {
    /// Who wrote it, or with which program.
    Author,
    /// The name of an organisation.
    Company,
    /// Remarks.
    Comments,
    /// What was there before and was changed.
    Revisions,
    /// Programs that run when it is opened.
    Macros,
    /// Other files inside.
    Embedded,
    /// Pictures with data of their own.
    Pictures,
    /// Addresses that are opened at a click.
    Links,
    /// Place, time and device of the recording.
    PlaceAndTime,
    /// Nobody looked inside.
    Unexamined,
}

impl Carries {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Author,
        Self::Company,
        Self::Comments,
        Self::Revisions,
        Self::Macros,
        Self::Embedded,
        Self::Pictures,
        Self::Links,
        Self::PlaceAndTime,
        Self::Unexamined,
    ];

    /// Message key.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::Author => "carries-author",
            Self::Company => "carries-company",
            Self::Comments => "carries-comments",
            Self::Revisions => "carries-revisions",
            Self::Macros => "carries-macros",
            Self::Embedded => "carries-embedded",
            Self::Pictures => "carries-pictures",
            Self::Links => "carries-links",
            Self::PlaceAndTime => "carries-place-and-time",
            Self::Unexamined => "carries-unexamined",
        }
    }
}

/// What is known of a file; sealed, `docs/formats.md` §2.9. Cannot be printed.
#[derive(Serialize, Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// 1.
    pub v: u32,
    /// As the file was called.
    pub name: String,
    /// Kind.
    pub kind: Kind,
    /// Plain bytes.
    pub bytes: u64,
    /// Kept exactly as it came.
    pub evidence: bool,
    /// What the sender says of it.
    pub note: String,
    /// What else is in it.
    pub carries: Vec<Carries>,
    /// A small JPEG, base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumbnail: Option<String>,
}

/// Why a file is not taken; each has a sentence that says what to do, `attachment-fault-…` in `locales/`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// None was chosen, or it is empty.
    Empty,
    /// No group was chosen.
    NoGroup,
    /// Over [`MOST_BYTES`].
    TooLarge,
    /// A photograph over [`MOST_IMAGE_BYTES`].
    ImageTooLarge,
    /// None of the kinds.
    UnknownKind,
    /// A photograph that cannot be read.
    BrokenImage,
    /// Over [`MOST_FILES`].
    TooMany,
    /// The connection ended within the file.
    Interrupted,
    /// What is said of it is too long, or has characters that cannot be kept.
    Note,
    /// The same form brought another file before, which is kept; this one is not.
    SentBefore,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Empty,
        Self::NoGroup,
        Self::TooLarge,
        Self::ImageTooLarge,
        Self::UnknownKind,
        Self::BrokenImage,
        Self::TooMany,
        Self::Interrupted,
        Self::Note,
        Self::SentBefore,
    ];

    /// Message key.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::Empty => "attachment-fault-empty",
            Self::NoGroup => "attachment-fault-no-group",
            Self::TooLarge => "attachment-fault-too-large",
            Self::ImageTooLarge => "attachment-fault-image-too-large",
            Self::UnknownKind => "attachment-fault-unknown-kind",
            Self::BrokenImage => "attachment-fault-broken-image",
            Self::TooMany => "attachment-fault-too-many",
            Self::Interrupted => "attachment-fault-interrupted",
            Self::Note => "attachment-fault-note",
            Self::SentBefore => "attachment-fault-sent-before",
        }
    }
}

/// Groups that a file may belong to: none of class S4, because a picture of a shelter tells where it is.
pub fn groups() -> impl Iterator<Item = Group> {
    Group::in_use().filter(|group| group.class() != Class::S4 && *group != Group::Privileged)
}
