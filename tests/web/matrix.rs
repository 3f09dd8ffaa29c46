//! Every route × every role × own and foreign, generated from the list of routes: a new route without a row fails.

use std::collections::BTreeSet;

use donghanh::domain::role::Role;
use donghanh::web::routes::{Decided, ROUTES};

use crate::browser::{Browser, Served};

/// Who may, per action of the policies; everybody else gets the same page as for something that does not exist.
fn expected(action: &str, role: Role, own: bool) -> bool {
    match action {
        "list" => matches!(role, Role::SocialWorker | Role::Supervisor),
        "intake" => role == Role::SocialWorker,
        "read_log" | "verify_log" | "export_log" => role == Role::Auditor,
        // The case has its worker already.
        "take" => false,
        "view" | "edit" => own && matches!(role, Role::SocialWorker | Role::Supervisor),
        other => panic!("no row for the action {other}"),
    }
}

fn token(browser: &Browser<'_>) -> crate::browser::Answer {
    // Any page of a signed-in person carries a token.
    ["/cases", "/log", "/"]
        .iter()
        .map(|path| browser.get(path))
        .find(|page| page.status == 200)
        .unwrap()
}

#[test]
fn every_route_for_every_role_on_own_and_foreign_cases() {
    let served = Served::start();
    let owner_staff = served.world.staff("XA-A", Role::SocialWorker);
    let owner = served.signed_in(&owner_staff);
    let form = owner.get("/intakes/new");
    let case = owner
        .submit(&form, "/intakes", &[("alias", "Hoa Mẫu")])
        .location
        .unwrap()
        .replace("?saved=1", "");
    let id = case.trim_start_matches("/cases/").to_owned();
    let missing = "0".repeat(26);
    let mut rows = 0;
    for role in Role::ALL {
        for org in ["XA-A", "XA-B"] {
            let own = org == "XA-A";
            let same_person = role == Role::SocialWorker && own;
            let staff = if same_person {
                None
            } else {
                Some(served.world.staff(org, role))
            };
            let browser = served.signed_in(staff.as_ref().unwrap_or(&owner_staff));
            for route in ROUTES {
                if matches!(route.path, "/sign-in" | "/sign-out" | "/exit") {
                    continue;
                }
                rows += 1;
                let path = route
                    .path
                    .replace("{id}", &id)
                    .replace("{group}", "risk")
                    .replace("{code}", "vi")
                    .replace("{clock}", "TN_THONG_BAO_SYT")
                    .replace("{path:.*}", "own.js");
                let hidden = route
                    .path
                    .replace("{id}", &missing)
                    .replace("{group}", "risk")
                    .replace("{clock}", "TN_THONG_BAO_SYT");
                let form = token(&browser);
                let call = |path: &str| {
                    if route.method == "GET" {
                        browser.get(path)
                    } else {
                        browser.submit(
                            &form,
                            path,
                            &[("purpose", "case_work"), ("version", "1"), ("confirmed", "yes")],
                        )
                    }
                };
                let before = served.world.entries();
                let answer = call(&path);
                let what = format!(
                    "{} {} as {role:?} of {org}: {}",
                    route.method, route.path, answer.status
                );
                assert!(answer.status < 500, "{what}");
                match route.decided {
                    Decided::Public | Decided::Own => continue,
                    Decided::Case | Decided::House => {}
                }
                let allowed = expected(route.action, role, own);
                if allowed {
                    assert_ne!(answer.status, 404, "{what}");
                } else {
                    assert_eq!(answer.status, 404, "{what}");
                    let new = &served.world.entries()[before.len()..];
                    let refusals: Vec<_> = new.iter().filter(|entry| entry.k.ends_with(".refuse")).collect();
                    assert_eq!(refusals.len(), 1, "{what}: exactly one refusal is recorded");
                    assert_eq!(refusals[0].d[0], "deny");
                    if route.decided == Decided::Case {
                        let never = call(&hidden);
                        assert_eq!(
                            (never.status, never.body.len()),
                            (404, answer.body.len()),
                            "{what}: hidden and missing look the same"
                        );
                    }
                }
            }
        }
    }
    assert_eq!(rows, 18 * (ROUTES.len() - 4));
    assert!(served.world.log_is_whole());
}

#[test]
fn nobody_who_is_not_signed_in_gets_past_the_sign_in_page() {
    let served = Served::start();
    let visitor = served.visitor();
    for route in ROUTES.iter().filter(|route| route.decided != Decided::Public) {
        let path = route.path.replace("{id}", &"0".repeat(26)).replace("{group}", "risk");
        let answer = if route.method == "GET" {
            visitor.get(&path)
        } else {
            visitor.post(&path, &[("alias", "Hoa Mẫu")])
        };
        let expected = if route.method == "GET" { 303 } else { 401 };
        assert_eq!(answer.status, expected, "{} {}", route.method, route.path);
    }
}

#[test]
fn the_list_of_routes_is_what_is_registered() {
    let source = include_str!("../../src/web/routes.rs");
    let (_, registered) = source.split_once("pub fn routes").unwrap();
    assert_eq!(
        registered.matches(".route(").count(),
        ROUTES.len(),
        "a handler without a row, or a row without a handler"
    );
    let paths: BTreeSet<(&str, &str)> = ROUTES.iter().map(|route| (route.method, route.path)).collect();
    assert_eq!(paths.len(), ROUTES.len());
}
