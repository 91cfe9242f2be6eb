#include "daemon/deliver/standing.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config/target.h"
#include "daemon/log/log.h"
#include "daemon/notify/notify.h"
#include "lib/base/clock.h"
#include "lib/base/unit.h"

/* Of what is shown; whatever is longer is cut. */
#define WHERE_SIZE  256
#define WHO_SIZE    128
#define ADVICE_SIZE 400

struct standing {
	struct notify *notify;
	const char *name;
	const struct config_target *config; /* NULL: there is none */
	char where[WHERE_SIZE];
	char advice[ADVICE_SIZE];
	uint64_t waiting, refused, delivered, dropped;
	int64_t oldest_ms;
	bool is_counted;
	bool is_full;
	int64_t paused_ms;
	char paused_by[WHO_SIZE];
	uint64_t attempts, done, octets, put_off, refusals, outages;
	int64_t last_success_ms;
};

struct standing *
standing_new(struct notify *notify, const char *name)
{
	struct standing *standing = calloc(1, sizeof(*standing));

	if (standing == NULL)
		return NULL;
	standing->notify = notify;
	standing->name = name;
	return standing;
}

void
standing_free(struct standing **standing)
{
	free(*standing);
	*standing = NULL;
}

/* Where it is, as people know it. */
static void
standing_place(struct standing *standing, const struct config_target *config)
{
	const char *text = config->name;

	switch (config->type) {
	case CONFIG_TARGET_MAILDIR:
	case CONFIG_TARGET_MBOX:
		text = config->path;
		break;
	case CONFIG_TARGET_PIPE:
		text = config->command;
		break;
	case CONFIG_TARGET_HTTP:
	case CONFIG_TARGET_GMAIL:
		text = config->url;
		break;
	case CONFIG_TARGET_LMTP:
	case CONFIG_TARGET_IMAP:
		if (config->socket != NULL) {
			text = config->socket;
			break;
		}
		(void)snprintf(standing->where, WHERE_SIZE,
		    config->host != NULL && strchr(config->host, ':') != NULL
			? "[%s]:%u"
			: "%s:%u",
		    config->host != NULL ? config->host : "",
		    (unsigned)config_target_port(config));
		return;
	case CONFIG_TARGET_COUNT:
		break;
	}
	(void)snprintf(
	    standing->where, WHERE_SIZE, "%s", text != NULL ? text : "");
}

/* ---- what waits ---- */

static void
standing_publish(struct standing *standing, enum notify_kind kind)
{
	notify_publish(standing->notify,
	    &(struct notify_event){ .kind = kind, .target = standing->name });
}

/*
 * So much waits that nothing more is fetched for it, until a quarter of it has
 * gone: polls would begin and stop with each message.
 */
static void
standing_weigh(struct standing *standing)
{
	uint64_t most =
	    standing->config != NULL ? standing->config->max_waiting : 0;
	bool was_full = standing->is_full;

	if (most == 0)
		standing->is_full = false;
	else if (standing->waiting >= most)
		standing->is_full = true;
	else if (standing->waiting <= most - most / 4 - 1)
		standing->is_full = false;
	if (standing->is_full && !was_full) {
		log_write(LOG_LEVEL_WARNING, NULL,
		    "target %s: %" PRIu64 " messages wait (max_waiting); "
		    "its accounts fetch nothing until some are delivered",
		    standing->name, standing->waiting);
		standing_publish(standing, NOTIFY_TARGET_FULL);
	} else if (was_full && !standing->is_full) {
		log_write(LOG_LEVEL_INFO, NULL,
		    "target %s: %" PRIu64 " messages wait; its accounts fetch "
		    "again",
		    standing->name, standing->waiting);
		standing_publish(standing, NOTIFY_TARGET_DRAINED);
	}
}

void
standing_configure(
    struct standing *standing, const struct config_target *config)
{
	standing->config = config;
	if (config != NULL)
		standing_place(standing, config);
	standing_weigh(standing);
}

void
standing_count(
    struct standing *standing, const struct store_outbox_figures *figures)
{
	standing->waiting = figures->waiting;
	standing->refused = figures->refused;
	standing->delivered = figures->delivered;
	standing->dropped = figures->dropped;
	standing->oldest_ms = figures->oldest_waiting_ms;
	standing_weigh(standing);
}

void
standing_stored(struct standing *standing)
{
	if (standing->waiting == 0)
		standing->oldest_ms = evpop_clock_unix_ms();
	standing->waiting++;
	standing->is_counted = false;
	standing_weigh(standing);
}

void
standing_recount(struct standing *standing)
{
	standing->is_counted = false;
}

void
standing_ask(struct standing *standing)
{
	standing->is_counted = true;
}

bool
standing_is_counted(const struct standing *standing)
{
	return standing->is_counted;
}

bool
standing_is_full(const struct standing *standing)
{
	return standing->is_full;
}

static void
standing_tell_state(struct standing *standing, const char *from, const char *to)
{
	notify_publish(standing->notify,
	    &(struct notify_event){ .kind = NOTIFY_TARGET_STATE,
		.target = standing->name,
		.state = { from, to } });
}

void
standing_pause(struct standing *standing, int64_t now_ms, const char *who)
{
	bool was_paused = standing_is_paused(standing);

	standing->paused_ms = now_ms;
	(void)snprintf(
	    standing->paused_by, WHO_SIZE, "%s", who != NULL ? who : "");
	if (!was_paused)
		standing_tell_state(standing, "ready", "paused");
}

