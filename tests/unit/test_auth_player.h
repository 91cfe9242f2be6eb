/*
 * Plays exchanges for the tests of mechanisms: scripted ones turn by turn, and
 * SCRAM against the server's side of GSASL.
 */
#ifndef EVPOP_TEST_AUTH_PLAYER_H
#define EVPOP_TEST_AUTH_PLAYER_H

#include "lib/auth/exchange.h"

#define TURNS_MAX 5

struct turn {
	const char *challenge; /* as it stands in the line */
	const char *response;  /* NULL: the script ends before this turn */
	bool final;
};

struct script {
	const char *name;
	enum evpop_mechanism mechanism;
	struct evpop_credentials credentials;
	struct evpop_exchange_target target;
	const char *initial; /* NULL: the server speaks first */
	bool initial_final;
	bool skip; /* the initial response is not sent with AUTH */
	struct turn turns[TURNS_MAX];
	enum evpop_error verified; /* what evpop_exchange_verified() finds */
	const char *refusal;       /* begins evpop_exchange_refusal() */
	bool expired;
};

/* What each script begins with: who logs in, where, and how. */
#define SCRIPT(says, how, who, where)                       \
	.name = (says), .mechanism = EVPOP_MECHANISM_##how, \
	.credentials = who, .target = where
/* The initial response, with which the client has said all. */
#define INITIAL(text) .initial = (text), .initial_final = true

/* Fails the test, with the script's name, where an exchange goes otherwise. */
void play_script(const struct script *);

/* Base64 of a text, and back; to be freed. */
char *encoded(const char *text);
char *decoded(const char *text);

/* The key of a derivation. */
void derive_key(
    const struct evpop_derivation *, unsigned char key_r[EVPOP_KEY_MAX]);

/* evpop_exchange_step(), and with the key where one is wanted. */
const char *step_through(struct evpop_exchange *,
    const unsigned char *challenge, size_t length, bool *final_r);

/* Give a plain text as challenge. */
const char *step_plain(
    struct evpop_exchange *, const char *text, bool *final_r);

/* The server's side of SCRAM. */
struct scram_server {
	const char *mechanism;
	const char *password;
	const char *exporter, *unique; /* its binding, or NULL */
	bool mute;                     /* does not send its signature */
	const char *signature;         /* sends this one instead */
	/* what came of it: */
	bool accepted;     /* the client's proof was right */
	char first[512];   /* client-first-message */
	char authzid[128]; /* "" where there was none */
};

/* Play to the end; returns the client's last response, good as in step(). */
const char *play_scram(struct evpop_exchange *, struct scram_server *);

#endif
