/*
 * What comes from elsewhere and not from a maildrop: messages in files, and
 * unique-ids that another program has noted.
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

/*
 * Count these unique-ids of the account as seen: no poll fetches them, and none
 * deletes them.  One that is known already stays as it is.  All or none, and
 * durable when it is answered, with how many were new.  They are copied.
 */
struct store_seen_id {
	const unsigned char *bytes;
	size_t length;
};
typedef void (*store_seen_cb)(enum store_status, uint64_t added, void *arg);
void store_uids_see(struct store *, int64_t account_id,
    const struct store_seen_id *, size_t count, store_seen_cb, void *arg);

#endif
