#include "daemon/deliver/trips.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config/target.h"
#include "daemon/deliver/attempt.h"
#include "daemon/deliver/fleet.h"
#include "daemon/deliver/intake.h"
#include "daemon/deliver/judging.h"
#include "daemon/deliver/load.h"
#include "daemon/deliver/outage.h"
#include "daemon/deliver/packing.h"
#include "daemon/deliver/retry.h"
#include "daemon/deliver/settling.h"
#include "daemon/failpoint/failpoint.h"
#include "daemon/log/log.h"
#include "daemon/store/store.h"
#include "lib/base/clock.h"

/* Outcomes that are not durable yet. */
#define SETTLING_MOST 1024
/* Without memory. */
#define AGAIN_MS 5000
/* Of each of two: the target's words, and rspamd's. */
#define PROBE_TEXT 256

struct trips {
	const struct target_world *world;
	const char *name;
	const struct config_target *config; /* NULL: there is none */
	bool is_open;
	struct fleet *fleet;
	struct load *load;
	struct intake *intake;
	struct settling *settling;
	struct judging *judging;
	struct condition condition;
	struct retry_rate rate;
	struct standing *standing;
	char probe_answer[PROBE_TEXT];
	void (*wake)(void *arg);
	void (*probed)(const struct carried_result *, void *arg);
	void *arg;
};

void
trips_drop_queue(struct trips *trips)
{
	intake_drop(trips->intake);
}

/* It was about to go, and does not: its row is as it was. */
static void
trips_put_back(struct trips *trips, struct load_item *item)
{
	courier_carry(item->courier, NULL);
	intake_put_back(trips->intake, item);
	trips->wake(trips->arg);
}

/* ---- the end of an attempt ---- */

static void
trips_learn(struct trips *trips, const struct courier *courier,
    const struct carried_result *result, int64_t row)
{
	if (!outage_learn(&trips->condition, trips->standing, trips->config,
		result, row, fleet_working(trips->fleet, courier)))
		trips_drop_queue(trips);
}

static void
trips_settle(struct trips *trips, struct load_item *item,
    const struct store_outbox_result *settled)
{
	item->holds = settled->state == STORE_OUTBOX_WAITING;
	load_enter(trips->load, item, LOAD_SETTLING);
	/* Its row is as it was, and due: it goes again. */
	if (!settling_add(trips->settling, item, settled)) {
		log_write(LOG_LEVEL_ERROR, NULL,
		    "out of memory: what came of a delivery to %s is not kept",
		    trips->name);
		load_remove(trips->load, item);
	}
	trips->wake(trips->arg);
}

/* A parcel has come to its end, carried or not. */
static void
trips_end_item(struct trips *trips, struct load_item *item,
    const struct carried_result *result, enum store_status read_status)
{
	static const struct config_target unknown = { .retry_min_ms = 60000 };
	struct store_outbox_result settled;
	struct attempt attempt = {
		.target = trips->config != NULL ? trips->config : &unknown,
		.id = item->id,
		.now_ms = evpop_clock_unix_ms(),
		.queued_ms = item->queued_ms,
		.attempts = item->attempts,
		.may_be_there = item->may_be_there,
		.read_status = read_status,
	};
	char text[ATTEMPT_TEXT];
	bool is_there;

	trips_learn(trips, item->courier, result, item->id);
	if (result->outcome != CARRIED_DELIVERED)
		attempt.random = outage_random();
	attempt.is_culprit = condition_is_culprit(&trips->condition, item->id);
	is_there = attempt_judge(&attempt, result, &settled, text);
	standing_attempt(trips->standing, result, item->octets);
	packing_free(&item->parcel);
	item->courier = NULL;
	if (is_there)
		trips_settle(trips, item, &settled);
	else
		load_remove(trips->load, item);
	trips->wake(trips->arg);
}

static void
trips_tell_probe(struct trips *trips, const struct carried_result *result)
{
	trips_learn(trips, NULL, result, 0);
	trips->probed(result, trips->arg);
}

