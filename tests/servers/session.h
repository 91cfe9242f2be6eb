/*
 * The server's side of RFC 1939 for one connection: command lines in, answers
 * out.  It knows nothing of sockets; long answers are produced piece by piece,
 * as fast as the connection drains them.
 */

#ifndef MAILDROPD_SESSION_H
#define MAILDROPD_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <event2/buffer.h>

#include "faults.h"
#include "maildrop.h"

/* What all sessions count together. */
struct session_counters {
	uint64_t commands;
	uint64_t logins;
	uint64_t refused_logins;
	uint64_t messages_sent;
	uint64_t messages_removed;
	uint64_t bodies_cut;
	uint64_t quits_dropped;
};

/* What all sessions share. */
struct session_settings {
	struct maildrops *maildrops;
	struct session_counters counters;
	struct faults faults;
	FILE *log; /* or NULL */
	bool offer_stls;
	bool offer_pipelining;
	bool offer_uidl, offer_top;
	bool crlf;
};

struct session;

/* A session in AUTHORIZATION; NUMBER names it in the log. */
struct session *session_new(
    struct session_settings *settings, uint64_t number, bool tls_active);

/* Frees the session and unlocks its maildrop; uncommitted deletions are void.
 */
void session_free(struct session *);

void session_greet(struct session *, struct evbuffer *out);

/*
 * Carries out one command line, without its line end.  LINE has a NUL at
 * LINE[SIZE].  Not to be called while session_produces.
 */
void session_command(
    struct session *, char *line, size_t size, struct evbuffer *out);

/* Whether a long answer is under way, so that session_produce is to be called.
 */
bool session_produces(const struct session *);

/* Goes on with the long answer until OUT holds LIMIT octets. */
void session_produce(struct session *, struct evbuffer *out, size_t limit);

/* Whether STLS was just accepted; the connection then says tls_started. */
bool session_wants_tls(const struct session *);

void session_tls_started(struct session *);

/* Whether the connection is to be closed once OUT has left. */
bool session_ended(const struct session *);

/*
 * Whether the answer to the last command is to break off; *after_r is then how
 * much of it leaves before the connection is closed, or left waiting.
 */
bool session_breaks_off(const struct session *, uint64_t *after_r);

#endif
