//! Writes a golden file of the vault and the log: `cargo test -p ledger golden -- --ignored`.
//!
//! Run once for a new version of a format and moved to `tests/vectors/`; earlier files are never written again.

use crate::log::checkpoint::{Checkpoint, VerifierKey};
use crate::log::commit::Head;
use crate::log::tree::Frontier;
use crate::vault::RootKey;
use crate::vault::associated::{Deployment, Place, hex};
use crate::vault::file::{FileId, FileSealer};
use crate::vault::keyring::{Keyring, LogNote, NAMES, draw_keysets, draw_root};
use crate::vault::owner::{Lock, WrappedOwner};
use crate::vault::rotation::{Stored, turn};
use crate::vault::row_mac::{Value, canonical};
use crate::vault::sealed::GroupId;
use crate::vault::slot::{Cost, Opener, Slot};
use crate::{Draft, Section, commit, seal};
use serde::{Deserialize, Serialize};
use serde_json::json;

#[derive(Serialize, Deserialize)]
struct Ordinary {
    text: String,
}

impl Section for Ordinary {
    const GROUP: GroupId = GroupId {
        number: 1,
        name: "identity",
        lock: Lock::Ordinary,
    };
}

#[derive(Serialize, Deserialize)]
struct Safety {
    text: String,
}

impl Section for Safety {
    const GROUP: GroupId = GroupId {
        number: 11,
        name: "shelter",
        lock: Lock::SafetyOfLife,
    };
}

const PASSPHRASE: &str = "mật khẩu mẫu dùng để kiểm thử";

#[test]
#[ignore = "writes a file; only for a new version of a format"]
fn golden() -> Result<(), Box<dyn std::error::Error>> {
    let deployment = Deployment(*b"DH golden vector");
    let root = draw_root()?;
    let keysets: Vec<(String, String)> = draw_keysets(deployment, &root)?
        .into_iter()
        .map(|(name, json)| (name.to_owned(), json))
        .collect();
    let keyring = Keyring::open(deployment, &root, &keysets)?;
    let cost = Cost { m_kib: 8192, t: 1 };
    let slot = Slot::passphrase(deployment, &root, PASSPHRASE, cost)?;
    let (file_slot, key_file) = Slot::key_file(deployment, &root)?;
    let row = keyring.draw_owner()?;
    let keys = keyring.unwrap_owner(&row)?;

    let mut draft = Draft::new("case.create", "NV-MAU0-0001", b"request id no. 1")
        .role("social_worker", "UBND-MAU")
        .session(Some(*b"session1"), Some(keyring.network_digest("192.0.2.1")))
        .purpose("intake")
        .decision(true, &["worker-own".into()]);
    let mut sealed = Vec::new();
    let place = |version| Place {
        table: 40,
        column: 7,
        row: *b"row of the value",
        version,
    };
    for (version, text) in [(1, "Đặng Thị Ánh Nguyệt"), (2, &"dài ".repeat(400))] {
        let value = seal(&keys, place(version), &Ordinary { text: text.into() })?;
        draft.wrote(&value);
        sealed.push(
            json!({"group": 1, "name": "identity", "lock": "ordinary", "version": version,
            "table": 40, "column": 7, "row_hex": hex(b"row of the value"),
            "sealed_hex": hex(value.bytes()), "plain": {"text": text, "v": 1}}),
        );
    }
    let value = seal(
        &keys,
        place(1),
        &Safety {
            text: "nhà số 0, phố Không Có".into(),
        },
    )?;
    draft.wrote(&value);
    sealed.push(
        json!({"group": 11, "name": "shelter", "lock": "safety_of_life", "version": 1,
        "table": 40, "column": 7, "row_hex": hex(b"row of the value"),
        "sealed_hex": hex(value.bytes()), "plain": {"text": "nhà số 0, phố Không Có", "v": 1}}),
    );

    let (entries, _) = commit::<_, crate::log::LogError>(|sequencer| {
        let head = Head {
            shard: 2026,
            frontier: Frontier::default(),
            last_ms: 0,
        };
        sequencer.begin(head, 1_767_225_600_000, "golden");
        let mut lines = Vec::new();
        for draft in [
            Draft::new("sys.init", "operator", &[0; 16]),
            draft,
            Draft::new("case.refuse", "NV-MAU0-0002", b"request id no. 2")
                .about(keys.handle())
                .decision(false, &[]),
        ] {
            for stored in sequencer.append(draft)? {
                lines.push(stored);
            }
        }
        Ok(lines)
    })?;
    let mut frontier = Frontier::default();
    for entry in &entries {
        frontier.append(entry.leaf);
    }
    let checkpoint = Checkpoint::new(deployment, 2026, frontier.size(), frontier.root());
    let columns = [
        (1, Value::Bytes(b"row id of a row.")),
        (2, Value::Integer(-5)),
        (3, Value::Text("NV-MAU0-0001")),
        (4, Value::Null),
    ];
    let message = canonical(deployment, 20, &columns);
    let golden = json!({
        "deployment_hex": hex(&deployment.0),
        "passphrase": PASSPHRASE,
        "slots": [slot, file_slot],
        "key_file": key_file.as_str(),
        "root_key_hex": hex(&*root.0),
        "keysets": keysets.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
        "owner": {"id_hex": hex(&row.id), "version": row.version, "wrapped_hex": hex(&row.wrapped),
            "wrapped_s4_hex": hex(&row.wrapped_s4), "handle_hex": hex(&keys.handle().0)},
        "sealed": sealed,
        "row_mac": {"message_hex": hex(&message), "mac_hex": hex(&keyring.sign_row(&message))},
        "network": {"address": "192.0.2.1", "digest_hex": hex(&keyring.network_digest("192.0.2.1"))},
        "log": {
            "entries": entries.iter().map(|entry| String::from_utf8_lossy(&entry.bytes).into_owned()).collect::<Vec<_>>(),
            "checkpoint": checkpoint.sign(&keyring),
            "vkey": VerifierKey::of(&keyring).line(),
        },
    });
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/golden.json");
    serde_json::to_writer_pretty(std::fs::File::create(path)?, &golden)?;
    Ok(())
}

