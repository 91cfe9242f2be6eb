/*
 * Whether messages that no store can read are what a question asks for.  One
 * after the other goes through an index in memory, which then forgets it: so
 * the answer is the one that a store with its index gives, and memory is that
 * of one message.
 */
#ifndef STORE_SIEVE_H
#define STORE_SIEVE_H

#include "daemon/store/question.h"

struct store_sieve;

/* Whether what has gone through is forgotten, or kept to be ranked. */
enum store_sieve_keeps {
	STORE_SIEVE_FORGETS = 0,
	STORE_SIEVE_KEEPS /* then memory is that of an index of all */
};

/*
 * For a question that store_query_check() understands; NULL without memory.
 * `time` and `now_ms` as there.
 */
struct store_sieve *store_sieve_new(const char *query, store_query_time time,
    int64_t now_ms, enum store_sieve_keeps) __attribute__((warn_unused_result));
/* NULL is allowed. */
void store_sieve_free(struct store_sieve *);

/*
 * Whether a message may be found, as far as its row tells: its account, size
 * and time.  Then its bytes are worth reading.
 */
bool store_sieve_may_find(
    const struct store_sieve *, const struct store_message_row *);

/* How many of a message's first octets store_sieve_find() looks at. */
#define STORE_SIEVE_LOOK ((size_t)1 << 20)

/*
 * Whether it is found, by its row and its first octets.  STORE_MEMORY where
 * there was none to tell.
 */
enum store_status store_sieve_find(struct store_sieve *,
    const struct store_message_row *, const char *bytes, size_t length,
    bool *found_r) __attribute__((warn_unused_result));

/*
 * Of one that keeps: call back for what was found, the best first; of more than
 * the daemon ranks, the newest.  Those were given the newest first.
 */
#define STORE_SIEVE_RANKED ((size_t)2000)
enum store_status store_sieve_rank(struct store_sieve *,
    void (*take)(void *arg, int64_t id), void *arg, bool *is_all_r)
    __attribute__((warn_unused_result));

/* A piece of its text; borrowed until the next call.  NULL without memory. */
const struct store_snippet *store_sieve_snippet(struct store_sieve *,
    const char *bytes, size_t length) __attribute__((warn_unused_result));

#endif
