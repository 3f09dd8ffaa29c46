CREATE TABLE keyring (
    name TEXT PRIMARY KEY,
    json TEXT NOT NULL
) STRICT;
CREATE TABLE slot (
    id TEXT PRIMARY KEY,
    json TEXT NOT NULL
) STRICT;
CREATE TABLE key_meta (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    deployment_id BLOB NOT NULL
) STRICT;
CREATE TABLE owner_key (
    id BLOB PRIMARY KEY,
    version INTEGER NOT NULL,
    wrapped BLOB NOT NULL,
    wrapped_s4 BLOB NOT NULL
) STRICT;
