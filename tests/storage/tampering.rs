use donghanh::domain::role::Role;
use donghanh::operations::list_cases::list_cases;
use donghanh::operations::sessions;
use donghanh::operations::verify_log::verify;
use donghanh::operations::view_case::{Wish, view_case};
use donghanh::storage::classification::{Class, tables};

use crate::support::{Kind, World, for_each_database, postgres};

const WISH: Wish = Wish {
    parts: None,
    purpose: "case_work",
    confirmed: false,
};

/// SQL that changes a column to another value of its type, whatever it holds.
fn change(world: &World, table: &str, column: &str) -> String {
    let column_type = donghanh::storage::dialect::columns(&mut world.connection())
        .unwrap()
        .into_iter()
        .find(|known| known.table_name == table && known.column_name == column)
        .unwrap()
        .kind;
    let sqlite = !world.database().starts_with("postgres");
    let boolean = ["urgent", "assigned"].contains(&column);
    let value = match column_type.as_str() {
        "blob" if sqlite => format!("CAST({column} || x'00' AS BLOB)"),
        "blob" => format!("{column} || '\\x00'::bytea"),
        "text" => format!("{column} || 'x'"),
        _ if boolean && sqlite => format!("1 - {column}"),
        _ if boolean => format!("NOT {column}"),
        _ => format!("coalesce({column}, 4102444800000) + 1"),
    };
    format!("UPDATE {table} SET {column} = {value}")
}

#[test]
fn any_edited_column_of_a_row_that_grants_access_gives_no_access_and_is_recorded() {
    let server = postgres::Server::start();
    for kind in [Kind::Sqlite, Kind::Postgres] {
        for table in ["account", "session", "case_file", "membership"] {
            for column in tables()[table].columns.keys() {
                let world = World::with(kind, &server);
                let (actor, token) = world.sign_in(&world.staff("XA-A", Role::SocialWorker));
                let opened = world.intake(&actor, "Hoa Mẫu");
                let foreign_keys = if kind == Kind::Sqlite {
                    "PRAGMA foreign_keys = OFF;"
                } else {
                    "SET session_replication_role = replica;"
                };
                world
                    .db_execute(&format!("{foreign_keys} {}", change(&world, table, column)))
                    .unwrap();
                world.app.sessions.forget(&actor.session);
                let found = world.block_on(sessions::find(&world.app, &token, [1; 8], [5; 16]));
                let shown = match found {
                    Ok(Some(actor)) => world
                        .block_on(view_case(&world.app, &actor, opened.id.0, &WISH))
                        .is_ok(),
                    Ok(None) | Err(_) => false,
                };
                assert!(!shown, "{kind:?} {table}.{column}: the case was shown");
                // An id that is gone leaves nothing to check; every other edit is recorded.
                let gone = matches!((table, column.as_str()), ("session", "id") | ("case_file", "public_id"));
                if !gone {
                    let tampered = world.kinds().iter().any(|kind| kind == "sys.tamper");
                    assert!(tampered, "{kind:?} {table}.{column}: no sys.tamper");
                }
                assert!(world.log_is_whole());
            }
        }
    }
}

#[test]
fn a_case_moved_to_another_unit_in_the_database_is_in_nobodys_list() {
    for_each_database(|world| {
        let worker = world.actor("XA-A", Role::SocialWorker);
        let foreign = world.actor("XA-B", Role::Supervisor);
        world.intake(&worker, "Hoa Mẫu");
        world
            .db_execute("UPDATE case_file SET org_id = (SELECT id FROM organisation WHERE code = 'XA-B')")
            .unwrap();
        assert!(
            world
                .block_on(list_cases(&world.app, &foreign, None))
                .unwrap()
                .listed
                .is_empty()
        );
        assert!(world.kinds().contains(&"sys.tamper".to_owned()));
    });
}

#[test]
fn a_ciphertext_moved_to_another_row_does_not_open() {
    for_each_database(|world| {
        let worker = world.actor("XA-A", Role::SocialWorker);
        let (first, second) = (world.intake(&worker, "Hoa Mẫu"), world.intake(&worker, "Lan Mẫu"));
        let triggers_off = if world.database().starts_with("postgres") {
            "ALTER TABLE sealed_value DISABLE TRIGGER ALL"
        } else {
            "DROP TRIGGER sealed_value_no_update"
        };
        world.db_execute(triggers_off).unwrap();
        let person = |id: &donghanh::domain::public_id::PublicId| {
            let hex = ledger::vault::associated::hex(&id.0);
            let literal = if world.database().starts_with("postgres") {
                format!("'\\x{hex}'::bytea")
            } else {
                format!("x'{hex}'")
            };
            format!("(SELECT person_id FROM case_file WHERE public_id = {literal})")
        };
        world
            .db_execute(&format!(
                "UPDATE sealed_value SET value = (SELECT value FROM sealed_value WHERE group_no = 1 AND record_id = {}) \
                 WHERE group_no = 1 AND record_id = {}",
                person(&first.id),
                person(&second.id)
            ))
            .unwrap();
        assert!(
            world
                .block_on(view_case(&world.app, &worker, first.id.0, &WISH))
                .is_ok()
        );
        assert!(
            world
                .block_on(view_case(&world.app, &worker, second.id.0, &WISH))
                .is_err()
        );
    });
}

