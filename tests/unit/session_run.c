#include "tests/unit/session_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <event2/event.h>

const struct net_message session_run_messages[3] = {
	{ BODY_1, sizeof(BODY_1) - 1 },
	{ BODY_2, sizeof(BODY_2) - 1 },
	{ BODY_3, sizeof(BODY_3) - 1 },
};

static void
note(struct session_run *run, const char *name, const char *what)
{
	const struct evpop_result reason = { .error = EVPOP_ERROR_CANCELLED,
		.text = "the test says so" };
	size_t length = strlen(run->log);

	snprintf(run->log + length, sizeof run->log - length, "%s%s%s ", name,
	    what[0] == '\0' ? "" : ":", what);
	if (run->stop_in != NULL && strcmp(run->stop_in, name) == 0)
		evpop_sync_stop(run->sync);
	if (run->cancel_in != NULL && strcmp(run->cancel_in, name) == 0)
		evpop_sync_cancel(run->sync, &reason);
	if (run->free_in != NULL && strcmp(run->free_in, name) == 0) {
		run->freed = true;
		evpop_sync_free(run->sync);
		run->sync = NULL;
	}
}

static void
note_entry(
    struct session_run *run, const char *name, const struct evpop_entry *entry)
{
	char number[16];

	snprintf(number, sizeof number, "%lu", (unsigned long)entry->number);
	note(run, name, number);
}

static void
learn(struct session_run *run, const struct evpop_listing *listing)
{
	const struct evpop_entry *entry;
	struct evpop_known *known;
	size_t i;

	memset(run->learned, 0, sizeof run->learned);
	run->learned_count = 0;
	for (i = 0; i < listing->count && i < LEARNED_MAX; i++) {
		entry = &listing->entries[i];
		if (entry->unique_id == NULL)
			continue;
		assert_true(entry->unique_id_length <= LEARNED_ID_SIZE);
		known = &run->learned[run->learned_count];
		known->unique_id = run->learned_ids[run->learned_count++];
		memcpy((void *)(uintptr_t)known->unique_id, entry->unique_id,
		    entry->unique_id_length);
		known->unique_id_length = entry->unique_id_length;
		known->occurrence = entry->occurrence;
	}
}

static void
on_listing(
    struct evpop_sync *sync, const struct evpop_listing *listing, void *arg)
{
	struct session_run *run = arg;
	char count[16];

	snprintf(count, sizeof count, "%zu", listing->count);
	run->listed = true;
	learn(run, listing);
	note(run, "listing", count);
	if (run->answer_later || run->freed)
		return;
	if (run->unchanged)
		evpop_sync_unchanged(sync);
	else
		evpop_sync_known(sync, run->known, run->known_count, 1000);
}

/* Whether the test means to end the session in this callback. */
static bool
ends_in(const struct session_run *run, const char *name)
{
	return !run->freed &&
	       ((run->free_in != NULL && strcmp(run->free_in, name) == 0) ||
		   (run->stop_in != NULL && strcmp(run->stop_in, name) == 0) ||
		   (run->cancel_in != NULL &&
		       strcmp(run->cancel_in, name) == 0));
}

static void
on_matched(struct evpop_sync *sync, const struct evpop_plan *plan, void *arg)
{
	assert_ptr_equal(evpop_sync_plan(sync), plan);
	if (ends_in(arg, "matched"))
		note(arg, "matched", "");
}

static void
on_planned(struct evpop_sync *sync, const struct evpop_plan *plan, void *arg)
{
	char text[64];

	assert_ptr_equal(evpop_sync_plan(sync), plan);
	snprintf(text, sizeof text, "%zu+%zu", plan->fetches, plan->deletes);
	note(arg, "planned", text);
}

static enum evpop_flow
on_begin(struct evpop_sync *sync, const struct evpop_entry *entry,
    enum evpop_action action, void **message_r, void *arg)
{
	struct session_run *run = arg;

	(void)sync;
	(void)action;
	/* The handle comes back with data and end. */
	*message_r = (void *)(uintptr_t)entry;
	note_entry(run, "begin", entry);
	return run->pause_at_begin ? EVPOP_FLOW_PAUSE : EVPOP_FLOW_CONTINUE;
}

static enum evpop_flow
on_data(struct evpop_sync *sync, void *message, const unsigned char *bytes,
    size_t length, void *arg)
{
	struct session_run *run = arg;

	(void)sync;
	assert_non_null(message);
	assert_true(run->body_length + length <= sizeof run->body);
	memcpy(run->body + run->body_length, bytes, length);
	run->body_length += length;
	if (ends_in(run, "data"))
		note(run, "data", "");
	return run->pause_at_data ? EVPOP_FLOW_PAUSE : EVPOP_FLOW_CONTINUE;
}

void
session_run_acknowledge(struct session_run *run, bool durable)
{
	size_t i, count = run->owed_count;
	const struct evpop_entry *owed[OWED_MAX];

	memcpy(owed, run->owed, count * sizeof *owed);
	run->owed_count = 0;
	for (i = 0; i < count && !run->freed; i++)
		evpop_sync_stored(run->sync, owed[i], durable);
}

void
session_run_acknowledge_soon(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	session_run_acknowledge(arg, true);
}

