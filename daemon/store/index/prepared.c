#include "daemon/store/index/prepared.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/store/chunk.h"
#include "daemon/store/mail/pairs.h"

struct message {
	int64_t id, account, body;
	char *columns[3]; /* sender, recipients, subject, as the row has them */
};

static char *
column_copy(struct sql_statement *statement, int column)
{
	const char *text = sql_column_text(statement, column);

	return strdup(text != NULL ? text : "");
}

static void
free_columns(struct message *message)
{
	for (size_t i = 0; i < 3; i++)
		free(message->columns[i]);
}

/* id is 0 where there is no further message. */
static enum store_status
next_message(struct store_db *db, int64_t above, struct message *message_r)
{
	static const char sql[] =
	    "SELECT id, account, body, sender,"
	    " coalesce(recipients, '') || ' ' || coalesce(cc, ''), subject"
	    " FROM message WHERE id > ?1 ORDER BY id LIMIT 1";
	struct sql_statement use;
	enum store_status status;

	memset(message_r, 0, sizeof(*message_r));
	sql_prepare(&use, db->sql, sql);
	sql_bind_int(&use, 1, above);
	if (sql_step(&use)) {
		message_r->id = sql_column_int(&use, 0);
		message_r->account = sql_column_int(&use, 1);
		message_r->body = sql_column_int(&use, 2);
		for (int i = 0; i < 3; i++)
			message_r->columns[i] = column_copy(&use, 3 + i);
	}
	status = sql_end(&use);
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
read_piece(struct store_db *db, struct sql_statement *use, char **bytes,
    size_t *length)
{
	const void *data;
	size_t count;
	enum store_status status = store_chunk_take(db, use, 1, &data, &count);

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
	struct sql_statement use;
	enum store_status status, taken = STORE_OK;

	*bytes_r = NULL;
	*length_r = 0;
	store_chunk_use_all(&use, db, body);
	while (
	    taken == STORE_OK && *length_r < MAIL_WORDS_LOOK && sql_step(&use))
		taken = read_piece(db, &use, bytes_r, length_r);
	status = sql_end(&use);
	return status != STORE_OK ? status : taken;
}

/* Where the header cannot be read any more, the row still has its words. */
static bool
fill_from_row(struct mail_words *words, const struct message *message)
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
read_words(struct store_db *db, const struct message *message,
    struct mail_words *words_r)
{
	char *bytes = NULL;
	size_t length = 0;
	enum store_status status =
	    read_body(db, message->body, &bytes, &length);

	if (status == STORE_OK &&
	    !(mail_words_read(bytes != NULL ? bytes : "", length, words_r) &&
		fill_from_row(words_r, message)))
		status = STORE_MEMORY;
	free(bytes);
	return status;
}

static size_t
octets_of(const struct mail_words *words)
{
	return strlen(words->senders) + strlen(words->recipients) +
	       strlen(words->subject) + strlen(words->text);
}

enum store_status
store_prepared_last(struct store_db *db, int64_t *id_r)
{
	static const char sql[] = "SELECT coalesce((SELECT value FROM meta"
				  " WHERE key = 'indexed'), 0)";

	return sql_integer(db->sql, sql, id_r);
}

enum store_status
store_prepared_read(
    struct store_db *db, int64_t above, struct store_prepared **prepared_r)
{
	struct message message;
	struct store_prepared *prepared = NULL;
	enum store_status status = next_message(db, above, &message);

	*prepared_r = NULL;
	if (status == STORE_OK && message.id != 0) {
		prepared = calloc(1, sizeof(*prepared));
		status = prepared == NULL
			     ? STORE_MEMORY
			     : read_words(db, &message, &prepared->words);
	}
	if (status == STORE_OK && prepared != NULL) {
		prepared->above = above;
		prepared->id = message.id;
		prepared->account = message.account;
		prepared->octets =
		    sizeof(*prepared) + octets_of(&prepared->words);
		*prepared_r = prepared;
	} else
		store_prepared_free(prepared);
	free_columns(&message);
	return status;
}

void
store_prepared_free(struct store_prepared *prepared)
{
	if (prepared == NULL)
		return;
	mail_words_free(&prepared->words);
	free(prepared);
}
