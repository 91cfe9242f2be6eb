#include "daemon/control/event.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/control/field.h"

static void
event_add_poll(json_t *json, const struct notify_poll *poll)
{
	field_time(json, "started", poll->started_ms);
	field_time(json, "finished", poll->finished_ms);
	field_text(json, "outcome", poll->outcome);
	field_text(json, "text", poll->text);
	field_value(json, "dry_run", json_boolean(poll->is_dry_run));
	field_tally(json, poll->tally, TALLY_COUNT);
}

static void
event_add_delivery(json_t *json, const struct notify_delivery *delivery)
{
	field_count(json, "outbox_id", (uint64_t)delivery->id);
	field_count(json, "message_id", (uint64_t)delivery->message_id);
	field_count(json, "size", delivery->octets);
	field_count(json, "attempts", delivery->attempts);
	field_text(json, "text", delivery->answer);
	field_text(json, "place", delivery->place);
}

static void
event_add_fate(
    json_t *json, const struct notify_fate *fate, const char *name_of_host)
{
	field_text(json, "from", fate->from);
	field_text(json, "to", fate->to);
	field_text(json, name_of_host, fate->host);
	field_text(json, "outcome", fate->outcome);
	field_text(json, "text", fate->text);
	field_text(json, "advice", fate->advice);
	field_time(json, "failing_since", fate->failing_since_ms);
}

static void
event_add_reload(json_t *json, const struct notify_reload *reload)
{
	field_count(json, "added", reload->added);
	field_count(json, "changed", reload->changed);
	field_count(json, "removed", reload->removed);
}

json_t *
event_json(const struct notify_event *event, uint64_t id, int64_t time_ms)
{
	json_t *json = json_object();

	if (id != 0)
		field_count(json, "id", id);
	field_text(json, "event", notify_kind_name(event->kind));
	field_time(json, "time", time_ms);
	field_text(json, "account", event->account);
	if (event->target != NULL)
		field_text(json, "target", event->target);
	switch (event->kind) {
	case NOTIFY_POLL_OVER:
		event_add_poll(json, &event->poll);
		break;
	case NOTIFY_MESSAGE_STORED:
		field_count(json, "message_id", (uint64_t)event->message.id);
		field_count(json, "size", event->message.octets);
		break;
	case NOTIFY_MESSAGE_DELIVERED:
	case NOTIFY_DELIVERY_REFUSED:
		event_add_delivery(json, &event->delivery);
		break;
	case NOTIFY_TARGET_STATE:
	case NOTIFY_ACCOUNT_STATE:
		field_text(json, "from", event->state.from);
		field_text(json, "to", event->state.to);
		break;
	case NOTIFY_ACCOUNT_HEALTH:
		event_add_fate(json, &event->fate, "host");
		break;
	case NOTIFY_TARGET_HEALTH:
		event_add_fate(json, &event->fate, "where");
		break;
	case NOTIFY_DELETIONS_HELD:
		field_count(json, "held", event->held);
		break;
	case NOTIFY_MESSAGE_QUARANTINED:
		field_count(json, "number", event->skipped.number);
		field_count(json, "attempts", event->skipped.attempts);
		field_count(json, "quarantine_id", (uint64_t)event->skipped.id);
		break;
	case NOTIFY_RELOAD_FAILED:
	case NOTIFY_HOOK_FAILED:
		if (event->failure.what != NULL)
			field_text(json, "hook", event->failure.what);
		field_text(json, "text", event->failure.text);
		break;
	case NOTIFY_STORE_HEALTH:
		field_value(json, "works", json_boolean(event->health.works));
		field_text(json, "text", event->health.text);
		break;
	case NOTIFY_RELOADED:
		event_add_reload(json, &event->reload);
		break;
	case NOTIFY_POLL_BEGUN:
	case NOTIFY_CLOCK:
	case NOTIFY_TARGET_FULL:
	case NOTIFY_TARGET_DRAINED:
	case NOTIFY_STORE_DRAINED:
	case NOTIFY_POLLS_ENDED:
	case NOTIFY_KIND_COUNT:
		break;
	}
	return json;
}

/* ---- copies ---- */

/* The texts of an event, which may be NULL; returns how many. */
#define TEXTS_MAX 8
static size_t
event_texts(struct notify_event *event, const char **texts_r[TEXTS_MAX])
{
	size_t count = 0;

	texts_r[count++] = &event->account;
	texts_r[count++] = &event->target;
	switch (event->kind) {
	case NOTIFY_POLL_OVER:
		texts_r[count++] = &event->poll.outcome;
		texts_r[count++] = &event->poll.text;
		break;
	case NOTIFY_MESSAGE_DELIVERED:
	case NOTIFY_DELIVERY_REFUSED:
		texts_r[count++] = &event->delivery.answer;
		texts_r[count++] = &event->delivery.place;
		break;
	case NOTIFY_TARGET_STATE:
	case NOTIFY_ACCOUNT_STATE:
		texts_r[count++] = &event->state.from;
		texts_r[count++] = &event->state.to;
		break;
	case NOTIFY_TARGET_HEALTH:
	case NOTIFY_ACCOUNT_HEALTH:
		texts_r[count++] = &event->fate.from;
		texts_r[count++] = &event->fate.to;
		texts_r[count++] = &event->fate.host;
		texts_r[count++] = &event->fate.outcome;
		texts_r[count++] = &event->fate.text;
		texts_r[count++] = &event->fate.advice;
		break;
	case NOTIFY_STORE_HEALTH:
		texts_r[count++] = &event->health.text;
		break;
	case NOTIFY_RELOAD_FAILED:
	case NOTIFY_HOOK_FAILED:
		texts_r[count++] = &event->failure.what;
		texts_r[count++] = &event->failure.text;
		break;
	default:
		break;
	}
	return count;
}

struct event_kept *
event_keep(const struct notify_event *event, int64_t time_ms, size_t *size_r)
{
	struct notify_event copy = *event;
	const char **texts[TEXTS_MAX];
	size_t count = event_texts(&copy, texts), size = 0, length;
	struct event_kept *kept;
	char *to;

	for (size_t i = 0; i < count; i++)
		size += *texts[i] != NULL ? strlen(*texts[i]) + 1 : 0;
	*size_r = sizeof(*kept) + size;
	kept = malloc(*size_r);
	if (kept == NULL)
		return NULL;
	to = kept->texts;
	for (size_t i = 0; i < count; i++) {
		if (*texts[i] == NULL)
			continue;
		length = strlen(*texts[i]) + 1;
		memcpy(to, *texts[i], length);
		*texts[i] = to;
		to += length;
	}
	if (event->kind == NOTIFY_POLL_OVER) {
		kept->tally = *event->poll.tally;
		copy.poll.tally = &kept->tally;
	}
	kept->event = copy;
	kept->time_ms = time_ms;
	return kept;
}
