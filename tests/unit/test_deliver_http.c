/*
 * Messages are posted to a web service: byte by byte, signed, once; and every
 * way in which it can answer, or not answer, means what it should.
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

#include "daemon/secret/webhook.h"
#include "tests/unit/deliver_parcels.h"
#include "tests/unit/deliver_web.h"

#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

static const char message[] =
    "X-Evpop-Id: k\r\nFrom: Ann <ann@example.org>\r\n"
    "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
    "Date: Fri, 2 Jan 2026 03:04:05 +0000\r\n\r\n.\r\nFrom x\r\n";

struct fixture {
	struct post *post;
	struct deliver_web *web;
	char url[128];
};

static struct fixture fixture;

static void
use_url(const char *format)
{
	snprintf(fixture.url, sizeof(fixture.url), "http://%s:%u/hook?a=b",
	    format, (unsigned)fixture.web->port);
	fixture.post->target.url = fixture.url;
	post_begin(fixture.post);
}

static int
setup(void **state)
{
	(void)state;
	fixture.post = post_new(&carrier_http);
	fixture.web = deliver_web_new(fixture.post->base);
	fixture.post->target.type = CONFIG_TARGET_HTTP;
	fixture.post->target.allow_private = true;
	use_url("127.0.0.1");
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	/* The server's clients go with the carrier's connections. */
	if (fixture.post->carrier != NULL)
		fixture.post->type->end(fixture.post->carrier);
	fixture.post->carrier = NULL;
	event_base_loop(fixture.post->base, EVLOOP_NONBLOCK);
	deliver_web_free(fixture.web);
	post_free(fixture.post);
	return 0;
}

static struct sent *
deliver(const char *text)
{
	struct sent *sent = post_message(fixture.post, text);

	(void)post_deliver(fixture.post, sent);
	assert_int_equal(sent->answers, 1);
	return sent;
}

/* ---- what is posted ---- */

static void
a_message_is_posted_as_it_is(void **state)
{
	struct sent *sent = deliver(message);
	struct deliver_web *web = fixture.web;
	char line[128];

	(void)state;
	assert_int_equal(sent->outcome, CARRIED_DELIVERED);
	assert_string_equal(sent->answer, "200 Fine");
	assert_string_equal(sent->place, "127.0.0.1");
	assert_false(sent->may_be_there);
	assert_memory_equal(web->request, "POST /hook?a=b HTTP/1.1\r\n", 25);
	assert_true(deliver_web_has(web, "Content-Type: message/rfc822"));
	snprintf(line, sizeof(line), "webhook-id: %s", sent->parcel.key);
	assert_true(deliver_web_has(web, line));
	assert_true(deliver_web_has(web, "X-Evpop-Account: a"));
	assert_true(deliver_web_has(web, "X-Evpop-Message: 1"));
	assert_non_null(deliver_web_value(web, "webhook-timestamp"));
	assert_null(deliver_web_value(web, "webhook-signature"));
	assert_null(deliver_web_value(web, "Expect"));
	assert_string_equal(web->request + web->body, message);
}

static void
connections_are_kept(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < 5; i++)
		assert_int_equal(deliver(message)->outcome, CARRIED_DELIVERED);
	assert_int_equal(fixture.web->requests, 5);
	assert_int_equal(fixture.web->connections, 1);
}

static void
a_connection_that_was_closed_is_opened_again(void **state)
{
	size_t i;

	(void)state;
	fixture.web->manner = WEB_CLOSES_QUIETLY;
	for (i = 0; i < 5; i++)
		assert_int_equal(deliver(message)->outcome, CARRIED_DELIVERED);
	assert_int_equal(fixture.web->requests, 5);
	assert_int_equal(fixture.web->connections, 5);
}

static char *
large_message(size_t size)
{
	char *text = malloc(size + 1);
	size_t i;

	assert_non_null(text);
	for (i = 0; i < size; i++)
		text[i] = (char)('a' + i % 23);
	text[size] = '\0';
	return text;
}

