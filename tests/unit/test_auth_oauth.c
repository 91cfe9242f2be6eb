/* OAUTHBEARER and XOAUTH2: what is sent, and what a refusal says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/test_auth_player.h"

#define RFC_USER                                                      \
	{                                                             \
		.user = "user@example.com",                           \
		.token = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==" \
	}
#define RFC_HERE                                          \
	{                                                 \
		.host = "server.example.com", .port = 143 \
	}
#define RFC_INITIAL                                                        \
	"bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBv" \
	"cnQ9MTQzAWF1dGg9QmVhcmVyIHZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1s" \
	"emRHRXVZMjl0Q2c9PQEB"
#define RFC_REFUSAL                                                        \
	"eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIiwic2NvcGUiOiJleGFtcGxlX3Njb3Bl" \
	"Iiwib3BlbmlkLWNvbmZpZ3VyYXRpb24iOiJodHRwczovL2V4YW1wbGUuY29tLy53" \
	"ZWxsLWtub3duL29wZW5pZC1jb25maWd1cmF0aW9uIn0="
#define GOOGLE_USER                                                      \
	{                                                                \
		.user = "someuser@example.com",                          \
		.token = "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg" \
	}
#define GOOGLE_INITIAL                                                     \
	"dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRm" \
	"dDRxbVRjMk52YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0Q2cBAQ=="
#define GOOGLE_REFUSAL                                                     \
	"eyJzdGF0dXMiOiI0MDEiLCJzY2hlbWVzIjoiYmVhcmVyIG1hYyIsInNjb3BlIjoi" \
	"aHR0cHM6Ly9tYWlsLmdvb2dsZS5jb20vIn0K"

static const struct script scripts[] = {
	{ SCRIPT("OAUTHBEARER (RFC 7628 section 4.1)", OAUTHBEARER, RFC_USER,
	      RFC_HERE),
	    INITIAL(RFC_INITIAL) },
	{ SCRIPT("OAUTHBEARER refused (RFC 7628 section 4.3)", OAUTHBEARER,
	      RFC_USER, RFC_HERE),
	    INITIAL(RFC_INITIAL), .turns = { { RFC_REFUSAL, "AQ==", true } },
	    .refusal = "status invalid_token, scope example_scope",
	    .expired = true },
	{ SCRIPT("OAUTHBEARER in two lines", OAUTHBEARER, RFC_USER, RFC_HERE),
	    INITIAL(RFC_INITIAL), .skip = true,
	    .turns = { { "", RFC_INITIAL, true },
		{ RFC_REFUSAL, "AQ==", true } },
	    .refusal = "status invalid_token", .expired = true },
	{ SCRIPT("OAUTHBEARER, accepted before it was sent", OAUTHBEARER,
	      RFC_USER, RFC_HERE),
	    INITIAL(RFC_INITIAL), .skip = true,
	    .verified = EVPOP_ERROR_PROTOCOL },
	{ SCRIPT("XOAUTH2 (Google's example)", XOAUTH2, GOOGLE_USER, RFC_HERE),
	    INITIAL(GOOGLE_INITIAL) },
	{ SCRIPT("XOAUTH2 refused (Google's example)", XOAUTH2, GOOGLE_USER,
	      RFC_HERE),
	    INITIAL(GOOGLE_INITIAL), .turns = { { GOOGLE_REFUSAL, "", true } },
	    .refusal = "status 401, scope https://mail.google.com/, "
		       "schemes bearer mac",
	    .expired = true },
	{ SCRIPT(
	      "XOAUTH2 in two lines, refused", XOAUTH2, GOOGLE_USER, RFC_HERE),
	    INITIAL(GOOGLE_INITIAL), .skip = true,
	    .turns = { { "", GOOGLE_INITIAL, true },
		{ GOOGLE_REFUSAL, "", true } },
	    .refusal = "status 401", .expired = true },
	{ SCRIPT(
	      "XOAUTH2 refused without a word", XOAUTH2, GOOGLE_USER, RFC_HERE),
	    INITIAL(GOOGLE_INITIAL), .turns = { { "", "", true } } },
	{ SCRIPT("XOAUTH2 refused twice", XOAUTH2, GOOGLE_USER, RFC_HERE),
	    INITIAL(GOOGLE_INITIAL),
	    .turns = { { GOOGLE_REFUSAL, "", true },
		{ GOOGLE_REFUSAL, "*", true } },
	    .verified = EVPOP_ERROR_PROTOCOL, .refusal = "status 401",
	    .expired = true },
	{ SCRIPT("XOAUTH2, a challenge that is no base64", XOAUTH2, GOOGLE_USER,
	      RFC_HERE),
	    INITIAL(GOOGLE_INITIAL),
	    .turns = { { "{\"status\":\"401\"}", "*", true } },
	    .verified = EVPOP_ERROR_PROTOCOL,
	    .refusal = "XOAUTH2: the server's challenge is not base64" },
};

static void
exchanges_go_as_they_should(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof scripts / sizeof scripts[0]; i++)
		play_script(&scripts[i]);
}

static const struct {
	enum evpop_mechanism mechanism;
	struct evpop_credentials credentials;
	struct evpop_exchange_target target;
	const char *message;
} messages[] = {
	{ EVPOP_MECHANISM_OAUTHBEARER, { .user = "a,b=c", .token = "t" },
	    { .host = "h", .port = 995 },
	    "n,a=a=2Cb=3Dc,\x01host=h\x01port=995\x01"
	    "auth=Bearer t\x01\x01" },
	{ EVPOP_MECHANISM_OAUTHBEARER,
	    { .user = "u", .token = "t", .authorization = "other" },
	    { .host = "h", .port = 65535 },
	    "n,a=other,\x01host=h\x01port=65535\x01"
	    "auth=Bearer t\x01\x01" },
	{ EVPOP_MECHANISM_OAUTHBEARER, { .user = "u", .token = "t" },
	    { .host = "" },
	    "n,a=u,\x01"
	    "auth=Bearer t\x01\x01" },
	{ EVPOP_MECHANISM_XOAUTH2, { .user = "a,b=c", .token = "t" },
	    { .host = "h" },
	    "user=a,b=c\x01"
	    "auth=Bearer t\x01\x01" },
	{ EVPOP_MECHANISM_XOAUTH2,
	    { .user = "u", .token = "t", .authorization = "shared@h" },
	    { .host = "h" },
	    "user=shared@h\x01"
	    "auth=Bearer t\x01\x01" },
};

static void
messages_are_as_specified(void **state)
{
	struct evpop_exchange *exchange;
	struct evpop_result result;
	char *message;
	bool final;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof messages / sizeof messages[0]; i++) {
		exchange = evpop_exchange_new(messages[i].mechanism,
		    &messages[i].credentials, &messages[i].target, &result);
		assert_non_null(exchange);
		message = decoded(evpop_exchange_initial(exchange, &final));
		assert_true(final);
		assert_string_equal(message, messages[i].message);
		free(message);
		evpop_exchange_free(exchange);
	}
}

static void
a_long_token_is_sent_whole(void **state)
{
	char token[6001], *message;
	const struct evpop_credentials credentials = { .user = "u",
		.token = token };
	const struct evpop_exchange_target target = { .host = "h" };
	struct evpop_exchange *exchange;
	struct evpop_result result;
	bool final;

	(void)state;
	memset(token, 'x', 6000);
	token[6000] = '\0';
	exchange = evpop_exchange_new(
	    EVPOP_MECHANISM_XOAUTH2, &credentials, &target, &result);
	assert_non_null(exchange);
	message = decoded(evpop_exchange_initial(exchange, &final));
	assert_int_equal(
	    strlen(message), strlen("user=u.auth=Bearer ..") + 6000);
	assert_non_null(strstr(message, token));
	free(message);
	evpop_exchange_free(exchange);
}

static const struct {
	const char *json;
	const char *refusal; /* NULL: whatever it is */
	bool expired;
} refusals[] = {
	{ "{\"status\":401}", "status 401", true },
	{ "{\"status\":\"400\"}", "status 400", false },
	{ "{\"status\":\"400\",\"schemes\":\"Bearer\","
	  "\"scope\":\"https://outlook.office.com\"}",
	    "status 400, scope https://outlook.office.com, schemes Bearer",
	    false },
	{ "{\"status\":\"insufficient_scope\"}", "status insufficient_scope",
	    false },
	{ "{\"error\":\"invalid_token\",\"error_description\":\"It is "
	  "old.\"}",
	    "error invalid_token, error_description It is old.", true },
	{ "{\"scope\":\"401\"}", "scope 401", false },
	{ "{\"scope\":\"invalid_token\"}", "scope invalid_token", false },
	{ "{\"status\":\"401\"} and more", "status 401", true },
	{ "{\"status\":\"4\\n0\\u001b[1m\"}", "status 4?0?[1m", false },
	{ "{\"status\":\"\\u202e\"}", NULL, false },
	{ "{\"status\":\"4\\u0000\"}", "", false },
	{ "{\"status\":null}", "", false },
	{ "{\"status\":[\"401\"]}", "", false },
	{ "{\"status\":{\"status\":\"401\"}}", "", false },
	{ "{\"status\":4.01e2}", "", false },
	{ "{\"status\":99999999999999999999999}", "", false },
	{ "{\"status\":\"401\"", "", false },
	{ "{\"status\":\"\xff\"}", "", false },
	{ "[\"status\",\"401\"]", "", false },
	{ "\"401\"", "", false },
	{ "401", "", false },
	{ "null", "", false },
	{ "{}", "", false },
	{ "no JSON", "", false },
	{ "<html>", "", false },
};

