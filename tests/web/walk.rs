//! The people of the walk and the ways in which they act: forms on pages, nothing else.

use donghanh::domain::role::Role;

use crate::browser::{Answer, Browser, Served};
use crate::support::Staff;

/// A member of staff of an organisation.
pub fn person(served: &Served, org: &str, role: Role) -> Staff {
    served.world.staff(org, role)
}

/// Everybody who takes part.
pub struct Cast {
    pub worker: Staff,
    pub supervisor: Staff,
    pub officer: Staff,
    pub liaison: Staff,
}

impl Cast {
    pub fn new(served: &Served) -> Self {
        let world = &served.world;
        for (code, kind) in [("TGPL-2", "legal_aid_centre"), ("CA-2", "police"), ("CA-3", "police")] {
            donghanh::operations::accounts::add_organisation(
                &world.app.writer,
                &world.app.keyring,
                code,
                kind,
                "Tổ chức mẫu",
            )
            .unwrap();
        }
        Self {
            worker: world.staff("XA-A", Role::SocialWorker),
            supervisor: world.staff("XA-A", Role::Supervisor),
            officer: world.staff("TGPL", Role::LegalAidOfficer),
            liaison: world.staff("CA", Role::Liaison),
        }
    }
}

/// Opens a case and gives its address.
pub fn take_in(worker: &Browser<'_>, fields: &[(&str, &str)]) -> String {
    let form = worker.get("/intakes/new");
    let answer = worker.submit(&form, "/intakes", fields);
    assert_eq!(answer.status, 303, "{}", answer.body);
    answer.location.unwrap().replace("?saved=1", "")
}

/// Opens the form of a part and sends it with these answers.
pub fn save(browser: &Browser<'_>, address: &str, fields: &[(&str, &str)]) -> Answer {
    let mut form = browser.get(address);
    let mut sent = fields.to_vec();
    if form.body.contains(&format!("action=\"{address}/opening\"")) {
        let asked = [("purpose", "protection"), ("confirmed", "yes")];
        form = browser.submit(&form, &format!("{address}/opening"), &asked);
        sent.extend(asked);
    }
    assert_eq!(form.status, 200, "{address}: {}", form.body);
    let version = form.hidden("version");
    sent.push(("version", &version));
    browser.submit(&form, address, &sent)
}

/// The address of the first form or link of a page that starts and ends like this.
pub fn address(page: &Answer, start: &str, end: &str) -> String {
    page.body
        .split('"')
        .find(|quoted| quoted.starts_with(start) && quoted.ends_with(end) && quoted.len() > start.len() + end.len())
        .unwrap_or_else(|| panic!("no {start}…{end} in {}", page.body))
        .to_owned()
}

/// The address of the first step of a kind that the page of the case shows.
pub fn step(page: &Answer, case: &str, kind: &str) -> String {
    let start = format!("{case}/steps/{kind}/");
    let ids = page.body.split('"').filter_map(|quoted| quoted.strip_prefix(&start));
    let id = ids
        .map(|rest| rest.split('/').next().unwrap())
        .find(|id| id.len() == 26);
    format!(
        "{start}{}",
        id.unwrap_or_else(|| panic!("no {start}… in {}", page.body))
    )
}

/// What the buttons of a step say was shown; empty when the page has none.
pub fn seen(page: &Answer, at: &str) -> String {
    let form = page
        .body
        .split_once(&format!("action=\"{at}/state\""))
        .map_or("", |(_, form)| form);
    let seen = form.split_once("name=\"seen\" value=\"").map_or("", |(_, seen)| seen);
    seen.split('"').next().unwrap_or_default().to_owned()
}

/// Presses a button of a step on the page of its case.
pub fn press(browser: &Browser<'_>, case: &str, kind: &str, verb: &str) -> Answer {
    let page = browser.get(case);
    let at = step(&page, case, kind);
    let seen = seen(&page, &at);
    let mut fields = vec![("verb", verb), ("seen", seen.as_str())];
    fields.extend((verb == "return").then_some(("reason", "missing_document")));
    browser.submit(&page, &format!("{at}/state"), &fields)
}

/// Records a consent.
pub fn consent(worker: &Browser<'_>, case: &str, purpose: &str, groups: &[&str]) -> Answer {
    let form = worker.get(&format!("{case}/consents/new"));
    let mut fields = vec![
        ("purpose", purpose),
        ("agreed", "yes"),
        ("form", "signed"),
        ("agreed_by", "self"),
    ];
    fields.extend(groups.iter().map(|group| ("groups", *group)));
    worker.submit(&form, &format!("{case}/consents"), &fields)
}

/// Sends a referral under the newest consent for it.
pub fn refer(worker: &Browser<'_>, case: &str, kind: &str, to: &str, groups: &[&str]) -> Answer {
    let at = format!("{case}/referrals/{kind}");
    let form = worker.get(&at);
    let mut fields = vec![("to", to), ("category", "advice")];
    let consent = form
        .body
        .split_once("name=\"consent\" value=\"")
        .map(|(_, rest)| rest[..26].to_owned());
    match &consent {
        Some(consent) => fields.push(("consent", consent)),
        None => fields.push(("basis", "crime_prevention")),
    }
    fields.extend(groups.iter().map(|group| ("groups", *group)));
    worker.submit(&form, &at, &fields)
}

/// Adds a file to a group of a case.
pub fn attach(browser: &Browser<'_>, case: &str, fields: &[(&str, &str)], file: (&str, &[u8])) -> Answer {
    let at = format!("{case}/attachments");
    let form = browser.get(&at);
    assert_eq!(form.status, 200, "{}", form.body);
    browser.upload(&form, &at, fields, file)
}

