/*
 * Every allocation of an exchange fails once: it is not begun, or it is given
 * up, and the reason is known; nothing crashes, nothing leaks (the address
 * sanitizer sees to that).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/failing_alloc.h"
#include "tests/unit/test_auth_player.h"

/* An exchange that allocates more often than this does so without end. */
#define ALLOCATIONS_MAX 200

/* Challenges that are answered, as plain text; SCRAM has the nonce put in. */
static const struct {
	enum evpop_mechanism mechanism;
	const char *challenges[3];
} cases[] = {
	{ EVPOP_MECHANISM_PLAIN, { NULL } },
	{ EVPOP_MECHANISM_LOGIN, { "User", "Password" } },
	{ EVPOP_MECHANISM_EXTERNAL, { NULL } },
	{ EVPOP_MECHANISM_CRAM_MD5, { "<1@h>" } },
	{ EVPOP_MECHANISM_XOAUTH2, { "{\"status\":\"400\"}" } },
	{ EVPOP_MECHANISM_OAUTHBEARER, { "{\"status\":\"400\"}" } },
	{ EVPOP_MECHANISM_SCRAM_SHA_1, { "r=%sx,s=QUFB,i=1" } },
	{ EVPOP_MECHANISM_SCRAM_SHA_256_PLUS, { "r=%sx,s=QUFB,i=1" } },
};

/* The challenge of a case, in base64, made while nothing fails. */
static char *
next_challenge(const char *text, const char *initial)
{
	char plain[256], *message, *code;

	failing_alloc_pause();
	snprintf(plain, sizeof plain, "%s", text);
	if (strstr(text, "%s") != NULL) {
		message = decoded(initial);
		snprintf(plain, sizeof plain, "r=%s%s",
		    strstr(message, "r=") + 2, strstr(text, "%s") + 2);
		free(message);
	}
	code = encoded(plain);
	failing_alloc_resume();
	return code;
}

/* Where a key is wanted, any will do: no server checks the proof. */
static const char *
step_and_derive(
    struct evpop_exchange *exchange, const char *challenge, bool *final)
{
	static const unsigned char key[EVPOP_KEY_MAX];
	const char *response = evpop_exchange_step(exchange,
	    (const unsigned char *)challenge, strlen(challenge), final);

	return response != NULL ? response
				: evpop_exchange_take_key(exchange, key, final);
}

/* Returns the error that the exchange ended with. */
static enum evpop_error
run(size_t i)
{
	const struct evpop_credentials credentials = {
		.user = "user", .password = "\xc3\xa9", .token = "token"
	};
	const struct evpop_credentials other = { .user = "user",
		.password = "p",
		.token = "token",
		.authorization = "other" };
	const struct evpop_exchange_target target = { .host = "h",
		.port = 995,
		.channel = { .tls = true,
		    .unique = (const unsigned char *)"unique",
		    .unique_length = 6 },
		.client_certificate = true };
	struct evpop_exchange *exchange;
	struct evpop_result result = { .error = EVPOP_ERROR_NONE };
	char *initial, *challenge;
	const char *response;
	bool final;
	size_t turn;

	exchange = evpop_exchange_new(cases[i].mechanism,
	    cases[i].mechanism == EVPOP_MECHANISM_PLAIN ||
		    cases[i].mechanism == EVPOP_MECHANISM_EXTERNAL
		? &other
		: &credentials,
	    &target, &result);
	if (exchange == NULL)
		return result.error;
	response = evpop_exchange_initial(exchange, &final);
	failing_alloc_pause();
	initial = response == NULL ? NULL : strdup(response);
	failing_alloc_resume();
	for (turn = 0; turn < 3 && cases[i].challenges[turn] != NULL; turn++) {
		challenge = next_challenge(cases[i].challenges[turn], initial);
		response = step_and_derive(exchange, challenge, &final);
		assert_non_null(response);
		free(challenge);
		if (strcmp(response, "*") != 0)
			continue;
		assert_true(final);
		assert_false(evpop_exchange_verified(exchange, &result));
		break;
	}
	free(initial);
	evpop_exchange_free(exchange);
	return result.error;
}

static void
every_allocation_may_fail(void **state)
{
	enum evpop_error error;
	size_t i, failing;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		for (failing = 1; failing <= ALLOCATIONS_MAX; failing++) {
			failing_alloc_arm(failing);
			error = run(i);
			if (failing_alloc_disarm() < failing)
				break;
			if (error != EVPOP_ERROR_MEMORY)
				fail_msg("%s, allocation %zu: %s",
				    evpop_mechanism_name(cases[i].mechanism),
				    failing, evpop_error_name(error));
		}
		assert_true(failing > 3 && failing <= ALLOCATIONS_MAX);
		assert_int_equal(error, EVPOP_ERROR_NONE);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
