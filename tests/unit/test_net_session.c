/* Whole sessions: plain, under TLS and after STLS; what is sent, and when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/net_ends.h"
#include "tests/unit/net_run.h"
#include "tests/unit/net_server.h"

#define BODY_1 "Subject: one\r\n\r\n.hidden dot\r\nend\r\n"
#define BODY_2 "Subject: two\r\n\r\nbody\r\n"

static const struct net_message messages[] = {
	{ BODY_1, sizeof(BODY_1) - 1 },
	{ BODY_2, sizeof(BODY_2) - 1 },
};

/* A server by the options, and a client of it that has nothing asked. */
static void
begin(struct net_run *run, struct net_server *server,
    struct net_server_options *options, enum evpop_tls tls)
{
	struct evpop_client_config config = { .tls = tls,
		.tls_context = net_ends.client_tls };

	if (options->messages == NULL) {
		options->messages = messages;
		options->message_count = 2;
	}
	if (tls != EVPOP_TLS_NONE)
		options->tls = net_ends.server_tls;
	options->stls = tls == EVPOP_TLS_STLS;
	net_server_start(server, net_ends.base, options, NULL, 0);
	config.port = server->port;
	net_run_start(run, net_ends.base, NULL, &config);
}

static void
finish(struct net_run *run, struct net_server *server)
{
	net_run_until(run, &run->closed);
	net_run_finish(run);
	net_server_stop(server);
}

static const char whole_record[] =
    "connect:ok login:ok stat:2/56 listed:1=id-1 listed:2=id-2 "
    "listing:ok listed:1=34 listed:2=22 listing:ok listing:2=22 "
    "listing:2=0id-2 begin end:ok begin end:ok dele:ok noop:ok "
    "quit:ok closed:ok ";

/* Each command was logged with one octet behind it, and had CRLF. */
static size_t
wire_length(const char *log)
{
	size_t length = 0;

	for (; *log != '\0'; log++)
		length += *log == ';' ? 2 : 1;
	return length;
}

static void
fetch_maildrop(enum evpop_tls tls, bool pipelining)
{
	struct net_server_options options = { .pipelining = pipelining };
	struct net_server server;
	struct net_run run;

	begin(&run, &server, &options, tls);
	net_run_connect(&run);
	net_run_login(&run);
	net_run_stat(&run);
	net_run_uidl(&run, 0);
	net_run_list(&run, 0);
	net_run_list(&run, 2);
	net_run_uidl(&run, 2);
	net_run_retr(&run, 1);
	net_run_top(&run, 2, 0);
	net_run_dele(&run, 1);
	net_run_noop(&run);
	net_run_quit(&run);
	/* Nothing may run from inside the calls. */
	assert_string_equal(run.log, "");
	net_run_until(&run, &run.closed);
	assert_string_equal(run.log, whole_record);
	assert_int_equal(run.quit, EVPOP_QUIT_COMMITTED);
	assert_int_equal(run.body_length, sizeof(BODY_1 BODY_2) - 1);
	assert_memory_equal(run.body, BODY_1 BODY_2, run.body_length);
	assert_string_equal(strstr(server.log, "USER"),
	    "USER anna;PASS secret;CAPA;STAT;UIDL;LIST;LIST 2;UIDL 2;RETR 1;"
	    "TOP 2 0;DELE 1;NOOP;QUIT;");
	assert_int_equal(evpop_client_state(run.client), EVPOP_STATE_CLOSED);
	assert_true(evpop_client_octets_in(run.client) > 0);
	assert_int_equal(
	    evpop_client_octets_out(run.client), wire_length(server.log));
	finish(&run, &server);
}

static void
test_plain(void **state)
{
	(void)state;
	fetch_maildrop(EVPOP_TLS_NONE, false);
	fetch_maildrop(EVPOP_TLS_NONE, true);
}

static void
test_implicit(void **state)
{
	(void)state;
	fetch_maildrop(EVPOP_TLS_IMPLICIT, false);
	fetch_maildrop(EVPOP_TLS_IMPLICIT, true);
}

static void
test_stls(void **state)
{
	(void)state;
	fetch_maildrop(EVPOP_TLS_STLS, false);
	fetch_maildrop(EVPOP_TLS_STLS, true);
}

