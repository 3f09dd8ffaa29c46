//! The clocks of the law, as `rules/deadlines.toml` gives them.

use std::sync::LazyLock;

use serde::Deserialize;

const HOUR_MS: i64 = 3_600_000;

static FILE: LazyLock<Vec<Deadline>> = LazyLock::new(|| {
    #[derive(Deserialize)]
    struct File {
        deadline: Vec<Deadline>,
    }
    #[expect(clippy::expect_used, reason = "the file is part of the binary and a test reads it")]
    toml::from_str::<File>(include_str!("../../rules/deadlines.toml"))
        .expect("deadlines.toml parses")
        .deadline
});

/// The clocks that start when somebody is received.
pub const OF_RECEPTION: [&str; 2] = ["TN_THONG_BAO_SYT", CHILD];

/// The clock for emergency measures for a child (Decree 56/2017 Art. 26, 31).
pub const CHILD: &str = "TE_CAN_THIEP";

/// When a clock of reception starts, UTC milliseconds: a case entered a day or more later counts from the beginning of the day
/// on which the person came, so that it is never shown as due too late.
#[must_use]
pub fn reception_start(received: chrono::NaiveDate, opened_ms: i64) -> i64 {
    let start = start_of_day(received);
    if local_day(start) < local_day(opened_ms) {
        start
    } else {
        opened_ms
    }
}

/// When something was done that a person dates by the day, UTC milliseconds: its beginning, but not before `start_ms`;
/// `None` when the day lies wholly before it.
#[must_use]
pub fn done_on(day: chrono::NaiveDate, start_ms: i64) -> Option<i64> {
    let begins = start_of_day(day);
    (local_day(begins) >= local_day(start_ms)).then_some(begins.max(start_ms))
}

/// One clock.
#[derive(Deserialize)]
pub struct Deadline {
    /// Code of the clock, as in the field.
    pub code: String,
    /// Number of units.
    pub length: i64,
    /// `hour`, `day` or `working_day`; a limit of days ends at 24:00 of the last day in Viet Nam (BLTTHS Art. 134).
    pub unit: Unit,
    /// Article or circular.
    pub source: String,
    /// The same in English.
    pub source_en: String,
    /// The clock that starts when this one is met.
    pub then: Option<String>,
    /// How sure the length is: `stated`, `secondary` or `proposed`.
    pub confidence: String,
}

/// Unit of a clock.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Hours from the start.
    Hour,
    /// Calendar days; the day of the start does not count.
    Day,
    /// Days that are neither Saturday, Sunday nor in `rules/holidays.toml`; the day of the start does not count.
    WorkingDay,
}

/// Days of rest that fall on the same date each year, as `(month, day)`.
static HOLIDAYS: LazyLock<Vec<(u32, u32)>> = LazyLock::new(|| {
    #[derive(Deserialize)]
    struct File {
        every_year: Vec<(u32, u32)>,
    }
    #[expect(clippy::expect_used, reason = "the file is part of the binary and a test reads it")]
    toml::from_str::<File>(include_str!("../../rules/holidays.toml"))
        .expect("holidays.toml parses")
        .every_year
});

/// A clock by code.
#[must_use]
pub fn find(code: &str) -> Option<&'static Deadline> {
    FILE.iter().find(|deadline| deadline.code == code)
}

impl Deadline {
    /// The clock that starts when this one is met.
    #[must_use]
    pub fn next(&self) -> Option<&'static Self> {
        self.then.as_deref().and_then(find)
    }

    /// When it is due, UTC milliseconds, for a start in UTC milliseconds.
    #[must_use]
    pub fn due_ms(&self, start_ms: i64) -> i64 {
        match self.unit {
            Unit::Hour => start_ms + self.length * HOUR_MS,
            Unit::Day => end_of_day(local_day(start_ms) + self.length),
            Unit::WorkingDay => {
                let mut day = local_day(start_ms);
                for _ in 0..self.length {
                    day += 1;
                    while is_rest(day) {
                        day += 1;
                    }
                }
                end_of_day(day)
            }
        }
    }
}

/// Day number since 1970 in Viet Nam, which has kept UTC+7 without summer time since 1975.
fn local_day(at_ms: i64) -> i64 {
    (at_ms + 7 * HOUR_MS).div_euclid(24 * HOUR_MS)
}

/// 00:00 of a day in Viet Nam, UTC milliseconds.
#[must_use]
pub fn start_of_day(day: chrono::NaiveDate) -> i64 {
    i64::from(day.to_epoch_days()) * 24 * HOUR_MS - 7 * HOUR_MS
}

/// 24:00 of a day in Viet Nam, UTC milliseconds.
fn end_of_day(day: i64) -> i64 {
    (day + 1) * 24 * HOUR_MS - 7 * HOUR_MS
}

fn is_rest(day: i64) -> bool {
    use chrono::{Datelike as _, Weekday};
    let Some(date) = i32::try_from(day).ok().and_then(chrono::NaiveDate::from_epoch_days) else {
        return false;
    };
    matches!(date.weekday(), Weekday::Sat | Weekday::Sun) || HOLIDAYS.contains(&(date.month(), date.day()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_of_days_ends_at_midnight_of_the_last_day_in_viet_nam() {
        let deadline = find("XM_BAN_DAU").unwrap();
        let at = |text: &str| chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis();
        assert_eq!(
            deadline.due_ms(at("2026-03-01T23:30:00+07:00")),
            at("2026-03-05T00:00:00+07:00")
        );
        assert_eq!(
            deadline.due_ms(at("2026-03-02T00:10:00+07:00")),
            at("2026-03-06T00:00:00+07:00")
        );
    }

    #[test]
    fn a_clock_of_reception_counts_from_the_day_the_person_came() {
        let at = |text: &str| chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis();
        let day = |day| chrono::NaiveDate::from_ymd_opt(2026, 3, day).unwrap();
        let opened = at("2026-03-02T00:10:00+07:00");
        assert_eq!(reception_start(day(1), opened), at("2026-03-01T00:00:00+07:00"));
        assert_eq!(reception_start(day(2), opened), opened);
        assert_eq!(reception_start(day(3), opened), opened);
    }

    #[test]
    fn what_is_dated_by_the_day_is_not_done_before_its_clock_started() {
        let at = |text: &str| chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis();
        let day = |day| chrono::NaiveDate::from_ymd_opt(2026, 3, day).unwrap();
        let start = at("2026-03-02T09:00:00+07:00");
        assert_eq!(done_on(day(1), start), None);
        assert_eq!(done_on(day(2), start), Some(start));
        assert_eq!(done_on(day(3), start), Some(at("2026-03-03T00:00:00+07:00")));
    }

    #[test]
    fn a_limit_of_hours_runs_by_the_clock() {
        let deadline = find("TN_THONG_BAO_SYT").unwrap();
        assert_eq!(deadline.due_ms(0), 24 * HOUR_MS);
    }

    #[test]
    fn a_limit_of_working_days_passes_over_weekends_and_holidays() {
        let at = |text: &str| chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis();
        let deadline = find("TGPL_CU_NGUOI").unwrap();
        // Thursday, 5 March 2026: Friday, Monday, Tuesday.
        assert_eq!(
            deadline.due_ms(at("2026-03-05T10:00:00+07:00")),
            at("2026-03-11T00:00:00+07:00")
        );
        // Wednesday, 29 April 2026: 30 April and 1 May are days of rest; Monday, Tuesday, Wednesday.
        assert_eq!(
            deadline.due_ms(at("2026-04-29T10:00:00+07:00")),
            at("2026-05-07T00:00:00+07:00")
        );
    }
}
