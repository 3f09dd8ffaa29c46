//! Every route × every role × own and foreign, generated from the list of routes: a new route without a row fails.

use std::collections::BTreeSet;

use donghanh::domain::group::{Class, Group};
use donghanh::domain::part::Part;
use donghanh::domain::role::Role;
use donghanh::domain::step::Kind;
use donghanh::web::routes::{Decided, ROUTES, Route};

use crate::browser::{Browser, Served};
use crate::walk::{Case, person};

/// Who may, per action of the policies; everybody else gets the same page as for something that does not exist.
fn expected(route: &Route, role: Role, standing: Standing) -> bool {
    // A supervisor stands to all cases of her unit, a custodian to all orders.
    let own = standing == Standing::Own || standing == Standing::Near && role == Role::Supervisor;
    if route.action == "pick_up" && standing == Standing::Near && role == Role::Liaison {
        // She reads what waits for her and answers; there is nothing to close yet, and the page says so.
        return true;
    }
    let works = own && matches!(role, Role::SocialWorker | Role::Supervisor);
    let centre = own && role == Role::LegalAidOfficer;
    let receives = own && matches!(role, Role::LegalAidOfficer | Role::Liaison);
    match route.action {
        "list" => matches!(role, Role::SocialWorker | Role::Supervisor),
        "inbox" => matches!(role, Role::LegalAidOfficer | Role::Liaison),
        "intake" => role == Role::SocialWorker,
        "read_log" | "verify_log" | "export_log" => role == Role::Auditor,
        // The case has its worker already.
        "take" => false,
        "view" if route.path.contains("/matters/") => works || centre,
        "view" => works || receives,
        "edit" | "refer" | "history" => works,
        "approve" => own && role == Role::Supervisor,
        "report" => centre,
        "order" | "hold" => own && role == Role::Supervisor,
        "list_orders" => matches!(role, Role::Supervisor | Role::KeyCustodian),
        // A custodian of the keys stands to every order, and to no case.
        "see_order" => role == Role::KeyCustodian || own && role == Role::Supervisor,
        "agree" => role == Role::KeyCustodian,
        "pick_up" => receives,
        "attach" => works || receives,
        other => panic!("no row for the action {other}"),
    }
}

pub fn token(browser: &Browser<'_>) -> crate::browser::Answer {
    // Any page of a signed-in person carries a token.
    ["/cases", "/log", "/referrals", "/orders", "/"]
        .iter()
        .map(|path| browser.get(path))
        .find(|page| page.status == 200)
        .unwrap()
}

/// The organisation in which a role stands to the case.
fn own_org(role: Role) -> &'static str {
    match role {
        Role::LegalAidOfficer => "TGPL",
        Role::Liaison => "CA",
        _ => "XA-A",
    }
}

/// A page without what is new in every form; two answers that say the same are the same bytes.
fn faceless(page: &crate::browser::Answer) -> String {
    let mut pieces = page.body.split("<input type=\"hidden\" name=\"_");
    let mut body = pieces.next().unwrap().to_owned();
    for piece in pieces {
        let (name, rest) = piece.split_once("\" value=\"").unwrap();
        let (_, rest) = rest.split_once('"').unwrap();
        body.push_str(name);
        body.push_str(rest);
    }
    body
}

/// How somebody stands to the case.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Standing {
    /// Works on it, or holds a referral that was accepted.
    Own,
    /// Of the same organisation and not on the case, or of a body that was asked and has not accepted.
    Near,
    /// Of another organisation.
    Foreign,
}

impl Standing {
    const ALL: [Self; 3] = [Self::Own, Self::Near, Self::Foreign];
}

/// Somebody of a role with this standing.
fn somebody<'a>(served: &'a Served, cast: &crate::walk::Cast, role: Role, standing: Standing) -> Browser<'a> {
    let of = |org: &str| served.signed_in(&person(served, org, role));
    match (standing, role) {
        (Standing::Own, Role::SocialWorker) => served.signed_in(&cast.worker),
        (Standing::Near, Role::Liaison) => of("CA-3"),
        // Nothing waits at the second centre: the case gives it one referral, which is accepted.
        (Standing::Near, Role::LegalAidOfficer) => of("TGPL-2"),
        (Standing::Own | Standing::Near, _) => of(own_org(role)),
        (Standing::Foreign, _) => of("XA-B"),
    }
}

