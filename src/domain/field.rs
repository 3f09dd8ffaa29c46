//! One table of fields per section: what a form asks, how an answer is read, which code list it takes.

use chrono::NaiveDate;
use serde_json::{Map, Value, json};

use super::codes::CodeList;
use super::partial_date::PartialDate;
use super::text::{self, TextFault};

/// A field of a section; its label is `field-<name>` in `locales/`.
pub struct Field {
    /// Name in the JSON of the section and in the form.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
}

/// What a field takes.
#[derive(Clone, Copy)]
pub enum Kind {
    /// One code.
    Code(CodeList),
    /// Several codes.
    Codes(CodeList),
    /// A date or a part of one.
    Date,
    /// A date of something that has happened: today at the latest.
    PastDate,
    /// The same, known to the day.
    PastDay,
    /// A name of letters, digits and hyphens that says nothing of a place: `HOA-SEN-07`.
    CodeName,
    /// Twelve digits, or nine of the old card (NĐ 137/2015 Art. 13).
    IdNumber,
    /// One line of at most so many characters.
    Line(usize),
    /// Several lines of at most so many characters.
    Lines(usize),
    /// A telephone number of Viet Nam or with a country code.
    Phone,
}

/// Why an answer was not taken; never repeats it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// A character that cannot be seen or kept.
    Control,
    /// Not a code of the list.
    NotInList,
    /// An address or a sentence where a code name belongs.
    NotACodeName,
    /// No such day or month.
    NoSuchDate,
    /// No such day, where a day is needed.
    NoSuchDay,
    /// A month or a year where a day is needed.
    NotADay,
    /// A day that is still to come, for something that has happened.
    NotYet,
    /// An end before its beginning.
    BeforeFrom,
    /// Without this answer the form says nothing.
    Needed,
    /// A form in which nothing at all was answered.
    Nothing,
    /// Neither 9 nor 12 digits; so many were typed.
    IdLength(usize),
    /// Other characters among the digits.
    NotDigits,
    /// No telephone number.
    NotAPhone,
    /// Too many characters.
    TooLong {
        /// The most.
        most: usize,
        /// Typed.
        typed: usize,
    },
}

impl Fault {
    /// Message key and its numbers.
    #[must_use]
    pub fn message(self) -> (&'static str, Vec<(&'static str, usize)>) {
        match self {
            Self::Control => ("fault-control", vec![]),
            Self::NotInList => ("fault-not-in-list", vec![]),
            Self::NoSuchDate => ("fault-no-such-date", vec![]),
            Self::NoSuchDay => ("fault-no-such-day", vec![]),
            Self::NotADay => ("fault-not-a-day", vec![]),
            Self::NotYet => ("fault-not-yet", vec![]),
            Self::NotACodeName => ("fault-not-a-code-name", vec![]),
            Self::BeforeFrom => ("fault-before-from", vec![]),
            Self::Needed => ("fault-needed", vec![]),
            Self::Nothing => ("fault-nothing", vec![]),
            Self::IdLength(typed) => ("fault-id-length", vec![("typed", typed)]),
            Self::NotDigits => ("fault-not-digits", vec![]),
            Self::NotAPhone => ("fault-not-a-phone", vec![]),
            Self::TooLong { most, typed } => ("fault-too-long", vec![("most", most), ("typed", typed)]),
        }
    }
}

impl From<TextFault> for Fault {
    fn from(fault: TextFault) -> Self {
        match fault {
            TextFault::Control => Self::Control,
            TextFault::TooLong { most, typed } => Self::TooLong { most, typed },
        }
    }
}

/// The answers of a form, as typed: several values for a list, the word for *no answer* under `<name>.state`.
pub type Typed = Vec<(String, String)>;

/// Values typed under a name.
pub fn typed<'a>(form: &'a Typed, name: &'a str) -> impl Iterator<Item = &'a str> {
    form.iter()
        .filter(move |(key, _)| key == name)
        .map(|(_, value)| value.as_str())
}

/// Reads a form into the JSON of a section; every fault is collected, nothing is dropped. `today` is the day in Viet Nam.
pub fn read(fields: &[Field], form: &Typed, today: NaiveDate) -> Result<Value, Vec<(&'static str, Fault)>> {
    let (mut section, mut faults) = (Map::new(), Vec::new());
    for field in fields {
        match field.answer(form, today) {
            Ok(answer) => drop(section.insert(field.name.to_owned(), answer)),
            Err(fault) => faults.push((field.name, fault)),
        }
    }
    if faults.is_empty() {
        Ok(Value::Object(section))
    } else {
        Err(faults)
    }
}

impl Field {
    fn answer(&self, form: &Typed, today: NaiveDate) -> Result<Value, Fault> {
        // An answer that nobody can see is none.
        let values: Vec<&str> = typed(form, self.name)
            .map(str::trim)
            .filter(|value| !text::seen(value).trim().is_empty())
            .collect();
        if values.is_empty() {
            let state = format!("{}.state", self.name);
            return Ok(match typed(form, &state).next() {
                Some("unknown") => json!("unknown"),
                Some("declined") => json!("declined"),
                _ => json!("not_asked"),
            });
        }
        Ok(json!({ "known": self.kind.parse(&values, today)? }))
    }
}

