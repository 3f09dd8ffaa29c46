//! The auditor's page: who saw what, when, why, and what was refused.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};

use crate::domain::case_number;
use crate::domain::codes::{
    BASIS, CodeList, ERASURE_BASIS, HANDOVER_BASIS, HOLD_BASIS, REDACTION_BASIS, REJECTION, RELEASE_BASIS,
    RETURN_REASON,
};
use crate::domain::field::{Typed, typed};
use crate::domain::step::Kind as Step;
use crate::operations::export_log::{Export, export_log};
use crate::operations::password::canonical_code;
use crate::operations::search_log::{Lines, OF_THE_HOUSE, Query, SearchLogError, search_log};
use crate::operations::verify_log::verify_log;
use crate::web::ctx::Ctx;
use crate::web::error::PageError;
use crate::web::form::Submission;
use crate::web::i18n::Wording;
use crate::web::page::Page;
use crate::web::{time, urls};
use ledger::log::entry::{Entry, SUCCESSION};

/// Lines of the log and the filter that found them.
#[derive(Serialize)]
pub struct Index {
    filter: Asked,
    faults: Vec<(&'static str, &'static str)>,
    lines: Vec<Line>,
    shard: i64,
    older: Option<String>,
    by_kind: Vec<(String, usize, usize)>,
    nouns: &'static [&'static str],
    /// Message key of the one kind that the filter names, when it names one.
    only: Option<String>,
}

/// The filter as typed.
#[derive(Serialize, Deserialize, Default, Clone)]
#[serde(default)]
pub struct Asked {
    case: String,
    actor: String,
    kind: String,
    from: String,
    until: String,
    refused: String,
    before: String,
}

#[derive(Serialize, Clone)]
struct Line {
    index: u64,
    at: String,
    at_machine: String,
    kind: String,
    kind_key: String,
    /// The log with lines of this kind only.
    same_kind: String,
    actor: String,
    /// Whether no member of staff acted.
    nobody: bool,
    role: Option<String>,
    org: Option<String>,
    cases: Vec<String>,
    groups: Vec<String>,
    /// Slot and shares for an entry about keys, the order, or the file.
    keys: Vec<String>,
    purpose: Option<String>,
    refused: bool,
    /// Each with whether this version has words for it.
    policies: Vec<(String, bool)>,
    /// Message key of what was refused, or why.
    why: Option<String>,
    /// Message key of the act that the work did not allow.
    tried: Option<String>,
    /// Message key of the basis.
    basis: Option<String>,
    count: usize,
}

/// Case numbers of one line that the page shows; the export has all.
const MOST_CASES: usize = 5;
/// Nouns that the filter offers: the beginning of a kind.
const NOUNS: [&str; 29] = [
    "case",
    "group",
    "list",
    "version",
    "deadline",
    "draft",
    "companion",
    "identification",
    "rescue",
    "protection",
    "support",
    "visit",
    "closure",
    "reopening",
    "consent",
    "attachment",
    "referral",
    "order",
    "hold",
    "matter",
    "advice",
    "auth",
    "act",
    "log",
    "account",
    "organisation",
    "key",
    "backup",
    "sys",
];

impl Page for Index {
    const TEMPLATE: &'static str = "log/index.html";

    fn samples() -> Vec<Self> {
        let line = |refused| Line {
            index: 12,
            at: time::shown(0),
            at_machine: time::machine(0),
            kind: "case.view".to_owned(),
            kind_key: kind_key("case.view"),
            same_kind: format!("{}?kind=case.view", urls::LOG),
            actor: "NV-MAU0-0001".to_owned(),
            nobody: false,
            role: Some("social_worker".to_owned()),
            org: Some("UBND-MAU".to_owned()),
            cases: vec!["DH-2026-7K3F9Q-2".to_owned()],
            groups: vec!["identity".to_owned(), "risk".to_owned()],
            keys: vec!["share-2".to_owned()],
            purpose: Some("case_work".to_owned()),
            refused,
            policies: vec![
                ("worker-own-case".to_owned(), true),
                ("of-another-version".to_owned(), false),
            ],
            why: refused.then(|| "act-view".to_owned()),
            tried: refused.then(|| kind_key("support.approve")),
            basis: refused.then(|| "basis-consent".to_owned()),
            count: 1,
        };
        let page = |lines: Vec<Line>| Self {
            filter: Asked {
                case: "DH-2026-7K3F9Q-2".to_owned(),
                refused: "1".to_owned(),
                ..Asked::default()
            },
            faults: if lines.is_empty() {
                vec![("case", "fault-no-such-case"), ("from", "fault-no-such-day")]
            } else {
                vec![]
            },
            by_kind: vec![("case".to_owned(), 2, 100), ("auth".to_owned(), 1, 50)],
            nouns: &NOUNS,
            only: (!lines.is_empty()).then(|| kind_key("case.view")),
            lines,
            shard: 2026,
            older: Some("/log?before=1".to_owned()),
        };
        vec![page(vec![]), page(vec![line(false), line(true)])]
    }
}

