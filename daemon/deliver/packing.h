/*
 * Makes a parcel of a row of the outbox: expands the templates, reads the
 * outermost lines of the header, and puts lines in front of the message.
 */
#ifndef DELIVER_PACKING_H
#define DELIVER_PACKING_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/deliver/parcel.h"
#include "daemon/deliver/trace.h"
#include "daemon/store/outbox.h"

struct config_target;

/* Everything is copied, but for the store. */
struct packing {
	struct store *store;
	const struct config_target *target;
	/* The account's own, or NULL: the target's. */
	const char *deliver_to;
};

/* NULL without memory. */
struct parcel *packing_new(const struct store_outbox_due *,
    const struct packing *) __attribute__((warn_unused_result));

/*
 * Read what has to be known before it goes.  The callback runs once, from the
 * loop or from inside the call, with what the store says: STORE_NOT_FOUND is a
 * message that was deleted, STORE_SEALED one that cannot be read here.
 */
typedef void (*packing_cb)(struct parcel *, enum store_status, void *arg);
void packing_prepare(struct parcel *, packing_cb, void *arg);

/* By its header; once it is prepared. */
const struct trace *packing_trace(const struct parcel *);

/*
 * Other lines in front of the message, each with its CR LF; the parcel is at
 * its beginning.  False without memory.
 */
bool packing_add_lines(struct parcel *, const char *lines)
    __attribute__((warn_unused_result));

/* Why parcel_next() failed; STORE_OK: it did not. */
enum store_status packing_status(const struct parcel *);

/* No callback any more.  Sets the pointer to NULL; NULL is allowed. */
void packing_free(struct parcel **);

#endif
