//! Backups and the way back, with the real program, a running server and a key that is not on the machine.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use age::secrecy::ExposeSecret as _;
use diesel::RunQueryDsl as _;
use diesel::connection::SimpleConnection as _;
use donghanh::app::Process;
use donghanh::clock::Clock;
use donghanh::config::Config;
use donghanh::domain::group::Group;
use donghanh::domain::public_id::PublicId;
use donghanh::domain::role::Role;
use donghanh::operations::create_intake::Opened;
use donghanh::operations::mirror::{entries, path};
use donghanh::operations::view_case::{Wish, view_case};
use donghanh::storage::connection::AnyConnection;
use donghanh::storage::{key_plane, log_rows};
use futures_util::TryStreamExt as _;
use ledger::vault::slot::Opener;
use tempfile::TempDir;

use crate::erasure::{command, fault, ok, serve};
use crate::support::{Staff, World};

/// A house, a second place for the log, a medium for backups and the key of whoever may restore.
struct Setting {
    world: World,
    worker: Staff,
    away: TempDir,
}

impl Setting {
    fn new() -> Self {
        let (world, away) = (World::new(), tempfile::tempdir().unwrap());
        let identity = age::x25519::Identity::generate();
        std::fs::write(away.path().join("identity"), identity.to_string().expose_secret()).unwrap();
        for folder in ["backups", "mirror"] {
            std::fs::create_dir(away.path().join(folder)).unwrap();
        }
        let config = format!(
            "listen = \"127.0.0.1:0\"\nworkers = 1\n[backup]\nfolder = \"{0}/backups\"\nmirror = \"{0}/mirror\"\nkeep = 2\nrecipients = [\"{1}\"]\n",
            away.path().display(),
            identity.to_public()
        );
        std::fs::write(world.data.path().join("config.toml"), config).unwrap();
        let worker = world.staff("XA-A", Role::SocialWorker);
        Self { world, worker, away }
    }

    fn data(&self) -> &Path {
        self.world.data.path()
    }

    fn away(&self, name: &str) -> String {
        self.away.path().join(name).to_str().unwrap().to_owned()
    }

    fn intake(&self, alias: &str) -> Opened {
        self.world.intake(&self.world.sign_in(&self.worker).0, alias)
    }

    /// Makes a backup and gives its file.
    fn backup(&self) -> String {
        let said = ok(self.data(), &["backup", "create"]);
        said.split("  ").next().unwrap().to_owned()
    }

    fn mirror(&self) -> PathBuf {
        let mut house = self.world.connection();
        let shard = log_rows::head(&mut house).unwrap().shard;
        path(
            &self.away.path().join("mirror"),
            self.world.app.keyring.deployment(),
            shard,
        )
    }

    /// An empty machine with the same configuration and slot.
    fn fresh(&self) -> TempDir {
        let fresh = tempfile::tempdir().unwrap();
        for name in ["config.toml", "test.key"] {
            std::fs::copy(self.data().join(name), fresh.path().join(name)).unwrap();
        }
        fresh
    }
}

fn raw(data: &Path) -> Vec<Vec<u8>> {
    let mut house = AnyConnection::open(data.join("donghanh.db").to_str().unwrap(), false).unwrap();
    let shard = log_rows::head(&mut house).unwrap().shard;
    let rows = log_rows::from_index(&mut house, shard, 0, 1_000_000).unwrap();
    rows.into_iter().map(|row| row.bytes).collect()
}

