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
use super::schema::{case_file, deadline, membership, referral, step};
use crate::domain::group::{Group, from_bits};
use crate::domain::referral::Kind;
use crate::domain::role::Role;
use crate::domain::step::State;

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
    /// Accepted referrals to the actor's organisation.
    pub held: Vec<ReferralRow>,
    /// Rows that were edited outside the program and count for nothing.
    pub tampered: usize,
}

/// `case_file.state` of a case whose keys were destroyed: to every viewer it does not exist.
pub const ERASED: &str = "erased";

/// States in which a referral opens its groups.
const OPEN: [&str; 1] = ["accepted"];

/// The one kind of referral that a role receives.
fn kind_for(role: Role) -> &'static str {
    match role {
        Role::LegalAidOfficer => Kind::LegalAid.name(),
        Role::Liaison => Kind::Identification.name(),
        _ => "",
    }
}

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
                .and(referral::kind.eq(kind_for(viewer.role)))
                .and(referral::state.eq_any(OPEN)),
        ),
    );
    let there = case_file::state.ne(ERASED);
    match viewer.role {
        Role::SocialWorker => Some(Box::new(there.and(member.or(unit.and(case_file::assigned.eq(false)))))),
        Role::Supervisor => Some(Box::new(there.and(unit))),
        Role::Liaison | Role::LegalAidOfficer => Some(Box::new(there.and(referred))),
        Role::Administrator | Role::Analyst | Role::Auditor | Role::KeyCustodian | Role::ServiceProvider => None,
    }
}

/// A page of cases.
#[derive(Default)]
pub struct CasePage {
    /// Cases whose rows, and the rows that show them to the viewer, are as the program wrote them, with how she stands to them.
    pub cases: Vec<(CaseRow, Standing)>,
    /// Public id of the last row read, when there may be older ones.
    pub older: Option<Vec<u8>>,
    /// Rows that were edited outside the program.
    pub tampered: usize,
}

/// Cases that the viewer sees, newest first; rows edited outside the program show nothing and are counted.
///
/// `before` is the public id at which the page before ended. Row ids rise with time, so their order is the order of opening.
pub fn cases(
    connection: &mut AnyConnection,
    keyring: &Keyring,
    viewer: &Viewer,
    now_ms: i64,
    most: i64,
    before: Option<&[u8; 16]>,
) -> Result<CasePage, StorageError> {
    // A case that she does not see ends no page of hers: what is hidden and what is missing look the same here, too.
    let before: Option<Vec<u8>> = match (before, condition(viewer, now_ms)) {
        (Some(public_id), Some(condition)) => case_file::table
            .filter(case_file::public_id.eq(public_id.to_vec()))
            .filter(condition)
            .select(case_file::id)
            .first(connection)
            .optional()?,
        _ => None,
    };
    let before = before.unwrap_or_else(|| vec![0xFF; 16]);
    // A page ends at a case that is there, so that the next one can begin at it.
    let newest = case_file::table
        .filter(case_file::id.lt(before.clone()))
        .filter(case_file::state.ne(ERASED))
        .select(CaseRow::as_select())
        .order(case_file::id.desc())
        .limit(most);
    let unit = case_file::org_id.eq(viewer.org_id.clone());
    let sources: Vec<Vec<CaseRow>> = match (viewer.role, condition(viewer, now_ms)) {
        (_, None) => Vec::new(),
        // Each of the two is read along an index and stops early; `OR` would sort every case she has.
        (Role::SocialWorker, _) => vec![
            own(connection, viewer, now_ms, most, &before)?,
            newest
                .filter(unit)
                .filter(case_file::assigned.eq(false))
                .load(connection)?,
        ],
        (Role::Supervisor, _) => vec![newest.filter(unit).load(connection)?],
        (_, Some(condition)) => vec![newest.filter(condition).load(connection)?],
    };
    let (rows, older) = merged(sources, most);
    shown(connection, keyring, viewer, now_ms, rows, older)
}

