//! The steps of a case after its intake: what is recorded, in which state it can be, and which moves the work allows.
//!
//! Steps go in any order and side by side, as life does; support is open before identification (L53/2024 Art. 37).

use super::group::Group;
use super::refusal::Why;
use super::sections::{Closure, Companion, Identification, Protection, Reopening, Rescue, Support, Visit, Visitor};

/// What a step records.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Somebody under 18 who came along.
    Companion,
    /// Whether the person is a victim.
    Identification,
    /// How the person was freed.
    Rescue,
    /// A protective measure.
    Protection,
    /// One regime of support.
    Support,
    /// A follow-up visit.
    Visit,
    /// The end of the case.
    Closure,
    /// The case is opened again.
    Reopening,
}

/// Where a step stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum State {
    /// In force.
    Active,
    /// A second person agreed, or the deciding body itself recorded it.
    Approved,
    /// The person has received it.
    Delivered,
    /// It took place.
    Done,
    /// No longer in force.
    Ended,
    /// It will take place.
    Planned,
    /// It stands as recorded.
    Recorded,
    /// It waits for a second person.
    Requested,
    /// It came back to be corrected.
    Returned,
    /// It will not take place.
    Stopped,
}

/// Who may make a move.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum By {
    /// Whoever works on the case.
    Worker,
    /// A supervisor who did not record it.
    SecondPerson,
}

/// A move from one state to another.
#[derive(Clone, Copy, Debug)]
pub struct Move {
    /// Of which kind of step.
    pub kind: Kind,
    /// From which state.
    pub from: State,
    /// Its name, in the log and on the button.
    pub verb: &'static str,
    /// To which state.
    pub to: State,
    /// Who may.
    pub by: By,
}

const fn step(kind: Kind, from: State, verb: &'static str, to: State, by: By) -> Move {
    Move {
        kind,
        from,
        verb,
        to,
        by,
    }
}

use By::{SecondPerson, Worker};
use State::{Active, Approved, Delivered, Done, Ended, Planned, Recorded, Requested, Returned, Stopped};

/// Every move there is; the server refuses all others.
pub const MOVES: &[Move] = &[
    step(Kind::Identification, Requested, "approve", Approved, SecondPerson),
    step(Kind::Identification, Requested, "return", Returned, SecondPerson),
    step(Kind::Identification, Requested, "stop", Stopped, Worker),
    step(Kind::Identification, Returned, "stop", Stopped, Worker),
    step(Kind::Support, Requested, "approve", Approved, SecondPerson),
    step(Kind::Support, Requested, "return", Returned, SecondPerson),
    step(Kind::Support, Approved, "deliver", Delivered, Worker),
    step(Kind::Support, Requested, "stop", Stopped, Worker),
    step(Kind::Support, Returned, "stop", Stopped, Worker),
    step(Kind::Support, Approved, "stop", Stopped, Worker),
    step(Kind::Protection, Active, "end", Ended, Worker),
    step(Kind::Visit, Planned, "stop", Stopped, Worker),
    step(Kind::Closure, Requested, "approve", Approved, SecondPerson),
    step(Kind::Closure, Requested, "return", Returned, SecondPerson),
    step(Kind::Closure, Requested, "stop", Stopped, Worker),
    step(Kind::Closure, Returned, "stop", Stopped, Worker),
];

impl State {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Active, Approved, Delivered, Done, Ended, Planned, Recorded, Requested, Returned, Stopped,
    ];

    /// The stored code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Active => "active",
            Approved => "approved",
            Delivered => "delivered",
            Done => "done",
            Ended => "ended",
            Planned => "planned",
            Recorded => "recorded",
            Requested => "requested",
            Returned => "returned",
            Stopped => "stopped",
        }
    }

    /// Reads the stored code.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }
}

impl Kind {
    /// All of them, in the order of the plans: reception, identification, rescue, protection, support, reintegration.
    pub const ALL: [Self; 8] = [
        Self::Companion,
        Self::Identification,
        Self::Rescue,
        Self::Protection,
        Self::Support,
        Self::Visit,
        Self::Closure,
        Self::Reopening,
    ];

