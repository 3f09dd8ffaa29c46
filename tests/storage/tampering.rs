use donghanh::clock::random_id;
use donghanh::domain::group::Group;
use donghanh::domain::part::Part;
use donghanh::domain::public_id::PublicId;
use donghanh::domain::refusal::Why;
use donghanh::domain::role::Role;
use donghanh::domain::{referral, step};
use donghanh::operations::actor::Actor;
use donghanh::operations::case_act::CaseActError;
use donghanh::operations::list_cases::list_cases;
use donghanh::operations::record_consent::{Consent, record_consent};
use donghanh::operations::save_part::{Save, save_part};
use donghanh::operations::send_referral::{Referral, send_referral};
use donghanh::operations::sign_in::{Credentials, SignInError, sign_in};
use donghanh::operations::verify_log::verify;
use donghanh::operations::view_case::{Wish, view_case};
use donghanh::operations::{accounts, drafts, move_referral, move_step, sessions};
use donghanh::storage::classification::{Class, tables};

use serde_json::json;

use crate::support::{Kind, PASSWORD, World, for_each_database, postgres};

const WISH: Wish = Wish {
    parts: None,
    purpose: "case_work",
    confirmed: false,
};

/// SQL that changes a column to another value of its type, whatever it holds.
pub fn change(world: &World, table: &str, column: &str) -> String {
    let column_type = donghanh::storage::dialect::columns(&mut world.connection())
        .unwrap()
        .into_iter()
        .find(|known| known.table_name == table && known.column_name == column)
        .unwrap()
        .kind;
    let sqlite = !world.database().starts_with("postgres");
    let boolean = ["urgent", "assigned"].contains(&column);
    let value = match column_type.as_str() {
        "blob" if sqlite => format!("CAST(coalesce({column}, x'') || x'00' AS BLOB)"),
        "blob" => format!("coalesce({column}, ''::bytea) || '\\x00'::bytea"),
        "text" => format!("coalesce({column}, '') || 'x'"),
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
        for table in ["account", "session", "case_file", "membership", "organisation"] {
            for column in tables()[table].columns.keys() {
                let world = World::with(kind, &server);
                let staff = world.staff("XA-A", Role::SocialWorker);
                let (actor, token) = world.sign_in(&staff);
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
                if table == "account" {
                    world.app.clock.advance(30_000);
                    let credentials = Credentials {
                        code: staff.secrets.code.clone(),
                        password: PASSWORD.to_owned().into(),
                        second: staff.code(world.app.clock.now_ms()).into(),
                    };
                    let again = world.block_on(sign_in(&world.app, credentials, [1; 8], [6; 16]));
                    assert!(matches!(again, Err(SignInError::Wrong)), "{kind:?} {column}: signed in");
                    let failed = world.entries().pop().unwrap();
                    assert_eq!(
                        (failed.k.as_str(), failed.a.as_str()),
                        ("auth.fail", "unknown"),
                        "{column}"
                    );
                }
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
        let person = |id: &PublicId| {
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

/// A case with everything around it: a draft, a step that waits, a consent, a referral that a centre has accepted.
struct Around {
    worker: Actor,
    supervisor: Actor,
    officer: Actor,
    case: PublicId,
    step: PublicId,
    consent: PublicId,
}

fn again(actor: &Actor) -> Actor {
    Actor {
        request: random_id().unwrap(),
        ..actor.clone()
    }
}

impl Around {
    fn new(world: &World) -> Self {
        let worker = world.actor("XA-A", Role::SocialWorker);
        let supervisor = world.actor("XA-A", Role::Supervisor);
        let officer = world.actor("TGPL", Role::LegalAidOfficer);
        let case = world.intake(&worker, "Hoa Mẫu").id;
        let save = Save {
            part: Part::Step(step::Kind::Support, None),
            fields: json!({"regime": {"known": "medical"}}),
            from_version: 0,
            purpose: "support",
            confirmed: false,
        };
        world
            .block_on(save_part(&world.app, &again(&worker), case, &save))
            .unwrap();
        let given = Consent {
            purpose: "legal_aid",
            groups: vec![Group::Identity, Group::LegalAid],
            agreed: true,
            form: "signed",
            detail: json!({}),
        };
        world
            .block_on(record_consent(&world.app, &again(&worker), case, &given))
            .unwrap();
        let view = world.block_on(view_case(&world.app, &worker, case.0, &WISH)).unwrap();
        let id = |bytes: &[u8]| PublicId(bytes.try_into().unwrap());
        let around = Self {
            step: id(&view.around.steps[0].public_id),
            consent: id(&view.around.consents[0].public_id),
            worker,
            supervisor,
            officer,
            case,
        };
        around.refer(world, "TGPL").unwrap();
        let view = world
            .block_on(view_case(&world.app, &around.worker, case.0, &WISH))
            .unwrap();
        let accept = move_referral::Change {
            referral: id(&view.around.referrals[0].public_id),
            verb: referral::Verb::Accept,
            reason: None,
        };
        world
            .block_on(move_referral::answer_referral(
                &world.app,
                &again(&around.officer),
                &accept,
            ))
            .unwrap();
        let typed = vec![("alias".to_owned(), "Nháp Mẫu".to_owned())];
        let draft = drafts::keep(&world.app, &around.worker, drafts::INTAKE, 0, None, typed);
        world.block_on(draft).unwrap();
        around
    }

    fn refer(&self, world: &World, to: &str) -> Result<String, CaseActError> {
        let wish = Referral {
            kind: referral::Kind::LegalAid,
            to: to.to_owned(),
            category: "advice",
            consent: Some(self.consent),
            basis: None,
            groups: vec![Group::Identity],
            confirmed: false,
        };
        world.block_on(send_referral(&world.app, &again(&self.worker), self.case, &wish))
    }

    /// Whether the row of this table still lets somebody do or see something.
    fn still_works(&self, world: &World, table: &str) -> bool {
        match table {
            "referral" => world
                .block_on(view_case(&world.app, &self.officer, self.case.0, &WISH))
                .is_ok(),
            "consent" => self.refer(world, "TGPL-2").is_ok(),
            "step" => {
                let change = move_step::Change {
                    kind: step::Kind::Support,
                    step: self.step,
                    verb: "approve".to_owned(),
                    seen: 1,
                    reason: None,
                };
                let moved = move_step::move_step(&world.app, &self.supervisor, self.case, &change);
                world.block_on(moved).is_ok()
            }
            _ => {
                let sheet = PublicId(self.worker.request);
                let opened = drafts::open(&world.app, &self.worker, drafts::INTAKE, sheet, None);
                matches!(world.block_on(opened), Ok(Some(_)))
            }
        }
    }
}

#[test]
fn any_edited_column_of_a_referral_consent_step_or_draft_opens_and_allows_nothing() {
    let server = postgres::Server::start();
    for kind in [Kind::Sqlite, Kind::Postgres] {
        for table in ["referral", "consent", "step", "draft"] {
            let columns = tables()[table].columns.keys().map(String::as_str);
            for column in std::iter::once("").chain(columns) {
                let world = World::with(kind, &server);
                accounts::add_organisation(
                    &world.app.writer,
                    &world.app.keyring,
                    "TGPL-2",
                    "legal_aid_centre",
                    "Tổ chức mẫu",
                )
                .unwrap();
                let around = Around::new(&world);
                if column.is_empty() {
                    assert!(
                        around.still_works(&world, table),
                        "{kind:?} {table}: untouched, it works"
                    );
                    continue;
                }
                let foreign_keys = if kind == Kind::Sqlite {
                    "PRAGMA foreign_keys = OFF;"
                } else {
                    "SET session_replication_role = replica;"
                };
                let edit = change(&world, table, column);
                world.db_execute(&format!("{foreign_keys} {edit}")).unwrap();
                assert!(!around.still_works(&world, table), "{kind:?} {table}.{column}");
                // A row that is no longer found by its case, its author or its form leaves nothing to check.
                let gone = matches!(
                    (table, column),
                    ("consent" | "step", "case_id") | ("draft", "account_id" | "form")
                );
                let tampered = world.kinds().iter().any(|kind| kind == "sys.tamper");
                assert!(tampered || gone, "{kind:?} {table}.{column}: no sys.tamper");
                assert!(world.log_is_whole());
            }
        }
    }
}

#[test]
fn an_earlier_version_of_a_step_put_in_the_place_of_the_newest_is_not_shown() {
    for_each_database(|world| {
        let around = Around::new(world);
        let correct = Save {
            part: Part::Step(step::Kind::Support, Some(around.step)),
            fields: json!({"regime": {"known": "travel"}}),
            from_version: 1,
            purpose: "support",
            confirmed: false,
        };
        world
            .block_on(save_part(&world.app, &again(&around.worker), around.case, &correct))
            .unwrap();
        let off = if world.database().starts_with("postgres") {
            "ALTER TABLE sealed_value DISABLE TRIGGER ALL"
        } else {
            "DROP TRIGGER sealed_value_no_delete"
        };
        world
            .db_execute(&format!(
                "{off}; DELETE FROM sealed_value WHERE version = 2 AND record_id IN (SELECT id FROM step)"
            ))
            .unwrap();
        let view = world
            .block_on(view_case(&world.app, &around.worker, around.case.0, &WISH))
            .unwrap();
        assert!(view.open.iter().all(|open| !matches!(open.part, Part::Step(..))));
        assert!(world.kinds().contains(&"sys.tamper".to_owned()));
    });
}

#[test]
fn who_wrote_a_step_is_under_its_mac_and_rows_from_before_stay_good() {
    use donghanh::storage::access_rows::{AccessRow as _, StepRow};
    let world = World::new();
    let keyring = &world.app.keyring;
    let before = crate::visible::step_row().signed(keyring);
    assert!(before.clone().trusted(keyring).is_ok() && before.is_by(&[7; 16]).is_none());
    let written = crate::visible::step_row().written_by(&[7; 16]).written_by(&[8; 16]);
    let written = written.written_by(&[7; 16]).signed(keyring);
    assert_eq!(written.authors.as_ref().map(Vec::len), Some(32), "each is kept once");
    assert_eq!(
        [[7; 16], [8; 16], [9; 16]].map(|account| written.is_by(&account)),
        [Some(true), Some(true), Some(false)]
    );
    for authors in [None, Some(vec![]), Some(vec![7; 16])] {
        let edited = StepRow {
            authors,
            ..written.clone()
        };
        assert!(edited.trusted(keyring).is_err());
    }
    let added = StepRow {
        authors: Some(vec![9; 16]),
        ..before
    };
    assert!(added.trusted(keyring).is_err());
}

#[test]
fn an_author_taken_out_of_the_versions_is_still_no_second_person() {
    for_each_database(|world| {
        let worker = world.actor("XA-A", Role::SocialWorker);
        let supervisor = world.actor("XA-A", Role::Supervisor);
        let case = world.intake(&worker, "Hoa Mẫu").id;
        let save = |part, from_version, regime: &str| Save {
            part,
            fields: json!({"regime": {"known": regime}}),
            from_version,
            purpose: "support",
            confirmed: false,
        };
        let first = save(Part::Step(step::Kind::Support, None), 0, "medical");
        world
            .block_on(save_part(&world.app, &again(&supervisor), case, &first))
            .unwrap();
        let view = || world.block_on(view_case(&world.app, &worker, case.0, &WISH)).unwrap();
        let id = PublicId(view().around.steps[0].public_id.as_slice().try_into().unwrap());
        let part = Part::Step(step::Kind::Support, Some(id));
        world
            .block_on(save_part(&world.app, &again(&worker), case, &save(part, 1, "travel")))
            .unwrap();
        let off = if world.database().starts_with("postgres") {
            "ALTER TABLE sealed_value DISABLE TRIGGER ALL"
        } else {
            "DROP TRIGGER sealed_value_no_update"
        };
        world
            .db_execute(&format!(
                "{off}; UPDATE sealed_value SET saved_by = (SELECT recorded_by FROM step)"
            ))
            .unwrap();
        let approve = move_step::Change {
            kind: step::Kind::Support,
            step: id,
            verb: "approve".to_owned(),
            seen: view().around.steps[0].version,
            reason: None,
        };
        let refused = world.block_on(move_step::move_step(&world.app, &again(&supervisor), case, &approve));
        assert!(matches!(refused, Err(CaseActError::Refused(Why::SamePerson))));
    });
}