#[test]
fn any_edited_column_of_the_log_is_found_and_named() {
    let server = postgres::Server::start();
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let edits = tables()["log_entry"]
            .columns
            .iter()
            .filter(|(_, column)| column.class != Class::Mac);
        for (column, _) in edits {
            let world = World::with(kind, &server);
            let worker = world.actor("XA-A", Role::SocialWorker);
            world.intake(&worker, "Hoa Mẫu");
            let (off, target) = if kind == Kind::Sqlite {
                ("DROP TRIGGER log_entry_no_update", "idx = 3")
            } else {
                ("ALTER TABLE log_entry DISABLE TRIGGER ALL", "idx = 3")
            };
            world.db_execute(off).unwrap();
            let sql = match column.as_str() {
                "refused" if kind == Kind::Sqlite => "UPDATE log_entry SET refused = 1 - refused".to_owned(),
                "refused" => "UPDATE log_entry SET refused = NOT refused".to_owned(),
                "idx" => "UPDATE log_entry SET idx = 100000".to_owned(),
                "org" | "purpose" => format!("UPDATE log_entry SET {column} = coalesce({column}, '') || 'x'"),
                _ => change(&world, "log_entry", column),
            };
            world.db_execute(&format!("{sql} WHERE {target}")).unwrap();
            let bad = verify(&mut world.connection()).unwrap().err();
            assert_eq!(bad.and_then(|bad| bad.index), Some(3), "{kind:?} {column}");
        }
    }
}

#[test]
fn an_entry_whose_subjects_were_removed_or_added_is_found() {
    let world = World::new();
    let worker = world.actor("XA-A", Role::SocialWorker);
    world.intake(&worker, "Hoa Mẫu");
    world.db_execute("DROP TRIGGER log_subject_no_delete; DELETE FROM log_subject WHERE idx = (SELECT max(idx) FROM log_subject)").unwrap();
    assert!(verify(&mut world.connection()).unwrap().is_err());
}

#[test]
fn a_log_that_was_shortened_or_rewritten_after_a_checkpoint_is_found() {
    for_each_database(|world| {
        let auditor = world.actor("TTR", Role::Auditor);
        let worker = world.actor("XA-A", Role::SocialWorker);
        world.intake(&worker, "Hoa Mẫu");
        let verified = world
            .block_on(donghanh::operations::verify_log::verify_log(&world.app, &auditor))
            .unwrap();
        assert!(verified.outcome.is_ok() && world.log_is_whole());
        // The last entries go, and the head is put back to what it was before them: a whole log, only shorter.
        let entries = world.entries();
        let shorter = entries.len() - 3;
        let mut frontier = ledger::log::tree::Frontier::default();
        for entry in &entries[..shorter] {
            frontier.append(ledger::log::tree::leaf_hash(&entry.to_bytes().unwrap()));
        }
        let hex = ledger::vault::associated::hex(&frontier.to_bytes());
        let (off, blob) = if world.database().starts_with("postgres") {
            let tables = ["log_entry", "log_subject", "log_head"]
                .map(|table| format!("ALTER TABLE {table} DISABLE TRIGGER ALL;"));
            (tables.concat(), format!("'\\x{hex}'::bytea"))
        } else {
            let triggers = ["log_entry_no_delete", "log_subject_no_delete", "log_head_only_grows"];
            (
                triggers.map(|name| format!("DROP TRIGGER {name};")).concat(),
                format!("x'{hex}'"),
            )
        };
        world
            .db_execute(&format!(
                "{off} DELETE FROM log_subject WHERE idx >= {shorter}; DELETE FROM log_entry WHERE idx >= {shorter}; \
                 UPDATE log_head SET size = {shorter}, frontier = {blob}, last_ms = {}",
                entries[shorter - 1].t
            ))
            .unwrap();
        let bad = verify(&mut world.connection()).unwrap().unwrap_err();
        assert!(bad.what.contains("shorter"), "{bad:?}");
        world.db_execute("DELETE FROM log_checkpoint").unwrap();
        assert!(
            world.log_is_whole(),
            "without the checkpoint nothing tells: that is why auditors keep a copy"
        );
    });
}
