#include "daemon/hook/hook.h"

#include <assert.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/hook/reminder.h"
#include "daemon/hook/run.h"
#include "daemon/log/log.h"
#include "daemon/notify/notify.h"
#include "daemon/poll/poller.h"
#include "lib/base/clock.h"

#define EVENTS                                                                 \
	(NOTIFY_BIT(NOTIFY_ACCOUNT_HEALTH) | NOTIFY_BIT(NOTIFY_STORE_HEALTH) | \
	    NOTIFY_BIT(NOTIFY_TARGET_HEALTH) |                                 \
	    NOTIFY_BIT(NOTIFY_MESSAGE_STORED))

const struct hook_pace hook_pace = {
	.gather_ms = 5000,
	.every_ms = 60000,
	.remind_ms = INT64_C(24) * 3600000,
	.timeout_ms = 30000,
	.farewell_ms = 5000,
};

/* What waits for a run; each kind in a queue, and reminders in their own. */
enum hook_queue_name {
	QUEUE_FAILURE = 0,
	QUEUE_RECOVERY,
	QUEUE_MESSAGE,
	QUEUE_REMINDER,
	QUEUE_COUNT
};

struct hook_queue {
	struct batch gathered; /* grows until it is due */
	struct batch ready;    /* waits for a free run */
	int64_t due_ms;        /* of what is gathered */
	int64_t next_ms;       /* nothing is due before this */
};

struct hook_record {
	char *command; /* NULL: not set */
	struct hook_status status;
	char failed_text[HOOK_TEXT_SIZE];
};

enum hook_life {
	HOOK_LIVES = 0,
	HOOK_FINISHES,
	HOOK_ENDED /* `done` was called */
};

struct hook {
	struct event_base *base;
	struct notify *notify;
	struct notify_subscription subscription;
	const struct poller *poller;
	const struct deliver *deliver;
	const struct hook_pace *pace;
	int64_t store_failing_since_ms; /* 0: it works */
	char store_text[HOOK_TEXT_SIZE];
	struct hook_queue queues[QUEUE_COUNT];
	struct hook_run runs[HOOK_RUNS];
	struct hook_record records[HOOK_KIND_COUNT];
	struct event *timer;  /* something is due */
	struct event *remind; /* what still fails */
	struct event *patience;
	enum hook_life life;
	void (*done)(void *);
	void *arg;
};

static enum hook_kind
queue_kind(enum hook_queue_name queue)
{
	static const enum hook_kind kinds[] = {
		[QUEUE_FAILURE] = HOOK_ON_FAILURE,
		[QUEUE_RECOVERY] = HOOK_ON_RECOVERY,
		[QUEUE_MESSAGE] = HOOK_ON_MESSAGE,
		[QUEUE_REMINDER] = HOOK_ON_FAILURE,
	};

	_Static_assert(sizeof(kinds) / sizeof(kinds[0]) == QUEUE_COUNT,
	    "a kind for each queue");
	return kinds[queue];
}

/* ---- when ---- */

static bool
hook_is_idle(const struct hook *hook)
{
	for (size_t i = 0; i < QUEUE_COUNT; i++)
		if (!batch_is_empty(&hook->queues[i].gathered) ||
		    !batch_is_empty(&hook->queues[i].ready))
			return false;
	for (size_t i = 0; i < HOOK_RUNS; i++)
		if (hook->runs[i].child != NULL)
			return false;
	return true;
}

/* Look again when the next of what is gathered is due. */
static void
hook_schedule(struct hook *hook)
{
	int64_t now_ms = evpop_clock_monotonic_ms(), next_ms = INT64_MAX;
	struct timeval wait;

	for (size_t i = 0; i < QUEUE_COUNT; i++) {
		const struct hook_queue *queue = &hook->queues[i];

		if (!batch_is_empty(&queue->gathered) &&
		    batch_is_empty(&queue->ready) && queue->due_ms < next_ms)
			next_ms = queue->due_ms;
	}
	if (hook->life == HOOK_FINISHES)
		next_ms = now_ms;
	if (next_ms == INT64_MAX)
		return;
	wait = evpop_clock_wait(next_ms - now_ms);
	evtimer_add(hook->timer, &wait);
}

