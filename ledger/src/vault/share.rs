//! A custodian's share of a slot, written as syllables that a Vietnamese speaker can read, type and say.

use zeroize::Zeroizing;

use super::Secret;
use super::associated::Deployment;

const VERSION: u8 = 1;
const INITIALS: [&str; 16] = [
    "b", "ch", "d", "h", "kh", "l", "m", "n", "nh", "ph", "r", "s", "t", "th", "v", "x",
];
const RIMES: [&str; 16] = [
    "a", "am", "an", "ang", "ao", "e", "em", "en", "eo", "i", "inh", "o", "on", "ong", "u", "ung",
];
const ROWS: usize = 7;
/// Five bytes of the share and one that checks them.
const IN_A_ROW: usize = 6;

/// One custodian's part of the key of a slot; formats in `docs/formats.md` §2.6.
pub struct Share {
    pub(super) x: u8,
    pub(super) mark: u8,
    pub(super) secret: Secret,
}

/// What is wrong with a typed share; says where, never what was typed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ShareFault {
    /// Not 42 syllables but so many.
    #[error("a share has 42 syllables in 7 rows; these are {0}")]
    Length(usize),
    /// This syllable is none of the 256.
    #[error("row {row}, syllable {place} is not one of the syllables of a share")]
    Syllable {
        /// From 1.
        row: usize,
        /// From 1.
        place: usize,
    },
    /// The syllables of this row do not belong together.
    #[error("row {0} has a wrong or exchanged syllable")]
    Row(usize),
    /// Made by a later program.
    #[error("this share has a format that this program does not know")]
    Version,
}

impl Share {
    /// Number of the share, from 1.
    #[must_use]
    pub fn number(&self) -> u8 {
        self.x
    }

    /// Seven rows of six syllables, lower case, single spaces.
    #[must_use]
    pub fn rows(&self) -> Vec<Zeroizing<String>> {
        let mut bytes = Zeroizing::new(vec![VERSION, self.x, self.mark]);
        bytes.extend_from_slice(&*self.secret);
        bytes
            .chunks(IN_A_ROW - 1)
            .enumerate()
            .map(|(at, row)| {
                let mut text = Zeroizing::new(String::with_capacity(5 * IN_A_ROW));
                for byte in row.iter().copied().chain([check(at, row)]) {
                    if !text.is_empty() {
                        text.push(' ');
                    }
                    text.push_str(INITIALS.get(usize::from(byte >> 4)).copied().unwrap_or_default());
                    text.push_str(RIMES.get(usize::from(byte & 15)).copied().unwrap_or_default());
                }
                text
            })
            .collect()
    }

    /// Reads what [`Share::rows`] wrote: any case, any white space, numbers of rows (`1`, `1.`, `1)`, `1:`) ignored.
    pub fn parse(text: &str) -> Result<Self, ShareFault> {
        let typed: Vec<&str> = words(text).collect();
        if typed.len() != ROWS * IN_A_ROW {
            return Err(ShareFault::Length(typed.len()));
        }
        let mut plain = Zeroizing::new(Vec::with_capacity(ROWS * (IN_A_ROW - 1)));
        for (at, row) in typed.chunks(IN_A_ROW).enumerate() {
            plain.extend_from_slice(&read_row(at, row)?);
        }
        match plain.split_first_chunk::<3>() {
            Some(([VERSION, x, mark], secret)) => Ok(Self {
                x: *x,
                mark: *mark,
                secret: Zeroizing::new(secret.try_into().map_err(|_| ShareFault::Version)?),
            }),
            _ => Err(ShareFault::Version),
        }
    }

    /// Whether one row, counted from 1, reads right by itself, so that it can be typed again at once.
    pub fn check_row(number: usize, text: &str) -> Result<(), ShareFault> {
        let typed: Vec<&str> = words(text).collect();
        if typed.len() != IN_A_ROW {
            return Err(ShareFault::Row(number));
        }
        read_row(number.saturating_sub(1), &typed).map(drop)
    }

    /// What the slot keeps of the share, so that a wrong one is known by itself.
    pub(super) fn commitment(&self, deployment: Deployment, slot: &[u8]) -> [u8; 32] {
        let message = Zeroizing::new([b"DH1C".as_slice(), &deployment.0, slot, &[self.x], &*self.secret].concat());
        crate::sha256(&message)
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    let number = |letter: char| letter.is_ascii_digit() || matches!(letter, '.' | ')' | ':');
    text.split_whitespace().filter(move |word| !word.chars().all(number))
}

fn read_row(at: usize, row: &[&str]) -> Result<Zeroizing<Vec<u8>>, ShareFault> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(IN_A_ROW));
    for (place, word) in row.iter().enumerate() {
        bytes.push(syllable(word).ok_or(ShareFault::Syllable {
            row: at + 1,
            place: place + 1,
        })?);
    }
    match bytes.pop() {
        Some(last) if last == check(at, &bytes) => Ok(bytes),
        _ => Err(ShareFault::Row(at + 1)),
    }
}

