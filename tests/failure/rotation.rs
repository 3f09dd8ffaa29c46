//! All keys are drawn and wrapped anew, beside the running server and killed at any moment: nobody's keys are lost, and every row still counts.

use std::time::Duration;

use donghanh::config::Config;
use donghanh::operations::rotate_keys::behind;
use donghanh::operations::staff_record::StaffRecord;
use donghanh::storage::access_rows::{
    AccessRow, AccountRow, CaseRow, ConsentRow, DraftRow, ErasedRow, HoldRow, MembershipRow, OrderRow, OrganisationRow,
    ReferralRow, SessionRow, StepRow,
};
use donghanh::storage::connection::AnyConnection;
use donghanh::storage::key_plane::{all_handles, unseal};
use ledger::vault::keyring::Keyring;
use ledger::vault::slot::Opener;

use crate::process::{Browser, House, a_case, block_on};

/// Every owner with its log handle.
type Handles = Vec<(Vec<u8>, [u8; 16])>;

fn plane(house: &House) -> AnyConnection {
    AnyConnection::open(house.data.join("keys.db").to_str().unwrap(), false).unwrap()
}

/// What a key file opens; none when it opens nothing.
fn opened_by(house: &House, key: &str) -> Option<Keyring> {
    let text = std::fs::read_to_string(house.folder.path().join(key)).unwrap();
    let unsealed = unseal(&mut plane(house), &Opener::KeyFile(text.into())).unwrap();
    unsealed.map(|unsealed| unsealed.keyring)
}

fn house_of(house: &House) -> AnyConnection {
    let config = Config::load(&house.data).unwrap();
    AnyConnection::open(&config.database_address(&house.data), false).unwrap()
}

/// Rows of a table, each of which counts.
fn counted<R: AccessRow>(connection: &mut AnyConnection, keyring: &Keyring) -> usize {
    let rows = R::page(connection, &[], 10_000).unwrap();
    let all = rows.len();
    let good = rows.into_iter().filter_map(|row| row.trusted(keyring).ok()).count();
    assert_eq!(good, all, "{}", R::TABLE);
    all
}

/// How many rows of every table there are; none that would count for nothing, no record of staff that does not open.
fn rows(house: &House, keyring: &Keyring) -> Vec<usize> {
    let mut connection = house_of(house);
    for account in AccountRow::page(&mut connection, &[], 1000).unwrap() {
        assert!(StaffRecord::open(keyring, &account).is_ok());
    }
    let count = |table: fn(&mut AnyConnection, &Keyring) -> usize| table(&mut house_of(house), keyring);
    vec![
        count(counted::<AccountRow>),
        count(counted::<SessionRow>),
        count(counted::<OrganisationRow>),
        count(counted::<CaseRow>),
        count(counted::<MembershipRow>),
        count(counted::<StepRow>),
        count(counted::<ConsentRow>),
        count(counted::<ReferralRow>),
        count(counted::<DraftRow>),
        count(counted::<OrderRow>),
        count(counted::<HoldRow>),
        count(counted::<ErasedRow>),
    ]
}

/// The owners, as the key plane opens now; and the epoch.
fn opened(house: &House) -> (Handles, [u32; 2]) {
    let mut plane = plane(house);
    let keyring = opened_by(house, "key").unwrap();
    let owners = all_handles(&mut plane, &keyring).unwrap();
    let owners = owners.into_iter().map(|(owner, handle)| (owner, handle.0)).collect();
    (owners, keyring.epoch().unwrap())
}

#[test]
fn keys_are_wrapped_anew_beside_the_running_server_and_an_older_copy_opens_no_newer_row() {
    let house = House::new();
    let (owners, old) = opened(&house);
    let running = house.serve();
    let older = house.folder.path().join("older.db");
    std::fs::copy(house.data.join("keys.db"), &older).unwrap();
    let said = house.ok(&["keys", "rotate", "--again"]);
    assert!(
        said.contains("sealed while") && said.contains("The server is open."),
        "{said}"
    );
    block_on(async {
        let worker = Browser::sign_in(&running.address, &house.user("social_worker"), 0).await;
        let case = a_case(&worker).await;
        let page = worker.get(&case).await.unwrap();
        assert!(page.status == 200 && page.body.contains("Người mẫu"));
    });
    running.kill();
    let (after, new) = opened(&house);
    assert!(
        owners.iter().all(|owner| after.contains(owner)),
        "nobody's keys are lost"
    );
    assert!(old[0] != new[0] && old[1] != new[1]);

    // Whoever kept the older copy and its key has no wrapping key of the rows of today.
    let mut plane = AnyConnection::open(older.to_str().unwrap(), false).unwrap();
    let key = std::fs::read_to_string(house.folder.path().join("key")).unwrap();
    let kept = unseal(&mut plane, &Opener::KeyFile(key.into()))
        .unwrap()
        .unwrap()
        .keyring;
    let mut today = AnyConnection::open(house.data.join("keys.db").to_str().unwrap(), false).unwrap();
    assert!(all_handles(&mut today, &kept).is_err());
    assert!(house.ok(&["log", "verify"]).contains("OK"));
}

