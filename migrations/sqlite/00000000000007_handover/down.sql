ALTER TABLE joint_order DROP COLUMN groups;
