//! The same rows in the other database, whichever way.

use std::collections::BTreeMap;

use donghanh::domain::group::Group;
use donghanh::domain::role::Role;
use donghanh::operations::verify_log::verify;
use donghanh::storage::connection::AnyConnection;
use donghanh::storage::copy::missing_writes;
use donghanh::storage::dialect::{Plane, columns, migrate, read_rows};
use donghanh::storage::transfer::transfer;
use serde_json::Value;

use crate::support::{Kind, World, postgres};

/// Every row of every table; hexadecimal digits and truth values as one database writes them.
fn everything(connection: &mut AnyConnection) -> BTreeMap<String, Vec<String>> {
    let mut tables: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for column in columns(connection).unwrap() {
        tables.entry(column.table_name.clone()).or_default().push(column);
    }
    let same = |row: &str| {
        let mut row: Value = serde_json::from_str(row).unwrap();
        for value in row.as_object_mut().unwrap().values_mut() {
            let anew = match &*value {
                Value::String(text) if text.starts_with("\\x") => Value::String(text.to_lowercase()),
                Value::Bool(truth) => Value::from(i64::from(*truth)),
                other => other.clone(),
            };
            *value = anew;
        }
        row.to_string()
    };
    let mut all = BTreeMap::new();
    for (name, columns) in tables {
        let mut rows = Vec::new();
        read_rows(connection, &columns, |row| {
            rows.push(same(&row));
            Ok(())
        })
        .unwrap();
        rows.sort();
        all.insert(name, rows);
    }
    all
}

#[test]
fn a_house_on_a_server_is_the_same_in_a_file_and_on_another_server() {
    let server = postgres::Server::start();
    let world = World::with(Kind::Postgres, &server);
    let worker = world.actor("XA-A", Role::SocialWorker);
    for number in 0..250 {
        world.intake(&worker, &format!("Mẫu “{number}” \\ 'ngoặc'"));
    }
    let case = world.intake(&worker, "Hoa Mẫu");
    world.attach(&worker, case.id, Group::Risk, b"%PDF-1.7 mau");
    let before = everything(&mut world.connection());
    assert!(before["sealed_value"].len() > 500 && before["log_entry"].len() > 250);

    let path = world.data.path().join("file.db");
    let mut file = AnyConnection::open(path.to_str().unwrap(), true).unwrap();
    migrate(&mut file, Plane::House).unwrap();
    transfer(&mut world.connection(), &mut file).unwrap();
    assert!(everything(&mut file) == before);
    assert!(verify(&mut file).unwrap().is_ok());
    assert!(missing_writes(&mut file, world.log_size()).unwrap().is_empty());
    assert!(
        transfer(&mut world.connection(), &mut file).is_err(),
        "one that holds a house takes no other"
    );
    assert!(everything(&mut file) == before);

    let mut other = AnyConnection::open(&server.fresh().0, false).unwrap();
    migrate(&mut other, Plane::House).unwrap();
    transfer(&mut file, &mut other).unwrap();
    assert!(everything(&mut other) == before);
    assert!(verify(&mut other).unwrap().is_ok());
}
