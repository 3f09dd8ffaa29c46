//! What each step of the walk leaves in the log: who, as what, for what, which groups; nothing more and nothing less.

use std::collections::BTreeSet;

use donghanh::domain::role::Role;

use crate::browser::{Answer, Served};
use crate::walk::{CONCLUSION, Case, Cast, NOT_VICTIM, address, consent, person, press, refer, save, take_in};

fn done(what: &str, answer: &Answer) {
    assert!(answer.status < 400, "{what}: {}", answer.body);
}

/// Everything that is done with a case until its referrals end.
fn first_case(served: &Served, cast: &Cast) {
    let case = Case::referred_and_accepted(served, cast);
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
        done(
            &path,
            &worker.submit(&worker.get(&at), &format!("{at}/{path}"), &fields),
        );
    }
    drop(worker.get(&format!("{at}/groups/notes")));
    for (path, fields) in [
        ("groups/safety", vec![("safe_phone", "0900000000")]),
        ("steps/protection/new", vec![("measures", "guards")]),
        ("steps/rescue/new", vec![("lead_force", "border_guard")]),
        ("steps/companion/new", vec![("companion_alias", "Bé Mẫu")]),
        (
            "steps/visit/new",
            vec![("visited_on", "01/03/2026"), ("visit_form", "home")],
        ),
    ] {
        done(path, &save(&worker, &format!("{at}/{path}"), &fields));
    }
    done("support", &press(&supervisor, &at, "support", "approve"));
    done("support", &press(&worker, &at, "support", "deliver"));
    let matter = [
        ("provider_kind", "legal_aid_officer"),
        ("assigned_on", "01/03/2026"),
        ("outcome", "completed"),
    ];
    done(
        "matter",
        &save(&officer, &format!("{at}/matters/{}/matter", case.referral), &matter),
    );
    let advice = format!("{at}/matters/{}/advice", case.referral);
    done("advice", &save(&officer, &advice, &[("advice", "x")]));
    let page = officer.get(&at);
    done(
        "closing",
        &officer.submit(&page, &format!("/referrals/{}/closing", case.referral), &[]),
    );
    done(
        "conclusion",
        &save(&liaison, &format!("{at}/steps/identification/new"), &CONCLUSION),
    );
    let form = supervisor.get(&format!("{at}/hold"));
    let basis = [("basis", "criminal_proceedings")];
    done("hold", &supervisor.submit(&form, &format!("{at}/hold"), &basis));
}

/// Everything that is done with a case that closes and opens again.
fn second_case(served: &Served, cast: &Cast) {
    let worker = served.signed_in(&cast.worker);
    let supervisor = served.signed_in(&cast.supervisor);
    let officer = served.signed_in(&cast.officer);
    let at = take_in(&worker, &[("alias", "Sương Mẫu")]);
    done(
        "consent",
        &consent(&worker, &at, "legal_aid", &["identity", "legal_aid"]),
    );
    done(
        "referral",
        &refer(&worker, &at, "legal_aid", "TGPL", &["identity", "legal_aid"]),
    );
    let waiting = address(&officer.get("/referrals"), "/referrals/", "");
    let answer = [("answer", "reject"), ("reason", "no_provider")];
    done(
        "rejection",
        &officer.submit(&officer.get(&waiting), &format!("{waiting}/answer"), &answer),
    );
    for (path, fields) in [
        ("steps/identification/new", NOT_VICTIM.to_vec()),
        ("steps/protection/new", vec![("measures", "guards")]),
        ("steps/closure/new", vec![("closing_reason", "not_victim")]),
    ] {
        if path.contains("closure") {
            done("the measure", &press(&worker, &at, "protection", "end"));
            done("return", &press(&supervisor, &at, "identification", "return"));
            let step = crate::walk::step(&worker.get(&at), &at, "identification");
            done("correction", &save(&worker, &step, &NOT_VICTIM));
            done("approval", &press(&supervisor, &at, "identification", "approve"));
        }
        done(path, &save(&worker, &format!("{at}/{path}"), &fields));
    }
    done("closing", &press(&supervisor, &at, "closure", "approve"));
    let reopening = [("reopening_reason", "new_evidence")];
    done(
        "reopening",
        &save(&worker, &format!("{at}/steps/reopening/new"), &reopening),
    );
    let refused = [
        ("purpose", "legal_aid"),
        ("groups", "identity"),
        ("form", "signed"),
        ("agreed", "no"),
        ("agreed_by", "self"),
    ];
    let form = worker.get(&format!("{at}/consents/new"));
    done("refusal", &worker.submit(&form, &format!("{at}/consents"), &refused));
    let names = [("purpose", "case_work")];
    done("names", &worker.submit(&worker.get("/cases"), "/cases/names", &names));
    let stranger = served.signed_in(&person(served, "XA-B", Role::SocialWorker));
    assert_eq!(stranger.get(&at).status, 404);
    done(
        "signing out",
        &stranger.submit(&crate::matrix::token(&stranger), "/sign-out", &[]),
    );
    let auditor = served.signed_in(&person(served, "TTR", Role::Auditor));
    for act in ["/log/verification", "/log/export"] {
        done(act, &auditor.submit(&auditor.get("/log"), act, &[]));
    }
}

