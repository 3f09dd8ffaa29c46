//! Earlier versions of a part: who opens them, and how one that was typed into the wrong place gives way.

use donghanh::domain::role::Role;
use donghanh::storage::copy::missing_writes;

use crate::browser::{Answer, Browser};
use crate::walk::{CONCLUSION, Setting, accept, address, entry, person, refer, save, step};

const WRONG: &str = "Địa chỉ nhà tạm lánh ghi nhầm vào đây";

/// Notes in two versions, the first of which should never have been typed there.
fn corrected(worker: &Browser<'_>, case: &str) -> String {
    let notes = format!("{case}/groups/notes");
    assert_eq!(save(worker, &notes, &[("text", WRONG)]).status, 303);
    assert_eq!(save(worker, &notes, &[("text", "đã sửa")]).status, 303);
    format!("{notes}/versions")
}

fn open(browser: &Browser<'_>, at: &str, version: &str) -> Answer {
    browser.submit(&browser.get(at), at, &[("open", version)])
}

#[test]
fn whoever_works_on_a_case_opens_an_earlier_version_with_an_entry_of_its_own() {
    let setting = Setting::new();
    let (worker, case) = setting.case();
    let at = corrected(&worker, &case);
    assert!(
        worker
            .get(&format!("{case}/groups/notes"))
            .body
            .contains(&format!("href=\"{at}\""))
    );
    let list = worker.get(&at);
    assert!(list.status == 200 && list.body.contains("Bản 2") && list.body.contains("đang dùng"));
    assert!(list.body.contains(&setting.cast.worker.secrets.code) && !list.body.contains(WRONG));
    let listed = entry(&setting.served, "version.list");
    assert_eq!(
        (listed.f.as_slice(), listed.g.len()),
        (["notes".to_owned()].as_slice(), 0)
    );
    let shown = open(&worker, &at, "1");
    assert!(shown.status == 200 && shown.body.contains(WRONG) && shown.index.is_some());
    let seen = entry(&setting.served, "version.view");
    assert_eq!(seen.f, ["notes", "version-1"]);
    assert_eq!(
        (seen.g.as_slice(), seen.d[1].as_str()),
        (["notes".to_owned()].as_slice(), "worker-own-case")
    );
    assert_eq!(open(&worker, &at, "3").status, 404);
    for wrong in ["", "x", "-1", "99999999999999999999"] {
        assert!([404, 422].contains(&open(&worker, &at, wrong).status), "{wrong}");
    }
}

#[test]
fn a_receiver_sees_what_is_listed_as_it_is_now_and_never_what_it_was() {
    let setting = Setting::new();
    let (worker, case) = setting.case();
    let identity = format!("{case}/groups/identity");
    assert_eq!(
        save(&worker, &identity, &[("alias", "Hoa Mẫu"), ("full_name", "Tên Cũ")]).status,
        303
    );
    assert_eq!(
        save(&worker, &identity, &[("alias", "Hoa Mẫu"), ("full_name", "Tên Mới")]).status,
        303
    );
    assert_eq!(refer(&worker, &case, "identification", "CA", &["identity"]).status, 303);
    let liaison = setting.served.signed_in(&setting.cast.liaison);
    accept(&liaison);
    assert!(liaison.get(&case).body.contains("Tên Mới"));
    let at = format!("{identity}/versions");
    assert_eq!(liaison.get(&at).status, 404);
    let answer = liaison.submit(&liaison.get(&case), &at, &[("open", "2")]);
    assert!(answer.status == 404 && !answer.body.contains("Tên Cũ"));
    let refused = entry(&setting.served, "case.refuse");
    assert_eq!(refused.f, ["history", "identity"]);
}

