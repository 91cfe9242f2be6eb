/* The bytes of a message that is delivered. */
#include <stdlib.h>

#include "daemon/store/chunk.h"
#include "daemon/store/outbox.h"
#include "daemon/store/private.h"

struct letter_op;

struct store_letter {
	struct store *store;
	int64_t message_id;
	uint32_t sequence;       /* of the next piece */
	uint64_t given;          /* octets */
	struct letter_op *asked; /* without an answer; or NULL */
};

struct letter_op {
	struct store_op op;
	struct store_letter *letter; /* NULL: it was freed */
	int64_t message_id;
	uint32_t sequence;
	uint64_t given;
	store_letter_cb done;
	void *arg;
	const unsigned char *bytes;
	size_t length;
};

/* No piece is empty but the only one of an empty message. */
static enum store_status
letter_take(
    struct sql_db *db, struct sql_statement *from, struct letter_op *asked)
{
	enum store_status status;
	const void *bytes;

	if (sql_column_is_null(from, 1))
		return (uint64_t)sql_column_int(from, 0) == asked->given
			   ? STORE_OK
			   : sql_fail(db, STORE_DAMAGED,
				 "a piece of message %lld is missing",
				 (long long)asked->message_id);
	status = store_chunk_take(db, from, 1, &bytes, &asked->length);
	if (status != STORE_OK || asked->length == 0)
		return status;
	asked->bytes = store_op_bytes(&asked->op, bytes, asked->length);
	return store_op_status(&asked->op);
}

static enum store_status
letter_read(struct sql_db *db, struct store_op *op)
{
	static const char sql[] =
	    "SELECT message.octets, " STORE_CHUNK_COLUMNS " FROM message"
	    " LEFT JOIN chunk ON chunk.id = message.body * 1048576 + ?2"
	    " WHERE message.id = ?1";
	struct letter_op *asked = (struct letter_op *)op;
	enum store_status taken = STORE_NOT_FOUND, status;
	struct sql_statement use;

	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, asked->message_id);
	sql_bind_int(&use, 2, asked->sequence);
	if (sql_step(&use))
		taken = letter_take(db, &use, asked);
	status = sql_end(&use);
	return status != STORE_OK ? status : taken;
}

static void
letter_answer(
    struct store *store, struct store_op *op, enum store_status status)
{
	struct letter_op *asked = (struct letter_op *)op;
	struct store_letter *letter = asked->letter;

	(void)store;
	if (letter == NULL)
		return;
	letter->asked = NULL;
	if (status != STORE_OK) {
		asked->done(status, NULL, 0, asked->arg);
		return;
	}
	letter->sequence++;
	letter->given += asked->length;
	asked->done(STORE_OK, asked->bytes, asked->length, asked->arg);
}

static const struct store_op_type letter_type = {
	.lane = STORE_LANE_OUTBOX,
	.read = letter_read,
	.answer = letter_answer,
};

struct store_letter *
store_letter_new(struct store *store, int64_t message_id)
{
	struct store_letter *letter = calloc(1, sizeof(*letter));

	if (letter == NULL)
		return NULL;
	letter->store = store;
	letter->message_id = message_id;
	return letter;
}

void
store_letter_next(struct store_letter *letter, store_letter_cb done, void *arg)
{
	struct letter_op *asked = store_op_new(&letter_type, sizeof(*asked));

	if (asked == NULL) {
		done(STORE_MEMORY, NULL, 0, arg);
		return;
	}
	asked->letter = letter;
	asked->message_id = letter->message_id;
	asked->sequence = letter->sequence;
	asked->given = letter->given;
	asked->done = done;
	asked->arg = arg;
	letter->asked = asked;
	store_submit(letter->store, &asked->op);
}

void
store_letter_free(struct store_letter **letter)
{
	if (*letter == NULL)
		return;
	if ((*letter)->asked != NULL)
		(*letter)->asked->letter = NULL;
	free(*letter);
	*letter = NULL;
}