static void
a_large_message_goes_in_pieces(void **state)
{
	static const size_t pieces[] = { 1000, 16384, 262144 };
	char *text = large_message(3000000);
	size_t i;

	(void)state;
	fixture.post->target.secret.literal = (char *)(uintptr_t)SECRET;
	post_begin(fixture.post);
	for (i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		struct sent *sent = post_message(fixture.post, text);

		sent->piece = pieces[i];
		assert_int_equal(
		    post_deliver(fixture.post, sent), CARRIED_DELIVERED);
		assert_string_equal(
		    fixture.web->request + fixture.web->body, text);
	}
	free(text);
}

static void
check_signature(const char *id)
{
	struct deliver_web *web = fixture.web;
	struct secret *secret = secret_new(SECRET, strlen(SECRET));
	char signature[WEBHOOK_SIGNATURE];
	struct webhook_key *key;
	struct webhook *webhook;
	const char *why;
	int64_t sent_s;

	assert_non_null(secret);
	key = webhook_key_new(secret, &why);
	assert_non_null(key);
	assert_string_equal(deliver_web_value(web, "webhook-id"), id);
	sent_s = strtol(deliver_web_value(web, "webhook-timestamp"), NULL, 10);
	webhook = webhook_begin(key, id, sent_s);
	assert_non_null(webhook);
	webhook_add(webhook, web->request + web->body, web->length - web->body);
	webhook_finish(webhook, signature);
	assert_string_equal(
	    deliver_web_value(web, "webhook-signature"), signature);
	webhook_free(&webhook);
	webhook_key_free(&key);
	secret_free(&secret);
}

static void
what_is_posted_is_signed(void **state)
{
	static const enum config_target_body bodies[] = {
		CONFIG_TARGET_BODY_MESSAGE, CONFIG_TARGET_BODY_JSON
	};
	size_t i;

	(void)state;
	fixture.post->target.secret.literal = (char *)(uintptr_t)SECRET;
	for (i = 0; i < 2; i++) {
		struct sent *sent;

		fixture.post->target.body = bodies[i];
		post_begin(fixture.post);
		sent = deliver(message);
		assert_int_equal(sent->outcome, CARRIED_DELIVERED);
		check_signature(sent->parcel.key);
	}
}

static void
a_secret_that_is_none_is_told(void **state)
{
	struct sent *sent;

	(void)state;
	fixture.post->target.secret.literal = (char *)(uintptr_t) "hunter2";
	post_begin(fixture.post);
	sent = deliver(message);
	assert_int_equal(sent->outcome, CARRIED_WRONG);
	assert_non_null(strstr(sent->answer, "base64"));
	assert_null(strstr(sent->answer, "hunter2"));
	assert_int_equal(post_probe(fixture.post), CARRIED_WRONG);
	assert_int_equal(fixture.web->connections, 0);
	/* It is looked at again. */
	fixture.post->target.secret.literal = (char *)(uintptr_t)SECRET;
	assert_int_equal(deliver(message)->outcome, CARRIED_DELIVERED);
}

static const char *
member(const json_t *json, const char *name)
{
	return json_string_value(json_object_get(json, name));
}

static void
an_envelope_has_links(void **state)
{
	struct deliver_web *web = fixture.web;
	char *padded = large_message(400000);
	struct sent *sent;
	json_t *json, *data;

	(void)state;
	fixture.post->target.body = CONFIG_TARGET_BODY_JSON;
	post_begin(fixture.post);
	memcpy(padded, message, strlen(message));
	sent = post_message(fixture.post, padded);
	sent->piece = 16; /* in pieces that end within lines */
	sent->parcel.recipient = "desk@example.org";
	assert_int_equal(post_deliver(fixture.post, sent), CARRIED_DELIVERED);
	assert_true(deliver_web_has(web, "Content-Type: application/json"));
	json = json_loads(web->request + web->body, 0, NULL);
	assert_non_null(json);
	assert_string_equal(member(json, "type"), "message.stored");
	assert_non_null(member(json, "timestamp"));
	data = json_object_get(json, "data");
	assert_int_equal(json_integer_value(json_object_get(data, "id")), 1);
	assert_string_equal(member(data, "key"), sent->parcel.key);
	assert_string_equal(member(data, "account"), "a");
	assert_string_equal(member(data, "target"), "home");
	assert_string_equal(member(data, "deliver_to"), "desk@example.org");
	assert_string_equal(member(data, "envelope_sender"), "ann@example.org");
	assert_string_equal(member(data, "sender"), "Ann <ann@example.org>");
	assert_string_equal(member(data, "subject"), "Gr\xc3\xbc\xc3\x9f"
						     "e");
	assert_string_equal(member(data, "date"), "2026-01-02T03:04:05.000Z");
	assert_int_equal(
	    json_integer_value(json_object_get(data, "bytes")), 400000);
	assert_string_equal(member(json_object_get(data, "links"), "raw"),
	    "/v1/messages/1/raw");
	json_decref(json);
	free(padded);
}