#[test]
fn versions_of_what_keeps_somebody_alive_open_with_purpose_and_confirmation_only() {
    let setting = Setting::new();
    let (worker, case) = setting.case();
    for shelter in ["HOA-SEN-07", "HOA-SEN-08"] {
        let fields = [("measures", "temporary_shelter"), ("shelter_code", shelter)];
        let at = match shelter {
            "HOA-SEN-07" => format!("{case}/steps/protection/new"),
            _ => step(&worker.get(&case), &case, "protection"),
        };
        assert_eq!(save(&worker, &at, &fields).status, 303, "{shelter}");
    }
    let at = format!("{}/versions", step(&worker.get(&case), &case, "protection"));
    let bare = open(&worker, &at, "1");
    assert!(bare.status == 422 && !bare.body.contains("HOA-SEN") && bare.body.contains("#confirmed"));
    let fields = [("open", "1"), ("purpose", "protection"), ("confirmed", "yes")];
    let shown = worker.submit(&bare, &at, &fields);
    assert!(shown.status == 200 && shown.body.contains("HOA-SEN-07") && !shown.body.contains("HOA-SEN-08"));
    assert_eq!(entry(&setting.served, "version.view").p.as_deref(), Some("protection"));
}

/// The supervisor asks that version 1 gives way; gives the address of the order.
fn asked(supervisor: &Browser<'_>, at: &str) -> String {
    let page = open(supervisor, at, "1");
    let link = address(&page, "/cases/", "content=1").replace("&amp;", "&");
    let form = supervisor.get(&link);
    assert!(form.status == 200 && form.body.contains("Bản 1"), "{}", form.body);
    let (of, content) = (form.hidden("of"), form.hidden("content"));
    let (action, _) = link.split_once('?').unwrap();
    let fields = [
        ("of", of.as_str()),
        ("content", &content),
        ("basis", "wrong_place"),
        ("reason", "Ghi nhầm chỗ"),
    ];
    let sent = supervisor.submit(&form, action, &fields);
    assert_eq!(sent.status, 303, "{}", sent.body);
    address(&supervisor.get("/orders"), "/orders/", "")
}

#[test]
fn what_was_typed_into_the_wrong_place_gives_way_when_two_persons_agree_and_who_saw_it_stays() {
    let setting = Setting::new();
    let served = &setting.served;
    let (worker, case) = setting.case();
    let at = corrected(&worker, &case);
    assert!(open(&worker, &at, "1").body.contains(WRONG));
    assert!(
        !open(&worker, &at, "1").body.contains("orders/redaction"),
        "a worker does not ask for it"
    );
    let supervisor = served.signed_in(&setting.cast.supervisor);
    let order = asked(&supervisor, &at);
    let requested = entry(served, "order.request");
    assert_eq!(
        (&requested.f[1..], requested.p.as_deref()),
        (
            ["notes".to_owned(), "version-1".to_owned()].as_slice(),
            Some("redaction")
        )
    );
    assert!(
        open(&worker, &at, "1").body.contains(WRONG),
        "until the second person agrees nothing is gone"
    );

    let custodian = served.signed_in(&person(served, "TTR", Role::KeyCustodian));
    let page = custodian.get(&order);
    assert!(page.body.contains("Ghi nhầm chỗ") && page.body.contains("Ghi chú") && page.body.contains("Bản 1"));
    assert!(!page.body.contains(WRONG), "she reads the reason, not what was typed");
    let version = page.hidden("version");
    let agreed = custodian.submit(&page, &format!("{order}/agreement"), &[("version", &version)]);
    assert_eq!(agreed.status, 303, "{}", agreed.body);
    let gone = open(&worker, &at, "1");
    assert!(
        gone.status == 200 && !gone.body.contains(WRONG) && gone.body.contains("đã được bỏ theo việc cần hai người")
    );
    assert!(gone.body.contains("đã bỏ nội dung lúc"), "{}", gone.body);
    assert!(worker.get(&case).body.contains("đã sửa"), "what is in force stays");
    assert!(!served.world.database_holds(WRONG));

    // The log says who had seen it, what took its place, and a backup is not found to lack what gave way.
    let agreed = entry(served, "order.agree");
    assert!(agreed.f[1].starts_with("removed-") && agreed.w.len() == 1 && agreed.w[0].g == "notes");
    let seen: Vec<String> = served
        .world
        .entries()
        .into_iter()
        .filter(|entry| entry.k == "version.view")
        .map(|entry| entry.f[1].clone())
        .collect();
    assert!(seen.len() >= 3 && seen.iter().all(|version| version == "version-1"));
    let size = served.world.log_size();
    assert!(missing_writes(&mut served.world.connection(), size).unwrap().is_empty());
    assert!(served.world.log_is_whole());

    // It is done once.
    let again = open(&supervisor, &at, "1");
    assert!(!again.body.contains("orders/redaction"));
    let fields = [
        ("of", "groups/notes"),
        ("content", "1"),
        ("basis", "wrong_place"),
        ("reason", "x"),
    ];
    let refused = supervisor.submit(&again, &format!("{case}/orders/redaction"), &fields);
    assert_eq!(refused.status, 409);
}

