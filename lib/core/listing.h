/*
 * A multi-line response of LIST, UIDL, CAPA or LANG while it is read: its size
 * so far, the lines that could not be read, and the meaning of a line (RFC 1939
 * sections 5 and 7).
 */
#ifndef EVPOP_CORE_LISTING_H
#define EVPOP_CORE_LISTING_H

#include <evpop/proto.h>

/* Zeroed, nothing of the response has come. */
struct evpop_lines {
	uint32_t lines, ignored;
	uint64_t octets;                    /* on the wire */
	char ignored_line[EVPOP_TEXT_SIZE]; /* the first of them, printable */
};

/* A line of LIST or UIDL, or the status line of STAT. */
struct evpop_listing_entry {
	uint32_t number;
	uint64_t octets; /* LIST, STAT */
	bool has_octets;
	const unsigned char *unique_id; /* UIDL: lies in the line */
	size_t unique_id_length;
};

/*
 * Parse such a line.  Returns false where it has no number, or one that no
 * message can have, or a unique-id above EVPOP_LIMIT_UNIQUE_ID.
 */
bool evpop_listing_entry_parse(enum evpop_command, const unsigned char *line,
    size_t length, struct evpop_listing_entry *);

/* Count octets of the response. */
void evpop_lines_add(struct evpop_lines *, size_t octets);

/*
 * Count a line that was read, its octets on the wire having been added before.
 * Returns false where the response is larger than the limits allow; the text,
 * of EVPOP_TEXT_SIZE, then says so.
 */
bool evpop_lines_count(struct evpop_lines *, const struct evpop_proto_limits *,
    enum evpop_command, char *text_r);

/* Count a line that says nothing; the first is kept. */
void evpop_lines_ignore(
    struct evpop_lines *, const unsigned char *line, size_t length);

/*
 * Note a line of CAPA (RFC 2449 section 6), which holds one capability and its
 * arguments.  Unknown ones are passed over, as are arguments that make no
 * sense.
 */
void evpop_capability_line(
    struct evpop_capabilities *, const unsigned char *line, size_t length);

#endif
