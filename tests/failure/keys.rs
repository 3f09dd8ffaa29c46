//! The ceremony of keys as the operator and the custodians go through it, with the real program.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use ledger::vault::share::Share;
use tempfile::TempDir;

use crate::process::{PROGRAM, fed};

struct Ceremony {
    folder: TempDir,
    data: PathBuf,
}

impl Ceremony {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        std::fs::write(data.join("config.toml"), "listen = \"127.0.0.1:0\"\nworkers = 1\n").unwrap();
        Self { folder, data }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a command with lines on its standard input.
    fn run(&self, input: &[&str], arguments: &[&str]) -> Output {
        fed(self.command(arguments), input)
    }

    fn ok(&self, input: &[&str], arguments: &[&str]) -> String {
        let out = self.run(input, arguments);
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(out.status.success(), "{arguments:?}: {said}");
        String::from_utf8(out.stdout).unwrap()
    }

    fn fault(&self, input: &[&str], arguments: &[&str]) -> String {
        let out = self.run(input, arguments);
        assert!(!out.status.success(), "{arguments:?}");
        String::from_utf8(out.stderr).unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.arg("--data").arg(&self.data).args(arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// The server as a service manager starts it: nobody is asked anything.
    fn serve(&self) -> Server {
        let started = self
            .command(&["serve"])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let mut server = Server {
            child: started.unwrap(),
            said: Vec::new(),
        };
        let mut out = BufReader::new(server.child.stdout.take().unwrap()).lines();
        while !server.said.iter().any(|line| line.starts_with("Listening on")) {
            server.said.push(out.next().unwrap().unwrap());
        }
        server
    }

    /// The share on a custodian's sheet, as a person reads it from the paper.
    fn share(&self, folder: &str, number: usize) -> String {
        let sheet = std::fs::read_to_string(self.path(folder).join(format!("manh-khoa-{number}.html"))).unwrap();
        let rows: Vec<&str> = sheet
            .split("<li>")
            .skip(1)
            .map(|rest| rest.split_once("</li>").unwrap().0)
            .collect();
        assert_eq!(rows.len(), 7);
        assert!(sheet.contains("<svg"), "and as a picture");
        let share = Share::parse(&rows.join(" ")).unwrap_or_else(|fault| panic!("{fault}"));
        assert_eq!(usize::from(share.number()), number);
        rows.join(" ")
    }
}

struct Server {
    child: Child,
    said: Vec<String>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn kinds(ceremony: &Ceremony) -> Vec<String> {
    use donghanh::storage::connection::AnyConnection;
    use donghanh::storage::log_rows;
    let mut connection = AnyConnection::open(ceremony.data.join("donghanh.db").to_str().unwrap(), false).unwrap();
    let head = log_rows::head(&mut connection).unwrap();
    log_rows::from_index(&mut connection, head.shard, 0, 1000)
        .unwrap()
        .iter()
        .map(|row| ledger::log::entry::Entry::parse(&row.bytes).unwrap().k)
        .filter(|kind| kind.starts_with("key."))
        .collect()
}

fn is_private(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o077 == 0
}

#[test]
fn three_of_five_custodians_set_up_open_seal_and_open_again() {
    let ceremony = Ceremony::new();
    let sheets = ceremony.path("sheets");
    let sheets = sheets.to_str().unwrap();
    let refused = ceremony.fault(&[], &["keys", "init", "custodians"]);
    assert!(refused.contains("--sheets"), "{refused}");
    let wrong = [
        "keys",
        "init",
        "custodians",
        "--threshold",
        "4",
        "--of",
        "3",
        "--sheets",
        sheets,
    ];
    assert!(ceremony.fault(&[], &wrong).contains("--threshold"));
    // What an interrupted ceremony left does not stand in the way of the next one.
    let printed = ceremony.ok(&[], &["keys", "init", "custodians", "--sheets", sheets]);
    assert!(printed.contains("5 sheets") && printed.lines().last().unwrap().starts_with("donghanh-"));
    assert!(is_private(&ceremony.data), "although it stood open before");
    assert!(is_private(&ceremony.path("sheets")) && is_private(&ceremony.path("sheets/manh-khoa-1.html")));
    assert!(
        ceremony
            .fault(&[], &["init", "custodians", "--sheets", "again"])
            .contains("already")
    );

    let server = ceremony.serve();
    assert!(server.said[0].starts_with("Sealed."), "{:?}", server.said);
    let second = ceremony.run(&[], &["serve"]);
    assert!(String::from_utf8_lossy(&second.stderr).contains("running on this data folder already"));
    let shares: Vec<String> = (1..=5).map(|number| ceremony.share("sheets", number)).collect();
    let unseal = ["--shares-stdin", "keys", "unseal"];
    assert!(ceremony.ok(&[&shares[4]], &unseal).contains("still missing: 2"));
    assert!(ceremony.ok(&[], &["keys", "status"]).contains("shares taken: 5"));
    assert!(ceremony.fault(&["ba ba ba"], &unseal).contains("42 syllables"));
    assert!(ceremony.fault(&[], &unseal).contains("stays sealed"));
    assert!(
        ceremony
            .ok(&[&shares[0], &shares[2]], &unseal)
            .contains("The server is open")
    );
    assert!(ceremony.ok(&[], &["keys", "seal"]).contains("The server is sealed"));
    assert!(
        ceremony
            .ok(&[&shares[1], &shares[3], &shares[2]], &unseal)
            .contains("The server is open")
    );
    drop(server);
    assert_eq!(
        kinds(&ceremony),
        [
            "key.share",
            "key.share_refuse",
            "key.share",
            "key.share",
            "key.unseal",
            "key.seal",
            "key.share",
            "key.share",
            "key.share",
            "key.unseal"
        ]
    );
    assert!(ceremony.ok(&[], &["keys", "status"]).contains("No server runs"));
    // Whoever seals or opens the wrong folder must not believe that it was done.
    assert!(ceremony.fault(&[], &["keys", "seal"]).contains("nothing was done"));
    assert!(ceremony.fault(&[], &unseal).contains("nothing was done"));
    assert!(ceremony.ok(&[], &["log", "verify"]).starts_with("OK"));
}

#[test]
fn slots_are_added_replaced_and_removed_without_touching_data() {
    let ceremony = Ceremony::new();
    let (first, second) = (ceremony.path("first"), ceremony.path("second"));
    let (first, second) = (first.to_str().unwrap(), second.to_str().unwrap());
    let passphrase = "bốn từ ngẫu nhiên rất dài";
    ceremony.ok(
        &[],
        &["init", "custodians", "--threshold", "2", "--of", "3", "--sheets", first],
    );
    let shares = [ceremony.share("first", 1), ceremony.share("first", 3)];
    let shares: Vec<&str> = shares.iter().map(String::as_str).collect();
    let before = std::fs::read(ceremony.data.join("donghanh.db")).unwrap().len();

    // A duty officer's token, made by two custodians; neither half opens anything alone.
    let token = ceremony.path("token");
    let token = token.to_str().unwrap();
    let mut input = shares.clone();
    input.push(passphrase);
    let made = ceremony.run(
        &input,
        &[&slots(&["add", "duty", "--write", token])[..], &["--passphrase-stdin"]].concat(),
    );
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    assert!(
        String::from_utf8_lossy(&made.stdout).contains("256 MiB"),
        "the cost was measured and is recorded"
    );
    assert!(is_private(Path::new(token)));
    let organisation = ["organisation-add", "XA", "commune", "Mẫu"];
    let with_token = |more: Option<&'static str>| {
        let given = ["--key-file", token, "--passphrase-stdin"].into_iter();
        given.chain(more).chain(organisation).collect::<Vec<&str>>()
    };
    assert!(ceremony.fault(&[passphrase], &with_token(None)).contains("--duty"));
    assert!(
        ceremony
            .fault(&["một câu khác hẳn và dài"], &with_token(Some("--duty")))
            .contains("open nothing here together")
    );
    assert!(
        ceremony
            .ok(&[passphrase], &with_token(Some("--duty")))
            .contains("Added")
    );

    // A custodian leaves: new shares, and the old ones are void.
    let status = ceremony.ok(&[], &["keys", "status"]);
    let custodians = status.lines().find(|line| line.contains("2 of 3 custodians")).unwrap();
    let old = custodians.split_whitespace().next().unwrap();
    assert!(status.contains("duty (256 MiB"));
    let replaced = slots(&[
        "replace",
        old,
        "custodians",
        "--threshold",
        "2",
        "--of",
        "2",
        "--sheets",
        second,
    ]);
    assert!(ceremony.ok(&shares, &replaced).contains("Done."));
    assert!(
        ceremony
            .fault(&shares, &slots(&["remove", "x"]))
            .contains("no such slot")
    );
    assert!(
        ceremony
            .fault(&shares, &[&["--shares-stdin"], &organisation[..]].concat())
            .contains("open nothing here")
    );
    let fresh = [ceremony.share("second", 2), ceremony.share("second", 1)];
    let fresh: Vec<&str> = fresh.iter().map(String::as_str).collect();

    // The duty officer leaves: her slot goes, the last one stays.
    let duty = status.lines().find(|line| line.contains("duty")).unwrap();
    let duty = duty.split_whitespace().next().unwrap();
    ceremony.ok(&fresh, &slots(&["remove", duty]));
    assert!(
        ceremony
            .fault(&[passphrase], &with_token(Some("--duty")))
            .contains("open nothing here together")
    );
    let last = ceremony.ok(&[], &["keys", "status"]);
    let last = last.lines().find(|line| line.contains("2 of 2")).unwrap();
    let last = last.split_whitespace().next().unwrap();
    assert!(ceremony.fault(&fresh, &slots(&["remove", last])).contains("last slot"));
    // One name in thirty-two begins with a hyphen.
    assert!(
        ceremony
            .fault(&fresh, &slots(&["remove", "-x"]))
            .contains("no such slot")
    );
    assert_eq!(
        kinds(&ceremony),
        ["key.slot_add", "key.slot_replace", "key.slot_remove"]
    );
    assert_eq!(
        std::fs::read(ceremony.data.join("donghanh.db")).unwrap().len(),
        before,
        "no data was sealed again"
    );
    assert!(ceremony.ok(&[], &["log", "verify"]).starts_with("OK"));
}

fn slots<'a>(act: &[&'a str]) -> Vec<&'a str> {
    [&["--shares-stdin", "keys", "slot"], act].concat()
}
#[test]
fn the_shares_of_two_slots_of_custodians_open_side_by_side_and_faults_are_told_before_secrets_are_typed() {
    let ceremony = Ceremony::new();
    let first = ceremony.path("first");
    let first = first.to_str().unwrap();
    let two_of_three = ["init", "custodians", "--threshold", "2", "--of", "3", "--sheets", first];
    ceremony.ok(&[], &two_of_three);
    let shares = [ceremony.share("first", 1), ceremony.share("first", 3)];
    let shares: Vec<&str> = shares.iter().map(String::as_str).collect();
    // A second slot of custodians stands beside the first for a while: the shares of either open, in any company.
    let third = ceremony.path("third");
    let third = third.to_str().unwrap();
    let beside = slots(&["add", "custodians", "--threshold", "3", "--of", "3", "--sheets", third]);
    ceremony.ok(&shares, &beside);
    let others: Vec<String> = (1..=3).map(|number| ceremony.share("third", number)).collect();
    let others: Vec<&str> = others.iter().map(String::as_str).collect();
    let add = |code: &'static str| ["--shares-stdin", "organisation-add", code, "commune", "Mẫu"];
    assert!(ceremony.ok(&others, &add("XB")).contains("Added"));
    assert!(
        ceremony
            .ok(&[others[0], shares[0], shares[1]], &add("XC"))
            .contains("Added")
    );
    // What can be wrong is said before anybody types a share.
    assert!(ceremony.fault(&[], &beside).contains("name a new folder"));
    assert!(ceremony.fault(&[], &slots(&["add", "file"])).contains("--write"));
}

