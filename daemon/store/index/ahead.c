#include "daemon/store/index/ahead.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/chunk.h"
#include "daemon/store/lock.h"
#include "daemon/store/mail/apart.h"
#include "daemon/store/mail/header.h"
#include "daemon/store/mail/pairs.h"
#include "daemon/store/meta.h"
#include "daemon/store/queue.h"

/* ---- a message ---- */

struct message {
	int64_t id, account, body;
	/* As the row has them: sender, recipients, cc, subject. */
#define COLUMNS 4
	char *columns[COLUMNS];
	int64_t octets, attachments;
};

static char *
prepared_copy_column(struct sql_statement *statement, int column)
{
	const char *text = sql_column_text(statement, column);

	return strdup(text != NULL ? text : "");
}

static void
prepared_free_columns(struct message *message)
{
	for (size_t i = 0; i < COLUMNS; i++)
		free(message->columns[i]);
}

#define NEXT_SELECT(table, id)                               \
	"SELECT " id ", account, body, octets, attachments," \
	" sender, recipients, cc, subject"                   \
	" FROM " table " WHERE " id " > ?1 ORDER BY " id " LIMIT 1"

/* id is 0 where there is no further message. */
static enum store_status
prepared_next_message(struct sql_db *db, enum store_ahead_of of, int64_t above,
    struct message *message_r)
{
	static const char of_index[] = NEXT_SELECT("message", "id"),
			  of_removal[] = NEXT_SELECT("removal", "message");
	struct sql_statement use;
	enum store_status status;