/// Of these rows those that are genuine and that the viewer sees by genuine rows.
fn shown(
    connection: &mut AnyConnection,
    keyring: &Keyring,
    viewer: &Viewer,
    now_ms: i64,
    rows: Vec<CaseRow>,
    older: Option<Vec<u8>>,
) -> Result<CasePage, StorageError> {
    let (rows, mut tampered) = super::access_rows::trusted(rows, keyring);
    // A supervisor sees by the case row alone; everybody else by rows that must be genuine, too.
    let shows: &[&str] = match viewer.role {
        Role::Supervisor => &["unit"],
        Role::SocialWorker => &["member", "unassigned"],
        _ => &["receiver"],
    };
    let standings = standings(connection, keyring, viewer, now_ms, &rows)?;
    tampered += standings.iter().map(|standing| standing.tampered).sum::<usize>();
    let cases = rows
        .into_iter()
        .zip(standings)
        .filter(|(_, standing)| standing.relations.iter().any(|relation| shows.contains(relation)))
        .collect();
    Ok(CasePage { cases, older, tampered })
}

/// Cases of the viewer that cannot wait: a clock or a visit is due before `until_ms`, or a step waits for somebody like her.
///
/// Whatever their age, they stand on the first page.
pub fn pressing(
    connection: &mut AnyConnection,
    keyring: &Keyring,
    viewer: &Viewer,
    now_ms: i64,
    until_ms: i64,
    most: i64,
) -> Result<CasePage, StorageError> {
    // Asked row by row along the index of due times: listing all her cases first costs most where she has many.
    macro_rules! member {
        ($table:ident) => {
            membership::table
                .filter(membership::case_id.eq($table::case_id))
                .filter(membership::account_id.eq(viewer.account_id.clone()))
                .filter(membership::from_at.le(now_ms))
                .filter(
                    membership::until_at
                        .is_null()
                        .or(membership::until_at.gt(now_ms).assume_not_null()),
                )
        };
    }
    macro_rules! unit {
        ($table:ident) => {
            case_file::table
                .filter(case_file::id.eq($table::case_id))
                .filter(case_file::org_id.eq(viewer.org_id.clone()))
        };
    }
    let waits_for = if viewer.role == Role::Supervisor {
        State::Requested
    } else {
        State::Returned
    };
    let clocks = deadline::table
        .filter(deadline::met_at.is_null())
        .filter(deadline::due_at.lt(until_ms))
        .order(deadline::due_at)
        .select(deadline::case_id)
        .limit(most);
    let visits = step::table
        .filter(step::state.eq(State::Planned.code()))
        .filter(step::due_at.lt(until_ms))
        .order(step::due_at)
        .select(step::case_id)
        .limit(most);
    let waiting = step::table
        .filter(step::state.eq(waits_for.code()))
        .order(step::recorded_at)
        .select(step::case_id)
        .limit(most);
    let mut ids: Vec<Vec<u8>> = Vec::new();
    match viewer.role {
        Role::SocialWorker => {
            ids.extend(clocks.filter(exists(member!(deadline))).load::<Vec<u8>>(connection)?);
            ids.extend(visits.filter(exists(member!(step))).load::<Vec<u8>>(connection)?);
            ids.extend(waiting.filter(exists(member!(step))).load::<Vec<u8>>(connection)?);
        }
        Role::Supervisor => {
            ids.extend(clocks.filter(exists(unit!(deadline))).load::<Vec<u8>>(connection)?);
            ids.extend(visits.filter(exists(unit!(step))).load::<Vec<u8>>(connection)?);
            ids.extend(waiting.filter(exists(unit!(step))).load::<Vec<u8>>(connection)?);
        }
        _ => return Ok(CasePage::default()),
    }
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() {
        return Ok(CasePage::default());
    }
    let rows: Vec<CaseRow> = case_file::table
        .filter(case_file::id.eq_any(ids))
        .filter(case_file::state.ne("closed"))
        .select(CaseRow::as_select())
        .order(case_file::id.desc())
        .load(connection)?;
    shown(connection, keyring, viewer, now_ms, rows, None)
}

/// The newest cases of which the viewer is a member.
fn own(
    connection: &mut AnyConnection,
    viewer: &Viewer,
    now_ms: i64,
    most: i64,
    before: &[u8],
) -> Result<Vec<CaseRow>, StorageError> {
    Ok(membership::table
        .inner_join(case_file::table)
        .filter(membership::account_id.eq(viewer.account_id.clone()))
        .filter(membership::case_id.lt(before.to_vec()))
        .filter(case_file::state.ne(ERASED))
        .filter(membership::from_at.le(now_ms))
        .filter(
            membership::until_at
                .is_null()
                .or(membership::until_at.gt(now_ms).assume_not_null()),
        )
        .select(CaseRow::as_select())
        .order(membership::case_id.desc())
        .limit(most)
        .load(connection)?)
}

