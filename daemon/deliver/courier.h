/*
 * A carrier with the parcels that it has: begun when the first one comes, and
 * ended when it is of no use any more.
 */
#ifndef DELIVER_COURIER_H
#define DELIVER_COURIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/deliver/carrier.h"

struct basis;
struct courier;

struct courier_options {
	const struct carrier_type *type;
	struct event_base *base;
	struct evpop_names *names;
	struct oauth *oauth; /* or NULL */
	struct basis *basis; /* is held */
	const char *target;  /* its name there */
	struct way_trust *trust;
	/* From the loop: it is not freed from inside. */
	void (*carried)(struct courier *, struct parcel *,
	    const struct carried_result *, void *arg);
	/* It may be freed, see courier_is_over(). */
	void (*changed)(void *arg);
	void *arg;
};

/* NULL without memory, or where there is no such target. */
struct courier *courier_new(const struct courier_options *)
    __attribute__((warn_unused_result));

/* How many parcels it takes now. */
unsigned courier_room(const struct courier *);
/* How many it has. */
unsigned courier_load(const struct courier *);

/* A parcel will come: keep a place for it. */
void courier_reserve(struct courier *);
/* Here it is; or (NULL) it will not come. */
void courier_carry(struct courier *, struct parcel *);
void courier_flush(struct courier *);
/* Instead of parcels; answered like one. */
void courier_probe(struct courier *);

/* It has parcels, and its connection is well. */
bool courier_is_working(const struct courier *);
/* What was reserved does not come to it any more. */
bool courier_has_retired(const struct courier *);

/* It takes no more, and is over when it has nothing left. */
void courier_retire(struct courier *);
/* To be freed: it has retired or closed, or had nothing to do for long. */
bool courier_is_over(const struct courier *, int64_t now_ms);
/* When that is so without more to do, by the monotonic clock. */
int64_t courier_over_ms(const struct courier *);

/* Whatever it has is not answered.  Sets the pointer to NULL. */
void courier_free(struct courier **);

#endif
