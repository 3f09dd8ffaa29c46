DROP TRIGGER sealed_value_no_delete;
CREATE TRIGGER sealed_value_no_delete BEFORE DELETE ON sealed_value WHEN OLD.group_no > 0
BEGIN SELECT RAISE(ABORT, 'DH-LOG versions are kept'); END;
DROP INDEX sealed_value_owner;
DROP TABLE erased_owner;
DROP TABLE legal_hold;
DROP TABLE joint_order;
