/* What an account's configuration says, in the words of the library. */
#ifndef POLL_SETUP_H
#define POLL_SETUP_H

#include <evpop/client.h>

#include "daemon/config/config.h"
#include "daemon/secret/secret.h"

/* Where its password or token comes from; false: it has none. */
bool setup_secret(
    const struct config_account *, struct secret_source *source_r);

/* All but the context for TLS and the memory of servers; borrows strings. */
void setup_client(
    struct evpop_client_config *client_r, const struct config_account *);

#endif
