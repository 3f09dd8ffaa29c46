//! The work after the intake: identification, rescue, protection, support, consent, referral, follow-up, closure.

use donghanh::domain::role::Role;

use crate::browser::{Browser, Served};
use crate::walk::{Cast, accept, address, consent, person, press, refer, save, step, take_in};

fn entry(served: &Served, kind: &str) -> ledger::log::entry::Entry {
    let entries = served.world.entries();
    entries
        .into_iter()
        .rev()
        .find(|entry| entry.k == kind)
        .unwrap_or_else(|| panic!("no {kind} in the log"))
}

/// A conclusion has its grounds, its deciding body and, for a victim, its document.
const CONCLUSION: [(&str, &str); 4] = [
    ("conclusion", "victim"),
    ("grounds", "rescuing_body"),
    ("deciding_body", "provincial_police"),
    ("status_document", "police_confirmation"),
];
const NOT_VICTIM: [(&str, &str); 3] = [
    ("conclusion", "not_victim"),
    ("grounds", "own_statement"),
    ("deciding_body", "provincial_police"),
];

struct Setting {
    served: Served,
    cast: Cast,
}

impl Setting {
    fn new() -> Self {
        let served = Served::start();
        let cast = Cast::new(&served);
        Self { served, cast }
    }

    fn case(&self) -> (Browser<'_>, String) {
        let worker = self.served.signed_in(&self.cast.worker);
        let case = take_in(&worker, &[("alias", "Hoa Mẫu"), ("danger", "high")]);
        (worker, case)
    }