static void
on_end(struct evpop_sync *sync, const struct evpop_entry *entry, void *message,
    const struct evpop_result *result, void *arg)
{
	struct session_run *run = arg;

	assert_ptr_equal(message, entry);
	if (result->error != EVPOP_ERROR_NONE) {
		note(run, "failed", evpop_error_name(result->error));
		return;
	}
	note_entry(run, "end", entry);
	if (run->freed)
		return;
	switch (run->acknowledge) {
	case ACK_AT_ONCE:
		evpop_sync_stored(sync, entry, true);
		break;
	case ACK_REFUSED:
		evpop_sync_stored(sync, entry, false);
		break;
	case ACK_SOON:
		event_active(run->soon, EV_TIMEOUT, 0);
		/* fall through */
	case ACK_LATER:
		assert_true(run->owed_count < OWED_MAX);
		run->owed[run->owed_count++] = entry;
		break;
	}
}

static void
on_refused(struct evpop_sync *sync, const struct evpop_entry *entry,
    const struct evpop_result *result, void *arg)
{
	(void)sync;
	assert_int_not_equal(result->error, EVPOP_ERROR_NONE);
	note_entry(arg, "refused", entry);
}

static void
on_deleted(struct evpop_sync *sync, const struct evpop_entry *entry, void *arg)
{
	(void)sync;
	note_entry(arg, "deleted", entry);
}

static void
on_done(
    struct evpop_sync *sync, const struct evpop_sync_report *report, void *arg)
{
	struct session_run *run = arg;

	(void)sync;
	assert_false(run->done);
	run->report = *report;
	run->done = true;
	note(run, "done", evpop_error_name(report->result.error));
}

const struct evpop_sync_callbacks session_run_callbacks = {
	.listing = on_listing,
	.matched = on_matched,
	.planned = on_planned,
	.begin = on_begin,
	.data = on_data,
	.end = on_end,
	.refused = on_refused,
	.deleted = on_deleted,
	.done = on_done,
};

const struct evpop_policy keep_none = { .keep = EVPOP_KEEP_NONE };
const struct evpop_policy keep_forever = { .keep = EVPOP_KEEP_FOREVER };

int
session_run_set_up(void **state)
{
	*state = event_base_new();
	return *state == NULL;
}

int
session_run_tear_down(void **state)
{
	event_base_free(*state);
	return 0;
}

void
session_run_begin_with(struct session_run *run, struct event_base *base,
    const struct net_server_options *options, const struct evpop_policy *policy)
{
	struct evpop_client_config config = { .host = "127.0.0.1",
		.tls = EVPOP_TLS_NONE,
		.memory = run->memory };

	net_server_start(&run->server, base, options, NULL, run->port);
	config.port = run->server.port;
	run->base = base;
	run->soon = event_new(base, -1, 0, session_run_acknowledge_soon, run);
	assert_non_null(run->soon);
	if (run->callbacks == NULL)
		run->callbacks = &session_run_callbacks;
	run->sync =
	    evpop_sync_new(base, NULL, &config, policy, run->callbacks, run);
	assert_non_null(run->sync);
	assert_int_equal(evpop_sync_start(run->sync,
			     &(struct evpop_credentials){
				 .user = "anna", .password = "secret" }),
	    EVPOP_ERROR_NONE);
	assert_string_equal(run->log, "");
}

void
session_run_begin(struct session_run *run, struct event_base *base,
    const struct net_rule *rules, size_t rule_count,
    const struct evpop_policy *policy)
{
	const struct net_server_options options = {
		.pipelining = true,
		.rules = rules,
		.rule_count = rule_count,
		.messages = session_run_messages,
		.message_count = 3,
	};

	session_run_begin_with(run, base, &options, policy);
}

void
session_run_play(struct session_run *run, struct event_base *base,
    const struct net_rule *rules, size_t rule_count,
    const struct evpop_policy *policy)
{
	session_run_begin(run, base, rules, rule_count, policy);
	session_run_finish(run);
}

void
session_run_play_with(struct session_run *run, struct event_base *base,
    const struct net_server_options *options, const struct evpop_policy *policy)
{
	session_run_begin_with(run, base, options, policy);
	session_run_finish(run);
}

static void
on_time(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	*(bool *)arg = true;
}

bool
session_run_turn(struct event_base *base, const bool *flag, int milliseconds)
{
	const struct timeval patience = { milliseconds / 1000,
		milliseconds % 1000 * 1000 };
	bool late = false;
	struct event *timer = evtimer_new(base, on_time, &late);

	assert_non_null(timer);
	assert_int_equal(evtimer_add(timer, &patience), 0);
	while (!late && !*flag)
		assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
	event_free(timer);
	return *flag;
}

void
session_run_until(
    struct event_base *base, const char *record, const char *words)
{
	bool late = false;
	const struct timeval patience = { NET_PATIENCE_S, 0 };
	struct event *timer = evtimer_new(base, on_time, &late);

	assert_non_null(timer);
	assert_int_equal(evtimer_add(timer, &patience), 0);
	while (strstr(record, words) == NULL) {
		if (late)
			fail_msg("no %s in %s", words, record);
		assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
	}
	event_free(timer);
}

void
session_run_finish(struct session_run *run)
{
	if (!run->freed)
		assert_true(session_run_turn(
		    run->base, &run->done, NET_PATIENCE_S * 1000));
	evpop_sync_free(run->sync);
	event_free(run->soon);
	net_server_stop(&run->server);
}

const char *
session_run_commands(const struct session_run *run)
{
	const char *at = strstr(run->server.log, "UIDL;");

	assert_non_null(at);
	return at + 5;
}
