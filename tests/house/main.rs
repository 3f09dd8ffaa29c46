//! The plan of the house, held against its code.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    reason = "a failing test may panic"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &str, ending: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open = vec![root().join(folder)];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|known| known == ending) {
                let name = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
                found.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn every_room_uses_only_what_the_plan_allows() {
    // Room, and what must not appear in it.
    let plan: [(&str, &[&str]); 8] = [
        (
            "ledger/src",
            &["diesel", "actix", "tera::", "cedar", "donghanh::", "victim"],
        ),
        (
            "src/domain",
            &[
                "diesel",
                "actix",
                "tera::",
                "crate::storage",
                "crate::operations",
                "crate::web",
                "crate::clock",
                "Utc::now",
            ],
        ),
        (
            "src/policy",
            &["diesel", "actix", "crate::storage", "crate::operations", "crate::web"],
        ),
        (
            "src/storage",
            &["actix", "tera::", "crate::web", "crate::operations", "crate::cli"],
        ),
        (
            "src/operations",
            &["actix", "tera::", "crate::web", "crate::cli", "Locale"],
        ),
        (
            "src/web",
            &[
                "diesel",
                "crate::cli",
                "ledger::seal",
                "keyring::Keyring::open",
                "crate::storage",
            ],
        ),
        ("src/cli", &["diesel::prelude", "crate::web::pages", "ledger::seal"]),
        ("src/clock.rs", &[]),
    ];
    for (room, never) in plan {
        if room.ends_with(".rs") {
            continue;
        }
        for (name, text) in files(room, "rs") {
            let code: String = text
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"))
                .collect::<Vec<_>>()
                .join("\n");
            for word in never {
                assert!(!code.contains(word), "{name} must not know {word}");
            }
        }
    }
}

/// Names at the beginning of paths: what a text of Rust uses of other crates, and of other rooms of this one.
fn used(text: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let (code, _) = text.split_once("#[cfg(test)]\nmod tests").unwrap_or((text, ""));
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code = lines.collect::<Vec<_>>().join("\n");
    let (mut crates, mut rooms) = (BTreeSet::new(), BTreeSet::new());
    let parts: Vec<&str> = code.split("::").collect();
    for pair in parts.windows(2) {
        let (before, after) = (pair[0], pair[1]);
        let name = before.rsplit(|letter| !is_name(letter)).next().unwrap_or_default();
        // In the middle of a path it is a module of something else.
        if before.len() == name.len() && !std::ptr::eq(before, parts[0]) {
            continue;
        }
        crates.insert(name.to_owned());
        if name == "crate" {
            let list = after.strip_prefix('{').and_then(|list| list.split_once('}'));
            let names = list.map_or(after, |(list, _)| list);
            let firsts = if list.is_some() {
                names.split(',').collect()
            } else {
                vec![names]
            };
            rooms.extend(firsts.iter().map(|first| {
                let first = first.trim();
                first
                    .split(|letter| !is_name(letter))
                    .next()
                    .unwrap_or_default()
                    .to_owned()
            }));
        }
    }
    (crates, rooms)
}

#[test]
fn the_table_of_the_architecture_says_what_each_room_uses() {
    let manifest: toml::Table = std::fs::read_to_string(root().join("Cargo.toml"))
        .unwrap()
        .parse()
        .unwrap();
    let known = |table: &toml::Value| {
        let names = table.as_table().unwrap().keys();
        names.map(|name| name.replace('-', "_")).collect::<Vec<_>>()
    };
    let mut dependencies: BTreeSet<String> = known(&manifest["dependencies"]).into_iter().collect();
    dependencies.extend(known(&manifest["workspace"]["dependencies"]));
    let modules = [
        "app",
        "cli",
        "clock",
        "config",
        "domain",
        "operations",
        "policy",
        "storage",
        "web",
    ];
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let mut rooms = 0;
    for row in text.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [_, room, _, said, ..] = cells.as_slice() else {
            continue;
        };
        let place = room.trim_matches('`');
        let sources = match place {
            "ledger/" => files("ledger/src", "rs"),
            place if place.starts_with("src/") && place.ends_with(".rs") => {
                vec![(place.to_owned(), std::fs::read_to_string(root().join(place)).unwrap())]
            }
            place if place.starts_with("src/") => files(place.trim_end_matches('/'), "rs"),
            _ => continue,
        };
        rooms += 1;
        let own = place
            .trim_start_matches("src/")
            .trim_end_matches('/')
            .trim_end_matches(".rs");
        let mut uses = BTreeSet::new();
        for (_, text) in &sources {
            let (crates, of_house) = used(text);
            uses.extend(crates.into_iter().filter(|name| dependencies.contains(name)));
            uses.extend(
                of_house
                    .into_iter()
                    .filter(|name| modules.contains(&name.as_str()) && own != "ledger"),
            );
        }
        uses.remove(own);
        let said: BTreeSet<String> = said
            .split([',', ';'])
            .map(|name| name.trim().trim_matches('`').to_owned())
            .filter(|name| !name.is_empty())
            .collect();
        assert_eq!(uses, said, "{place}: what it uses, and what the table says");
    }
    assert_eq!(rooms, 10, "every room has a row");
}

