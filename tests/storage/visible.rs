//! The SQL visible set and Cedar agree on random worlds.

use diesel::prelude::*;
use donghanh::clock::random_id;
use donghanh::domain::group::{Group, to_bits};
use donghanh::domain::role::Role;
use donghanh::policy::{Action, Ask, Decision, Engine, Resource};
use donghanh::storage::access_rows::{AccessRow, CaseRow, ConsentRow, DraftRow, MembershipRow, ReferralRow, StepRow};
use donghanh::storage::schema::{account, case_file, membership, organisation, person, referral};
use donghanh::storage::visible::{self, Viewer};

use crate::support::{Kind, START, World, for_each_database};

pub fn draft_row() -> DraftRow {
    DraftRow {
        id: vec![1; 16],
        account_id: vec![],
        form: String::new(),
        case_id: None,
        owner_id: vec![],
        version: 1,
        saved_at: 0,
        mac: vec![],
    }
}

pub fn referral_row() -> ReferralRow {
    ReferralRow {
        id: random_id().unwrap().to_vec(),
        public_id: random_id().unwrap().to_vec(),
        case_id: vec![],
        kind: "legal_aid".into(),
        from_org: vec![],
        to_org: vec![],
        groups: 0,
        purpose: "legal_aid".into(),
        consent_id: None,
        basis: None,
        state: "sent".into(),
        sent_at: 0,
        due_at: 0,
        decided_at: None,
        closed_at: None,
        reason: None,
        version: 1,
        category: "advice".into(),
        mac: vec![],
    }
}

pub fn step_row() -> StepRow {
    StepRow {
        id: vec![1; 16],
        public_id: vec![1; 16],
        case_id: vec![],
        owner_id: vec![],
        kind: "rescue".into(),
        state: "recorded".into(),
        content: 1,
        due_at: None,
        recorded_by: vec![],
        recorded_at: 0,
        decided_by: None,
        decided_at: None,
        version: 1,
        authors: None,
        reason: None,
        mac: vec![],
    }
}

pub fn consent_row() -> ConsentRow {
    ConsentRow {
        id: vec![1; 16],
        public_id: vec![1; 16],
        case_id: vec![],
        purpose: "legal_aid".into(),
        groups: 0,
        state: "given".into(),
        form: "signed".into(),
        text_version: "2026-1".into(),
        recorded_by: vec![],
        recorded_at: 0,
        withdrawn_at: None,
        version: 1,
        mac: vec![],
    }
}

/// A small generator with a fixed seed: the worlds are random, the runs are the same.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

fn people_the_world(world: &World, seed: u64) -> Vec<Viewer> {
    let viewers = people(world);
    fill(world, &viewers, seed, 120);
    viewers
}

/// Somebody of every role in each of two units.
fn people(world: &World) -> Vec<Viewer> {
    let mut connection = world.connection();
    let mut viewers = Vec::new();
    for role in Role::ALL {
        for org in ["XA-A", "XA-B"] {
            world.staff(org, role);
        }
    }
    let accounts: Vec<(Vec<u8>, Vec<u8>, String)> = account::table
        .order(account::code)
        .select((account::id, account::org_id, account::role))
        .load(&mut connection)
        .unwrap();
    for (account_id, org_id, role) in accounts {
        viewers.push(Viewer {
            account_id,
            org_id,
            role: Role::parse(&role).unwrap(),
        });
    }
    viewers
}

