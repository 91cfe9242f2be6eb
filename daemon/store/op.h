/*
 * An operation: what a call of store.h becomes.  It is made on the loop, runs
 * on the writer or on a reader, and comes back to the loop, where it answers.
 * Each kind is a constant type beside the code that knows what it means.
 */
#ifndef STORE_OP_H
#define STORE_OP_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/store/question.h"
#include "daemon/store/store.h"

struct store_db;
struct store_writer;
struct store_op;

/* Answers keep the order of the calls within each of these. */
enum store_op_kind {
	STORE_OP_ACCOUNT = 0,
	STORE_OP_CONFIGURE,
	STORE_OP_BIND,
	STORE_OP_UIDS_CHANGE,
	STORE_OP_PIECE,
	STORE_OP_COMMIT,
	STORE_OP_ABANDON,
	STORE_OP_POLL,
	STORE_OP_IDENTITY_DELETED,
	STORE_OP_FAILURE,
	STORE_OP_RELEASE,
	STORE_OP_DOUBT,
	STORE_OP_SERVER,
	STORE_OP_SERVERS,
	STORE_OP_UIDS,
	STORE_OP_QUESTION, /* in no order */
	STORE_OP_KIND_COUNT
};

/*
 * Who reads: each of these has threads and connections of its own, so that
 * none of them waits for another.
 */
enum store_lane {
	STORE_LANE_POLLS = 0, /* what polls need */
	STORE_LANE_QUESTIONS, /* what an index answers at once */
	STORE_LANE_SEARCHES,  /* what may have to look at every message */
	STORE_LANE_COUNT
};

struct store_op_type {
	enum store_op_kind kind;
	enum store_lane lane; /* of a read */
	/*
	 * Exactly one of the two.  A write returns what must undo the whole
	 * transaction; what concerns the operation alone (not found) it puts
	 * into op->status.
	 */
	enum store_status (*write)(struct store_writer *, struct store_op *);
	enum store_status (*read)(struct store_db *, struct store_op *);
	/* After a transaction that it was part of was undone; or NULL. */
	void (*undone)(struct store_writer *, struct store_op *);
	/* Runs on the loop, calls back. */
	void (*answer)(struct store *, struct store_op *);
	void (*free)(struct store_op *);
};

struct store_op {
	const struct store_op_type *type;
	struct store_op *next;  /* in a queue, a transaction or the mailbox */
	struct store_op *later; /* the next of its kind; the loop's */
	size_t octets;          /* memory of bodies that it holds */
	uint64_t records; /* of polls, that a query waits for; the loop's */
	enum store_status status;
	bool done;                      /* the loop's */
	struct store_question question; /* of that kind */
};

/* The operations of each kind that wait for their answer; the loop's. */
struct store_order {
	struct store_op *head, *tail;
};

/*
 * Hand an operation over.  After store_close() has begun it comes back with
 * STORE_CLOSED, not sooner than any other.
 */
void store_op_submit(struct store *, struct store_op *);

/* The same for a question; who asks it may leave, as store_leave() says. */
void store_op_ask(struct store *, struct store_op *, const void *asker);

/* Take a finished operation; answer what is at the head of its kind. */
void store_op_finished(struct store *, struct store_op *);

#endif
