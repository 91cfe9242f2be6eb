/*
 * BLAKE2b-256 of bytes that come in pieces, and SHA-256 of short ones.
 */
#ifndef STORE_DIGEST_H
#define STORE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#define STORE_DIGEST_SIZE 32
#define STORE_DIGEST_HEX  (STORE_DIGEST_SIZE * 2 + 1)

struct store_digest;

/* Once before the first; may be repeated.  False if the library fails. */
bool store_digest_init(void) __attribute__((warn_unused_result));

/* NULL without memory. */
struct store_digest *store_digest_new(void) __attribute__((warn_unused_result));
void store_digest_update(struct store_digest *, const void *, size_t length);
void store_digest_final(
    struct store_digest *, unsigned char digest_r[STORE_DIGEST_SIZE]);
void store_digest_free(struct store_digest *);

/* SHA-256 of bytes that are all there; false without memory. */
#define STORE_DIGEST_SHA256_SIZE 32
bool store_digest_sha256(const void *, size_t length,
    unsigned char digest_r[STORE_DIGEST_SHA256_SIZE])
    __attribute__((warn_unused_result));

#endif
