use std::collections::BTreeSet;

use diesel::prelude::*;
use donghanh::storage::access_rows::{
    AccessRow, AccountRow, CaseRow, DraftRow, MembershipRow, ReferralRow, SessionRow,
};
use donghanh::storage::classification::{Class, tables};
use donghanh::storage::connection::AnyConnection;
use donghanh::storage::dialect::columns;

use crate::support::{World, for_each_database};

fn live(world: &World) -> Vec<donghanh::storage::dialect::Column> {
    let keys = world.app.config.key_plane_address(world.data.path());
    let mut all = columns(&mut world.connection()).unwrap();
    all.extend(columns(&mut AnyConnection::open(&keys, false).unwrap()).unwrap());
    all
}

#[test]
fn every_column_is_classified_and_nothing_else_is() {
    for_each_database(|world| {
        let here: BTreeSet<(String, String)> = live(world)
            .into_iter()
            .map(|column| (column.table_name, column.column_name))
            .collect();
        let listed: BTreeSet<(String, String)> = tables()
            .iter()
            .flat_map(|(table, about)| about.columns.keys().map(|column| (table.clone(), column.clone())))
            .collect();
        let unlisted: Vec<_> = here.difference(&listed).collect();
        let gone: Vec<_> = listed.difference(&here).collect();
        assert!(
            unlisted.is_empty(),
            "add these to src/storage/classification.toml: {unlisted:?}"
        );
        assert!(
            gone.is_empty(),
            "these are no longer in the schema, list their numbers as retired: {gone:?}"
        );
    });
}

#[test]
fn what_is_sealed_or_proves_something_is_binary() {
    for_each_database(|world| {
        for column in live(world) {
            let class = tables()[&column.table_name].columns[&column.column_name].class;
            if matches!(class, Class::Sealed | Class::Mac) {
                assert_eq!(column.kind, "blob", "{}.{}", column.table_name, column.column_name);
            }
        }
    });
}

#[test]
fn numbers_are_used_once() {
    let mut numbers = BTreeSet::new();
    for (name, table) in tables() {
        assert!(numbers.insert(table.number), "{name}");
        let columns: BTreeSet<u16> = table.columns.values().map(|column| column.number).collect();
        assert_eq!(columns.len(), table.columns.len(), "{name}");
    }
}

/// `tests/vectors/columns.txt` has every number ever given out, one line each: lines are added, never changed or taken away.
#[test]
fn a_number_that_went_into_associated_data_stays_what_it_was() {
    let given = include_str!("../vectors/columns.txt");
    let given: BTreeSet<String> = given.lines().map(str::to_owned).collect();
    let now: BTreeSet<String> = tables()
        .iter()
        .flat_map(|(name, table)| {
            let columns = table.columns.iter();
            columns.map(move |(column, about)| format!("{}.{} {name}.{column}", table.number, about.number))
        })
        .collect();
    let new: Vec<&String> = now.difference(&given).collect();
    assert!(
        new.is_empty(),
        "renumbered, or to be added to tests/vectors/columns.txt: {new:?}"
    );
    let numbers: BTreeSet<&str> = given.iter().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(
        numbers.len(),
        given.len(),
        "a number of a retired column is never used again"
    );
}

#[test]
fn a_mac_covers_every_other_column_of_its_row_in_the_order_of_the_numbers() {
    fn covers<R: AccessRow>(row: &R) {
        let table = &tables()[R::TABLE];
        let mut expected: Vec<(u16, &str)> = table
            .columns
            .iter()
            .filter(|(_, column)| column.class != Class::Mac)
            .map(|(name, column)| (column.number, name.as_str()))
            .collect();
        expected.sort_unstable();
        let expected: Vec<&str> = expected.into_iter().map(|(_, name)| name).collect();
        let covered: Vec<&str> = row.columns().into_iter().map(|(name, _)| name).collect();
        assert_eq!(covered, expected, "{}", R::TABLE);
    }
    let world = World::new();
    let actor = world.actor("XA-A", donghanh::domain::role::Role::SocialWorker);
    world.intake(&actor, "Hoa Mẫu");
    let mut connection = world.connection();
    use donghanh::storage::schema::{account, case_file, membership, session};
    covers(
        &account::table
            .select(AccountRow::as_select())
            .first(&mut connection)
            .unwrap(),
    );
    covers(
        &session::table
            .select(SessionRow::as_select())
            .first(&mut connection)
            .unwrap(),
    );
    covers(
        &case_file::table
            .select(CaseRow::as_select())
            .first(&mut connection)
            .unwrap(),
    );
    covers(
        &membership::table
            .select(MembershipRow::as_select())
            .first(&mut connection)
            .unwrap(),
    );
    covers(&crate::visible::draft_row());
    covers(&crate::visible::referral_row());
    covers(&crate::visible::step_row());
    covers(&crate::visible::consent_row());
    covers(&crate::erasure::order_row());
    covers(&crate::erasure::hold_row());
    covers(&crate::erasure::erased_row());
    let with_mac: BTreeSet<&str> = tables()
        .iter()
        .filter(|(_, table)| table.columns.values().any(|column| column.class == Class::Mac))
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(
        with_mac,
        BTreeSet::from([
            "account",
            "case_file",
            "consent",
            "draft",
            "erased_owner",
            "joint_order",
            "legal_hold",
            "membership",
            "organisation",
            "referral",
            "session",
            "step"
        ])
    );
    let _: fn(&DraftRow, &ReferralRow) = |_, _| ();
}