#[test]
fn entries_become_receipts_in_one_place_and_nothing_opens_round_it() {
    let sources: Vec<(String, String)> = files("src", "rs");
    let calls: Vec<&str> = sources
        .iter()
        .filter(|(_, text)| text.contains("ledger::commit("))
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(calls, ["src/storage/writer/worker.rs"]);
    let directory: Vec<&str> = sources
        .iter()
        .filter(|(_, text)| text.contains(".open_directory("))
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(directory, ["src/operations/staff_record.rs"]);
    let sections: Vec<&str> = sources
        .iter()
        .filter(|(_, text)| text.contains("impl DirectorySection for"))
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(sections, ["src/operations/staff_record.rs"]);
    for (name, text) in files("ledger/src", "rs") {
        let opens = text.matches("sealed::open(").count();
        let allowed = ["ledger/src/log/commit.rs", "ledger/src/vault/keyring.rs"].contains(&name.as_str());
        assert!(opens == 0 || allowed, "{name} opens round a receipt");
    }
}

#[test]
fn statements_in_which_the_databases_differ_stand_in_one_file() {
    for (name, text) in files("src", "rs") {
        if name == "src/storage/dialect.rs" {
            continue;
        }
        let (code, _) = text.split_once("#[cfg(test)]").unwrap_or((&text, ""));
        for word in [
            "PRAGMA ",
            "VACUUM",
            "BEGIN ",
            "sql_query(",
            "json_each",
            "::bytea",
            "information_schema",
            "sqlite_schema",
        ] {
            assert!(!code.contains(word), "{name}: {word}");
        }
        for call in code.split("batch_execute(").skip(1) {
            assert!(
                ["\"SELECT 1\")", "statement)"]
                    .iter()
                    .any(|same| call.starts_with(same)),
                "{name}: {call:.40}"
            );
        }
    }
}

#[test]
fn plaintext_cannot_be_printed() {
    for (name, text) in files("src/domain/sections", "rs") {
        assert!(!text.contains("Debug") && !text.contains("Display"), "{name}");
    }
    let answer = std::fs::read_to_string(root().join("src/domain/answer.rs")).unwrap();
    assert!(!answer.contains("Debug"));
}

#[test]
fn no_failure_of_the_log_is_swallowed() {
    for (name, text) in files("src", "rs") {
        let (code, _) = text.split_once("#[cfg(test)]").unwrap_or((&text, ""));
        for word in ["unwrap_or(())", ".ok();\n", "#[instrument", "unsafe "] {
            assert!(!code.contains(word), "{name}: {word}");
        }
    }
}

#[test]
fn time_and_randomness_come_from_one_place() {
    for (name, text) in files("src", "rs").into_iter().chain(files("ledger/src", "rs")) {
        for word in ["SystemTime", "Utc::now", "SystemRandom"] {
            let allowed = name == "src/clock.rs" || name.starts_with("ledger/src/vault/");
            assert!(allowed || !text.contains(word), "{name}: {word}");
        }
    }
}

#[test]
fn every_dependency_says_what_it_is_for_and_none_is_copyleft_or_a_second_tls() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let (_, dependencies) = manifest.split_once("[dependencies]").unwrap();
    let (dependencies, _) = dependencies.split_once("\n[").unwrap();
    for line in dependencies
        .lines()
        .filter(|line| line.contains('=') && !line.starts_with('#'))
    {
        assert!(
            line.contains('#') || line.contains("workspace"),
            "say what it is for: {line}"
        );
    }
    let out = std::process::Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--all-features"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    for package in metadata["packages"].as_array().unwrap() {
        let (name, licence) = (
            package["name"].as_str().unwrap(),
            package["license"].as_str().unwrap_or(""),
        );
        assert!(!["openssl", "native-tls"].contains(&name), "{name}");
        let free = [
            "MIT",
            "Apache-2.0",
            "BSD",
            "ISC",
            "MPL-2.0",
            "Unicode",
            "Zlib",
            "CC0",
            "0BSD",
            "Unlicense",
            "CDLA-Permissive-2.0",
        ];
        let acceptable = licence
            .split(" OR ")
            .any(|choice| free.iter().any(|known| choice.contains(known)) && !choice.trim().starts_with("GPL"));
        assert!(acceptable, "{name}: {licence}");
    }
}

