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

/*
 * A key for digests.  By a keyed digest a message is recognised, and nobody who
 * has the digests alone can try a guess of the message.
 */
#define STORE_DIGEST_KEY_SIZE 32
struct store_digest_key;

/* Copied; NULL without memory. */
struct store_digest_key *store_digest_key_new(
    const unsigned char key[STORE_DIGEST_KEY_SIZE])
    __attribute__((warn_unused_result));
/* Wipes; NULL is allowed. */
void store_digest_key_free(struct store_digest_key *);

/*
 * Turn a digest into the keyed one of it, BLAKE2b-256 of its octets; without a
 * key (NULL) it stays what it is.
 */
void store_digest_apply_key(
    const struct store_digest_key *, unsigned char digest[STORE_DIGEST_SIZE]);

/* SHA-256 of bytes that are all there; false without memory. */
#define STORE_DIGEST_SHA256_SIZE 32
bool store_digest_sha256(const void *, size_t length,
    unsigned char digest_r[STORE_DIGEST_SHA256_SIZE])
    __attribute__((warn_unused_result));

#endif
