//! Times as people in Viet Nam read them: UTC+7, day first.

use chrono::{DateTime, Duration};

/// `05/03/2026 14:30`.
#[must_use]
pub fn shown(ms: i64) -> String {
    let local = DateTime::from_timestamp_millis(ms).unwrap_or_default() + Duration::hours(7);
    local.format("%d/%m/%Y %H:%M").to_string()
}

/// `2026-03-05T14:30:00+07:00`, for machines.
#[must_use]
pub fn machine(ms: i64) -> String {
    let local = DateTime::from_timestamp_millis(ms).unwrap_or_default() + Duration::hours(7);
    local.format("%Y-%m-%dT%H:%M:%S+07:00").to_string()
}

/// The start of a day typed as `DD/MM/YYYY` or `YYYY-MM-DD`, in UTC milliseconds.
#[must_use]
pub fn day_start(text: &str) -> Option<i64> {
    let text = text.trim();
    let day = chrono::NaiveDate::parse_from_str(text, "%d/%m/%Y")
        .or_else(|_| chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d"))
        .ok()?;
    Some(day.and_hms_opt(0, 0, 0)?.and_utc().timestamp_millis() - 7 * 3_600_000)
}
