/*
 * The inside of an exchange, shared by what is the same for all mechanisms
 * (exchange.c, mechanism.c) and what each of them says (the other files).
 */
#ifndef EVPOP_AUTH_MECHANISM_H
#define EVPOP_AUTH_MECHANISM_H

#include "lib/auth/exchange.h"
#include "lib/auth/secret.h"

enum evpop_answer {
	EVPOP_ANSWER_MORE,
	EVPOP_ANSWER_WANTS_KEY, /* before there is a response */
	EVPOP_ANSWER_LAST,      /* and nothing remains to be said */
	EVPOP_ANSWER_GIVE_UP
};

/* What a mechanism does; `answer` is told the turn by the exchange. */
struct evpop_method {
	bool client_first;
	bool text_challenge; /* not decoded: it is for people to read */
	/*
	 * Check and prepare what was copied from the credentials; or NULL.
	 * False where it gave up.
	 */
	bool (*begin)(struct evpop_exchange *);
	/* Answer a decoded challenge, by adding to an empty response. */
	enum evpop_answer (*answer)(struct evpop_exchange *,
	    const char *challenge, size_t length,
	    struct evpop_secret *response);
	/*
	 * For those whose answer may want a key: which, and the response to
	 * make with it.
	 */
	void (*wanted)(const struct evpop_exchange *,
	    struct evpop_derivation *derivation_r);
	enum evpop_answer (*take_key)(struct evpop_exchange *,
	    const unsigned char *key, struct evpop_secret *response);
	/* Wipe and free what is the mechanism's own; or NULL. */
	void (*end)(struct evpop_exchange *);
};

extern const struct evpop_method evpop_method_plain;
extern const struct evpop_method evpop_method_login;
extern const struct evpop_method evpop_method_external;
extern const struct evpop_method evpop_method_cram_md5;
extern const struct evpop_method evpop_method_oauthbearer;
extern const struct evpop_method evpop_method_xoauth2;
extern const struct evpop_method evpop_method_scram;

struct evpop_mechanism_facts {
	const char *name;
	const struct evpop_method *method; /* NULL: no SASL mechanism */
	bool user, password, token, certificate, binding; /* it needs them */
	bool acts_as; /* can say whose identity to act as */
};
const struct evpop_mechanism_facts *evpop_mechanism_facts(enum evpop_mechanism);

/* What the mechanism lacks to be possible ("needs a password"), or NULL. */
const char *evpop_mechanism_lack(enum evpop_mechanism,
    const struct evpop_credentials *, const struct evpop_exchange_target *);

struct evpop_exchange {
	enum evpop_mechanism mechanism;
	const struct evpop_mechanism_facts *facts;
	const struct evpop_method *method;

	/* Copies, NULL where there is none; secrets go as early as may be. */
	char *user, *password, *token, *authorization, *host;
	uint16_t port;
	unsigned int mechanisms;
	struct evpop_secret exporter, unique;

	unsigned int turn; /* how many responses were made */
	bool initial_held; /* it waits for the first challenge */
	bool initial_final;
	bool wants_key;
	bool proved; /* all that the mechanism demands has happened */
	struct evpop_secret line; /* the response in base64 */

	void *state; /* the mechanism's own, or NULL */

	struct evpop_result failure; /* why it was given up */
	char refusal[EVPOP_TEXT_SIZE];
	bool token_expired;
};

/* Note the reason; returns EVPOP_ANSWER_GIVE_UP. */
enum evpop_answer evpop_exchange_give_up(struct evpop_exchange *,
    enum evpop_error, const char *format, ...) EVPOP_PRINTF(3, 4);

/* The same, for one more challenge when all was said. */
enum evpop_answer evpop_exchange_asked_on(struct evpop_exchange *);

/*
 * SCRAM's server signature is wrong or missing: somebody else than the server
 * may have answered, so a person is asked before there is another try.
 */
void evpop_exchange_unproved(const struct evpop_exchange *, const char *reason,
    struct evpop_result *result_r);

#endif
