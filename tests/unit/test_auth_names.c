/* Names of mechanisms, and which of them credentials and channel allow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/auth/exchange.h"
#include "lib/auth/secret.h"

static const char *const names[] = { "SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS",
	"SCRAM-SHA-256", "SCRAM-SHA-1", "OAUTHBEARER", "XOAUTH2", "EXTERNAL",
	"CRAM-MD5", "APOP", "PLAIN", "LOGIN", "USER" };

static void
names_lead_there_and_back(void **state)
{
	static const char *const unknown[] = { "", " PLAIN", "PLAIN ", "PLAI",
		"PLAINS", "X-PLAIN-SUBMIT", "SCRAM-SHA-256-PLU", "SCRAM",
		"DIGEST-MD5", "NTLM", "ANONYMOUS" };
	enum evpop_mechanism found;
	char lower[64];
	size_t i, j;

	(void)state;
	assert_int_equal(sizeof names / sizeof names[0], EVPOP_MECHANISM_COUNT);
	for (i = 0; i < EVPOP_MECHANISM_COUNT; i++) {
		assert_string_equal(
		    evpop_mechanism_name((enum evpop_mechanism)i), names[i]);
		assert_true(evpop_mechanism_find(names[i], &found));
		assert_int_equal(found, i);
		for (j = 0; names[i][j] != '\0'; j++)
			lower[j] = names[i][j] >= 'A' && names[i][j] <= 'Z'
				       ? (char)(names[i][j] + 32)
				       : names[i][j];
		lower[j] = '\0';
		assert_true(evpop_mechanism_find(lower, &found));
		assert_int_equal(found, i);
	}
	for (i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
		found = EVPOP_MECHANISM_LOGIN;
		if (evpop_mechanism_find(unknown[i], &found))
			fail_msg("'%s' is found", unknown[i]);
		assert_int_equal(found, EVPOP_MECHANISM_LOGIN);
	}
}

static void
the_default_lacks_apop_alone(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < EVPOP_MECHANISM_COUNT; i++)
		assert_int_equal((EVPOP_MECHANISMS_DEFAULT >> i) & 1,
		    i != EVPOP_MECHANISM_APOP);
	assert_int_equal(EVPOP_MECHANISMS_DEFAULT >> EVPOP_MECHANISM_COUNT, 0);
}

static const unsigned char binding[] = { 0, 1, 2, 0xff };

#define BOUND_BY(kind) \
	.tls = true, .kind = binding, .kind##_length = sizeof binding

#define ALL .user = "u", .password = "p", .token = "t"

static const struct {
	const char *name;
	struct evpop_credentials credentials;
	struct evpop_exchange_target target;
	const char *possible; /* a 'y' or '-' for each, as in `names` */
} cases[] = {
	{ "nothing", { .user = NULL }, { .host = "h" }, "------------" },
	{ "user", { .user = "u" }, { .host = "h" }, "------------" },
	{ "password", { .user = "u", .password = "p" }, { .host = "h" },
	    "--yy---yyyyy" },
	{ "password, no host", { .user = "u", .password = "p" },
	    { .host = NULL }, "--yy---yyyyy" },
	{ "no password", { .user = "u", .password = "" }, { .host = "h" },
	    "------------" },
	{ "no user", { .user = "", .password = "p", .token = "t" },
	    { .host = "h" }, "------------" },
	{ "no binding", { .user = "u", .password = "p" },
	    { .channel = { .tls = true } }, "--yy---yyyyy" },
	{ "tls-exporter", { .user = "u", .password = "p" },
	    { .channel = { BOUND_BY(exporter) } }, "yyyy---yyyyy" },
	{ "tls-unique", { .user = "u", .password = "p" },
	    { .channel = { BOUND_BY(unique) } }, "yyyy---yyyyy" },
	{ "a binding of nothing", { .user = "u", .password = "p" },
	    { .channel = { .unique = binding, .unique_length = 4 } },
	    "--yy---yyyyy" },
	{ "token", { .user = "u", .token = "t" }, { .host = "h" },
	    "----yy------" },
	{ "empty token", { .user = "u", .token = "" }, { .host = "h" },
	    "------------" },
	{ "token without user", { .token = "t" }, { .host = "h" },
	    "------------" },
	{ "token and password", { ALL }, { .channel = { BOUND_BY(exporter) } },
	    "yyyyyy-yyyyy" },
	{ "certificate", { .user = NULL },
	    { .channel = { .tls = true }, .client_certificate = true },
	    "------y-----" },
	{ "certificate without TLS", { .user = "u" },
	    { .client_certificate = true }, "------------" },
	{ "all", { ALL },
	    { .channel = { BOUND_BY(unique) }, .client_certificate = true },
	    "yyyyyyyyyyyy" },
	{ "all, as another", { ALL, .authorization = "other" },
	    { .channel = { BOUND_BY(unique) }, .client_certificate = true },
	    "yyyyyyy--y--" },
	{ "all, as nobody else", { ALL, .authorization = "" },
	    { .channel = { BOUND_BY(unique) }, .client_certificate = true },
	    "yyyyyyyyyyyy" },
};

