CREATE TABLE keyring (
    name TEXT COLLATE "C" PRIMARY KEY,
    json TEXT COLLATE "C" NOT NULL
);
CREATE TABLE slot (
    id TEXT COLLATE "C" PRIMARY KEY,
    json TEXT COLLATE "C" NOT NULL
);
CREATE TABLE key_meta (
    id SMALLINT PRIMARY KEY CHECK (id = 1),
    deployment_id BYTEA NOT NULL
);
CREATE TABLE owner_key (
    id BYTEA PRIMARY KEY,
    version BIGINT NOT NULL,
    wrapped BYTEA NOT NULL,
    wrapped_s4 BYTEA NOT NULL
);
