//! Text at the edge: composed (NFC), without control characters, measured in characters.

use icu_properties::props::DefaultIgnorableCodePoint;
use icu_properties::{CodePointSetData, CodePointSetDataBorrowed};
use unicode_normalization::UnicodeNormalization as _;

const IGNORABLE: CodePointSetDataBorrowed<'static> = CodePointSetData::new::<DefaultIgnorableCodePoint>();

/// What is wrong with a text; carries no part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextFault {
    /// More characters than the field takes.
    TooLong {
        /// The most it takes.
        most: usize,
        /// What was typed.
        typed: usize,
    },
    /// A control or invisible formatting character.
    Control,
}

/// Normalises one line.
pub fn line(text: &str, most: usize) -> Result<String, TextFault> {
    let text = clean(text, false)?;
    let words: Vec<&str> = text.split_whitespace().collect();
    bounded(words.join(" "), most)
}

/// Normalises several lines; line ends become `\n`.
pub fn lines(text: &str, most: usize) -> Result<String, TextFault> {
    let text = clean(&text.replace("\r\n", "\n"), true)?;
    bounded(text.trim().to_owned(), most)
}

/// Without characters that nobody sees, as copying from elsewhere brings them: soft hyphens, joiners, fillers, byte order
/// marks (Unicode `Default_Ignorable_Code_Point`), the empty Braille cell. What turns the direction of reading stays, to be refused.
#[must_use]
pub fn seen(text: &str) -> String {
    let unseen = |letter| (IGNORABLE.contains(letter) || letter == '\u{2800}') && !turns(letter);
    text.chars().filter(|letter| !unseen(*letter)).collect()
}

/// Embeddings, overrides and isolates: a text with them does not say what it seems to say (UTS 55).
#[must_use]
pub const fn turns(letter: char) -> bool {
    matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Full-width digits of East Asian keyboards become ASCII; separators go, every other character stays.
#[must_use]
pub fn digits(text: &str) -> String {
    digits_kept(text)
        .chars()
        .filter(|letter| !matches!(letter, ' ' | '.' | '-' | '\u{a0}'))
        .collect()
}

/// Full-width digits and separators become ASCII, everything else stays.
#[must_use]
pub fn digits_kept(text: &str) -> String {
    text.chars()
        .map(|letter| match letter {
            '\u{ff0d}'..='\u{ff19}' => letter.nfkc().next().unwrap_or(letter),
            other => other,
        })
        .collect()
}

/// Text without diacritics, lower case, `đ` as `d`: for comparing, never for storing.
#[must_use]
pub fn folded(text: &str) -> String {
    text.nfd()
        .filter(|letter| !unicode_normalization::char::is_combining_mark(*letter))
        .map(|letter| match letter {
            'đ' | 'Đ' => 'd',
            other => other,
        })
        .collect::<String>()
        .to_lowercase()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

fn clean(text: &str, several: bool) -> Result<String, TextFault> {
    let line_end = |letter| {
        if several && matches!(letter, '\u{2028}' | '\u{2029}') {
            '\n'
        } else {
            letter
        }
    };
    let text: String = seen(text).nfc().map(line_end).collect();
    let hidden =
        |letter: char| (letter.is_control() && letter != '\t' && !(several && letter == '\n')) || turns(letter);
    if text.chars().any(hidden) {
        Err(TextFault::Control)
    } else {
        Ok(text)
    }
}

fn bounded(text: String, most: usize) -> Result<String, TextFault> {
    let typed = text.chars().count();
    if typed > most {
        Err(TextFault::TooLong { most, typed })
    } else {
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decomposed_names_become_composed() {
        let decomposed: String = "Đặng Thị Ánh Nguyệt".nfd().collect();
        assert_ne!(decomposed, "Đặng Thị Ánh Nguyệt");
        assert_eq!(line(&decomposed, 100).unwrap(), "Đặng Thị Ánh Nguyệt");
        assert_eq!(folded(&decomposed), "dang thi anh nguyet");
    }

    #[test]
    fn length_counts_characters_after_composing() {
        let decomposed: String = "ệ".repeat(10).nfd().collect();
        assert!(line(&decomposed, 10).is_ok());
        assert_eq!(
            line(&"a".repeat(11), 10),
            Err(TextFault::TooLong { most: 10, typed: 11 })
        );
    }

    #[test]
    fn control_and_direction_characters_are_refused() {
        for text in ["a\0b", "a\u{202e}b", "a\u{2067}b", "a\u{1b}[31m"] {
            assert_eq!(line(text, 100), Err(TextFault::Control));
        }
        assert_eq!(line("a\nb", 100), Err(TextFault::Control));
        assert_eq!(lines("a\r\nb\r\n", 100).unwrap(), "a\nb");
    }

    #[test]
    fn characters_that_nobody_sees_are_left_out() {
        for unseen in [
            '\u{ad}',
            '\u{34f}',
            '\u{61c}',
            '\u{115f}',
            '\u{180e}',
            '\u{200b}',
            '\u{200d}',
            '\u{200f}',
            '\u{2060}',
            '\u{2800}',
            '\u{3164}',
            '\u{fe0f}',
            '\u{feff}',
            '\u{ffa0}',
            '\u{e0041}',
        ] {
            assert_eq!(line(&format!("Ho{unseen}a{unseen}"), 100).unwrap(), "Hoa", "{unseen:?}");
        }
        assert_eq!(line("Hoa\u{2028}Mẫu", 100).unwrap(), "Hoa Mẫu");
        assert_eq!(lines("Hoa\u{2028}Mẫu", 100).unwrap(), "Hoa\nMẫu");
    }

    #[test]
    fn full_width_digits_become_ascii_and_other_numerals_stay() {
        assert_eq!(digits("\u{ff10}\u{ff11}2 3.4-5"), "012345");
        assert_eq!(digits("\u{2460}²Ⅳ"), "\u{2460}²Ⅳ");
    }
}
