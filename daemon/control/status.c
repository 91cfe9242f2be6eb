#include <string.h>
#include <unistd.h>

#include "daemon/confine/confine.h"
#include "daemon/control/connections.h"
#include "daemon/control/events.h"
#include "daemon/control/field.h"
#include "daemon/control/handlers.h"
#include "daemon/control/limits.h"
#include "daemon/deliver/deliver.h"
#include "daemon/hook/hook.h"
#include "lib/base/clock.h"

static json_t *
status_limits_json(const struct exchange_context *context)
{
	json_t *json = json_object();

	field_count(json, "max_sessions", context->max_sessions);
	if (context->limited != NULL && context->limited[0] != '\0')
		field_text(json, "text", context->limited);
	field_count(
	    json, "max_sessions_per_host", context->max_sessions_per_host);
	field_count(json, "memory_limit", context->memory_limit);
	field_count(json, "max_connections", LIMITS_CONNECTIONS);
	field_count(json, "max_connections_per_user", LIMITS_USER_CONNECTIONS);
	field_count(json, "max_admin_connections", LIMITS_ADMIN_CONNECTIONS);
	field_count(json, "max_page", STORE_PAGE_MAX);
	return json;
}

/* NULL: it has none. */
static json_t *
status_key_json(const struct exchange_context *context)
{
	json_t *json;

	if (context->key_source == NULL || context->key_source[0] == '\0')
		return NULL;
	json = json_object();
	field_text(json, "source", context->key_source);
	field_text(json, "public", context->key_public);
	return json;
}

static json_t *
status_confinement_json(const struct confine *confine)
{
	static const char *const names[] = {
		[CONFINE_OFF] = "off",
		[CONFINE_UNAVAILABLE] = "unavailable",
		[CONFINE_ON] = "on",
	};
	json_t *json;

	if (confine == NULL)
		return NULL;
	json = json_object();
	field_text(json, "status", names[confine_status(confine)]);
	field_count(json, "landlock_abi", (uint64_t)confine_abi(confine));
	field_text(json, "text", confine_text(confine));
	return json;
}

static json_t *
status_connections_json(const struct connections *connections)
{
	struct connections_count count = connections_count(connections);
	json_t *json = json_object();

	field_count(json, "served", count.served);
	field_count(json, "waiting", count.waiting);
	field_count(json, "closed_for_others", count.closed);
	field_count(json, "refused", count.refused);
	return json;
}

static json_t *
status_events_json(const struct events *events)
{
	struct events_count count = events_count(events);
	json_t *json = json_object();

	field_count(json, "newest", count.next_id - 1);
	field_count(json, "readers", count.readers);
	field_count(json, "dropped", count.dropped);
	return json;
}

static json_t *
status_store_json(const struct exchange_context *context,
    const struct store_error *health, const struct store_stats *stats)
{
	json_t *json = json_object();

	field_text(json, "status", store_status_name(health->status));
	if (health->status != STORE_OK) {
		field_text(json, "text", health->text);
		field_text(json, "hint", store_status_hint(health->status));
	}
	field_count(json, "queued_bytes", stats->queued_octets);
	field_count(json, "queued_bytes_max", stats->queued_octets_max);
	field_count(json, "commits", stats->commits);
	field_count(json, "messages", stats->messages);
	field_count(json, "body_bytes", stats->body_octets);
	field_count(json, "quarantined", stats->quarantined);
	field_text(json, "seal_to", context->seal_to);
	return json;
}

static json_t *
status_clock_json(const struct store_clock *clock)
{
	json_t *json = json_object();
	char text[256];

	field_text(json, "status", clock->is_behind ? "behind" : "ok");
	if (clock->is_behind) {
		store_clock_behind_text(clock, text, sizeof(text));
		field_text(json, "text", text);
		field_text(json, "hint", store_clock_hint());
	}
	field_count(json, "times_set", clock->times_set);
	return json;
}

static json_t *
status_held_json(const struct poller_status *poller)
{
	json_t *json = json_object();

	field_count(json, "accounts", poller->held_accounts);
	field_count(json, "deletions", poller->held_deletions);
	if (poller->held_accounts > 0)
		field_text(json, "hint",
		    "\"evpopctl accounts\" shows where; \"evpopctl poll "
		    "--confirm NAME\" carries them out");
	return json;
}

static json_t *
status_hook_json(const struct hook *hook, enum hook_kind kind)
{
	struct hook_status status;
	json_t *json;

	hook_status(hook, kind, &status);
	if (!status.is_set)
		return NULL;
	json = json_object();
	field_text(json, "hook", hook_kind_name(kind));
	field_count(json, "runs", status.runs);
	field_count(json, "failures", status.failures);
	field_count(json, "dropped", status.dropped);
	field_count(json, "waiting", status.waiting);
	field_count(json, "running", status.running);
	field_time(json, "last_run", status.last_run_ms);
	field_text(json, "failed", status.failed_text);
	return json;
}

