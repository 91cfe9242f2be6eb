/*
 * Facts about a body, read while its bytes pass in pieces of any size: its
 * size, digest, envelope and attachments.
 */
#ifndef STORE_SCAN_H
#define STORE_SCAN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/store/digest.h"
#include "daemon/store/mail/envelope.h"

struct store_scan;

/*
 * Memory that all scans under way hold for headers; zeroed at first.  It is
 * bounded, so that thousands of bodies without an empty line cannot each take
 * the memory that one may.
 */
struct store_scan_held {
	atomic_size_t octets; /* the loop frees what was given up */
};

/*
 * What to look for: all that the row of a message has, or also what nobody can
 * look for later in a body that is sealed.
 */
enum store_scan_for {
	STORE_SCAN_FOR_ROW = 0,
	STORE_SCAN_FOR_SEAL
};

/* NULL without memory.  `held` must outlive it. */
struct store_scan *store_scan_new(struct store_scan_held *held,
    enum store_scan_for) __attribute__((warn_unused_result));
void store_scan_free(struct store_scan *);

/* Returns false without memory. */
bool store_scan_feed(struct store_scan *, const void *bytes, size_t length)
    __attribute__((warn_unused_result));

struct store_scan_result {
	uint64_t octets;
	uint64_t lines; /* line ends: LF, with or without CR */
	unsigned char digest[STORE_DIGEST_SIZE];
	const struct mail_envelope *envelope; /* the scan's */
	uint32_t attachments;
	bool is_cut; /* the row or the index will not have all of it */
	/*
	 * SHA-256 of the header, without the empty line that ends it and
	 * without the lines that servers add (lib/base/header_filter.h).  There
	 * is none if the header has no Message-ID, is too long to be held,
	 * begins with an empty line, or ends in one that is not LF or CRLF.
	 * If servers have added lines, there is also a digest of the whole.
	 */
	bool has_header_digest;
	unsigned char header_digest[STORE_DIGEST_SHA256_SIZE];
	unsigned char whole_header_digest[STORE_DIGEST_SHA256_SIZE];
	uint64_t added_octets; /* of those lines */

	/*
	 * For a seal only: a digest of all but those lines (same_digest.h), the
	 * digest above, which may be keyed meanwhile, and the names of
	 * attachments, each with a NUL, as many as fit; the scan's.
	 */
	bool has_same_digest;
	unsigned char same_digest[STORE_DIGEST_SIZE];
	unsigned char plain_digest[STORE_DIGEST_SIZE];
	const char *names;
	size_t names_length;
};

/* After the last byte, once.  Returns false without memory. */
bool store_scan_finish(struct store_scan *, struct store_scan_result *result_r)
    __attribute__((warn_unused_result));

/* Its digests, as a file with this key has them; NULL: as they are. */
void store_scan_key(
    struct store_scan_result *, const struct store_digest_key *);

#endif
