//! The operator's commands as a person would type them.

use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use donghanh::storage::connection::AnyConnection;

use crate::process::{Browser, House, PROGRAM, block_on, command};

#[test]
fn init_with_a_passphrase_prints_the_key_of_the_log_and_a_wrong_passphrase_opens_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let with = |passphrase: &str, arguments: &[&str]| {
        use std::io::Write as _;
        let mut child = Command::new(PROGRAM)
            .arg("--data")
            .arg(&data)
            .arg("--passphrase-stdin")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(format!("{passphrase}\n").as_bytes())
            .unwrap();
        child.wait_with_output().unwrap()
    };
    let short = with("ngắn", &["init"]);
    assert!(!short.status.success() && String::from_utf8_lossy(&short.stderr).contains("at least 16 characters"));
    let made = with("bốn từ ngẫu nhiên rất dài", &["init"]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let printed = String::from_utf8(made.stdout).unwrap();
    assert!(ledger::log::checkpoint::VerifierKey::parse(printed.lines().last().unwrap()).is_some());
    assert_eq!(std::fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);
    let wrong = with("một câu khác hẳn và dài", &["organisation-add", "XA", "commune", "Mẫu"]);
    assert!(!wrong.status.success() && String::from_utf8_lossy(&wrong.stderr).contains("wrong passphrase"));
    assert!(
        with(
            "bốn từ ngẫu nhiên rất dài",
            &["organisation-add", "XA", "commune", "Mẫu"]
        )
        .status
        .success()
    );
    let again = with("bốn từ ngẫu nhiên rất dài", &["init"]);
    assert!(!again.status.success(), "a folder with data is never set up again");
}

#[test]
fn a_user_is_added_signs_in_and_is_disabled_while_the_server_runs() {
    let house = House::new();
    let running = house.serve();
    let printed = house.ok(&[
        "user",
        "add",
        "--org",
        "UBND-MAU-A",
        "--role",
        "social_worker",
        "--name",
        "Cán bộ Mẫu Mới",
    ]);
    let line = |label: &str| {
        let line = printed.lines().find(|line| line.starts_with(label)).unwrap();
        line.split_once(':').unwrap().1.trim().to_owned()
    };
    let recovery: Vec<String> = line("Recovery codes").split_whitespace().map(str::to_owned).collect();
    let user = serde_json::json!({"code": line("Staff code"), "password": line("Password"), "recovery": recovery});
    block_on(async {
        let worker = Browser::sign_in(&running.address, &user, 0).await;
        assert_eq!(worker.get("/cases").await.unwrap().status, 200);
        house.ok(&["user", "disable", &line("Staff code")]);
        let after = worker.get("/cases").await.unwrap();
        assert!(after.status == 303, "{}", after.status);
    });
    running.kill();
    assert!(house.run(&["log", "verify"]).status.success());
    let unknown = house.run(&["user", "disable", "NV-0000-0000"]);
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("no account has this staff code"));
}

#[test]
fn a_reset_gives_new_secrets_and_the_old_ones_open_nothing() {
    let house = House::new();
    let worker = house.user("social_worker");
    let code = worker["code"].as_str().unwrap();
    let running = house.serve();
    block_on(async {
        let before = Browser::sign_in(&running.address, &worker, 0).await;
        let printed = house.ok(&["user", "reset", code]);
        let line = |label: &str| {
            let line = printed.lines().find(|line| line.starts_with(label)).unwrap();
            line.split_once(':').unwrap().1.trim().to_owned()
        };
        assert_eq!(before.get("/cases").await.unwrap().status, 303, "her sessions ended");
        assert!(
            !Browser::tries(&running.address, &worker, 1).await,
            "old password, old recovery code"
        );
        let recovery: Vec<String> = line("Recovery codes").split_whitespace().map(str::to_owned).collect();
        let mixed = serde_json::json!({"code": code, "password": worker["password"], "recovery": recovery});
        assert!(
            !Browser::tries(&running.address, &mixed, 0).await,
            "old password, new recovery code"
        );
        let user = serde_json::json!({"code": code, "password": line("Password"), "recovery": recovery});
        let again = Browser::sign_in(&running.address, &user, 0).await;
        let list = again.get("/cases").await.unwrap();
        assert!(
            list.status == 200 && list.body.contains("DH-"),
            "her cases are still hers"
        );
    });
    running.kill();
    assert!(house.run(&["log", "verify"]).status.success());
    let bundle = house.folder.path().join("bundle");
    house.ok(&["log", "export", bundle.to_str().unwrap()]);
    let entries = std::fs::read_to_string(bundle.join("entries.jsonl")).unwrap();
    assert!(entries.contains("account.reset"));
}

