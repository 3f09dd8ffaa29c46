use donghanh::domain::role::Role;

use crate::browser::{Answer, Browser, Served};
use crate::walk::entry;

fn take_in(worker: &Browser<'_>, fields: &[(&str, &str)]) -> String {
    let form = worker.get("/intakes/new");
    let saved = worker.submit(&form, "/intakes", fields);
    assert_eq!(saved.status, 303, "{}", saved.body);
    assert!(saved.index.is_some());
    saved.location.unwrap().replace("?saved=1", "")
}

fn group(worker: &Browser<'_>, case: &str, group: &str, version: &str, fields: &[(&str, &str)]) -> Answer {
    let form = worker.get(&format!("{case}/groups/{group}"));
    let mut all = vec![("version", version), ("purpose", "case_work")];
    all.extend_from_slice(fields);
    worker.submit(&form, &format!("{case}/groups/{group}"), &all)
}

#[test]
fn an_alias_is_enough_and_three_ways_of_not_knowing_are_kept_apart() {
    let served = Served::start();
    let worker = served.signed_in(&served.world.staff("XA-A", Role::SocialWorker));
    let case = take_in(
        &worker,
        &[
            ("alias", "Hoa Mẫu"),
            ("age_band.state", "declined"),
            ("danger.state", "unknown"),
        ],
    );
    let page = worker.get(&case);
    assert!(page.index.is_some(), "every view has its entry");
    assert!(
        page.body.contains("Hoa Mẫu")
            && page.body.contains("Từ chối trả lời")
            && page.body.contains("Không rõ")
            && page.body.contains("Chưa hỏi")
    );
    assert!(page.body.contains("Thông báo Sở Y tế"), "reception starts the clock");
    let entry = served.world.entries().pop().unwrap();
    assert_eq!((entry.k.as_str(), entry.p.as_deref()), ("case.view", Some("case_work")));
    assert_eq!(entry.g, ["identity", "needs", "origin", "risk"]);
    assert_eq!(entry.d, ["allow", "worker-own-case"]);
    assert_eq!(entry.h.listed().len(), 2, "the person and the case");
}

#[test]
fn a_child_starts_the_twelve_hour_clock_too() {
    let served = Served::start();
    let worker = served.signed_in(&served.world.staff("XA-A", Role::SocialWorker));
    let case = take_in(&worker, &[("alias", "Bé Mẫu"), ("age_band", "11_13")]);
    assert!(worker.get(&case).body.contains("Can thiệp khẩn cấp cho trẻ em"));
}

#[test]
fn a_draft_is_kept_sealed_and_only_for_its_author() {
    let served = Served::start();
    let worker = served.signed_in(&served.world.staff("XA-A", Role::SocialWorker));
    let colleague = served.signed_in(&served.world.staff("XA-A", Role::SocialWorker));
    let form = worker.get("/intakes/new");
    let kept = worker.submit(&form, "/intakes/draft", &[("alias", "Nháp Mẫu"), ("place", "nơi mẫu")]);
    assert_eq!(kept.status, 200);
    assert!(worker.get("/intakes/new").body.contains("Nháp Mẫu"));
    assert!(!colleague.get("/intakes/new").body.contains("Nháp Mẫu"));
    let kinds = served.world.kinds();
    assert!(kinds.contains(&"draft.keep".to_owned()) && kinds.contains(&"draft.view".to_owned()));
    let file = std::fs::read(served.world.database()).unwrap();
    let wal = std::fs::read(format!("{}-wal", served.world.database())).unwrap_or_default();
    let found = [file, wal].iter().any(|bytes| {
        bytes
            .windows(10)
            .any(|window| window == "Nháp Mẫu".as_bytes().get(..10).unwrap())
    });
    assert!(!found, "nothing typed is on the disk in plain");
}

