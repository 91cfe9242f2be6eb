/*
 * The HTTP API on a Unix socket.  Routes are pure functions from a request and
 * what they are given to JSON; this file's part is the server, its limits, and
 * who may do what.
 */
#ifndef CONTROL_CONTROL_H
#define CONTROL_CONTROL_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/config/config.h"

struct event_base;
struct store;
struct poller;
struct control;

struct control_options {
	int listen_fd; /* from systemd's socket unit; -1: bind it ourselves */
	struct store *store;
	struct poller *poller;
	/*
	 * Reads and applies the configuration.  The text is why not, or what
	 * did not take effect in full, a line each.
	 */
	bool (*reload)(char *text_r, size_t size, void *arg);
	/* Why fewer sessions run than are configured; NULL, "": they do not. */
	const char *limited;
	void *arg;
};

/*
 * Listen at config->control_socket with its mode and group; a socket that a
 * dead daemon left is replaced, one that answers is not.  NULL with the reason.
 * The process must ignore SIGPIPE: clients go away while they are written to.
 */
struct control *control_new(struct event_base *, const struct config *,
    const struct control_options *, char *error_r, size_t error_size)
    __attribute__((warn_unused_result));

/* Take over admins from a new configuration. */
void control_reload(struct control *, const struct config *);

/* Closes connections, removes a socket that it bound, sets NULL. */
void control_free(struct control **);

#endif