impl Kind {
    fn parse(self, values: &[&str], today: NaiveDate) -> Result<Value, Fault> {
        let first = values.first().copied().unwrap_or_default();
        match self {
            Self::Code(list) => list.find(first).map(Value::from).ok_or(Fault::NotInList),
            Self::Codes(list) => {
                let codes: Option<Vec<&str>> = values.iter().map(|value| list.find(value)).collect();
                codes.map(Value::from).ok_or(Fault::NotInList)
            }
            Self::Date => Ok(Value::from(String::from(date(first)?))),
            Self::PastDate => {
                let date = date(first)?;
                if date.first_day() > today {
                    return Err(Fault::NotYet);
                }
                Ok(Value::from(String::from(date)))
            }
            Self::PastDay => match date(first).map_err(|_| Fault::NoSuchDay)? {
                date if date.day().is_none() => Err(Fault::NotADay),
                date if date.first_day() > today => Err(Fault::NotYet),
                date => Ok(Value::from(String::from(date))),
            },
            Self::CodeName => code_name(first).map(Value::from),
            Self::IdNumber => id_number(first).map(Value::from),
            Self::Line(most) => Ok(Value::from(text::line(first, most)?)),
            Self::Lines(most) => Ok(Value::from(text::lines(first, most)?)),
            Self::Phone => phone(first).map(Value::from),
        }
    }
}

fn date(typed: &str) -> Result<PartialDate, Fault> {
    let text = text::line(typed, 60)?;
    PartialDate::from_typed(&text::digits_kept(&text)).map_err(|_| Fault::NoSuchDate)
}

fn code_name(typed: &str) -> Result<String, Fault> {
    let name = text::line(typed, 200)?.to_uppercase();
    let fits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if name.len() <= 20 && name.split('-').all(fits) {
        Ok(name)
    } else {
        Err(Fault::NotACodeName)
    }
}

fn id_number(typed: &str) -> Result<String, Fault> {
    let digits = text::digits(&text::line(typed, 60)?);
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Fault::NotDigits);
    }
    match digits.len() {
        9 | 12 => Ok(digits),
        typed => Err(Fault::IdLength(typed)),
    }
}

fn phone(typed: &str) -> Result<String, Fault> {
    let digits = text::digits(&text::line(typed, 60)?);
    let plain: String = digits.chars().filter(|letter| !matches!(letter, '(' | ')')).collect();
    let number = plain.strip_prefix('+').unwrap_or(&plain);
    let fits = number.bytes().all(|byte| byte.is_ascii_digit());
    match (plain.strip_prefix('0'), plain.strip_prefix('+')) {
        (Some(national), _) if fits && (9..=10).contains(&national.len()) => Ok(format!("+84{national}")),
        (_, Some(international)) if fits && (8..=15).contains(&international.len()) => Ok(plain),
        // Hotlines such as 111 are three digits.
        _ if fits && plain.len() == 3 => Ok(plain),
        _ => Err(Fault::NotAPhone),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(pairs: &[(&str, &str)]) -> Typed {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    const TODAY: NaiveDate = NaiveDate::from_ymd_opt(2026, 3, 5).unwrap();

    const FIELDS: &[Field] = &[
        Field {
            name: "id_number",
            kind: Kind::IdNumber,
        },
        Field {
            name: "birth",
            kind: Kind::PastDate,
        },
        Field {
            name: "phone",
            kind: Kind::Phone,
        },
    ];

    #[test]
    fn no_answer_keeps_its_reason() {
        let read = read(
            FIELDS,
            &form(&[
                ("birth", "\u{3164}"),
                ("birth.state", "declined"),
                ("phone.state", "unknown"),
            ]),
            TODAY,
        );
        assert_eq!(
            read.unwrap(),
            json!({"id_number": "not_asked", "birth": "declined", "phone": "unknown"})
        );
    }

    #[test]
    fn identity_numbers_have_nine_or_twelve_digits() {
        for (typed, stored) in [
            ("999204000001", "999204000001"),
            ("\u{ff19}99204000001", "999204000001"),
            ("123 456 789", "123456789"),
        ] {
            assert_eq!(id_number(typed).unwrap(), stored);
        }
        assert_eq!(id_number("9992040000011"), Err(Fault::IdLength(13)));
        for other in ["99920400000A", "①②③④⑤⑥⑦⑧⑨⑩⑪⑫", "٠١٢٣٤٥٦٧٨"] {
            assert_eq!(id_number(other), Err(Fault::NotDigits), "{other}");
        }
    }

    #[test]
    fn what_has_happened_is_not_dated_tomorrow() {
        let read = |typed: &str| Kind::PastDate.parse(&[typed], TODAY).map(drop);
        for known in ["05/03/2026", "03/2026", "2026", "khoảng 2026", "01/01/1950"] {
            assert_eq!(read(known), Ok(()), "{known}");
        }
        for later in ["06/03/2026", "04/2026", "2027"] {
            assert_eq!(read(later), Err(Fault::NotYet), "{later}");
            assert!(Kind::Date.parse(&[later], TODAY).is_ok());
        }
    }

    #[test]
    fn phones_become_international() {
        assert_eq!(phone("0900 000 000").unwrap(), "+84900000000");
        assert_eq!(phone("+84 (90) 000.0000").unwrap(), "+84900000000");
        assert_eq!(phone("111").unwrap(), "111");
        assert_eq!(phone("12345"), Err(Fault::NotAPhone));
    }

    #[test]
    fn a_code_name_is_no_address() {
        assert_eq!(code_name("hoa-sen-07").unwrap(), "HOA-SEN-07");
        for place in ["12 Nguyễn Trãi, Hà Đông", "Nhà số 7", "HOA--SEN", "-", "số-7"] {
            assert_eq!(code_name(place), Err(Fault::NotACodeName), "{place}");
        }
    }

    #[test]
    fn every_fault_is_told_at_once() {
        let faults = read(
            FIELDS,
            &form(&[("birth", "31/02/1999"), ("phone", "x"), ("id_number", "1")]),
            TODAY,
        )
        .unwrap_err();
        assert_eq!(faults.len(), 3);
    }
}
