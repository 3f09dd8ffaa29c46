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

fn cloned<T: Clone>() {}

fn main() {
    cloned::<Receipt>();
    cloned::<OwnerKeys>();
    cloned::<Sealed<Identity>>();
    cloned::<ledger::Grant<'static, Shelter>>();
    cloned::<ledger::vault::keyring::Keyring>();
    cloned::<ledger::vault::RootKey>();
    cloned::<ledger::vault::share::Share>();
    cloned::<ledger::vault::slot::Opener>();
    cloned::<ledger::Draft>();
    cloned::<ledger::FileOpener>();
    cloned::<ledger::FileGrant<'static>>();
}