#[test]
fn the_cases_of_a_disabled_worker_wait_and_the_operator_is_told_how_many() {
    let house = House::new();
    let worker = house.user("social_worker");
    let code = worker["code"].as_str().unwrap();
    let said = house.ok(&["user", "disable", code]);
    assert!(said.contains("now wait for a worker of the unit"), "{said}");
    let again = house.ok(&["user", "disable", code]);
    assert!(!again.contains("now wait"), "{again}");
    assert!(house.run(&["log", "verify"]).status.success());
}

#[test]
fn commands_write_while_the_server_writes_and_nothing_is_lost() {
    let house = House::new();
    let running = house.serve();
    let cases = std::thread::scope(|scope| {
        let commands = scope.spawn(|| {
            for number in 0..6 {
                house.ok(&["organisation-add", &format!("XA-{number}"), "commune", "UBND xã Mẫu"]);
            }
        });
        let mut cases = 0;
        block_on(async {
            let worker = Browser::sign_in(&running.address, &house.user("social_worker"), 0).await;
            while cases < 5 || !commands.is_finished() {
                let form = worker.get("/intakes/new").await.unwrap();
                let sent = worker
                    .submit(&form, "/intakes", &[("alias", format!("Mẫu {cases}"))])
                    .await
                    .unwrap();
                assert_eq!(sent.status, 303, "{}", sent.body);
                cases += 1;
            }
        });
        commands.join().unwrap();
        cases
    });
    running.kill();
    assert!(house.run(&["log", "verify"]).status.success());
    let mut database = AnyConnection::open(house.data.join("donghanh.db").to_str().unwrap(), false).unwrap();
    let size = donghanh::storage::log_rows::head(&mut database).unwrap();
    let entries = donghanh::storage::log_rows::from_index(&mut database, size.shard, 0, 1_000_000).unwrap();
    let by = |node: &str, kind: &str| {
        let entries = entries
            .iter()
            .map(|row| ledger::log::entry::Entry::parse(&row.bytes).unwrap());
        entries.filter(|entry| entry.n == node && entry.k == kind).count()
    };
    assert_eq!(by("node-1-cli", "organisation.add"), 6);
    assert!(by("node-1", "case.create") >= cases);
}

#[test]
fn log_verify_names_the_first_bad_entry_and_says_so_with_its_exit_code() {
    let house = House::new();
    let good = house.ok(&["log", "verify"]);
    assert!(good.starts_with("OK  shard ") && good.contains("root "), "{good}");
    let edit = "DROP TRIGGER log_entry_no_update; UPDATE log_entry SET actor = 'NV-XXXX-XXXX' WHERE idx IN (3, 7)";
    let mut database = AnyConnection::open(house.data.join("donghanh.db").to_str().unwrap(), false).unwrap();
    diesel::connection::SimpleConnection::batch_execute(&mut database, edit).unwrap();
    let bad = house.run(&["log", "verify"]);
    assert_eq!(bad.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&bad.stdout).starts_with("BAD entry 3:"));
}

