//! A slot whose key is in a hardware module: Debian's SoftHSM 2 stands for one, the program is the real one.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::process::{House, fed};

const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";

/// A house, and a module with one token.
struct Setting {
    house: House,
    config: PathBuf,
}

impl Setting {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (tokens, config) = (folder.path().join("tokens"), folder.path().join("softhsm2.conf"));
        std::fs::create_dir(&tokens).unwrap();
        std::fs::write(&config, format!("directories.tokendir = {}\n", tokens.display())).unwrap();
        let data = folder.path().join("data");
        let house = House::at(folder, data, &format!("pkcs11 = \"{MODULE}\"\n"));
        let setting = Self { house, config };
        setting.token("donghanh");
        setting
    }

    /// A new token of the module.
    fn token(&self, label: &str) {
        let mut command = self.with_module(Command::new("softhsm2-util"));
        command.args([
            "--init-token",
            "--free",
            "--label",
            label,
            "--pin",
            "482913",
            "--so-pin",
            "739164",
        ]);
        let made = command.output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }

    fn with_module(&self, mut command: Command) -> Command {
        command.env("SOFTHSM2_CONF", &self.config);
        command
    }

    /// Runs a command of the program with lines on its standard input; the house's key file is given where `key` says so.
    fn run(&self, key: bool, input: &[&str], arguments: &[&str]) -> Output {
        let mut command = self.with_module(Command::new(crate::process::PROGRAM));
        command.arg("--data").arg(&self.house.data).args(arguments);
        if key {
            command.arg("--key-file").arg(self.house.folder.path().join("key"));
        }
        fed(command, input)
    }

    fn ok(&self, key: bool, input: &[&str], arguments: &[&str]) -> String {
        let out = self.run(key, input, arguments);
        assert!(
            out.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&out.stderr)
        );
        String::from_utf8(out.stdout).unwrap()
    }

    fn fault(&self, key: bool, input: &[&str], arguments: &[&str]) -> String {
        let out = self.run(key, input, arguments);
        assert!(!out.status.success(), "{arguments:?}");
        String::from_utf8(out.stderr).unwrap()
    }
}

const ADD: [&str; 7] = [
    "--passphrase-stdin",
    "keys",
    "slot",
    "add",
    "pkcs11",
    "--token",
    "donghanh",
];
const ROTATE: [&str; 5] = ["--hardware", "--passphrase-stdin", "keys", "rotate", "--again"];

#[test]
fn a_slot_in_a_hardware_module_opens_for_its_pin_and_for_nothing_else() {
    let setting = Setting::new();
    let add = |token: &'static str| ["--passphrase-stdin", "keys", "slot", "add", "pkcs11", "--token", token];
    assert!(
        setting
            .fault(false, &["482913"], &ROTATE)
            .contains("no slot is opened by a hardware module")
    );
    assert!(
        setting
            .fault(true, &["482913"], &add("another"))
            .contains("no token `another`")
    );
    assert!(setting.fault(true, &["000000"], &ADD).contains("wrong PIN"));
    assert!(setting.fault(true, &[], &ADD[..5]).contains("--token"));
    assert!(setting.ok(true, &["482913"], &ADD).contains("Done"));
    let status = setting.ok(false, &[], &["keys", "status"]);
    assert!(status.contains("pkcs11") && status.contains("file"), "{status}");

    // It does whatever needs the keys, and opens the running server.
    assert!(setting.ok(false, &["482913"], &ROTATE).contains("wrapped anew"));
    assert!(setting.fault(false, &["000000"], &ROTATE).contains("wrong PIN"));
    let running = setting.house.serve();
    setting.ok(false, &[], &["keys", "seal"]);
    let unseal = ["--hardware", "--passphrase-stdin", "keys", "unseal"];
    assert!(setting.ok(false, &["482913"], &unseal).contains("The server is open."));
    let log = std::fs::read(setting.house.data.join("donghanh.db-wal")).unwrap_or_default();
    assert!(!log.windows(6).any(|window| window == b"482913"));
    running.kill();

    // The last way in, and then a module that is gone.
    let file = status
        .lines()
        .find(|line| line.ends_with("file"))
        .unwrap()
        .split_whitespace()
        .next()
        .unwrap()
        .to_owned();
    setting.ok(
        false,
        &["482913"],
        &["--hardware", "--passphrase-stdin", "keys", "slot", "remove", &file],
    );
    assert!(
        setting
            .fault(true, &[], &["keys", "rotate", "--again"])
            .contains("opens nothing here")
    );
    std::fs::rename(
        setting.house.folder.path().join("tokens"),
        setting.house.folder.path().join("away"),
    )
    .unwrap();
    std::fs::create_dir(setting.house.folder.path().join("tokens")).unwrap();
    assert!(setting.fault(false, &["482913"], &ROTATE).contains("is it plugged in?"));
    std::fs::write(setting.house.data.join("config.toml"), "pkcs11 = \"/nowhere.so\"\n").unwrap();
    assert!(
        setting
            .fault(false, &["482913"], &ROTATE)
            .contains("no PKCS #11 module")
    );
    std::fs::write(setting.house.data.join("config.toml"), "").unwrap();
    assert!(
        setting
            .fault(false, &["482913"], &ROTATE)
            .contains("set `pkcs11` in config.toml")
    );
}

