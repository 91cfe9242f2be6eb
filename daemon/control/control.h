/*
 * The HTTP API on a Unix socket: the server, its limits, and who may do what.
 * The routes' handlers make the answers.
 */
#ifndef CONTROL_CONTROL_H
#define CONTROL_CONTROL_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/config/config.h"
#include "daemon/control/reload.h"

struct event_base;
struct deliver;
struct metrics;
struct hook;
struct notify;
struct oauth;
struct store;
struct poller;
struct confine;
struct control;

struct control_options {
	int listen_fd; /* from systemd's socket unit; -1: bind it ourselves */
	struct store *store;
	/*
	 * NULL: there is no daemon, only its store.  Then what a reader of the
	 * store can answer is answered, to the own user and root alone.
	 */
	struct poller *poller;
	struct deliver *deliver; /* with a poller only */
	struct oauth *oauth;     /* likewise */
	const struct metrics *metrics;
	const struct hook *hook; /* NULL: there are none */
	struct notify *notify;   /* the poller's; NULL: nothing is told */
	reload_function reload;
	size_t max_readers; /* of events, at a time */
	/*
	 * Why fewer sessions run than are configured; NULL or "" if they do
	 * not.
	 */
	const char *limited;
	/* The key that the store seals mail to, copied; NULL: it seals none. */
	const char *seal_to;
	/*
	 * Where the daemon's key is from, and its public half; NULL or "" where
	 * it has none.  Both may change.
	 */
	const char *key_source, *key_public;
	const struct confine *confine; /* NULL: nobody tells */
	void *arg;
};

/*
 * Listen at config->control_socket with its mode and group.  The socket of a
 * dead daemon is replaced, that of a living one is not.  Returns NULL with the
 * reason.  The process must ignore SIGPIPE: clients may disconnect at any time.
 */
struct control *control_new(struct event_base *, const struct config *,
    const struct control_options *, char *error_r, size_t error_size)
    __attribute__((warn_unused_result));

/* Take over users from a new configuration. */
void control_reload(struct control *, const struct config *);

/* Closes connections, removes a socket that it bound, sets NULL. */
void control_free(struct control **);

#endif