#[test]
fn a_demonstration_never_goes_into_a_folder_where_people_work() {
    let folder = tempfile::tempdir().unwrap();
    let (data, key) = (folder.path().join("data"), folder.path().join("key"));
    let run = |act: &[&str]| command(&data, &key, act).output().unwrap();
    assert!(run(&["init"]).status.success());
    assert!(
        run(&["organisation-add", "XA", "commune", "UBND xã Mẫu"])
            .status
            .success()
    );
    let size = || {
        let address = data.join("donghanh.db");
        let mut house = AnyConnection::open(address.to_str().unwrap(), false).unwrap();
        donghanh::storage::log_rows::head(&mut house).unwrap().size
    };
    let before = size();
    let filled = run(&["demo", "fill", "--cases", "1"]);
    assert!(!filled.status.success());
    assert!(String::from_utf8_lossy(&filled.stderr).contains("people work in this data folder"));
    assert_eq!(size(), before, "nothing was written");
    assert!(!data.join("demo.json").exists() && !data.join("demo.json.part").exists());
}

/// Starts `scripts/run` and reads what it says until it serves; gives that and the process.
fn scripts_run(data: &std::path::Path) -> (String, Option<std::process::Child>) {
    use std::io::{BufRead as _, BufReader, Read as _};
    let mut child = Command::new("scripts/run")
        .env("PROGRAM", PROGRAM)
        .env("DATA", data)
        .env("CASES", "40")
        .env("LISTEN", "127.0.0.1:0")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        said.push_str(&line);
        said.push('\n');
        if line.contains("http://127.0.0.1:") {
            return (said, Some(child));
        }
    }
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(!child.wait().unwrap().success());
    (said, None)
}

#[test]
fn one_command_fills_a_demonstration_and_serves_it_and_a_second_start_uses_it_again() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("demo");
    let served = |said: &str| {
        let (_, address) = said.rsplit_once("http://").unwrap();
        format!("http://{}", address.trim())
    };
    let user = |role: &str| {
        let text = std::fs::read_to_string(data.join("demo.json")).unwrap();
        let known: serde_json::Value = serde_json::from_str(&text).unwrap();
        let users = known["users"].as_array().unwrap().clone();
        users.into_iter().find(|user| user["role"] == role).unwrap()
    };
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let (said, child) = scripts_run(&data);
    let mut child = child.unwrap_or_else(|| panic!("{said}"));
    assert_eq!((mode(&data), mode(&folder.path().join("demo.key"))), (0o700, 0o600));
    for role in [
        "social_worker",
        "supervisor",
        "legal_aid_officer",
        "liaison",
        "auditor",
        "key_custodian",
    ] {
        let (at, user) = (served(&said), user(role));
        assert!(said.contains(user["code"].as_str().unwrap()) && said.contains(user["password"].as_str().unwrap()));
        let signed_in = block_on(Browser::tries(&at, &user, 0));
        assert!(signed_in, "{role}");
    }
    assert!(said.contains("40 of 40 cases"), "progress is shown: {said}");
    child.kill().unwrap();
    child.wait().unwrap();

    // Every stage is there, each act with its entry.
    let mut house = AnyConnection::open(data.join("donghanh.db").to_str().unwrap(), false).unwrap();
    let head = donghanh::storage::log_rows::head(&mut house).unwrap();
    let rows = donghanh::storage::log_rows::from_index(&mut house, head.shard, 0, 1_000_000).unwrap();
    let kinds: std::collections::BTreeSet<&str> = rows.iter().map(|row| row.kind.as_str()).collect();
    for kind in OF_A_DEMONSTRATION {
        assert!(kinds.contains(kind), "{kind}");
    }

    let before = std::fs::read(data.join("demo.json")).unwrap();
    let (said, child) = scripts_run(&data);
    let mut child = child.unwrap_or_else(|| panic!("{said}"));
    let (at, auditor) = (served(&said), user("auditor"));
    let signed_in = block_on(Browser::tries(&at, &auditor, 1));
    assert!(signed_in, "the same people as before");
    assert_eq!(std::fs::read(data.join("demo.json")).unwrap(), before);
    child.kill().unwrap();
    child.wait().unwrap();

    std::fs::remove_file(data.join("demo.json")).unwrap();
    let (said, child) = scripts_run(&data);
    assert!(
        child.is_none() && said.contains("is not empty and no demonstration"),
        "{said}"
    );
}

