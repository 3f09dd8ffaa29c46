DROP TABLE consent;
DROP TABLE step;
ALTER TABLE referral DROP COLUMN category;
