/* PLAIN, LOGIN, EXTERNAL and CRAM-MD5; what no credentials may hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/test_auth_player.h"

#define TIM                                                   \
	{                                                     \
		.user = "tim", .password = "tanstaaftanstaaf" \
	}
#define HERE                             \
	{                                \
		.host = "h", .port = 110 \
	}
#define CERTIFIED                                                      \
	{                                                              \
		.channel = { .tls = true }, .client_certificate = true \
	}
#define TIM_PLAIN "AHRpbQB0YW5zdGFhZnRhbnN0YWFm"
#define TIM_CRAM_CHALLENGE \
	"PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+"
#define TIM_CRAM "dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw"

static const struct script scripts[] = {
	{ SCRIPT("PLAIN (RFC 4616)", PLAIN, TIM, HERE), INITIAL(TIM_PLAIN) },
	{ .name = "PLAIN as another (RFC 4616)",
	    .mechanism = EVPOP_MECHANISM_PLAIN,
	    .credentials = { .user = "Kurt",
		.password = "xipj3plmq",
		.authorization = "Ursel" },
	    .target = HERE,
	    .initial = "VXJzZWwAS3VydAB4aXBqM3BsbXE=",
	    .initial_final = true },
	{ .name = "PLAIN takes Latin-1",
	    .mechanism = EVPOP_MECHANISM_PLAIN,
	    .credentials = { .user = "u", .password = "\xe9\t" },
	    .target = HERE,
	    .initial = "AHUA6Qk=",
	    .initial_final = true },
	{ SCRIPT("PLAIN in two lines", PLAIN, TIM, HERE), INITIAL(TIM_PLAIN),
	    .skip = true, .turns = { { "", TIM_PLAIN, true } } },
	{ SCRIPT(
	      "PLAIN in two lines, spaces for a challenge", PLAIN, TIM, HERE),
	    INITIAL(TIM_PLAIN), .skip = true,
	    .turns = { { " \t ", TIM_PLAIN, true } } },
	{ SCRIPT("PLAIN, accepted before it was sent", PLAIN, TIM, HERE),
	    INITIAL(TIM_PLAIN), .skip = true,
	    .verified = EVPOP_ERROR_PROTOCOL },
	{ SCRIPT("PLAIN in two lines, a challenge that says something", PLAIN,
	      TIM, HERE),
	    INITIAL(TIM_PLAIN), .skip = true,
	    .turns = { { "aGVsbG8=", "*", true }, { "", "*", true } },
	    .verified = EVPOP_ERROR_PROTOCOL,
	    .refusal = "PLAIN: the server's first challenge" },
	{ SCRIPT("PLAIN, asked on", PLAIN, TIM, HERE), INITIAL(TIM_PLAIN),
	    .turns = { { "", "*", true }, { "", "*", true } },
	    .verified = EVPOP_ERROR_PROTOCOL,
	    .refusal = "PLAIN: the server sends a challenge" },
	{ SCRIPT("LOGIN", LOGIN, TIM, HERE),
	    .turns = { { "VXNlcm5hbWU6", "dGlt", false },
		{ "UGFzc3dvcmQ6", "dGFuc3RhYWZ0YW5zdGFhZg==", true } } },
	{ SCRIPT("LOGIN, challenges for people", LOGIN, TIM, HERE),
	    .skip = true,
	    .turns = { { "Who are you?", "dGlt", false },
		{ "", "dGFuc3RhYWZ0YW5zdGFhZg==", true } } },
	{ SCRIPT("LOGIN, asked on", LOGIN, TIM, HERE),
	    .turns = { { "", "dGlt", false },
		{ "", "dGFuc3RhYWZ0YW5zdGFhZg==", true }, { "", "*", true } },
	    .verified = EVPOP_ERROR_PROTOCOL,
	    .refusal = "LOGIN: the server sends a challenge" },
	{ SCRIPT("LOGIN, accepted before the password", LOGIN, TIM, HERE),
	    .turns = { { "", "dGlt", false } },
	    .verified = EVPOP_ERROR_PROTOCOL },
	{ .name = "EXTERNAL",
	    .mechanism = EVPOP_MECHANISM_EXTERNAL,
	    .credentials = { .user = "tim" },
	    .target = CERTIFIED,
	    .initial = "=",
	    .initial_final = true },
	{ .name = "EXTERNAL as another",
	    .mechanism = EVPOP_MECHANISM_EXTERNAL,
	    .credentials = { .authorization = "tim" },
	    .target = CERTIFIED,
	    .initial = "dGlt",
	    .initial_final = true },
	{ .name = "EXTERNAL in two lines",
	    .mechanism = EVPOP_MECHANISM_EXTERNAL,
	    .credentials = { .user = "tim" },
	    .target = CERTIFIED,
	    .initial = "=",
	    .initial_final = true,
	    .skip = true,
	    .turns = { { "", "", true } } },
	{ .name = "EXTERNAL, asked on",
	    .mechanism = EVPOP_MECHANISM_EXTERNAL,
	    .credentials = { .user = "tim" },
	    .target = CERTIFIED,
	    .initial = "=",
	    .initial_final = true,
	    .turns = { { "", "*", true } },
	    .verified = EVPOP_ERROR_PROTOCOL,
	    .refusal = "EXTERNAL: the server sends a challenge" },
	{ SCRIPT("CRAM-MD5 (RFC 2195)", CRAM_MD5, TIM, HERE),
	    .turns = { { TIM_CRAM_CHALLENGE, TIM_CRAM, true } } },
	{ SCRIPT("CRAM-MD5, spaces around the challenge", CRAM_MD5, TIM, HERE),
	    .turns = { { " " TIM_CRAM_CHALLENGE " ", TIM_CRAM, true } } },
	{ SCRIPT("CRAM-MD5, no challenge", CRAM_MD5, TIM, HERE),
	    .turns = { { "", "*", true } }, .verified = EVPOP_ERROR_PROTOCOL,
	    .refusal = "CRAM-MD5: the server's challenge is empty" },
	{ SCRIPT("CRAM-MD5, two challenges", CRAM_MD5, TIM, HERE),
	    .turns = { { TIM_CRAM_CHALLENGE, TIM_CRAM, true },
		{ TIM_CRAM_CHALLENGE, "*", true } },
	    .verified = EVPOP_ERROR_PROTOCOL,
	    .refusal = "CRAM-MD5: the server sends a challenge" },
	{ SCRIPT("CRAM-MD5, accepted at once", CRAM_MD5, TIM, HERE),
	    .verified = EVPOP_ERROR_PROTOCOL },
};

static void
exchanges_go_as_they_should(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof scripts / sizeof scripts[0]; i++)
		play_script(&scripts[i]);
}

static void
broken_base64_is_given_up(void **state)
{
	static const char *const broken[] = { "!", "A", "AA", "AAA",
		"AA=", "====", "AAAA=", "AA==AA==", "AAAA\nAAAA", "AAAA AAAA",
		"A\x80/A", "-_-_", "*", "=" };
	struct script script = { SCRIPT("broken", CRAM_MD5, TIM, HERE),
		.verified = EVPOP_ERROR_PROTOCOL,
		.refusal = "CRAM-MD5: the server's challenge is not base64" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof broken / sizeof broken[0]; i++) {
		script.turns[0] = (struct turn){ broken[i], "*", true };
		/* What it says afterwards does not count. */
		script.turns[1] =
		    (struct turn){ TIM_CRAM_CHALLENGE, "*", true };
		play_script(&script);
	}
}