void
standing_resume(struct standing *standing)
{
	bool was_paused = standing_is_paused(standing);

	standing->paused_ms = 0;
	standing->paused_by[0] = '\0';
	if (was_paused)
		standing_tell_state(standing, "paused", "ready");
}

bool
standing_is_paused(const struct standing *standing)
{
	return standing->paused_ms != 0;
}

/* ---- what happens ---- */

void
standing_attempt(struct standing *standing, const struct carried_result *result,
    uint64_t octets)
{
	standing->attempts++;
	if (result->outcome == CARRIED_DELIVERED) {
		standing->done++;
		standing->octets += octets;
		standing->last_success_ms = evpop_clock_unix_ms();
	} else if (result->outcome == CARRIED_REFUSED)
		standing->refusals++;
	else
		standing->put_off++;
}

void
standing_settled(struct standing *standing, const struct standing_row *row,
    const struct store_outbox_result *result)
{
	bool is_delivered = result->state == STORE_OUTBOX_DELIVERED;

	if (is_delivered)
		log_write(LOG_LEVEL_DEBUG, row->account,
		    "message %" PRId64 " delivered to %s", row->message_id,
		    standing->name);
	else
		log_write(LOG_LEVEL_WARNING, row->account,
		    "message %" PRId64 " is refused by target %s: %s; "
		    "evpopctl outbox lists it",
		    row->message_id, standing->name,
		    result->answer != NULL ? result->answer : "no reason");
	if (standing->waiting > 0)
		standing->waiting--;
	if (is_delivered)
		standing->delivered++;
	else
		standing->refused++;
	standing->is_counted = false;
	notify_publish(standing->notify,
	    &(struct notify_event){ .kind = is_delivered
						? NOTIFY_MESSAGE_DELIVERED
						: NOTIFY_DELIVERY_REFUSED,
		.account = row->account,
		.target = standing->name,
		.delivery = { row->id, row->message_id, row->octets,
		    row->attempts, result->answer, result->place } });
	standing_weigh(standing);
}

static const char *
standing_advise(struct standing *standing, enum condition_health health)
{
	if (health != CONDITION_WRONG)
		return NULL;
	(void)snprintf(standing->advice, ADVICE_SIZE,
	    "mend [target %s] or the target's own settings, then try it with "
	    "evpopctl doctor %s; until then its mail waits here",
	    standing->name, standing->name);
	return standing->advice;
}

static void
standing_tell_fate(struct standing *standing, enum condition_health from,
    const struct condition *now, const char *text, int64_t since_ms)
{
	notify_publish(standing->notify,
	    &(struct notify_event){ .kind = NOTIFY_TARGET_HEALTH,
		.target = standing->name,
		.fate = {
		    .from = condition_name(from),
		    .to = condition_name(now->health),
		    .host = standing->where,
		    .outcome = condition_name(now->health),
		    .text = text,
		    .advice = standing_advise(standing, now->health),
		    .failing_since_ms = since_ms,
		} });
}

void
standing_health(struct standing *standing, const struct condition *condition,
    enum condition_health before)
{
	if (before == CONDITION_WORKS)
		standing->outages++;
	log_write(LOG_LEVEL_WARNING, NULL,
	    "target %s (%s) %s: %s; its mail waits", standing->name,
	    standing->where,
	    condition->health == CONDITION_WRONG ? "needs attention"
						 : "is down",
	    condition->text);
	standing_tell_fate(
	    standing, before, condition, condition->text, condition->since_ms);
}

void
standing_recovery(struct standing *standing, const struct condition *before)
{
	static const struct condition works = { .health = CONDITION_WORKS };
	char span[EVPOP_UNIT_SIZE];

	log_write(LOG_LEVEL_INFO, NULL, "target %s works again, after %s",
	    standing->name,
	    evpop_unit_span(
		(evpop_clock_unix_ms() - before->since_ms) / 1000, span));
	standing_tell_fate(
	    standing, before->health, &works, NULL, before->since_ms);
}

/* ---- for people ---- */

void
standing_status(const struct standing *standing,
    const struct condition *condition, struct deliver_status *status)
{
	const struct config_target *config = standing->config;
	bool works = condition->health == CONDITION_WORKS;

	*status = (struct deliver_status){
		.name = standing->name,
		.type =
		    config != NULL ? config_target_type_name(config->type) : "",
		.where = standing->where,
		.section = config,
		.waiting = standing->waiting,
		.refused = standing->refused,
		.delivered = standing->delivered,
		.dropped = standing->dropped,
		.oldest_waiting_ms =
		    standing->waiting > 0 ? standing->oldest_ms : 0,
		.attempts = standing->attempts,
		.done = standing->done,
		.octets = standing->octets,
		.put_off = standing->put_off,
		.refusals = standing->refusals,
		.outages = standing->outages,
		.last_success_ms = standing->last_success_ms,
		.down_since_ms = works ? 0 : condition->since_ms,
		.text = works ? NULL : condition->text,
		.advice = condition->health == CONDITION_WRONG
			      ? standing->advice
			      : NULL,
		.paused_ms = standing->paused_ms,
		.paused_by =
		    standing->paused_by[0] != '\0' ? standing->paused_by : NULL,
		.is_full = standing->is_full,
	};
	if (config == NULL || !config->enabled)
		status->state = DELIVER_DISABLED;
	else if (standing_is_paused(standing))
		status->state = DELIVER_PAUSED;
	else if (condition->health == CONDITION_WRONG)
		status->state = DELIVER_REFUSED;
	else if (condition->health == CONDITION_DOWN)
		status->state = DELIVER_DOWN;
}