#[test]
fn the_version_in_force_and_a_case_under_hold_give_way_to_nobody() {
    let setting = Setting::new();
    let (worker, case) = setting.case();
    let at = corrected(&worker, &case);
    let supervisor = setting.served.signed_in(&setting.cast.supervisor);
    let form = open(&supervisor, &at, "2");
    assert!(!form.body.contains("orders/redaction"), "the page does not offer it");
    let ask = |of: &str, content: &str| {
        let fields = [
            ("of", of),
            ("content", content),
            ("basis", "wrong_place"),
            ("reason", "x"),
        ];
        supervisor.submit(&form, &format!("{case}/orders/redaction"), &fields)
    };
    let newest = ask("groups/notes", "2");
    assert!(newest.status == 409 && newest.body.contains("Bản đang dùng không bỏ được"));
    for (of, content) in [
        ("groups/notes", "3"),
        ("groups/notes", "0"),
        ("groups/nothing", "1"),
        ("steps/support/x", "1"),
        ("", ""),
    ] {
        assert_eq!(ask(of, content).status, 409, "{of} {content}");
    }
    assert_eq!(supervisor.get(&format!("{case}/orders/redaction")).status, 404);
    let hold = supervisor.get(&format!("{case}/hold"));
    let basis = [("basis", "criminal_proceedings")];
    assert_eq!(supervisor.submit(&hold, &format!("{case}/hold"), &basis).status, 303);
    let held = ask("groups/notes", "1");
    assert!(held.status == 409 && held.body.contains("đang được giữ theo luật"));
}

#[test]
fn an_earlier_version_of_a_step_gives_way_too() {
    let setting = Setting::new();
    let served = &setting.served;
    let (worker, case) = setting.case();
    let new = format!("{case}/steps/identification/new");
    let wrong = [CONCLUSION.as_slice(), &[("reasoning", WRONG)]].concat();
    assert_eq!(save(&worker, &new, &wrong).status, 303);
    let at = step(&worker.get(&case), &case, "identification");
    assert_eq!(save(&worker, &at, &CONCLUSION).status, 303);
    let at = format!("{at}/versions");
    let supervisor = served.signed_in(&setting.cast.supervisor);
    let order = asked(&supervisor, &at);
    let custodian = served.signed_in(&person(served, "TTR", Role::KeyCustodian));
    let page = custodian.get(&order);
    let version = page.hidden("version");
    assert_eq!(
        custodian
            .submit(&page, &format!("{order}/agreement"), &[("version", &version)])
            .status,
        303
    );
    assert!(!open(&worker, &at, "1").body.contains(WRONG));
    let current = open(&worker, &at, "2");
    assert!(current.body.contains("Cơ quan giải cứu") && worker.get(&case).body.contains("Là nạn nhân"));
}
