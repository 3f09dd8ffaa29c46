//! Sealed sections of any group behind one face, for acts that take several groups at once.

use ledger::vault::associated::Handle;
use ledger::vault::owner::OwnerKeys;
use ledger::{Draft, Receipt, Sealed};
use serde_json::Value;

use super::failure::Failure;
use crate::domain::group::Group;
use crate::domain::part::Part;
use crate::domain::sections::{CaseSection, Visitor};
use crate::storage::StorageError;
use crate::storage::sealed_values::{SealedRow, place};

/// A sealed section whose type is known only inside.
pub trait Closed: Send {
    /// Its group.
    fn group(&self) -> Group;
    /// Says in an entry that it will be opened.
    fn announce(&self, draft: &mut Draft);
    /// Says in an entry that it is written.
    fn record(&self, draft: &mut Draft);
    /// Opens it with a receipt, as the JSON of its fields.
    fn open(&self, receipt: &Receipt, keys: &OwnerKeys) -> Result<Value, Failure>;
    /// The bytes to store.
    fn bytes(&self) -> &[u8];
}

impl<S: CaseSection + Send + 'static> Closed for Sealed<S> {
    fn group(&self) -> Group {
        S::GROUP_OF
    }

    fn announce(&self, draft: &mut Draft) {
        draft.read(self);
    }

    fn record(&self, draft: &mut Draft) {
        draft.wrote(self);
    }

    fn open(&self, receipt: &Receipt, keys: &OwnerKeys) -> Result<Value, Failure> {
        let section: S = receipt.grant(self)?.open(keys)?;
        serde_json::to_value(section).map_err(|_| Failure::Internal(None))
    }

    fn bytes(&self) -> &[u8] {
        Self::bytes(self)
    }
}

/// A stored row as a closed section; `None` for a group without a section.
pub fn from_row(part: Part, row: &SealedRow, handle: Handle) -> Result<Option<Box<dyn Closed>>, StorageError> {
    struct FromRow<'a>(&'a SealedRow, Handle);
    impl Visitor for FromRow<'_> {
        type Output = Result<Box<dyn Closed>, StorageError>;
        fn visit<S: CaseSection + Send + 'static>(self) -> Self::Output {
            Ok(Box::new(self.0.sealed::<S>(self.1)?))
        }
    }
    part.accept(FromRow(row, handle)).transpose()
}

/// Seals the JSON that a form gave; `None` for a group without a section.
pub fn seal(
    part: Part,
    keys: &OwnerKeys,
    record: &[u8],
    version: u64,
    json: Value,
) -> Result<Option<Box<dyn Closed>>, StorageError> {
    struct Seal<'a>(&'a OwnerKeys, &'a [u8], u64, Value);
    impl Visitor for Seal<'_> {
        type Output = Result<Box<dyn Closed>, StorageError>;
        fn visit<S: CaseSection + Send + 'static>(self) -> Self::Output {
            let Self(keys, record, version, json) = self;
            let section: S = serde_json::from_value(json)
                .map_err(|_| StorageError::Inconsistent("a form does not fit its section"))?;
            Ok(Box::new(ledger::seal(keys, place(record, version)?, &section)?))
        }
    }
    part.accept(Seal(keys, record, version, json)).transpose()
}

/// The group of a stored row.
#[must_use]
pub fn group_of(row: &SealedRow) -> Option<Group> {
    u16::try_from(row.group_no).ok().and_then(Group::from_number)
}

/// Number of a group as the database keeps it.
#[must_use]
pub fn number(group: Group) -> i16 {
    i16::try_from(group.number()).unwrap_or(i16::MAX)
}
