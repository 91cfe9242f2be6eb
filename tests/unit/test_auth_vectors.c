/*
 * The examples of RFC 5802 and 7677.  The client's nonce is GSASL's to choose:
 * the two functions of it that choose are replaced here, by linking, and give
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
#include <dlfcn.h>
#include <gsasl.h>

#include "tests/unit/test_auth_player.h"

#define MARK "no nonce at all"

/* The functions replaced have no argument to carry it. */
static const char *nonce;

int
gsasl_nonce(char *data, size_t length)
{
	assert_true(length >= sizeof MARK);
	memset(data, 0, length);
	memcpy(data, MARK, sizeof MARK);
	return GSASL_OK;
}

int
gsasl_base64_to(const char *in, size_t length, char **out, size_t *out_length)
{
	int (*real)(const char *, size_t, char **, size_t *);
	void *symbol = dlsym(RTLD_NEXT, "gsasl_base64_to");

	if (nonce != NULL && length >= sizeof MARK &&
	    memcmp(in, MARK, sizeof MARK) == 0) {
		*out = strdup(nonce);
		if (out_length != NULL)
			*out_length = strlen(nonce);
		return *out == NULL ? GSASL_MALLOC_ERROR : GSASL_OK;
	}
	assert_non_null(symbol);
	memcpy(&real, &symbol, sizeof real);
	return real(in, length, out, out_length);
}

#define NONCE_1   "fyko+d2lbbFgONRv9qkxdawL"
#define NONCE_256 "rOprNGfwEbeRWgbNEkqO"
#define BOTH_1    NONCE_1 "3rfcNHYJY1ZVvWVs7j"
#define BOTH_256  NONCE_256 "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"

static const struct {
	enum evpop_mechanism mechanism;
	const char *nonce;
	const char *client_first, *server_first, *client_final, *server_final;
} vectors[] = {
	{ EVPOP_MECHANISM_SCRAM_SHA_1, NONCE_1, "n,,n=user,r=" NONCE_1,
	    "r=" BOTH_1 ",s=QSXCR+Q6sek8bf92,i=4096",
	    "c=biws,r=" BOTH_1 ",p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
	    "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=" },
	{ EVPOP_MECHANISM_SCRAM_SHA_256, NONCE_256, "n,,n=user,r=" NONCE_256,
	    "r=" BOTH_256 ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
	    "c=biws,r=" BOTH_256
	    ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
	    "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=" },
};

static void
expect_plain(const char *response, const char *expected)
{
	char *plain = decoded(response);

	assert_string_equal(plain, expected);
	free(plain);
}

static void
the_examples_come_out(void **state)
{
	const struct evpop_credentials credentials = { .user = "user",
		.password = "pencil" };
	const struct evpop_exchange_target target = { .host = "h" };
	struct evpop_exchange *exchange;
	struct evpop_result result;
	bool final;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
		nonce = vectors[i].nonce;
		exchange = evpop_exchange_new(
		    vectors[i].mechanism, &credentials, &target, &result);
		nonce = NULL;
		assert_non_null(exchange);
		expect_plain(evpop_exchange_initial(exchange, &final),
		    vectors[i].client_first);
		assert_false(final);
		expect_plain(
		    step_plain(exchange, vectors[i].server_first, &final),
		    vectors[i].client_final);
		assert_false(final);
		assert_false(evpop_exchange_verified(exchange, &result));
		assert_string_equal(
		    step_plain(exchange, vectors[i].server_final, &final), "");
		assert_true(final);
		assert_true(evpop_exchange_verified(exchange, &result));
		evpop_exchange_free(exchange);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_examples_come_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