#[test]
fn every_step_of_the_walk_says_who_did_it_for_what_and_with_which_groups() {
    let served = Served::start();
    let cast = Cast::new(&served);
    first_case(&served, &cast);
    second_case(&served, &cast);
    let entries = served.world.entries();
    let staff = |code: &str| code.starts_with("NV-");
    let mut found: BTreeSet<String> = BTreeSet::new();
    for entry in entries
        .iter()
        .filter(|entry| !BEFORE_THE_WALK.contains(&entry.k.as_str()))
    {
        assert!(staff(&entry.a), "{} by {}", entry.k, entry.a);
        let named = entry.g.iter().chain(&entry.f).map(String::as_str);
        let touched: BTreeSet<&str> = named.chain(entry.w.iter().map(|write| write.g.as_str())).collect();
        let touched: Vec<&str> = touched.into_iter().map(without_id).collect();
        let role = entry.role.as_deref().unwrap_or_default();
        let purpose = entry.p.as_deref().unwrap_or("-");
        let line = format!("{} | {role} | {purpose} | {}", entry.k, touched.join(" "));
        found.insert(line.trim().to_owned());
    }
    let expected: BTreeSet<String> = EXPECTED.trim().lines().map(|line| line.trim().to_owned()).collect();
    let missing: Vec<&String> = expected.difference(&found).collect();
    let new: Vec<&String> = found.difference(&expected).collect();
    assert!(
        missing.is_empty() && new.is_empty(),
        "missing: {missing:#?}\nnot expected: {new:#?}"
    );
}

/// Files and orders are named by what no other run has.
fn without_id(name: &str) -> &str {
    match name.split_once('/') {
        Some((what, _)) => what,
        None if name.len() == 26 => "(id)",
        None => name,
    }
}

/// What the operator did before anybody worked.
const BEFORE_THE_WALK: [&str; 3] = ["sys.init", "organisation.add", "account.add"];

/// Kind, role, purpose, and every group or field that one entry names.
const EXPECTED: &str = "
    advice.save | legal_aid_officer | legal_aid | privileged
    attachment.add | social_worker | case_work | attachment-record attachment
    attachment.list | social_worker | case_work |
    attachment.list | social_worker | case_work | attachment-record risk
    auth.sign_in | auditor | sign_in |
    auth.sign_in | legal_aid_officer | sign_in |
    auth.sign_in | liaison | sign_in |
    auth.sign_in | social_worker | sign_in |
    auth.sign_in | supervisor | sign_in |
    auth.sign_out | social_worker | - |
    case.create | social_worker | intake | identity needs origin risk
    case.refuse | social_worker | case_work | view
    case.view | legal_aid_officer | legal_aid |
    case.view | legal_aid_officer | legal_aid | identity legal_aid needs privileged risk
    case.view | liaison | identification |
    case.view | social_worker | case_work |
    case.view | social_worker | case_work | family identity legal_aid needs notes origin reintegration risk
    case.view | social_worker | case_work | identity legal_aid needs notes origin risk
    case.view | social_worker | case_work | identity legal_status needs notes origin risk
    case.view | social_worker | follow_up |
    case.view | social_worker | identification |
    case.view | social_worker | identification | legal_status
    case.view | social_worker | legal_aid |
    case.view | social_worker | protection |
    case.view | social_worker | support |
    case.view | supervisor | supervision |
    case.view | supervisor | supervision | family identity legal_aid needs notes origin reintegration risk
    case.view | supervisor | supervision | identity legal_status needs notes origin reintegration risk
    case.view | supervisor | supervision | identity legal_status needs notes origin risk
    closure.approve | supervisor | case_work | reintegration
    closure.save | social_worker | case_work | reintegration
    companion.save | social_worker | case_work | family
    consent.give | social_worker | case_work | identity legal_aid needs notes risk
    consent.give | social_worker | case_work | identity legal_aid notes
    consent.give | social_worker | case_work | identity legal_status needs notes risk
    consent.give | social_worker | case_work | notes risk
    consent.refuse | social_worker | case_work | identity notes
    consent.withdraw | social_worker | case_work | risk
    deadline.meet | social_worker | case_work | TN_THONG_BAO_SYT
    deadline.resume | social_worker | case_work | TN_THONG_BAO_SYT
    draft.keep | social_worker | own_draft | draft
    draft.view | social_worker | own_draft | draft
    group.save | social_worker | case_work | legal_aid
    group.save | social_worker | protection | safety
    hold.place | supervisor | supervision |
    identification.approve | supervisor | identification | legal_status
    identification.conclude | liaison | identification | legal_status
    identification.return | supervisor | identification | legal_status
    identification.save | social_worker | identification | legal_status
    list.reveal | social_worker | case_work | alias full_name identity
    list.view | social_worker | case_work |
    log.export | auditor | audit |
    log.verify | auditor | audit |
    log.view | auditor | audit |
    matter.save | legal_aid_officer | legal_aid | legal_aid
    order.list | supervisor | list_orders |
    order.request | supervisor | erasure | (id)
    protection.end | social_worker | protection | shelter
    protection.save | social_worker | protection | shelter
    referral.accept | legal_aid_officer | legal_aid | identity legal_aid needs privileged risk
    referral.accept | liaison | identification | identity legal_status needs risk
    referral.close | legal_aid_officer | legal_aid | identity legal_aid needs privileged risk
    referral.list | legal_aid_officer | inbox |
    referral.list | liaison | inbox |
    referral.reject | legal_aid_officer | legal_aid | identity legal_aid privileged
    referral.send | social_worker | identification | identity legal_status
    referral.send | social_worker | identification | identity legal_status needs risk
    referral.send | social_worker | legal_aid | identity legal_aid needs privileged risk
    referral.send | social_worker | legal_aid | identity legal_aid privileged
    referral.view | legal_aid_officer | legal_aid |
    referral.view | liaison | identification |
    referral.withdraw | social_worker | identification | identity legal_status
    reopening.save | social_worker | case_work | reintegration
    rescue.save | social_worker | protection | origin
    support.approve | supervisor | support | needs
    support.deliver | social_worker | support | needs
    support.save | social_worker | support | needs
    visit.plan | social_worker | follow_up | reintegration
    visit.save | social_worker | follow_up | reintegration
";
