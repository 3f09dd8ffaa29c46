//! Bad input gets a clear message, nothing is half-written, nothing typed is lost, and never a 500.

use donghanh::domain::role::Role;
use donghanh::web::routes::{Decided, ROUTES};

use crate::browser::{Browser, Served};
use crate::matrix::{addresses, token};
use crate::support::World;
use crate::walk::{Case, Cast, save};

fn case_of(worker: &Browser<'_>) -> String {
    let form = worker.get("/intakes/new");
    worker
        .submit(&form, "/intakes", &[("alias", "Hoa Mẫu")])
        .location
        .unwrap()
        .replace("?saved=1", "")
}

#[test]
fn wrong_answers_are_named_and_everything_typed_stays() {
    let served = Served::start();
    let worker = served.signed_in(&served.world.staff("XA-A", Role::SocialWorker));
    let case = case_of(&worker);
    let long = "á".repeat(151);
    for (field, typed, message) in [
        ("birth", "31/02/1999", "Không có ngày này trong lịch"),
        ("birth", "01/01/2030", "Ngày này chưa tới"),
        ("id_number", "①②③④⑤⑥⑦⑧⑨⑩⑪⑫", "Chỉ nhập chữ số"),
        ("full_name", "Hoa\u{202e}Mẫu", "ký tự điều khiển"),
        ("id_number", "9992040000011", "đã nhập 13 chữ số"),
        ("id_number", "99920400000A", "Chỉ nhập chữ số"),
        ("full_name", long.as_str(), "Tối đa 150 ký tự; anh/chị đã nhập 151"),
        ("full_name", "Hoa\u{0}Mẫu", "ký tự điều khiển"),
        ("sex", "other", "Hãy chọn một mục trong danh sách"),
    ] {
        let form = worker.get(&format!("{case}/groups/identity"));
        let before = served.world.kinds().len();
        let fields = [
            ("version", "1"),
            ("purpose", "case_work"),
            ("alias", "Tên còn nguyên"),
            (field, typed),
        ];
        let answer = worker.submit(&form, &format!("{case}/groups/identity"), &fields);
        assert_eq!(answer.status, 422, "{field}");
        assert!(answer.body.contains(message), "{field}: {message}");
        assert!(answer.body.contains("Tên còn nguyên"), "{field}: what was typed stays");
        assert!(
            answer.body.contains(&format!("href=\"#{field}\"")),
            "{field}: the summary leads to the field"
        );
        let after = served.world.kinds();
        assert!(
            !after[before..].contains(&"group.save".to_owned()),
            "{field}: nothing is written"
        );
    }
    let form = worker.get(&format!("{case}/groups/identity"));
    let good = [
        ("version", "1"),
        ("purpose", "case_work"),
        ("alias", "Hoa Mẫu"),
        ("id_number", "\u{ff19}\u{ff19}\u{ff19}204000001"),
        ("birth", "khoảng 1999"),
    ];
    assert_eq!(
        worker.submit(&form, &format!("{case}/groups/identity"), &good).status,
        303
    );
    let page = worker.get(&case).body;
    assert!(page.contains("999204000001") && page.contains("khoảng 1999"));
}

#[test]
fn a_text_of_a_million_characters_comes_back_with_the_form() {
    let served = Served::start();
    let worker = served.signed_in(&served.world.staff("XA-A", Role::SocialWorker));
    let case = case_of(&worker);
    let at = format!("{case}/groups/notes");
    let long = "a".repeat(1_000_000);
    let answer = worker.submit(&worker.get(&at), &at, &[("version", "0"), ("text", &long)]);
    assert_eq!(answer.status, 422);
    assert!(answer.body.contains("anh/chị đã nhập 1000000") && answer.body.contains(&long));
}

#[test]
fn an_intake_sent_again_with_something_more_loses_nothing() {
    let served = Served::start();
    let worker = served.signed_in(&served.world.staff("XA-A", Role::SocialWorker));
    let form = worker.get("/intakes/new");
    let first = worker
        .submit(&form, "/intakes", &[("alias", "Hoa Mẫu")])
        .location
        .unwrap();
    let again = worker.submit(&form, "/intakes", &[("alias", "Hoa Mẫu")]);
    assert_eq!(
        (again.status, again.location.as_deref()),
        (303, Some(first.trim_end_matches("?saved=1")))
    );
    let more = worker.submit(&form, "/intakes", &[("alias", "Hoa Mẫu"), ("place", "Bến xe Mẫu")]);
    assert_eq!(more.status, 409);
    assert!(more.body.contains("value=\"Bến xe Mẫu\"") && more.body.contains(first.trim_end_matches("?saved=1")));
    let kinds = served.world.kinds();
    assert_eq!(kinds.iter().filter(|kind| *kind == "case.create").count(), 1);
    let other = worker.submit(&more, "/intakes", &[("alias", "Lan Mẫu")]);
    assert_eq!(other.status, 303, "somebody else has a case of her own");
}

