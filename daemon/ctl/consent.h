/*
 * The consent of a user by OAuth 2: the daemon runs the flow, and this tells
 * the user what to do, and the daemon what the browser brought.
 */
#ifndef CTL_CONSENT_H
#define CTL_CONSENT_H

#include "daemon/ctl/ctl.h"

struct consent_wish {
	const char *account;
	const char *flow;   /* "device" or "code"; NULL: as it is configured */
	const char *port;   /* that the browser comes back to; NULL: any */
	bool opens_browser; /* where there is one */
	bool polls;         /* and shows the poll that follows */
};

/* CTL_OK once the daemon has the consent; else the reason is said.  Where it
 * polls, as the poll ends. */
enum ctl_exit consent_take(const struct ctl *, const struct consent_wish *)
    __attribute__((warn_unused_result));

/* Let the daemon forget it. */
enum ctl_exit consent_forget(const struct ctl *, const char *account);

#endif
