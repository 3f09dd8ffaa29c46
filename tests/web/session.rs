use donghanh::domain::role::Role;

use crate::browser::Served;
use crate::support::PASSWORD;

#[test]
fn a_worker_signs_in_sees_her_list_and_signs_out() {
    let served = Served::start();
    let staff = served.world.staff("XA-A", Role::SocialWorker);
    let worker = served.signed_in(&staff);
    let list = worker.get("/cases");
    assert_eq!(list.status, 200);
    let out = worker.submit(&list, "/sign-out", &[]);
    assert_eq!((out.status, out.location.as_deref()), (303, Some("/sign-in")));
    assert_eq!(out.headers["clear-site-data"], "\"cache\", \"storage\"");
    assert_eq!(worker.get("/cases").location.as_deref(), Some("/sign-in?next=/cases"));
    let kinds = served.world.kinds();
    assert!(kinds.contains(&"auth.sign_in".to_owned()) && kinds.contains(&"auth.sign_out".to_owned()));
}

#[test]
fn every_wrong_way_in_gets_the_same_answer_and_an_entry() {
    let served = Served::start();
    let staff = served.world.staff("XA-A", Role::SocialWorker);
    let disabled = served.world.staff("XA-A", Role::SocialWorker);
    donghanh::operations::accounts::disable(
        &served.world.app.writer,
        &served.world.app.keyring,
        &disabled.secrets.code,
    )
    .unwrap();
    let now = served.world.app.clock.now_ms();
    let before = served.world.kinds().len();
    let visitor = served.visitor();
    let tries = [
        (staff.secrets.code.as_str(), "mật khẩu sai hoàn toàn", staff.code(now)),
        (staff.secrets.code.as_str(), PASSWORD, "000000".to_owned()),
        ("NV-0000-0000", PASSWORD, staff.code(now)),
        (disabled.secrets.code.as_str(), PASSWORD, disabled.code(now)),
    ];
    let mut pages = Vec::new();
    for (code, password, second) in tries {
        let page = visitor.get("/sign-in");
        let answer = visitor.submit(
            &page,
            "/sign-in",
            &[("code", code), ("password", password), ("second", &second)],
        );
        assert_eq!(answer.status, 422);
        assert!(answer.body.contains(code), "the staff code is kept");
        let fixed = ["_request", "_expires", "_mac"]
            .iter()
            .fold(answer.body.clone(), |body, name| body.replace(&answer.hidden(name), ""));
        pages.push(fixed.replace(code, ""));
    }
    assert!(pages.iter().all(|page| *page == pages[0]));
    assert_eq!(served.world.kinds()[before..], vec!["auth.fail"; 4]);
}

#[test]
fn a_one_time_code_works_once_and_a_recovery_code_works_once() {
    let served = Served::start();
    let staff = served.world.staff("XA-A", Role::SocialWorker);
    let _first = served.signed_in(&staff);
    let code = staff.code(served.world.app.clock.now_ms());
    let try_with = |second: &str| {
        let visitor = served.visitor();
        let page = visitor.get("/sign-in");
        visitor
            .submit(
                &page,
                "/sign-in",
                &[
                    ("code", &staff.secrets.code),
                    ("password", PASSWORD),
                    ("second", second),
                ],
            )
            .status
    };
    assert_eq!(try_with(&code), 422, "the same code again");
    assert_eq!(try_with(&staff.secrets.recovery[0]), 303);
    assert_eq!(try_with(&staff.secrets.recovery[0]), 422);
    assert_eq!(try_with(&staff.secrets.recovery[1].to_lowercase()), 303);
}

#[test]
fn too_many_tries_from_one_place_are_told_to_wait() {
    let served = Served::start();
    let visitor = served.visitor();
    let mut last = None;
    for _ in 0..11 {
        let page = visitor.get("/sign-in");
        last = Some(visitor.submit(
            &page,
            "/sign-in",
            &[("code", "NV-0000-0000"), ("password", "x"), ("second", "0")],
        ));
    }
    let last = last.unwrap();
    assert_eq!(
        (last.status, last.headers["retry-after"].to_str().unwrap()),
        (429, "60")
    );
}

