#include "daemon/notify/notify.h"

#include <assert.h>
#include <stdlib.h>

/* One call of notify_publish() under way; they may be nested. */
struct notify_round {
	struct notify_round *outer;
	struct notify_subscription *next; /* to be looked at; NULL: none */
};

struct notify {
	TAILQ_HEAD(, notify_subscription) subscriptions;
	uint64_t count;                     /* numbers the subscriptions */
	unsigned wanted[NOTIFY_KIND_COUNT]; /* by so many */
	struct notify_round *rounds;        /* the innermost first */
};

const char *
notify_kind_name(enum notify_kind kind)
{
	static const char *const names[] = {
		[NOTIFY_POLL_BEGUN] = "poll-begun",
		[NOTIFY_POLL_OVER] = "poll-over",
		[NOTIFY_MESSAGE_STORED] = "message-stored",
		[NOTIFY_ACCOUNT_STATE] = "account-state",
		[NOTIFY_ACCOUNT_HEALTH] = "account-health",
		[NOTIFY_DELETIONS_HELD] = "deletions-held",
		[NOTIFY_MESSAGE_QUARANTINED] = "message-quarantined",
		[NOTIFY_STORE_HEALTH] = "store-health",
		[NOTIFY_STORE_DRAINED] = "store-drained",
		[NOTIFY_CLOCK] = "clock",
		[NOTIFY_RELOADED] = "reloaded",
		[NOTIFY_RELOAD_FAILED] = "reload-failed",
		[NOTIFY_HOOK_FAILED] = "hook-failed",
		[NOTIFY_MESSAGE_DELIVERED] = "message-delivered",
		[NOTIFY_DELIVERY_REFUSED] = "delivery-refused",
		[NOTIFY_TARGET_HEALTH] = "target-health",
		[NOTIFY_TARGET_STATE] = "target-state",
		[NOTIFY_TARGET_FULL] = "target-full",
		[NOTIFY_TARGET_DRAINED] = "target-drained",
		[NOTIFY_POLLS_ENDED] = "polls-ended",
	};

	_Static_assert(sizeof names / sizeof names[0] == NOTIFY_KIND_COUNT,
	    "every kind has a name");
	assert(kind < NOTIFY_KIND_COUNT);
	return names[kind];
}

struct notify *
notify_new(void)
{
	struct notify *notify = calloc(1, sizeof *notify);

	if (notify != NULL)
		TAILQ_INIT(&notify->subscriptions);
	return notify;
}

void
notify_free(struct notify **notify)
{
	if (*notify == NULL)
		return;
	assert(TAILQ_EMPTY(&(*notify)->subscriptions));
	assert((*notify)->rounds == NULL);
	free(*notify);
	*notify = NULL;
}

static void
notify_count_wanted(struct notify *notify, unsigned kinds, unsigned change)
{
	unsigned kind;

	for (kind = 0; kind < NOTIFY_KIND_COUNT; kind++)
		if ((kinds & NOTIFY_BIT(kind)) != 0)
			notify->wanted[kind] += change;
}

void
notify_subscribe(struct notify *notify,
    struct notify_subscription *subscription, unsigned kinds, notify_cb cb,
    void *arg)
{
	assert(subscription->notify == NULL);
	if (notify == NULL)
		return;
	*subscription = (struct notify_subscription){ .notify = notify,
		.number = notify->count++,
		.kinds = kinds,
		.cb = cb,
		.arg = arg };
	TAILQ_INSERT_TAIL(&notify->subscriptions, subscription, link);
	notify_count_wanted(notify, kinds, 1);
}

void
notify_leave(struct notify_subscription *subscription)
{
	struct notify *notify = subscription->notify;
	struct notify_round *round;

	if (notify == NULL)
		return;
	for (round = notify->rounds; round != NULL; round = round->outer)
		if (round->next == subscription)
			round->next = TAILQ_NEXT(subscription, link);
	TAILQ_REMOVE(&notify->subscriptions, subscription, link);
	notify_count_wanted(notify, subscription->kinds, -1u);
	subscription->notify = NULL;
}

bool
notify_is_wanted(const struct notify *notify, enum notify_kind kind)
{
	return notify != NULL && notify->wanted[kind] > 0;
}

/* The subscription may be gone once it was called. */
void
notify_publish(struct notify *notify, const struct notify_event *event)
{
	struct notify_subscription *subscription;
	struct notify_round round;
	uint64_t end;

	if (!notify_is_wanted(notify, event->kind))
		return;
	end = notify->count;
	round.outer = notify->rounds;
	round.next = TAILQ_FIRST(&notify->subscriptions);
	notify->rounds = &round;
	while (
	    (subscription = round.next) != NULL && subscription->number < end) {
		round.next = TAILQ_NEXT(subscription, link);
		if ((subscription->kinds & NOTIFY_BIT(event->kind)) != 0)
			subscription->cb(event, subscription->arg);
	}
	notify->rounds = round.outer;
}
