ALTER TABLE joint_order ADD COLUMN record_id BLOB;
ALTER TABLE joint_order ADD COLUMN group_no INTEGER;
ALTER TABLE joint_order ADD COLUMN content INTEGER;

-- An earlier version gives way to a sealed stub in its place once an order that names it is done; nothing else of a row changes, ever.
DROP TRIGGER sealed_value_no_update;
CREATE TRIGGER sealed_value_no_update BEFORE UPDATE ON sealed_value
WHEN NEW.record_id IS NOT OLD.record_id OR NEW.group_no IS NOT OLD.group_no OR NEW.version IS NOT OLD.version
OR NEW.owner_id IS NOT OLD.owner_id OR NEW.saved_at IS NOT OLD.saved_at OR NEW.saved_by IS NOT OLD.saved_by
OR NOT EXISTS (SELECT 1 FROM joint_order WHERE kind = 'redaction' AND state = 'done' AND record_id = OLD.record_id
    AND group_no = OLD.group_no AND content = OLD.version)
OR NOT EXISTS (SELECT 1 FROM sealed_value newer WHERE newer.record_id = OLD.record_id AND newer.group_no = OLD.group_no
    AND newer.version > OLD.version)
BEGIN SELECT RAISE(ABORT, 'DH-LOG a correction is a new version'); END;