/* What is gathered is due soon, from its first item on. */
static void
hook_set_due(struct hook *hook, struct hook_queue *queue)
{
	queue->due_ms = evpop_clock_monotonic_ms() + hook->pace->gather_ms;
	if (queue->due_ms < queue->next_ms)
		queue->due_ms = queue->next_ms;
	hook_schedule(hook);
}

/* An item of a queue, whose run is due soon; NULL where it has no room. */
static struct batch_item *
hook_gather(struct hook *hook, enum hook_queue_name name,
    const struct batch_subject *subject)
{
	struct hook_queue *queue = &hook->queues[name];
	bool is_first = batch_is_empty(&queue->gathered);
	struct batch_item *item = batch_add(&queue->gathered, subject);

	if (is_first)
		hook_set_due(hook, queue);
	return item;
}

static bool
hook_is_set(const struct hook *hook, enum hook_kind kind)
{
	return hook->records[kind].command != NULL;
}

/* ---- what happens ---- */

/*
 * Take an item back that nobody was told of yet: what it says is over.
 */
static bool
hook_take_back(struct hook *hook, enum hook_queue_name name,
    const struct batch_subject *subject)
{
	struct batch *batch = &hook->queues[name].gathered;
	struct batch_item *item = batch_find(batch, subject);

	if (item != NULL)
		batch_remove(batch, item);
	return item != NULL;
}

static void
hook_note_failure(struct hook *hook, const struct batch_subject *subject,
    const struct notify_fate *fate)
{
	struct batch_item *item;

	/* It was told to fail, and has not been told to work. */
	if (hook_take_back(hook, QUEUE_RECOVERY, subject) ||
	    !hook_is_set(hook, HOOK_ON_FAILURE))
		return;
	item = hook_gather(hook, QUEUE_FAILURE, subject);
	if (item != NULL)
		batch_describe(item,
		    &(struct batch_failure){ .host = fate->host,
			.outcome = fate->outcome,
			.text = fate->text,
			.advice = fate->advice,
			.failing_since_ms = fate->failing_since_ms,
			.needs_attention = strcmp(fate->to, "refused") == 0 });
}

static void
hook_note_recovery(struct hook *hook, const struct batch_subject *subject,
    const struct notify_fate *fate)
{
	struct batch_item *item;

	if (hook_take_back(hook, QUEUE_FAILURE, subject) ||
	    !hook_is_set(hook, HOOK_ON_RECOVERY))
		return;
	item = hook_gather(hook, QUEUE_RECOVERY, subject);
	if (item != NULL)
		batch_describe(
		    item, &(struct batch_failure){ .host = fate->host,
			      .outcome = fate->outcome,
			      .failing_since_ms = fate->failing_since_ms });
}

/* For the reminders. */
static void
hook_note_store(struct hook *hook, const struct notify_health *health)
{
	if (health->works)
		hook->store_failing_since_ms = 0;
	else if (hook->store_failing_since_ms == 0)
		hook->store_failing_since_ms = evpop_clock_unix_ms();
	(void)snprintf(hook->store_text, sizeof(hook->store_text), "%s",
	    health->text != NULL ? health->text : "");
}

