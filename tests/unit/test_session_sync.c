/*
 * The sync driver against a server on loopback: what it sends, in which order,
 * and that nothing is deleted before it is durable.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <evpop/sync.h>

#include "tests/unit/net_run.h"
#include "tests/unit/net_server.h"

#define BODY_1 "Subject: one\r\n\r\n.hidden dot\r\nend\r\n"
#define BODY_2 "Subject: two\r\n\r\nbody\r\n"
#define BODY_3 "Subject: three\r\n\r\n"

static const struct net_message messages[] = {
	{ BODY_1, sizeof(BODY_1) - 1 },
	{ BODY_2, sizeof(BODY_2) - 1 },
	{ BODY_3, sizeof(BODY_3) - 1 },
};

/* When a body is said to be durable. */
enum acknowledge {
	ACK_AT_ONCE = 0,
	ACK_LATER,   /* by sync_run_acknowledge() */
	ACK_REFUSED, /* at once, that it is not */
	ACK_SOON     /* from the loop's next turn */
};

#define OWED_MAX 4096

/* A sync, and a record of its callbacks in words. */
struct sync_run {
	struct event_base *base;
	struct evpop_sync *sync;
	char log[65536];
	const struct evpop_known *known;
	size_t known_count;
	bool answer_later; /* to `listing` */
	enum acknowledge acknowledge;
	const struct evpop_entry *owed[OWED_MAX];
	size_t owed_count;
	struct event *soon;
	const char *free_in, *stop_in, *cancel_in; /* names of callbacks */
	bool pause_at_begin, pause_at_data;
	char body[1 << 16];
	size_t body_length;
	struct evpop_sync_report report;
	bool listed, done, freed;
};

static struct event_base *base;

static void
note(struct sync_run *run, const char *name, const char *what)
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
    struct sync_run *run, const char *name, const struct evpop_entry *entry)
{
	char number[16];

	snprintf(number, sizeof number, "%lu", (unsigned long)entry->number);
	note(run, name, number);
}

static void
on_listing(
    struct evpop_sync *sync, const struct evpop_listing *listing, void *arg)
{
	struct sync_run *run = arg;
	char count[16];

	snprintf(count, sizeof count, "%zu", listing->count);
	run->listed = true;
	note(run, "listing", count);
	if (!run->answer_later && !run->freed)
		evpop_sync_known(sync, run->known, run->known_count, 1000);
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
	struct sync_run *run = arg;

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
	struct sync_run *run = arg;

	(void)sync;
	assert_non_null(message);
	assert_true(run->body_length + length <= sizeof run->body);
	memcpy(run->body + run->body_length, bytes, length);
	run->body_length += length;
	if (run->free_in != NULL && strcmp(run->free_in, "data") == 0 &&
	    !run->freed)
		note(run, "data", "");
	return run->pause_at_data ? EVPOP_FLOW_PAUSE : EVPOP_FLOW_CONTINUE;
}

/* Answer for all bodies that ended well so far. */
static void
acknowledge(struct sync_run *run, bool durable)
{
	size_t i, count = run->owed_count;
	const struct evpop_entry *owed[OWED_MAX];

	memcpy(owed, run->owed, count * sizeof *owed);
	run->owed_count = 0;
	for (i = 0; i < count && !run->freed; i++)
		evpop_sync_stored(run->sync, owed[i], durable);
}

static void
on_soon(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	acknowledge(arg, true);
}

