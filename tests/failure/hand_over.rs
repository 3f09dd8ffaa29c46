//! The hand-over of one case as the operator does it, with the real program beside a running server.

use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;

use age::x25519::Identity;
use donghanh::clock::Clock;
use donghanh::domain::group::Group;
use donghanh::domain::order::Kind;
use donghanh::domain::role::Role;

use crate::erasure::{fault, ok, ordered, serve};
use crate::support::{START, World};

#[test]
fn the_operator_hands_one_case_over_while_people_go_on_working() {
    let world = World::new();
    // An agreement lasts a week, and the program has the clock of the machine.
    world.app.clock.advance(Clock::system().now_ms() - START);
    let keeper = world.staff("TTR", Role::KeyCustodian);
    let order = ordered(&world, &keeper, Kind::Handover, &[Group::Identity]).to_string();
    let data = world.data.path();
    std::fs::write(data.join("config.toml"), "listen = \"127.0.0.1:0\"\nworkers = 1\n").unwrap();
    let file = data.join("case.zip.age");
    let shown = file.to_str().unwrap();
    let court = Identity::generate();
    let to = court.to_public().to_string();
    let server = serve(data);

    // What is mistyped is said before anything is opened.
    let hand_over = |order: &str, to: &str, file: &str| {
        let arguments = ["keys", "handover", order, "--to", to, file];
        arguments.map(str::to_owned)
    };
    for (order, to, file, says) in [
        ("not-a-number", to.as_str(), shown, "no number of an act"),
        (order.as_str(), "age1nobody", shown, "no public age key"),
        (order.as_str(), "AGE-SECRET-KEY-1MAU", shown, "counts as seen now"),
        (
            order.as_str(),
            to.as_str(),
            data.join("test.key").to_str().unwrap(),
            "is there already",
        ),
        (
            order.as_str(),
            to.as_str(),
            data.join("nowhere/x").to_str().unwrap(),
            "cannot write",
        ),
        (
            "00000000000000000000000001",
            to.as_str(),
            shown,
            "there is no hand-over with this number",
        ),
    ] {
        let arguments = hand_over(order, to, file);
        let said = fault(data, &arguments.each_ref().map(String::as_str));
        assert!(said.contains(says) && !said.contains("KEY-1MAU"), "{said}");
    }
    assert!(!file.exists() && !world.kinds().contains(&"case.hand_over".to_owned()));

    let arguments = hand_over(&order, &to, shown);
    let arguments = arguments.each_ref().map(String::as_str);
    let said = ok(data, &arguments);
    assert!(said.contains("1 records and 0 files of one case"), "{said}");
    let package = std::fs::read(&file).unwrap();
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let digest = ledger::vault::associated::hex(&ledger::sha256(&package));
    assert!(said.contains(&digest), "{said}");
    let mut plain = Vec::new();
    age::Decryptor::new(package.as_slice())
        .unwrap()
        .decrypt(std::iter::once(&court as &dyn age::Identity))
        .unwrap()
        .read_to_end(&mut plain)
        .unwrap();
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(plain)).unwrap();
    let mut page = String::new();
    zip.by_name("ho-so.html").unwrap().read_to_string(&mut page).unwrap();
    assert!(page.contains("Hoa Mẫu") && page.contains(&order));

    // Once; and the server has gone on, unsealed, with the same log.
    let again = fault(
        data,
        &[
            "keys",
            "handover",
            &order,
            "--to",
            &to,
            data.join("two").to_str().unwrap(),
        ],
    );
    assert!(again.contains("its package was made already"), "{again}");
    assert!(!data.join("two").exists());
    assert!(ok(data, &["keys", "status"]).contains("The server is open."));
    drop(server);
    ok(data, &["log", "verify"]);
    assert!(
        !world.database_holds("Hoa Mẫu"),
        "nothing plain was left in the data folder"
    );
}