#[test]
fn whatever_is_vendored_has_its_licence_beside_it() {
    let vendor = root().join("static/vendor");
    let listed = |folder: &str| -> BTreeSet<String> {
        let entries = std::fs::read_dir(vendor.join(folder)).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    };
    let here = listed("");
    assert_eq!(
        here.iter().map(String::as_str).collect::<Vec<_>>(),
        ["donghanh.css", "donghanh.js", "fonts", "licences"],
        "what is new here brings its licence"
    );
    let licences = listed("licences");
    // Style sheet and script are built from these two, the fonts are of one family.
    for (what, words) in [
        ("govuk-frontend-MIT.txt", "Permission is hereby granted, free of charge"),
        ("moj-frontend-MIT.txt", "Permission is hereby granted, free of charge"),
        ("be-vietnam-pro-OFL-1.1.txt", "SIL OPEN FONT LICENSE Version 1.1"),
    ] {
        assert!(licences.contains(what), "{what}");
        let text = std::fs::read_to_string(vendor.join("licences").join(what)).unwrap();
        assert!(text.contains(words), "{what}");
    }
    assert!(listed("fonts").iter().all(|font| font.starts_with("be-vietnam-pro-")));
}

#[test]
fn files_that_documents_name_exist() {
    let mut checked = 0;
    for document in [
        "README.md",
        "ARCHITECTURE.md",
        "SECURITY.md",
        "CONTRIBUTING.md",
        "docs/formats.md",
    ] {
        let text = std::fs::read_to_string(root().join(document)).unwrap_or_else(|_| panic!("{document} is missing"));
        for quoted in text.split('`').skip(1).step_by(2) {
            let path = quoted.split_whitespace().next().unwrap_or_default();
            let looks_like_a_file = [
                "src/",
                "ledger/",
                "tests/",
                "docs/",
                "scripts/",
                "migrations/",
                "templates/",
                "locales/",
                "static/",
                "rules/",
                "benches/",
                "keys/",
            ]
            .iter()
            .any(|folder| path.starts_with(folder));
            if looks_like_a_file && !path.contains(['*', '<', '{', '…']) {
                assert!(Path::new(&root().join(path)).exists(), "{document} names {path}");
                checked += 1;
            }
        }
    }
    assert!(checked > 20);
}

/// The rows of a table of `docs/log-kinds.md`: first cell, last cell.
fn kinds_table(heading: &str) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(root().join("docs/log-kinds.md")).unwrap();
    let (_, after) = text.split_once(heading).unwrap();
    let rows = after
        .lines()
        .skip_while(|line| !line.starts_with('|'))
        .take_while(|line| line.starts_with('|'));
    rows.skip(2)
        .map(|row| {
            let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
            (cells[0].to_owned(), cells[cells.len() - 1].to_owned())
        })
        .collect()
}

/// What stands between backquotes.
fn named(cell: &str) -> impl Iterator<Item = String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned)
}

#[test]
fn every_page_command_and_kind_of_entry_stands_in_the_table_of_kinds() {
    let kinds = kinds_table("# Kinds of entries");
    let without = kinds_table("## Without an entry");
    // Kinds, from the wording that every kind in the code must have.
    let words = std::fs::read_to_string(root().join("locales/en/words.ftl")).unwrap();
    let worded: BTreeSet<String> = words
        .lines()
        .filter_map(|line| Some(line.strip_prefix("kind-")?.split_once(" = ")?.0.replacen('-', ".", 1)))
        .collect();
    let tabled: BTreeSet<String> = kinds.iter().flat_map(|(kind, _)| named(kind)).collect();
    assert_eq!(tabled, worded);
    let mut writers: BTreeSet<String> = kinds.iter().flat_map(|(_, by)| named(by)).collect();
    assert!(kinds.iter().all(|(_, by)| !by.contains('?')));
    let silent: BTreeSet<String> = without.iter().flat_map(|(what, _)| named(what)).collect();
    assert!(
        writers.is_disjoint(&silent),
        "{:?}",
        writers.intersection(&silent).collect::<Vec<_>>()
    );
    writers.extend(silent);
    let mut code: BTreeSet<String> = donghanh::cli::commands().into_iter().collect();
    let routes = donghanh::web::routes::ROUTES.iter();
    code.extend(routes.map(|route| format!("{} {}", route.method, route.path)));
    assert_eq!(writers, code, "pages and commands of the table, and of the code");
}