/// A group to which a role may add a file.
fn own_group(role: Role) -> &'static str {
    match role {
        Role::LegalAidOfficer => "legal_aid",
        Role::Liaison => "legal_status",
        _ => "risk",
    }
}

/// The addresses of a route for what is there, and for what never was.
pub fn addresses(route: &Route, case: &Case, role: Role, waits: bool) -> (String, String) {
    let fill = |id: &str, step: &str, referral: &str, consent: &str, order: &str, file: &str| {
        let kind = if route.path.contains("/referrals/{kind}") {
            "legal_aid"
        } else if route.path.contains("/orders/{kind}") {
            "erasure"
        } else {
            "support"
        };
        route
            .path
            .replace("{id}", id)
            .replace("{group}", "risk")
            .replace("{kind}", kind)
            .replace("{step}", step)
            .replace("{referral}", referral)
            .replace("{record}", "matter")
            .replace("{consent}", consent)
            .replace("{order}", order)
            .replace("{file}", file)
            .replace("{clock}", "TN_THONG_BAO_SYT")
            .replace("{code}", "vi")
            .replace("{path:.*}", "own.js")
    };
    let referral = match role {
        _ if route.path.contains("/withdrawals/") => &case.spare_referral,
        Role::Liaison if waits => &case.waiting,
        Role::Liaison => &case.request,
        _ => &case.referral,
    };
    let missing = "0".repeat(26);
    (
        fill(
            &case.id,
            &case.support,
            referral,
            &case.spare_consent,
            &case.order,
            &case.file,
        ),
        fill(&missing, &missing, &missing, &missing, &missing, &missing),
    )
}

/// Whether the table of kinds says that this page writes entries of this kind.
fn may_write(address: &str, kind: &str) -> bool {
    let table = include_str!("../../docs/log-kinds.md");
    let row = table.lines().find(|line| line.starts_with(&format!("| `{kind}` |")));
    row.is_some_and(|row| row.ends_with("| anywhere |") || row.contains(&format!("`{address}`")))
}

#[test]
fn every_route_for_every_role_on_own_and_foreign_cases() {
    let served = Served::start();
    let cast = crate::walk::Cast::new(&served);
    let case = Case::referred_and_accepted(&served, &cast);
    let mut rows = 0;
    let mut undocumented = BTreeSet::new();
    for role in Role::ALL {
        for standing in Standing::ALL {
            let browser = somebody(&served, &cast, role, standing);
            for route in ROUTES {
                rows += 1;
                if matches!(route.path, "/sign-in" | "/sign-out" | "/exit") {
                    // They end the session: asked last.
                    continue;
                }
                let (path, hidden) = addresses(route, &case, role, standing == Standing::Near);
                let form = (route.method == "POST").then(|| token(&browser));
                let call = |path: &str| {
                    let Some(form) = &form else {
                        return browser.get(path);
                    };
                    if route.action == "attach" {
                        let fields = [("group", own_group(role))];
                        browser.upload(form, path, &fields, ("mau.pdf", b"%PDF-1.7 x"))
                    } else {
                        let fields = [
                            ("purpose", "case_work"),
                            ("version", "1"),
                            ("confirmed", "yes"),
                            ("verb", "approve"),
                            ("seen", "1"),
                        ];
                        browser.submit(form, path, &fields)
                    }
                };
                let before = served.world.log_size();
                let answer = call(&path);
                let what = format!(
                    "{} {} as {role:?}, {standing:?}: {}",
                    route.method, route.path, answer.status
                );
                assert!(answer.status < 500, "{what}");
                let is_file = [
                    "/static/",
                    "/attachments/{file}",
                    "/certificate",
                    "/export",
                    "/healthz",
                    "/readyz",
                ];
                if !is_file.iter().any(|place| route.path.contains(place)) {
                    crate::browser::is_guarded(&answer, &what);
                }
                let new = served.world.entries_since(before);
                let address = format!("{} {}", route.method, route.path);
                undocumented.extend(
                    new.iter()
                        .filter(|entry| !may_write(&address, &entry.k))
                        .map(|entry| format!("{address}: {}", entry.k)),
                );
                match route.decided {
                    Decided::Public | Decided::Own => continue,
                    Decided::Case | Decided::House => {}
                }
                if expected(route, role, standing) {
                    let good: &[u16] = match route.method {
                        // One that she has accepted leads to its case.
                        "GET" if route.path == "/referrals/{referral}" && standing == Standing::Own => &[303],
                        "GET" => &[200],
                        // Done, or not now, or something is missing: the act itself has its own tests.
                        _ => &[200, 303, 409, 422],
                    };
                    let early = route.path.ends_with("/certificate") && answer.status == 409;
                    assert!(good.contains(&answer.status) || early, "{what}");
                } else {
                    assert_eq!(answer.status, 404, "{what}");
                    let refusals: Vec<_> = new.iter().filter(|entry| entry.k.ends_with(".refuse")).collect();
                    assert_eq!(refusals.len(), 1, "{what}: exactly one refusal is recorded");
                    assert_eq!(refusals[0].d[0], "deny");
                    if route.decided == Decided::Case {
                        let never = call(&hidden);
                        assert_eq!(never.status, 404, "{what}");
                        assert_eq!(
                            faceless(&never),
                            faceless(&answer),
                            "{what}: hidden and missing look the same"
                        );
                    }
                }
            }
            ways_in_and_out(&browser);
        }
    }
    assert!(undocumented.is_empty(), "add to docs/log-kinds.md: {undocumented:#?}");
    assert_eq!(rows, 27 * ROUTES.len());
    assert!(served.world.log_is_whole());
}

