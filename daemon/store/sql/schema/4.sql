-- Servers count and show a message in ways of their own: what LIST said of it,
-- its line ends, and its octets in header lines that servers add stand beside
-- its size; NULL where the row is older.  What was learned of a server is the
-- library's text.

ALTER TABLE uid ADD COLUMN listed_octets INTEGER;
ALTER TABLE uid ADD COLUMN lines INTEGER;
ALTER TABLE uid ADD COLUMN added_octets INTEGER;

CREATE TABLE server(
	host TEXT NOT NULL,
	port INTEGER NOT NULL,
	tls INTEGER NOT NULL,
	facts TEXT NOT NULL,
	updated_ms INTEGER NOT NULL,
	PRIMARY KEY(host, port, tls)) WITHOUT ROWID;
