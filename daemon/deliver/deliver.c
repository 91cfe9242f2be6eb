#include "daemon/deliver/deliver.h"

#include <sys/queue.h>

#include <assert.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config/config.h"
#include "daemon/deliver/basis.h"
#include "daemon/deliver/carriers.h"
#include "daemon/deliver/pausing.h"
#include "daemon/deliver/target_list.h"
#include "daemon/log/log.h"
#include "daemon/notify/notify.h"
#include "daemon/store/outbox.h"
#include "daemon/store/store.h"
#include "lib/base/clock.h"

/* Figures are read again after a change, and the store after it failed. */
#define COUNT_AGAIN_MS 1000
#define STORE_AGAIN_MS 5000

/* An answer of the store that may outlive us. */
struct deliver_call {
	LIST_ENTRY(deliver_call) link;
	struct deliver *deliver; /* NULL: it has gone */
};

enum deliver_life {
	DELIVER_BEGINS = 0, /* the store is told what goes where */
	DELIVER_RUNS,
	DELIVER_STOPS
};

struct deliver {
	struct deliver_options options;
	struct target_world world;
	struct basis *basis;
	struct target_list *targets;
	struct pausing *pausing;
	LIST_HEAD(, deliver_call) calls;
	struct notify_subscription subscription;
	enum deliver_life life;
	bool is_configuring, is_counting;
	bool is_counted; /* since the last change of the configuration */
	bool has_failed; /* the store has, for either */
	struct event *look, *again, *grace;
	void (*done)(void *arg);
	void *arg;
};

static void
deliver_wake_in(struct event *timer, int64_t wait_ms)
{
	const struct timeval wait = evpop_clock_wait(wait_ms);

	evtimer_add(timer, &wait);
}

/* From the loop, look whether something is over. */
static void
deliver_changed(void *arg)
{
	struct deliver *deliver = arg;

	if (!evtimer_pending(deliver->look, NULL))
		deliver_wake_in(deliver->look, 0);
}

/* ---- figures ---- */

/* Whose it is, or NULL: we have gone. */
static struct deliver *
deliver_call_end(struct deliver_call *call, enum store_status status)
{
	struct deliver *deliver = call->deliver;

	if (deliver != NULL) {
		LIST_REMOVE(call, link);
		deliver->has_failed = status != STORE_OK;
		deliver_changed(deliver);
	}
	free(call);
	return deliver;
}

static void
deliver_counted(enum store_status status,
    const struct store_outbox_figures *figures, size_t count, void *arg)
{
	struct deliver *deliver = deliver_call_end(arg, status);

	if (deliver == NULL)
		return;
	deliver->is_counting = false;
	if (status != STORE_OK) {
		deliver_wake_in(deliver->again, STORE_AGAIN_MS);
		return;
	}
	target_list_set_figures(
	    deliver->targets, figures, count, !deliver->is_counted);
	deliver->is_counted = true;
	if (deliver->life == DELIVER_BEGINS)
		deliver->life = DELIVER_RUNS;
	for (size_t i = 0; i < target_list_count(deliver->targets); i++)
		if (deliver->life == DELIVER_RUNS)
			target_open(target_list_at(deliver->targets, i));
}

static struct deliver_call *
deliver_call_new(struct deliver *deliver)
{
	struct deliver_call *call = calloc(1, sizeof(*call));

	if (call == NULL)
		return NULL;
	call->deliver = deliver;
	LIST_INSERT_HEAD(&deliver->calls, call, link);
	return call;
}

static void
deliver_count(struct deliver *deliver)
{
	struct deliver_call *call;

	if (deliver->is_counting)
		return;
	call = deliver_call_new(deliver);
	if (call == NULL) {
		deliver_wake_in(deliver->again, STORE_AGAIN_MS);
		return;
	}
	deliver->is_counting = true;
	target_list_ask(deliver->targets);
	store_outbox_figures(deliver->options.store, deliver_counted, call);
}

static bool
deliver_needs_figures(const struct deliver *deliver)
{
	return !deliver->is_counted ||
	       !target_list_is_counted(deliver->targets);
}

/* ---- what goes where ---- */

