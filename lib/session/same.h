/*
 * Whether what a server shows is the message that was stored, by its size and
 * its header.  Servers count octets in ways of their own, and add lines to the
 * headers of what was read.
 */
#ifndef EVPOP_SESSION_SAME_H
#define EVPOP_SESSION_SAME_H

#include <evpop/sync.h>

/* What was stored. */
struct evpop_same {
	uint64_t octets, listed_octets, lines, added_octets;
	bool has_digest;
	unsigned char digest[EVPOP_HEADER_DIGEST_SIZE];
};

/* How many sizes a message may be listed with while nothing is added to it. */
#define EVPOP_SAME_SIZES 3

void evpop_same_set(struct evpop_same *, const struct evpop_known *);

/* These sizes, each once and none of them 0; returns how many. */
size_t evpop_same_sizes(
    const struct evpop_same *, uint64_t sizes_r[EVPOP_SAME_SIZES]);

/* Whether its size is known at all. */
bool evpop_same_is_sized(const struct evpop_same *);

/* Whether a message that is listed with so many octets has its size. */
bool evpop_same_has_size(const struct evpop_same *, uint64_t listed_octets);

/* Whether it has that header, but for lines that servers add. */
bool evpop_same_has_header(
    const struct evpop_same *, const struct evpop_header *);

/* The same size, but for such lines, of which the header there has its own. */
bool evpop_same_has_size_but_for(const struct evpop_same *,
    uint64_t listed_octets, const struct evpop_header *);

/* Whether so many octets are less than half of what LIST says. */
bool evpop_same_is_short(uint64_t octets, uint64_t listed_octets);

#endif
