//! A house without keys: every page says so, and custodians open it share by share.

use std::sync::Arc;

use donghanh::domain::role::Role;
use donghanh::operations::gate::{Gate, LONGEST_WAIT_MS};
use donghanh::storage::connection::AnyConnection;
use donghanh::storage::key_plane;
use donghanh::web::routes::ROUTES;
use ledger::vault::slot::{Cost, Opener, Slot};

use crate::browser::{Answer, Served};
use crate::support::World;

const PASSPHRASE: &str = "bốn từ ngẫu nhiên rất dài";

fn root(world: &World) -> ledger::vault::RootKey {
    let text = std::fs::read_to_string(world.data.path().join("test.key")).unwrap();
    let unsealed = key_plane::unseal(&mut keys(world), &Opener::KeyFile(text.into()));
    unsealed.unwrap().unwrap().root
}

/// A sealed house with two more slots, and the five shares as they stand on paper.
fn sealed() -> (Served, Vec<String>) {
    let world = World::new();
    let mut keys = keys(&world);
    let text = std::fs::read_to_string(world.data.path().join("test.key")).unwrap();
    let unsealed = key_plane::unseal(&mut keys, &Opener::KeyFile(text.into()))
        .unwrap()
        .unwrap();
    let deployment = unsealed.keyring.deployment();
    let (slot, shares) = Slot::custodians(deployment, &unsealed.root, 3, 5).unwrap();
    key_plane::change_slots(&mut keys, &unsealed.root, (Some(&slot), None), || Ok(())).unwrap();
    let cost = Cost { m_kib: 8192, t: 1 };
    let slot = Slot::passphrase(deployment, &unsealed.root, PASSPHRASE, cost).unwrap();
    key_plane::change_slots(&mut keys, &unsealed.root, (Some(&slot), None), || Ok(())).unwrap();
    let paper = |share: &ledger::vault::share::Share| {
        let rows: Vec<String> = share.rows().iter().map(|row| row.to_string()).collect();
        rows.join("\r\n")
    };
    let shares = shares.iter().map(paper).collect();
    (Served::of(world), shares)
}

fn keys(world: &World) -> AnyConnection {
    AnyConnection::open(&world.app.config.key_plane_address(world.data.path()), false).unwrap()
}

fn give(served: &Served, share: &str) -> Answer {
    served.visitor().post("/unsealing", &[("share", share)])
}

fn seal(served: &Served) {
    served.world.block_on(served.world.gate.seal()).unwrap();
}

#[test]
fn every_page_of_a_sealed_house_is_a_503_that_says_what_to_do_and_keeps_what_was_typed() {
    let (served, _) = sealed();
    let worker = served.signed_in(&served.world.staff("XA-A", Role::SocialWorker));
    let form = worker.get("/intakes/new");
    seal(&served);
    for route in ROUTES {
        if [
            "/healthz",
            "/readyz",
            "/static/{path:.*}",
            "/language/{code}",
            "/exit",
            "/unsealing",
        ]
        .contains(&route.path)
        {
            continue;
        }
        let path: String = route.path.replace(['{', '}'], "");
        let answer = if route.method == "GET" {
            worker.get(&path)
        } else {
            worker.post(&path, &[("alias", "Hoa Mẫu")])
        };
        assert_eq!(answer.status, 503, "{} {path}", route.method);
        assert!(
            answer.body.contains("niêm phong") && answer.body.contains("/unsealing"),
            "{path}"
        );
        assert!(answer.headers.contains_key("retry-after"));
    }
    assert_eq!(worker.get("/no-such-page").status, 503);
    let sent = worker.submit(&form, "/intakes", &[("alias", "Hoa Mẫu Kín")]);
    assert!(sent.status == 503 && sent.body.contains("Hoa Mẫu Kín"), "{}", sent.body);
    // Leaving is possible all the same, and the page that opens the keys has its styles.
    assert_eq!(worker.get("/exit").status, 303);
    assert_eq!(worker.get("/static/own.css").status, 200);
    assert_eq!(worker.get("/unsealing").status, 200);
}

