#include "daemon/deliver/target.h"

#include <assert.h>
#include <event2/event.h>
#include <event2/util.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config/config.h"
#include "daemon/config/target.h"
#include "daemon/deliver/basis.h"
#include "daemon/deliver/fleet.h"
#include "daemon/deliver/trips.h"
#include "daemon/log/log.h"
#include "daemon/store/store.h"
#include "lib/base/clock.h"

/* Without memory; and as long at the most: the clock may be set meanwhile. */
#define AGAIN_MS     5000
#define WAIT_MOST_MS 60000

enum target_life {
	TARGET_CLOSED = 0, /* the store has not told about it yet */
	TARGET_OPEN,
	TARGET_STOPPED
};

struct target {
	const struct target_world *world;
	char *name;
	const struct config_target *config; /* NULL: there is none */
	enum target_life life;
	struct trips *trips;
	struct event *timer;
	bool is_waking;
	int64_t again_ms; /* a probe had no memory: not before, monotonic */
	/* A probe by a person, or (is_probing without) by itself. */
	bool is_probing;
	deliver_probe_cb probed;
	void *probed_arg;
};

/* ---- its timer ---- */

static void
target_wake_in(struct target *target, int64_t wait_ms)
{
	const struct timeval wait = evpop_clock_wait(wait_ms);

	evtimer_add(target->timer, &wait);
}

/* Soon, from the loop. */
static void
target_wake(void *arg)
{
	struct target *target = arg;

	if (target->is_waking)
		return;
	target->is_waking = true;
	target_wake_in(target, 0);
}

static void
target_probed(const struct carried_result *result, void *arg)
{
	struct target *target = arg;
	deliver_probe_cb probed = target->probed;
	bool works = result->outcome == CARRIED_DELIVERED;

	target->is_probing = false;
	target->probed = NULL;
	if (works)
		target_kick(target);
	if (probed != NULL)
		probed(works, result->answer != NULL ? result->answer : "",
		    target->probed_arg);
	target_wake(target);
}

/* It was down, and nothing is due that could tell whether it is. */
static void
target_try_without(struct target *target)
{
	if (!target_is_down(target) || target->is_probing ||
	    target->again_ms > evpop_clock_monotonic_ms() ||
	    !target_is_empty(target) ||
	    taking_wants(trips_taking(target->trips), evpop_clock_unix_ms()))
		return;
	target->is_probing = fleet_probe(trips_fleet(target->trips));
	if (!target->is_probing)
		target->again_ms = evpop_clock_monotonic_ms() + AGAIN_MS;
}

/* ---- its turn ---- */

static int64_t
target_least(int64_t one, int64_t other)
{
	return one < other ? one : other;
}

/* One of several reasons to look again, at a monotonic time; 0: it is none. */
static int64_t
target_sooner(int64_t wait_ms, int64_t at_ms, int64_t now_ms)
{
	return at_ms > now_ms ? target_least(wait_ms, at_ms - now_ms) : wait_ms;
}

static void
target_wait(struct target *target, int64_t now_ms, int64_t wait_ms)
{
	const struct condition *condition = trips_condition(target->trips);
	int64_t wake_ms = taking_wake_ms(trips_taking(target->trips));

	wait_ms =
	    target_sooner(wait_ms, trips_store_again_ms(target->trips), now_ms);
	if (target_is_down(target)) {
		wait_ms = target_sooner(wait_ms, condition->next_ms, now_ms);
		wait_ms = target_sooner(wait_ms, target->again_ms, now_ms);
	} else if (wake_ms > 0 && trips_may_begin(target->trips, now_ms)) {
		wake_ms -= evpop_clock_unix_ms();
		wait_ms = target_least(wait_ms, wake_ms > 0 ? wake_ms : 0);
	}
	if (wait_ms != INT64_MAX && !target->is_waking)
		target_wake_in(target, target_least(wait_ms, WAIT_MOST_MS));
}

static void
target_turn(evutil_socket_t fd, short what, void *arg)
{
	struct target *target = arg;
	struct trips *trips = target->trips;
	int64_t now_ms = evpop_clock_monotonic_ms();
	int64_t wait_ms = INT64_MAX, rate_ms = 0, sweep_ms;

	(void)fd;
	(void)what;
	target->is_waking = false;
	sweep_ms = fleet_sweep(trips_fleet(trips), now_ms);
	if (sweep_ms != INT64_MAX)
		wait_ms = sweep_ms - now_ms;
	trips_settle_all(trips, now_ms);
	if (trips_may_begin(trips, now_ms)) {
		rate_ms = trips_hand_out(trips, now_ms);
		trips_take(trips);
		target_try_without(target);
	}
	if (rate_ms > 0)
		wait_ms = target_least(wait_ms, rate_ms);
	if (!trips_have_more(trips))
		fleet_flush(trips_fleet(trips));
	target_wait(target, now_ms, wait_ms);
	target->world->changed(target->world->arg);
}

/* ---- what is asked of it ---- */

void
target_kick(struct target *target)
{
	trips_kick(target->trips);
	target_wake(target);
}