#[test]
fn two_windows_have_two_drafts_and_saving_one_keeps_the_other() {
    let served = Served::start();
    let worker = served.signed_in(&served.world.staff("XA-A", Role::SocialWorker));
    let (first, second) = (worker.get("/intakes/new"), worker.get("/intakes/new"));
    for (form, alias) in [(&first, "Hoa Mẫu"), (&second, "Lan Mẫu"), (&first, "Hoa Mẫu Hai")] {
        assert_eq!(worker.submit(form, "/intakes/draft", &[("alias", alias)]).status, 200);
        served.world.app.clock.advance(60_000);
    }
    let newest = worker.get("/intakes/new");
    assert!(newest.body.contains("value=\"Hoa Mẫu Hai\"") && !newest.body.contains("Lan Mẫu"));
    let view = entry(&served, "draft.view");
    assert_eq!(newest.index.as_deref(), Some(format!("2026/{}", view.i).as_str()));
    let others: Vec<&str> = newest
        .body
        .split('"')
        .filter(|quoted| quoted.starts_with("/intakes/new?draft="))
        .collect();
    assert_eq!(others.len(), 2, "an empty form, and the other draft");
    let blank = worker.get("/intakes/new?draft=new");
    assert!(!blank.body.contains("value=\"Hoa") && !blank.body.contains("value=\"Lan") && blank.index.is_none());
    assert_eq!(worker.submit(&second, "/intakes", &[("alias", "Lan Mẫu")]).status, 303);
    let left = worker.get("/intakes/new");
    assert!(left.body.contains("Hoa Mẫu Hai") && !left.body.contains("Lan Mẫu"));
    let unknown = worker.get(&format!("/intakes/new?draft={}", "7".repeat(26)));
    assert!(unknown.status == 200 && !unknown.body.contains("value=\"Hoa"));

    let dropped = worker.submit(&left, "/intakes/draft", &[("alias", "Hoa Mẫu Hai"), ("drop", "yes")]);
    assert_eq!(dropped.location.as_deref(), Some("/intakes/new"));
    assert!(!worker.get("/intakes/new").body.contains("Hoa"));
    assert_eq!(entry(&served, "draft.drop").p.as_deref(), Some("own_draft"));
    assert!(served.world.log_is_whole());
}

#[test]
fn two_new_steps_in_two_windows_have_two_drafts() {
    let served = Served::start();
    let worker = served.signed_in(&served.world.staff("XA-A", Role::SocialWorker));
    let case = take_in(&worker, &[("alias", "Hoa Mẫu")]);
    let at = format!("{case}/steps/support/new");
    let (first, second) = (worker.get(&at), worker.get(&at));
    for (form, regime) in [(&first, "medical"), (&second, "travel")] {
        let draft = worker.submit(form, &format!("{at}/draft"), &[("version", "0"), ("regime", regime)]);
        assert_eq!(draft.status, 204);
        served.world.app.clock.advance(60_000);
    }
    let newest = worker.get(&at);
    assert!(newest.body.contains("value=\"travel\" selected"));
    let two: Vec<&str> = newest.index.as_deref().unwrap().split(", ").collect();
    assert_eq!(two.len(), 2, "the case and the draft, each with its entry");
    assert_eq!(
        worker
            .submit(&newest, &at, &[("version", "0"), ("regime", "travel")])
            .status,
        303
    );
    let left = worker.get(&at);
    assert!(left.body.contains("value=\"medical\" selected"));
    let gone = worker.submit(&left, &format!("{at}/draft"), &[("version", "0"), ("drop", "yes")]);
    assert_eq!(gone.location, Some(case));
    assert!(!worker.get(&at).body.contains("value=\"medical\" selected"));
}

#[test]
fn saving_an_intake_drops_its_draft() {
    let served = Served::start();
    let worker = served.signed_in(&served.world.staff("XA-A", Role::SocialWorker));
    let form = worker.get("/intakes/new");
    worker.submit(&form, "/intakes/draft", &[("alias", "Nháp Mẫu")]);
    take_in(&worker, &[("alias", "Nháp Mẫu")]);
    assert!(!worker.get("/intakes/new").body.contains("Nháp Mẫu"));
}

