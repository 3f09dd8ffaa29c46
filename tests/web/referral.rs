//! Consent and referral: what a receiving body sees, and when it sees it no more.

use donghanh::domain::role::Role;

use crate::walk::{Setting, accept, address, consent, entry, person, refer, save, take_in};

#[test]
fn a_child_does_not_agree_alone_without_a_word_why() {
    let setting = Setting::new();
    let worker = setting.served.signed_in(&setting.cast.worker);
    let case = take_in(&worker, &[("alias", "Bé Mẫu"), ("age_band", "14_15")]);
    let answer = |more: &[(&str, &str)]| {
        let form = worker.get(&format!("{case}/consents/new"));
        let chosen = [
            ("purpose", "legal_aid"),
            ("groups", "identity"),
            ("form", "signed"),
            ("agreed_by", "self"),
        ];
        worker.submit(&form, &format!("{case}/consents"), &[chosen.as_slice(), more].concat())
    };
    let alone = answer(&[("agreed", "yes")]);
    assert_eq!(alone.status, 409);
    assert!(alone.body.contains("có thể chưa đủ 18 tuổi") && alone.body.contains("href=\"#alone_because\""));
    assert!(alone.body.contains("value=\"self\" selected"), "what was chosen stays");
    let declined = entry(&setting.served, "case.decline");
    assert_eq!(
        declined.f,
        ["why-child-alone", "consent.give"],
        "why, and what was tried"
    );
    assert_eq!(answer(&[("agreed", "no")]).status, 303, "to say no needs nobody");
    let why = ("alone_because", "người đại diện có thể liên quan");
    assert_eq!(answer(&[("agreed", "yes"), why]).status, 303);
    assert!(worker.get(&case).body.contains("người đại diện có thể liên quan"));
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
        page.body.contains("Đã xong 01/03/2026") && page.body.contains("Trung tâm cử người thực hiện · hạn"),
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
    for strange in ["shelter", "privileged", "bogus"] {
        let answer = consent(&worker, &case, "medical", &["identity", strange]);
        assert_eq!(answer.status, 422, "{strange}: not left out without a word");
        assert!(answer.body.contains("Hãy chọn một mục trong danh sách"));
    }
    assert_eq!(
        refer(&worker, &case, "legal_aid", "TGPL", &["identity", "bogus"]).status,
        422
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
fn whoever_waits_longest_is_on_top_and_no_referral_is_out_of_reach() {
    use diesel::prelude::*;
    use donghanh::storage::access_rows::{AccessRow as _, ReferralRow};
    use donghanh::storage::schema::referral;
    let setting = Setting::new();
    let (worker, _) = setting.referred();
    let world = &setting.served.world;
    world.app.clock.advance(7_200_000);
    let second = setting.served.signed_in(&setting.cast.worker);
    let case = take_in(&second, &[("alias", "Sương Mẫu")]);
    assert_eq!(
        consent(&second, &case, "legal_aid", &["identity", "legal_aid"]).status,
        303
    );
    assert_eq!(refer(&second, &case, "legal_aid", "TGPL", &["identity"]).status, 303);
    drop(worker);
    let officer = setting.served.signed_in(&setting.cast.officer);
    let list = officer.get("/referrals").body;
    let (first, later) = (
        list.find("01/03/2026 08:").unwrap(),
        list.find("01/03/2026 10:").unwrap(),
    );
    assert!(first < later, "{list}");
    assert!(!list.contains("skip="), "one page");

    // A hundred more wait: the second page has the rest.
    let mut connection = world.connection();
    let one: ReferralRow = referral::table
        .select(ReferralRow::as_select())
        .first(&mut connection)
        .unwrap();
    for number in 0..100_u8 {
        let mut id = [7; 16];
        id[0] = number;
        let row = ReferralRow {
            id: id.to_vec(),
            public_id: id.to_vec(),
            sent_at: one.sent_at + 1,
            ..one.clone()
        };
        diesel::insert_into(referral::table)
            .values(&row.signed(&world.app.keyring))
            .execute(&mut connection)
            .unwrap();
    }
    let rows = |page: &str| page.matches("class=\"dh-card ").count() + page.matches("class=\"dh-card\"").count();
    let page = officer.get("/referrals").body;
    assert_eq!(rows(&page), 100);
    let next = address(&officer.get("/referrals"), "/referrals?skip=", "");
    let rest = officer.get(&next).body;
    assert_eq!((rows(&rest), next.as_str()), (2, "/referrals?skip=100"));
    assert!(rest.contains("/referrals?skip=0") && !rest.contains("skip=200"));
    for wrong in [
        "/referrals?skip=x",
        "/referrals?skip=-1",
        "/referrals?skip=99999999999",
        "/referrals?skip=4294967295",
    ] {
        assert_eq!(officer.get(wrong).status, 200, "{wrong}");
    }
}

#[test]
fn who_refers_is_told_that_the_person_refused_and_finds_nothing_chosen() {
    let setting = Setting::new();
    let (worker, case) = setting.case();
    let form = worker.get(&format!("{case}/consents/new"));
    let refused = [
        ("purpose", "police"),
        ("groups", "identity"),
        ("form", "signed"),
        ("agreed", "no"),
        ("agreed_by", "self"),
    ];
    assert_eq!(worker.submit(&form, &format!("{case}/consents"), &refused).status, 303);
    let at = format!("{case}/referrals/identification");
    assert!(worker.get(&at).body.contains("đã được hỏi và không đồng ý"));
    // Which answer is the later one is told by its time.
    setting.served.world.app.clock.advance(1000);
    assert_eq!(
        consent(&worker, &case, "police", &["identity", "legal_status"]).status,
        303
    );
    let page = worker.get(&at).body;
    assert!(!page.contains("đã được hỏi và không đồng ý"), "she has agreed since");
    let (_, identity) = page.split_once("name=\"groups\" value=\"identity\"").unwrap();
    assert!(
        !identity.split('>').next().unwrap().contains("checked"),
        "no group that nobody chose"
    );
}
