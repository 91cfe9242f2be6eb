/*
 * The parcels that a carrier of IMAP has, in their order, with how far each is;
 * and what became of them, which is told from the loop when nothing else is
 * being done.
 */
#ifndef DELIVER_IMAP_QUEUE_H
#define DELIVER_IMAP_QUEUE_H

#include "daemon/deliver/carrier.h"
#include "daemon/deliver/imap_data.h"
#include "daemon/deliver/imap_verdict.h"

/* Parcels that are noted together, and appended together. */
#define IMAP_DEPTH 32

struct imap_queue;

/* A folder that they go to. */
struct imap_folder {
	char *name;       /* of the configuration */
	const char *sent; /* as it is sent */
	struct imap_state state;
	bool is_made; /* that was tried, since the last message */
};

enum imap_mark {
	/* Not with others in one command: they were refused together. */
	IMAP_MARK_ALONE = 1,
	/* It is not there, or there is nothing to look for. */
	IMAP_MARK_LOOKED_FOR = 2,
	/* A server that was still at work on it has had its time. */
	IMAP_MARK_WAITED_FOR = 4,
	/* Where it is about to be put is durable. */
	IMAP_MARK_NOTED = 8,
	/* It was read: from the beginning, before it is sent again. */
	IMAP_MARK_READ = 16
};

struct imap_item {
	struct parcel *parcel;
	unsigned marks;
	struct imap_queue *queue;
};

/* The setup is borrowed.  NULL without memory. */
struct imap_queue *imap_queue_new(const struct carrier_setup *)
    __attribute__((warn_unused_result));
/* Nothing is told any more.  Sets the pointer to NULL. */
void imap_queue_free(struct imap_queue **);

/* At most IMAP_DEPTH, those included of which it was not told yet. */
void imap_queue_add(struct imap_queue *, struct parcel *, unsigned marks);

size_t imap_queue_count(const struct imap_queue *);
const struct imap_item *imap_queue_at(const struct imap_queue *, size_t);
void imap_queue_mark(const struct imap_item *, enum imap_mark);
bool imap_item_is(const struct imap_item *, enum imap_mark);
bool imap_item_goes_to(const struct imap_item *, const struct imap_folder *);

/* It is done with, and leaves the queue; all strings are copied. */
void imap_queue_settle(const struct imap_item *, const struct carried_result *);
void imap_queue_settle_as(
    const struct imap_item *, const struct imap_verdict *);
/* It is in a folder, of the configuration's name; UID 0: not known which. */
void imap_queue_settle_delivered(const struct imap_item *, const char *folder,
    uint32_t uid, const char *answer);
void imap_queue_settle_all(struct imap_queue *, const struct imap_verdict *);

/*
 * What is larger than the server has said that it takes is not sent; 0: it has
 * not said that.
 */
void imap_queue_refuse_large(struct imap_queue *, uint64_t limit);

/* What came of a probe; that the connection was closed meanwhile. */
void imap_queue_probed(struct imap_queue *, const struct imap_verdict *);
void imap_queue_closed(struct imap_queue *);

#endif
