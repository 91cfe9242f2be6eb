#include "daemon/store/reader.h"

#include <assert.h>
#include <stdlib.h>

#include "daemon/store/db.h"
#include "daemon/store/index/beginning.h"
#include "daemon/store/index/fold.h"
#include "daemon/store/op.h"
#include "daemon/store/sql/functions.h"
#include "daemon/store/sql/place.h"
#include "daemon/store/status.h"

struct reader {
	struct sql_db *db;
	struct sql_patience patience;
	struct store_place place;
	const struct store_op *op; /* that it answers; or NULL */
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
reader_is_over(void *arg)
{
	const struct reader *reader = arg;

	return reader->op != NULL && store_op_is_over(reader->op);
}

static void
reader_answer(struct reader *reader, struct store_op *op)
{
	enum store_status placed = STORE_OK;

	reader->op = op;
	store_op_read(op, reader->db);
	reader->op = NULL;
	/* Messages are deleted on the server because they are known here. */
	if (!store_op_is_question(op))
		placed = store_place_check(&reader->place, reader->db);
	if (placed != STORE_OK)
		(void)store_op_fail(op, placed);
}

static void *
reader_main(void *arg)
{
	struct reader *reader = arg;
	struct store_op *op;

	while ((op = store_queue_take(
		    reader->group->queue, STORE_QUEUE_FOREVER)) != NULL) {
		reader_answer(reader, op);
		store_mailbox_post(reader->group->mailbox, op);
	}
	return NULL;
}

static enum store_status
reader_start(
    struct reader *reader, const char *path, struct store_error *error_r)
{
	enum store_status status = store_db_open(&reader->db, path, SQL_READ);

	if (status == STORE_OK) {
		sql_set_patience(reader->db, &reader->patience);
		sql_set_patience_of_queries(reader->db, &reader->patience);
		status = store_fold_register(reader->db);
		if (status == STORE_OK)
			status = sqlite_define_score(reader->db);
		if (status == STORE_OK)
			status = store_beginning_register(reader->db);
		if (status == STORE_OK)
			status =
			    store_place_note(&reader->place, reader->db, path);
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
		    sql_words(reader->db), store_status_hint(status));
	store_db_close(reader->db);
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
		reader->patience.is_over = reader_is_over;
		reader->patience.arg = reader;
		status = reader_start(reader, path, error_r);
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
		store_db_close(readers->readers[i].db);
	}
	free(readers);
}
