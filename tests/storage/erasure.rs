//! Erasure: two persons, a waiting time, no hold; then nothing opens any more, wherever a copy lies.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use donghanh::app::App;
use donghanh::clock::random_id;
use donghanh::domain::group::Group;
use donghanh::domain::order::{Kind as Order, State};
use donghanh::domain::part::Part;
use donghanh::domain::public_id::PublicId;
use donghanh::domain::refusal::Why;
use donghanh::domain::role::Role;
use donghanh::operations::actor::Actor;
use donghanh::operations::answer_order::{Answer, answer_order};
use donghanh::operations::case_act::CaseActError;
use donghanh::operations::certify_erasure::certify_erasure;
use donghanh::operations::create_intake::Opened;
use donghanh::operations::drafts;
use donghanh::operations::erase::{Outcome, delete_files, due, erase, files, left, returned};
use donghanh::operations::hold_case::hold_case;
use donghanh::operations::key_package::{self, Package};
use donghanh::operations::list_cases::list_cases;
use donghanh::operations::list_orders::{list_orders, view_order};
use donghanh::operations::request_order::{Request, Target, request_order};
use donghanh::operations::save_part::{Save, save_part};
use donghanh::operations::search_log::{Query, search_log};
use donghanh::operations::sections;
use donghanh::operations::view_case::{Wish, view_case};
use donghanh::policy::{Action, Ask, Decision, Resource};
use donghanh::storage::access_rows::{CaseRow, ErasedRow, HoldRow, OrderRow};
use donghanh::storage::connection::AnyConnection;
use donghanh::storage::copy::missing_writes;
use donghanh::storage::dialect::{Plane, migrate};
use donghanh::storage::key_plane::{self, Unsealed};
use donghanh::storage::schema::{case_file, draft, erased_owner, joint_order, sealed_value};
use donghanh::storage::sealed_values::SealedRow;
use donghanh::storage::{StorageError, key_packages};
use ledger::log::checkpoint::VerifierKey;
use ledger::log::commit::Head;
use ledger::log::tree::Frontier;
use ledger::vault::keyring::Keyring;
use ledger::vault::owner::WrappedOwner;
use ledger::vault::slot::Opener;
use ledger::{Draft, Receipt};
use serde_json::json;
use std::sync::Arc;

use crate::support::{Kind, Staff, World, for_each_database, postgres};

const DAY: i64 = 86_400_000;
const REASON: &str = "Lý do mẫu, không có tên ai";

struct Office {
    worker: Staff,
    supervisor: Staff,
    custodian: Staff,
}

impl Office {
    fn new(world: &World) -> Self {
        Self {
            worker: world.staff("XA-A", Role::SocialWorker),
            supervisor: world.staff("XA-A", Role::Supervisor),
            custodian: world.staff("TTR", Role::KeyCustodian),
        }
    }

    fn request(&self, world: &World, case: PublicId, kind: Order) -> Result<(), CaseActError> {
        let wish = Request {
            kind,
            basis: kind.bases().codes[0],
            reason: REASON.to_owned(),
            target: None,
            groups: vec![],
        };
        let supervisor = anew(world, &self.supervisor);
        // The newest is found by its time.
        world.app.clock.advance(1000);
        world
            .block_on(request_order(&world.app, &supervisor, case, &wish))
            .map(drop)
    }

    /// The newest order, as the custodian sees it.
    fn newest(&self, world: &World) -> OrderRow {
        let custodian = anew(world, &self.custodian);
        world.block_on(list_orders(&world.app, &custodian)).unwrap().orders[0]
            .0
            .clone()
    }

    fn answer(&self, world: &World, by: &Staff, answer: Answer) -> Result<(), CaseActError> {
        let order = self.newest(world);
        let actor = anew(world, by);
        world
            .block_on(answer_order(&world.app, &actor, id(&order), order.version, answer))
            .map(drop)
    }

    fn hold(&self, world: &World, case: PublicId) {
        let supervisor = anew(world, &self.supervisor);
        world
            .block_on(hold_case(&world.app, &supervisor, case, "court_order"))
            .unwrap();
    }

    /// An erasure that both have agreed to and whose waiting time is over.
    fn ordered(&self, world: &World, case: PublicId) {
        self.request(world, case, Order::Erasure).unwrap();
        self.answer(world, &self.custodian, Answer::Agree).unwrap();
        world.app.clock.advance(7 * DAY);
    }
}

/// Signed in, with a form of her own; a session does not outlive the waiting time, and nobody may sign in all the time.
fn anew(world: &World, staff: &Staff) -> Actor {
    thread_local!(static KNOWN: RefCell<HashMap<String, (i64, Actor)>> = RefCell::default());
    let now_ms = world.app.clock.now_ms();
    let known = KNOWN.with_borrow(|known| known.get(&staff.secrets.code).cloned());
    let fresh = known.filter(|(at, _)| now_ms - at < 600_000).map(|(_, actor)| actor);
    let actor = fresh.unwrap_or_else(|| {
        let actor = world.sign_in(staff).0;
        let entry = (world.app.clock.now_ms(), actor.clone());
        KNOWN.with_borrow_mut(|known| known.insert(staff.secrets.code.clone(), entry));
        actor
    });
    Actor {
        request: random_id().unwrap(),
        ..actor
    }
}

pub fn order_row() -> OrderRow {
    OrderRow {
        id: vec![1],
        public_id: vec![2],
        kind: "3".into(),
        case_id: vec![4],
        basis: "5".into(),
        note: vec![6],
        state: "7".into(),
        requested_by: vec![8],
        requested_at: 9,
        expires_at: 10,
        decided_by: Some(vec![11]),
        decided_at: Some(12),
        due_at: Some(13),
        ended_at: Some(14),
        epoch: Some("15".into()),
        version: 16,
        record_id: None,
        group_no: None,
        content: None,
        groups: Some(21),
        mac: vec![],
    }
}

