/*
 * Keys derived from passwords by PBKDF2 (RFC 8018), which RFC 5802 calls Hi().
 * They cost as many iterations as the server asks for: a program with a loop
 * computes them elsewhere and keeps them (keys.h).
 */
#ifndef EVPOP_AUTH_DERIVATION_H
#define EVPOP_AUTH_DERIVATION_H

#include "lib/auth/digest.h"

/*
 * The most iterations that are recommended anywhere (OWASP, for SHA-256).  A
 * server that asks for more attacks the machine it asks.
 */
#define EVPOP_ITERATIONS_MAX 600000

/* Of the largest key. */
#define EVPOP_KEY_MAX EVPOP_SHA256_SIZE

/* A key that is wanted.  All is borrowed. */
struct evpop_derivation {
	const char *user;     /* whose key: not part of what is computed */
	const char *password; /* prepared as the mechanism demands */
	const unsigned char *salt;
	size_t salt_length;
	unsigned int iterations; /* 1 to EVPOP_ITERATIONS_MAX */
	size_t key_size; /* EVPOP_SHA1_SIZE or EVPOP_SHA256_SIZE: the hash */
};

/*
 * SHA-256 over all that makes two derivations the same.  It confirms a guessed
 * password: as secret as the password.  False where OpenSSL fails.
 */
bool evpop_derivation_digest(const struct evpop_derivation *,
    unsigned char digest_r[EVPOP_SHA256_SIZE]) EVPOP_MUST_USE;

/*
 * The computation, in slices, so that it can be given up in the middle.
 * evpop_pbkdf2_new() takes from the derivation all that it needs; NULL without
 * memory, or where the machine's policy forbids the hash.
 */
struct evpop_pbkdf2;
struct evpop_pbkdf2 *evpop_pbkdf2_new(
    const struct evpop_derivation *) EVPOP_MUST_USE;

/* Wipe and free; NULL is allowed. */
void evpop_pbkdf2_free(struct evpop_pbkdf2 *);

/*
 * Go on for this many iterations at most.  *key_r is the key, good until
 * evpop_pbkdf2_free(), once none is left, and NULL before.  False where
 * OpenSSL fails: then there will be no key.
 */
bool evpop_pbkdf2_run(struct evpop_pbkdf2 *, unsigned int iterations,
    const unsigned char **key_r) EVPOP_MUST_USE;

#endif