static void
test_stls_before_all(void **state)
{
	struct net_server_options options = { .pipelining = true };
	struct net_server server;
	struct net_run run;

	(void)state;
	begin(&run, &server, &options, EVPOP_TLS_STLS);
	net_run_connect(&run);
	net_run_login(&run);
	net_run_quit(&run);
	assert_null(evpop_client_tls_name(run.client));
	assert_string_equal(evpop_client_peer(run.client), "");
	net_run_until(&run, &run.closed);
	assert_string_equal(
	    server.log, "STLS;CAPA;USER anna;PASS secret;CAPA;QUIT;");
	assert_true(evpop_client_capabilities(run.client)->known);
	assert_false(evpop_client_capabilities(run.client)->stls);
	assert_non_null(strstr(evpop_client_tls_name(run.client), "TLSv1."));
	assert_int_equal(
	    strncmp(evpop_client_peer(run.client), "127.0.0.1:", 10), 0);
	finish(&run, &server);
}

/*
 * Two flights after CAPA at most where the server pipelines, else one for each
 * command; CAPA is asked again once logged in.
 */
static void
test_flights(void **state)
{
	size_t flights[2];
	int pipelining;

	(void)state;
	for (pipelining = 0; pipelining <= 1; pipelining++) {
		struct net_server_options options = { .pipelining =
							  pipelining == 1 };
		struct net_server server;
		struct net_run run;

		begin(&run, &server, &options, EVPOP_TLS_NONE);
		net_run_connect(&run);
		net_run_login(&run);
		net_run_stat(&run);
		net_run_uidl(&run, 0);
		net_run_quit(&run);
		net_run_until(&run, &run.closed);
		assert_string_equal(server.log,
		    "CAPA;USER anna;PASS secret;CAPA;STAT;UIDL;QUIT;");
		flights[pipelining] = server.flights;
		finish(&run, &server);
	}
	assert_int_equal(flights[0], 7);
	assert_true(flights[1] <= 3);
}

static void
test_no_capa(void **state)
{
	struct net_server_options options = { .no_capa = true };
	struct net_server server;
	struct net_run run;

	(void)state;
	begin(&run, &server, &options, EVPOP_TLS_NONE);
	net_run_connect(&run);
	net_run_quit(&run);
	net_run_until(&run, &run.closed);
	assert_string_equal(run.log, "connect:ok quit:ok closed:ok ");
	assert_false(evpop_client_capabilities(run.client)->known);
	finish(&run, &server);
}

struct login_case {
	const char *user_reply, *pass_reply;
	enum evpop_error error;
	enum evpop_scope scope;
	bool retry;
	const char *words;
};

static const struct login_case login_cases[] = {
	{ "+OK\r\n", "-ERR wrong\r\n", EVPOP_ERROR_AUTH, EVPOP_SCOPE_ACCOUNT,
	    false, "wrong" },
	{ "+OK\r\n", "-ERR [AUTH] busy\r\n", EVPOP_ERROR_AUTH,
	    EVPOP_SCOPE_ACCOUNT, false, "busy" },
	{ "-ERR nobody\r\n", "+OK\r\n", EVPOP_ERROR_AUTH, EVPOP_SCOPE_ACCOUNT,
	    false, "nobody" },
	{ "+OK\r\n", "-ERR [IN-USE] later\r\n", EVPOP_ERROR_REFUSED,
	    EVPOP_SCOPE_SESSION, true, "later" },
	{ "+OK\r\n", "-ERR [LOGIN-DELAY] later\r\n", EVPOP_ERROR_REFUSED,
	    EVPOP_SCOPE_SESSION, true, "later" },
	{ "+OK\r\n", "-ERR [SYS/TEMP] later\r\n", EVPOP_ERROR_REFUSED,
	    EVPOP_SCOPE_SESSION, true, "later" },
	{ "+OK\r\n", "-ERR [SYS/PERM] never\r\n", EVPOP_ERROR_REFUSED,
	    EVPOP_SCOPE_ACCOUNT, false, "never" },
	{ "+OK\r\n", "-ERR maildrop lock busy\r\n", EVPOP_ERROR_REFUSED,
	    EVPOP_SCOPE_SESSION, true, "lock busy" },
	{ "+OK\r\n", "-ERR account locked, bad password\r\n",
	    EVPOP_ERROR_REFUSED, EVPOP_SCOPE_SESSION, true, "locked" },
	{ "-ERR too many connections\r\n", "+OK\r\n", EVPOP_ERROR_REFUSED,
	    EVPOP_SCOPE_SESSION, true, "too many connections" },
};

