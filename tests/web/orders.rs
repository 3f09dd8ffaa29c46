//! Acts that take two persons, on the pages: the supervisor asks, the custodian of the keys reads the reason and answers.

use donghanh::domain::role::Role;
use donghanh::operations::erase::{due, erase};
use donghanh::storage::connection::AnyConnection;
use donghanh::storage::key_plane::{self, Unsealed};
use ledger::log::checkpoint::VerifierKey;
use ledger::vault::slot::Opener;

use crate::browser::{Answer, Browser, Served};
use crate::walk::{Cast, accept, address, order, refer, take_in};

const WEEK: i64 = 7 * 86_400_000;

fn press(browser: &Browser<'_>, at: &str, act: &str) -> Answer {
    let page = browser.get(at);
    assert_eq!(page.status, 200, "{}", page.body);
    let version = page.hidden("version");
    browser.submit(&page, &format!("{at}/{act}"), &[("version", &version)])
}

#[test]
fn a_form_that_lacks_something_comes_back_with_what_was_typed() {
    let served = Served::start();
    let cast = Cast::new(&served);
    let worker = served.signed_in(&cast.worker);
    let case = take_in(&worker, &[("alias", "Hoa Mẫu")]);
    let supervisor = served.signed_in(&cast.supervisor);
    let at = format!("{case}/orders/erasure");
    let form = supervisor.get(&at);
    let long = "dài ".repeat(400);
    let hidden = "ẩn\u{202e}đi";
    for (basis, reason, says) in [
        ("", "vì đã xong", "Chọn một căn cứ."),
        ("person_asked", " ", "Viết lý do"),
        ("person_asked", long.as_str(), "quá dài"),
        ("person_asked", hidden, "ký tự không dùng được"),
        ("not-a-basis", "vì đã xong", "Chọn một căn cứ."),
    ] {
        let answer = supervisor.submit(&form, &at, &[("basis", basis), ("reason", reason)]);
        assert_eq!(answer.status, 422, "{says}");
        assert!(answer.body.contains(says), "{says}");
        assert!(answer.body.contains(reason.trim()), "what was typed is there: {says}");
    }
    assert!(!served.world.kinds().contains(&"order.request".to_owned()));
    // Sent twice, it is asked for once.
    let fields = [("basis", "person_asked"), ("reason", "vì đã xong")];
    for _ in 0..2 {
        assert_eq!(supervisor.submit(&form, &at, &fields).status, 303);
    }
    let again = order(&supervisor, &case, "erasure", "person_asked");
    assert_eq!(again.status, 409);
    assert!(again.body.contains("đã có yêu cầu như vậy") && again.body.contains("Lý do mẫu"));
    let asked = served
        .world
        .kinds()
        .iter()
        .filter(|kind| *kind == "order.request")
        .count();
    assert_eq!(asked, 1);
}

#[test]
fn the_case_page_offers_holding_and_erasing_to_the_supervisor_only() {
    let served = Served::start();
    let cast = Cast::new(&served);
    let worker = served.signed_in(&cast.worker);
    let case = take_in(&worker, &[("alias", "Hoa Mẫu")]);
    let supervisor = served.signed_in(&cast.supervisor);
    assert!(!worker.get(&case).body.contains("/orders/erasure"));
    assert!(supervisor.get(&case).body.contains(&format!("{case}/orders/erasure")));
    let form = supervisor.get(&format!("{case}/hold"));
    let missing = supervisor.submit(&form, &format!("{case}/hold"), &[("basis", "")]);
    assert_eq!(missing.status, 422);
    let held = supervisor.submit(&form, &format!("{case}/hold"), &[("basis", "criminal_proceedings")]);
    assert_eq!(held.status, 303);
    let page = supervisor.get(&case);
    assert!(page.body.contains("Đang giữ theo luật") && page.body.contains("Vụ án hình sự"));
    assert!(!page.body.contains("/orders/erasure") && page.body.contains("/orders/release"));
    assert_eq!(order(&supervisor, &case, "erasure", "person_asked").status, 409);
}

#[test]
fn everybody_who_works_on_a_case_sees_that_it_is_held_or_to_be_erased_and_nobody_else() {
    let served = Served::start();
    let cast = Cast::new(&served);
    let worker = served.signed_in(&cast.worker);
    let case = take_in(&worker, &[("alias", "Hoa Mẫu")]);
    assert_eq!(refer(&worker, &case, "identification", "CA", &["identity"]).status, 303);
    let liaison = served.signed_in(&cast.liaison);
    accept(&liaison);
    let supervisor = served.signed_in(&cast.supervisor);
    assert!(!worker.get(&case).body.contains("Yêu cầu xóa dữ liệu"));
    assert_eq!(order(&supervisor, &case, "erasure", "person_asked").status, 303);
    let form = supervisor.get(&format!("{case}/hold"));
    let held = supervisor.submit(&form, &format!("{case}/hold"), &[("basis", "criminal_proceedings")]);
    assert_eq!(held.status, 303);
    for browser in [&worker, &supervisor] {
        let page = browser.get(&case).body;
        assert!(
            page.contains("Yêu cầu xóa dữ liệu") && page.contains("Chờ người thứ hai"),
            "{page}"
        );
        assert!(page.contains("Đang giữ theo luật") && page.contains("Vụ án hình sự"));
    }
    let page = liaison.get(&case);
    assert_eq!(page.status, 200);
    assert!(!page.body.contains("Yêu cầu xóa dữ liệu") && !page.body.contains("Đang giữ theo luật"));
}

