//! More acts than can wait: the next one is told so at once, and nothing is opened or lost.

use donghanh::domain::role::Role;
use donghanh::storage::writer::{QUEUE, WriteError};
use futures_util::future::join_all;

use crate::browser::Served;
use crate::walk::{address, take_in};

#[test]
fn an_answer_that_takes_too_long_leads_to_what_became_of_it() {
    let served = Served::start();
    let worker = served.signed_in(&served.world.staff("XA-A", Role::SocialWorker));
    let form = worker.get("/intakes/new");
    let (release, released) = std::sync::mpsc::channel::<()>();
    let (begun, begins) = std::sync::mpsc::channel::<()>();
    let writer = served.world.app.writer.clone();
    let holding = std::thread::spawn(move || {
        writer.write_blocking::<(), ()>(None, move |_| {
            begun.send(()).unwrap();
            released.recv().unwrap();
            Ok(((), vec![]))
        })
    });
    begins.recv().unwrap();
    // The session of a page that was asked for a moment ago is in memory; the act waits behind the one that holds the writer.
    let late = worker.submit(&form, "/intakes", &[("alias", "Hoa Mẫu")]);
    assert_eq!(late.status, 503, "{}", late.body);
    assert!(late.body.contains("Chưa biết kết quả") && late.body.contains("value=\"Hoa Mẫu\""));
    let outcome = address(&late, "/requests/", "");
    release.send(()).unwrap();
    holding.join().unwrap().unwrap();
    let found = worker.get(&outcome);
    let case = address(&found, "/cases/", "");
    assert!(
        worker.get(&case).body.contains("Hoa Mẫu"),
        "it was written all the same"
    );
    let again = worker.submit(&late, "/intakes", &[("alias", "Hoa Mẫu")]);
    assert_eq!(
        (again.status, again.location),
        (303, Some(case)),
        "sent again it opens no second case"
    );
    let stranger = served.signed_in(&served.world.staff("XA-A", Role::SocialWorker));
    assert!(
        !stranger.get(&outcome).body.contains("/cases/"),
        "only to whom it belongs"
    );
}

#[test]
fn a_full_queue_gives_503_with_a_time_to_try_again_and_opens_nothing() {
    let served = Served::start();
    let worker = served.signed_in(&served.world.staff("XA-A", Role::SocialWorker));
    let case = take_in(&worker, &[("alias", "Hoa Mẫu")]);
    let form = worker.get("/intakes/new");
    let (release, released) = std::sync::mpsc::channel::<()>();
    let (begun, begins) = std::sync::mpsc::channel::<()>();
    let writer = served.world.app.writer.clone();
    let holding = std::thread::spawn(move || {
        writer.write_blocking::<(), ()>(None, move |_| {
            begun.send(()).unwrap();
            released.recv().unwrap();
            Ok(((), vec![]))
        })
    });
    // Only once the writer is held has it taken its batch, and what comes now fills the queue for good.
    begins.recv().unwrap();
    let (tell, full) = std::sync::mpsc::channel();
    let writer = served.world.app.writer.clone();
    let waiting = std::thread::spawn(move || {
        let acts = (0..2 * QUEUE).map(|_| writer.write::<(), ()>(None, |_| Ok(((), vec![]))));
        let told = async { tell.send(()).unwrap() };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let (outcomes, ()) = runtime.block_on(async { tokio::join!(join_all(acts), told) });
        outcomes
            .iter()
            .filter(|outcome| matches!(outcome, Err(WriteError::Busy)))
            .count()
    });
    full.recv().unwrap();

    let refused = worker.get(&case);
    assert_eq!(
        (refused.status, &refused.headers["retry-after"]),
        (503, &"5".parse().unwrap())
    );
    assert!(!refused.body.contains("Hoa Mẫu") && refused.index.is_none());
    let kept = worker.submit(&form, "/intakes", &[("alias", "Còn Nguyên")]);
    assert_eq!(kept.status, 503);
    assert!(
        kept.body.contains("value=\"Còn Nguyên\""),
        "what was typed is in the page"
    );

    release.send(()).unwrap();
    holding.join().unwrap().unwrap();
    assert!(waiting.join().unwrap() > 0, "the queue was full");
    assert_eq!(worker.get(&case).status, 200);
    assert_eq!(worker.submit(&form, "/intakes", &[("alias", "Còn Nguyên")]).status, 303);
    let views = served.world.kinds().iter().filter(|kind| *kind == "case.view").count();
    assert_eq!(views, 1, "nothing was released while it was full");
}
