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

fn peek(keyring: &ledger::vault::keyring::Keyring, bytes: Vec<u8>) -> Identity {
    let place = ledger::vault::associated::Place { table: 1, column: 1, row: [0; 16], version: 1 };
    keyring.open_directory::<Identity>(place, bytes).unwrap()
}

fn main() {
    let _: fn(&Sealed<Shelter>, &OwnerKeys, &Receipt) = |_, _, _| ();
    let _ = peek;
}
