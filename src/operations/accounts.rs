//! An operator adds an organisation or an account, disables one, or gives it new secrets. Each act is an entry.

use diesel::prelude::*;
use ledger::vault::keyring::Keyring;
use ledger::{Draft, b64u};

use super::password;
use super::staff_record::StaffRecord;
use crate::clock::{random_id, row_id};
use crate::domain::organisation::KINDS;
use crate::domain::role::Role;
use crate::domain::text;
use crate::storage::StorageError;
use crate::storage::access_rows::{AccessRow, AccountRow, OrganisationRow};
use crate::storage::schema::{account, case_file, organisation, session};
use crate::storage::writer::{ActError, WriteError, Writer};

/// Why an account was not changed.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The code is taken.
    #[error("an organisation with this code exists already")]
    CodeTaken,
    /// A code with other characters, or none.
    #[error("the code of an organisation is 1 to 20 letters without diacritics, digits and hyphens, for example XA-01")]
    BadCode,
    /// No name, or one with characters that nobody sees.
    #[error("give a name of at most 200 characters in one line")]
    BadName,
    /// No such kind of organisation.
    #[error("an organisation is one of: {}", KINDS.join(", "))]
    UnknownKind,
    /// No account has this staff code.
    #[error("no account has this staff code")]
    NoSuchAccount,
    /// No organisation has this code.
    #[error("no organisation has this code; add it first")]
    NoSuchOrganisation,
    /// The account is to be disabled first.
    #[error("the account is active; disable it first")]
    StillActive,
    /// The password is too short.
    #[error("the password needs at least 12 characters")]
    ShortPassword,
    /// The house failed.
    #[error("the act was not written")]
    NotWritten,
    /// A key or row failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl From<WriteError<Self>> for AccountError {
    fn from(error: WriteError<Self>) -> Self {
        match error {
            WriteError::Refused(reason) => reason,
            _ => Self::NotWritten,
        }
    }
}

impl From<ledger::vault::VaultError> for AccountError {
    fn from(error: ledger::vault::VaultError) -> Self {
        Self::Storage(error.into())
    }
}

/// What the operator hands over to a new member of staff; shown once.
pub struct Secrets {
    /// Staff code, the name for signing in.
    pub code: String,
    /// Secret of the one-time codes, 20 bytes.
    pub totp_secret: Vec<u8>,
    /// Recovery codes.
    pub recovery: Vec<String>,
}

/// A name as it is kept: one line that says something.
fn named(name: &str) -> Result<String, AccountError> {
    let name = text::line(name, 200).map_err(|_| AccountError::BadName)?;
    if name.is_empty() {
        Err(AccountError::BadName)
    } else {
        Ok(name)
    }
}

/// Adds an organisation; its name is public.
pub fn add_organisation(
    writer: &Writer,
    keyring: &std::sync::Arc<Keyring>,
    code: &str,
    kind: &str,
    name: &str,
) -> Result<(), AccountError> {
    if !KINDS.contains(&kind) {
        return Err(AccountError::UnknownKind);
    }
    let fits = |letter: u8| letter.is_ascii_alphanumeric() || letter == b'-';
    if code.is_empty() || code.len() > 20 || !code.bytes().all(fits) {
        return Err(AccountError::BadCode);
    }
    let name = &named(name)?;
    let keyring = std::sync::Arc::clone(keyring);
    let (code, kind, name) = (code.to_owned(), kind.to_owned(), name.to_owned());
    let entry = Draft::new("organisation.add", "operator", &random_id()?);
    let outcome = writer.write_blocking(None, move |tx| {
        let taken: i64 = organisation::table
            .filter(organisation::code.eq(&code))
            .count()
            .get_result(tx.connection())?;
        if taken > 0 {
            return Err(ActError::Refused(AccountError::CodeTaken));
        }
        let row = OrganisationRow {
            id: row_id(tx.now_ms()).map_err(StorageError::from)?.to_vec(),
            code,
            kind,
            name,
            version: 1,
            mac: Vec::new(),
        };
        diesel::insert_into(organisation::table)
            .values(&row.signed(&keyring))
            .execute(tx.connection())?;
        Ok(((), vec![entry]))
    });
    outcome.map(drop).map_err(AccountError::from)
}

/// Whether nobody has worked here: no organisation, no account, no case.
pub fn is_untouched(connection: &mut Connection) -> Result<bool, StorageError> {
    let organisations: i64 = organisation::table.count().get_result(connection)?;
    let accounts: i64 = account::table.count().get_result(connection)?;
    let cases: i64 = case_file::table.count().get_result(connection)?;
    Ok(organisations + accounts + cases == 0)
}

/// The account with this staff code.
pub fn find_trusted(connection: &mut Connection, keyring: &Keyring, code: &str) -> Result<AccountRow, AccountError> {
    find(connection, code, keyring).map_err(|error| match error {
        ActError::Refused(reason) => reason,
        ActError::Storage(error) => error.into(),
    })
}

/// Whether there is an account with this staff code.
pub fn exists(connection: &mut Connection, code: &str) -> Result<bool, StorageError> {
    let found: i64 = account::table
        .filter(account::code.eq(code))
        .count()
        .get_result(connection)?;
    Ok(found > 0)
}