#[test]
fn a_rotation_that_is_killed_at_any_moment_leaves_every_key_whole() {
    let house = House::of(60);
    let (owners, first) = opened(&house);
    let before = rows(&house, &opened_by(&house, "key").unwrap());
    assert!(before.iter().filter(|count| **count > 0).count() >= 8, "{before:?}");
    let (mut epochs, mut cut) = (vec![first], 0);
    for round in 0..50_u64 {
        let mut rotation = house
            .command(&["keys", "rotate", "--again"])
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(round * 37 % 600));
        rotation.kill().unwrap();
        rotation.wait().unwrap();
        let (now, epoch) = opened(&house);
        assert_eq!(now, owners, "round {round}");
        let keyring = opened_by(&house, "key").unwrap();
        cut += usize::from(behind(&mut house_of(&house), &keyring).unwrap());
        assert_eq!(rows(&house, &keyring), before, "round {round}");
        if epochs.last() != Some(&epoch) {
            epochs.push(epoch);
        }
    }
    assert!(
        epochs.len() > 1 && cut > 0,
        "some came to their end, {cut} were cut short after they had begun"
    );
    house.ok(&["keys", "rotate", "--again"]);
    house.ok(&["keys", "rotate", "--again"]);
    assert_eq!(opened(&house).0, owners);
    let keyring = opened_by(&house, "key").unwrap();
    assert!(!behind(&mut house_of(&house), &keyring).unwrap());
    assert_eq!(rows(&house, &keyring), before);
    house.ok(&["log", "verify"]);
    house.ok(&["check"]);
}