static void
possible_is_what_can_be_begun(void **state)
{
	enum evpop_mechanism mechanism;
	struct evpop_exchange *exchange;
	struct evpop_result result;
	bool possible, sasl;
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++)
		for (j = 0; j < EVPOP_MECHANISM_COUNT; j++) {
			mechanism = (enum evpop_mechanism)j;
			possible = evpop_exchange_possible(
			    mechanism, &cases[i].credentials, &cases[i].target);
			if (possible != (cases[i].possible[j] == 'y'))
				fail_msg("%s: %s: %d", cases[i].name, names[j],
				    (int)possible);
			sasl = mechanism != EVPOP_MECHANISM_APOP &&
			       mechanism != EVPOP_MECHANISM_USER;
			memset(&result, 0, sizeof result);
			exchange = evpop_exchange_new(mechanism,
			    &cases[i].credentials, &cases[i].target, &result);
			if ((exchange != NULL) != (possible && sasl))
				fail_msg("%s: %s: '%s'", cases[i].name,
				    names[j], result.text);
			if (exchange == NULL) {
				assert_int_equal(
				    result.error, EVPOP_ERROR_USAGE);
				assert_int_equal(
				    result.scope, EVPOP_SCOPE_ACCOUNT);
				assert_false(result.retry);
				assert_non_null(strstr(result.text, names[j]));
			}
			evpop_exchange_free(exchange);
		}
}

/* A copy stands by itself, and what is not given stays so. */
static void
credentials_are_copied(void **state)
{
	char user[] = "user", password[] = "password", token[] = "token",
	     authorization[] = "other";
	struct evpop_credentials copy, given = { .user = user,
		.password = password,
		.token = token,
		.authorization = authorization,
		.mechanisms = EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_PLAIN) };

	(void)state;
	assert_true(evpop_credentials_copy(&copy, &given));
	user[0] = password[0] = token[0] = authorization[0] = 'x';
	assert_string_equal(copy.user, "user");
	assert_string_equal(copy.password, "password");
	assert_string_equal(copy.token, "token");
	assert_string_equal(copy.authorization, "other");
	assert_int_equal(
	    copy.mechanisms, EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_PLAIN));
	evpop_credentials_wipe(&copy);
	assert_null(copy.user);
	assert_null(copy.password);

	given = (struct evpop_credentials){ .user = user };
	assert_true(evpop_credentials_copy(&copy, &given));
	assert_string_equal(copy.user, "xser");
	assert_null(copy.password);
	assert_null(copy.token);
	assert_null(copy.authorization);
	assert_int_equal(copy.mechanisms, EVPOP_MECHANISMS_DEFAULT);
	evpop_credentials_wipe(&copy);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_lead_there_and_back),
		cmocka_unit_test(the_default_lacks_apop_alone),
		cmocka_unit_test(possible_is_what_can_be_begun),
		cmocka_unit_test(credentials_are_copied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