static void
on_end(struct evpop_sync *sync, const struct evpop_entry *entry, void *message,
    const struct evpop_result *result, void *arg)
{
	struct sync_run *run = arg;

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
on_deleted(struct evpop_sync *sync, const struct evpop_entry *entry, void *arg)
{
	(void)sync;
	note_entry(arg, "deleted", entry);
}

static void
on_done(
    struct evpop_sync *sync, const struct evpop_sync_report *report, void *arg)
{
	struct sync_run *run = arg;

	(void)sync;
	assert_false(run->done);
	run->report = *report;
	run->done = true;
	note(run, "done", evpop_error_name(report->result.error));
}

static const struct evpop_sync_callbacks callbacks = {
	.listing = on_listing,
	.planned = on_planned,
	.begin = on_begin,
	.data = on_data,
	.end = on_end,
	.deleted = on_deleted,
	.done = on_done,
};

static const struct evpop_policy keep_none = { .keep = EVPOP_KEEP_NONE };
static const struct evpop_policy keep_forever = { .keep = EVPOP_KEEP_FOREVER };

/* A server with these rules, and a sync of it that has started. */
static void
begin(struct sync_run *run, struct net_server *server,
    const struct net_rule *rules, size_t rule_count,
    const struct evpop_policy *policy)
{
	struct net_server_options options = {
		.pipelining = true,
		.rules = rules,
		.rule_count = rule_count,
		.messages = messages,
		.message_count = 3,
	};
	struct evpop_client_config config = { .host = "127.0.0.1",
		.tls = EVPOP_TLS_NONE };

	net_server_start(server, base, &options, NULL, 0);
	config.port = server->port;
	run->base = base;
	run->soon = event_new(base, -1, 0, on_soon, run);
	assert_non_null(run->soon);
	run->sync =
	    evpop_sync_new(base, NULL, &config, policy, &callbacks, run);
	assert_non_null(run->sync);
	assert_int_equal(evpop_sync_start(run->sync,
			     &(struct evpop_credentials){
				 .user = "anna", .password = "secret" }),
	    EVPOP_ERROR_NONE);
	assert_string_equal(run->log, "");
}

static void
on_time(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	*(bool *)arg = true;
}

/* Turn the loop until the flag is set, or for that long; whether it was. */
static bool
turn(const bool *flag, int milliseconds)
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

/* Ends what begin() began; a sync that was not freed must have been done. */
static void
finish(struct sync_run *run, struct net_server *server)
{
	if (!run->freed)
		assert_true(turn(&run->done, NET_PATIENCE_S * 1000));
	evpop_sync_free(run->sync);
	event_free(run->soon);
	net_server_stop(server);
}

/* The commands behind the log-in. */
static const char *
commands(const struct net_server *server)
{
	const char *at = strstr(server->log, "UIDL;");

	assert_non_null(at);
	return at + 5;
}

/* ---- sessions that go well ---- */

static const struct evpop_known knows_1_and_2[] = {
	{ .unique_id = (const unsigned char *)"id-1", .unique_id_length = 4 },
	{ .unique_id = (const unsigned char *)"id-2",
	    .unique_id_length = 4,
	    .state = EVPOP_KNOWN_DELETE },
};

static void
test_keep_forever(void **state)
{
	struct sync_run run = { 0 };
	struct net_server server;

	(void)state;
	begin(&run, &server, NULL, 0, &keep_forever);
	finish(&run, &server);
	assert_string_equal(run.log,
	    "listing:3 planned:3+0 begin:1 end:1 begin:2 end:2 begin:3 end:3 "
	    "done:ok ");
	assert_string_equal(commands(&server), "RETR 1;RETR 2;RETR 3;QUIT;");
	assert_int_equal(run.body_length, sizeof(BODY_1 BODY_2 BODY_3) - 1);
	assert_memory_equal(run.body, BODY_1 BODY_2 BODY_3, run.body_length);
	assert_true(run.report.listed);
	assert_int_equal(run.report.messages, 3);
	assert_int_equal(run.report.fetched, 3);
	assert_int_equal(run.report.failed, 0);
	assert_int_equal(run.report.deleted, 0);
	assert_int_equal(run.report.body_octets, run.body_length);
	assert_true(run.report.octets_in > run.body_length);
	assert_true(run.report.octets_out > 0);
	assert_int_equal(run.report.quit, EVPOP_QUIT_COMMITTED);
}

static void
test_delete_what_is_stored(void **state)
{
	struct sync_run run = { 0 };
	struct net_server server;

	(void)state;
	begin(&run, &server, NULL, 0, &keep_none);
	finish(&run, &server);
	assert_string_equal(run.log,
	    "listing:3 planned:3+0 begin:1 end:1 begin:2 end:2 begin:3 end:3 "
	    "deleted:1 deleted:2 deleted:3 done:ok ");
	assert_int_equal(run.report.deleted, 3);
	assert_non_null(strstr(commands(&server), "DELE 1;"));
	assert_non_null(strstr(commands(&server), "DELE 3;QUIT;"));
}

static void
test_known_messages(void **state)
{
	struct sync_run run = { .known = knows_1_and_2, .known_count = 2 };
	struct net_server server;

	(void)state;
	begin(&run, &server, NULL, 0, &keep_none);
	finish(&run, &server);
	assert_string_equal(run.log,
	    "listing:3 planned:1+2 begin:3 end:3 deleted:1 deleted:2 "
	    "deleted:3 done:ok ");
	assert_string_equal(
	    commands(&server), "DELE 1;DELE 2;RETR 3;DELE 3;QUIT;");
}

static void
test_nothing_to_do(void **state)
{
	static const struct net_rule rules[] = {
		{ "UIDL", "+OK\r\n.\r\n", NET_GO_ON },
		{ "LIST", "+OK\r\n.\r\n", NET_GO_ON },
	};
	struct sync_run run = { 0 };
	struct net_server server;

	(void)state;
	begin(&run, &server, rules, 2, &keep_none);
	finish(&run, &server);
	assert_string_equal(run.log, "listing:0 planned:0+0 done:ok ");
	assert_string_equal(commands(&server), "QUIT;");
}

static void
test_known_is_told_later(void **state)
{
	struct sync_run run = {
		.known = knows_1_and_2, .known_count = 2, .answer_later = true
	};
	struct net_server server;

	(void)state;
	begin(&run, &server, NULL, 0, &keep_forever);
	assert_true(turn(&run.listed, NET_PATIENCE_S * 1000));
	assert_false(turn(&run.done, 50));
	assert_string_equal(run.log, "listing:3 ");
	evpop_sync_known(run.sync, run.known, run.known_count, 1000);
	finish(&run, &server);
	assert_string_equal(
	    run.log, "listing:3 planned:1+0 begin:3 end:3 done:ok ");
}

/* ---- durability ---- */

static void
test_no_delete_before_it_is_durable(void **state)
{
	struct sync_run run = { .acknowledge = ACK_LATER };
	struct net_server server;

	(void)state;
	begin(&run, &server, NULL, 0, &keep_none);
	assert_false(turn(&run.done, 100));
	assert_int_equal(run.owed_count, 3);
	assert_string_equal(commands(&server), "RETR 1;RETR 2;RETR 3;");
	acknowledge(&run, true);
	finish(&run, &server);
	assert_string_equal(commands(&server),
	    "RETR 1;RETR 2;RETR 3;DELE 1;DELE 2;DELE 3;QUIT;");
	assert_int_equal(run.report.fetched, 3);
	assert_int_equal(run.report.deleted, 3);
}

/* Without deletions QUIT need not wait, but `done` does. */
static void
test_done_waits_for_the_store(void **state)
{
	struct sync_run run = { .acknowledge = ACK_LATER };
	struct net_server server;

	(void)state;
	begin(&run, &server, NULL, 0, &keep_forever);
	assert_false(turn(&run.done, 100));
	assert_string_equal(commands(&server), "RETR 1;RETR 2;RETR 3;QUIT;");
	acknowledge(&run, true);
	assert_false(run.done);
	finish(&run, &server);
	assert_int_equal(run.report.fetched, 3);
}

static void
test_what_is_not_durable_stays(void **state)
{
	struct sync_run run = { .acknowledge = ACK_REFUSED };
	struct net_server server;

	(void)state;
	begin(&run, &server, NULL, 0, &keep_none);
	finish(&run, &server);
	assert_string_equal(commands(&server), "RETR 1;RETR 2;RETR 3;QUIT;");
	assert_int_equal(run.report.fetched, 0);
	assert_int_equal(run.report.failed, 3);
	assert_int_equal(run.report.deleted, 0);
}

static void
test_connection_lost_in_a_body(void **state)
{
	static const struct net_rule rules[] = {
		{ "RETR 2", "+OK\r\nSubject: tw", NET_CLOSE },
	};
	struct sync_run run = { .acknowledge = ACK_LATER };
	struct net_server server;

	(void)state;
	begin(&run, &server, rules, 1, &keep_none);
	assert_false(turn(&run.done, 100));
	assert_string_equal(
	    run.log, "listing:3 planned:3+0 begin:1 end:1 begin:2 failed:io ");
	/* It is over, and still has to be told of what is durable. */
	acknowledge(&run, true);
	finish(&run, &server);
	assert_string_equal(strstr(run.log, "failed"), "failed:io done:io ");
	assert_int_equal(run.report.fetched, 1);
	assert_int_equal(run.report.failed, 1);
	assert_int_equal(run.report.deleted, 0);
	assert_null(strstr(server.log, "DELE"));
	assert_null(strstr(server.log, "QUIT"));
}

/* In the last one nothing but the end of the session is left to come. */
static void
test_connection_lost_in_the_last_body(void **state)
{
	static const struct net_rule rules[] = {
		{ "RETR 3", "+OK\r\nSubject: th", NET_RESET },
		{ "DELE 3", NULL, NET_CLOSE },
	};
	static const struct evpop_policy *const policies[] = { &keep_forever,
		&keep_none };
	struct net_server server;
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct sync_run run = { 0 };

		begin(&run, &server, &rules[i], 1, policies[i]);
		finish(&run, &server);
		assert_int_equal(run.report.result.error, EVPOP_ERROR_IO);
		assert_int_equal(run.report.fetched, 2 + i);
		assert_null(strstr(run.log, "deleted"));
		assert_null(strstr(server.log, "QUIT"));
	}
}

