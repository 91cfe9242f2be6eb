/* Large bodies, sinks that pause, and fairness between sessions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/net/loop.h"
#include "tests/unit/net_ends.h"
#include "tests/unit/net_run.h"
#include "tests/unit/net_server.h"

/* More than sockets and the buffers between them hold. */
#define LARGE ((size_t)24 * 1024 * 1024)

/* More than a server says before a body. */
#define ANSWERS 1024

static char *large;

/* Lines of all lengths, some of which begin with a dot. */
static void
fill(char *octets, size_t length)
{
	size_t at, line = 0, count = 0;

	for (at = 0; at < length; at++) {
		if (line >= 2 + count % 97) {
			octets[at - 1] = '\r';
			octets[at] = '\n';
			line = 0;
			count++;
			continue;
		}
		octets[at] = line == 0 && count % 3 == 0
				 ? '.'
				 : (char)('a' + (at * 7 + count) % 26);
		line++;
	}
	octets[length - 2] = '\r';
	octets[length - 1] = '\n';
}

static int
group_setup(void **state)
{
	large = malloc(LARGE);
	if (large == NULL)
		return 1;
	fill(large, LARGE);
	return net_ends_set_up(state);
}

static int
group_teardown(void **state)
{
	free(large);
	return net_ends_tear_down(state);
}

static void
begin(struct net_run *run, struct net_server *server, enum evpop_tls tls,
    const struct net_message *message)
{
	struct net_server_options options = {
		.pipelining = true, .messages = message, .message_count = 1
	};
	struct evpop_client_config config = { .tls = tls,
		.tls_context = net_ends.client_tls };

	if (tls != EVPOP_TLS_NONE)
		options.tls = net_ends.server_tls;
	options.stls = tls == EVPOP_TLS_STLS;
	/* A pause of the sink is no silence of the server. */
	config.timeouts.body_ms = 10000;
	net_server_start(server, net_ends.base, &options, NULL, 0);
	config.port = server->port;
	net_run_start(run, net_ends.base, NULL, &config);
}

static void
ask(struct net_run *run)
{
	net_run_connect(run);
	net_run_login(run);
	net_run_retr(run, 1);
	net_run_stat(run);
	net_run_quit(run);
}

static void
resume(struct net_run *run)
{
	assert_true(run->paused);
	run->paused = false;
	evpop_client_resume(run->client);
}

static const enum evpop_tls all_tls[] = { EVPOP_TLS_NONE, EVPOP_TLS_IMPLICIT,
	EVPOP_TLS_STLS };

/* Paused at the beginning and again and again: nothing lost, nothing twice. */
static void
test_pauses(void **state)
{
	static const size_t every[] = { 1, 4096, 100000, 3000000 };
	struct net_message message = { large, 0 };
	size_t i, j, pauses;

	(void)state;
	for (i = 0; i < 3; i++) {
		for (j = 0; j < sizeof(every) / sizeof(every[0]); j++) {
			struct net_server server;
			struct net_run run;

			/* Ends in the middle of a line, now and then. */
			message.length = every[j] == 1 ? 200000 : LARGE / 2;
			begin(&run, &server, all_tls[i], &message);
			run.pause_at_begin = true;
			run.pause_every = every[j];
			ask(&run);
			for (pauses = 0; !run.closed; pauses++) {
				while (!run.closed && !run.paused)
					assert_int_equal(
					    event_base_loop(
						net_ends.base, EVLOOP_ONCE),
					    0);
				if (run.paused)
					resume(&run);
			}
			assert_true(pauses > 3);
			assert_non_null(strstr(run.log, "begin end:ok stat:"));
			assert_non_null(strstr(run.log, " quit:ok closed:ok "));
			assert_true(run.body_length >= message.length);
			assert_true(run.body_length <= message.length + 2);
			assert_memory_equal(run.body, large, message.length);
			assert_int_equal(run.claimed, message.length);
			net_run_finish(&run);
			net_server_stop(&server);
		}
	}
}

/*
 * Around what is read in one turn, and around what TLS reads ahead: octets that
 * are inside TLS while the socket has none left wake nobody by themselves.
 */
static void
test_octets_inside_tls(void **state)
{
	struct net_message message = { large, 0 };
	static const size_t around[] = { 10000, (size_t)4 * 65536 };
	size_t i, step;

	(void)state;
	for (i = 0; i < 2; i++) {
		for (step = 0; step < 25; step++) {
			struct net_server server;
			struct net_run run;

			message.length = around[i] + step * 1000 - 8000;
			begin(&run, &server, EVPOP_TLS_IMPLICIT, &message);
			run.pause_at_begin = true;
			net_run_connect(&run);
			net_run_login(&run);
			net_run_retr(&run, 1);
			net_run_until(&run, &run.paused);
			/* All of it is there when reading goes on. */
			while (net_server_waiting(&server) > 0)
				assert_int_equal(
				    event_base_loop(net_ends.base, EVLOOP_ONCE),
				    0);
			net_run_for(&run, 2);
			/* Small ones pause once for each record. */
			run.pause_every = i == 0 ? 1 : 0;
			resume(&run);
			/* Nothing more comes, not even the end. */
			while (!run.ended) {
				assert_int_equal(
				    event_base_loop(net_ends.base, EVLOOP_ONCE),
				    0);
				if (run.paused)
					resume(&run);
				assert_false(run.closed);
			}
			assert_string_equal(
			    run.log, "connect:ok login:ok begin end:ok ");
			assert_memory_equal(run.body, large, message.length);
			net_run_finish(&run);
			net_server_stop(&server);
		}
	}
}

