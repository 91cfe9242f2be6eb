/*
 * The blocking client: whole sessions, ways to log in, and calls at the wrong
 * time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/net_certificate.h"
#include "tests/unit/test_session_easy_run.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct net_message messages[] = {
	{ "Subject: one\r\n\r\nhello\r\n", 23 },
	{ "Subject: two\r\n\r\n..dots\r\n.\r\n", 27 },
	{ "", 0 },
};

#define MAILDROP .messages = messages, .message_count = COUNT(messages)

/* Read to the end into a buffer; returns how much it was. */
static size_t
read_all(struct evpop_easy *easy, char *buffer, size_t room)
{
	size_t length, total = 0;

	do {
		assert_true(total < room);
		assert_ok(evpop_easy_read(
		    easy, buffer + total, room - total, &length));
		total += length;
	} while (length > 0);
	return total;
}

static void
note_listed(const struct evpop_listed *listed, void *arg)
{
	char *log = arg;
	size_t length = strlen(log);

	snprintf(log + length, 256 - length, "%u=%llu%.*s ", listed->number,
	    (unsigned long long)listed->octets, (int)listed->unique_id_length,
	    listed->unique_id == NULL ? "" : (const char *)listed->unique_id);
}

static void
read_messages(struct evpop_easy *easy)
{
	char text[256];
	uint64_t octets;
	uint32_t i;

	for (i = 0; i < COUNT(messages); i++) {
		assert_ok(evpop_easy_retr(easy, i + 1, &octets));
		assert_int_equal(octets, messages[i].length);
		assert_int_equal(
		    read_all(easy, text, sizeof text), messages[i].length);
		assert_memory_equal(
		    text, messages[i].octets, messages[i].length);
	}
	assert_ok(evpop_easy_top(easy, 1, 0, NULL));
	assert_int_equal(read_all(easy, text, sizeof text), 23);
}

static void
ask_of_messages(struct evpop_easy *easy)
{
	uint64_t octets = 1;
	uint32_t count = 0;
	size_t length = 0;
	char id[8], log[256] = "";

	assert_ok(evpop_easy_stat(easy, &count, &octets));
	assert_int_equal(count, 3);
	assert_int_equal(octets, 50);
	assert_ok(evpop_easy_stat(easy, NULL, NULL));
	assert_ok(evpop_easy_list(easy, 2, &octets));
	assert_int_equal(octets, 27);
	assert_ok(evpop_easy_uidl(easy, 2, id, sizeof id, &length));
	assert_int_equal(length, 4);
	assert_memory_equal(id, "id-2", 4);
	assert_ok(evpop_easy_list_all(easy, note_listed, log));
	assert_string_equal(log, "1=23 2=27 3=0 ");
	log[0] = '\0';
	assert_ok(evpop_easy_uidl_all(easy, note_listed, log));
	assert_string_equal(log, "1=0id-1 2=0id-2 3=0id-3 ");
}

static void
test_session(void **state)
{
	const struct net_server_options options = { MAILDROP };
	enum evpop_quit quit = EVPOP_QUIT_NONE;
	struct easy_server server;
	struct evpop_easy *easy;

	(void)state;
	easy = easy_serve(&server, &options, NULL);
	assert_int_equal(evpop_client_state(evpop_easy_client(easy)),
	    EVPOP_STATE_TRANSACTION);
	assert_true(evpop_client_capabilities(evpop_easy_client(easy))->uidl);
	ask_of_messages(easy);
	read_messages(easy);
	assert_ok(evpop_easy_dele(easy, 1));
	assert_ok(evpop_easy_rset(easy));
	assert_ok(evpop_easy_noop(easy));
	assert_ok(evpop_easy_dele(easy, 3));
	assert_ok(evpop_easy_quit(easy, &quit));
	assert_int_equal(quit, EVPOP_QUIT_COMMITTED);
	assert_int_equal(evpop_easy_noop(easy), EVPOP_ERROR_USAGE);
	assert_int_equal(evpop_easy_quit(easy, &quit), EVPOP_ERROR_USAGE);
	assert_int_equal(quit, EVPOP_QUIT_NONE);
	easy_end(easy, &server);
	assert_string_equal(server.server.log,
	    "CAPA;USER anna;PASS secret;CAPA;STAT;STAT;LIST 2;UIDL 2;LIST;UIDL;"
	    "RETR 1;RETR 2;RETR 3;TOP 1 0;DELE 1;RSET;NOOP;DELE 3;QUIT;");
}