#[test]
#[ignore = "writes a file; only for a new version of a format"]
fn golden_slots() -> Result<(), Box<dyn std::error::Error>> {
    let deployment = Deployment(*b"DH golden vector");
    let root = draw_root()?;
    let (custodians, shares) = Slot::custodians(deployment, &root, 3, 5)?;
    let (duty, token) = Slot::duty(deployment, &root, PASSPHRASE, Cost { m_kib: 8192, t: 1 })?;
    let shares: Vec<Vec<String>> = shares
        .iter()
        .map(|share| share.rows().iter().map(|row| row.to_string()).collect())
        .collect();
    let golden = json!({
        "deployment_hex": hex(&deployment.0),
        "passphrase": PASSPHRASE,
        "slots": [custodians, duty],
        "shares": shares,
        "token": token.as_str(),
        "root_key_hex": hex(&*root.0),
    });
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/golden-slots.json");
    serde_json::to_writer_pretty(std::fs::File::create(path)?, &golden)?;
    Ok(())
}

/// Bytes that a test in any language can make again: SHA-256 of a counter, u32 big-endian, one after the other.
fn counted(length: usize) -> Vec<u8> {
    let blocks = (0_u32..).flat_map(|number| crate::sha256(&number.to_be_bytes()));
    blocks.take(length).collect()
}

/// The first golden file, opened.
struct V1 {
    deployment: Deployment,
    root: RootKey,
    keysets: Stored,
    json: serde_json::Value,
}

fn text(json: &serde_json::Value, pointer: &str) -> String {
    let text = json.pointer(pointer).and_then(serde_json::Value::as_str);
    text.unwrap_or_default().to_owned()
}

fn v1() -> Result<V1, Box<dyn std::error::Error>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/v1.json");
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(path)?)?;
    let deployment = Deployment(*b"DH golden vector");
    let slots: Vec<Slot> = serde_json::from_value(json.get("slots").cloned().unwrap_or_default())?;
    let opener = Opener::KeyFile(text(&json, "/key_file").into());
    let root = slots.last().ok_or("no slot")?.open(deployment, &opener)?;
    let keysets = NAMES.map(|(name, _)| (name.to_owned(), text(&json, &format!("/keysets/{name}"))));
    Ok(V1 {
        deployment,
        root,
        keysets: keysets.into(),
        json,
    })
}

