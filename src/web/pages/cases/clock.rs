//! A clock as lists and cases show it.

use serde::Serialize;

use crate::domain::deadline;
use crate::operations::view_case::Clock;
use crate::web::time;

/// A clock with its colour.
#[derive(Serialize, Clone)]
pub struct ClockView {
    code: String,
    due: String,
    /// Whether it is due with the end of the day that is shown.
    whole_day: bool,
    /// The day from whose beginning hours count, because the hour of the start is not known.
    since: Option<String>,
    /// Hours or days until it is due, or since.
    left: (&'static str, i64),
    due_machine: String,
    met: bool,
    /// When what it asks for was done.
    done: Option<String>,
    /// `overdue`, `due` (within a day), `ok`, or `unmet` in a closed case.
    pub(super) state: &'static str,
    source: &'static str,
    source_en: &'static str,
    /// Where it is said that what it asks for is done.
    meet: Option<String>,
    /// Where that is taken back.
    resume: Option<String>,
    /// The day that was typed, and what is wrong with it.
    typed: String,
    fault: Option<String>,
}

impl ClockView {
    /// A clock as it stands now.
    #[must_use]
    pub fn new(clock: &Clock, now_ms: i64) -> Self {
        let left = clock.due_at - now_ms;
        let state = match left {
            _ if clock.met_at.is_some() => "ok",
            ..0 => "overdue",
            0..86_400_000 => "due",
            _ => "ok",
        };
        Self {
            code: clock.code.clone(),
            // A limit of days ends at 24:00 of the last day, which nobody reads as 00:00 of the next.
            due: time::end_of_day(clock.due_at).unwrap_or_else(|| time::shown(clock.due_at)),
            whole_day: time::end_of_day(clock.due_at).is_some(),
            since: clock
                .started_at
                .filter(|_| clock.met_at.is_none() && time::end_of_day(clock.due_at).is_none())
                .and_then(time::start_of_day),
            left: match (left < 0, left.abs() / 3_600_000) {
                (false, hours @ ..48) => ("clock-left-hours", hours),
                (false, hours) => ("clock-left-days", hours / 24),
                (true, hours @ ..48) => ("clock-late-hours", hours),
                (true, hours) => ("clock-late-days", hours / 24),
            },
            due_machine: time::machine(clock.due_at),
            met: clock.met_at.is_some(),
            done: clock.met_at.map(time::shown),
            state,
            source: deadline::find(&clock.code).map_or("", |known| known.source.as_str()),
            source_en: deadline::find(&clock.code).map_or("", |known| known.source_en.as_str()),
            meet: None,
            resume: None,
            typed: String::new(),
            fault: None,
        }
    }

    /// The same clock in a case that ended before what it asks for was done.
    #[must_use]
    pub fn unmet(self) -> Self {
        let state = if self.met { self.state } else { "unmet" };
        Self { state, ..self }
    }

    /// The same clock with a way to take back that it was met.
    #[must_use]
    pub fn resumed_at(self, address: Option<String>) -> Self {
        Self {
            resume: address,
            ..self
        }
    }

    /// The same clock with the day that was typed, and what is wrong with it.
    #[must_use]
    pub fn faulty(self, typed: &str, fault: String) -> Self {
        Self {
            typed: typed.to_owned(),
            fault: Some(fault),
            ..self
        }
    }

    /// Its code.
    #[must_use]
    pub fn is(&self, code: &str) -> bool {
        self.code == code
    }

    /// The same clock with a button that says that what it asks for is done.
    #[must_use]
    pub fn met_at(self, address: Option<String>) -> Self {
        Self { meet: address, ..self }
    }
}
