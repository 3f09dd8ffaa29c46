//! Identification and what waits for a second person.

use donghanh::domain::role::Role;

use crate::walk::{CONCLUSION, NOT_VICTIM, Setting, accept, consent, entry, person, press, refer, save, seen, step};

#[test]
fn a_worker_records_the_document_and_a_supervisor_approves_the_identification() {
    let setting = Setting::new();
    let (worker, case) = setting.case();
    let supervisor = setting.served.signed_in(&setting.cast.supervisor);
    let fields = [
        ("conclusion", "victim"),
        ("grounds", "rescuing_body"),
        ("grounds", "own_statement"),
        ("deciding_body", "provincial_police"),
        ("status_document", "police_confirmation"),
        ("status_document_number", "MAU-0001"),
        ("concluded_on", "28/02/2026"),
    ];
    assert_eq!(
        save(&worker, &format!("{case}/steps/identification/new"), &fields).status,
        303
    );
    let page = worker.get(&case);
    assert!(page.body.contains("Chờ phê duyệt") && page.body.contains("MAU-0001"));
    assert!(
        !page.body.contains("value=\"approve\""),
        "who works on the case does not approve"
    );
    let saved = entry(&setting.served, "identification.save");
    assert_eq!(
        (saved.p.as_deref(), saved.w[0].g.as_str()),
        (Some("identification"), "legal_status")
    );

    let page = supervisor.get(&case);
    let at = step(&page, &case, "identification");
    let shown = seen(&page, &at);
    let silent = supervisor.submit(&page, &format!("{at}/state"), &[("verb", "return"), ("seen", &shown)]);
    assert_eq!(silent.status, 422, "who sends it back says why");
    assert!(
        silent.body.contains("Hãy chọn vì sao trả lại để sửa")
            && silent.body.contains("<details class=\"govuk-details\" open>")
    );
    assert!(silent.body.contains("MAU-0001"), "on the page that was being read");
    assert_eq!(press(&supervisor, &case, "identification", "return").status, 303);
    let returned = entry(&setting.served, "identification.return");
    assert_eq!(returned.basis.as_deref(), Some("missing_document"));
    assert!(worker.get(&case).body.contains("Thiếu giấy tờ"), "the worker reads why");
    assert!(
        worker.get("/cases").body.contains("Cần sửa"),
        "today shows what came back"
    );
    let at = step(&worker.get(&case), &case, "identification");
    assert_eq!(
        save(
            &worker,
            &at,
            &[CONCLUSION.as_slice(), &[("status_document_number", "MAU-0002")]].concat()
        )
        .status,
        303
    );
    let open = worker.get(&at);
    assert_eq!(press(&supervisor, &case, "identification", "approve").status, 303);
    let page = worker.get(&case);
    assert!(page.body.contains("Đã phê duyệt") && page.body.contains("MAU-0002") && !page.body.contains("MAU-0001"));
    let approved = entry(&setting.served, "identification.approve");
    assert_eq!(approved.d, ["allow", "supervisor-unit"]);

    // What was decided stays: the form comes back with the reason and with what was typed.
    let version = open.hidden("version");
    let typed = [
        NOT_VICTIM.as_slice(),
        &[("reasoning", "điều vừa gõ"), ("version", &version)],
    ]
    .concat();
    let late = worker.submit(&open, &at, &typed);
    assert_eq!(late.status, 409);
    assert!(late.body.contains("đã được quyết định") && late.body.contains("điều vừa gõ"));
    let shut = worker.get(&at).body;
    assert!(
        !shut.contains("name=\"reasoning\"") && shut.contains("đã được quyết định"),
        "it opens to be read"
    );
    assert!(setting.served.world.log_is_whole());
}

#[test]
fn a_supervisor_does_not_approve_what_she_recorded_herself() {
    let setting = Setting::new();
    let (_, case) = setting.case();
    let supervisor = setting.served.signed_in(&setting.cast.supervisor);
    let second = setting
        .served
        .signed_in(&person(&setting.served, "XA-A", Role::Supervisor));
    assert_eq!(
        save(&supervisor, &format!("{case}/steps/identification/new"), &CONCLUSION).status,
        303
    );
    let page = supervisor.get(&case);
    assert!(!page.body.contains("value=\"approve\""), "the button is not there");
    let at = step(&second.get(&case), &case, "identification");
    let forged = supervisor.submit(&page, &format!("{at}/state"), &[("verb", "approve"), ("seen", "1")]);
    assert_eq!(forged.status, 409);
    assert!(forged.body.contains("không tự phê duyệt"));
    assert_eq!(press(&second, &case, "identification", "approve").status, 303);
}

