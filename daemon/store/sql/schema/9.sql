-- Mail that is sealed: for whom, its body's key and its envelope, which nobody
-- here can open, and a keyed digest of what stays the same of it when servers
-- add lines.  Its row of `message` has sizes and times and nothing else.

CREATE TABLE sealed(
	message INTEGER PRIMARY KEY,
	recipient BLOB NOT NULL,
	key BLOB NOT NULL,
	envelope BLOB NOT NULL,
	same_digest BLOB);

-- The same of what is in quarantine: the envelope has its transcript.

CREATE TABLE sealed_quarantine(
	quarantine INTEGER PRIMARY KEY,
	recipient BLOB NOT NULL,
	key BLOB NOT NULL,
	envelope BLOB NOT NULL);

-- Whether a message is here already, by its bytes, where its date is not known:
-- each that is sealed is one of these.

CREATE INDEX message_undated ON message(account, octets)
	WHERE date_ms IS NULL;

DROP VIEW v_message;
CREATE VIEW v_message AS SELECT
	message.id AS id,
	account.name AS account,
	CASE WHEN length(CAST(unique_id AS TEXT)) = length(unique_id)
	  AND CAST(unique_id AS TEXT) NOT GLOB '*[^ -~]*'
	  THEN CAST(unique_id AS TEXT) ELSE unique_id END AS unique_id,
	message.octets AS size,
	lower(hex(digest)) AS digest,
	strftime('%Y-%m-%dT%H:%M:%fZ', stored_ms / 1000.0, 'unixepoch')
	  AS stored_at,
	strftime('%Y-%m-%dT%H:%M:%fZ', date_ms / 1000.0, 'unixepoch') AS date,
	sender,
	recipients,
	subject,
	header_id AS message_id,
	EXISTS(SELECT 1 FROM sealed WHERE sealed.message = message.id)
	  AS sealed
	FROM message JOIN account ON account.id = message.account;
