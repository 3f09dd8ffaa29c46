//! Three workloads against a bare endpoint and a bare fsync loop in the same run: `cargo bench --bench load`.
//!
//! W1 saves an intake, W2 shows a case of 25 fields with a narrative of 2 KB (entry durable before the page), W3 reveals 50 names.
//! Session, policy, log and rendering are in every figure. Prints a table and JSON lines; says nothing about another machine.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a bench may panic and prints"
)]

mod fill;
#[path = "../tests/support/mod.rs"]
mod support;

use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use donghanh::clock::random_id;
use donghanh::domain::role::Role;
use donghanh::web::server;
use donghanh::web::token::FormToken;
use fill::fill;
use reqwest::{Client, RequestBuilder};
use serde_json::json;
use support::World;

const RUN: Duration = Duration::from_secs(4);

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct Figure {
    name: &'static str,
    connections: usize,
    per_second: f64,
    p50: Duration,
    p99: Duration,
}

type Request = Arc<dyn Fn(&Client) -> RequestBuilder + Send + Sync>;

fn main() {
    let cases: usize = std::env::args()
        .filter_map(|argument| argument.parse().ok())
        .next()
        .unwrap_or(2000);
    let world = World::new();
    let (actor, token) = world.sign_in(&world.staff("XA-A", Role::SocialWorker));
    let case = fill(&world, &actor, cases);
    let gate = Arc::clone(&world.gate);
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let ready = server::prepare(gate).unwrap();
            sender.send(ready.address).unwrap();
            ready.server.await.unwrap();
        });
    });
    let base = format!("http://{}", receiver.recv().unwrap());
    let cookie = format!("dh={token}");
    let get = |path: String| -> Request {
        let (url, cookie) = (format!("{base}{path}"), cookie.clone());
        Arc::new(move |client| client.get(&url).header("cookie", &cookie))
    };
    let post = |path: &str, fields: Vec<(&'static str, String)>| -> Request {
        let (url, cookie, app, session) = (
            format!("{base}{path}"),
            cookie.clone(),
            world.app.clone(),
            actor.session,
        );
        Arc::new(move |client| {
            let token = FormToken::new(&app.keyring, &session, random_id().unwrap(), app.clock.now_ms());
            let mut form = fields.clone();
            form.extend([
                ("_request", token.request),
                ("_expires", token.expires.to_string()),
                ("_mac", token.mac),
            ]);
            client.post(&url).header("cookie", &cookie).form(&form)
        })
    };
    let intake = vec![("alias", "Người mẫu".to_owned()), ("danger", "high".to_owned())];
    let work: [(&'static str, Request, u16); 4] = [
        ("bare", get("/healthz".to_owned()), 200),
        ("W1 intake", post("/intakes", intake), 303),
        ("W2 case", get(format!("/cases/{case}")), 200),
        (
            "W3 50 names",
            post("/cases/names", vec![("purpose", "case_work".to_owned())]),
            200,
        ),
    ];
    let fsync = fsync_loop(world.data.path());
    println!("bare fsync loop: {fsync:.0}/s   {cases} cases");
    println!(
        "{:<12} {:>11} {:>10} {:>9} {:>9} {:>8}",
        "work", "connections", "per second", "p50 ms", "p99 ms", "of bare"
    );
    let mut bare = [0.0; 3];
    // A word such as `W2` runs the bare endpoint and that work only.
    let only: Vec<String> = std::env::args().skip(1).filter(|word| word.starts_with('W')).collect();
    for (name, request, status) in work {
        if !only.is_empty() && name != "bare" && !only.iter().any(|word| name.starts_with(word.as_str())) {
            continue;
        }
        for (at, connections) in [1, 8, 64].into_iter().enumerate() {
            let figure = run(name, connections, &request, status);
            if name == "bare" {
                bare[at] = figure.per_second;
            }
            let share = figure.per_second / bare[at] * 100.0;
            let ms = |time: Duration| time.as_secs_f64() * 1000.0;
            println!(
                "{:<12} {:>11} {:>10.0} {:>9.2} {:>9.2} {:>7.1}%",
                figure.name,
                figure.connections,
                figure.per_second,
                ms(figure.p50),
                ms(figure.p99),
                share
            );
            println!(
                "{}",
                json!({"work": figure.name, "connections": connections, "per_second": figure.per_second.round(),
                    "p50_ms": ms(figure.p50), "p99_ms": ms(figure.p99), "percent_of_bare": share, "fsync_per_second": fsync.round()})
            );
        }
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let resident = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    println!("{resident} (server and load generator together)");
    std::process::exit(0);
}

fn run(name: &'static str, connections: usize, request: &Request, status: u16) -> Figure {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let local = tokio::task::LocalSet::new();
    let mut times: Vec<Duration> = local.block_on(&runtime, async {
        let tasks: Vec<_> = (0..connections)
            .map(|_| {
                let request = Arc::clone(request);
                let client = Client::builder()
                    .tls_built_in_root_certs(false) // plain loopback; a set of roots per client would count as memory of the house
                    .redirect(reqwest::redirect::Policy::none())
                    .build()
                    .unwrap();
                tokio::task::spawn_local(async move {
                    let (end, mut times) = (Instant::now() + RUN, Vec::new());
                    while Instant::now() < end {
                        let from = Instant::now();
                        let answer = request(&client).send().await.unwrap();
                        let refused = answer.status() == 503;
                        assert!(refused || answer.status() == status, "{name}: {}", answer.status());
                        answer.bytes().await.unwrap();
                        // A house that is too busy says so; that is no work done.
                        if !refused {
                            times.push(from.elapsed());
                        }
                    }
                    times
                })
            })
            .collect();
        let mut all = Vec::new();
        for task in tasks {
            all.append(&mut task.await.unwrap());
        }
        all
    });
    times.sort_unstable();
    let at = |part: usize| {
        times
            .get((times.len() * part / 100).min(times.len().saturating_sub(1)))
            .copied()
            .unwrap_or_default()
    };
    #[allow(clippy::cast_precision_loss, reason = "a figure for people")]
    let per_second = times.len() as f64 / RUN.as_secs_f64();
    Figure {
        name,
        connections,
        per_second,
        p50: at(50),
        p99: at(99),
    }
}

fn fsync_loop(folder: &std::path::Path) -> f64 {
    let mut file = std::fs::File::create(folder.join("fsync")).unwrap();
    let (end, mut count) = (Instant::now() + Duration::from_secs(1), 0_u32);
    while Instant::now() < end {
        file.write_all(&[7; 512]).unwrap();
        file.sync_data().unwrap();
        count += 1;
    }
    f64::from(count)
}