static void
hook_told(const struct notify_event *event, void *arg)
{
	const struct notify_fate store = { .from = "ok",
		.to = "failing",
		.text = event->kind == NOTIFY_STORE_HEALTH ? event->health.text
							   : NULL,
		.failing_since_ms = evpop_clock_unix_ms() };
	const struct batch_subject subject = { event->account, event->target };
	struct hook *hook = arg;
	struct batch_item *item;

	switch (event->kind) {
	case NOTIFY_ACCOUNT_HEALTH:
	case NOTIFY_TARGET_HEALTH:
		if (strcmp(event->fate.to, "ok") == 0)
			hook_note_recovery(hook, &subject, &event->fate);
		else if (strcmp(event->fate.from, "ok") == 0 ||
			 strcmp(event->fate.to, "refused") == 0)
			hook_note_failure(hook, &subject, &event->fate);
		break;
	case NOTIFY_STORE_HEALTH:
		hook_note_store(hook, &event->health);
		if (event->health.works)
			hook_note_recovery(hook, &subject,
			    &(struct notify_fate){ .to = "ok" });
		else
			hook_note_failure(hook, &subject, &store);
		break;
	case NOTIFY_MESSAGE_STORED:
		if (!hook_is_set(hook, HOOK_ON_MESSAGE))
			break;
		item = hook_gather(hook, QUEUE_MESSAGE, &subject);
		if (item != NULL)
			batch_add_message(item, event->message.id);
		break;
	default:
		break;
	}
}

/* What has failed for long, and was told of long ago. */
static void
hook_remind(evutil_socket_t fd, short what, void *arg)
{
	struct hook *hook = arg;
	int64_t before_ms = evpop_clock_unix_ms() - hook->pace->remind_ms / 2;
	struct hook_queue *queue = &hook->queues[QUEUE_REMINDER];
	bool was_empty = batch_is_empty(&queue->gathered);

	(void)fd;
	(void)what;
	if (!hook_is_set(hook, HOOK_ON_FAILURE))
		return;
	reminder_gather(
	    &queue->gathered, hook->poller, hook->deliver, before_ms);
	reminder_gather_store(&queue->gathered, hook->store_failing_since_ms,
	    hook->store_text, before_ms);
	if (was_empty && !batch_is_empty(&queue->gathered))
		hook_set_due(hook, queue);
}

/* ---- runs ---- */

static void
hook_fail(struct hook *hook, enum hook_kind kind, const char *text)
{
	struct hook_record *record = &hook->records[kind];

	snprintf(record->failed_text, sizeof(record->failed_text), "%s", text);
	record->status.failures++;
	record->status.failed_text = record->failed_text;
	log_write(LOG_LEVEL_ERROR, NULL,
	    "%s failed: %s; it runs again at the "
	    "next event",
	    hook_kind_name(kind), text);
	notify_publish(
	    hook->notify, &(struct notify_event){ .kind = NOTIFY_HOOK_FAILED,
			      .failure = { hook_kind_name(kind), text } });
}

static void hook_go_on(struct hook *);

static void
hook_run_over(
    struct hook_run *run, const char *failed, const char *output, void *arg)
{
	struct hook *hook = arg;
	struct hook_status *status = &hook->records[run->kind].status;

	status->runs++;
	status->last_run_ms = evpop_clock_unix_ms();
	if (failed != NULL) {
		hook_fail(hook, run->kind, failed);
	} else {
		status->failed_text = NULL;
		log_write(*output != '\0' ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG,
		    NULL, "%s has run%s%s", hook_kind_name(run->kind),
		    *output != '\0' ? ": " : "", output);
	}
	hook_go_on(hook);
}

static struct hook_run *
hook_free_run(struct hook *hook)
{
	for (size_t i = 0; i < HOOK_RUNS; i++)
		if (hook->runs[i].child == NULL)
			return &hook->runs[i];
	return NULL;
}

/* Failures and recoveries are told in their order: one after the other. */
static bool
hook_may_start(const struct hook *hook, enum hook_queue_name name)
{
	if (batch_is_empty(&hook->queues[name].ready))
		return false;
	if (name == QUEUE_MESSAGE)
		return true;
	for (size_t i = 0; i < HOOK_RUNS; i++)
		if (hook->runs[i].child != NULL &&
		    hook->runs[i].kind != HOOK_ON_MESSAGE)
			return false;
	return true;
}

