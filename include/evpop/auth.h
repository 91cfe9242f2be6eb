/*
 * Ways to log in, from strongest to plainest: SASL mechanisms (RFC 5034), APOP
 * and USER/PASS (RFC 1939), and the bearer tokens of OAuth 2.
 */
#ifndef EVPOP_AUTH_H
#define EVPOP_AUTH_H

#include <stdbool.h>
#include <stddef.h>

#include <evpop/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* In the order of strength, as they are tried. */
enum evpop_mechanism {
	EVPOP_MECHANISM_SCRAM_SHA_256_PLUS = 0, /* RFC 7677, 5802 */
	EVPOP_MECHANISM_SCRAM_SHA_1_PLUS,
	EVPOP_MECHANISM_SCRAM_SHA_256,
	EVPOP_MECHANISM_SCRAM_SHA_1,
	EVPOP_MECHANISM_OAUTHBEARER, /* RFC 7628 */
	EVPOP_MECHANISM_XOAUTH2,     /* Google's and Microsoft's own */
	EVPOP_MECHANISM_EXTERNAL,    /* the TLS client certificate: RFC 4422 */
	EVPOP_MECHANISM_CRAM_MD5,    /* RFC 2195 */
	EVPOP_MECHANISM_APOP,        /* RFC 1939 section 7 */
	EVPOP_MECHANISM_PLAIN,       /* RFC 4616 */
	EVPOP_MECHANISM_LOGIN,       /* never standardized */
	EVPOP_MECHANISM_USER,        /* USER and PASS: RFC 1939 section 7 */
	EVPOP_MECHANISM_COUNT
};

/* "SCRAM-SHA-256-PLUS" ... "APOP", "USER". */
EVPOP_API const char *evpop_mechanism_name(enum evpop_mechanism);

/* By name in any case; false where there is none of that name. */
EVPOP_API bool evpop_mechanism_find(
    const char *name, enum evpop_mechanism *mechanism_r) EVPOP_MUST_USE;

/* A set of mechanisms: bits 1u << mechanism. */
#define EVPOP_MECHANISM_BIT(mechanism) (1u << (mechanism))

/*
 * The mechanisms used if none are named: all but APOP, which
 * proves nothing by today's measures, and must be named.
 */
#define EVPOP_MECHANISMS_DEFAULT               \
	(((1u << EVPOP_MECHANISM_COUNT) - 1) & \
	    ~EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_APOP))

struct evpop_client;

/*
 * A token is wanted, since the server is there to be told one: answer with
 * evpop_client_token(), now or later.  Runs from the loop, once for each
 * session; the client may be freed or cancelled in it.
 */
typedef void (*evpop_token_cb)(struct evpop_client *, void *arg);

/*
 * The user and the secrets of a log-in.  Password and token are borrowed for
 * the call they are given to; the library's copies are in memory that is locked
 * as far as RLIMIT_MEMLOCK allows and excluded from core dumps, and are wiped.
 */
struct evpop_credentials {
	const char *user;
	const char *password;      /* or NULL */
	const char *token;         /* OAuth 2 access token, or NULL */
	unsigned int mechanisms;   /* allowed; 0: EVPOP_MECHANISMS_DEFAULT */
	const char *authorization; /* another identity to act as, or NULL */
	evpop_token_cb want_token; /* instead of a token; or NULL */
	void *want_token_arg;
	/*
	 * Mechanisms that an earlier session of the same log-in has tried: not
	 * to be tried again.
	 */
	unsigned int tried;
};

#ifdef __cplusplus
}
#endif

#endif