static void
test_quit_outcomes(void **state)
{
	static const struct {
		struct net_rule rule;
		enum evpop_quit quit;
		enum evpop_error error;
	} cases[] = {
		{ { "QUIT", "-ERR some deleted messages not removed\r\n",
		      NET_CLOSE },
		    EVPOP_QUIT_REFUSED, EVPOP_ERROR_REFUSED },
		{ { "QUIT", NULL, NET_CLOSE }, EVPOP_QUIT_UNKNOWN,
		    EVPOP_ERROR_IO },
		{ { "QUIT", "+OK", NET_RESET }, EVPOP_QUIT_UNKNOWN,
		    EVPOP_ERROR_IO },
	};
	struct net_server server;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct sync_run run = { 0 };

		begin(&run, &server, &cases[i].rule, 1, &keep_none);
		finish(&run, &server);
		assert_int_equal(run.report.quit, cases[i].quit);
		assert_int_equal(run.report.result.error, cases[i].error);
		assert_int_equal(run.report.fetched, 3);
		/* Marked, but nobody may take them for deleted. */
		assert_int_equal(run.report.deleted, 3);
		assert_null(strstr(run.log, "deleted"));
	}
}

/* How a server takes leave does not matter where nothing was deleted. */
static void
test_rude_farewell(void **state)
{
	static const struct net_rule rule = { "QUIT", NULL, NET_CLOSE };
	struct sync_run run = { 0 };
	struct net_server server;

	(void)state;
	begin(&run, &server, &rule, 1, &keep_forever);
	finish(&run, &server);
	assert_int_equal(run.report.result.error, EVPOP_ERROR_NONE);
	assert_int_equal(run.report.fetched, 3);
}