/// `GET /log`
pub async fn index(ctx: Ctx, query: web::Query<Asked>) -> Result<HttpResponse, PageError> {
    let asked = query.into_inner();
    let (query, faults) = parse(&asked, ctx.wording());
    if !faults.is_empty() {
        return nothing(&ctx, asked, faults).await;
    }
    match search_log(ctx.app(), &ctx.actor, query).await {
        Ok(lines) => ctx.logged_page(&lines.index, &show(asked, vec![], &lines)),
        Err(SearchLogError::NoSuchCase) => nothing(&ctx, asked, vec![("case", "fault-no-such-case")]).await,
        Err(SearchLogError::NoSuchStaff) => nothing(&ctx, asked, vec![("actor", "fault-no-such-staff")]).await,
        Err(error) => Err(error.into()),
    }
}

/// The filter is refused; the page still counts as a reading.
async fn nothing(
    ctx: &Ctx,
    asked: Asked,
    faults: Vec<(&'static str, &'static str)>,
) -> Result<HttpResponse, PageError> {
    let none = Query {
        before: Some(0),
        ..Query::default()
    };
    let lines = search_log(ctx.app(), &ctx.actor, none).await?;
    ctx.page_with(
        StatusCode::UNPROCESSABLE_ENTITY,
        Some(&lines.index),
        &show(asked, faults, &lines),
    )
}

fn parse(asked: &Asked, wording: &Wording) -> (Query, Vec<(&'static str, &'static str)>) {
    let mut faults = Vec::new();
    let some = |text: &str| (!text.trim().is_empty()).then(|| text.trim().to_owned());
    let case_number = some(&asked.case).and_then(|text| {
        let number = case_number::parse(&text);
        if number.is_none() {
            faults.push(("case", "fault-no-such-case"));
        }
        number
    });
    let kind = some(&asked.kind);
    let known = |kind: &str| match kind.strip_suffix('.') {
        Some(noun) => NOUNS.contains(&noun),
        None => wording.has(&kind_key(kind)),
    };
    if !kind.as_deref().is_none_or(known) {
        faults.push(("kind", "fault-not-in-list"));
    }
    let mut day = |name, text: &str, add: i64| {
        some(text).and_then(|text| {
            let start = time::day_start(&text);
            if start.is_none() {
                faults.push((name, "fault-no-such-day"));
            }
            start.map(|start| start + add)
        })
    };
    let from_ms = day("from", &asked.from, 0);
    let until_ms = day("until", &asked.until, 86_400_000);
    if from_ms.zip(until_ms).is_some_and(|(from, until)| from >= until) {
        faults.push(("until", "fault-until-before-from"));
    }
    let query = Query {
        case_number,
        actor: some(&asked.actor).map(|code| {
            let own = OF_THE_HOUSE.into_iter().find(|own| *own == code.to_lowercase());
            own.map_or_else(|| canonical_code(&code), str::to_owned)
        }),
        kind,
        from_ms,
        until_ms,
        refused: asked.refused == "1",
        before: asked.before.parse().ok(),
    };
    (query, faults)
}

fn show(filter: Asked, faults: Vec<(&'static str, &'static str)>, found: &Lines) -> Index {
    let short = |entry| {
        let mut line = line(entry, found);
        line.cases.truncate(MOST_CASES);
        line
    };
    let mut lines: Vec<Line> = found.entries.iter().map(short).collect();
    for line in &mut lines {
        line.same_kind = address(&filter, &line.kind, None);
    }
    let last = found.entries.last().map(|entry| entry.i);
    let older = last
        .filter(|_| found.more)
        .map(|last| address(&filter, &filter.kind, Some(last)));
    Index {
        by_kind: by_kind(&found.entries),
        nouns: &NOUNS,
        only: (filter.kind.contains('.') && !filter.kind.ends_with('.') && faults.is_empty())
            .then(|| kind_key(&filter.kind)),
        filter,
        faults,
        lines,
        shard: found.shard,
        older,
    }
}

