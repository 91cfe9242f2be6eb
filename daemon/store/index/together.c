#include <stdlib.h>

#include "daemon/store/db.h"
#include "daemon/store/message.h"
#include "daemon/store/private.h"

/*
 * A conversation: all that is linked to a message, over ids and other messages.
 * What is sent together with thousands of others, by a program that names one
 * id for ever, is cut.
 */
struct together_op {
	struct store_op op;
	int64_t id, after_id;
	unsigned limit;
	store_conversation_cb done;
	void *arg;
	struct store_message_row *rows;
	size_t count;
	bool more, is_cut;
};

/* ---- what is linked ---- */

/*
 * Messages, and ids as numbers below 0, in the order in which they are reached.
 * An id that a million messages name must not cost more than the rest.
 */
#define REACHED_MAX ((size_t)100000)
#define TABLE_SIZE  ((size_t)262144)

struct reached {
	int64_t nodes[REACHED_MAX];
	size_t count, messages;
	bool is_cut;
	int64_t table[TABLE_SIZE]; /* open addressing; 0 is free */
};

/* Whether there is room for others. */
static bool
reached_add(struct reached *reached, int64_t node)
{
	size_t at =
	    (size_t)((uint64_t)node * UINT64_C(0x9e3779b97f4a7c15) >> 46);

	while (reached->table[at] != 0 && reached->table[at] != node)
		at = (at + 1) % TABLE_SIZE;
	if (reached->table[at] == node)
		return true;
	if (reached->count == REACHED_MAX ||
	    (node > 0 && reached->messages == STORE_CONVERSATION_MAX)) {
		reached->is_cut = true;
		return false;
	}
	reached->table[at] = node;
	reached->nodes[reached->count++] = node;
	reached->messages += node > 0;
	return true;
}

static enum store_status
reached_add_linked(struct reached *reached, struct sql_db *db, int64_t node)
{
	static const char sql[] =
	    "SELECT other FROM linked WHERE node = ?1 ORDER BY other";
	struct sql_statement use;

	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, node);
	while (sql_step(&use) && reached_add(reached, sql_column_int(&use, 0)))
		;
	return sql_end(&use);
}

/* The message itself is one of them even before the index knows it. */
static enum store_status
reached_collect(struct reached *reached, struct sql_db *db, int64_t id)
{
	enum store_status status = STORE_OK;

	(void)reached_add(reached, id);
	for (size_t i = 0;
	     status == STORE_OK && i < reached->count && !reached->is_cut; i++)
		status = reached_add_linked(reached, db, reached->nodes[i]);
	return status;
}

/* ---- the messages, by date ---- */

struct member {
	int64_t id, date_ms;
};

struct members {
	struct member *items;
	size_t count;
};

static int
member_compare(const void *one, const void *other)
{
	const struct member *a = one, *b = other;

	if (a->date_ms != b->date_ms)
		return a->date_ms < b->date_ms ? -1 : 1;
	return a->id < b->id ? -1 : a->id > b->id;
}

/* One that has gone is left out. */
static enum store_status
members_add(struct members *to, struct sql_db *db, int64_t id)
{
	static const char sql[] = "SELECT coalesce(date_ms, stored_ms)"
				  " FROM message WHERE id = ?1";
	struct sql_statement use;

	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, id);
	if (sql_step(&use)) {
		to->items[to->count].id = id;
		to->items[to->count].date_ms = sql_column_int(&use, 0);
		to->count++;
	}
	return sql_end(&use);
}

static enum store_status
members_collect(
    struct members *to, struct sql_db *db, const struct reached *reached)
{
	enum store_status status = STORE_OK;

	to->items = calloc(reached->messages + 1, sizeof(*to->items));
	if (to->items == NULL)
		return STORE_MEMORY;
	for (size_t i = 0; status == STORE_OK && i < reached->count; i++)
		if (reached->nodes[i] > 0)
			status = members_add(to, db, reached->nodes[i]);
	qsort(to->items, to->count, sizeof(*to->items), member_compare);
	return status;
}

/* ---- the operation ---- */

/* Where a message stands; their number where it is not there. */
static size_t
members_find(const struct members *of, int64_t id)
{
	size_t i = 0;

	while (i < of->count && of->items[i].id != id)
		i++;
	return i;
}

static void
together_take(struct store_op *op, struct sql_statement *from)
{
	struct together_op *together = (struct together_op *)op;

	together->rows = store_op_grow(
	    op, together->rows, together->count, sizeof(*together->rows));
	if (together->rows != NULL)
		store_message_take(
		    op, from, &together->rows[together->count++]);
}

static enum store_status
together_take_page(struct sql_db *db, struct together_op *together,
    const struct members *members)
{
	static const char sql[] =
	    "SELECT " STORE_MESSAGE_COLUMNS " FROM message JOIN account"
	    " ON account.id = message.account WHERE message.id = ?1";
	size_t at = 0;
	enum store_status status = STORE_OK;
	struct sql_statement use;

	if (members_find(members, together->id) == members->count)
		return STORE_NOT_FOUND;
	if (together->after_id != 0) {
		at = members_find(members, together->after_id) + 1;
		if (at > members->count)
			return STORE_NOT_FOUND;
	}
	for (; status == STORE_OK && at < members->count &&
	       together->count < together->limit;
	     at++) {
		sql_prepare(&use, db, sql);
		sql_bind_int(&use, 1, members->items[at].id);
		status = store_op_take_rows(&together->op, &use, together_take);
	}
	together->more = at < members->count;
	return status;
}

static enum store_status
together_read(struct sql_db *db, struct store_op *op)
{
	struct together_op *together = (struct together_op *)op;
	struct members members = { .count = 0 };
	struct reached *reached = calloc(1, sizeof(*reached));
	enum store_status status;

	if (reached == NULL)
		return STORE_MEMORY;
	status = reached_collect(reached, db, together->id);
	if (status == STORE_OK)
		status = members_collect(&members, db, reached);
	together->is_cut = reached->is_cut;
	free(reached);
	if (status == STORE_OK)
		status = together_take_page(db, together, &members);
	free(members.items);
	return status;
}

static void
together_answer(
    struct store *store, struct store_op *op, enum store_status status)
{
	struct together_op *together = (struct together_op *)op;

	(void)store;
	if (status == STORE_OK)
		together->done(STORE_OK, together->rows, together->count,
		    together->more, together->is_cut, together->arg);
	else
		together->done(status, NULL, 0, false, false, together->arg);
}

static const struct store_op_type together_type = {
	.lane = STORE_LANE_SEARCHES,
	.read = together_read,
	.answer = together_answer,
};

void
store_conversation(struct store *store, int64_t id, int64_t after_id,
    unsigned limit, store_conversation_cb done, void *arg)
{
	struct together_op *together =
	    store_op_new(&together_type, sizeof(*together));

	if (together == NULL) {
		done(STORE_MEMORY, NULL, 0, false, false, arg);
		return;
	}
	together->id = id;
	together->after_id = after_id;
	together->limit = store_page_limit(limit);
	together->done = done;
	together->arg = arg;
	store_ask(store, &together->op, arg);
}