#[test]
fn a_lost_machine_comes_back_from_backup_mirror_and_package_without_losing_an_entry() {
    let setting = Setting::new();
    let before = setting.intake("Hoa Mẫu");
    let worker = setting.world.sign_in(&setting.worker).0;
    let document = [b"%PDF-1.7 ".as_slice(), &[7; 2_000_000]].concat();
    let attached = setting.world.attach(&worker, before.id, Group::Risk, &document);
    ok(setting.data(), &["keys", "package", "make", &setting.away("keys-1")]);
    let server = serve(setting.data());
    let file = setting.backup();
    let identity = setting.away("identity");
    let proved = [
        "backup",
        "verify",
        "--identity",
        &identity,
        "--package",
        &setting.away("keys-1"),
    ];
    let said = ok(setting.data(), &proved);
    assert!(
        said.contains("every row that it tells of") && said.contains("keys of everybody"),
        "{said}"
    );
    let bytes = std::fs::read(&file).unwrap();
    assert!(!bytes.windows(15).any(|window| window == b"SQLite format 3"));

    // What happens afterwards is in the mirror only.
    let after = setting.intake("Lan Mẫu");
    let all = raw(setting.data());
    let end = Instant::now() + Duration::from_secs(30);
    while entries(&setting.mirror(), 0).unwrap().len() < all.len() {
        assert!(Instant::now() < end, "the mirror follows while the server runs");
        std::thread::sleep(Duration::from_millis(50));
    }
    drop(server);

    let fresh = setting.fresh();
    let target = fresh.path();
    let said = ok(target, &["backup", "restore", &file, "--identity", &identity]);
    assert!(
        said.contains("no entry of the mirror is lost") && said.contains("to be done again: case.create"),
        "{said}"
    );
    assert!(fault(target, &["backup", "restore", &file, "--identity", &identity]).contains("has a database already"));
    let back = raw(target);
    assert_eq!(&back[..all.len()], &all[..], "entry by entry");
    assert_eq!(back.len(), all.len() + 1, "and one that tells of the restore");
    ok(target, &["log", "verify"]);
    ok(target, &["keys", "package", "restore", &setting.away("keys-1")]);
    // What is lost was named; a backup of what is left is whole again.
    ok(target, &["backup", "create"]);
    ok(target, &["backup", "verify", "--identity", &identity]);
    let check = || String::from_utf8(command(target, &["check"]).output().unwrap().stdout).unwrap();
    let said = check();
    assert!(said.contains("mirror") && !said.contains("have no key"), "{said}");

    let (config, clock) = (
        Config::load(target).unwrap(),
        Clock::fixed(setting.world.app.clock.now_ms()),
    );
    let text = std::fs::read_to_string(target.join("test.key")).unwrap();
    let mut plane = AnyConnection::open(&config.key_plane_address(target), false).unwrap();
    let keyring = key_plane::unseal(&mut plane, &Opener::KeyFile(text.into()))
        .unwrap()
        .unwrap()
        .keyring;
    let (process, thread) = Process::start(target, config, clock).unwrap();
    let app = process.open(keyring);
    drop(process);
    let worker = setting.world.sign_in(&setting.worker).0;
    let wish = Wish {
        parts: None,
        purpose: "case_work",
        confirmed: false,
    };
    let seen = |id: &Opened| setting.world.block_on(view_case(&app, &worker, id.id.0, &wish));
    // The session of the lost machine counts for nothing on the new one.
    assert!(seen(&before).is_err());
    let worker = setting.world.block_on(signed_in(&app, &setting.worker));
    let seen = |id: &Opened| setting.world.block_on(view_case(&app, &worker, id.id.0, &wish));
    assert!(seen(&before).is_ok());
    let file = setting.world.block_on(downloaded(&app, &worker, &before, attached));
    assert!(file == document, "the file came back with the data");
    assert!(seen(&after).is_err(), "its data is lost, and the log tells so");
    drop(app);
    thread.join();
    plane.batch_execute("DELETE FROM owner_key").unwrap();
    assert!(check().contains("have no key here"), "another key plane is noticed");
}

/// Every plain byte of a file.
async fn downloaded(
    app: &donghanh::app::App,
    actor: &donghanh::operations::actor::Actor,
    case: &Opened,
    name: [u8; 16],
) -> Vec<u8> {
    let open = donghanh::operations::open_attachment::open_attachment(app, actor, case.id, PublicId(name));
    let open = open.await.unwrap();
    let length = open.length();
    let pieces: Vec<bytes::Bytes> = std::pin::pin!(open.bytes(0, length)).try_collect().await.unwrap();
    pieces.concat()
}

