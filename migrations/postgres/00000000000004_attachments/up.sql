CREATE TABLE attachment (
    id BYTEA PRIMARY KEY,
    public_id BYTEA NOT NULL UNIQUE,
    case_id BYTEA NOT NULL REFERENCES case_file (id),
    group_no SMALLINT NOT NULL,
    owner_id BYTEA NOT NULL,
    key_version BIGINT NOT NULL,
    record BYTEA NOT NULL,
    size BIGINT NOT NULL,
    digest BYTEA NOT NULL,
    saved_at BIGINT NOT NULL,
    saved_by BYTEA NOT NULL REFERENCES account (id)
);

CREATE INDEX attachment_case ON attachment (case_id, saved_at);
CREATE INDEX attachment_owner ON attachment (owner_id);

CREATE TRIGGER attachment_no_update BEFORE UPDATE OR TRUNCATE ON attachment FOR EACH STATEMENT EXECUTE FUNCTION dh_refuse();
CREATE TRIGGER attachment_no_delete BEFORE DELETE ON attachment FOR EACH ROW EXECUTE FUNCTION dh_keep_versions();
