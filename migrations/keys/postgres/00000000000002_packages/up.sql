CREATE TABLE key_package (
    number BIGINT PRIMARY KEY,
    digest BYTEA NOT NULL,
    made_at BIGINT NOT NULL,
    destroyed_at BIGINT,
    destroyed_by TEXT COLLATE "C"
);
