#include "daemon/store/reader.h"

#include <assert.h>
#include <stdlib.h>

#include "daemon/store/db.h"
#include "daemon/store/error.h"
#include "daemon/store/index/fold.h"
#include "daemon/store/mailbox.h"
#include "daemon/store/op.h"
#include "daemon/store/place.h"
#include "daemon/store/queue.h"

struct reader {
	struct store_db db;
	struct sql_patience patience;
	struct store_place place;
	const struct store_question *question; /* that it answers; or NULL */
	struct store_readers *group;
	pthread_t thread;
};

struct store_readers {
	struct store_queue *queue;
	struct store_mailbox *mailbox;
	unsigned count;
	struct reader readers[];
};

static bool
is_over(void *arg)
{
	const struct reader *reader = arg;

	return reader->question != NULL &&
	       store_question_is_over(reader->question);
}

static enum store_status
answer_question(struct reader *reader, struct store_op *op)
{
	enum store_status status = STORE_CLOSED;

	reader->question = &op->question;
	if (!store_question_is_over(&op->question))
		status = op->type->read(&reader->db, op);
	if (status == STORE_CLOSED && !store_question_is_left(&op->question))
		status = STORE_SLOW;
	reader->question = NULL;
	return status;
}

/* By what is known, messages are deleted that are stored here. */
static enum store_status
answer_uids(struct reader *reader, struct store_op *op)
{
	enum store_status status = op->type->read(&reader->db, op);
	enum store_status placed =
	    store_place_check(&reader->place, &reader->db);

	return placed != STORE_OK ? placed : status;
}

static enum store_status
answer(struct reader *reader, struct store_op *op)
{
	switch (op->type->kind) {
	case STORE_OP_QUESTION:
		return answer_question(reader, op);
	case STORE_OP_UIDS:
		return answer_uids(reader, op);
	default:
		return op->type->read(&reader->db, op);
	}
}

static void *
reader_main(void *arg)
{
	struct reader *reader = arg;
	struct store_op *op;

	while ((op = store_queue_take(
		    reader->group->queue, STORE_QUEUE_FOREVER)) != NULL) {
		op->status = answer(reader, op);
		store_mailbox_post(reader->group->mailbox, op);
	}
	return NULL;
}

static enum store_status
start(struct reader *reader, const char *path, struct store_error *error_r)
{
	enum store_status status = store_db_open(&reader->db, path, SQL_READ);

	if (status == STORE_OK) {
		sql_set_patience(reader->db.sql, &reader->patience);
		sql_set_patience_of_queries(reader->db.sql, &reader->patience);
		status = store_fold_register(&reader->db);
		if (status == STORE_OK)
			status =
			    store_place_note(&reader->place, &reader->db, path);
		if (status == STORE_OK && pthread_create(&reader->thread, NULL,
					      reader_main, reader) == 0)
			return STORE_OK;
		store_place_free(&reader->place);
	}
	if (status == STORE_OK)
		status = store_error_set(error_r, STORE_MEMORY,
		    "cannot start a thread; %s",
		    store_status_hint(STORE_MEMORY));
	else
		store_error_set(error_r, status, "cannot read %s: %s; %s", path,
		    sql_words(reader->db.sql), store_status_hint(status));
	store_db_close(&reader->db);
	return status;
}

enum store_status
store_readers_new(struct store_readers **readers_r, const char *path,
    unsigned count, struct store_queue *queue, struct store_mailbox *mailbox,
    struct store_error *error_r)
{
	struct store_readers *readers =
	    calloc(1, sizeof(*readers) + count * sizeof(struct reader));
	enum store_status status = STORE_OK;

	*readers_r = NULL;
	if (readers == NULL)
		return store_error_set(error_r, STORE_MEMORY, "out of memory");
	readers->queue = queue;
	readers->mailbox = mailbox;
	while (status == STORE_OK && readers->count < count) {
		struct reader *reader = &readers->readers[readers->count];

		reader->group = readers;
		reader->patience.busy_ms = SQL_BUSY_MS;
		reader->patience.is_over = is_over;
		reader->patience.arg = reader;
		status = start(reader, path, error_r);
		if (status == STORE_OK)
			readers->count++;
	}
	if (status != STORE_OK) {
		store_readers_free(readers);
		return status;
	}
	*readers_r = readers;
	return STORE_OK;
}

void
store_readers_free(struct store_readers *readers)
{
	store_queue_stop(readers->queue);
	for (unsigned i = 0; i < readers->count; i++) {
		int failed = pthread_join(readers->readers[i].thread, NULL);

		assert(failed == 0);
		store_place_free(&readers->readers[i].place);
		store_db_close(&readers->readers[i].db);
	}
	free(readers);
}