pub fn hold_row() -> HoldRow {
    HoldRow {
        id: vec![1],
        case_id: vec![2],
        basis: "3".into(),
        placed_by: vec![4],
        placed_at: 5,
        lifted_at: Some(6),
        version: 7,
        mac: vec![],
    }
}

pub fn erased_row() -> ErasedRow {
    ErasedRow {
        id: vec![1],
        order_id: Some(vec![2]),
        erased_at: 3,
        version: 4,
        mac: vec![],
    }
}

fn id(order: &OrderRow) -> PublicId {
    PublicId(order.public_id.as_slice().try_into().unwrap())
}

fn plane(world: &World) -> AnyConnection {
    AnyConnection::open(&world.app.config.key_plane_address(world.data.path()), false).unwrap()
}

fn opener(world: &World) -> Opener {
    let text = std::fs::read_to_string(world.data.path().join("test.key")).unwrap();
    Opener::KeyFile(text.into())
}

fn unsealed(world: &World) -> Unsealed {
    key_plane::unseal(&mut plane(world), &opener(world)).unwrap().unwrap()
}

/// The ceremony, as `keys erase` does it.
fn ceremony(world: &World) -> Result<Vec<Outcome>, donghanh::operations::erase::EraseError> {
    let Unsealed { root, keyring, .. } = unsealed(world);
    let keyring = Arc::new(keyring);
    let (mut house, mut keys) = (world.connection(), plane(world));
    let orders = due(&mut house, &keyring, world.app.clock.now_ms()).unwrap();
    let again = returned(&mut house, &mut keys, &keyring).unwrap();
    let names = files(&mut house, &keyring, &orders, &again).unwrap();
    let done = erase(
        &world.app.writer,
        (&mut house, &mut keys),
        (&root, &keyring),
        orders,
        &again,
    )?;
    let objects = &world.app.files.objects;
    world.block_on(delete_files(&mut house, objects, &names)).unwrap();
    Ok(done.into_iter().map(|(_, outcome)| outcome).collect())
}

/// The house after it was unsealed again.
fn reopened(world: &World) -> App {
    (*world.app).clone().open(unsealed(world).keyring)
}

fn wish(purpose: &'static str) -> Wish {
    Wish {
        parts: None,
        purpose,
        confirmed: false,
    }
}

#[test]
fn an_erased_person_is_gone_for_everybody_and_the_others_are_as_before() {
    for_each_database(|world| {
        let office = Office::new(world);
        let worker = anew(world, &office.worker);
        let gone = world.intake(&worker, "Hoa Mẫu");
        let stays = world.intake(&worker, "Lan Mẫu");
        for group in [Group::Identity, Group::Risk] {
            world.attach(&worker, gone.id, group, b"%PDF-1.7 mau");
        }
        let kept = world.attach(&worker, stays.id, Group::Identity, b"%PDF-1.7 mau");
        assert_eq!(world.sealed_files().len(), 3);
        office.request(world, gone.id, Order::Erasure).unwrap();
        office.answer(world, &office.custodian, Answer::Agree).unwrap();
        let early = unsealed(world).keyring;
        assert!(
            due(&mut world.connection(), &early, world.app.clock.now_ms())
                .unwrap()
                .is_empty()
        );
        let seen = world.block_on(view_case(&world.app, &worker, gone.id.0, &wish("case_work")));
        assert!(seen.is_ok(), "while it waits, work goes on");
        world.app.clock.advance(7 * DAY);
        assert_eq!(ceremony(world).unwrap(), [Outcome::Erased]);

        assert_eq!(world.sealed_files(), BTreeSet::from([kept]));
        let app = reopened(world);
        for (staff, purpose) in [(&office.worker, "case_work"), (&office.supervisor, "supervision")] {
            let actor = anew(world, staff);
            let seen = world.block_on(view_case(&app, &actor, gone.id.0, &wish(purpose)));
            assert!(matches!(seen, Err(CaseActError::NotFound(_))));
            assert!(
                world
                    .block_on(view_case(&app, &actor, stays.id.0, &wish(purpose)))
                    .is_ok()
            );
            let listed = world.block_on(list_cases(&app, &actor, None)).unwrap().listed;
            assert_eq!(listed.len(), 1, "only the other case is listed");
        }
        // A new case is taken in under the new keys.
        let actor = anew(world, &office.worker);
        let groups = vec![(Group::Identity, json!({"alias": {"known": "Mai Mẫu"}}))];
        let intake = donghanh::operations::create_intake::Intake {
            groups,
            urgent: false,
            child: false,
        };
        let new = world
            .block_on(donghanh::operations::create_intake::create_intake(&app, &actor, intake))
            .unwrap();
        assert!(
            world
                .block_on(view_case(&app, &actor, new.id.0, &wish("case_work")))
                .is_ok()
        );

        let mut connection = world.connection();
        let left: i64 = sealed_value::table
            .filter(sealed_value::owner_id.eq_any(erased_owner::table.select(erased_owner::id)))
            .count()
            .get_result(&mut connection)
            .unwrap();
        assert_eq!(left, 0, "its ciphertexts are gone from the live database");
        assert!(world.log_is_whole());

        // An auditor who asks for the case number is led nowhere; the acts themselves stay in the log.
        let auditor = anew(world, &world.staff("TTR", Role::Auditor));
        let query = Query {
            case_number: Some(gone.number.clone()),
            ..Query::default()
        };
        let lines = world.block_on(search_log(&app, &auditor, query)).unwrap();
        assert!(lines.entries.is_empty());
        let all = world.block_on(search_log(&app, &auditor, Query::default())).unwrap();
        assert!(all.numbers.values().all(|number| *number != gone.number));
        for kind in ["order.request", "order.agree", "order.start", "order.finish"] {
            assert!(world.kinds().contains(&kind.to_owned()), "{kind}");
        }
    });
}

