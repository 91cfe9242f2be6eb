/*
 * What Gmail answers, in every documented shape and in none, means what it
 * should; and nothing but its word that a message is there counts as delivered.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <event2/event.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/deliver/gmail_answer.h"
#include "tests/unit/deliver_parcels.h"
#include "tests/unit/deliver_web.h"

/* ---- an answer ---- */

/* 2026-01-02T03:04:05Z */
#define NOW INT64_C(1767323045000)

#define OLD(code, reason, message)                                            \
	"{\"error\":{\"errors\":[{\"domain\":\"global\",\"reason\":\"" reason \
	"\",\"message\":\"" message "\"}],\"code\":" #code                    \
	",\"message\":\"" message "\"}}"
#define NEW(code, status, reason)                           \
	"{\"error\":{\"code\":" #code                       \
	",\"message\":\"words\",\"status\":\"" status       \
	"\",\"details\":[{\"@type\":\"type.googleapis.com/" \
	"google.rpc.ErrorInfo\",\"reason\":\"" reason "\"}]}}"
#define HTML "<!DOCTYPE html><html><title>Error</title></html>"

struct answer_case {
	unsigned status;
	const char *body;
	enum carried outcome;
	bool may_be_done;
	int64_t retry_after_ms;
	const char *words; /* in what people read */
};

