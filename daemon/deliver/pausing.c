#include "daemon/deliver/pausing.h"

#include <sys/queue.h>

#include <stdlib.h>
#include <string.h>

#include "daemon/store/outbox.h"
#include "lib/base/clock.h"

/* An answer of the store that may outlive us. */
struct pausing_call {
	LIST_ENTRY(pausing_call) link;
	struct pausing *pausing; /* NULL: it has gone */
	bool is_pause;
	int64_t now_ms;
	store_done_cb done;
	void *arg;
	char *target, *who;
};

struct pausing {
	struct store *store;
	const struct target_list *targets;
	LIST_HEAD(, pausing_call) calls;
};

struct pausing *
pausing_new(struct store *store, const struct target_list *targets)
{
	struct pausing *pausing = calloc(1, sizeof(*pausing));

	if (pausing == NULL)
		return NULL;
	pausing->store = store;
	pausing->targets = targets;
	LIST_INIT(&pausing->calls);
	return pausing;
}

void
pausing_free(struct pausing **pausing_p)
{
	struct pausing *pausing = *pausing_p;
	struct pausing_call *call;

	*pausing_p = NULL;
	if (pausing == NULL)
		return;
	while ((call = LIST_FIRST(&pausing->calls)) != NULL) {
		LIST_REMOVE(call, link);
		call->pausing = NULL;
	}
	free(pausing);
}

static void
pausing_apply(const struct pausing_call *call)
{
	struct target *target =
	    target_list_find(call->pausing->targets, call->target);

	if (target != NULL && call->is_pause)
		target_pause(target, call->now_ms, call->who);
	else if (target != NULL)
		target_resume(target);
}

static void
pausing_done(enum store_status status, void *arg)
{
	struct pausing_call *call = arg;

	if (call->pausing != NULL) {
		LIST_REMOVE(call, link);
		if (status == STORE_OK)
			pausing_apply(call);
	}
	if (call->done != NULL)
		call->done(status, call->arg);
	free(call->target);
	free(call->who);
	free(call);
}

/* NULL without memory, and who asked knows. */
static struct pausing_call *
pausing_call_new(struct pausing *pausing, const char *target, const char *who,
    store_done_cb done, void *arg)
{
	struct pausing_call *call = calloc(1, sizeof(*call));
	char *name = strdup(target);

	if (call == NULL || name == NULL) {
		free(call);
		free(name);
		if (done != NULL)
			done(STORE_MEMORY, arg);
		return NULL;
	}
	call->pausing = pausing;
	call->now_ms = evpop_clock_unix_ms();
	call->target = name;
	call->who = who != NULL ? strdup(who) : NULL;
	call->done = done;
	call->arg = arg;
	LIST_INSERT_HEAD(&pausing->calls, call, link);
	return call;
}

void
pausing_begin(struct pausing *pausing, const char *target, const char *who,
    store_done_cb done, void *arg)
{
	struct pausing_call *call =
	    pausing_call_new(pausing, target, who, done, arg);

	if (call == NULL)
		return;
	call->is_pause = true;
	store_target_pause(
	    pausing->store, target, call->now_ms, who, pausing_done, call);
}

void
pausing_end(
    struct pausing *pausing, const char *target, store_done_cb done, void *arg)
{
	struct pausing_call *call =
	    pausing_call_new(pausing, target, NULL, done, arg);

	if (call != NULL)
		store_target_resume(pausing->store, target, pausing_done, call);
}