	memset(message_r, 0, sizeof(*message_r));
	sql_prepare(
	    &use, db, of == STORE_AHEAD_OF_INDEX ? of_index : of_removal);
	sql_bind_int(&use, 1, above);
	if (sql_step(&use)) {
		message_r->id = sql_column_int(&use, 0);
		message_r->account = sql_column_int(&use, 1);
		message_r->body = sql_column_int(&use, 2);
		message_r->octets = sql_column_int(&use, 3);
		message_r->attachments = sql_column_int(&use, 4);
		for (int i = 0; i < COLUMNS; i++)
			message_r->columns[i] =
			    prepared_copy_column(&use, 5 + i);
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
prepared_read_words(struct sql_db *db, const struct message *message,
    struct store_prepared *prepared)
{
	char *bytes = NULL;
	size_t length = 0, body;
	enum store_status status = store_prepared_read_body(
	    db, message->body, MAIL_WORDS_LOOK, &bytes, &length);
	const char *text = bytes != NULL ? bytes : "";

	prepared->is_sealed = status == STORE_SEALED;
	if (prepared->is_sealed) {
		free(bytes);
		return STORE_OK;
	}
	if (status == STORE_OK &&
	    !(mail_apart_words(text, length, &prepared->words) !=
		    MAIL_APART_NO_MEMORY &&
		prepared_fill_from_row(&prepared->words, message)))
		status = STORE_MEMORY;
	if (status == STORE_OK)
		store_conversation_read(text,
		    mail_header_split(text, length, &body), &prepared->names);
	free(bytes);
	return status;
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

enum store_status
store_prepared_read(struct sql_db *db, enum store_ahead_of of, int64_t above,
    struct store_prepared **prepared_r)
{
	struct message message;
	struct store_prepared *prepared = NULL;
	enum store_status status =
	    prepared_next_message(db, of, above, &message);

	*prepared_r = NULL;
	if (status == STORE_OK && message.id != 0) {
		prepared = calloc(1, sizeof(*prepared));
		status = prepared == NULL
			     ? STORE_MEMORY
			     : prepared_read_words(db, &message, prepared);
	}
	if (status == STORE_OK && prepared != NULL) {
		prepared->above = above;
		prepared->id = message.id;
		store_marks_of(&prepared->marks, message.account,
		    message.octets, message.attachments > 0);
		prepared->octets = sizeof(*prepared);
		if (!prepared->is_sealed)
			prepared->octets += prepared_octets(&prepared->words);
		*prepared_r = prepared;
	} else
		store_prepared_free(prepared);
	prepared_free_columns(&message);
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
	if (prepared == NULL)
		return;
	mail_words_free(&prepared->words);
	free(prepared);
}

/* ---- the worker and those who ask it ---- */

/* The most that waits; one more message may come on top. */
#define WAITING_OCTETS ((size_t)4 * 1024 * 1024)
/* This much is worth a transaction of its own. */
#define READY_OCTETS ((size_t)512 * 1024)

/* How far the worker has come with what it was asked for. */
enum progress {
	AT_REST = 0,
	ASKED,   /* from where the index ends */
	AT_WORK, /* from the last message that it has read */
	AT_END,  /* no message follows what waits */
	FAILED
};

struct store_ahead {
	struct sql_db *db;
	enum store_ahead_of of;
	struct sql_patience patience;
	struct store_queue *queue; /* to be woken */
	pthread_t thread;

	/* Of both. */
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool is_stopped;
	enum progress progress;
	bool is_asked_again;      /* since it has begun to read */
	enum store_status status; /* why it failed */
	int64_t last;             /* the id that it has come to */
	struct store_prepared *head, **tail;
	size_t octets;
};

static void
ahead_drop_all(struct store_ahead *ahead)
{
	while (ahead->head != NULL) {
		struct store_prepared *next = ahead->head->next;

		store_prepared_free(ahead->head);
		ahead->head = next;
	}
	ahead->tail = &ahead->head;
	ahead->octets = 0;
}

/* ---- the worker ---- */

static bool
ahead_has_work(const struct store_ahead *ahead)
{
	return (ahead->progress == ASKED || ahead->progress == AT_WORK) &&
	       ahead->octets < WAITING_OCTETS;
}

static bool
ahead_has_enough(const struct store_ahead *ahead)
{
	return ahead->octets >= READY_OCTETS || ahead->progress == AT_END ||
	       ahead->progress == FAILED;
}

/* One message, while others may do what they want. */
static enum store_status
ahead_read_one(struct store_ahead *ahead, int64_t *above_r,
    struct store_prepared **prepared_r)
{
	bool begins = ahead->progress == ASKED;
	enum store_status status = STORE_OK;

	ahead->is_asked_again = false;
	*above_r = ahead->last;
	*prepared_r = NULL;
	store_unlock(&ahead->mutex);
	if (begins && ahead->of == STORE_AHEAD_OF_INDEX)
		status = store_prepared_last(ahead->db, above_r);
	else if (begins)
		*above_r = 0;
	if (status == STORE_OK)
		status = store_prepared_read(
		    ahead->db, ahead->of, *above_r, prepared_r);
	store_lock(&ahead->mutex);
	return status;
}

static void
ahead_append(struct store_ahead *ahead, struct store_prepared *prepared)
{
	ahead->last = prepared->id;
	ahead->octets += prepared->octets;
	*ahead->tail = prepared;
	ahead->tail = &prepared->next;
	ahead->progress = AT_WORK;
}

/* If the worker was restarted meanwhile, drop what was read. */
static void
ahead_work(struct store_ahead *ahead)
{
	enum progress before = ahead->progress;
	int64_t last = ahead->last, above;
	struct store_prepared *prepared;
	enum store_status status = ahead_read_one(ahead, &above, &prepared);

	if (ahead->progress != before || ahead->last != last) {
		store_prepared_free(prepared);
		return;
	}
	if (status != STORE_OK) {
		ahead->progress = FAILED;
		ahead->status = status;
	} else if (prepared != NULL)
		ahead_append(ahead, prepared);
	else {
		ahead->last = above;
		ahead->progress = ahead->is_asked_again ? AT_WORK : AT_END;
	}
	if (ahead_has_enough(ahead))
		store_queue_wake(ahead->queue);
}

static void *
ahead_main(void *arg)
{
	struct store_ahead *ahead = arg;

	store_lock(&ahead->mutex);
	while (!ahead->is_stopped) {
		if (ahead_has_work(ahead))
			ahead_work(ahead);
		else
			pthread_cond_wait(&ahead->changed, &ahead->mutex);
	}
	store_unlock(&ahead->mutex);
	return NULL;
}

/* ---- those who ask it ---- */

static bool
ahead_is_over(void *arg)
{
	struct store_ahead *ahead = arg;
	bool is_stopped;

	store_lock(&ahead->mutex);
	is_stopped = ahead->is_stopped;
	store_unlock(&ahead->mutex);
	return is_stopped;
}

struct store_ahead *
store_ahead_new(
    const char *path, enum store_ahead_of of, struct store_queue *queue)
{
	struct store_ahead *ahead = calloc(1, sizeof(*ahead));

	if (ahead == NULL)
		return NULL;
	ahead->of = of;
	ahead->queue = queue;
	ahead->tail = &ahead->head;
	ahead->patience.busy_ms = SQL_BUSY_MS;
	ahead->patience.is_over = ahead_is_over;
	ahead->patience.arg = ahead;
	if (store_db_open(&ahead->db, path, SQL_READ) != STORE_OK)
		goto no_mutex;
	sql_set_patience(ahead->db, &ahead->patience);
	if (pthread_mutex_init(&ahead->mutex, NULL) != 0)
		goto no_mutex;
	if (pthread_cond_init(&ahead->changed, NULL) != 0)
		goto no_condition;
	if (pthread_create(&ahead->thread, NULL, ahead_main, ahead) == 0)
		return ahead;
	pthread_cond_destroy(&ahead->changed);
no_condition:
	pthread_mutex_destroy(&ahead->mutex);
no_mutex:
	store_db_close(ahead->db);
	free(ahead);
	return NULL;
}

void
store_ahead_free(struct store_ahead *ahead)
{
	int failed;

	if (ahead == NULL)
		return;
	store_lock(&ahead->mutex);
	ahead->is_stopped = true;
	store_unlock(&ahead->mutex);
	pthread_cond_signal(&ahead->changed);
	failed = pthread_join(ahead->thread, NULL);
	assert(failed == 0);
	ahead_drop_all(ahead);
	pthread_cond_destroy(&ahead->changed);
	pthread_mutex_destroy(&ahead->mutex);
	store_db_close(ahead->db);
	free(ahead);
}

void
store_ahead_look(struct store_ahead *ahead)
{
	store_lock(&ahead->mutex);
	ahead->is_asked_again = true;
	if (ahead->progress == AT_END)
		ahead->progress = AT_WORK;
	if (ahead->progress == AT_REST)
		ahead->progress = ASKED;
	store_unlock(&ahead->mutex);
	pthread_cond_signal(&ahead->changed);
}

bool
store_ahead_is_ready(struct store_ahead *ahead)
{
	bool ready;

	store_lock(&ahead->mutex);
	ready = ahead_has_enough(ahead);
	store_unlock(&ahead->mutex);
	return ready;
}

/* From where the index ends, which may be another place by now. */
static void
ahead_begin_again(struct store_ahead *ahead, enum progress progress)
{
	ahead_drop_all(ahead);
	ahead->last = -1;
	ahead->progress = progress;
}

static enum store_status
ahead_take(struct store_ahead *ahead, int64_t above,
    struct store_prepared **prepared_r, bool *more_r)
{
	*prepared_r = NULL;
	*more_r = true;
	if (ahead->head != NULL && ahead->head->above == above) {
		*prepared_r = ahead->head;
		ahead->octets -= ahead->head->octets;
		ahead->head = ahead->head->next;
		if (ahead->head == NULL)
			ahead->tail = &ahead->head;
		(*prepared_r)->next = NULL;
	} else if (ahead->head == NULL && ahead->progress == AT_END &&
		   ahead->last == above) {
		*more_r = false;
	} else if (ahead->head == NULL && ahead->progress == FAILED) {
		ahead_begin_again(ahead, AT_REST);
		return ahead->status;
	} else if (ahead->head != NULL || ahead->progress != AT_WORK)
		ahead_begin_again(ahead, ASKED);
	return STORE_OK;
}

enum store_status
store_ahead_take(struct store_ahead *ahead, int64_t above,
    struct store_prepared **prepared_r, bool *more_r)
{
	enum store_status status;

	store_lock(&ahead->mutex);
	status = ahead_take(ahead, above, prepared_r, more_r);
	store_unlock(&ahead->mutex);
	pthread_cond_signal(&ahead->changed);
	return status;
}
