//! The clocks of a case: from which day they count, how they are met, and how a mistake is taken back.

use donghanh::domain::role::Role;

use crate::browser::{Browser, Served};
use crate::walk::{press, save, take_in};

const HEALTH: &str = "TN_THONG_BAO_SYT";

fn worker(served: &Served) -> Browser<'_> {
    served.signed_in(&served.world.staff("XA-A", Role::SocialWorker))
}

fn meet(worker: &Browser<'_>, case: &str, clock: &str, day: &str) -> crate::browser::Answer {
    let page = worker.get(case);
    worker.submit(&page, &format!("{case}/deadlines/{clock}"), &[("met_on", day)])
}

fn resume(worker: &Browser<'_>, case: &str, clock: &str) -> crate::browser::Answer {
    let page = worker.get(case);
    worker.submit(&page, &format!("{case}/deadlines/{clock}/resumption"), &[])
}

#[test]
fn a_case_entered_days_later_counts_from_the_day_on_which_the_person_came() {
    let served = Served::start();
    let worker = worker(&served);
    let case = take_in(&worker, &[("alias", "Hoa Mẫu"), ("age_band", "14_15")]);
    let origin = format!("{case}/groups/origin");
    assert_eq!(save(&worker, &origin, &[("received_on", "26/02/2026")]).status, 303);
    let page = worker.get(&case).body;
    assert!(
        page.contains("hết ngày 26/02/2026") && page.contains("Quá hạn"),
        "{page}"
    );
    assert!(page.contains("2026-02-26T12:00"), "the clock of a child, too");
    assert!(page.contains("tính từ 0 giờ ngày 26/02/2026"), "nobody said an hour");
    worker.get("/language/en");
    let english = worker.get(&case).body;
    assert!(english.contains("Decree 56/2017") && !english.contains("Nghị định 56"));
    worker.get("/language/vi");

    // A correction counts again, and a month is no day.
    assert_eq!(save(&worker, &origin, &[("received_on", "28/02/2026")]).status, 303);
    assert!(!worker.get(&case).body.contains("2026-02-27T00:00"));
    assert_eq!(save(&worker, &origin, &[("received_on", "01/2026")]).status, 303);
    let later = save(&worker, &origin, &[("received_on", "01/01/2027")]);
    assert_eq!(later.status, 422);
    assert!(later.body.contains("Ngày này chưa tới") && later.body.contains("01/01/2027"));
}

#[test]
fn today_counts_what_is_overdue_due_and_new_and_puts_it_in_that_order() {
    let served = Served::start();
    let staff = served.world.staff("XA-A", Role::SocialWorker);
    let first = served.signed_in(&staff);
    let number = |browser: &Browser<'_>, case: &str| {
        let page = browser.get(case).body;
        page[page.find("DH-").unwrap()..][..16].to_owned()
    };
    let day = 86_400_000;
    // Nothing of it is due any more.
    let calm = take_in(&first, &[("alias", "Một")]);
    assert_eq!(meet(&first, &calm, HEALTH, "").status, 303);
    assert_eq!(meet(&first, &calm, "XM_BAN_DAU", "").status, 303);
    let overdue = take_in(&first, &[("alias", "Hai")]);
    served.world.app.clock.advance(2 * day);
    let second = served.signed_in(&staff);
    let new = take_in(&second, &[("alias", "Ba")]);
    served.world.app.clock.advance(60_000);
    let list = second.get("/cases").body;
    assert!(list.contains("Quá hạn: 1 · Sắp đến hạn: 1 · Mới: 1"), "{list}");
    let place = |case: &str| list.find(&number(&second, case)).unwrap();
    assert!(place(&overdue) < place(&new) && place(&new) < place(&calm));
}

