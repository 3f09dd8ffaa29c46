use ledger::vault::owner::{Lock, OwnerKeys};
use ledger::vault::sealed::GroupId;
use ledger::{Receipt, Sealed, Section};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Identity;
impl Section for Identity {
    const GROUP: GroupId = GroupId { number: 1, name: "identity", lock: Lock::Ordinary };
}
#[derive(Serialize, Deserialize)]
struct Shelter;
impl Section for Shelter {
    const GROUP: GroupId = GroupId { number: 11, name: "shelter", lock: Lock::SafetyOfLife };
}

fn main() {
    let _: fn(&OwnerKeys, &Sealed<Identity>, &Sealed<Shelter>, &Receipt) = |_, _, _, _| ();
    let root = ledger::vault::keyring::draw_root().unwrap();
    let _bytes = root.0;
    let _ = ledger::vault::aead::decrypt(&[0; 32], 1, &[], &[]);
    let _: fn(&OwnerKeys) -> [u8; 32] = |keys| *keys.k;
}