/// A receipt for whatever a draft of an entry names, from a log that nobody keeps: what a thief can make at home.
fn receipt(draft: Draft) -> Receipt {
    let ((), mut receipts) = ledger::commit(|sequencer| {
        let head = Head {
            shard: 2026,
            frontier: Frontier::default(),
            last_ms: 0,
        };
        sequencer.begin(head, 0, "a thief");
        sequencer.append(draft).map(drop)
    })
    .unwrap();
    receipts.remove(0)
}

/// Every sealed value of a database that these keys open, by owner: how many there are, and how many opened.
fn readable(house: &mut AnyConnection, keyring: &Keyring, owners: &[WrappedOwner]) -> HashMap<Vec<u8>, (usize, usize)> {
    let rows: Vec<SealedRow> = sealed_value::table.select(SealedRow::as_select()).load(house).unwrap();
    let mut found: HashMap<Vec<u8>, (usize, usize)> = HashMap::new();
    for row in rows {
        let (all, opened) = found.entry(row.owner_id.clone()).or_default();
        *all += 1;
        let wrapped = owners.iter().find(|owner| owner.id.as_slice() == row.owner_id);
        let Some(keys) = wrapped.and_then(|wrapped| keyring.unwrap_owner(wrapped).ok()) else {
            continue;
        };
        let mut draft = Draft::new("case.view", "system", &[0; 16]);
        let is_open = if row.group_no > 0 {
            let part = Part::Group(sections::group_of(&row).unwrap());
            let sealed = sections::from_row(part, &row, keys.handle()).unwrap().unwrap();
            sealed.announce(&mut draft);
            sealed.open(&receipt(draft), &keys).is_ok()
        } else {
            let sealed = row.sealed::<drafts::Draft>(keys.handle()).unwrap();
            draft.read(&sealed);
            receipt(draft).grant(&sealed).unwrap().open(&keys).is_ok()
        };
        *opened += usize::from(is_open);
    }
    found
}

/// What a key package gives to somebody who also holds a slot.
fn package_keys(bytes: &[u8], opener: &Opener) -> (Keyring, Vec<WrappedOwner>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.db");
    let mut plane = AnyConnection::open(path.to_str().unwrap(), true).unwrap();
    migrate(&mut plane, Plane::Keys).unwrap();
    let restored = Package::parse(bytes)
        .unwrap()
        .restore::<StorageError>(&mut plane, |plane| Ok(key_plane::unseal(plane, opener)?.unwrap()));
    (
        restored.unwrap().keyring,
        key_plane::contents(&mut plane).unwrap().owners,
    )
}

/// The bytes of keys from before are in no file of the key plane.
fn nothing_lies_about(world: &World, before: &str) {
    let path = world.app.config.key_plane_address(world.data.path());
    let old = key_plane::contents(&mut AnyConnection::open(before, false).unwrap()).unwrap();
    for file in [path.clone(), format!("{path}-wal")] {
        let bytes = std::fs::read(&file).unwrap_or_default();
        for owner in &old.owners {
            assert!(
                !bytes.windows(32).any(|window| window == &owner.wrapped[..32]),
                "{file}"
            );
        }
    }
}

/// Fifty backups of a case that is worked on, and three that hold drafts of it.
fn fill_backups(world: &World, worker: &Actor, backup: &dyn Fn(&str) -> String) -> Opened {
    let copy = |name: &str| world.db_execute(&format!("VACUUM INTO '{}'", backup(name))).unwrap();
    // What was typed before it was saved is in a backup, too.
    let typed = vec![("alias".to_owned(), "Hoa Mẫu".to_owned())];
    let draft = drafts::keep(&world.app, worker, drafts::INTAKE, 0, None, typed.clone());
    world.block_on(draft).unwrap();
    copy("draft-of-intake");
    let gone = world.intake_of_request(worker, "Hoa Mẫu");
    world.intake(worker, "Lan Mẫu");
    for number in 1..=50_i64 {
        let fields = json!({"danger": {"known": "high"}, "danger_detail": {"known": format!("lần {number}")}});
        let save = Save {
            part: Part::Group(Group::Risk),
            fields,
            from_version: number,
            purpose: "case_work",
            confirmed: false,
        };
        let worker = Actor {
            request: random_id().unwrap(),
            ..worker.clone()
        };
        if number % 25 == 0 {
            let draft = drafts::keep_part(&world.app, &worker, gone.id, &save, (typed.clone(), 0));
            world.block_on(draft).unwrap();
            copy(&format!("draft-{number}"));
        }
        if number != 50 {
            world.block_on(save_part(&world.app, &worker, gone.id, &save)).unwrap();
        }
        if number % 10 == 0 {
            world.intake(&worker, "Mai Mẫu");
        }
        copy(&number.to_string());
    }
    gone
}

/// Makes and registers a package; gives its number and its bytes.
fn package(world: &World, now_ms: i64) -> Result<(i64, Vec<u8>), StorageError> {
    let (row, bytes) = key_package::make(&mut plane(world), &unsealed(world).keyring, now_ms, |_| Ok(()))?;
    Ok((row.number, bytes))
}

