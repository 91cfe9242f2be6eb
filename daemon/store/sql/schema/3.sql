-- What was there is plain: no body is written anew.  See chunk.h.

ALTER TABLE chunk ADD COLUMN encoding INTEGER NOT NULL DEFAULT 0;
