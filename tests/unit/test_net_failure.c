/* What goes wrong on the way, and what is said of it; deadlines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/net_ends.h"
#include "tests/unit/net_run.h"
#include "tests/unit/net_server.h"

/*
 * What must be waited for; but longer than a busy machine keeps both a client
 * and its server from going on.
 */
#define SHORT_MS     1900
#define WITHIN_SHORT "within 1900 ms"
#define SILENT_SHORT "silent for 1900 ms"

struct failure {
	const char *name;
	struct net_rule rules[2];
	const char *record;
	enum evpop_error error;
	enum evpop_phase phase;
	enum evpop_quit quit;
	const char *words;
};

#define RECORD(connect, login, stat, end, quit, closed)              \
	"connect:" connect " login:" login " stat:" stat " end:" end \
	" quit:" quit " closed:" closed " "

static const struct failure failures[] = {
	{ "another protocol", { { "", "220 smtp\r\n", NET_GO_ON } },
	    RECORD("protocol", "cancelled", "cancelled", "cancelled",
		"cancelled", "protocol"),
	    EVPOP_ERROR_PROTOCOL, EVPOP_PHASE_GREETING, EVPOP_QUIT_NONE,
	    "220 smtp" },
	{ "refused by the greeting", { { "", "-ERR too many\r\n", NET_CLOSE } },
	    RECORD("refused", "cancelled", "cancelled", "cancelled",
		"cancelled", "refused"),
	    EVPOP_ERROR_REFUSED, EVPOP_PHASE_GREETING, EVPOP_QUIT_NONE,
	    "too many" },
	{ "closed before the greeting", { { "", NULL, NET_RESET } }, NULL,
	    EVPOP_ERROR_IO, EVPOP_PHASE_GREETING, EVPOP_QUIT_NONE, "" },
	{ "closed at PASS", { { "PASS secret", "", NET_CLOSE } },
	    RECORD("ok", "io", "io", "io", "io", "io"), EVPOP_ERROR_IO,
	    EVPOP_PHASE_LOGIN, EVPOP_QUIT_NONE, "log-in" },
	{ "closed in mid body",
	    { { "RETR 1", "+OK 9 octets\r\nhalf", NET_CLOSE } },
	    "connect:ok login:ok stat:0/0 begin end:io quit:io closed:io ",
	    EVPOP_ERROR_IO, EVPOP_PHASE_BODY, EVPOP_QUIT_NONE,
	    "middle of a message" },
	{ "reset in mid body",
	    { { "RETR 1", "+OK 9 octets\r\nhalf", NET_RESET } },
	    "connect:ok login:ok stat:0/0 begin end:io quit:io closed:io ",
	    EVPOP_ERROR_IO, EVPOP_PHASE_BODY, EVPOP_QUIT_NONE, "reset" },
	{ "no answer to QUIT", { { "QUIT", "", NET_CLOSE } },
	    "connect:ok login:ok stat:0/0 end:refused quit:io closed:io ",
	    EVPOP_ERROR_IO, EVPOP_PHASE_QUIT, EVPOP_QUIT_UNKNOWN, "QUIT" },
	{ "QUIT refused", { { "QUIT", "-ERR not removed\r\n", NET_CLOSE } },
	    "connect:ok login:ok stat:0/0 end:refused quit:refused closed:ok ",
	    EVPOP_ERROR_NONE, EVPOP_PHASE_NONE, EVPOP_QUIT_REFUSED, "" },
	{ "unasked", { { "STAT", "+OK 1 2\r\n+OK 3 4\r\n", NET_GO_ON } },
	    "connect:ok login:ok stat:1/2 end:protocol quit:protocol "
	    "closed:protocol ",
	    EVPOP_ERROR_PROTOCOL, EVPOP_PHASE_COMMAND, EVPOP_QUIT_NONE,
	    "without being asked" },
	{ "reason before the end",
	    { { "STAT", "-ERR goodbye\r\n", NET_CLOSE } },
	    "connect:ok login:ok stat:refused end:io quit:io closed:io ",
	    EVPOP_ERROR_IO, EVPOP_PHASE_COMMAND, EVPOP_QUIT_NONE, "closed" },
};

