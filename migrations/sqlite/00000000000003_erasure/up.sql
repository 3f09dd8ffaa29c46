CREATE TABLE joint_order (
    id BLOB PRIMARY KEY,
    public_id BLOB NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    case_id BLOB NOT NULL REFERENCES case_file (id),
    basis TEXT NOT NULL,
    note BLOB NOT NULL,
    state TEXT NOT NULL,
    requested_by BLOB NOT NULL REFERENCES account (id),
    requested_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    decided_by BLOB REFERENCES account (id),
    decided_at INTEGER,
    due_at INTEGER,
    ended_at INTEGER,
    epoch TEXT,
    version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE TABLE legal_hold (
    id BLOB PRIMARY KEY,
    case_id BLOB NOT NULL REFERENCES case_file (id),
    basis TEXT NOT NULL,
    placed_by BLOB NOT NULL REFERENCES account (id),
    placed_at INTEGER NOT NULL,
    lifted_at INTEGER,
    version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE TABLE erased_owner (
    id BLOB PRIMARY KEY,
    order_id BLOB REFERENCES joint_order (id),
    erased_at INTEGER NOT NULL,
    version INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;

CREATE INDEX joint_order_case ON joint_order (case_id);
CREATE INDEX joint_order_state ON joint_order (state, requested_at);
CREATE INDEX legal_hold_case ON legal_hold (case_id);
CREATE INDEX sealed_value_owner ON sealed_value (owner_id);

DROP TRIGGER sealed_value_no_delete;
CREATE TRIGGER sealed_value_no_delete BEFORE DELETE ON sealed_value
WHEN OLD.group_no > 0 AND NOT EXISTS (SELECT 1 FROM erased_owner WHERE id = OLD.owner_id)
BEGIN SELECT RAISE(ABORT, 'DH-LOG versions are kept'); END;
