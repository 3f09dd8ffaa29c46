DROP TABLE owner_key;
DROP TABLE key_meta;
DROP TABLE slot;
DROP TABLE keyring;
