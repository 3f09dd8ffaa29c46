DROP TRIGGER sealed_value_no_delete ON sealed_value;
DROP FUNCTION dh_keep_versions;
CREATE TRIGGER sealed_value_no_delete BEFORE DELETE ON sealed_value FOR EACH ROW WHEN (OLD.group_no > 0)
EXECUTE FUNCTION dh_refuse();
DROP INDEX sealed_value_owner;
DROP TABLE erased_owner;
DROP TABLE legal_hold;
DROP TABLE joint_order;
