#include "lib/session/same.h"

#include <string.h>

void
evpop_same_set(struct evpop_same *same, const struct evpop_known *known)
{
	*same = (struct evpop_same){
		.octets = known->octets,
		.listed_octets = known->listed_octets,
		.lines = known->lines,
		.added_octets = known->added_octets,
		.has_digest = known->header_digest != NULL,
	};
	if (known->header_digest != NULL)
		memcpy(same->digest, known->header_digest,
		    EVPOP_HEADER_DIGEST_SIZE);
}

static size_t
same_add_size(uint64_t *sizes, size_t count, uint64_t size)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (sizes[i] == size)
			return count;
	if (size != 0)
		sizes[count++] = size;
	return count;
}

size_t
evpop_same_sizes(
    const struct evpop_same *same, uint64_t sizes[EVPOP_SAME_SIZES])
{
	size_t count = same_add_size(sizes, 0, same->listed_octets);

	count = same_add_size(sizes, count, same->octets);
	/* Some servers count a line end as one octet. */
	if (same->lines < same->octets)
		count = same_add_size(sizes, count, same->octets - same->lines);
	return count;
}

bool
evpop_same_is_short(uint64_t octets, uint64_t listed_octets)
{
	return octets < listed_octets / 2 + listed_octets % 2;
}

bool
evpop_same_is_sized(const struct evpop_same *same)
{
	return same->octets != 0 || same->listed_octets != 0;
}

static bool
same_has_size_less(
    const struct evpop_same *same, uint64_t octets, uint64_t less)
{
	uint64_t sizes[EVPOP_SAME_SIZES];
	size_t count = evpop_same_sizes(same, sizes), i;

	for (i = 0; i < count; i++)
		if (sizes[i] > less && sizes[i] - less == octets)
			return true;
	return false;
}

bool
evpop_same_has_size(const struct evpop_same *same, uint64_t listed_octets)
{
	return same_has_size_less(same, listed_octets, 0);
}

bool
evpop_same_has_header(
    const struct evpop_same *same, const struct evpop_header *header)
{
	if (!same->has_digest)
		return false;
	return memcmp(same->digest, header->digest, EVPOP_HEADER_DIGEST_SIZE) ==
		   0 ||
	       memcmp(same->digest, header->whole_digest,
		   EVPOP_HEADER_DIGEST_SIZE) == 0;
}

/*
 * A server that counts a line end as one octet counts it so in added lines,
 * too.  Of the lines added before the message was stored only the octets are
 * known; they are taken for as many lines as there are now.
 */
static bool
same_is_explained(const struct evpop_same *same, uint64_t listed_octets,
    const struct evpop_header *header)
{
	uint64_t now = header->added_octets, then = same->added_octets;
	uint64_t lines = header->added_lines;
	uint64_t then_lines = lines < then ? lines : then;

	if (listed_octets > now &&
	    same_has_size_less(same, listed_octets - now, then))
		return true;
	return listed_octets > now - lines &&
	       (same_has_size_less(same, listed_octets - (now - lines), then) ||
		   same_has_size_less(
		       same, listed_octets - (now - lines), then - then_lines));
}

/* mailutils-pop3d adds a line end to an empty body, too, once it was read. */
#define EMPTY_LINE ((uint64_t)2)

bool
evpop_same_has_size_but_for(const struct evpop_same *same,
    uint64_t listed_octets, const struct evpop_header *header)
{
	return same_is_explained(same, listed_octets, header) ||
	       (header->added_octets > same->added_octets &&
		   listed_octets > EMPTY_LINE &&
		   same_is_explained(same, listed_octets - EMPTY_LINE, header));
}
