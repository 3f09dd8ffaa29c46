//! The ceremony of erasure and the key packages as the operator goes through them, with the real program and a running server.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use donghanh::clock::random_id;
use donghanh::domain::group::Group;
use donghanh::domain::order::Kind;
use donghanh::domain::public_id::PublicId;
use donghanh::domain::role::Role;
use donghanh::operations::actor::Actor;
use donghanh::operations::answer_order::{Answer, answer_order};
use donghanh::operations::certify_erasure::certify_erasure;
use donghanh::operations::list_orders::list_orders;
use donghanh::operations::request_order::{Request, request_order};

use ledger::log::checkpoint::VerifierKey;

use crate::process::PROGRAM;
use crate::support::{Staff, World};

pub fn command(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.arg("--data").arg(data);
    command.arg("--key-file").arg(data.join("test.key")).args(arguments);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

pub fn ok(data: &Path, arguments: &[&str]) -> String {
    let Output { status, stdout, stderr } = command(data, arguments).output().unwrap();
    assert!(status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

pub fn fault(data: &Path, arguments: &[&str]) -> String {
    let out = command(data, arguments).output().unwrap();
    assert!(!out.status.success(), "{arguments:?}");
    String::from_utf8(out.stderr).unwrap()
}

pub struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

pub fn serve(data: &Path) -> Server {
    let mut child = command(data, &["serve"]).stderr(Stdio::null()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
    while !out.next().unwrap().unwrap().starts_with("Listening on") {}
    Server(child)
}

/// An order of March that the keeper of the keys has agreed to; gives its number.
pub fn ordered(world: &World, keeper: &Staff, kind: Kind, groups: &[Group]) -> PublicId {
    let worker = world.actor("XA-A", Role::SocialWorker);
    let case: PublicId = world.intake(&worker, "Hoa Mẫu").id;
    let supervisor = world.actor("XA-A", Role::Supervisor);
    let wish = Request {
        kind,
        basis: kind.bases().codes[0],
        reason: "Lý do mẫu".to_owned(),
        target: None,
        groups: groups.to_vec(),
    };
    world
        .block_on(request_order(&world.app, &supervisor, case, &wish))
        .unwrap();
    let custodian = world.sign_in(keeper).0;
    let (order, _) = world
        .block_on(list_orders(&world.app, &custodian))
        .unwrap()
        .orders
        .remove(0);
    let custodian = Actor {
        request: random_id().unwrap(),
        ..custodian
    };
    let id = PublicId(order.public_id.as_slice().try_into().unwrap());
    world
        .block_on(answer_order(&world.app, &custodian, id, order.version, Answer::Agree))
        .unwrap();
    id
}

/// What the offline verifier says of the certificate, and of one in which a word was changed.
fn certificate_is_checked_from_paper(world: &World, keeper: &Staff) {
    let custodian = world.sign_in(keeper).0;
    let (order, _) = world
        .block_on(list_orders(&world.app, &custodian))
        .unwrap()
        .orders
        .remove(0);
    let id = PublicId(order.public_id.as_slice().try_into().unwrap());
    let note = world
        .block_on(certify_erasure(&world.app, &custodian, id))
        .unwrap()
        .note;
    let vkey = VerifierKey::of(&world.app.keyring).line();
    let verify = |text: &str| {
        let file = world.data.path().join("certificate.txt");
        std::fs::write(&file, text).unwrap();
        crate::operator::verifier().arg(&vkey).arg(&file).output().unwrap()
    };
    let good = verify(&note);
    assert!(good.status.success());
    let said = String::from_utf8(good.stdout).unwrap();
    assert!(
        said.contains("package 1 destroyed") && said.contains("package 2 not attested"),
        "{said}"
    );
    let bad = verify(&note.replace("not attested", "destroyed"));
    assert_eq!(bad.status.code(), Some(1));
}

#[test]
fn the_operator_destroys_keys_while_the_server_waits_sealed_and_people_go_on_afterwards() {
    let world = World::new();
    let keeper = world.staff("TTR", Role::KeyCustodian);
    ordered(&world, &keeper, Kind::Erasure, &[]);
    let data = world.data.path();
    std::fs::write(data.join("config.toml"), "listen = \"127.0.0.1:0\"\nworkers = 1\n").unwrap();
    let file = |name: &str| data.join(name).to_str().unwrap().to_owned();

    assert!(ok(data, &["keys", "package", "list"]).contains("No key package"));
    assert!(ok(data, &["keys", "package", "make", &file("one")]).contains("Package 1"));
    assert!(fault(data, &["keys", "package", "make", &file("one")]).contains("is there already"));
    ok(data, &["keys", "package", "make", &file("two")]);
    assert!(fault(data, &["keys", "package", "make", &file("three")]).contains("two packages exist"));

    let server = serve(data);
    let said = ok(data, &["keys", "erase"]);
    assert!(
        said.contains("keys destroyed") && said.contains("sealed while"),
        "{said}"
    );
    assert!(said.contains("The server is open."), "{said}");
    assert!(ok(data, &["keys", "status"]).contains("The server is open."));
    assert!(ok(data, &["keys", "erase"]).contains("No erasure order is due."));
    drop(server);

    assert!(fault(data, &["keys", "package", "destroyed", "1", "--by", "NV-0000-0000"]).contains("no account"));
    assert!(
        fault(
            data,
            &["keys", "package", "destroyed", "9", "--by", &keeper.secrets.code]
        )
        .contains("no package")
    );
    ok(
        data,
        &["keys", "package", "destroyed", "1", "--by", &keeper.secrets.code],
    );
    let list = ok(data, &["keys", "package", "list"]);
    assert!(
        list.contains(&format!("attested by {}", keeper.secrets.code)) && list.contains("exists"),
        "{list}"
    );
    ok(data, &["log", "verify"]);
    let kinds = world.kinds();
    let order: Vec<&str> = kinds
        .iter()
        .map(String::as_str)
        .filter(|kind| kind.starts_with("order.") || kind.starts_with("key."))
        .collect();
    assert_eq!(
        order,
        [
            "order.request",
            "order.list",
            "order.agree",
            "key.package",
            "key.package",
            "key.unseal",
            "key.seal",
            "order.start",
            "order.finish",
            // Whoever unsealed it meanwhile has the keys of before.
            "key.seal",
            "key.unseal",
            "key.package_destroy"
        ]
    );

    certificate_is_checked_from_paper(&world, &keeper);

    // The older package brings the destroyed keys back; everything says so until they are gone again.
    for end in ["", "-wal", "-shm"] {
        drop(std::fs::remove_file(data.join(format!("keys.db{end}"))));
    }
    let back = ok(data, &["keys", "package", "restore", &file("one")]);
    assert!(back.contains("run `donghanh keys erase`"), "{back}");
    assert!(fault(data, &["keys", "package", "restore", &file("two")]).contains("has keys already"));
    // It was made before the other, of which the log tells: no number is given twice, and no copy is forgotten.
    let list = ok(data, &["keys", "package", "list"]);
    assert!(
        list.lines().count() == 2 && list.contains("attested by") && list.contains("exists"),
        "{list}"
    );
    assert!(fault(data, &["keys", "package", "make", &file("three")]).contains("keys of erased persons"));
    let check = command(data, &["check"]).output().unwrap();
    assert!(String::from_utf8_lossy(&check.stdout).contains("keys of erased persons are here"));
    ok(data, &["keys", "erase"]);
    assert!(ok(data, &["keys", "package", "make", &file("three")]).contains("Package 3"));
    let unknown = data.join("nowhere").join("four");
    ok(
        data,
        &["keys", "package", "destroyed", "2", "--by", &keeper.secrets.code],
    );
    assert!(fault(data, &["keys", "package", "make", unknown.to_str().unwrap()]).contains("cannot write"));
    assert!(
        ok(data, &["keys", "package", "make", &file("four")]).contains("Package 4"),
        "no number was spent"
    );
    let check = command(data, &["check"]).output().unwrap();
    assert!(!String::from_utf8_lossy(&check.stdout).contains("erased persons"));
}
