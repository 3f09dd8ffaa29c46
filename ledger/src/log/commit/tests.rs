use super::*;
use crate::vault::associated::{Deployment, Place};
use crate::vault::keyring::{Keyring, draw_keysets, draw_root};
use crate::vault::owner::Lock;
use crate::vault::sealed::{GroupId, seal};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Colour {
    colour: String,
}

impl Section for Colour {
    const GROUP: GroupId = GroupId {
        number: 1,
        name: "colour",
        lock: Lock::Ordinary,
    };
}

#[derive(Serialize, Deserialize)]
struct Shade {
    colour: String,
}

impl Section for Shade {
    const GROUP: GroupId = GroupId {
        number: 2,
        name: "shade",
        lock: Lock::SafetyOfLife,
    };
}

fn keyring() -> Keyring {
    let deployment = Deployment([9; 16]);
    let root = draw_root().unwrap();
    let keysets: Vec<(String, String)> = draw_keysets(deployment, &root)
        .unwrap()
        .into_iter()
        .map(|(name, json)| (name.to_owned(), json))
        .collect();
    Keyring::open(deployment, &root, &keysets).unwrap()
}

fn place(version: u64) -> Place {
    Place {
        table: 1,
        column: 1,
        row: [1; 16],
        version,
    }
}

fn receipt_for(draft: Draft) -> Receipt {
    let ((), mut receipts) = commit::<_, LogError>(|sequencer| {
        sequencer.begin(
            Head {
                shard: 2026,
                frontier: Frontier::default(),
                last_ms: 0,
            },
            1,
            "test",
        );
        sequencer.append(draft)?;
        Ok(())
    })
    .unwrap();
    receipts.remove(0)
}

fn draft() -> Draft {
    Draft::new("case.view", "NV-TEST", &[0; 16])
}

#[test]
fn a_receipt_opens_the_value_it_names() {
    let keyring = keyring();
    let keys = keyring.unwrap_owner(&keyring.draw_owner().unwrap()).unwrap();
    let sealed = seal(&keys, place(1), &Colour { colour: "xanh".into() }).unwrap();
    let mut draft = draft();
    draft.read(&sealed);
    let receipt = receipt_for(draft);
    assert_eq!(receipt.index(), "2026/0");
    assert_eq!(receipt.grant(&sealed).unwrap().open(&keys).unwrap().colour, "xanh");
}

#[test]
fn a_receipt_for_one_case_group_or_version_does_not_open_another() {
    let keyring = keyring();
    let keys = keyring.unwrap_owner(&keyring.draw_owner().unwrap()).unwrap();
    let other = keyring.unwrap_owner(&keyring.draw_owner().unwrap()).unwrap();
    let sealed = seal(&keys, place(1), &Colour { colour: "xanh".into() }).unwrap();
    let mut draft = draft();
    draft.read(&sealed);
    let receipt = receipt_for(draft);
    let of_other = seal(&other, place(1), &Colour { colour: "đỏ".into() }).unwrap();
    let newer = seal(&keys, place(2), &Colour { colour: "đỏ".into() }).unwrap();
    let shade = seal(&keys, place(1), &Shade { colour: "đỏ".into() }).unwrap();
    assert_eq!(receipt.grant(&of_other).err(), Some(GrantError::NotNamed));
    assert_eq!(receipt.grant(&newer).err(), Some(GrantError::NotNamed));
    assert_eq!(receipt.grant(&shade).err(), Some(GrantError::NotNamed));
}

#[test]
fn a_receipt_expires_after_sixty_seconds() {
    let keyring = keyring();
    let keys = keyring.unwrap_owner(&keyring.draw_owner().unwrap()).unwrap();
    let sealed = seal(&keys, place(1), &Colour { colour: "xanh".into() }).unwrap();
    let mut draft = draft();
    draft.read(&sealed);
    let mut receipt = receipt_for(draft);
    receipt.at = Instant::now()
        .checked_sub(RECEIPT_LIFETIME + Duration::from_millis(1))
        .unwrap();
    assert_eq!(receipt.grant(&sealed).err(), Some(GrantError::Expired));
}

#[test]
fn a_refusal_gives_a_receipt_that_opens_nothing() {
    let keyring = keyring();
    let keys = keyring.unwrap_owner(&keyring.draw_owner().unwrap()).unwrap();
    let sealed = seal(&keys, place(1), &Colour { colour: "xanh".into() }).unwrap();
    let mut draft = draft().decision(false, &[]);
    draft.read(&sealed);
    assert_eq!(receipt_for(draft).grant(&sealed).err(), Some(GrantError::NotNamed));
}

#[test]
fn a_transaction_that_fails_gives_no_receipt() {
    let outcome = commit::<(), &str>(|sequencer| {
        sequencer.begin(
            Head {
                shard: 2026,
                frontier: Frontier::default(),
                last_ms: 0,
            },
            1,
            "test",
        );
        sequencer.append(draft()).map_err(|_| "log")?;
        Err("disk full")
    });
    assert_eq!(outcome.err(), Some("disk full"));
}

#[test]
fn more_than_five_hundred_handles_become_a_run_under_one_receipt() {
    let mut draft = draft();
    for number in 0_u32..1201 {
        let mut handle = [1; 16];
        handle[..4].copy_from_slice(&number.to_be_bytes());
        draft = draft.about(Handle(handle));
    }
    let (stored, receipts) = commit::<_, LogError>(|sequencer| {
        sequencer.begin(
            Head {
                shard: 2026,
                frontier: Frontier::default(),
                last_ms: 50,
            },
            1,
            "test",
        );
        sequencer.append(draft)
    })
    .unwrap();
    let sizes: Vec<usize> = stored.iter().map(|part| part.entry.h.listed().len()).collect();
    assert_eq!(sizes, [500, 500, 201]);
    assert!(stored.iter().all(|part| part.entry.t == 50), "time never goes back");
    assert_eq!(receipts.first().unwrap().index(), "2026/0-2");
}
