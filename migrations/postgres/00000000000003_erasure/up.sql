CREATE TABLE joint_order (
    id BYTEA PRIMARY KEY,
    public_id BYTEA NOT NULL UNIQUE,
    kind TEXT COLLATE "C" NOT NULL,
    case_id BYTEA NOT NULL REFERENCES case_file (id),
    basis TEXT COLLATE "C" NOT NULL,
    note BYTEA NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    requested_by BYTEA NOT NULL REFERENCES account (id),
    requested_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    decided_by BYTEA REFERENCES account (id),
    decided_at BIGINT,
    due_at BIGINT,
    ended_at BIGINT,
    epoch TEXT COLLATE "C",
    version BIGINT NOT NULL,
    mac BYTEA NOT NULL
);
CREATE TABLE legal_hold (
    id BYTEA PRIMARY KEY,
    case_id BYTEA NOT NULL REFERENCES case_file (id),
    basis TEXT COLLATE "C" NOT NULL,
    placed_by BYTEA NOT NULL REFERENCES account (id),
    placed_at BIGINT NOT NULL,
    lifted_at BIGINT,
    version BIGINT NOT NULL,
    mac BYTEA NOT NULL
);
CREATE TABLE erased_owner (
    id BYTEA PRIMARY KEY,
    order_id BYTEA REFERENCES joint_order (id),
    erased_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    mac BYTEA NOT NULL
);

CREATE INDEX joint_order_case ON joint_order (case_id);
CREATE INDEX joint_order_state ON joint_order (state, requested_at);
CREATE INDEX legal_hold_case ON legal_hold (case_id);
CREATE INDEX sealed_value_owner ON sealed_value (owner_id);

DROP TRIGGER sealed_value_no_delete ON sealed_value;
CREATE FUNCTION dh_keep_versions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM erased_owner WHERE id = OLD.owner_id) THEN RETURN OLD; END IF;
    RAISE EXCEPTION 'DH-LOG versions are kept';
END $$;
CREATE TRIGGER sealed_value_no_delete BEFORE DELETE ON sealed_value FOR EACH ROW WHEN (OLD.group_no > 0)
EXECUTE FUNCTION dh_keep_versions();
