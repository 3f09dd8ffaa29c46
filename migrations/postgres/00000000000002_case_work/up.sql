CREATE TABLE step (
    id BYTEA PRIMARY KEY,
    public_id BYTEA NOT NULL UNIQUE,
    case_id BYTEA NOT NULL REFERENCES case_file (id),
    owner_id BYTEA NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    content BIGINT NOT NULL,
    due_at BIGINT,
    recorded_by BYTEA NOT NULL REFERENCES account (id),
    recorded_at BIGINT NOT NULL,
    decided_by BYTEA REFERENCES account (id),
    decided_at BIGINT,
    version BIGINT NOT NULL,
    mac BYTEA NOT NULL
);
CREATE TABLE consent (
    id BYTEA PRIMARY KEY,
    public_id BYTEA NOT NULL UNIQUE,
    case_id BYTEA NOT NULL REFERENCES case_file (id),
    purpose TEXT COLLATE "C" NOT NULL,
    groups BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    form TEXT COLLATE "C" NOT NULL,
    text_version TEXT COLLATE "C" NOT NULL,
    recorded_by BYTEA NOT NULL REFERENCES account (id),
    recorded_at BIGINT NOT NULL,
    withdrawn_at BIGINT,
    version BIGINT NOT NULL,
    mac BYTEA NOT NULL
);
ALTER TABLE organisation ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE organisation ADD COLUMN mac BYTEA NOT NULL DEFAULT ''::bytea;
ALTER TABLE deadline ADD COLUMN referral_id BYTEA;
DROP TABLE request_outcome;
CREATE TABLE request_outcome (
    request BYTEA NOT NULL,
    account_id BYTEA NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    subject BYTEA NOT NULL,
    digest BYTEA NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (request, kind)
);
ALTER TABLE referral ADD COLUMN category TEXT COLLATE "C" NOT NULL DEFAULT '';

CREATE INDEX step_case ON step (case_id);
CREATE INDEX step_state ON step (state, due_at);
CREATE INDEX consent_case ON consent (case_id);
CREATE INDEX case_unit ON case_file (org_id, id);
CREATE INDEX case_waiting ON case_file (org_id, assigned, id);