/* The target itself works. */
static void
trips_judge_probed(bool works, const char *text, void *arg)
{
	struct trips *trips = arg;
	char answer[2 * PROBE_TEXT];
	bool waits = trips->config == NULL ||
		     trips->config->rspamd_down == CONFIG_RSPAMD_DOWN_WAIT;
	const struct carried_result result = {
		.outcome = works || !waits ? CARRIED_DELIVERED : CARRIED_DOWN,
		.answer = answer,
	};

	snprintf(answer, sizeof(answer), "%s%s%.*s", trips->probe_answer,
	    trips->probe_answer[0] != '\0' ? "; " : "", PROBE_TEXT - 3, text);
	trips_tell_probe(trips, &result);
}

static void
trips_end_probe(struct trips *trips, const struct carried_result *result)
{
	snprintf(trips->probe_answer, sizeof(trips->probe_answer), "%s",
	    result->answer != NULL ? result->answer : "");
	/* Mail goes there only with what rspamd says. */
	if (result->outcome == CARRIED_DELIVERED && trips->config != NULL &&
	    trips->config->rspamd != NULL &&
	    judging_probe(
		trips->judging, trips->config, trips_judge_probed, trips))
		return;
	trips_tell_probe(trips, result);
}

static void
trips_carried(struct courier *courier, struct parcel *parcel,
    const struct carried_result *result, void *arg)
{
	struct trips *trips = arg;
	struct load_item *item;

	(void)courier;
	if (parcel == NULL) {
		trips_end_probe(trips, result);
	} else {
		item = load_find(trips->load, parcel);
		assert(item != NULL);
		trips_end_item(trips, item, result, packing_status(parcel));
	}
}

/* ---- what came of it is durable ---- */

static void
trips_settled(
    struct load_item *item, const struct store_outbox_result *result, void *arg)
{
	struct trips *trips = arg;
	const struct standing_row row = {
		.account = item->account,
		.id = item->id,
		.message_id = item->message_id,
		.octets = item->octets,
		.attempts = item->attempts + (result->is_attempt ? 1 : 0),
	};

	if (result->state == STORE_OUTBOX_WAITING)
		taking_wake_by(intake_taking(trips->intake), result->due_ms);
	else
		standing_settled(trips->standing, &row, result);
	intake_settled(trips->intake, item);
}

static void
trips_settling_over(enum store_status status, void *arg)
{
	struct trips *trips = arg;

	if (status != STORE_OK)
		intake_wait_for_store(trips->intake);
	else
		intake_look_behind(trips->intake);
	trips->wake(trips->arg);
}

/* ---- the beginning of an attempt ---- */

bool
trips_may_begin(const struct trips *trips, int64_t now_ms)
{
	return trips->is_open && trips->config != NULL &&
	       trips->config->enabled && !standing_is_paused(trips->standing) &&
	       intake_store_again_ms(trips->intake) <= now_ms &&
	       store_health(trips->world->store)->status == STORE_OK &&
	       settling_count(trips->settling) < SETTLING_MOST &&
	       condition_may_try(&trips->condition, now_ms);
}

/* A way out that no carrier has part in. */
static void
trips_end_uncarried(struct trips *trips, struct load_item *item,
    const struct carried_result *result, enum store_status status)
{
	struct courier *courier = item->courier;

	trips_end_item(trips, item, result, status);
	courier_carry(courier, NULL);
}

static void
trips_carry(struct trips *trips, struct load_item *item)
{
	if (courier_has_retired(item->courier) ||
	    !trips_may_begin(trips, evpop_clock_monotonic_ms())) {
		trips_put_back(trips, item);
		return;
	}
	FAILPOINT("deliver-carry");
	courier_carry(item->courier, item->parcel);
	trips->wake(trips->arg);
}

/* ---- what rspamd says ---- */

