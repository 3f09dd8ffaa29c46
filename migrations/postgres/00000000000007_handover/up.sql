ALTER TABLE joint_order ADD COLUMN groups BIGINT;
