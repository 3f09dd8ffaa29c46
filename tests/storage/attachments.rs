//! Rows of files and the sealed files themselves: neither is changed, and what belongs to no row goes.

use std::time::{Duration, SystemTime};

use donghanh::domain::group::Group;
use donghanh::domain::public_id::PublicId;
use donghanh::domain::role::Role;
use donghanh::operations::open_attachment::open_attachment;
use donghanh::operations::sweep_files::sweep_files;

use crate::support::{Kind, START, World, for_each_database, postgres};

#[test]
fn the_row_of_a_file_is_neither_changed_nor_deleted() {
    for_each_database(|world| {
        let worker = world.actor("XA-A", Role::SocialWorker);
        let case = world.intake(&worker, "Hoa Mẫu");
        world.attach(&worker, case.id, Group::Risk, b"%PDF-1.7 mau");
        for sql in ["UPDATE attachment SET group_no = 1", "DELETE FROM attachment"] {
            let refused = world.db_execute(sql).unwrap_err().to_string();
            assert!(refused.contains("DH-LOG"), "{sql}: {refused}");
        }
    });
}

#[test]
fn a_file_without_a_row_is_swept_when_it_is_old_and_the_log_says_so() {
    for_each_database(|world| {
        let worker = world.actor("XA-A", Role::SocialWorker);
        let case = world.intake(&worker, "Hoa Mẫu");
        let kept = world.attach(&worker, case.id, Group::Risk, b"%PDF-1.7 mau");
        let orphan = |name: [u8; 16]| {
            world.block_on(async {
                let mut upload = world.app.files.objects.begin(&name).await.unwrap();
                upload.push(vec![1, 2, 3]).await.unwrap();
                upload.finish().await.unwrap();
            });
        };
        orphan([1; 16]);
        orphan([2; 16]);
        // One of them, and the one that has a row, lie there since two days.
        let folder = world.app.config.files_folder(world.data.path());
        let then = SystemTime::UNIX_EPOCH + Duration::from_millis(START.unsigned_abs()) - Duration::from_secs(172_800);
        for name in [[1; 16], kept] {
            let hex: String = name.iter().map(|byte: &u8| format!("{byte:02x}")).collect();
            let file = std::fs::File::options()
                .write(true)
                .open(folder.join(hex.split_at(2).0).join(&hex))
                .unwrap();
            file.set_modified(then).unwrap();
        }
        assert_eq!(world.block_on(sweep_files(&world.app)).unwrap(), 1);
        assert_eq!(world.sealed_files(), [kept, [2; 16]].into());
        let swept = world.entries().pop().unwrap();
        assert_eq!(
            (swept.k.as_str(), swept.f.as_slice()),
            ("attachment.sweep", ["files-1".to_owned()].as_slice())
        );
        assert_eq!(world.block_on(sweep_files(&world.app)).unwrap(), 0);
        assert_eq!(world.entries().pop().unwrap().i, swept.i, "nothing swept, nothing said");
    });
}

#[test]
fn a_row_of_a_file_edited_past_its_triggers_opens_nothing_for_anybody() {
    let columns = || donghanh::storage::classification::tables()["attachment"].columns.keys();
    let server = postgres::Server::start();
    for (kind, column) in [Kind::Sqlite, Kind::Postgres]
        .into_iter()
        .flat_map(|kind| columns().map(move |column| (kind, column)))
    {
        let world = World::with(kind, &server);
        let worker = world.actor("XA-A", Role::SocialWorker);
        let case = world.intake(&worker, "Hoa Mẫu").id;
        let file = PublicId(world.attach(&worker, case, Group::Risk, b"%PDF-1.7 mau"));
        let opens = || world.block_on(open_attachment(&world.app, &worker, case, file)).is_ok();
        assert!(opens());
        let off = match kind {
            Kind::Sqlite => "PRAGMA foreign_keys = OFF; DROP TRIGGER attachment_no_update",
            Kind::Postgres => "SET session_replication_role = replica",
        };
        let edit = crate::tampering::change(&world, "attachment", column);
        world.db_execute(&format!("{off}; {edit}")).unwrap();
        // These say nothing about who may open what: an id that nothing asks for, which key it names (the content names it too), how long it is and when it came.
        let harmless = ["id", "key_version", "size", "saved_at", "saved_by"].contains(&column.as_str());
        assert_eq!(opens(), harmless, "{kind:?} {column}");
        assert!(world.log_is_whole());
    }
}
