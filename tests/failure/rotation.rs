//! All keys are wrapped anew, beside the running server and killed at any moment: nobody's keys are lost.

use std::time::Duration;

use donghanh::storage::connection::AnyConnection;
use donghanh::storage::key_plane::{all_handles, unseal};
use ledger::vault::slot::Opener;

use crate::process::{Browser, House, a_case, block_on};

/// Every owner with its log handle.
type Handles = Vec<(Vec<u8>, [u8; 16])>;

/// The owners, as the key plane opens now; and the epoch.
fn opened(house: &House) -> (Handles, [u32; 2]) {
    let mut plane = AnyConnection::open(house.data.join("keys.db").to_str().unwrap(), false).unwrap();
    let key = std::fs::read_to_string(house.folder.path().join("key")).unwrap();
    let keyring = unseal(&mut plane, &Opener::KeyFile(key.into()))
        .unwrap()
        .unwrap()
        .keyring;
    let owners = all_handles(&mut plane, &keyring).unwrap();
    let owners = owners.into_iter().map(|(owner, handle)| (owner, handle.0)).collect();
    (owners, keyring.epoch().unwrap())
}

#[test]
fn keys_are_wrapped_anew_beside_the_running_server_and_an_older_copy_opens_no_newer_row() {
    let house = House::new();
    let (owners, old) = opened(&house);
    let running = house.serve();
    let older = house.folder.path().join("older.db");
    std::fs::copy(house.data.join("keys.db"), &older).unwrap();
    let said = house.ok(&["keys", "rotate"]);
    assert!(
        said.contains("sealed while") && said.contains("The server is open."),
        "{said}"
    );
    block_on(async {
        let worker = Browser::sign_in(&running.address, &house.user("social_worker"), 0).await;
        let case = a_case(&worker).await;
        let page = worker.get(&case).await.unwrap();
        assert!(page.status == 200 && page.body.contains("Người mẫu"));
    });
    running.kill();
    let (after, new) = opened(&house);
    assert!(
        owners.iter().all(|owner| after.contains(owner)),
        "nobody's keys are lost"
    );
    assert!(old[0] != new[0] && old[1] != new[1]);

    // Whoever kept the older copy and its key has no wrapping key of the rows of today.
    let mut plane = AnyConnection::open(older.to_str().unwrap(), false).unwrap();
    let key = std::fs::read_to_string(house.folder.path().join("key")).unwrap();
    let kept = unseal(&mut plane, &Opener::KeyFile(key.into()))
        .unwrap()
        .unwrap()
        .keyring;
    let mut today = AnyConnection::open(house.data.join("keys.db").to_str().unwrap(), false).unwrap();
    assert!(all_handles(&mut today, &kept).is_err());
    assert!(house.ok(&["log", "verify"]).contains("OK"));
}

#[test]
fn a_rotation_that_is_killed_at_any_moment_leaves_every_key_whole() {
    let house = House::new();
    let (owners, first) = opened(&house);
    let mut epochs = vec![first];
    for round in 0..50_u64 {
        let mut rotation = house
            .command(&["keys", "rotate"])
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(round * 37 % 450));
        rotation.kill().unwrap();
        rotation.wait().unwrap();
        let (now, epoch) = opened(&house);
        assert_eq!(now, owners, "round {round}");
        if epochs.last() != Some(&epoch) {
            epochs.push(epoch);
        }
    }
    assert!(epochs.len() > 1, "some came to their end");
    house.ok(&["keys", "rotate"]);
    assert_eq!(opened(&house).0, owners);
    house.ok(&["log", "verify"]);
    house.ok(&["check"]);
}