#[test]
fn fifty_backups_and_every_key_there_is_open_nothing_of_an_erased_person_and_all_of_the_others() {
    let world = World::new();
    let office = Office::new(&world);
    let worker = anew(&world, &office.worker);
    let backups = tempfile::tempdir().unwrap();
    let backup = |name: &str| backups.path().join(name).to_str().unwrap().to_owned();
    let gone = fill_backups(&world, &worker, &backup);
    // Copies of the key plane from before: two packages, and the bare file that somebody took.
    let now_ms = world.app.clock.now_ms();
    let make = |now_ms| package(&world, now_ms);
    let first = make(now_ms).unwrap();
    let second = make(now_ms).unwrap();
    assert!(make(now_ms).is_err(), "a third copy while two exist");
    let taken = backup("keys-before");
    plane(&world).batch_execute(&format!("VACUUM INTO '{taken}'")).unwrap();
    let case: CaseRow = case_file::table
        .filter(case_file::public_id.eq(gone.id.0.to_vec()))
        .select(CaseRow::as_select())
        .first(&mut world.connection())
        .unwrap();
    let mut person = vec![case.owner_id, case.person_owner_id];
    let drafts = ["draft-of-intake", "draft-25", "draft-50"];
    for name in drafts {
        let mut house = AnyConnection::open(&backup(name), false).unwrap();
        let typed: Vec<Vec<u8>> = draft::table.select(draft::owner_id).load(&mut house).unwrap();
        assert_eq!(typed.len(), 1, "{name}");
        person.extend(typed);
    }

    office.ordered(&world, gone.id);
    assert_eq!(ceremony(&world).unwrap(), [Outcome::Erased]);

    // What the certificate calls "not attested" is exactly what could still open her.
    let (keyring, owners) = package_keys(&second.1, &opener(&world));
    let still = readable(
        &mut AnyConnection::open(&backup("50"), false).unwrap(),
        &keyring,
        &owners,
    );
    assert!(person[..2].iter().all(|owner| still[owner].1 > 0));
    let app = reopened(&world);
    let order = office.newest(&world);
    let certificate = || {
        let actor = anew(&world, &office.custodian);
        world.block_on(certify_erasure(&app, &actor, id(&order))).unwrap().note
    };
    let before = certificate();
    assert!(before.contains("package 1 not attested") && before.contains("package 2 not attested"));
    let by = &office.custodian.secrets.code;
    for number in [first.0, second.0] {
        assert!(key_packages::destroyed(&mut plane(&world), number, by, now_ms).unwrap());
    }
    let after = certificate();
    assert!(after.contains("package 2 destroyed 2026-03-01T01:0") && after.contains(by.as_str()));
    let key = VerifierKey::of(&app.keyring);
    assert_eq!(key.open(&after).unwrap().lines().count(), after.lines().count() - 2);
    assert!(key.open(&after.replace("destroyed", "forgotten")).is_err());

    // All current keys: the key plane as it is, and the packages that may exist now.
    let third = make(now_ms).unwrap();
    let fourth = make(now_ms).unwrap();
    let current = unsealed(&world).keyring;
    let owners = key_plane::contents(&mut plane(&world)).unwrap().owners;
    let mut sources = vec![(current, owners)];
    sources.extend([third, fourth].map(|(_, bytes)| package_keys(&bytes, &opener(&world))));
    // And the rows of the file that was taken, with the keys of today.
    let taken = key_plane::contents(&mut AnyConnection::open(&taken, false).unwrap())
        .unwrap()
        .owners;
    let (mut tried, mut others) = (0, 0);
    let numbered = (1..=50).map(|number: i64| number.to_string());
    for number in numbered.chain(drafts.map(str::to_owned)) {
        let mut house = AnyConnection::open(&backup(&number), false).unwrap();
        for (keyring, owners) in &sources {
            for (owner, (all, opened)) in readable(&mut house, keyring, owners) {
                if person.contains(&owner) {
                    assert_eq!(opened, 0, "backup {number}");
                    tried += all;
                } else {
                    assert_eq!(opened, all, "backup {number}: the others open");
                    others += all;
                }
            }
            assert!(
                readable(&mut house, keyring, &taken)
                    .values()
                    .all(|(_, opened)| *opened == 0)
            );
        }
    }
    assert!(tried > 3 * 50 * 25 && others > 3 * 50 * 2, "{tried} {others}");
    nothing_lies_about(&world, &backup("keys-before"));
}

#[test]
fn a_legal_hold_keeps_everything_and_takes_two_persons_to_lift() {
    for_each_database(|world| {
        let office = Office::new(world);
        let case = world.intake(&anew(world, &office.worker), "Hoa Mẫu").id;
        office.hold(world, case);
        let refused = office.request(world, case, Order::Erasure);
        assert!(matches!(refused, Err(CaseActError::Refused(Why::Held))));
        office.request(world, case, Order::Release).unwrap();
        assert!(matches!(
            office.answer(world, &office.supervisor, Answer::Agree),
            Err(CaseActError::NotFound(_))
        ));
        office.answer(world, &office.custodian, Answer::Agree).unwrap();
        assert!(matches!(
            office.request(world, case, Order::Release),
            Err(CaseActError::Refused(Why::NotHeld))
        ));
        // A hold that comes while the order waits is stronger than the order.
        office.request(world, case, Order::Erasure).unwrap();
        assert!(matches!(
            office.request(world, case, Order::Erasure),
            Err(CaseActError::Refused(Why::Ordered))
        ));
        office.answer(world, &office.custodian, Answer::Agree).unwrap();
        office.hold(world, case);
        world.app.clock.advance(7 * DAY);
        assert_eq!(ceremony(world).unwrap(), [Outcome::Held]);
        let worker = anew(world, &office.worker);
        assert!(
            world
                .block_on(view_case(&world.app, &worker, case.0, &wish("case_work")))
                .is_ok()
        );
        office.request(world, case, Order::Release).unwrap();
        office.answer(world, &office.custodian, Answer::Agree).unwrap();
        assert_eq!(ceremony(world).unwrap(), [Outcome::Erased]);
    });
}

