//! What the house keeps about a member of staff: sealed under the directory key.

use ledger::Section;
use ledger::vault::associated::Place;
use ledger::vault::keyring::{DirectorySection, Keyring};
use ledger::vault::owner::Lock;
use ledger::vault::sealed::GroupId;
use serde::{Deserialize, Serialize};

use crate::storage::StorageError;
use crate::storage::access_rows::AccountRow;
use crate::storage::classification;

/// Name, second factor and recovery codes of a member of staff.
#[derive(Serialize, Deserialize)]
pub struct StaffRecord {
    /// Name, shown to the person herself.
    pub name: String,
    /// Secret of the one-time codes, b64u.
    pub totp_secret: String,
    /// SHA-256 of the recovery codes that are left, b64u.
    pub recovery: Vec<String>,
}

impl Section for StaffRecord {
    const GROUP: GroupId = GroupId {
        number: 0xFF00,
        name: "directory",
        lock: Lock::Ordinary,
    };
}

impl DirectorySection for StaffRecord {}

impl StaffRecord {
    /// Opens the record of an account.
    pub fn open(keyring: &Keyring, account: &AccountRow) -> Result<Self, StorageError> {
        Ok(keyring.open_directory(place(account)?, account.directory.clone())?)
    }

    /// Seals the record for the version that the account row now has.
    pub fn seal(&self, keyring: &Keyring, account: &AccountRow) -> Result<Vec<u8>, StorageError> {
        Ok(keyring.seal_directory(place(account)?, self)?.bytes().to_vec())
    }
}

fn place(account: &AccountRow) -> Result<Place, StorageError> {
    let (table, column) = classification::numbers("account", "directory");
    Ok(Place {
        table,
        column,
        row: account
            .id
            .as_slice()
            .try_into()
            .map_err(|_| StorageError::Inconsistent("account id"))?,
        version: u64::try_from(account.version).map_err(|_| StorageError::Inconsistent("version"))?,
    })
}
