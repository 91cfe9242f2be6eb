/* Nothing of the credentials stays in memory when who held them is freed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <event2/event.h>
#include <evpop/client.h>
#include <evpop/proto.h>

#include "lib/net/login.h"
#include "lib/net/proxy.h"
#include "tests/unit/memory_search.h"

#define LENGTH 80

enum {
	USER,
	PASSWORD,
	TOKEN,
	AUTHORIZATION,
	SECRETS
};

static const char *const names[SECRETS] = { "user", "password", "token",
	"authorization" };
static struct needle needles[SECRETS];

static void
make_credentials(struct evpop_credentials *credentials, char *secrets[SECRETS])
{
	size_t i;

	for (i = 0; i < SECRETS; i++) {
		secrets[i] = make_secret(names[i], LENGTH);
		hide(&needles[i], secrets[i], LENGTH);
	}
	*credentials = (struct evpop_credentials){
		.user = secrets[USER],
		.password = secrets[PASSWORD],
		.token = secrets[TOKEN],
		.authorization = secrets[AUTHORIZATION],
	};
}

static void
drop_credentials(char *secrets[SECRETS])
{
	size_t i;

	for (i = 0; i < SECRETS; i++)
		drop_secret(secrets[i]);
}

static void
expect_copies(const char *what, bool are_there)
{
	size_t i;

	for (i = 0; i < SECRETS; i++)
		if ((count_everywhere(&needles[i]) > 0) != are_there)
			fail_msg("%s: the %s %s", what, names[i],
			    are_there ? "is not there" : "stays");
}

static void
a_login_wipes_its_copies(void **state)
{
	struct evpop_credentials credentials;
	struct evpop_login *login;
	char *secrets[SECRETS];

	(void)state;
	make_credentials(&credentials, secrets);
	login = evpop_login_new(&credentials);
	assert_non_null(login);
	drop_credentials(secrets);
	expect_copies("a log-in", true);
	evpop_login_free(&login);
	expect_copies("a log-in", false);
}

static void
a_client_wipes_what_was_asked_of_it(void **state)
{
	const struct evpop_client_config config = { .host = "127.0.0.1",
		.tls = EVPOP_TLS_NONE };
	struct event_base *base = event_base_new();
	struct evpop_credentials credentials;
	struct evpop_client *client;
	char *secrets[SECRETS];

	(void)state;
	client = evpop_client_new(base, NULL, &config, NULL, NULL);
	assert_non_null(client);
	make_credentials(&credentials, secrets);
	assert_int_equal(
	    evpop_client_connect(client, NULL, NULL), EVPOP_ERROR_NONE);
	assert_int_equal(evpop_client_login(client, &credentials, NULL, NULL),
	    EVPOP_ERROR_NONE);
	drop_credentials(secrets);
	expect_copies("a client", true);
	evpop_client_free(client);
	expect_copies("a client", false);
	event_base_free(base);
}

/* Commands that wait, and the one that waits to be written. */
static void
a_session_wipes_its_commands(void **state)
{
	static const char greeting[] = "+OK\r\n";
	struct evpop_proto *proto = evpop_proto_new(NULL);
	struct evpop_credentials credentials;
	struct evpop_event event;
	char *secrets[SECRETS];
	size_t used, written;
	unsigned int i;

	(void)state;
	assert_non_null(proto);
	make_credentials(&credentials, secrets);
	for (i = 0; i < 2; i++)
		assert_int_equal(
		    evpop_proto_login(proto, secrets[USER], secrets[PASSWORD]),
		    EVPOP_ERROR_NONE);
	for (i = TOKEN; i < SECRETS; i++)
		assert_int_equal(
		    evpop_proto_submit(proto,
			&(struct evpop_request){ .command = EVPOP_COMMAND_AUTH,
			    .text = "PLAIN",
			    .initial = secrets[i] }),
		    EVPOP_ERROR_NONE);
	drop_credentials(secrets);
	assert_int_equal(evpop_proto_next(proto, greeting, sizeof greeting - 1,
			     &used, &event),
	    EVPOP_EVENT_GREETING);
	assert_non_null(evpop_proto_output(proto, &written));
	expect_copies("a session", true);
	evpop_proto_free(proto);
	expect_copies("a session", false);
}

static void
a_proxy_wipes_its_login(void **state)
{
	static const char *const kinds[] = { "socks5", "http" };
	struct evpop_proxy_config config;
	struct evpop_proxy *proxy;
	struct evpop_result result;
	char *user, *password, url[512];
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		user = make_secret("proxy user", LENGTH);
		password = make_secret("proxy password", LENGTH);
		hide(&needles[USER], user, LENGTH);
		hide(&needles[PASSWORD], password, LENGTH);
		snprintf(url, sizeof url, "%s://%s:%s@proxy.example", kinds[i],
		    user, password);
		drop_secret(user);
		drop_secret(password);
		assert_true(evpop_proxy_parse(&config, url, &result));
		explicit_bzero(url, sizeof url);
		proxy = evpop_proxy_new(&config, "h", 995, &result);
		assert_non_null(proxy);
		assert_true(count_everywhere(&needles[USER]) > 0);
		assert_true(count_everywhere(&needles[PASSWORD]) > 0);
		evpop_proxy_config_clear(&config);
		evpop_proxy_free(&proxy);
		assert_int_equal(count_everywhere(&needles[USER]), 0);
		assert_int_equal(count_everywhere(&needles[PASSWORD]), 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_login_wipes_its_copies),
		cmocka_unit_test(a_client_wipes_what_was_asked_of_it),
		cmocka_unit_test(a_session_wipes_its_commands),
		cmocka_unit_test(a_proxy_wipes_its_login),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
