-- An account stays paused until it is resumed, whatever is restarted.

ALTER TABLE account ADD COLUMN paused_ms INTEGER;
ALTER TABLE account ADD COLUMN paused_by TEXT;

-- When the server last refused the account's credentials, how often in a row,
-- and a mark of those credentials: evpopd --once does not send them every time.

ALTER TABLE account ADD COLUMN refused_ms INTEGER;
ALTER TABLE account ADD COLUMN refusals INTEGER NOT NULL DEFAULT 0;
ALTER TABLE account ADD COLUMN refused_mark INTEGER;

-- What people ask of an account in SQL says since when it fails, as the API does.

DROP VIEW v_account;
CREATE VIEW v_account AS SELECT
	name,
	messages,
	octets AS bytes,
	strftime('%Y-%m-%dT%H:%M:%fZ', last_success_ms / 1000.0, 'unixepoch')
	  AS last_success,
	last_error,
	strftime('%Y-%m-%dT%H:%M:%fZ', last_error_ms / 1000.0, 'unixepoch')
	  AS last_error_at,
	id,
	stable_id,
	strftime('%Y-%m-%dT%H:%M:%fZ', failing_since_ms / 1000.0, 'unixepoch')
	  AS failing_since,
	strftime('%Y-%m-%dT%H:%M:%fZ', paused_ms / 1000.0, 'unixepoch')
	  AS paused_since,
	paused_by
	FROM account;

-- Keeping and deleting.  `retain_ms` is how long an account's messages are
-- kept, NULL for ever; it stays when the account is no longer configured.  A
-- deleted message leaves a tombstone with its id, to which its unique-id refers
-- from then on, and a row of `removal` until its pieces and its words are gone.

ALTER TABLE account ADD COLUMN retain_ms INTEGER;

CREATE TABLE hold(
	message INTEGER PRIMARY KEY REFERENCES message(id),
	since_ms INTEGER NOT NULL,
	who TEXT NOT NULL,
	reason TEXT NOT NULL);

CREATE TABLE tombstone(
	id INTEGER PRIMARY KEY,
	account INTEGER NOT NULL REFERENCES account(id),
	octets INTEGER NOT NULL,
	digest BLOB NOT NULL,
	stored_ms INTEGER NOT NULL,
	date_ms INTEGER,
	deleted_ms INTEGER NOT NULL,
	who TEXT NOT NULL,
	reason TEXT NOT NULL);

CREATE TABLE removal(
	message INTEGER PRIMARY KEY,
	account INTEGER NOT NULL,
	body INTEGER NOT NULL,
	octets INTEGER NOT NULL,
	attachments INTEGER NOT NULL,
	sender TEXT,
	recipients TEXT,
	cc TEXT,
	subject TEXT);

CREATE TABLE audit(
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	at_ms INTEGER NOT NULL,
	who TEXT NOT NULL,
	action TEXT NOT NULL,
	object TEXT,
	reason TEXT);
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
	BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END;
CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
	BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END;

CREATE VIEW v_hold AS SELECT
	message AS id,
	strftime('%Y-%m-%dT%H:%M:%fZ', since_ms / 1000.0, 'unixepoch') AS since,
	who AS held_by,
	reason
	FROM hold;

CREATE VIEW v_tombstone AS SELECT
	tombstone.id AS id,
	account.name AS account,
	tombstone.octets AS size,
	lower(hex(digest)) AS digest,
	strftime('%Y-%m-%dT%H:%M:%fZ', stored_ms / 1000.0, 'unixepoch')
	  AS stored_at,
	strftime('%Y-%m-%dT%H:%M:%fZ', date_ms / 1000.0, 'unixepoch') AS date,
	strftime('%Y-%m-%dT%H:%M:%fZ', deleted_ms / 1000.0, 'unixepoch')
	  AS deleted_at,
	who AS deleted_by,
	reason
	FROM tombstone JOIN account ON account.id = tombstone.account;

CREATE VIEW v_audit AS SELECT
	strftime('%Y-%m-%dT%H:%M:%fZ', at_ms / 1000.0, 'unixepoch') AS at,
	who,
	action,
	object,
	reason,
	id
	FROM audit;

-- Conversations: a message, and the ids that it names as numbers below 0, each
-- linked to the other.  Filled behind the commits, also with what was there.

CREATE TABLE linked(
	node INTEGER NOT NULL,
	other INTEGER NOT NULL,
	PRIMARY KEY(node, other)) WITHOUT ROWID;

-- Behind how many octets of its body a piece begins, but for first ones.

CREATE TABLE piece_offset(
	chunk INTEGER PRIMARY KEY REFERENCES chunk(id) ON DELETE CASCADE,
	octets INTEGER NOT NULL);

-- Whether a message is here already, by its bytes: those of one date are few,
-- and most mail comes in the order of its dates.

CREATE INDEX message_date ON message(account, date_ms);
