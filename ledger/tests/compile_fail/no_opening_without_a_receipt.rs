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

fn peek(sealed: &Sealed<Identity>, keys: &OwnerKeys) -> Identity {
    ledger::vault::sealed::open(keys, sealed).unwrap()
}

fn main() {
    let _: fn(&Receipt, &Sealed<Shelter>) = |_, _| ();
    let _ = peek;
}