#[test]
fn a_rotation_that_was_cut_short_says_so_and_the_next_one_brings_it_to_its_end() {
    let house = House::new();
    let mut plane = plane(&house);
    let key = std::fs::read_to_string(house.folder.path().join("key")).unwrap();
    let unsealed = unseal(&mut plane, &Opener::KeyFile(key.into())).unwrap().unwrap();
    let config = Config::load(&house.data).unwrap();
    let address = config.database_address(&house.data);
    let (writer, thread) =
        donghanh::storage::writer::Writer::start(&address, donghanh::clock::Clock::system(), "test").unwrap();
    donghanh::operations::rotate_keys::begin(&writer, &mut plane, &unsealed.root, &unsealed.keyring).unwrap();
    drop(writer);
    thread.join();
    let refused = house.run(&["keys", "retire"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("run `donghanh keys rotate` first"));
    let (_, epoch) = opened(&house);
    let said = house.ok(&["keys", "rotate", "--again"]);
    assert!(said.contains("cut short") && !said.contains("epoch"), "{said}");
    assert_eq!(opened(&house).1, epoch, "nothing newer was drawn");
    let keyring = opened_by(&house, "key").unwrap();
    assert!(!behind(&mut house_of(&house), &keyring).unwrap() && rows(&house, &keyring)[0] > 0);
    assert!(house.ok(&["keys", "retire"]).contains("3 old keys are destroyed"));
    assert!(house.ok(&["keys", "retire"]).contains("0 old keys are destroyed"));
    assert!(rows(&house, &opened_by(&house, "key").unwrap())[0] > 0);
}

#[test]
fn people_go_on_after_a_rotation_with_the_forms_sessions_and_passwords_they_have() {
    let house = House::new();
    let running = house.serve();
    let paper = crate::operator::own_key(&house);
    let worker = block_on(Browser::sign_in(&running.address, &house.user("social_worker"), 0));
    let form = block_on(worker.get("/intakes/new")).unwrap();
    let said = house.ok(&["keys", "rotate", "--again"]);
    let vkey = crate::operator::own_key(&house);
    assert!(paper != vkey && said.contains(&vkey), "{said}");
    block_on(async {
        let alias = [("alias", "Người mẫu sau khi đổi khóa".to_owned())];
        let sent = worker.submit(&form, "/intakes", &alias).await.unwrap();
        assert_eq!(sent.status, 303, "a form that was open is taken");
        let case = sent.location.unwrap();
        assert!(worker.get(&case).await.unwrap().body.contains("sau khi đổi khóa"));
    });
    // Twice: the first time the hash is of the older key, then it is of the key of now.
    for recovery in [1, 2] {
        block_on(Browser::sign_in(
            &running.address,
            &house.user("social_worker"),
            recovery,
        ));
    }
    let wrong = serde_json::json!({"code": house.user("social_worker")["code"], "password": "mật khẩu sai hẳn", "recovery": ["AAAAA-AAAAA"]});
    assert!(!block_on(Browser::tries(&running.address, &wrong, 0)));
    // Those who sign in again need the older key no longer; whoever does not still can, rotations later.
    for _ in 0..2 {
        house.ok(&["keys", "rotate", "--again"]);
    }
    block_on(Browser::sign_in(&running.address, &house.user("supervisor"), 0));
    block_on(Browser::sign_in(&running.address, &house.user("social_worker"), 3));
    running.kill();

    // The paper of the first day still proves the log; so does every line printed since.
    let bundle = house.folder.path().join("bundle");
    house.ok(&["log", "export", bundle.to_str().unwrap()]);
    let verify = |key: &str| {
        let out = crate::operator::verifier().arg(key).arg(&bundle).output().unwrap();
        (out.status.success(), String::from_utf8(out.stdout).unwrap())
    };
    let now = crate::operator::own_key(&house);
    for key in [&paper, &vkey] {
        let (good, said) = verify(key);
        assert!(
            good && said.contains("follows from the one on paper") && said.contains(&now),
            "{said}"
        );
    }
    assert!(verify(&now).1.contains("signed by the key on paper"));
    // A succession that somebody else wrote into the log leads nowhere.
    let entries = bundle.join("entries.jsonl");
    let text = std::fs::read_to_string(&entries).unwrap();
    std::fs::write(&entries, text.replace("succession-", "succussion-")).unwrap();
    let (good, said) = verify(&paper);
    assert!(!good && said.contains("not signed by this key"), "{said}");
}

#[test]
fn a_new_root_key_is_opened_by_its_new_slot_alone_and_people_do_not_notice() {
    let house = House::new();
    let running = house.serve();
    let (owners, epoch) = opened(&house);
    let new = house.folder.path().join("new-key");
    let told = |arguments: &[&str]| {
        let out = house.run(arguments);
        (out.status.success(), String::from_utf8_lossy(&out.stderr).into_owned())
    };
    let (done, said) = told(&[
        "keys",
        "rekey",
        "file",
        "--write",
        house.folder.path().join("key").to_str().unwrap(),
    ]);
    assert!(!done && said.contains("is there already"), "{said}");
    assert!(opened_by(&house, "key").is_some(), "nothing was changed");
    let said = house.ok(&["keys", "rekey", "file", "--write", new.to_str().unwrap()]);
    assert!(said.contains("the only one"), "{said}");
    assert!(opened_by(&house, "key").is_none());
    let keyring = opened_by(&house, "new-key").unwrap();
    assert_eq!(keyring.epoch().unwrap(), epoch);
    let mut plane = plane(&house);
    let now = all_handles(&mut plane, &keyring).unwrap();
    assert!(
        owners
            .iter()
            .all(|(owner, handle)| now.iter().any(|(known, its)| known == owner && its.0 == *handle))
    );
    assert!(rows(&house, &keyring)[0] > 0);
    block_on(async {
        let worker = Browser::sign_in(&running.address, &house.user("social_worker"), 0).await;
        let case = a_case(&worker).await;
        assert_eq!(worker.get(&case).await.unwrap().status, 200, "the server has its keys");
    });
    running.kill();
    let refused = house.run(&["keys", "rotate", "--again"]);
    assert!(!refused.status.success(), "the old key opens nothing");
    let again = crate::process::command(&house.data, &new, &["keys", "rotate", "--again"])
        .output()
        .unwrap();
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
    let list = crate::process::command(&house.data, &new, &["keys", "status"])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&list.stdout).matches("file").count(), 1);
    let verified = crate::process::command(&house.data, &new, &["log", "verify"])
        .output()
        .unwrap();
    assert!(verified.status.success());
}

