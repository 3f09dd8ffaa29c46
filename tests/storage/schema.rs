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

/// Unique and plain indexes, foreign keys and how many checks each table has, in one notation for both databases.
fn constraints(connection: &mut AnyConnection, sqlite: bool) -> Vec<String> {
    use diesel::{QueryableByName, RunQueryDsl as _, sql_query, sql_types::Text};
    #[derive(QueryableByName)]
    struct Line {
        #[diesel(sql_type = Text)]
        line: String,
    }
    let ours = "NOT LIKE '\\_\\_%' ESCAPE '\\'";
    let statements = if sqlite {
        vec![
            format!(
                "SELECT m.name || CASE WHEN i.\"unique\" THEN ' unique ' ELSE ' index ' END || \
                 (SELECT group_concat(name, ' ') FROM (SELECT name FROM pragma_index_info(i.name) ORDER BY seqno)) || \
                 CASE WHEN i.partial THEN ' partial' ELSE '' END AS line \
                 FROM sqlite_schema m, pragma_index_list(m.name) i WHERE m.type = 'table' AND m.name {ours} AND i.origin <> 'pk'"
            ),
            format!(
                "SELECT m.name || ' key ' || (SELECT group_concat(name, ' ') FROM \
                 (SELECT name FROM pragma_table_info(m.name) WHERE pk > 0 ORDER BY pk)) AS line \
                 FROM sqlite_schema m WHERE m.type = 'table' AND m.name {ours} AND m.name NOT LIKE 'sqlite%'"
            ),
            format!(
                "SELECT m.name || ' refers ' || f.\"from\" || ' ' || f.\"table\" AS line \
                 FROM sqlite_schema m, pragma_foreign_key_list(m.name) f WHERE m.type = 'table' AND m.name {ours}"
            ),
        ]
    } else {
        let of = "FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace \
                  WHERE n.nspname = 'public'";
        let columns = "(SELECT string_agg(a.attname, ' ' ORDER BY k.at) FROM unnest(x.indkey) WITH ORDINALITY k(number, at) \
                       JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.number)";
        vec![
            format!(
                "SELECT t.relname || CASE WHEN x.indisunique THEN ' unique ' ELSE ' index ' END || {columns} || \
                 CASE WHEN x.indpred IS NOT NULL THEN ' partial' ELSE '' END AS line {of} AND NOT x.indisprimary AND t.relname {ours}"
            ),
            format!("SELECT t.relname || ' key ' || {columns} AS line {of} AND x.indisprimary AND t.relname {ours}"),
            format!(
                "SELECT t.relname || ' refers ' || a.attname || ' ' || r.relname AS line FROM pg_constraint c \
                 JOIN pg_class t ON t.oid = c.conrelid JOIN pg_class r ON r.oid = c.confrelid \
                 JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = c.conkey[1] WHERE c.contype = 'f' AND t.relname {ours}"
            ),
        ]
    };
    let mut lines: Vec<String> = statements
        .iter()
        .flat_map(|statement| sql_query(statement).load::<Line>(connection).unwrap())
        .map(|line| line.line)
        .collect();
    lines.sort();
    lines
}

#[test]
fn both_databases_have_the_same_keys_indexes_and_references() {
    let (sqlite, postgres) = (World::on(Kind::Sqlite), World::on(Kind::Postgres));
    let keys =
        |world: &World| AnyConnection::open(&world.app.config.key_plane_address(world.data.path()), false).unwrap();
    for (here, there) in [
        (&mut sqlite.connection(), &mut postgres.connection()),
        (&mut keys(&sqlite), &mut keys(&postgres)),
    ] {
        let (here, there) = (constraints(here, true), constraints(there, false));
        assert!(!here.is_empty());
        let only = |these: &[String], others: &[String]| -> Vec<String> {
            these.iter().filter(|line| !others.contains(line)).cloned().collect()
        };
        assert_eq!((only(&here, &there), only(&there, &here)), (vec![], vec![]));
    }
}
