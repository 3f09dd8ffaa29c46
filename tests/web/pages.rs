//! Every page from its samples, in both languages, twice, with equal bytes; every message there and used.

use std::collections::BTreeSet;

use donghanh::domain::attachment::{Carries, Fault};
use donghanh::domain::codes;
use donghanh::domain::group::Group;
use donghanh::domain::part::Part;
use donghanh::domain::purpose::PURPOSES;
use donghanh::domain::refusal::Why;
use donghanh::domain::role::Role;
use donghanh::domain::step::{Kind, MOVES, State};
use donghanh::domain::{order, public_id::PublicId, referral};
use donghanh::web::case_file::CaseFile;
use donghanh::web::error::ErrorPage;
use donghanh::web::i18n::{Locale, Wording};
use donghanh::web::page::{Frame, Page, Pages};
use donghanh::web::pages::{
    attachments, cases, consents, home, inbox, intakes, log, orders, parts, referrals, requests, session, unsealing,
    versions,
};
use donghanh::web::token::FormToken;

fn frames() -> Vec<Frame> {
    let token = FormToken {
        request: "AAAA".into(),
        expires: 1,
        mac: "AAAA".into(),
        whose: Some("AAAA".into()),
    };
    let visitor = Frame {
        lang: "vi",
        other_lang: "en",
        path: "/".into(),
        token: Some(token),
        plain: true,
        ..Frame::default()
    };
    let signed_in = |role: Role| Frame {
        role: Some(role.code()),
        staff: Some("NV-MAU0-0001".into()),
        org: Some("XA-MAU".into()),
        nav: vec![
            ("/cases", "nav-cases", true),
            ("/intakes/new", "nav-new-intake", false),
            ("/log", "nav-log", false),
        ],
        ..visitor.clone()
    };
    let mut frames: Vec<Frame> = Role::ALL.into_iter().map(signed_in).collect();
    frames.push(visitor);
    frames
}

fn renders<P: Page>(pages: &Pages) -> usize {
    let mut count = 0;
    for locale in Locale::ALL {
        for sample in P::samples() {
            for frame in frames() {
                let first = pages
                    .render(locale, &frame, &sample)
                    .unwrap_or_else(|place| panic!("{} {locale:?}: {place}", P::TEMPLATE));
                assert_eq!(first, pages.render(locale, &frame, &sample).unwrap(), "{}", P::TEMPLATE);
                let text = String::from_utf8(first).unwrap();
                assert!(!text.contains("{{") && !text.contains("<script>"), "{}", P::TEMPLATE);
                count += 1;
            }
        }
    }
    count
}

#[test]
fn every_page_renders_in_both_languages_twice_with_equal_bytes() {
    let pages = Pages::load().unwrap();
    let rendered = [
        renders::<ErrorPage>(&pages),
        renders::<attachments::Index>(&pages),
        renders::<CaseFile>(&pages),
        renders::<cases::index::Index>(&pages),
        renders::<cases::show::Show>(&pages),
        renders::<consents::New>(&pages),
        renders::<home::Home>(&pages),
        renders::<inbox::Index>(&pages),
        renders::<inbox::Show>(&pages),
        renders::<intakes::New>(&pages),
        renders::<log::Index>(&pages),
        renders::<log::Verification>(&pages),
        renders::<orders::Index>(&pages),
        renders::<orders::New>(&pages),
        renders::<orders::Show>(&pages),
        renders::<parts::Edit>(&pages),
        renders::<parts::Opening>(&pages),
        renders::<referrals::New>(&pages),
        renders::<requests::Outcome>(&pages),
        renders::<session::Resume>(&pages),
        renders::<session::SignIn>(&pages),
        renders::<unsealing::Unsealing>(&pages),
        renders::<versions::Versions>(&pages),
    ];
    assert!(rendered.iter().all(|count| *count >= 20));
    let templates = walk("templates")
        .into_iter()
        .filter(|path| !path.contains("/layouts/") && !path.contains("/components/"))
        .count();
    assert_eq!(templates, rendered.len(), "a template without a page in this list");
}

