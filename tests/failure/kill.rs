//! `kill -9` under load: no acknowledged write is lost, nothing was released without an entry.

use std::collections::HashMap;
use std::time::Duration;

use ledger::log::entry::Entry;

use crate::process::{Browser, House, block_on};

const ROUNDS: usize = 20;

/// What one client saw, kept by itself.
#[derive(Default)]
struct OwnLedger {
    /// Cases whose creation was acknowledged, with the alias that was typed.
    written: HashMap<String, String>,
    /// Index of the entry and what was released under it.
    released: Vec<(String, [u8; 32])>,
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
        for (case, alias) in &ledger.written {
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
    for (index, _) in &ledger.released {
        let (_, index) = index.split_once('/').unwrap();
        let entry = &entries[index.parse::<usize>().unwrap()];
        assert!(
            entry.k == "case.view" && entry.d[0] == "allow",
            "released without its entry: {index}"
        );
    }
    assert_eq!(
        entries.iter().filter(|entry| entry.k == "sys.start").count(),
        ROUNDS + 1
    );
}

async fn write_until_the_end(browser: &Browser, alias: &str) -> Vec<(String, String)> {
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
        if let (303, Some(case), Some(_)) = (answer.status, answer.location, answer.index) {
            written.push((case.replace("?saved=1", ""), alias));
        }
    }
    written
}

async fn read_until_the_end(browser: &Browser) -> Vec<(String, [u8; 32])> {
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
                seen.push((page.index.unwrap(), ledger::sha256(page.body.as_bytes())));
            }
        }
    }
}
