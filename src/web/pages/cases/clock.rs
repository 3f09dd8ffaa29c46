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
    due_machine: String,
    met: bool,
    /// `overdue`, `due` (within a day) or `ok`.
    pub(super) state: &'static str,
    source: String,
    /// Where it is said that what it asks for is done.
    meet: Option<String>,
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
            due: time::shown(clock.due_at),
            due_machine: time::machine(clock.due_at),
            met: clock.met_at.is_some(),
            state,
            source: deadline::find(&clock.code)
                .map(|known| known.source.clone())
                .unwrap_or_default(),
            meet: None,
        }
    }

    /// The same clock with a button that says that what it asks for is done.
    #[must_use]
    pub fn met_at(self, address: Option<String>) -> Self {
        Self { meet: address, ..self }
    }
}
