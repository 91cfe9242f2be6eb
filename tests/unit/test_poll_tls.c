/*
 * Accounts under TLS: each by its own pins, and those with the same pins by one
 * session that is resumed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/net_certificate.h"
#include "tests/unit/poll_house.h"

#define NO_PIN                                            \
	"sha256:0000000000000000000000000000000000000000" \
	"000000000000000000000000"

static struct net_certificate certificate;
static char pin[96], key_pin[96];

static int
set_up(void **state)
{
	const struct net_certificate_options options = { .common_name =
							     "test" };
	struct poll_house *house;

	if (poll_house_set_up(state) != 0)
		return 1;
	house = *state;
	house->tls = "implicit";
	net_certificate_make(&certificate, &options);
	net_certificate_pin(&certificate, false, pin);
	net_certificate_pin(&certificate, true, key_pin);
	house->server.options.tls = net_certificate_server(&certificate);
	return 0;
}

static int
tear_down(void **state)
{
	struct poll_house *house = *state;

	SSL_CTX_free(house->server.options.tls);
	net_certificate_clear(&certificate);
	return poll_house_tear_down(state);
}

static void
test_each_has_its_pins(void **state)
{
	static const struct {
		const char *name, *said;
	} accounts[] = {
		{ "a", "waiting ok" },
		{ "b", "failing tls" },
		{ "c", "waiting ok" },
		{ "d", "waiting ok" },
		{ "e", "failing tls" },
	};
	struct poll_house *house = *state;
	char text[2048];

	(void)snprintf(text, sizeof(text),
	    "[account a]\n@a\ntls_pin = %s\n"
	    "[account b]\n@b\ntls_pin = " NO_PIN "\n"
	    "[account c]\n@c\ntls_pin = %s\n"
	    "[account d]\n@d\ntls_pin = " NO_PIN " %s\n"
	    "[account e]\n@e\n",
	    pin, key_pin, pin);
	poll_house_open(house, text);
	for (size_t i = 0; i < sizeof(accounts) / sizeof(accounts[0]); i++) {
		poll_house_wait_polled(house, accounts[i].name);
		assert_string_equal(house->said, accounts[i].said);
	}
	poll_house_close(house);
}

static void
test_resumed(void **state)
{
	struct poll_house *house = *state;
	char text[512];

	(void)snprintf(text, sizeof(text),
	    "[account a]\n@a\ninterval = 1d\ninterval_min = 1d\n"
	    "tls_pin = %s\n",
	    pin);
	poll_house_open(house, text);
	poll_house_wait_polled(house, "a");
	assert_string_equal(house->said, "waiting ok");
	assert_int_equal(house->server.resumed, 0);
	assert_int_equal(
	    poller_poll_now(house->poller, "a", POLLER_WISH_POLL), POLLER_DONE);
	poll_house_wait_polled(house, "a");
	assert_string_equal(house->said, "waiting ok");
	assert_int_equal(house->server.resumed, 1);
	poll_house_close(house);
}

static int
take_any_certificate(int is_verified, X509_STORE_CTX *chain)
{
	(void)is_verified;
	(void)chain;
	return 1;
}

/*
 * A server that asks for a certificate and was given no context for sessions
 * ends every handshake that would go on with one: the poll begins anew.
 */
static void
test_not_resumed(void **state)
{
	struct poll_house *house = *state;
	char text[512];

	SSL_CTX_set_verify(
	    house->server.options.tls, SSL_VERIFY_PEER, take_any_certificate);
	(void)snprintf(text, sizeof(text),
	    "[account a]\n@a\ninterval = 1d\ninterval_min = 1d\n"
	    "tls_pin = %s\n",
	    pin);
	poll_house_open(house, text);
	poll_house_wait_polled(house, "a");
	for (size_t polls = 2; polls < 5; polls++) {
		assert_int_equal(
		    poller_poll_now(house->poller, "a", POLLER_WISH_POLL),
		    POLLER_DONE);
		poll_house_wait_polled(house, "a");
		assert_string_equal(house->said, "waiting ok");
		assert_int_equal(house->server.resumed, 0);
		/* One handshake was in vain, and then no more. */
		assert_int_equal(house->server.accepted, polls + 1);
	}
	poll_house_close(house);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_each_has_its_pins),
		TEST(test_resumed),
		TEST(test_not_resumed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