/// What the cases of a demonstration went through.
const OF_A_DEMONSTRATION: [&str; 26] = [
    "case.create",
    "case.view",
    "group.save",
    "deadline.meet",
    "rescue.save",
    "protection.save",
    "protection.end",
    "identification.save",
    "identification.return",
    "identification.approve",
    "support.save",
    "support.approve",
    "support.deliver",
    "companion.save",
    "consent.give",
    "referral.send",
    "referral.accept",
    "referral.reject",
    "referral.close",
    "matter.save",
    "visit.plan",
    "visit.save",
    "closure.save",
    "closure.approve",
    "reopening.save",
    "order.request",
];

#[test]
fn the_commands_that_the_demonstration_prints_work_as_they_are_printed() {
    let house = House::new();
    let printed = house.ok(&["demo", "users"]);
    let lines: Vec<&str> = printed
        .lines()
        .filter_map(|line| line.trim().strip_prefix("code "))
        .collect();
    assert!(lines.len() > 5, "{printed}");
    let mut words = lines[0].split_whitespace();
    let out = Command::new(words.next().unwrap()).args(words).output().unwrap();
    let code = String::from_utf8(out.stdout).unwrap();
    assert!(
        code.trim().len() == 6 && code.trim().bytes().all(|byte| byte.is_ascii_digit()),
        "{code}"
    );
}

#[test]
fn check_names_all_faults_at_once() {
    let house = House::new();
    assert_eq!(
        house.ok(&["check"]).trim(),
        "WARNING no backup is configured: [backup] in config.toml\nOK"
    );
    std::fs::set_permissions(&house.data, std::fs::Permissions::from_mode(0o755)).unwrap();
    let key = house.folder.path().join("key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    std::fs::write(
        house.data.join("config.toml"),
        "listen = \"0.0.0.0:80\"\ntls_key = \"/nowhere.pem\"\n",
    )
    .unwrap();
    let out = house.run(&["check"]);
    let said = String::from_utf8(out.stdout).unwrap();
    assert_eq!(out.status.code(), Some(1));
    for fault in [
        "chmod 700",
        "chmod 600",
        "belong together",
        "/nowhere.pem",
        "loopback only",
    ] {
        assert!(said.contains(fault), "{fault}: {said}");
    }
    let database = house.data.join("donghanh.db");
    let mut head = AnyConnection::open(database.to_str().unwrap(), false).unwrap();
    let edit = "CREATE TABLE kept AS SELECT frontier FROM log_head; UPDATE log_head SET frontier = zeroblob(32)";
    diesel::connection::SimpleConnection::batch_execute(&mut head, edit).unwrap();
    let said = String::from_utf8(house.run(&["check"]).stdout).unwrap();
    assert!(said.contains("log, head: the head does not fit the entries"), "{said}");
    let back = "UPDATE log_head SET frontier = (SELECT frontier FROM kept); DROP TABLE kept";
    diesel::connection::SimpleConnection::batch_execute(&mut head, back).unwrap();
    // A configuration that cannot be read hides none of the others.
    let edit = "DROP TRIGGER log_entry_no_update; UPDATE log_entry SET actor = 'x' WHERE idx = 2";
    let mut database = AnyConnection::open(house.data.join("donghanh.db").to_str().unwrap(), false).unwrap();
    diesel::connection::SimpleConnection::batch_execute(&mut database, edit).unwrap();
    let forget =
        "DELETE FROM __diesel_schema_migrations WHERE version = (SELECT max(version) FROM __diesel_schema_migrations)";
    let mut plane = AnyConnection::open(house.data.join("keys.db").to_str().unwrap(), false).unwrap();
    diesel::connection::SimpleConnection::batch_execute(&mut plane, forget).unwrap();
    diesel::connection::SimpleConnection::batch_execute(&mut database, forget).unwrap();
    std::fs::write(house.data.join("config.toml"), "listen = 7\n").unwrap();
    let out = house.run(&["check"]);
    let said = String::from_utf8(out.stdout).unwrap();
    assert_eq!(out.status.code(), Some(1));
    for fault in [
        "chmod 700",
        "chmod 600",
        "config.toml",
        "log, entry 2",
        "the database is older",
        "the key plane is older",
    ] {
        assert!(said.contains(fault), "{fault}: {said}");
    }
    let beside = house.data.join("beside.key");
    std::fs::copy(&key, &beside).unwrap();
    let warned = command(&house.data, &beside, &["check"]).output().unwrap();
    assert!(String::from_utf8_lossy(&warned.stdout).contains("lies beside the data"));
}