/// One page out of several lists that are sorted each, and the public id at which it ends when there may be more.
fn merged(sources: Vec<Vec<CaseRow>>, most: i64) -> (Vec<CaseRow>, Option<Vec<u8>>) {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    // Beyond the end of a list that was cut, its own rows are missing.
    let cut = sources.iter().filter(|rows| rows.len() >= most);
    let floor = cut.filter_map(|rows| rows.last()).map(|row| row.id.clone()).max();
    let mut rows: Vec<CaseRow> = sources.into_iter().flatten().collect();
    rows.sort_by(|one, other| other.id.cmp(&one.id));
    rows.dedup_by(|one, other| one.id == other.id);
    if let Some(floor) = &floor {
        rows.retain(|row| row.id >= *floor);
    }
    let more = floor.is_some() || rows.len() > most;
    rows.truncate(most);
    let older = rows.last().filter(|_| more).map(|row| row.public_id.clone());
    (rows, older)
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
    let standings = standings(connection, keyring, viewer, now_ms, std::slice::from_ref(case))?;
    Ok(standings.into_iter().next().unwrap_or_default())
}

/// How the viewer stands to each of these cases, in their order, with one question to the database.
pub fn standings(
    connection: &mut AnyConnection,
    keyring: &Keyring,
    viewer: &Viewer,
    now_ms: i64,
    cases: &[CaseRow],
) -> Result<Vec<Standing>, StorageError> {
    let ids: Vec<Vec<u8>> = cases.iter().map(|case| case.id.clone()).collect();
    let mut standings: Vec<Standing> = vec![Standing::default(); cases.len()];
    match viewer.role {
        Role::SocialWorker => {
            let query = membership::table
                .filter(membership::account_id.eq(viewer.account_id.clone()))
                .select(MembershipRow::as_select())
                .into_boxed::<MultiBackend>();
            let rows: Vec<MembershipRow> = match ids.as_slice() {
                [one] => query.filter(membership::case_id.eq(one.clone())).load(connection)?,
                _ => query.filter(membership::case_id.eq_any(ids.clone())).load(connection)?,
            };
            for row in rows {
                let Some(standing) = of(&mut standings, &ids, &row.case_id) else {
                    continue;
                };
                match row.trusted(keyring) {
                    Err(_) => standing.tampered += 1,
                    Ok(row) if row.from_at <= now_ms && row.until_at.is_none_or(|until| until > now_ms) => {
                        standing.relations.push("member");
                    }
                    Ok(_) => {}
                }
            }
        }
        Role::Liaison | Role::LegalAidOfficer => {
            let rows: Vec<ReferralRow> = referral::table
                .filter(referral::case_id.eq_any(ids.clone()))
                .filter(referral::to_org.eq(viewer.org_id.clone()))
                .filter(referral::kind.eq(kind_for(viewer.role)))
                .select(ReferralRow::as_select())
                .load(connection)?;
            for row in rows {
                let Some(standing) = of(&mut standings, &ids, &row.case_id) else {
                    continue;
                };
                match row.trusted(keyring) {
                    Err(_) => standing.tampered += 1,
                    Ok(row) => standing.referred(row),
                }
            }
        }
        _ => {}
    }
    for (case, standing) in cases.iter().zip(&mut standings) {
        if case.state == ERASED {
            *standing = Standing::default();
            continue;
        }
        standing.relations.sort_unstable();
        standing.relations.dedup();
        if case.org_id == viewer.org_id {
            standing.relations.push("unit");
            if !case.assigned {
                standing.relations.push("unassigned");
            }
        }
    }
    Ok(standings)
}

fn of<'a>(standings: &'a mut [Standing], ids: &[Vec<u8>], case: &[u8]) -> Option<&'a mut Standing> {
    let at = ids.iter().position(|id| id == case)?;
    standings.get_mut(at)
}

impl Standing {
    /// A referral to the viewer's organisation.
    fn referred(&mut self, row: ReferralRow) {
        if OPEN.contains(&row.state.as_str()) {
            self.relations.push("receiver");
            self.listed.extend(from_bits(row.groups));
            self.listed.sort_unstable();
            self.listed.dedup();
            self.held.push(row);
        } else if row.state == "sent" {
            self.relations.push("addressed");
        }
    }
}

