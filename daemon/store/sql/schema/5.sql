-- Whose maildrop the unique-ids of an account are, as the last poll that went
-- well had it; and since when its polls fail.  NULL in rows that are older.

ALTER TABLE account ADD COLUMN host TEXT;
ALTER TABLE account ADD COLUMN user TEXT;
ALTER TABLE account ADD COLUMN failing_since_ms INTEGER;