/* ---- servers that refuse ---- */

static void
test_refused_log_in(void **state)
{
	static const struct net_rule rules[] = {
		{ "PASS secret", "-ERR [AUTH] no\r\n", NET_GO_ON },
	};
	struct sync_run run = { 0 };
	struct net_server server;

	(void)state;
	begin(&run, &server, rules, 1, &keep_none);
	finish(&run, &server);
	assert_string_equal(run.log, "done:auth ");
	assert_false(run.report.listed);
	assert_int_equal(run.report.result.code, EVPOP_CODE_AUTH);
	assert_non_null(strstr(server.log, "QUIT;"));
}

static void
test_refused_messages(void **state)
{
	static const struct net_rule rules[] = {
		{ "RETR 2", "-ERR it is damaged\r\n", NET_GO_ON },
		{ "DELE 3", "-ERR no\r\n", NET_GO_ON },
	};
	struct sync_run run = { 0 };
	struct net_server server;

	(void)state;
	begin(&run, &server, rules, 2, &keep_none);
	finish(&run, &server);
	assert_string_equal(run.log,
	    "listing:3 planned:3+0 begin:1 end:1 begin:3 end:3 deleted:1 "
	    "done:ok ");
	assert_int_equal(run.report.fetched, 2);
	assert_int_equal(run.report.failed, 1);
	assert_int_equal(run.report.deleted, 1);
}

