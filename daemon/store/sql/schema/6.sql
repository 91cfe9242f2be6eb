-- Who has sent what: each sender once, as messages have it and folded (see
-- index/fold.h), and the messages of each.  What threes of characters are in a
-- sender is known without where, for the sender's text is looked at anyway.
-- Filled behind the commits, also with what was there.

CREATE TABLE sender(
	id INTEGER PRIMARY KEY,
	folded TEXT NOT NULL UNIQUE);

CREATE TABLE sent(
	sender INTEGER NOT NULL,
	message INTEGER NOT NULL,
	PRIMARY KEY(sender, message)) WITHOUT ROWID;

CREATE VIRTUAL TABLE sender_text USING fts5(
	folded, content='', columnsize=0, detail=none,
	tokenize='trigram case_sensitive 1');