#[test]
fn two_people_edit_one_group_and_the_second_is_shown_what_changed_and_loses_nothing() {
    let served = Served::start();
    let worker = served.signed_in(&served.world.staff("XA-A", Role::SocialWorker));
    let supervisor = served.signed_in(&served.world.staff("XA-A", Role::Supervisor));
    let case = take_in(&worker, &[("alias", "Hoa Mẫu")]);
    let first = group(&worker, &case, "notes", "0", &[("text", "ghi chú của cán bộ")]);
    assert_eq!(first.status, 303);
    let second = group(&supervisor, &case, "notes", "0", &[("text", "ghi chú của giám sát")]);
    assert_eq!(second.status, 409);
    assert!(second.body.contains("ghi chú của cán bộ") && second.body.contains("ghi chú của giám sát"));
    let version = second.hidden("version");
    let third = supervisor.submit(
        &second,
        &format!("{case}/groups/notes"),
        &[
            ("version", &version),
            ("purpose", "supervision"),
            ("text", "cả hai ghi chú"),
        ],
    );
    assert_eq!(third.status, 303);
    assert!(worker.get(&case).body.contains("cả hai ghi chú"));
}

#[test]
fn safety_of_life_opens_only_with_a_purpose_and_a_second_confirmation() {
    let served = Served::start();
    let worker = served.signed_in(&served.world.staff("XA-A", Role::SocialWorker));
    let case = take_in(&worker, &[("alias", "Hoa Mẫu")]);
    let opening = format!("{case}/groups/safety/opening");
    let form = worker.submit(
        &worker.get(&case),
        &opening,
        &[("purpose", "safe_contact"), ("confirmed", "yes")],
    );
    assert_eq!(form.status, 200);
    let fields = [
        ("version", "0"),
        ("purpose", "safe_contact"),
        ("confirmed", "yes"),
        ("safe_phone", "0900 000 000"),
    ];
    assert_eq!(
        worker.submit(&form, &format!("{case}/groups/safety"), &fields).status,
        303
    );
    let page = worker.get(&case);
    assert!(!page.body.contains("+84900000000"), "never on the page of the case");
    for refused in [
        vec![("purpose", "safe_contact")],
        vec![("confirmed", "yes")],
        vec![("purpose", "curiosity"), ("confirmed", "yes")],
    ] {
        let answer = worker.submit(&page, &opening, &refused);
        assert_eq!(answer.status, 422);
        assert!(!answer.body.contains("+84900000000"));
    }
    let opened = worker.submit(&page, &opening, &[("purpose", "safe_contact"), ("confirmed", "yes")]);
    assert!(opened.body.contains("+84900000000"));
    let entries = served.world.entries();
    let entry = entries.iter().rev().find(|entry| entry.k == "case.view").unwrap();
    assert_eq!(
        (entry.p.as_deref(), entry.g.as_slice()),
        (Some("safe_contact"), ["safety".to_owned()].as_slice())
    );
    // Written without the confirmation: refused and recorded.
    let form = worker.submit(&page, &opening, &[("purpose", "safe_contact"), ("confirmed", "yes")]);
    let forged = worker.submit(
        &form,
        &format!("{case}/groups/safety"),
        &[
            ("version", "1"),
            ("purpose", "safe_contact"),
            ("safe_phone", "0911111111"),
        ],
    );
    assert_eq!(forged.status, 404);
    assert_eq!(served.world.entries().pop().unwrap().k, "case.refuse");
}

