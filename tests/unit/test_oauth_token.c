/*
 * Tokens of OAuth 2, from an endpoint on the test's own loop and a store that
 * the test is: each is asked for once for all who want it, kept, exchanged,
 * given up; and a user's consent is got and withdrawn.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config/config.h"
#include "daemon/oauth/oauth.h"
#include "daemon/secret/key.h"
#include "daemon/secret/pkce.h"
#include "daemon/secret/sealed.h"
#include "daemon/secret/secret.h"
#include "daemon/store/token.h"
#include "tests/unit/deliver_web.h"

#define REDIRECT "http://127.0.0.1:7/back"

struct heard {
	unsigned times;
	char token[64];
	enum oauth_trouble trouble;
	char text[OAUTH_TEXT];
};

static struct {
	struct event_base *base;
	struct deliver_web *web;
	struct secret_key *key;
	struct oauth *oauth;
	struct config config;
	struct config_account account;
	struct config_oauth2 oauth2;
	const struct config_account *accounts[1];
	char url[64], device_url[64];
	char answer[1024];
	/* The store. */
	char *sealed;
	int64_t granted_ms;
	enum store_status status;
	unsigned reads, writes;
	/* What was said of a consent. */
	unsigned answers, told;
	bool is_well;
	enum oauth_answer said;
	char said_text[OAUTH_TEXT], said_url[1024];
	char user_code[64];
} world;

/* ---- the store ---- */

struct stored {
	store_token_cb got;
	store_done_cb done;
	void *arg;
};

static void
store_answer(evutil_socket_t fd, short what, void *arg)
{
	struct stored *stored = arg;
	const struct store_token token = { .owner = "ann",
		.sealed = world.sealed,
		.granted_ms = world.granted_ms };
	enum store_status status = world.status;

	(void)fd;
	(void)what;
	if (status == STORE_OK && stored->got != NULL && world.sealed == NULL)
		status = STORE_NOT_FOUND;
	if (stored->got != NULL)
		stored->got(
		    status, status == STORE_OK ? &token : NULL, stored->arg);
	else if (stored->done != NULL)
		stored->done(status, stored->arg);
	free(stored);
}

static void
store_ask(store_token_cb got, store_done_cb done, void *arg)
{
	static const struct timeval now = { 0, 0 };
	struct stored *stored = malloc(sizeof(*stored));

	assert_non_null(stored);
	*stored = (struct stored){ got, done, arg };
	assert_int_equal(event_base_once(world.base, -1, EV_TIMEOUT,
			     store_answer, stored, &now),
	    0);
}

void
store_token_get(
    struct store *store, const char *owner, store_token_cb cb, void *arg)
{
	(void)store;
	assert_string_equal(owner, "ann");
	world.reads++;
	store_ask(cb, NULL, arg);
}

void
store_token_put(struct store *store, const struct store_token *token,
    store_done_cb cb, void *arg)
{
	(void)store;
	assert_string_equal(token->owner, "ann");
	free(world.sealed);
	world.sealed = strdup(token->sealed);
	world.granted_ms = token->granted_ms;
	world.writes++;
	store_ask(NULL, cb, arg);
}

void
store_token_forget(
    struct store *store, const char *owner, store_done_cb cb, void *arg)
{
	(void)store;
	assert_string_equal(owner, "ann");
	free(world.sealed);
	world.sealed = NULL;
	store_ask(NULL, cb, arg);
}

static void
keep(const char *refresh, const struct secret_key *key)
{
	struct secret *secret = secret_new(refresh, strlen(refresh));

	free(world.sealed);
	world.sealed = secret_seal(key, secret, "ann");
	assert_non_null(world.sealed);
	secret_free(&secret);
}

static void
expect_kept(const char *refresh)
{
	const struct secret_bearer bearer = { .name = "ann" };
	char error[SECRET_KEY_ERROR];
	struct secret *secret;

	assert_non_null(world.sealed);
	secret = secret_unseal(
	    world.key, world.sealed, &bearer, error, sizeof(error));
	assert_non_null(secret);
	assert_string_equal(secret_text(secret), refresh);
	secret_free(&secret);
}

