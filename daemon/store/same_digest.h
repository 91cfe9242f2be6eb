/*
 * A digest of what stays the same of a message.  Servers add header lines to
 * one that was read (lib/base/header_filter.h); everything else stays.
 */
#ifndef STORE_SAME_DIGEST_H
#define STORE_SAME_DIGEST_H

#include "daemon/store/digest.h"

struct store_same_digest;

/*
 * Of a message without such lines it is the digest of the whole: who has that
 * anyway need not have it computed twice.
 */
enum store_same_wish {
	STORE_SAME_ALWAYS = 0,
	STORE_SAME_UNLESS_PLAIN
};

/* NULL without memory. */
struct store_same_digest *store_same_digest_new(enum store_same_wish)
    __attribute__((warn_unused_result));
/* NULL is allowed. */
void store_same_digest_free(struct store_same_digest *);

/* Bytes of the message, in pieces of any size. */
void store_same_digest_feed(
    struct store_same_digest *, const void *bytes, size_t length);
/* After the last, once.  False: it is the digest of the whole. */
bool store_same_digest_finish(
    struct store_same_digest *, unsigned char digest_r[STORE_DIGEST_SIZE]);

#endif