static void
deliver_told(enum store_status status, void *arg)
{
	struct deliver *deliver = deliver_call_end(arg, status);

	if (deliver == NULL)
		return;
	deliver->is_configuring = false;
	if (status == STORE_OK) {
		deliver_count(deliver);
		return;
	}
	log_write(LOG_LEVEL_ERROR, NULL,
	    "the store does not take where mail is delivered to (%s): %s",
	    store_status_name(status), store_status_hint(status));
	deliver->is_counted = false;
	deliver_wake_in(deliver->again, STORE_AGAIN_MS);
}

static size_t
deliver_gather(const struct config *config, struct store_delivering *all)
{
	const struct config_account *account;
	size_t count = 0;

	for (size_t i = 0; i < config->account_count; i++) {
		account = config->accounts[i];
		if (account->deliver.count == 0)
			continue;
		all[count++] = (struct store_delivering){
			.account = account->name,
			.targets = (const char *const *)account->deliver.items,
			.target_count = account->deliver.count,
			.deletes_delivered =
			    account->keep.kind == CONFIG_KEEP_DELIVERED,
		};
	}
	return count;
}

static void
deliver_tell_store(struct deliver *deliver)
{
	const struct config *config = basis_config(deliver->basis);
	struct store_delivering *all =
	    calloc(config->account_count + 1, sizeof(*all));
	struct deliver_call *call = NULL;

	if (all != NULL)
		call = deliver_call_new(deliver);
	if (call != NULL) {
		deliver->is_configuring = true;
		store_outbox_configure(deliver->options.store, all,
		    deliver_gather(config, all), deliver_told, call);
	} else
		deliver_wake_in(deliver->again, STORE_AGAIN_MS);
	free(all);
}

/*
 * Nothing can be delivered, or recorded, while the store fails: then who waits
 * for the end of all deliveries would wait for ever.
 */
static bool
deliver_is_over(const struct deliver *deliver)
{
	bool stops = deliver->life == DELIVER_STOPS;
	const struct target *target;

	if (!stops &&
	    (deliver->has_failed ||
		store_health(deliver->options.store)->status != STORE_OK))
		return true;
	if (deliver->life == DELIVER_BEGINS || deliver->is_configuring)
		return false;
	for (size_t i = 0; i < target_list_count(deliver->targets); i++) {
		target = target_list_at(deliver->targets, i);
		if (!(stops ? target_is_empty(target) : target_is_idle(target)))
			return false;
	}
	/*
	 * By these it is told whether all was delivered; while they are asked
	 * for, there are those that were asked for before something changed.
	 */
	return stops ||
	       (!deliver->is_counting && !deliver_needs_figures(deliver));
}

static void
deliver_end(struct deliver *deliver)
{
	void (*done)(void *arg) = deliver->done;

	deliver->done = NULL;
	evtimer_del(deliver->grace);
	if (done != NULL)
		done(deliver->arg);
}

static void
deliver_look(evutil_socket_t fd, short what, void *arg)
{
	struct deliver *deliver = arg;

	(void)fd;
	(void)what;
	target_list_sweep(deliver->targets, basis_config(deliver->basis));
	if (deliver->done != NULL && deliver_is_over(deliver))
		deliver_end(deliver);
	else if (deliver->life != DELIVER_RUNS ||
		 !deliver_needs_figures(deliver))
		return;
	/* Somebody waits for them. */
	else if (deliver->done != NULL)
		deliver_wake_in(deliver->again, 0);
	else if (!evtimer_pending(deliver->again, NULL))
		deliver_wake_in(deliver->again, COUNT_AGAIN_MS);
}

static void
deliver_again(evutil_socket_t fd, short what, void *arg)
{
	struct deliver *deliver = arg;

	(void)fd;
	(void)what;
	if (deliver->is_configuring)
		return;
	if (deliver->is_counted)
		deliver_count(deliver);
	else
		deliver_tell_store(deliver);
}

static void
deliver_grace_over(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	deliver_end(arg);
}

/* ---- news ---- */

static void
deliver_message_stored(struct deliver *deliver, const char *name)
{
	const struct config_account *account =
	    config_find(basis_config(deliver->basis), name);
	struct target *target;

	for (size_t i = 0; account != NULL && i < account->deliver.count; i++) {
		target = target_list_find(
		    deliver->targets, account->deliver.items[i]);
		if (target != NULL)
			target_stored(target);
	}
}

