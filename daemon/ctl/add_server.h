/*
 * The server of an account that is to be added: found, tried, and shown.  None
 * is taken that does not show a certificate for its name which somebody vouches
 * for.
 */
#ifndef CTL_ADD_SERVER_H
#define CTL_ADD_SERVER_H

#include <jansson.h>

#include "daemon/ctl/ctl.h"
#include "daemon/ctl/finding.h"

struct add_wish {
	const char *address;
	const char *server;   /* "HOST" or "HOST:PORT"; NULL: find it */
	const char *tls;      /* of that server; NULL: try */
	const char *provider; /* a name; or NULL */
	bool asks_list;       /* Mozilla's, too */
};

struct add_server {
	struct finding_server server; /* with its port and way */
	char words[FINDING_WORDS];    /* how it was found */
	json_t *way;                  /* as probe_run() saw it; for decref */
};

/*
 * Find it and see that it answers.  CTL_OK, or what to exit with, the reason
 * said; then there is nothing to free.
 */
enum ctl_exit add_server_find(const struct ctl *, const struct add_wish *,
    struct add_server *server_r) __attribute__((warn_unused_result));

/* For people. */
void add_server_print(const struct ctl *, const struct add_server *);

/* Log in there; NULL without memory. */
json_t *add_server_try(const struct ctl *, const struct finding_server *,
    const char *user, const char *password) __attribute__((warn_unused_result));

#endif