static void
test_login_refused(void **state)
{
	const struct login_case *this;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(login_cases) / sizeof(login_cases[0]); i++) {
		struct net_rule rules[2];
		struct net_server_options options = { .rules = rules,
			.rule_count = 2 };
		struct net_server server;
		struct net_run run;

		this = &login_cases[i];
		rules[0] = (struct net_rule){ "USER anna", this->user_reply,
			NET_GO_ON };
		rules[1] = (struct net_rule){ "PASS secret", this->pass_reply,
			NET_GO_ON };
		begin(&run, &server, &options, EVPOP_TLS_NONE);
		net_run_connect(&run);
		net_run_login(&run);
		net_run_stat(&run);
		net_run_retr(&run, 1);
		net_run_quit(&run);
		net_run_until(&run, &run.closed);
		assert_int_equal(run.login.error, this->error);
		assert_int_equal(run.login.scope, this->scope);
		assert_int_equal(run.login.retry, this->retry);
		assert_int_equal(run.login.phase, EVPOP_PHASE_LOGIN);
		assert_non_null(strstr(run.login.text, this->words));
		assert_non_null(strstr(run.log,
		    "stat:cancelled end:cancelled quit:ok closed:ok "));
		finish(&run, &server);
	}
}

/* The first look at the maildrop may bring what the log-in should have. */
static void
test_refused_late(void **state)
{
	static const struct {
		void (*ask)(struct net_run *, uint32_t number);
		uint32_t number;
		const char *line;
		enum evpop_scope scope;
		bool retry;
	} cases[] = {
		{ NULL, 0, "STAT", EVPOP_SCOPE_SESSION, true },
		{ net_run_list, 0, "LIST", EVPOP_SCOPE_SESSION, true },
		{ net_run_uidl, 0, "UIDL", EVPOP_SCOPE_SESSION, true },
		/* Whatever is said of one message is said of it alone. */
		{ net_run_list, 1, "LIST 1", EVPOP_SCOPE_MESSAGE, false },
		{ net_run_uidl, 1, "UIDL 1", EVPOP_SCOPE_MESSAGE, false },
		{ net_run_dele, 1, "DELE 1", EVPOP_SCOPE_MESSAGE, false },
		{ net_run_retr, 1, "RETR 1", EVPOP_SCOPE_MESSAGE, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct net_rule rule = { cases[i].line,
			"-ERR login allowed only every 15 minutes\r\n",
			NET_GO_ON };
		struct net_server_options options = { .rules = &rule,
			.rule_count = 1 };
		struct net_server server;
		struct net_run run;

		begin(&run, &server, &options, EVPOP_TLS_NONE);
		net_run_connect(&run);
		net_run_login(&run);
		if (cases[i].ask == NULL)
			net_run_stat(&run);
		else
			cases[i].ask(&run, cases[i].number);
		net_run_quit(&run);
		net_run_until(&run, &run.closed);
		assert_int_equal(run.last.error, EVPOP_ERROR_REFUSED);
		assert_int_equal(run.last.scope, cases[i].scope);
		assert_int_equal(run.last.retry, cases[i].retry);
		finish(&run, &server);
	}
}

/* 0.0.0.0 reaches this machine, and is no loopback address. */
static void
test_cleartext(void **state)
{
	struct net_server_options options = {
		.pipelining = true, .messages = messages, .message_count = 2
	};
	struct evpop_client_config config = { .tls = EVPOP_TLS_NONE,
		.host = "0.0.0.0" };
	struct net_server server;
	struct net_run run;

	(void)state;
	net_server_start(&server, net_ends.base, &options, NULL, 0);
	config.port = server.port;
	net_run_start(&run, net_ends.base, NULL, &config);
	net_run_connect(&run);
	net_run_login(&run);
	net_run_stat(&run);
	net_run_retr(&run, 1);
	net_run_quit(&run);
	net_run_until(&run, &run.closed);
	assert_string_equal(run.log,
	    "connect:ok login:auth stat:cancelled end:cancelled quit:ok "
	    "closed:ok ");
	assert_string_equal(server.log, "CAPA;QUIT;");
	assert_int_equal(run.login.scope, EVPOP_SCOPE_ACCOUNT);
	assert_non_null(strstr(run.login.text, "tls=implicit"));
	assert_non_null(strstr(run.login.text, "tls=stls"));
	assert_non_null(strstr(run.login.text, "allow_cleartext"));
	net_run_finish(&run);

	config.allow_cleartext = true;
	net_run_start(&run, net_ends.base, NULL, &config);
	net_run_connect(&run);
	net_run_login(&run);
	net_run_quit(&run);
	net_run_until(&run, &run.closed);
	assert_string_equal(run.log, "connect:ok login:ok quit:ok closed:ok ");
	finish(&run, &server);
}

static void
ignore_reply(
    struct evpop_client *client, const struct evpop_reply *reply, void *arg)
{
	(void)client;
	(void)reply;
	(void)arg;
	fail_msg("the callback of a request that was not accepted");
}

static void
test_usage(void **state)
{
	struct evpop_client_config config = { .host = "127.0.0.1" };
	static const struct evpop_sink endless = { .end = NULL };
	struct evpop_client *client;

	(void)state;
	config.host = "two\nlines";
	assert_null(evpop_client_new(net_ends.base, NULL, &config, NULL, NULL));
	config.host = "";
	assert_null(evpop_client_new(net_ends.base, NULL, &config, NULL, NULL));
	config.host = NULL;
	assert_null(evpop_client_new(net_ends.base, NULL, &config, NULL, NULL));

	config.host = "127.0.0.1";
	client = evpop_client_new(net_ends.base, NULL, &config, NULL, NULL);
	assert_non_null(client);
	/* Implicit TLS, and no context for it. */
	assert_int_equal(evpop_client_connect(client, ignore_reply, NULL),
	    EVPOP_ERROR_USAGE);
	evpop_client_free(client);

	config.tls = EVPOP_TLS_NONE;
	client = evpop_client_new(net_ends.base, NULL, &config, NULL, NULL);
	assert_non_null(client);
	assert_int_equal(
	    evpop_client_stat(client, ignore_reply, NULL), EVPOP_ERROR_USAGE);
	assert_int_equal(
	    evpop_client_connect(client, ignore_reply, NULL), EVPOP_ERROR_NONE);
	assert_int_equal(evpop_client_connect(client, ignore_reply, NULL),
	    EVPOP_ERROR_USAGE);
	assert_int_equal(evpop_client_login(client,
			     &(struct evpop_credentials){
				 .user = "a\r\nb", .password = "c" },
			     ignore_reply, NULL),
	    EVPOP_ERROR_USAGE);
	assert_int_equal(evpop_client_login(client,
			     &(struct evpop_credentials){
				 .user = "a", .password = "b\nDELE 1" },
			     ignore_reply, NULL),
	    EVPOP_ERROR_USAGE);
	assert_int_equal(evpop_client_dele(client, 0, ignore_reply, NULL),
	    EVPOP_ERROR_USAGE);
	assert_int_equal(evpop_client_retr(client, 0, &net_run_sink, NULL),
	    EVPOP_ERROR_USAGE);
	assert_int_equal(
	    evpop_client_retr(client, 1, &endless, NULL), EVPOP_ERROR_USAGE);
	assert_int_equal(
	    evpop_client_quit(client, ignore_reply, NULL), EVPOP_ERROR_NONE);
	assert_int_equal(
	    evpop_client_noop(client, ignore_reply, NULL), EVPOP_ERROR_USAGE);
	evpop_client_free(client);
	evpop_client_free(NULL);
}

static void
collect_trace(
    struct evpop_client *client, bool from_server, const char *line, void *arg)
{
	char *text = arg;
	size_t length = strlen(text);

	(void)client;
	snprintf(text + length, 1024 - length, "%c %s;",
	    from_server ? 'S' : 'C', line);
}

static void
set_flag(
    struct evpop_client *client, const struct evpop_result *result, void *arg)
{
	(void)client;
	(void)result;
	strcat(arg, "closed");
}

static void
nothing(struct evpop_client *client, const struct evpop_reply *reply, void *arg)
{
	(void)client;
	(void)reply;
	(void)arg;
}

static void
test_trace(void **state)
{
	static const struct evpop_client_callbacks callbacks = {
		.closed = set_flag, .trace = collect_trace
	};
	struct net_server_options options = { .no_capa = true };
	struct evpop_client_config config = { .tls = EVPOP_TLS_NONE,
		.host = "127.0.0.1" };
	struct net_server server;
	struct evpop_client *client;
	char text[1024] = "";

	(void)state;
	net_server_start(&server, net_ends.base, &options, NULL, 0);
	config.port = server.port;
	client =
	    evpop_client_new(net_ends.base, NULL, &config, &callbacks, text);
	assert_non_null(client);
	assert_int_equal(evpop_client_connect(client, nothing, NULL), 0);
	assert_int_equal(evpop_client_login(client,
			     &(struct evpop_credentials){
				 .user = "anna", .password = "secret" },
			     NULL, NULL),
	    0);
	assert_int_equal(evpop_client_quit(client, nothing, NULL), 0);
	while (strstr(text, "closed") == NULL)
		assert_int_equal(
		    event_base_loop(net_ends.base, EVLOOP_ONCE), 0);
	assert_string_equal(text,
	    "S +OK ready;C CAPA;S -ERR what?;C USER anna;S +OK;C PASS ****;"
	    "S +OK;C QUIT;S +OK;closed");
	evpop_client_free(client);
	net_server_stop(&server);
}

static void
keep_reply(
    struct evpop_client *client, const struct evpop_reply *reply, void *arg)
{
	struct evpop_result *result = arg;

	(void)client;
	/* Once. */
	assert_int_equal(result->error, EVPOP_ERROR_COUNT);
	*result = reply->result;
}

/* One call for both, and one answer. */
static void
test_open(void **state)
{
	static const struct {
		struct net_rule rule;
		enum evpop_error error;
		const char *words, *log;
	} cases[] = {
		{ { "CAPA", NULL, NET_CLOSE }, EVPOP_ERROR_CANCELLED, "closed",
		    "CAPA;" },
		{ { "PASS secret", "-ERR no\r\n", NET_GO_ON }, EVPOP_ERROR_AUTH,
		    "no", "CAPA;USER anna;PASS secret;QUIT;" },
		{ { "", "-ERR too many\r\n", NET_CLOSE }, EVPOP_ERROR_CANCELLED,
		    "too many", "" },
		{ { "STAT", NULL, NET_GO_ON }, EVPOP_ERROR_NONE, "",
		    "CAPA;USER anna;PASS secret;CAPA;QUIT;" },
	};
	struct evpop_result result;
	struct net_server server;
	struct net_run run;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct net_server_options options = { .rules = &cases[i].rule,
			.rule_count = 1 };

		begin(&run, &server, &options, EVPOP_TLS_NONE);
		result.error = EVPOP_ERROR_COUNT;
		assert_int_equal(evpop_client_open(run.client, "anna",
				     "a\r\nDELE 1", keep_reply, &result),
		    EVPOP_ERROR_USAGE);
		assert_int_equal(evpop_client_open(run.client, "anna", NULL,
				     keep_reply, &result),
		    EVPOP_ERROR_USAGE);
		/* Nothing was asked for, so that it can be. */
		assert_int_equal(evpop_client_open(run.client, "anna", "secret",
				     keep_reply, &result),
		    EVPOP_ERROR_NONE);
		assert_int_equal(evpop_client_open(run.client, "anna", "secret",
				     keep_reply, &result),
		    EVPOP_ERROR_USAGE);
		net_run_quit(&run);
		net_run_until(&run, &run.closed);
		assert_int_equal(result.error, cases[i].error);
		assert_non_null(strstr(result.text, cases[i].words));
		assert_string_equal(server.log, cases[i].log);
		finish(&run, &server);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_implicit),
		cmocka_unit_test(test_stls),
		cmocka_unit_test(test_stls_before_all),
		cmocka_unit_test(test_flights),
		cmocka_unit_test(test_no_capa),
		cmocka_unit_test(test_login_refused),
		cmocka_unit_test(test_refused_late),
		cmocka_unit_test(test_cleartext),
		cmocka_unit_test(test_usage),
		cmocka_unit_test(test_trace),
		cmocka_unit_test(test_open),
	};

	return cmocka_run_group_tests(
	    tests, net_ends_set_up, net_ends_tear_down);
}