static void
trips_judged(
    struct load_item *item, enum judged judged, const char *text, void *arg)
{
	const struct carried_result unread = { .outcome = CARRIED_UNREAD };
	const struct carried_result down = {
		.outcome = CARRIED_DOWN,
		.answer = text,
	};
	struct trips *trips = arg;

	switch (judged) {
	case JUDGED_GOES:
		trips_carry(trips, item);
		break;
	case JUDGED_NOT:
		trips_put_back(trips, item);
		break;
	case JUDGED_UNREAD:
		trips_end_uncarried(
		    trips, item, &unread, packing_status(item->parcel));
		break;
	case JUDGED_DOWN:
		trips_end_uncarried(trips, item, &down, STORE_OK);
		break;
	case JUDGED_LEAVES:
		courier_carry(item->courier, NULL);
		item->courier = NULL;
		packing_free(&item->parcel);
		load_enter(trips->load, item, LOAD_SETTLING);
		break;
	}
}

static void
trips_left(
    struct load_item *item, enum store_status status, const char *to, void *arg)
{
	struct trips *trips = arg;

	intake_settled(trips->intake, item);
	taking_anew(intake_taking(trips->intake));
	if (status == STORE_OK)
		trips->world->redirected(to, trips->world->arg);
	else
		intake_wait_for_store(trips->intake);
	standing_recount(trips->standing);
	trips->wake(trips->arg);
}

/* ---- handing out ---- */

static void
trips_prepared(struct parcel *parcel, enum store_status status, void *arg)
{
	const struct carried_result unread = { .outcome = CARRIED_UNREAD };
	struct load_item *item = arg;
	struct trips *trips = item->owner;

	(void)parcel;
	if (status != STORE_OK)
		trips_end_uncarried(trips, item, &unread, status);
	else if (trips->config != NULL && trips->config->rspamd != NULL)
		judging_ask(trips->judging, trips->config, item);
	else
		trips_carry(trips, item);
}

/*
 * Where a target has failed with one message again and again, another one tells
 * whose fault that is.
 */
static struct load_item *
trips_next(const struct trips *trips)
{
	bool is_ordered = trips->config->order == CONFIG_TARGET_ORDER_ACCOUNT;
	int64_t suspect = condition_suspect(&trips->condition);
	struct load_item *other = NULL;

	if (suspect != 0 && trips->condition.health != CONDITION_WORKS)
		other = load_next_but(trips->load, suspect, is_ordered);
	return other != NULL ? other : load_next(trips->load, is_ordered);
}

/* Returns whether there may be another; if not now, when. */
static bool
trips_hand_out_one(struct trips *trips, int64_t now_ms, int64_t *wait_ms_r)
{
	const struct config_target *config = trips->config;
	struct load_item *item = trips_next(trips);

	if (item == NULL)
		return false;
	/* One message alone tries a target that was down. */
	if (trips->condition.health != CONDITION_WORKS &&
	    fleet_load(trips->fleet) > 0)
		return false;
	*wait_ms_r = retry_rate_wait_ms(&trips->rate, config->rate, now_ms);
	if (*wait_ms_r > 0)
		return false;
	item->courier = fleet_reserve(trips->fleet,
	    condition_most(&trips->condition, config->concurrency));
	if (item->courier == NULL) {
		if (fleet_count(trips->fleet) == 0)
			*wait_ms_r = AGAIN_MS;
		return false;
	}
	retry_rate_count(&trips->rate, config->rate, now_ms);
	load_enter(trips->load, item, LOAD_UNDER_WAY);
	packing_prepare(item->parcel, trips_prepared, item);
	return true;
}

int64_t
trips_hand_out(struct trips *trips, int64_t now_ms)
{
	int64_t wait_ms = 0;

	while (trips_hand_out_one(trips, now_ms, &wait_ms))
		;
	return wait_ms;
}

void
trips_take(struct trips *trips)
{
	intake_take(trips->intake, trips->condition.health != CONDITION_WORKS);
}

/* ---- its life ---- */

static void
trips_changed(void *arg)
{
	struct trips *trips = arg;

	trips->wake(trips->arg);
}