/* ---- the endpoint ---- */

static void
answer(const char *status, const char *headers, const char *body)
{
	snprintf(world.answer, sizeof(world.answer),
	    "HTTP/1.1 %s\r\n%sContent-Length: %zu\r\n\r\n%s", status, headers,
	    strlen(body), body);
	world.web->answer = world.answer;
}

static bool
was_asked(const char *part)
{
	return strstr(world.web->request + world.web->body, part) != NULL;
}

/* ---- who asks ---- */

static void
on_token(
    const char *token, enum oauth_trouble trouble, const char *text, void *arg)
{
	struct heard *heard = arg;

	heard->times++;
	heard->trouble = trouble;
	snprintf(heard->token, sizeof(heard->token), "%s",
	    token != NULL ? token : "-");
	snprintf(
	    heard->text, sizeof(heard->text), "%s", text != NULL ? text : "");
	assert_int_equal(token != NULL, trouble == OAUTH_WELL);
}

static struct heard
ask(const char *refused)
{
	struct heard heard = { 0 };

	assert_non_null(
	    oauth_ask(world.oauth, "ann", refused, on_token, &heard));
	assert_int_equal(heard.times, 0);
	while (heard.times == 0)
		event_base_loop(world.base, EVLOOP_ONCE);
	return heard;
}

static enum oauth_state
state_now(void)
{
	struct oauth_status status;

	assert_true(oauth_status(world.oauth, "ann", &status));
	return status.state;
}

static void
on_consent(enum oauth_answer said,
    const struct oauth_authorization *authorization, const char *text,
    void *arg)
{
	assert_ptr_equal(arg, &world);
	world.answers++;
	world.said = said;
	snprintf(world.said_text, sizeof(world.said_text), "%s",
	    text != NULL ? text : "");
	if (authorization == NULL)
		return;
	if (authorization->authorization_url != NULL)
		snprintf(world.said_url, sizeof(world.said_url), "%s",
		    authorization->authorization_url);
	if (authorization->user_code != NULL)
		snprintf(world.user_code, sizeof(world.user_code), "%s",
		    authorization->user_code);
}

static void
on_authorized(const char *owner, bool is_well, void *arg)
{
	assert_ptr_equal(arg, &world);
	assert_string_equal(owner, "ann");
	world.told++;
	world.is_well = is_well;
}

static enum oauth_answer
said_next(unsigned before)
{
	while (world.answers == before)
		event_base_loop(world.base, EVLOOP_ONCE);
	assert_int_equal(world.answers, before + 1);
	return world.said;
}

/* ---- the world ---- */

static void
begin(const struct secret_key *key)
{
	const struct oauth_options options = { .base = world.base,
		.key = key,
		.authorized = on_authorized,
		.arg = &world };

	world.oauth = oauth_new(&options, &world.config);
	assert_non_null(world.oauth);
}

static int
setup(void **state)
{
	(void)state;
	assert_true(secret_init());
	memset(&world, 0, sizeof(world));
	world.base = event_base_new();
	world.web = deliver_web_new(world.base);
	world.key = secret_key_generate();
	assert_non_null(world.key);
	snprintf(world.url, sizeof(world.url), "http://127.0.0.1:%u/token",
	    (unsigned)world.web->port);
	snprintf(world.device_url, sizeof(world.device_url),
	    "http://127.0.0.1:%u/device", (unsigned)world.web->port);
	world.oauth2 = (struct config_oauth2){
		.client_id = (char *)(uintptr_t) "c&1",
		.client_secret = (char *)(uintptr_t) "secret",
		.scope = (char *)(uintptr_t) "mail",
		.token_url = world.url,
		.device_url = world.device_url,
		.authorization_url =
		    (char *)(uintptr_t) "http://127.0.0.1:9/auth?x=y",
	};
	world.account = (struct config_account){
		.name = (char *)(uintptr_t) "ann",
		.user = (char *)(uintptr_t) "ann@example.org",
		.oauth2 = &world.oauth2,
		.oauth2_flow = CONFIG_OAUTH2_CODE,
	};
	world.accounts[0] = &world.account;
	world.config.accounts = world.accounts;
	world.config.account_count = 1;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	oauth_free(&world.oauth);
	event_base_loop(world.base, EVLOOP_NONBLOCK);
	deliver_web_free(world.web);
	secret_key_free(&world.key);
	event_base_free(world.base);
	free(world.sealed);
	return 0;
}

