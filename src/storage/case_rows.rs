//! The rows around a case: steps, consents, referrals. Only rows as the program wrote them are given.

use diesel::dsl::exists;
use diesel::prelude::*;
use ledger::vault::keyring::Keyring;

use super::StorageError;
use super::access_rows::{AccessRow, CaseRow, ConsentRow, ReferralRow, StepRow, trusted};
use super::connection::AnyConnection;
use super::schema::{case_file, consent, deadline, referral, step};
use crate::domain::deadline::{OF_RECEPTION, find};

/// Everything around one case, oldest first.
#[derive(Default)]
pub struct Around {
    /// Steps.
    pub steps: Vec<StepRow>,
    /// Consents.
    pub consents: Vec<ConsentRow>,
    /// Referrals to any body.
    pub referrals: Vec<ReferralRow>,
    /// Tables of rows that were edited outside the program and count for nothing.
    pub tampered: Vec<&'static str>,
}

/// Loads what is around a case.
pub fn around(connection: &mut AnyConnection, keyring: &Keyring, case_id: &[u8]) -> Result<Around, StorageError> {
    let steps: Vec<StepRow> = step::table
        .filter(step::case_id.eq(case_id.to_vec()))
        .order((step::recorded_at, step::due_at, step::id))
        .select(StepRow::as_select())
        .load(connection)?;
    let consents: Vec<ConsentRow> = consent::table
        .filter(consent::case_id.eq(case_id.to_vec()))
        .order((consent::recorded_at, consent::id))
        .select(ConsentRow::as_select())
        .load(connection)?;
    let referrals: Vec<ReferralRow> = referral::table
        .filter(referral::case_id.eq(case_id.to_vec()))
        .order((referral::sent_at, referral::id))
        .select(ReferralRow::as_select())
        .load(connection)?;
    let mut around = Around::default();
    around.steps = around.keep(steps, keyring);
    around.consents = around.keep(consents, keyring);
    around.referrals = around.keep(referrals, keyring);
    Ok(around)
}

impl Around {
    fn keep<R: AccessRow>(&mut self, rows: Vec<R>, keyring: &Keyring) -> Vec<R> {
        let (rows, edited) = trusted(rows, keyring);
        self.tampered.extend(vec![R::TABLE; edited]);
        rows
    }
}

/// Whether a case is still as it was when an act was decided.
pub fn is_unchanged(connection: &mut AnyConnection, case: &CaseRow) -> Result<bool, StorageError> {
    let version: Option<i64> = case_file::table
        .find(&case.id)
        .select(case_file::version)
        .first(connection)
        .optional()?;
    Ok(version == Some(case.version))
}

/// Whether a clock runs or has run in a case.
pub fn has_clock(connection: &mut AnyConnection, case_id: &[u8], code: &str) -> Result<bool, StorageError> {
    let ran = deadline::table
        .filter(deadline::case_id.eq(case_id.to_vec()))
        .filter(deadline::code.eq(code));
    Ok(diesel::select(exists(ran)).get_result(connection)?)
}

/// Starts the clocks of reception that still run anew, as the day on which the person came now says.
pub fn restart_reception(connection: &mut AnyConnection, case: &CaseRow, start_ms: i64) -> Result<(), StorageError> {
    for code in OF_RECEPTION {
        let clock = find(code).ok_or(StorageError::Inconsistent("a clock is missing"))?;
        let running = deadline::table
            .filter(deadline::case_id.eq(&case.id))
            .filter(deadline::code.eq(code))
            .filter(deadline::met_at.is_null())
            .filter(deadline::referral_id.is_null())
            // One that started later runs since something else became known.
            .filter(deadline::started_at.le(case.opened_at));
        diesel::update(running)
            .set((
                deadline::started_at.eq(start_ms),
                deadline::due_at.eq(clock.due_ms(start_ms)),
            ))
            .execute(connection)?;
    }
    Ok(())
}

/// Ends the clocks that run for a referral: nobody owes anything on them any more.
pub fn stop_clocks(connection: &mut AnyConnection, referral_id: &[u8]) -> Result<(), StorageError> {
    let running = deadline::table
        .filter(deadline::referral_id.eq(referral_id.to_vec()))
        .filter(deadline::met_at.is_null());
    diesel::delete(running).execute(connection)?;
    Ok(())
}

/// Says that what a clock of a referral asks for is done.
pub fn meet_clock(
    connection: &mut AnyConnection,
    referral_id: &[u8],
    code: &str,
    now_ms: i64,
) -> Result<(), StorageError> {
    let running = deadline::table
        .filter(deadline::referral_id.eq(referral_id.to_vec()))
        .filter(deadline::code.eq(code.to_owned()))
        .filter(deadline::met_at.is_null());
    diesel::update(running)
        .set(deadline::met_at.eq(Some(now_ms)))
        .execute(connection)?;
    Ok(())
}

/// Declares how a row replaces the version before it; `false` when somebody else was quicker.
macro_rules! replace {
    ($name:ident, $row:ident, $table:ident) => {
        #[doc = concat!("Puts a signed row in the place of the version before it in `", stringify!($table), "`; `false` when that is gone.")]
        pub fn $name(connection: &mut AnyConnection, row: &$row) -> Result<bool, StorageError> {
            let before = $table::table.find(row.id.clone()).filter($table::version.eq(row.version - 1));
            Ok(diesel::update(before).set(row).execute(connection)? == 1)
        }
    };
}

replace!(replace_case, CaseRow, case_file);
replace!(replace_consent, ConsentRow, consent);
replace!(replace_referral, ReferralRow, referral);
replace!(replace_step, StepRow, step);