/// A referral to the viewer's organisation by public id, with its case and how she stands to that.
pub fn referral(
    connection: &mut AnyConnection,
    keyring: &Keyring,
    viewer: &Viewer,
    now_ms: i64,
    public_id: &[u8; 16],
) -> Result<Option<(ReferralRow, CaseRow, Standing)>, StorageError> {
    let found: Option<(ReferralRow, CaseRow)> = referral::table
        .inner_join(case_file::table)
        .filter(referral::public_id.eq(public_id.to_vec()))
        .filter(case_file::state.ne(ERASED))
        .filter(referral::to_org.eq(viewer.org_id.clone()))
        .filter(referral::kind.eq(kind_for(viewer.role)))
        .select((ReferralRow::as_select(), CaseRow::as_select()))
        .first(connection)
        .optional()?;
    let Some((row, case)) = found else {
        return Ok(None);
    };
    let (Ok(row), Ok(case)) = (row.trusted(keyring), case.trusted(keyring)) else {
        return Ok(None);
    };
    let standing = standing(connection, keyring, viewer, now_ms, &case)?;
    Ok(Some((row, case, standing)))
}

/// A page of the referrals to an organisation.
pub struct ReferralPage {
    /// Referrals with their cases.
    pub rows: Vec<(ReferralRow, CaseRow)>,
    /// Whether any list goes on.
    pub more: bool,
    /// Rows that were edited outside the program.
    pub tampered: usize,
}

/// Referrals to the viewer's organisation: open ones by how long they wait, or the newest that ended; of each state a page of at
/// most so many after those that are left out, and whether there are more.
pub fn referrals(
    connection: &mut AnyConnection,
    keyring: &Keyring,
    viewer: &Viewer,
    open: bool,
    (skipped, most): (i64, i64),
) -> Result<ReferralPage, StorageError> {
    let query = referral::table
        .inner_join(case_file::table)
        .filter(case_file::state.ne(ERASED))
        .filter(referral::to_org.eq(viewer.org_id.clone()))
        .filter(referral::kind.eq(kind_for(viewer.role)))
        .select((ReferralRow::as_select(), CaseRow::as_select()))
        .offset(skipped)
        .limit(most + 1);
    let mut lists: Vec<Vec<(ReferralRow, CaseRow)>> = if open {
        let oldest = query.order((referral::sent_at, referral::id));
        let waiting = oldest.clone().filter(referral::state.eq("sent")).load(connection)?;
        vec![waiting, oldest.filter(referral::state.eq("accepted")).load(connection)?]
    } else {
        let ended = query.filter(referral::state.ne_all(["sent", "accepted"]));
        vec![
            ended
                .order((referral::sent_at.desc(), referral::id.desc()))
                .load(connection)?,
        ]
    };
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let more = lists.iter().any(|list| list.len() > most);
    for list in &mut lists {
        list.truncate(most);
    }
    let rows: Vec<(ReferralRow, CaseRow)> = lists.into_iter().flatten().collect();
    let all = rows.len();
    let good: Vec<(ReferralRow, CaseRow)> = rows
        .into_iter()
        .filter_map(|(row, case)| Some((row.trusted(keyring).ok()?, case.trusted(keyring).ok()?)))
        .collect();
    let tampered = all - good.len();
    Ok(ReferralPage {
        rows: good,
        more,
        tampered,
    })
}

/// The owner id of a case by its public id, for an entry that names it.
pub fn owner_of(connection: &mut AnyConnection, public_id: &[u8; 16]) -> Result<Option<Vec<u8>>, StorageError> {
    Ok(case_file::table
        .filter(case_file::public_id.eq(public_id.to_vec()))
        .select(case_file::owner_id)
        .first(connection)
        .optional()?)
}

/// The public id of the case of a referral, to whomever it was sent.
pub fn case_of_referral(
    connection: &mut AnyConnection,
    public_id: &[u8; 16],
) -> Result<Option<[u8; 16]>, StorageError> {
    let found: Option<Vec<u8>> = referral::table
        .inner_join(case_file::table)
        .filter(referral::public_id.eq(public_id.to_vec()))
        .select(case_file::public_id)
        .first(connection)
        .optional()?;
    Ok(found.and_then(|id| id.try_into().ok()))
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