#[test]
fn an_intake_in_which_nothing_is_answered_opens_no_case() {
    let served = Served::start();
    let worker = served.signed_in(&served.world.staff("XA-A", Role::SocialWorker));
    let answer = worker.submit(
        &worker.get("/intakes/new"),
        "/intakes",
        &[("alias", "  "), ("danger.state", "not_asked")],
    );
    assert_eq!(answer.status, 422);
    assert!(answer.body.contains("ít nhất một bí danh"));
    assert!(!served.world.kinds().contains(&"case.create".to_owned()));
}

#[test]
fn ids_that_are_not_ids_and_ids_of_others_look_the_same() {
    let served = Served::start();
    let worker = served.signed_in(&served.world.staff("XA-A", Role::SocialWorker));
    let stranger = served.signed_in(&served.world.staff("XA-B", Role::SocialWorker));
    let case = case_of(&worker);
    let foreign = stranger.get(&case);
    let missing = stranger.get(&format!("/cases/{}", "7".repeat(26)));
    assert_eq!((foreign.status, missing.status), (404, 404));
    assert_eq!(foreign.body.len(), missing.body.len());
    for path in [
        "/cases/1",
        "/cases/..%2f..%2fetc",
        "/cases/%00",
        "/cases/' OR 1=1 --",
        "/requests/x",
        &format!("{case}/groups/nothing"),
        &format!("{case}/groups/shelter"),
    ] {
        assert_eq!(stranger.get(path).status, 404, "{path}");
    }
}

#[test]
fn the_end_of_a_page_of_the_list_tells_nobody_that_a_hidden_case_exists() {
    let served = Served::start();
    let worker = served.signed_in(&served.world.staff("XA-A", Role::SocialWorker));
    let stranger = served.signed_in(&served.world.staff("XA-B", Role::SocialWorker));
    let older = case_of(&stranger);
    let hidden = case_of(&worker);
    case_of(&stranger);
    let ids = |case: &str| case.rsplit('/').next().unwrap().to_owned();
    let rows = |before: &str| {
        stranger
            .get(&format!("/cases?before={before}"))
            .body
            .matches("href=\"/cases/")
            .count()
    };
    assert_eq!(rows(&ids(&hidden)), rows(&"7".repeat(26)), "hidden and missing");
    assert!(rows(&ids(&older)) < rows(&ids(&hidden)), "her own end a page");
}

#[test]
fn forged_fields_change_nothing_that_they_should_not() {
    let served = Served::start();
    let worker = served.signed_in(&served.world.staff("XA-A", Role::SocialWorker));
    let stranger = served.signed_in(&served.world.staff("XA-B", Role::SocialWorker));
    let form = stranger.get("/intakes/new");
    let fields = [
        ("alias", "Hoa Mẫu"),
        ("role", "supervisor"),
        ("org_id", "XA-A"),
        ("state", "closed"),
        ("stage", "closed"),
        ("case_id", "1"),
    ];
    let case = stranger.submit(&form, "/intakes", &fields).location.unwrap();
    assert_eq!(
        worker.get(&case).status,
        404,
        "the case belongs to the organisation of who sent it"
    );
    let mine = case.replace("?saved=1", "");
    let forged = [
        ("state", "closed"),
        ("stage", "closed"),
        ("role", "supervisor"),
        ("org_id", "XA-A"),
        ("recorded_by", "NV-XXXX-XXXX"),
        ("decided_by", "NV-XXXX-XXXX"),
        ("urgent", "1"),
    ];
    for (path, field) in [
        ("groups/risk", ("danger", "low")),
        ("steps/support/new", ("regime", "medical")),
    ] {
        let fields = [[field].as_slice(), &forged].concat();
        assert_eq!(
            save(&stranger, &format!("{mine}/{path}"), &fields).status,
            303,
            "{path}"
        );
    }
    let page = stranger.get(&mine).body;
    assert!(
        page.contains(&format!("{mine}/groups/risk")),
        "the case is open and can be worked on"
    );
    assert!(!page.contains("Hồ sơ đã đóng") && !page.contains("Khẩn cấp"));
    assert!(page.contains("Chờ phê duyệt"), "the step is where every new one is");
    assert!(
        !page.contains("value=\"approve\"") && page.contains("Cán bộ xã hội · XA-B"),
        "she is who she was"
    );
    assert_eq!(worker.get(&mine).status, 404);
    let page = worker.get("/cases");
    assert_eq!(
        worker
            .submit(
                &page,
                &format!("{mine}/groups/identity"),
                &[("version", "1"), ("alias", "x")]
            )
            .status,
        404
    );
}