#[test]
fn the_offline_verifier_accepts_the_bundle_and_names_what_was_changed() {
    let house = House::new();
    let bundle = house.folder.path().join("bundle");
    house.ok(&["log", "export", bundle.to_str().unwrap()]);
    let vkey = {
        let folder = tempfile::tempdir().unwrap();
        let other = command(&folder.path().join("data"), &folder.path().join("key"), &["init"])
            .output()
            .unwrap();
        String::from_utf8(other.stdout)
            .unwrap()
            .lines()
            .last()
            .unwrap()
            .to_owned()
    };
    let verify = |key: &str| verifier().arg(key).arg(&bundle).output().unwrap();
    assert_eq!(verify(&vkey).status.code(), Some(1), "another house's key");
    let own = own_key(&house);
    let good = verify(&own);
    assert!(good.status.success(), "{}", String::from_utf8_lossy(&good.stdout));
    let entries = bundle.join("entries.jsonl");
    let text = std::fs::read_to_string(&entries).unwrap();
    std::fs::write(&entries, text.replacen("operator", "operatos", 1)).unwrap();
    let bad = verify(&own);
    assert_eq!(bad.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&bad.stdout).contains("an entry was changed"));
}

#[test]
fn one_entry_is_taken_out_with_a_proof_that_tells_of_no_other() {
    let house = House::new();
    let (file, own) = (house.folder.path().join("seven.tlog-proof"), own_key(&house));
    let shown = file.to_str().unwrap();
    let said = house.ok(&["log", "prove", "7", shown]);
    assert!(said.contains("Entry 7 of"), "{said}");
    let verify = |key: &str| verifier().arg(key).arg(&file).output().unwrap();
    let good = verify(&own);
    let said = String::from_utf8(good.stdout).unwrap();
    assert!(
        good.status.success() && said.contains("entry 7 is in donghanh/"),
        "{said}"
    );
    let mut log = AnyConnection::open(house.data.join("donghanh.db").to_str().unwrap(), false).unwrap();
    let head = donghanh::storage::log_rows::head(&mut log).unwrap();
    let rows = donghanh::storage::log_rows::from_index(&mut log, head.shard, 0, 100).unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    let entry = |at: usize| String::from_utf8(rows[at].bytes.clone()).unwrap();
    assert!(said.contains(&entry(7)) && !said.contains(&entry(6)));
    assert!(text.starts_with("c2sp.org/tlog-proof@v1\nextra ") && text.contains("\nindex 7\n"));
    assert!(
        entry(rows.len() - 1).contains("\"k\":\"log.prove\""),
        "taking it out is an entry itself"
    );
    for (index, into, says) in [
        ("7", shown, "is there already"),
        ("100000", "nowhere", "there is no entry 100000"),
    ] {
        let refused = house.run(&["log", "prove", index, house.folder.path().join(into).to_str().unwrap()]);
        assert!(String::from_utf8_lossy(&refused.stderr).contains(says));
    }
    std::fs::write(&file, text.replace("index 7", "index 6")).unwrap();
    assert_eq!(verify(&own).status.code(), Some(1));
    let other = own_key(&House::new());
    std::fs::write(&file, text).unwrap();
    assert_eq!(verify(&other).status.code(), Some(1));
}

/// The offline verifier, built when it is not there.
pub fn verifier() -> Command {
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "-p", "ledger", "--bin", "donghanh-verify"])
        .status()
        .unwrap();
    assert!(built.success());
    Command::new(std::path::Path::new(PROGRAM).with_file_name("donghanh-verify"))
}