static void
test_without_uidl(void **state)
{
	static const struct net_rule rules[] = {
		{ "UIDL", "-ERR what?\r\n", NET_GO_ON },
	};
	struct net_server server;
	struct sync_run run = { 0 }, again = { 0 };

	(void)state;
	begin(&run, &server, rules, 1, &keep_forever);
	finish(&run, &server);
	assert_string_equal(run.log, "listing:3 planned:0+0 done:ok ");
	assert_int_equal(run.report.unidentified, 3);
	begin(&again, &server, rules, 1, &keep_none);
	finish(&again, &server);
	assert_int_equal(again.report.fetched, 3);
	assert_int_equal(again.report.deleted, 3);
}

static void
test_without_list(void **state)
{
	static const struct net_rule rules[] = {
		{ "LIST", "-ERR what?\r\n", NET_GO_ON },
		{ "UIDL", "-ERR what?\r\n", NET_GO_ON },
	};
	struct net_server server;
	struct sync_run run = { 0 }, again = { 0 };

	(void)state;
	begin(&run, &server, rules, 1, &keep_forever);
	finish(&run, &server);
	assert_int_equal(run.report.result.error, EVPOP_ERROR_NONE);
	assert_int_equal(run.report.fetched, 3);
	begin(&again, &server, rules, 2, &keep_forever);
	finish(&again, &server);
	assert_string_equal(again.log, "done:refused ");
	assert_false(again.report.listed);
	assert_non_null(strstr(server.log, "QUIT;"));
}

static void
test_closed_early(void **state)
{
	static const struct net_rule rules[] = {
		{ "", NULL, NET_CLOSE },
		{ "UIDL", "+OK\r\n1 id-1\r\n", NET_CLOSE },
		{ "UIDL", "+OK\r\n1 id-1\r\n2", NET_RESET },
	};
	struct net_server server;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rules / sizeof rules[0]; i++) {
		struct sync_run run = { 0 };

		begin(&run, &server, &rules[i], 1, &keep_none);
		finish(&run, &server);
		assert_string_equal(run.log, "done:io ");
		assert_false(run.report.listed);
		assert_true(run.report.result.text[0] != '\0');
	}
}

/* ---- ends before the end ---- */

static void
test_stop(void **state)
{
	static const struct {
		const char *in, *commands;
	} cases[] = {
		{ "listing", "QUIT;" },
		{ "planned", "QUIT;" },
	};
	struct net_server server;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct sync_run run = { .stop_in = cases[i].in };

		begin(&run, &server, NULL, 0, &keep_none);
		finish(&run, &server);
		assert_string_equal(commands(&server), cases[i].commands);
		assert_int_equal(run.report.result.error, EVPOP_ERROR_NONE);
		assert_int_equal(run.report.fetched, 0);
	}
}