    /// A case whose referral to the centre waits.
    fn referred(&self) -> (Browser<'_>, String) {
        let (worker, case) = self.case();
        let question = [("legal_question", "Câu hỏi mẫu về bồi thường")];
        assert_eq!(
            save(&worker, &format!("{case}/groups/legal_aid"), &question).status,
            303
        );
        assert_eq!(
            save(&worker, &format!("{case}/groups/notes"), &[("text", "ghi chú nội bộ")]).status,
            303
        );
        assert_eq!(
            consent(&worker, &case, "legal_aid", &["identity", "legal_aid"]).status,
            303
        );
        assert_eq!(refer(&worker, &case, "legal_aid", "TGPL", &["identity"]).status, 303);
        (worker, case)
    }
}

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

    assert_eq!(press(&supervisor, &case, "identification", "return").status, 303);
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
    assert_eq!(press(&supervisor, &case, "identification", "approve").status, 303);
    let page = worker.get(&case);
    assert!(page.body.contains("Đã phê duyệt") && page.body.contains("MAU-0002") && !page.body.contains("MAU-0001"));
    let approved = entry(&setting.served, "identification.approve");
    assert_eq!(approved.d, ["allow", "supervisor-unit"]);

    // What was decided stays: the form comes back with the reason and with what was typed.
    let late = save(
        &worker,
        &at,
        &[NOT_VICTIM.as_slice(), &[("reasoning", "điều vừa gõ")]].concat(),
    );
    assert_eq!(late.status, 409);
    assert!(late.body.contains("đã được quyết định") && late.body.contains("điều vừa gõ"));
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
    assert_eq!(save(&worker, &at, &NOT_VICTIM).status, 303);
    let blind = supervisor.submit(&page, &format!("{at}/state"), &[("verb", "approve"), ("seen", "1")]);
    assert_eq!(blind.status, 409);
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
fn an_officer_is_not_asked_to_open_what_no_referral_lists() {
    let setting = Setting::new();
    let (worker, case) = setting.referred();
    assert_eq!(
        save(
            &worker,
            &format!("{case}/groups/safety"),
            &[("safe_hours", "buổi sáng")]
        )
        .status,
        303
    );
    let officer = setting.served.signed_in(&setting.cast.officer);
    accept(&officer);
    assert_eq!(officer.get(&case).status, 200);
    for path in ["groups/safety", "groups/shelter", "steps/protection/new"] {
        let at = format!("{case}/{path}");
        assert_eq!(officer.get(&at).status, 404, "{path}");
        let page = officer.get("/referrals");
        assert_eq!(
            officer.submit(&page, &format!("{at}/opening"), &[]).status,
            404,
            "{path}"
        );
    }
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
fn what_was_typed_when_the_access_ended_can_be_copied_from_the_page() {
    let setting = Setting::new();
    let (worker, case) = setting.referred();
    let officer = setting.served.signed_in(&setting.cast.officer);
    let at = accept(&officer);
    let advice = format!("{}/advice", at.replace("/referrals", &format!("{case}/matters")));
    let form = officer.get(&advice);
    assert_eq!(form.status, 200);
    let page = worker.get(&case);
    let withdrawal = address(&page, &format!("{case}/withdrawals/"), "");
    assert_eq!(worker.submit(&page, &withdrawal, &[]).status, 303);
    let typed = [("version", "0"), ("advice", "Điều đã gõ rất lâu")];
    let gone = officer.submit(&form, &advice, &typed);
    assert_eq!(gone.status, 404);
    assert!(gone.body.contains("Điều đã gõ rất lâu") && gone.body.contains("Hãy chép lại"));
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
fn the_centre_sees_category_and_clocks_first_then_exactly_the_listed_groups() {
    let setting = Setting::new();
    let (worker, case) = setting.referred();
    let officer = setting.served.signed_in(&setting.cast.officer);
    assert_eq!(
        officer.get("/").location.as_deref(),
        Some("/referrals"),
        "she lands on New"
    );
    let inbox = officer.get("/referrals");
    assert!(inbox.body.contains("Tư vấn pháp luật") && inbox.body.contains("Trung tâm trả lời yêu cầu"));
    let waiting = address(&inbox, "/referrals/", "");
    let page = officer.get(&waiting);
    for shut in ["Hoa Mẫu", "Câu hỏi mẫu", "ghi chú nội bộ"] {
        assert!(!inbox.body.contains(shut) && !page.body.contains(shut), "{shut}");
    }
    assert!(page.body.contains("Nhân thân") && page.body.contains("Luật Trợ giúp pháp lý 2017 Điều 30"));
    assert_eq!(officer.get(&case).status, 404);
    accept(&officer);
    let opened = officer.get(&case);
    assert!(opened.body.contains("Hoa Mẫu") && opened.body.contains("Câu hỏi mẫu về bồi thường"));
    for shut in ["ghi chú nội bộ", "Nguy hiểm hiện nay", "Nơi tiếp nhận"] {
        assert!(!opened.body.contains(shut), "{shut}");
    }
    assert!(
        opened.body.contains("Trung tâm cử người thực hiện"),
        "the clock for the assignment runs"
    );
    assert!(
        !opened.body.contains("Thông báo Sở Y tế"),
        "the worker's clocks are not hers"
    );
    let viewed = entry(&setting.served, "case.view");
    assert_eq!(viewed.g, ["identity", "legal_aid"]);
    assert_eq!(
        (viewed.p.as_deref(), viewed.d[1].as_str()),
        (Some("legal_aid"), "legal-aid-referral")
    );
    for group in ["risk", "notes", "safety", "origin"] {
        let asked = [("purpose", "legal_aid"), ("confirmed", "yes")];
        let answer = officer.submit(&opened, &format!("{case}/groups/{group}/opening"), &asked);
        assert_eq!(answer.status, 404, "{group}");
    }
    assert!(worker.get(&case).body.contains("Đã nhận"));
}

#[test]
fn the_worker_reads_the_report_of_the_centre_and_never_its_advice() {
    let setting = Setting::new();
    let (worker, case) = setting.referred();
    let supervisor = setting.served.signed_in(&setting.cast.supervisor);
    let officer = setting.served.signed_in(&setting.cast.officer);
    let referral = accept(&officer);
    let page = officer.get(&case);
    let early = officer.submit(&page, &format!("{referral}/closing"), &[]);
    assert_eq!(early.status, 409);
    assert!(early.body.contains("Hãy ghi việc cử người và kết quả"));
    let matters = referral.replace("/referrals", &format!("{case}/matters"));
    let report = [
        ("provider_kind", "legal_aid_officer"),
        ("provider_name", "Trợ giúp viên Mẫu"),
        ("assigned_on", "01/03/2026"),
        ("outcome", "completed"),
        ("report", "Đã nộp đơn bồi thường mẫu"),
    ];
    assert_eq!(save(&officer, &format!("{matters}/matter"), &report).status, 303);
    assert_eq!(
        save(&officer, &format!("{matters}/advice"), &[("advice", "lời khuyên kín")]).status,
        303
    );
    let page = officer.get(&case);
    assert!(page.body.contains("lời khuyên kín"));
    assert!(
        page.body.contains("Đã xong · Trung tâm cử người thực hiện"),
        "the assignment met its clock"
    );
    for reader in [&worker, &supervisor] {
        let page = reader.get(&case);
        assert!(page.body.contains("Đã nộp đơn bồi thường mẫu") && page.body.contains("Trợ giúp viên Mẫu"));
        assert!(!page.body.contains("lời khuyên kín"));
        assert_eq!(reader.get(&format!("{matters}/advice")).status, 404);
    }
    let ended = officer.submit(&page, &format!("{referral}/closing"), &[]);
    assert_eq!(ended.status, 303);
    assert_eq!(
        officer.get(&case).status,
        404,
        "the end of the matter is the end of access"
    );
    assert_eq!(officer.get(&referral).status, 404);
    assert!(officer.get("/referrals?past=1").body.contains("Đã trả kết quả"));
    assert!(worker.get(&case).body.contains("Đã nộp đơn bồi thường mẫu"));
}

#[test]
fn a_centre_that_rejects_gives_a_reason_and_loses_access() {
    let setting = Setting::new();
    let (worker, case) = setting.referred();
    let officer = setting.served.signed_in(&setting.cast.officer);
    let referral = address(&officer.get("/referrals"), "/referrals/", "");
    let page = officer.get(&referral);
    let without = officer.submit(&page, &format!("{referral}/answer"), &[("answer", "reject")]);
    assert_eq!(without.status, 422);
    assert!(without.body.contains("Hãy chọn lý do từ chối"));
    let rejected = officer.submit(
        &page,
        &format!("{referral}/answer"),
        &[("answer", "reject"), ("reason", "conflict_of_interest")],
    );
    assert_eq!(rejected.status, 303);
    for shut in [&referral, &case] {
        assert_eq!(officer.get(shut).status, 404);
    }
    let again = officer.submit(&page, &format!("{referral}/answer"), &[("answer", "accept")]);
    assert_eq!(again.status, 404, "no way back in");
    assert_eq!(
        entry(&setting.served, "referral.reject").basis.as_deref(),
        Some("conflict_of_interest")
    );
    assert!(worker.get(&case).body.contains("Xung đột lợi ích"));
    assert_eq!(
        refer(&worker, &case, "legal_aid", "TGPL-2", &["identity"]).status,
        303,
        "the worker goes to the next centre"
    );
}

#[test]
fn nothing_is_referred_without_a_consent_or_beyond_it() {
    let setting = Setting::new();
    let (worker, case) = setting.case();
    let form = worker.get(&format!("{case}/referrals/legal_aid"));
    assert!(form.body.contains("Cần có sự đồng ý"));
    let basis = [
        ("to", "TGPL"),
        ("category", "advice"),
        ("basis", "state_function"),
        ("groups", "identity"),
    ];
    let token = worker.get(&case);
    let without = worker.submit(&token, &format!("{case}/referrals/legal_aid"), &basis);
    assert_eq!(without.status, 422, "legal aid needs the person's own word");
    assert!(without.body.contains("Cần có sự đồng ý"));
    assert_eq!(
        consent(&worker, &case, "legal_aid", &["identity", "legal_aid"]).status,
        303
    );
    let beyond = refer(&worker, &case, "legal_aid", "TGPL", &["identity", "trafficking"]);
    assert_eq!(beyond.status, 422);
    assert!(beyond.body.contains("nằm ngoài sự đồng ý"));
    let shelter = refer(&worker, &case, "legal_aid", "TGPL", &["shelter"]);
    assert_ne!(shelter.status, 303, "a shelter is never listed");
    assert_eq!(
        consent(&worker, &case, "medical", &[]).status,
        422,
        "a consent names its groups"
    );
    assert_eq!(
        refer(&worker, &case, "legal_aid", "XA-B", &["identity"]).status,
        422,
        "not a centre"
    );
    assert_eq!(refer(&worker, &case, "legal_aid", "TGPL", &["identity"]).status, 303);
    let twice = refer(&worker, &case, "legal_aid", "TGPL", &["identity"]);
    assert_eq!(twice.status, 422);
    assert!(twice.body.contains("đang giữ một yêu cầu"));
}

#[test]
fn a_safe_telephone_is_referred_only_with_a_second_confirmation() {
    let setting = Setting::new();
    let (worker, case) = setting.case();
    let groups = ["identity", "legal_aid", "safety"];
    assert_eq!(consent(&worker, &case, "legal_aid", &groups).status, 303);
    let refused = refer(&worker, &case, "legal_aid", "TGPL", &groups);
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("Hãy xác nhận"));
}

#[test]
fn withdrawing_a_consent_ends_the_referral_that_rests_on_it_at_once() {
    let setting = Setting::new();
    let (worker, case) = setting.referred();
    let officer = setting.served.signed_in(&setting.cast.officer);
    accept(&officer);
    assert_eq!(officer.get(&case).status, 200);
    let page = worker.get(&case);
    let withdrawal = address(&page, &format!("{case}/consents/"), "/withdrawal");
    assert_eq!(worker.submit(&page, &withdrawal, &[]).status, 303);
    assert_eq!(officer.get(&case).status, 404);
    let page = worker.get(&case);
    assert!(page.body.matches("Đã rút").count() >= 2, "the consent and the referral");
    let withdrawn = entry(&setting.served, "consent.withdraw");
    assert!(withdrawn.basis.is_some_and(|basis| withdrawal.contains(&basis)));
    assert_eq!(
        worker.submit(&page, &withdrawal, &[]).status,
        409,
        "it is withdrawn already"
    );
}

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
fn a_closing_or_reopening_without_a_reason_is_sent_back() {
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
fn two_people_correct_one_step_and_the_second_loses_nothing() {
    let setting = Setting::new();
    let (worker, case) = setting.case();
    let supervisor = setting.served.signed_in(&setting.cast.supervisor);
    save(&worker, &format!("{case}/steps/support/new"), &[("regime", "medical")]);
    let at = step(&worker.get(&case), &case, "support");
    let (mine, theirs) = (worker.get(&at), supervisor.get(&at));
    let first = worker.submit(
        &mine,
        &at,
        &[("version", "1"), ("regime", "medical"), ("provider", "Trạm Một")],
    );
    assert_eq!(first.status, 303);
    let second = supervisor.submit(
        &theirs,
        &at,
        &[("version", "1"), ("regime", "medical"), ("provider", "Trạm Hai")],
    );
    assert_eq!(second.status, 409);
    assert!(second.body.contains("Trạm Một") && second.body.contains("Trạm Hai"));
}

#[test]
fn what_is_typed_in_a_part_is_kept_as_a_draft_and_meets_a_later_version_as_a_conflict() {
    let setting = Setting::new();
    let (worker, case) = setting.case();
    let supervisor = setting.served.signed_in(&setting.cast.supervisor);
    let at = format!("{case}/groups/notes");
    assert_eq!(save(&worker, &at, &[("text", "bản một")]).status, 303);
    let form = worker.get(&at);
    let draft = worker.submit(
        &form,
        &format!("{at}/draft"),
        &[("version", "1"), ("text", "bản nháp của tôi")],
    );
    assert_eq!(draft.status, 204);
    assert_eq!(save(&supervisor, &at, &[("text", "bản của giám sát")]).status, 303);
    let again = worker.get(&at);
    assert!(again.body.contains("bản nháp của tôi") && again.body.contains("chưa lưu"));
    let saved = worker.submit(
        &again,
        &at,
        &[("version", &again.hidden("version")), ("text", "bản nháp của tôi")],
    );
    assert_eq!(saved.status, 409, "the colleague's version is not overwritten unseen");
    assert!(saved.body.contains("bản của giám sát") && saved.body.contains("bản nháp của tôi"));
    // A draft that does not say what it began with counts as touched throughout: nothing of it is replaced.
    let whole = [
        ("version", again.hidden("version")),
        ("base", again.hidden("base")),
        ("text", "bản nháp của tôi".to_owned()),
    ];
    let whole: Vec<(&str, &str)> = whole.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let saved = worker.submit(&worker.get(&at), &at, &whole);
    assert!(
        saved.status == 409 && saved.body.contains("bản nháp của tôi</textarea>"),
        "{}",
        saved.body
    );
    let stranger = setting
        .served
        .signed_in(&person(&setting.served, "XA-B", Role::SocialWorker));
    let token = stranger.get("/cases");
    assert_eq!(
        stranger.submit(&token, &format!("{at}/draft"), &[("text", "x")]).status,
        404
    );
}

#[test]
fn a_field_that_was_not_touched_takes_the_answer_of_the_colleague_who_changed_it() {
    let setting = Setting::new();
    let (worker, case) = setting.case();
    let supervisor = setting.served.signed_in(&setting.cast.supervisor);
    let at = format!("{case}/groups/origin");
    assert_eq!(
        save(
            &worker,
            &at,
            &[("brought_by", "Mẫu Cũ"), ("place", "nơi cũ"), ("route", "rescued")]
        )
        .status,
        303
    );
    let (mine, theirs) = (worker.get(&at), supervisor.get(&at));
    let (base, version) = (mine.hidden("base"), mine.hidden("version"));
    let version = version.as_str();
    assert!(!base.contains("Mẫu Cũ") && base == theirs.hidden("base"));
    let hers = [
        ("version", version),
        ("brought_by", "Mẫu Mới"),
        ("place", "nơi cũ"),
        ("route", "rescued"),
    ];
    assert_eq!(supervisor.submit(&theirs, &at, &hers).status, 303);
    let typed = [
        ("version", version),
        ("base", &base),
        ("brought_by", "Mẫu Cũ"),
        ("place", "nơi tôi sửa"),
        ("route", "rescued"),
    ];
    let again = worker.submit(&mine, &at, &typed);
    assert_eq!(again.status, 409);
    let value = |name: &str| {
        let (_, rest) = again.body.split_once(&format!("name=\"{name}\" value=\"")).unwrap();
        rest.split('"').next().unwrap().to_owned()
    };
    assert_eq!(
        (value("brought_by"), value("place")),
        ("Mẫu Mới".to_owned(), "nơi tôi sửa".to_owned())
    );
    assert!(
        !again.body.contains("nơi cũ"),
        "only what the colleague changed is listed"
    );
    let both = [
        ("version", &*again.hidden("version")),
        ("brought_by", &*value("brought_by")),
        ("place", &*value("place")),
        ("route", "rescued"),
    ];
    let saved = worker.submit(&again, &at, &both);
    assert_eq!(saved.status, 303, "{}", saved.body);
    let page = worker.get(&case);
    assert!(
        page.body.contains("Mẫu Mới") && page.body.contains("nơi tôi sửa"),
        "nobody's work is lost"
    );
}

#[test]
fn the_same_form_sent_twice_is_done_once() {
    let setting = Setting::new();
    let (worker, case) = setting.case();
    let at = format!("{case}/steps/rescue/new");
    let form = worker.get(&at);
    for _ in 0..2 {
        assert_eq!(
            worker
                .submit(&form, &at, &[("version", "0"), ("lead_force", "police")])
                .status,
            303
        );
    }
    let kinds = setting.served.world.kinds();
    assert_eq!(kinds.iter().filter(|kind| *kind == "rescue.save").count(), 1);
}

#[test]
fn steps_that_belong_to_another_case_or_are_no_steps_do_not_exist() {
    let setting = Setting::new();
    let (worker, case) = setting.case();
    let other = take_in(&worker, &[("alias", "Lan Mẫu")]);
    save(&worker, &format!("{case}/steps/support/new"), &[("regime", "medical")]);
    let page = worker.get(&case);
    let at = step(&page, &case, "support");
    let moved = at.replace(&case, &other);
    assert_eq!(
        worker
            .submit(&page, &moved, &[("version", "1"), ("regime", "travel")])
            .status,
        404
    );
    assert_eq!(
        worker
            .submit(&page, &format!("{moved}/state"), &[("verb", "stop"), ("seen", "1")])
            .status,
        404
    );
    let wrong_kind = at.replace("/support/", "/rescue/");
    assert_eq!(worker.submit(&page, &wrong_kind, &[("version", "1")]).status, 404);
    for path in [
        "steps/nonsense/new",
        "steps/support/nonsense",
        "matters/x/matter",
        "referrals/gossip",
    ] {
        assert_eq!(worker.get(&format!("{case}/{path}")).status, 404, "{path}");
    }
    let odd = worker.submit(
        &page,
        &format!("{at}/state"),
        &[("verb", "approve\u{0}"), ("seen", "x")],
    );
    assert_eq!(odd.status, 409);
}

#[test]
fn two_buttons_of_one_page_are_two_acts() {
    let setting = Setting::new();
    let (worker, case) = setting.referred();
    let officer = setting.served.signed_in(&setting.cast.officer);
    accept(&officer);
    // One page, one request id: the visits are planned, and then the consent is withdrawn from the same page.
    let page = worker.get(&case);
    let withdrawal = address(&page, &format!("{case}/consents/"), "/withdrawal");
    assert_eq!(worker.submit(&page, &format!("{case}/visits"), &[]).status, 303);
    assert_eq!(worker.submit(&page, &withdrawal, &[]).status, 303);
    assert_eq!(officer.get(&case).status, 404, "the second button was not swallowed");
    let kinds = setting.served.world.kinds();
    assert!(kinds.contains(&"visit.plan".to_owned()) && kinds.contains(&"consent.withdraw".to_owned()));
}

#[test]
fn a_second_sending_is_answered_by_the_first_and_accuses_nobody() {
    let setting = Setting::new();
    let (worker, _) = setting.referred();
    let officer = setting.served.signed_in(&setting.cast.officer);
    let referral = address(&officer.get("/referrals"), "/referrals/", "");
    let page = officer.get(&referral);
    let reject = [("answer", "reject"), ("reason", "no_provider")];
    for _ in 0..2 {
        assert_eq!(
            officer.submit(&page, &format!("{referral}/answer"), &reject).status,
            303
        );
    }
    let kinds = setting.served.world.kinds();
    assert_eq!(kinds.iter().filter(|kind| *kind == "referral.reject").count(), 1);
    assert!(!kinds.contains(&"case.refuse".to_owned()));
    assert_eq!(worker.get("/cases").status, 200);
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
fn the_clock_of_one_centre_says_nothing_to_another_and_ends_with_its_referral() {
    let setting = Setting::new();
    let (worker, case) = setting.referred();
    let first = setting.served.signed_in(&setting.cast.officer);
    let second = setting
        .served
        .signed_in(&person(&setting.served, "TGPL-2", Role::LegalAidOfficer));
    accept(&first);
    assert_eq!(refer(&worker, &case, "legal_aid", "TGPL-2", &["identity"]).status, 303);
    let other = accept(&second);
    let clocks = |page: &crate::browser::Answer| page.body.matches("Trung tâm cử người thực hiện").count();
    assert_eq!((clocks(&first.get(&case)), clocks(&second.get(&case))), (1, 1));
    let matters = other.replace("/referrals", &format!("{case}/matters"));
    let report = [
        ("provider_kind", "lawyer"),
        ("assigned_on", "01/03/2026"),
        ("outcome", "completed"),
    ];
    assert_eq!(save(&second, &format!("{matters}/matter"), &report).status, 303);
    assert!(second.get(&case).body.contains("Đã xong"));
    assert!(!first.get(&case).body.contains("Đã xong"), "her own duty still runs");
    let forged = worker.submit(&worker.get(&case), &format!("{case}/deadlines/TGPL_CU_NGUOI"), &[]);
    assert_eq!(forged.status, 409, "the worker does not meet the duty of a centre");
    let page = worker.get(&case);
    let withdrawal = address(&page, &format!("{case}/consents/"), "/withdrawal");
    assert_eq!(worker.submit(&page, &withdrawal, &[]).status, 303);
    assert!(
        !worker.get(&case).body.contains("Còn hạn · Trung tâm cử người"),
        "nobody owes anything more"
    );
}

#[test]
fn a_later_no_ends_an_earlier_yes() {
    let setting = Setting::new();
    let (worker, case) = setting.referred();
    let officer = setting.served.signed_in(&setting.cast.officer);
    accept(&officer);
    let form = worker.get(&format!("{case}/consents/new"));
    let no = [
        ("purpose", "legal_aid"),
        ("groups", "identity"),
        ("agreed", "no"),
        ("agreed_by", "self"),
        ("form", "spoken_recorded"),
    ];
    assert_eq!(worker.submit(&form, &format!("{case}/consents"), &no).status, 303);
    assert_eq!(officer.get(&case).status, 404);
    let page = worker.get(&case);
    assert!(page.body.contains("Không đồng ý") && page.body.contains("Đã rút"));
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
fn a_refusal_says_which_groups_were_asked_for_and_names_the_case_of_a_referral() {
    let setting = Setting::new();
    let (worker, case) = setting.referred();
    let officer = setting.served.signed_in(&setting.cast.officer);
    let referral = accept(&officer);
    let page = officer.get(&case);
    let asked = [("purpose", "supervision"), ("confirmed", "yes")];
    assert_eq!(
        officer
            .submit(&page, &format!("{case}/groups/safety/opening"), &asked)
            .status,
        404
    );
    let refused = entry(&setting.served, "case.refuse");
    assert_eq!(refused.f, ["view", "safety"]);
    assert_eq!(
        refused.p.as_deref(),
        Some("legal_aid"),
        "a receiver has the purpose of her referral"
    );
    let stranger = setting
        .served
        .signed_in(&person(&setting.served, "TGPL-2", Role::LegalAidOfficer));
    assert_eq!(stranger.get(&referral).status, 404);
    let handles = entry(&setting.served, "case.refuse").h.listed().to_vec();
    let sent = entry(&setting.served, "referral.send").h.listed().to_vec();
    assert_eq!(handles, sent, "the auditor finds the probing by the case");
    let viewed = entry(&setting.served, "case.view");
    assert!(viewed.basis.is_some(), "the view of a receiver names the consent");
    assert_eq!(worker.get(&case).status, 200);
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
