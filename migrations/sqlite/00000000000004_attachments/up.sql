CREATE TABLE attachment (
    id BLOB PRIMARY KEY,
    public_id BLOB NOT NULL UNIQUE,
    case_id BLOB NOT NULL REFERENCES case_file (id),
    group_no INTEGER NOT NULL,
    owner_id BLOB NOT NULL,
    key_version INTEGER NOT NULL,
    record BLOB NOT NULL,
    size INTEGER NOT NULL,
    digest BLOB NOT NULL,
    saved_at INTEGER NOT NULL,
    saved_by BLOB NOT NULL REFERENCES account (id)
) STRICT;

CREATE INDEX attachment_case ON attachment (case_id, saved_at);
CREATE INDEX attachment_owner ON attachment (owner_id);

CREATE TRIGGER attachment_no_update BEFORE UPDATE ON attachment
BEGIN SELECT RAISE(ABORT, 'DH-LOG attachments are kept as they are'); END;
CREATE TRIGGER attachment_no_delete BEFORE DELETE ON attachment
WHEN NOT EXISTS (SELECT 1 FROM erased_owner WHERE id = OLD.owner_id)
BEGIN SELECT RAISE(ABORT, 'DH-LOG attachments are kept as they are'); END;