/* ---- what is answered ---- */

static void
answers_mean_what_they_should(void **state)
{
	static const struct {
		const char *status;
		enum carried outcome;
	} cases[] = {
		{ "200 OK", CARRIED_DELIVERED },
		{ "202 Accepted", CARRIED_DELIVERED },
		{ "204 No Content", CARRIED_DELIVERED },
		{ "301 Moved", CARRIED_WRONG },
		{ "400 Bad Request", CARRIED_REFUSED },
		{ "401 Unauthorized", CARRIED_WRONG },
		{ "403 Forbidden", CARRIED_WRONG },
		{ "404 Not Found", CARRIED_WRONG },
		{ "408 Request Timeout", CARRIED_LATER },
		{ "410 Gone", CARRIED_WRONG },
		{ "413 Content Too Large", CARRIED_REFUSED },
		{ "422 Unprocessable", CARRIED_REFUSED },
		{ "425 Too Early", CARRIED_LATER },
		{ "429 Too Many Requests", CARRIED_DOWN },
		{ "500 Internal Server Error", CARRIED_LATER },
		{ "502 Bad Gateway", CARRIED_LATER },
		{ "503 Service Unavailable", CARRIED_DOWN },
		{ "504 Gateway Timeout", CARRIED_LATER },
		{ "599 Odd", CARRIED_LATER },
	};
	char answer[256];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sent *sent;

		snprintf(answer, sizeof(answer),
		    "HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s",
		    cases[i].status, i == 2 ? 0 : 15,
		    i == 2 ? "" : "told\x1b why\r\nmore");
		fixture.web->answer = answer;
		sent = deliver(message);
		assert_int_equal(sent->outcome, cases[i].outcome);
		assert_false(sent->may_be_there);
		assert_non_null(strstr(sent->answer, cases[i].status));
		assert_null(strstr(sent->answer, "more"));
		if (cases[i].outcome != CARRIED_DELIVERED)
			assert_non_null(strstr(sent->answer, ": told? why"));
	}
}

static void
it_says_when_to_come_again(void **state)
{
	struct sent *sent;

	(void)state;
	fixture.web->answer = "HTTP/1.1 429 Slow\r\nRetry-After: 120\r\n"
			      "Content-Length: 0\r\n\r\n";
	sent = deliver(message);
	assert_int_equal(sent->outcome, CARRIED_DOWN);
	assert_int_equal(sent->retry_after_ms, 120000);
	fixture.web->answer =
	    "HTTP/1.1 503 No\r\nRetry-After: Fri, 31 Dec 2060 23:59:59 GMT\r\n"
	    "Content-Length: 0\r\n\r\n";
	sent = deliver(message);
	/* libcurl makes at most six hours of it, some versions. */
	assert_true(sent->retry_after_ms >= INT64_C(21600000));
	fixture.web->answer = "HTTP/1.1 503 No\r\nRetry-After: -5\r\n"
			      "Content-Length: 0\r\n\r\n";
	assert_int_equal(deliver(message)->retry_after_ms, 0);
}

static void
what_is_no_http_is_called_so(void **state)
{
	struct sent *sent;

	(void)state;
	fixture.web->answer = "220 mail.example.org ESMTP\r\n";
	sent = deliver(message);
	assert_int_not_equal(sent->outcome, CARRIED_DELIVERED);
	assert_non_null(strstr(sent->answer, "it does not speak HTTP"));
}

