//! Rows that grant access: each carries a MAC over all its columns, checked wherever a decision uses it.

use diesel::prelude::*;
use ledger::vault::keyring::Keyring;
use ledger::vault::row_mac::{Value, canonical};

use super::StorageError;
use super::classification;
use super::schema::{account, case_file, draft, membership, referral, session};

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
    let columns: Vec<(u16, Value<'_>)> = row
        .columns()
        .into_iter()
        .map(|(name, value)| {
            let number = table
                .and_then(|table| table.columns.get(name))
                .map_or(0, |column| column.number);
            (number, value)
        })
        .collect();
    canonical(keyring.deployment(), table.map_or(0, |table| table.number), &columns)
}

/// Splits rows into those that can be trusted and the number of those that were edited outside the program.
pub fn trusted<R: AccessRow>(rows: Vec<R>, keyring: &Keyring) -> (Vec<R>, usize) {
    let all = rows.len();
    let good: Vec<R> = rows.into_iter().filter_map(|row| row.trusted(keyring).ok()).collect();
    let tampered = all - good.len();
    (good, tampered)
}

/// An account of a member of staff.
#[derive(Queryable, Selectable, Insertable, AsChangeset, Clone)]
#[diesel(table_name = account, treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct AccountRow {
    /// `account.id`.
    pub id: Vec<u8>,
    /// `account.code`.
    pub code: String,
    /// `account.org_id`.
    pub org_id: Vec<u8>,
    /// `account.role`.
    pub role: String,
    /// `account.state`.
    pub state: String,
    /// `account.password_hash`.
    pub password_hash: String,
    /// `account.directory`.
    pub directory: Vec<u8>,
    /// `account.created_at`.
    pub created_at: i64,
    /// `account.version`.
    pub version: i64,
    /// `account.mac`.
    pub mac: Vec<u8>,
}

impl AccessRow for AccountRow {
    const TABLE: &'static str = "account";

    fn columns(&self) -> Vec<(&'static str, Value<'_>)> {
        vec![
            ("id", Value::Bytes(&self.id)),
            ("code", Value::Text(&self.code)),
            ("org_id", Value::Bytes(&self.org_id)),
            ("role", Value::Text(&self.role)),
            ("state", Value::Text(&self.state)),
            ("password_hash", Value::Text(&self.password_hash)),
            ("directory", Value::Bytes(&self.directory)),
            ("created_at", Value::Integer(self.created_at)),
            ("version", Value::Integer(self.version)),
        ]
    }

    fn mac(&self) -> &[u8] {
        &self.mac
    }

    fn set_mac(&mut self, mac: Vec<u8>) {
        self.mac = mac;
    }
}

/// A signed-in browser.
#[derive(Queryable, Selectable, Insertable, AsChangeset, Clone)]
#[diesel(table_name = session, treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct SessionRow {
    /// `session.id`.
    pub id: Vec<u8>,
    /// `session.account_id`.
    pub account_id: Vec<u8>,
    /// `session.created_at`.
    pub created_at: i64,
    /// `session.expires_at`.
    pub expires_at: i64,
    /// `session.version`.
    pub version: i64,
    /// `session.mac`.
    pub mac: Vec<u8>,
}

impl AccessRow for SessionRow {
    const TABLE: &'static str = "session";

    fn columns(&self) -> Vec<(&'static str, Value<'_>)> {
        vec![
            ("id", Value::Bytes(&self.id)),
            ("account_id", Value::Bytes(&self.account_id)),
            ("created_at", Value::Integer(self.created_at)),
            ("expires_at", Value::Integer(self.expires_at)),
            ("version", Value::Integer(self.version)),
        ]
    }

    fn mac(&self) -> &[u8] {
        &self.mac
    }

    fn set_mac(&mut self, mac: Vec<u8>) {
        self.mac = mac;
    }
}

