//! What happened in a case and when, from its plain rows alone: the newest first.

use serde::Serialize;

use crate::domain::part::Part;
use crate::domain::public_id::PublicId;
use crate::domain::step::Kind;
use crate::operations::view_case::CaseView;
use crate::web::pages::parts::title;
use crate::web::time;

/// One line.
#[derive(Serialize)]
pub struct Event {
    at: String,
    machine: String,
    /// Message key of what it is about, and of what became of it.
    what: String,
    state: Option<String>,
}

/// The lines of a case; a receiving body has none beyond its own stage.
pub fn timeline(view: &CaseView) -> Vec<Event> {
    let mut events: Vec<(i64, String, Option<String>)> =
        vec![(view.case.opened_at, "timeline-opened".to_owned(), None)];
    let mut add = |at: Option<i64>, what: &str, state: String| {
        events.extend(at.map(|at| (at, what.to_owned(), Some(state))));
    };
    for row in &view.around.steps {
        let Some(kind) = Kind::parse(&row.kind) else {
            continue;
        };
        let what = title(Part::Step(kind, Some(PublicId([0; 16]))));
        add(
            Some(row.recorded_at).filter(|_| row.content > 0),
            &what,
            "state-recorded".to_owned(),
        );
        add(row.decided_at, &what, format!("state-{}", row.state));
    }
    for row in &view.around.referrals {
        let what = format!("referral-{}", row.kind);
        add(Some(row.sent_at), &what, "referral-state-sent".to_owned());
        let decided = if row.state == "rejected" {
            "rejected"
        } else {
            "accepted"
        };
        add(row.decided_at, &what, format!("referral-state-{decided}"));
        add(row.closed_at, &what, format!("referral-state-{}", row.state));
    }
    for row in &view.around.consents {
        let what = format!("code-consent_purpose-{}", row.purpose);
        let first = if row.state == "refused" { "refused" } else { "given" };
        add(Some(row.recorded_at), &what, format!("consent-{first}"));
        add(row.withdrawn_at, &what, "consent-withdrawn".to_owned());
    }
    for clock in &view.deadlines {
        add(
            clock.met_at,
            &format!("deadline-{}", clock.code),
            "clock-met".to_owned(),
        );
    }
    events.sort_by_key(|(at, ..)| std::cmp::Reverse(*at));
    events
        .into_iter()
        .map(|(at, what, state)| Event {
            at: time::shown(at),
            machine: time::machine(at),
            what,
            state,
        })
        .collect()
}

impl Event {
    /// A line with a state and one without.
    pub fn samples() -> Vec<Self> {
        ["timeline-opened", "part-rescue"]
            .into_iter()
            .map(|what| Self {
                at: time::shown(0),
                machine: time::machine(0),
                what: what.to_owned(),
                state: (what != "timeline-opened").then(|| "state-recorded".to_owned()),
            })
            .collect()
    }
}
