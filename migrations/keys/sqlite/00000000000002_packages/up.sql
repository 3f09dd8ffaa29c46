CREATE TABLE key_package (
    number INTEGER PRIMARY KEY,
    digest BLOB NOT NULL,
    made_at INTEGER NOT NULL,
    destroyed_at INTEGER,
    destroyed_by TEXT
) STRICT;
