/*
 * The daemon's state and accounts as they were when somebody looked last, in an
 * order.
 */
#ifndef CTL_WATCHED_H
#define CTL_WATCHED_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/ctl/client.h"

/* As many accounts as one request brings: nobody reads more on a screen. */
#define WATCHED_MOST "1000"

enum watched_order {
	WATCHED_BY_STATE =
	    0, /* what is polled, then what fails, then the rest */
	WATCHED_BY_NAME,
	WATCHED_BY_MESSAGES,
	WATCHED_BY_NEXT,
	WATCHED_ORDER_COUNT
};

#define WATCHED_PATTERN_SIZE 128
struct watched_filter {
	bool only_failing;
	char pattern[WATCHED_PATTERN_SIZE]; /* "": all */
};

/* A second. */
struct watched_rates {
	double polls, messages, bytes;
};

struct watched;

/* NULL without memory. */
struct watched *watched_new(void) __attribute__((warn_unused_result));
void watched_free(struct watched **);

/* Ask again.  What is there stays if that fails; *error_r says why. */
bool watched_look(struct watched *, const struct ctl *,
    const struct watched_filter *, struct client_error *error_r)
    __attribute__((warn_unused_result));

/* "state", "name". */
const char *watched_order_name(const struct watched *);
void watched_order_next(struct watched *);

/* NULL before the first answer; valid until the next look, as the others. */
const json_t *watched_status(const struct watched *);
size_t watched_count(const struct watched *);
/* NULL and "" where there are not so many. */
const json_t *watched_account(const struct watched *, size_t row);
const char *watched_name(const struct watched *, size_t row);
/* Where the account is; watched_count() if it is not there. */
size_t watched_find(const struct watched *, const char *name);
/* Whether there are more than WATCHED_MOST. */
bool watched_has_more(const struct watched *);
/* Between the last two looks. */
struct watched_rates watched_rates(const struct watched *);

#endif
