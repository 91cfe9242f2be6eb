/*
 * A maildrop's listing as it comes in, from UIDL and LIST together.
 */
#ifndef EVPOP_SESSION_LISTING_H
#define EVPOP_SESSION_LISTING_H

#include <evpop/sync.h>

#include "lib/session/ids.h"

/*
 * A name that is made of a header begins so; no unique-id of a server begins
 * with a space, RFC 1939 section 7.
 */
#define EVPOP_LISTING_TOP_NAME " top-"

/* Zeroed, it is empty; what it is made of is its own. */
struct evpop_listing_builder {
	struct evpop_listing listing;
	size_t room;
	struct evpop_ids ids;
	bool unsorted;
	char ignored_line[EVPOP_TEXT_SIZE];
};

/* What has come so far; it moves with the next line. */
struct evpop_listing *evpop_listing_get(struct evpop_listing_builder *);

/* Octets of memory in use. */
size_t evpop_listing_held(const struct evpop_listing_builder *);

/* Lines nothing could be made of, and the first of them, which may be NULL. */
void evpop_listing_note_ignored(
    struct evpop_listing_builder *, uint32_t count, const char *first);

/*
 * Note a line of UIDL, all of which come before the first of LIST; false
 * without memory.
 */
bool evpop_listing_add_id(
    struct evpop_listing_builder *, const struct evpop_listed *) EVPOP_MUST_USE;

/* All lines of UIDL are there: order and number them. */
enum evpop_error evpop_listing_ids_done(
    struct evpop_listing_builder *) EVPOP_MUST_USE;

/*
 * Note a line of LIST: the size of a message that UIDL named, or, on a server
 * without UIDL, a message.
 */
bool evpop_listing_add_size(
    struct evpop_listing_builder *, const struct evpop_listed *) EVPOP_MUST_USE;

/* Give an entry that has none a unique-id; false without memory. */
bool evpop_listing_set_id(struct evpop_listing_builder *, size_t index,
    const void *id, size_t length) EVPOP_MUST_USE;

/* All lines of LIST are there. */
void evpop_listing_sizes_done(struct evpop_listing_builder *);

void evpop_listing_clear(struct evpop_listing_builder *);

#endif