#[test]
fn an_order_lapses_is_refused_or_taken_back_and_then_leads_nowhere() {
    let world = World::new();
    let office = Office::new(&world);
    let case = world.intake(&anew(&world, &office.worker), "Hoa Mẫu").id;
    office.request(&world, case, Order::Erasure).unwrap();
    world.app.clock.advance(7 * DAY);
    assert!(matches!(
        office.answer(&world, &office.custodian, Answer::Agree),
        Err(CaseActError::Refused(Why::Lapsed))
    ));
    // A lapsed one does not stand in the way of another.
    for (by, answer) in [
        (&office.custodian, Answer::Refuse),
        (&office.supervisor, Answer::Withdraw),
    ] {
        office.request(&world, case, Order::Erasure).unwrap();
        office.answer(&world, by, answer).unwrap();
        assert!(matches!(
            office.answer(&world, &office.custodian, Answer::Agree),
            Err(CaseActError::Refused(Why::NotNow))
        ));
    }
    // Agreed to, and stopped by the second side while it waits.
    office.request(&world, case, Order::Erasure).unwrap();
    office.answer(&world, &office.custodian, Answer::Agree).unwrap();
    office.answer(&world, &office.custodian, Answer::Refuse).unwrap();
    // Agreed to and taken back while it waits.
    office.request(&world, case, Order::Erasure).unwrap();
    office.answer(&world, &office.custodian, Answer::Agree).unwrap();
    let other = world.staff("XA-A", Role::Supervisor);
    assert!(matches!(
        office.answer(&world, &other, Answer::Withdraw),
        Err(CaseActError::Refused(Why::SamePerson))
    ));
    office.answer(&world, &office.supervisor, Answer::Withdraw).unwrap();
    world.app.clock.advance(30 * DAY);
    assert_eq!(ceremony(&world).unwrap(), []);
    let viewed = world
        .block_on(view_order(
            &world.app,
            &anew(&world, &office.custodian),
            id(&office.newest(&world)),
        ))
        .unwrap();
    assert_eq!(
        (viewed.reason.as_str(), viewed.order.state.as_str()),
        (REASON, State::Withdrawn.code())
    );
    let entry = world
        .entries()
        .into_iter()
        .rev()
        .find(|entry| entry.k == "order.view")
        .unwrap();
    assert_eq!(entry.g, ["log_note"], "reading the reason is in the log");
    assert!(!world.database_holds(REASON), "the reason is nowhere in plain");
}

#[test]
fn nobody_is_the_second_person_of_her_own_order() {
    let engine = donghanh::policy::Engine::load().unwrap();
    for (relations, may) in [(vec![], true), (vec!["requester"], false)] {
        let resource = Resource::Case {
            relations: &relations,
            listed: &[],
        };
        let decision = engine.decide(Role::KeyCustodian, Action::Agree, &resource, &Ask::default(), 0);
        assert_eq!(matches!(decision, Decision::Allow(_)), may);
        if let Decision::Deny(policies) = decision {
            assert_eq!(policies, ["two-persons"]);
        }
    }
}

#[test]
fn a_ceremony_that_is_cut_short_is_taken_up_by_the_next() {
    let world = World::new();
    let office = Office::new(&world);
    let case = world.intake(&anew(&world, &office.worker), "Hoa Mẫu").id;
    office.ordered(&world, case);
    // The key plane fails after the data is gone.
    let stop = "CREATE TRIGGER stop BEFORE DELETE ON owner_key BEGIN SELECT RAISE(ABORT, 'no'); END";
    plane(&world).batch_execute(stop).unwrap();
    assert!(ceremony(&world).is_err());
    assert_eq!(office.newest(&world).state, State::Started.code());
    let keyring = unsealed(&world).keyring;
    let (mut house, mut keys) = (world.connection(), plane(&world));
    assert!(!left(&mut house, &mut keys, &keyring).unwrap().is_empty());
    plane(&world).batch_execute("DROP TRIGGER stop").unwrap();
    assert_eq!(ceremony(&world).unwrap(), [Outcome::Erased]);
    assert!(
        left(&mut house, &mut keys, &unsealed(&world).keyring)
            .unwrap()
            .is_empty()
    );
    let done = office.newest(&world);
    assert_eq!(done.state, State::Done.code());
    assert_eq!(ceremony(&world).unwrap(), [], "and it is done once");
    let started = world.kinds().iter().filter(|kind| *kind == "order.start").count();
    assert_eq!(started, 1);
}

#[test]
fn a_package_brings_the_keys_back_and_the_next_ceremony_takes_the_erased_ones_away_again() {
    let world = World::new();
    let office = Office::new(&world);
    let worker = anew(&world, &office.worker);
    let gone = world.intake(&worker, "Hoa Mẫu").id;
    let stays = world.intake(&worker, "Lan Mẫu").id;
    let (_, bytes) = package(&world, 0).unwrap();
    office.ordered(&world, gone);
    ceremony(&world).unwrap();
    // The key plane is lost; the older package is all there is.
    let path = world.app.config.key_plane_address(world.data.path());
    for end in ["", "-wal", "-shm"] {
        drop(std::fs::remove_file(format!("{path}{end}")));
    }
    let mut fresh = AnyConnection::open(&path, true).unwrap();
    migrate(&mut fresh, Plane::Keys).unwrap();
    let package = Package::parse(&bytes).unwrap();
    let back = package
        .restore::<StorageError>(&mut fresh, |plane| {
            Ok(key_plane::unseal(plane, &opener(&world))?.unwrap())
        })
        .unwrap();
    assert!(
        !left(&mut world.connection(), &mut fresh, &back.keyring)
            .unwrap()
            .is_empty()
    );
    assert_eq!(ceremony(&world).unwrap(), [], "no order is due, but keys go");
    let keyring = unsealed(&world).keyring;
    assert!(left(&mut world.connection(), &mut fresh, &keyring).unwrap().is_empty());
    // A process that kept the old connections open reads the new file only after it starts again.
    let config = (*world.app.config).clone();
    let (process, thread) = donghanh::app::Process::start(world.data.path(), config, world.app.clock.clone()).unwrap();
    let app = process.open(keyring);
    let worker = anew(&world, &office.worker);
    assert!(
        world
            .block_on(view_case(&app, &worker, stays.0, &wish("case_work")))
            .is_ok()
    );
    drop((app, process));
    thread.join();
}