/* ---- tokens ---- */

static void
a_token_is_got_once_for_all(void **state)
{
	struct heard heard[3] = { { 0 } };

	(void)state;
	world.account.oauth2_flow = CONFIG_OAUTH2_CLIENT_CREDENTIALS;
	begin(world.key);
	assert_int_equal(state_now(), OAUTH_NONE);
	answer("200 OK", "", "{\"access_token\":\"a1\",\"expires_in\":3600}");
	for (int i = 0; i < 3; i++)
		assert_non_null(
		    oauth_ask(world.oauth, "ann", NULL, on_token, &heard[i]));
	while (heard[2].times == 0)
		event_base_loop(world.base, EVLOOP_ONCE);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(heard[i].times, 1);
		assert_string_equal(heard[i].token, "a1");
	}
	assert_int_equal(world.web->requests, 1);
	assert_true(was_asked("grant_type=client_credentials&scope=mail&"
			      "client_id=c%261&client_secret=secret"));
	assert_int_equal(state_now(), OAUTH_FRESH);
	/* It is good for others, but not for who was refused with it. */
	assert_string_equal(ask("a0").token, "a1");
	assert_int_equal(world.web->requests, 1);
	answer("200 OK", "", "{\"access_token\":\"a2\"}");
	assert_string_equal(ask("a1").token, "a2");
	assert_int_equal(world.web->requests, 2);
	oauth_note_refused(world.oauth, "ann");
	assert_int_equal(state_now(), OAUTH_REFUSED);
	assert_int_equal(world.reads + world.writes, 0);
}

static void
a_consent_is_kept_and_exchanged(void **state)
{
	struct oauth_status status;

	(void)state;
	begin(world.key);
	keep("r1", world.key);
	world.granted_ms = 77;
	answer("200 OK", "",
	    "{\"access_token\":\"a1\",\"refresh_token\":\"r2\","
	    "\"expires_in\":3600}");
	assert_string_equal(ask(NULL).token, "a1");
	assert_true(was_asked("grant_type=refresh_token&refresh_token=r1&"));
	expect_kept("r2");
	/* It is the consent that is dated. */
	assert_int_equal(world.granted_ms, 0);
	assert_true(oauth_status(world.oauth, "ann", &status));
	assert_int_equal(status.granted_ms, 77);
	assert_int_equal(status.refreshes, 1);
	assert_string_equal(status.flow, "code");
	/* The next goes by the new one, and needs no store. */
	answer("200 OK", "", "{\"access_token\":\"a2\"}");
	assert_string_equal(ask("a1").token, "a2");
	assert_true(was_asked("refresh_token=r2&"));
	assert_int_equal(world.reads, 1);
	assert_int_equal(world.writes, 1);
}

static void
without_a_consent_somebody_is_asked_for_it(void **state)
{
	struct secret_key *other = secret_key_generate();
	struct heard heard;

	(void)state;
	begin(world.key);
	heard = ask(NULL);
	assert_int_equal(heard.trouble, OAUTH_PERSON);
	assert_non_null(strstr(heard.text, "has not yet allowed"));
	assert_int_equal(state_now(), OAUTH_NONE);
	oauth_free(&world.oauth);
	begin(world.key);
	keep("r1", other);
	heard = ask(NULL);
	assert_int_equal(heard.trouble, OAUTH_PERSON);
	assert_non_null(strstr(heard.text, "does not open"));
	assert_int_equal(state_now(), OAUTH_REVOKED);
	oauth_free(&world.oauth);
	begin(NULL);
	heard = ask(NULL);
	assert_int_equal(heard.trouble, OAUTH_PERSON);
	assert_non_null(strstr(heard.text, "has no key"));
	secret_key_free(&other);
	oauth_free(&world.oauth);
	begin(world.key);
	world.status = STORE_IO;
	assert_int_equal(ask(NULL).trouble, OAUTH_LATER);
	assert_int_equal(world.web->requests, 0);
}

