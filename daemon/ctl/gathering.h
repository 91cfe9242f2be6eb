/*
 * Conversations of mail that only its reader can read: the headers of all
 * messages are looked through for the ids that they name.
 */
#ifndef CTL_GATHERING_H
#define CTL_GATHERING_H

#include "daemon/ctl/source.h"

/* The answer of /v1/messages/ID/thread, on one page. */
bool gathering_page(struct mail_source *, const struct ctl *, const char *id,
    json_t **page_r, struct client_error *error_r)
    __attribute__((warn_unused_result));

#endif
