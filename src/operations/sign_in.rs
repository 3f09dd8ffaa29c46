//! A member of staff signs in: password and one-time code or recovery code, the same work for every outcome.

use diesel::prelude::*;
use ledger::vault::keyring::Keyring;
use ledger::{Draft, b64u};

use super::failure::{Failure, Written, sort};
use super::password;
use super::sessions::session_id;
use super::staff_record::StaffRecord;
use crate::app::App;
use crate::storage::StorageError;
use crate::storage::access_rows::{AccessRow, AccountRow, SessionRow};
use crate::storage::schema::{account, organisation, session, totp_use};
use crate::storage::writer::{ActError, Tx};

/// What was typed.
pub struct Credentials {
    /// Staff code.
    pub code: String,
    /// Password.
    pub password: zeroize::Zeroizing<String>,
    /// One-time code or recovery code.
    pub second: zeroize::Zeroizing<String>,
}

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// A fault of the house.
    #[error(transparent)]
    Failure(#[from] Failure),
    /// Too many tries; wait a minute.
    #[error("too many tries")]
    Throttled,
    /// Code, password or second factor is wrong, or the account is disabled; which one is not said.
    #[error("wrong code, password or one-time code")]
    Wrong,
}

/// A session token: 32 random bytes, b64u; the database keeps only its hash.
pub type Token = zeroize::Zeroizing<String>;

/// Second factors that a person can show.
enum Second {
    /// The step of a one-time code, usable once.
    Code(i64),
    /// A recovery code and the record without it.
    Recovery(StaffRecord),
}

/// Signs in and writes the entry; a wrong try is written too.
pub async fn sign_in(
    app: &App,
    credentials: Credentials,
    network: [u8; 8],
    request: [u8; 16],
) -> Result<Token, SignInError> {
    let code = password::canonical_code(&credentials.code);
    if !app.throttle.allows(network, &code) {
        return Err(SignInError::Throttled);
    }
    let (account, good, org) = app
        .read(move |app, connection| {
            let found: Option<(AccountRow, String)> = account::table
                .inner_join(organisation::table)
                .filter(account::code.eq(code))
                .select((AccountRow::as_select(), organisation::code))
                .first(connection)
                .optional()?;
            check(app, found, &credentials)
        })
        .await
        .map_err(Failure::from)?;
    let token: Token = b64u(&ledger::vault::random::<32>().map_err(Failure::from)?).into();
    let id = session_id(&token);
    let actor = account
        .as_ref()
        .map_or("unknown".to_owned(), |account| account.code.clone());
    let draft = |kind: &str| {
        let draft = Draft::new(kind, &actor, &request).session(None, Some(network));
        match &account {
            Some(account) => draft.role(&account.role, &org),
            None => draft,
        }
    };
    if account
        .clone()
        .is_some_and(|account| account.trusted(&app.keyring).is_err())
    {
        super::refuse::tampered(app, &["account"]).await?;
    }
    let (Some(row), Some(second)) = (account.clone(), good) else {
        let refused = draft("auth.fail").decision(false, &[]);
        let outcome = app.writer.write::<(), ()>(None, move |_| Ok(((), vec![refused]))).await;
        sort(outcome)?;
        return Err(SignInError::Wrong);
    };
    let entry = draft("auth.sign_in")
        .decision(true, &[])
        .session(id.first_chunk::<8>().copied(), Some(network));
    let keyring = std::sync::Arc::clone(&app.keyring);
    let expires_in = i64::from(app.config.session_hours) * 3_600_000;
    let outcome = app
        .writer
        .write(None, move |tx| {
            open_session(tx, &keyring, row, second, id, expires_in).map(|()| ((), vec![entry]))
        })
        .await;
    match sort(outcome)? {
        Written::Done(_) => Ok(token),
        // The one-time code was used already: as wrong as any other.
        Written::Refused(()) | Written::Stale => {
            let refused = draft("auth.fail").decision(false, &["code-used-twice".to_owned()]);
            sort(app.writer.write::<(), ()>(None, move |_| Ok(((), vec![refused]))).await)?;
            Err(SignInError::Wrong)
        }
    }
}

