#include "daemon/oauth/waiting.h"

#include <stdlib.h>

struct oauth_request {
	struct waiting *waiting;
	TAILQ_ENTRY(oauth_request) entry;
	bool is_ready;
	struct waiting_asker asker;
};

void
waiting_init(struct waiting *waiting)
{
	TAILQ_INIT(waiting);
}

bool
waiting_is_empty(const struct waiting *waiting)
{
	return TAILQ_EMPTY(waiting);
}

struct oauth_request *
waiting_add(struct waiting *waiting, const struct waiting_asker *asker)
{
	struct oauth_request *request = calloc(1, sizeof(*request));

	if (request == NULL)
		return NULL;
	request->waiting = waiting;
	request->asker = *asker;
	TAILQ_INSERT_TAIL(waiting, request, entry);
	return request;
}

void
waiting_make_ready(struct waiting *waiting)
{
	struct oauth_request *request;

	TAILQ_FOREACH(request, waiting, entry)
		request->is_ready = true;
}

bool
waiting_take_ready(struct waiting *waiting, struct waiting_asker *asker)
{
	struct oauth_request *first = TAILQ_FIRST(waiting);

	if (first == NULL || !first->is_ready)
		return false;
	*asker = first->asker;
	waiting_cancel(&first);
	return true;
}

void
waiting_cancel(struct oauth_request **request_p)
{
	struct oauth_request *request = *request_p;

	*request_p = NULL;
	if (request == NULL)
		return;
	TAILQ_REMOVE(request->waiting, request, entry);
	free(request);
}