#[test]
fn a_package_that_was_changed_anywhere_is_refused_and_leaves_nothing() {
    let world = World::new();
    let office = Office::new(&world);
    world.intake(&anew(&world, &office.worker), "Hoa Mẫu");
    let (_, bytes) = package(&world, 0).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.db");
    let mut fresh = AnyConnection::open(path.to_str().unwrap(), true).unwrap();
    migrate(&mut fresh, Plane::Keys).unwrap();
    let mut restore = |bytes: &[u8]| {
        let restored = Package::parse(bytes).and_then(|package| {
            package.restore::<StorageError>(&mut fresh, |plane| {
                key_plane::unseal(plane, &opener(&world))?.ok_or(StorageError::Inconsistent("shut"))
            })
        });
        let empty = key_plane::contents(&mut fresh).unwrap().owners.is_empty();
        (restored.is_ok(), empty)
    };
    let step = bytes.len() / 150;
    for at in (0..bytes.len()).step_by(step.max(1)) {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert_eq!(restore(&changed), (false, true), "byte {at}");
        assert_eq!(restore(&bytes[..at]), (false, true), "cut at {at}");
    }
    assert_eq!(restore(&bytes), (true, false));
}

/// SQL that changes a column whatever refers to it.
fn edit(world: &World, table: &str, column: &str) -> String {
    let unbound = match world.database().starts_with("postgres") {
        true => "SET session_replication_role = replica",
        false => "PRAGMA foreign_keys = OFF",
    };
    format!("{unbound}; {}", crate::tampering::change(world, table, column))
}

#[test]
fn an_order_edited_in_the_database_destroys_nothing() {
    let columns = || {
        donghanh::storage::classification::tables()["joint_order"]
            .columns
            .keys()
    };
    let server = postgres::Server::start();
    for (kind, column) in [Kind::Sqlite, Kind::Postgres]
        .into_iter()
        .flat_map(|kind| columns().map(move |column| (kind, column)))
    {
        let world = World::with(kind, &server);
        let office = Office::new(&world);
        let case = world.intake(&anew(&world, &office.worker), "Hoa Mẫu").id;
        office.request(&world, case, Order::Erasure).unwrap();
        office.answer(&world, &office.custodian, Answer::Agree).unwrap();
        if column == "due_at" {
            // The one edit that somebody in a hurry would try.
            world.db_execute("UPDATE joint_order SET due_at = 0").unwrap();
        } else {
            world.app.clock.advance(7 * DAY);
            world.db_execute(&edit(&world, "joint_order", column)).unwrap();
        }
        assert_eq!(ceremony(&world).unwrap(), [], "{kind:?} {column}");
        let erased: i64 = erased_owner::table.count().get_result(&mut world.connection()).unwrap();
        assert_eq!(erased, 0, "{kind:?} {column}");
        let custodian = anew(&world, &office.custodian);
        let list = world.block_on(list_orders(&world.app, &custodian)).unwrap();
        assert!(list.orders.is_empty(), "{kind:?} {column}");
        if column != "case_id" {
            assert!(world.kinds().contains(&"sys.tamper".to_owned()), "{kind:?} {column}");
        }
    }
}

#[test]
fn a_hold_edited_in_the_database_holds_all_the_same_and_whoever_opens_the_case_records_it() {
    let columns = || donghanh::storage::classification::tables()["legal_hold"].columns.keys();
    let server = postgres::Server::start();
    for (kind, column) in [Kind::Sqlite, Kind::Postgres]
        .into_iter()
        .flat_map(|kind| columns().map(move |column| (kind, column)))
    {
        // A hold that is moved to another case is gone from this one, as a deleted row is: the log still says that it was placed.
        if column == "case_id" {
            continue;
        }
        let world = World::with(kind, &server);
        let office = Office::new(&world);
        let case = world.intake(&anew(&world, &office.worker), "Hoa Mẫu").id;
        office.ordered(&world, case);
        office.hold(&world, case);
        world.db_execute(&edit(&world, "legal_hold", column)).unwrap();
        assert!(
            !ceremony(&world).unwrap().contains(&Outcome::Erased),
            "{kind:?} {column}"
        );
        let erased: i64 = erased_owner::table.count().get_result(&mut world.connection()).unwrap();
        assert_eq!(erased, 0, "{kind:?} {column}");
        let worker = anew(&world, &office.worker);
        let view = world
            .block_on(view_case(&world.app, &worker, case.0, &wish("case_work")))
            .unwrap();
        assert_eq!(view.fate.held.as_deref(), Some(""), "{kind:?} {column}");
        assert!(world.kinds().contains(&"sys.tamper".to_owned()), "{kind:?} {column}");
    }
}

#[test]
fn an_erasure_edited_in_the_register_brings_nothing_back() {
    for column in donghanh::storage::classification::tables()["erased_owner"]
        .columns
        .keys()
    {
        let world = World::new();
        let office = Office::new(&world);
        let case = world.intake(&anew(&world, &office.worker), "Hoa Mẫu").id;
        office.ordered(&world, case);
        assert_eq!(ceremony(&world).unwrap(), [Outcome::Erased]);
        world.db_execute(&edit(&world, "erased_owner", column)).unwrap();
        let worker = anew(&world, &office.worker);
        let gone = world.block_on(view_case(&world.app, &worker, case.0, &wish("case_work")));
        assert!(gone.is_err(), "{column}");
    }
}

#[test]
fn an_owner_registered_as_erased_by_hand_keeps_its_keys() {
    let world = World::new();
    let office = Office::new(&world);
    let worker = anew(&world, &office.worker);
    let case = world.intake(&worker, "Hoa Mẫu").id;
    office.request(&world, case, Order::Erasure).unwrap();
    world
        .db_execute(
            "INSERT INTO erased_owner (id, order_id, erased_at, version, mac) \
             SELECT owner_id, (SELECT id FROM joint_order), 0, 1, x'00' FROM case_file",
        )
        .unwrap();
    assert_eq!(ceremony(&world).unwrap(), []);
    assert!(
        world
            .block_on(view_case(&world.app, &worker, case.0, &wish("case_work")))
            .is_ok()
    );
}

