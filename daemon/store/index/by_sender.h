/*
 * Messages by senders that have a part, newest first: what is frequent is met
 * soon on the way back from the newest, and what is rare the index knows.
 */
#ifndef STORE_BY_SENDER_H
#define STORE_BY_SENDER_H

#include "daemon/store/db.h"

struct store_by_sender {
	const char *part;    /* folded */
	const char *account; /* or NULL */
	int64_t since_ms, before_ms;
	int64_t below_id;
	size_t most; /* messages */
};

/*
 * Their ids, descending, with room for `most`.  *is_damaged_r says that the
 * index could not be used; the result is correct all the same.
 */
enum store_status store_by_sender(struct sql_db *,
    const struct store_by_sender *, int64_t *ids_r, size_t *count_r,
    bool *is_damaged_r) __attribute__((warn_unused_result));

#endif
