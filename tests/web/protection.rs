//! Rescue, companions, protection and support.

use crate::walk::{Setting, entry, press, save, step, take_in};

#[test]
fn support_is_open_before_identification_and_is_delivered_only_when_approved() {
    let setting = Setting::new();
    let (worker, case) = setting.case();
    let supervisor = setting.served.signed_in(&setting.cast.supervisor);
    let fields = [("regime", "essential_needs"), ("provider", "Cơ sở mẫu")];
    assert_eq!(save(&worker, &format!("{case}/steps/support/new"), &fields).status, 303);
    let early = press(&worker, &case, "support", "deliver");
    assert_eq!(early.status, 409);
    assert!(early.body.contains("không làm được ở trạng thái hiện tại"));
    assert_eq!(press(&supervisor, &case, "support", "approve").status, 303);
    assert_eq!(press(&worker, &case, "support", "deliver").status, 303);
    assert!(worker.get(&case).body.contains("Đã hỗ trợ"));
    let delivered = entry(&setting.served, "support.deliver");
    assert_eq!(
        (delivered.p.as_deref(), delivered.d[0].as_str()),
        (Some("support"), "allow")
    );
}

#[test]
fn an_empty_rescue_and_an_empty_protection_are_not_recorded() {
    let setting = Setting::new();
    let (worker, case) = setting.case();
    for (kind, needed) in [("rescue", "lead_force"), ("protection", "measures")] {
        let empty = save(&worker, &format!("{case}/steps/{kind}/new"), &[]);
        assert_eq!(empty.status, 422, "{kind}");
        assert!(empty.body.contains(&format!("href=\"#{needed}\"")), "{kind}");
    }
    let kinds = setting.served.world.kinds();
    assert!(!kinds.contains(&"rescue.save".to_owned()) && !kinds.contains(&"protection.save".to_owned()));
}

#[test]
fn a_rescue_is_recorded_and_a_companion_is_a_person_with_keys_of_her_own() {
    let setting = Setting::new();
    let (worker, case) = setting.case();
    let rescue = [
        ("lead_force", "border_guard"),
        ("rescue_place", "Cửa khẩu Mẫu"),
        ("handed_to", "Sở Y tế Mẫu"),
    ];
    assert_eq!(save(&worker, &format!("{case}/steps/rescue/new"), &rescue).status, 303);
    let companion = [
        ("companion_alias", "Bé Mẫu"),
        ("companion_age_band", "11_13"),
        ("wishes_together", "yes"),
    ];
    assert_eq!(
        save(&worker, &format!("{case}/steps/companion/new"), &companion).status,
        303
    );
    let saved = entry(&setting.served, "companion.save");
    assert_eq!(saved.h.listed().len(), 2, "the case and the companion");
    let page = worker.get(&case);
    assert!(page.body.contains("Cửa khẩu Mẫu") && page.body.contains("Bé Mẫu") && page.body.contains("11–13"));
    let viewed = entry(&setting.served, "case.view");
    assert!(saved.h.listed().iter().all(|handle| viewed.h.listed().contains(handle)));
    assert!(viewed.g.contains(&"family".to_owned()));
}

#[test]
fn a_shelter_is_written_by_code_name_and_opens_only_with_purpose_and_confirmation() {
    let setting = Setting::new();
    let (worker, case) = setting.case();
    let at = format!("{case}/steps/protection/new");
    let fields = [("measures", "temporary_shelter"), ("shelter_code", "HOA-SEN-07")];
    assert_eq!(save(&worker, &at, &fields).status, 303);
    let page = worker.get(&case);
    assert!(page.body.contains("Đang áp dụng") && !page.body.contains("HOA-SEN-07"));
    let at = step(&page, &case, "protection");
    assert!(!worker.get(&at).body.contains("HOA-SEN-07"), "a question comes first");
    let unconfirmed = worker.submit(&page, &format!("{at}/opening"), &[("purpose", "protection")]);
    assert_eq!(unconfirmed.status, 422);
    let opened = worker.submit(
        &page,
        &format!("{at}/opening"),
        &[("purpose", "protection"), ("confirmed", "yes")],
    );
    assert!(opened.body.contains("HOA-SEN-07"));
    let viewed = entry(&setting.served, "case.view");
    assert_eq!(
        (viewed.g, viewed.p.as_deref()),
        (vec!["shelter".to_owned()], Some("protection"))
    );
    let bare = worker.submit(
        &opened,
        &format!("{case}/steps/protection/new"),
        &[("measures", "temporary_shelter"), ("shelter_code", "X")],
    );
    assert_eq!(bare.status, 404, "writing it needs them too");
    assert_eq!(press(&worker, &case, "protection", "end").status, 303);
}

#[test]
fn danger_and_age_that_are_learned_later_mark_the_case_and_start_the_clock_of_the_child() {
    let setting = Setting::new();
    let worker = setting.served.signed_in(&setting.cast.worker);
    let case = take_in(&worker, &[("alias", "Hoa Mẫu")]);
    assert!(!worker.get(&case).body.contains("Khẩn cấp"));
    assert_eq!(
        save(&worker, &format!("{case}/groups/risk"), &[("danger", "immediate")]).status,
        303
    );
    assert!(worker.get("/cases").body.contains("Khẩn cấp"));
    assert_eq!(
        save(&worker, &format!("{case}/groups/identity"), &[("age_band", "11_13")]).status,
        303
    );
    assert_eq!(
        save(&worker, &format!("{case}/groups/identity"), &[("age_band", "14_15")]).status,
        303
    );
    let page = worker.get(&case);
    assert_eq!(
        page.body.matches("· Can thiệp khẩn cấp cho trẻ em").count(),
        1,
        "one clock, once"
    );
    assert_eq!(
        save(&worker, &format!("{case}/groups/risk"), &[("danger", "low")]).status,
        303
    );
    assert!(!worker.get("/cases").body.contains("Khẩn cấp"));
}

#[test]
fn a_measure_does_not_end_before_it_begins() {
    let setting = Setting::new();
    let (worker, case) = setting.case();
    let new = format!("{case}/steps/protection/new");
    let dates = |from, until| {
        [
            ("measures", "guards"),
            ("protected_from", from),
            ("protected_until", until),
        ]
    };
    let wrong = save(&worker, &new, &dates("28/02/2026", "27/02/2026"));
    assert!(wrong.status == 422 && wrong.body.contains("href=\"#protected_until\""));
    assert!(wrong.body.contains("value=\"27/02/2026\""), "what was typed stays");
    for (from, until) in [
        ("28/02/2026", "28/02/2026"),
        ("02/2026", "02/2026"),
        ("2026", "01/2026"),
        ("28/02/2026", ""),
    ] {
        assert_eq!(save(&worker, &new, &dates(from, until)).status, 303, "{from} {until}");
    }
}