#[test]
fn an_approval_covers_only_the_version_that_was_read() {
    let setting = Setting::new();
    let (worker, case) = setting.case();
    let supervisor = setting.served.signed_in(&setting.cast.supervisor);
    save(&worker, &format!("{case}/steps/identification/new"), &CONCLUSION);
    let page = supervisor.get(&case);
    let at = step(&page, &case, "identification");
    let before = seen(&page, &at);
    let approve = |seen: &str| {
        let page = supervisor.get("/cases");
        supervisor
            .submit(&page, &format!("{at}/state"), &[("verb", "approve"), ("seen", seen)])
            .status
    };
    // A version that no page of hers has shown is not read, whatever number is guessed.
    let (_, mark) = before.split_once('.').unwrap();
    for guessed in [
        "1",
        "2",
        "",
        "1.",
        &format!("2.{mark}"),
        &format!("1.{}", "A".repeat(16)),
    ] {
        assert_eq!(approve(guessed), 409, "{guessed}");
    }
    let colleague = setting
        .served
        .signed_in(&person(&setting.served, "XA-A", Role::Supervisor));
    let theirs = seen(&colleague.get(&case), &at);
    assert_ne!(theirs, before);
    assert_eq!(approve(&theirs), 409, "what somebody else has read");
    assert_eq!(save(&worker, &at, &NOT_VICTIM).status, 303);
    assert_eq!(approve(&before), 409, "what was read before it was corrected");
    assert!(worker.get(&case).body.contains("Chờ phê duyệt"));
}

#[test]
fn the_liaison_of_the_deciding_body_enters_the_conclusion_and_her_access_ends_with_it() {
    let setting = Setting::new();
    let (worker, case) = setting.case();
    let liaison = setting.served.signed_in(&setting.cast.liaison);
    assert_eq!(liaison.get(&case).status, 404, "without a request there is nothing");
    assert_eq!(
        refer(&worker, &case, "identification", "CA", &["identity", "risk"]).status,
        303
    );
    let sent = entry(&setting.served, "referral.send");
    assert_eq!(sent.basis.as_deref(), Some("crime_prevention"));
    assert_eq!(sent.f, ["identity", "risk", "legal_status"]);
    assert_eq!(
        liaison.get(&case).status,
        404,
        "before she takes it up the case stays shut"
    );
    accept(&liaison);
    let page = liaison.get(&case);
    assert!(page.body.contains("Hoa Mẫu") && page.body.contains("Ghi kết luận xác định"));
    assert!(!page.body.contains("Nhu cầu cấp bách"), "a group that is not listed");
    let concluded = save(&liaison, &format!("{case}/steps/identification/new"), &CONCLUSION);
    assert_eq!(
        (concluded.status, concluded.location.as_deref()),
        (303, Some("/referrals?saved=1"))
    );
    assert_eq!(liaison.get(&case).status, 404, "the answer ends the access");
    let page = worker.get(&case);
    assert!(page.body.contains("Là nạn nhân") && page.body.contains("Đã trả kết quả"));
    assert_eq!(
        entry(&setting.served, "identification.conclude").d,
        ["allow", "liaison-concludes"]
    );
    for path in ["/cases", "/intakes/new"] {
        assert_eq!(liaison.get(path).status, 404, "never a list of victims");
    }
}

#[test]
fn a_body_concludes_in_its_own_name_only() {
    let setting = Setting::new();
    let (worker, case) = setting.case();
    let served = &setting.served;
    let added = donghanh::operations::accounts::add_organisation;
    added(
        &served.world.app.writer,
        &served.world.app.keyring,
        "VKS",
        "procuracy",
        "Viện mẫu",
    )
    .unwrap();
    let new = format!("{case}/steps/identification/new");
    for (org, own, chosen, other) in [
        ("CA", "investigating_body", false, "court"),
        ("VKS", "procuracy", true, "provincial_police"),
    ] {
        assert_eq!(
            refer(&worker, &case, "identification", org, &["identity"]).status,
            303,
            "{org}"
        );
        let liaison = served.signed_in(&person(served, org, Role::Liaison));
        accept(&liaison);
        let form = liaison.get(&new);
        let option = |body: &str, more: &str| form.body.contains(&format!("<option value=\"{body}\"{more}>"));
        assert!(
            option(own, if chosen { " selected" } else { "" }),
            "{org}: {}",
            form.body
        );
        assert!(
            !option(other, "") && !option(other, " selected"),
            "{org} is offered no other body"
        );
        let forged = [
            ("conclusion", "not_victim"),
            ("grounds", "own_statement"),
            ("deciding_body", other),
        ];
        let answer = save(&liaison, &new, &forged);
        assert_eq!(answer.status, 409, "{org}");
        assert!(
            answer.body.contains("chỉ ghi kết luận của chính mình"),
            "{}",
            answer.body
        );
        assert!(!served.world.kinds().contains(&"identification.conclude".to_owned()) || org != "CA");
        let good = [
            ("conclusion", "not_victim"),
            ("grounds", "own_statement"),
            ("deciding_body", own),
        ];
        assert_eq!(save(&liaison, &new, &good).status, 303, "{org}");
    }
}

