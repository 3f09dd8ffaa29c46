CREATE TABLE deployment (
    id SMALLINT PRIMARY KEY CHECK (id = 1),
    deployment_id BYTEA NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE TABLE log_head (
    id SMALLINT PRIMARY KEY CHECK (id = 1),
    shard BIGINT NOT NULL,
    size BIGINT NOT NULL,
    frontier BYTEA NOT NULL,
    last_ms BIGINT NOT NULL,
    rights_version BIGINT NOT NULL
);
CREATE TABLE log_entry (
    shard BIGINT NOT NULL,
    idx BIGINT NOT NULL,
    bytes BYTEA NOT NULL,
    leaf BYTEA NOT NULL,
    at_ms BIGINT NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    actor TEXT COLLATE "C" NOT NULL,
    org TEXT COLLATE "C",
    purpose TEXT COLLATE "C",
    refused BOOLEAN NOT NULL,
    request BYTEA NOT NULL,
    PRIMARY KEY (shard, idx)
);
CREATE TABLE log_subject (
    handle BYTEA NOT NULL,
    shard BIGINT NOT NULL,
    idx BIGINT NOT NULL,
    PRIMARY KEY (handle, shard, idx)
);
CREATE TABLE log_note (
    hash BYTEA PRIMARY KEY,
    id BYTEA NOT NULL,
    sealed BYTEA NOT NULL
);
CREATE TABLE log_checkpoint (
    shard BIGINT NOT NULL,
    size BIGINT NOT NULL,
    note TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (shard, size)
);
CREATE TABLE organisation (
    id BYTEA PRIMARY KEY,
    code TEXT COLLATE "C" NOT NULL UNIQUE,
    kind TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL
);
CREATE TABLE account (
    id BYTEA PRIMARY KEY,
    code TEXT COLLATE "C" NOT NULL UNIQUE,
    org_id BYTEA NOT NULL REFERENCES organisation (id),
    role TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    password_hash TEXT COLLATE "C" NOT NULL,
    directory BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    mac BYTEA NOT NULL
);
CREATE TABLE session (
    id BYTEA PRIMARY KEY,
    account_id BYTEA NOT NULL REFERENCES account (id),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    mac BYTEA NOT NULL
);
CREATE TABLE totp_use (
    account_id BYTEA NOT NULL REFERENCES account (id),
    step BIGINT NOT NULL,
    PRIMARY KEY (account_id, step)
);
CREATE TABLE request_outcome (
    request BYTEA PRIMARY KEY,
    account_id BYTEA NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    subject BYTEA NOT NULL,
    digest BYTEA NOT NULL,
    at_ms BIGINT NOT NULL
);
CREATE TABLE person (
    id BYTEA PRIMARY KEY,
    owner_id BYTEA NOT NULL UNIQUE,
    created_at BIGINT NOT NULL
);
CREATE TABLE case_file (
    id BYTEA PRIMARY KEY,
    public_id BYTEA NOT NULL UNIQUE,
    number TEXT COLLATE "C" NOT NULL UNIQUE,
    person_id BYTEA NOT NULL REFERENCES person (id),
    owner_id BYTEA NOT NULL UNIQUE,
    person_owner_id BYTEA NOT NULL,
    org_id BYTEA NOT NULL REFERENCES organisation (id),
    state TEXT COLLATE "C" NOT NULL,
    urgent BOOLEAN NOT NULL,
    assigned BOOLEAN NOT NULL,
    opened_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    mac BYTEA NOT NULL
);
CREATE TABLE membership (
    id BYTEA PRIMARY KEY,
    case_id BYTEA NOT NULL REFERENCES case_file (id),
    account_id BYTEA NOT NULL REFERENCES account (id),
    kind TEXT COLLATE "C" NOT NULL,
    from_at BIGINT NOT NULL,
    until_at BIGINT,
    version BIGINT NOT NULL,
    mac BYTEA NOT NULL
);
CREATE TABLE deadline (
    id BYTEA PRIMARY KEY,
    case_id BYTEA NOT NULL REFERENCES case_file (id),
    code TEXT COLLATE "C" NOT NULL,
    started_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    met_at BIGINT
);
CREATE TABLE sealed_value (
    record_id BYTEA NOT NULL,
    group_no SMALLINT NOT NULL,
    version BIGINT NOT NULL,
    owner_id BYTEA NOT NULL,
    value BYTEA NOT NULL,
    saved_at BIGINT NOT NULL,
    saved_by BYTEA NOT NULL,
    PRIMARY KEY (record_id, group_no, version)
);
CREATE TABLE draft (
    id BYTEA PRIMARY KEY,
    account_id BYTEA NOT NULL REFERENCES account (id),
    form TEXT COLLATE "C" NOT NULL,
    case_id BYTEA,
    owner_id BYTEA NOT NULL,
    version BIGINT NOT NULL,
    saved_at BIGINT NOT NULL,
    mac BYTEA NOT NULL
);
CREATE TABLE referral (
    id BYTEA PRIMARY KEY,
    public_id BYTEA NOT NULL UNIQUE,
    case_id BYTEA NOT NULL REFERENCES case_file (id),
    kind TEXT COLLATE "C" NOT NULL,
    from_org BYTEA NOT NULL REFERENCES organisation (id),
    to_org BYTEA NOT NULL REFERENCES organisation (id),
    groups BIGINT NOT NULL,
    purpose TEXT COLLATE "C" NOT NULL,
    consent_id BYTEA,
    basis TEXT COLLATE "C",
    state TEXT COLLATE "C" NOT NULL,
    sent_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    decided_at BIGINT,
    closed_at BIGINT,
    reason TEXT COLLATE "C",
    version BIGINT NOT NULL,
    mac BYTEA NOT NULL
);

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

CREATE FUNCTION dh_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'DH-LOG append only'; END $$;
CREATE FUNCTION dh_log_in_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.idx <> (SELECT coalesce(max(idx) + 1, 0) FROM log_entry WHERE shard = NEW.shard) THEN
    RAISE EXCEPTION 'DH-LOG insert only at the end';
  END IF;
  RETURN NEW;
END $$;
CREATE FUNCTION dh_head_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.size < OLD.size OR NEW.rights_version < OLD.rights_version OR NEW.last_ms < OLD.last_ms THEN
    RAISE EXCEPTION 'DH-LOG the head only grows';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER log_entry_in_order BEFORE INSERT ON log_entry FOR EACH ROW EXECUTE FUNCTION dh_log_in_order();
CREATE TRIGGER log_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON log_entry FOR EACH STATEMENT EXECUTE FUNCTION dh_refuse();
CREATE TRIGGER log_subject_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON log_subject FOR EACH STATEMENT EXECUTE FUNCTION dh_refuse();
CREATE TRIGGER log_note_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON log_note FOR EACH STATEMENT EXECUTE FUNCTION dh_refuse();
CREATE TRIGGER log_head_only_grows BEFORE UPDATE ON log_head FOR EACH ROW EXECUTE FUNCTION dh_head_only_grows();
CREATE TRIGGER log_head_no_delete BEFORE DELETE OR TRUNCATE ON log_head FOR EACH STATEMENT EXECUTE FUNCTION dh_refuse();
CREATE TRIGGER sealed_value_no_update BEFORE UPDATE OR TRUNCATE ON sealed_value FOR EACH STATEMENT EXECUTE FUNCTION dh_refuse();
CREATE TRIGGER sealed_value_no_delete BEFORE DELETE ON sealed_value FOR EACH ROW WHEN (OLD.group_no > 0)
EXECUTE FUNCTION dh_refuse();