static void
test_names(void **state)
{
	const struct evpop_client_config config = { .host = "localhost" };
	struct easy_server server;
	struct evpop_easy *easy;

	(void)state;
	assert_null(evpop_easy_new(
	    &(struct evpop_client_config){ .host = NULL }, NULL, NULL));
	assert_null(evpop_easy_new(
	    &(struct evpop_client_config){ .host = "a\nb" }, NULL, NULL));
	easy_server_start(&server, NULL);
	easy = easy_begin(&server, &config);
	assert_ok(evpop_easy_quit(easy, NULL));
	easy_end(easy, &server);
}

/* Nobody has signed this certificate but itself. */
static void
test_tls(void **state)
{
	const struct net_certificate_options who = { .common_name = "x",
		.alt_names = "IP:127.0.0.1" };
	struct evpop_client_config config = { .host = "127.0.0.1",
		.tls = EVPOP_TLS_IMPLICIT };
	struct evpop_tls_options trust = { .ca = NULL };
	struct net_server_options options = { MAILDROP };
	struct net_certificate certificate;
	struct evpop_result result;
	struct easy_server server;
	struct evpop_easy *easy;
	char pin[96];
	const char *pins[] = { pin };

	(void)state;
	net_certificate_make(&certificate, &who);
	net_certificate_pin(&certificate, false, pin);
	options.tls = net_certificate_server(&certificate);
	easy_server_start(&server, &options);
	config.port = server.server.port;
	easy = evpop_easy_new(&config, NULL, NULL);
	assert_non_null(easy);
	assert_int_equal(
	    evpop_easy_open(easy, "anna", "secret"), EVPOP_ERROR_TLS);
	evpop_easy_free(easy);

	trust.pins = pins;
	trust.pin_count = 1;
	config.tls_context = evpop_tls_context_new(&trust, &result);
	assert_non_null(config.tls_context);
	easy = evpop_easy_new(&config, NULL, NULL);
	evpop_tls_context_free(config.tls_context);
	assert_non_null(easy);
	assert_ok(evpop_easy_open(easy, "anna", "secret"));
	assert_non_null(evpop_client_tls_name(evpop_easy_client(easy)));
	read_messages(easy);
	easy_end(easy, &server);
	SSL_CTX_free(options.tls);
	net_certificate_clear(&certificate);
}

/* ---- log-in ---- */

#define STAMP "<1896.697170952@dbc.mtview.ca.us>"
#define APOP  "APOP anna 3f18b52881e44c0cc6067f46e0ced7bc"

struct login_case {
	const char *name;
	const char *greeting, *apop, *user;
	enum evpop_error error;
	const char *log;
};

static const struct login_case login_cases[] = {
	{ "by APOP", "+OK " STAMP "\r\n", "+OK\r\n", NULL, EVPOP_ERROR_NONE,
	    "CAPA;" APOP ";" },
	{ "no timestamp", "+OK ready\r\n", NULL, NULL, EVPOP_ERROR_NONE,
	    "CAPA;USER anna;PASS secret;CAPA;" },
	{ "refused", "+OK " STAMP "\r\n", "-ERR no\r\n", NULL, EVPOP_ERROR_NONE,
	    "CAPA;" APOP ";USER anna;PASS secret;CAPA;" },
	{ "refused by code", "+OK " STAMP "\r\n", "-ERR [AUTH] no\r\n", NULL,
	    EVPOP_ERROR_NONE, "CAPA;" APOP ";USER anna;PASS secret;CAPA;" },
	{ "refused both ways", "+OK " STAMP "\r\n", "-ERR no\r\n",
	    "-ERR unknown\r\n", EVPOP_ERROR_AUTH, "CAPA;" APOP ";USER anna;" },
	{ "busy", "+OK " STAMP "\r\n", "-ERR [IN-USE] busy\r\n", NULL,
	    EVPOP_ERROR_REFUSED, "CAPA;" APOP ";" },
};

static void
test_apop_or_user(void **state)
{
	const struct login_case *this;
	struct easy_server server;
	struct evpop_easy *easy;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(login_cases); i++) {
		this = &login_cases[i];
		const struct net_rule rules[] = {
			{ "", this->greeting, NET_GO_ON },
			{ this->apop == NULL ? "none" : APOP, this->apop,
			    NET_GO_ON },
			{ this->user == NULL ? "none" : "USER anna", this->user,
			    NET_GO_ON },
		};
		const struct net_server_options options = { .rules = rules,
			.rule_count = COUNT(rules) };

		print_message("%s\n", this->name);
		easy_server_start(&server, &options);
		easy = easy_make(&server, NULL);
		assert_ok(evpop_easy_connect(easy));
		assert_int_equal(
		    evpop_easy_login_apop_or_user(easy, "anna", "secret"),
		    this->error);
		assert_int_equal(evpop_easy_result(easy)->error, this->error);
		if (this->error == EVPOP_ERROR_NONE)
			assert_ok(evpop_easy_noop(easy));
		assert_ok(evpop_easy_quit(easy, NULL));
		easy_end(easy, &server);
		/* NOOP and QUIT come last. */
		assert_memory_equal(
		    server.server.log, this->log, strlen(this->log));
		assert_non_null(strstr(server.server.log, "QUIT;"));
	}
}

