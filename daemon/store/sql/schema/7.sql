-- A column's name is a word of SQL elsewhere, one says what its only bit meant,
-- and a table was never used.  What is GONE is found by its size and header
-- first: they tell more than the account, and the planner need not be told.

ALTER TABLE account RENAME COLUMN user TO login;
ALTER TABLE message RENAME COLUMN flags TO is_cut;
DROP TABLE delivery;
DROP INDEX uid_gone;
CREATE INDEX uid_gone ON uid(octets, header_digest, account) WHERE state = 4;
