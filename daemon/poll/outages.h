/*
 * Many accounts that fail at one server for one reason, and work again, make
 * few lines in the log: the first of them says so at once, the others are
 * counted for a while and then told in one line.  The longer it lasts, the
 * longer is that while.  Each account's own line is there at the level of
 * debugging.
 */
#ifndef POLL_OUTAGES_H
#define POLL_OUTAGES_H

#include <stdbool.h>

struct event_base;
struct outages;

/* NULL without memory. */
struct outages *outages_new(struct event_base *)
    __attribute__((warn_unused_result));

/* What an account remembers is small. */
#define OUTAGES_MARK_BITS 10
#define OUTAGES_MARK_MAX  ((1u << OUTAGES_MARK_BITS) - 1)

/*
 * An account of a server has failed for this reason, or (NULL) works again.
 * Returns whether to say so at once: it is the first.  `mark` is the account's,
 * 0 at first: by it an account is counted once.
 */
bool outages_note(
    struct outages *, const char *host, const char *reason, unsigned *mark);

/* Tell what was counted; sets the pointer to NULL, NULL is allowed. */
void outages_free(struct outages **);

#endif