#[test]
#[ignore = "writes a file; only for a new version of a format"]
fn golden_turned() -> Result<(), Box<dyn std::error::Error>> {
    let V1 {
        deployment,
        root,
        mut keysets,
        ..
    } = v1()?;
    let old = Keyring::open(deployment, &root, &keysets)?;
    let turned = turn(deployment, &root, &keysets)?;
    for (name, json) in &turned.keysets {
        for keyset in keysets.iter_mut().filter(|(known, _)| known == name) {
            keyset.1.clone_from(json);
        }
    }
    let new = Keyring::open(deployment, &root, &keysets)?;
    let note = |keyring: &Keyring, said: &str, row: &[u8; 16]| -> Result<_, crate::vault::VaultError> {
        let place = Place {
            table: 4,
            column: 3,
            row: *row,
            version: 1,
        };
        let sealed = seal(keyring.log_notes(), place, &LogNote { text: said.to_owned() })?;
        let mac = keyring.sign_row(row);
        Ok(
            json!({"text": said, "table": 4, "column": 3, "row_hex": hex(row), "version": 1, "group": 0xFF01,
            "sealed_hex": hex(sealed.bytes()), "mac_hex": hex(&mac)}),
        )
    };
    let golden = json!({
        "keysets": keysets.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
        "notes": [note(&old, "trước khi đổi khóa", b"a note of before")?, note(&new, "sau khi đổi khóa", b"a note of after.")?],
        "succession": turned.succession,
        "vkey": turned.vkey,
    });
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/golden-turned.json");
    serde_json::to_writer_pretty(std::fs::File::create(path)?, &golden)?;
    Ok(())
}

#[test]
#[ignore = "writes a file; only for a new version of a format"]
fn golden_files() -> Result<(), Box<dyn std::error::Error>> {
    let V1 {
        deployment,
        root,
        keysets,
        json: v1,
    } = v1()?;
    let bytes = |pointer: &str| -> Vec<u8> {
        let text = text(&v1, pointer);
        let pairs = text
            .as_bytes()
            .chunks(2)
            .filter_map(|pair| std::str::from_utf8(pair).ok());
        pairs.filter_map(|pair| u8::from_str_radix(pair, 16).ok()).collect()
    };
    let row = WrappedOwner {
        id: bytes("/owner/id_hex").try_into().map_err(|_| "id")?,
        version: 1,
        wrapped: bytes("/owner/wrapped_hex"),
        wrapped_s4: bytes("/owner/wrapped_s4_hex"),
    };
    let keys = Keyring::open(deployment, &root, &keysets)?.unwrap_owner(&row)?;
    let mut files = Vec::new();
    // The last length is one byte more than the first segment holds.
    for (group, lock, length) in [
        (1, Lock::Ordinary, 0),
        (11, Lock::SafetyOfLife, 17),
        (7, Lock::Ordinary, 1_048_521),
    ] {
        let id = FileId {
            handle: keys.handle(),
            place: Place {
                table: 32,
                column: 100,
                row: *b"name of the file",
                version: 1,
            },
            group: GroupId {
                number: group,
                name: "group",
                lock,
            },
            what: "attachment",
        };
        let (mut sealer, mut bytes) = FileSealer::new(&keys, id)?;
        for chunk in counted(length).chunks(4096) {
            bytes.extend(sealer.push(chunk)?.concat());
        }
        let (sealed, last) = sealer.finish()?;
        bytes.extend(last);
        let named = format!("v1-file-{length}.sealed");
        std::fs::write(format!("{}/../target/{named}", env!("CARGO_MANIFEST_DIR")), &bytes)?;
        files.push(
            json!({"group": group, "lock": if lock == Lock::Ordinary { "ordinary" } else { "safety_of_life" },
            "table": 32, "column": 100, "row_hex": hex(b"name of the file"), "version": 1, "length": length,
            "file": named, "digest_hex": hex(sealed.digest())}),
        );
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/golden-files.json");
    serde_json::to_writer_pretty(std::fs::File::create(path)?, &json!({"files": files}))?;
    Ok(())
}
