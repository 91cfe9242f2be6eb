/*
 * The store as its own files see it: what the loop's side keeps.
 */
#ifndef STORE_PRIVATE_H
#define STORE_PRIVATE_H

#include "daemon/store/history.h"
#include "daemon/store/mailbox.h"
#include "daemon/store/op.h"
#include "daemon/store/queue.h"
#include "daemon/store/writer.h"

struct store_checker;
struct store_readers;

/* Memory of bodies, counted until the writer is done with it. */
struct store_flow_account {
	size_t limit;
	size_t held;     /* in all buffers of bodies */
	size_t held_max; /* the most that was ever held */
	size_t waiting;  /* of it, handed to the writer */
	bool paused;     /* somebody was told to pause */
};

struct store {
	struct event_base *base;
	char *path;
	int lock_fd;
	bool closing, answering;
	struct store_mailbox mailbox;
	struct store_writer *writer;
	struct store_queue queries[STORE_LANE_COUNT];
	struct store_readers *readers[STORE_LANE_COUNT];
	struct store_checker *checker; /* the last one; or NULL */

	struct store_order order[STORE_OP_KIND_COUNT];
	struct store_questions questions;
	int64_t question_ms;       /* how long each may take */
	size_t pending;            /* operations without an answer */
	struct store_op *finished; /* collected, not yet answered */

	struct store_error health;
	void (*changed)(struct store *, void *arg);
	void *changed_arg;
	void (*drained)(struct store *, void *arg);
	void *drained_arg;
	struct store_clock clock; /* that was told */
	void (*clock_changed)(struct store *, void *arg);
	void *clock_changed_arg;

	/* Bodies under way. */
	int64_t next_body;
	struct store_body *bodies;
	size_t body_count;
	struct store_flow_account flow;

	struct store_history history;
	uint64_t uids_version;
	struct store_stats stats;
};

/* A page's limit, kept in its bounds. */
static inline unsigned
store_page_limit(unsigned limit)
{
	if (limit == 0)
		return 1;
	return limit < STORE_PAGE_MAX ? limit : STORE_PAGE_MAX;
}

/* Runs the drain callback if it is time for it. */
void store_flow_check(struct store *);

#endif
