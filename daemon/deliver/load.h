/*
 * The rows of one target that are in memory: taken from the outbox, on their
 * way, or with an outcome that is not durable yet.
 */
#ifndef DELIVER_LOAD_H
#define DELIVER_LOAD_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/store/outbox.h"

struct courier;
struct parcel;
struct trips;

enum load_stage {
	LOAD_QUEUED = 0,
	LOAD_UNDER_WAY, /* prepared, judged, carried */
	LOAD_SETTLING,  /* what came of it is being written */
	/* It was written while rows were being read, and may be among them. */
	LOAD_SETTLED,
	LOAD_STAGE_COUNT
};

struct load_item {
	TAILQ_ENTRY(load_item) link;
	enum load_stage stage;
	const char *account; /* its name, copied */
	int64_t id, message_id, account_id, queued_ms;
	uint64_t octets;
	unsigned attempts;
	bool may_be_there;
	/* It waits again: others of its account do not overtake it. */
	bool holds;
	struct parcel *parcel;   /* NULL once it is settling */
	struct courier *courier; /* while it is under way */
	bool is_judged;          /* it is being */
	struct trips *owner;
};

struct load;

/* NULL without memory. */
struct load *load_new(void) __attribute__((warn_unused_result));
/* With all that is in it.  Sets the pointer to NULL; NULL is allowed. */
void load_free(struct load **);

/* Queue a row with its parcel, which is taken over; false without memory. */
bool load_add(struct load *, const struct store_outbox_due *, struct parcel *,
    struct trips *owner) __attribute__((warn_unused_result));
/* Out of it, and freed with its parcel. */
void load_remove(struct load *, struct load_item *);
/* All that are queued, of an account or of any. */
#define LOAD_ANY_ACCOUNT 0
void load_drop_queued(struct load *, int64_t account_id);
/* The same, with all of its account that are queued. */
void load_put_back(struct load *, struct load_item *);
/* Those alone. */
void load_drop_behind(struct load *, const struct load_item *);
int64_t load_id(const struct load_item *);
struct parcel *load_parcel(const struct load_item *);
bool load_holds(const struct load_item *);
/* Whether it is being judged. */
void load_set_judged(struct load_item *, bool is_judged);
/* The one function that changes its stage. */
void load_enter(struct load *, struct load_item *, enum load_stage);

bool load_has(const struct load *, int64_t id);
size_t load_count(const struct load *, enum load_stage);

/*
 * The first that is queued; with `is_ordered` the first before which nothing of
 * its account is under way or waits again.  NULL: none.
 */
struct load_item *load_next(const struct load *, bool is_ordered);
/*
 * The first that is queued besides a row; with `is_ordered`, of another account
 * than that of the first.  NULL: none.
 */
struct load_item *load_next_but(
    const struct load *, int64_t id, bool is_ordered);
/* The first of a stage; and that of a parcel. */
struct load_item *load_first(const struct load *, enum load_stage);
struct load_item *load_find(const struct load *, const struct parcel *);
/* One that is judged. */
struct load_item *load_judged(const struct load *);

#endif