fn walk(folder: &str) -> Vec<String> {
    let root = format!("{}/{folder}", env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut open = vec![std::path::PathBuf::from(root)];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path)
            } else {
                found.push(path.to_string_lossy().into_owned())
            }
        }
    }
    found
}

fn keys(locale: Locale) -> BTreeSet<String> {
    locale
        .sources()
        .iter()
        .flat_map(|source| source.lines())
        .filter_map(|line| line.split_once(" = ").map(|(key, _)| key.to_owned()))
        .filter(|key| !key.starts_with([' ', '#']))
        .collect()
}

/// Keys that are put together from states, moves and reasons of the work.
fn built_by_the_work() -> BTreeSet<String> {
    let mut built = BTreeSet::new();
    for step in MOVES {
        built.insert(format!("kind-{}-{}", step.kind.name(), step.verb));
        built.insert(format!("move-{}", step.verb));
    }
    built.extend(State::ALL.map(|state| format!("state-{}", state.code())));
    for kind in referral::Kind::ALL {
        built.insert(format!("referral-{}", kind.name()));
        built.insert(format!("refer-{}", kind.name()));
    }
    built.extend(referral::State::ALL.map(|state| format!("referral-state-{}", state.code())));
    built.extend(Why::ALL.map(|why| why.message().to_owned()));
    built.extend(
        [
            "reception",
            "identification",
            "rescue",
            "protection",
            "support",
            "legal_aid",
            "reintegration",
        ]
        .map(|stage| format!("stage-{stage}")),
    );
    built.extend(["none", "waiting", "running", "done"].map(|state| format!("stage-is-{state}")));
    built.extend(["given", "refused", "withdrawn"].map(|state| format!("consent-{state}")));
    built.extend(
        ["purpose", "uses", "statistics", "own", "kept", "withdraw", "refuse"]
            .map(|told| format!("consent-told-{told}")),
    );
    built.extend(["yes", "no"].map(|answer| format!("consent-answer-{answer}")));
    let policies = include_str!("../../src/policy/policies.cedar");
    built.extend(
        policies
            .split("@id(\"")
            .skip(1)
            .map(|rest| format!("policy-{}", rest.split('"').next().unwrap())),
    );
    built.extend(
        [
            "policy-error",
            "actor-system",
            "actor-operator",
            "actor-custodian",
            "actor-unknown",
        ]
        .map(str::to_owned),
    );
    built.extend(
        [
            "view",
            "history",
            "edit",
            "reveal",
            "take",
            "approve",
            "refer",
            "pick_up",
            "report",
            "hold",
            "order",
            "agree",
            "see_order",
        ]
        .map(|act| format!("act-{act}")),
    );
    built
}

/// Keys that are put together from kinds and states of orders.
fn built_by_orders() -> BTreeSet<String> {
    let mut built = BTreeSet::from(["group-log_note".to_owned()]);
    for kind in order::Kind::ALL {
        built.insert(format!("purpose-{}", kind.name()));
        built.insert(format!("order-agree-help-{}", kind.name()));
    }
    for asked in order::Kind::ALL.map(order::Kind::name).into_iter().chain(["hold"]) {
        built.extend(["kind", "help", "send"].map(|what| format!("order-{what}-{asked}")));
    }
    built.extend(order::State::ALL.map(|state| format!("order-state-{}", state.code())));
    built
}

/// Purposes that no form asks for.
const PURPOSES_OF_THE_HOUSE: [&str; 17] = [
    "intake",
    "audit",
    "own_draft",
    "sign_in",
    "inbox",
    "take",
    "list",
    "reveal",
    "read_log",
    "export_log",
    "verify_log",
    "list_orders",
    "passphrase",
    "file",
    "custodians",
    "duty",
    "pkcs11",
];

