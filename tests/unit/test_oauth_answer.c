/*
 * What goes to endpoints of OAuth 2, what comes back, and what is made of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "daemon/oauth/answer.h"
#include "daemon/oauth/form.h"
#include "daemon/oauth/settings.h"
#include "daemon/oauth/trouble.h"
#include "daemon/secret/pkce.h"
#include "daemon/secret/secret.h"

static void
test_form(void **state)
{
	struct form form = { 0 };
	char longest[3001];

	(void)state;
	form_add(&form, "left out", NULL);
	assert_null(form.text);
	form_add(&form, "a", "x y&z=+%/~-._\xc3\xa4\r\n");
	assert_string_equal(
	    form.text, "a=x%20y%26z%3D%2B%25%2F~-._%C3%A4%0D%0A");
	form_add(&form, "b", "");
	memset(longest, '&', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	form_add(&form, "c", longest);
	assert_non_null(strstr(form.text, "&b=&c=%26%26"));
	assert_int_equal(form.length, strlen(form.text));
	assert_false(form.has_failed);
	form_clear(&form);
	assert_null(form.text);
}

static const char *
shown(const struct secret *secret)
{
	return secret == NULL ? "-" : secret_text(secret);
}

static void
test_answers(void **state)
{
	static const char *const kinds[] = { "token", "device", "error",
		"nonsense" };
	static const struct {
		unsigned status;
		const char *body, *expected; /* kind access refresh seconds */
	} rows[] = {
		{ 200,
		    "{\"access_token\":\"a\",\"token_type\":\"Bearer\","
		    "\"expires_in\":3600,\"refresh_token\":\"r\"}",
		    "token a r 3600 " },
		{ 200, "{\"access_token\":\"a\",\"expires_in\":\"59\"}",
		    "token a - 59 " },
		{ 200, "{\"access_token\":\"a\",\"expires_in\":-1}",
		    "token a - 0 " },
		{ 200, "{\"access_token\":\"a\",\"expires_in\":1e300}",
		    "token a - 0 " },
		{ 200, "{\"access_token\":\"a\",\"token_type\":\"mac\"}",
		    "nonsense a - 0 " },
		{ 200, "{\"access_token\":\"a\\r\\nQUIT\"}",
		    "nonsense - - 0 " },
		{ 200, "{\"access_token\":\"\\u0000\"}", "nonsense - - 0 " },
		{ 200, "{\"access_token\":\"\"}", "nonsense - - 0 " },
		{ 200, "{\"access_token\":7}", "nonsense - - 0 " },
		{ 200, "[]", "nonsense - - 0 " },
		{ 200, "<html>", "nonsense - - 0 " },
		{ 200, "", "nonsense - - 0 " },
		{ 302, "{\"access_token\":\"a\"}", "nonsense - - 0 " },
		{ 400, "{\"error\":\"invalid_grant\"}",
		    "error - - 0 invalid_grant" },
		{ 200, "{\"error\":\"bad\",\"access_token\":\"a\"}",
		    "error - - 0 bad" },
		{ 400, "{\"error\":{\"code\":1}}", "nonsense - - 0 " },
		{ 200,
		    "{\"device_code\":\"d\",\"user_code\":\"U\","
		    "\"verification_url\":\"https://x\",\"interval\":5,"
		    "\"expires_in\":900}",
		    "device - - 900 " },
		{ 200, "{\"device_code\":\"d\",\"user_code\":\"U\"}",
		    "nonsense - - 3600 " },
	};
	char line[256];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct grant_answer answer;

		assert_true(answer_read(&answer, rows[i].status, rows[i].body,
		    strlen(rows[i].body)));
		(void)snprintf(line, sizeof(line), "%s %s %s %lld %s",
		    kinds[answer.kind], shown(answer.access),
		    shown(answer.refresh), (long long)answer.expires_in_s,
		    answer.error);
		if (strcmp(line, rows[i].expected) != 0)
			fail_msg("row %zu: \"%s\", not \"%s\"", i, line,
			    rows[i].expected);
		answer_clear(&answer);
		assert_null(answer.access);
	}
}

static void
test_troubles(void **state)
{
	static char name[] = "anna";
	const struct settings settings = { .name = name };
	static const struct {
		unsigned status;
		const char *error, *description;
		enum oauth_trouble kind;
		const char *advice;
	} rows[] = {
		{ 500, "", "", OAUTH_LATER, "by itself" },
		{ 503, "server_error", "", OAUTH_LATER, "by itself" },
		{ 429, "invalid_request", "", OAUTH_LATER, "by itself" },
		{ 400, "temporarily_unavailable", "", OAUTH_LATER,
		    "by itself" },
		{ 400, "invalid_grant", "Token has been expired or revoked.",
		    OAUTH_PERSON, "publish the client" },
		{ 400, "invalid_grant", "", OAUTH_PERSON,
		    "\"evpopctl oauth anna\"" },
		{ 401, "invalid_client", "AADSTS7000222: expired", OAUTH_PERSON,
		    "secret of \"anna\" has expired" },
		{ 400, "invalid_grant", "AADSTS65001: no consent", OAUTH_PERSON,
		    "an administrator has to" },
		{ 400, "unauthorized_client", "AADSTS700016: unknown",
		    OAUTH_PERSON, "oauth2_client_id and oauth2_tenant" },
		{ 400, "odd", "", OAUTH_PERSON, "of \"anna\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct grant_answer answer = { .kind = ANSWER_ERROR,
			.status = rows[i].status };
		struct trouble trouble;

		(void)snprintf(
		    answer.error, sizeof(answer.error), "%s", rows[i].error);
		(void)snprintf(answer.description, sizeof(answer.description),
		    "%s", rows[i].description);
		trouble_of_answer(&trouble, &settings, &answer);
		if (trouble.kind != rows[i].kind ||
		    strstr(trouble.advice, rows[i].advice) == NULL ||
		    strstr(trouble.text, rows[i].error) == NULL)
			fail_msg("row %zu: %d \"%s\" \"%s\"", i, trouble.kind,
			    trouble.text, trouble.advice);
	}
}

/* RFC 7636 appendix B. */
static void
test_proof(void **state)
{
	static const char verifier[PKCE_TEXT] =
	    "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
	char text[PKCE_TEXT], other[PKCE_TEXT];

	(void)state;
	pkce_challenge(verifier, text);
	assert_string_equal(
	    text, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
	pkce_random(text);
	pkce_random(other);
	assert_int_equal(strlen(text), PKCE_TEXT - 1);
	assert_true(pkce_equal(text, text));
	assert_false(pkce_equal(text, other));
	assert_false(pkce_equal(text, ""));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_troubles),
		cmocka_unit_test(test_proof),
	};

	if (!secret_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
