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

fn forge() -> Receipt {
    Receipt { shard: 2026, first: 0, last: 0, at: std::time::Instant::now(), reads: Vec::new() }
}

fn main() {
    let _: fn(&OwnerKeys, &Sealed<Identity>, &Sealed<Shelter>) = |_, _, _| ();
    let _ = forge;
}