#[test]
fn data_of_before_a_rotation_comes_back_under_the_keys_of_after_it() {
    let house = House::new();
    let config = Config::load(&house.data).unwrap();
    let address = config.database_address(&house.data);
    let (aside, there) = (house.folder.path().join("aside.db"), std::path::PathBuf::from(&address));
    donghanh::storage::copy::copy_to(&mut house_of(&house), &aside).unwrap();
    let before = rows(&house, &opened_by(&house, "key").unwrap());
    house.ok(&["keys", "rotate", "--again"]);
    for end in ["", "-wal", "-shm"] {
        drop(std::fs::remove_file(format!("{address}{end}")));
    }
    std::fs::copy(&aside, &there).unwrap();
    assert_eq!(
        rows(&house, &opened_by(&house, "key").unwrap()),
        before,
        "every row of the older copy counts"
    );
    let running = house.serve();
    block_on(Browser::sign_in(&running.address, &house.user("social_worker"), 0));
    let said = house.ok(&["keys", "rotate", "--again"]);
    assert!(said.contains("an older backup came back"), "{said}");
    block_on(Browser::sign_in(&running.address, &house.user("social_worker"), 1));
    running.kill();
    let keyring = opened_by(&house, "key").unwrap();
    assert!(!behind(&mut house_of(&house), &keyring).unwrap());
}

/// The key plane file with what SQLite keeps beside it, moved.
fn moved(house: &House, name: &str) {
    for end in ["", "-wal", "-shm"] {
        let from = house.data.join(format!("keys.db{end}"));
        drop(std::fs::rename(from, house.folder.path().join(format!("{name}{end}"))));
    }
}

#[test]
fn keys_of_before_a_rotation_are_known_as_such_wherever_they_come_back() {
    let house = House::new();
    let path = |name: &str| house.folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::create_dir(path("backups")).unwrap();
    let identity = age::x25519::Identity::generate();
    std::fs::write(
        path("identity"),
        age::secrecy::ExposeSecret::expose_secret(&identity.to_string()),
    )
    .unwrap();
    let config = format!(
        "listen = \"127.0.0.1:0\"\nworkers = 1\n[backup]\nfolder = \"{}\"\nrecipients = [\"{}\"]\n",
        path("backups"),
        identity.to_public()
    );
    std::fs::write(house.data.join("config.toml"), config).unwrap();
    house.ok(&["keys", "package", "make", &path("one")]);
    house.ok(&["keys", "rotate"]);
    let again = house.run(&["keys", "rotate"]);
    assert!(
        String::from_utf8_lossy(&again.stderr).contains("within the last day"),
        "a slip is not a rotation"
    );
    assert!(house.ok(&["check"]).contains("no key package was made since"));
    assert!(
        house
            .ok(&["backup", "create"])
            .contains("drawn anew after the newest key package")
    );
    let drill = |package: &str| {
        let out = house.run(&[
            "backup",
            "verify",
            "--identity",
            &path("identity"),
            "--package",
            &path(package),
        ]);
        (out.status.success(), String::from_utf8(out.stdout).unwrap())
    };
    let (good, said) = drill("one");
    assert!(!good && said.contains("not of one time"), "{said}");
    house.ok(&["keys", "package", "make", &path("two")]);
    assert!(drill("two").0);
    assert!(!house.ok(&["check"]).contains("no key package"));

    moved(&house, "aside.db");
    let refused = house.run(&["keys", "package", "restore", &path("one")]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("take a newer package"));
    moved(&house, "empty.db");
    house.ok(&["keys", "package", "restore", &path("two")]);
    assert!(house.ok(&["check"]).contains("OK"));
}

