-- The counters of an account change in the transaction that adds a message, so
-- that listing accounts never counts.  A body's pieces are keyed so that it is
-- one range; `unfinished` names the bodies that have pieces and no message.

CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;

CREATE TABLE account(
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	name TEXT NOT NULL UNIQUE,
	stable_id TEXT UNIQUE,
	messages INTEGER NOT NULL DEFAULT 0,
	octets INTEGER NOT NULL DEFAULT 0,
	last_success_ms INTEGER,
	last_error_ms INTEGER,
	last_error TEXT);

CREATE TABLE message(
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	account INTEGER NOT NULL REFERENCES account(id),
	body INTEGER NOT NULL,
	octets INTEGER NOT NULL,
	digest BLOB NOT NULL,
	stored_ms INTEGER NOT NULL,
	date_ms INTEGER,
	sender TEXT,
	recipients TEXT,
	cc TEXT,
	subject TEXT,
	header_id TEXT,
	attachments INTEGER NOT NULL,
	flags INTEGER NOT NULL DEFAULT 0,
	unique_id BLOB);
CREATE INDEX message_account ON message(account);
CREATE INDEX message_stored ON message(stored_ms);

CREATE TABLE uid(
	account INTEGER NOT NULL REFERENCES account(id),
	unique_id BLOB NOT NULL,
	occurrence INTEGER NOT NULL,
	state INTEGER NOT NULL,
	message INTEGER,
	stored_ms INTEGER NOT NULL,
	PRIMARY KEY(account, unique_id, occurrence)) WITHOUT ROWID;

CREATE TABLE chunk(id INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE unfinished(body INTEGER PRIMARY KEY);

CREATE TABLE poll(
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	account INTEGER NOT NULL REFERENCES account(id),
	started_ms INTEGER NOT NULL,
	finished_ms INTEGER NOT NULL,
	outcome TEXT NOT NULL,
	text TEXT,
	messages INTEGER NOT NULL,
	fetched INTEGER NOT NULL,
	failed INTEGER NOT NULL,
	deleted INTEGER NOT NULL,
	octets_in INTEGER NOT NULL,
	octets_out INTEGER NOT NULL,
	body_octets INTEGER NOT NULL);
CREATE INDEX poll_account ON poll(account);

CREATE TABLE delivery(
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	message INTEGER NOT NULL,
	target TEXT NOT NULL,
	state INTEGER NOT NULL,
	attempts INTEGER NOT NULL DEFAULT 0,
	due_ms INTEGER NOT NULL,
	text TEXT);
CREATE INDEX delivery_due ON delivery(state, due_ms);

CREATE TABLE quarantine(
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	account INTEGER NOT NULL REFERENCES account(id),
	unique_id BLOB,
	occurrence INTEGER,
	body INTEGER NOT NULL,
	octets INTEGER NOT NULL,
	stored_ms INTEGER NOT NULL,
	reason TEXT NOT NULL);

-- The index of this version; index/fulltext.c makes its own when the store is
-- opened.
CREATE VIRTUAL TABLE fulltext USING fts5(
	sender, recipients, subject, body,
	content='', tokenize='unicode61 remove_diacritics 2');

-- A unique-id is shown as text where it is printable, else as bytes.
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
	header_id AS message_id
	FROM message JOIN account ON account.id = message.account;

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
	stable_id
	FROM account;

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
	poll.id AS id
	FROM poll JOIN account ON account.id = poll.account;
