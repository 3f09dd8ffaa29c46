DROP TRIGGER sealed_value_no_update;
CREATE TRIGGER sealed_value_no_update BEFORE UPDATE ON sealed_value BEGIN SELECT RAISE(ABORT, 'DH-LOG a correction is a new version'); END;
ALTER TABLE joint_order DROP COLUMN content;
ALTER TABLE joint_order DROP COLUMN group_no;
ALTER TABLE joint_order DROP COLUMN record_id;
