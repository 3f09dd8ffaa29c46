//! The log cannot be written: nothing is opened, the visitor is told, and it resumes by itself where that is safe.

use std::process::Command;

use crate::process::{Answer, Browser, House, a_case, block_on};

fn run(program: &str, arguments: &[&str]) -> bool {
    Command::new(program)
        .args(arguments)
        .status()
        .is_ok_and(|status| status.success())
}

/// A house whose log is gone under its server; gives the answer to the first thing that is asked then.
fn without_its_log(asks: impl AsyncFn(&Browser, &str, &Answer) -> Answer) -> Answer {
    let house = House::new();
    let running = house.serve();
    let answer = block_on(async {
        let worker = Browser::sign_in(&running.address, &house.user("social_worker"), 0).await;
        let case = a_case(&worker).await;
        let shown = worker.get(&case).await.unwrap();
        assert!(shown.status == 200 && shown.body.contains("Người mẫu"));
        let form = worker.get("/intakes/new").await.unwrap();
        let database = house.data.join("donghanh.db");
        let mut connection =
            donghanh::storage::connection::AnyConnection::open(database.to_str().unwrap(), false).unwrap();
        let sql = "PRAGMA foreign_keys = OFF; DROP TABLE log_entry";
        diesel::connection::SimpleConnection::batch_execute(&mut connection, sql).unwrap();
        asks(&worker, &case, &form).await
    });
    assert_eq!((answer.status, answer.retry.as_deref()), (503, Some("5")));
    assert!(answer.index.is_none());
    assert_eq!(
        wait(running.child),
        Some(3),
        "the process stops so that it verifies before it serves again"
    );
    assert!(
        !house.run(&["serve"]).status.success(),
        "and does not serve while the log is broken"
    );
    answer
}

#[test]
fn a_dropped_table_gives_503_and_opens_nothing() {
    let answer = without_its_log(async |worker, case, _| worker.get(case).await.unwrap());
    assert!(!answer.body.contains("Người mẫu"));
    assert!(answer.body.contains("Không ghi được nhật ký truy cập"));
}

#[test]
fn a_dropped_table_loses_nothing_that_was_typed() {
    let answer = without_its_log(async |worker, _, form| {
        let typed = [("alias", "Còn Nguyên".to_owned())];
        worker.submit(form, "/intakes", &typed).await.unwrap()
    });
    assert!(
        answer.body.contains("value=\"Còn Nguyên\""),
        "what was typed is in the page"
    );
}

fn wait(mut child: std::process::Child) -> Option<i32> {
    for _ in 0..200 {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    child.kill().unwrap();
    panic!("the process did not stop");
}

#[test]
fn a_full_disk_gives_503_opens_nothing_and_resumes_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let small = folder.path().join("small");
    std::fs::create_dir(&small).unwrap();
    let target = small.to_str().unwrap().to_owned();
    if !run("mount", &["-t", "tmpfs", "-o", "size=6m,mode=0700", "tmpfs", &target]) {
        panic!("this test mounts a small file system and needs to be root");
    }
    let house = House::at(folder, small.clone(), "");
    let running = house.serve();
    block_on(async {
        let worker = Browser::sign_in(&running.address, &house.user("social_worker"), 0).await;
        let case = a_case(&worker).await;
        assert_eq!(worker.get(&case).await.unwrap().status, 200);
        let ballast = small.join("ballast");
        let full = || std::fs::write(&ballast, vec![0; 16 << 20]).is_err();
        assert!(full(), "the file system is small");
        let checked = house.run(&["check"]);
        assert_eq!(checked.status.code(), Some(1));
        let said = String::from_utf8_lossy(&checked.stdout).into_owned();
        assert!(said.contains("FAULT   less than 64 MiB is free"), "{said}");
        let mut refused = None;
        for _ in 0..2000 {
            let page = worker.get(&case).await.unwrap();
            if page.status != 200 {
                refused = Some(page);
                break;
            }
        }
        let refused = refused.unwrap();
        assert_eq!(refused.status, 503);
        assert!(!refused.body.contains("Người mẫu"));
        std::fs::remove_file(&ballast).unwrap();
        let again = worker.get(&case).await.unwrap();
        assert_eq!(again.status, 200, "there is room again");
    });
    running.kill();
    assert!(house.run(&["log", "verify"]).status.success());
    assert!(run("umount", &["-l", &target]));
}

