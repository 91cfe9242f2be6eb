/*
 * The digests that mechanisms are made of, by OpenSSL, which wipes what it
 * worked on.  Each is false where the machine's policy forbids the digest, or
 * without memory, and then leaves no entry in OpenSSL's queue of errors.
 */
#ifndef EVPOP_AUTH_DIGEST_H
#define EVPOP_AUTH_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#include <evpop/error.h>

#define EVPOP_MD5_SIZE    16
#define EVPOP_SHA1_SIZE   20
#define EVPOP_SHA256_SIZE 32

/* The digest of this many octets: by MD5, SHA-1 or SHA-256. */
bool evpop_digest(size_t size, const void *bytes, size_t length,
    unsigned char *digest_r) EVPOP_MUST_USE;

/* The same of an HMAC (RFC 2104). */
bool evpop_hmac(size_t size, const void *key, size_t key_length,
    const void *bytes, size_t length, unsigned char *digest_r) EVPOP_MUST_USE;

/*
 * SHA-256 of octets that come in pieces.  NULL where it cannot be had; feeding
 * and finishing are false where OpenSSL fails.
 */
struct evpop_digest_stream;
struct evpop_digest_stream *evpop_digest_stream_new(void) EVPOP_MUST_USE;
bool evpop_digest_stream_feed(struct evpop_digest_stream *, const void *bytes,
    size_t length) EVPOP_MUST_USE;
bool evpop_digest_stream_finish(struct evpop_digest_stream *,
    unsigned char digest_r[EVPOP_SHA256_SIZE]) EVPOP_MUST_USE;
void evpop_digest_stream_free(struct evpop_digest_stream *);

#endif