static void
ask_all(struct net_run *run)
{
	net_run_connect(run);
	net_run_login(run);
	net_run_stat(run);
	net_run_retr(run, 1);
	net_run_quit(run);
}

static void
test_failures(void **state)
{
	struct evpop_client_config config = { .tls = EVPOP_TLS_NONE };
	const struct failure *this;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		struct net_server_options options = { .rule_count = 1 };
		struct net_server server;
		struct net_run run;

		this = &failures[i];
		print_message("%s\n", this->name);
		options.rules = this->rules;
		net_server_start(&server, net_ends.base, &options, NULL, 0);
		config.port = server.port;
		net_run_start(&run, net_ends.base, NULL, &config);
		ask_all(&run);
		net_run_until(&run, &run.closed);
		if (this->record != NULL)
			assert_string_equal(run.log, this->record);
		assert_int_equal(run.closed_result.error, this->error);
		if (this->error != EVPOP_ERROR_REFUSED &&
		    this->error != EVPOP_ERROR_NONE)
			assert_int_equal(run.closed_result.phase, this->phase);
		assert_int_equal(run.quit, this->quit);
		assert_non_null(
		    strcasestr(run.closed_result.text, this->words));
		/* A whole body has an end that says so. */
		assert_null(strstr(run.log, "end:ok"));
		assert_int_equal(evpop_client_noop(run.client, NULL, NULL),
		    EVPOP_ERROR_USAGE);
		net_run_finish(&run);
		net_server_stop(&server);
	}
}

struct deadline {
	const char *name;
	struct net_rule rule;
	size_t timeout; /* offset of the member that is short */
	enum evpop_phase phase;
	const char *words;
};

#define MEMBER(name) offsetof(struct evpop_timeouts, name)

static const struct deadline deadlines[] = {
	{ "greeting", { "", NULL, NET_GO_ON }, MEMBER(greeting_ms),
	    EVPOP_PHASE_GREETING, "no greeting " WITHIN_SHORT },
	{ "half a greeting", { "", "+OK rea", NET_GO_ON }, MEMBER(greeting_ms),
	    EVPOP_PHASE_GREETING, "no greeting" },
	{ "CAPA", { "CAPA", NULL, NET_HALT }, MEMBER(command_ms),
	    EVPOP_PHASE_COMMAND, "CAPA was not answered " WITHIN_SHORT },
	{ "USER", { "USER anna", NULL, NET_HALT }, MEMBER(login_ms),
	    EVPOP_PHASE_LOGIN, "log-in" },
	{ "PASS", { "PASS secret", NULL, NET_HALT }, MEMBER(login_ms),
	    EVPOP_PHASE_LOGIN, "log-in" },
	{ "STAT", { "STAT", "+OK 1", NET_HALT }, MEMBER(command_ms),
	    EVPOP_PHASE_COMMAND, "STAT" },
	{ "RETR", { "RETR 1", NULL, NET_HALT }, MEMBER(command_ms),
	    EVPOP_PHASE_COMMAND, "RETR" },
	{ "body", { "RETR 1", "+OK\r\nhalf", NET_HALT }, MEMBER(body_ms),
	    EVPOP_PHASE_BODY, SILENT_SHORT " amid its answer to RETR" },
	{ "QUIT", { "QUIT", NULL, NET_HALT }, MEMBER(quit_ms), EVPOP_PHASE_QUIT,
	    "QUIT" },
	{ "session", { "STAT", NULL, NET_HALT }, MEMBER(session_ms),
	    EVPOP_PHASE_COMMAND, "session was not over " WITHIN_SHORT },
};

#define DEADLINES (sizeof(deadlines) / sizeof(deadlines[0]))

static void
begin_deadline(const struct deadline *deadline, struct net_server *server,
    struct net_run *run)
{
	struct evpop_client_config config = { .tls = EVPOP_TLS_NONE };
	const struct net_server_options options = { .rules = &deadline->rule,
		.rule_count = 1 };