static void
a_refusal_is_read_if_it_can_be(void **state)
{
	const struct evpop_credentials credentials = { .user = "u",
		.token = "t" };
	const struct evpop_exchange_target target = { .host = "h" };
	struct evpop_exchange *exchange;
	struct evpop_result result;
	bool final;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
		exchange = evpop_exchange_new(EVPOP_MECHANISM_OAUTHBEARER,
		    &credentials, &target, &result);
		assert_non_null(exchange);
		assert_string_equal(
		    step_plain(exchange, refusals[i].json, &final), "AQ==");
		assert_true(final);
		if (refusals[i].refusal != NULL)
			assert_string_equal(evpop_exchange_refusal(exchange),
			    refusals[i].refusal);
		assert_int_equal(evpop_exchange_token_expired(exchange),
		    refusals[i].expired);
		evpop_exchange_free(exchange);
	}
}

/* Deep nesting, and members that are longer than the words may be. */
static void
a_refusal_is_bounded(void **state)
{
	const struct evpop_credentials credentials = { .user = "u",
		.token = "t" };
	const struct evpop_exchange_target target = { .host = "h" };
	struct evpop_exchange *exchange;
	struct evpop_result result;
	char json[8193];
	bool final;

	(void)state;
	exchange = evpop_exchange_new(
	    EVPOP_MECHANISM_XOAUTH2, &credentials, &target, &result);
	assert_non_null(exchange);
	memset(json, '[', 8192);
	json[8192] = '\0';
	assert_string_equal(step_plain(exchange, json, &final), "");
	assert_string_equal(evpop_exchange_refusal(exchange), "");
	evpop_exchange_free(exchange);

	exchange = evpop_exchange_new(
	    EVPOP_MECHANISM_XOAUTH2, &credentials, &target, &result);
	assert_non_null(exchange);
	snprintf(json, sizeof json,
	    "{\"status\":\"invalid_token\",\"scope\":\"%0*d\"}", 8000, 0);
	assert_string_equal(step_plain(exchange, json, &final), "");
	assert_true(evpop_exchange_token_expired(exchange));
	assert_string_equal(
	    evpop_exchange_refusal(exchange), "status invalid_token");
	evpop_exchange_free(exchange);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exchanges_go_as_they_should),
		cmocka_unit_test(messages_are_as_specified),
		cmocka_unit_test(a_long_token_is_sent_whole),
		cmocka_unit_test(a_refusal_is_read_if_it_can_be),
		cmocka_unit_test(a_refusal_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
