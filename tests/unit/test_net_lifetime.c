/* Freed and cancelled wherever that can be; many at once. */
#include <sys/resource.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/failing_alloc.h"
#include "tests/unit/net_ends.h"
#include "tests/unit/net_run.h"
#include "tests/unit/net_server.h"

#define BODY "Subject: one\r\n\r\nbody\r\n"

static const struct net_message messages[] = {
	{ BODY, sizeof(BODY) - 1 },
};

static const enum evpop_tls all_tls[] = { EVPOP_TLS_NONE, EVPOP_TLS_IMPLICIT,
	EVPOP_TLS_STLS };

static void
begin(struct net_server *server, enum evpop_tls tls,
    struct evpop_client_config *config)
{
	struct net_server_options options = {
		.pipelining = true, .messages = messages, .message_count = 1
	};

	if (tls != EVPOP_TLS_NONE)
		options.tls = net_ends.server_tls;
	options.stls = tls == EVPOP_TLS_STLS;
	net_server_start(server, net_ends.base, &options, NULL, 0);
	memset(config, 0, sizeof(*config));
	config->tls = tls;
	config->tls_context = net_ends.client_tls;
	config->port = server->port;
}

static void
ask(struct net_run *run)
{
	net_run_connect(run);
	net_run_login(run);
	net_run_stat(run);
	net_run_list(run, 0);
	net_run_retr(run, 1);
	net_run_dele(run, 1);
	net_run_noop(run);
	net_run_quit(run);
}

/* In the order in which they run. */
static const char *const callbacks[] = { "connect", "login", "stat", "listed",
	"listing", "begin", "data", "end", "dele", "noop", "quit", "closed" };

#define CALLBACKS (sizeof(callbacks) / sizeof(callbacks[0]))

/* After it nothing runs: the callback's word is the last one. */
static void
test_free_in_callbacks(void **state)
{
	size_t i, j, length;

	(void)state;
	for (i = 0; i < 3; i++) {
		for (j = 0; j < CALLBACKS; j++) {
			struct evpop_client_config config;
			struct net_server server;
			struct net_run run;
			char *last;

			begin(&server, all_tls[i], &config);
			net_run_start(&run, net_ends.base, NULL, &config);
			run.free_in = callbacks[j];
			ask(&run);
			net_run_until(&run, &run.closed);
			net_run_for(&run, 5);
			assert_null(run.client);
			length = strlen(run.log);
			assert_true(length > 0);
			run.log[length - 1] = '\0';
			last = strrchr(run.log, ' ');
			last = last == NULL ? run.log : last + 1;
			assert_int_equal(
			    strncmp(last, callbacks[j], strlen(callbacks[j])),
			    0);
			net_run_finish(&run);
			net_server_stop(&server);
		}
	}
}

/* All that is unfinished is answered, once, as cancelled. */
static void
test_cancel_in_callbacks(void **state)
{
	size_t i, j;

	(void)state;
	for (i = 0; i < 3; i++) {
		/* Not in the last two: nothing is left to cancel. */
		for (j = 0; j < CALLBACKS - 2; j++) {
			struct evpop_client_config config;
			struct net_server server;
			struct net_run run;
			const char *at;
			size_t answers = 0;

			begin(&server, all_tls[i], &config);
			net_run_start(&run, net_ends.base, NULL, &config);
			run.cancel_in = callbacks[j];
			ask(&run);
			net_run_until(&run, &run.closed);
			for (at = run.log; (at = strchr(at, ':')) != NULL; at++)
				answers++;
			if (strstr(run.log, "listed:") != NULL)
				answers--;
			/* Eight requests, and `closed`. */
			assert_int_equal(answers, 9);
			if (strstr(run.log, "quit:ok") == NULL)
				assert_non_null(strstr(run.log,
				    "quit:cancelled closed:cancelled "));
			net_run_finish(&run);
			net_server_stop(&server);
		}
	}
}

static void
test_free_at_any_turn(void **state)
{
	size_t i, turns;
	bool finished;

	(void)state;
	for (i = 0; i < 3; i++) {
		for (turns = 0, finished = false; !finished; turns++) {
			struct evpop_client_config config;
			struct net_server server;
			struct net_run run;
			size_t turn;

			begin(&server, all_tls[i], &config);
			net_run_start(&run, net_ends.base, NULL, &config);
			ask(&run);
			for (turn = 0; turn < turns; turn++)
				assert_int_equal(
				    event_base_loop(net_ends.base, EVLOOP_ONCE),
				    0);
			finished = run.closed;
			net_run_finish(&run);
			net_server_stop(&server);
			assert_true(turns < 1000);
		}
	}
}

struct traced {
	struct evpop_client *client;
	size_t lines, free_at;
	bool closed;
};

static void
count_line(
    struct evpop_client *client, bool from_server, const char *line, void *arg)
{
	struct traced *traced = arg;

	(void)from_server;
	assert_ptr_equal(client, traced->client);
	assert_non_null(line);
	if (++traced->lines < traced->free_at)
		return;
	evpop_client_free(client);
	traced->client = NULL;
	traced->closed = true;
}

static void
note_closed(
    struct evpop_client *client, const struct evpop_result *result, void *arg)
{
	struct traced *traced = arg;

	(void)client;
	(void)result;
	traced->closed = true;
}

static void
ignore(struct evpop_client *client, const struct evpop_reply *reply, void *arg)
{
	(void)client;
	(void)reply;
	assert_non_null(((struct traced *)arg)->client);
}