/// Asks for an act that takes two persons.
pub fn order(supervisor: &Browser<'_>, case: &str, kind: &str, basis: &str) -> Answer {
    let at = format!("{case}/orders/{kind}");
    let form = supervisor.get(&at);
    supervisor.submit(&form, &at, &[("basis", basis), ("reason", "Lý do mẫu")])
}

/// The receiver takes the first new referral on; gives its address.
pub fn accept(receiver: &Browser<'_>) -> String {
    let at = address(&receiver.get("/referrals"), "/referrals/", "");
    let page = receiver.get(&at);
    let answer = receiver.submit(&page, &format!("{at}/answer"), &[("answer", "accept")]);
    assert_eq!(answer.status, 303, "{}", answer.body);
    at
}

/// A case on its way, by the ids in its addresses.
pub struct Case {
    pub id: String,
    pub support: String,
    pub referral: String,
    pub request: String,
    pub spare_referral: String,
    /// Sent to `CA-3` and not answered.
    pub waiting: String,
    pub spare_consent: String,
    pub order: String,
    pub file: String,
}

fn last(address: &str) -> String {
    address.rsplit('/').next().unwrap().to_owned()
}

impl Case {
    /// A case whose referral to the centre and whose request to the police are accepted.
    pub fn referred_and_accepted(served: &Served, cast: &Cast) -> Self {
        let worker = served.signed_in(&cast.worker);
        let case = take_in(&worker, &[("alias", "Hoa Mẫu"), ("danger", "high")]);
        let listed = ["identity", "risk", "needs", "legal_aid"];
        assert_eq!(
            save(
                &worker,
                &format!("{case}/groups/legal_aid"),
                &[("legal_question", "câu hỏi")]
            )
            .status,
            303
        );
        assert_eq!(
            save(&worker, &format!("{case}/steps/support/new"), &[("regime", "medical")]).status,
            303
        );
        assert_eq!(consent(&worker, &case, "statistics", &["risk"]).status, 303);
        let spare = address(&worker.get(&case), &format!("{case}/consents/"), "/withdrawal");
        let for_police = ["identity", "risk", "needs", "legal_status"];
        assert_eq!(consent(&worker, &case, "police", &for_police).status, 303);
        assert_eq!(consent(&worker, &case, "legal_aid", &listed).status, 303);
        assert_eq!(refer(&worker, &case, "legal_aid", "TGPL", &listed).status, 303);
        assert_eq!(
            refer(&worker, &case, "identification", "CA", &["identity", "risk", "needs"]).status,
            303
        );
        let referral = accept(&served.signed_in(&cast.officer));
        let request = accept(&served.signed_in(&cast.liaison));
        assert_eq!(
            refer(&worker, &case, "identification", "CA-2", &["identity"]).status,
            303
        );
        let open = || {
            let page = worker.get(&case);
            let at = format!("{case}/withdrawals/");
            let found: Vec<String> = page
                .body
                .split('"')
                .filter(|quoted| quoted.starts_with(&at))
                .map(last)
                .collect();
            found
        };
        let before = open();
        assert_eq!(
            refer(&worker, &case, "identification", "CA-3", &["identity"]).status,
            303
        );
        let waiting = open().into_iter().find(|id| !before.contains(id)).unwrap();
        let supervisor = served.signed_in(&cast.supervisor);
        assert_eq!(order(&supervisor, &case, "erasure", "person_asked").status, 303);
        let order = address(&supervisor.get("/orders"), "/orders/", "");
        let added = attach(&worker, &case, &[("group", "risk")], ("mau.pdf", b"%PDF-1.7 x"));
        assert_eq!(added.status, 303, "{}", added.body);
        let files = worker.get(&format!("{case}/attachments"));
        let file = address(&files, &format!("{case}/attachments/"), "");
        let page = worker.get(&case);
        let known = [last(&referral), last(&request)];
        Self {
            support: last(&step(&page, &case, "support")),
            spare_referral: before.into_iter().find(|id| !known.contains(id)).unwrap(),
            waiting,
            spare_consent: last(spare.trim_end_matches("/withdrawal")),
            order: last(&order),
            file: last(&file),
            id: last(&case),
            referral: last(&referral),
            request: last(&request),
        }
    }
}

/// The newest entry of a kind.
pub fn entry(served: &Served, kind: &str) -> ledger::log::entry::Entry {
    let entries = served.world.entries();
    entries
        .into_iter()
        .rev()
        .find(|entry| entry.k == kind)
        .unwrap_or_else(|| panic!("no {kind} in the log"))
}

/// A conclusion has its grounds, its deciding body and, for a victim, its document.
pub const CONCLUSION: [(&str, &str); 4] = [
    ("conclusion", "victim"),
    ("grounds", "rescuing_body"),
    ("deciding_body", "provincial_police"),
    ("status_document", "police_confirmation"),
];
pub const NOT_VICTIM: [(&str, &str); 3] = [
    ("conclusion", "not_victim"),
    ("grounds", "own_statement"),
    ("deciding_body", "provincial_police"),
];

/// A house with the people who work on a case.
pub struct Setting {
    pub served: Served,
    pub cast: Cast,
}

impl Setting {
    pub fn new() -> Self {
        let served = Served::start();
        let cast = Cast::new(&served);
        Self { served, cast }
    }

    pub fn case(&self) -> (Browser<'_>, String) {
        let worker = self.served.signed_in(&self.cast.worker);
        let case = take_in(&worker, &[("alias", "Hoa Mẫu"), ("danger", "high")]);
        (worker, case)
    }

    /// A case whose referral to the centre waits.
    pub fn referred(&self) -> (Browser<'_>, String) {
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
