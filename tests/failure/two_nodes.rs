//! Two application processes on one PostgreSQL: contended cases, no deadlock, no gap, no fork; and the server going away.

use crate::process::{Browser, House, block_on};
use crate::support::postgres::Server;

fn house(server: &Server) -> House {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let more = format!(
        "database = \"{}\"\nkey_plane = \"{}\"\n",
        server.address("house"),
        server.address("keys")
    );
    House::at(folder, data, &more)
}

#[test]
fn two_processes_write_the_same_cases_without_deadlock_gap_or_fork() {
    let server = Server::start();
    let house = house(&server);
    let second = house.second_node();
    let (one, two) = (house.serve(), second.serve());
    let saved = block_on(async {
        let first = Browser::sign_in(&one.address, &house.user("supervisor"), 0).await;
        let second = Browser::sign_in(&two.address, &house.user("supervisor"), 1).await;
        let list = first.get("/cases").await.unwrap();
        let cases: Vec<String> = list
            .body
            .split("href=\"/cases/")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap())
            .filter(|id| id.len() == 26)
            .take(2)
            .map(|id| format!("/cases/{id}"))
            .collect();
        assert_eq!(cases.len(), 2);
        let contend = |browser: &Browser, name: &'static str| {
            let (browser, cases) = (
                Browser {
                    client: browser.client.clone(),
                    address: browser.address.clone(),
                },
                cases.clone(),
            );
            async move {
                let mut saved = 0;
                for number in 0..20 {
                    for case in &cases {
                        // What met a conflict is kept as a draft over the version it was typed over; this begins anew.
                        let form = browser.get(&format!("{case}/groups/notes?draft=new")).await.unwrap();
                        let fields = [
                            ("version", form.hidden("version")),
                            ("purpose", "supervision".to_owned()),
                            ("text", format!("{name} {number}")),
                        ];
                        let answer = browser
                            .submit(&form, &format!("{case}/groups/notes"), &fields)
                            .await
                            .unwrap();
                        assert!(
                            [303, 409].contains(&answer.status),
                            "{}: {}",
                            answer.status,
                            answer.body
                        );
                        saved += usize::from(answer.status == 303);
                    }
                }
                saved
            }
        };
        // An operator works beside them, in a third process.
        let operator = std::thread::spawn({
            let commands: Vec<_> = (0..5)
                .map(|number| house.command(&["organisation-add", &format!("XA-{number}"), "commune", "UBND xã Mẫu"]))
                .collect();
            move || {
                commands
                    .into_iter()
                    .all(|mut command| command.status().unwrap().success())
            }
        });
        let (a, b, c, d) = tokio::join!(
            contend(&first, "A"),
            contend(&second, "B"),
            contend(&first, "C"),
            contend(&second, "D")
        );
        assert!(operator.join().unwrap(), "every command of the operator was done");
        a + b + c + d
    });
    assert!(saved >= 40, "{saved}");
    one.kill();
    two.kill();
    let said = house.ok(&["log", "verify"]);
    assert!(said.starts_with("OK"), "{said}");
    let bundle = house.folder.path().join("bundle");
    house.ok(&["log", "export", bundle.to_str().unwrap()]);
    let lines = std::fs::read_to_string(bundle.join("entries.jsonl")).unwrap();
    assert_eq!(
        lines.matches("\"k\":\"group.save\"").count() - fill_saves(&lines),
        saved
    );
    let (_, after) = lines.split_at(lines.find("\"sys.start\"").unwrap());
    assert_eq!(after.matches("\"k\":\"organisation.add\"").count(), 5);
}

/// Saves that the demonstration made before.
fn fill_saves(lines: &str) -> usize {
    let before = lines.find("\"sys.start\"").unwrap();
    lines.get(..before).unwrap().matches("\"k\":\"group.save\"").count()
}

#[test]
fn a_database_that_goes_away_gives_503_and_comes_back_without_a_restart() {
    let server = Server::start();
    let house = house(&server);
    let running = house.serve();
    block_on(async {
        let worker = Browser::sign_in(&running.address, &house.user("social_worker"), 0).await;
        assert_eq!(worker.get("/cases").await.unwrap().status, 200);
        server.stop_at_once();
        let refused = worker.get("/cases").await.unwrap();
        assert_eq!(refused.status, 503);
        server.start_again();
        let mut status = 0;
        for _ in 0..50 {
            status = worker.get("/intakes/new").await.unwrap().status;
            if status == 200 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
        assert_eq!(status, 200, "it comes back by itself");
        let form = worker.get("/intakes/new").await.unwrap();
        let mut saved = worker
            .submit(&form, "/intakes", &[("alias", "Mẫu Sau".to_owned())])
            .await
            .unwrap();
        for _ in 0..10 {
            if saved.status == 303 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            saved = worker
                .submit(&form, "/intakes", &[("alias", "Mẫu Sau".to_owned())])
                .await
                .unwrap();
        }
        assert_eq!(saved.status, 303);
    });
    running.kill();
    assert!(house.run(&["log", "verify"]).status.success());
}