static const struct answer_case answers[] = {
	{ 200, "{\"id\":\"1\"}", CARRIED_DELIVERED, false, 0, "200 words" },
	{ 204, HTML, CARRIED_LATER, true, 0, "no answer of Gmail's API" },

	{ 403, OLD(403, "userRateLimitExceeded", "User Rate Limit Exceeded"),
	    CARRIED_DOWN, false, 0, "User Rate Limit Exceeded" },
	{ 403, OLD(403, "rateLimitExceeded", "Rate Limit Exceeded"),
	    CARRIED_DOWN, false, 0, "Rate Limit Exceeded" },
	{ 403, OLD(403, "dailyLimitExceeded", "Daily Limit Exceeded"),
	    CARRIED_DOWN, false, 0, "midnight in California" },
	{ 403, OLD(403, "quotaExceeded", "Quota exceeded"), CARRIED_DOWN, false,
	    0, "Quota exceeded" },
	{ 403, NEW(403, "PERMISSION_DENIED", "RATE_LIMIT_EXCEEDED"),
	    CARRIED_DOWN, false, 0, "words" },
	{ 403, "{\"error\":{\"status\":\"RESOURCE_EXHAUSTED\"}}", CARRIED_DOWN,
	    false, 0, "403" },
	{ 429, OLD(429, "rateLimitExceeded", "Too many concurrent requests"),
	    CARRIED_DOWN, false, 0, "Too many concurrent requests" },
	{ 429, HTML, CARRIED_DOWN, false, 0, "429" },
	{ 429,
	    OLD(429, "rateLimitExceeded",
		"User-rate limit exceeded.  Retry after "
		"2026-01-02T03:04:35.000Z"),
	    CARRIED_DOWN, false, 30000, "Retry after" },
	{ 429,
	    OLD(429, "rateLimitExceeded", "Retry after 2026-01-02T03:04:00Z"),
	    CARRIED_DOWN, false, 0, "Retry after" },
	{ 429, OLD(429, "rateLimitExceeded", "Retry after tomorrow"),
	    CARRIED_DOWN, false, 0, "tomorrow" },

	{ 403, OLD(403, "domainPolicy", "disabled Gmail apps"), CARRIED_WRONG,
	    false, 0, "ask for this one to be allowed" },
	{ 403, OLD(403, "insufficientPermissions", "Insufficient Permission"),
	    CARRIED_WRONG, false, 0, "auth/gmail.modify" },
	{ 403, NEW(403, "PERMISSION_DENIED", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
	    CARRIED_WRONG, false, 0, "auth/gmail.modify" },
	{ 403, OLD(403, "accessNotConfigured", "not enabled"), CARRIED_WRONG,
	    false, 0, "enable the Gmail API" },
	{ 403, NEW(403, "PERMISSION_DENIED", "SERVICE_DISABLED"), CARRIED_WRONG,
	    false, 0, "enable the Gmail API" },
	{ 403, HTML, CARRIED_WRONG, false, 0, "403" },
	{ 401, OLD(401, "authError", "Invalid Credentials"), CARRIED_WRONG,
	    false, 0, "the token is not taken" },
	{ 404, OLD(404, "notFound", "Not Found"), CARRIED_WRONG, false, 0,
	    "Not Found" },
	{ 400, OLD(400, "failedPrecondition", "Mail service not enabled"),
	    CARRIED_WRONG, false, 0, "has no Gmail" },

	{ 400, OLD(400, "invalidArgument", "Invalid attachment."),
	    CARRIED_REFUSED, false, 0, "Invalid attachment" },
	{ 400, OLD(400, "badRequest", "Bad Request"), CARRIED_REFUSED, false, 0,
	    "Bad Request" },
	{ 413, OLD(413, "uploadTooLarge", "too large"), CARRIED_REFUSED, false,
	    0, "too large" },
	{ 413, HTML, CARRIED_REFUSED, false, 0, "413" },
	/* Somebody else says so. */
	{ 400, HTML, CARRIED_LATER, false, 0, "no answer of Gmail's API" },
	{ 400, NULL, CARRIED_LATER, false, 0, "no answer of Gmail's API" },
	{ 400, "{\"error\":\"invalid_request\"}", CARRIED_LATER, false, 0,
	    "no answer of Gmail's API" },
	{ 422, "[]", CARRIED_LATER, false, 0, "no answer of Gmail's API" },

	{ 500, OLD(500, "backendError", "Backend Error"), CARRIED_LATER, true,
	    0, "Backend Error" },
	{ 502, HTML, CARRIED_LATER, true, 0, "502" },
	{ 503, OLD(503, "backendError", "Backend Error"), CARRIED_DOWN, true, 0,
	    "Backend Error" },
	{ 504, NULL, CARRIED_LATER, true, 0, "504" },
	/* A reason of a person's does not belong to what Gmail has broken. */
	{ 500, OLD(500, "domainPolicy", "words"), CARRIED_LATER, true, 0,
	    "500" },
	{ 408, NULL, CARRIED_LATER, true, 0, "408" },

	/* Of another shape altogether. */
	{ 403, "{\"error\":{\"errors\":{},\"details\":7,\"message\":[]}}",
	    CARRIED_WRONG, false, 0, "403" },
	{ 403, "{\"error\":{\"errors\":[null,[],{\"reason\":1}]}}",
	    CARRIED_WRONG, false, 0, "403" },
	{ 400, "{\"error\":{\"message\":\"\\u001b[31m\\u0007red\"}}",
	    CARRIED_REFUSED, false, 0, "red" },
};

static void
each_answer_has_its_meaning(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		const struct answer_case *one = &answers[i];
		char line[64], text[GMAIL_ANSWER_TEXT];
		const struct web_answer answer = {
			.end = WEB_ANSWERED, .status = one->status, .text = line
		};
		json_t *json =
		    one->body != NULL ? json_loads(one->body, 0, NULL) : NULL;
		struct gmail_reply reply;

		snprintf(line, sizeof(line), "%u words", one->status);
		gmail_answer_judge(&answer, json, "host", NOW, text, &reply);
		if (reply.outcome != one->outcome ||
		    reply.may_be_done != one->may_be_done ||
		    reply.retry_after_ms != one->retry_after_ms ||
		    strstr(reply.text, one->words) == NULL ||
		    strpbrk(reply.text, "\033\007") != NULL)
			fail_msg("%u %s: outcome %d, may be done %d, again in "
				 "%lld ms: %s",
			    one->status, one->body, (int)reply.outcome,
			    reply.may_be_done, (long long)reply.retry_after_ms,
			    reply.text);
		json_decref(json);
	}
}

