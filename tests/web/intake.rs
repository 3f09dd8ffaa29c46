use donghanh::domain::role::Role;

use crate::browser::{Answer, Browser, Served};
use crate::walk::{entry, save};

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

/// Presses “Lưu nháp” and comes to the page that goes on with the draft.
fn keep(worker: &Browser<'_>, form: &Answer, at: &str, fields: &[(&str, &str)]) -> Answer {
    let kept = worker.submit(form, at, fields);
    assert_eq!(kept.status, 303, "{}", kept.body);
    let page = worker.get(kept.location.as_deref().unwrap());
    assert_eq!((page.status, page.body.contains("Đã lưu nháp")), (200, true));
    page
}

fn drafts_listed(page: &Answer, at: &str) -> Vec<String> {
    let quoted = page.body.split('"');
    let listed = quoted.filter(|quoted| quoted.starts_with(&format!("{at}?draft=")) && !quoted.ends_with("=new"));
    listed.map(str::to_owned).collect()
}

#[test]
fn a_draft_is_kept_sealed_and_only_for_its_author() {
    let served = Served::start();
    let worker = served.signed_in(&served.world.staff("XA-A", Role::SocialWorker));
    let colleague = served.signed_in(&served.world.staff("XA-A", Role::SocialWorker));
    let form = worker.get("/intakes/new");
    let fields = [("alias", "Nháp Mẫu"), ("place", "nơi mẫu")];
    let kept = keep(&worker, &form, "/intakes/draft", &fields);
    assert!(kept.body.contains("Nháp Mẫu") && kept.index.is_some());
    let address = drafts_listed(&worker.get("/intakes/new"), "/intakes/new").remove(0);
    assert!(worker.get(&address).body.contains("Nháp Mẫu"));
    let others = colleague.get("/intakes/new");
    assert!(drafts_listed(&others, "/intakes/new").is_empty());
    assert!(!colleague.get(&address).body.contains("Nháp Mẫu"));
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
fn a_new_form_is_empty_and_lists_the_drafts_that_wait() {
    let served = Served::start();
    let worker = served.signed_in(&served.world.staff("XA-A", Role::SocialWorker));
    let (first, second) = (worker.get("/intakes/new"), worker.get("/intakes/new"));
    for (form, alias) in [(&first, "Hoa Mẫu"), (&second, "Lan Mẫu")] {
        keep(&worker, form, "/intakes/draft", &[("alias", alias)]);
        served.world.app.clock.advance(1_000);
    }
    for empty in ["/intakes/new", "/intakes/new?draft=new"] {
        let blank = worker.get(empty);
        assert!(blank.index.is_none() && !blank.body.contains("Hoa Mẫu") && !blank.body.contains("Lan Mẫu"));
        assert_eq!(drafts_listed(&blank, "/intakes/new").len(), 2);
    }
    assert!(worker.get("/cases").body.contains("chưa mở hồ sơ: 2"), "today says so");
    let newest = worker.get(&drafts_listed(&worker.get("/intakes/new"), "/intakes/new").remove(0));
    assert!(newest.body.contains("value=\"Lan Mẫu\"") && !newest.body.contains("Hoa Mẫu"));
    let view = entry(&served, "draft.view");
    assert_eq!(newest.index.as_deref(), Some(format!("2026/{}", view.i).as_str()));
    assert_eq!(drafts_listed(&newest, "/intakes/new").len(), 1, "the other one");
    assert_eq!(worker.submit(&newest, "/intakes", &[("alias", "Lan Mẫu")]).status, 303);
    let left = drafts_listed(&worker.get("/intakes/new"), "/intakes/new");
    assert_eq!(left.len(), 1, "saving one keeps the other");
    let left = worker.get(&left[0]);
    let unknown = worker.get(&format!("/intakes/new?draft={}", "7".repeat(26)));
    assert!(unknown.status == 200 && !unknown.body.contains("value=\"Hoa"));

    let dropped = worker.submit(&left, "/intakes/draft", &[("alias", "Hoa Mẫu"), ("drop", "yes")]);
    let empty = worker.get(dropped.location.as_deref().unwrap());
    assert!(empty.body.contains("Đã bỏ bản nháp") && !empty.body.contains("Hoa Mẫu"));
    assert!(drafts_listed(&empty, "/intakes/new").is_empty());
    assert_eq!(entry(&served, "draft.drop").p.as_deref(), Some("own_draft"));
    assert!(!worker.get("/cases").body.contains("chưa mở hồ sơ"));
    assert!(served.world.log_is_whole());
}

#[test]
fn a_draft_that_is_open_in_two_windows_parts_instead_of_being_written_over() {
    let served = Served::start();
    let worker = served.signed_in(&served.world.staff("XA-A", Role::SocialWorker));
    let first = keep(
        &worker,
        &worker.get("/intakes/new"),
        "/intakes/draft",
        &[("alias", "Hoa")],
    );
    let address = drafts_listed(&worker.get("/intakes/new"), "/intakes/new").remove(0);
    let second = worker.get(&address);
    let script = |form: &Answer, alias: &str| {
        let mut fields = vec![("alias", alias.to_owned())];
        fields.extend(["_request", "_expires", "_mac", "draft", "draft_version"].map(|name| (name, form.hidden(name))));
        let request = worker
            .request("POST", "/intakes/draft")
            .header("Accept", "application/json");
        worker.send(request.form(&fields))
    };
    let of = |answer: &Answer, name: &str| {
        let json: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        json[name].to_string().trim_matches('"').to_owned()
    };
    let one = script(&first, "Hoa Mẫu Một");
    assert_eq!(
        (one.status, of(&one, "draft"), of(&one, "draft_version")),
        (200, first.hidden("draft"), "2".to_owned())
    );
    let two = script(&second, "Hoa Mẫu Hai");
    assert!(two.status == 200 && of(&two, "draft") != second.hidden("draft") && of(&two, "draft_version") == "1");
    let listed = drafts_listed(&worker.get("/intakes/new"), "/intakes/new");
    let texts: Vec<String> = listed.iter().map(|at| worker.get(at).body).collect();
    assert_eq!(texts.len(), 2);
    for alias in ["Hoa Mẫu Một", "Hoa Mẫu Hai"] {
        assert!(texts.iter().any(|text| text.contains(alias)), "{alias}");
    }
}

#[test]
fn a_draft_that_is_open_in_two_windows_opens_one_case() {
    let served = Served::start();
    let worker = served.signed_in(&served.world.staff("XA-A", Role::SocialWorker));
    keep(
        &worker,
        &worker.get("/intakes/new"),
        "/intakes/draft",
        &[("alias", "Hoa Mẫu")],
    );
    let address = drafts_listed(&worker.get("/intakes/new"), "/intakes/new").remove(0);
    let windows = [worker.get(&address), worker.get(&address), worker.get(&address)];
    let opened = worker.submit(&windows[0], "/intakes", &[("alias", "Hoa Mẫu")]);
    assert_eq!(opened.status, 303);
    let case = opened.location.unwrap().replace("?saved=1", "");
    let same = worker.submit(&windows[1], "/intakes", &[("alias", "Hoa Mẫu")]);
    assert_eq!((same.status, same.location.as_deref()), (303, Some(case.as_str())));
    let script = worker.submit(&windows[2], "/intakes/draft", &[("alias", "Hoa Mẫu và thêm")]);
    assert_eq!(
        script.location.as_deref(),
        Some(case.as_str()),
        "nothing comes back to life behind a case"
    );
    let more = worker.submit(&windows[2], "/intakes", &[("alias", "Hoa Mẫu và thêm")]);
    assert_eq!(more.status, 409);
    assert!(more.body.contains(&case) && more.body.contains("Hoa Mẫu và thêm"));
    let kinds = served.world.kinds();
    assert_eq!(kinds.iter().filter(|kind| *kind == "case.create").count(), 1);
    // It is another person after all: the same button opens a case of its own.
    assert_eq!(
        worker.submit(&more, "/intakes", &[("alias", "Hoa Mẫu và thêm")]).status,
        303
    );
}

#[test]
fn what_was_refused_is_kept_as_a_draft() {
    let served = Served::start();
    let worker = served.signed_in(&served.world.staff("XA-A", Role::SocialWorker));
    let faulty = [("alias", "Hoa Mẫu"), ("place", &"x".repeat(301))];
    let refused = worker.submit(&worker.get("/intakes/new"), "/intakes", &faulty);
    assert_eq!(refused.status, 422);
    let listed = drafts_listed(&worker.get("/intakes/new"), "/intakes/new");
    assert!(worker.get(&listed[0]).body.contains("Hoa Mẫu"));
    let saved = worker.submit(&refused, "/intakes", &[("alias", "Hoa Mẫu")]);
    assert_eq!(saved.status, 303);
    let case = saved.location.unwrap().replace("?saved=1", "");
    assert!(drafts_listed(&worker.get("/intakes/new"), "/intakes/new").is_empty());

    let at = format!("{case}/groups/identity");
    let refused = worker.submit(&worker.get(&at), &at, &[("version", "1"), ("birth", "31/02/1999")]);
    assert_eq!(refused.status, 422);
    let page = worker.get(&case);
    let listed = drafts_listed(&page, &at);
    assert!(
        page.body.contains("Nhân thân · Bản nháp lưu lúc") && listed.len() == 1,
        "the case says so"
    );
    assert!(worker.get(&listed[0]).body.contains("31/02/1999"));
}

#[test]
fn two_new_steps_in_two_windows_have_two_drafts() {
    let served = Served::start();
    let worker = served.signed_in(&served.world.staff("XA-A", Role::SocialWorker));
    let case = take_in(&worker, &[("alias", "Hoa Mẫu")]);
    let at = format!("{case}/steps/support/new");
    let (first, second) = (worker.get(&at), worker.get(&at));
    for (form, regime) in [(&first, "medical"), (&second, "travel")] {
        keep(
            &worker,
            form,
            &format!("{at}/draft"),
            &[("version", "0"), ("regime", regime)],
        );
        served.world.app.clock.advance(60_000);
    }
    let blank = worker.get(&at);
    assert!(!blank.body.contains("value=\"travel\" selected") && !blank.body.contains("value=\"medical\" selected"));
    let newest = worker.get(&drafts_listed(&blank, &at)[0]);
    assert!(newest.body.contains("value=\"travel\" selected"));
    let two: Vec<&str> = newest.index.as_deref().unwrap().split(", ").collect();
    assert_eq!(two.len(), 2, "the case and the draft, each with its entry");
    let saved = worker.submit(&newest, &at, &[("version", "0"), ("regime", "travel")]);
    assert_eq!(saved.status, 303);
    let left = drafts_listed(&worker.get(&at), &at);
    assert_eq!(left.len(), 1);
    let left = worker.get(&left[0]);
    assert!(left.body.contains("value=\"medical\" selected"));
    let gone = worker.submit(&left, &format!("{at}/draft"), &[("version", "0"), ("drop", "yes")]);
    assert_eq!(gone.location, Some(format!("{case}?dropped=1")));
    assert!(worker.get(&format!("{case}?dropped=1")).body.contains("Đã bỏ bản nháp"));
    assert!(drafts_listed(&worker.get(&at), &at).is_empty());
}

#[test]
fn saving_an_intake_drops_its_draft() {
    let served = Served::start();
    let worker = served.signed_in(&served.world.staff("XA-A", Role::SocialWorker));
    let form = keep(
        &worker,
        &worker.get("/intakes/new"),
        "/intakes/draft",
        &[("alias", "Nháp Mẫu")],
    );
    assert_eq!(worker.submit(&form, "/intakes", &[("alias", "Nháp Mẫu")]).status, 303);
    assert!(drafts_listed(&worker.get("/intakes/new"), "/intakes/new").is_empty());
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

#[test]
fn the_other_language_goes_on_with_what_was_typed_without_scripts() {
    let served = Served::start();
    let worker = served.signed_in(&served.world.staff("XA-A", Role::SocialWorker));
    let form = worker.get("/intakes/new");
    let refused = worker.submit(
        &form,
        "/intakes",
        &[("alias", "x".repeat(200).as_str()), ("place", "Bến xe Mẫu")],
    );
    assert_eq!(refused.status, 422);
    let (_, link) = refused.body.split_once("href=\"/language/en").unwrap();
    let link = format!("/language/en{}", link.split_once('"').unwrap().0);
    let request = worker.request("GET", &link).header("Referer", worker.url("/intakes"));
    let next = worker.send(request).location.unwrap();
    let page = worker.get(&next);
    assert!(page.body.contains("Bến xe Mẫu"), "{next}");
}

#[test]
fn after_saving_one_is_where_one_was_and_is_told_there() {
    let served = Served::start();
    let worker = served.signed_in(&served.world.staff("XA-A", Role::SocialWorker));
    let case = take_in(&worker, &[("alias", "Hoa Mẫu")]);
    let saved = save(&worker, &format!("{case}/groups/risk"), &[("danger", "low")]);
    let place = format!("{case}?saved=g-risk#g-risk");
    assert_eq!(saved.location.as_deref(), Some(place.as_str()));
    let page = worker.get(&format!("{case}?saved=g-risk"));
    let (_, after) = page.body.split_once("id=\"g-risk\"").unwrap();
    let (section, _) = after.split_once("</section>").unwrap();
    assert_eq!(
        (
            page.body.matches("Đã lưu và ghi").count(),
            section.matches("Đã lưu và ghi").count()
        ),
        (1, 1),
        "{section}"
    );
}

#[test]
fn what_a_form_needs_is_marked_and_takes_no_way_of_not_knowing() {
    let served = Served::start();
    let worker = served.signed_in(&served.world.staff("XA-A", Role::SocialWorker));
    let case = take_in(&worker, &[("alias", "Hoa Mẫu")]);
    let form = worker.get(&format!("{case}/steps/visit/new")).body;
    assert!(form.contains("(bắt buộc)") && !form.contains("name=\"visited_on.state\""));
    assert!(form.contains("name=\"safe_now.state\""), "everything else may be left");
    assert_eq!(
        save(&worker, &format!("{case}/groups/identity"), &[("birth", "khoảng 2001")]).status,
        303
    );
    assert!(worker.get(&case).body.contains("khoảng 2001"));
    assert!(
        worker
            .get(&format!("{case}/groups/identity"))
            .body
            .contains("value=\"khoảng 2001\"")
    );
}
