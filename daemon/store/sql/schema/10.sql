-- Where mail goes from here.  A target of an earlier configuration stays while
-- it has rows, or is paused; its counters change with the rows of `outbox`, so
-- that nobody counts these.  `state`: 0 waiting, 1 delivered, 2 refused, 3
-- dropped.  `due_ms` is 0 where a message may be delivered at once: few are
-- tried again later, and these are found by an index of their own.

CREATE TABLE target(
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	name TEXT NOT NULL UNIQUE,
	is_configured INTEGER NOT NULL DEFAULT 0,
	waiting INTEGER NOT NULL DEFAULT 0,
	delivered INTEGER NOT NULL DEFAULT 0,
	refused INTEGER NOT NULL DEFAULT 0,
	dropped INTEGER NOT NULL DEFAULT 0,
	paused_ms INTEGER,
	paused_by TEXT);

CREATE TABLE outbox(
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	message INTEGER NOT NULL,
	account INTEGER NOT NULL REFERENCES account(id),
	target INTEGER NOT NULL REFERENCES target(id),
	state INTEGER NOT NULL DEFAULT 0,
	attempts INTEGER NOT NULL DEFAULT 0,
	may_be_there INTEGER NOT NULL DEFAULT 0,
	queued_ms INTEGER NOT NULL,
	due_ms INTEGER NOT NULL DEFAULT 0,
	tried_ms INTEGER,
	settled_ms INTEGER,
	note TEXT,
	answer TEXT,
	place TEXT);
CREATE UNIQUE INDEX outbox_message ON outbox(message, target);
CREATE INDEX outbox_waiting ON outbox(target, id, due_ms, account, state)
	WHERE state = 0;
CREATE INDEX outbox_later ON outbox(target, due_ms, id, account, state)
	WHERE state = 0 AND due_ms > 0;
CREATE INDEX outbox_refused ON outbox(id) WHERE state = 2;

-- Whether the deletions of an account are owed by what is delivered.

ALTER TABLE account ADD COLUMN deletes_delivered INTEGER NOT NULL DEFAULT 0;

-- What was deleted of an account, the last first.

CREATE INDEX tombstone_account ON tombstone(account);

CREATE VIEW v_outbox AS SELECT
	outbox.id AS id,
	outbox.message AS message,
	account.name AS account,
	target.name AS target,
	CASE outbox.state WHEN 0 THEN 'waiting' WHEN 1 THEN 'delivered'
	  WHEN 2 THEN 'refused' WHEN 3 THEN 'dropped' END AS state,
	outbox.attempts AS attempts,
	strftime('%Y-%m-%dT%H:%M:%fZ', queued_ms / 1000.0, 'unixepoch')
	  AS queued_at,
	strftime('%Y-%m-%dT%H:%M:%fZ', nullif(due_ms, 0) / 1000.0, 'unixepoch')
	  AS due_at,
	strftime('%Y-%m-%dT%H:%M:%fZ', tried_ms / 1000.0, 'unixepoch')
	  AS tried_at,
	strftime('%Y-%m-%dT%H:%M:%fZ', settled_ms / 1000.0, 'unixepoch')
	  AS settled_at,
	may_be_there,
	answer,
	place
	FROM outbox JOIN account ON account.id = outbox.account
	JOIN target ON target.id = outbox.target;

CREATE VIEW v_target AS SELECT
	name,
	is_configured AS configured,
	waiting,
	delivered,
	refused,
	dropped,
	strftime('%Y-%m-%dT%H:%M:%fZ', paused_ms / 1000.0, 'unixepoch')
	  AS paused_since,
	paused_by
	FROM target;

-- Consents of users by OAuth 2: refresh tokens, sealed with the daemon's key.
-- The owner is an account's id, or its name where it has none.

CREATE TABLE token(
	owner TEXT PRIMARY KEY,
	sealed TEXT NOT NULL,
	granted_ms INTEGER NOT NULL,
	changed_ms INTEGER NOT NULL) WITHOUT ROWID;