/* All of what is ready in a run; of new mail an account in each. */
static void
hook_start(struct hook *hook, struct hook_run *run, enum hook_queue_name name)
{
	struct batch *ready = &hook->queues[name].ready;
	struct batch_item *item = TAILQ_FIRST(&ready->items);
	const char *command = hook->records[queue_kind(name)].command;
	char text[HOOK_TEXT_SIZE];

	run->kind = queue_kind(name);
	run->is_reminder = name == QUEUE_REMINDER;
	if (name == QUEUE_MESSAGE && item != NULL) {
		TAILQ_REMOVE(&ready->items, item, link);
		ready->count--;
		TAILQ_INSERT_TAIL(&run->batch.items, item, link);
		run->batch.count = 1;
	} else {
		batch_move(&run->batch, ready);
	}
	/* A reload may have taken the command away. */
	if (command == NULL)
		batch_clear(&run->batch);
	else if (!hook_run_start(run, hook->base, command, text))
		hook_fail(hook, run->kind, text);
}

static void
hook_note_dropped(struct hook *hook, enum hook_queue_name name, uint64_t count)
{
	enum hook_kind kind = queue_kind(name);

	if (count == 0)
		return;
	hook->records[kind].status.dropped += count;
	log_write(LOG_LEVEL_WARNING, NULL,
	    "%s: more than %d accounts at a time; %" PRIu64
	    " events are not told by name",
	    hook_kind_name(kind), BATCH_ACCOUNTS, count);
}

/* What is due is ready to run. */
static void
hook_make_ready(struct hook *hook, int64_t now_ms)
{
	for (size_t i = 0; i < QUEUE_COUNT; i++) {
		struct hook_queue *queue = &hook->queues[i];

		if (batch_is_empty(&queue->gathered) ||
		    !batch_is_empty(&queue->ready) ||
		    (hook->life == HOOK_LIVES && queue->due_ms > now_ms))
			continue;
		hook_note_dropped(
		    hook, (enum hook_queue_name)i, queue->gathered.more);
		if (i == QUEUE_MESSAGE)
			queue->gathered.more = 0;
		batch_move(&queue->ready, &queue->gathered);
		queue->next_ms = now_ms + hook->pace->every_ms;
	}
}

static void
hook_end(struct hook *hook)
{
	hook->life = HOOK_ENDED;
	evtimer_del(hook->patience);
	hook->done(hook->arg);
}

static void
hook_go_on(struct hook *hook)
{
	struct hook_run *run;

	hook_make_ready(hook, evpop_clock_monotonic_ms());
	for (size_t i = 0; i < QUEUE_COUNT; i++)
		while (hook_may_start(hook, (enum hook_queue_name)i) &&
		       (run = hook_free_run(hook)) != NULL)
			hook_start(hook, run, (enum hook_queue_name)i);
	if (hook->life == HOOK_LIVES)
		hook_schedule(hook);
	else if (hook->life == HOOK_FINISHES && hook_is_idle(hook))
		hook_end(hook);
}

static void
hook_due(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	hook_go_on(arg);
}

/* ---- its life ---- */

static void
hook_out_of_patience(evutil_socket_t fd, short what, void *arg)
{
	struct hook *hook = arg;

	(void)fd;
	(void)what;
	for (size_t i = 0; i < HOOK_RUNS; i++) {
		if (hook->runs[i].child == NULL)
			continue;
		log_write(LOG_LEVEL_WARNING, NULL,
		    "%s is killed: it still runs at the end of the daemon",
		    hook_kind_name(hook->runs[i].kind));
		hook_run_kill(&hook->runs[i]);
	}
	for (size_t i = 0; i < QUEUE_COUNT; i++) {
		if (!batch_is_empty(&hook->queues[i].ready))
			log_write(LOG_LEVEL_WARNING, NULL,
			    "%s has not run for %zu accounts: the daemon ends",
			    hook_kind_name(queue_kind((enum hook_queue_name)i)),
			    hook->queues[i].ready.count);
		batch_clear(&hook->queues[i].ready);
		batch_clear(&hook->queues[i].gathered);
	}
	hook_end(hook);
}

void
hook_finish(
    struct hook *hook, int64_t patience_ms, void (*done)(void *), void *arg)
{
	const struct timeval patience = evpop_clock_wait(patience_ms);