#[test]
fn forms_that_are_forged_replayed_by_another_or_too_old_are_not_taken_and_not_lost() {
    let served = Served::start();
    let worker = served.signed_in(&served.world.staff("XA-A", Role::SocialWorker));
    let colleague = served.signed_in(&served.world.staff("XA-A", Role::SocialWorker));
    let form = worker.get("/intakes/new");
    let before = served.world.kinds();
    let stolen = colleague.submit(&form, "/intakes", &[("alias", "Hoa Mẫu")]);
    assert_eq!(stolen.status, 403);
    let without = worker.post("/intakes", &[("alias", "Hoa Mẫu")]);
    assert_eq!(without.status, 403);
    assert!(
        without.body.contains("value=\"Hoa Mẫu\""),
        "what was typed can be sent again"
    );
    let hidden: Vec<(&str, String)> = ["_request", "_expires"].map(|name| (name, form.hidden(name))).into();
    let forged = worker.post(
        "/intakes",
        &[
            ("_request", &hidden[0].1),
            ("_expires", &hidden[1].1),
            ("_mac", "AAAA"),
            ("alias", "x"),
        ],
    );
    assert_eq!(forged.status, 403);
    assert_eq!(served.world.kinds(), before);
    let origin = worker
        .request("POST", "/intakes")
        .header("origin", "https://evil.example")
        .form(&[("alias", "x")]);
    assert_eq!(worker.send(origin).status, 403);
    let site = worker
        .request("POST", "/intakes")
        .header("sec-fetch-site", "cross-site")
        .form(&[("alias", "x")]);
    assert_eq!(worker.send(site).status, 403);
}

#[test]
fn bodies_that_are_too_large_or_no_form_are_told_so() {
    let served = Served::start();
    let worker = served.signed_in(&served.world.staff("XA-A", Role::SocialWorker));
    let large = worker.post("/intakes", &[("alias", &"x".repeat(3 << 20))]);
    assert_eq!(large.status, 413);
    for kind in ["application/json", "text/plain", "multipart/form-data; boundary=x", ""] {
        let request = worker
            .request("POST", "/intakes")
            .header("content-type", kind)
            .body("{\"alias\":\"x\"}");
        assert_eq!(worker.send(request).status, 415, "{kind}");
    }
    assert!(large.body.contains("Hãy rút ngắn nội dung"));
    let no_form = worker.request("POST", "/intakes").header("content-type", "text/plain");
    let no_form = worker.send(no_form.header("cookie", "dh_lang=en").body("x"));
    assert!(no_form.body.contains("gửi biểu mẫu bằng trình duyệt") || no_form.body.contains("browser"));
    assert_eq!(worker.send(worker.request("DELETE", "/cases")).status, 404);
    assert_eq!(worker.get("/cases?before=tomorrow").status, 404);
}

#[test]
fn bytes_that_are_no_text_are_refused_and_never_replaced() {
    let served = Served::start();
    let worker = served.signed_in(&served.world.staff("XA-A", Role::SocialWorker));
    let form = worker.get("/intakes/new");
    let hidden = ["_request", "_expires", "_mac"].map(|name| format!("{name}={}", form.hidden(name)));
    let send = |kind: &str, field: &[u8]| {
        let body = [hidden.join("&").as_bytes(), b"&", field].concat();
        worker.send(
            worker
                .request("POST", "/intakes")
                .header("content-type", kind)
                .body(body),
        )
    };
    let usual = "application/x-www-form-urlencoded";
    let before = served.world.kinds();
    for field in [
        b"alias=Hoa%FF%FE".as_slice(),
        b"alias=Hoa\xff",
        b"%C3=x",
        b"alias=%ED%A0%80",
    ] {
        let answer = send(usual, field);
        assert_eq!(answer.status, 400);
        assert!(answer.body.contains("Chữ gửi lên không đọc được"));
    }
    for charset in ["utf-16", "windows-1258", "x"] {
        assert_eq!(send(&format!("{usual}; charset={charset}"), b"alias=Hoa").status, 415);
    }
    assert_eq!(served.world.kinds(), before, "nothing was written");
    let good = send(
        &format!("{usual}; charset=UTF-8"),
        "alias=Hoa+M%E1%BA%ABu&place=B\u{1ebf}n%20a%3Db".as_bytes(),
    );
    let case = good.location.unwrap().replace("?saved=1", "");
    let page = worker.get(&case).body;
    assert!(page.contains("Hoa Mẫu") && page.contains("Bến a=b"));
}

