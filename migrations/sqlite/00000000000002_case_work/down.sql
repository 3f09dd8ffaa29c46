DROP INDEX case_waiting;
DROP INDEX case_unit;
DROP TABLE consent;
DROP TABLE step;
ALTER TABLE referral DROP COLUMN category;
ALTER TABLE deadline DROP COLUMN referral_id;
ALTER TABLE organisation DROP COLUMN mac;
ALTER TABLE organisation DROP COLUMN version;
DROP TABLE request_outcome;
CREATE TABLE request_outcome (
    request BLOB PRIMARY KEY,
    account_id BLOB NOT NULL,
    kind TEXT NOT NULL,
    subject BLOB NOT NULL,
    digest BLOB NOT NULL,
    at_ms INTEGER NOT NULL
) STRICT;