static void
test_login_again(void **state)
{
	static const struct net_rule rules[] = {
		{ "PASS wrong", "-ERR no\r\n", NET_GO_ON },
	};
	const struct net_server_options options = { .rules = rules,
		.rule_count = COUNT(rules) };
	struct evpop_credentials credentials = { .user = "anna",
		.password = "wrong",
		.mechanisms = EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_USER) };
	struct easy_server server;
	struct evpop_easy *easy;

	(void)state;
	easy_server_start(&server, &options);
	easy = easy_make(&server, NULL);
	assert_ok(evpop_easy_connect(easy));
	assert_int_equal(
	    evpop_easy_login(easy, &credentials), EVPOP_ERROR_AUTH);
	assert_int_equal(evpop_easy_result(easy)->scope, EVPOP_SCOPE_ACCOUNT);
	assert_int_equal(evpop_easy_stat(easy, NULL, NULL), EVPOP_ERROR_USAGE);
	credentials.password = "a\r\nDELE 1";
	assert_int_equal(
	    evpop_easy_login(easy, &credentials), EVPOP_ERROR_USAGE);
	credentials.password = "secret";
	assert_ok(evpop_easy_login(easy, &credentials));
	assert_int_equal(evpop_client_mechanism(evpop_easy_client(easy)),
	    EVPOP_MECHANISM_USER);
	assert_ok(evpop_easy_quit(easy, NULL));
	easy_end(easy, &server);
	assert_null(strstr(server.server.log, "DELE"));
}

/* ---- calls at the wrong time ---- */

static enum evpop_error
call_stat(struct evpop_easy *easy)
{
	return evpop_easy_stat(easy, NULL, NULL);
}

static enum evpop_error
call_list(struct evpop_easy *easy)
{
	return evpop_easy_list(easy, 1, NULL);
}

static enum evpop_error
call_list_all(struct evpop_easy *easy)
{
	char log[256] = "";

	return evpop_easy_list_all(easy, note_listed, log);
}

static enum evpop_error
call_uidl(struct evpop_easy *easy)
{
	return evpop_easy_uidl(easy, 1, NULL, 0, NULL);
}

static enum evpop_error
call_uidl_all(struct evpop_easy *easy)
{
	char log[256] = "";

	return evpop_easy_uidl_all(easy, note_listed, log);
}

static enum evpop_error
call_retr(struct evpop_easy *easy)
{
	return evpop_easy_retr(easy, 1, NULL);
}

static enum evpop_error
call_top(struct evpop_easy *easy)
{
	return evpop_easy_top(easy, 1, 0, NULL);
}

static enum evpop_error
call_dele(struct evpop_easy *easy)
{
	return evpop_easy_dele(easy, 1);
}

static enum evpop_error
call_login(struct evpop_easy *easy)
{
	return evpop_easy_login(
	    easy, &(struct evpop_credentials){ .user = "u", .password = "p" });
}

static enum evpop_error
call_apop(struct evpop_easy *easy)
{
	return evpop_easy_login_apop_or_user(easy, "u", "p");
}

static enum evpop_error
call_open(struct evpop_easy *easy)
{
	return evpop_easy_open(easy, "u", "p");
}

static enum evpop_error
call_quit(struct evpop_easy *easy)
{
	enum evpop_quit quit = EVPOP_QUIT_UNKNOWN;
	enum evpop_error error = evpop_easy_quit(easy, &quit);

	if (error != EVPOP_ERROR_NONE)
		assert_int_equal(quit, EVPOP_QUIT_NONE);
	return error;
}

static enum evpop_error
call_read(struct evpop_easy *easy)
{
	char buffer[8];
	size_t length = 1;
	enum evpop_error error =
	    evpop_easy_read(easy, buffer, sizeof buffer, &length);

	assert_int_equal(length, 0);
	return error;
}

static enum evpop_error
call_more(struct evpop_easy *easy)
{
	bool more = true;
	enum evpop_error error = evpop_easy_more(easy, &more);

	assert_false(more);
	return error;
}

enum moment {
	NEW = 1,
	CONNECTED = 2,
	LOGGED_IN = 4,
	READING = 8
};

