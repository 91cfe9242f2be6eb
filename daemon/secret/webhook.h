/*
 * Signatures as Standard Webhooks 1.0.0 has them: HMAC-SHA256 over
 * "ID.TIMESTAMP.BODY" with a secret that both sides have, "whsec_" and base64.
 */
#ifndef SECRET_WEBHOOK_H
#define SECRET_WEBHOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/secret/secret.h"

struct webhook_key;
struct webhook;

/* "v1,", base64 of 32 octets, NUL. */
#define WEBHOOK_SIGNATURE 48

/*
 * The key in a secret: base64 of 24 to 64 octets, with "whsec_" or without.
 * NULL where it is none, and then *why_r says so in words, or without memory.
 * It lies in guarded memory.
 */
struct webhook_key *webhook_key_new(const struct secret *, const char **why_r)
    __attribute__((warn_unused_result));
/* Wipes, frees, sets the pointer to NULL, which it may be. */
void webhook_key_free(struct webhook_key **);

/* Begin to sign a body, sent at this Unix time; NULL without memory. */
struct webhook *webhook_begin(const struct webhook_key *, const char *id,
    int64_t sent_s) __attribute__((warn_unused_result));
void webhook_add(struct webhook *, const void *octets, size_t length);
/* The signature of all that was added. */
void webhook_finish(struct webhook *, char signature_r[WEBHOOK_SIGNATURE]);
/* Wipes, frees, sets the pointer to NULL, which it may be. */
void webhook_free(struct webhook **);

#endif
