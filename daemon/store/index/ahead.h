/*
 * A worker that reads messages ahead of the full-text index, or of what takes
 * them out of it, on a connection of its own: neither the writer nor a poll
 * waits for a message that is costly to read.  What it has read waits in
 * memory, within a bound.
 */
#ifndef STORE_AHEAD_H
#define STORE_AHEAD_H

#include "daemon/store/db.h"
#include "daemon/store/index/conversation.h"
#include "daemon/store/index/marks.h"
#include "daemon/store/mail/words.h"

struct store_ahead;
struct store_queue;

/* Which messages are read: those to be indexed, or those that were deleted. */
enum store_ahead_of {
	STORE_AHEAD_OF_INDEX = 0,
	STORE_AHEAD_OF_REMOVAL
};

/* ---- a message ---- */

/* Its words, ready to be put into the index. */
struct store_prepared {
	struct store_prepared *next; /* whoever holds it */
	int64_t above;               /* it is the first one above this id */
	int64_t id;
	size_t octets;  /* of memory, about */
	bool is_sealed; /* nobody here knows its words */
	struct mail_words words;
	struct store_marks marks;
	struct store_conversation_names names;
};

/* The id of the last message that is in the index; 0: none is. */
enum store_status store_prepared_last(struct sql_db *, int64_t *id_r)
    __attribute__((warn_unused_result));

/*
 * Read the first message above an id, by any connection; NULL where there is
 * none.
 */
enum store_status store_prepared_read(struct sql_db *, enum store_ahead_of,
    int64_t above, struct store_prepared **prepared_r)
    __attribute__((warn_unused_result));
int64_t store_prepared_id(const struct store_prepared *);
void store_prepared_free(struct store_prepared *);

/*
 * The first bytes of a body, at most so many; without the pieces that are
 * damaged.  The caller's, for free(), in any case; NULL where there is none.
 * STORE_SEALED where it is sealed.
 */
enum store_status store_prepared_read_body(struct sql_db *, int64_t body,
    size_t most, char **bytes_r, size_t *length_r)
    __attribute__((warn_unused_result));

/* ---- the worker ---- */

/*
 * Start it; the queue is woken when there is something to take.  NULL where
 * the system has no more of what it takes.
 */
struct store_ahead *store_ahead_new(const char *path, enum store_ahead_of,
    struct store_queue *) __attribute__((warn_unused_result));
void store_ahead_free(struct store_ahead *);

/* There may be messages that are not in the index: begin, or go on. */
void store_ahead_look(struct store_ahead *);

/* Whether store_ahead_take() has something to say. */
bool store_ahead_is_ready(struct store_ahead *);

/*
 * The first message above this id, which is the caller's then.  NULL: nothing
 * is ready, or *more_r is false and there is none.  After a failure the worker
 * rests; where it has read on from another id, it begins again.
 */
enum store_status store_ahead_take(struct store_ahead *, int64_t above,
    struct store_prepared **prepared_r, bool *more_r)
    __attribute__((warn_unused_result));

#endif
