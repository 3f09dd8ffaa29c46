//! One case handed over: two persons, an entry that names everything, a package that opens what was ordered and nothing else.

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _};
use std::sync::Arc;

use age::x25519::Identity;
use donghanh::clock::random_id;
use donghanh::domain::group::Group;
use donghanh::domain::order::Kind as Order;
use donghanh::domain::part::Part;
use donghanh::domain::public_id::PublicId;
use donghanh::domain::refusal::Why;
use donghanh::domain::role::Role;
use donghanh::operations::actor::Actor;
use donghanh::operations::answer_order::{Answer, answer_order};
use donghanh::operations::case_act::CaseActError;
use donghanh::operations::create_intake::Opened;
use donghanh::operations::hand_over::{HandOverError, find, recipient};
use donghanh::operations::list_orders::list_orders;
use donghanh::operations::request_order::{Request, request_order};
use donghanh::operations::save_part::{Save, save_part};
use donghanh::storage::StorageError;
use donghanh::storage::access_rows::OrderRow;
use donghanh::storage::connection::AnyConnection;
use donghanh::web::case_file::case_file;
use serde_json::{Value, json};

use crate::support::{World, for_each_database};

struct Office {
    worker: Actor,
    supervisor: Actor,
    custodian: Actor,
}

fn anew(actor: &Actor) -> Actor {
    Actor {
        request: random_id().unwrap(),
        ..actor.clone()
    }
}

impl Office {
    fn new(world: &World) -> Self {
        Self {
            worker: world.actor("XA-A", Role::SocialWorker),
            supervisor: world.actor("XA-A", Role::Supervisor),
            custodian: world.actor("TTR", Role::KeyCustodian),
        }
    }

    fn ask(&self, world: &World, case: PublicId, groups: &[Group]) -> Result<(), CaseActError> {
        let wish = Request {
            kind: Order::Handover,
            basis: "court",
            reason: "Văn bản số mẫu của tòa án mẫu".to_owned(),
            target: None,
            groups: groups.to_vec(),
        };
        // The newest is found by its time.
        world.app.clock.advance(1000);
        let supervisor = anew(&self.supervisor);
        world
            .block_on(request_order(&world.app, &supervisor, case, &wish))
            .map(drop)
    }

    fn newest(&self, world: &World) -> OrderRow {
        let list = world.block_on(list_orders(&world.app, &anew(&self.custodian))).unwrap();
        list.orders[0].0.clone()
    }

    fn answer(&self, world: &World, answer: Answer) {
        let order = self.newest(world);
        let id = PublicId(order.public_id.as_slice().try_into().unwrap());
        world
            .block_on(answer_order(
                &world.app,
                &anew(&self.custodian),
                id,
                order.version,
                answer,
            ))
            .unwrap();
    }

    /// Asked for, agreed to; gives the number of the order.
    fn ordered(&self, world: &World, case: PublicId, groups: &[Group]) -> PublicId {
        self.ask(world, case, groups).unwrap();
        self.answer(world, Answer::Agree);
        PublicId(self.newest(world).public_id.as_slice().try_into().unwrap())
    }
}

fn notes(world: &World, actor: &Actor, case: &Opened, group: Group, fields: Value) {
    let save = Save {
        part: Part::Group(group),
        fields,
        from_version: 0,
        purpose: "case_work",
        confirmed: true,
    };
    world
        .block_on(save_part(&world.app, &anew(actor), case.id, &save))
        .unwrap();
}

/// What `keys handover` does, into memory.
fn handed(world: &World, order: PublicId, to: &Identity) -> Result<Vec<u8>, HandOverError> {
    let mut plane = AnyConnection::open(&world.app.config.key_plane_address(world.data.path()), false).unwrap();
    let keyring = Arc::clone(&world.app.keyring);
    let objects = &world.app.files.objects;
    let to = to.to_public().to_string();
    let found = find(
        &mut world.connection(),
        &mut plane,
        &keyring,
        (order, world.app.clock.now_ms()),
    )?;
    let headers = world.block_on(found.headers(objects)).unwrap();
    let handed = found.open(&world.app.writer, &keyring, &to, &headers)?;
    let pages = case_file(&handed).unwrap();
    let package = world.block_on(handed.pack(objects, &recipient(&to)?, &pages, Vec::new()))?;
    handed.finish(&world.app.writer, &keyring, &ledger::sha256(&package))?;
    Ok(package)
}