/// Adds an account and gives its secrets, which are kept only sealed or hashed.
pub fn add(
    writer: &Writer,
    keyring: &std::sync::Arc<Keyring>,
    org: &str,
    role: Role,
    name: &str,
    password: &str,
) -> Result<Secrets, AccountError> {
    if password.chars().count() < password::SHORTEST {
        return Err(AccountError::ShortPassword);
    }
    let name = &named(name)?;
    let id = row_id(0)?.to_vec();
    let code = password::staff_code()?;
    let (secrets, record) = secrets(code.clone(), name)?;
    let mut row = AccountRow {
        password_hash: password::hash(keyring, &id, password)?,
        id,
        code,
        org_id: Vec::new(),
        role: role.code().to_owned(),
        state: "active".to_owned(),
        directory: Vec::new(),
        created_at: 0,
        version: 1,
        mac: Vec::new(),
    };
    row.directory = record.seal(keyring, &row)?;
    let entry = Draft::new("account.add", "operator", &random_id()?).fields(&[role.code(), &row.code]);
    let (keyring, org) = (std::sync::Arc::clone(keyring), org.to_owned());
    writer.write_blocking(None, move |tx| {
        let org: Option<Vec<u8>> = organisation::table
            .filter(organisation::code.eq(org))
            .select(organisation::id)
            .first(tx.connection())
            .optional()?;
        row.org_id = org.ok_or(ActError::Refused(AccountError::NoSuchOrganisation))?;
        row.created_at = tx.now_ms();
        diesel::insert_into(account::table)
            .values(&row.signed(&keyring))
            .execute(tx.connection())?;
        Ok(((), vec![entry]))
    })?;
    Ok(secrets)
}

/// Disables an account and ends its sessions at once: a read in flight is not released.
pub fn disable(writer: &Writer, keyring: &std::sync::Arc<Keyring>, code: &str) -> Result<(), AccountError> {
    let entry = Draft::new("account.disable", "operator", &random_id()?).fields(&[code]);
    let keyring = std::sync::Arc::clone(keyring);
    let code = code.to_owned();
    let outcome = writer.write_blocking(None, move |tx| {
        let row = find(tx.connection(), &code, &keyring)?;
        let row = AccountRow {
            state: "disabled".to_owned(),
            ..row
        };
        save(tx.connection(), row, &keyring)?;
        tx.revoke();
        Ok(((), vec![entry]))
    });
    outcome.map(drop).map_err(AccountError::from)
}

/// Gives an account a new password, second factor and recovery codes, makes it active and ends its sessions.
pub fn reset(
    writer: &Writer,
    keyring: &std::sync::Arc<Keyring>,
    code: &str,
    password: &str,
) -> Result<Secrets, AccountError> {
    if password.chars().count() < password::SHORTEST {
        return Err(AccountError::ShortPassword);
    }
    let entry = Draft::new("account.reset", "operator", &random_id()?).fields(&[code]);
    let (keyring, code, password) = (std::sync::Arc::clone(keyring), code.to_owned(), password.to_owned());
    let (secrets, _) = writer.write_blocking(None, move |tx| {
        let mut row = find(tx.connection(), &code, &keyring)?;
        let old = StaffRecord::open(&keyring, &row)?;
        let (secrets, record) = secrets(code, &old.name).map_err(ActError::Refused)?;
        row.password_hash = password::hash(&keyring, &row.id, &password).map_err(StorageError::from)?;
        "active".clone_into(&mut row.state);
        row.directory = record.seal(&keyring, &row)?;
        save(tx.connection(), row, &keyring)?;
        tx.revoke();
        Ok((secrets, vec![entry]))
    })?;
    Ok(secrets)
}

fn secrets(code: String, name: &str) -> Result<(Secrets, StaffRecord), AccountError> {
    let totp_secret = ledger::vault::random::<20>()?.to_vec();
    let recovery = password::recovery_codes()?;
    let record = StaffRecord {
        name: name.to_owned(),
        totp_secret: b64u(&totp_secret),
        recovery: recovery.iter().map(|code| password::recovery_digest(code)).collect(),
    };
    Ok((
        Secrets {
            code,
            totp_secret,
            recovery,
        },
        record,
    ))
}

type Connection = crate::storage::connection::AnyConnection;

fn find(connection: &mut Connection, code: &str, keyring: &Keyring) -> Result<AccountRow, ActError<AccountError>> {
    let row: Option<AccountRow> = account::table
        .filter(account::code.eq(code.to_owned()))
        .select(AccountRow::as_select())
        .first(connection)
        .optional()?;
    let row = row.ok_or(ActError::Refused(AccountError::NoSuchAccount))?;
    Ok(row.trusted(keyring)?)
}

fn save(connection: &mut Connection, row: AccountRow, keyring: &Keyring) -> Result<(), ActError<AccountError>> {
    // The record is bound to the version of its row, so it moves with it.
    let record = StaffRecord::open(keyring, &row);
    let mut next = AccountRow {
        version: row.version + 1,
        ..row
    };
    if let Ok(record) = record {
        next.directory = record.seal(keyring, &next)?;
    }
    let id = next.id.clone();
    diesel::update(account::table.find(&id))
        .set(&next.signed(keyring))
        .execute(connection)?;
    diesel::delete(session::table.filter(session::account_id.eq(&id))).execute(connection)?;
    Ok(())
}
