/*
 * How the blocking client ends when it does not end well: servers that are
 * silent or gone, callers that free it anywhere, memory that fails.
 */
#include <netinet/in.h>
#include <sys/socket.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/failing_alloc.h"
#include "tests/unit/test_session_easy_run.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A session that allocates more often than this does so without end. */
#define ALLOCATIONS_MAX 500

/* ---- memory ---- */

static const char body[] = "Subject: one\r\n\r\n0123456789\r\n..\r\nend\r\n";
static const struct net_message messages[] = { { body, sizeof body - 1 } };

#define MAILDROP .messages = messages, .message_count = COUNT(messages)

/* Read in pieces that leave something over. */
static enum evpop_error
read_all(struct evpop_easy *easy)
{
	enum evpop_error error = evpop_easy_retr(easy, 1, NULL);
	char piece[7];
	size_t length = 1;

	while (error == EVPOP_ERROR_NONE && length > 0)
		error = evpop_easy_read(easy, piece, sizeof piece, &length);
	return error;
}

static void
ignore_listed(const struct evpop_listed *listed, void *arg)
{
	(void)listed;
	(void)arg;
}

/* A whole session; what kept it from being one. */
static enum evpop_error
run_session(struct evpop_easy *easy)
{
	enum evpop_error error = evpop_easy_open(easy, "anna", "secret");
	char id[16];

	if (error == EVPOP_ERROR_NONE)
		error = evpop_easy_stat(easy, NULL, NULL);
	if (error == EVPOP_ERROR_NONE)
		error = evpop_easy_uidl(easy, 1, id, sizeof id, NULL);
	if (error == EVPOP_ERROR_NONE)
		error = evpop_easy_list_all(easy, ignore_listed, NULL);
	if (error == EVPOP_ERROR_NONE)
		error = read_all(easy);
	if (error == EVPOP_ERROR_NONE)
		error = evpop_easy_dele(easy, 1);
	if (error == EVPOP_ERROR_NONE)
		error = evpop_easy_quit(easy, NULL);
	return error;
}

/* With one allocation failing; false once there are not so many. */
static bool
run_failing(const struct easy_server *server, const char *host, size_t failing,
    enum evpop_error *error_r)
{
	const struct evpop_client_config config = {
		.host = host, .port = server->server.port, .tls = EVPOP_TLS_NONE
	};
	struct evpop_easy *easy;

	*error_r = EVPOP_ERROR_MEMORY;
	failing_alloc_arm(failing);
	easy = evpop_easy_new(&config, NULL, NULL);
	if (easy != NULL)
		*error_r = run_session(easy);
	evpop_easy_free(easy);
	return failing_alloc_disarm() >= failing;
}

static void
test_without_memory(void **state)
{
	static const char *const hosts[] = { "127.0.0.1", "localhost" };
	const struct net_server_options options = { MAILDROP };
	struct easy_server server;
	enum evpop_error error;
	size_t i, failing, shown;

	(void)state;
	easy_server_start(&server, &options);
	for (i = 0; i < COUNT(hosts); i++) {
		shown = 0;
		for (failing = 1; failing < ALLOCATIONS_MAX; failing++) {
			if (!run_failing(&server, hosts[i], failing, &error))
				break;
			shown += error == EVPOP_ERROR_MEMORY;
		}
		assert_true(failing < ALLOCATIONS_MAX);
		assert_int_equal(error, EVPOP_ERROR_NONE);
		print_message("%s: %zu allocations, %zu failures shown\n",
		    hosts[i], failing - 1, shown);
		/* Some only cost a piece of knowledge. */
		assert_true(shown > 10);
	}
	easy_server_stop(&server);
}

/* ---- silence ---- */

#define QUICK_MS 150

struct silence {
	const char *name;
	struct net_rule rule;
	struct evpop_timeouts timeouts;
	enum evpop_phase phase;
};

static const struct silence silences[] = {
	{ "greeting", { "", NULL, NET_HALT }, { .greeting_ms = QUICK_MS },
	    EVPOP_PHASE_GREETING },
	{ "login", { "PASS secret", NULL, NET_HALT }, { .login_ms = QUICK_MS },
	    EVPOP_PHASE_LOGIN },
	{ "stat", { "STAT", NULL, NET_HALT }, { .command_ms = QUICK_MS },
	    EVPOP_PHASE_COMMAND },
	{ "retr", { "RETR 1", NULL, NET_HALT }, { .command_ms = QUICK_MS },
	    EVPOP_PHASE_COMMAND },
	{ "body", { "RETR 1", "+OK\r\nhalf", NET_HALT },
	    { .body_ms = QUICK_MS }, EVPOP_PHASE_BODY },
	{ "quit", { "QUIT", NULL, NET_HALT }, { .quit_ms = QUICK_MS },
	    EVPOP_PHASE_QUIT },
	{ "session", { "RETR 1", "+OK\r\nhalf", NET_HALT },
	    { .session_ms = 4 * QUICK_MS }, EVPOP_PHASE_BODY },
};