/// The files of a package by name; `None` when this key does not open it.
fn opened(package: &[u8], identity: &Identity) -> Option<BTreeMap<String, Vec<u8>>> {
    let decryptor = age::Decryptor::new(package).unwrap();
    let mut reader = decryptor
        .decrypt(std::iter::once(identity as &dyn age::Identity))
        .ok()?;
    let mut plain = Vec::new();
    reader.read_to_end(&mut plain).ok()?;
    let mut zip = zip::ZipArchive::new(Cursor::new(plain)).unwrap();
    let mut files = BTreeMap::new();
    for at in 0..zip.len() {
        let mut file = zip.by_index(at).unwrap();
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        files.insert(file.name().unwrap().into_owned(), bytes);
    }
    Some(files)
}

fn holds(files: &BTreeMap<String, Vec<u8>>, text: &str) -> bool {
    files
        .values()
        .any(|bytes| bytes.windows(text.len()).any(|window| window == text.as_bytes()))
}

#[test]
fn a_package_opens_the_parts_that_its_order_lists_and_nothing_of_five_hundred_other_cases() {
    for_each_database(|world| {
        let office = Office::new(world);
        let case = world.intake(&office.worker, "Hoa-Mot-Mau");
        notes(
            world,
            &office.worker,
            &case,
            Group::Notes,
            json!({"text": {"known": "Ghi-chu-duoc-giao"}}),
        );
        notes(
            world,
            &office.worker,
            &case,
            Group::Safety,
            json!({"safe_phone": {"known": "0900000001"}}),
        );
        world.attach(&office.worker, case.id, Group::Identity, b"%PDF-1.7 to-duoc-giao");
        world.attach(&office.worker, case.id, Group::Risk, b"%PDF-1.7 to-o-lai");
        for number in 0..500 {
            world.intake(&office.worker, &format!("Khac-{number}-Mau"));
        }
        let order = office.ordered(world, case.id, &[Group::Identity, Group::Notes]);
        let (court, other) = (Identity::generate(), Identity::generate());
        let before = world.log_size();
        let package = handed(world, order, &court).unwrap();

        assert!(opened(&package, &other).is_none(), "another key opens nothing");
        let files = opened(&package, &court).unwrap();
        let names: Vec<&str> = files.keys().map(String::as_str).collect();
        assert_eq!(names, ["case-file.html", "data.json", "files/001.pdf", "ho-so.html"]);
        for listed in ["Hoa-Mot-Mau", "Ghi-chu-duoc-giao"] {
            assert!(holds(&files, listed), "{listed}");
        }
        assert_eq!(files["files/001.pdf"], b"%PDF-1.7 to-duoc-giao");
        for absent in ["0900000001", "to-o-lai", "danger", "Khac-"] {
            assert!(!holds(&files, absent), "{absent}");
        }
        let page = String::from_utf8(files["ho-so.html"].clone()).unwrap();
        assert!(page.contains(&case.number) && page.contains("href=\"files/001.pdf\""));
        let whole: Value = serde_json::from_slice(&files["data.json"]).unwrap();
        assert_eq!(whole["groups"], json!(["identity", "notes"]));

        // Everything that is in it stands in the entry before it: groups, file, order, receiver.
        let entries = world.entries_since(before);
        let kinds: Vec<&str> = entries.iter().map(|entry| entry.k.as_str()).collect();
        assert_eq!(kinds, ["case.hand_over", "order.deliver"]);
        let read: Vec<&str> = entries[0].g.iter().filter_map(|name| name.split('/').next()).collect();
        assert_eq!(read, ["attachment-record", "attachment", "identity", "notes"]);
        let to = format!("to-{}", court.to_public());
        assert_eq!(entries[0].f, [order.to_string(), to]);
        assert_eq!(
            (entries[0].p.as_deref(), entries[0].basis.as_deref()),
            (Some("handover"), Some("court"))
        );
        let digest = format!("sha256-{}", ledger::b64u(&ledger::sha256(&package)));
        assert_eq!(entries[1].f, [order.to_string(), digest]);
        assert_eq!(whole["entry"], format!("2026/{}", entries[0].i));

        // It is made once; and the case is worked on as before, for nothing of it was erased.
        assert!(matches!(handed(world, order, &court), Err(HandOverError::NotNow(_))));
        notes(world, &office.worker, &case, Group::Origin, json!({}));
        assert!(world.log_is_whole());
    });
}

