#include <string.h>

#include "daemon/secret/sealed_form.h"
#include "daemon/store/chunk.h"
#include "daemon/store/private.h"
#include "lib/base/hex.h"

/* What is asked of messages and of quarantine alike. */
#define SEALED_SELECT(columns, table, sealed, owner)               \
	"SELECT " columns " FROM " sealed " AS sealed JOIN " table \
	" AS owner ON owner.id = sealed." owner " WHERE sealed." owner " = ?1"

_Static_assert(1 << STORE_CHUNK_SEQUENCE_BITS == 1048576,
    "the statements know where the sequence begins");
#define OF_BODY                                              \
	" FROM chunk WHERE chunk.id >= owner.body * 1048576" \
	" AND chunk.id < owner.body * 1048576 + 1048576"
#define SIZE_COLUMNS                                                 \
	"sealed.key, length(sealed.envelope),"                       \
	" (SELECT coalesce(sum(length(chunk.data)), 0)" OF_BODY ")," \
	" (SELECT count(*)" OF_BODY ")"
#define HEAD_COLUMNS                                               \
	"sealed.recipient, sealed.key, owner.account, owner.body," \
	" sealed.envelope"

struct sealed_kind {
	const char *size, *head, *piece;
	enum sealing_kind kind;
};

#define PIECE_SELECT(table)                                           \
	"SELECT " STORE_CHUNK_COLUMNS ", (SELECT count(*) FROM chunk" \
	" AS before WHERE before.id = owner.body * 1048576 + ?2 - 1)" \
	" FROM " table " AS owner LEFT JOIN chunk"                    \
	" ON chunk.id = owner.body * 1048576 + ?2 AND ?2 < 1048576"   \
	" WHERE owner.id = ?1"

static const struct sealed_kind of_message = {
	.size = SEALED_SELECT(SIZE_COLUMNS, "message", "sealed", "message"),
	.head = SEALED_SELECT(HEAD_COLUMNS, "message", "sealed", "message"),
	.piece = PIECE_SELECT("message"),
	.kind = SEALING_MESSAGE,
};
static const struct sealed_kind of_quarantine = {
	.size = SEALED_SELECT(
	    SIZE_COLUMNS, "quarantine", "sealed_quarantine", "quarantine"),
	.head = SEALED_SELECT(
	    HEAD_COLUMNS, "quarantine", "sealed_quarantine", "quarantine"),
	.piece = PIECE_SELECT("quarantine"),
	.kind = SEALING_QUARANTINE,
};

/* ---- how long it is ---- */

struct size_op {
	struct store_op op;
	const struct sealed_kind *kind;
	int64_t id;
	store_sealed_size_cb done;
	void *arg;
	uint64_t octets;
	char tag[STORE_SEALED_TAG];
};

static void
size_take(struct store_op *op, struct sql_statement *from)
{
	struct size_op *size = (struct size_op *)op;
	unsigned char key[SEALING_KEY_SIZE] = { 0 };
	const uint64_t pieces = (uint64_t)sql_column_int(from, 3);

	/* The nonce is another one whenever the key is sealed anew. */
	(void)sql_column_bytes(from, 0, key, sizeof(key));
	evpop_hex_encode(
	    key + SEALING_PUBLIC_SIZE, (STORE_SEALED_TAG - 1) / 2, size->tag);
	size->octets = SEALED_HEAD_SIZE + (uint64_t)sql_column_int(from, 1) +
		       (uint64_t)sql_column_int(from, 2) +
		       (pieces + 1) * SEALED_RECORD_HEAD;
}

static enum store_status
size_read(struct sql_db *db, struct store_op *op)
{
	const struct size_op *size = (struct size_op *)op;
	struct sql_statement use;

	sql_prepare(&use, db, size->kind->size);
	sql_bind_int(&use, 1, size->id);
	return store_op_take_row(op, &use, size_take);
}

static void
size_answer(struct store *store, struct store_op *op, enum store_status status)
{
	struct size_op *size = (struct size_op *)op;

	(void)store;
	size->done(status, size->octets, size->tag, size->arg);
}

static const struct store_op_type size_type = {
	.lane = STORE_LANE_QUESTIONS,
	.read = size_read,
	.answer = size_answer,
};

static void
size_ask(struct store *store, const struct sealed_kind *kind, int64_t id,
    store_sealed_size_cb done, void *arg)
{
	struct size_op *size = store_op_new(&size_type, sizeof(*size));

	if (size == NULL) {
		done(STORE_MEMORY, 0, "", arg);
		return;
	}
	size->kind = kind;
	size->id = id;
	size->done = done;
	size->arg = arg;
	store_ask(store, &size->op, arg);
}

void
store_sealed_size(
    struct store *store, int64_t id, store_sealed_size_cb done, void *arg)
{
	size_ask(store, &of_message, id, done, arg);
}

void
store_sealed_quarantine_size(
    struct store *store, int64_t id, store_sealed_size_cb done, void *arg)
{
	size_ask(store, &of_quarantine, id, done, arg);
}

/* ---- a part of it ---- */

struct sealed_op {
	struct store_op op;
	const struct sealed_kind *kind;
	int64_t id;
	uint32_t part;
	store_part_cb done;
	void *arg;
	unsigned char *bytes;
	size_t length;
};

