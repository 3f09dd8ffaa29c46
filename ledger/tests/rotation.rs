//! Keys that follow one another: what the old ones wrote opens, the new ones write, and what nothing needs is gone.

#![expect(clippy::unwrap_used, reason = "a failing test may panic")]

use ledger::log::checkpoint::{Checkpoint, VerifierKey};
use ledger::log::commit::Head;
use ledger::log::tree::Frontier;
use ledger::vault::associated::{Deployment, Place};
use ledger::vault::keyring::{DirectorySection, Keyring, LogNote, draw_keysets, draw_root};
use ledger::vault::owner::Lock;
use ledger::vault::rotation::{Stored, Turned, retire, turn, under};
use ledger::vault::sealed::GroupId;
use ledger::vault::{RootKey, VaultError};
use ledger::{Draft, Receipt, Sealed, Section, commit, seal};
use serde::{Deserialize, Serialize};

const DEPLOYMENT: Deployment = Deployment(*b"a deployment no.");

#[derive(Serialize, Deserialize)]
struct Staff {
    name: String,
}

impl Section for Staff {
    const GROUP: GroupId = GroupId {
        number: 0xFF00,
        name: "directory",
        lock: Lock::Ordinary,
    };
}

impl DirectorySection for Staff {}

fn drawn() -> (RootKey, Stored) {
    let root = draw_root().unwrap();
    let keysets = draw_keysets(DEPLOYMENT, &root).unwrap();
    (
        root,
        keysets
            .into_iter()
            .map(|(name, json)| (name.to_owned(), json))
            .collect(),
    )
}

fn stored(mut keysets: Stored, changed: &Stored) -> Stored {
    for (name, json) in changed {
        let place = keysets.iter_mut().find(|(known, _)| known == name).unwrap();
        place.1.clone_from(json);
    }
    keysets
}

fn opened(root: &RootKey, keysets: &Stored) -> Keyring {
    Keyring::open(DEPLOYMENT, root, keysets).unwrap()
}

fn place(row: u8) -> Place {
    Place {
        table: 1,
        column: 1,
        row: [row; 16],
        version: 1,
    }
}

fn receipt(note: &Sealed<LogNote>) -> Receipt {
    let mut entry = Draft::new("order.view", "NV-MAU0-0001", &[0; 16]);
    entry.read(note);
    let head = Head {
        shard: 2026,
        frontier: Frontier::default(),
        last_ms: 0,
    };
    let (_, mut receipts) = commit(|sequencer| {
        sequencer.begin(head, 1, "n1");
        sequencer.append(entry).map(drop)
    })
    .unwrap();
    receipts.remove(0)
}

fn said(keyring: &Keyring, note: &Sealed<LogNote>) -> Result<String, VaultError> {
    let keys = keyring.keys_of_note(note)?;
    Ok(receipt(note).grant(note).unwrap().open(keys)?.text)
}

fn note(keyring: &Keyring, text: &str) -> Sealed<LogNote> {
    let text = LogNote { text: text.to_owned() };
    seal(keyring.log_notes(), place(9), &text).unwrap()
}

#[test]
fn what_old_keys_wrote_opens_until_they_are_destroyed_and_new_ones_write_from_then_on() {
    let (root, keysets) = drawn();
    let before = opened(&root, &keysets);
    let (old_note, old_mac, old_form) = (note(&before, "cũ"), before.sign_row(b"row"), before.web_mac(b"form"));
    let staff = before
        .seal_directory(
            place(1),
            &Staff {
                name: "Người mẫu".to_owned(),
            },
        )
        .unwrap();

    let turned = turn(DEPLOYMENT, &root, &keysets).unwrap();
    let keysets = stored(keysets, &turned.keysets);
    let between = opened(&root, &keysets);
    assert_eq!(said(&between, &old_note).unwrap(), "cũ");
    assert!(between.verify_row(b"row", &old_mac) && between.verify_web_mac(b"form", &old_form));
    assert!(!between.is_current(&old_mac, None) && between.is_current(&between.sign_row(b"row"), None));
    let opens: Staff = between.open_directory(place(1), staff.bytes().to_vec()).unwrap();
    assert_eq!(opens.name, "Người mẫu");
    let anew = between.seal_directory(place(1), &opens).unwrap();
    assert!(between.is_current(&between.sign_row(b"row"), Some(anew.bytes())));
    assert!(!between.is_current(&between.sign_row(b"row"), Some(staff.bytes())));
    // What the new keys write, the old ones do not know.
    let new_note = note(&between, "mới");
    assert!(said(&before, &new_note).is_err() && !before.verify_row(b"row", &between.sign_row(b"row")));

    // Only the notes are needed still.
    let (fewer, gone) = retire(DEPLOYMENT, &root, &keysets, |name, _, _| name == "log-note").unwrap();
    assert_eq!((fewer.len(), gone), (3, 3));
    let after = opened(&root, &stored(keysets.clone(), &fewer));
    assert_eq!(said(&after, &old_note).unwrap(), "cũ");
    assert_eq!(said(&after, &new_note).unwrap(), "mới");
    assert!(!after.verify_row(b"row", &old_mac) && !after.verify_web_mac(b"form", &old_form));
    assert!(after.verify_row(b"row", &between.sign_row(b"row")));
    assert!(after.open_directory::<Staff>(place(1), staff.bytes().to_vec()).is_err());
    assert!(after.open_directory::<Staff>(place(1), anew.bytes().to_vec()).is_ok());
    let (none, gone) = retire(DEPLOYMENT, &root, &stored(keysets, &fewer), |_, _, _| true).unwrap();
    assert_eq!((none.len(), gone), (0, 0));
}