/// Uses up the second factor and writes the session, if the account is still as it was when the password was checked.
fn open_session(
    tx: &mut Tx<'_>,
    keyring: &Keyring,
    row: AccountRow,
    second: Second,
    id: [u8; 32],
    expires_in: i64,
) -> Result<(), ActError<()>> {
    let now_ms = tx.now_ms();
    match second {
        Second::Code(step) => {
            // Reset or disabled while the password was being checked: the old one opens nothing any more.
            let same: i64 = account::table
                .filter(account::id.eq(&row.id).and(account::version.eq(row.version)))
                .count()
                .get_result(tx.connection())?;
            if same != 1 {
                return Err(ActError::Refused(()));
            }
            let used = diesel::insert_into(totp_use::table)
                .values((totp_use::account_id.eq(&row.id), totp_use::step.eq(step)))
                .execute(tx.connection());
            match used {
                Ok(_) => {}
                Err(diesel::result::Error::DatabaseError(diesel::result::DatabaseErrorKind::UniqueViolation, _)) => {
                    return Err(ActError::Refused(()));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Second::Recovery(record) => {
            let mut account = AccountRow {
                version: row.version + 1,
                ..row.clone()
            };
            account.directory = record.seal(keyring, &account)?;
            let changed = diesel::update(account::table.find(&row.id).filter(account::version.eq(row.version)))
                .set(&account.signed(keyring))
                .execute(tx.connection())?;
            if changed != 1 {
                return Err(ActError::Refused(()));
            }
        }
    }
    let session = SessionRow {
        id: id.to_vec(),
        account_id: row.id,
        created_at: now_ms,
        expires_at: now_ms + expires_in,
        version: 1,
        mac: Vec::new(),
    };
    diesel::insert_into(session::table)
        .values(&session.signed(keyring))
        .execute(tx.connection())?;
    Ok(())
}

type Checked = (Option<AccountRow>, Option<Second>, String);

/// Does the whole work whatever is wrong: hash, second factor, MAC.
fn check(app: &App, found: Option<(AccountRow, String)>, typed: &Credentials) -> Result<Checked, StorageError> {
    let (account, org) = match found {
        Some((account, org)) => (Some(account), org),
        None => (None, String::new()),
    };
    let id = account
        .as_ref()
        .map_or_else(|| vec![0; 16], |account| account.id.clone());
    let stored = account.as_ref().map_or("", |account| account.password_hash.as_str());
    let password = password::fits(&app.keyring, &id, &typed.password, stored)?;
    let now_ms = app.clock.now_ms();
    let record = account
        .as_ref()
        .map(|account| StaffRecord::open(&app.keyring, account))
        .transpose();
    let second = match record {
        Ok(Some(record)) => second(record, &typed.second, now_ms),
        Ok(None) | Err(_) => {
            // The result does not matter, the work does.
            std::hint::black_box(password::totp_step(&[0; 20], &typed.second, now_ms));
            None
        }
    };
    let trusted = account
        .clone()
        .is_some_and(|account| account.trusted(&app.keyring).is_ok());
    let active = account.as_ref().is_some_and(|account| account.state == "active");
    Ok((account, second.filter(|_| password && trusted && active), org))
}

fn second(mut record: StaffRecord, typed: &str, now_ms: i64) -> Option<Second> {
    let secret = ledger::from_b64u(&record.totp_secret).unwrap_or_else(|| vec![0; 20]);
    let step = password::totp_step(&secret, typed, now_ms);
    let digest = password::recovery_digest(typed);
    let recovery = record.recovery.iter().position(|left| *left == digest);
    match (step, recovery) {
        (Some(step), _) => Some(Second::Code(step)),
        (None, Some(at)) => {
            record.recovery.remove(at);
            Some(Second::Recovery(record))
        }
        (None, None) => None,
    }
}