static void
what_an_endpoint_refuses_may_pass(void **state)
{
	struct heard heard;

	(void)state;
	begin(world.key);
	keep("r1", world.key);
	answer("400 No", "", "{\"error\":\"invalid_grant\"}");
	heard = ask(NULL);
	assert_int_equal(heard.trouble, OAUTH_PERSON);
	assert_non_null(strstr(heard.text, "invalid_grant"));
	assert_int_equal(state_now(), OAUTH_REVOKED);
	answer("503 Down", "", "");
	heard = ask(NULL);
	assert_int_equal(heard.trouble, OAUTH_LATER);
	assert_int_equal(state_now(), OAUTH_DOWN);
	/* It is left alone for as long as it wants to be. */
	answer(
	    "429 Enough", "Retry-After: 60\r\n", "{\"error\":\"slow_down\"}");
	heard = ask(NULL);
	assert_int_equal(heard.trouble, OAUTH_LATER);
	assert_string_equal(heard.text,
	    "the token endpoint does not work now (HTTP status 429): "
	    "slow_down");
	assert_int_equal(world.web->requests, 3);
	answer("200 OK", "", "{\"access_token\":\"a1\"}");
	assert_int_equal(ask(NULL).trouble, OAUTH_LATER);
	assert_int_equal(world.web->requests, 3);
}

static void
who_has_left_is_not_told(void **state)
{
	struct heard heard[2] = { { 0 } };
	struct oauth_request *request;

	(void)state;
	world.account.oauth2_flow = CONFIG_OAUTH2_CLIENT_CREDENTIALS;
	begin(world.key);
	answer("200 OK", "", "{\"access_token\":\"a1\"}");
	request = oauth_ask(world.oauth, "ann", NULL, on_token, &heard[0]);
	assert_non_null(request);
	oauth_cancel(&request);
	assert_null(request);
	assert_string_equal(ask(NULL).token, "a1");
	assert_int_equal(heard[0].times, 0);
	request = oauth_ask(world.oauth, "ann", "a1", on_token, &heard[1]);
	assert_non_null(request);
	oauth_free(&world.oauth);
	event_base_loop(world.base, EVLOOP_NONBLOCK);
	assert_int_equal(heard[1].times, 0);
}

static void
a_reload_keeps_what_has_not_changed(void **state)
{
	struct heard heard = { 0 };

	(void)state;
	world.account.oauth2_flow = CONFIG_OAUTH2_CLIENT_CREDENTIALS;
	begin(world.key);
	answer("200 OK", "", "{\"access_token\":\"a1\"}");
	assert_string_equal(ask(NULL).token, "a1");
	assert_true(oauth_reload(world.oauth, &world.config, world.key));
	assert_int_equal(state_now(), OAUTH_FRESH);
	assert_non_null(oauth_ask(world.oauth, "ann", "a1", on_token, &heard));
	world.oauth2.client_id = (char *)(uintptr_t) "other";
	assert_true(oauth_reload(world.oauth, &world.config, world.key));
	assert_int_equal(heard.times, 1);
	assert_int_equal(heard.trouble, OAUTH_LATER);
	assert_int_equal(state_now(), OAUTH_NONE);
	world.account.oauth2 = NULL;
	assert_true(oauth_reload(world.oauth, &world.config, world.key));
	assert_null(oauth_ask(world.oauth, "ann", NULL, on_token, &heard));
	assert_false(
	    oauth_status(world.oauth, "ann", &(struct oauth_status){ 0 }));
}

/* ---- consents ---- */

/* What stands behind "NAME=" in the page's URL. */
static void
url_value(const char *name, char *value, size_t size)
{
	const char *at = strstr(world.said_url, name);

	assert_non_null(at);
	at += strlen(name);
	snprintf(value, size, "%.*s", (int)strcspn(at, "&"), at);
}

