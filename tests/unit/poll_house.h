/*
 * A poller with its store and a POP3 server, all on one loop: a test states
 * what the server holds and the configuration says, polls, and compares what
 * the server was asked, what the poller says and what is known afterwards.
 */
#ifndef EVPOP_TESTS_UNIT_POLL_HOUSE_H
#define EVPOP_TESTS_UNIT_POLL_HOUSE_H

#include "daemon/notify/notify.h"
#include "daemon/poll/poller.h"
#include "tests/unit/net_server.h"
#include "tests/unit/test_store_fixture.h"

struct poll_house {
	struct fixture *fixture;
	struct net_server server; /* its options may change between polls */
	const char *tls;          /* of the accounts; NULL: "none" */
	struct config *config;
	struct poller *poller;
	bool over;
	/* Of the last poll: */
	char said[512]; /* "waiting ok: messages 2, fetched 2" */
	char text[512]; /* why it failed, or "" */
	char advice[POLLER_ADVICE_SIZE];
	char plan[512];   /* "2 messages: 1 fetch 23, 2 fetch 11" */
	char known[2048]; /* "2 messages: id-1 stored, id-2 deleted" */
	struct notify_subscription subscription;
	char told[1024]; /* "home: waiting > polling", a line for each event */
	char logged[1024]; /* "warning: ...", one line each, without times */
	const char *asked; /* "CAPA;USER anna;PASS secret;...;QUIT;" */
};

/* For cmocka: *state is a struct poll_house. */
int poll_house_set_up(void **state);
int poll_house_tear_down(void **state);

/*
 * Read a configuration, in whose text "@anna" stands for how this user logs in
 * to the server.  The caller frees it.
 */
struct config *poll_house_read(struct poll_house *, const char *text);

/* A poller by such a text, and its end; a poll under way is ended. */
void poll_house_open(struct poll_house *, const char *text);
void poll_house_close(struct poll_house *);

/* How an account stands, as `said`; turns the loop until it has polled. */
void poll_house_wait_polled(struct poll_house *, const char *name);

/*
 * Poll the account "home" once, with these lines more in its section, by a
 * poller of its own.
 */
void poll_house_poll(
    struct poll_house *, const char *keys, enum poller_wish wish);

#endif
