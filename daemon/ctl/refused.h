/*
 * What it means that a server refuses a log-in, and what to do: providers have
 * words of their own for it.
 */
#ifndef CTL_REFUSED_H
#define CTL_REFUSED_H

#include "daemon/config/provider.h"
#include "daemon/ctl/ctl.h"

enum refused {
	REFUSED_CREDENTIALS = 0, /* the user name or the password is wrong */
	REFUSED_APP_PASSWORD,    /* it wants an application password */
	REFUSED_POP3_OFF,        /* POP3 is turned off for this mailbox */
	REFUSED_BROWSER,         /* somebody has to log in by a web browser */
	REFUSED_COUNT
};

/* By the server's words. */
enum refused refused_of(const char *words);

/* Say so, as hints; the provider may be NULL. */
void refused_hint(const struct ctl *, enum refused, const char *user,
    const struct config_provider *);

#endif
