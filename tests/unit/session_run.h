/*
 * One sync under test against a server on loopback, and a record of all that
 * its callbacks were told: one word for each, "end:2", so that a test states a
 * whole session in a line.  `data` and `matched` have words only where the test
 * means to end the session in them.
 */
#ifndef EVPOP_TESTS_UNIT_SESSION_RUN_H
#define EVPOP_TESTS_UNIT_SESSION_RUN_H

#include <evpop/sync.h>

#include "tests/unit/net_run.h"
#include "tests/unit/net_server.h"

/* What the server of a test has, unless the test says otherwise. */
#define BODY_1 "Subject: one\r\n\r\n.hidden dot\r\nend\r\n"
#define BODY_2 "Subject: two\r\n\r\nbody\r\n"
#define BODY_3 "Subject: three\r\n\r\n"

extern const struct net_message session_run_messages[3];

/* When a body is said to be durable. */
enum acknowledge {
	ACK_AT_ONCE = 0,
	ACK_LATER,   /* by session_run_acknowledge() */
	ACK_REFUSED, /* at once, that it is not */
	ACK_SOON     /* from the loop's next turn */
};

#define OWED_MAX 4096

/* Entries of a listing that a session of a test after it may be told of. */
#define LEARNED_MAX     8
#define LEARNED_ID_SIZE 128

/* A sync, and a record of its callbacks in words. */
struct session_run {
	struct event_base *base;
	struct net_server server;
	struct evpop_sync *sync;
	char log[65536];
	const struct evpop_known *known;
	size_t known_count;
	bool answer_later; /* to `listing` */
	bool unchanged;    /* is the answer to `listing` */
	const struct evpop_sync_callbacks *callbacks; /* NULL: the usual ones */
	/* Where another session's client has been before; NULL, 0: nowhere. */
	struct evpop_memory *memory;
	uint16_t port;
	enum acknowledge acknowledge;
	const struct evpop_entry *owed[OWED_MAX];
	size_t owed_count;
	struct event *soon;
	const char *free_in, *stop_in, *cancel_in; /* names of callbacks */
	bool pause_at_begin, pause_at_data;
	char body[1 << 16];
	size_t body_length;
	struct evpop_sync_report report;
	bool listed, done, freed;
	/* What the last listing had, as if all of it were stored. */
	struct evpop_known learned[LEARNED_MAX];
	unsigned char learned_ids[LEARNED_MAX][LEARNED_ID_SIZE];
	size_t learned_count;
};

extern const struct evpop_policy keep_none, keep_forever;

/* Around a group of tests: their state is the event base of all of them. */
int session_run_set_up(void **state);
int session_run_tear_down(void **state);

/* A server with these rules, and a sync of it that has started. */
void session_run_begin(struct session_run *, struct event_base *,
    const struct net_rule *, size_t rule_count, const struct evpop_policy *);
/* Likewise, with a server by these options. */
void session_run_begin_with(struct session_run *, struct event_base *,
    const struct net_server_options *, const struct evpop_policy *);

/* Ends what begin began; a sync that was not freed must have been done. */
void session_run_finish(struct session_run *);

/* Begin, and finish once all is done. */
void session_run_play(struct session_run *, struct event_base *,
    const struct net_rule *, size_t rule_count, const struct evpop_policy *);
void session_run_play_with(struct session_run *, struct event_base *,
    const struct net_server_options *, const struct evpop_policy *);

/* Turn the loop until the flag is set, or for that long; whether it was. */
bool session_run_turn(struct event_base *, const bool *flag, int milliseconds);

/* Turn the loop until there are these words in a record. */
void session_run_until(
    struct event_base *, const char *record, const char *words);

/* Answer for all bodies that ended well so far. */
void session_run_acknowledge(struct session_run *, bool durable);

/* The same, for an event. */
void session_run_acknowledge_soon(evutil_socket_t, short what, void *run);

/* The commands behind the log-in. */
const char *session_run_commands(const struct session_run *);

extern const struct evpop_sync_callbacks session_run_callbacks;

#endif
