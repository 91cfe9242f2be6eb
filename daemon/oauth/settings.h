/* What the configuration says of one who logs in by OAuth 2: a copy. */
#ifndef OAUTH_SETTINGS_H
#define OAUTH_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/config/config.h"
#include "daemon/secret/secret.h"

/* Texts are NULL where not given; the client's secret is in guarded memory. */
struct settings {
	char *name;  /* of the account or target, for people; "target:NAME" */
	char *owner; /* what its consent is kept under: the id, or the name */
	char *user;
	const struct config_provider *provider; /* or NULL */
	uint8_t flow;                           /* an enum config_oauth2_flow */
	char *client_id, *scope;
	char *token_url, *device_url, *authorization_url;
	char *proxy, *source_address;
	bool has_secret;
	enum secret_kind secret_kind;
	char *secret;
	char *bearer_name, *bearer_id; /* whose sealed secret it is */
	bool is_target;
};

/* NULL without memory. */
struct settings *settings_of_account(const struct config_account *)
    __attribute__((warn_unused_result));

struct config_target;
/* Its name is "target:NAME". */
struct settings *settings_of_target(const struct config_target *)
    __attribute__((warn_unused_result));

/* Whether a token by the one is one by the other. */
bool settings_equal(const struct settings *, const struct settings *);

/* Sets the pointer to NULL, which it may be. */
void settings_free(struct settings **);

#endif