static void
test_stop_before_anything(void **state)
{
	struct sync_run run = { 0 };
	struct net_server server;

	(void)state;
	begin(&run, &server, NULL, 0, &keep_none);
	evpop_sync_stop(run.sync);
	finish(&run, &server);
	assert_string_equal(run.log, "done:ok ");
	assert_string_equal(commands(&server), "QUIT;");
}

/* What was handed over is finished and committed. */
static void
test_stop_in_a_body(void **state)
{
	struct sync_run run = { .stop_in = "begin", .acknowledge = ACK_SOON };
	struct net_server server;

	(void)state;
	begin(&run, &server, NULL, 0, &keep_none);
	finish(&run, &server);
	assert_int_equal(run.report.result.error, EVPOP_ERROR_NONE);
	assert_true(run.report.fetched > 0);
	assert_int_equal(run.report.deleted, run.report.fetched);
	assert_int_equal(run.report.quit, EVPOP_QUIT_COMMITTED);
}

static void
test_cancel(void **state)
{
	static const char *const names[] = { "listing", "planned", "begin",
		"end" };
	struct net_server server;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct sync_run run = { .cancel_in = names[i],
			.acknowledge = ACK_SOON };

		begin(&run, &server, NULL, 0, &keep_none);
		finish(&run, &server);
		assert_int_equal(
		    run.report.result.error, EVPOP_ERROR_CANCELLED);
		assert_string_equal(run.report.result.text, "the test says so");
		assert_null(strstr(server.log, "QUIT"));
		assert_null(strstr(run.log, "deleted"));
	}
}

static void
test_cancel_before_anything(void **state)
{
	const struct evpop_result reason = { .error = EVPOP_ERROR_CANCELLED };
	struct sync_run run = { 0 };
	struct net_server server;

	(void)state;
	begin(&run, &server, NULL, 0, &keep_none);
	evpop_sync_cancel(run.sync, &reason);
	assert_false(run.done);
	finish(&run, &server);
	assert_string_equal(run.log, "done:cancelled ");
}

static void
test_free_in_every_callback(void **state)
{
	static const char *const names[] = { "listing", "planned", "begin",
		"data", "end", "deleted", "done" };
	struct net_server server;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct sync_run run = { .free_in = names[i] };

		begin(&run, &server, NULL, 0, &keep_none);
		assert_true(turn(&run.freed, NET_PATIENCE_S * 1000));
		assert_false(turn(&(bool){ false }, 20));
		/* No callback runs any more. */
		assert_string_equal(
		    strchr(strstr(run.log, names[i]), ' '), " ");
		assert_int_equal(run.done, i == 6);
		finish(&run, &server);
	}
}

static void
test_free_at_any_time(void **state)
{
	struct net_server server;
	int turns, i;

	(void)state;
	for (turns = 0; turns < 40; turns++) {
		struct sync_run run = { .acknowledge = ACK_SOON };

		begin(&run, &server, NULL, 0, &keep_none);
		for (i = 0; i < turns && !run.done; i++)
			assert_int_equal(
			    event_base_loop(base, EVLOOP_NONBLOCK), 0);
		run.freed = true;
		evpop_sync_free(run.sync);
		run.sync = NULL;
		finish(&run, &server);
	}
}

/* ---- flow ---- */

static void
test_pause_and_resume(void **state)
{
	struct net_server server;
	int round;

	(void)state;
	for (round = 0; round < 2; round++) {
		struct sync_run run = { .pause_at_begin = round == 0,
			.pause_at_data = round == 1 };

		begin(&run, &server, NULL, 0, &keep_forever);
		assert_false(turn(&run.done, 50));
		assert_string_equal(run.log, "listing:3 planned:3+0 begin:1 ");
		run.pause_at_begin = run.pause_at_data = false;
		evpop_sync_resume(run.sync);
		finish(&run, &server);
		assert_int_equal(run.report.fetched, 3);
		assert_memory_equal(
		    run.body, BODY_1 BODY_2 BODY_3, run.body_length);
	}
}