static void
deliver_on_event(const struct notify_event *event, void *arg)
{
	struct deliver *deliver = arg;

	if (event->kind == NOTIFY_MESSAGE_STORED)
		deliver_message_stored(deliver, event->account);
	else {
		for (size_t i = 0; event->health.works &&
				   i < target_list_count(deliver->targets);
		     i++)
			target_look(target_list_at(deliver->targets, i));
		deliver_changed(deliver);
	}
}

static void
deliver_redirected(const char *name, void *arg)
{
	const struct deliver *deliver = arg;
	struct target *target = target_list_find(deliver->targets, name);

	if (target != NULL)
		target_recount(target);
}

/* ---- its life ---- */

/* False without memory. */
static bool
deliver_take_config(struct deliver *deliver, struct basis *basis)
{
	if (!target_list_reserve(deliver->targets, basis_config(basis)))
		return false;
	basis_drop(&deliver->basis);
	deliver->basis = basis_hold(basis);
	target_list_configure(deliver->targets, deliver->basis);
	deliver->is_counted = false;
	return true;
}

static bool
deliver_make(struct deliver *deliver, const struct config *config)
{
	struct event_base *base = deliver->options.base;
	struct basis *basis;
	bool is_made;

	deliver->targets = target_list_new(&deliver->world);
	if (deliver->targets != NULL)
		deliver->pausing =
		    pausing_new(deliver->options.store, deliver->targets);
	deliver->look = evtimer_new(base, deliver_look, deliver);
	deliver->again = evtimer_new(base, deliver_again, deliver);
	deliver->grace = evtimer_new(base, deliver_grace_over, deliver);
	basis = basis_new(config, deliver->options.key);
	is_made = deliver->pausing != NULL && deliver->look != NULL &&
		  deliver->again != NULL && deliver->grace != NULL &&
		  basis != NULL && deliver_take_config(deliver, basis);
	basis_drop(&basis);
	return is_made;
}

struct deliver *
deliver_new(const struct deliver_options *options, const struct config *config)
{
	struct deliver *deliver = calloc(1, sizeof(*deliver));

	if (deliver == NULL)
		return NULL;
	deliver->options = *options;
	LIST_INIT(&deliver->calls);
	deliver->world = (struct target_world){
		.base = options->base,
		.names = options->names,
		.store = options->store,
		.notify = options->notify,
		.oauth = options->oauth,
		.carriers =
		    options->carriers != NULL ? options->carriers : carriers,
		.changed = deliver_changed,
		.redirected = deliver_redirected,
		.arg = deliver,
	};
	if (!deliver_make(deliver, config)) {
		deliver_free(&deliver);
		return NULL;
	}
	notify_subscribe(options->notify, &deliver->subscription,
	    NOTIFY_BIT(NOTIFY_MESSAGE_STORED) | NOTIFY_BIT(NOTIFY_STORE_HEALTH),
	    deliver_on_event, deliver);
	deliver_tell_store(deliver);
	return deliver;
}

bool
deliver_reload(struct deliver *deliver, const struct config *config,
    const struct secret_key *key)
{
	struct basis *basis = basis_new(config, key);
	bool is_done = basis != NULL && deliver_take_config(deliver, basis);

	basis_drop(&basis);
	if (is_done)
		deliver_tell_store(deliver);
	deliver_changed(deliver);
	return is_done;
}

void
deliver_finish(struct deliver *deliver, void (*done)(void *arg), void *arg)
{
	deliver->done = done;
	deliver->arg = arg;
	deliver_changed(deliver);
}

void
deliver_stop(struct deliver *deliver, int64_t grace_ms, void (*done)(void *arg),
    void *arg)
{
	deliver->life = DELIVER_STOPS;
	deliver->done = done;
	deliver->arg = arg;
	for (size_t i = 0; i < target_list_count(deliver->targets); i++)
		target_stop(target_list_at(deliver->targets, i));
	deliver_wake_in(deliver->grace, grace_ms);
	deliver_changed(deliver);
}

