//! A date that may be only a year or a month, and may be an estimate (ISO 8601-2, EDTF level 1).

use chrono::{Months, NaiveDate};
use serde::{Deserialize, Serialize};

/// `2024`, `2024-03`, `2024-03-05`; a `~` at the end says *estimated*.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq)]
#[serde(try_from = "String", into = "String")]
pub struct PartialDate {
    year: i32,
    month: Option<u32>,
    day: Option<u32>,
    estimated: bool,
}

/// The text is no date, or not one of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a date of the calendar")]
pub struct NoSuchDate;

impl PartialDate {
    /// Checks the parts against the calendar; years 1900 to 2200.
    pub fn new(year: i32, month: Option<u32>, day: Option<u32>, estimated: bool) -> Result<Self, NoSuchDate> {
        let exists = NaiveDate::from_ymd_opt(year, month.unwrap_or(1), day.unwrap_or(1)).is_some();
        if !exists || !(1900..=2200).contains(&year) || (month.is_none() && day.is_some()) {
            return Err(NoSuchDate);
        }
        Ok(Self {
            year,
            month,
            day,
            estimated,
        })
    }

    /// Reads what people type: `5/3/2024`, `03/2024`, `2024`, `2024-03-05`, with `~`, `khoảng` or `about` for an estimate.
    pub fn from_typed(text: &str) -> Result<Self, NoSuchDate> {
        let text = text.trim().to_lowercase();
        let plain = text
            .trim_start_matches("khoảng")
            .trim_start_matches("about")
            .trim_start_matches('~')
            .trim_end_matches('~')
            .trim();
        let estimated = plain.len() != text.len();
        let parts: Vec<&str> = plain.split(['/', '-', '.']).map(str::trim).collect();
        if parts
            .iter()
            .any(|part| part.is_empty() || part.len() > 4 || !part.bytes().all(|byte| byte.is_ascii_digit()))
        {
            return Err(NoSuchDate);
        }
        let number = |part: &str| part.parse::<u32>().map_err(|_| NoSuchDate);
        let year = |part: &str| {
            if part.len() == 4 {
                part.parse::<i32>().map_err(|_| NoSuchDate)
            } else {
                Err(NoSuchDate)
            }
        };
        match parts.as_slice() {
            [y] => Self::new(year(y)?, None, None, estimated),
            [y, m] if y.len() == 4 => Self::new(year(y)?, Some(number(m)?), None, estimated),
            [m, y] => Self::new(year(y)?, Some(number(m)?), None, estimated),
            [y, m, d] if y.len() == 4 => Self::new(year(y)?, Some(number(m)?), Some(number(d)?), estimated),
            [d, m, y] => Self::new(year(y)?, Some(number(m)?), Some(number(d)?), estimated),
            _ => Err(NoSuchDate),
        }
    }

    /// `05/03/2024`, `03/2024` or `2024`, as forms and pages show it; `~` in front of an estimate.
    #[must_use]
    pub fn shown(&self) -> String {
        let mark = if self.estimated { "~" } else { "" };
        match (self.month, self.day) {
            (Some(month), Some(day)) => format!("{mark}{day:02}/{month:02}/{}", self.year),
            (Some(month), None) => format!("{mark}{month:02}/{}", self.year),
            _ => format!("{mark}{}", self.year),
        }
    }

    /// The first day that it can be.
    #[must_use]
    pub fn first_day(&self) -> NaiveDate {
        NaiveDate::from_ymd_opt(self.year, self.month.unwrap_or(1), self.day.unwrap_or(1)).unwrap_or(NaiveDate::MAX)
    }

    /// The last day that it can be.
    #[must_use]
    pub fn last_day(&self) -> NaiveDate {
        let first = self.first_day();
        let after = match (self.month, self.day) {
            (Some(_), Some(_)) => return first,
            (Some(_), None) => first.checked_add_months(Months::new(1)),
            _ => first.checked_add_months(Months::new(12)),
        };
        after.and_then(|after| after.pred_opt()).unwrap_or(NaiveDate::MAX)
    }

    /// The day, if it is known to the day and not guessed.
    #[must_use]
    pub fn day(&self) -> Option<NaiveDate> {
        (self.day.is_some() && !self.estimated).then(|| self.first_day())
    }
}

impl From<PartialDate> for String {
    fn from(date: PartialDate) -> Self {
        let mark = if date.estimated { "~" } else { "" };
        match (date.month, date.day) {
            (Some(month), Some(day)) => format!("{:04}-{month:02}-{day:02}{mark}", date.year),
            (Some(month), None) => format!("{:04}-{month:02}{mark}", date.year),
            _ => format!("{:04}{mark}", date.year),
        }
    }
}

impl TryFrom<String> for PartialDate {
    type Error = NoSuchDate;

    fn try_from(text: String) -> Result<Self, NoSuchDate> {
        let date = Self::from_typed(&text)?;
        if String::from(date.clone()) == text {
            Ok(date)
        } else {
            Err(NoSuchDate)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_dates_become_the_stored_form() {
        for (typed, stored) in [
            ("5/3/2024", "2024-03-05"),
            ("03/2024", "2024-03"),
            ("2024", "2024"),
            ("2024-03-05", "2024-03-05"),
            ("khoảng 1999", "1999~"),
            ("About 1999", "1999~"),
            ("~03/1999", "1999-03~"),
            ("29/02/2024", "2024-02-29"),
            (" 1.2.2003 ", "2003-02-01"),
        ] {
            let date = PartialDate::from_typed(typed).unwrap();
            assert_eq!(String::from(date.clone()), stored, "{typed}");
            assert!(PartialDate::from_typed(&date.shown()).unwrap() == date);
        }
    }

    #[test]
    fn a_part_of_a_date_has_a_first_and_a_last_day() {
        let day = |text: &str| NaiveDate::parse_from_str(text, "%Y-%m-%d").unwrap();
        for (typed, first, last) in [
            ("2024", "2024-01-01", "2024-12-31"),
            ("02/2024", "2024-02-01", "2024-02-29"),
            ("12/2024", "2024-12-01", "2024-12-31"),
            ("5/3/2024", "2024-03-05", "2024-03-05"),
        ] {
            let date = PartialDate::from_typed(typed).unwrap();
            assert_eq!((date.first_day(), date.last_day()), (day(first), day(last)), "{typed}");
        }
        let known = |typed: &str| PartialDate::from_typed(typed).unwrap().day();
        assert_eq!(known("5/3/2024"), Some(day("2024-03-05")));
        assert_eq!((known("~5/3/2024"), known("03/2024")), (None, None));
    }

    #[test]
    fn dates_that_do_not_exist_are_refused() {
        for typed in [
            "31/02/1999",
            "29/02/2023",
            "0/1/2000",
            "13/2000",
            "1/1/99",
            "",
            "hôm qua",
            "1850",
            "2000-1-1-1",
            "99999",
        ] {
            assert!(PartialDate::from_typed(typed).is_err(), "{typed}");
        }
    }
}