#[test]
fn a_process_that_kept_the_old_keys_makes_no_owner_that_would_be_lost() {
    for_each_database(|world| {
        let office = Office::new(world);
        let gone = world.intake(&anew(world, &office.worker), "Hoa Mẫu").id;
        office.ordered(world, gone);
        ceremony(world).unwrap();
        // This process was not sealed. What it has ready is forgotten, and it may make nothing new.
        world.app.key_plane.forget_spare();
        assert!(world.app.key_plane.take(&world.app.keyring).is_err());
        assert!(reopened(world).key_plane.take(&unsealed(world).keyring).is_ok());
        let orders: i64 = joint_order::table.count().get_result(&mut world.connection()).unwrap();
        assert_eq!(orders, 1);
    });
}

/// Signs in at another house than the world's own.
async fn signed_in(app: &App, staff: &Staff) -> Actor {
    use donghanh::operations::{sessions, sign_in};
    app.clock.advance(60_000);
    let credentials = sign_in::Credentials {
        code: staff.secrets.code.clone(),
        password: crate::support::PASSWORD.to_owned().into(),
        second: staff.code(app.clock.now_ms()).into(),
    };
    let token = sign_in::sign_in(app, credentials, [1; 8], [9; 16]).await.unwrap();
    sessions::find(app, &token, [1; 8], [8; 16]).await.unwrap().unwrap()
}

/// What somebody with the database alone would do to have the keys of everybody destroyed.
const FORGED_STEP: &str = "INSERT INTO step (id, public_id, case_id, owner_id, kind, state, content, recorded_by, recorded_at, version, mac) \
     SELECT x'01', x'02', (SELECT case_id FROM joint_order), other.owner_id, 'visit', 'recorded', 1, account.id, 0, 1, x'00' \
     FROM case_file AS other, account WHERE other.id <> (SELECT case_id FROM joint_order) LIMIT 1";

const FORGED_DRAFT: &str = "INSERT INTO draft (id, account_id, form, owner_id, version, saved_at, mac) \
     SELECT x'01', account.id, 'FORM/risk', other.owner_id, 1, 0, x'00' \
     FROM case_file AS other, account WHERE other.id <> (SELECT case_id FROM joint_order) LIMIT 1";

#[test]
fn a_row_put_in_by_hand_stops_its_own_order_and_destroys_nobodys_keys() {
    for forged in [FORGED_STEP, FORGED_DRAFT] {
        let world = World::new();
        let office = Office::new(&world);
        let worker = anew(&world, &office.worker);
        let gone = world.intake(&worker, "Hoa Mẫu").id;
        let stays = world.intake(&worker, "Lan Mẫu").id;
        office.ordered(&world, gone);
        world.db_execute(&forged.replace("FORM", &gone.to_string())).unwrap();
        let outcomes = ceremony(&world).unwrap();
        assert!(
            matches!(outcomes.as_slice(), [Outcome::Stopped(why)] if why.contains("outside the program")),
            "{outcomes:?}"
        );
        let worker = anew(&world, &office.worker);
        for case in [gone, stays] {
            let seen = world.block_on(view_case(&world.app, &worker, case.0, &wish("case_work")));
            assert!(seen.is_ok());
        }
        let removed = "DELETE FROM step WHERE id = x'01'; DELETE FROM draft WHERE id = x'01'";
        world.connection().batch_execute(removed).unwrap();
        assert_eq!(ceremony(&world).unwrap(), [Outcome::Erased]);
    }
}

#[test]
fn an_owner_registered_twice_is_erased_all_the_same() {
    for_each_database(|world| {
        let office = Office::new(world);
        let case = world.intake(&anew(world, &office.worker), "Hoa Mẫu").id;
        office.ordered(world, case);
        let row = ErasedRow {
            id: case_file::table
                .select(case_file::owner_id)
                .first(&mut world.connection())
                .unwrap(),
            order_id: None,
            ..erased_row()
        };
        diesel::insert_into(erased_owner::table)
            .values(&row)
            .execute(&mut world.connection())
            .unwrap();
        assert_eq!(ceremony(world).unwrap(), [Outcome::Erased]);
        let keyring = unsealed(world).keyring;
        assert!(
            left(&mut world.connection(), &mut plane(world), &keyring)
                .unwrap()
                .is_empty()
        );
    });
}

#[test]
fn an_older_backup_with_an_older_key_plane_brings_nobody_back_for_good() {
    let world = World::new();
    let office = Office::new(&world);
    let worker = anew(&world, &office.worker);
    let gone = world.intake(&worker, "Hoa Mẫu").id;
    let stays = world.intake(&worker, "Lan Mẫu").id;
    let folder = tempfile::tempdir().unwrap();
    let (data, keys) = (folder.path().join("donghanh.db"), folder.path().join("keys.db"));
    let (data, keys) = (data.to_str().unwrap(), keys.to_str().unwrap());
    let size = usize::try_from(donghanh::storage::log_rows::head(&mut world.connection()).unwrap().size).unwrap();
    world.db_execute(&format!("VACUUM INTO '{data}'")).unwrap();
    plane(&world).batch_execute(&format!("VACUUM INTO '{keys}'")).unwrap();
    office.ordered(&world, gone);
    ceremony(&world).unwrap();
    // Only the entries of the erasure came through.
    let shard = donghanh::storage::log_rows::head(&mut world.connection())
        .unwrap()
        .shard;
    let rows = donghanh::storage::log_rows::from_index(&mut world.connection(), shard, 0, 100_000).unwrap();
    let tail: Vec<Vec<u8>> = rows.into_iter().skip(size).map(|row| row.bytes).collect();
    let mut house = AnyConnection::open(data, false).unwrap();
    donghanh::storage::copy::replay(&mut house, &tail).unwrap();
    let mut plane = AnyConnection::open(keys, false).unwrap();
    let back = key_plane::unseal(&mut plane, &opener(&world)).unwrap().unwrap();
    let again = returned(&mut house, &mut plane, &back.keyring).unwrap();
    assert_eq!(again.len(), 2, "the case and the person");
    let config = (*world.app.config).clone();
    let (process, thread) = donghanh::app::Process::start(folder.path(), config, world.app.clock.clone()).unwrap();
    let keyring = Arc::new(back.keyring);
    let none = erase(
        &process.writer,
        (&mut house, &mut plane),
        (&back.root, &keyring),
        vec![],
        &again,
    )
    .unwrap();
    assert!(none.is_empty());
    let now = key_plane::unseal(&mut plane, &opener(&world)).unwrap().unwrap().keyring;
    assert!(returned(&mut house, &mut plane, &now).unwrap().is_empty());
    let app = process.open(now);
    let actor = world.block_on(signed_in(&app, &office.worker));
    for (case, there) in [(gone, false), (stays, true)] {
        let seen = world.block_on(view_case(&app, &actor, case.0, &wish("case_work")));
        assert_eq!(seen.is_ok(), there);
    }
    drop((app, process));
    thread.join();
}