/// So many cases in every state, with members and referrals as the dice fall.
fn fill(world: &World, viewers: &[Viewer], seed: u64, cases: usize) {
    let mut dice = Dice(seed);
    let mut connection = world.connection();
    let orgs: Vec<Vec<u8>> = organisation::table
        .order(organisation::code)
        .select(organisation::id)
        .load(&mut connection)
        .unwrap();
    for _ in 0..cases {
        let (id, person_id) = (random_id().unwrap().to_vec(), random_id().unwrap().to_vec());
        diesel::insert_into(person::table)
            .values((
                person::id.eq(&person_id),
                person::owner_id.eq(random_id().unwrap().to_vec()),
                person::created_at.eq(0_i64),
            ))
            .execute(&mut connection)
            .unwrap();
        let case = CaseRow {
            id: id.clone(),
            public_id: random_id().unwrap().to_vec(),
            number: format!("DH-TEST-{}", dice.roll(u64::MAX)),
            person_id,
            owner_id: random_id().unwrap().to_vec(),
            person_owner_id: random_id().unwrap().to_vec(),
            org_id: orgs[usize::try_from(dice.roll(5)).unwrap()].clone(),
            state: ["open", "open", "closed", "erased"][usize::try_from(dice.roll(4)).unwrap()].into(),
            urgent: dice.roll(2) == 0,
            assigned: dice.roll(2) == 0,
            opened_at: START,
            version: 1,
            mac: vec![],
        };
        diesel::insert_into(case_file::table)
            .values(&case.signed(&world.app.keyring))
            .execute(&mut connection)
            .unwrap();
        for _ in 0..dice.roll(4) {
            let row = MembershipRow {
                id: random_id().unwrap().to_vec(),
                case_id: id.clone(),
                account_id: viewers[usize::try_from(dice.roll(18)).unwrap()].account_id.clone(),
                kind: "member".into(),
                from_at: START - 10 + i64::try_from(dice.roll(20)).unwrap(),
                until_at: (dice.roll(2) == 0).then(|| START - 10 + i64::try_from(dice.roll(20)).unwrap()),
                version: 1,
                mac: vec![],
            };
            diesel::insert_into(membership::table)
                .values(&row.signed(&world.app.keyring))
                .execute(&mut connection)
                .unwrap();
        }
        for _ in 0..dice.roll(3) {
            let row = ReferralRow {
                case_id: id.clone(),
                from_org: orgs[0].clone(),
                to_org: orgs[usize::try_from(dice.roll(5)).unwrap()].clone(),
                groups: to_bits(&[Group::Identity, Group::LegalStatus]),
                kind: ["legal_aid", "identification"][usize::try_from(dice.roll(2)).unwrap()].into(),
                state: ["sent", "accepted", "rejected", "closed"][usize::try_from(dice.roll(4)).unwrap()].into(),
                ..referral_row()
            };
            diesel::insert_into(referral::table)
                .values(&row.signed(&world.app.keyring))
                .execute(&mut connection)
                .unwrap();
        }
    }
}

/// Compares what each viewer is shown with what the policies say; gives how many were seen and how many were hidden.
fn agree(world: &World, engine: &Engine, viewers: &[Viewer]) -> (usize, usize) {
    let mut connection = world.connection();
    let all: Vec<CaseRow> = case_file::table
        .select(CaseRow::as_select())
        .load(&mut connection)
        .unwrap();
    let (mut seen, mut hidden) = (0, 0);
    for viewer in viewers {
        let visible::CasePage {
            cases: listed,
            tampered,
            ..
        } = visible::cases(&mut connection, &world.app.keyring, viewer, START, 1000, None).unwrap();
        assert_eq!(tampered, 0);
        for case in &all {
            let standing = visible::standing(&mut connection, &world.app.keyring, viewer, START, case).unwrap();
            let resource = Resource::Case {
                relations: &standing.relations,
                listed: &standing.listed,
            };
            let decision = engine.decide(viewer.role, Action::View, &resource, &Ask::default(), 1);
            // A case whose keys are destroyed is there for nobody.
            let allowed = matches!(decision, Decision::Allow(_)) && case.state != "erased";
            let public_id: [u8; 16] = case.public_id.clone().try_into().unwrap();
            let one = visible::case(&mut connection, &world.app.keyring, viewer, START, &public_id)
                .unwrap()
                .0;
            assert_eq!(one.is_some(), allowed, "{:?} {}", viewer.role, case.state);
            let in_list = listed.iter().any(|(row, _)| row.id == case.id);
            assert_eq!(in_list, allowed, "{:?} {}", viewer.role, case.state);
            if allowed { seen += 1 } else { hidden += 1 }
        }
    }
    (seen, hidden)
}