#[test]
fn of_several_generations_the_one_before_the_last_can_be_told_from_the_others() {
    let (root, mut keysets) = drawn();
    let mut macs = vec![opened(&root, &keysets).sign_row(b"row")];
    for _ in 0..2 {
        keysets = stored(keysets.clone(), &turn(DEPLOYMENT, &root, &keysets).unwrap().keysets);
        macs.push(opened(&root, &keysets).sign_row(b"row"));
    }
    let (fewer, gone) = retire(DEPLOYMENT, &root, &keysets, |_, _, before_it| before_it).unwrap();
    assert_eq!((fewer.len(), gone), (4, 4));
    let after = opened(&root, &stored(keysets, &fewer));
    let good: Vec<bool> = macs.iter().map(|mac| after.verify_row(b"row", mac)).collect();
    assert_eq!(good, [false, true, true]);
}

#[test]
fn the_key_on_paper_leads_to_the_key_that_signs_now_and_to_no_other() {
    let (root, mut keysets) = drawn();
    let paper = VerifierKey::of(&opened(&root, &keysets));
    let mut successions = Vec::new();
    for _ in 0..2 {
        let Turned {
            keysets: changed,
            succession,
            vkey,
        } = turn(DEPLOYMENT, &root, &keysets).unwrap();
        keysets = stored(keysets, &changed);
        assert_eq!(VerifierKey::of(&opened(&root, &keysets)).line(), vkey);
        successions.push(succession);
    }
    let now = opened(&root, &keysets);
    let checkpoint = Checkpoint::new(DEPLOYMENT, 2026, 3, [7; 32]).sign(&now);
    assert!(Checkpoint::open(&checkpoint, &paper).is_err());
    let middle = paper.successor(&successions[0]).unwrap();
    assert!(Checkpoint::open(&checkpoint, &middle).is_err());
    let last = middle.successor(&successions[1]).unwrap();
    assert!(Checkpoint::open(&checkpoint, &last).is_ok());
    // Nobody is followed who was not named by the key before.
    assert!(paper.successor(&successions[1]).is_none());
    let (other_root, other) = drawn();
    let stranger = turn(DEPLOYMENT, &other_root, &other).unwrap();
    assert!(paper.successor(&stranger.succession).is_none());
    let forged = successions[0].replace(&middle.line(), &stranger.vkey);
    assert!(forged != successions[0] && paper.successor(&forged).is_none());
    // A signed note of another sort names nobody.
    assert!(last.successor(&checkpoint).is_none());
}

#[test]
fn under_a_new_root_key_everything_is_as_before_and_the_old_one_opens_nothing() {
    let (root, keysets) = drawn();
    let before = opened(&root, &keysets);
    let row = before.draw_owner().unwrap();
    let new = draw_root().unwrap();
    let moved = under(DEPLOYMENT, (&root, &new), &keysets).unwrap();
    let after = opened(&new, &moved);
    assert!(before.unwrap_owner(&row).unwrap().handle() == after.unwrap_owner(&row).unwrap().handle());
    assert!(after.verify_row(b"row", &before.sign_row(b"row")));
    assert_eq!(VerifierKey::of(&before), VerifierKey::of(&after));
    assert!(Keyring::open(DEPLOYMENT, &root, &moved).is_err());
    assert!(Keyring::open(DEPLOYMENT, &new, &keysets).is_err());
    assert!(under(DEPLOYMENT, (&new, &root), &keysets).is_err());
    // A keyset in the place of another is refused.
    let mut swapped = moved;
    let (first, second) = (swapped[2].1.clone(), swapped[3].1.clone());
    (swapped[2].1, swapped[3].1) = (second, first);
    assert!(Keyring::open(DEPLOYMENT, &new, &swapped).is_err());
}