#[test]
fn with_a_new_conclusion_the_earlier_one_ends() {
    let setting = Setting::new();
    let (worker, case) = setting.case();
    let supervisor = setting.served.signed_in(&setting.cast.supervisor);
    let new = format!("{case}/steps/identification/new");
    assert_eq!(save(&worker, &new, &CONCLUSION).status, 303);
    assert_eq!(press(&supervisor, &case, "identification", "approve").status, 303);
    assert_eq!(save(&worker, &new, &NOT_VICTIM).status, 303);
    let page = supervisor.get(&case);
    assert!(
        page.body.contains("kết luận đã duyệt trước đây sẽ hết hiệu lực"),
        "it is said before it is approved"
    );
    let (_, form) = page.body.rsplit_once("value=\"approve\"").unwrap();
    let (_, seen) = form.split_once("name=\"seen\" value=\"").unwrap();
    let (seen, _) = seen.split_once('"').unwrap();
    let (before, _) = page.body.rsplit_once("value=\"approve\"").unwrap();
    let (_, at) = before.rsplit_once("action=\"").unwrap();
    let (at, _) = at.split_once('"').unwrap();
    assert_eq!(
        supervisor
            .submit(&page, at, &[("verb", "approve"), ("seen", seen)])
            .status,
        303
    );
    let tags = |state: &str| worker.get(&case).body.matches(&format!(">{state}</strong>")).count();
    assert_eq!((tags("Đã kết thúc"), tags("Đã phê duyệt")), (1, 1));
    let approved = entry(&setting.served, "identification.approve");
    assert_eq!(
        approved.f,
        ["legal_status"],
        "the log names the group of a step that goes on"
    );

    // The deciding body concludes itself, and its word replaces what was recorded.
    assert_eq!(
        consent(&worker, &case, "police", &["identity", "legal_status"]).status,
        303
    );
    assert_eq!(refer(&worker, &case, "identification", "CA", &["identity"]).status, 303);
    let liaison = setting.served.signed_in(&setting.cast.liaison);
    accept(&liaison);
    assert_eq!(save(&liaison, &new, &CONCLUSION).status, 303);
    assert_eq!((tags("Đã kết thúc"), tags("Cơ quan đã kết luận")), (2, 1));
}

#[test]
fn whoever_wrote_any_version_is_no_second_person() {
    let setting = Setting::new();
    let (worker, case) = setting.case();
    let supervisor = setting.served.signed_in(&setting.cast.supervisor);
    let new = format!("{case}/steps/identification/new");
    assert_eq!(
        save(
            &supervisor,
            &new,
            &[CONCLUSION.as_slice(), &[("reasoning", "của giám sát")]].concat()
        )
        .status,
        303
    );
    let at = step(&worker.get(&case), &case, "identification");
    assert_eq!(
        save(
            &worker,
            &at,
            &[CONCLUSION.as_slice(), &[("reasoning", "của cán bộ")]].concat()
        )
        .status,
        303
    );
    let page = supervisor.get(&case);
    let forged = supervisor.submit(&page, &format!("{at}/state"), &[("verb", "approve"), ("seen", "2")]);
    assert_eq!(forged.status, 409);
    let declined = entry(&setting.served, "case.decline");
    assert_eq!(
        (declined.d[0].as_str(), declined.f[0].as_str()),
        ("deny", "why-same-person")
    );
    assert_eq!(declined.h.listed().len(), 1, "the auditor finds it by the case");
}

#[test]
fn a_conclusion_a_shelter_and_a_result_say_what_they_must() {
    let setting = Setting::new();
    let (worker, case) = setting.case();
    let bare = save(
        &worker,
        &format!("{case}/steps/identification/new"),
        &[("conclusion", "victim")],
    );
    assert_eq!(bare.status, 422);
    for missing in ["grounds", "deciding_body", "status_document"] {
        assert!(bare.body.contains(&format!("href=\"#{missing}\"")), "{missing}");
    }
    let address = [
        ("measures", "temporary_shelter"),
        ("shelter_code", "12 Nguyễn Trãi, Hà Đông"),
    ];
    let refused = save(&worker, &format!("{case}/steps/protection/new"), &address);
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("Chỉ ghi mã của nơi tạm lánh"));
    let grown = [("companion_alias", "Bé Mẫu"), ("companion_age_band", "25_34")];
    assert_eq!(
        save(&worker, &format!("{case}/steps/companion/new"), &grown).status,
        422
    );
    assert_eq!(save(&worker, &format!("{case}/steps/companion/new"), &[]).status, 422);
}
