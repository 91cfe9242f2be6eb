/*
 * Searching without an index: each message is opened, looked through and
 * forgotten, the newest first.
 */
#ifndef CTL_SIFTING_H
#define CTL_SIFTING_H

#include "daemon/ctl/source.h"

/* A page of /v1/messages with "q" or "from", as the daemon gives it. */
bool sifting_page(struct mail_source *, const struct ctl *,
    const struct target *, json_t **page_r, struct client_error *error_r)
    __attribute__((warn_unused_result));

#endif
