CREATE TABLE deployment (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    deployment_id BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE TABLE log_head (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    shard INTEGER NOT NULL,
    size INTEGER NOT NULL,
    frontier BLOB NOT NULL,
    last_ms INTEGER NOT NULL,
    rights_version INTEGER NOT NULL
) STRICT;
CREATE TABLE log_entry (
    shard INTEGER NOT NULL,
    idx INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    leaf BLOB NOT NULL,
    at_ms INTEGER NOT NULL,
    kind TEXT NOT NULL,
    actor TEXT NOT NULL,
    org TEXT,
    purpose TEXT,
    refused INTEGER NOT NULL,
    request BLOB NOT NULL,
    PRIMARY KEY (shard, idx)
) STRICT, WITHOUT ROWID;
CREATE TABLE log_subject (
    handle BLOB NOT NULL,
    shard INTEGER NOT NULL,
    idx INTEGER NOT NULL,
    PRIMARY KEY (handle, shard, idx)
) STRICT, WITHOUT ROWID;
CREATE TABLE log_note (
    hash BLOB PRIMARY KEY,
    id BLOB NOT NULL,
    sealed BLOB NOT NULL
) STRICT;
CREATE TABLE log_checkpoint (
    shard INTEGER NOT NULL,
    size INTEGER NOT NULL,
    note TEXT NOT NULL,
    PRIMARY KEY (shard, size)
) STRICT;
CREATE TABLE organisation (
    id BLOB PRIMARY KEY,
    code TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    name TEXT NOT NULL
) STRICT;
CREATE TABLE account (
    id BLOB PRIMARY KEY,
    code TEXT NOT NULL UNIQUE,
    org_id BLOB NOT NULL REFERENCES organisation (id),
    role TEXT NOT NULL,
    state TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    directory BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE TABLE session (
    id BLOB PRIMARY KEY,
    account_id BLOB NOT NULL REFERENCES account (id),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE TABLE totp_use (
    account_id BLOB NOT NULL REFERENCES account (id),
    step INTEGER NOT NULL,
    PRIMARY KEY (account_id, step)
) STRICT, WITHOUT ROWID;
CREATE TABLE request_outcome (
    request BLOB PRIMARY KEY,
    account_id BLOB NOT NULL,
    kind TEXT NOT NULL,
    subject BLOB NOT NULL,
    digest BLOB NOT NULL,
    at_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE person (
    id BLOB PRIMARY KEY,
    owner_id BLOB NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
) STRICT;
CREATE TABLE case_file (
    id BLOB PRIMARY KEY,
    public_id BLOB NOT NULL UNIQUE,
    number TEXT NOT NULL UNIQUE,
    person_id BLOB NOT NULL REFERENCES person (id),
    owner_id BLOB NOT NULL UNIQUE,
    person_owner_id BLOB NOT NULL,
    org_id BLOB NOT NULL REFERENCES organisation (id),
    state TEXT NOT NULL,
    urgent INTEGER NOT NULL,
    assigned INTEGER NOT NULL,
    opened_at INTEGER NOT NULL,
    version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE TABLE membership (
    id BLOB PRIMARY KEY,
    case_id BLOB NOT NULL REFERENCES case_file (id),
    account_id BLOB NOT NULL REFERENCES account (id),
    kind TEXT NOT NULL,
    from_at INTEGER NOT NULL,
    until_at INTEGER,
    version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE TABLE deadline (
    id BLOB PRIMARY KEY,
    case_id BLOB NOT NULL REFERENCES case_file (id),
    code TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    met_at INTEGER
) STRICT;
CREATE TABLE sealed_value (
    record_id BLOB NOT NULL,
    group_no INTEGER NOT NULL,
    version INTEGER NOT NULL,
    owner_id BLOB NOT NULL,
    value BLOB NOT NULL,
    saved_at INTEGER NOT NULL,
    saved_by BLOB NOT NULL,
    PRIMARY KEY (record_id, group_no, version)
) STRICT;
CREATE TABLE draft (
    id BLOB PRIMARY KEY,
    account_id BLOB NOT NULL REFERENCES account (id),
    form TEXT NOT NULL,
    case_id BLOB,
    owner_id BLOB NOT NULL,
    version INTEGER NOT NULL,
    saved_at INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE TABLE referral (
    id BLOB PRIMARY KEY,
    public_id BLOB NOT NULL UNIQUE,
    case_id BLOB NOT NULL REFERENCES case_file (id),
    kind TEXT NOT NULL,
    from_org BLOB NOT NULL REFERENCES organisation (id),
    to_org BLOB NOT NULL REFERENCES organisation (id),
    groups INTEGER NOT NULL,
    purpose TEXT NOT NULL,
    consent_id BLOB,
    basis TEXT,
    state TEXT NOT NULL,
    sent_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    decided_at INTEGER,
    closed_at INTEGER,
    reason TEXT,
    version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;

CREATE INDEX log_subject_place ON log_subject (shard, idx);
CREATE INDEX log_entry_actor ON log_entry (actor, shard, idx);
CREATE INDEX log_entry_time ON log_entry (at_ms);
CREATE INDEX session_account ON session (account_id);
CREATE INDEX case_org ON case_file (org_id, opened_at);
CREATE INDEX case_person ON case_file (person_id);
CREATE INDEX membership_account ON membership (account_id, case_id);
CREATE INDEX membership_case ON membership (case_id);
CREATE INDEX deadline_case ON deadline (case_id);
CREATE INDEX deadline_due ON deadline (due_at);
CREATE INDEX draft_account ON draft (account_id, form);
CREATE INDEX referral_receiver ON referral (to_org, sent_at);
CREATE INDEX referral_case ON referral (case_id);

CREATE TRIGGER log_entry_in_order BEFORE INSERT ON log_entry
WHEN NEW.idx IS NOT (SELECT count FROM (SELECT coalesce(max(idx) + 1, 0) AS count FROM log_entry WHERE shard = NEW.shard))
BEGIN SELECT RAISE(ABORT, 'DH-LOG insert only at the end'); END;
CREATE TRIGGER log_entry_no_update BEFORE UPDATE ON log_entry BEGIN SELECT RAISE(ABORT, 'DH-LOG never updated'); END;
CREATE TRIGGER log_entry_no_delete BEFORE DELETE ON log_entry BEGIN SELECT RAISE(ABORT, 'DH-LOG never deleted'); END;
CREATE TRIGGER log_subject_no_update BEFORE UPDATE ON log_subject BEGIN SELECT RAISE(ABORT, 'DH-LOG never updated'); END;
CREATE TRIGGER log_subject_no_delete BEFORE DELETE ON log_subject BEGIN SELECT RAISE(ABORT, 'DH-LOG never deleted'); END;
CREATE TRIGGER log_note_no_update BEFORE UPDATE ON log_note BEGIN SELECT RAISE(ABORT, 'DH-LOG never updated'); END;
CREATE TRIGGER log_note_no_delete BEFORE DELETE ON log_note BEGIN SELECT RAISE(ABORT, 'DH-LOG never deleted'); END;
CREATE TRIGGER log_head_only_grows BEFORE UPDATE ON log_head
WHEN NEW.size < OLD.size OR NEW.rights_version < OLD.rights_version OR NEW.last_ms < OLD.last_ms
BEGIN SELECT RAISE(ABORT, 'DH-LOG the head only grows'); END;
CREATE TRIGGER log_head_no_delete BEFORE DELETE ON log_head BEGIN SELECT RAISE(ABORT, 'DH-LOG never deleted'); END;
CREATE TRIGGER sealed_value_no_update BEFORE UPDATE ON sealed_value BEGIN SELECT RAISE(ABORT, 'DH-LOG a correction is a new version'); END;
CREATE TRIGGER sealed_value_no_replace BEFORE INSERT ON sealed_value
WHEN EXISTS (SELECT 1 FROM sealed_value WHERE record_id = NEW.record_id AND group_no = NEW.group_no AND version = NEW.version)
AND NEW.group_no > 0
BEGIN SELECT RAISE(ABORT, 'DH-LOG a correction is a new version'); END;
CREATE TRIGGER sealed_value_no_delete BEFORE DELETE ON sealed_value WHEN OLD.group_no > 0
BEGIN SELECT RAISE(ABORT, 'DH-LOG versions are kept'); END;
CREATE TRIGGER log_note_no_replace BEFORE INSERT ON log_note WHEN EXISTS (SELECT 1 FROM log_note WHERE hash = NEW.hash)
BEGIN SELECT RAISE(ABORT, 'DH-LOG never replaced'); END;
CREATE TRIGGER log_head_no_replace BEFORE INSERT ON log_head WHEN EXISTS (SELECT 1 FROM log_head)
BEGIN SELECT RAISE(ABORT, 'DH-LOG never replaced'); END;