#[test]
fn lists_show_no_names_until_they_are_revealed_and_every_case_shown_is_logged() {
    let served = Served::start();
    let worker = served.signed_in(&served.world.staff("XA-A", Role::SocialWorker));
    let mut numbers = Vec::new();
    for alias in ["Hoa Mẫu", "Lan Mẫu", "Mai Mẫu"] {
        served.world.app.clock.advance(60_000);
        let page = worker.get(&take_in(&worker, &[("alias", alias)])).body;
        let (_, rest) = page.split_once("DH-2026-").unwrap();
        numbers.push((alias, format!("DH-2026-{}", rest.get(..8).unwrap())));
    }
    let list = worker.get("/cases");
    assert!(!list.body.contains("Mẫu</td>"));
    assert_eq!(
        worker.submit(&list, "/cases/names", &[]).status,
        422,
        "a purpose is asked for"
    );
    let revealed = worker.submit(&list, "/cases/names", &[("purpose", "follow_up")]);
    assert!(
        ["Hoa Mẫu", "Lan Mẫu", "Mai Mẫu"]
            .iter()
            .all(|name| revealed.body.contains(name))
    );
    for (alias, number) in &numbers {
        let (_, row) = revealed.body.split_once(number.as_str()).unwrap();
        let (row, _) = row.split_once("</tr>").unwrap();
        assert!(row.contains(alias), "{number} belongs to {alias}");
    }
    let listed = served
        .world
        .entries()
        .into_iter()
        .rev()
        .find(|entry| entry.k == "list.view")
        .unwrap();
    assert_eq!(listed.h.listed().len(), 3, "the list names every case it showed");
    let entry = served.world.entries().pop().unwrap();
    assert_eq!(
        (entry.k.as_str(), entry.p.as_deref(), entry.h.listed().len()),
        ("list.reveal", Some("follow_up"), 6),
        "three cases and the three people in them"
    );
    assert_eq!(entry.f, ["alias", "full_name"]);
}

#[test]
fn sending_the_same_intake_twice_opens_one_case() {
    let served = Served::start();
    let worker = served.signed_in(&served.world.staff("XA-A", Role::SocialWorker));
    let form = worker.get("/intakes/new");
    let first = worker.submit(&form, "/intakes", &[("alias", "Hoa Mẫu")]);
    let second = worker.submit(&form, "/intakes", &[("alias", "Hoa Mẫu")]);
    assert_eq!((first.status, second.status), (303, 303));
    assert_eq!(
        first.location.unwrap().replace("?saved=1", ""),
        second.location.unwrap()
    );
    assert_eq!(
        served
            .world
            .kinds()
            .iter()
            .filter(|kind| *kind == "case.create")
            .count(),
        1
    );
}

#[test]
fn decomposed_vietnamese_is_stored_composed() {
    use unicode_normalization::UnicodeNormalization as _;
    let served = Served::start();
    let worker = served.signed_in(&served.world.staff("XA-A", Role::SocialWorker));
    let decomposed: String = "Đặng Thị Ánh Nguyệt".nfd().collect();
    let case = take_in(&worker, &[("alias", &decomposed)]);
    assert!(worker.get(&case).body.contains("Đặng Thị Ánh Nguyệt"));
}

#[test]
fn notifying_the_department_of_health_starts_the_three_days_of_the_first_verification() {
    let served = Served::start();
    let worker = served.signed_in(&served.world.staff("XA-A", Role::SocialWorker));
    let case = take_in(&worker, &[("alias", "Hoa Mẫu")]);
    let page = worker.get(&case);
    assert!(page.body.contains("Thông báo Sở Y tế") && !page.body.contains("Xác minh thông tin ban đầu"));
    assert!(
        page.body.contains("Luật 53/2024/QH15 Điều 27"),
        "the source stands beside the clock"
    );
    served.world.app.clock.advance(20 * 60_000);
    let notified = worker.submit(&page, &format!("{case}/deadlines/TN_THONG_BAO_SYT"), &[]);
    assert_eq!(notified.status, 303);
    let after = worker.get(&case).body;
    assert!(after.contains("Đã xong") && after.contains("Xác minh thông tin ban đầu"));
    // 1 March 2026 in Viet Nam: three whole days later, at midnight.
    assert!(after.contains("hết ngày 04/03/2026"), "{after}");
    let again = worker.submit(&worker.get(&case), &format!("{case}/deadlines/TN_THONG_BAO_SYT"), &[]);
    assert_eq!(again.status, 409, "it is met already");
    let entry = served
        .world
        .entries()
        .into_iter()
        .find(|entry| entry.k == "deadline.meet")
        .unwrap();
    assert_eq!(
        (entry.f.as_slice(), entry.p.as_deref()),
        (["TN_THONG_BAO_SYT".to_owned()].as_slice(), Some("case_work"))
    );
    assert_eq!(
        worker
            .submit(&worker.get(&case), &format!("{case}/deadlines/NO_SUCH_CLOCK"), &[])
            .status,
        404
    );
}