static void
the_longer_wait_counts(void **state)
{
	const struct web_answer answer = { .end = WEB_ANSWERED,
		.status = 429,
		.retry_after_ms = 60000,
		.text = "429" };
	json_t *json = json_loads(
	    OLD(429, "rateLimitExceeded", "Retry after 2026-01-02T03:04:35Z"),
	    0, NULL);
	char text[GMAIL_ANSWER_TEXT];
	struct gmail_reply reply;

	(void)state;
	gmail_answer_judge(&answer, json, "host", NOW, text, &reply);
	assert_int_equal(reply.retry_after_ms, 60000);
	json_decref(json);
}

static void
without_an_answer(void **state)
{
	static const struct {
		enum web_end end;
		enum carried outcome;
		bool may_be_done;
	} ends[] = { { WEB_FAILED, CARRIED_DOWN, false },
		{ WEB_UNANSWERED, CARRIED_LATER, true },
		{ WEB_FORBIDDEN, CARRIED_WRONG, false },
		{ WEB_MISTRUSTED, CARRIED_WRONG, false } };
	char text[GMAIL_ANSWER_TEXT];
	struct gmail_reply reply;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		const struct web_answer answer = { .end = ends[i].end,
			.text = "why" };

		gmail_answer_judge(&answer, NULL, "host", NOW, text, &reply);
		assert_int_equal(reply.outcome, ends[i].outcome);
		assert_int_equal(reply.may_be_done, ends[i].may_be_done);
		assert_string_equal(reply.text, "why");
	}
}

/* ---- a message ---- */

static const char message[] = "X-Evpop-Id: k\r\nFrom: Ann <ann@example.org>\r\n"
			      "Message-ID: <1@example.org>\r\n\r\nwords\r\n";

struct fixture {
	struct post *post;
	struct deliver_web *web;
	char url[64];
	char *answer;
};

static struct fixture fixture;

static int
setup(void **state)
{
	struct config_target *target;

	(void)state;
	fixture.post = post_new(&carrier_gmail);
	fixture.web = deliver_web_new(fixture.post->base);
	target = &fixture.post->target;
	target->type = CONFIG_TARGET_GMAIL;
	target->allow_private = true;
	target->token_command = (char *)(uintptr_t) "echo token";
	snprintf(fixture.url, sizeof(fixture.url), "http://127.0.0.1:%u",
	    (unsigned)fixture.web->port);
	target->url = fixture.url;
	post_begin(fixture.post);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	if (fixture.post->carrier != NULL)
		fixture.post->type->end(fixture.post->carrier);
	fixture.post->carrier = NULL;
	event_base_loop(fixture.post->base, EVLOOP_NONBLOCK);
	deliver_web_free(fixture.web);
	post_free(fixture.post);
	free(fixture.answer);
	fixture.answer = NULL;
	return 0;
}

static struct sent *
deliver_answered(const char *status, const char *type, const char *body)
{
	struct sent *sent = post_message(fixture.post, message);

	sent->parcel.front_octets = strlen("X-Evpop-Id: k\r\n");
	free(fixture.answer);
	assert_int_not_equal(
	    asprintf(&fixture.answer,
		"HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
		"\r\n%s",
		status, type, strlen(body), body),
	    -1);
	fixture.web->answer = fixture.answer;
	(void)post_deliver(fixture.post, sent);
	return sent;
}

