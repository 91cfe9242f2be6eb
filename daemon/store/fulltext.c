#include "daemon/store/fulltext.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/store/chunk.h"
#include "daemon/store/clock.h"
#include "daemon/store/mail/pairs.h"
#include "daemon/store/mail/words.h"
#include "daemon/store/queue.h"
#include "daemon/store/row.h"
#include "daemon/store/schema.h"

/* Of one transaction: a commit never waits much longer than this. */
#define STEP_MS       10
#define STEP_MESSAGES 256

struct indexed {
	int64_t id, body;
	char *columns[3]; /* sender, recipients, subject, as the row has them */
};

static char *
column_copy(sqlite3_stmt *statement, int column)
{
	const char *text = (const char *)sqlite3_column_text(statement, column);

	return strdup(text != NULL ? text : "");
}

static void
free_columns(struct indexed *message)
{
	for (size_t i = 0; i < 3; i++)
		free(message->columns[i]);
}

/* id is 0 where there is no further message. */
static enum store_status
next_message(struct store_db *db, int64_t above, struct indexed *message_r)
{
	static const char sql[] =
	    "SELECT id, body, sender,"
	    " coalesce(recipients, '') || ' ' || coalesce(cc, ''), subject"
	    " FROM message WHERE id > ?1 ORDER BY id LIMIT 1";
	struct store_use use;
	enum store_status status;

	memset(message_r, 0, sizeof(*message_r));
	store_use(&use, db, sql);
	store_bind_int(&use, 1, above);
	if (store_next(&use)) {
		message_r->id = sqlite3_column_int64(use.statement, 0);
		message_r->body = sqlite3_column_int64(use.statement, 1);
		for (int i = 0; i < 3; i++)
			message_r->columns[i] =
			    column_copy(use.statement, 2 + i);
	}
	status = store_end(&use);
	for (size_t i = 0; status == STORE_OK && i < 3; i++)
		if (message_r->id != 0 && message_r->columns[i] == NULL)
			status = STORE_MEMORY;
	return status;
}

static bool
append(char **bytes, size_t *length, const void *more, size_t count)
{
	char *grown;

	if (count > MAIL_WORDS_LOOK - *length)
		count = MAIL_WORDS_LOOK - *length;
	grown = realloc(*bytes, *length + count + 1);
	if (grown == NULL)
		return false;
	memcpy(grown + *length, more, count);
	*bytes = grown;
	*length += count;
	return true;
}

/* A piece that is damaged is as good as none: the rest goes without it. */
static enum store_status
read_piece(struct store_use *use, char **bytes, size_t *length)
{
	const void *data;
	size_t count;
	enum store_status status = store_chunk_take(use, 1, &data, &count);

	if (status == STORE_DAMAGED)
		return STORE_OK;
	if (status == STORE_OK && count > 0 &&
	    !append(bytes, length, data, count))
		return STORE_MEMORY;
	return status;
}

static enum store_status
read_body(struct store_db *db, int64_t body, char **bytes_r, size_t *length_r)
{
	struct store_use use;
	enum store_status status, taken = STORE_OK;

	*bytes_r = NULL;
	*length_r = 0;
	store_chunk_use_all(&use, db, body);
	while (taken == STORE_OK && *length_r < MAIL_WORDS_LOOK &&
	       store_next(&use))
		taken = read_piece(&use, bytes_r, length_r);
	status = store_end(&use);
	return status != STORE_OK ? status : taken;
}

static enum store_status
insert(struct store_db *db, int64_t id, const struct mail_words *words)
{
	static const char sql[] =
	    "INSERT INTO fulltext(rowid, sender, recipients, subject, body)"
	    " VALUES(?1, ?2, ?3, ?4, ?5)";
	struct store_use use;

	store_use(&use, db, sql);
	store_bind_int(&use, 1, id);
	store_bind_text(&use, 2, words->senders);
	store_bind_text(&use, 3, words->recipients);
	store_bind_text(&use, 4, words->subject);
	store_bind_text(&use, 5, words->text);
	return store_run(&use);
}

static enum store_status
mark_cut(struct store_db *db, int64_t id)
{
	static const char sql[] =
	    "UPDATE message SET flags = flags | ?2 WHERE id = ?1";
	struct store_use use;

	store_use(&use, db, sql);
	store_bind_int(&use, 1, id);
	store_bind_int(&use, 2, STORE_ROW_CUT);
	return store_run(&use);
}