/* While paused the socket is left alone, and no deadline runs. */
static void
test_pause_stops_reading(void **state)
{
	const struct net_message message = { large, LARGE };
	uint64_t octets;
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		struct net_server server;
		struct net_run run;

		begin(&run, &server, all_tls[i], &message);
		run.pause_every = 1000000;
		ask(&run);
		net_run_until(&run, &run.paused);
		octets = evpop_client_octets_in(run.client);
		net_run_for(&run, 300);
		assert_int_equal(octets, evpop_client_octets_in(run.client));
		assert_false(run.closed);
		assert_true(net_server_waiting(&server) > 1000000);
		run.pause_every = 0;
		resume(&run);
		/* A second resume is harmless. */
		evpop_client_resume(run.client);
		net_run_until(&run, &run.closed);
		assert_non_null(strstr(run.log, " quit:ok closed:ok "));
		assert_int_equal(run.body_length, LARGE);
		assert_memory_equal(run.body, large, LARGE);
		net_run_finish(&run);
		net_server_stop(&server);
	}
}

/* Dots that are sent besides. */
static size_t
stuffed(size_t length)
{
	size_t at, count = 0;

	for (at = 0; at < length; at++)
		count += large[at] == '.' && (at == 0 || large[at - 1] == '\n');
	return count;
}

/* Where one had to pause, others read no more than they could have to keep. */
static void
test_pauses_of_others(void **state)
{
	const struct net_message message = { large, LARGE };
	struct net_server servers[2];
	struct net_run first, second;
	uint64_t taken;

	(void)state;
	begin(&first, &servers[0], EVPOP_TLS_NONE, &message);
	begin(&second, &servers[1], EVPOP_TLS_NONE, &message);
	first.pause_every = LARGE / 2;
	second.is_full = &first.paused;
	ask(&first);
	ask(&second);
	net_run_until(&first, &first.paused);
	net_run_until(&second, &second.paused);
	taken = second.body_length + stuffed(second.body_length);
	assert_true(evpop_client_octets_in(second.client) - taken <
		    EVPOP_SHARE_FIRST + ANSWERS);
	net_run_finish(&first);
	net_run_finish(&second);
	net_server_stop(&servers[0]);
	net_server_stop(&servers[1]);
}

/* A body deadline shorter than the pause: it does not run meanwhile. */
static void
test_pause_stops_deadline(void **state)
{
	const struct net_message message = { large, 1000 };
	struct net_server_options options = { .messages = &message,
		.message_count = 1 };
	struct evpop_client_config config = { .tls = EVPOP_TLS_NONE };
	struct net_server server;
	struct net_run run;

	(void)state;
	config.timeouts.body_ms = config.timeouts.command_ms = 2000;
	net_server_start(&server, net_ends.base, &options, NULL, 0);
	config.port = server.port;
	net_run_start(&run, net_ends.base, NULL, &config);
	run.pause_at_begin = true;
	ask(&run);
	net_run_until(&run, &run.paused);
	net_run_for(&run, 3000);
	assert_false(run.closed);
	resume(&run);
	net_run_until(&run, &run.closed);
	assert_non_null(strstr(run.log, "end:ok"));
	net_run_finish(&run);
	net_server_stop(&server);
}

/* The whole session's deadline does run, and unpauses to say so. */
static void
test_session_deadline_while_paused(void **state)
{
	const struct net_message message = { large, LARGE };
	struct net_server_options options = { .messages = &message,
		.message_count = 1 };
	struct evpop_client_config config = { .tls = EVPOP_TLS_NONE };
	struct net_server server;
	struct net_run run;

	(void)state;
	config.timeouts.session_ms = 2000;
	net_server_start(&server, net_ends.base, &options, NULL, 0);
	config.port = server.port;
	net_run_start(&run, net_ends.base, NULL, &config);
	run.pause_at_begin = true;
	ask(&run);
	net_run_until(&run, &run.closed);
	assert_int_equal(run.closed_result.error, EVPOP_ERROR_TIMEOUT);
	assert_non_null(strstr(run.log, "end:timeout"));
	net_run_finish(&run);
	net_server_stop(&server);
}

static void
count_turn(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval at_once = { 0, 0 };
	struct event **timer = arg;

	(void)fd;
	(void)what;
	(void)evtimer_add(*timer, &at_once);
}

struct turns {
	struct event *timer;
	struct net_run *run;
	size_t largest; /* octets of body that came between two turns */
	size_t before;
};

static void
watch_turn(evutil_socket_t fd, short what, void *arg)
{
	struct turns *turns = arg;
	size_t came = turns->run->body_length - turns->before;

	turns->before = turns->run->body_length;
	if (came > turns->largest)
		turns->largest = came;
	count_turn(fd, what, &turns->timer);
}

/* However much there is to read, others get their turn. */
static void
test_bounded_turn(void **state)
{
	const struct net_message message = { large, LARGE };
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct net_server server;
		struct net_run run;
		struct turns turns = { .run = &run };

		begin(&run, &server, all_tls[i], &message);
		ask(&run);
		turns.timer = evtimer_new(net_ends.base, watch_turn, &turns);
		assert_non_null(turns.timer);
		watch_turn(-1, 0, &turns);
		net_run_until(&run, &run.closed);
		event_free(turns.timer);
		assert_int_equal(run.body_length, LARGE);
		/* Two turns of 256 KiB at most, one by the timer. */
		assert_true(turns.largest > 0);
		assert_true(turns.largest <= (size_t)2 * 5 * 65536);
		net_run_finish(&run);
		net_server_stop(&server);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pauses),
		cmocka_unit_test(test_octets_inside_tls),
		cmocka_unit_test(test_pause_stops_reading),
		cmocka_unit_test(test_pauses_of_others),
		cmocka_unit_test(test_pause_stops_deadline),
		cmocka_unit_test(test_session_deadline_while_paused),
		cmocka_unit_test(test_bounded_turn),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