void
deliver_free(struct deliver **deliver_p)
{
	struct deliver *deliver = *deliver_p;
	struct deliver_call *call;

	*deliver_p = NULL;
	if (deliver == NULL)
		return;
	notify_leave(&deliver->subscription);
	target_list_free(&deliver->targets);
	pausing_free(&deliver->pausing);
	while ((call = LIST_FIRST(&deliver->calls)) != NULL) {
		LIST_REMOVE(call, link);
		call->deliver = NULL;
	}
	basis_drop(&deliver->basis);
	if (deliver->look != NULL)
		event_free(deliver->look);
	if (deliver->again != NULL)
		event_free(deliver->again);
	if (deliver->grace != NULL)
		event_free(deliver->grace);
	free(deliver);
}

/* ---- what people ask for ---- */

enum deliver_answer
deliver_pause(struct deliver *deliver, const char *name, const char *who,
    store_done_cb done, void *arg)
{
	const struct target *target = target_list_find(deliver->targets, name);

	if (target == NULL)
		return DELIVER_NO_SUCH_TARGET;
	if (target_is_paused(target))
		return DELIVER_ALREADY;
	pausing_begin(deliver->pausing, name, who, done, arg);
	return DELIVER_DONE;
}

enum deliver_answer
deliver_resume(
    struct deliver *deliver, const char *name, store_done_cb done, void *arg)
{
	const struct target *target = target_list_find(deliver->targets, name);

	if (target == NULL)
		return DELIVER_NO_SUCH_TARGET;
	if (!target_is_paused(target) && !target_is_down(target))
		return DELIVER_ALREADY;
	pausing_end(deliver->pausing, name, done, arg);
	return DELIVER_DONE;
}

void
deliver_kick(struct deliver *deliver, const char *name)
{
	target_list_kick(deliver->targets, name);
	deliver_changed(deliver);
}

enum deliver_answer
deliver_probe(
    struct deliver *deliver, const char *name, deliver_probe_cb cb, void *arg)
{
	struct target *target = target_list_find(deliver->targets, name);

	if (target == NULL)
		return DELIVER_NO_SUCH_TARGET;
	if (!target_is_enabled(target))
		return DELIVER_IS_DISABLED;
	return target_probe(target, cb, arg) ? DELIVER_DONE : DELIVER_ALREADY;
}

void
deliver_probe_forget(struct deliver *deliver, void *arg)
{
	for (size_t i = 0; i < target_list_count(deliver->targets); i++)
		target_probe_forget(target_list_at(deliver->targets, i), arg);
}

/* ---- how it stands ---- */

const char *
deliver_state_name(enum deliver_state state)
{
	static const char *const names[] = {
		[DELIVER_READY] = "ready",
		[DELIVER_DELIVERING] = "delivering",
		[DELIVER_DOWN] = "down",
		[DELIVER_REFUSED] = "refused",
		[DELIVER_PAUSED] = "paused",
		[DELIVER_DISABLED] = "disabled",
	};

	_Static_assert(sizeof(names) / sizeof(names[0]) == DELIVER_STATE_COUNT,
	    "every state has a name");
	assert(state < DELIVER_STATE_COUNT);
	return names[state];
}

bool
deliver_status_at(
    const struct deliver *deliver, size_t index, struct deliver_status *status)
{
	const struct target *target = target_list_at(deliver->targets, index);

	if (target != NULL)
		target_status(target, status);
	return target != NULL;
}

bool
deliver_status(const struct deliver *deliver, const char *name,
    struct deliver_status *status)
{
	const struct target *target = target_list_find(deliver->targets, name);

	if (target != NULL)
		target_status(target, status);
	return target != NULL;
}

void
deliver_totals(const struct deliver *deliver, struct deliver_totals *totals)
{
	target_list_totals(deliver->targets, totals);
}

bool
deliver_is_full(const struct deliver *deliver, const char *name,
    char text[DELIVER_FULL_TEXT])
{
	const struct config_account *account =
	    config_find(basis_config(deliver->basis), name);
	const struct target *target =
	    account != NULL
		? target_list_find_full(deliver->targets, &account->deliver)
		: NULL;
	struct deliver_status status;

	if (target == NULL)
		return false;
	target_status(target, &status);
	(void)snprintf(text, DELIVER_FULL_TEXT,
	    "%" PRIu64 " messages wait for target %s (max_waiting = "
	    "%" PRIu32 "); mail stays on the server until some have "
	    "gone",
	    status.waiting, target_name(target), status.section->max_waiting);
	return true;
}