/// Keys that are put together from codes.
fn built() -> BTreeSet<String> {
    let mut built = BTreeSet::new();
    for list in codes::ALL {
        built.extend(list.codes.iter().map(|code| format!("code-{}-{code}", list.name)));
    }
    built.extend(Group::in_use().map(|group| format!("group-{}", group.name())));
    let id = PublicId([0; 16]);
    let steps = Kind::ALL.map(|kind| Part::Step(kind, None));
    let records = [Part::Matter(id), Part::Advice(id), Part::Consent(id)];
    for part in Group::with_section().map(Part::Group).chain(steps).chain(records) {
        built.extend(part.fields().iter().map(|field| format!("field-{}", field.name)));
    }
    for part in steps.into_iter().chain(records) {
        built.insert(format!("part-{}", part.name()));
    }
    for part in steps.into_iter().chain([Part::Matter(id), Part::Advice(id)]) {
        built.insert(format!("add-{}", part.name()));
        built.insert(format!("kind-{}-save", part.name()));
        built.insert(format!("noun-{}", part.name()));
    }
    built.extend(built_by_the_work());
    built.extend(PURPOSES.map(|purpose| format!("purpose-{purpose}")));
    built.extend(Role::ALL.map(|role| format!("role-{}", role.code())));
    for code in [
        "TN_THONG_BAO_SYT",
        "XM_BAN_DAU",
        "TE_CAN_THIEP",
        "XM_TIEP_NHAN",
        "TGPL_TRA_LOI",
        "TGPL_CU_NGUOI",
        "visit",
    ] {
        built.insert(format!("deadline-{code}"));
    }
    built.extend(["overdue", "due", "ok", "met", "unmet"].map(|state| format!("clock-{state}")));
    built.extend(["not_asked", "unknown", "declined"].map(|state| format!("answer-{state}")));
    built.extend(["group-draft", "field-met_on", "field-note"].map(str::to_owned));
    built.extend(Fault::ALL.map(|fault| fault.message().to_owned()));
    built.extend(Carries::ALL.map(|what| what.message().to_owned()));
    built.extend(built_by_orders());
    // Kinds, nouns and purposes that operations write into the log.
    let sources: String = walk("src")
        .iter()
        .filter(|path| path.ends_with(".rs"))
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    for kind in quoted(&sources).filter(|text| is_kind(text)) {
        built.insert(format!("kind-{}", kind.replace('.', "-")));
        built.insert(format!("noun-{}", kind.split('.').next().unwrap()));
    }
    built.extend(PURPOSES_OF_THE_HOUSE.map(|purpose| format!("purpose-{purpose}")));
    built.extend(
        ["length", "syllable", "row", "version", "stranger", "throttled", "wrong"]
            .map(|fault| format!("unsealing-fault-{fault}")),
    );
    let names = [
        "conflict",
        "content-type",
        "encoding",
        "expired",
        "busy",
        "internal",
        "unavailable",
        "unknown",
        "forged",
        "foreign",
        "unreadable",
        "signed-out",
        "not-found",
        "no-keys",
        "throttled",
        "too-large",
        "refused",
        "sealed",
    ];
    built.extend(
        names
            .iter()
            .flat_map(|name| [format!("error-{name}-title"), format!("error-{name}-help")]),
    );
    built.extend(
        ["line", "when", "who", "what", "cases", "groups", "why", "decision"].map(|column| format!("log-{column}")),
    );
    built.extend(["case", "actor", "kind", "from", "until", "refused"].map(|name| format!("filter-{name}")));
    built
}

fn quoted(source: &str) -> impl Iterator<Item = &str> {
    source.split('"').skip(1).step_by(2)
}

