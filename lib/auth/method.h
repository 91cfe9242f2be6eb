/*
 * The interface between an exchange (exchange.c) and its SASL mechanism: how a
 * mechanism answers, and what it may ask of the exchange.
 */
#ifndef EVPOP_AUTH_METHOD_H
#define EVPOP_AUTH_METHOD_H

#include "lib/auth/exchange.h"
#include "lib/auth/secret.h"

/* The user, the secrets and the server: copies, or NULL. */
struct evpop_identity {
	enum evpop_mechanism mechanism;
	char *user, *password, *token, *authorization, *host;
	uint16_t port;
	/* The channel's data to bind to; empty without it. */
	struct evpop_secret exporter, unique;
	bool is_binding_allowed; /* a -PLUS is among the mechanisms */
};

/* A challenge without its base64. */
struct evpop_challenge {
	unsigned int turn; /* how many responses were made before */
	const char *text;
	size_t length;
};

enum evpop_answer {
	EVPOP_ANSWER_MORE,
	EVPOP_ANSWER_WANTS_KEY, /* before there is a response */
	EVPOP_ANSWER_LAST,      /* all was said, and heard */
	EVPOP_ANSWER_GIVE_UP
};

struct evpop_method {
	bool client_first;
	bool text_challenge; /* not decoded: it is for people to read */
	bool is_mutual;      /* the server proves itself, too */
	size_t state_size;   /* of the mechanism's own; 0: it has none */
	/*
	 * Check and prepare the identity; or NULL.  False where it gave up.
	 */
	bool (*begin)(
	    void *state, struct evpop_exchange *, struct evpop_identity *);
	/* Answer a challenge, by adding to an empty response. */
	enum evpop_answer (*answer)(void *state, struct evpop_exchange *,
	    const struct evpop_identity *, const struct evpop_challenge *,
	    struct evpop_secret *response);
	/*
	 * For a mechanism whose answer may want a key: describe the key, and
	 * make the response with it.
	 */
	void (*wanted)(const void *state, const struct evpop_identity *,
	    struct evpop_derivation *derivation_r);
	enum evpop_answer (*take_key)(void *state, struct evpop_exchange *,
	    const unsigned char *key, struct evpop_secret *response);
	/* Wipe and free what the state holds, which is wiped then; or NULL. */
	void (*end)(void *state);
};

extern const struct evpop_method evpop_method_plain;
extern const struct evpop_method evpop_method_login;
extern const struct evpop_method evpop_method_cram_md5;
extern const struct evpop_method evpop_method_oauth;
extern const struct evpop_method evpop_method_scram;

/* As evpop_exchange_new(), by a mechanism that is possible. */
struct evpop_exchange *evpop_exchange_begin(enum evpop_mechanism,
    const char *name, const struct evpop_method *,
    const struct evpop_credentials *, const struct evpop_exchange_target *,
    struct evpop_result *result_r) EVPOP_MUST_USE;

/* ---- for the mechanisms ---- */

/* Note the reason; returns EVPOP_ANSWER_GIVE_UP. */
enum evpop_answer evpop_exchange_give_up(struct evpop_exchange *,
    enum evpop_error, const char *format, ...) EVPOP_PRINTF(3, 4);

/* The same for want of memory. */
enum evpop_answer evpop_exchange_no_memory(struct evpop_exchange *);

/* The same, for one more challenge when all was said. */
enum evpop_answer evpop_exchange_asked_on(struct evpop_exchange *);

/*
 * The same, where the server itself says why, or where its signature is wrong:
 * a person is asked before there is another try.
 */
enum evpop_answer evpop_exchange_refused(
    struct evpop_exchange *, const char *reason);
enum evpop_answer evpop_exchange_unproved(
    struct evpop_exchange *, const char *reason);

/*
 * The server has refused a token, in these words; `is_expired`: another one may
 * help.
 */
void evpop_exchange_note_refusal(
    struct evpop_exchange *, const char *words, bool is_expired);

#endif
