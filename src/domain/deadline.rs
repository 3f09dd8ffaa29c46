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

/// One clock.
#[derive(Deserialize)]
pub struct Deadline {
    /// Code of the clock, as in the field.
    pub code: String,
    /// Number of units.
    pub length: i64,
    /// `hour` or `day`; a day limit ends at 24:00 of the last day in Viet Nam (BLTTHS Art. 134).
    pub unit: Unit,
    /// Article or circular.
    pub source: String,
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
}

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
            Unit::Day => {
                // Viet Nam has kept UTC+7 without summer time since 1975.
                let local = start_ms + 7 * HOUR_MS;
                let midnight = local.div_euclid(24 * HOUR_MS) * 24 * HOUR_MS;
                midnight + (self.length + 1) * 24 * HOUR_MS - 7 * HOUR_MS
            }
        }
    }
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
    fn a_limit_of_hours_runs_by_the_clock() {
        let deadline = find("TN_THONG_BAO_SYT").unwrap();
        assert_eq!(deadline.due_ms(0), 24 * HOUR_MS);
    }
}