/// A case.
#[derive(Queryable, Selectable, Insertable, AsChangeset, Clone)]
#[diesel(table_name = case_file, treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct CaseRow {
    /// `case_file.id`.
    pub id: Vec<u8>,
    /// `case_file.public_id`.
    pub public_id: Vec<u8>,
    /// `case_file.number`.
    pub number: String,
    /// `case_file.person_id`.
    pub person_id: Vec<u8>,
    /// `case_file.owner_id`.
    pub owner_id: Vec<u8>,
    /// `case_file.person_owner_id`.
    pub person_owner_id: Vec<u8>,
    /// `case_file.org_id`.
    pub org_id: Vec<u8>,
    /// `case_file.state`.
    pub state: String,
    /// `case_file.urgent`.
    pub urgent: bool,
    /// `case_file.assigned`.
    pub assigned: bool,
    /// `case_file.opened_at`.
    pub opened_at: i64,
    /// `case_file.version`.
    pub version: i64,
    /// `case_file.mac`.
    pub mac: Vec<u8>,
}

impl AccessRow for CaseRow {
    const TABLE: &'static str = "case_file";

    fn columns(&self) -> Vec<(&'static str, Value<'_>)> {
        vec![
            ("id", Value::Bytes(&self.id)),
            ("public_id", Value::Bytes(&self.public_id)),
            ("number", Value::Text(&self.number)),
            ("person_id", Value::Bytes(&self.person_id)),
            ("owner_id", Value::Bytes(&self.owner_id)),
            ("person_owner_id", Value::Bytes(&self.person_owner_id)),
            ("org_id", Value::Bytes(&self.org_id)),
            ("state", Value::Text(&self.state)),
            ("urgent", Value::Integer(i64::from(self.urgent))),
            ("assigned", Value::Integer(i64::from(self.assigned))),
            ("opened_at", Value::Integer(self.opened_at)),
            ("version", Value::Integer(self.version)),
        ]
    }

    fn mac(&self) -> &[u8] {
        &self.mac
    }

    fn set_mac(&mut self, mac: Vec<u8>) {
        self.mac = mac;
    }
}

/// Who works on a case.
#[derive(Queryable, Selectable, Insertable, AsChangeset, Clone)]
#[diesel(table_name = membership, treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct MembershipRow {
    /// `membership.id`.
    pub id: Vec<u8>,
    /// `membership.case_id`.
    pub case_id: Vec<u8>,
    /// `membership.account_id`.
    pub account_id: Vec<u8>,
    /// `membership.kind`.
    pub kind: String,
    /// `membership.from_at`.
    pub from_at: i64,
    /// `membership.until_at`.
    pub until_at: Option<i64>,
    /// `membership.version`.
    pub version: i64,
    /// `membership.mac`.
    pub mac: Vec<u8>,
}

impl AccessRow for MembershipRow {
    const TABLE: &'static str = "membership";

    fn columns(&self) -> Vec<(&'static str, Value<'_>)> {
        vec![
            ("id", Value::Bytes(&self.id)),
            ("case_id", Value::Bytes(&self.case_id)),
            ("account_id", Value::Bytes(&self.account_id)),
            ("kind", Value::Text(&self.kind)),
            ("from_at", Value::Integer(self.from_at)),
            ("until_at", self.until_at.map_or(Value::Null, Value::Integer)),
            ("version", Value::Integer(self.version)),
        ]
    }

    fn mac(&self) -> &[u8] {
        &self.mac
    }

    fn set_mac(&mut self, mac: Vec<u8>) {
        self.mac = mac;
    }
}

/// Something typed and not yet saved.
#[derive(Queryable, Selectable, Insertable, AsChangeset, Clone)]
#[diesel(table_name = draft, treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct DraftRow {
    /// `draft.id`.
    pub id: Vec<u8>,
    /// `draft.account_id`.
    pub account_id: Vec<u8>,
    /// `draft.form`.
    pub form: String,
    /// `draft.case_id`.
    pub case_id: Option<Vec<u8>>,
    /// `draft.owner_id`.
    pub owner_id: Vec<u8>,
    /// `draft.version`.
    pub version: i64,
    /// `draft.saved_at`.
    pub saved_at: i64,
    /// `draft.mac`.
    pub mac: Vec<u8>,
}