#[test]
fn an_older_key_plane_that_was_put_back_signs_nothing_that_the_paper_accepts() {
    let house = House::new();
    let paper = crate::operator::own_key(&house);
    let older = house.folder.path().join("older.db");
    donghanh::storage::copy::copy_to(&mut plane(&house), &older).unwrap();
    house.ok(&["keys", "rotate"]);
    let now = crate::operator::own_key(&house);
    moved(&house, "aside.db");
    std::fs::copy(&older, house.data.join("keys.db")).unwrap();
    for command in ["rotate", "retire"] {
        let refused = house.run(&["keys", command]);
        assert!(
            String::from_utf8_lossy(&refused.stderr).contains("nobody can sign in"),
            "{command}"
        );
    }
    let refused = house.run(&[
        "keys",
        "package",
        "make",
        house.folder.path().join("p").to_str().unwrap(),
    ]);
    assert!(!refused.status.success());
    let checked = house.run(&["check"]);
    assert!(String::from_utf8_lossy(&checked.stdout).contains("not of one time"));
    // It signs no log any more; and what it would sign, neither the first paper nor the newest accepts.
    let bundle = house.folder.path().join("bundle");
    let refused = house.run(&["log", "export", bundle.to_str().unwrap()]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("not of one time"));
    let old = opened_by(&house, "key").unwrap();
    let sound = donghanh::operations::verify_log::verify(&mut house_of(&house))
        .unwrap()
        .unwrap();
    std::fs::create_dir(&bundle).unwrap();
    std::fs::write(
        bundle.join("checkpoint"),
        donghanh::operations::verify_log::checkpoint(&old, &sound),
    )
    .unwrap();
    let rows = donghanh::storage::log_rows::from_index(&mut house_of(&house), sound.shard, 0, 10_000).unwrap();
    let lines: Vec<u8> = rows
        .into_iter()
        .flat_map(|row| [row.bytes, vec![b'\n']].concat())
        .collect();
    std::fs::write(bundle.join("entries.jsonl"), lines).unwrap();
    for key in [&paper, &now] {
        let out = crate::operator::verifier().arg(key).arg(&bundle).output().unwrap();
        assert_eq!(out.status.code(), Some(1), "{}", String::from_utf8_lossy(&out.stdout));
    }
}

#[test]
fn whoever_judged_older_keys_destroys_none_of_the_newer() {
    let house = House::new();
    house.ok(&["keys", "rotate"]);
    let key = std::fs::read_to_string(house.folder.path().join("key")).unwrap();
    let mut plane = plane(&house);
    let judged = unseal(&mut plane, &Opener::KeyFile(key.into())).unwrap().unwrap();
    house.ok(&["keys", "rotate", "--again"]);
    let config = Config::load(&house.data).unwrap();
    let address = config.database_address(&house.data);
    let (writer, thread) =
        donghanh::storage::writer::Writer::start(&address, donghanh::clock::Clock::system(), "test").unwrap();
    let keep = donghanh::operations::rotate_keys::Keep::None;
    let ended = donghanh::operations::rotate_keys::end(
        &writer,
        (&mut house_of(&house), &mut plane),
        (&judged.root, &judged.keyring),
        keep,
    );
    assert!(ended.unwrap_err().to_string().contains("run this again"));
    drop(writer);
    thread.join();
    assert!(rows(&house, &opened_by(&house, "key").unwrap())[0] > 0);
}

#[test]
fn whoever_opened_the_keys_before_they_were_rekeyed_changes_nothing_afterwards() {
    let house = House::new();
    let (mut one, mut two) = (plane(&house), plane(&house));
    let key = std::fs::read_to_string(house.folder.path().join("key")).unwrap();
    let before = unseal(&mut one, &Opener::KeyFile(key.into())).unwrap().unwrap();
    let new = house.folder.path().join("new-key");
    house.ok(&["keys", "rekey", "file", "--write", new.to_str().unwrap()]);
    let deployment = before.keyring.deployment();
    let erased = donghanh::storage::key_plane::erase(&mut two, &before.root, &before.keyring, &[], |_| Ok(()));
    assert!(erased.unwrap_err().to_string().contains("run this again"));
    let (slot, _) = ledger::vault::slot::Slot::key_file(deployment, &before.root).unwrap();
    let added = donghanh::storage::key_plane::change_slots(&mut two, &before.root, (Some(&slot), None), || Ok(()));
    assert!(added.is_err(), "a slot of the old root key would open nothing");
    let keyring = opened_by(&house, "new-key").unwrap();
    assert!(rows(&house, &keyring)[0] > 0 && !all_handles(&mut two, &keyring).unwrap().is_empty());
    let sheets = house.folder.path().join("sheets");
    let refused = crate::process::command(
        &house.data,
        &new,
        &["keys", "rekey", "custodians", "--sheets", sheets.to_str().unwrap()],
    )
    .output();
    assert!(String::from_utf8_lossy(&refused.unwrap().stderr).contains("papers that nobody has tried"));
}
