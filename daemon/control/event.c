#include "daemon/control/event.h"

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
event_add_fate(json_t *json, const struct notify_fate *fate)
{
	field_text(json, "from", fate->from);
	field_text(json, "to", fate->to);
	field_text(json, "host", fate->host);
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
	switch (event->kind) {
	case NOTIFY_POLL_OVER:
		event_add_poll(json, &event->poll);
		break;
	case NOTIFY_MESSAGE_STORED:
		field_count(json, "message_id", (uint64_t)event->message.id);
		field_count(json, "size", event->message.octets);
		break;
	case NOTIFY_ACCOUNT_STATE:
		field_text(json, "from", event->state.from);
		field_text(json, "to", event->state.to);
		break;
	case NOTIFY_ACCOUNT_HEALTH:
		event_add_fate(json, &event->fate);
		break;
	case NOTIFY_DELETIONS_HELD:
		field_count(json, "held", event->held);
		break;
	case NOTIFY_MESSAGE_QUARANTINED:
		field_count(json, "number", event->skipped.number);
		field_count(json, "attempts", event->skipped.attempts);
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
	case NOTIFY_STORE_DRAINED:
	case NOTIFY_POLLS_ENDED:
	case NOTIFY_KIND_COUNT:
		break;
	}
	return json;
}
