//! Writes a golden file of the vault and the log: `cargo test -p ledger golden -- --ignored`.
//!
//! Run once for a new version of a format and moved to `tests/vectors/`; earlier files are never written again.

use crate::log::checkpoint::{Checkpoint, VerifierKey};
use crate::log::commit::Head;
use crate::log::tree::Frontier;
use crate::vault::associated::{Deployment, Place, hex};
use crate::vault::keyring::{Keyring, draw_keysets, draw_root};
use crate::vault::owner::Lock;
use crate::vault::row_mac::{Value, canonical};
use crate::vault::sealed::GroupId;
use crate::vault::slot::{Cost, Slot};
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