	*(int64_t *)((char *)&config.timeouts + deadline->timeout) = SHORT_MS;
	net_server_start(server, net_ends.base, &options, NULL, 0);
	config.port = server->port;
	net_run_start(run, net_ends.base, NULL, &config);
	ask_all(run);
}

static void
end_deadline(const struct deadline *deadline, struct net_server *server,
    struct net_run *run)
{
	print_message("%s\n", deadline->name);
	net_run_until(run, &run->closed);
	assert_int_equal(run->closed_result.error, EVPOP_ERROR_TIMEOUT);
	if (deadline->timeout != MEMBER(session_ms))
		assert_int_equal(run->closed_result.phase, deadline->phase);
	assert_true(run->closed_result.retry);
	assert_non_null(strstr(run->closed_result.text, deadline->words));
	net_run_finish(run);
	net_server_stop(server);
}

/* All at the same time, so that they take no longer than one. */
static void
test_deadlines(void **state)
{
	static struct net_server servers[DEADLINES];
	static struct net_run runs[DEADLINES];
	size_t i;

	(void)state;
	for (i = 0; i < DEADLINES; i++)
		begin_deadline(&deadlines[i], &servers[i], &runs[i]);
	for (i = 0; i < DEADLINES; i++)
		end_deadline(&deadlines[i], &servers[i], &runs[i]);
}

static void
say_more(evutil_socket_t fd, short what, void *arg)
{
	struct net_server *server = arg;

	(void)fd;
	(void)what;
	net_server_say(server, "more\r\n");
}

/* A body that trickles is late only by the silence in it. */
static void
test_trickle(void **state)
{
	static const struct net_rule rules[] = { { "RETR 1", "+OK\r\n",
	    NET_HALT } };
	struct evpop_client_config config = { .tls = EVPOP_TLS_NONE };
	struct net_server_options options = { .rules = rules, .rule_count = 1 };
	struct timeval often = { 0, 20000 };
	struct net_server server;
	struct event *timer;
	struct net_run run;

	(void)state;
	config.timeouts.body_ms = SHORT_MS;
	net_server_start(&server, net_ends.base, &options, NULL, 0);
	timer = event_new(net_ends.base, -1, EV_PERSIST, say_more, &server);
	assert_non_null(timer);
	config.port = server.port;
	net_run_start(&run, net_ends.base, NULL, &config);
	ask_all(&run);
	assert_int_equal(event_add(timer, &often), 0);
	/* The greeting and the rest came by the rules; wait for the body. */
	net_run_for(&run, SHORT_MS / 2 * 3);
	assert_false(run.closed);
	assert_true(run.body_length > 0);
	event_free(timer);
	net_run_until(&run, &run.closed);
	assert_int_equal(run.closed_result.error, EVPOP_ERROR_TIMEOUT);
	assert_int_equal(run.closed_result.phase, EVPOP_PHASE_BODY);
	net_run_finish(&run);
	net_server_stop(&server);
}

/* Nothing asked, nothing due: an idle session stays. */
static void
test_idle(void **state)
{
	struct evpop_client_config config = { .tls = EVPOP_TLS_NONE };
	struct net_server server;
	struct net_run run;

	(void)state;
	config.timeouts.command_ms = SHORT_MS;
	net_server_start(&server, net_ends.base, NULL, NULL, 0);
	config.port = server.port;
	net_run_start(&run, net_ends.base, NULL, &config);
	net_run_connect(&run);
	while (run.log[0] == '\0')
		assert_int_equal(
		    event_base_loop(net_ends.base, EVLOOP_ONCE), 0);
	net_run_for(&run, SHORT_MS / 2 * 3);
	assert_string_equal(run.log, "connect:ok ");
	net_run_quit(&run);
	net_run_until(&run, &run.closed);
	assert_string_equal(run.log, "connect:ok quit:ok closed:ok ");
	net_run_finish(&run);
	net_server_stop(&server);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_deadlines),
		cmocka_unit_test(test_trickle),
		cmocka_unit_test(test_idle),
	};

	return cmocka_run_group_tests(
	    tests, net_ends_set_up_loop, net_ends_tear_down);
}
