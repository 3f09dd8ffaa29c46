//! The SQL side of "what you may not see does not exist": which cases an actor sees at all.
//!
//! Must agree with `policy/policies.cedar`; a test compares the two on random worlds. MACs are checked by the caller.

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use ledger::vault::keyring::Keyring;

use super::StorageError;
use super::access_rows::{AccessRow, CaseRow, MembershipRow, ReferralRow};
use super::connection::{AnyConnection, MultiBackend};
use super::schema::{case_file, membership, referral};
use crate::domain::group::{Group, from_bits};
use crate::domain::role::Role;

/// Who looks: what of an account the visible set needs.
#[derive(Clone)]
pub struct Viewer {
    /// Account.
    pub account_id: Vec<u8>,
    /// Organisation, which is the unit.
    pub org_id: Vec<u8>,
    /// Role.
    pub role: Role,
}

/// How an actor stands to a case.
#[derive(Clone, Default)]
pub struct Standing {
    /// Names of the relations, as policies use them.
    pub relations: Vec<&'static str>,
    /// Groups that referrals to the actor's organisation list.
    pub listed: Vec<Group>,
    /// Rows that were edited outside the program and count for nothing.
    pub tampered: usize,
}

/// States in which a referral opens its groups.
const OPEN: [&str; 1] = ["accepted"];

type Condition = Box<dyn BoxableExpression<case_file::table, MultiBackend, SqlType = Bool>>;

/// The condition on `case_file` under which a viewer may see that a case exists.
fn condition(viewer: &Viewer, now_ms: i64) -> Option<Condition> {
    let member = exists(
        membership::table.filter(
            membership::case_id
                .eq(case_file::id)
                .and(membership::account_id.eq(viewer.account_id.clone()))
                .and(membership::from_at.le(now_ms))
                .and(
                    membership::until_at
                        .is_null()
                        .or(membership::until_at.gt(now_ms).assume_not_null()),
                ),
        ),
    );
    let unit = case_file::org_id.eq(viewer.org_id.clone());
    let referred = exists(
        referral::table.filter(
            referral::case_id
                .eq(case_file::id)
                .and(referral::to_org.eq(viewer.org_id.clone()))
                .and(referral::state.eq_any(OPEN)),
        ),
    );
    match viewer.role {
        Role::SocialWorker => Some(Box::new(member.or(unit.and(case_file::assigned.eq(false))))),
        Role::Supervisor => Some(Box::new(unit)),
        Role::Liaison | Role::LegalAidOfficer => Some(Box::new(referred)),
        Role::Administrator | Role::Analyst | Role::Auditor | Role::KeyCustodian | Role::ServiceProvider => None,
    }
}

/// A page of cases.
#[derive(Default)]
pub struct CasePage {
    /// Cases whose rows, and the rows that show them to the viewer, are as the program wrote them.
    pub cases: Vec<CaseRow>,
    /// Opening time of the last row, when the page is full.
    pub older: Option<i64>,
    /// Rows that were edited outside the program.
    pub tampered: usize,
}

/// Cases that the viewer sees, newest first; rows edited outside the program show nothing and are counted.
pub fn cases(
    connection: &mut AnyConnection,
    keyring: &Keyring,
    viewer: &Viewer,
    now_ms: i64,
    most: i64,
    before: Option<i64>,
) -> Result<CasePage, StorageError> {
    let Some(condition) = condition(viewer, now_ms) else {
        return Ok(CasePage::default());
    };
    let mut query = case_file::table
        .filter(condition)
        .select(CaseRow::as_select())
        .order((case_file::opened_at.desc(), case_file::id.desc()))
        .limit(most)
        .into_boxed::<MultiBackend>();
    if let Some(before) = before {
        query = query.filter(case_file::opened_at.lt(before));
    }
    let rows: Vec<CaseRow> = query.load(connection)?;
    let full = i64::try_from(rows.len()) == Ok(most);
    let older = rows.last().filter(|_| full).map(|row| row.opened_at);
    let (rows, mut tampered) = super::access_rows::trusted(rows, keyring);
    let mut cases = Vec::with_capacity(rows.len());
    for case in rows {
        // A supervisor sees by the case row alone; everybody else by rows that must be genuine, too.
        if viewer.role != Role::Supervisor {
            let standing = standing(connection, keyring, viewer, now_ms, &case)?;
            tampered += standing.tampered;
            let shows = match viewer.role {
                Role::SocialWorker => ["member", "unassigned"].as_slice(),
                _ => ["receiver"].as_slice(),
            };
            if !standing.relations.iter().any(|relation| shows.contains(relation)) {
                continue;
            }
        }
        cases.push(case);
    }
    Ok(CasePage { cases, older, tampered })
}

