#include "daemon/control/events.h"

#include <assert.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "daemon/control/connections.h"
#include "daemon/control/event.h"
#include "daemon/control/field.h"
#include "daemon/control/handlers.h"
#include "daemon/control/limits.h"
#include "daemon/control/recent.h"
#include "daemon/log/log.h"
#include "lib/base/clock.h"

/* Ids of a run: more than there can be events in its milliseconds. */
#define IDS_A_MS 1024

/* What happens at once is sent at once, to few readers in a turn of the loop.
 */
static const struct timeval gather_time = { 0, 50000 };
static const struct timeval next_turn = { 0, 0 };

/* How often to look who reads, and to show that the connection lives. */
static const struct timeval look_interval = { 5, 0 };

/* A remark is ignored by all who read events. */
static const char heartbeat[] = ": nothing new\n\n";

enum reader_state {
	READER_READY = 0, /* has all that there is, or waits for its turn */
	READER_TAKES      /* a part is on its way */
};

struct reader {
	TAILQ_ENTRY(reader) link;
	struct events *events;
	struct exchange *exchange;
	enum reader_state state;
	uint64_t next_id; /* of the event to send next */
	int64_t sent_ms;  /* when the last part was sent */
};
TAILQ_HEAD(readers, reader);

struct events {
	struct notify_subscription subscription;
	struct recent *recent;
	/* Both in the order of time: who waits longest is first. */
	struct readers ready, taking;
	struct events_count count;
	struct event *pump; /* pending while a reader may lack an event */
	struct event *look; /* pending while there are readers */
};

/* ---- texts ---- */

/* One event as server-sent; `name` is its kind.  NULL without memory. */
static char *
event_text(uint64_t id, const char *name, json_t *json, size_t *length_r)
{
	char *data = json == NULL
			 ? NULL
			 : json_dumps(json, JSON_COMPACT | JSON_PRESERVE_ORDER);
	char *text = NULL;
	int length;

	json_decref(json);
	if (data == NULL)
		return NULL;
	length = asprintf(&text, "id: %llu\nevent: %s\ndata: %s\n\n",
	    (unsigned long long)id, name, data);
	free(data);
	if (length < 0)
		return NULL;
	*length_r = (size_t)length;
	return text;
}

static char *
events_render(uint64_t id, const void *bytes, size_t *length_r)
{
	const struct event_kept *kept = bytes;

	return event_text(id, notify_kind_name(kept->event.kind),
	    event_json(&kept->event, id, kept->time_ms), length_r);
}

static void
events_told(const struct notify_event *event, void *arg)
{
	struct events *events = arg;
	size_t size = 0;
	struct event_kept *kept =
	    event_keep(event, evpop_clock_unix_ms(), &size);

	recent_add(events->recent, kept, size);
	if (!TAILQ_EMPTY(&events->ready) &&
	    !evtimer_pending(events->pump, NULL))
		evtimer_add(events->pump, &gather_time);
}

/* ---- sending ---- */

static void reader_written(struct exchange *);

static void
reader_enter(struct reader *reader, enum reader_state state)
{
	struct events *events = reader->events;

	TAILQ_REMOVE(
	    reader->state == READER_READY ? &events->ready : &events->taking,
	    reader, link);
	reader->state = state;
	TAILQ_INSERT_TAIL(
	    state == READER_READY ? &events->ready : &events->taking, reader,
	    link);
}

static void
reader_send(struct reader *reader, const char *bytes, size_t length)
{
	reader->sent_ms = evpop_clock_monotonic_ms();
	reader_enter(reader, READER_TAKES);
	exchange_stream_part(reader->exchange, bytes, length, reader_written);
}

/* An event for this reader alone, with the id before its next one. */
static void
reader_send_own(struct reader *reader, const char *name, json_t *json)
{
	size_t length;
	char *text = event_text(reader->next_id - 1, name, json, &length);

	if (text == NULL)
		exchange_cut(reader->exchange);
	else
		reader_send(reader, text, length);
	free(text);
}

/*
 * Say in a word that events are missing.  Its id is that before the oldest one,
 * so that a reader that comes back now misses nothing more.
 */
static void
reader_send_lost(struct reader *reader, uint64_t since, const char *why)
{
	const struct recent *recent = reader->events->recent;
	json_t *json = json_object();

	reader->next_id = recent_oldest_id(recent);
	field_count(json, "id", reader->next_id - 1);
	field_text(json, "event", "lost");
	field_time(json, "time", evpop_clock_unix_ms());
	field_count(json, "since", since);
	field_count(json, "oldest", reader->next_id);
	field_text(json, "text", why);
	reader_send_own(reader, "lost", json);
}