/// The log under the same filter, but of this kind, and before this line.
fn address(filter: &Asked, kind: &str, before: Option<u64>) -> String {
    let before = before.map(|index| index.to_string()).unwrap_or_default();
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in [
        ("case", filter.case.as_str()),
        ("actor", &filter.actor),
        ("kind", kind),
        ("from", &filter.from),
        ("until", &filter.until),
        ("refused", &filter.refused),
        ("before", &before),
    ] {
        if !value.is_empty() {
            query.append_pair(name, value);
        }
    }
    format!("{}?{}", urls::LOG, query.finish())
}

/// How many lines of each kind are on the page, with the width of its bar in per cent of the longest.
fn by_kind(entries: &[Entry]) -> Vec<(String, usize, usize)> {
    let mut counts: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    for entry in entries {
        let noun = entry.k.split('.').next().unwrap_or_default();
        *counts.entry(noun).or_default() += 1;
    }
    let most = counts.values().copied().max().unwrap_or(1);
    counts
        .into_iter()
        .map(|(noun, count)| (noun.to_owned(), count, count * 100 / most))
        .collect()
}

fn line(entry: &Entry, found: &Lines) -> Line {
    let mut cases: Vec<String> = entry
        .h
        .listed()
        .iter()
        .filter_map(|handle| found.numbers.get(handle).cloned())
        .collect();
    cases.sort_unstable();
    cases.dedup();
    let mut groups = entry.g.clone();
    groups.extend(entry.w.iter().map(|write| write.g.clone()));
    // What a referral or a consent is about, and what was asked for when it was refused.
    match entry.k.as_str() {
        "referral.send" | "referral.accept" | "referral.reject" | "referral.close" | "referral.withdraw" => {
            groups.extend(entry.f.clone());
        }
        kind if kind.starts_with("consent.") => groups.extend(entry.f.clone()),
        // A step that goes on touches no value of its group.
        kind if kind.split('.').next().is_some_and(|noun| Step::parse(noun).is_some()) => {
            groups.extend(entry.f.clone())
        }
        "case.refuse" => groups.extend(entry.f.iter().skip(1).cloned()),
        _ => {}
    }
    groups.sort_unstable();
    groups.dedup();
    // Files are named behind the kind; a list names too many.
    let files: Vec<String> = groups.extract_if(.., |name| name.contains('/')).collect();
    Line {
        index: entry.i,
        at: time::shown(entry.t),
        at_machine: time::machine(entry.t),
        kind: entry.k.clone(),
        kind_key: kind_key(&entry.k),
        same_kind: format!("{}?kind={}", urls::LOG, entry.k),
        actor: entry.a.clone(),
        nobody: OF_THE_HOUSE.contains(&entry.a.as_str()),
        role: entry.role.clone(),
        org: entry.org.clone(),
        count: cases.len(),
        cases,
        groups,
        keys: if ["key.", "order.", "version.", "case.hand_over"]
            .iter()
            .any(|noun| entry.k.starts_with(noun))
        {
            // A key that names its successor is for the verifier, not for eyes.
            let shown = entry.f.iter().filter(|field| !field.starts_with(SUCCESSION));
            shown.cloned().collect()
        } else if entry.k == "attachment.list" {
            Vec::new()
        } else {
            files
                .into_iter()
                .filter(|name| name.starts_with("attachment/"))
                .collect()
        },
        purpose: entry.p.clone(),
        refused: entry.d.first().is_some_and(|word| word == "deny"),
        policies: entry
            .d
            .iter()
            .skip(1)
            .map(|policy| (policy.clone(), has_words(policy)))
            .collect(),
        why: match entry.k.as_str() {
            "case.decline" => entry.f.first().cloned(),
            "case.refuse" => entry.f.first().map(|action| format!("act-{action}")),
            _ => None,
        },
        tried: entry
            .f
            .get(1)
            .filter(|_| entry.k == "case.decline")
            .map(|kind| kind_key(kind)),
        basis: entry.basis.as_ref().map(|basis| basis_key(basis)),
    }
}

/// A log can be older than the policies of this version.
fn has_words(policy: &str) -> bool {
    const POLICIES: &str = include_str!("../../policy/policies.cedar");
    policy == "error" || POLICIES.contains(&format!("@id(\"{policy}\")"))
}

