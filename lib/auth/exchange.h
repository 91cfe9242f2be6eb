/*
 * One SASL exchange: challenges in, responses out, both in base64 as they
 * stand in lines of AUTH (RFC 5034 section 4).  Also the digest of APOP.
 */
#ifndef EVPOP_AUTH_EXCHANGE_H
#define EVPOP_AUTH_EXCHANGE_H

#include <stdint.h>

#include <evpop/auth.h>

#include "lib/auth/derivation.h"

struct evpop_exchange;

/* Those that are bound to the TLS channel. */
#define EVPOP_MECHANISMS_BOUND                                     \
	(EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_SCRAM_SHA_256_PLUS) | \
	    EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_SCRAM_SHA_1_PLUS))

/*
 * The data that a log-in can be bound to (RFC 5929, 9266); an absent one is
 * empty.
 */
struct evpop_channel {
	bool tls;
	const unsigned char *exporter; /* tls-exporter: TLS 1.3 */
	size_t exporter_length;
	const unsigned char *unique; /* tls-unique: TLS 1.2 */
	size_t unique_length;
};

/* The server and the channel, as a mechanism needs to know them. */
struct evpop_exchange_target {
	const char *host; /* as configured */
	uint16_t port;
	struct evpop_channel channel;
	bool client_certificate; /* one was shown: EXTERNAL makes sense */
};

/*
 * Whether the credentials and the channel are enough for a mechanism: a token
 * for those of OAuth, a password for the others, a binding for -PLUS.
 */
bool evpop_exchange_possible(enum evpop_mechanism,
    const struct evpop_credentials *, const struct evpop_exchange_target *);

/*
 * Begin an exchange of a SASL mechanism (not APOP, not USER).  All is copied,
 * and wiped by evpop_exchange_free().  NULL with the reason in *result_r.
 *
 * SCRAM without -PLUS says "y" (could bind, the server cannot) only where a
 * -PLUS is among the credentials' mechanisms and the channel can be bound to.
 * After a refused -PLUS take both out of the set: a server that offers -PLUS
 * must end a log-in that says "y" (RFC 5802 section 6), and "n" is right.
 */
struct evpop_exchange *evpop_exchange_new(enum evpop_mechanism,
    const struct evpop_credentials *, const struct evpop_exchange_target *,
    struct evpop_result *result_r) EVPOP_MUST_USE;
void evpop_exchange_free(struct evpop_exchange *);

/*
 * The initial response, or NULL where the server speaks first.  "=" stands for
 * an empty one.  *final_r: nothing remains to be said after it, so that +OK is
 * success; only a refusal may want one more answer.  Good until the next call
 * on the exchange.
 */
const char *evpop_exchange_initial(struct evpop_exchange *, bool *final_r);

/*
 * Answer a challenge (base64, may be empty).  Where the initial response could
 * not be sent, it is the answer to the first, empty challenge: that case is
 * known from evpop_exchange_skip_initial() having been called.  Returns the
 * response, "" for an empty one, "*" to give up; good until the next call.
 * NULL: the response wants a key that takes long to compute, and the exchange
 * waits for evpop_exchange_take_key().
 */
const char *evpop_exchange_step(struct evpop_exchange *,
    const unsigned char *challenge, size_t length, bool *final_r);
void evpop_exchange_skip_initial(struct evpop_exchange *);

/*
 * Whether a key is waited for, and which (RFC 5802 section 3, SaltedPassword).
 * What it is derived from lies in the exchange, until the key is taken or the
 * exchange freed.
 */
bool evpop_exchange_wants_key(
    const struct evpop_exchange *, struct evpop_derivation *derivation_r);

/*
 * Give the key that is waited for: key_size octets, which are copied, or NULL
 * where it could not be computed.  Returns what evpop_exchange_step() would
 * have, and never NULL.
 */
const char *evpop_exchange_take_key(
    struct evpop_exchange *, const unsigned char *key, bool *final_r);

/*
 * After +OK: whether the server has proved itself where the mechanism demands
 * that (SCRAM's server signature); false with the reason.  After -ERR: words
 * to add to the server's, such as the status in the JSON of an OAuth refusal;
 * "" where there are none.
 */
bool evpop_exchange_verified(const struct evpop_exchange *,
    struct evpop_result *result_r) EVPOP_MUST_USE;
const char *evpop_exchange_refusal(const struct evpop_exchange *);

/* The OAuth refusal says that the token has expired: a new one may help. */
bool evpop_exchange_token_expired(const struct evpop_exchange *);

/* ---- APOP ---- */

#define EVPOP_APOP_DIGEST_SIZE 33

/*
 * Find the timestamp of a greeting: a msg-id "<local@domain>" in printable
 * ASCII (RFC 1939 section 7, RFC 5322 section 3.6.4); anything less is none,
 * for a server could pick it to extract the password (CVE-2007-1558).
 * *stamp_r lies in the text, brackets included.
 */
bool evpop_apop_timestamp(const char *greeting, size_t length,
    const char **stamp_r, size_t *stamp_length_r);

/* MD5 of timestamp and password, in lower-case hex; false if MD5 is not to be
 * had. */
bool evpop_apop_digest(const char *stamp, size_t stamp_length,
    const char *password, char digest_r[EVPOP_APOP_DIGEST_SIZE]) EVPOP_MUST_USE;

#endif
