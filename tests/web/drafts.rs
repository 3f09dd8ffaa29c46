//! Forms about something new in a case keep what is typed as sealed drafts, as every other form does.

use crate::browser::{Answer, Browser};
use crate::walk::{Setting, address, consent, save};

/// Presses “Lưu nháp”, closes the window, and finds the draft from the page of the case.
fn found_again(
    browser: &Browser<'_>,
    case: &str,
    form: &Answer,
    at: &str,
    fields: &[(&str, &str)],
) -> (String, Answer) {
    let kept = browser.submit(form, at, fields);
    assert_eq!(kept.status, 303, "{}", kept.body);
    let link = address(&browser.get(case), &format!("{case}/"), "");
    assert!(
        link.contains("?draft="),
        "the case says that something is typed and not saved: {link}"
    );
    let page = browser.get(&link);
    assert!(page.status == 200 && page.body.contains("bản nháp"), "{}", page.body);
    (link, page)
}

/// How many drafts the page of the case names.
fn drafts(browser: &Browser<'_>, case: &str) -> usize {
    browser.get(case).body.matches("?draft=").count()
}

#[test]
fn a_consent_that_was_typed_and_not_sent_is_found_again() {
    let setting = Setting::new();
    let (worker, case) = setting.case();
    let form = worker.get(&format!("{case}/consents/new"));
    let fields = [
        ("purpose", "legal_aid"),
        ("groups", "identity"),
        ("agreed", "yes"),
        ("explained_in", "tiếng Mông, chị Mẫu dịch"),
    ];
    let (_, page) = found_again(&worker, &case, &form, &format!("{case}/consents/draft"), &fields);
    assert!(page.body.contains("tiếng Mông, chị Mẫu dịch") && page.body.contains("value=\"legal_aid\" selected"));
    assert!(!setting.served.world.database_holds("tiếng Mông"));
    let sent = [fields.as_slice(), &[("form", "signed"), ("agreed_by", "self")]].concat();
    assert_eq!(worker.submit(&page, &format!("{case}/consents"), &sent).status, 303);
    assert_eq!(drafts(&worker, &case), 0, "what was sent is no draft any more");
    // What was refused is kept, too.
    let form = worker.get(&format!("{case}/consents/new"));
    let refused = worker.submit(&form, &format!("{case}/consents"), &fields);
    assert_eq!((refused.status, drafts(&worker, &case)), (422, 1));
    let other = setting.served.signed_in(&setting.cast.supervisor);
    assert_eq!(drafts(&other, &case), 0, "a draft is its author's alone");
}

#[test]
fn a_referral_that_was_chosen_and_not_sent_is_found_again_and_can_be_dropped() {
    let setting = Setting::new();
    let (worker, case) = setting.case();
    assert_eq!(
        consent(&worker, &case, "legal_aid", &["identity", "legal_aid"]).status,
        303
    );
    let at = format!("{case}/referrals/legal_aid");
    let form = worker.get(&at);
    let fields = [("to", "TGPL-2"), ("category", "representation"), ("groups", "identity")];
    let (_, page) = found_again(&worker, &case, &form, &format!("{at}/draft"), &fields);
    assert!(page.body.contains("value=\"TGPL-2\" selected") && page.body.contains("value=\"representation\" selected"));
    let dropped = worker.submit(&page, &format!("{at}/draft"), &[("drop", "yes")]);
    assert_eq!((dropped.status, drafts(&worker, &case)), (303, 0));
    assert!(setting.served.world.kinds().contains(&"draft.drop".to_owned()));
}

#[test]
fn the_reason_of_an_order_is_found_again_and_with_it_the_version_that_is_to_give_way() {
    let setting = Setting::new();
    let (worker, case) = setting.case();
    let notes = format!("{case}/groups/notes");
    for text in ["nhầm", "đúng"] {
        assert_eq!(save(&worker, &notes, &[("text", text)]).status, 303);
    }
    let supervisor = setting.served.signed_in(&setting.cast.supervisor);
    let at = format!("{case}/orders/redaction");
    let form = supervisor.get(&format!("{at}?of=groups%2Fnotes&content=1"));
    assert_eq!(form.status, 200);
    let fields = [
        ("of", "groups/notes"),
        ("content", "1"),
        ("reason", "Lý do đã gõ rất lâu"),
    ];
    let (_, page) = found_again(&supervisor, &case, &form, &format!("{at}/draft"), &fields);
    assert!(page.body.contains("Lý do đã gõ rất lâu") && page.body.contains("Bản 1"));
    let sent = [fields.as_slice(), &[("basis", "wrong_place")]].concat();
    assert_eq!(supervisor.submit(&page, &at, &sent).status, 303);
    assert_eq!(drafts(&supervisor, &case), 0);
    // Whoever may not ask keeps nothing either.
    let token = worker.get(&case);
    assert_eq!(worker.submit(&token, &format!("{at}/draft"), &fields).status, 404);
}
