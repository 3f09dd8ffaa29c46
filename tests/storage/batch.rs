use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use donghanh::clock::random_id;
use donghanh::domain::role::Role;
use donghanh::operations::actor::Actor;
use donghanh::operations::create_intake::{CreateIntakeError, Intake, create_intake, unused_number};
use donghanh::operations::outcome;
use donghanh::storage::schema::organisation;
use donghanh::storage::writer::{ActError, Outcome, Tx, WriteError, Writer};
use ledger::Draft;

use crate::support::for_each_database;

fn entry(kind: &str) -> Draft {
    Draft::new(kind, "system", &[7; 16])
}

fn add(tx: &mut Tx<'_>, code: &str) -> Result<(), ActError<()>> {
    diesel::insert_into(organisation::table)
        .values((
            organisation::id.eq(random_id().unwrap().to_vec()),
            organisation::code.eq(code.to_owned()),
            organisation::kind.eq("commune"),
            organisation::name.eq("mẫu"),
        ))
        .execute(tx.connection())?;
    Ok(())
}

fn good(code: &'static str) -> impl FnOnce(&mut Tx<'_>) -> Outcome<(), ()> + Send + 'static {
    move |tx| {
        add(tx, code)?;
        Ok(((), vec![entry("test.good")]))
    }
}

#[test]
fn one_act_panics_one_violates_a_constraint_one_says_no_and_the_good_ones_of_the_batch_live() {
    for_each_database(|world| {
        let before = world.entries().len();
        let writer = world.app.writer.clone();
        world.block_on(async {
            // The first act holds the writer until all the others wait behind it, so that they share a batch.
            let (release, held) = std::sync::mpsc::channel::<()>();
            let first = writer.write::<(), ()>(None, move |_| {
                held.recv().unwrap();
                Ok(((), vec![entry("test.hold")]))
            });
            let panics = writer.write::<(), ()>(None, |tx| {
                add(tx, "PANIC")?;
                panic!("as a test wants it");
            });
            let violates = writer.write::<(), ()>(None, |tx| {
                add(tx, "TWICE")?;
                add(tx, "TWICE")?;
                Ok(((), vec![entry("test.never")]))
            });
            let refuses = writer.write::<(), &str>(None, |tx| {
                diesel::delete(organisation::table.filter(organisation::code.eq("G1"))).execute(tx.connection())?;
                Err(ActError::Refused("no"))
            });
            let releases = async {
                tokio::time::sleep(std::time::Duration::from_millis(200)).await;
                release.send(()).unwrap();
            };
            let (first, g1, panics, violates, refuses, g2, ()) = tokio::join!(
                first,
                writer.write(None, good("G1")),
                panics,
                violates,
                refuses,
                writer.write(None, good("G2")),
                releases
            );
            assert!(first.is_ok());
            let index = |receipts: &[ledger::Receipt]| receipts[0].index();
            assert_eq!(index(&g1.unwrap().1), format!("2026/{}", before + 1));
            assert_eq!(index(&g2.unwrap().1), format!("2026/{}", before + 2));
            assert!(
                matches!(panics, Err(WriteError::Unavailable)),
                "nothing is answered for an act that panicked"
            );
            assert!(matches!(violates, Err(WriteError::Failed)));
            assert!(matches!(refuses, Err(WriteError::Refused("no"))));
        });
        let kinds = world.kinds();
        assert_eq!(kinds[before..], ["test.hold", "test.good", "test.good"]);
        let there: Vec<String> = organisation::table
            .filter(organisation::code.eq_any(["G1", "G2", "PANIC", "TWICE"]))
            .order(organisation::code)
            .select(organisation::code)
            .load(&mut world.connection())
            .unwrap();
        assert_eq!(there, ["G1", "G2"]);
        assert!(world.log_is_whole());
    });
}

#[test]
fn a_commit_that_fails_says_that_the_outcome_is_not_known_and_opens_nothing() {
    for_each_database(|world| {
        let writer = world.app.writer.clone();
        let postgres = world.database().starts_with("postgres");
        if postgres {
            let later = "ALTER TABLE totp_use ALTER CONSTRAINT totp_use_account_id_fkey DEFERRABLE INITIALLY DEFERRED";
            world.db_execute(later).unwrap();
        }
        let before = world.entries().len();
        // What the database checks only at the commit.
        let doomed = writer.write::<(), ()>(None, move |tx| {
            let sql = if postgres {
                "INSERT INTO totp_use (account_id, step) VALUES ('\\x99'::bytea, 1)"
            } else {
                "PRAGMA defer_foreign_keys = ON; INSERT INTO totp_use (account_id, step) VALUES (x'99', 1)"
            };
            tx.connection().batch_execute(sql)?;
            Ok(((), vec![entry("test.doomed")]))
        });
        let (doomed, beside) = world.block_on(async { tokio::join!(doomed, writer.write(None, good("beside"))) });
        assert!(matches!(doomed, Err(WriteError::Unknown)));
        assert!(beside.is_err(), "in the same batch or behind it");
        assert!(writer.is_stopped(), "until somebody has looked");
        let (again, _thread) = Writer::start(&world.database(), world.app.clock.clone(), "again").unwrap();
        assert!(world.block_on(again.write(None, good("after"))).is_ok());
        let kinds: Vec<String> = world.kinds().split_off(before);
        assert!(!kinds.contains(&"test.doomed".to_owned()) && kinds.contains(&"test.good".to_owned()));
        assert!(world.log_is_whole());
    });
}

