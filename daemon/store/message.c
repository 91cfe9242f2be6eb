#include "daemon/store/message.h"

#include "daemon/store/chunk.h"
#include "daemon/store/digest.h"
#include "daemon/store/private.h"
#include "lib/base/hex.h"

/* ---- one message's row ---- */

struct message_op {
	struct store_op op;
	int64_t id;
	store_message_row_cb done;
	void *arg;
	struct store_message_row row;
};

void
store_message_take(struct store_op *op, struct sql_statement *from,
    struct store_message_row *row_r)
{
	unsigned char digest[STORE_DIGEST_SIZE] = { 0 };
	char hex[STORE_DIGEST_HEX];

	(void)sql_column_bytes(from, 4, digest, sizeof(digest));
	evpop_hex_encode(digest, STORE_DIGEST_SIZE, hex);
	*row_r = (struct store_message_row){
		.id = sql_column_int(from, 0),
		.account = store_op_column_text(op, from, 1),
		.octets = (uint64_t)sql_column_int(from, 3),
		.digest = store_op_text(op, hex),
		.stored_ms = sql_column_int(from, 5),
		.has_date = !sql_column_is_null(from, 6),
		.date_ms = sql_column_int(from, 6),
		.sender = store_op_column_text(op, from, 7),
		.recipients = store_op_column_text(op, from, 8),
		.cc = store_op_column_text(op, from, 9),
		.subject = store_op_column_text(op, from, 10),
		.message_header_id = store_op_column_text(op, from, 11),
		.attachments = (uint32_t)sql_column_int(from, 12),
		.is_cut = sql_column_int(from, 13) != 0,
		.is_sealed = sql_column_int(from, 14) != 0,
		.held_since_ms = sql_column_int(from, 15),
		.held_by = store_op_column_text(op, from, 16),
		.held_reason = store_op_column_text(op, from, 17),
	};
	row_r->unique_id =
	    store_op_column_bytes(op, from, 2, &row_r->unique_id_length);
}

static void
message_take(struct store_op *op, struct sql_statement *from)
{
	store_message_take(op, from, &((struct message_op *)op)->row);
}

static enum store_status
message_read(struct sql_db *db, struct store_op *op)
{
	static const char sql[] =
	    "SELECT " STORE_MESSAGE_COLUMNS " FROM message JOIN account"
	    " ON account.id = message.account"
	    " WHERE message.id = ?1";
	struct sql_statement use;

	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, ((struct message_op *)op)->id);
	return store_op_take_row(op, &use, message_take);
}

static void
message_answer(
    struct store *store, struct store_op *op, enum store_status status)
{
	struct message_op *message = (struct message_op *)op;

	(void)store;
	message->done(
	    status, status == STORE_OK ? &message->row : NULL, message->arg);
}

static const struct store_op_type message_type = {
	.lane = STORE_LANE_QUESTIONS,
	.read = message_read,
	.answer = message_answer,
};

void
store_message(
    struct store *store, int64_t id, store_message_row_cb done, void *arg)
{
	struct message_op *message =
	    store_op_new(&message_type, sizeof(*message));

	if (message == NULL) {
		done(STORE_MEMORY, NULL, arg);
		return;
	}
	message->id = id;
	message->done = done;
	message->arg = arg;
	store_ask(store, &message->op, arg);
}

/* ---- a piece of its body ---- */

struct part_op {
	struct store_op op;
	const char *sql;
	int64_t id;
	uint32_t number;
	store_part_cb done;
	void *arg;
	const unsigned char *bytes;
	size_t length;
};

_Static_assert(1 << STORE_CHUNK_SEQUENCE_BITS == 1048576,
    "the statement knows where the sequence begins");
#define PART_SELECT(table)                                         \
	"SELECT " STORE_CHUNK_COLUMNS " FROM " table " AS owner"   \
	" LEFT JOIN chunk ON chunk.id = owner.body * 1048576 + ?2" \
	" AND ?2 < 1048576 WHERE owner.id = ?1"

static const char part_of_message[] = PART_SELECT("message");
static const char part_of_quarantine[] = PART_SELECT("quarantine");

static enum store_status
part_read(struct sql_db *db, struct store_op *op)
{
	struct part_op *part = (struct part_op *)op;
	enum store_status taken = STORE_NOT_FOUND, status;
	struct sql_statement use;
	const void *bytes;

	sql_prepare(&use, db, part->sql);
	sql_bind_int(&use, 1, part->id);
	sql_bind_int(&use, 2, part->number);
	if (sql_step(&use)) {
		taken = store_chunk_take(db, &use, 0, &bytes, &part->length);
		if (taken == STORE_OK)
			part->bytes = store_op_bytes(op, bytes, part->length);
		if (taken == STORE_OK && bytes != NULL && part->bytes == NULL)
			taken = STORE_MEMORY;
	}
	status = sql_end(&use);
	return status != STORE_OK ? status : taken;
}

static void
part_answer(struct store *store, struct store_op *op, enum store_status status)
{
	struct part_op *part = (struct part_op *)op;

	(void)store;
	if (status == STORE_OK)
		part->done(STORE_OK, part->bytes, part->length, part->arg);
	else
		part->done(status, NULL, 0, part->arg);
}

static const struct store_op_type part_type = {
	.lane = STORE_LANE_QUESTIONS,
	.read = part_read,
	.answer = part_answer,
};

static void
part_ask(struct store *store, const char *sql, int64_t id, uint32_t number,
    store_part_cb done, void *arg)
{
	struct part_op *part = store_op_new(&part_type, sizeof(*part));

	if (part == NULL) {
		done(STORE_MEMORY, NULL, 0, arg);
		return;
	}
	part->sql = sql;
	part->id = id;
	part->number = number;
	part->done = done;
	part->arg = arg;
	store_ask(store, &part->op, arg);
}

void
store_body_read(struct store *store, int64_t id, uint32_t number,
    store_part_cb done, void *arg)
{
	part_ask(store, part_of_message, id, number, done, arg);
}

void
store_quarantine_read(struct store *store, int64_t id, uint32_t number,
    store_part_cb done, void *arg)
{
	part_ask(store, part_of_quarantine, id, number, done, arg);
}
