//! New keys for the house, on both databases: every row counts under them, what was edited still does not, and notes still open.

use std::sync::Arc;

use donghanh::app::App;
use donghanh::clock::random_id;
use donghanh::domain::order::Kind as Order;
use donghanh::domain::public_id::PublicId;
use donghanh::domain::role::Role;
use donghanh::operations::actor::Actor;
use donghanh::operations::list_orders::{list_orders, view_order};
use donghanh::operations::request_order::{Request, request_order};
use donghanh::operations::rotate_keys::{Keep, Rows, begin, behind, end, renew, tables};
use donghanh::operations::view_case::{Wish, view_case};
use donghanh::storage::access_rows::{AccessRow, AccountRow, CaseRow};
use donghanh::storage::connection::AnyConnection;
use donghanh::storage::key_plane::{self, Unsealed};
use ledger::vault::slot::Opener;

use crate::support::{World, for_each_database};

fn plane(world: &World) -> AnyConnection {
    AnyConnection::open(&world.app.config.key_plane_address(world.data.path()), false).unwrap()
}

fn unsealed(world: &World) -> Unsealed {
    let text = std::fs::read_to_string(world.data.path().join("test.key")).unwrap();
    key_plane::unseal(&mut plane(world), &Opener::KeyFile(text.into()))
        .unwrap()
        .unwrap()
}

fn anew(actor: &Actor) -> Actor {
    Actor {
        request: random_id().unwrap(),
        ..actor.clone()
    }
}

#[test]
fn every_row_is_written_anew_once_and_one_that_was_edited_counts_no_more_than_before() {
    for_each_database(|world| {
        let custodian = world.actor("TTR", Role::KeyCustodian);
        let worker = world.actor("XA-A", Role::SocialWorker);
        let supervisor = world.actor("XA-A", Role::Supervisor);
        let (case, edited) = (world.intake(&worker, "Hoa Mẫu"), world.intake(&worker, "Lan Mẫu"));
        let wish = Request {
            kind: Order::Erasure,
            basis: "person_asked",
            reason: "Lý do mẫu trước khi đổi khóa".to_owned(),
            target: None,
            groups: vec![],
        };
        world
            .block_on(request_order(&world.app, &anew(&supervisor), case.id, &wish))
            .unwrap();
        world
            .db_execute(&format!(
                "UPDATE case_file SET version = version + 1 WHERE number = '{}'",
                edited.number
            ))
            .unwrap();

        let Unsealed { root, keyring, .. } = unsealed(world);
        let begun = begin(&world.app.writer, &mut plane(world), &root, &keyring).unwrap();
        assert!(begun.vkey.starts_with("donghanh-"));
        let Unsealed { root, keyring, .. } = unsealed(world);
        let keyring = Arc::new(keyring);
        assert!(behind(&mut world.connection(), &keyring).unwrap());
        // Work goes on between the two, under both keys.
        let app: App = (*world.app).clone().open(unsealed(world).keyring);
        let seen = |app: &App, id: PublicId| {
            let wish = Wish {
                parts: None,
                purpose: "case_work",
                confirmed: false,
            };
            world.block_on(view_case(app, &anew(&worker), id.0, &wish)).is_ok()
        };
        assert!(seen(&app, case.id) && !seen(&app, edited.id));

        let rows = renew(&world.app.writer, &keyring, |_| {}).unwrap();
        assert!(rows.renewed > 10 && rows.edited == 1, "{rows:?}");
        let again = renew(&world.app.writer, &keyring, |_| {}).unwrap();
        assert_eq!(again, Rows { renewed: 0, edited: 1 }, "once is enough");
        assert!(!behind(&mut world.connection(), &keyring).unwrap());
        let ends = |keep| {
            let (mut house, mut plane) = (world.connection(), plane(world));
            end(&world.app.writer, (&mut house, &mut plane), (&root, &keyring), keep).unwrap()
        };
        assert_eq!(ends(Keep::OneBefore), 0, "a backup of before may need those");
        assert!(!world.kinds().contains(&"key.retire".to_owned()));
        let gone = ends(Keep::None);
        assert_eq!(
            gone, 2,
            "of rows and of the directory; the note and the passwords need theirs"
        );
        let kinds = world.kinds();
        assert!(kinds.contains(&"key.rotate".to_owned()) && kinds.contains(&"key.retire".to_owned()));

        let after = unsealed(world).keyring;
        for row in AccountRow::page(&mut world.connection(), &[], 100).unwrap() {
            assert!(after.is_current(&row.mac, Some(&row.directory)) && row.trusted(&after).is_ok());
        }
        let cases = CaseRow::page(&mut world.connection(), &[], 100).unwrap();
        let good = cases.into_iter().filter(|row| row.clone().trusted(&after).is_ok());
        assert_eq!(
            good.map(|row| row.number).collect::<Vec<_>>(),
            std::slice::from_ref(&case.number)
        );
        let app: App = (*world.app).clone().open(after);
        assert!(seen(&app, case.id) && !seen(&app, edited.id));
        let list = world.block_on(list_orders(&app, &custodian)).unwrap();
        let order = PublicId(list.orders[0].0.public_id.as_slice().try_into().unwrap());
        let shown = world.block_on(view_order(&app, &anew(&custodian), order)).unwrap();
        assert_eq!(shown.reason, "Lý do mẫu trước khi đổi khóa");
        assert!(world.log_is_whole());
    });
}

#[test]
fn no_table_that_has_a_mac_is_left_out() {
    let mut known = tables();
    known.sort_unstable();
    let with_mac = donghanh::storage::classification::tables();
    let with_mac = with_mac.iter().filter(|(_, table)| table.columns.contains_key("mac"));
    let mut named: Vec<&str> = with_mac.map(|(name, _)| name.as_str()).collect();
    named.sort_unstable();
    assert_eq!(known, named);
}
