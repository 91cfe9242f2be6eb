/*
 * The server on a real Unix socket, over the fakes, and clients of it that
 * share the loop's thread, so that the order of things is certain.
 */
#ifndef TEST_CONTROL_CLIENT_H
#define TEST_CONTROL_CLIENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/control/control.h"
#include "daemon/metrics/metrics.h"
#include "daemon/notify/notify.h"
#include "tests/unit/test_control_fakes.h"

#define MESSAGES  25
#define BODY_SIZE ((size_t)5 << 20)
#define PART_SIZE ((size_t)256 << 10)

struct fixture {
	char folder[64], path[96];
	struct event_base *base;
	struct store store;
	struct poller poller;
	struct deliver deliver;
	struct config config;
	struct notify *notify;
	struct metrics *metrics;
	struct control *control;
	const char *reload_error; /* NULL: it works */
	char reloaded[256];       /* in words */
	struct store_message_row messages[MESSAGES];
	struct store_account_row rows[1];
	struct store_poll_row polls[3];
	struct poller_account_status accounts[3];
	unsigned char *body;
};

/* With a folder and a socket of its own. */
int setup(void **state);
int teardown(void **state);

/* One more server of the fixture's; NULL with the reason. */
struct control *start(
    struct fixture *, int listen_fd, char *error, size_t size);

/* A connection, and octets on it. */
int dial(const struct fixture *);
void say(int fd, const char *text);

/* Let the loop do what it can. */
void turn(struct fixture *);

struct reply {
	char *bytes; /* head and body */
	size_t length, head_length, room;
	int status;
	const char *body;
	size_t body_length;
	json_t *json;
};

/* Read what is there; false at the end of the connection. */
bool read_some(int fd, struct reply *);
/* Turn the loop until the reply is there, or the connection ends. */
bool hear(struct fixture *, int fd, struct reply *reply_r);
void forget(struct reply *);

/* One request on a connection of its own. */
void ask(struct fixture *, const char *method, const char *target,
    struct reply *reply_r);

/* The same, whose answer must have that status. */
void ask_for(struct fixture *, const char *method, const char *target,
    int status, struct reply *reply_r);

/* Members of an answer; -1 and "" where there is none. */
int64_t number_of(const json_t *, const char *name);
const char *text_of(const json_t *, const char *name);

/* A member of the error in a reply; "" where there is none. */
const char *error_text(const struct reply *, const char *member);

#define LIVE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

#endif
