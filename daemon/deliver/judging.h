/*
 * What rspamd says of a target's messages before they go, and what follows from
 * that: lines in front, or another target.
 */
#ifndef DELIVER_JUDGING_H
#define DELIVER_JUDGING_H

#include <stdbool.h>

#include "daemon/deliver/world.h"
#include "daemon/store/store.h"

struct config_target;
struct judging;
struct load;
struct load_item;

enum judged {
	JUDGED_GOES = 0, /* to a courier */
	JUDGED_NOT,      /* it has to be tried again */
	JUDGED_UNREAD,   /* its parcel cannot be read */
	JUDGED_DOWN,     /* rspamd does not answer: `text` */
	/* It goes to another target: its parcel is of no use any more. */
	JUDGED_LEAVES
};
/* From the loop, or from inside judging_ask() and judging_forget(). */
typedef void (*judged_cb)(
    struct load_item *, enum judged, const char *text, void *arg);
/* Of JUDGED_LEAVES: it has gone `to` another, or the store failed. */
typedef void (*judging_left_cb)(
    struct load_item *, enum store_status, const char *to, void *arg);

/* NULL without memory. */
struct judging *judging_new(const struct target_world *, struct load *,
    judged_cb, judging_left_cb, void *arg) __attribute__((warn_unused_result));

void judging_ask(
    struct judging *, const struct config_target *, struct load_item *);

/*
 * Whether rspamd answers, without a message.  The callback runs once, from the
 * loop or from inside judging_forget(); false, and it does not: rspamd cannot
 * be asked now.
 */
typedef void (*judging_probed_cb)(bool works, const char *text, void *arg);
bool judging_probe(struct judging *, const struct config_target *,
    judging_probed_cb, void *arg) __attribute__((warn_unused_result));

/*
 * Another configuration holds: what is asked is answered JUDGED_NOT, and a
 * probe that rspamd does not work.
 */
void judging_forget(struct judging *);

/* No callback any more.  Sets the pointer to NULL; NULL is allowed. */
void judging_free(struct judging **);

#endif