/* As many events as a part takes, at least one. */
static void
reader_send_events(struct reader *reader)
{
	struct recent *recent = reader->events->recent;
	char part[LIMITS_EVENTS_PART];
	size_t used = 0, length = 0;
	const char *text = NULL;

	while (reader->next_id < recent_next_id(recent)) {
		text = recent_text(recent, reader->next_id, &length);
		if (text != NULL && length > sizeof(part) - used)
			break;
		if (text != NULL)
			memcpy(part + used, text, length);
		used += length;
		reader->next_id++;
	}
	if (used > 0) {
		reader_send(reader, part, used);
	} else if (reader->next_id < recent_next_id(recent)) {
		reader->next_id++;
		reader_send(reader, text, length);
	} else {
		reader_enter(reader, READER_READY);
	}
}

static void
reader_go_on(struct reader *reader)
{
	const struct recent *recent = reader->events->recent;

	if (reader->next_id < recent_oldest_id(recent))
		reader_send_lost(reader, reader->next_id - 1,
		    "this reader was slower than the events came");
	else
		reader_send_events(reader);
}

/* The client has taken the last part. */
static void
reader_written(struct exchange *exchange)
{
	reader_go_on(exchange_state(exchange));
}

/*
 * Those that are ready have all that there was when they became so; the first
 * of them lacks most.
 */
static void
events_pump(evutil_socket_t fd, short what, void *arg)
{
	struct events *events = arg;
	struct reader *reader;
	unsigned sent = 0;

	(void)fd;
	(void)what;
	while ((reader = TAILQ_FIRST(&events->ready)) != NULL &&
	       reader->next_id < recent_next_id(events->recent)) {
		if (sent++ == LIMITS_EVENTS_SENT_A_TURN) {
			evtimer_add(events->pump, &next_turn);
			return;
		}
		reader_go_on(reader);
	}
}

/* ---- looking after the readers ---- */

static void
events_drop_sleepers(struct events *events, int64_t now_ms)
{
	struct reader *reader;
	unsigned dropped = 0;

	while ((reader = TAILQ_FIRST(&events->taking)) != NULL &&
	       now_ms - reader->sent_ms >=
		   LIMITS_EVENTS_STALL_SECONDS * INT64_C(1000)) {
		dropped++;
		exchange_cut(reader->exchange); /* runs reader_free() */
	}
	events->count.dropped += dropped;
	if (dropped > 0)
		log_write(LOG_LEVEL_WARNING, NULL,
		    "dropped %u reader%s of events, which took nothing for "
		    "%d s",
		    dropped, dropped == 1 ? "" : "s",
		    LIMITS_EVENTS_STALL_SECONDS);
}

static void
events_look(evutil_socket_t fd, short what, void *arg)
{
	struct events *events = arg;
	int64_t now_ms = evpop_clock_monotonic_ms();
	struct reader *reader, *next, *last;
	bool is_last = false;

	(void)fd;
	(void)what;
	events_drop_sleepers(events, now_ms);
	last = TAILQ_LAST(&events->ready, readers);
	for (reader = TAILQ_FIRST(&events->ready); reader != NULL && !is_last;
	     reader = next) {
		next = TAILQ_NEXT(reader, link);
		is_last = reader == last;
		if (now_ms - reader->sent_ms >=
		    LIMITS_EVENTS_HEARTBEAT_SECONDS * INT64_C(1000))
			reader_send(reader, heartbeat, sizeof(heartbeat) - 1);
	}
	if (events->count.readers > 0)
		evtimer_add(events->look, &look_interval);
}

static void
reader_free(void *arg)
{
	struct reader *reader = arg;
	struct events *events = reader->events;

	TAILQ_REMOVE(
	    reader->state == READER_READY ? &events->ready : &events->taking,
	    reader, link);
	events->count.readers--;
	free(reader);
}

/* ---- GET /v1/events?since= ---- */