#[test]
fn what_sql_shows_is_what_cedar_allows_in_twenty_random_worlds() {
    let engine = Engine::load().unwrap();
    let server = crate::support::postgres::Server::start();
    for kind in [Kind::Sqlite, Kind::Postgres] {
        for seed in 0..20 {
            let world = World::with(kind, &server);
            let viewers = people(&world);
            fill(&world, &viewers, 20_260_301 + seed, 40);
            let (seen, hidden) = agree(&world, &engine, &viewers);
            assert!(
                seen > 10 && hidden > 60,
                "{kind:?} {seed}: {seen} seen, {hidden} hidden"
            );
        }
    }
}

#[test]
fn page_after_page_shows_every_case_once() {
    for_each_database(|world| {
        let viewers = people_the_world(world, 20_260_302);
        let mut connection = world.connection();
        let keyring = &world.app.keyring;
        let mut pages = 0;
        for viewer in &viewers {
            let all = visible::cases(&mut connection, keyring, viewer, START, 1000, None).unwrap();
            assert!(all.older.is_none());
            let ids = |page: &visible::CasePage| -> Vec<Vec<u8>> {
                page.cases.iter().map(|(row, _)| row.id.clone()).collect()
            };
            let (mut shown, mut before) = (Vec::new(), None);
            loop {
                let page = visible::cases(&mut connection, keyring, viewer, START, 7, before.as_ref()).unwrap();
                assert!(page.cases.len() <= 7);
                shown.extend(ids(&page));
                pages += 1;
                match page.older {
                    None => break,
                    Some(id) => before = Some(id.try_into().unwrap()),
                }
            }
            assert_eq!(shown, ids(&all), "{:?}", viewer.role);
        }
        assert!(pages > 20, "{pages}");
    });
}

#[test]
fn the_invariants_hold_for_every_role_relation_and_group() {
    let engine = Engine::load().unwrap();
    let relations: [&[&'static str]; 6] = [
        &[],
        &["member"],
        &["unit"],
        &["unit", "unassigned"],
        &["receiver"],
        &["member", "unit", "unassigned", "receiver"],
    ];
    let mut allowed = 0;
    for role in Role::ALL {
        for related in relations {
            for group in Group::ALL {
                for listed in [vec![], vec![Group::Identity, Group::Contact], Group::ALL.to_vec()] {
                    for (purpose, confirmed) in [("", false), ("", true), ("case_work", false), ("case_work", true)] {
                        for action in [Action::View, Action::History, Action::Edit, Action::Reveal] {
                            let resource = Resource::Case {
                                relations: related,
                                listed: &listed,
                            };
                            let ask = Ask {
                                groups: &[group],
                                purpose,
                                confirmed,
                            };
                            if let Decision::Deny(_) = engine.decide(role, action, &resource, &ask, 1) {
                                continue;
                            }
                            allowed += 1;
                            assert!(!matches!(
                                role,
                                Role::Auditor | Role::Administrator | Role::Analyst | Role::KeyCustodian
                            ));
                            let safety = matches!(group, Group::Safety | Group::Shelter | Group::Informant);
                            assert!(!safety || (confirmed && !purpose.is_empty()), "{role:?} {group:?}");
                            let receiver = matches!(role, Role::Liaison | Role::LegalAidOfficer);
                            assert!(!receiver || listed.contains(&group), "{role:?} {group:?}");
                            assert!(group != Group::Privileged || role == Role::LegalAidOfficer);
                            assert!(!related.is_empty());
                        }
                    }
                }
            }
        }
    }
    assert!(allowed > 1000);
    for action in [Action::List, Action::SearchPeople] {
        let decision = engine.decide(Role::Liaison, action, &Resource::House, &Ask::default(), 1);
        assert!(
            matches!(decision, Decision::Deny(_)),
            "a liaison never lists or searches"
        );
    }
}
