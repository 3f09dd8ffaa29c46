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
    let checked = app
        .read(move |app, connection| {
            let found: Option<(AccountRow, String)> = account::table
                .inner_join(organisation::table)
                .filter(account::code.eq(code))
                .select((AccountRow::as_select(), organisation::code))
                .first(connection)
                .optional()?;
            check(&app.keyring, app.clock.now_ms(), found, &credentials)
        })
        .await
        .map_err(Failure::from)?;
    let token: Token = b64u(&ledger::vault::random::<32>().map_err(Failure::from)?).into();
    let id = session_id(&token);
    let known = checked.account.as_ref();
    let actor = known.map_or("unknown".to_owned(), |account| account.code.clone());
    let draft = |kind: &str| {
        let draft = Draft::new(kind, &actor, &request)
            .purpose("sign_in")
            .session(None, Some(network));
        match known {
            Some(account) => draft.role(&account.role, &checked.org),
            None => draft,
        }
    };
    super::refuse::tampered(app, &vec!["account"; usize::from(checked.tampered)]).await?;
    let (Some(row), Some(second), renewed) = (known.cloned(), checked.second, checked.renewed) else {
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
            open_session(tx, &keyring, row, (second, renewed), id, expires_in).map(|()| ((), vec![entry]))
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
    (second, renewed): (Second, Option<String>),
    id: [u8; 32],
    expires_in: i64,
) -> Result<(), ActError<()>> {
    let now_ms = tx.now_ms();
    let record = match second {
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
                Ok(_) => None,
                Err(diesel::result::Error::DatabaseError(diesel::result::DatabaseErrorKind::UniqueViolation, _)) => {
                    return Err(ActError::Refused(()));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Second::Recovery(record) => Some(record),
    };
    if record.is_some() || renewed.is_some() {
        let record = record.map_or_else(|| StaffRecord::open(keyring, &row), Ok)?;
        let mut account = AccountRow {
            version: row.version + 1,
            password_hash: renewed.unwrap_or_else(|| row.password_hash.clone()),
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

/// What is known after the work.
struct Checked {
    /// The account, if there is one that nobody edited outside the program.
    account: Option<AccountRow>,
    /// Code of its organisation.
    org: String,
    /// There, but edited outside the program.
    tampered: bool,
    /// The second factor, if everything fits.
    second: Option<Second>,
    /// The hash of the password under the key of now, when the stored one is of an older key and everything fits.
    renewed: Option<String>,
}

/// Does the whole work whatever is wrong: MAC, hash, second factor.
fn check(
    keyring: &Keyring,
    now_ms: i64,
    found: Option<(AccountRow, String)>,
    typed: &Credentials,
) -> Result<Checked, StorageError> {
    let there = found.is_some();
    // Nothing of an edited row is used: not its hash, whose cost would be somebody else's choice, and not its name.
    let known = found.and_then(|(account, org)| Some((account.trusted(keyring).ok()?, org)));
    let (account, org) = match known {
        Some((account, org)) => (Some(account), org),
        None => (None, String::new()),
    };
    let (id, stored) = account.as_ref().map_or((&[0; 16][..], ""), |account| {
        (account.id.as_slice(), account.password_hash.as_str())
    });
    let password = password::fits(keyring, id, &typed.password, stored)?;
    let record = account
        .as_ref()
        .map(|account| StaffRecord::open(keyring, account))
        .transpose();
    let second = match record {
        Ok(Some(record)) => second(record, &typed.second, now_ms),
        Ok(None) | Err(_) => {
            // The result does not matter, the work does.
            std::hint::black_box(password::totp_step(&[0; 20], &typed.second, now_ms));
            None
        }
    };
    let active = account.as_ref().is_some_and(|account| account.state == "active");
    let second = second.filter(|_| password && active);
    let (now, _) = keyring.web_key_ids();
    let old = password::pepper_of(stored).is_none_or(|key| key != now);
    let renewed = (second.is_some() && old).then(|| password::hash(keyring, id, &typed.password));
    Ok(Checked {
        renewed: renewed.transpose()?,
        tampered: there && account.is_none(),
        second,
        account,
        org,
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wrong_way_in_costs_as_much_as_the_right_one() {
        let (deployment, root) = (
            ledger::vault::associated::Deployment([7; 16]),
            ledger::vault::keyring::draw_root().unwrap(),
        );
        let keysets = ledger::vault::keyring::draw_keysets(deployment, &root).unwrap();
        let keysets: Vec<_> = keysets
            .into_iter()
            .map(|(name, json)| (name.to_owned(), json))
            .collect();
        let keyring = Keyring::open(deployment, &root, &keysets).unwrap();
        let secret = [9; 20];
        let record = StaffRecord {
            name: "Người mẫu".to_owned(),
            totp_secret: b64u(&secret),
            recovery: vec![],
        };
        let mut row = AccountRow {
            id: vec![1; 16],
            code: "NV-MAU0-0001".to_owned(),
            org_id: vec![2; 16],
            role: "social_worker".to_owned(),
            state: "active".to_owned(),
            password_hash: password::hash(&keyring, &[1; 16], "mật khẩu mẫu đủ dài").unwrap(),
            directory: Vec::new(),
            created_at: 0,
            version: 1,
            mac: Vec::new(),
        };
        row.directory = record.seal(&keyring, &row).unwrap();
        let row = row.signed(&keyring);
        let changed = |change: &dyn Fn(&mut AccountRow)| {
            let mut row = row.clone();
            change(&mut row);
            Some(row)
        };
        let disabled = changed(&|row| "disabled".clone_into(&mut row.state)).map(|row| row.signed(&keyring));
        let cheap = changed(&|row| row.password_hash = row.password_hash.replacen("$19456$2$", "$8$1$", 1));
        let edited = changed(&|row| "supervisor".clone_into(&mut row.role));
        let (right, wrong) = ("mật khẩu mẫu đủ dài", "mật khẩu khác hẳn");
        password::STRETCHED.take();
        for (found, typed, opens, tampered) in [
            (Some(row.clone()), right, true, false),
            (Some(row.clone()), wrong, false, false),
            (None, right, false, false),
            (disabled, right, false, false),
            (cheap, right, false, true),
            (edited, right, false, true),
        ] {
            let credentials = Credentials {
                code: row.code.clone(),
                password: typed.to_owned().into(),
                second: password::totp_code(&secret, 2).unwrap().into(),
            };
            let found = found.map(|row| (row, "XA-A".to_owned()));
            let checked = check(&keyring, 60_000, found, &credentials).unwrap();
            assert_eq!((checked.second.is_some(), checked.tampered), (opens, tampered));
            assert_eq!(password::STRETCHED.take(), [(19_456, 2)], "one hash of the usual cost");
        }
    }
}
