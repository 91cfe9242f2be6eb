/*
 * The client of OAuth 2 by which an account that is to be added logs in: the
 * user has registered it with the provider.
 */
#ifndef CTL_ADD_CLIENT_H
#define CTL_ADD_CLIENT_H

#include "daemon/config/provider.h"
#include "daemon/ctl/ask.h"
#include "daemon/secret/secret.h"

struct add_client_wish {
	const char *id, *secret_fd, *flow; /* as given; or NULL */
	bool has_password;                 /* one was given instead */
	bool asks;
};

struct add_client {
	char id[ASK_LINE];     /* "": the account logs in by a password */
	struct secret *secret; /* NULL: it has none */
	const char *flow;      /* borrowed; NULL: the usual one */
};

/*
 * What was given; or what somebody types, where the provider takes no
 * passwords.  CTL_OK, or what to exit with, the reason said.
 */
enum ctl_exit add_client_take(const struct ctl *,
    const struct add_client_wish *, const struct config_provider *,
    struct add_client *client_r) __attribute__((warn_unused_result));
/* Whether it needs nobody's consent. */
bool add_client_is_alone(const struct add_client *);
/* Wipes the secret. */
void add_client_free(struct add_client *);

#endif