#[test]
fn a_session_ends_after_half_an_hour_without_a_request_and_after_twelve_hours_in_any_case() {
    let served = Served::start();
    let staff = served.world.staff("XA-A", Role::SocialWorker);
    let worker = served.signed_in(&staff);
    let clock = &served.world.app.clock;
    for _ in 0..20 {
        clock.advance(29 * 60_000);
        assert_eq!(worker.get("/cases").status, 200);
    }
    clock.advance(31 * 60_000);
    assert_eq!(worker.get("/cases").status, 303);
    let worker = served.signed_in(&staff);
    for _ in 0..24 {
        clock.advance(29 * 60_000);
        worker.get("/cases");
    }
    clock.advance(29 * 60_000);
    assert_eq!(worker.get("/cases").status, 303);
}

#[test]
fn a_form_whose_session_ended_is_carried_through_signing_in() {
    let served = Served::start();
    let staff = served.world.staff("XA-A", Role::SocialWorker);
    let worker = served.signed_in(&staff);
    let form = worker.get("/intakes/new");
    served.world.app.clock.advance(13 * 3_600_000);
    let lost = worker.submit(
        &form,
        "/intakes",
        &[
            ("alias", "Hoa Mẫu"),
            ("urgent_needs", "food"),
            ("urgent_needs", "safety"),
        ],
    );
    assert_eq!(lost.status, 401);
    assert!(lost.body.contains("name=\"carried.alias\" value=\"Hoa Mẫu\""));
    served.world.app.clock.advance(30_000);
    let code = staff.code(served.world.app.clock.now_ms());
    let resumed = worker.submit(
        &lost,
        "/sign-in",
        &[
            ("code", &staff.secrets.code),
            ("password", PASSWORD),
            ("second", &code),
            ("next", "/intakes"),
            ("carried.alias", "Hoa Mẫu"),
            ("carried.urgent_needs", "food"),
            ("carried.urgent_needs", "safety"),
        ],
    );
    assert_eq!(resumed.status, 200);
    let saved = worker.submit(
        &resumed,
        "/intakes",
        &[
            ("alias", "Hoa Mẫu"),
            ("urgent_needs", "food"),
            ("urgent_needs", "safety"),
        ],
    );
    assert_eq!(saved.status, 303);
    assert!(worker.get(&saved.location.unwrap()).body.contains("Hoa Mẫu"));
}

#[test]
fn a_form_is_carried_for_whoever_typed_it_and_shown_to_nobody_else() {
    let served = Served::start();
    let staff = served.world.staff("XA-A", Role::SocialWorker);
    let next = served.world.staff("XA-B", Role::SocialWorker);
    let machine = served.signed_in(&staff);
    let form = machine.get("/intakes/new");
    served.world.app.clock.advance(13 * 3_600_000);
    let lost = machine.submit(&form, "/intakes", &[("alias", "Bí Mật Của Người Trước")]);
    assert_eq!(lost.status, 401);
    let signs_in = |staff: &crate::support::Staff| {
        served.world.app.clock.advance(30_000);
        let code = staff.code(served.world.app.clock.now_ms());
        let fields = [
            ("code", staff.secrets.code.as_str()),
            ("password", PASSWORD),
            ("second", &code),
            ("next", "/intakes"),
            ("carried.alias", "Bí Mật Của Người Trước"),
        ];
        machine.submit(&lost, "/sign-in", &fields)
    };
    let other = signs_in(&next);
    assert_eq!(other.status, 200);
    assert!(
        !other.body.contains("Bí Mật") && other.body.contains("của người đăng nhập trước"),
        "{}",
        other.body
    );
    assert!(!machine.get("/cases").body.contains("DH-"), "and nothing was sent");
    let own = signs_in(&staff);
    assert!(own.status == 200 && own.body.contains("Bí Mật Của Người Trước"));
}

#[test]
fn a_sealed_house_keeps_what_is_carried_and_never_the_password() {
    let served = Served::start();
    let visitor = served.visitor();
    let page = visitor.get("/sign-in");
    served.world.block_on(served.world.gate.seal()).unwrap();
    let fields = [
        ("code", "NV-XXXX-XXXX"),
        ("password", "kín đáo"),
        ("second", "000000"),
        ("carried.note", "đã gõ lâu"),
    ];
    let answer = visitor.submit(&page, "/sign-in", &fields);
    assert_eq!(answer.status, 503);
    assert!(answer.body.contains("đã gõ lâu") && !answer.body.contains("kín đáo") && !answer.body.contains("000000"));
}

