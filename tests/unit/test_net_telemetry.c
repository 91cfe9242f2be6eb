/* What a program is told of its sessions: each thing once, and in order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <evpop/telemetry.h>

#include "tests/unit/net_ends.h"
#include "tests/unit/net_run.h"
#include "tests/unit/net_server.h"

#define BODY "Subject: one\r\n\r\n.hidden dot\r\nend\r\n"

/* A word for each event, "step:login:auth command:RETR:ok ". */
struct told {
	char log[8192];
	int64_t commands_us, steps_us, session_us;
	uint64_t octets;
	unsigned int firsts;
	bool has_tls;
	struct evpop_telemetry_session session; /* as the last event had it */
};

static void
told_event(const struct evpop_telemetry_event *event, void *arg)
{
	struct told *told = arg;
	const char *name = "";
	size_t used = strlen(told->log);

	told->session = *event->session;
	assert_string_equal(event->session->host, "127.0.0.1");
	if (event->kind == EVPOP_TELEMETRY_STATE) {
		snprintf(told->log + used, sizeof told->log - used, "%s:%s>%s ",
		    event->machine, event->old_state, event->new_state);
		return;
	}
	if (event->kind == EVPOP_TELEMETRY_LINE) {
		snprintf(told->log + used, sizeof told->log - used, "%c:%s;",
		    event->from_server ? 'S' : 'C', event->line);
		return;
	}
	assert_true(event->duration_us >= 0);
	assert_true(event->first_us <= event->duration_us);
	if (event->kind == EVPOP_TELEMETRY_STEP) {
		name = evpop_phase_name(event->phase);
		told->steps_us += event->duration_us;
	} else if (event->kind == EVPOP_TELEMETRY_COMMAND) {
		name = evpop_command_name(event->command);
		told->commands_us += event->duration_us;
		told->octets += event->octets;
		told->firsts += event->first_us >= 0;
	} else {
		told->session_us = event->duration_us;
		told->has_tls = event->session->tls_name != NULL;
	}
	snprintf(told->log + used, sizeof told->log - used, "%s:%s:%s ",
	    evpop_telemetry_kind_name(event->kind), name,
	    evpop_error_name(event->result->error));
}

static const struct net_message messages[] = {
	{ BODY, sizeof(BODY) - 1 },
};

/* Some kinds, of a session that fetches one message. */
static void
fetch(struct told *told, unsigned int kinds, struct net_server_options *options,
    enum evpop_tls tls)
{
	const struct evpop_telemetry telemetry = { kinds, told_event, told };
	struct evpop_client_config config = { .tls = tls,
		.tls_context = net_ends.client_tls,
		.telemetry = &telemetry };
	struct net_server server;
	struct net_run run;

	memset(told, 0, sizeof *told);
	options->messages = messages;
	options->message_count = 1;
	if (tls != EVPOP_TLS_NONE)
		options->tls = net_ends.server_tls;
	options->stls = tls == EVPOP_TLS_STLS;
	net_server_start(&server, net_ends.base, options, NULL, 0);
	config.port = server.port;
	net_run_start(&run, net_ends.base, NULL, &config);
	net_run_connect(&run);
	net_run_login(&run);
	net_run_stat(&run);
	net_run_list(&run, 0);
	net_run_retr(&run, 1);
	net_run_dele(&run, 1);
	net_run_quit(&run);
	/* Nothing is told from inside the calls. */
	assert_string_equal(told->log, "");
	net_run_until(&run, &run.closed);
	if (kinds != 0)
		assert_int_equal(told->session.octets_in,
		    evpop_client_octets_in(run.client));
	net_run_finish(&run);
	net_server_stop(&server);
}

#define MEASURES                                           \
	(EVPOP_TELEMETRY_BIT(EVPOP_TELEMETRY_STEP) |       \
	    EVPOP_TELEMETRY_BIT(EVPOP_TELEMETRY_COMMAND) | \
	    EVPOP_TELEMETRY_BIT(EVPOP_TELEMETRY_SESSION))

#define COMMANDS                                                           \
	"command:STAT:ok command:LIST:ok command:RETR:ok command:DELE:ok " \
	"command:QUIT:ok session::ok "

static void
test_plain(void **state)
{
	struct net_server_options options = { .pipelining = false };
	struct told told;

	(void)state;
	for (int pipelining = 0; pipelining < 2; pipelining++) {
		options = (struct net_server_options){ .pipelining =
							   pipelining == 1 };
		fetch(&told, MEASURES, &options, EVPOP_TLS_NONE);
		assert_string_equal(told.log,
		    "step:resolve:ok step:connect:ok step:greeting:ok "
		    "command:CAPA:ok command:USER:ok command:PASS:ok "
		    "step:login:ok command:CAPA:ok " COMMANDS);
		assert_int_equal(told.octets, sizeof(BODY) - 1);
		/* CAPA twice, LIST, RETR. */
		assert_int_equal(told.firsts, 4);
		assert_int_equal(told.session.commands, 9);
		/* One after the other, though they were sent together. */
		assert_true(told.commands_us <= told.session_us);
		assert_true(told.steps_us <= told.session_us);
		assert_true(told.session.logged_in);
		assert_int_equal(told.session.mechanism, EVPOP_MECHANISM_USER);
		assert_false(told.has_tls);
		assert_int_equal(told.session.certificate_expires, 0);
	}
}

