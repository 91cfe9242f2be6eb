#include "daemon/store/index/prepared.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/store/chunk.h"
#include "daemon/store/mail/apart.h"
#include "daemon/store/mail/header.h"
#include "daemon/store/mail/pairs.h"
#include "daemon/store/meta.h"

/* ---- a message ---- */

struct message {
	int64_t id, account, body;
	/* As the row has them: sender, recipients, cc, subject. */
#define COLUMNS 4
	char *columns[COLUMNS];
	int64_t octets, attachments;
	/* As much of the body as is looked at. */
	char *bytes;
	size_t length;
	bool is_sealed;
};

static char *
message_copy_column(struct sql_statement *statement, int column)
{
	const char *text = sql_column_text(statement, column);

	return strdup(text != NULL ? text : "");
}

static void
message_free(struct message *message)
{
	for (size_t i = 0; i < COLUMNS; i++)
		free(message->columns[i]);
	free(message->bytes);
}

#define NEXT_SELECT(table, id)                               \
	"SELECT " id ", account, body, octets, attachments," \
	" sender, recipients, cc, subject"                   \
	" FROM " table " WHERE " id " > ?1 ORDER BY " id " LIMIT 1"

/* id is 0 where there is no further message. */
static enum store_status
message_read_row(struct sql_db *db, enum store_prepared_of of, int64_t above,
    struct message *message_r)
{
	static const char of_index[] = NEXT_SELECT("message", "id"),
			  of_removal[] = NEXT_SELECT("removal", "message");
	struct sql_statement use;
	enum store_status status;

	memset(message_r, 0, sizeof(*message_r));
	sql_prepare(
	    &use, db, of == STORE_PREPARED_OF_INDEX ? of_index : of_removal);
	sql_bind_int(&use, 1, above);
	if (sql_step(&use)) {
		message_r->id = sql_column_int(&use, 0);
		message_r->account = sql_column_int(&use, 1);
		message_r->body = sql_column_int(&use, 2);
		message_r->octets = sql_column_int(&use, 3);
		message_r->attachments = sql_column_int(&use, 4);
		for (int i = 0; i < COLUMNS; i++)
			message_r->columns[i] =
			    message_copy_column(&use, 5 + i);
	}
	status = sql_end(&use);
	for (size_t i = 0; status == STORE_OK && i < COLUMNS; i++)
		if (message_r->id != 0 && message_r->columns[i] == NULL)
			status = STORE_MEMORY;
	return status;
}

static bool
prepared_append(
    char **bytes, size_t *length, size_t most, const void *more, size_t count)
{
	char *grown;

	if (count > most - *length)
		count = most - *length;
	grown = realloc(*bytes, *length + count + 1);
	if (grown == NULL)
		return false;
	memcpy(grown + *length, more, count);
	*bytes = grown;
	*length += count;
	return true;
}

/* A damaged piece is skipped; the rest is indexed. */
static enum store_status
prepared_read_piece(struct sql_db *db, struct sql_statement *use, size_t most,
    char **bytes, size_t *length)
{
	const void *data;
	size_t count;
	enum store_status status = store_chunk_take(db, use, 1, &data, &count);

	if (status == STORE_DAMAGED)
		return STORE_OK;
	if (status == STORE_OK && count > 0 &&
	    !prepared_append(bytes, length, most, data, count))
		return STORE_MEMORY;
	return status;
}

enum store_status
store_prepared_read_body(struct sql_db *db, int64_t body, size_t most,
    char **bytes_r, size_t *length_r)
{
	struct sql_statement use;
	enum store_status status, taken = STORE_OK;

	*bytes_r = NULL;
	*length_r = 0;
	store_chunk_use_all(&use, db, body);
	while (taken == STORE_OK && *length_r < most && sql_step(&use))
		taken = prepared_read_piece(db, &use, most, bytes_r, length_r);
	status = sql_end(&use);
	return status != STORE_OK ? status : taken;
}

static enum store_status
message_read_body(struct sql_db *db, struct message *message)
{
	enum store_status status = store_prepared_read_body(db, message->body,
	    MAIL_WORDS_LOOK, &message->bytes, &message->length);

	message->is_sealed = status == STORE_SEALED;
	return message->is_sealed ? STORE_OK : status;
}

/* message_free() in any case. */
static enum store_status
message_read(struct sql_db *db, enum store_prepared_of of, int64_t above,
    struct message *message_r)
{
	enum store_status status = message_read_row(db, of, above, message_r);

	return status == STORE_OK && message_r->id != 0
		   ? message_read_body(db, message_r)
		   : status;
}

/* ---- its words ---- */

