//! Rows that grant access: each carries a MAC over all its columns, checked wherever a decision uses it.

use std::collections::HashSet;

use diesel::prelude::*;
use ledger::vault::keyring::Keyring;
use ledger::vault::row_mac::{Value, canonical};

use super::StorageError;
use super::classification;
use super::connection::AnyConnection;
use super::schema::{
    account, case_file, consent, draft, erased_owner, joint_order, legal_hold, membership, organisation, referral,
    session, step,
};

/// A row whose columns are protected by a MAC.
pub trait AccessRow: Sized {
    /// Its table.
    const TABLE: &'static str;

    /// All columns but the MAC, by rising column number.
    fn columns(&self) -> Vec<(&'static str, Value<'_>)>;

    /// The MAC as stored.
    fn mac(&self) -> &[u8];

    /// Puts the MAC in.
    fn set_mac(&mut self, mac: Vec<u8>);

    /// Rows behind an id, in their order.
    fn page(connection: &mut AnyConnection, after: &[u8], most: i64) -> Result<Vec<Self>, StorageError>;

    /// Its id.
    fn row_id(&self) -> &[u8];

    /// Stores the row in its place as it is.
    fn put(&self, connection: &mut AnyConnection) -> Result<(), StorageError>;

    /// Signs the row as it is now.
    fn signed(mut self, keyring: &Keyring) -> Self {
        let mac = keyring.sign_row(&bytes(&self, keyring));
        self.set_mac(mac);
        self
    }

    /// The row, if it is as the program wrote it.
    fn trusted(self, keyring: &Keyring) -> Result<Self, StorageError> {
        if keyring.verify_row(&bytes(&self, keyring), self.mac()) {
            Ok(self)
        } else {
            Err(StorageError::Tampered(Self::TABLE))
        }
    }
}

fn bytes<R: AccessRow>(row: &R, keyring: &Keyring) -> Vec<u8> {
    let table = classification::tables().get(R::TABLE);
    let number = |name: &str| {
        table
            .and_then(|table| table.columns.get(name))
            .map_or(0, |column| column.number)
    };
    let mac = number("mac");
    let columns: Vec<(u16, Value<'_>)> = row
        .columns()
        .into_iter()
        .map(|(name, value)| (number(name), value))
        // A column that came later has a number behind the MAC's; empty, it is left out, so that rows from before stay good.
        .filter(|(number, value)| *number < mac || !matches!(value, Value::Null))
        .collect();
    canonical(keyring.deployment(), table.map_or(0, |table| table.number), &columns)
}

/// Whether organisations and accounts are signed by keys that these are not: the keys are then of another time than the data.
pub fn are_strange(connection: &mut AnyConnection, keys: &HashSet<u32>) -> Result<bool, StorageError> {
    fn any<R: AccessRow>(connection: &mut AnyConnection, keys: &HashSet<u32>) -> Result<bool, StorageError> {
        let rows = R::page(connection, &[], 1000)?;
        // The prefix of Tink: one byte, then the id.
        let id = |mac: &[u8]| Some(u32::from_be_bytes(*mac.get(1..)?.first_chunk()?));
        Ok(!rows.is_empty()
            && rows
                .iter()
                .all(|row| id(row.mac()).is_none_or(|id| !keys.contains(&id))))
    }
    Ok(any::<OrganisationRow>(connection, keys)? || any::<AccountRow>(connection, keys)?)
}

/// Splits rows into those that can be trusted and the number of those that were edited outside the program.
pub fn trusted<R: AccessRow>(rows: Vec<R>, keyring: &Keyring) -> (Vec<R>, usize) {
    let all = rows.len();
    let good: Vec<R> = rows.into_iter().filter_map(|row| row.trusted(keyring).ok()).collect();
    let tampered = all - good.len();
    (good, tampered)
}

/// A column as the MAC covers it.
trait Column {
    fn covered(&self) -> Value<'_>;
}

impl Column for Vec<u8> {
    fn covered(&self) -> Value<'_> {
        Value::Bytes(self)
    }
}

