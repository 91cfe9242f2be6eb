/*
 * Messages that come from files and not from a maildrop.
 */
#ifndef STORE_IMPORT_H
#define STORE_IMPORT_H

#include "daemon/store/store.h"

/*
 * Like store_body_commit(), for a body without a unique-id.  A message of the
 * account with the same bytes is STORE_TAKEN_KNOWN, wherever it came from.  A
 * new one is no part of any maildrop, so that no poll takes it for deleted; a
 * poll that meets the same on a server recognises it, as one whose id is gone.
 */
void store_body_import(struct store_body *, store_message_cb, void *arg);

#endif