#[test]
fn after_signing_in_one_is_on_the_page_that_was_asked_for() {
    let served = Served::start();
    let staff = served.world.staff("XA-A", Role::SocialWorker);
    let case = crate::walk::take_in(&served.signed_in(&staff), &[("alias", "Hoa Mẫu")]);
    let visitor = served.visitor();
    let way_in = visitor.get(&case).location.unwrap();
    assert_eq!(way_in, format!("/sign-in?next={case}"));
    let page = visitor.get(&way_in);
    served.world.app.clock.advance(30_000);
    let code = staff.code(served.world.app.clock.now_ms());
    let next = page.hidden("next");
    let fields = [
        ("code", staff.secrets.code.as_str()),
        ("password", PASSWORD),
        ("second", &code),
        ("next", &next),
    ];
    assert_eq!(visitor.submit(&page, "/sign-in", &fields).location, Some(case));
}

#[test]
fn a_staff_code_is_read_as_people_type_it() {
    use donghanh::operations::password::canonical_code;
    for typed in ["NV-7K3F-9QXA", "nv-7k3f-9qxa", " NV7K3F9QXA ", "nv7k3f9qxa"] {
        assert_eq!(canonical_code(typed), "NV-7K3F-9QXA", "{typed}");
    }
    assert_eq!(canonical_code("NV-7K3F-9QX"), "NV-7K3F-9QX");
}

#[test]
fn an_address_to_which_only_a_form_goes_leads_to_where_the_form_was() {
    let served = Served::start();
    let worker = served.signed_in(&served.world.staff("XA-A", Role::SocialWorker));
    let case = crate::walk::take_in(&worker, &[("alias", "Hoa Mẫu")]);
    for (asked, leads) in [
        ("/cases/names".to_owned(), "/cases".to_owned()),
        (format!("{case}/consents"), case.clone()),
        (format!("{case}/visits"), case.clone()),
        (format!("{case}/groups/safety/opening"), format!("{case}/groups/safety")),
        (format!("{case}/deadlines/XM_BAN_DAU"), case.clone()),
    ] {
        let answer = worker.get(&asked);
        assert_eq!((answer.status, answer.location), (303, Some(leads)), "{asked}");
    }
}

#[test]
fn signing_in_never_leads_away_from_this_house() {
    let served = Served::start();
    let staff = served.world.staff("XA-A", Role::SocialWorker);
    for next in [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
    ] {
        served.world.app.clock.advance(30_000);
        let visitor = served.visitor();
        let page = visitor.get("/sign-in");
        let code = staff.code(served.world.app.clock.now_ms());
        let fields = [
            ("code", staff.secrets.code.as_str()),
            ("password", PASSWORD),
            ("second", &code),
            ("next", next),
            ("carried.a", "b"),
        ];
        let answer = visitor.submit(&page, "/sign-in", &fields);
        assert_eq!((answer.status, answer.location.as_deref()), (303, Some("/")));
    }
}

#[test]
fn the_pages_of_a_long_list_show_every_case_once() {
    let served = Served::start();
    let worker = served.signed_in(&served.world.staff("XA-A", Role::SocialWorker));
    for number in 0..53 {
        crate::walk::take_in(&worker, &[("alias", &format!("Mẫu {number}"))]);
    }
    let numbers = |body: &str| -> std::collections::BTreeSet<String> {
        let starts = body.match_indices(">DH-").map(|(at, _)| at + 1);
        starts.map(|at| body[at..at + 16].to_owned()).collect()
    };
    let first = worker.get("/cases");
    let older = crate::walk::address(&first, "/cases?before=", "");
    let second = worker.get(&older);
    let (first, second) = (numbers(&first.body), numbers(&second.body));
    assert_eq!(
        (first.len(), second.len(), first.intersection(&second).count()),
        (50, 3, 0)
    );
    let names = [
        ("purpose", "case_work"),
        ("before", older.trim_start_matches("/cases?before=")),
    ];
    let shown = worker.submit(&worker.get(&older), "/cases/names", &names);
    assert_eq!(
        numbers(&shown.body),
        second,
        "names are shown for the page that is open"
    );

    let auditor = served.signed_in(&served.world.staff("TTR", Role::Auditor));
    let log = auditor.get("/log?kind=case.create");
    let older = crate::walk::address(&log, "/log?kind=case.create&amp;before=", "").replace("&amp;", "&");
    let next = auditor.get(&older);
    let (first, second) = (numbers_of_cells(&log.body), numbers_of_cells(&next.body));
    assert_eq!(
        (first.len(), second.len(), first.intersection(&second).count()),
        (50, 3, 0)
    );
}

/// Case numbers of the table of the log.
fn numbers_of_cells(body: &str) -> std::collections::BTreeSet<String> {
    body.match_indices("DH-20")
        .map(|(at, _)| body[at..at + 16].to_owned())
        .collect()
}