/* Every call, and the moments at which it is wrong. */
static const struct {
	const char *name;
	enum evpop_error (*call)(struct evpop_easy *);
	unsigned int wrong;
} calls[] = {
	{ "connect", evpop_easy_connect, CONNECTED | LOGGED_IN | READING },
	{ "login", call_login, NEW | LOGGED_IN | READING },
	{ "apop", call_apop, NEW | LOGGED_IN | READING },
	{ "open", call_open, CONNECTED | LOGGED_IN | READING },
	{ "stat", call_stat, NEW | CONNECTED | READING },
	{ "list", call_list, NEW | CONNECTED | READING },
	{ "list all", call_list_all, NEW | CONNECTED | READING },
	{ "uidl", call_uidl, NEW | CONNECTED | READING },
	{ "uidl all", call_uidl_all, NEW | CONNECTED | READING },
	{ "retr", call_retr, NEW | CONNECTED | READING },
	{ "top", call_top, NEW | CONNECTED | READING },
	{ "dele", call_dele, NEW | CONNECTED | READING },
	{ "rset", evpop_easy_rset, NEW | CONNECTED | READING },
	{ "noop", evpop_easy_noop, NEW | CONNECTED | READING },
	{ "quit", call_quit, NEW | READING },
	{ "read", call_read, NEW | CONNECTED | LOGGED_IN },
	{ "more", call_more, NEW | CONNECTED | LOGGED_IN },
};

static void
try_wrong(struct evpop_easy *easy, unsigned int moment)
{
	size_t i;

	for (i = 0; i < COUNT(calls); i++) {
		if ((calls[i].wrong & moment) == 0)
			continue;
		print_message("%s at %u\n", calls[i].name, moment);
		assert_int_equal(calls[i].call(easy), EVPOP_ERROR_USAGE);
		assert_int_equal(
		    evpop_easy_result(easy)->error, EVPOP_ERROR_USAGE);
		assert_true(evpop_easy_result(easy)->text[0] != '\0');
	}
}

static void
test_wrong_order(void **state)
{
	const struct net_server_options options = { MAILDROP };
	struct easy_server server;
	struct evpop_easy *easy;
	char text[256];
	size_t length;

	(void)state;
	easy_server_start(&server, &options);
	easy = easy_make(&server, NULL);
	try_wrong(easy, NEW);
	assert_ok(evpop_easy_abandon(easy));
	assert_ok(evpop_easy_connect(easy));
	try_wrong(easy, CONNECTED);
	assert_ok(call_login(easy));
	try_wrong(easy, LOGGED_IN);
	assert_ok(evpop_easy_retr(easy, 1, NULL));
	try_wrong(easy, READING);
	assert_int_equal(
	    evpop_easy_read(easy, text, 0, &length), EVPOP_ERROR_USAGE);
	assert_int_equal(read_all(easy, text, sizeof text), 23);
	/* The end stays the end, until something else is asked for. */
	assert_ok(call_read(easy));
	assert_ok(call_more(easy));
	assert_ok(evpop_easy_noop(easy));
	try_wrong(easy, LOGGED_IN);
	assert_int_equal(evpop_easy_list(easy, 0, NULL), EVPOP_ERROR_USAGE);
	assert_int_equal(
	    evpop_easy_uidl(easy, 0, text, 8, NULL), EVPOP_ERROR_USAGE);
	assert_int_equal(evpop_easy_retr(easy, 0, NULL), EVPOP_ERROR_USAGE);
	assert_int_equal(evpop_easy_top(easy, 0, 1, NULL), EVPOP_ERROR_USAGE);
	assert_int_equal(evpop_easy_dele(easy, 0), EVPOP_ERROR_USAGE);
	assert_int_equal(
	    evpop_easy_list_all(easy, NULL, NULL), EVPOP_ERROR_USAGE);
	assert_ok(evpop_easy_quit(easy, NULL));
	easy_end(easy, &server);
	assert_string_equal(
	    server.server.log, "CAPA;USER u;PASS p;CAPA;RETR 1;NOOP;QUIT;");
}

/* ---- two of them ---- */

static void *
session_in_thread(void *arg)
{
	const struct easy_server *server = arg;
	struct evpop_easy *easy;
	unsigned int i;

	for (i = 0; i < 20; i++) {
		easy = easy_begin(server, NULL);
		read_messages(easy);
		assert_ok(evpop_easy_quit(easy, NULL));
		evpop_easy_free(easy);
	}
	return NULL;
}

static void
test_two_threads(void **state)
{
	const struct net_server_options options = { MAILDROP };
	struct easy_server server;
	pthread_t thread;

	(void)state;
	easy_server_start(&server, &options);
	assert_int_equal(
	    pthread_create(&thread, NULL, session_in_thread, &server), 0);
	session_in_thread(&server);
	assert_int_equal(pthread_join(thread, NULL), 0);
	easy_server_stop(&server);
	assert_int_equal(server.server.accepted, 40);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_session),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_apop_or_user),
		cmocka_unit_test(test_login_again),
		cmocka_unit_test(test_wrong_order),
		cmocka_unit_test(test_two_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