static void
test_tls(void **state)
{
	struct net_server_options options = { .pipelining = true };
	struct told told;

	(void)state;
	fetch(&told, MEASURES, &options, EVPOP_TLS_IMPLICIT);
	assert_non_null(strstr(told.log,
	    "step:resolve:ok step:connect:ok step:handshake:ok "
	    "step:greeting:ok "));
	assert_true(told.has_tls);
	assert_true(told.session.certificate_expires > 0);

	options = (struct net_server_options){ .pipelining = true };
	fetch(&told, MEASURES, &options, EVPOP_TLS_STLS);
	assert_non_null(strstr(
	    told.log, "step:resolve:ok step:connect:ok step:greeting:ok "));
	assert_non_null(strstr(told.log, "command:STLS:ok step:handshake:ok "));
	assert_true(told.has_tls);
}

static void
test_only_what_is_wanted(void **state)
{
	struct net_server_options options = { .pipelining = true };
	struct told told;

	(void)state;
	fetch(&told, EVPOP_TELEMETRY_BIT(EVPOP_TELEMETRY_SESSION), &options,
	    EVPOP_TLS_NONE);
	assert_string_equal(told.log, "session::ok ");
	options = (struct net_server_options){ .pipelining = true };
	fetch(&told, 0, &options, EVPOP_TLS_NONE);
	assert_string_equal(told.log, "");
}

static void
test_trace(void **state)
{
	struct net_server_options options = { .pipelining = false };
	struct told told;

	(void)state;
	fetch(&told, EVPOP_TELEMETRY_BIT(EVPOP_TELEMETRY_STATE), &options,
	    EVPOP_TLS_NONE);
	assert_string_equal(told.log,
	    "connection:IDLE>CONNECTING protocol:GREETING>AUTHORIZATION "
	    "connection:CONNECTING>CONNECTED "
	    "protocol:AUTHORIZATION>TRANSACTION "
	    "connection:CONNECTED>LOGGED IN protocol:TRANSACTION>UPDATE "
	    "protocol:UPDATE>CLOSED connection:LOGGED IN>ENDING "
	    "connection:ENDING>OVER ");
	options = (struct net_server_options){ .pipelining = false };
	fetch(&told, EVPOP_TELEMETRY_BIT(EVPOP_TELEMETRY_LINE), &options,
	    EVPOP_TLS_NONE);
	assert_non_null(strstr(told.log, "C:USER anna;"));
	assert_non_null(strstr(told.log, "C:RETR 1;"));
	assert_non_null(strstr(told.log, "S:+OK"));
	assert_null(strstr(told.log, "secret"));
	assert_null(strstr(told.log, "hidden"));
}

static void
test_refused(void **state)
{
	static const struct net_rule rules[] = {
		{ "PASS secret", "-ERR no\r\n", NET_GO_ON },
	};
	struct net_server_options options = { .rules = rules, .rule_count = 1 };
	struct told told;

	(void)state;
	fetch(&told, MEASURES, &options, EVPOP_TLS_NONE);
	assert_non_null(strstr(told.log, "step:login:auth "));
	assert_false(told.session.logged_in);
	/* What was never sent is not measured. */
	assert_null(strstr(told.log, "command:RETR"));
	assert_null(strstr(told.log, "command:STAT"));
}

static void
test_cut(void **state)
{
	static const struct net_rule rules[] = {
		{ "LIST", "+OK\r\n1 ", NET_CLOSE },
	};
	struct net_server_options options = { .rules = rules, .rule_count = 1 };
	struct told told;

	(void)state;
	fetch(&told, MEASURES, &options, EVPOP_TLS_NONE);
	assert_non_null(
	    strstr(told.log, "command:STAT:ok command:LIST:io session::io "));

	options = (struct net_server_options){ .rules = &(struct net_rule){ "",
						   NULL, NET_CLOSE },
		.rule_count = 1 };
	fetch(&told, MEASURES, &options, EVPOP_TLS_NONE);
	assert_string_equal(told.log,
	    "step:resolve:ok step:connect:ok step:greeting:io session::io ");
}

static void
test_freed(void **state)
{
	struct told told = { .log = "" };
	const struct evpop_telemetry telemetry = { MEASURES, told_event,
		&told };
	struct evpop_client_config config = { .telemetry = &telemetry,
		.host = "127.0.0.1",
		.tls = EVPOP_TLS_NONE };
	struct net_server_options options = { .messages = messages,
		.message_count = 1 };
	struct net_server server;
	struct net_run run;

	(void)state;
	net_server_start(&server, net_ends.base, &options, NULL, 0);
	config.port = server.port;
	/* One that was never begun has nothing to tell. */
	evpop_client_free(
	    evpop_client_new(net_ends.base, NULL, &config, NULL, NULL));
	assert_string_equal(told.log, "");
	net_run_start(&run, net_ends.base, NULL, &config);
	run.free_in = "login";
	net_run_connect(&run);
	net_run_login(&run);
	while (run.client != NULL)
		event_base_loop(net_ends.base, EVLOOP_ONCE);
	assert_non_null(strstr(told.log, "step:login:ok session::cancelled "));
	net_run_finish(&run);
	net_server_stop(&server);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_only_what_is_wanted),
		cmocka_unit_test(test_trace),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_freed),
	};

	return cmocka_run_group_tests(
	    tests, net_ends_set_up, net_ends_tear_down);
}