/* Those that are set. */
static json_t *
status_hooks_json(const struct hook *hook)
{
	json_t *list = json_array(), *json;

	for (unsigned kind = 0; hook != NULL && kind < HOOK_KIND_COUNT;
	     kind++) {
		json = status_hook_json(hook, (enum hook_kind)kind);
		if (json != NULL)
			(void)json_array_append_new(list, json);
	}
	return list;
}

static json_t *
status_deliveries_json(const struct deliver *deliver)
{
	struct deliver_totals totals = { 0 };
	json_t *json = json_object();

	if (deliver != NULL)
		deliver_totals(deliver, &totals);
	field_count(json, "targets", totals.targets);
	field_count(json, "down", totals.down);
	field_count(json, "refused", totals.refused);
	field_count(json, "paused", totals.paused);
	field_count(json, "waiting", totals.waiting);
	field_count(json, "stranded", totals.stranded);
	field_count(json, "refused_messages", totals.refused_messages);
	field_count(json, "delivered", totals.delivered);
	field_count(json, "failed", totals.failed);
	return json;
}

json_t *
status_json(const struct exchange_context *context,
    const struct poller_status *poller, const struct store_error *health,
    const struct store_clock *clock, const struct store_stats *stats,
    const struct store_check *check, int64_t now_ms, int64_t elapsed_ms)
{
	int64_t uptime_ms = elapsed_ms - context->started_ms;
	json_t *json = json_object(), *part;

	field_text(json, "version", EVPOP_VERSION);
	field_count(json, "pid", (uint64_t)getpid());
	field_time(json, "started", now_ms - uptime_ms);
	field_count(json, "uptime_seconds", (uint64_t)uptime_ms / 1000);

	part = json_object();
	field_count(part, "total", poller->accounts);
	field_count(part, "polling", poller->polling);
	field_count(part, "queued", poller->queued);
	field_count(part, "failing", poller->failing);
	field_count(part, "refused", poller->refused);
	field_value(json, "accounts", part);

	part = json_object();
	field_count(part, "total", poller->polls);
	field_count(part, "failed", poller->failures);
	field_count(part, "messages", poller->messages);
	field_count(part, "bytes", poller->octets);
	field_value(json, "polls", part);

	part = attention_json(poller, health, clock, stats, check);
	attention_add_deliveries(part, context->deliver);
	attention_add_hooks(part, context->hook);
	field_value(json, "attention", part);
	field_value(json, "hooks", status_hooks_json(context->hook));
	field_value(json, "held", status_held_json(poller));
	field_value(
	    json, "deliveries", status_deliveries_json(context->deliver));
	field_value(json, "store", status_store_json(context, health, stats));
	field_value(json, "clock", status_clock_json(clock));
	field_value(json, "key", status_key_json(context));
	field_value(
	    json, "confinement", status_confinement_json(context->confine));
	field_value(json, "limits", status_limits_json(context));
	if (context->unknown_users->count > 0) {
		part = json_array();
		for (size_t i = 0; i < context->unknown_users->count; i++) {
			const char *name = context->unknown_users->items[i];

			(void)json_array_append_new(
			    part, json_any_text(name, strlen(name)));
		}
		field_value(json, "unknown_users", part);
	}
	return json;
}

/* Who asks, and what that user may do. */
static json_t *
status_user_json(const struct exchange_user *user)
{
	static const enum peer_role roles[] = { PEER_ADMIN, PEER_OPERATE,
		PEER_READ };
	json_t *json = json_object(), *list = json_array();

	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		if ((user->roles & roles[i]) != 0)
			(void)json_array_append_new(
			    list, json_string(peer_role_name(roles[i])));
	}
	field_text(json, "name", user->name);
	field_value(json, "roles", list);
	return json;
}

void
status_get(struct exchange *exchange)
{
	const struct exchange_context *context = exchange_context(exchange);
	struct poller_status poller;
	struct store_stats stats;
	struct store_clock clock;
	struct store_check check;
	json_t *json;

	store_check(context->store, &check);
	poller_status(context->poller, &poller);
	store_stats(context->store, &stats);
	store_clock(context->store, &clock);
	json = status_json(context, &poller, store_health(context->store),
	    &clock, &stats, &check, evpop_clock_unix_ms(),
	    evpop_clock_elapsed_ms());
	field_value(
	    json, "connections", status_connections_json(context->connections));
	field_value(json, "you", status_user_json(exchange_user(exchange)));
	field_value(json, "events", status_events_json(context->events));
	exchange_answer(exchange, response_json(200, json));
}
