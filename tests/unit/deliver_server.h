/*
 * A server of LMTP or IMAP on the test's own loop: it says what the test's
 * rules say, and keeps what it was told.
 */
#ifndef TESTS_DELIVER_SERVER_H
#define TESTS_DELIVER_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/unit/deliver_parcels.h"

#define SERVER_RULES 24

struct server_rule {
	/* A command begins so; "." is a message's end, "" the connection. */
	const char *command;
	/*
	 * Octets; NULL: it hangs up.  In IMAP a "=" at a line's beginning
	 * stands for the command's tag.
	 */
	const char *reply;
	unsigned times; /* so often; 0: always */
};

struct deliver_server {
	struct post *post;
	bool is_imap;
	/* The first that fits. */
	struct server_rule rules[SERVER_RULES];
	size_t rule_count;
	unsigned connections;
	char log[16384];  /* commands, each with a ';' behind */
	char mail[65536]; /* messages, as they came */
	size_t log_length, mail_length;
	/* Private. */
	struct evconnlistener *listener;
	struct bufferevent *client;
	unsigned used[SERVER_RULES];
	char command[1024], tag[16];
	size_t literal;
	bool is_mail;
};

/* It is where the post's target is. */
struct deliver_server *deliver_server_new(struct post *, bool is_imap);
void deliver_server_free(struct deliver_server *);

/* A rule in front of those that there are. */
void deliver_server_rule(struct deliver_server *, const char *command,
    const char *reply, unsigned times);
/* How often a text is among the commands. */
unsigned deliver_server_heard(const struct deliver_server *, const char *text);

#endif