/* False without memory. */
static bool
trips_make(struct trips *trips)
{
	const struct courier_options options = {
		.base = trips->world->base,
		.names = trips->world->names,
		.oauth = trips->world->oauth,
		.carried = trips_carried,
		.changed = trips_changed,
		.arg = trips,
	};

	trips->fleet = fleet_new(&options);
	trips->load = load_new();
	if (trips->load != NULL)
		trips->intake = intake_new(trips->world, trips->name,
		    trips->load, trips, trips->wake, trips->arg);
	trips->settling = settling_new(
	    trips->world->store, trips_settled, trips_settling_over, trips);
	trips->standing = standing_new(trips->world->notify, trips->name);
	trips->judging = judging_new(
	    trips->world, trips->load, trips_judged, trips_left, trips);
	return trips->judging != NULL && trips->fleet != NULL &&
	       trips->load != NULL && trips->intake != NULL &&
	       trips->settling != NULL && trips->standing != NULL;
}

struct trips *
trips_new(const struct target_world *world, const char *name,
    void (*wake)(void *arg),
    void (*probed)(const struct carried_result *, void *arg), void *arg)
{
	struct trips *trips = calloc(1, sizeof(*trips));

	if (trips == NULL)
		return NULL;
	trips->world = world;
	trips->name = name;
	trips->wake = wake;
	trips->probed = probed;
	trips->arg = arg;
	if (!trips_make(trips))
		trips_free(&trips);
	return trips;
}

void
trips_configure(struct trips *trips, struct basis *basis,
    const struct config_target *config, size_t octets)
{
	judging_forget(trips->judging);
	trips->config = config;
	fleet_set(trips->fleet,
	    config != NULL ? trips->world->carriers[config->type] : NULL, basis,
	    trips->name);
	standing_configure(trips->standing, config);
	intake_configure(trips->intake, basis, config, octets);
}

void
trips_open(struct trips *trips, bool is_open)
{
	trips->is_open = is_open;
	intake_open(trips->intake, is_open);
}

void
trips_free(struct trips **trips_p)
{
	struct trips *trips = *trips_p;

	*trips_p = NULL;
	if (trips == NULL)
		return;
	fleet_free(&trips->fleet);
	judging_free(&trips->judging);
	load_free(&trips->load);
	intake_free(&trips->intake);
	settling_free(&trips->settling);
	standing_free(&trips->standing);
	free(trips);
}

/* ---- what is asked of them ---- */

void
trips_settle_all(struct trips *trips, int64_t now_ms)
{
	if (intake_store_again_ms(trips->intake) <= now_ms)
		settling_ask(trips->settling);
}

void
trips_look(struct trips *trips)
{
	intake_look(trips->intake);
}

void
trips_kick(struct trips *trips)
{
	condition_retry(&trips->condition);
	trips_look(trips);
}

bool
trips_is_empty(const struct trips *trips)
{
	for (int i = 0; i < LOAD_STAGE_COUNT; i++)
		if (load_count(trips->load, i) > 0)
			return false;
	return !taking_is_asked(intake_taking(trips->intake));
}

bool
trips_have_more(const struct trips *trips)
{
	bool is_ordered = trips->config != NULL &&
			  trips->config->order == CONFIG_TARGET_ORDER_ACCOUNT;

	/* In an order, what is under way is what the others wait for. */
	return load_next(trips->load, is_ordered) != NULL ||
	       (!is_ordered && taking_is_asked(intake_taking(trips->intake)));
}

int64_t
trips_store_again_ms(const struct trips *trips)
{
	return intake_store_again_ms(trips->intake);
}

struct fleet *
trips_fleet(const struct trips *trips)
{
	return trips->fleet;
}

struct taking *
trips_taking(const struct trips *trips)
{
	return intake_taking(trips->intake);
}

struct standing *
trips_standing(const struct trips *trips)
{
	return trips->standing;
}

const struct condition *
trips_condition(const struct trips *trips)
{
	return &trips->condition;
}
