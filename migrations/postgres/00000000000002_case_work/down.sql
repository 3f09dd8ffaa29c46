DROP INDEX case_waiting;
DROP INDEX case_unit;
DROP TABLE consent;
DROP TABLE step;
ALTER TABLE referral DROP COLUMN category;