    /// Name in the database, in the log and in URLs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Companion => "companion",
            Self::Identification => "identification",
            Self::Rescue => "rescue",
            Self::Protection => "protection",
            Self::Support => "support",
            Self::Visit => "visit",
            Self::Closure => "closure",
            Self::Reopening => "reopening",
        }
    }

    /// Reads a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The data group in which its content is sealed.
    #[must_use]
    pub const fn group(self) -> Group {
        match self {
            Self::Companion => Group::Family,
            Self::Identification => Group::LegalStatus,
            Self::Rescue => Group::Origin,
            Self::Protection => Group::Shelter,
            Self::Support => Group::Needs,
            Self::Visit | Self::Closure | Self::Reopening => Group::Reintegration,
        }
    }

    /// Why somebody who records it opens the group.
    #[must_use]
    pub const fn purpose(self) -> &'static str {
        match self {
            Self::Identification => "identification",
            Self::Rescue | Self::Protection => "protection",
            Self::Support => "support",
            Self::Visit => "follow_up",
            Self::Companion | Self::Closure | Self::Reopening => "case_work",
        }
    }

    /// The state after it is recorded for the first time.
    #[must_use]
    pub const fn first(self) -> State {
        match self {
            Self::Identification | Self::Support | Self::Closure => Requested,
            Self::Companion | Self::Rescue | Self::Reopening => Recorded,
            Self::Protection => Active,
            Self::Visit => Done,
        }
    }

    /// The state after a correction; what was decided stays as it is.
    pub fn corrected(self, now: State) -> Result<State, Why> {
        match now {
            Planned => Ok(Done),
            Returned => Ok(Requested),
            Active | Done | Requested => Ok(now),
            Recorded if self != Self::Reopening => Ok(now),
            Approved | Delivered | Ended | Recorded | Stopped => Err(Why::Decided),
        }
    }

    /// The move of this name from a state.
    pub fn step(self, from: State, verb: &str) -> Result<&'static Move, Why> {
        self.moves(from).find(|known| known.verb == verb).ok_or(Why::NotNow)
    }

    /// Every move from a state.
    pub fn moves(self, from: State) -> impl Iterator<Item = &'static Move> {
        MOVES
            .iter()
            .filter(move |known| known.kind == self && known.from == from)
    }

    /// Calls the visitor with the section of its content.
    pub fn accept<V: Visitor>(self, visitor: V) -> V::Output {
        match self {
            Self::Companion => visitor.visit::<Companion>(),
            Self::Identification => visitor.visit::<Identification>(),
            Self::Rescue => visitor.visit::<Rescue>(),
            Self::Protection => visitor.visit::<Protection>(),
            Self::Support => visitor.visit::<Support>(),
            Self::Visit => visitor.visit::<Visit>(),
            Self::Closure => visitor.visit::<Closure>(),
            Self::Reopening => visitor.visit::<Reopening>(),
        }
    }
}

/// What stands in the way of ending a case: `steps` are its steps, `referral_open` whether a body still holds a referral.
pub fn may_close(steps: impl Iterator<Item = (Kind, State)>, referral_open: bool) -> Result<(), Why> {
    if referral_open {
        return Err(Why::ReferralOpen);
    }
    for (kind, state) in steps {
        match (kind, state) {
            (Kind::Protection, Active) => return Err(Why::ProtectionActive),
            (Kind::Identification | Kind::Support, Requested | Returned) => return Err(Why::Waiting),
            (Kind::Support, Approved) => return Err(Why::NotDelivered),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_waits_for_a_second_person_can_be_approved_or_returned() {
        for kind in Kind::ALL.into_iter().filter(|kind| kind.first() == Requested) {
            let by: Vec<By> = ["approve", "return"]
                .iter()
                .map(|verb| kind.step(Requested, verb).unwrap().by)
                .collect();
            assert_eq!(by, [SecondPerson, SecondPerson]);
            assert_eq!(kind.corrected(Returned), Ok(Requested));
        }
    }

    #[test]
    fn support_is_not_delivered_before_it_is_approved() {
        assert_eq!(Kind::Support.step(Requested, "deliver").unwrap_err(), Why::NotNow);
        assert!(Kind::Support.step(Approved, "deliver").is_ok());
    }

    #[test]
    fn what_was_decided_is_not_corrected() {
        for state in [Approved, Delivered, Ended, Stopped] {
            for kind in Kind::ALL {
                assert_eq!(kind.corrected(state), Err(Why::Decided));
            }
        }
    }

    #[test]
    fn a_case_does_not_end_while_something_runs() {
        assert_eq!(may_close([].into_iter(), true), Err(Why::ReferralOpen));
        assert_eq!(
            may_close([(Kind::Protection, Active)].into_iter(), false),
            Err(Why::ProtectionActive)
        );
        assert_eq!(
            may_close([(Kind::Support, Requested)].into_iter(), false),
            Err(Why::Waiting)
        );
        assert_eq!(
            may_close([(Kind::Support, Approved)].into_iter(), false),
            Err(Why::NotDelivered)
        );
        assert_eq!(
            may_close([(Kind::Support, Delivered), (Kind::Visit, Planned)].into_iter(), false),
            Ok(())
        );
    }
}