	if (hook->life != HOOK_LIVES)
		return;
	hook->life = HOOK_FINISHES;
	hook->done = done;
	hook->arg = arg;
	evtimer_add(hook->patience, &patience);
	hook_schedule(hook);
}

void
hook_reload(struct hook *hook, const struct config *config)
{
	const char *const commands[HOOK_KIND_COUNT] = {
		[HOOK_ON_FAILURE] = config->hook_on_failure,
		[HOOK_ON_RECOVERY] = config->hook_on_recovery,
		[HOOK_ON_MESSAGE] = config->hook_on_message,
	};

	for (size_t i = 0; i < HOOK_KIND_COUNT; i++) {
		struct hook_record *record = &hook->records[i];
		char *command =
		    commands[i] != NULL ? strdup(commands[i]) : NULL;

		if (commands[i] != NULL && command == NULL)
			continue;
		/* Another command has not failed. */
		if (command == NULL || record->command == NULL ||
		    strcmp(command, record->command) != 0)
			record->status.failed_text = NULL;
		free(record->command);
		record->command = command;
	}
}

struct hook *
hook_new(struct event_base *base, struct notify *notify,
    const struct poller *poller, const struct deliver *deliver,
    const struct config *config, const struct hook_pace *pace)
{
	const struct timeval remind = evpop_clock_wait(pace->remind_ms);
	struct hook *hook = calloc(1, sizeof(*hook));

	if (hook == NULL)
		return NULL;
	hook->base = base;
	hook->notify = notify;
	hook->poller = poller;
	hook->deliver = deliver;
	hook->pace = pace;
	for (size_t i = 0; i < QUEUE_COUNT; i++) {
		batch_begin(&hook->queues[i].gathered);
		batch_begin(&hook->queues[i].ready);
	}
	for (size_t i = 0; i < HOOK_RUNS; i++) {
		hook->runs[i].pace = pace;
		hook->runs[i].ended = hook_run_over;
		hook->runs[i].arg = hook;
		batch_begin(&hook->runs[i].batch);
	}
	hook->timer = evtimer_new(base, hook_due, hook);
	hook->patience = evtimer_new(base, hook_out_of_patience, hook);
	hook->remind = event_new(base, -1, EV_PERSIST, hook_remind, hook);
	if (hook->timer == NULL || hook->patience == NULL ||
	    hook->remind == NULL || event_add(hook->remind, &remind) != 0) {
		hook_free(&hook);
		return NULL;
	}
	hook_reload(hook, config);
	notify_subscribe(notify, &hook->subscription, EVENTS, hook_told, hook);
	return hook;
}

void
hook_status(
    const struct hook *hook, enum hook_kind kind, struct hook_status *status)
{
	*status = hook->records[kind].status;
	status->is_set = hook_is_set(hook, kind);
	for (size_t i = 0; i < QUEUE_COUNT; i++)
		if (queue_kind((enum hook_queue_name)i) == kind)
			status->waiting += hook->queues[i].gathered.count +
					   hook->queues[i].ready.count;
	for (size_t i = 0; i < HOOK_RUNS; i++)
		if (hook->runs[i].child != NULL && hook->runs[i].kind == kind)
			status->running++;
}

static void
hook_free_event(struct event *event)
{
	if (event != NULL)
		event_free(event);
}

void
hook_free(struct hook **hook_p)
{
	struct hook *hook = *hook_p;

	*hook_p = NULL;
	if (hook == NULL)
		return;
	notify_leave(&hook->subscription);
	for (size_t i = 0; i < HOOK_RUNS; i++)
		hook_run_kill(&hook->runs[i]);
	for (size_t i = 0; i < QUEUE_COUNT; i++) {
		batch_clear(&hook->queues[i].gathered);
		batch_clear(&hook->queues[i].ready);
	}
	for (size_t i = 0; i < HOOK_KIND_COUNT; i++)
		free(hook->records[i].command);
	hook_free_event(hook->timer);
	hook_free_event(hook->remind);
	hook_free_event(hook->patience);
	free(hook);
}
