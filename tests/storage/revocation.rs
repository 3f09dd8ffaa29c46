use donghanh::domain::role::Role;
use donghanh::operations::accounts;
use donghanh::operations::case_act::CaseActError;
use donghanh::operations::sign_out::sign_out;
use donghanh::operations::view_case::{Wish, view_case};
use donghanh::storage::writer::WriteError;
use ledger::Draft;

use crate::support::for_each_database;

const WISH: Wish = Wish {
    parts: None,
    purpose: "case_work",
    confirmed: false,
};

#[test]
fn a_permit_decided_before_a_revocation_releases_nothing_after_it() {
    for_each_database(|world| {
        let staff = world.staff("XA-A", Role::SocialWorker);
        let (actor, _) = world.sign_in(&staff);
        let opened = world.intake(&actor, "Hoa Mẫu");
        assert!(
            world
                .block_on(view_case(&world.app, &actor, opened.id.0, &WISH))
                .is_ok()
        );
        // The read is in flight: session and rights version are looked up, the entry is not written yet.
        let in_flight = actor.clone();
        accounts::disable(&world.app.writer, &world.app.keyring, &staff.secrets.code).unwrap();
        let before = world.kinds();
        let outcome = world.block_on(view_case(&world.app, &in_flight, opened.id.0, &WISH));
        assert!(matches!(outcome, Err(CaseActError::SignedOut)));
        assert_eq!(
            world.kinds(),
            before,
            "nothing was written for a read that released nothing"
        );
    });
}

#[test]
fn the_writer_itself_refuses_an_older_rights_version() {
    for_each_database(|world| {
        let staff = world.staff("XA-A", Role::SocialWorker);
        let (actor, _) = world.sign_in(&staff);
        let decided = actor.rights;
        world.block_on(sign_out(&world.app, &actor)).unwrap();
        let entry = Draft::new("test.late", "system", &[0; 16]);
        let outcome = world.block_on(
            world
                .app
                .writer
                .write::<(), ()>(Some(decided), move |_| Ok(((), vec![entry]))),
        );
        assert!(matches!(outcome, Err(WriteError::Stale)));
        assert!(!world.kinds().contains(&"test.late".to_owned()));
    });
}

#[test]
fn somebody_elses_revocation_only_makes_the_house_decide_again() {
    for_each_database(|world| {
        let (actor, _) = world.sign_in(&world.staff("XA-A", Role::SocialWorker));
        let opened = world.intake(&actor, "Hoa Mẫu");
        let other = world.staff("XA-B", Role::SocialWorker);
        accounts::disable(&world.app.writer, &world.app.keyring, &other.secrets.code).unwrap();
        assert!(
            world
                .block_on(view_case(&world.app, &actor, opened.id.0, &WISH))
                .is_ok()
        );
    });
}
