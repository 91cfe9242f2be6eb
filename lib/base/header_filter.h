/*
 * The header of a message without the lines that servers add to it once it was
 * read: Status, X-Status, X-UID, X-UIDL, X-IMAP, X-IMAPbase, X-Keywords and
 * Content-Length, each with the lines it is continued on.  What is left is the
 * same each time a server shows the message; a digest of it recognises one.
 *
 * The header ends in front of the first empty line; octets may come in pieces
 * of any size.
 */
#ifndef EVPOP_BASE_HEADER_FILTER_H
#define EVPOP_BASE_HEADER_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest of these names, and a colon. */
#define EVPOP_HEADER_FILTER_NAME 15

/*
 * Octets of the header in their order, all of them, borrowed; is_added: of a
 * line that does not count.
 */
typedef void (*evpop_header_filter_cb)(
    const unsigned char *bytes, size_t length, bool is_added, void *arg);

struct evpop_header_filter {
	evpop_header_filter_cb part;
	void *arg;
	int place; /* private, as all that follows */
	bool in_added_line;
	unsigned char held[EVPOP_HEADER_FILTER_NAME];
	size_t held_length;
	uint64_t added_octets;
	uint32_t added_lines;
};

void evpop_header_filter_init(
    struct evpop_header_filter *, evpop_header_filter_cb, void *arg);
void evpop_header_filter_feed(
    struct evpop_header_filter *, const unsigned char *bytes, size_t length);

/* After the last octet: what was held back is told. */
void evpop_header_filter_finish(struct evpop_header_filter *);

/* Whether the empty line behind the header has come. */
bool evpop_header_filter_is_complete(const struct evpop_header_filter *);

/* What the lines left out come to, and how many, each that continues one too.
 */
uint64_t evpop_header_filter_added_octets(const struct evpop_header_filter *);
uint32_t evpop_header_filter_added_lines(const struct evpop_header_filter *);

#endif
