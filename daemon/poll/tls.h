/*
 * TLS contexts for accounts: accounts that trust and show the same share one,
 * for each costs as much as the certificates it loads.
 */
#ifndef POLL_TLS_H
#define POLL_TLS_H

#include <evpop/client.h>

#include "daemon/config/config.h"

struct tls_entry;

/* Zeroed, it is empty. */
struct tls_table {
	struct tls_entry *entries;
};

/*
 * The context of an account, made where missing; the table keeps it.  NULL
 * with the reason in *result_r.
 */
struct evpop_tls_context *tls_get(struct tls_table *,
    const struct config_account *, struct evpop_result *result_r)
    __attribute__((warn_unused_result));

/* Forget all, so that changed files are read again; sessions keep theirs. */
void tls_table_clear(struct tls_table *);

#endif
