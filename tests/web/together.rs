//! Two people, two buttons, two sendings: nothing is lost and nothing is done twice.

use donghanh::domain::role::Role;
use donghanh::operations::accounts;
use donghanh::operations::release_cases::release_cases;
use donghanh::storage::connection::AnyConnection;

use crate::browser::{Answer, Browser};
use crate::walk::{Setting, accept, address, entry, person, save, step, take_in};

#[test]
fn the_case_of_a_worker_who_left_waits_for_a_colleague_who_takes_it() {
    let setting = Setting::new();
    let (served, world) = (&setting.served, &setting.served.world);
    let (worker, case) = setting.case();
    let helper = person(served, "XA-A", Role::SocialWorker);
    let colleague = served.signed_in(&helper);
    assert_eq!(
        colleague.get(&case).status,
        404,
        "a case that somebody has is hers alone"
    );
    let code = &setting.cast.worker.secrets.code;
    let plane = || {
        let address = world.app.config.key_plane_address(world.data.path());
        AnyConnection::open(&address, false).unwrap()
    };
    let release = || {
        let (writer, keyring) = (&world.app.writer, &world.app.keyring);
        release_cases(&mut world.connection(), &mut plane(), writer, keyring, code)
    };
    assert!(release().is_err(), "not while she works here");
    accounts::disable(&world.app.writer, &world.app.keyring, code).unwrap();
    assert_eq!(release().unwrap(), 1);
    assert_eq!(release().unwrap(), 0, "done twice it does nothing");
    assert_eq!(worker.get(&case).status, 303, "she is signed out");

    let released = entry(served, "case.release");
    assert!(
        released.a == "operator" && released.h.listed().len() == 1,
        "the case is named in the log"
    );
    assert!(colleague.get("/cases").body.contains("Chưa phân công"));
    let page = colleague.get(&case);
    assert!(page.status == 200 && page.body.contains("Nhận hồ sơ này"));
    let edit = colleague.submit(
        &page,
        &format!("{case}/groups/notes"),
        &[("version", "0"), ("text", "x")],
    );
    assert_eq!(edit.status, 404, "seen, not changed");
    let other = served.signed_in(&person(served, "XA-A", Role::SocialWorker));
    let late = other.get(&case);
    let taken = colleague.submit(&page, &format!("{case}/assignment"), &[]);
    assert_eq!((taken.status, taken.location.as_deref()), (303, Some(case.as_str())));
    let take = entry(served, "case.take");
    assert_eq!(
        (take.a.as_str(), take.p.as_deref()),
        (helper.secrets.code.as_str(), Some("take"))
    );
    assert_eq!(
        save(&colleague, &format!("{case}/groups/notes"), &[("text", "tiếp tục")]).status,
        303
    );
    assert_eq!(
        other.submit(&late, &format!("{case}/assignment"), &[]).status,
        404,
        "somebody was quicker"
    );
    assert!(world.log_is_whole());
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
    assert_eq!(draft.status, 303);
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
fn a_colleague_who_saved_without_a_change_takes_nothing_from_who_saves_after_her() {
    let setting = Setting::new();
    let (worker, case) = setting.case();
    let supervisor = setting.served.signed_in(&setting.cast.supervisor);
    let needs = format!("{case}/groups/needs");
    let (mine, theirs) = (worker.get(&needs), supervisor.get(&needs));
    let fields = |page: &Answer| [("version", page.hidden("version")), ("base", page.hidden("base"))];
    let send = |browser: &Browser<'_>, page: &Answer, more: &[(&str, &str)]| {
        let hidden = fields(page);
        let mut all: Vec<(&str, &str)> = hidden.iter().map(|(name, value)| (*name, value.as_str())).collect();
        all.extend_from_slice(more);
        browser.submit(page, &needs, &all)
    };
    assert_eq!(send(&supervisor, &theirs, &[]).status, 303);
    let saved = send(&worker, &mine, &[("wishes", "điều tôi vừa gõ")]);
    assert_eq!(saved.status, 303, "{}", saved.body);
    assert!(worker.get(&case).body.contains("điều tôi vừa gõ"));
}

#[test]
fn two_people_at_one_machine_send_the_same_page_and_nothing_breaks() {
    let setting = Setting::new();
    let (worker, case) = setting.case();
    let supervisor = setting.served.signed_in(&setting.cast.supervisor);
    let notes = format!("{case}/groups/notes");
    let form = worker.get(&notes);
    let draft = form.hidden("draft");
    assert_eq!(
        worker
            .submit(&form, &notes, &[("version", "0"), ("text", "của người trước")])
            .status,
        303
    );
    let page = supervisor.get(&notes);
    let sent = [("version", "1"), ("text", "của người sau"), ("draft", draft.as_str())];
    assert_eq!(supervisor.submit(&page, &notes, &sent).status, 303);
    assert!(worker.get(&case).body.contains("của người sau"));
}
