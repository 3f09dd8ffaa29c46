//! What each step of the walk leaves in the log: who, as what, for what, which groups.

use std::collections::BTreeSet;

use crate::browser::Served;
use crate::walk::{CONCLUSION, Case, Cast, press, save};

#[test]
fn every_step_of_the_walk_says_who_did_it_for_what_and_with_which_groups() {
    let served = Served::start();
    let cast = Cast::new(&served);
    let case = Case::referred_and_accepted(&served, &cast);
    let at = format!("/cases/{}", case.id);
    let worker = served.signed_in(&cast.worker);
    let supervisor = served.signed_in(&cast.supervisor);
    let officer = served.signed_in(&cast.officer);
    let liaison = served.signed_in(&cast.liaison);
    for (path, fields) in [
        ("visits".to_owned(), vec![]),
        ("deadlines/TN_THONG_BAO_SYT".to_owned(), vec![]),
        ("deadlines/TN_THONG_BAO_SYT/resumption".to_owned(), vec![]),
        (format!("withdrawals/{}", case.spare_referral), vec![]),
        (format!("consents/{}/withdrawal", case.spare_consent), vec![]),
        ("groups/notes/draft".to_owned(), vec![("version", "0"), ("text", "x")]),
    ] {
        let answer = worker.submit(&worker.get(&at), &format!("{at}/{path}"), &fields);
        assert!(answer.status < 400, "{path}: {}", answer.body);
    }
    drop(worker.get(&format!("{at}/groups/notes")));
    for (path, fields) in [
        ("groups/safety", vec![("safe_phone", "0900000000")]),
        ("steps/protection/new", vec![("measures", "guards")]),
        ("steps/rescue/new", vec![("lead_force", "border_guard")]),
        ("steps/companion/new", vec![("companion_alias", "Bé Mẫu")]),
    ] {
        let answer = save(&worker, &format!("{at}/{path}"), &fields);
        assert_eq!(answer.status, 303, "{path}: {}", answer.body);
    }
    assert_eq!(press(&supervisor, &at, "support", "approve").status, 303);
    assert_eq!(
        save(
            &officer,
            &format!("{at}/matters/{}/matter", case.referral),
            &[
                ("provider_kind", "legal_aid_officer"),
                ("provider_name", "Trợ giúp viên Mẫu"),
                ("assigned_on", "01/03/2026"),
                ("outcome", "completed"),
                ("report", "x")
            ]
        )
        .status,
        303
    );
    assert_eq!(
        save(
            &officer,
            &format!("{at}/matters/{}/advice", case.referral),
            &[("advice", "x")]
        )
        .status,
        303
    );
    assert_eq!(
        save(&liaison, &format!("{at}/steps/identification/new"), &CONCLUSION).status,
        303
    );
    let entries = served.world.entries();
    for (kind, role, purpose, groups) in EXPECTED {
        let of_kind: Vec<_> = entries.iter().filter(|entry| entry.k == *kind).collect();
        assert!(!of_kind.is_empty(), "no {kind} in the log");
        for entry in &of_kind {
            let who = entry.role.as_deref().unwrap_or(&entry.a);
            assert!(role.split(' ').any(|role| role == who), "{kind} by {who}");
            let known = entry
                .p
                .as_deref()
                .is_some_and(|said| purpose.split(' ').any(|purpose| purpose == said));
            assert!(known, "{kind} for {:?}", entry.p);
            let staff = [&cast.worker, &cast.supervisor, &cast.officer, &cast.liaison];
            assert!(
                staff.iter().any(|staff| staff.secrets.code == entry.a),
                "{kind} by {}",
                entry.a
            );
        }
        let touched: BTreeSet<&str> = of_kind
            .iter()
            .flat_map(|entry| {
                let wrote = entry.w.iter().map(|write| write.g.as_str());
                let named = entry.g.iter().chain(&entry.f).map(String::as_str);
                named.chain(wrote).collect::<Vec<_>>()
            })
            .collect();
        for group in groups.split_whitespace() {
            assert!(touched.contains(group), "{kind} names {touched:?} and not {group}");
        }
    }
    let kinds: BTreeSet<&str> = entries.iter().map(|entry| entry.k.as_str()).collect();
    let known: BTreeSet<&str> = EXPECTED.iter().map(|(kind, ..)| *kind).chain(BEFORE_THE_WALK).collect();
    assert_eq!(kinds, known, "every kind of the walk has a row, and every row a step");
}

/// What the operator did before anybody worked.
const BEFORE_THE_WALK: [&str; 3] = ["sys.init", "organisation.add", "account.add"];

/// Kind, who (as roles), for what, and groups that the entries of the kind name between them.
const EXPECTED: &[(&str, &str, &str, &str)] = &[
    (
        "auth.sign_in",
        "social_worker supervisor legal_aid_officer liaison",
        "sign_in",
        "",
    ),
    ("case.create", "social_worker", "intake", "identity origin risk needs"),
    (
        "case.view",
        WHO_OPENS,
        "case_work identification legal_aid protection support supervision",
        "identity risk needs",
    ),
    (
        "group.save",
        "social_worker",
        "case_work protection",
        "legal_aid safety",
    ),
    ("companion.save", "social_worker", "case_work", "family"),
    ("rescue.save", "social_worker", "protection", "origin"),
    ("protection.save", "social_worker", "protection", "shelter"),
    ("support.save", "social_worker", "support", "needs"),
    ("support.approve", "supervisor", "support", "needs"),
    ("visit.plan", "social_worker", "follow_up", "reintegration"),
    ("deadline.meet", "social_worker", "case_work", ""),
    ("deadline.resume", "social_worker", "case_work", ""),
    ("draft.keep", "social_worker", "own_draft", "draft"),
    ("draft.view", "social_worker", "own_draft", "draft"),
    (
        "consent.give",
        "social_worker",
        "case_work",
        "identity risk needs legal_aid legal_status",
    ),
    ("consent.withdraw", "social_worker", "case_work", "risk"),
    (
        "referral.send",
        "social_worker",
        "identification legal_aid",
        "identity risk needs legal_aid",
    ),
    ("referral.list", "legal_aid_officer liaison", "inbox", ""),
    (
        "referral.view",
        "legal_aid_officer liaison",
        "legal_aid identification",
        "",
    ),
    (
        "referral.accept",
        "legal_aid_officer liaison",
        "legal_aid identification",
        "identity risk needs legal_aid",
    ),
    ("referral.withdraw", "social_worker", "identification", "identity"),
    ("matter.save", "legal_aid_officer", "legal_aid", "legal_aid"),
    ("advice.save", "legal_aid_officer", "legal_aid", "privileged"),
    ("identification.conclude", "liaison", "identification", "legal_status"),
    ("attachment.add", "social_worker", "case_work", ""),
    ("attachment.list", "social_worker", "case_work", "risk"),
    ("order.request", "supervisor", "erasure", ""),
    ("order.list", "supervisor", "list_orders", ""),
];
const WHO_OPENS: &str = "social_worker supervisor legal_aid_officer liaison";
