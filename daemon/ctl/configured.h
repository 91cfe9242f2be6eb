/*
 * An account as a configuration file has it: what the daemon would do, with the
 * password that it would send.
 */
#ifndef CTL_CONFIGURED_H
#define CTL_CONFIGURED_H

#include "daemon/config/config.h"
#include "daemon/ctl/ctl.h"
#include "daemon/secret/secret.h"

struct configured {
	struct config *config;
	const struct config_account *account; /* in it */
	struct secret *secret; /* the password, or a token; NULL: none */
};

/*
 * Read it, and fetch its secret.  CTL_OK, or what to exit with, the reason
 * said; then there is nothing to free.
 */
enum ctl_exit configured_read(const struct ctl *, const char *path,
    const char *account, struct configured *configured_r);
/* Wipes the secret. */
void configured_free(struct configured *);

#endif
