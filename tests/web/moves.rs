//! Steps in any order, and every move that the work does not allow: refused, said why, and nothing changed.

use donghanh::domain::group::Group;
use donghanh::domain::step::{By, Kind, MOVES, State};

use crate::browser::Browser;
use crate::walk::{NOT_VICTIM, Setting, press, save, seen, take_in};

/// The least that a step of a kind says.
fn least(kind: Kind) -> Vec<(&'static str, &'static str)> {
    match kind {
        Kind::Companion => vec![("companion_alias", "Bé Mẫu")],
        Kind::Identification => NOT_VICTIM.to_vec(),
        Kind::Rescue => vec![("lead_force", "border_guard")],
        Kind::Protection => vec![("measures", "guards")],
        Kind::Support => vec![("regime", "medical")],
        Kind::Visit => vec![("visited_on", "01/03/2026"), ("visit_form", "home")],
        Kind::Closure => vec![("closing_reason", "own_wish")],
        Kind::Reopening => vec![("reopening_reason", "new_danger")],
    }
}

/// Every verb that any move has, and one that none has.
fn verbs() -> Vec<&'static str> {
    let mut verbs: Vec<&str> = MOVES.iter().map(|known| known.verb).chain(["reopen"]).collect();
    verbs.sort_unstable();
    verbs.dedup();
    verbs
}

/// The state of the first step of a kind, as the database has it, and its address.
fn found(setting: &Setting, case: &str, kind: Kind) -> (State, String) {
    use diesel::prelude::*;
    use donghanh::storage::schema::{case_file, step};
    let id = donghanh::domain::public_id::PublicId::parse(case.rsplit('/').next().unwrap()).unwrap();
    let (code, named): (String, Vec<u8>) = step::table
        .inner_join(case_file::table)
        .filter(case_file::public_id.eq(id.0.to_vec()))
        .filter(step::kind.eq(kind.name()))
        .order(step::due_at)
        .select((step::state, step::public_id))
        .first(&mut setting.served.world.connection())
        .unwrap();
    let named = donghanh::domain::public_id::PublicId(named.try_into().unwrap());
    (
        State::parse(&code).unwrap(),
        format!("{case}/steps/{}/{named}", kind.name()),
    )
}

fn state(setting: &Setting, case: &str, kind: Kind) -> State {
    found(setting, case, kind).0
}

/// Tries every verb that has no move from where the step stands, as the worker and as the supervisor.
fn nothing_else_moves(setting: &Setting, people: [&Browser<'_>; 2], case: &str, kind: Kind) {
    let (now, at) = found(setting, case, kind);
    let allowed: Vec<&str> = kind.moves(now).map(|known| known.verb).collect();
    for (number, browser) in people.into_iter().enumerate() {
        let page = browser.get(case);
        for verb in verbs().into_iter().filter(|verb| !allowed.contains(verb)) {
            for seen in [seen(&page, &at), "1".to_owned()] {
                let fields = [("verb", verb), ("seen", seen.as_str()), ("reason", "missing_document")];
                let answer = browser.submit(&page, &format!("{at}/state"), &fields);
                let of_supervisor = MOVES
                    .iter()
                    .any(|known| known.kind == kind && known.verb == verb && known.by == By::SecondPerson);
                let expected = if of_supervisor && number == 0 { 404 } else { 409 };
                assert_eq!(answer.status, expected, "{kind:?} {now:?} {verb}");
                assert!(answer.body.contains("<h1"), "{kind:?} {now:?} {verb}: it says why");
            }
            assert_eq!(state(setting, case, kind), now, "{kind:?} {verb}");
        }
    }
}

#[test]
fn every_kind_of_step_can_be_the_first_of_a_case_and_only_the_moves_of_the_table_move_it() {
    let setting = Setting::new();
    let worker = setting.served.signed_in(&setting.cast.worker);
    let supervisor = setting.served.signed_in(&setting.cast.supervisor);
    let people = [&worker, &supervisor];
    let mut seen = Vec::new();
    for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Reopening) {
        // Each way through the table, the empty one first.
        let mut ways: Vec<Vec<&'static str>> = vec![vec![]];
        while let Some(way) = ways.pop() {
            let case = take_in(&worker, &[("alias", "Hoa Mẫu")]);
            let new = format!("{case}/steps/{}/new", kind.name());
            assert_eq!(save(&worker, &new, &least(kind)).status, 303, "{kind:?} first of all");
            for verb in &way {
                let known = kind.step(state(&setting, &case, kind), verb).unwrap();
                let who = if known.by == By::Worker { &worker } else { &supervisor };
                assert_eq!(press(who, &case, kind.name(), verb).status, 303, "{kind:?} {way:?}");
                assert_eq!(state(&setting, &case, kind), known.to);
            }
            let now = state(&setting, &case, kind);
            seen.push((kind, now));
            nothing_else_moves(&setting, people, &case, kind);
            for known in kind.moves(now) {
                ways.push([way.as_slice(), &[known.verb]].concat());
            }
        }
    }
    for known in MOVES.iter().filter(|known| known.from != State::Planned) {
        assert!(
            seen.contains(&(known.kind, known.from)) && seen.contains(&(known.kind, known.to)),
            "{known:?}"
        );
    }
}