#[test]
fn data_put_back_without_its_keys_is_erased_under_the_handles_that_the_log_knows() {
    let world = World::new();
    let office = Office::new(&world);
    let worker = anew(&world, &office.worker);
    let gone = world.intake(&worker, "Hoa Mẫu").id;
    world.intake(&worker, "Lan Mẫu");
    office.ordered(&world, gone);
    let case: CaseRow = case_file::table
        .filter(case_file::public_id.eq(gone.0.to_vec()))
        .select(CaseRow::as_select())
        .first(&mut world.connection())
        .unwrap();
    let owners = [case.owner_id, case.person_owner_id];
    let keyring = unsealed(&world).keyring;
    let mut known = key_plane::handles(&mut plane(&world), &keyring, &owners).unwrap();
    for owner in owners {
        diesel::delete(donghanh::storage::schema::owner_key::table.find(owner))
            .execute(&mut plane(&world))
            .unwrap();
    }
    assert_eq!(ceremony(&world).unwrap(), [Outcome::Erased]);
    let entries = world.entries();
    let start = entries.iter().find(|entry| entry.k == "order.start").unwrap();
    let mut told = start.h.listed().to_vec();
    told.sort();
    known.sort_by_key(|handle| ledger::b64u(&handle.0));
    assert_eq!(
        told,
        known.iter().map(|handle| ledger::b64u(&handle.0)).collect::<Vec<_>>()
    );
    let missing = missing_writes(&mut world.connection(), i64::MAX).unwrap();
    assert!(missing.is_empty(), "so that a backup of today is whole: {missing:?}");
}

#[test]
fn a_redaction_changes_the_one_version_that_it_names_and_no_statement_any_other() {
    for_each_database(|world| {
        let office = Office::new(world);
        let worker = anew(world, &office.worker);
        let case = world.intake(&worker, "Hoa Mẫu").id;
        let notes = Part::Group(Group::Notes);
        for (from_version, text) in [(0, "nhầm chỗ"), (1, "lần hai"), (2, "đúng")] {
            let save = Save {
                part: notes,
                fields: json!({"text": {"known": text}}),
                from_version,
                purpose: "case_work",
                confirmed: false,
            };
            world
                .block_on(save_part(&world.app, &anew(world, &office.worker), case, &save))
                .unwrap();
        }
        let number = sections::number(Group::Notes);
        let of_version = |version: i64| format!("WHERE group_no = {number} AND version = {version}");
        let empty = if world.database().starts_with("postgres") {
            "'\\x00'::bytea"
        } else {
            "x'00'"
        };
        let refused = |sql: &str| {
            let said = world.db_execute(sql).unwrap_err().to_string();
            assert!(said.contains("DH-LOG"), "{sql}: {said}");
        };
        let value = |version: i64| -> Vec<u8> {
            let rows = sealed_value::table
                .filter(sealed_value::group_no.eq(number))
                .filter(sealed_value::version.eq(version));
            rows.select(sealed_value::value).first(&mut world.connection()).unwrap()
        };
        let before = [1, 2, 3].map(value);
        refused(&format!("UPDATE sealed_value SET value = {empty} {}", of_version(1)));
        let wish = Request {
            kind: Order::Redaction,
            basis: "wrong_place",
            reason: REASON.to_owned(),
            target: Some(Target {
                part: notes,
                version: 1,
            }),
            groups: vec![],
        };
        let supervisor = anew(world, &office.supervisor);
        world
            .block_on(request_order(&world.app, &supervisor, case, &wish))
            .unwrap();
        refused(&format!("UPDATE sealed_value SET value = {empty} {}", of_version(1)));
        office.answer(world, &office.custodian, Answer::Agree).unwrap();
        let after = [1, 2, 3].map(value);
        assert!(after[0] != before[0] && after[1..] == before[1..]);
        for sql in [
            format!("UPDATE sealed_value SET value = {empty} {}", of_version(2)),
            format!("UPDATE sealed_value SET value = {empty} {}", of_version(3)),
            format!("UPDATE sealed_value SET saved_at = 0 {}", of_version(1)),
            format!("UPDATE sealed_value SET version = 9 {}", of_version(1)),
            format!("DELETE FROM sealed_value {}", of_version(1)),
        ] {
            refused(&sql);
        }
        // A copy from before brings the old value back: held against the log, the entry that removed it is named.
        let size = world.log_size();
        assert!(missing_writes(&mut world.connection(), size).unwrap().is_empty());
        diesel::update(
            sealed_value::table
                .filter(sealed_value::group_no.eq(number))
                .filter(sealed_value::version.eq(1)),
        )
        .set(sealed_value::value.eq(&before[0]))
        .execute(&mut world.connection())
        .unwrap();
        let lost = missing_writes(&mut world.connection(), size).unwrap();
        assert_eq!(lost.keys().collect::<Vec<_>>(), ["order.agree"]);
        assert!(world.log_is_whole());
    });
}