/// One case by public id, if the viewer sees it, with how she stands to it.
pub fn case(
    connection: &mut AnyConnection,
    keyring: &Keyring,
    viewer: &Viewer,
    now_ms: i64,
    public_id: &[u8; 16],
) -> Result<(Option<CaseRow>, Standing), StorageError> {
    let Some(condition) = condition(viewer, now_ms) else {
        return Ok((None, Standing::default()));
    };
    let row: Option<CaseRow> = case_file::table
        .filter(case_file::public_id.eq(public_id.to_vec()))
        .filter(condition)
        .select(CaseRow::as_select())
        .first(connection)
        .optional()?;
    let Some(row) = row else {
        return Ok((None, Standing::default()));
    };
    let Ok(row) = row.trusted(keyring) else {
        return Ok((
            None,
            Standing {
                tampered: 1,
                ..Standing::default()
            },
        ));
    };
    let standing = standing(connection, keyring, viewer, now_ms, &row)?;
    Ok((Some(row), standing))
}

/// How the viewer stands to a case; only rows with a good MAC count.
pub fn standing(
    connection: &mut AnyConnection,
    keyring: &Keyring,
    viewer: &Viewer,
    now_ms: i64,
    case: &CaseRow,
) -> Result<Standing, StorageError> {
    let mut standing = Standing::default();
    if viewer.role == Role::SocialWorker {
        let rows: Vec<MembershipRow> = membership::table
            .filter(membership::case_id.eq(case.id.clone()))
            .filter(membership::account_id.eq(viewer.account_id.clone()))
            .select(MembershipRow::as_select())
            .load(connection)?;
        let (rows, tampered) = super::access_rows::trusted(rows, keyring);
        standing.tampered += tampered;
        if rows
            .iter()
            .any(|row| row.from_at <= now_ms && row.until_at.is_none_or(|until| until > now_ms))
        {
            standing.relations.push("member");
        }
    }
    if matches!(viewer.role, Role::Liaison | Role::LegalAidOfficer) {
        let rows: Vec<ReferralRow> = referral::table
            .filter(referral::case_id.eq(case.id.clone()))
            .filter(referral::to_org.eq(viewer.org_id.clone()))
            .select(ReferralRow::as_select())
            .load(connection)?;
        let (rows, tampered) = super::access_rows::trusted(rows, keyring);
        standing.tampered += tampered;
        let open: Vec<&ReferralRow> = rows.iter().filter(|row| OPEN.contains(&row.state.as_str())).collect();
        if !open.is_empty() {
            standing.relations.push("receiver");
            standing.listed = from_bits(open.iter().fold(0, |bits, row| bits | row.groups));
        }
    }
    if case.org_id == viewer.org_id {
        standing.relations.push("unit");
        if !case.assigned {
            standing.relations.push("unassigned");
        }
    }
    Ok(standing)
}

/// Behind a refusal: whether the case exists, and which rows about it or the viewer were edited outside the program.
///
/// An edited row may be the reason why the viewer sees nothing, so no condition leaves it out here.
pub fn behind(
    connection: &mut AnyConnection,
    keyring: &Keyring,
    viewer: &Viewer,
    public_id: &[u8; 16],
) -> Result<(Option<Vec<u8>>, Vec<&'static str>), StorageError> {
    let case: Option<CaseRow> = case_file::table
        .filter(case_file::public_id.eq(public_id.to_vec()))
        .select(CaseRow::as_select())
        .first(connection)
        .optional()?;
    let id = case.as_ref().map_or_else(|| public_id.to_vec(), |case| case.id.clone());
    let members: Vec<MembershipRow> = membership::table
        .filter(
            membership::case_id
                .eq(id.clone())
                .or(membership::account_id.eq(viewer.account_id.clone())),
        )
        .select(MembershipRow::as_select())
        .load(connection)?;
    let referrals: Vec<ReferralRow> = referral::table
        .filter(referral::case_id.eq(id).or(referral::to_org.eq(viewer.org_id.clone())))
        .select(ReferralRow::as_select())
        .load(connection)?;
    let owner = case.as_ref().map(|case| case.owner_id.clone());
    let mut tampered = Vec::new();
    if case.is_some_and(|case| case.trusted(keyring).is_err()) {
        tampered.push("case_file");
    }
    tampered.extend(vec!["membership"; super::access_rows::trusted(members, keyring).1]);
    tampered.extend(vec!["referral"; super::access_rows::trusted(referrals, keyring).1]);
    Ok((owner, tampered))
}
