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

fn printed<T: std::fmt::Debug>() {}
fn shown<T: std::fmt::Display>() {}

fn main() {
    printed::<OwnerKeys>();
    printed::<ledger::vault::keyring::Keyring>();
    printed::<ledger::vault::RootKey>();
    printed::<ledger::vault::slot::Opener>();
    printed::<ledger::vault::share::Share>();
    printed::<Receipt>();
    printed::<Sealed<Identity>>();
    printed::<ledger::Grant<'static, Shelter>>();
    printed::<ledger::Draft>();
    printed::<ledger::FileGrant<'static>>();
    printed::<ledger::FileOpener>();
    shown::<Receipt>();
    shown::<Sealed<Identity>>();
    shown::<ledger::Grant<'static, Shelter>>();
}