#[test]
fn a_second_process_may_write_at_the_same_time() {
    for_each_database(|world| {
        let before = world.entries().len();
        let (other, _thread) = Writer::start(&world.database(), world.app.clock.clone(), "second").unwrap();
        let writers = [world.app.writer.clone(), other];
        let threads: Vec<_> = (0..8)
            .map(|at| {
                let writer = writers[at % 2].clone();
                std::thread::spawn(move || {
                    for _ in 0..25 {
                        let done = writer.write_blocking::<(), ()>(None, |tx| {
                            diesel::update(organisation::table.filter(organisation::code.eq("XA-A")))
                                .set(organisation::name.eq("mẫu"))
                                .execute(tx.connection())?;
                            Ok(((), vec![entry("test.good")]))
                        });
                        assert!(done.is_ok());
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(world.entries().len(), before + 200);
        assert!(world.log_is_whole());
        let nodes: std::collections::BTreeSet<String> = world.entries().into_iter().map(|entry| entry.n).collect();
        assert!(nodes.contains("second") && nodes.contains("node-1"));
    });
}

#[test]
fn a_form_that_is_sent_twice_opens_one_case_and_its_outcome_can_be_asked() {
    for_each_database(|world| {
        let actor = world.actor("XA-A", Role::SocialWorker);
        let actor = Actor {
            request: [9; 16],
            ..actor
        };
        let intake = Intake {
            groups: vec![],
            urgent: false,
            child: false,
        };
        let asked = |request| world.block_on(outcome::look_up(&world.app, &actor, request)).unwrap();
        assert_eq!(asked([9; 16]), None);
        let first = world
            .block_on(create_intake(&world.app, &actor, intake.clone()))
            .unwrap();
        let second = world.block_on(create_intake(&world.app, &actor, intake));
        assert!(matches!(second, Err(CreateIntakeError::Already(id)) if id == first.id));
        assert_eq!(asked([9; 16]), Some(first.id));
        let other = world.actor("XA-B", Role::SocialWorker);
        assert_eq!(
            world.block_on(outcome::look_up(&world.app, &other, [9; 16])).unwrap(),
            None
        );
        assert_eq!(world.kinds().iter().filter(|kind| *kind == "case.create").count(), 1);
    });
}

#[test]
fn a_full_queue_refuses_at_once_and_what_waits_is_still_written() {
    let world = crate::support::World::new();
    let before = world.entries().len();
    let writer = world.app.writer.clone();
    world.block_on(async {
        let (release, held) = std::sync::mpsc::channel::<()>();
        let first = writer.write::<(), ()>(None, move |_| {
            held.recv().unwrap();
            Ok(((), vec![entry("test.hold")]))
        });
        let many = async {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            let acts: Vec<_> = (0..donghanh::storage::writer::QUEUE + 10)
                .map(|_| writer.write::<(), ()>(None, |_| Ok(((), vec![entry("test.good")]))))
                .collect();
            // A future does its first step, taking a place in the queue, when it is first polled.
            let mut acts: Vec<_> = acts.into_iter().map(Box::pin).collect();
            let mut busy = 0;
            let mut waiting = Vec::new();
            for act in acts.drain(..) {
                let mut act = act;
                match futures_util::poll!(act.as_mut()) {
                    std::task::Poll::Ready(Err(WriteError::Busy)) => busy += 1,
                    std::task::Poll::Ready(_) => panic!("nothing can be done while the first act holds the writer"),
                    std::task::Poll::Pending => waiting.push(act),
                }
            }
            release.send(()).unwrap();
            let mut written = 0;
            for act in waiting {
                written += usize::from(act.await.is_ok());
            }
            (busy, written)
        };
        let (first, (busy, written)) = tokio::join!(first, many);
        assert!(first.is_ok());
        assert_eq!((busy, written), (10, donghanh::storage::writer::QUEUE));
    });
    assert_eq!(world.entries().len(), before + 1 + donghanh::storage::writer::QUEUE);
}

#[test]
fn a_case_number_that_is_taken_is_drawn_again() {
    for_each_database(|world| {
        let mut connection = world.connection();
        let first = unused_number(&mut connection, 2026, || Ok(7)).unwrap();
        let worker = world.actor("XA-A", Role::SocialWorker);
        world.intake(&worker, "Hoa Mẫu");
        let taken = format!("UPDATE case_file SET number = '{first}'");
        world.db_execute(&taken).unwrap();
        let mut draws = [7, 7, 8].into_iter();
        let second = unused_number(&mut connection, 2026, || Ok(draws.next().unwrap())).unwrap();
        assert_ne!(first, second);
        assert_eq!(draws.next(), None);
    });
}