static void
test_silence(void **state)
{
	struct easy_server server;
	struct evpop_easy *easy;
	enum evpop_error error;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(silences); i++) {
		const struct silence *this = &silences[i];
		const struct evpop_client_config config = {
			.timeouts = this->timeouts
		};
		const struct net_server_options options = { MAILDROP,
			.rules = &this->rule, .rule_count = 1 };

		print_message("%s\n", this->name);
		easy_server_start(&server, &options);
		easy = easy_make(&server, &config);
		error = run_session(easy);
		assert_int_equal(error, EVPOP_ERROR_TIMEOUT);
		assert_int_equal(evpop_easy_result(easy)->error, error);
		assert_int_equal(evpop_easy_result(easy)->phase, this->phase);
		assert_true(evpop_easy_result(easy)->retry);
		assert_int_equal(evpop_easy_noop(easy), EVPOP_ERROR_CANCELLED);
		easy_end(easy, &server);
	}
}

/* ---- QUIT ---- */

static void
test_quit(void **state)
{
	static const struct {
		struct net_rule rule;
		enum evpop_error error;
		enum evpop_quit quit;
	} cases[] = {
		{ { "QUIT", "+OK\r\n", NET_CLOSE }, EVPOP_ERROR_NONE,
		    EVPOP_QUIT_COMMITTED },
		{ { "QUIT", "-ERR some not deleted\r\n", NET_CLOSE },
		    EVPOP_ERROR_REFUSED, EVPOP_QUIT_REFUSED },
		{ { "QUIT", NULL, NET_CLOSE }, EVPOP_ERROR_IO,
		    EVPOP_QUIT_UNKNOWN },
		{ { "QUIT", "what?\r\n", NET_CLOSE }, EVPOP_ERROR_PROTOCOL,
		    EVPOP_QUIT_UNKNOWN },
	};
	struct easy_server server;
	struct evpop_easy *easy;
	enum evpop_quit quit;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		const struct net_server_options options = { MAILDROP,
			.rules = &cases[i].rule, .rule_count = 1 };

		easy = easy_serve(&server, &options, NULL);
		assert_ok(evpop_easy_dele(easy, 1));
		quit = EVPOP_QUIT_NONE;
		assert_int_equal(evpop_easy_quit(easy, &quit), cases[i].error);
		assert_int_equal(quit, cases[i].quit);
		/* Answered, it is no failure that the session is over. */
		assert_int_equal(evpop_easy_noop(easy),
		    quit == EVPOP_QUIT_UNKNOWN ? EVPOP_ERROR_CANCELLED
					       : EVPOP_ERROR_USAGE);
		easy_end(easy, &server);
	}
}

/* ---- servers that go away ---- */

static void
test_hang_up(void **state)
{
	static const struct net_rule rules[] = {
		{ "NOOP", "+OK\r\n", NET_CLOSE },
	};
	const struct net_server_options options = { MAILDROP, .rules = rules,
		.rule_count = 1 };
	struct easy_server server;
	struct evpop_easy *easy;
	uint32_t messages_count = 1;

	(void)state;
	easy = easy_serve(&server, &options, NULL);
	assert_ok(evpop_easy_noop(easy));
	assert_int_equal(
	    evpop_easy_stat(easy, &messages_count, NULL), EVPOP_ERROR_IO);
	assert_int_equal(messages_count, 0);
	assert_int_equal(evpop_easy_result(easy)->scope, EVPOP_SCOPE_SESSION);
	assert_int_equal(
	    evpop_easy_stat(easy, NULL, NULL), EVPOP_ERROR_CANCELLED);
	assert_true(evpop_easy_result(easy)->retry);
	easy_end(easy, &server);
}

