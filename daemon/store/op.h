/*
 * Operations: what calls of store.h become.  Each is made on the loop, runs on
 * the writer or on a reader, and comes back to the loop, where it answers.  Its
 * type is a constant beside the code that knows what it means.
 */
#ifndef STORE_OP_H
#define STORE_OP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "daemon/store/queue.h"
#include "daemon/store/status.h"
#include "lib/base/arena.h"

struct sql_statement;
struct store;
struct sql_db;
struct store_writer;
struct store_op;

/*
 * Who runs an operation: each of these has threads and connections of its own,
 * so that none of them waits for another.
 */
enum store_lane {
	STORE_LANE_WRITES = 0,
	STORE_LANE_POLLS,     /* what polls read */
	STORE_LANE_OUTBOX,    /* what is delivered */
	STORE_LANE_QUESTIONS, /* what an index answers at once */
	STORE_LANE_SEARCHES,  /* what may have to look at every message */
	STORE_LANE_COUNT
};

struct store_op_type {
	enum store_lane lane;
	/*
	 * One of the two.  A write that fails is undone, and may run again
	 * after it was undone for another's sake: it sets anew all that it
	 * answers with.  Where there is nothing to undo (not found), it calls
	 * store_op_fail().
	 */
	enum store_status (*write)(struct store_writer *, struct store_op *);
	enum store_status (*read)(struct sql_db *, struct store_op *);
	/*
	 * After it was undone, with its transaction or alone; STORE_OK: it is
	 * about to run again.  Or NULL.
	 */
	void (*undone)(
	    struct store_writer *, struct store_op *, enum store_status);
	/* The writer is done with it: free what it has taken; or NULL. */
	void (*written)(struct store_op *);
	/* Runs on the loop, calls back. */
	void (*answer)(struct store *, struct store_op *, enum store_status);
	/* Free what it holds besides itself and its arena; or NULL. */
	void (*clear)(struct store_op *);
};

struct store_op {
	const struct store_op_type *type;
	STAILQ_ENTRY(store_op) next; /* wherever it waits */
	size_t octets;               /* memory of bodies that it holds */
	uint64_t awaited;            /* rows of polls that come before it */
	enum store_status status;
	struct evpop_arena arena; /* of what it was asked, and of its answer */

	/* For questions only. */
	TAILQ_ENTRY(store_op) link;
	const void *asker;
	int64_t deadline_ms; /* monotonic */
	atomic_bool is_left; /* nobody waits for the answer */
};

/* The loop's side of all operations of a store. */
struct store_ops {
	struct store *store;
	struct store_mailbox mailbox;
	struct store_queue queues[STORE_LANE_COUNT];
	int64_t question_ms; /* how long a question may take */
	bool is_closing, reads_only;
	size_t pending;                /* without an answer */
	struct store_op_list finished; /* collected, not yet answered */
	TAILQ_HEAD(, store_op) questions;
};

/*
 * `woken` runs on the loop when there is something to answer.  NULL without
 * memory or descriptors.
 */
struct store_ops *store_ops_new(struct store *, struct event_base *,
    int64_t question_ms, void (*woken)(int fd, short what, void *store))
    __attribute__((warn_unused_result));
/* Once nothing is pending. */
void store_ops_free(struct store_ops *);

/*
 * The queue that a lane's threads take from, and the mailbox for what is done.
 */
struct store_queue *store_ops_queue(struct store_ops *, enum store_lane);
struct store_mailbox *store_ops_mailbox(struct store_ops *);

/* From now on writes come back with STORE_READ_ONLY. */
void store_ops_read_only(struct store_ops *);

/*
 * Hand an operation over.  After store_ops_close() it comes back with
 * STORE_CLOSED.
 */
void store_op_submit(struct store_ops *, struct store_op *);

/* An operation whose struct is so large; NULL without memory. */
void *store_op_new(const struct store_op_type *, size_t size)
    __attribute__((warn_unused_result));
/* The same in memory that is there, and zeroed. */
void store_op_init(struct store_op *, const struct store_op_type *);

/*
 * Copies that live as long as the operation; NULL stays NULL.  Without memory
 * they are NULL, too, and the operation has failed: it comes back with
 * STORE_MEMORY, from inside the call where it was not begun.
 */
const char *store_op_text(struct store_op *, const char *);
const unsigned char *store_op_bytes(
    struct store_op *, const unsigned char *, size_t length);
/* `rows`, or a copy of them, with room for another behind `count`. */
void *store_op_grow(
    struct store_op *, void *rows, size_t count, size_t row_size);

/* Memory that lives as long. */
struct evpop_arena *store_op_arena(struct store_op *);

/* A query waits until so many rows of polls are written. */
void store_op_await(struct store_op *, uint64_t rows);
uint64_t store_op_awaits(const struct store_op *);

/* Memory of bodies that it holds. */
void store_op_hold(struct store_op *, size_t octets);
size_t store_op_octets(const struct store_op *);

/*
 * The operation is a question from now on: its time runs, and it ends when its
 * asker leaves.
 */
void store_op_begin_question(
    struct store_ops *, struct store_op *, const void *asker);
/* Nobody waits any longer for what this asker asked; NULL: for anything. */
void store_ops_leave(struct store_ops *, const void *asker);

/* Answer up to `most` that are done.  Returns whether others are. */
bool store_ops_answer(struct store_ops *, size_t most);

/* Nothing is begun any more, and nobody waits for questions. */
void store_ops_close(struct store_ops *);
/* Answer all, once every thread has ended. */
void store_ops_end(struct store_ops *);

/* Whether nobody waits for its answer any more. */
bool store_op_is_left(const struct store_op *);

/* ---- for the thread that runs it ---- */

bool store_op_is_question(const struct store_op *);
/* Whether to give a question up. */
bool store_op_is_over(const struct store_op *);

void store_op_read(struct store_op *, struct sql_db *);

/*
 * Columns of a row, copied as above.
 */
const char *store_op_column_text(
    struct store_op *, struct sql_statement *, int column);
const unsigned char *store_op_column_bytes(
    struct store_op *, struct sql_statement *, int column, size_t *length_r);

/* Each row of a statement, which is ended then. */
typedef void (*store_op_take)(struct store_op *, struct sql_statement *);
enum store_status store_op_take_rows(struct store_op *, struct sql_statement *,
    store_op_take) __attribute__((warn_unused_result));
/* The only row; STORE_NOT_FOUND where there is none. */
enum store_status store_op_take_row(struct store_op *, struct sql_statement *,
    store_op_take) __attribute__((warn_unused_result));

enum store_status store_op_status(const struct store_op *);

/* It alone has failed; returns STORE_OK, for the others. */
enum store_status store_op_fail(struct store_op *, enum store_status);

#endif
