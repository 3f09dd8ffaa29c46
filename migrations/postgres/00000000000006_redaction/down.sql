DROP TRIGGER sealed_value_no_truncate ON sealed_value;
DROP TRIGGER sealed_value_no_update ON sealed_value;
DROP FUNCTION dh_only_redacted;
CREATE TRIGGER sealed_value_no_update BEFORE UPDATE OR TRUNCATE ON sealed_value FOR EACH STATEMENT EXECUTE FUNCTION dh_refuse();
ALTER TABLE joint_order DROP COLUMN content;
ALTER TABLE joint_order DROP COLUMN group_no;
ALTER TABLE joint_order DROP COLUMN record_id;