impl Column for String {
    fn covered(&self) -> Value<'_> {
        Value::Text(self)
    }
}

impl Column for i64 {
    fn covered(&self) -> Value<'_> {
        Value::Integer(*self)
    }
}

impl Column for bool {
    fn covered(&self) -> Value<'_> {
        Value::Integer(i64::from(*self))
    }
}

impl<T: Column> Column for Option<T> {
    fn covered(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Null, Column::covered)
    }
}

/// Declares a row: its columns by rising number in `classification.toml`, all of them under its MAC.
macro_rules! access_row {
    ($(#[$doc:meta])* $name:ident in $table:ident { $($column:ident: $kind:ty,)* }) => {
        $(#[$doc])*
        #[derive(Queryable, Selectable, Insertable, AsChangeset, Clone)]
        #[diesel(table_name = $table, treat_none_as_default_value = false, treat_none_as_null = true)]
        pub struct $name {
            $(
                #[doc = concat!("`", stringify!($table), ".", stringify!($column), "`.")]
                pub $column: $kind,
            )*
            #[doc = concat!("`", stringify!($table), ".mac`.")]
            pub mac: Vec<u8>,
        }

        impl AccessRow for $name {
            const TABLE: &'static str = stringify!($table);

            fn columns(&self) -> Vec<(&'static str, Value<'_>)> {
                vec![$((stringify!($column), self.$column.covered()),)*]
            }

            fn mac(&self) -> &[u8] {
                &self.mac
            }

            fn page(connection: &mut AnyConnection, after: &[u8], most: i64) -> Result<Vec<Self>, StorageError> {
                Ok($table::table
                    .filter($table::id.gt(after.to_vec()))
                    .order($table::id)
                    .limit(most)
                    .select(Self::as_select())
                    .load(connection)?)
            }

            fn row_id(&self) -> &[u8] {
                &self.id
            }

            fn put(&self, connection: &mut AnyConnection) -> Result<(), StorageError> {
                diesel::update($table::table.find(&self.id)).set(self).execute(connection)?;
                Ok(())
            }

            fn set_mac(&mut self, mac: Vec<u8>) {
                self.mac = mac;
            }
        }
    };
}

access_row! {
    /// An account of a member of staff.
    AccountRow in account {
        id: Vec<u8>,
        code: String,
        org_id: Vec<u8>,
        role: String,
        state: String,
        password_hash: String,
        directory: Vec<u8>,
        created_at: i64,
        version: i64,
    }
}

access_row! {
    /// A signed-in browser.
    SessionRow in session {
        id: Vec<u8>,
        account_id: Vec<u8>,
        created_at: i64,
        expires_at: i64,
        version: i64,
    }
}

access_row! {
    /// A case.
    CaseRow in case_file {
        id: Vec<u8>,
        public_id: Vec<u8>,
        number: String,
        person_id: Vec<u8>,
        owner_id: Vec<u8>,
        person_owner_id: Vec<u8>,
        org_id: Vec<u8>,
        state: String,
        urgent: bool,
        assigned: bool,
        opened_at: i64,
        version: i64,
    }
}

access_row! {
    /// Who works on a case.
    MembershipRow in membership {
        id: Vec<u8>,
        case_id: Vec<u8>,
        account_id: Vec<u8>,
        kind: String,
        from_at: i64,
        until_at: Option<i64>,
        version: i64,
    }
}

access_row! {
    /// Something typed and not yet saved.
    DraftRow in draft {
        id: Vec<u8>,
        account_id: Vec<u8>,
        form: String,
        case_id: Option<Vec<u8>>,
        owner_id: Vec<u8>,
        version: i64,
        saved_at: i64,
    }
}

access_row! {
    /// A referral or request to another body, with the groups it lists.
    ReferralRow in referral {
        id: Vec<u8>,
        public_id: Vec<u8>,
        case_id: Vec<u8>,
        kind: String,
        from_org: Vec<u8>,
        to_org: Vec<u8>,
        groups: i64,
        purpose: String,
        consent_id: Option<Vec<u8>>,
        basis: Option<String>,
        state: String,
        sent_at: i64,
        due_at: i64,
        decided_at: Option<i64>,
        closed_at: Option<i64>,
        reason: Option<String>,
        version: i64,
        category: String,
    }
}

access_row! {
    /// A step of a case after its intake: its state, and which version of its sealed content counts.
    StepRow in step {
        id: Vec<u8>,
        public_id: Vec<u8>,
        case_id: Vec<u8>,
        owner_id: Vec<u8>,
        kind: String,
        state: String,
        content: i64,
        due_at: Option<i64>,
        recorded_by: Vec<u8>,
        recorded_at: i64,
        decided_by: Option<Vec<u8>>,
        decided_at: Option<i64>,
        version: i64,
        authors: Option<Vec<u8>>,
        reason: Option<String>,
    }
}

impl StepRow {
    /// The same with one more account, of 16 bytes, among those that wrote any of its content.
    #[must_use]
    pub fn written_by(self, account: &[u8]) -> Self {
        let mut authors = self.authors.unwrap_or_default();
        if !authors.chunks(16).any(|known| known == account) {
            authors.extend_from_slice(account);
        }
        Self {
            authors: Some(authors),
            ..self
        }
    }

    /// Whether an account wrote any of its content; `None` for a step from before that was kept.
    #[must_use]
    pub fn is_by(&self, account: &[u8]) -> Option<bool> {
        let authors = self.authors.as_ref()?;
        Some(self.recorded_by == account || authors.chunks(16).any(|known| known == account))
    }
}

access_row! {
    /// What a person agreed to: for which purpose, which groups.
    ConsentRow in consent {
        id: Vec<u8>,
        public_id: Vec<u8>,
        case_id: Vec<u8>,
        purpose: String,
        groups: i64,
        state: String,
        form: String,
        text_version: String,
        recorded_by: Vec<u8>,
        recorded_at: i64,
        withdrawn_at: Option<i64>,
        version: i64,
    }
}

access_row! {
    /// An organisation: who receives a referral and what the log calls her depends on it.
    OrganisationRow in organisation {
        id: Vec<u8>,
        code: String,
        kind: String,
        name: String,
        version: i64,
    }
}

access_row! {
    /// An order: an act that takes two persons. Nothing is done on one that was edited outside the program.
    OrderRow in joint_order {
        id: Vec<u8>,
        public_id: Vec<u8>,
        kind: String,
        case_id: Vec<u8>,
        basis: String,
        note: Vec<u8>,
        state: String,
        requested_by: Vec<u8>,
        requested_at: i64,
        expires_at: i64,
        decided_by: Option<Vec<u8>>,
        decided_at: Option<i64>,
        due_at: Option<i64>,
        ended_at: Option<i64>,
        epoch: Option<String>,
        version: i64,
        record_id: Option<Vec<u8>>,
        group_no: Option<i64>,
        content: Option<i64>,
        groups: Option<i64>,
    }
}

access_row! {
    /// A legal hold: while it lasts, nothing of the case is erased.
    HoldRow in legal_hold {
        id: Vec<u8>,
        case_id: Vec<u8>,
        basis: String,
        placed_by: Vec<u8>,
        placed_at: i64,
        lifted_at: Option<i64>,
        version: i64,
    }
}

access_row! {
    /// An owner whose keys are to be destroyed: by an order, or because its draft was saved or dropped and backups may still hold it.
    ErasedRow in erased_owner {
        id: Vec<u8>,
        order_id: Option<Vec<u8>>,
        erased_at: i64,
        version: i64,
    }
}
