use donghanh::domain::role::Role;

use crate::support::{Kind, World, for_each_database};

fn refused(world: &World, sql: &str) {
    let Err(error) = world.db_execute(sql) else {
        panic!("accepted: {sql}")
    };
    assert!(error.to_string().contains("DH-LOG"), "{sql}: {error}");
}

#[test]
fn the_log_refuses_update_delete_replace_gap_and_going_back() {
    for_each_database(|world| {
        world.intake(&world.actor("XA-A", Role::SocialWorker), "Hoa Mẫu");
        let before = world.entries().len();
        refused(world, "UPDATE log_entry SET actor = 'x'");
        refused(world, "DELETE FROM log_entry");
        refused(world, "UPDATE log_head SET size = size - 1");
        refused(world, "UPDATE log_head SET rights_version = 0");
        refused(world, "DELETE FROM log_head");
        let note = if world.database().starts_with("postgres") {
            "'\\x01'::bytea"
        } else {
            "x'01'"
        };
        world
            .db_execute(&format!(
                "INSERT INTO log_note (hash, id, sealed) VALUES ({note}, {note}, {note})"
            ))
            .unwrap();
        for table in ["log_subject", "log_note"] {
            let column = if table == "log_note" { "sealed" } else { "handle" };
            refused(world, &format!("UPDATE {table} SET {column} = {note}"));
            refused(world, &format!("DELETE FROM {table}"));
        }
        let columns = "shard, idx, bytes, leaf, at_ms, kind, actor, org, purpose, refused, request";
        let copy = |index: &str| {
            format!(
                "INSERT INTO log_entry ({columns}) SELECT shard, {index}, bytes, leaf, at_ms, kind, actor, org, purpose, refused, request \
                 FROM log_entry WHERE idx = 0"
            )
        };
        refused(world, &copy("idx"));
        refused(world, &copy(&format!("{}", before + 1)));
        assert_eq!(world.entries().len(), before);
        assert!(world.log_is_whole());
    });
}

#[test]
fn sqlite_refuses_insert_or_replace() {
    let world = World::on(Kind::Sqlite);
    refused(
        &world,
        "INSERT OR REPLACE INTO log_entry SELECT * FROM log_entry WHERE idx = 1",
    );
    refused(&world, "UPDATE OR REPLACE log_entry SET idx = 0 WHERE idx = 1");
}

#[test]
fn postgres_refuses_truncate() {
    let world = World::on(Kind::Postgres);
    for table in ["log_entry", "log_subject", "log_note", "log_head"] {
        refused(&world, &format!("TRUNCATE {table}"));
    }
}
