//! Making a backup, the drill, and a restore with its mirror: `cargo bench --bench backup`, with the number of cases (20,000).
//!
//! Prints a table and JSON lines; says nothing about another machine.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a bench may panic and prints"
)]

mod fill;
#[path = "../tests/support/mod.rs"]
mod support;

use std::time::Instant;

use age::secrecy::ExposeSecret as _;
use donghanh::domain::role::Role;
use donghanh::operations::backup::{create, open, replay};
use donghanh::operations::mirror::{Mirror, path};
use fill::fill;
use serde_json::json;
use support::World;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let cases: usize = std::env::args()
        .filter_map(|argument| argument.parse().ok())
        .next()
        .unwrap_or(20_000);
    let world = World::new();
    let (actor, _) = world.sign_in(&world.staff("XA-A", Role::SocialWorker));
    fill(&world, &actor, cases);
    let (away, deployment) = (tempfile::tempdir().unwrap(), world.app.keyring.deployment());
    let identity = age::x25519::Identity::generate();
    let secret = away.path().join("identity");
    std::fs::write(&secret, identity.to_string().expose_secret()).unwrap();
    let mut house = world.connection();
    let timed = |what: &str, from: Instant| {
        let seconds = from.elapsed().as_secs_f64();
        println!("{what:<28} {seconds:>8.2} s");
        println!("{}", json!({"work": what, "cases": cases, "seconds": seconds}));
    };

    let from = Instant::now();
    let recipients = [identity.to_public().to_string()];
    let file = create(
        &mut house,
        deployment,
        away.path(),
        &recipients,
        world.app.clock.now_ms(),
    )
    .unwrap()
    .path;
    timed("create", from);
    println!("{} MB", std::fs::metadata(&file).unwrap().len() / 1_000_000);

    fill(&world, &actor, cases / 20);
    let from = Instant::now();
    let mut mirror = Mirror::open(away.path(), deployment, &mut house).unwrap();
    let entries = mirror.follow(&mut house).unwrap();
    timed("mirror of the whole log", from);

    let from = Instant::now();
    let restored = away.path().join("restored.db");
    let header = open(&file, &secret, &restored, false).unwrap();
    timed("restore, all proved", from);
    let from = Instant::now();
    let replayed = replay(&restored, &header, Some(&path(away.path(), deployment, header.shard))).unwrap();
    timed("entries put behind it", from);
    println!("{entries} entries, {} of them after the backup", replayed.entries);
}