fn syllable(word: &str) -> Option<u8> {
    let word = Zeroizing::new(word.to_ascii_lowercase());
    INITIALS.iter().zip(0_u8..).find_map(|(initial, high)| {
        let rest = word.strip_prefix(initial)?;
        let low = RIMES.iter().zip(0_u8..).find(|(rime, _)| **rime == rest)?.1;
        Some(high << 4 | low)
    })
}

fn check(row: usize, data: &[u8]) -> u8 {
    let row = u8::try_from(row).unwrap_or(u8::MAX);
    let message = Zeroizing::new([b"DH1W".as_slice(), &[row], data].concat());
    let [first, ..] = crate::sha256(&message);
    first
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        clippy::panic,
        reason = "a failing test may panic"
    )]

    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn share_of(x: u8, mark: u8, bytes: [u8; 32]) -> Share {
        let secret = Zeroizing::new(bytes);
        Share { x, mark, secret }
    }

    fn text(share: &Share) -> String {
        let rows: Vec<String> = share.rows().iter().map(|row| row.to_string()).collect();
        rows.join("\n")
    }

    #[test]
    fn the_256_syllables_differ_and_each_is_read_back() {
        let all: BTreeSet<String> = INITIALS
            .iter()
            .flat_map(|initial| RIMES.iter().map(move |rime| format!("{initial}{rime}")))
            .collect();
        assert_eq!(all.len(), 256);
        let read: BTreeSet<u8> = all.iter().map(|word| syllable(word).unwrap()).collect();
        assert_eq!(read.len(), 256);
    }

    proptest! {
        #[test]
        fn a_share_is_read_back_however_it_is_typed(x in 1_u8..=255, mark in any::<u8>(), bytes in any::<[u8; 32]>()) {
            let share = share_of(x, mark, bytes);
            let rows = share.rows();
            prop_assert_eq!(rows.len(), 7);
            let numbered: Vec<String> =
                rows.iter().enumerate().map(|(at, row)| format!("{}.  {}", at + 1, row.to_uppercase())).collect();
            for typed in [text(&share), text(&share).replace('\n', " "), numbered.join("\r\n")] {
                let read = Share::parse(&typed).unwrap_or_else(|fault| panic!("{fault}"));
                prop_assert_eq!((read.x, read.mark, *read.secret), (x, mark, bytes));
            }
        }

        #[test]
        fn nothing_typed_makes_it_panic(typed in "\\PC{0,300}") {
            let _read = Share::parse(&typed);
        }
    }

    #[test]
    fn a_wrong_syllable_is_named_by_its_row_and_a_row_in_the_wrong_place_too() {
        let good = text(&share_of(2, 7, [0x5a; 32]));
        let mut rows: Vec<&str> = good.lines().collect();
        let wrong = rows[3].replacen("em", "en", 1);
        let second = rows[1];
        let read = |rows: &[&str]| Share::parse(&rows.join("\n")).err();
        let mut bad = rows.clone();
        bad[3] = &wrong;
        assert_eq!(read(&bad), (wrong != rows[3]).then_some(ShareFault::Row(4)));
        bad[3] = "ba ba ba quy ba ba";
        assert_eq!(read(&bad), Some(ShareFault::Syllable { row: 4, place: 4 }));
        assert_eq!(read(&rows[..6]), Some(ShareFault::Length(36)));
        rows[1] = rows[4];
        rows[4] = second;
        assert_eq!(read(&rows), Some(ShareFault::Row(2)));
        for (at, row) in good.lines().enumerate() {
            assert_eq!(Share::check_row(at + 1, row), Ok(()));
            assert_eq!(Share::check_row(at + 2, row), Err(ShareFault::Row(at + 2)));
        }
    }

    #[test]
    fn a_wrong_syllable_is_missed_once_in_256_tries_and_then_the_slot_tells() {
        let share = share_of(3, 1, [0xc3; 32]);
        let good = text(&share);
        let words: Vec<&str> = good.split_whitespace().collect();
        let (mut tried, mut missed) = (0, 0);
        for at in 0..words.len() {
            for other in ["ba", "chem", "nhong", "xung", "then"] {
                if words[at] == other {
                    continue;
                }
                let mut typed = words.clone();
                typed[at] = other;
                tried += 1;
                if let Ok(read) = Share::parse(&typed.join(" ")) {
                    missed += 1;
                    let deployment = Deployment([1; 16]);
                    assert_ne!(
                        read.commitment(deployment, b"slot"),
                        share.commitment(deployment, b"slot")
                    );
                }
            }
        }
        assert!(tried > 180 && missed < 8, "{missed} of {tried}");
    }
}