#[test]
fn health_tells_sealed_from_open_and_from_broken() {
    let (served, _) = sealed();
    let visitor = served.visitor();
    let both = || {
        ["/healthz", "/readyz"]
            .map(|path| visitor.get(path))
            .map(|answer| (answer.status, answer.body))
    };
    let said = |status, word: &str| (status, format!("{word}\n"));
    assert_eq!(both(), [said(200, "ok"), said(200, "ok")]);
    seal(&served);
    assert_eq!(both(), [said(200, "sealed"), said(503, "sealed")]);
    // A log whose table is gone stops the writer: now only a restart helps.
    served.world.db_execute("DROP TABLE log_head").unwrap();
    assert!(served.world.block_on(served.world.gate.seal()).is_err());
    for _ in 0..100 {
        if served.world.app.writer.is_stopped() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_eq!(both(), [said(500, "stopped"), said(500, "stopped")]);
}

#[test]
fn three_custodians_open_the_house_from_three_browsers_and_each_share_is_an_entry() {
    let (served, shares) = sealed();
    seal(&served);
    let before = served.world.entries().len();
    for (at, share) in [4, 1].into_iter().zip([&shares[4], &shares[1]]) {
        let answer = give(&served, share);
        assert_eq!(answer.status, 303, "share {at}: {}", answer.body);
        assert_eq!(served.visitor().get("/readyz").status, 503);
    }
    let page = served.visitor().get("/unsealing");
    assert!(
        page.body.contains("Đã nhận mảnh số 2, 5") && page.body.contains("Còn thiếu 1 mảnh"),
        "{}",
        page.body
    );
    // The same share again brings them no further.
    assert_eq!(give(&served, &shares[1]).status, 303);
    assert_eq!(served.visitor().get("/readyz").status, 503);
    let last = give(&served, &shares[2].to_uppercase());
    assert_eq!((last.status, last.location.as_deref()), (303, Some("/sign-in")));
    assert_eq!(served.visitor().get("/readyz").status, 200);
    let new: Vec<(String, String, Vec<String>)> = served.world.entries()[before..]
        .iter()
        .map(|entry| (entry.k.clone(), entry.a.clone(), entry.f[1..].to_vec()))
        .collect();
    let entry = |kind: &str, shares: &[&str]| {
        let shares = shares.iter().map(|share| (*share).to_owned()).collect();
        (kind.to_owned(), "custodian".to_owned(), shares)
    };
    assert_eq!(
        new,
        [
            entry("key.share", &["share-5"]),
            entry("key.share", &["share-2"]),
            entry("key.share", &["share-3"]),
            entry("key.unseal", &["share-2", "share-3", "share-5"]),
        ]
    );
    let auditor = served.signed_in(&served.world.staff("TTR", Role::Auditor));
    let log = auditor.get("/log?kind=key.");
    assert!(
        log.body.contains("share-3") && log.body.contains("Mở niêm phong"),
        "the auditor sees who opened"
    );
    // What was given is nowhere in the log, nor on any page.
    let first = shares[4].lines().next().unwrap();
    assert!(!log.body.contains(first) && served.world.log_is_whole());
}

#[test]
fn a_wrong_share_is_named_and_never_shown_again() {
    let (served, shares) = sealed();
    let (_, strangers) = sealed();
    seal(&served);
    let mut rows: Vec<&str> = shares[0].lines().collect();
    rows[3] = "ba ba ba quy ba ba";
    let page = give(&served, &rows.join("\n"));
    assert_eq!(page.status, 422);
    assert!(
        page.body.contains("Hàng 4, tiếng thứ 4") && !page.body.contains(rows[0]),
        "{}",
        page.body
    );
    let page = give(&served, &rows[..5].join("\n"));
    assert!(page.body.contains("vừa nhập 30 tiếng"), "{}", page.body);
    let page = give(&served, &strangers[2]);
    assert!(
        page.status == 422 && page.body.contains("Mảnh số 3 không thuộc hệ thống này"),
        "{}",
        page.body
    );
    let refused = served
        .world
        .entries()
        .iter()
        .filter(|entry| entry.k == "key.share_refuse" && entry.d == ["deny"])
        .count();
    assert_eq!(refused, 3);
    assert_eq!(served.visitor().get("/readyz").status, 503);
}

#[test]
fn shares_that_wait_too_long_are_forgotten_and_the_log_says_so() {
    let (served, shares) = sealed();
    seal(&served);
    assert_eq!(give(&served, &shares[0]).status, 303);
    served.world.app.clock.advance(LONGEST_WAIT_MS - 1);
    assert_eq!(give(&served, &shares[1]).status, 303);
    served.world.app.clock.advance(1);
    let page = served.visitor().get("/unsealing");
    assert!(
        page.body.contains("Đã nhận mảnh số 2.") && page.body.contains("Còn thiếu 2 mảnh"),
        "{}",
        page.body
    );
    assert_eq!(give(&served, &shares[2]).status, 303);
    assert_eq!(
        served.visitor().get("/readyz").status,
        503,
        "the first share no longer counts"
    );
    let expired: Vec<_> = served
        .world
        .entries()
        .into_iter()
        .filter(|entry| entry.k == "key.share_expire")
        .collect();
    assert_eq!(expired.len(), 1);
    assert_eq!(expired[0].f[1..], ["share-1"]);
}

#[test]
fn a_passphrase_opens_it_too_and_a_wrong_one_is_recorded_and_slowed_down() {
    let (served, _) = sealed();
    seal(&served);
    let give = |passphrase: &str| served.visitor().post("/unsealing", &[("passphrase", passphrase)]);
    let wrong = give("một câu khác hẳn và dài");
    assert!(
        wrong.status == 422 && wrong.body.contains("Không mở được"),
        "{}",
        wrong.body
    );
    assert_eq!(
        served.world.kinds().last().map(String::as_str),
        Some("key.unseal_refuse")
    );
    let mut last = 422;
    for _ in 0..25 {
        last = give("").status;
    }
    assert_eq!(last, 429);
    // Another process of the same house, whose counters are its own.
    let gate = Arc::new(Gate::sealed(served.world.gate.process().clone(), None));
    let offer = donghanh::operations::gate::Offer::Passphrase(PASSPHRASE.to_owned().into());
    served.world.block_on(gate.offer(Some("192.0.2.1"), offer)).unwrap();
    assert!(!gate.is_sealed());
}

#[test]
fn a_flood_of_wrong_tries_keeps_no_custodian_out() {
    use donghanh::operations::gate::{Offer, OfferError};
    let (served, shares) = sealed();
    seal(&served);
    let gate = &served.world.gate;
    let offer = |source: String, text: &str| {
        let offer = Offer::Share(text.to_owned().into());
        served.world.block_on(gate.offer(Some(&source), offer))
    };
    // From many addresses, until the house takes no more of it.
    let throttled = (0..200).any(|number| {
        let flood = offer(format!("192.0.2.{number}"), "ba ba ba");
        matches!(flood, Err(OfferError::Throttled))
    });
    assert!(throttled);
    for (number, share) in shares[..3].iter().enumerate() {
        offer(format!("198.51.100.{number}"), share).unwrap_or_else(|error| panic!("{error}"));
    }
    assert!(!gate.is_sealed());
}

#[test]
fn shares_that_were_taken_stay_when_the_last_step_fails() {
    let (served, shares) = sealed();
    seal(&served);
    for share in &shares[..2] {
        assert_eq!(give(&served, share).status, 303);
    }
    // A keyset that is damaged: the shares are right, and yet nothing opens.
    let path = served.world.app.config.key_plane_address(served.world.data.path());
    let mut keys = AnyConnection::open(&path, false).unwrap();
    let run = |keys: &mut AnyConnection, sql: &str| {
        use diesel::connection::SimpleConnection as _;
        keys.batch_execute(sql).unwrap();
    };
    run(&mut keys, "UPDATE keyring SET name = 'web-gone' WHERE name = 'web'");
    assert!(give(&served, &shares[2]).status >= 500);
    assert!(served.world.gate.is_sealed());
    run(&mut keys, "UPDATE keyring SET name = 'web' WHERE name = 'web-gone'");
    // One of the three comes back; the two others are not called again.
    assert_eq!(give(&served, &shares[2]).location.as_deref(), Some("/sign-in"));
    assert_eq!(
        served.world.kinds().iter().filter(|kind| *kind == "key.share").count(),
        3
    );
}

#[test]
fn nothing_is_unsealed_when_the_log_cannot_say_so() {
    let (served, shares) = sealed();
    seal(&served);
    for share in &shares[..2] {
        assert_eq!(give(&served, share).status, 303);
    }
    served.world.db_execute("DROP TABLE log_head").unwrap();
    assert_eq!(give(&served, &shares[2]).status, 503);
    assert!(served.world.gate.is_sealed());
}

#[test]
fn a_damaged_slot_keeps_the_others_neither_shut_nor_removable_to_the_last() {
    use diesel::connection::SimpleConnection as _;
    let (served, shares) = sealed();
    seal(&served);
    let mut keys = keys(&served.world);
    keys.batch_execute("UPDATE slot SET json = '{' WHERE json LIKE '%\"kind\":\"passphrase\"%'")
        .unwrap();
    assert_eq!(key_plane::damaged_slots(&mut keys).unwrap().len(), 1);
    for share in &shares[..3] {
        assert_eq!(give(&served, share).status, 303);
    }
    assert!(!served.world.gate.is_sealed());
    let good = key_plane::slots(&mut keys).unwrap();
    assert_eq!(good.len(), 2);
    let root = root(&served.world);
    key_plane::change_slots(&mut keys, &root, (None, Some(good[0].id())), || Ok(())).unwrap();
    let last = key_plane::change_slots(&mut keys, &root, (None, Some(good[1].id())), || Ok(()));
    assert!(last.is_err(), "a damaged slot opens nothing, so it does not count");
}

#[test]
fn the_last_slot_stays_and_a_replaced_custodian_opens_nothing() {
    let (served, shares) = sealed();
    let mut keys = keys(&served.world);
    let slots = key_plane::slots(&mut keys).unwrap();
    let custodians = slots.iter().find(|slot| slot.kind() == "custodians").unwrap();
    let root = root(&served.world);
    let stranger = ledger::vault::keyring::draw_root().unwrap();
    assert!(key_plane::change_slots(&mut keys, &stranger, (None, Some(custodians.id())), || Ok(())).is_err());
    key_plane::change_slots(&mut keys, &root, (None, Some(custodians.id())), || Ok(())).unwrap();
    seal(&served);
    assert_eq!(give(&served, &shares[0]).status, 422);
    for slot in &slots {
        let left = key_plane::slots(&mut keys).unwrap().len();
        let gone = key_plane::change_slots(&mut keys, &root, (None, Some(slot.id())), || Ok(()));
        assert_eq!(gone.is_ok(), left > 1 && slot.kind() != "custodians");
    }
    assert_eq!(key_plane::slots(&mut keys).unwrap().len(), 1);
}