static void
redirects_are_not_followed(void **state)
{
	struct sent *sent;
	char answer[256];

	(void)state;
	snprintf(answer, sizeof(answer),
	    "HTTP/1.1 307 Elsewhere\r\nLocation: http://127.0.0.1:%u/other\r\n"
	    "Content-Length: 0\r\n\r\n",
	    (unsigned)fixture.web->port);
	fixture.web->answer = answer;
	sent = deliver(message);
	assert_int_equal(sent->outcome, CARRIED_WRONG);
	assert_non_null(strstr(sent->answer, "/other"));
	assert_int_equal(fixture.web->requests, 1);
}

static void
what_was_made_is_where_it_says(void **state)
{
	struct sent *sent;

	(void)state;
	fixture.web->answer = "HTTP/1.1 201 Created\r\nLocation: /tickets/7\r\n"
			      "Content-Length: 0\r\n\r\n";
	assert_string_equal(deliver(message)->place, "/tickets/7");
	fixture.web->answer = "HTTP/1.1 201 \x1b[31m\r\n"
			      "Location: /\x1b[31m/\xff\r\n"
			      "Content-Length: 0\r\n\r\n";
	sent = deliver(message);
	assert_string_equal(sent->place, "/?[31m/?");
	assert_string_equal(sent->answer, "201 ?[31m");
}

static void
answers_have_bounds(void **state)
{
	static const char *const answers[] = {
		"HTTP/1.1 200 OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		"fffffff\r\n",
	};
	size_t i;

	(void)state;
	fixture.web->manner = WEB_SPEAKS_FOREVER;
	for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		fixture.web->answer = answers[i];
		assert_int_equal(deliver(message)->outcome, CARRIED_DELIVERED);
	}
	/* A header without an end, and what is no answer. */
	fixture.web->answer = "HTTP/1.1 200 OK\r\nX: ";
	assert_int_equal(deliver(message)->outcome, CARRIED_LATER);
	fixture.web->answer = "220 mail.example.org ESMTP\r\n";
	assert_int_equal(deliver(message)->outcome, CARRIED_LATER);
}

static void
an_answer_may_come_early(void **state)
{
	char *text = large_message(7000000);
	struct sent *sent;

	(void)state;
	fixture.web->manner = WEB_ANSWERS_EARLY;
	fixture.web->answer = "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n"
			      "Connection: close\r\n\r\n";
	sent = deliver(text);
	assert_int_equal(sent->outcome, CARRIED_REFUSED);
	assert_true(sent->at < sent->length);
	free(text);
}

/* ---- what is not answered ---- */

static void
silence_leaves_it_open(void **state)
{
	struct sent *sent;

	(void)state;
	fixture.web->manner = WEB_HANGS_UP;
	sent = deliver(message);
	assert_int_equal(sent->outcome, CARRIED_LATER);
	assert_true(sent->may_be_there);
	fixture.web->manner = WEB_IS_SILENT;
	fixture.post->target.timeout_ms = 50;
	post_begin(fixture.post);
	sent = deliver(message);
	assert_int_equal(sent->outcome, CARRIED_LATER);
	assert_true(sent->may_be_there);
	assert_non_null(strstr(sent->answer, "does not answer within 0.05 s"));
}

static void
nobody_there_is_down(void **state)
{
	struct sent *sent;

	(void)state;
	deliver_web_free(fixture.web);
	sent = deliver(message);
	assert_int_equal(sent->outcome, CARRIED_DOWN);
	assert_false(sent->may_be_there);
	assert_non_null(strstr(sent->answer, "127.0.0.1: "));
	assert_int_equal(post_probe(fixture.post), CARRIED_DOWN);
	fixture.web = deliver_web_new(fixture.post->base);
}

static void
what_cannot_be_read_is_told(void **state)
{
	static const enum config_target_body bodies[] = {
		CONFIG_TARGET_BODY_MESSAGE, CONFIG_TARGET_BODY_JSON
	};
	char *text = large_message(100000);
	struct sent *sent;
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++) {
		fixture.post->target.body = bodies[i % 2];
		fixture.post->target.secret.literal =
		    i < 2 ? NULL : (char *)(uintptr_t)SECRET;
		post_begin(fixture.post);
		sent = post_message(fixture.post, text);
		sent->fails_to_read = true;
		assert_int_equal(
		    post_deliver(fixture.post, sent), CARRIED_UNREAD);
	}
	assert_int_equal(fixture.web->requests, 0);
	free(text);
}