/* Challenges of this length, of this octet; whether they are taken. */
static bool
takes(enum evpop_mechanism mechanism, char octet, size_t length)
{
	const struct evpop_credentials credentials = TIM;
	const struct evpop_exchange_target target = HERE;
	struct evpop_exchange *exchange;
	struct evpop_result result;
	unsigned char *challenge = malloc(length);
	bool final, taken;

	assert_non_null(challenge);
	memset(challenge, octet, length);
	exchange =
	    evpop_exchange_new(mechanism, &credentials, &target, &result);
	assert_non_null(exchange);
	taken =
	    strcmp(step_through(exchange, challenge, length, &final), "*") != 0;
	if (!taken) {
		assert_true(final);
		assert_false(evpop_exchange_verified(exchange, &result));
		assert_int_equal(result.error, EVPOP_ERROR_LIMIT);
	}
	evpop_exchange_free(exchange);
	free(challenge);
	return taken;
}

static void
challenges_are_bounded(void **state)
{
	(void)state;
	assert_true(takes(EVPOP_MECHANISM_CRAM_MD5, 'A', 10920));
	assert_false(takes(EVPOP_MECHANISM_CRAM_MD5, 'A', 10924));
	assert_false(takes(EVPOP_MECHANISM_CRAM_MD5, 'A', 10928));
	assert_false(takes(EVPOP_MECHANISM_CRAM_MD5, 'A', 40000000));
	assert_true(takes(EVPOP_MECHANISM_LOGIN, '?', 10924));
	assert_false(takes(EVPOP_MECHANISM_LOGIN, '?', 10925));
}