void
target_look(struct target *target)
{
	trips_look(target->trips);
	target_wake(target);
}

void
target_stored(struct target *target)
{
	standing_stored(trips_standing(target->trips));
	taking_more(trips_taking(target->trips));
	target_wake(target);
}

void
target_set_figures(
    struct target *target, const struct store_outbox_figures *figures)
{
	standing_count(trips_standing(target->trips), figures);
}

void
target_pause(struct target *target, int64_t now_ms, const char *who)
{
	standing_pause(trips_standing(target->trips), now_ms, who);
	trips_drop_queue(target->trips);
	target_wake(target);
}

void
target_resume(struct target *target)
{
	standing_resume(trips_standing(target->trips));
	target_kick(target);
}

bool
target_is_paused(const struct target *target)
{
	return standing_is_paused(trips_standing(target->trips));
}

bool
target_is_enabled(const struct target *target)
{
	return target->config != NULL && target->config->enabled;
}

bool
target_is_down(const struct target *target)
{
	return trips_condition(target->trips)->health != CONDITION_WORKS;
}

void
target_ask(struct target *target)
{
	standing_ask(trips_standing(target->trips));
}

bool
target_is_counted(const struct target *target)
{
	return standing_is_counted(trips_standing(target->trips));
}

void
target_recount(struct target *target)
{
	standing_recount(trips_standing(target->trips));
	target_look(target);
}

bool
target_is_full(const struct target *target)
{
	return standing_is_full(trips_standing(target->trips));
}

bool
target_probe(struct target *target, deliver_probe_cb cb, void *arg)
{
	if (target->probed != NULL || target->life == TARGET_STOPPED)
		return false;
	/* One that is under way by itself answers as well. */
	if (!target->is_probing)
		target->is_probing = fleet_probe(trips_fleet(target->trips));
	if (!target->is_probing)
		return false;
	target->probed = cb;
	target->probed_arg = arg;
	return true;
}

void
target_probe_forget(struct target *target, void *arg)
{
	if (target->probed_arg == arg)
		target->probed = NULL;
}

/* ---- its life ---- */

bool
target_is_empty(const struct target *target)
{
	return trips_is_empty(target->trips) && !target->is_probing;
}

bool
target_is_idle(const struct target *target)
{
	if (!target_is_empty(target))
		return false;
	if (target->life == TARGET_CLOSED)
		return false;
	return !trips_may_begin(target->trips, evpop_clock_monotonic_ms()) ||
	       !taking_wants(
		   trips_taking(target->trips), evpop_clock_unix_ms());
}

void
target_stop(struct target *target)
{
	target->life = TARGET_STOPPED;
	trips_open(target->trips, false);
	target_wake(target);
}

void
target_open(struct target *target)
{
	if (target->life == TARGET_CLOSED) {
		target->life = TARGET_OPEN;
		trips_open(target->trips, true);
	}
	target_wake(target);
}

void
target_configure(struct target *target, struct basis *basis, size_t octets)
{
	target->config = config_target_find(basis_config(basis), target->name);
	if (target->config != NULL &&
	    target->world->carriers[target->config->type] == NULL) {
		log_write(LOG_LEVEL_ERROR, NULL,
		    "target %s: this evpopd does not deliver to %s",
		    target->name,
		    config_target_type_name(target->config->type));
		target->config = NULL;
	}
	trips_configure(target->trips, basis, target->config, octets);
	target_kick(target);
}

/* False without memory. */
static bool
target_make(struct target *target, const char *name)
{
	target->name = strdup(name);
	if (target->name == NULL)
		return false;
	target->trips = trips_new(
	    target->world, target->name, target_wake, target_probed, target);
	target->timer = evtimer_new(target->world->base, target_turn, target);
	return target->trips != NULL && target->timer != NULL;
}

struct target *
target_new(const struct target_world *world, const char *name)
{
	struct target *target = calloc(1, sizeof(*target));

	if (target == NULL)
		return NULL;
	target->world = world;
	if (!target_make(target, name))
		target_free(&target);
	return target;
}

const char *
target_name(const struct target *target)
{
	return target->name;
}

void
target_free(struct target **target_p)
{
	struct target *target = *target_p;

	*target_p = NULL;
	if (target == NULL)
		return;
	trips_free(&target->trips);
	if (target->timer != NULL)
		event_free(target->timer);
	free(target->name);
	free(target);
}

void
target_status(const struct target *target, struct deliver_status *status)
{
	int64_t now_ms = evpop_clock_monotonic_ms();
	const struct condition *condition = trips_condition(target->trips);
	const struct fleet *fleet = trips_fleet(target->trips);

	standing_status(trips_standing(target->trips), condition, status);
	status->under_way = fleet_load(fleet);
	status->connections = fleet_count(fleet);
	if (status->state == DELIVER_READY && status->under_way > 0)
		status->state = DELIVER_DELIVERING;
	if (condition->health == CONDITION_WORKS)
		status->next_ms = taking_wake_ms(trips_taking(target->trips));
	else
		status->next_ms =
		    evpop_clock_unix_ms() + condition->next_ms - now_ms;
}