#[test]
fn a_form_that_was_open_too_long_does_nothing_and_comes_back_to_be_sent_again() {
    let served = Served::of(World::configured(|config| config.session_hours = 24));
    let cast = Cast::new(&served);
    let case = Case::referred_and_accepted(&served, &cast);
    let custodian = served.world.staff("XA-A", Role::KeyCustodian);
    let auditor = served.world.staff("TTR", Role::Auditor);
    let people: Vec<_> = [&cast.worker, &cast.supervisor, &cast.officer, &custodian, &auditor]
        .map(|staff| served.signed_in(staff))
        .into_iter()
        .zip([
            Role::SocialWorker,
            Role::Supervisor,
            Role::LegalAidOfficer,
            Role::KeyCustodian,
            Role::Auditor,
        ])
        .collect();
    let forms: Vec<_> = people.iter().map(|(browser, _)| token(browser)).collect();
    for _ in 0..25 {
        served.world.app.clock.advance(29 * 60_000);
        people.iter().for_each(|(browser, _)| drop(browser.get("/")));
    }
    let acts = |kinds: &[String]| {
        let looks = [
            "case.view",
            "case.list",
            "attachment.list",
            "order.view",
            "order.list",
            "referral.list",
            "draft.keep",
            "referral.view",
            "log.view",
        ];
        let acts = kinds
            .iter()
            .filter(|kind| !looks.contains(&kind.as_str()) && !kind.ends_with(".refuse"));
        acts.cloned().collect::<Vec<_>>()
    };
    let before = acts(&served.world.kinds());
    let mut came_back = 0;
    for ((browser, role), form) in people.iter().zip(&forms) {
        for route in ROUTES
            .iter()
            .filter(|route| route.method == "POST" && route.decided != Decided::Public)
        {
            if route.path == "/sign-out" {
                continue;
            }
            let (path, _) = addresses(route, &case, *role, false);
            let fields = [
                ("purpose", "case_work"),
                ("alias", "Hoa Mẫu"),
                ("note", "Ghi chú mẫu"),
                ("confirmed", "yes"),
            ];
            let answer = if route.action == "attach" {
                browser.upload(form, &path, &fields, ("mau.pdf", b"%PDF-1.7 x"))
            } else {
                browser.submit(form, &path, &fields)
            };
            if path.ends_with("/draft") {
                assert_ne!(answer.status, 422, "{path}: what is typed is kept at any age");
                continue;
            }
            assert!(matches!(answer.status, 422 | 404), "{path}: {}", answer.status);
            if answer.status == 422 {
                came_back += 1;
                assert!(
                    answer.body.contains("mở quá lâu") || answer.body.contains("class=\"govuk-error-summary\""),
                    "{path}"
                );
            }
        }
    }
    assert!(came_back > 30, "{came_back}");
    assert_eq!(acts(&served.world.kinds()), before, "nothing was done");
    let (supervisor, form) = (&people[1].0, &forms[1]);
    let hold = format!("/cases/{}/hold", case.id);
    let old = supervisor.submit(form, &hold, &[("basis", "court")]);
    assert!(old.body.contains("name=\"basis\" value=\"court\""), "{}", old.body);
    let basis = donghanh::domain::codes::HOLD_BASIS.codes[0];
    assert_eq!(supervisor.submit(&old, &hold, &[("basis", basis)]).status, 303);
    let consent = [
        ("purpose", "medical"),
        ("groups", "risk"),
        ("agreed", "yes"),
        ("form", "signed"),
        ("agreed_by", "self"),
    ];
    let old = people[0]
        .0
        .submit(&forms[0], &format!("/cases/{}/consents", case.id), &consent);
    assert!(
        old.status == 422 && old.body.contains("Trang đã mở quá lâu"),
        "{}",
        old.body
    );
    let out = people[0].0.submit(&forms[0], "/sign-out", &[]);
    assert_eq!(out.status, 303, "nobody is kept in by an old page");
}