#define AS(text) .user = text, .password = "p", .token = "t"

static const struct {
	struct evpop_credentials credentials;
	const char *host;
	const char *words; /* NULL: it is fit */
} octets[] = {
	{ { AS("joe") }, "h", NULL },
	{ { AS("j\xc3\xb6 e") }, "h", NULL },
	{ { AS("joe\r\nDELE 1") }, "h", "user" },
	{ { AS("joe\n") }, "h", "user" },
	{ { AS("joe\x01"
	       "auth=") },
	    "h", "user" },
	{ { AS("joe\x7f") }, "h", "user" },
	{ { AS("joe"), .authorization = "a\rb" }, "h", "user" },
	{ { .user = "u", .password = "a\rb", .token = "t" }, "h", "password" },
	{ { .user = "u", .password = "ab\n", .token = "t" }, "h", "password" },
	{ { .user = "u", .password = "p", .token = "a b" }, "h", "token" },
	{ { .user = "u", .password = "p", .token = "ab\x01" }, "h", "token" },
	{ { .user = "u", .password = "p", .token = "ab\n" }, "h", "token" },
	{ { .user = "u", .password = "p", .token = "\xc3\xb6" }, "h", "token" },
	{ { AS("joe") }, "h\r\nx", "host" },
	{ { AS("joe") }, "h\x01port=1", "host" },
	{ { AS("joe") }, NULL, NULL },
};

static void
harmful_octets_are_refused(void **state)
{
	struct evpop_exchange_target target = { .port = 995 };
	struct evpop_exchange *exchange;
	struct evpop_result result;
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof octets / sizeof octets[0]; i++)
		for (j = 0; j < EVPOP_MECHANISM_COUNT; j++) {
			target.host = octets[i].host;
			if (j == EVPOP_MECHANISM_APOP ||
			    j == EVPOP_MECHANISM_USER ||
			    !evpop_exchange_possible((enum evpop_mechanism)j,
				&octets[i].credentials, &target))
				continue;
			exchange = evpop_exchange_new((enum evpop_mechanism)j,
			    &octets[i].credentials, &target, &result);
			if ((exchange == NULL) != (octets[i].words != NULL))
				fail_msg("case %zu, mechanism %zu", i, j);
			evpop_exchange_free(exchange);
			if (octets[i].words == NULL)
				continue;
			assert_int_equal(result.error, EVPOP_ERROR_USAGE);
			assert_int_equal(result.scope, EVPOP_SCOPE_ACCOUNT);
			assert_non_null(strstr(result.text, octets[i].words));
		}
}

static void
endless_credentials_are_refused(void **state)
{
	char *text = calloc(1, 65538);
	struct evpop_credentials credentials = { .user = "u",
		.password = text };
	const struct evpop_exchange_target target = HERE;
	struct evpop_exchange *exchange;
	struct evpop_result result;
	bool final;

	(void)state;
	assert_non_null(text);
	memset(text, 'p', 65536);
	exchange = evpop_exchange_new(
	    EVPOP_MECHANISM_PLAIN, &credentials, &target, &result);
	assert_non_null(exchange);
	/* A NUL, "u", a NUL and the password. */
	assert_int_equal(strlen(evpop_exchange_initial(exchange, &final)),
	    (65536 + 3 + 2) / 3 * 4);
	evpop_exchange_free(exchange);
	text[65536] = 'p';
	assert_null(evpop_exchange_new(
	    EVPOP_MECHANISM_PLAIN, &credentials, &target, &result));
	assert_int_equal(result.error, EVPOP_ERROR_USAGE);
	free(text);
}

static void
nothing_is_freed_twice(void **state)
{
	(void)state;
	evpop_exchange_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exchanges_go_as_they_should),
		cmocka_unit_test(broken_base64_is_given_up),
		cmocka_unit_test(challenges_are_bounded),
		cmocka_unit_test(harmful_octets_are_refused),
		cmocka_unit_test(endless_credentials_are_refused),
		cmocka_unit_test(nothing_is_freed_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