/* More messages than may be ahead, on servers that pipeline and others. */
static void
test_many(void **state)
{
	enum {
		MANY = 1000
	};
	static struct net_message many[MANY];
	struct net_server_options options = { .messages = many,
		.message_count = MANY };
	struct evpop_client_config config = { .host = "127.0.0.1",
		.tls = EVPOP_TLS_NONE };
	struct net_server server;
	int round, i;

	(void)state;
	for (i = 0; i < MANY; i++)
		many[i] = messages[i % 3];
	for (round = 0; round < 2; round++) {
		struct sync_run run = { .acknowledge = ACK_SOON };

		options.pipelining = round == 0;
		net_server_start(&server, base, &options, NULL, 0);
		config.port = server.port;
		run.soon = event_new(base, -1, 0, on_soon, &run);
		run.sync = evpop_sync_new(
		    base, NULL, &config, &keep_none, &callbacks, &run);
		assert_non_null(run.sync);
		assert_int_equal(
		    evpop_sync_start(
			run.sync, &(struct evpop_credentials){ .user = "anna",
				      .password = "secret" }),
		    EVPOP_ERROR_NONE);
		finish(&run, &server);
		assert_int_equal(run.report.result.error, EVPOP_ERROR_NONE);
		assert_int_equal(run.report.fetched, MANY);
		assert_int_equal(run.report.deleted, MANY);
		assert_int_equal(run.owed_count, 0);
	}
}

static void
test_bad_credentials_are_not_sent(void **state)
{
	struct evpop_client_config config = {
		.host = "127.0.0.1", .port = 9, .tls = EVPOP_TLS_NONE
	};
	struct sync_run run = { 0 };

	(void)state;
	run.sync =
	    evpop_sync_new(base, NULL, &config, &keep_none, &callbacks, &run);
	assert_non_null(run.sync);
	assert_int_equal(evpop_sync_start(run.sync,
			     &(struct evpop_credentials){
				 .user = "anna\r\nDELE 1", .password = "x" }),
	    EVPOP_ERROR_USAGE);
	evpop_sync_free(run.sync);
	assert_int_equal(event_base_loop(base, EVLOOP_NONBLOCK), 1);
	assert_string_equal(run.log, "");
}

static int
group_setup(void **state)
{
	(void)state;
	base = event_base_new();
	return base == NULL;
}

static int
group_teardown(void **state)
{
	(void)state;
	event_base_free(base);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keep_forever),
		cmocka_unit_test(test_delete_what_is_stored),
		cmocka_unit_test(test_known_messages),
		cmocka_unit_test(test_nothing_to_do),
		cmocka_unit_test(test_known_is_told_later),
		cmocka_unit_test(test_no_delete_before_it_is_durable),
		cmocka_unit_test(test_done_waits_for_the_store),
		cmocka_unit_test(test_what_is_not_durable_stays),
		cmocka_unit_test(test_connection_lost_in_a_body),
		cmocka_unit_test(test_connection_lost_in_the_last_body),
		cmocka_unit_test(test_quit_outcomes),
		cmocka_unit_test(test_rude_farewell),
		cmocka_unit_test(test_refused_log_in),
		cmocka_unit_test(test_refused_messages),
		cmocka_unit_test(test_without_uidl),
		cmocka_unit_test(test_without_list),
		cmocka_unit_test(test_closed_early),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_stop_before_anything),
		cmocka_unit_test(test_stop_in_a_body),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_cancel_before_anything),
		cmocka_unit_test(test_free_in_every_callback),
		cmocka_unit_test(test_free_at_any_time),
		cmocka_unit_test(test_pause_and_resume),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_bad_credentials_are_not_sent),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