#[test]
fn nothing_is_handed_over_that_two_persons_did_not_agree_to() {
    for_each_database(|world| {
        let office = Office::new(world);
        let case = world.intake(&office.worker, "Hoa Mẫu");
        for groups in [&[][..], &[Group::Privileged], &[Group::Notes, Group::Privileged]] {
            let refused = office.ask(world, case.id, groups);
            assert!(
                matches!(refused, Err(CaseActError::Refused(Why::NotChosen))),
                "{groups:?}"
            );
        }
        let court = Identity::generate();
        let absent = handed(world, PublicId([9; 16]), &court);
        assert!(matches!(absent, Err(HandOverError::NoSuch)));
        office.ask(world, case.id, &[Group::Identity]).unwrap();
        let order = PublicId(office.newest(world).public_id.as_slice().try_into().unwrap());
        assert!(
            matches!(handed(world, order, &court), Err(HandOverError::NotNow(_))),
            "asked for alone"
        );
        office.answer(world, Answer::Refuse);
        assert!(
            matches!(handed(world, order, &court), Err(HandOverError::NotNow(_))),
            "refused"
        );
        assert!(!world.kinds().contains(&"case.hand_over".to_owned()));
    });
}

#[test]
fn what_was_agreed_to_is_stopped_by_either_side_until_it_is_done_and_lapses_after_a_week() {
    for_each_database(|world| {
        let office = Office::new(world);
        let (case, other) = (
            world.intake(&office.worker, "Hoa Mẫu"),
            world.intake(&office.worker, "Lan Mẫu"),
        );
        let court = Identity::generate();
        // A run that was cut short has opened, and given nothing out: it can be stopped still.
        let order = office.ordered(world, case.id, &[Group::Identity]);
        let mut plane = AnyConnection::open(&world.app.config.key_plane_address(world.data.path()), false).unwrap();
        let keyring = Arc::clone(&world.app.keyring);
        let at = (order, world.app.clock.now_ms());
        let found = find(&mut world.connection(), &mut plane, &keyring, at).unwrap();
        drop(
            found
                .open(&world.app.writer, &keyring, &court.to_public().to_string(), &[])
                .unwrap(),
        );
        office.answer(world, Answer::Refuse);
        assert!(matches!(handed(world, order, &court), Err(HandOverError::NotNow(_))));
        let order = office.ordered(world, other.id, &[Group::Identity]);
        world.app.clock.advance(7 * 86_400_000);
        assert!(matches!(handed(world, order, &court), Err(HandOverError::NotNow(why)) if why.contains("lapsed")));
        // The court may ask again.
        let office = Office::new(world);
        office.ask(world, other.id, &[Group::Identity]).unwrap();
    });
}

#[test]
fn an_order_that_was_edited_hands_over_nothing_and_neither_does_a_log_that_cannot_be_written() {
    for_each_database(|world| {
        let office = Office::new(world);
        let case = world.intake(&office.worker, "Hoa Mẫu");
        let order = office.ordered(world, case.id, &[Group::Notes]);
        let court = Identity::generate();
        let everything = (1_i64 << 18) - 1;
        world
            .db_execute(&format!("UPDATE joint_order SET groups = {everything}"))
            .unwrap();
        let edited = handed(world, order, &court);
        assert!(matches!(
            edited,
            Err(HandOverError::Storage(StorageError::Tampered("joint_order")))
        ));
        let listed = donghanh::domain::group::to_bits(&[Group::Notes]);
        world
            .db_execute(&format!("UPDATE joint_order SET groups = {listed}"))
            .unwrap();
        world.db_execute("ALTER TABLE log_entry RENAME TO gone").unwrap();
        assert!(matches!(handed(world, order, &court), Err(HandOverError::Log)));
    });
}

#[test]
fn a_package_that_could_not_be_written_is_made_again_with_an_entry_of_its_own() {
    let world = World::new();
    let office = Office::new(&world);
    let case = world.intake(&office.worker, "Hoa Mẫu");
    world.attach(&office.worker, case.id, Group::Identity, b"%PDF-1.7 mau");
    let order = office.ordered(&world, case.id, &[Group::Identity]);
    let court = Identity::generate();
    let mut plane = AnyConnection::open(&world.app.config.key_plane_address(world.data.path()), false).unwrap();
    let keyring = Arc::clone(&world.app.keyring);
    let objects = &world.app.files.objects;
    let to = court.to_public().to_string();
    let found = find(
        &mut world.connection(),
        &mut plane,
        &keyring,
        (order, world.app.clock.now_ms()),
    )
    .unwrap();
    let headers = world.block_on(found.headers(objects)).unwrap();
    let first = found.open(&world.app.writer, &keyring, &to, &headers).unwrap();
    // A disk that is full.
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::Error::from(std::io::ErrorKind::StorageFull))
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let full = world.block_on(first.pack(objects, &recipient(&to).unwrap(), &[], Full));
    assert!(matches!(full, Err(HandOverError::Write(_))));
    let package = handed(&world, order, &court).unwrap();
    assert!(holds(&opened(&package, &court).unwrap(), "Hoa Mẫu"));
    let opened = world.kinds().iter().filter(|kind| *kind == "case.hand_over").count();
    assert_eq!(opened, 2, "each opening has its entry");
}