#[test]
fn a_planned_visit_is_recorded_or_stopped_and_nothing_else() {
    let setting = Setting::new();
    let (worker, case) = setting.case();
    let supervisor = setting.served.signed_in(&setting.cast.supervisor);
    assert_eq!(
        worker.submit(&worker.get(&case), &format!("{case}/visits"), &[]).status,
        303
    );
    assert_eq!(state(&setting, &case, Kind::Visit), State::Planned);
    nothing_else_moves(&setting, [&worker, &supervisor], &case, Kind::Visit);
    let (_, at) = found(&setting, &case, Kind::Visit);
    let shown = seen(&worker.get(&case), &at);
    let stop = [("verb", "stop"), ("seen", shown.as_str())];
    assert_eq!(
        worker.submit(&worker.get(&case), &format!("{at}/state"), &stop).status,
        303
    );
    assert_eq!(state(&setting, &case, Kind::Visit), State::Stopped);
    nothing_else_moves(&setting, [&worker, &supervisor], &case, Kind::Visit);
}

#[test]
fn in_a_closed_case_nothing_moves_but_its_reopening() {
    let setting = Setting::new();
    let (worker, case) = setting.case();
    let supervisor = setting.served.signed_in(&setting.cast.supervisor);
    for kind in [Kind::Rescue, Kind::Visit, Kind::Companion, Kind::Closure] {
        assert_eq!(
            save(&worker, &format!("{case}/steps/{}/new", kind.name()), &least(kind)).status,
            303
        );
    }
    let reopening = format!("{case}/steps/reopening/new");
    let early = save(&worker, &reopening, &least(Kind::Reopening));
    assert_eq!(early.status, 409, "an open case is not reopened");
    assert_eq!(press(&supervisor, &case, "closure", "approve").status, 303);
    let kinds: Vec<Kind> = Kind::ALL.into_iter().filter(|kind| *kind != Kind::Reopening).collect();
    let token = worker.get("/cases");
    for kind in &kinds {
        let at = format!("{case}/steps/{}/new", kind.name());
        let fields = [
            least(*kind).as_slice(),
            &[("purpose", "protection"), ("confirmed", "yes"), ("version", "0")],
        ]
        .concat();
        let refused = worker.submit(&token, &at, &fields);
        assert_eq!(refused.status, 409, "{kind:?}");
        assert!(refused.body.contains("Hồ sơ đã đóng"), "{kind:?}");
    }
    for group in Group::with_section() {
        let at = format!("{case}/groups/{}", group.name());
        let fields = [("purpose", "protection"), ("confirmed", "yes"), ("version", "0")];
        assert_eq!(worker.submit(&token, &at, &fields).status, 409, "{at}");
    }
    for (path, fields) in [
        ("visits", vec![]),
        ("deadlines/TN_THONG_BAO_SYT", vec![]),
        (
            "consents",
            vec![
                ("purpose", "legal_aid"),
                ("groups", "identity"),
                ("form", "signed"),
                ("agreed", "yes"),
                ("agreed_by", "self"),
            ],
        ),
        (
            "referrals/identification",
            vec![("to", "CA"), ("basis", "crime_prevention"), ("groups", "identity")],
        ),
    ] {
        let answer = worker.submit(&token, &format!("{case}/{path}"), &fields);
        assert!([409, 422].contains(&answer.status), "{path}: {}", answer.status);
        assert!(answer.body.contains("Hồ sơ đã đóng"), "{path}: {}", answer.body);
    }
    assert_eq!(save(&worker, &reopening, &least(Kind::Reopening)).status, 303);
    assert_eq!(
        save(&worker, &format!("{case}/steps/support/new"), &least(Kind::Support)).status,
        303
    );
}

#[test]
fn every_group_takes_an_answer_and_shows_it_and_the_log_names_it() {
    let setting = Setting::new();
    let worker = setting.served.signed_in(&setting.cast.worker);
    let form = worker.get("/intakes/new").body;
    let asked = form.matches("class=\"govuk-form-group\"").count();
    assert_eq!(asked, 6, "six questions on one screen");
    let case = take_in(&worker, &[("alias", "Hoa Mẫu")]);
    for group in Group::with_section() {
        use donghanh::domain::field::Kind as Takes;
        let text = format!("điều của {}", group.name());
        let line = group
            .fields()
            .iter()
            .find(|field| matches!(field.kind, Takes::Line(_) | Takes::Lines(_)));
        let line = line.unwrap_or_else(|| panic!("{group:?} has no text"));
        let at = format!("{case}/groups/{}", group.name());
        assert_eq!(save(&worker, &at, &[(line.name, &text)]).status, 303, "{group:?}");
        let saved = crate::walk::entry(&setting.served, "group.save");
        assert_eq!(
            saved.w.iter().map(|write| write.g.as_str()).collect::<Vec<_>>(),
            [group.name()]
        );
        let mut shown = worker.get(&at);
        if shown.body.contains("/opening\"") {
            assert!(
                !shown.body.contains(&text),
                "{group:?} opens only with purpose and confirmation"
            );
            let asked = [("purpose", "protection"), ("confirmed", "yes")];
            shown = worker.submit(&shown, &format!("{at}/opening"), &asked);
        }
        assert!(shown.body.contains(&text), "{group:?}");
    }
}
