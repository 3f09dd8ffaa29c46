//! A proof of one entry holds for that entry at that place and for nothing else.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failing test may panic")]

use ledger::log::checkpoint::{Checkpoint, VerifierKey};
use ledger::log::tlog_proof::TlogProof;
use ledger::log::tree::{leaf_hash, root};
use ledger::vault::associated::Deployment;
use ledger::vault::keyring::{Keyring, draw_keysets, draw_root};

fn keyring() -> Keyring {
    let deployment = Deployment(*b"a deployment no.");
    let root = draw_root().unwrap();
    let keysets = draw_keysets(deployment, &root).unwrap();
    let keysets: Vec<_> = keysets
        .into_iter()
        .map(|(name, json)| (name.to_owned(), json))
        .collect();
    Keyring::open(deployment, &root, &keysets).unwrap()
}

fn proof(keyring: &Keyring, entries: &[Vec<u8>], index: usize) -> TlogProof {
    let leaves: Vec<_> = entries.iter().map(|entry| leaf_hash(entry)).collect();
    let checkpoint = Checkpoint::new(keyring.deployment(), 2026, leaves.len() as u64, root(&leaves)).sign(keyring);
    TlogProof::new(entries[index].clone(), index as u64, &leaves, checkpoint).unwrap()
}

#[test]
fn every_entry_of_every_tree_is_proved_and_at_no_other_place() {
    let keyring = keyring();
    let key = VerifierKey::of(&keyring);
    for size in 1..=33 {
        let entries: Vec<Vec<u8>> = (0..size).map(|number| format!("entry {number}").into_bytes()).collect();
        for index in 0..size {
            let made = proof(&keyring, &entries, index);
            let read = TlogProof::parse(&made.text()).unwrap();
            assert_eq!(read, made);
            assert_eq!(read.verify(&key).unwrap().size, size as u64);
            for other in (0..size as u64 + 2).filter(|other| *other != index as u64) {
                let mut moved = read.clone();
                moved.index = other;
                assert!(moved.verify(&key).is_err(), "{index} of {size} at {other}");
            }
            let mut forged = read;
            forged.entry = b"entry 99".to_vec();
            assert!(forged.verify(&key).is_err());
        }
    }
    assert!(TlogProof::new(vec![], 1, &[leaf_hash(b"")], String::new()).is_none());
}

#[test]
fn a_proof_with_one_changed_byte_or_of_another_key_proves_nothing() {
    let keyring = keyring();
    let key = VerifierKey::of(&keyring);
    let entries: Vec<Vec<u8>> = (0..11_u32).map(|number| number.to_be_bytes().repeat(9)).collect();
    let text = proof(&keyring, &entries, 6).text();
    let holds = |text: &str| TlogProof::parse(text).is_ok_and(|proof| proof.verify(&key).is_ok());
    assert!(holds(&text));
    let stranger = VerifierKey::of(&self::keyring());
    assert!(TlogProof::parse(&text).unwrap().verify(&stranger).is_err());
    // Up to the line of the signature, whose own bytes have their tests with the checkpoint.
    for at in 0..text.rfind('\u{2014}').unwrap() {
        for with in [b'A', b'0', b' ', b'\n', b'='] {
            let mut changed = text.clone().into_bytes();
            if changed[at] == with {
                continue;
            }
            changed[at] = with;
            let Ok(changed) = String::from_utf8(changed) else {
                continue;
            };
            assert!(!holds(&changed), "{at}: {changed}");
        }
        assert!(!text.get(..at).is_some_and(holds), "cut at {at}");
    }
    for more in ["\n", "x", "A"] {
        assert!(!holds(&format!("{more}{text}")));
    }
    let hashes = text.replacen("\n\n", "\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n", 1);
    assert!(!holds(&hashes));
}