/* A port that was free a moment ago. */
static uint16_t
closed_port(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t length = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true(fd >= 0);
	assert_int_equal(
	    bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(
	    getsockname(fd, (struct sockaddr *)&address, &length), 0);
	close(fd);
	return ntohs(address.sin_port);
}

static void
test_nobody_there(void **state)
{
	const struct evpop_client_config config = { .host = "127.0.0.1",
		.port = closed_port(),
		.tls = EVPOP_TLS_NONE };
	struct evpop_easy *easy = evpop_easy_new(&config, NULL, NULL);

	(void)state;
	assert_non_null(easy);
	assert_int_equal(evpop_easy_open(easy, "u", "p"), EVPOP_ERROR_IO);
	assert_int_equal(evpop_easy_result(easy)->phase, EVPOP_PHASE_CONNECT);
	assert_int_equal(evpop_easy_connect(easy), EVPOP_ERROR_CANCELLED);
	evpop_easy_free(easy);
}

/* ---- freed anywhere ---- */

static void
test_free_between_calls(void **state)
{
	const struct net_server_options options = { MAILDROP };
	struct easy_server server;
	struct evpop_easy *easy;
	char text[5];
	size_t length;
	int i;

	(void)state;
	easy_server_start(&server, &options);
	for (i = 0; i < 6; i++) {
		easy = easy_make(&server, NULL);
		if (i >= 1)
			assert_ok(evpop_easy_connect(easy));
		if (i >= 2)
			assert_ok(
			    evpop_easy_login_apop_or_user(easy, "a", "b"));
		if (i >= 3)
			assert_ok(evpop_easy_retr(easy, 1, NULL));
		if (i >= 4)
			assert_ok(
			    evpop_easy_read(easy, text, sizeof text, &length));
		if (i >= 5)
			assert_ok(evpop_easy_abandon(easy));
		evpop_easy_free(easy);
	}
	evpop_easy_free(NULL);
	easy_server_stop(&server);
	assert_null(strstr(server.server.log, "QUIT"));
}

struct intruder {
	struct evpop_easy *easy;
	size_t calls, free_at; /* 0: never */
	size_t refused;
};

/* Whatever is called in a callback does nothing. */
static void
intrude(struct intruder *intruder)
{
	char text[4];
	size_t length;
	bool more;

	intruder->calls++;
	if (intruder->calls == intruder->free_at) {
		evpop_easy_free(intruder->easy);
		intruder->easy = NULL;
		return;
	}
	/* Nothing is told to one who has freed it. */
	assert_non_null(intruder->easy);
	intruder->refused +=
	    evpop_easy_noop(intruder->easy) == EVPOP_ERROR_USAGE &&
	    evpop_easy_abandon(intruder->easy) == EVPOP_ERROR_USAGE &&
	    evpop_easy_more(intruder->easy, &more) == EVPOP_ERROR_USAGE &&
	    evpop_easy_read(intruder->easy, text, sizeof text, &length) ==
		EVPOP_ERROR_USAGE;
}

static void
on_trace(bool from_server, const char *line, void *arg)
{
	(void)from_server;
	assert_null(strstr(line, "secret"));
	intrude(arg);
}

static void
on_listed(const struct evpop_listed *listed, void *arg)
{
	(void)listed;
	intrude(arg);
}

static enum evpop_error
run_intruded(struct intruder *intruder)
{
	struct evpop_easy *easy = intruder->easy;
	enum evpop_error error = evpop_easy_open(easy, "anna", "secret");

	if (error == EVPOP_ERROR_NONE)
		error = evpop_easy_list_all(easy, on_listed, intruder);
	if (error == EVPOP_ERROR_NONE)
		error = read_all(easy);
	if (error == EVPOP_ERROR_NONE)
		error = evpop_easy_quit(easy, NULL);
	return error;
}

/* Free it in each callback in turn, until a session has not so many. */
static void
test_free_in_callbacks(void **state)
{
	const struct net_server_options options = { MAILDROP };
	struct easy_server server;
	struct evpop_client_config config = { .host = "127.0.0.1",
		.tls = EVPOP_TLS_NONE };
	struct intruder intruder;
	enum evpop_error error;
	size_t free_at = 0;

	(void)state;
	easy_server_start(&server, &options);
	config.port = server.server.port;
	do {
		memset(&intruder, 0, sizeof intruder);
		intruder.free_at = ++free_at;
		intruder.easy = evpop_easy_new(&config, on_trace, &intruder);
		assert_non_null(intruder.easy);
		error = run_intruded(&intruder);
		assert_int_equal(error, intruder.easy == NULL
					    ? EVPOP_ERROR_CANCELLED
					    : EVPOP_ERROR_NONE);
	} while (intruder.easy == NULL);
	assert_int_equal(intruder.refused, intruder.calls);
	assert_true(intruder.calls > 15);
	evpop_easy_free(intruder.easy);
	easy_server_stop(&server);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_memory),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_quit),
		cmocka_unit_test(test_hang_up),
		cmocka_unit_test(test_nobody_there),
		cmocka_unit_test(test_free_between_calls),
		cmocka_unit_test(test_free_in_callbacks),
	};

	/* Libevent's allocations are to fail as well. */
	event_set_mem_functions(malloc, realloc, free);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