static void
a_browser_brings_a_code(void **state)
{
	char code_state[128], challenge[128], wanted[PKCE_TEXT];
	char verifier[PKCE_TEXT] = "";
	const char *found;

	(void)state;
	begin(world.key);
	oauth_authorize_code(world.oauth, "ann", REDIRECT, on_consent, &world);
	assert_int_equal(world.said, OAUTH_DONE);
	assert_int_equal(state_now(), OAUTH_PENDING);
	assert_non_null(strstr(world.said_url,
	    "http://127.0.0.1:9/auth?x=y&response_type=code&client_id=c%261&"
	    "redirect_uri=http%3A%2F%2F127.0.0.1%3A7%2Fback&scope=mail&"));
	assert_non_null(
	    strstr(world.said_url, "&login_hint=ann%40example.org"));
	url_value("&state=", code_state, sizeof(code_state));
	url_value("&code_challenge=", challenge, sizeof(challenge));
	oauth_authorize_finish(
	    world.oauth, "ann", "code", "another", on_consent, &world);
	assert_int_equal(world.said, OAUTH_NOT_ASKED);
	answer(
	    "200 OK", "", "{\"access_token\":\"a1\",\"refresh_token\":\"r1\"}");
	oauth_authorize_finish(
	    world.oauth, "ann", "code", code_state, on_consent, &world);
	assert_int_equal(said_next(2), OAUTH_DONE);
	assert_true(was_asked("grant_type=authorization_code&code=code&"
			      "redirect_uri=http%3A%2F%2F127.0.0.1%3A7%2Fback&"
			      "code_verifier="));
	found = strstr(world.web->request + world.web->body, "code_verifier=");
	snprintf(verifier, sizeof(verifier), "%.*s",
	    (int)strcspn(found + 14, "&"), found + 14);
	pkce_challenge(verifier, wanted);
	assert_string_equal(challenge, wanted);
	expect_kept("r1");
	assert_true(world.granted_ms > 0);
	assert_int_equal(world.told, 1);
	assert_true(world.is_well);
	assert_int_equal(state_now(), OAUTH_FRESH);
	assert_string_equal(ask(NULL).token, "a1");
	assert_int_equal(world.web->requests, 1);
}

static void
a_consent_may_be_none(void **state)
{
	char code_state[128];

	(void)state;
	begin(world.key);
	oauth_authorize_code(world.oauth, "ann", REDIRECT, on_consent, &world);
	url_value("&state=", code_state, sizeof(code_state));
	/* It would end with the access token. */
	answer("200 OK", "", "{\"access_token\":\"a1\"}");
	oauth_authorize_finish(
	    world.oauth, "ann", "code", code_state, on_consent, &world);
	assert_int_equal(said_next(1), OAUTH_FAILED);
	assert_non_null(strstr(world.said_text, "offline_access"));
	assert_int_equal(world.told, 1);
	assert_false(world.is_well);
	assert_null(world.sealed);
	/* A flow is over with the next. */
	oauth_authorize_code(world.oauth, "ann", REDIRECT, on_consent, &world);
	oauth_authorize_finish(
	    world.oauth, "ann", "code", code_state, on_consent, &world);
	assert_int_equal(world.said, OAUTH_NOT_ASKED);
	oauth_authorize_code(world.oauth, "bob", REDIRECT, on_consent, &world);
	assert_int_equal(world.said, OAUTH_NO_SUCH_OWNER);
	world.oauth2.authorization_url = NULL;
	assert_true(oauth_reload(world.oauth, &world.config, world.key));
	oauth_authorize_code(world.oauth, "ann", REDIRECT, on_consent, &world);
	assert_int_equal(world.said, OAUTH_NO_SUCH_FLOW);
}