/// Signs in at another house than the world's own.
async fn signed_in(app: &donghanh::app::App, staff: &Staff) -> donghanh::operations::actor::Actor {
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

#[test]
fn a_backup_that_is_changed_cut_or_for_another_key_restores_nothing() {
    let setting = Setting::new();
    setting.intake("Hoa Mẫu");
    drop(setting.world.sign_in(&setting.worker));
    let file = setting.backup();
    let identity = setting.away("identity");
    let other = setting.away("other");
    std::fs::write(&other, age::x25519::Identity::generate().to_string().expose_secret()).unwrap();
    let fresh = setting.fresh();
    let target = fresh.path();
    let refused = |file: &str, identity: &str| {
        let said = fault(
            target,
            &["backup", "restore", file, "--identity", identity, "--no-mirror"],
        );
        let left: Vec<_> = std::fs::read_dir(target)
            .unwrap()
            .map(|one| one.unwrap().file_name())
            .collect();
        assert_eq!(left.len(), 2, "{left:?}: {said}");
        said
    };
    assert!(refused(&file, &other).contains("does not open with this key"));
    let bytes = std::fs::read(&file).unwrap();
    let changed = setting.away("changed");
    for part in 0..12 {
        let at = (bytes.len() - 1) * part / 11;
        let mut copy = bytes.clone();
        copy[at] ^= 1;
        std::fs::write(&changed, &copy).unwrap();
        refused(&changed, &identity);
        std::fs::write(&changed, &bytes[..at]).unwrap();
        refused(&changed, &identity);
    }
    let said = fault(
        target,
        &[
            "backup",
            "restore",
            &file,
            "--identity",
            &identity,
            "--mirror",
            &setting.away("nowhere"),
        ],
    );
    assert!(said.contains("nowhere"), "{said}");
    assert!(
        !target.join("donghanh.db").exists(),
        "without its mirror nothing is put in place"
    );
    ok(
        target,
        &["backup", "restore", &file, "--identity", &identity, "--no-mirror"],
    );
    let sessions = donghanh::storage::schema::session::table;
    let mut house = AnyConnection::open(target.join("donghanh.db").to_str().unwrap(), false).unwrap();
    let left: i64 = diesel::QueryDsl::count(sessions).get_result(&mut house).unwrap();
    assert_eq!(left, 0, "nobody stays signed in, with or without a mirror");
}

#[test]
fn a_row_that_somebody_deleted_shows_when_the_next_backup_is_made_and_no_whole_one_goes_for_it() {
    let setting = Setting::new();
    setting.intake("Hoa Mẫu");
    setting.intake("Lan Mẫu");
    let identity = setting.away("identity");
    let drill = ["backup", "verify", "--identity", &identity];
    let whole = setting.backup();
    ok(setting.data(), &drill);
    let delete = "DROP TRIGGER sealed_value_no_delete; DELETE FROM sealed_value WHERE group_no = 1";
    setting.world.connection().batch_execute(delete).unwrap();
    // Two are kept of those that are whole.
    for _ in 0..2 {
        let said = fault(setting.data(), &["backup", "create"]);
        assert!(said.contains("lacks what its log tells of"), "{said}");
    }
    let list = ok(setting.data(), &["backup", "list"]);
    assert!(list.lines().count() == 3 && list.contains(&whole), "{list}");
    assert!(fault(setting.data(), &drill).contains("(case.create) wrote is not in it"));

    // Without a better one it is taken by name, and the log says for ever what is gone.
    let newest = list.lines().last().unwrap().split_whitespace().next().unwrap();
    let fresh = setting.fresh();
    let restore = ["backup", "restore", newest, "--identity", &identity, "--no-mirror"];
    assert!(fault(fresh.path(), &restore).contains("wrote is not in it"));
    assert!(!fresh.path().join("donghanh.db").exists());
    let said = ok(fresh.path(), &[restore.as_slice(), &["--incomplete"]].concat());
    assert!(said.contains("gone from the data: case.create"), "{said}");
    std::fs::copy(setting.data().join("keys.db"), fresh.path().join("keys.db")).unwrap();
    ok(fresh.path(), &["backup", "create"]);
    ok(fresh.path(), &["log", "verify"]);
}

#[test]
fn one_backup_is_made_at_a_time_and_an_interrupted_one_leaves_no_litter() {
    let setting = Setting::new();
    let folder = Path::new(&setting.away("backups")).to_path_buf();
    setting.backup();
    let lock = std::fs::File::open(folder.join(".lock")).unwrap();
    lock.lock().unwrap();
    assert!(fault(setting.data(), &["backup", "create"]).contains("is being made into"));
    drop(lock);
    for litter in [".copy.partial", ".backup.partial"] {
        std::fs::write(folder.join(litter), "half").unwrap();
    }
    setting.backup();
    let names = std::fs::read_dir(&folder).unwrap();
    let names: Vec<String> = names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(names.iter().all(|name| !name.ends_with("partial")), "{names:?}");
}

#[test]
fn a_mirror_of_another_log_keeps_the_server_from_serving() {
    let setting = Setting::new();
    setting.intake("Hoa Mẫu");
    drop(serve(setting.data()));
    let mirror = setting.mirror();
    let text = std::fs::read_to_string(&mirror).unwrap();
    // Half a line, as a crash leaves it, is cut off; the rest goes on.
    std::fs::write(&mirror, format!("{text}{{\"a\":\"oper")).unwrap();
    drop(serve(setting.data()));
    let all = raw(setting.data());
    let mirrored = entries(&mirror, 0).unwrap();
    assert_eq!(mirrored[..], all[..mirrored.len()]);
    assert!(mirrored.len() >= text.lines().count());
    std::fs::write(&mirror, text.replacen("operator", "operatos", 1)).unwrap();
    let out = command(setting.data(), &["serve"]).output().unwrap();
    assert!(!out.status.success());
    assert!(String::from_utf8_lossy(&out.stderr).contains("holds another log than this one"));
}

#[test]
fn a_mirror_that_was_deleted_under_the_server_is_made_again_as_a_whole() {
    let setting = Setting::new();
    setting.intake("Hoa Mẫu");
    let server = serve(setting.data());
    std::fs::remove_file(setting.mirror()).unwrap();
    setting.backup();
    for _ in 0..300 {
        let there = setting.mirror().exists() && entries(&setting.mirror(), 0).unwrap() == raw(setting.data());
        if there {
            drop(server);
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("the mirror did not come back");
}

#[test]
fn a_mirror_that_is_shorter_or_tells_another_story_is_not_put_behind_a_backup() {
    let setting = Setting::new();
    setting.intake("Hoa Mẫu");
    drop(serve(setting.data()));
    let file = setting.backup();
    drop(serve(setting.data()));
    let (identity, mirrors) = (setting.away("identity"), setting.away("mirror"));
    let fresh = setting.fresh();
    let restore = [
        "backup",
        "restore",
        &file,
        "--identity",
        &identity,
        "--mirror",
        &mirrors,
    ];
    let mirror = setting.mirror();
    let text = std::fs::read_to_string(&mirror).unwrap();
    let short: String = text.lines().take(2).map(|line| format!("{line}\n")).collect();
    for (told, expected) in [
        (short, "ends before the backup"),
        (text.replacen("operator", "operatos", 1), "tells of another log"),
    ] {
        std::fs::write(&mirror, told).unwrap();
        let said = fault(fresh.path(), &restore);
        assert!(said.contains(expected), "{said}");
        assert!(!fresh.path().join("donghanh.db").exists());
    }
    std::fs::write(&mirror, text).unwrap();
    ok(fresh.path(), &restore);
}

#[test]
fn people_work_while_the_second_place_is_away_and_a_recipient_with_a_slip_makes_no_backup() {
    let setting = Setting::new();
    let config = std::fs::read_to_string(setting.data().join("config.toml")).unwrap();
    let away = config.replace("/mirror\"", "/nowhere/mirror\"");
    std::fs::write(setting.data().join("config.toml"), away).unwrap();
    drop(serve(setting.data()));
    let slip = config.replace("recipients = [\"age1", "recipients = [\"age1slip\", \"age1");
    std::fs::write(setting.data().join("config.toml"), slip).unwrap();
    let said = fault(setting.data(), &["backup", "create"]);
    assert!(said.contains("age1slip is no public age key"), "{said}");
    assert!(std::fs::read_dir(setting.away("backups")).unwrap().next().is_none());
}

#[test]
fn a_house_on_a_server_is_backed_up_proved_and_restored_like_one_in_a_folder() {
    let server = crate::support::postgres::Server::start();
    let away = tempfile::tempdir().unwrap();
    let identity = age::x25519::Identity::generate();
    let secret = away.path().join("identity").to_str().unwrap().to_owned();
    std::fs::write(&secret, identity.to_string().expose_secret()).unwrap();
    for folder in ["backups", "mirror"] {
        std::fs::create_dir(away.path().join(folder)).unwrap();
    }
    let config = |(house, keys): (String, String)| {
        format!(
            "database = \"{house}\"\nkey_plane = \"{keys}\"\n[backup]\nfolder = \"{0}/backups\"\nmirror = \"{0}/mirror\"\nrecipients = [\"{1}\"]\n",
            away.path().display(),
            identity.to_public()
        )
    };
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let house = crate::process::House::at(folder, data, &config((server.address("house"), server.address("keys"))));
    let running = house.serve();
    let package = away.path().join("keys-1").to_str().unwrap().to_owned();
    house.ok(&["keys", "package", "make", &package]);
    let said = house.ok(&["backup", "create"]);
    let file = said.split("  ").next().unwrap().to_owned();
    // The drill needs no server, only the folder of backups and the two secrets.
    let said = house.ok(&["backup", "verify", "--identity", &secret, "--package", &package]);
    assert!(
        said.contains("every row that it tells of") && said.contains("keys of everybody"),
        "{said}"
    );
    crate::process::block_on(async {
        let worker = crate::process::Browser::sign_in(&running.address, &house.user("social_worker"), 0).await;
        crate::process::a_case(&worker).await;
    });
    let again = house.run(&["backup", "restore", &file, "--identity", &secret]);
    assert!(String::from_utf8_lossy(&again.stderr).contains("holds a house already"));
    let mut lost = AnyConnection::open(&server.address("house"), false).unwrap();
    let size = log_rows::head(&mut lost).unwrap().size;
    let mirrored = || {
        let mut files = std::fs::read_dir(away.path().join("mirror")).unwrap();
        let file = files.next().unwrap().unwrap().path();
        entries(&file, 0).unwrap().len()
    };
    let end = Instant::now() + Duration::from_secs(30);
    while i64::try_from(mirrored()).unwrap() < size {
        assert!(Instant::now() < end, "the mirror follows while the server runs");
        std::thread::sleep(Duration::from_millis(50));
    }
    running.kill();

    // Another server, empty; the same folder of backups.
    let fresh = house.second_node();
    let listen = "listen = \"127.0.0.1:0\"\nworkers = 1\n";
    std::fs::write(
        fresh.data.join("config.toml"),
        format!("{listen}{}", config(server.fresh())),
    )
    .unwrap();
    let said = fresh.ok(&["backup", "restore", &file, "--identity", &secret]);
    assert!(said.contains("2 entries were put behind it from the mirror"), "{said}");
    fresh.ok(&["keys", "package", "restore", &package]);
    assert!(fresh.ok(&["check"]).contains("OK"));
    assert!(fresh.ok(&["log", "verify"]).contains("OK"));
    let running = fresh.serve();
    crate::process::block_on(async {
        let worker = crate::process::Browser::sign_in(&running.address, &house.user("social_worker"), 1).await;
        let case = crate::process::a_case(&worker).await;
        assert_eq!(worker.get(&case).await.unwrap().status, 200);
    });
    running.kill();
    assert!(fresh.ok(&["backup", "create"]).contains("entries of the log"));
}

#[test]
fn a_sealed_file_stays_as_long_as_a_kept_backup_tells_of_it_and_no_longer() {
    let setting = Setting::new();
    let worker = setting.world.sign_in(&setting.worker).0;
    let case = setting.world.intake(&worker, "Hoa Mẫu");
    let hex = |name: [u8; 16]| ledger::vault::associated::hex(&name);
    let gone = hex(setting.world.attach(&worker, case.id, Group::Risk, b"%PDF-1.7 mot"));
    setting.world.app.clock.advance(1000);
    let stays = hex(setting.world.attach(&worker, case.id, Group::Risk, b"%PDF-1.7 hai"));
    let kept = || {
        let folders = std::fs::read_dir(setting.away("backups") + "/files").unwrap();
        let files = folders.flat_map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap());
        let mut names: Vec<String> = files
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    let first = setting.backup();
    let mut both = vec![gone.clone(), stays.clone()];
    both.sort();
    assert_eq!(kept(), both);
    // Gone with its entry, as an erasure does it; two backups are kept.
    let mut house = setting.world.connection();
    let row = format!("x'{gone}'");
    house
        .batch_execute(&format!(
            "DROP TRIGGER attachment_no_delete; DELETE FROM attachment WHERE public_id = {row}"
        ))
        .unwrap();
    let said = fault(setting.data(), &["backup", "create"]);
    assert!(said.contains("lacks what its log tells of"), "{said}");
    assert_eq!(kept(), both, "what is missing without a reason is kept");
    std::fs::remove_file(Path::new(&first).with_extension("names")).unwrap();
    let backups = Path::new(&setting.away("backups")).to_path_buf();
    let needed = || donghanh::operations::backup::named_files(&backups).unwrap();
    assert!(
        needed().is_none(),
        "one that does not say what belongs to it keeps everything"
    );
    std::fs::remove_file(&first).unwrap();
    assert_eq!(needed().unwrap(), [stays.clone()].into());
    let store = donghanh::storage::objects::Objects::folder(&backups.join("files")).unwrap();
    let names = needed().unwrap();
    let swept = donghanh::operations::copy_files::keep_files(&names, &store);
    assert_eq!(setting.world.block_on(swept).unwrap(), 1);
    assert_eq!(kept(), [stays]);
}