fn is_kind(text: &str) -> bool {
    const NOUNS: [&str; 21] = [
        "version",
        "attachment",
        "backup",
        "order",
        "hold",
        "identification",
        "visit",
        "consent",
        "referral",
        "deadline",
        "case",
        "group",
        "list",
        "draft",
        "auth",
        "act",
        "log",
        "account",
        "organisation",
        "key",
        "sys",
    ];
    text.split_once('.').is_some_and(|(noun, verb)| {
        NOUNS.contains(&noun) && !verb.is_empty() && verb.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    })
}

#[test]
fn both_languages_have_the_same_messages_and_each_is_used() {
    assert_eq!(keys(Locale::Vi), keys(Locale::En));
    let mut used = built();
    for path in walk("templates") {
        let text = std::fs::read_to_string(path).unwrap();
        used.extend(
            text.split("t(key=\"")
                .skip(1)
                .filter_map(|rest| rest.split('"').next())
                .filter(|key| !key.ends_with('-'))
                .map(str::to_owned),
        );
    }
    for path in walk("src").iter().filter(|path| path.ends_with(".rs")) {
        let text = std::fs::read_to_string(path).unwrap();
        used.extend(
            quoted(&text)
                .filter(|key| {
                    [
                        "fault-",
                        "nav-",
                        "open-",
                        "referral-",
                        "consent-",
                        "edit-",
                        "group-sent",
                        "group-saved",
                        "timeline-",
                        "clock-l",
                        "next-",
                        "state-concluded",
                        "step-reason",
                        "basis-",
                        "order-",
                        "guard-",
                    ]
                    .iter()
                    .any(|family| key.starts_with(family))
                        && !key.contains('{')
                })
                .map(str::to_owned),
        );
    }
    let there = keys(Locale::Vi);
    let missing: Vec<_> = used.difference(&there).collect();
    let unused: Vec<_> = there.difference(&used).collect();
    assert!(missing.is_empty(), "add to locales/: {missing:?}");
    assert!(unused.is_empty(), "no page uses: {unused:?}");
}

#[test]
fn a_message_takes_the_same_values_in_both_languages() {
    let values = |locale: Locale| {
        let mut found: std::collections::BTreeMap<String, BTreeSet<String>> = std::collections::BTreeMap::new();
        for source in locale.sources() {
            let mut message = String::new();
            for line in source.lines() {
                if let Some((key, _)) = line.split_once(" =").filter(|_| !line.starts_with([' ', '#'])) {
                    message = key.to_owned();
                }
                let names = line.split('$').skip(1);
                let names = names.map(|rest| {
                    rest.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
                        .next()
                        .unwrap()
                        .to_owned()
                });
                found.entry(message.clone()).or_default().extend(names);
            }
        }
        found.retain(|_, names| !names.is_empty());
        found
    };
    assert!(values(Locale::Vi).len() > 20);
    assert_eq!(values(Locale::Vi), values(Locale::En));
}

#[test]
fn vietnamese_has_its_diacritics() {
    let wording = Wording::load(Locale::Vi).unwrap();
    assert_eq!(wording.text("quick-exit"), "Thoát nhanh");
    let plain: Vec<String> = keys(Locale::Vi)
        .into_iter()
        .filter(|key| !key.starts_with("code-age_band") && !["language-other", "product"].contains(&key.as_str()))
        .filter(|key| {
            let source = Locale::Vi.sources().join("\n");
            let line = source
                .lines()
                .find(|line| line.starts_with(&format!("{key} = ")))
                .unwrap()
                .to_owned();
            line.split_once(" = ").unwrap().1.is_ascii()
        })
        .collect();
    // Words that have no diacritics in Vietnamese.
    let allowed = [
        "code-sex-male",
        "code-danger-high",
        "log-who",
        "clock-due",
        "log-cases",
        "code-channel-police",
        "code-relation-child",
        "code-relation-sibling",
        "code-risk_level-high",
    ];
    let wrong: Vec<_> = plain.iter().filter(|key| !allowed.contains(&key.as_str())).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}