#[test]
fn no_secret_is_shown_in_a_listing_of_processes_or_of_their_memory() {
    let ceremony = Ceremony::new();
    let sheets = ceremony.path("sheets");
    ceremony.ok(&[], &["init", "custodians", "--sheets", sheets.to_str().unwrap()]);
    let server = ceremony.serve();
    let shares: Vec<String> = (1..=3).map(|number| ceremony.share("sheets", number)).collect();
    let shares: Vec<&str> = shares.iter().map(String::as_str).collect();
    ceremony.ok(&shares, &["--shares-stdin", "keys", "unseal"]);
    let process = PathBuf::from(format!("/proc/{}", server.child.id()));
    let shown = [process.join("cmdline"), process.join("environ")].map(|path| std::fs::read(path).unwrap_or_default());
    for share in shares {
        let row = share.split_whitespace().take(6).collect::<Vec<_>>().join(" ");
        assert!(shown.iter().all(|text| !String::from_utf8_lossy(text).contains(&row)));
    }
    // A process that cannot be dumped belongs to root in /proc, whoever runs it: no debugger, no core file.
    let limits = std::fs::read_to_string(process.join("limits")).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"))
        .unwrap();
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
}

#[test]
fn memory_is_kept_out_of_swap_where_that_is_asked_for_and_a_server_that_may_not_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let house = crate::process::House::at(folder, data, "lock_memory = true\n");
    let running = house.serve();
    let status = std::fs::read_to_string(format!("/proc/{}/status", running.child.id())).unwrap();
    let locked = status.lines().find_map(|line| line.strip_prefix("VmLck:")).unwrap();
    let kib: u64 = locked.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(kib > 8192, "{locked}");
    running.kill();
    // Without the right, and with the little that a user may lock.
    let serve = house.command(&["serve"]);
    let out = Command::new("setpriv")
        .args(["--bounding-set=-ipc_lock", "prlimit", "--memlock=65536"])
        .arg(serve.get_program())
        .args(serve.get_args())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(
        !out.status.success() && said.contains("LimitMEMLOCK=infinity"),
        "{said}"
    );
}
