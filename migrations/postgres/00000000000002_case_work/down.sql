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
    request BYTEA PRIMARY KEY,
    account_id BYTEA NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    subject BYTEA NOT NULL,
    digest BYTEA NOT NULL,
    at_ms BIGINT NOT NULL
);
