use donghanh::domain::role::Role;

use crate::browser::Served;

#[test]
fn the_auditor_finds_by_case_number_who_saw_what_and_why_and_what_was_refused() {
    let served = Served::start();
    let staff = served.world.staff("XA-A", Role::SocialWorker);
    let worker = served.signed_in(&staff);
    let stranger_staff = served.world.staff("XA-B", Role::SocialWorker);
    let stranger = served.signed_in(&stranger_staff);
    let auditor = served.signed_in(&served.world.staff("TTR", Role::Auditor));
    let form = worker.get("/intakes/new");
    let case = worker
        .submit(&form, "/intakes", &[("alias", "Tên Bí Mật")])
        .location
        .unwrap();
    let page = worker.get(&case);
    let at = page.body.find("DH-2026-").unwrap();
    let number = page.body[at..at + 16].to_owned();
    assert_eq!(stranger.get(&case).status, 404);

    let found = auditor.get(&format!("/log?case={}", number.to_lowercase()));
    assert_eq!(found.status, 200);
    for expected in [
        staff.secrets.code.as_str(),
        &stranger_staff.secrets.code,
        "Xem hồ sơ",
        "Giải quyết hồ sơ",
        "Bị từ chối xem hồ sơ",
        "cán bộ phụ trách hồ sơ",
    ] {
        assert!(found.body.contains(expected), "{expected}");
    }
    assert!(!found.body.contains("Tên Bí Mật"), "never a value");
    assert!(found.index.is_some(), "her reading is logged");
    let refused = auditor.get(&format!("/log?case={number}&refused=1"));
    assert!(refused.body.contains(&stranger_staff.secrets.code) && !refused.body.contains("cán bộ phụ trách hồ sơ"));
    let by_actor = auditor.get(&format!("/log?actor={}", stranger_staff.secrets.code));
    assert!(!by_actor.body.contains(&staff.secrets.code));
    let by_kind = auditor.get("/log?kind=auth.");
    assert!(by_kind.body.contains("Đăng nhập") && !by_kind.body.contains(&number));
    assert!(
        auditor
            .get("/log?from=01/01/2030")
            .body
            .contains("Không có dòng nào khớp")
    );
    assert_eq!(auditor.get("/log?case=DH-2026-000000-1").status, 422);
    let wrong = auditor.get("/log?from=31/02/2026");
    assert_eq!(wrong.status, 422);
    assert!(wrong.body.contains("id=\"from-fault\"") && wrong.body.contains("value=\"31/02/2026\""));
    assert!(!wrong.body.contains("Không có dòng nào khớp"), "nothing was searched");
    for (filter, field) in [
        ("from=11/2026", "from"),
        ("from=28/02/2026&until=27/02/2026", "until"),
        ("actor=NV-09CE", "actor"),
        ("actor=xxx", "actor"),
    ] {
        let wrong = auditor.get(&format!("/log?{filter}"));
        assert_eq!(wrong.status, 422, "{filter}");
        assert!(wrong.body.contains(&format!("id=\"{field}-fault\"")), "{filter}");
    }
    assert_eq!(auditor.get("/log?actor=operator").status, 200);
    let none = auditor.submit(&auditor.get("/log"), "/log/export", &[("case", "DH-2026-AAAAAA-Q")]);
    assert!(none.status == 422 && none.body.contains("value=\"DH-2026-AAAAAA-Q\"") && none.index.is_some());
    let narrowed = auditor.get(&format!("/log?case={number}")).body;
    assert!(
        narrowed.contains(&format!("/log?case={number}&amp;kind=case.view")),
        "a kind is added to the filter: {narrowed}"
    );
    let viewed = auditor.get("/log?kind=case.view").body;
    assert!(
        viewed.contains("Xem hồ sơ") && !viewed.contains("href=\"/log?kind=case.create\""),
        "one kind alone"
    );
    assert!(
        by_kind.body.contains("href=\"/log?kind=auth.sign_in\""),
        "each line leads to its kind"
    );
    let nonsense = auditor.get("/log?kind=nonsense");
    assert_eq!(nonsense.status, 422);
    assert!(!nonsense.body.contains(&number), "a filter that is none shows nothing");

    let verified = auditor.submit(&found, "/log/verification", &[]);
    assert!(verified.body.contains("Nhật ký nguyên vẹn") && verified.body.contains("donghanh/"));
    let csv = auditor.submit(&found, "/log/export", &[("case", &number)]);
    assert_eq!(csv.status, 200);
    let export = crate::walk::entry(&served, "log.export");
    assert_eq!(csv.index.as_deref(), Some(format!("2026/{}", export.i).as_str()));
    assert!(
        csv.headers["content-disposition"]
            .to_str()
            .unwrap()
            .starts_with("attachment")
    );
    assert!(csv.body.contains(&number) && csv.body.contains("case.refuse") && !csv.body.contains("Tên Bí Mật"));
    let kinds = served.world.kinds();
    for kind in ["log.view", "log.verify", "log.export"] {
        assert!(kinds.contains(&kind.to_owned()), "{kind}");
    }
    assert_eq!(auditor.get(&case).status, 404, "she opens no case");
}

#[test]
fn a_log_that_was_altered_says_so_on_the_page() {
    let served = Served::start();
    let auditor = served.signed_in(&served.world.staff("TTR", Role::Auditor));
    served
        .world
        .db_execute("DROP TRIGGER log_entry_no_update; UPDATE log_entry SET actor = 'NV-XXXX-XXXX' WHERE idx = 2")
        .unwrap();
    let page = auditor.get("/log");
    let verified = auditor.submit(&page, "/log/verification", &[]);
    assert!(verified.body.contains("từ dòng số 2"));
}
