/*
 * The examples of RFC 5802 and 7677, and of RFC 4013.  The client's nonce comes
 * from OpenSSL by way of base64: both are replaced here, by linking, and give
 * the nonce of the example.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/auth/base64.h"
#include "tests/unit/test_auth_player.h"

#define MARK "no nonce at all"

/* The functions replaced have no argument to carry it. */
static const char *nonce;

int __wrap_RAND_bytes(unsigned char *, int);
void __wrap_evpop_base64_encode(const void *, size_t, struct evpop_secret *);
void __real_evpop_base64_encode(const void *, size_t, struct evpop_secret *);

int
__wrap_RAND_bytes(unsigned char *bytes, int length)
{
	assert_true((size_t)length >= sizeof MARK);
	memset(bytes, 0, (size_t)length);
	memcpy(bytes, MARK, sizeof MARK);
	return 1;
}

void
__wrap_evpop_base64_encode(
    const void *bytes, size_t length, struct evpop_secret *text)
{
	if (nonce != NULL && length >= sizeof MARK &&
	    memcmp(bytes, MARK, sizeof MARK) == 0)
		evpop_secret_add_text(text, nonce);
	else
		__real_evpop_base64_encode(bytes, length, text);
}

#define NONCE_1   "fyko+d2lbbFgONRv9qkxdawL"
#define NONCE_256 "rOprNGfwEbeRWgbNEkqO"
#define BOTH_1    NONCE_1 "3rfcNHYJY1ZVvWVs7j"
#define BOTH_256  NONCE_256 "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"

static const struct {
	enum evpop_mechanism mechanism;
	const char *nonce;
	const char *client_first, *server_first, *client_final, *server_final;
	const char *forged; /* server-final-message: its last octet is wrong */
} vectors[] = {
	{ EVPOP_MECHANISM_SCRAM_SHA_1, NONCE_1, "n,,n=user,r=" NONCE_1,
	    "r=" BOTH_1 ",s=QSXCR+Q6sek8bf92,i=4096",
	    "c=biws,r=" BOTH_1 ",p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
	    "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
	    "v=rmF9pqV8S7suAoZWja4dJRkFsKA=" },
	{ EVPOP_MECHANISM_SCRAM_SHA_256, NONCE_256, "n,,n=user,r=" NONCE_256,
	    "r=" BOTH_256 ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
	    "c=biws,r=" BOTH_256
	    ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
	    "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
	    "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G8=" },
};

static void
expect_plain(const char *response, const char *expected)
{
	char *plain = decoded(response);

	assert_string_equal(plain, expected);
	free(plain);
}

static void
play_example(size_t i, bool is_forged)
{
	const struct evpop_credentials credentials = { .user = "user",
		.password = "pencil" };
	const struct evpop_exchange_target target = { .host = "h" };
	struct evpop_exchange *exchange;
	struct evpop_result result;
	bool final;

	nonce = vectors[i].nonce;
	exchange = evpop_exchange_new(
	    vectors[i].mechanism, &credentials, &target, &result);
	nonce = NULL;
	assert_non_null(exchange);
	expect_plain(
	    evpop_exchange_initial(exchange, &final), vectors[i].client_first);
	assert_false(final);
	expect_plain(step_plain(exchange, vectors[i].server_first, &final),
	    vectors[i].client_final);
	assert_false(final);
	assert_false(evpop_exchange_verified(exchange, &result));
	assert_string_equal(
	    step_plain(exchange,
		is_forged ? vectors[i].forged : vectors[i].server_final,
		&final),
	    is_forged ? "*" : "");
	assert_true(final);
	assert_int_equal(
	    evpop_exchange_verified(exchange, &result), !is_forged);
	evpop_exchange_free(exchange);
}

static void
the_examples_come_out(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
		play_example(i, false);
		play_example(i, true);
	}
}

/*
 * Names and passwords, and what libgsasl 2.2.0, which had SCRAM before, made of
 * the password.
 */
static const struct {
	const char *text, *prepared; /* NULL: it is forbidden */
} prepared[] = {
	{ "pencil", "pencil" },
	{ "I\302\255X", "IX" },
	{ "\342\205\250", "IX" },
	{ "\302\252", "a" },
	{ "g\303\274 u\314\210", "g\303\274 \303\274" },
	{ "A\314\212", "\303\205" },
	{ "\302\240x", " x" },
	{ "\343\200\200", " " },
	{ "\357\274\241", "A" },
	{ "\357\254\201", "fi" },
	{ "\342\204\246", "\316\251" },
	{ "\342\200\215a", "a" },
	{ "\357\270\217x", "x" },
	{ "\341\204\200\341\205\241", "\352\260\200" },
	{ "\320\277\320\260\321\200\320\276\320\273\321\214",
	    "\320\277\320\260\321\200\320\276\320\273\321\214" },
	{ "\345\257\206\347\240\201", "\345\257\206\347\240\201" },
	{ "\342\202\254", "\342\202\254" },
	/* Unicode 3.2 does not have these. */
	{ "\360\237\230\200", "\360\237\230\200" },
	{ "\310\241", "\310\241" },
	{ "\341\272\236", "\341\272\236" },
	/* From the right to the left, whole or not at all. */
	{ "\330\2471\330\247", "\330\2471\330\247" },
	{ "\330\2471", NULL },
	{ "caf\351", NULL },
	{ "\303", NULL },
	{ "\355\240\200", NULL },
	{ "a\342\200\256", NULL },
	{ "\356\200\200", NULL },
	{ "\357\277\275", NULL },
	{ "a\177", NULL },
	{ "\302\255", NULL },
};

static void
names_and_passwords_are_prepared(void **state)
{
	const struct evpop_exchange_target target = { .host = "h" };
	struct evpop_credentials credentials;
	struct evpop_derivation derivation;
	struct evpop_exchange *exchange;
	struct evpop_result result;
	char text[256], *first;
	bool final;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof prepared / sizeof prepared[0]; i++) {
		credentials =
		    (struct evpop_credentials){ .user = prepared[i].text,
			    .password = prepared[i].text };
		exchange = evpop_exchange_new(EVPOP_MECHANISM_SCRAM_SHA_256,
		    &credentials, &target, &result);
		if ((exchange == NULL) != (prepared[i].prepared == NULL))
			fail_msg("case %zu: %s", i, result.text);
		if (exchange == NULL)
			continue;
		first = decoded(evpop_exchange_initial(exchange, &final));
		snprintf(text, sizeof text, "n,,n=%s,r=", prepared[i].prepared);
		if (strncmp(first, text, strlen(text)) != 0)
			fail_msg("case %zu: %s", i, first);
		snprintf(text, sizeof text, "%sx,s=QUFB,i=1",
		    strstr(first, ",r=") + 1);
		free(first);
		first = encoded(text);
		assert_null(evpop_exchange_step(exchange,
		    (const unsigned char *)first, strlen(first), &final));
		free(first);
		assert_true(evpop_exchange_wants_key(exchange, &derivation));
		assert_string_equal(derivation.password, prepared[i].prepared);
		evpop_exchange_free(exchange);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_examples_come_out),
		cmocka_unit_test(names_and_passwords_are_prepared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
