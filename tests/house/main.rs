//! The plan of the house, held against its code.

#![allow(
    clippy::unwrap_used,
    clippy::string_slice,
    clippy::panic,
    reason = "a failing test may panic"
)]

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
