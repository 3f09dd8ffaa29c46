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

fn swap(
    receipt: &Receipt,
    of_one_case: &Sealed<Identity>,
    of_another: &Sealed<Identity>,
    keys: &OwnerKeys,
) -> Identity {
    // A grant holds the one value it was checked for: there is no way to hand it another.
    receipt.grant(of_one_case).unwrap().open(keys, of_another).unwrap()
}

fn main() {
    let _: fn(&Sealed<Shelter>) = |_| ();
    let _ = swap;
}