#[test]
fn a_notice_given_on_an_earlier_day_starts_the_next_clock_on_that_day() {
    let served = Served::start();
    let worker = worker(&served);
    let case = take_in(&worker, &[("alias", "Hoa Mẫu")]);
    let origin = format!("{case}/groups/origin");
    assert_eq!(save(&worker, &origin, &[("received_on", "20/02/2026")]).status, 303);
    let before = meet(&worker, &case, HEALTH, "19/02/2026");
    assert_eq!(before.status, 422, "at the field, on the page of the case");
    assert!(before.body.contains("trước khi thời hạn bắt đầu"));
    for (typed, message) in [
        ("31/02/2026", "chưa ghi đủ ngày, tháng, năm. Ví dụ: 05/03/2026"),
        ("02/2026", "ghi đủ ngày, tháng, năm"),
        ("01/01/2027", "Ngày này chưa tới"),
    ] {
        let answer = meet(&worker, &case, HEALTH, typed);
        assert_eq!(answer.status, 422, "{typed}");
        assert!(answer.body.contains(message), "{typed}: {message}");
        assert!(answer.body.contains(&format!("value=\"{typed}\"")), "{typed} stays");
    }
    assert_eq!(meet(&worker, &case, HEALTH, "21/02/2026").status, 303);
    assert!(worker.get(&case).body.contains("hết ngày 24/02/2026"));
}

#[test]
fn a_clock_met_by_mistake_runs_on_and_what_followed_it_goes() {
    let served = Served::start();
    let worker = worker(&served);
    let case = take_in(&worker, &[("alias", "Hoa Mẫu")]);
    assert_eq!(resume(&worker, &case, HEALTH).status, 409, "it runs");
    assert_eq!(meet(&worker, &case, HEALTH, "").status, 303);
    assert!(worker.get(&case).body.contains("Xác minh thông tin ban đầu"));
    assert_eq!(resume(&worker, &case, HEALTH).status, 303);
    let page = worker.get(&case).body;
    assert!(!page.contains("Xác minh thông tin ban đầu") && page.contains("Đã làm xong"));
    let entries = served.world.entries();
    let resumed = entries.iter().find(|entry| entry.k == "deadline.resume").unwrap();
    assert_eq!(
        (resumed.f.as_slice(), resumed.h.listed().len()),
        ([HEALTH.to_owned()].as_slice(), 1)
    );

    // What was built on it is not pulled away.
    assert_eq!(meet(&worker, &case, HEALTH, "").status, 303);
    assert_eq!(meet(&worker, &case, "XM_BAN_DAU", "").status, 303);
    assert_eq!(resume(&worker, &case, HEALTH).status, 409);
    assert_eq!(resume(&worker, &case, "XM_BAN_DAU").status, 303);
    assert_eq!(resume(&worker, &case, HEALTH).status, 303);
}

#[test]
fn a_child_known_by_the_date_of_birth_starts_the_clock_of_child_protection() {
    let served = Served::start();
    let worker = worker(&served);
    let case = take_in(&worker, &[("alias", "Bé Mẫu")]);
    let identity = format!("{case}/groups/identity");
    assert_eq!(save(&worker, &identity, &[("birth", "01/03/1990")]).status, 303);
    assert!(!worker.get(&case).body.contains("deadlines/TE_CAN_THIEP"));
    assert_eq!(save(&worker, &identity, &[("birth", "2010")]).status, 303);
    assert!(worker.get(&case).body.contains("deadlines/TE_CAN_THIEP"));
}

#[test]
fn a_case_that_ended_shows_what_was_still_owed_and_takes_nothing() {
    let served = Served::start();
    let worker = worker(&served);
    let supervisor = served.signed_in(&served.world.staff("XA-A", Role::Supervisor));
    let case = take_in(&worker, &[("alias", "Hoa Mẫu")]);
    let closure = format!("{case}/steps/closure/new");
    assert_eq!(save(&worker, &closure, &[("closing_reason", "moved_away")]).status, 303);
    assert_eq!(press(&supervisor, &case, "closure", "approve").status, 303);
    let page = worker.get(&case).body;
    assert!(page.contains("Chưa làm khi hồ sơ kết thúc") && !page.contains("/deadlines/"));
    let form = worker.get(&format!("{case}/groups/identity")).body;
    assert!(
        !form.contains("name=\"alias\"") && form.contains("Hoa Mẫu"),
        "it is shown, not asked"
    );
    assert!(
        worker
            .get(&format!("{case}/steps/reopening/new"))
            .body
            .contains("name=\"reopening_reason\"")
    );
}
