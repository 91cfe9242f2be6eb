-- A column's name is a word of SQL elsewhere; one says what its only bit meant;
-- and a table was never used.

ALTER TABLE account RENAME COLUMN user TO login;
ALTER TABLE message RENAME COLUMN flags TO is_cut;
DROP TABLE delivery;
