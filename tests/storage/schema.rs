use donghanh::storage::connection::AnyConnection;
use donghanh::storage::dialect::{Plane, columns, migrate, pending, unmigrate};

use crate::support::{Kind, World, postgres};

#[test]
fn both_databases_have_the_same_tables_columns_and_nullability() {
    let (sqlite, postgres) = (World::on(Kind::Sqlite), World::on(Kind::Postgres));
    let keys =
        |world: &World| AnyConnection::open(&world.app.config.key_plane_address(world.data.path()), false).unwrap();
    assert_eq!(
        columns(&mut sqlite.connection()).unwrap(),
        columns(&mut postgres.connection()).unwrap()
    );
    assert_eq!(
        columns(&mut keys(&sqlite)).unwrap(),
        columns(&mut keys(&postgres)).unwrap()
    );
}

#[test]
fn migrations_go_up_down_and_up_again() {
    let server = postgres::Server::start();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    for (address, plane) in [
        (file("house.db"), Plane::House),
        (file("keys.db"), Plane::Keys),
        (server.address("house"), Plane::House),
        (server.address("keys"), Plane::Keys),
    ] {
        let mut connection = AnyConnection::open(&address, true).unwrap();
        migrate(&mut connection, plane).unwrap();
        let first = columns(&mut connection).unwrap();
        assert!(!first.is_empty() && !pending(&mut connection, plane).unwrap());
        unmigrate(&mut connection, plane).unwrap();
        assert!(columns(&mut connection).unwrap().is_empty());
        migrate(&mut connection, plane).unwrap();
        assert_eq!(columns(&mut connection).unwrap(), first);
    }
}
