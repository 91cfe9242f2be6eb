/*
 * Whether what a server shows is the message that was stored, by its size and
 * its header.  Servers count octets in ways of their own, and add lines to the
 * headers of what was read.
 */
#ifndef EVPOP_SESSION_SAME_H
#define EVPOP_SESSION_SAME_H

#include <evpop/sync.h>

/* What is known of a stored message. */
struct evpop_same {
	uint64_t octets, listed_octets, lines, added_octets;
	bool has_digest;
	unsigned char digest[EVPOP_HEADER_DIGEST_SIZE];
};

/* How many sizes a message may be listed with, as long as nothing is added. */
#define EVPOP_SAME_SIZES 3

void evpop_same_set(struct evpop_same *, const struct evpop_known *);

/* Write these sizes, each once and none of them 0, and return how many. */
size_t evpop_same_sizes(
    const struct evpop_same *, uint64_t sizes_r[EVPOP_SAME_SIZES]);

/* Whether its size is known at all. */
bool evpop_same_is_sized(const struct evpop_same *);

/*
 * Whether a message listed with so many octets has the size of the stored one.
 */
bool evpop_same_has_size(const struct evpop_same *, uint64_t listed_octets);

/* Whether the headers are the same, except for lines that servers add. */
bool evpop_same_has_header(
    const struct evpop_same *, const struct evpop_header *);

/* Whether the sizes are the same, except for such lines in both headers. */
bool evpop_same_has_size_but_for(const struct evpop_same *,
    uint64_t listed_octets, const struct evpop_header *);

/* Whether so many octets are less than half of what LIST says. */
bool evpop_same_is_short(uint64_t octets, uint64_t listed_octets);

#endif
