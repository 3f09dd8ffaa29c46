//! Which record of a case a part is, and the other way round.

use super::sections::group_of;
use crate::domain::group::{Group, Owner};
use crate::domain::part::Part;
use crate::domain::public_id::PublicId;
use crate::domain::step::Kind;
use crate::storage::access_rows::CaseRow;
use crate::storage::case_rows::Around;
use crate::storage::sealed_values::SealedRow;

/// A record with the owner whose key seals it.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// Row id, as `sealed_value.record_id`.
    pub id: Vec<u8>,
    /// Owner.
    pub owner: Vec<u8>,
}

/// The record of a part whose earlier versions can be opened; `None` for what is not there.
#[must_use]
pub fn record_of(case: &CaseRow, around: &Around, part: Part) -> Option<Record> {
    let record = |id: &[u8], owner: &[u8]| Record {
        id: id.to_vec(),
        owner: owner.to_vec(),
    };
    match part {
        Part::Group(group) if group.owner() == Owner::Person => Some(record(&case.person_id, &case.person_owner_id)),
        Part::Group(_) => Some(record(&case.id, &case.owner_id)),
        Part::Step(kind, Some(id)) => {
            let mut steps = around.steps.iter();
            let row = steps.find(|row| row.public_id == id.0 && row.kind == kind.name())?;
            Some(record(&row.id, &row.owner_id))
        }
        // What a centre writes has its own author; a consent is recorded once.
        Part::Step(_, None) | Part::Matter(_) | Part::Advice(_) | Part::Consent(_) => None,
    }
}

/// The part that a record of a case is, by its id and its group.
#[must_use]
pub fn part_at(case: &CaseRow, around: &Around, record: &[u8], group: Group) -> Option<Part> {
    if record == case.id || record == case.person_id {
        return Some(Part::Group(group))
            .filter(|part| record_of(case, around, *part).is_some_and(|own| own.id == record));
    }
    let row = around.steps.iter().find(|row| row.id == record)?;
    let id = PublicId(row.public_id.as_slice().try_into().ok()?);
    let part = Part::Step(Kind::parse(&row.kind)?, Some(id));
    Some(part).filter(|part| part.group() == group)
}

/// What a record of a case is.
pub enum Place {
    /// The groups of the case, or of the person.
    Own,
    /// A step, with the version that counts.
    Step(Kind, PublicId, i64),
    /// What a receiving body recorded.
    Referral(PublicId),
    /// Who agreed to a consent.
    Consent(PublicId),
}

/// Every record of a case that holds something, by its row id.
#[must_use]
pub fn places<'a>(case: &'a CaseRow, around: &'a Around) -> Vec<(&'a [u8], Place)> {
    let public = |bytes: &[u8]| PublicId(bytes.try_into().unwrap_or_default());
    let mut places = vec![
        (case.id.as_slice(), Place::Own),
        (case.person_id.as_slice(), Place::Own),
    ];
    for row in &around.steps {
        if let Some(kind) = Kind::parse(&row.kind).filter(|_| row.content > 0) {
            places.push((&row.id, Place::Step(kind, public(&row.public_id), row.content)));
        }
    }
    for row in &around.referrals {
        places.push((&row.id, Place::Referral(public(&row.public_id))));
    }
    for row in &around.consents {
        places.push((&row.id, Place::Consent(public(&row.public_id))));
    }
    places
}

/// The part that a row of such a record is.
#[must_use]
pub fn part_of(place: &Place, row: &SealedRow) -> Option<Part> {
    let group = group_of(row)?;
    let part = match place {
        Place::Own => Part::Group(group),
        Place::Step(kind, id, _) => Part::Step(*kind, Some(*id)),
        Place::Referral(id) if group == Group::Privileged => Part::Advice(*id),
        Place::Referral(id) => Part::Matter(*id),
        Place::Consent(id) => Part::Consent(*id),
    };
    Some(part).filter(|part| part.group() == group)
}
