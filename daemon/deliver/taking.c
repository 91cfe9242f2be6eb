#include "daemon/deliver/taking.h"

#include <stdlib.h>
#include <string.h>

#define BATCH_LEAST ((size_t)16)
#define BATCH_MOST  ((size_t)256)

enum taking_look {
	TAKING_NOTHING = 0,
	TAKING_ON,  /* above after_id */
	TAKING_ANEW /* from the first */
};

struct taking_call {
	struct taking *taking; /* NULL: it has gone */
};

struct taking {
	struct store *store;
	char *target;
	taking_cb cb;
	void *arg;
	enum taking_look look;
	int64_t after_id, last_id; /* of this pass, and ever */
	int64_t wake_ms;
	struct taking_call *call; /* under way */
};

struct taking *
taking_new(struct store *store, const char *target, taking_cb cb, void *arg)
{
	struct taking *taking = calloc(1, sizeof(*taking));

	if (taking == NULL)
		return NULL;
	taking->store = store;
	taking->target = strdup(target);
	taking->cb = cb;
	taking->arg = arg;
	taking->look = TAKING_ANEW;
	if (taking->target == NULL)
		taking_free(&taking);
	return taking;
}

void
taking_free(struct taking **taking_p)
{
	struct taking *taking = *taking_p;

	*taking_p = NULL;
	if (taking == NULL)
		return;
	if (taking->call != NULL)
		taking->call->taking = NULL;
	free(taking->target);
	free(taking);
}

void
taking_more(struct taking *taking)
{
	if (taking->look == TAKING_NOTHING)
		taking->look = TAKING_ON;
}

void
taking_anew(struct taking *taking)
{
	taking->look = TAKING_ANEW;
}

void
taking_wake_by(struct taking *taking, int64_t due_ms)
{
	if (taking->wake_ms == 0 || due_ms < taking->wake_ms)
		taking->wake_ms = due_ms;
}

size_t
taking_batch(size_t slots)
{
	return slots < BATCH_LEAST / 2  ? BATCH_LEAST
	       : slots > BATCH_MOST / 2 ? BATCH_MOST
					: 2 * slots;
}

int64_t
taking_wake_ms(const struct taking *taking)
{
	return taking->wake_ms;
}

bool
taking_wants(struct taking *taking, int64_t now_ms)
{
	if (taking->wake_ms > 0 && taking->wake_ms <= now_ms) {
		taking->wake_ms = 0;
		taking->look = TAKING_ANEW;
	}
	return taking->look != TAKING_NOTHING;
}

bool
taking_is_asked(const struct taking *taking)
{
	return taking->call != NULL;
}

static void
taking_answered(enum store_status status, const struct store_outbox_due *due,
    size_t count, bool more, int64_t next_ms, void *arg)
{
	struct taking_call *call = arg;
	struct taking *taking = call->taking;

	free(call);
	if (taking == NULL)
		return;
	taking->call = NULL;
	if (status == STORE_OK) {
		/* What was asked for meanwhile is not in this answer. */
		if (more)
			taking_more(taking);
		if (next_ms > 0)
			taking_wake_by(taking, next_ms);
		if (count > 0)
			taking->after_id = due[count - 1].id;
		if (taking->last_id < taking->after_id)
			taking->last_id = taking->after_id;
		/* What follows has come in since. */
		if (!more)
			taking->after_id = taking->last_id;
	} else
		taking->look = TAKING_ANEW;
	taking->cb(status, due, count, taking->arg);
}

void
taking_ask(struct taking *taking, const struct taking_bounds *bounds)
{
	struct store_outbox_want want = {
		.target = taking->target,
		.now_ms = bounds->now_ms,
		.limit = bounds->limit,
		.octets = bounds->octets,
		.is_ordered = bounds->is_ordered,
	};

	if (taking->call != NULL || taking->look == TAKING_NOTHING)
		return;
	taking->call = calloc(1, sizeof(*taking->call));
	if (taking->call == NULL)
		return;
	taking->call->taking = taking;
	if (taking->look == TAKING_ANEW) {
		taking->after_id = 0;
		want.limit += bounds->taken;
	}
	want.after_id = taking->after_id;
	taking->look = TAKING_NOTHING;
	store_outbox_take(taking->store, &want, taking_answered, taking->call);
}