/* False, after answering, if it makes no sense; 0 where it is not given. */
static bool
events_since(struct exchange *exchange, bool *given_r, int64_t *since_r)
{
	static const char header[] = "Last-Event-ID";
	const char *text = exchange_header(exchange, header);
	struct problem problem;
	bool fine;

	/* One who comes back knows better than the address did. */
	if (text == NULL || *text == '\0') {
		text = parameters_text(exchange_parameters(exchange), "since");
		fine = parameters_number(exchange_parameters(exchange), "since",
		    0, INT64_MAX, since_r, &problem);
	} else {
		fine = number_parse(text, 0, INT64_MAX, since_r);
		if (!fine)
			problem_set(&problem, "it is the \"id\" of an event",
			    "%s: \"%.64s\" is no id", header, text);
	}
	*given_r = text != NULL;
	if (!fine)
		exchange_answer_problem(exchange, &problem);
	return fine;
}

/* The first event says where the feed stands. */
static void
reader_send_hello(struct reader *reader)
{
	const struct recent *recent = reader->events->recent;
	json_t *json = json_object();

	field_count(json, "id", reader->next_id - 1);
	field_text(json, "event", "hello");
	field_time(json, "time", evpop_clock_unix_ms());
	field_text(json, "version", EVPOP_VERSION);
	field_count(json, "oldest", recent_oldest_id(recent));
	field_count(json, "newest", recent_next_id(recent) - 1);
	reader_send_own(reader, "hello", json);
}

static void
reader_begin(struct reader *reader, bool is_given, uint64_t since)
{
	const struct recent *recent = reader->events->recent;

	reader->next_id = recent_next_id(recent);
	if (is_given && since == 0)
		reader->next_id = recent_oldest_id(recent);
	else if (is_given && (since < recent_first_id(recent) - 1 ||
				 since >= recent_next_id(recent))) {
		reader_send_lost(
		    reader, since, "the daemon has started again since");
		return;
	} else if (is_given && since < recent_oldest_id(recent) - 1) {
		reader_send_lost(
		    reader, since, "only the newest events are kept");
		return;
	} else if (is_given)
		reader->next_id = since + 1;
	reader_send_hello(reader);
}

void
events_get(struct exchange *exchange)
{
	struct events *events = exchange_context(exchange)->events;
	struct reader *reader;
	bool is_given;
	int64_t since = 0;

	if (!events_since(exchange, &is_given, &since))
		return;
	if (!exchange_listen(exchange)) {
		exchange_answer(exchange,
		    response_error(503, "too_many_readers",
			"close some of those that are open",
			"this user has too many readers of events, or all "
			"users together have"));
		return;
	}
	reader = calloc(1, sizeof(*reader));
	if (reader == NULL) {
		exchange_answer(exchange, response_no_memory());
		return;
	}
	reader->events = events;
	reader->exchange = exchange;
	TAILQ_INSERT_TAIL(&events->ready, reader, link);
	events->count.readers++;
	exchange_set_state(exchange, reader, reader_free);
	if (!evtimer_pending(events->look, NULL))
		evtimer_add(events->look, &look_interval);
	if (exchange_stream(exchange, "text/event-stream", EXCHANGE_UNTIL_END))
		reader_begin(reader, is_given, (uint64_t)since);
}

/* ---- the feed ---- */

struct events *
events_new(struct event_base *base, struct notify *notify, int64_t started_ms)
{
	struct events *events = calloc(1, sizeof(*events));
	uint64_t first = started_ms > 0 ? (uint64_t)started_ms * IDS_A_MS : 1;

	if (events == NULL)
		return NULL;
	TAILQ_INIT(&events->ready);
	TAILQ_INIT(&events->taking);
	events->recent = recent_new(
	    LIMITS_EVENTS_KEPT, LIMITS_EVENTS_KEPT_SIZE, first, events_render);
	events->pump = evtimer_new(base, events_pump, events);
	events->look = evtimer_new(base, events_look, events);
	if (events->recent == NULL || events->pump == NULL ||
	    events->look == NULL) {
		events_free(&events);
		return NULL;
	}
	notify_subscribe(
	    notify, &events->subscription, NOTIFY_TOLD, events_told, events);
	return events;
}

void
events_free(struct events **events_ref)
{
	struct events *events = *events_ref;

	*events_ref = NULL;
	if (events == NULL)
		return;
	assert(events->count.readers == 0);
	notify_leave(&events->subscription);
	if (events->pump != NULL)
		event_free(events->pump);
	if (events->look != NULL)
		event_free(events->look);
	recent_free(&events->recent);
	free(events);
}

struct events_count
events_count(const struct events *events)
{
	struct events_count count = events->count;

	count.next_id = recent_next_id(events->recent);
	return count;
}
