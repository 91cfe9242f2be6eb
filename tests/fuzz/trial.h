/*
 * A maildrop's listing, what is known of it, and a policy, from lines of text:
 *
 *     p KEEP KEEP_MS OCTETS_MAX MESSAGES_MAX ORDER NOW_MS IGNORED
 *         DELETE_ABOVE DELETES_MAX BASELINE FETCH_UNIDENTIFIED FETCH_AFTER_MS
 *     u NUMBER ID                     a line of UIDL
 *     n                               the server knows no UIDL
 *     s NUMBER OCTETS                 a line of LIST
 *     t NUMBER DIGEST                 what the header of a message comes to
 *     k OCCURRENCE STATE STORED_MS ID a message that is known
 *     h OCCURRENCE STATE STORED_MS OCTETS DIGEST ID
 *
 * A DIGEST is a number that stands for one; 0 is none.
 */
#ifndef FUZZ_TRIAL_H
#define FUZZ_TRIAL_H

#include "lib/session/listing.h"
#include "tests/fuzz/input.h"

#define KNOWN_MAX   64
#define HEADERS_MAX 64
#define DIGESTS     8

struct trial {
	struct evpop_listing_builder builder;
	size_t id_lines, size_lines;
	bool no_ids;
	struct evpop_known known[KNOWN_MAX];
	size_t known_count;
	struct evpop_policy policy;
	int64_t now_ms;
	uint32_t ignored;
	unsigned char digests[DIGESTS][EVPOP_HEADER_DIGEST_SIZE];
	struct {
		uint32_t number;
		unsigned digest;
	} headers[HEADERS_MAX];
	size_t header_count;
	uint32_t first_ignored; /* lines, when the plan was made */
	/* By the plain planner. */
	bool adopted[KNOWN_MAX];
	bool held, mostly_unknown;
};

/*
 * The listing as it is when a plan is first made: where there is no UIDL, with
 * sizes and with names made of headers, as the driver makes them.
 */
void trial_read(struct trial *, struct fuzz_input);
/* What LIST says to a plan that wants sizes. */
void trial_read_sizes(struct trial *, struct fuzz_input);
void trial_clear(struct trial *);

/* What the header of the message comes to; NULL where TOP is refused. */
const unsigned char *trial_header(const struct trial *, uint32_t number);

bool trial_same_id(const unsigned char *a, size_t a_length,
    const unsigned char *b, size_t b_length);

#endif
