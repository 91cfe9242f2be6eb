#include "daemon/store/passage.h"

#include <string.h>

#include "daemon/store/chunk.h"
#include "daemon/store/private.h"

/* Octets that one question reads; a piece has at most 256 KiB. */
#define STEP_MAX ((size_t)1024 * 1024)

struct step {
	struct store_op op;
	struct store_passage *passage;
};

void
store_passage_init(struct store_passage *passage, struct store *store,
    int64_t id, const struct store_passage_reader *reader, void *arg)
{
	memset(passage, 0, sizeof(*passage));
	passage->store = store;
	passage->id = id;
	passage->reader = reader;
	passage->arg = arg;
}

/* ---- on a reader's thread ---- */

static enum store_status
passage_find(struct store_passage *passage, struct sql_db *db)
{
	static const char sql[] = "SELECT body FROM message WHERE id = ?1";
	struct sql_statement use;
	enum store_status status;
	bool is_found;

	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, passage->id);
	is_found = sql_step(&use);
	if (is_found)
		passage->body = sql_column_int(&use, 0);
	status = sql_end(&use);
	if (status != STORE_OK)
		return status;
	return is_found ? STORE_OK : STORE_NOT_FOUND;
}

/* Another piece; *taken grows by its length. */
static enum store_status
passage_take(struct store_passage *passage, struct sql_db *db,
    struct sql_statement *use, size_t *taken)
{
	const void *bytes;
	size_t length;
	enum store_status status;

	if (sql_column_int(use, 0) !=
	    store_chunk_id(passage->body, passage->sequence))
		return sql_fail(db, STORE_DAMAGED, "a piece of it is missing");
	status = store_chunk_take(db, use, 1, &bytes, &length);
	if (status != STORE_OK)
		return status;
	passage->sequence++;
	*taken += length;
	passage->wish = passage->reader->take(passage->arg, bytes, length);
	return passage->wish == STORE_PASSAGE_FAILED ? STORE_MEMORY : STORE_OK;
}

static enum store_status
passage_finish(struct store_passage *passage)
{
	passage->is_finished = true;
	return passage->reader->finish(passage->arg) ? STORE_OK : STORE_MEMORY;
}

static enum store_status
passage_read(struct sql_db *db, struct store_op *op)
{
	struct store_passage *passage = ((struct step *)op)->passage;
	enum store_status status = STORE_OK, taken = STORE_OK;
	struct sql_statement use;
	size_t octets = 0;
	bool has_more = true;

	if (passage->body == 0)
		status = passage_find(passage, db);
	if (status != STORE_OK)
		return status;
	store_chunk_use_from(&use, db, passage->body, passage->sequence);
	while (taken == STORE_OK && passage->wish == STORE_PASSAGE_MORE &&
	       octets < STEP_MAX && (has_more = sql_step(&use))) {
		taken = passage_take(passage, db, &use, &octets);
		if (taken == STORE_OK && store_op_is_over(op))
			taken = STORE_CLOSED;
	}
	status = sql_end(&use);
	if (status != STORE_OK || taken != STORE_OK)
		return status != STORE_OK ? status : taken;
	if (!has_more || passage->wish == STORE_PASSAGE_ENOUGH)
		return passage_finish(passage);
	return STORE_OK;
}

/* ---- on the loop ---- */

static void
passage_answer(
    struct store *store, struct store_op *op, enum store_status status)
{
	struct store_passage *passage = ((struct step *)op)->passage;

	(void)store;
	if (status == STORE_OK && store_op_is_left(op))
		status = STORE_CLOSED;
	if (status == STORE_OK && !passage->is_finished &&
	    passage->wish == STORE_PASSAGE_MORE)
		store_passage_go(passage, passage->asker);
	else
		passage->reader->done(passage->arg, status);
}

static const struct store_op_type passage_type = {
	.lane = STORE_LANE_QUESTIONS,
	.read = passage_read,
	.answer = passage_answer,
};

void
store_passage_go(struct store_passage *passage, const void *asker)
{
	struct step *step = store_op_new(&passage_type, sizeof(*step));

	if (step == NULL) {
		passage->reader->done(passage->arg, STORE_MEMORY);
		return;
	}
	step->passage = passage;
	passage->asker = asker;
	passage->wish = STORE_PASSAGE_MORE;
	store_ask(passage->store, &step->op, asker);
}