/* Room of the answer; NULL without memory. */
static unsigned char *
sealed_room(struct sealed_op *sealed, size_t length)
{
	sealed->bytes = evpop_arena_take(store_op_arena(&sealed->op), length);
	sealed->length = sealed->bytes != NULL ? length : 0;
	return sealed->bytes;
}

static enum store_status
sealed_take_head(struct sealed_op *sealed, struct sql_statement *from)
{
	unsigned char recipient[SEALING_RECIPIENT_SIZE], key[SEALING_KEY_SIZE];
	const struct sealing_binding binding = {
		.kind = sealed->kind->kind,
		.owner = sealed->id,
		.account = sql_column_int(from, 2),
		.body = sql_column_int(from, 3),
	};
	const void *envelope;
	size_t length;

	if (!sql_column_bytes(from, 0, recipient, sizeof(recipient)) ||
	    !sql_column_bytes(from, 1, key, sizeof(key)))
		return STORE_DAMAGED;
	envelope = sql_column_blob(from, 4, &length);
	if (sealed_room(sealed, SEALED_HEAD_SIZE + length) == NULL)
		return STORE_MEMORY;
	sealed_head(recipient, key, &binding, length, sealed->bytes);
	if (length > 0)
		memcpy(sealed->bytes + SEALED_HEAD_SIZE, envelope, length);
	return STORE_OK;
}

/* Behind the last piece comes the end, and then nothing. */
static enum store_status
sealed_take_end(struct sealed_op *sealed, bool is_behind_last)
{
	if (!is_behind_last)
		return STORE_OK;
	if (sealed_room(sealed, SEALED_RECORD_HEAD) == NULL)
		return STORE_MEMORY;
	sealed_record_head(SEALED_RECORD_END, 0, sealed->bytes);
	return STORE_OK;
}

static enum store_status
sealed_take_piece(struct sealed_op *sealed, struct sql_statement *from)
{
	int64_t encoding;
	const void *bytes;
	size_t length;
	enum store_status status =
	    store_chunk_take_as_is(from, 0, &encoding, &bytes, &length);

	if (status != STORE_OK)
		return status;
	if (bytes == NULL)
		return sealed_take_end(
		    sealed, sealed->part == 1 || sql_column_int(from, 2) > 0);
	if (encoding != STORE_CHUNK_SEALED &&
	    encoding != STORE_CHUNK_SEALED_ZSTD)
		return STORE_DAMAGED;
	if (sealed_room(sealed, SEALED_RECORD_HEAD + length) == NULL)
		return STORE_MEMORY;
	sealed_record_head(encoding == STORE_CHUNK_SEALED
			       ? SEALED_RECORD_PIECE
			       : SEALED_RECORD_PACKED,
	    length, sealed->bytes);
	memcpy(sealed->bytes + SEALED_RECORD_HEAD, bytes, length);
	return STORE_OK;
}

static enum store_status
sealed_read(struct sql_db *db, struct store_op *op)
{
	struct sealed_op *sealed = (struct sealed_op *)op;
	enum store_status taken = STORE_NOT_FOUND, status;
	struct sql_statement use;

	sql_prepare(&use, db,
	    sealed->part == 0 ? sealed->kind->head : sealed->kind->piece);
	sql_bind_int(&use, 1, sealed->id);
	if (sealed->part > 0)
		sql_bind_int(&use, 2, (int64_t)sealed->part - 1);
	if (sql_step(&use))
		taken = sealed->part == 0 ? sealed_take_head(sealed, &use)
					  : sealed_take_piece(sealed, &use);
	status = sql_end(&use);
	return status != STORE_OK ? status : taken;
}

static void
sealed_answer(
    struct store *store, struct store_op *op, enum store_status status)
{
	struct sealed_op *sealed = (struct sealed_op *)op;

	(void)store;
	if (status == STORE_OK)
		sealed->done(
		    STORE_OK, sealed->bytes, sealed->length, sealed->arg);
	else
		sealed->done(status, NULL, 0, sealed->arg);
}

static const struct store_op_type sealed_type = {
	.lane = STORE_LANE_QUESTIONS,
	.read = sealed_read,
	.answer = sealed_answer,
};

static void
sealed_ask(struct store *store, const struct sealed_kind *kind, int64_t id,
    uint32_t part, store_part_cb done, void *arg)
{
	struct sealed_op *sealed = store_op_new(&sealed_type, sizeof(*sealed));

	if (sealed == NULL) {
		done(STORE_MEMORY, NULL, 0, arg);
		return;
	}
	sealed->kind = kind;
	sealed->id = id;
	sealed->part = part;
	sealed->done = done;
	sealed->arg = arg;
	store_ask(store, &sealed->op, arg);
}

void
store_sealed_read(struct store *store, int64_t id, uint32_t part,
    store_part_cb done, void *arg)
{
	sealed_ask(store, &of_message, id, part, done, arg);
}

void
store_sealed_quarantine_read(struct store *store, int64_t id, uint32_t part,
    store_part_cb done, void *arg)
{
	sealed_ask(store, &of_quarantine, id, part, done, arg);
}
