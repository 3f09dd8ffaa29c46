//! Times as people in Viet Nam read them: UTC+7, day first.

use chrono::{DateTime, Datelike as _, Duration, Timelike as _, Utc};

use crate::domain::text;

/// `05/03/2026 14:30`.
#[must_use]
pub fn shown(ms: i64) -> String {
    let at = local(ms);
    let (day, month, year) = (at.day(), at.month(), at.year());
    // A list shows two hundred times; a format string would be parsed for each.
    format!("{day:02}/{month:02}/{year:04} {:02}:{:02}", at.hour(), at.minute())
}

/// `05/03/2026 14:30:05`.
#[must_use]
pub fn shown_to_the_second(ms: i64) -> String {
    format!("{}:{:02}", shown(ms), local(ms).second())
}

/// The day that ends at this moment, `04/03/2026`, if one does.
#[must_use]
pub fn end_of_day(ms: i64) -> Option<String> {
    let at = local(ms);
    let last = local(ms - 1);
    let (day, month, year) = (last.day(), last.month(), last.year());
    (at.hour() == 0 && at.minute() == 0 && at.second() == 0).then(|| format!("{day:02}/{month:02}/{year:04}"))
}

/// The day that begins at this moment, `05/03/2026`, if one does.
#[must_use]
pub fn start_of_day(ms: i64) -> Option<String> {
    let at = local(ms);
    let (day, month, year) = (at.day(), at.month(), at.year());
    (end_of_day(ms).is_some()).then(|| format!("{day:02}/{month:02}/{year:04}"))
}

/// `2026-03-05T14:30:00+07:00`, for machines.
#[must_use]
pub fn machine(ms: i64) -> String {
    let at = local(ms);
    let (day, month, year) = (at.day(), at.month(), at.year());
    let (hour, minute, second) = (at.hour(), at.minute(), at.second());
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}+07:00")
}

fn local(ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(ms).unwrap_or_default() + Duration::hours(7)
}

/// The start of a day typed as `DD/MM/YYYY` or `YYYY-MM-DD`, in UTC milliseconds.
#[must_use]
pub fn day_start(text: &str) -> Option<i64> {
    let folded = text::digits_kept(text);
    let text = folded.trim();
    let day = chrono::NaiveDate::parse_from_str(text, "%d/%m/%Y")
        .or_else(|_| chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d"))
        .ok()?;
    Some(day.and_hms_opt(0, 0, 0)?.and_utc().timestamp_millis() - 7 * 3_600_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_in_viet_nam_and_told_to_machines() {
        let at = DateTime::parse_from_rfc3339("2026-03-05T23:04:09Z")
            .unwrap()
            .timestamp_millis();
        assert_eq!(shown(at), "06/03/2026 06:04");
        assert_eq!(shown_to_the_second(at), "06/03/2026 06:04:09");
        assert_eq!(machine(at), "2026-03-06T06:04:09+07:00");
        assert_eq!(end_of_day(at), None);
        let midnight = DateTime::parse_from_rfc3339("2026-03-04T17:00:00Z")
            .unwrap()
            .timestamp_millis();
        assert_eq!(end_of_day(midnight).as_deref(), Some("04/03/2026"));
        assert_eq!(start_of_day(midnight).as_deref(), Some("05/03/2026"));
        assert_eq!(start_of_day(midnight + 1000), None);
        for typed in ["05/03/2026", "5/3/2026 ", "2026-03-05", "０５/０３/２０２６"] {
            assert_eq!(day_start(typed), Some(midnight), "{typed}");
        }
        assert_eq!(day_start("31/02/2026"), None);
    }
}
