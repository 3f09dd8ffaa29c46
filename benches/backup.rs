//! Making a backup and a restore with its mirror and its files: `cargo bench --bench backup`, with the number of cases (20,000) and of
//! files of 100 MB (20).
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
use donghanh::domain::group::Group;
use donghanh::domain::role::Role;
use donghanh::operations::backup::{create, open, replay};
use donghanh::operations::copy_files::copy_files;
use donghanh::operations::mirror::{Mirror, path};
use donghanh::storage::attachments;
use donghanh::storage::objects::Objects;
use fill::fill;
use serde_json::json;
use support::World;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let mut numbers = std::env::args().filter_map(|argument| argument.parse::<usize>().ok());
    let (cases, files) = (numbers.next().unwrap_or(20_000), numbers.next().unwrap_or(20));
    let world = World::new();
    let (actor, _) = world.sign_in(&world.staff("XA-A", Role::SocialWorker));
    fill(&world, &actor, cases);
    let document = [b"%PDF-1.7 ".as_slice(), &vec![7; 99_000_000]].concat();
    for _ in 0..files {
        // A new sign-in: the sessions of the filling may be over.
        let (actor, _) = world.sign_in(&world.staff("XA-A", Role::SocialWorker));
        let case = world.intake(&actor, "Hoa Mẫu");
        world.attach(&actor, case.id, Group::Risk, &document);
    }
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
    let known = attachments::all(&mut house).unwrap();
    let store = Objects::folder(&away.path().join("files")).unwrap();
    let from = Instant::now();
    let copied = world
        .block_on(copy_files(&known, &world.app.files.objects, &store))
        .unwrap();
    timed("files into the backup", from);
    println!("{} MB of files", copied.bytes / 1_000_000);
    println!("{} MB", std::fs::metadata(&file).unwrap().len() / 1_000_000);

    fill(&world, &actor, cases / 20);
    let from = Instant::now();
    let mut mirror = Mirror::open(away.path(), deployment, &mut house).unwrap();
    let entries = mirror.follow(&mut house).unwrap();
    timed("mirror of the whole log", from);

    let begun = Instant::now();
    let from = begun;
    let restored = away.path().join("restored.db");
    let header = open(&file, &secret, &restored, false).unwrap();
    timed("restore, all proved", from);
    let from = Instant::now();
    let replayed = replay(&restored, &header, Some(&path(away.path(), deployment, header.shard))).unwrap();
    timed("entries put behind it", from);
    let back = Objects::folder(&away.path().join("back")).unwrap();
    let from = Instant::now();
    let copied = world.block_on(copy_files(&known, &store, &back)).unwrap();
    timed("files back, all proved", from);
    assert_eq!((copied.files, copied.bad), (files, 0));
    timed("restore in all", begun);
    println!("{entries} entries, {} of them after the backup", replayed.entries);
}
