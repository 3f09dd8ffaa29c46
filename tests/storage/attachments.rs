//! Rows of files and the sealed files themselves: neither is changed, and what belongs to no row goes.

use std::time::{Duration, SystemTime};

use donghanh::domain::group::Group;
use donghanh::domain::role::Role;
use donghanh::operations::sweep_files::sweep_files;

use crate::support::{START, for_each_database};

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
