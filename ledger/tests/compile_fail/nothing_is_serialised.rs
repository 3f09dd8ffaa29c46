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

fn serialised<T: Serialize>() {}

fn main() {
    serialised::<Receipt>();
    serialised::<OwnerKeys>();
    serialised::<Sealed<Identity>>();
    serialised::<ledger::Grant<'static, Shelter>>();
    serialised::<ledger::vault::keyring::Keyring>();
    serialised::<ledger::vault::RootKey>();
    serialised::<ledger::vault::share::Share>();
    serialised::<ledger::vault::slot::Opener>();
    serialised::<ledger::Draft>();
    serialised::<ledger::FileGrant<'static>>();
    serialised::<ledger::FileOpener>();
}