static void
its_id_says_that_it_is_there(void **state)
{
	struct sent *sent = deliver_answered("200 OK", "application/json",
	    "{\"id\":\"18c0ffee\",\"labelIds\":[\"INBOX\"]}");

	(void)state;
	assert_int_equal(sent->outcome, CARRIED_DELIVERED);
	assert_string_equal(
	    sent->place, "https://mail.google.com/mail/#all/18c0ffee");
	assert_memory_equal(fixture.web->request,
	    "POST /upload/gmail/v1/users/me/messages/import?"
	    "uploadType=multipart&internalDateSource=dateHeader&"
	    "neverMarkSpam=false&",
	    strlen("POST /upload/gmail/v1/users/me/messages/import?"
		   "uploadType=multipart&internalDateSource=dateHeader&"
		   "neverMarkSpam=false&"));
	assert_true(
	    deliver_web_has(fixture.web, "Authorization: Bearer token"));
	assert_non_null(strstr(fixture.web->request, message));
}

/* JSON so deep that a reader that recurses would have no stack left. */
static char *
deep(const char *open, size_t levels)
{
	size_t length = strlen(open), i;
	char *text = malloc(levels * length + 1);

	assert_non_null(text);
	for (i = 0; i < levels; i++)
		memcpy(text + i * length, open, length);
	text[levels * length] = '\0';
	return text;
}

static void
nothing_else_does(void **state)
{
	static const char *const bodies[] = { "", HTML, "null", "[]", "{}", "7",
		"{\"id\":", "{\"id\":\"\"}", "{\"id\":null}", "{\"id\":7}",
		"{\"id\":\"1\\u0000\"}", "{\"id\":\"\xe4\"}",
		"{\"id\":\"1\"} {\"id\":\"2\"}", "\xef\xbb\xbf{\"id\":\"1\"}",
		"{\"ID\":\"1\"}" };
	char *levels = deep("{\"id\":[", 100000);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		struct sent *sent = deliver_answered(
		    "200 OK", "application/json; charset=UTF-16", bodies[i]);

		if (sent->outcome != CARRIED_LATER || !sent->may_be_there)
			fail_msg("%s: %d", bodies[i], (int)sent->outcome);
		/* What may be there is noted, and looked for. */
		assert_memory_equal(sent->note, "gmail ", 6);
	}
	assert_int_equal(
	    deliver_answered("200 OK", "text/html", levels)->outcome,
	    CARRIED_LATER);
	free(levels);
}

/* An answer that never ends is cut, not kept. */
static void
an_answer_without_end_is_none(void **state)
{
	struct sent *sent = post_message(fixture.post, message);

	(void)state;
	fixture.web->manner = WEB_SPEAKS_FOREVER;
	fixture.web->answer = "HTTP/1.1 200 OK\r\n\r\n{\"id\":\"1";
	fixture.post->target.timeout_ms = 1000;
	post_begin(fixture.post);
	assert_int_not_equal(
	    post_deliver(fixture.post, sent), CARRIED_DELIVERED);
	assert_true(sent->may_be_there);
}

/* What a person must mend is no message's fault, nor is a stranger's page. */
static void
a_probe_is_answered_by_gmail_alone(void **state)
{
	(void)state;
	fixture.web->answer = "HTTP/1.1 200 OK\r\nContent-Length: 41\r\n\r\n"
			      "{\"emailAddress\":\"anna@gmail.com\",\"x\":123}";
	assert_int_equal(post_probe(fixture.post), CARRIED_DELIVERED);
	assert_string_equal(fixture.post->probe.place, "anna@gmail.com");
	fixture.web->answer = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n"
			      "<html>";
	assert_int_not_equal(post_probe(fixture.post), CARRIED_DELIVERED);
	assert_non_null(
	    strstr(fixture.post->probe.answer, "no answer of Gmail's API"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_answer_has_its_meaning),
		cmocka_unit_test(the_longer_wait_counts),
		cmocka_unit_test(without_an_answer),
		cmocka_unit_test_setup_teardown(
		    its_id_says_that_it_is_there, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    nothing_else_does, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    an_answer_without_end_is_none, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_probe_is_answered_by_gmail_alone, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
