ALTER TABLE joint_order ADD COLUMN record_id BYTEA;
ALTER TABLE joint_order ADD COLUMN group_no BIGINT;
ALTER TABLE joint_order ADD COLUMN content BIGINT;

-- An earlier version gives way to a sealed stub in its place once an order that names it is done; nothing else of a row changes, ever.
DROP TRIGGER sealed_value_no_update ON sealed_value;
CREATE FUNCTION dh_only_redacted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.record_id, NEW.group_no, NEW.version, NEW.owner_id, NEW.saved_at, NEW.saved_by)
        IS NOT DISTINCT FROM (OLD.record_id, OLD.group_no, OLD.version, OLD.owner_id, OLD.saved_at, OLD.saved_by)
        AND EXISTS (SELECT 1 FROM joint_order WHERE kind = 'redaction' AND state = 'done' AND record_id = OLD.record_id
            AND group_no = OLD.group_no AND content = OLD.version)
        AND EXISTS (SELECT 1 FROM sealed_value newer WHERE newer.record_id = OLD.record_id AND newer.group_no = OLD.group_no
            AND newer.version > OLD.version)
    THEN RETURN NEW; END IF;
    RAISE EXCEPTION 'DH-LOG a correction is a new version';
END $$;
CREATE TRIGGER sealed_value_no_update BEFORE UPDATE ON sealed_value FOR EACH ROW EXECUTE FUNCTION dh_only_redacted();
CREATE TRIGGER sealed_value_no_truncate BEFORE TRUNCATE ON sealed_value FOR EACH STATEMENT EXECUTE FUNCTION dh_refuse();
