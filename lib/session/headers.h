/*
 * The headers of some messages by TOP (RFC 1939 section 7), asked for ahead of
 * the answers.  TOP is optional, and a server that says it has it may refuse it
 * for messages that are damaged.
 */
#ifndef EVPOP_SESSION_HEADERS_H
#define EVPOP_SESSION_HEADERS_H

#include <evpop/sync.h>

/*
 * Reads one header, in pieces of any size: up to the first empty line, and
 * without it.
 */
struct evpop_header_reader;

/* NULL without memory. */
struct evpop_header_reader *evpop_header_reader_new(void) EVPOP_MUST_USE;
void evpop_header_reader_feed(
    struct evpop_header_reader *, const unsigned char *bytes, size_t length);
/* After the last octet; false where OpenSSL could not. */
bool evpop_header_reader_finish(
    struct evpop_header_reader *, struct evpop_header *header_r) EVPOP_MUST_USE;
/* NULL is allowed. */
void evpop_header_reader_free(struct evpop_header_reader *);

struct evpop_headers;

enum evpop_headers_end {
	EVPOP_HEADERS_ANSWERED = 0, /* at least once */
	EVPOP_HEADERS_NONE,   /* not once; the server does not offer TOP */
	EVPOP_HEADERS_REFUSED /* not once, though the server offers TOP */
};

/* All run from the loop, but `failed` may run inside of start. */
struct evpop_headers_callbacks {
	void (*seen)(uint32_t index, const struct evpop_header *, void *arg);
	/* No more will come.  The headers may be freed in it. */
	void (*done)(enum evpop_headers_end, void *arg);
	/*
	 * Not all can be asked for: EVPOP_ERROR_MEMORY, or EVPOP_ERROR_USAGE
	 * where the session is ending.  `done` does not run any more.
	 */
	void (*failed)(enum evpop_error, const char *why, void *arg);
};

/*
 * Ask for the entries with these indices, which are borrowed, as is the
 * listing.  NULL without memory.
 */
struct evpop_headers *evpop_headers_new(struct evpop_client *,
    const struct evpop_listing *, const uint32_t *indices, size_t count,
    const struct evpop_headers_callbacks *, void *arg) EVPOP_MUST_USE;

/*
 * Call this once.  `done` may run before it returns, if all was stopped before.
 */
void evpop_headers_start(struct evpop_headers *);

/* Ask for no more; what is under way is told.  NULL is allowed. */
void evpop_headers_stop(struct evpop_headers *);

/* While none is under way, or after the client is freed.  NULL is allowed. */
void evpop_headers_free(struct evpop_headers *);

#endif