/// Whether a role that stands to the case sees a part, and whether it may write it.
fn of_part(part: Part, role: Role) -> (bool, bool) {
    let centre = [Group::Identity, Group::Risk, Group::Needs, Group::LegalAid];
    let police = [Group::Identity, Group::Risk, Group::Needs];
    match (role, part) {
        (Role::SocialWorker | Role::Supervisor, _) => (true, true),
        // What the referral lists, and nothing that is still to be made.
        (Role::LegalAidOfficer, Part::Group(group)) => (centre.contains(&group), false),
        (Role::Liaison, Part::Group(group)) => (police.contains(&group), false),
        // The conclusion is hers to record.
        (Role::Liaison, Part::Step(Kind::Identification, _)) => (true, true),
        _ => (false, false),
    }
}

#[test]
fn every_group_and_every_kind_of_step_for_every_role_on_own_and_foreign_cases() {
    let served = Served::start();
    let cast = crate::walk::Cast::new(&served);
    let case = Case::referred_and_accepted(&served, &cast);
    let steps = Kind::ALL.into_iter().map(|kind| Part::Step(kind, None));
    let parts: Vec<Part> = Group::with_section().map(Part::Group).chain(steps).collect();
    let mut wrong = Vec::new();
    let at = |id: &str, part: Part| match part {
        Part::Group(group) => format!("/cases/{id}/groups/{}", group.name()),
        part => format!("/cases/{id}/steps/{}/new", part.name()),
    };
    let missing = "0".repeat(26);
    for role in Role::ALL {
        for standing in Standing::ALL {
            let browser = somebody(&served, &cast, role, standing);
            let own = standing == Standing::Own || standing == Standing::Near && role == Role::Supervisor;
            for part in &parts {
                let (sees, writes) = if own { of_part(*part, role) } else { (false, false) };
                let place = at(&case.id, *part);
                let what = format!("{place} as {role:?}, {standing:?}");
                let got = browser.get(&place);
                wrong.extend(
                    (got.status != if sees { 200 } else { 404 }).then(|| format!("GET {what}: {}", got.status)),
                );
                // An answer that lacks everything is sent back to whoever may write, and is nothing to anybody else.
                let fields = [
                    ("purpose", "case_work"),
                    ("confirmed", "yes"),
                    ("version", "0"),
                    ("birth", "31/02/1999"),
                ];
                for act in ["", "/draft", "/opening"] {
                    if act == "/opening" && matches!(part, Part::Group(group) if group.class() != Class::S4) {
                        continue;
                    }
                    let allowed = if act == "/opening" { sees } else { writes };
                    let sent = browser.submit(&token(&browser), &format!("{place}{act}"), &fields);
                    assert!(sent.status < 500, "{what}{act}: {}", sent.status);
                    wrong.extend(((sent.status != 404) != allowed).then(|| format!("{what}{act}: {}", sent.status)));
                    if !allowed {
                        let never = browser.submit(&token(&browser), &format!("{}{act}", at(&missing, *part)), &fields);
                        assert_eq!((never.status, faceless(&never)), (404, faceless(&sent)), "{what}{act}");
                    }
                }
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(served.world.log_is_whole());
}

#[test]
fn the_menu_of_every_role_offers_what_the_role_can_open_and_nothing_else() {
    let served = Served::start();
    for role in Role::ALL {
        let browser = served.signed_in(&person(&served, own_org(role), role));
        let menu: &[&str] = match role {
            Role::SocialWorker => &["/cases", "/intakes/new"],
            Role::Supervisor => &["/cases", "/orders"],
            Role::LegalAidOfficer | Role::Liaison => &["/referrals"],
            Role::Auditor => &["/log"],
            Role::KeyCustodian => &["/orders"],
            // Their pages are not built yet.
            Role::Administrator | Role::Analyst | Role::ServiceProvider => &[],
        };
        let home = browser.get("/");
        let first = home.location.clone();
        assert_eq!(
            first.as_deref(),
            menu.first().copied(),
            "{role:?} lands on her first page"
        );
        let page = first.map_or(home, |at| browser.get(&at));
        assert_eq!(page.status, 200, "{role:?}");
        let nav = page
            .body
            .split_once("<nav class=\"dh-nav\"")
            .map_or("", |(_, nav)| nav.split_once("</nav>").unwrap().0);
        let offered: Vec<&str> = nav
            .split("href=\"")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap())
            .collect();
        assert_eq!(offered, menu, "{role:?}");
        for at in menu {
            assert_eq!(browser.get(at).status, 200, "{role:?} {at}");
        }
    }
}

/// The pages of a session for somebody who has one; afterwards she has none.
fn ways_in_and_out(browser: &Browser<'_>) {
    let page = token(browser);
    assert!(matches!(browser.get("/sign-in").status, 200 | 303));
    let wrong = [("code", "NV-XXXX-XXXX"), ("password", "x"), ("second", "000000")];
    assert!(browser.submit(&page, "/sign-in", &wrong).status < 500);
    assert_eq!(browser.submit(&page, "/sign-out", &[]).status, 303);
    assert_eq!(browser.get("/").location.as_deref(), Some("/sign-in"));
    let exit = browser.get("/exit");
    assert!(exit.status == 303 && exit.location.unwrap().starts_with("https://"));
}

#[test]
fn nobody_who_is_not_signed_in_gets_past_the_sign_in_page() {
    let served = Served::start();
    let visitor = served.visitor();
    let id = "0".repeat(26);
    let nowhere = Case {
        id: id.clone(),
        support: id.clone(),
        referral: id.clone(),
        request: id.clone(),
        spare_referral: id.clone(),
        waiting: id.clone(),
        spare_consent: id.clone(),
        order: id.clone(),
        file: id,
    };
    for route in ROUTES.iter().filter(|route| route.decided != Decided::Public) {
        let (path, _) = addresses(route, &nowhere, Role::SocialWorker, false);
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
    // Method and path of every registration, with the names of addresses as `urls` has them.
    let urls = include_str!("../../src/web/urls.rs");
    let constant = |name: &str| {
        let (_, value) = urls.split_once(&format!("pub const {name}: &str = \"")).unwrap();
        value.split('"').next().unwrap().to_owned()
    };
    let found: BTreeSet<(String, String)> = registered
        .split(".route(")
        .skip(1)
        .map(|call| {
            let path = call.split_once(',').unwrap().0.trim();
            let path = match path.strip_prefix("urls::") {
                Some(name) => constant(name),
                None => path.trim_matches('"').to_owned(),
            };
            let method = call
                .split_once("web::")
                .unwrap()
                .1
                .split('(')
                .next()
                .unwrap()
                .to_uppercase();
            (method, path)
        })
        .collect();
    let listed: BTreeSet<(String, String)> = paths
        .into_iter()
        .map(|(method, path)| (method.to_owned(), path.to_owned()))
        .collect();
    assert_eq!(found, listed);
}