static void
a_store_that_fails_keeps_no_consent(void **state)
{
	char code_state[128];

	(void)state;
	begin(world.key);
	oauth_authorize_code(world.oauth, "ann", REDIRECT, on_consent, &world);
	url_value("&state=", code_state, sizeof(code_state));
	answer(
	    "200 OK", "", "{\"access_token\":\"a1\",\"refresh_token\":\"r1\"}");
	world.status = STORE_IO;
	oauth_authorize_finish(
	    world.oauth, "ann", "code", code_state, on_consent, &world);
	assert_int_equal(said_next(1), OAUTH_UNAVAILABLE);
	world.status = STORE_OK;
	/* It holds for now, and is written again with the next token. */
	answer("200 OK", "", "{\"access_token\":\"a2\"}");
	assert_string_equal(ask("a1").token, "a2");
	assert_int_equal(world.writes, 2);
	expect_kept("r1");
}

static void
a_device_is_asked_for_until_the_user_has_answered(void **state)
{
	(void)state;
	begin(world.key);
	answer("200 OK", "",
	    "{\"device_code\":\"d1\",\"user_code\":\"ABC\","
	    "\"verification_uri\":\"http://x/\",\"interval\":1,"
	    "\"expires_in\":60}");
	oauth_authorize_device(world.oauth, "ann", on_consent, &world);
	assert_int_equal(said_next(0), OAUTH_DONE);
	assert_string_equal(world.user_code, "ABC");
	assert_true(strncmp(world.web->request, "POST /device ", 13) == 0);
	assert_int_equal(state_now(), OAUTH_PENDING);
	answer("400 Wait", "", "{\"error\":\"authorization_pending\"}");
	while (world.web->requests < 2)
		event_base_loop(world.base, EVLOOP_ONCE);
	assert_true(was_asked("device_code=d1&client_id=c%261"));
	assert_int_equal(world.told, 0);
	/* Who does not answer, nor when asked again at once, may do so later.
	 */
	world.web->manner = WEB_HANGS_UP;
	while (world.web->requests < 4)
		event_base_loop(world.base, EVLOOP_ONCE);
	world.web->manner = WEB_ANSWERS;
	answer(
	    "200 OK", "", "{\"access_token\":\"a1\",\"refresh_token\":\"r1\"}");
	while (world.told == 0)
		event_base_loop(world.base, EVLOOP_ONCE);
	assert_true(world.is_well);
	expect_kept("r1");
	/* Nobody is told a second time. */
	assert_int_equal(world.answers, 1);
}

static void
a_consent_that_is_withdrawn_is_forgotten(void **state)
{
	(void)state;
	begin(world.key);
	keep("r1", world.key);
	answer("200 OK", "", "{\"access_token\":\"a1\"}");
	assert_string_equal(ask(NULL).token, "a1");
	oauth_forget(world.oauth, "ann", on_consent, &world);
	assert_int_equal(said_next(0), OAUTH_DONE);
	assert_null(world.sealed);
	assert_int_equal(state_now(), OAUTH_NONE);
	assert_int_equal(ask(NULL).trouble, OAUTH_PERSON);
	/* There was none: that is as well. */
	world.status = STORE_NOT_FOUND;
	oauth_forget(world.oauth, "ann", on_consent, &world);
	assert_int_equal(said_next(1), OAUTH_DONE);
	world.status = STORE_IO;
	oauth_forget(world.oauth, "ann", on_consent, &world);
	assert_int_equal(said_next(2), OAUTH_UNAVAILABLE);
	oauth_forget(world.oauth, "bob", on_consent, &world);
	assert_int_equal(world.said, OAUTH_NO_SUCH_OWNER);
}

int
main(void)
{
#define ONE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		ONE(a_token_is_got_once_for_all),
		ONE(a_consent_is_kept_and_exchanged),
		ONE(without_a_consent_somebody_is_asked_for_it),
		ONE(what_an_endpoint_refuses_may_pass),
		ONE(who_has_left_is_not_told),
		ONE(a_reload_keeps_what_has_not_changed),
		ONE(a_browser_brings_a_code),
		ONE(a_consent_may_be_none),
		ONE(a_store_that_fails_keeps_no_consent),
		ONE(a_device_is_asked_for_until_the_user_has_answered),
		ONE(a_consent_that_is_withdrawn_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
