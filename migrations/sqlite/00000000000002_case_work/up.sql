CREATE TABLE step (
    id BLOB PRIMARY KEY,
    public_id BLOB NOT NULL UNIQUE,
    case_id BLOB NOT NULL REFERENCES case_file (id),
    owner_id BLOB NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    content INTEGER NOT NULL,
    due_at INTEGER,
    recorded_by BLOB NOT NULL REFERENCES account (id),
    recorded_at INTEGER NOT NULL,
    decided_by BLOB REFERENCES account (id),
    decided_at INTEGER,
    version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE TABLE consent (
    id BLOB PRIMARY KEY,
    public_id BLOB NOT NULL UNIQUE,
    case_id BLOB NOT NULL REFERENCES case_file (id),
    purpose TEXT NOT NULL,
    groups INTEGER NOT NULL,
    state TEXT NOT NULL,
    form TEXT NOT NULL,
    text_version TEXT NOT NULL,
    recorded_by BLOB NOT NULL REFERENCES account (id),
    recorded_at INTEGER NOT NULL,
    withdrawn_at INTEGER,
    version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
ALTER TABLE organisation ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE organisation ADD COLUMN mac BLOB NOT NULL DEFAULT x'';
ALTER TABLE deadline ADD COLUMN referral_id BLOB;
DROP TABLE request_outcome;
CREATE TABLE request_outcome (
    request BLOB NOT NULL,
    account_id BLOB NOT NULL,
    kind TEXT NOT NULL,
    subject BLOB NOT NULL,
    digest BLOB NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (request, kind)
) STRICT, WITHOUT ROWID;
ALTER TABLE referral ADD COLUMN category TEXT NOT NULL DEFAULT '';

CREATE INDEX step_case ON step (case_id);
CREATE INDEX step_state ON step (state, due_at);
CREATE INDEX consent_case ON consent (case_id);
CREATE INDEX case_unit ON case_file (org_id, id);
CREATE INDEX case_waiting ON case_file (org_id, assigned, id);