#[test]
fn a_second_token_opens_when_the_first_is_gone() {
    let setting = Setting::new();
    setting.token("spare");
    for token in ["donghanh", "spare"] {
        setting.ok(
            true,
            &["482913"],
            &["--passphrase-stdin", "keys", "slot", "add", "pkcs11", "--token", token],
        );
    }
    for gone in ["donghanh", "spare"] {
        let tokens = setting.house.folder.path().join("tokens");
        let kept = setting.house.folder.path().join("kept");
        Command::new("cp").arg("-r").arg(&tokens).arg(&kept).status().unwrap();
        let deleted = setting
            .with_module(Command::new("softhsm2-util"))
            .args(["--delete-token", "--token", gone])
            .output();
        assert!(deleted.unwrap().status.success());
        assert!(
            setting.ok(false, &["482913"], &ROTATE).contains("wrapped anew"),
            "without {gone}"
        );
        std::fs::remove_dir_all(&tokens).unwrap();
        std::fs::rename(&kept, &tokens).unwrap();
    }
}

#[test]
fn a_slot_that_was_changed_or_belongs_to_another_house_opens_nothing() {
    let setting = Setting::new();
    setting.ok(true, &["482913"], &ADD);
    let plane = setting.house.data.join("keys.db");
    let edit = |change: &dyn Fn(&mut serde_json::Map<String, serde_json::Value>)| {
        let mut connection =
            donghanh::storage::connection::AnyConnection::open(plane.to_str().unwrap(), false).unwrap();
        let contents = donghanh::storage::key_plane::contents(&mut connection).unwrap();
        let (id, json) = contents
            .slots
            .into_iter()
            .find(|(_, json)| json.contains("pkcs11"))
            .unwrap();
        let mut slot: serde_json::Map<_, _> = serde_json::from_str(&json).unwrap();
        change(&mut slot);
        put(&plane, &id, &serde_json::to_string(&slot).unwrap());
        json
    };
    let restore = |json: &str| edit(&|slot| *slot = serde_json::from_str(json).unwrap());
    let flipped = |text: &str| -> serde_json::Value {
        let mut bytes = ledger::from_b64u(text).unwrap();
        bytes[14] ^= 1;
        ledger::b64u(&bytes).into()
    };
    for field in ["sealed", "key", "wrapped"] {
        let before = edit(&|slot| {
            let text = slot[field].as_str().unwrap().to_owned();
            slot.insert(field.to_owned(), flipped(&text));
        });
        let said = setting.fault(false, &["482913"], &ROTATE);
        let known = [
            "does not open this slot",
            "has no key of this slot",
            "opens nothing here",
        ];
        assert!(known.iter().any(|known| said.contains(known)), "{field}: {said}");
        restore(&before);
    }
    assert!(setting.ok(false, &["482913"], &ROTATE).contains("wrapped anew"));
}

fn put(plane: &Path, id: &str, json: &str) {
    use diesel::connection::SimpleConnection as _;
    let mut connection = donghanh::storage::connection::AnyConnection::open(plane.to_str().unwrap(), false).unwrap();
    let sql = format!("UPDATE slot SET json = '{json}' WHERE id = '{id}'");
    connection.batch_execute(&sql).unwrap();
}