/* Where the header cannot be read any more, the row still has its words. */
static bool
fill_from_row(struct mail_words *words, const struct indexed *message)
{
	char **columns[] = { &words->senders, &words->recipients,
		&words->subject };

	for (size_t i = 0; i < 3; i++) {
		if ((*columns[i])[0] != '\0')
			continue;
		free(*columns[i]);
		*columns[i] = mail_pairs_index(message->columns[i]);
		if (*columns[i] == NULL)
			return false;
	}
	return true;
}

static enum store_status
index_words(struct store_db *db, const struct indexed *message,
    const char *bytes, size_t length, bool *damaged_r)
{
	struct mail_words words;
	enum store_status status = STORE_MEMORY;

	if (mail_words_read(bytes, length, &words) &&
	    fill_from_row(&words, message)) {
		status = insert(db, message->id, &words);
		*damaged_r = status == STORE_DAMAGED;
		if (status == STORE_OK && words.is_cut)
			status = mark_cut(db, message->id);
	}
	mail_words_free(&words);
	return status;
}

static enum store_status
index_message(
    struct store_db *db, const struct indexed *message, bool *damaged_r)
{
	char *bytes = NULL;
	size_t length = 0;
	enum store_status status =
	    read_body(db, message->body, &bytes, &length);

	if (status == STORE_OK)
		status = index_words(
		    db, message, bytes != NULL ? bytes : "", length, damaged_r);
	free(bytes);
	return status;
}

static enum store_status
mark(struct store_db *db, int64_t id)
{
	static const char sql[] =
	    "INSERT OR REPLACE INTO meta(key, value) VALUES('indexed', ?1)";
	struct store_use use;

	store_use(&use, db, sql);
	store_bind_int(&use, 1, id);
	return store_run(&use);
}

static enum store_status
index_some(struct store_db *db, struct store_queue *queue, int64_t id,
    bool *more_r, bool *damaged_r)
{
	int64_t end_ms = store_clock_monotonic_ms() + STEP_MS;
	enum store_status status = STORE_OK;
	int count = 0;

	do {
		struct indexed message;

		status = next_message(db, id, &message);
		*more_r = message.id != 0;
		if (status == STORE_OK && *more_r) {
			status = index_message(db, &message, damaged_r);
			id = message.id;
			count++;
		}
		free_columns(&message);
	} while (status == STORE_OK && *more_r && count < STEP_MESSAGES &&
		 store_clock_monotonic_ms() < end_ms &&
		 store_queue_is_empty(queue));
	if (status == STORE_OK && count > 0)
		status = mark(db, id);
	return status;
}

enum store_status
store_fulltext_step(struct store_db *db, struct store_queue *queue,
    bool *more_r, bool *damaged_r)
{
	static const char progress[] = "SELECT coalesce((SELECT value FROM meta"
				       " WHERE key = 'indexed'), 0)";
	int64_t id;
	enum store_status status = store_db_integer(db, progress, &id);

	*more_r = true;
	*damaged_r = false;
	if (status == STORE_OK)
		status = index_some(db, queue, id, more_r, damaged_r);
	return status;
}

/*
 * Damage may be such that the index cannot even be dropped: before, it is made
 * what FTS5 leaves of one without words, below its own interface.
 */
const char store_fulltext_restart_sql[] =
    "DELETE FROM fulltext_data;"
    "DELETE FROM fulltext_idx;"
    "DELETE FROM fulltext_docsize;"
    "INSERT INTO fulltext_data(id, block)"
    " VALUES(1, x''), (10, x'00000000000000');"
    "INSERT OR REPLACE INTO fulltext_config(k, v) VALUES('version', 4);"
    "DROP TABLE fulltext;" STORE_SCHEMA_FULLTEXT ";"
    "DELETE FROM meta WHERE key = 'indexed';";

enum store_status
store_fulltext_is_current(struct store_db *db, bool *is_current_r)
{
	static const char sql[] =
	    "SELECT sql = ?1 FROM sqlite_schema WHERE name = 'fulltext'";
	struct store_use use;

	*is_current_r = false;
	store_use_once(&use, db, sql);
	store_bind_text(&use, 1, STORE_SCHEMA_FULLTEXT);
	if (store_next(&use))
		*is_current_r = sqlite3_column_int(use.statement, 0) != 0;
	return store_end(&use);
}