/// The key as paper has it: `init` printed it once; here it is made again from the key plane.
pub fn own_key(house: &House) -> String {
    let mut keys = AnyConnection::open(house.data.join("keys.db").to_str().unwrap(), false).unwrap();
    let text = std::fs::read_to_string(house.folder.path().join("key")).unwrap();
    let opener = ledger::vault::slot::Opener::KeyFile(text.into());
    let unsealed = donghanh::storage::key_plane::unseal(&mut keys, &opener)
        .unwrap()
        .unwrap();
    ledger::log::checkpoint::VerifierKey::of(&unsealed.keyring).line()
}

#[test]
fn a_database_of_an_older_version_is_not_served_until_it_is_migrated() {
    let folder = tempfile::tempdir().unwrap();
    let (data, key) = (folder.path().join("data"), folder.path().join("key"));
    let run = |act: &[&str]| command(&data, &key, act).output().unwrap();
    assert!(run(&["init"]).status.success());
    let database = data.join("donghanh.db");
    let mut house = AnyConnection::open(database.to_str().unwrap(), false).unwrap();
    // What the newest migration did is undone.
    let undo = include_str!("../../migrations/sqlite/00000000000005_authors/down.sql");
    let forget = "DELETE FROM __diesel_schema_migrations WHERE version = '00000000000005'";
    diesel::connection::SimpleConnection::batch_execute(&mut house, &format!("{undo}{forget}")).unwrap();
    for act in [["serve"], ["check"]] {
        let out = run(&act);
        let said = [out.stdout, out.stderr].concat();
        assert!(!out.status.success());
        assert!(
            String::from_utf8_lossy(&said).contains("run `donghanh migrate`"),
            "{act:?}"
        );
    }
    for _ in 0..2 {
        assert!(run(&["migrate"]).status.success(), "it can be run again");
    }
    assert!(
        run(&["organisation-add", "XA-MOI", "commune", "UBND xã Mẫu"])
            .status
            .success()
    );
    let check = run(&["check"]);
    assert!(!String::from_utf8_lossy(&check.stdout).contains("migrate"));
}

#[test]
fn every_file_that_the_program_writes_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let house = House::new();
    let running = house.serve();
    house.ok(&["log", "export", house.data.join("bundle").to_str().unwrap()]);
    let mut seen = Vec::new();
    let mut folders = vec![house.data.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            // The test itself wrote this one.
            } else if !path.ends_with("config.toml") {
                let mode = path.metadata().unwrap().permissions().mode();
                assert_eq!(mode & 0o077, 0, "{}: {mode:o}", path.display());
                seen.push(path);
            }
        }
    }
    for name in ["donghanh.db", "keys.db", "control.sock", "bundle/entries.jsonl"] {
        assert!(seen.contains(&house.data.join(name)), "{name}");
    }
    running.kill();
}

#[test]
fn an_orderly_end_finishes_what_was_taken_and_says_so_in_the_log() {
    let house = House::new();
    let running = house.serve();
    block_on(async {
        let worker = Browser::sign_in(&running.address, &house.user("social_worker"), 0).await;
        let form = worker.get("/intakes/new").await.unwrap();
        let fields = [("alias", "Mẫu Cuối".to_owned())];
        let sent = worker.submit(&form, "/intakes", &fields);
        // Somebody else writes, so that the act waits in its batch while the end is asked for.
        let mut other = AnyConnection::open(house.data.join("donghanh.db").to_str().unwrap(), false).unwrap();
        let mut sql = |sql| diesel::connection::SimpleConnection::batch_execute(&mut other, sql).unwrap();
        sql("BEGIN IMMEDIATE");
        let ended = async {
            let moment = std::time::Duration::from_millis(400);
            tokio::time::sleep(moment).await;
            running.terminate();
            tokio::time::sleep(moment).await;
            sql("ROLLBACK");
        };
        let (sent, ()) = tokio::join!(sent, ended);
        assert_eq!(sent.unwrap().status, 303, "the act that was taken is finished");
    });
    let mut child = running.child;
    assert!(child.wait().unwrap().success());
    let bundle = house.folder.path().join("bundle");
    house.ok(&["log", "export", bundle.to_str().unwrap()]);
    let lines = std::fs::read_to_string(bundle.join("entries.jsonl")).unwrap();
    assert!(lines.contains("\"sys.stop\"") && lines.contains("\"case.create\""));
}
