//! When follow-up visits are planned, as `rules/follow_up.toml` gives them.

use std::sync::LazyLock;

use chrono::{DateTime, Months};
use serde::Deserialize;

static MONTHS: LazyLock<Vec<u32>> = LazyLock::new(|| {
    #[derive(Deserialize)]
    struct File {
        months: Vec<u32>,
    }
    #[expect(clippy::expect_used, reason = "the file is part of the binary and a test reads it")]
    toml::from_str::<File>(include_str!("../../rules/follow_up.toml"))
        .expect("follow_up.toml parses")
        .months
});

/// Due times of the visits of a plan made at this time, both UTC milliseconds; a month without that day ends on its last.
#[must_use]
pub fn visits(plan_ms: i64) -> Vec<i64> {
    let Some(start) = DateTime::from_timestamp_millis(plan_ms) else {
        return Vec::new();
    };
    MONTHS
        .iter()
        .filter_map(|months| start.checked_add_months(Months::new(*months)))
        .map(|due| due.timestamp_millis())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visits_fall_after_one_three_six_and_twelve_months() {
        let at = |text: &str| DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis();
        let due = visits(at("2026-08-31T03:00:00Z"));
        assert_eq!(due.first(), Some(&at("2026-09-30T03:00:00Z")));
        assert_eq!((due.len(), due.last()), (4, Some(&at("2027-08-31T03:00:00Z"))));
    }
}
