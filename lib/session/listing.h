/*
 * A maildrop's listing: as it comes in, from UIDL and LIST together; and by
 * unique-id, side by side with what is known of it.
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
	bool is_unsorted;
	char ignored_line[EVPOP_TEXT_SIZE];
};

void evpop_listing_clear(struct evpop_listing_builder *);

/* Bytes of memory in use. */
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

/* All lines of LIST are there. */
void evpop_listing_sizes_done(struct evpop_listing_builder *);

/* Give an entry that has none a unique-id; false without memory. */
bool evpop_listing_set_id(struct evpop_listing_builder *, size_t index,
    const void *id, size_t length) EVPOP_MUST_USE;

/* Entries that have none. */
size_t evpop_listing_nameless(const struct evpop_listing *);

/* All that can be given are there: number them. */
enum evpop_error evpop_listing_names_done(
    struct evpop_listing_builder *, bool top_refused) EVPOP_MUST_USE;

/*
 * The entries and what is known of them, walked side by side by ascending
 * unique-id, so that neither need be searched, and the known need not all be
 * there at once.
 */
struct evpop_match;

enum evpop_match_result {
	EVPOP_MATCH_LISTED = 0,
	EVPOP_MATCH_MISSING, /* from the listing */
	EVPOP_MATCH_DISORDER /* it should have come earlier */
};

/* The listing is borrowed until the match is freed.  NULL without memory. */
struct evpop_match *evpop_match_new(
    const struct evpop_listing *) EVPOP_MUST_USE;
/* NULL is allowed. */
void evpop_match_free(struct evpop_match *);

/* The next of the known; *index_r is the entry where it is listed. */
enum evpop_match_result evpop_match_next(struct evpop_match *,
    const struct evpop_known *, uint32_t *index_r) EVPOP_MUST_USE;

/*
 * Pointers to the known by unique-id (bytes, the shorter first), then
 * occurrence; what comes from a sorted index stays as it is.  To be freed; NULL
 * without memory.
 */
const struct evpop_known **evpop_match_sort_known(
    const struct evpop_known *, size_t count) EVPOP_MUST_USE;

#endif