/* ---- where it may go ---- */

static void
private_addresses_are_refused(void **state)
{
	static const char *const hosts[] = { "127.0.0.1", "127.1", "2130706433",
		"0x7f.0.0.1", "[::ffff:127.0.0.1]", "[::1]", "0.0.0.0",
		"10.255.255.1", "169.254.169.254", "[64:ff9b::127.0.0.1]" };
	size_t i;

	(void)state;
	fixture.post->target.allow_private = false;
	fixture.post->target.allow_cleartext = true;
	for (i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		struct sent *sent;

		use_url(hosts[i]);
		sent = deliver(message);
		assert_int_equal(sent->outcome, CARRIED_WRONG);
		assert_non_null(strstr(sent->answer, "allow_private"));
		assert_int_equal(post_probe(fixture.post), CARRIED_WRONG);
	}
	assert_int_equal(fixture.web->connections, 0);
}

static void
mail_is_shown_to_no_network(void **state)
{
	struct sent *sent;

	(void)state;
	use_url("192.0.2.1");
	sent = deliver(message);
	assert_int_equal(sent->outcome, CARRIED_WRONG);
	assert_non_null(strstr(sent->answer, "allow_cleartext"));
}

/* ---- other ---- */

static void
a_look_posts_nothing(void **state)
{
	(void)state;
	fixture.post->target.secret.literal = (char *)(uintptr_t)SECRET;
	post_begin(fixture.post);
	assert_int_equal(post_probe(fixture.post), CARRIED_DELIVERED);
	event_base_loop(fixture.post->base, EVLOOP_NONBLOCK);
	assert_int_equal(fixture.web->connections, 1);
	assert_int_equal(fixture.web->requests, 0);
	assert_int_equal(deliver(message)->outcome, CARRIED_DELIVERED);
}

static void
it_may_end_at_any_time(void **state)
{
	struct sent *sent;
	size_t i;

	(void)state;
	fixture.post->target.secret.literal = (char *)(uintptr_t)SECRET;
	for (i = 0; i < 20; i++) {
		size_t turns;

		post_begin(fixture.post);
		sent = post_message(fixture.post, message);
		post_carry(fixture.post, sent);
		for (turns = 0; turns < i && sent->answers == 0; turns++)
			event_base_loop(fixture.post->base, EVLOOP_ONCE);
		fixture.post->type->end(fixture.post->carrier);
		fixture.post->carrier = NULL;
		event_base_loop(fixture.post->base, EVLOOP_NONBLOCK);
	}
	post_begin(fixture.post);
	fixture.post->ends_at_answer = true;
	assert_int_equal(deliver(message)->outcome, CARRIED_DELIVERED);
}

int
main(void)
{
#define TEST(function) \
	cmocka_unit_test_setup_teardown(function, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_message_is_posted_as_it_is),
		TEST(connections_are_kept),
		TEST(a_connection_that_was_closed_is_opened_again),
		TEST(a_large_message_goes_in_pieces),
		TEST(what_is_posted_is_signed),
		TEST(a_secret_that_is_none_is_told),
		TEST(an_envelope_has_links),
		TEST(answers_mean_what_they_should),
		TEST(it_says_when_to_come_again),
		TEST(what_is_no_http_is_called_so),
		TEST(redirects_are_not_followed),
		TEST(what_was_made_is_where_it_says),
		TEST(answers_have_bounds),
		TEST(an_answer_may_come_early),
		TEST(silence_leaves_it_open),
		TEST(nobody_there_is_down),
		TEST(what_cannot_be_read_is_told),
		TEST(private_addresses_are_refused),
		TEST(mail_is_shown_to_no_network),
		TEST(a_look_posts_nothing),
		TEST(it_may_end_at_any_time),
	};

	return secret_init() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