/* The trace is called from inside the core, as it sends and as it reads. */
static void
test_free_in_trace(void **state)
{
	static const struct evpop_client_callbacks traced_callbacks = {
		.closed = note_closed, .trace = count_line
	};
	struct traced traced = { .free_at = 0 };
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		traced.client = NULL;
		for (traced.free_at = 1; traced.client == NULL;
		     traced.free_at++) {
			struct evpop_client_config config;
			struct net_server server;

			begin(&server, all_tls[i], &config);
			config.host = "127.0.0.1";
			traced.lines = 0;
			traced.closed = false;
			traced.client = evpop_client_new(net_ends.base, NULL,
			    &config, &traced_callbacks, &traced);
			assert_non_null(traced.client);
			assert_int_equal(evpop_client_connect(
					     traced.client, ignore, &traced),
			    EVPOP_ERROR_NONE);
			assert_int_equal(
			    evpop_client_login(traced.client,
				&(struct evpop_credentials){
				    .user = "anna", .password = "secret" },
				ignore, &traced),
			    EVPOP_ERROR_NONE);
			assert_int_equal(
			    evpop_client_quit(traced.client, ignore, &traced),
			    EVPOP_ERROR_NONE);
			while (!traced.closed)
				assert_int_equal(
				    event_base_loop(net_ends.base, EVLOOP_ONCE),
				    0);
			net_server_stop(&server);
		}
		assert_true(traced.free_at > 9);
		evpop_client_free(traced.client);
	}
}

static void
test_cancel_before_all(void **state)
{
	struct evpop_client_config config;
	struct net_server server;
	struct net_run run;

	(void)state;
	begin(&server, EVPOP_TLS_NONE, &config);
	net_run_start(&run, net_ends.base, NULL, &config);
	evpop_client_cancel(run.client);
	assert_string_equal(run.log, "");
	net_run_until(&run, &run.closed);
	assert_string_equal(run.log, "closed:cancelled ");
	/* Over is over. */
	evpop_client_cancel(run.client);
	evpop_client_resume(run.client);
	net_run_for(&run, 5);
	assert_string_equal(run.log, "closed:cancelled ");
	net_run_finish(&run);

	net_run_start(&run, net_ends.base, NULL, &config);
	ask(&run);
	evpop_client_cancel(run.client);
	net_run_until(&run, &run.closed);
	assert_string_equal(run.log,
	    "connect:cancelled login:cancelled stat:cancelled "
	    "listing:cancelled end:cancelled dele:cancelled noop:cancelled "
	    "quit:cancelled closed:cancelled ");
	assert_int_equal(server.accepted, 0);
	net_run_finish(&run);
	net_server_stop(&server);
}

/* A client that was never used, and one freed before the loop turned. */
static void
test_unused(void **state)
{
	struct evpop_client_config config;
	struct net_server server;
	struct net_run run;

	(void)state;
	begin(&server, EVPOP_TLS_IMPLICIT, &config);
	net_run_start(&run, net_ends.base, NULL, &config);
	net_run_finish(&run);
	net_run_start(&run, net_ends.base, NULL, &config);
	ask(&run);
	net_run_finish(&run);
	net_server_stop(&server);
}

/* Without memory for a part of it there is no client at all. */
static void
test_no_memory(void **state)
{
	const struct evpop_client_config config = { .host = "pop.test",
		.port = 110 };
	struct evpop_client *client;
	size_t failing = 0, counted;

	(void)state;
	do {
		failing_alloc_arm(++failing);
		client =
		    evpop_client_new(net_ends.base, NULL, &config, NULL, NULL);
		counted = failing_alloc_disarm();
		if (counted >= failing)
			assert_null(client);
	} while (counted >= failing);
	assert_non_null(client);
	/* The client, its connection, and the parts of that. */
	assert_true(failing > 5);
	evpop_client_free(client);
}

#define MANY 500

static void
run_many(enum evpop_tls tls)
{
	struct evpop_client_config config;
	struct net_server server;
	struct net_run *runs;
	size_t i;

	runs = calloc(MANY, sizeof(*runs));
	assert_non_null(runs);
	begin(&server, tls, &config);
	for (i = 0; i < MANY; i++) {
		net_run_start(&runs[i], net_ends.base, NULL, &config);
		ask(&runs[i]);
	}
	for (i = 0; i < MANY; i++) {
		net_run_until(&runs[i], &runs[i].closed);
		assert_non_null(strstr(
		    runs[i].log, "end:ok dele:ok noop:ok quit:ok closed:ok "));
		assert_int_equal(runs[i].body_length, sizeof(BODY) - 1);
		assert_memory_equal(runs[i].body, BODY, sizeof(BODY) - 1);
		net_run_finish(&runs[i]);
	}
	assert_int_equal(server.accepted, MANY);
	net_server_stop(&server);
	free(runs);
}

/* Both ends of each connection are here. */
static void
test_many(void **state)
{
	struct rlimit limit;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	if (limit.rlim_cur < 2 * MANY + 64)
		skip();
	run_many(EVPOP_TLS_NONE);
	run_many(EVPOP_TLS_IMPLICIT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_free_in_callbacks),
		cmocka_unit_test(test_cancel_in_callbacks),
		cmocka_unit_test(test_free_at_any_turn),
		cmocka_unit_test(test_free_in_trace),
		cmocka_unit_test(test_cancel_before_all),
		cmocka_unit_test(test_unused),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(
	    tests, net_ends_set_up, net_ends_tear_down);
}