impl AccessRow for DraftRow {
    const TABLE: &'static str = "draft";

    fn columns(&self) -> Vec<(&'static str, Value<'_>)> {
        vec![
            ("id", Value::Bytes(&self.id)),
            ("account_id", Value::Bytes(&self.account_id)),
            ("form", Value::Text(&self.form)),
            (
                "case_id",
                self.case_id.as_ref().map_or(Value::Null, |bytes| Value::Bytes(bytes)),
            ),
            ("owner_id", Value::Bytes(&self.owner_id)),
            ("version", Value::Integer(self.version)),
            ("saved_at", Value::Integer(self.saved_at)),
        ]
    }

    fn mac(&self) -> &[u8] {
        &self.mac
    }

    fn set_mac(&mut self, mac: Vec<u8>) {
        self.mac = mac;
    }
}

/// A referral or request to another body, with the groups it lists.
#[derive(Queryable, Selectable, Insertable, AsChangeset, Clone)]
#[diesel(table_name = referral, treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct ReferralRow {
    /// `referral.id`.
    pub id: Vec<u8>,
    /// `referral.public_id`.
    pub public_id: Vec<u8>,
    /// `referral.case_id`.
    pub case_id: Vec<u8>,
    /// `referral.kind`.
    pub kind: String,
    /// `referral.from_org`.
    pub from_org: Vec<u8>,
    /// `referral.to_org`.
    pub to_org: Vec<u8>,
    /// `referral.groups`.
    pub groups: i64,
    /// `referral.purpose`.
    pub purpose: String,
    /// `referral.consent_id`.
    pub consent_id: Option<Vec<u8>>,
    /// `referral.basis`.
    pub basis: Option<String>,
    /// `referral.state`.
    pub state: String,
    /// `referral.sent_at`.
    pub sent_at: i64,
    /// `referral.due_at`.
    pub due_at: i64,
    /// `referral.decided_at`.
    pub decided_at: Option<i64>,
    /// `referral.closed_at`.
    pub closed_at: Option<i64>,
    /// `referral.reason`.
    pub reason: Option<String>,
    /// `referral.version`.
    pub version: i64,
    /// `referral.mac`.
    pub mac: Vec<u8>,
}

impl AccessRow for ReferralRow {
    const TABLE: &'static str = "referral";

    fn columns(&self) -> Vec<(&'static str, Value<'_>)> {
        vec![
            ("id", Value::Bytes(&self.id)),
            ("public_id", Value::Bytes(&self.public_id)),
            ("case_id", Value::Bytes(&self.case_id)),
            ("kind", Value::Text(&self.kind)),
            ("from_org", Value::Bytes(&self.from_org)),
            ("to_org", Value::Bytes(&self.to_org)),
            ("groups", Value::Integer(self.groups)),
            ("purpose", Value::Text(&self.purpose)),
            (
                "consent_id",
                self.consent_id
                    .as_ref()
                    .map_or(Value::Null, |bytes| Value::Bytes(bytes)),
            ),
            (
                "basis",
                self.basis.as_ref().map_or(Value::Null, |text| Value::Text(text)),
            ),
            ("state", Value::Text(&self.state)),
            ("sent_at", Value::Integer(self.sent_at)),
            ("due_at", Value::Integer(self.due_at)),
            ("decided_at", self.decided_at.map_or(Value::Null, Value::Integer)),
            ("closed_at", self.closed_at.map_or(Value::Null, Value::Integer)),
            (
                "reason",
                self.reason.as_ref().map_or(Value::Null, |text| Value::Text(text)),
            ),
            ("version", Value::Integer(self.version)),
        ]
    }

    fn mac(&self) -> &[u8] {
        &self.mac
    }

    fn set_mac(&mut self, mac: Vec<u8>) {
        self.mac = mac;
    }
}
