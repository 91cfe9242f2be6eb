-- What a listing is compared with stands beside the unique-id, since each poll
-- reads all of an account's: to look it up message by message would take
-- several times as long; by it a body finds what is GONE (state 4).  An idle
-- poll leaves no trace in poll_deleted, which says how much an account usually
-- deletes.  A message's failures are rare, and rows of `failure` go when it is
-- stored.

ALTER TABLE uid ADD COLUMN octets INTEGER;
ALTER TABLE uid ADD COLUMN header_digest BLOB;
UPDATE uid SET octets =
	(SELECT message.octets FROM message WHERE message.id = uid.message);
CREATE INDEX uid_gone ON uid(account, octets, header_digest) WHERE state = 4;

ALTER TABLE poll ADD COLUMN adopted INTEGER NOT NULL DEFAULT 0;
ALTER TABLE poll ADD COLUMN adopted_octets INTEGER NOT NULL DEFAULT 0;
CREATE INDEX poll_deleted ON poll(account, id, deleted) WHERE deleted > 0;

CREATE TABLE failure(
	account INTEGER NOT NULL REFERENCES account(id),
	unique_id BLOB NOT NULL,
	occurrence INTEGER NOT NULL,
	attempts INTEGER NOT NULL,
	last_ms INTEGER NOT NULL,
	reason TEXT NOT NULL,
	PRIMARY KEY(account, unique_id, occurrence)) WITHOUT ROWID;

ALTER TABLE quarantine ADD COLUMN transcript TEXT;
CREATE INDEX quarantine_account ON quarantine(account);

DROP VIEW v_poll;
CREATE VIEW v_poll AS SELECT
	account.name AS account,
	strftime('%Y-%m-%dT%H:%M:%fZ', started_ms / 1000.0, 'unixepoch')
	  AS started,
	strftime('%Y-%m-%dT%H:%M:%fZ', finished_ms / 1000.0, 'unixepoch')
	  AS finished,
	outcome,
	fetched,
	deleted,
	octets_in AS bytes_in,
	octets_out AS bytes_out,
	body_octets AS body_bytes,
	poll.messages AS messages,
	failed,
	text,
	poll.id AS id,
	adopted,
	adopted_octets AS adopted_bytes
	FROM poll JOIN account ON account.id = poll.account;

CREATE VIEW v_quarantine AS SELECT
	quarantine.id AS id,
	account.name AS account,
	CASE WHEN length(CAST(unique_id AS TEXT)) = length(unique_id)
	  AND CAST(unique_id AS TEXT) NOT GLOB '*[^ -~]*'
	  THEN CAST(unique_id AS TEXT) ELSE unique_id END AS unique_id,
	quarantine.octets AS size,
	strftime('%Y-%m-%dT%H:%M:%fZ', stored_ms / 1000.0, 'unixepoch')
	  AS stored_at,
	reason
	FROM quarantine JOIN account ON account.id = quarantine.account;