#[test]
fn an_erasure_walks_from_the_request_to_the_certificate() {
    let served = Served::start();
    let world = &served.world;
    let cast = Cast::new(&served);
    let keeper = world.staff("TTR", Role::KeyCustodian);
    let case = take_in(&served.signed_in(&cast.worker), &[("alias", "Hoa Mẫu")]);
    let supervisor = served.signed_in(&cast.supervisor);
    assert_eq!(order(&supervisor, &case, "erasure", "person_asked").status, 303);
    let at = address(&supervisor.get("/orders"), "/orders/", "");
    let page = supervisor.get(&at);
    assert!(page.body.contains("Rút lại yêu cầu") && !page.body.contains("value=\"agree\""));

    let custodian = served.signed_in(&keeper);
    let home = custodian.get("/");
    assert_eq!(home.location.as_deref(), Some("/orders"));
    let page = custodian.get(&at);
    assert!(page.body.contains("Lý do mẫu") && page.body.contains("Người được hỗ trợ yêu cầu"));
    assert!(!page.body.contains("Hoa Mẫu"), "a custodian learns no name");
    assert_eq!(custodian.get(&case).status, 404, "and opens no case");
    assert_eq!(custodian.get(&format!("{at}/certificate")).status, 409);
    // Two windows: the second answer was made for an order that stands no more.
    let stale = custodian.get(&at);
    assert_eq!(press(&custodian, &at, "agreement").status, 303);
    let version = stale.hidden("version");
    assert_eq!(
        custodian
            .submit(&stale, &format!("{at}/refusal"), &[("version", &version)])
            .status,
        409
    );
    assert!(custodian.get(&at).body.contains("đang chờ đủ ngày"));

    world.app.clock.advance(WEEK);
    let text = std::fs::read_to_string(world.data.path().join("test.key")).unwrap();
    let mut keys = AnyConnection::open(&world.app.config.key_plane_address(world.data.path()), false).unwrap();
    let opened = key_plane::unseal(&mut keys, &Opener::KeyFile(text.into()))
        .unwrap()
        .unwrap();
    let Unsealed { root, keyring, .. } = opened;
    let keyring = std::sync::Arc::new(keyring);
    let mut house = world.connection();
    let orders = due(&mut house, &keyring, world.app.clock.now_ms()).unwrap();
    erase(
        &world.app.writer,
        (&mut house, &mut keys),
        (&root, &keyring),
        orders,
        &[],
    )
    .unwrap();

    let custodian = served.signed_in(&keeper);
    let page = custodian.get(&at);
    assert!(page.body.contains("Đã xong") && page.body.contains("Tải giấy chứng nhận"));
    let certificate = custodian.get(&format!("{at}/certificate"));
    assert_eq!(certificate.status, 200);
    assert!(certificate.index.is_some());
    let body = VerifierKey::of(&keyring).open(&certificate.body).unwrap();
    assert!(body.starts_with("donghanh/") && body.contains("/erasure/") && body.contains("basis person_asked"));
    assert_eq!(served.signed_in(&cast.supervisor).get(&case).status, 404);
    assert!(world.log_is_whole());
}

#[test]
fn a_hand_over_names_the_parts_one_by_one_and_the_custodian_reads_which() {
    let served = Served::start();
    let cast = Cast::new(&served);
    let keeper = served.world.staff("TTR", Role::KeyCustodian);
    let worker = served.signed_in(&cast.worker);
    let case = take_in(&worker, &[("alias", "Hoa Mẫu")]);
    let at = format!("{case}/orders/handover");
    assert!(!worker.get(&case).body.contains(&at));
    assert_eq!(worker.get(&at).status, 404);
    let supervisor = served.signed_in(&cast.supervisor);
    assert!(supervisor.get(&case).body.contains(&at));
    let form = supervisor.get(&at);
    assert!(!form.body.contains(" checked"), "no part is chosen beforehand");
    assert!(
        !form.body.contains("value=\"privileged\""),
        "what a lawyer was told is never offered"
    );
    let said = [("basis", "court"), ("reason", "Văn bản mẫu")];
    let none = supervisor.submit(&form, &at, &said);
    assert!(none.status == 422 && none.body.contains("Chọn ít nhất một phần.") && none.body.contains("Văn bản mẫu"));
    let forged = supervisor.submit(&form, &at, &[said[0], said[1], ("groups", "privileged")]);
    assert!(forged.status == 409 && !served.world.kinds().contains(&"order.request".to_owned()));
    let asked = supervisor.submit(
        &form,
        &at,
        &[said[0], said[1], ("groups", "identity"), ("groups", "safety")],
    );
    assert_eq!(asked.status, 303, "{}", asked.body);

    let custodian = served.signed_in(&keeper);
    let shown = address(&custodian.get("/orders"), "/orders/", "");
    let page = custodian.get(&shown);
    assert!(page.body.contains("Nhân thân; Liên lạc an toàn") && page.body.contains("Yêu cầu bằng văn bản của tòa án"));
    assert!(!page.body.contains("Hoa Mẫu"));
    assert_eq!(press(&custodian, &shown, "agreement").status, 303);
    assert!(custodian.get(&shown).body.contains("Chờ người vận hành"));
    // Until the keys are opened for it, it can be stopped.
    assert_eq!(press(&custodian, &shown, "refusal").status, 303);
    assert!(custodian.get(&shown).body.contains("Đã dừng sau khi đồng ý"));
}