#[test]
fn a_database_file_that_was_moved_away_under_the_server_gives_503_and_stops_it() {
    let house = House::new();
    let running = house.serve();
    block_on(async {
        let worker = Browser::sign_in(&running.address, &house.user("social_worker"), 0).await;
        let case = a_case(&worker).await;
        assert_eq!(worker.get(&case).await.unwrap().status, 200);
        let (database, moved) = (house.data.join("donghanh.db"), house.data.join("moved.db"));
        std::fs::rename(&database, &moved).unwrap();
        let refused = worker.get(&case).await.unwrap();
        assert_eq!(refused.status, 503);
        assert!(!refused.body.contains("Người mẫu"));
        std::fs::rename(&moved, &database).unwrap();
    });
    assert_eq!(wait(running.child), Some(3));
    assert!(house.run(&["log", "verify"]).status.success());
}

#[test]
fn a_file_system_that_turns_read_only_under_the_server_gives_503_and_opens_nothing() {
    let house = House::new();
    let running = house.serve();
    let worker = block_on(async {
        let worker = Browser::sign_in(&running.address, &house.user("social_worker"), 0).await;
        let case = a_case(&worker).await;
        assert_eq!(worker.get(&case).await.unwrap().status, 200);
        // What the kernel answers to every write once a file system has turned read-only.
        let mut injector = Command::new("strace")
            .args(["-f", "-q", "-o", "/dev/null", "-e", "trace=pwrite64,fdatasync,fsync"])
            .args(["-e", "inject=pwrite64,fdatasync,fsync:error=EROFS"])
            .args(["-p", &running.child.id().to_string()])
            .spawn()
            .unwrap();
        let mut refused = None;
        for _ in 0..200 {
            let page = worker.get(&case).await.unwrap();
            if page.status != 200 {
                refused = Some(page);
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        let refused = refused.unwrap();
        assert_eq!(refused.status, 503);
        assert!(!refused.body.contains("Người mẫu") && refused.index.is_none());
        let injector_id = rustix::process::Pid::from_child(&injector);
        rustix::process::kill_process(injector_id, rustix::process::Signal::TERM).unwrap();
        injector.wait().unwrap();
        worker
    });
    assert_eq!(
        wait(running.child),
        Some(3),
        "it stops, so that it verifies before it serves again"
    );
    let second = house.serve();
    let worker = Browser {
        client: worker.client,
        address: second.address.clone(),
    };
    let list = block_on(worker.get("/cases")).unwrap();
    assert!(list.status == 200 && list.index.is_some());
    second.kill();
    assert!(house.run(&["log", "verify"]).status.success());
}

#[test]
fn a_read_only_file_system_gives_503_and_opens_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let small = folder.path().join("small");
    std::fs::create_dir(&small).unwrap();
    let target = small.to_str().unwrap().to_owned();
    assert!(
        run("mount", &["-t", "tmpfs", "-o", "size=64m,mode=0700", "tmpfs", &target]),
        "needs to be root"
    );
    let house = House::at(folder, small, "");
    let first = house.serve();
    let (case, client) = block_on(async {
        let worker = Browser::sign_in(&first.address, &house.user("social_worker"), 0).await;
        (a_case(&worker).await, worker.client)
    });
    // A plain mount cannot turn read-only under open files, so the server's own view of it is bound read-only at its start.
    first.kill();
    let script = format!("mount --bind {target} {target} && mount -o remount,ro,bind {target} && exec \"$@\"");
    let mut wrapped = Command::new("unshare");
    wrapped.args(["-m", "sh", "-c", &script, "sh"]);
    let serve = house.command(&["serve"]);
    wrapped.arg(serve.get_program()).args(serve.get_args());
    let out = wrapped.output().unwrap();
    assert!(
        !out.status.success(),
        "a server that cannot write its log does not serve"
    );
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(said.contains("donghanh:") && !said.contains("panicked"), "{said}");
    let second = house.serve();
    block_on(async {
        let worker = Browser {
            client,
            address: second.address.clone(),
        };
        assert_eq!(worker.get(&case).await.unwrap().status, 200);
    });
    second.kill();
    assert!(run("umount", &["-l", &target]));
}
