/*
 * What a run of a hook is about: accounts and targets, each once, with what
 * happened to it, within bounds.  Pure.
 */
#ifndef HOOK_BATCH_H
#define HOOK_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

/* Of one run; what comes beyond them is counted. */
#define BATCH_ACCOUNTS 1000
#define BATCH_MESSAGES 1000

/* An account or a target; with neither, the store. */
struct batch_subject {
	const char *account, *target;
};

struct batch_item {
	TAILQ_ENTRY(batch_item) link;
	char *account, *target; /* see batch_subject */
	/* Of a failure and a recovery; each may be NULL. */
	char *host, *outcome, *text, *advice;
	int64_t failing_since_ms;
	bool needs_attention;
	/* Of new mail. */
	int64_t *messages; /* ids, the first ones */
	size_t message_count, room;
	uint64_t more; /* messages beyond those */
};
TAILQ_HEAD(batch_items, batch_item);

/* Zeroed and begun, it is empty. */
struct batch {
	struct batch_items items;
	size_t count;
	uint64_t more; /* accounts beyond those; without memory, too */
};

void batch_begin(struct batch *);
void batch_clear(struct batch *);
bool batch_is_empty(const struct batch *);

/* NULL where it is not in it. */
struct batch_item *batch_find(
    const struct batch *, const struct batch_subject *);

/* Find it, or add it; NULL, and counted, where there is no room. */
struct batch_item *batch_add(struct batch *, const struct batch_subject *);
void batch_remove(struct batch *, struct batch_item *);

/* How it fails, or failed; each text may be NULL. */
struct batch_failure {
	const char *host, *outcome, *text, *advice;
	int64_t failing_since_ms;
	bool needs_attention;
};

/* A text that there is no memory for is NULL in the item. */
void batch_describe(struct batch_item *, const struct batch_failure *);

void batch_add_message(struct batch_item *, int64_t id);

/* Move all of it to an empty one. */
void batch_move(struct batch *to, struct batch *from);

#endif