/// A code of the law or of a rejection; everything else is the public id of a consent.
fn basis_key(basis: &str) -> String {
    let of = |list: CodeList| list.find(basis).map(|code| format!("code-{}-{code}", list.name));
    [
        BASIS,
        REJECTION,
        RETURN_REASON,
        ERASURE_BASIS,
        HANDOVER_BASIS,
        HOLD_BASIS,
        RELEASE_BASIS,
        REDACTION_BASIS,
    ]
    .into_iter()
    .find_map(of)
    .unwrap_or_else(|| "basis-consent".to_owned())
}

fn kind_key(kind: &str) -> String {
    format!("kind-{}", kind.replace('.', "-"))
}

/// The outcome of *verify*.
#[derive(Serialize)]
pub struct Verification {
    sound: bool,
    size: u64,
    root: String,
    bad_index: Option<u64>,
    checkpoint: Option<String>,
}

impl Page for Verification {
    const TEMPLATE: &'static str = "log/verification.html";

    fn samples() -> Vec<Self> {
        vec![
            Self {
                sound: true,
                size: 1200,
                root: "ab".repeat(32),
                bad_index: None,
                checkpoint: Some("donghanh/00/2026\n1200\n…\n".to_owned()),
            },
            Self {
                sound: false,
                size: 0,
                root: String::new(),
                bad_index: Some(7),
                checkpoint: None,
            },
            Self {
                sound: false,
                size: 0,
                root: String::new(),
                bad_index: None,
                checkpoint: None,
            },
        ]
    }
}

/// `POST /log/verification`
pub async fn verify(submission: Submission) -> Result<HttpResponse, PageError> {
    let (ctx, _) = submission.verified()?;
    let verified = verify_log(ctx.app(), &ctx.actor).await?;
    let page = match &verified.outcome {
        Ok(sound) => Verification {
            sound: true,
            size: sound.size,
            root: ledger::vault::associated::hex(&sound.root),
            bad_index: None,
            checkpoint: verified.checkpoint,
        },
        Err(bad) => {
            tracing::error!(index = bad.index, what = %bad.what, "the log does not verify");
            Verification {
                sound: false,
                size: 0,
                root: String::new(),
                bad_index: bad.index,
                checkpoint: None,
            }
        }
    };
    ctx.logged_page(&verified.index, &page)
}

/// `POST /log/export`
pub async fn export(submission: Submission) -> Result<HttpResponse, PageError> {
    let (ctx, sent) = submission.verified()?;
    let asked = asked(&sent);
    let (query, faults) = parse(&asked, ctx.wording());
    if !faults.is_empty() {
        return nothing(&ctx, asked, faults).await;
    }
    let Export { pages, index } = match export_log(ctx.app(), &ctx.actor, query).await {
        Err(SearchLogError::NoSuchCase) => return nothing(&ctx, asked, vec![("case", "fault-no-such-case")]).await,
        Err(SearchLogError::NoSuchStaff) => return nothing(&ctx, asked, vec![("actor", "fault-no-such-staff")]).await,
        exported => exported?,
    };
    let mut csv = String::from(
        "\u{feff}index,time,kind,actor,role,organisation,cases,groups,purpose,basis,decision,reason,policies,keys\r\n",
    );
    for page in &pages {
        for entry in &page.entries {
            let line = line(entry, page);
            let decision = if line.refused { "deny" } else { "allow" };
            let cells = [
                format!("{}/{}", page.shard, line.index),
                line.at_machine,
                line.kind,
                line.actor,
                line.role.unwrap_or_default(),
                line.org.unwrap_or_default(),
                line.cases.join(" "),
                line.groups.join(" "),
                line.purpose.unwrap_or_default(),
                entry.basis.clone().unwrap_or_default(),
                decision.to_owned(),
                line.why.unwrap_or_default(),
                entry.d.iter().skip(1).cloned().collect::<Vec<_>>().join(" "),
                line.keys.join(" "),
            ];
            csv.push_str(&cells.map(|cell| cell_of(&cell)).join(","));
            csv.push_str("\r\n");
        }
    }
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((header::CONTENT_DISPOSITION, "attachment; filename=\"access-log.csv\""))
        .insert_header(("X-Log-Index", index))
        .body(csv))
}

/// RFC 4180, and no cell that a spreadsheet takes for a formula.
fn cell_of(text: &str) -> String {
    let text = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

fn asked(form: &Typed) -> Asked {
    let field = |name| typed(form, name).next().unwrap_or_default().to_owned();
    Asked {
        case: field("case"),
        actor: field("actor"),
        kind: field("kind"),
        from: field("from"),
        until: field("until"),
        refused: field("refused"),
        before: String::new(),
    }
}
