//! `kill -9` under load: no acknowledged write is lost, nothing was released without an entry.

use std::collections::HashMap;
use std::time::Duration;

use ledger::log::entry::Entry;

use crate::process::{Browser, House, block_on};

const ROUNDS: usize = 20;

/// What one client saw, kept by itself.
#[derive(Default)]
struct OwnLedger {
    /// Cases whose creation was acknowledged, with the alias that was typed and the entry that was named.
    written: HashMap<String, (String, String)>,
    /// What was released, each page with the entry that it names.
    released: Vec<Released>,
}

/// A page that showed a case.
struct Released {
    /// `X-Log-Index`.
    index: String,
    case: String,
    body: [u8; 32],
}

#[test]
fn twenty_kills_under_load_lose_no_acknowledged_write_and_release_nothing_unlogged() {
    let house = House::new();
    let (worker, supervisor) = (house.user("social_worker"), house.user("supervisor"));
    // One session of each survives all restarts; recovery codes are for the first sign-in only.
    let mut cookies = None;
    let mut ledger = OwnLedger::default();
    for round in 0..ROUNDS {
        let running = house.serve();
        let address = running.address.clone();
        block_on(async {
            if cookies.is_none() {
                let browser = Browser::sign_in(&address, &worker, 0).await;
                let reader = Browser::sign_in(&address, &supervisor, 0).await;
                cookies = Some((browser.client, reader.client));
            }
            let (writer, reader) = cookies.clone().unwrap();
            let delay = Duration::from_millis(60 + u64::try_from(round * 37 % 240).unwrap());
            let killer = async {
                tokio::time::sleep(delay).await;
                running.kill();
            };
            let write = |number: usize| {
                let browser = Browser {
                    client: writer.clone(),
                    address: address.clone(),
                };
                async move { write_until_the_end(&browser, &format!("Mẫu {round}-{number}")).await }
            };
            let read = Browser {
                client: reader,
                address: address.clone(),
            };
            let (_, first, second, third, seen) =
                tokio::join!(killer, write(0), write(1), write(2), read_until_the_end(&read));
            for written in [first, second, third] {
                ledger.written.extend(written);
            }
            ledger.released.extend(seen);
        });
        assert!(house.run(&["log", "verify"]).status.success(), "round {round}");
    }
    assert!(
        ledger.written.len() >= ROUNDS,
        "the load was real: {}",
        ledger.written.len()
    );
    assert!(
        ledger.released.len() >= ROUNDS,
        "the load was real: {}",
        ledger.released.len()
    );

    let running = house.serve();
    let address = running.address.clone();
    block_on(async {
        let (client, _) = cookies.clone().unwrap();
        let browser = Browser { client, address };
        for (case, (alias, _)) in &ledger.written {
            let page = browser.get(case).await.unwrap();
            assert!(page.status == 200 && page.body.contains(alias), "lost: {case} {alias}");
        }
    });
    running.kill();
    let bundle = house.folder.path().join("bundle");
    house.ok(&["log", "export", bundle.to_str().unwrap()]);
    let lines = std::fs::read_to_string(bundle.join("entries.jsonl")).unwrap();
    let entries: Vec<Entry> = lines
        .lines()
        .map(|line| Entry::parse(line.as_bytes()).unwrap())
        .collect();
    let reader = supervisor["code"].as_str().unwrap();
    compare(&ledger.released, &entries, reader);
    let author = worker["code"].as_str().unwrap();
    let mut named = std::collections::HashSet::new();
    for (_, index) in ledger.written.values() {
        let index: usize = index.split_once('/').unwrap().1.parse().unwrap();
        assert_eq!(
            (entries[index].k.as_str(), entries[index].a.as_str()),
            ("case.create", author),
            "{index}"
        );
        assert!(named.insert(index), "two acknowledged writes under one entry: {index}");
    }
    assert_eq!(
        entries.iter().filter(|entry| entry.k == "sys.start").count(),
        ROUNDS + 1
    );
}

/// Each page that was released has an entry of its own, of its reader and of its case alone.
fn compare(released: &[Released], entries: &[Entry], reader: &str) {
    let (mut bodies, mut handles) = (HashMap::new(), HashMap::new());
    for page in released {
        let (_, index) = page.index.split_once('/').unwrap();
        let index: usize = index.parse().unwrap();
        let entry = &entries[index];
        assert!(
            (entry.k.as_str(), entry.d[0].as_str(), entry.a.as_str()) == ("case.view", "allow", reader),
            "released without its entry: {index}"
        );
        // Two pages under one entry would be a release that nobody recorded; each carries a token of its own.
        assert!(
            bodies.insert(index, page.body).is_none(),
            "released twice under one entry: {index}"
        );
        // A case is known in the log by its handle alone, the same each time.
        let handle = entry.h.listed()[0].clone();
        let known = handles.entry(page.case.clone()).or_insert_with(|| handle.clone());
        assert_eq!(*known, handle, "the entry of another case: {index}");
    }
    let different: std::collections::HashSet<&[u8; 32]> = bodies.values().collect();
    assert_eq!(different.len(), released.len());
    let cases: std::collections::HashSet<&String> = handles.values().collect();
    assert_eq!(cases.len(), handles.len(), "two cases under one handle");
}

async fn write_until_the_end(browser: &Browser, alias: &str) -> Vec<(String, (String, String))> {
    let mut written = Vec::new();
    for number in 0_usize.. {
        let alias = format!("{alias}-{number}");
        let Ok(form) = browser.get("/intakes/new").await else {
            break;
        };
        if form.status != 200 {
            break;
        }
        let Ok(answer) = browser.submit(&form, "/intakes", &[("alias", alias.clone())]).await else {
            break;
        };
        if let (303, Some(case), Some(index)) = (answer.status, answer.location, answer.index) {
            written.push((case.replace("?saved=1", ""), (alias, index)));
        }
    }
    written
}

async fn read_until_the_end(browser: &Browser) -> Vec<Released> {
    let mut seen = Vec::new();
    loop {
        let Ok(list) = browser.get("/cases").await else {
            return seen;
        };
        let cases: Vec<String> = list
            .body
            .split("href=\"/cases/")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap().to_owned())
            .collect();
        for case in cases.iter().filter(|case| case.len() == 26) {
            let Ok(page) = browser.get(&format!("/cases/{case}")).await else {
                return seen;
            };
            if page.status == 200 {
                // A page that shows a case without naming its entry would be a release outside the log.
                seen.push(Released {
                    index: page.index.unwrap(),
                    case: case.clone(),
                    body: ledger::sha256(page.body.as_bytes()),
                });
            }
        }
    }
}
