/* Who waits for a token, in the order in which they asked. */
#ifndef OAUTH_WAITING_H
#define OAUTH_WAITING_H

#include <sys/queue.h>

#include "daemon/oauth/oauth.h"

struct waiting_asker {
	oauth_cb cb;
	void *arg;
};

TAILQ_HEAD(waiting, oauth_request);

void waiting_init(struct waiting *);
bool waiting_is_empty(const struct waiting *);

/* NULL without memory. */
struct oauth_request *waiting_add(struct waiting *,
    const struct waiting_asker *) __attribute__((warn_unused_result));

/* All that wait now are ready to be told; those who ask later are not. */
void waiting_make_ready(struct waiting *);
/* The first that is ready, who waits no more; false: there is none. */
bool waiting_take_ready(struct waiting *, struct waiting_asker *asker_r);

/* Sets the pointer to NULL, which it may be. */
void waiting_cancel(struct oauth_request **);

#endif
