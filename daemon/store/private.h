/*
 * The store as its rooms see it: whom to hand operations to, and what to count.
 */
#ifndef STORE_PRIVATE_H
#define STORE_PRIVATE_H

#include "daemon/store/history.h"
#include "daemon/store/op.h"
#include "daemon/store/question.h"

struct store_bodies;
struct store_checker;
struct store_copy;
struct store_digest_key;
struct store_readers;
struct store_retain;
struct store_retention;
struct store_sealer;

/* store.c's; others use the functions below. */
struct store {
	char *path;
	int lock_fd;
	bool is_closing, is_answering;
	struct store_ops *ops;
	struct store_history *history;
	struct store_bodies *bodies;
	struct store_retain *retain;       /* as it is configured */
	struct store_retention *retention; /* deletes what is older */
	struct store_writer *writer;       /* NULL: it is only read */
	struct store_readers *readers[STORE_LANE_COUNT]; /* NULL: of writes */
	struct store_digest_key *digest_key; /* NULL: digests are plain */
	struct store_sealer *sealer;         /* the writer's; NULL: none */
	struct store_checker *checker;       /* the last one; or NULL */
	struct store_copy *copy;             /* likewise */

	struct notify *notify;     /* NULL: nobody is told */
	struct store_error health; /* that was told */
	struct store_clock clock;  /* that was told */

	uint64_t uids_version;
	struct store_stats stats;
};

/* Hand an operation over.  A write takes along what is kept back. */
static inline void
store_submit(struct store *store, struct store_op *op)
{
	if (op->type->lane == STORE_LANE_WRITES)
		store_history_flush(store->history);
	store_op_submit(store->ops, op);
}

/* The same for a question; who asks it may leave, as store_leave() says. */
static inline void
store_ask(struct store *store, struct store_op *op, const void *asker)
{
	store_op_begin_question(store->ops, op, asker);
	store_op_submit(store->ops, op);
}

/* The same for a question that waits for rows that are kept back. */
static inline void
store_ask_history(struct store *store, struct store_op *op, const void *asker)
{
	store_op_begin_question(store->ops, op, asker);
	store_history_query(store->history, op);
}

static inline struct store_history *
store_get_history(struct store *store)
{
	return store->history;
}

static inline struct store_bodies *
store_get_bodies(struct store *store)
{
	return store->bodies;
}

static inline struct store_retain *
store_get_retain(struct store *store)
{
	return store->retain;
}

static inline struct store_retention *
store_get_retention(struct store *store)
{
	return store->retention;
}

static inline void
store_count_quarantined(struct store *store, uint64_t messages)
{
	store->stats.quarantined += messages;
}

/* Messages have left quarantine, and their unique-ids may be unknown again. */
static inline void
store_count_released(struct store *store, uint64_t messages)
{
	store->stats.quarantined -= messages;
	store->uids_version++;
}

/* A page's limit, kept in its bounds. */
static inline unsigned
store_page_limit(unsigned limit)
{
	if (limit == 0)
		return 1;
	return limit < STORE_PAGE_MAX ? limit : STORE_PAGE_MAX;
}

#endif
