//! Visits, the end of a case and its reopening.

use crate::walk::{Setting, address, entry, press, save, step, take_in};

#[test]
fn visits_are_planned_recorded_and_stand_in_the_list_as_the_next_clock() {
    let setting = Setting::new();
    let (worker, case) = setting.case();
    let page = worker.get(&case);
    assert_eq!(worker.submit(&page, &format!("{case}/visits"), &[]).status, 303);
    let page = worker.get(&case);
    assert_eq!(page.body.matches("Theo kế hoạch").count(), 4);
    assert!(page.body.contains("01/04/2026"), "the first is a month away");
    let again = worker.submit(&page, &format!("{case}/visits"), &[]);
    assert_eq!(again.status, 409);
    assert!(again.body.contains("đã được lên kế hoạch"));
    let at = step(&page, &case, "visit");
    assert_eq!(
        save(&worker, &at, &[("living", "chưa gặp")]).status,
        422,
        "an empty visit is none"
    );
    let fields = [
        ("visited_on", "01/03/2026"),
        ("visit_form", "telephone"),
        ("safe_now", "at_risk"),
        ("living", "nơi ở tạm"),
    ];
    assert_eq!(save(&worker, &at, &fields).status, 303);
    let page = worker.get(&case);
    assert!(page.body.contains("Có nguy cơ") && page.body.matches("Theo kế hoạch").count() == 3);
    let clocks = worker.submit(&page, &format!("{case}/deadlines/TN_THONG_BAO_SYT"), &[]);
    assert_eq!(clocks.status, 303);
    worker.submit(&worker.get(&case), &format!("{case}/deadlines/XM_BAN_DAU"), &[]);
    assert!(worker.get("/cases").body.contains("Lần thăm theo kế hoạch"));
    assert_eq!(entry(&setting.served, "visit.plan").p.as_deref(), Some("follow_up"));
}

#[test]
fn a_case_closes_with_a_reason_and_an_approval_and_reopens_with_a_reason() {
    let setting = Setting::new();
    let (worker, case) = setting.referred();
    let supervisor = setting.served.signed_in(&setting.cast.supervisor);
    let closure = format!("{case}/steps/closure/new");
    let blocked = save(&worker, &closure, &[("closing_reason", "settled")]);
    assert_eq!(blocked.status, 409);
    assert!(blocked.body.contains("Còn yêu cầu chuyển tuyến đang mở"), "it says why");
    assert!(
        blocked.body.contains("value=\"settled\" selected"),
        "nothing chosen is lost"
    );
    let page = worker.get(&case);
    let withdrawal = address(&page, &format!("{case}/withdrawals/"), "");
    assert_eq!(worker.submit(&page, &withdrawal, &[]).status, 303);
    save(
        &worker,
        &format!("{case}/steps/protection/new"),
        &[("measures", "guards")],
    );
    let settled = [("closing_reason", "settled")];
    assert!(save(&worker, &closure, &settled).body.contains("Còn biện pháp bảo vệ"));
    assert_eq!(press(&worker, &case, "protection", "end").status, 303);
    assert_eq!(save(&worker, &closure, &[("closing_reason", "settled")]).status, 303);
    assert!(
        save(&worker, &closure, &settled)
            .body
            .contains("đề nghị đóng hồ sơ đang chờ")
    );
    assert!(worker.get("/cases").body.contains("Chờ phê duyệt"));

    // What stands in the way may come between the request and the approval.
    assert_eq!(
        save(&worker, &format!("{case}/steps/support/new"), &[("regime", "travel")]).status,
        303
    );
    let blocked = press(&supervisor, &case, "closure", "approve");
    assert_eq!(blocked.status, 409);
    assert!(blocked.body.contains("Còn nội dung chờ phê duyệt"));
    assert_eq!(press(&worker, &case, "support", "stop").status, 303);
    let notes = format!("{case}/groups/notes");
    let form = worker.get(&notes);
    assert_eq!(press(&supervisor, &case, "closure", "approve").status, 303);

    let page = worker.get(&case);
    assert!(page.body.contains("Hồ sơ đã đóng"));
    let version = form.hidden("version");
    let typed = worker.submit(
        &form,
        &notes,
        &[("version", &version), ("text", "ghi thêm sau khi đóng")],
    );
    assert_eq!(typed.status, 409);
    assert!(typed.body.contains("Hãy mở lại hồ sơ") && typed.body.contains("ghi thêm sau khi đóng"));
    for path in ["visits", "consents"] {
        let fields = [
            ("purpose", "statistics"),
            ("groups", "risk"),
            ("agreed", "yes"),
            ("agreed_by", "self"),
            ("form", "signed"),
        ];
        assert_eq!(
            worker.submit(&page, &format!("{case}/{path}"), &fields).status,
            409,
            "{path}"
        );
    }
    let reopening = format!("{case}/steps/reopening/new");
    let lacking = save(&worker, &reopening, &[("reopening_account", "lại bị đe dọa")]);
    assert_eq!(lacking.status, 422);
    assert!(lacking.body.contains("Mục này cần có câu trả lời") && lacking.body.contains("lại bị đe dọa"));
    assert!(
        worker.get(&case).body.contains("Hồ sơ đã đóng"),
        "nothing is half reopened"
    );
    assert_eq!(
        save(&worker, &reopening, &[("reopening_reason", "new_danger")]).status,
        303
    );
    let page = worker.get(&case);
    assert!(!page.body.contains("Hồ sơ đã đóng. ") && page.body.contains("Có nguy hiểm mới"));
    let open_already = save(&worker, &reopening, &[("reopening_reason", "other")]);
    assert_eq!(open_already.status, 409);
    assert!(open_already.body.contains("không cần mở lại"));
    assert!(setting.served.world.log_is_whole());
}

#[test]
fn a_closing_without_a_reason_is_sent_back() {
    let setting = Setting::new();
    let (worker, case) = setting.case();
    let answer = save(
        &worker,
        &format!("{case}/steps/closure/new"),
        &[("closing_account", "đã ổn")],
    );
    assert_eq!(answer.status, 422);
    assert!(answer.body.contains("Mục này cần có câu trả lời") && answer.body.contains("đã ổn"));
}

#[test]
fn what_cannot_wait_stands_on_the_first_page_however_old_the_case_is() {
    let setting = Setting::new();
    let staff = &setting.cast.worker;
    let worker = setting.served.signed_in(staff);
    let old = take_in(&worker, &[("alias", "Bé Mẫu"), ("age_band", "11_13")]);
    let (actor, _) = setting.served.world.sign_in(staff);
    // More than a page of newer cases, and meanwhile the clock of the old one runs out.
    for _ in 0..55 {
        setting.served.world.app.clock.advance(60_000);
        setting.served.world.intake(&actor, "Mẫu");
    }
    let day = 23 * 3_600_000;
    setting.served.world.app.clock.advance(day);
    let worker_again = setting.served.signed_in(staff);
    let list = worker_again.get("/cases");
    assert!(
        list.body.contains(&format!("href=\"{old}\"")),
        "the old case is on the first page"
    );
    assert!(list.body.contains("Quá hạn"));
    drop(worker);
}
