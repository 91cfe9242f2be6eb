#include "daemon/store/offset.h"

#include "daemon/store/chunk.h"
#include "daemon/store/private.h"

enum store_status
store_offset_insert(struct sql_db *db, int64_t chunk, uint64_t octets)
{
	static const char sql[] =
	    "INSERT INTO piece_offset(chunk, octets) VALUES(?1, ?2)";
	struct sql_statement use;

	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, chunk);
	sql_bind_int(&use, 2, (int64_t)octets);
	return sql_run(&use);
}

enum store_status
store_offset_compare(
    struct sql_db *db, int64_t chunk, uint64_t octets, bool *is_right_r)
{
	static const char sql[] =
	    "SELECT octets FROM piece_offset WHERE chunk = ?1";
	struct sql_statement use;

	*is_right_r = true;
	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, chunk);
	if (sql_step(&use))
		*is_right_r = (uint64_t)sql_column_int(&use, 0) == octets;
	return sql_end(&use);
}

/* ---- the piece that has an octet ---- */

struct seek_op {
	struct store_op op;
	const char *sql;
	int64_t id;
	uint64_t octets;
	store_seek_cb done;
	void *arg;
	uint32_t part;
	uint64_t begins;
};

_Static_assert(1 << STORE_CHUNK_SEQUENCE_BITS == 1048576,
    "the statements know where the sequence begins");
#define SEEK_SELECT(table)                                     \
	"SELECT piece_offset.chunk - owner.body * 1048576,"    \
	" piece_offset.octets FROM " table " AS owner"         \
	" LEFT JOIN piece_offset ON"                           \
	" piece_offset.chunk >= owner.body * 1048576"          \
	" AND piece_offset.chunk < (owner.body + 1) * 1048576" \
	" AND piece_offset.octets <= ?2"                       \
	" WHERE owner.id = ?1 ORDER BY piece_offset.chunk DESC LIMIT 1"

static const char seek_message[] = SEEK_SELECT("message");
static const char seek_quarantine[] = SEEK_SELECT("quarantine");

/* NULL, which is 0: the first piece. */
static void
seek_take(struct store_op *op, struct sql_statement *from)
{
	struct seek_op *seek = (struct seek_op *)op;

	seek->part = (uint32_t)sql_column_int(from, 0);
	seek->begins = (uint64_t)sql_column_int(from, 1);
}

static enum store_status
seek_read(struct sql_db *db, struct store_op *op)
{
	const struct seek_op *seek = (struct seek_op *)op;
	struct sql_statement use;

	sql_prepare(&use, db, seek->sql);
	sql_bind_int(&use, 1, seek->id);
	sql_bind_int(&use, 2, (int64_t)seek->octets);
	return store_op_take_row(op, &use, seek_take);
}

static void
seek_answer(struct store *store, struct store_op *op, enum store_status status)
{
	const struct seek_op *seek = (struct seek_op *)op;

	(void)store;
	seek->done(status, seek->part, seek->begins, seek->arg);
}

static const struct store_op_type seek_type = {
	.lane = STORE_LANE_QUESTIONS,
	.read = seek_read,
	.answer = seek_answer,
};

static void
seek_ask(struct store *store, const char *sql, int64_t id, uint64_t octets,
    store_seek_cb done, void *arg)
{
	struct seek_op *seek = store_op_new(&seek_type, sizeof(*seek));

	if (seek == NULL) {
		done(STORE_MEMORY, 0, 0, arg);
		return;
	}
	seek->sql = sql;
	seek->id = id;
	seek->octets = octets;
	seek->done = done;
	seek->arg = arg;
	store_ask(store, &seek->op, arg);
}

void
store_body_seek(struct store *store, int64_t id, uint64_t octets,
    store_seek_cb done, void *arg)
{
	seek_ask(store, seek_message, id, octets, done, arg);
}

void
store_quarantine_seek(struct store *store, int64_t id, uint64_t octets,
    store_seek_cb done, void *arg)
{
	seek_ask(store, seek_quarantine, id, octets, done, arg);
}