/* If the header is unreadable, the row still has its words. */
static bool
prepared_fill_from_row(struct mail_words *words, const struct message *message)
{
	char **columns[] = { &words->senders, &words->recipients,
		&words->copies, &words->subject };

	for (size_t i = 0; i < COLUMNS; i++) {
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
prepared_take_words(
    struct store_prepared *prepared, const struct message *message)
{
	const char *text = message->bytes != NULL ? message->bytes : "";
	size_t body;

	if (mail_apart_words(text, message->length, &prepared->words) ==
		MAIL_APART_NO_MEMORY ||
	    !prepared_fill_from_row(&prepared->words, message))
		return STORE_MEMORY;
	store_conversation_read(text,
	    mail_header_split(text, message->length, &body), &prepared->names);
	return STORE_OK;
}

static size_t
prepared_octets(const struct mail_words *words)
{
	return strlen(words->senders) + strlen(words->recipients) +
	       strlen(words->copies) + strlen(words->subject) +
	       strlen(words->text) + strlen(words->files);
}

enum store_status
store_prepared_last(struct sql_db *db, int64_t *id_r)
{
	return store_meta_get(db, "indexed", id_r);
}

static enum store_status
prepared_make(const struct message *message, int64_t above,
    struct store_prepared **prepared_r)
{
	struct store_prepared *prepared = calloc(1, sizeof(*prepared));
	enum store_status status = STORE_OK;

	*prepared_r = NULL;
	if (prepared == NULL)
		return STORE_MEMORY;
	prepared->above = above;
	prepared->id = message->id;
	prepared->is_sealed = message->is_sealed;
	if (!prepared->is_sealed)
		status = prepared_take_words(prepared, message);
	if (status != STORE_OK) {
		store_prepared_free(prepared);
		return status;
	}
	store_marks_of(&prepared->marks, message->account, message->octets,
	    message->attachments > 0);
	prepared->octets = sizeof(*prepared);
	if (!prepared->is_sealed)
		prepared->octets += prepared_octets(&prepared->words);
	*prepared_r = prepared;
	return STORE_OK;
}

enum store_status
store_prepared_read(struct sql_db *db, enum store_prepared_of of, int64_t above,
    struct store_prepared **prepared_r)
{
	struct message message;
	enum store_status status = message_read(db, of, above, &message);

	*prepared_r = NULL;
	if (status == STORE_OK && message.id != 0)
		status = prepared_make(&message, above, prepared_r);
	message_free(&message);
	return status;
}

int64_t
store_prepared_id(const struct store_prepared *prepared)
{
	return prepared->id;
}

void
store_prepared_free(struct store_prepared *prepared)
{
	while (prepared != NULL) {
		struct store_prepared *next = prepared->next;

		mail_words_free(&prepared->words);
		free(prepared);
		prepared = next;
	}
}

/* ---- several ---- */

/*
 * Messages that are read in one transaction, which would cost more than a small
 * one; what a library makes of them may take long, and is behind it.
 */
#define BATCH_MESSAGES 64
#define BATCH_OCTETS   ((size_t)256 * 1024)

struct prepared_batch {
	struct message messages[BATCH_MESSAGES];
	size_t count;
};

static enum store_status
batch_add_messages(struct prepared_batch *batch, struct sql_db *db,
    enum store_prepared_of of, int64_t above)
{
	enum store_status status = STORE_OK;
	size_t octets = 0;

	while (batch->count < BATCH_MESSAGES && octets < BATCH_OCTETS) {
		struct message *message = &batch->messages[batch->count];

		status = message_read(db, of, above, message);
		if (status != STORE_OK || message->id == 0) {
			message_free(message);
			break;
		}
		above = message->id;
		octets += message->length;
		batch->count++;
	}
	return status;
}

/* One that cannot be read ends the batch, and is the next one's first. */
static enum store_status
batch_read(struct prepared_batch *batch, struct sql_db *db,
    enum store_prepared_of of, int64_t above)
{
	enum store_status status = sql_begin(db, SQL_READ);

	if (status == STORE_OK)
		status = batch_add_messages(batch, db, of, above);
	sql_rollback(db);
	return batch->count > 0 ? STORE_OK : status;
}

/* All of them, one behind the other. */
static enum store_status
batch_prepare(const struct prepared_batch *batch, int64_t above,
    struct store_prepared **first_r)
{
	struct store_prepared **tail = first_r;
	enum store_status status = STORE_OK;

	*first_r = NULL;
	for (size_t i = 0; i < batch->count && status == STORE_OK; i++) {
		status = prepared_make(&batch->messages[i], above, tail);
		above = batch->messages[i].id;
		if (status == STORE_OK)
			tail = &(*tail)->next;
	}
	if (status != STORE_OK) {
		store_prepared_free(*first_r);
		*first_r = NULL;
	}
	return status;
}

static void
batch_free(struct prepared_batch *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		message_free(&batch->messages[i]);
}

enum store_status
store_prepared_read_some(struct sql_db *db, enum store_prepared_of of,
    int64_t above, struct store_prepared **first_r)
{
	struct prepared_batch batch = { .count = 0 };
	enum store_status status = batch_read(&batch, db, of, above);

	*first_r = NULL;
	if (status == STORE_OK)
		status = batch_prepare(&batch, above, first_r);
	batch_free(&batch);
	return status;
}

/* ---- those that wait ---- */

int64_t
store_prepared_list_append(
    struct store_prepared_list *list, struct store_prepared *first)
{
	if (list->head == NULL)
		list->head = first;
	else
		list->last->next = first;
	for (; first != NULL; first = first->next) {
		list->octets += first->octets;
		list->last = first;
	}
	return list->last->id;
}

struct store_prepared *
store_prepared_list_take(struct store_prepared_list *list, int64_t above)
{
	struct store_prepared *first = list->head;

	if (first == NULL || first->above != above)
		return NULL;
	list->octets -= first->octets;
	list->head = first->next;
	first->next = NULL;
	return first;
}

void
store_prepared_list_drop(struct store_prepared_list *list)
{
	store_prepared_free(list->head);
	*list = (struct store_prepared_list){ NULL, NULL, 0 };
}