#[test]
fn every_answer_carries_the_headers_and_no_page_is_kept() {
    let served = Served::start();
    let worker = served.signed_in(&served.world.staff("XA-A", Role::SocialWorker));
    for path in ["/cases", "/intakes/new", "/nowhere", "/sign-in"] {
        let answer = worker.get(path);
        assert_eq!(answer.headers["cache-control"], "no-store", "{path}");
        assert!(
            answer.headers["content-security-policy"]
                .to_str()
                .unwrap()
                .contains("default-src 'none'"),
            "{path}"
        );
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
        assert!(
            !answer.body.contains("style=\"") && !answer.body.contains("onclick"),
            "{path}"
        );
        let (_, title) = answer.body.split_once("<title>").unwrap();
        let (title, _) = title.split_once("</title>").unwrap();
        assert!(
            title.ends_with("Đồng Hành") && !title.contains("DH-"),
            "a title that names no case: {title}"
        );
    }
    let style = worker.get("/static/vendor/donghanh.css");
    let kept = "public, max-age=3600";
    assert_eq!(style.headers["cache-control"], kept);
    let tag = style.headers["etag"].to_str().unwrap();
    let again = worker
        .request("GET", "/static/vendor/donghanh.css")
        .header("if-none-match", tag);
    let again = worker.send(again);
    assert_eq!((again.status, again.body.as_str()), (304, ""));
    assert_eq!(again.headers["cache-control"], kept);
    for (name, value) in [
        ("referrer-policy", "same-origin"),
        ("x-frame-options", "DENY"),
        ("cross-origin-opener-policy", "same-origin"),
    ] {
        assert_eq!(worker.get("/cases").headers[name], value, "{name}");
    }
    assert_eq!(worker.get("/static/../Cargo.toml").status, 404);
}

#[test]
fn a_case_whose_keys_are_gone_says_what_to_do_and_keeps_what_was_typed() {
    use diesel::connection::SimpleConnection as _;
    let served = Served::start();
    let worker = served.signed_in(&served.world.staff("XA-A", Role::SocialWorker));
    let case = case_of(&worker);
    let at = format!("{case}/groups/notes");
    let form = worker.get(&at);
    let address = served.world.app.config.key_plane_address(served.world.data.path());
    let mut plane = donghanh::storage::connection::AnyConnection::open(&address, false).unwrap();
    plane.batch_execute("DELETE FROM owner_key").unwrap();
    for page in [
        worker.get(&case),
        worker.submit(&form, &at, &[("version", "0"), ("text", "Đã gõ rất lâu")]),
        worker.submit(&form, &format!("{case}/deadlines/TN_THONG_BAO_SYT"), &[]),
        worker.get(&format!("{case}/attachments")),
    ] {
        assert_eq!(page.status, 500);
        assert!(page.body.contains("Hồ sơ này đang thiếu khóa") && page.body.contains("donghanh check"));
        assert!(!page.body.contains("Hoa Mẫu"));
    }
    let kept = worker.submit(&form, &at, &[("version", "0"), ("text", "Đã gõ rất lâu")]);
    assert!(kept.body.contains("Đã gõ rất lâu"), "what was typed can be copied");
}

#[test]
fn a_form_from_elsewhere_and_a_body_that_cannot_be_read_promise_nothing_that_is_not_kept() {
    let served = Served::start();
    let worker = served.signed_in(&served.world.staff("XA-A", Role::SocialWorker));
    for (name, value) in [
        ("origin", "null"),
        ("origin", "https://evil.example"),
        ("sec-fetch-site", "same-site"),
    ] {
        let request = worker
            .request("POST", "/intakes")
            .header(name, value)
            .form(&[("alias", "Hoa Mẫu")]);
        let answer = worker.send(request);
        assert_eq!(answer.status, 403, "{name} {value}");
        assert!(
            answer.body.contains("từ nơi khác") && !answer.body.contains("Nội dung đã gõ vẫn còn"),
            "{name} {value}"
        );
    }
    let request = worker
        .request("POST", "/intakes")
        .header("content-encoding", "gzip")
        .form(&[("alias", "Hoa Mẫu")]);
    let answer = worker.send(request);
    assert_eq!(answer.status, 400);
    assert!(answer.body.contains("chưa đến trọn vẹn") && !answer.body.contains("quá lớn"));
}
