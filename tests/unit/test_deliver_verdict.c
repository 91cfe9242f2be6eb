/*
 * rspamd's verdict on a message: it is told where the message came from, what
 * it says becomes lines that can stand in a header, and where it says nothing
 * mail waits or goes on, as configured.
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

#include "daemon/deliver/packing.h"
#include "daemon/deliver/verdict.h"
#include "daemon/deliver/verdict_read.h"
#include "tests/unit/deliver_parcels.h"
#include "tests/unit/deliver_web.h"

static const char message[] = "Subject: one\r\n\r\nHello\r\n";

static struct post *post;
static struct deliver_web *web;
static struct verdicts *verdicts;
static struct trace trace;
static char url[64], answer[4096];

/* What came of each, by its place among the messages. */
static struct {
	unsigned answers;
	enum verdict_outcome outcome;
	bool is_spam;
	char lines[VERDICT_LINES], text[VERDICT_TEXT];
} given[PARCELS_MAX];

const struct trace *
packing_trace(const struct parcel *parcel)
{
	(void)parcel;
	return &trace;
}

static void
take_verdict(struct parcel *parcel, const struct verdict *verdict, void *arg)
{
	size_t i = (size_t)parcel->id - 1;

	(void)arg;
	given[i].answers++;
	given[i].outcome = verdict->outcome;
	given[i].is_spam = verdict->is_spam;
	snprintf(given[i].lines, sizeof(given[i].lines), "%s", verdict->lines);
	snprintf(given[i].text, sizeof(given[i].text), "%s", verdict->text);
	event_base_loopbreak(post->base);
}

static void
begin(void)
{
	verdicts_free(&verdicts);
	verdicts =
	    verdicts_new(&post->target, post->base, NULL, take_verdict, NULL);
	assert_non_null(verdicts);
}

static int
setup(void **state)
{
	(void)state;
	post = post_new(&carrier_http);
	web = deliver_web_new(post->base);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/", (unsigned)web->port);
	post->target.rspamd = url;
	post->target.concurrency = 2;
	memset(&trace, 0, sizeof(trace));
	memset(given, 0, sizeof(given));
	begin();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	verdicts_free(&verdicts);
	event_base_loop(post->base, EVLOOP_NONBLOCK);
	deliver_web_free(web);
	post_free(post);
	return 0;
}

static void
use_answer(const char *status, const char *body)
{
	snprintf(answer, sizeof(answer),
	    "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s", status,
	    strlen(body), body);
	web->answer = answer;
}

static size_t
ask(const char *text)
{
	struct sent *sent = post_message(post, text);

	sent->parcel.message_id = 7;
	assert_true(verdict_ask(verdicts, &sent->parcel));
	assert_int_equal(given[post->count - 1].answers, 0);
	return post->count - 1;
}

static size_t
judge(const char *text)
{
	size_t i = ask(text);

	while (given[i].answers == 0)
		assert_int_not_equal(event_base_dispatch(post->base), -1);
	assert_int_equal(given[i].answers, 1);
	return i;
}

#define HAM                                                             \
	"{\"is_skipped\":false,\"score\":1.25,\"required_score\":15.0," \
	"\"action\":\"no action\",\"thresholds\":{\"reject\":15.0,"     \
	"\"add header\":6.0},\"symbols\":{\"A_B\":{\"name\":\"A_B\","   \
	"\"score\":1.25,\"options\":[\"x\"]},\"NOTHING\":{\"score\":0.0}}}"

static void
it_is_told_where_a_message_came_from(void **state)
{
	char line[128];
	size_t i;

	(void)state;
	strcpy(trace.address, "2001:db8::7");
	strcpy(trace.helo, "mail.example.com");
	strcpy(trace.name, "out.example.com");
	strcpy(trace.sender, "s@example.com");
	strcpy(trace.recipient, "a@example.org");
	trace.has_sender = true;
	use_answer("200 OK", HAM);
	i = judge(message);
	assert_memory_equal(web->request, "POST /checkv2 HTTP/1.1\r\n", 24);
	assert_true(deliver_web_has(web, "IP: 2001:db8::7"));
	assert_true(deliver_web_has(web, "Helo: mail.example.com"));
	assert_true(deliver_web_has(web, "Hostname: out.example.com"));
	assert_true(deliver_web_has(web, "From: <s@example.com>"));
	assert_true(deliver_web_has(web, "Rcpt: a@example.org"));
	snprintf(line, sizeof(line), "Queue-Id: %s", post->sent[i].parcel.key);
	assert_true(deliver_web_has(web, line));
	assert_string_equal(web->request + web->body, message);

	/* What is not known is not said. */
	memset(&trace, 0, sizeof(trace));
	trace.has_sender = true;
	(void)judge(message);
	assert_null(deliver_web_value(web, "IP"));
	assert_null(deliver_web_value(web, "Helo"));
	assert_null(deliver_web_value(web, "Hostname"));
	assert_true(deliver_web_has(web, "From: <>"));
	trace.has_sender = false;
	(void)judge(message);
	assert_null(deliver_web_value(web, "From"));
}

static void
what_it_says_becomes_lines(void **state)
{
	static const struct {
		const char *json, *lines;
		bool is_spam;
	} cases[] = {
		{ HAM,
		    "X-Spam-Flag: NO\r\nX-Spam-Score: 1.25\r\n"
		    "X-Spam-Action: no action\r\n"
		    "X-Spam-Status: No, score=1.25 required=6.00\r\n"
		    "\ttests=A_B\r\n",
		    false },
		{ "{\"score\":7,\"required_score\":15,\"action\":"
		  "\"add header\"}",
		    "X-Spam-Flag: YES\r\nX-Spam-Score: 7.00\r\n"
		    "X-Spam-Action: add header\r\n"
		    "X-Spam-Status: Yes, score=7.00 required=15.00\r\n",
		    true },
		{ "{\"score\":1e300,\"required_score\":-1e300,\"action\":"
		  "\"reject\\r\\nX: y\"}",
		    "X-Spam-Flag: NO\r\nX-Spam-Score: 99999.00\r\n"
		    "X-Spam-Action: reject??X: y\r\n"
		    "X-Spam-Status: No, score=99999.00 required=-99999.00\r\n",
		    false },
		{ "{\"score\":1,\"action\":\"reject\",\"symbols\":{\"A\\r\\nX:"
		  "\":{\"score\":1},\"\":{\"score\":1},\"B\":{\"score\":-1}}}",
		    "X-Spam-Flag: YES\r\nX-Spam-Score: 1.00\r\n"
		    "X-Spam-Action: reject\r\n"
		    "X-Spam-Status: Yes, score=1.00 required=0.00\r\n"
		    "\ttests=B\r\n",
		    true },
	};
	static const struct {
		const char *action;
		bool is_spam;
	} actions[] = { { "reject", true }, { "add header", true },
		{ "rewrite subject", true }, { "quarantine", true },
		{ "no action", false }, { "greylist", false },
		{ "soft reject", false }, { "discard", false }, { "", false } };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t one;

		use_answer("200 OK", cases[i].json);
		one = judge(message);
		assert_int_equal(given[one].outcome, VERDICT_GIVEN);
		assert_int_equal(given[one].is_spam, cases[i].is_spam);
		assert_string_equal(given[one].lines, cases[i].lines);
	}
	for (i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		char json[128];

		snprintf(json, sizeof(json), "{\"score\":1,\"action\":\"%s\"}",
		    actions[i].action);
		use_answer("200 OK", json);
		assert_int_equal(
		    given[judge(message)].is_spam, actions[i].is_spam);
	}
}

/* Folded, whole lines, and within their bound, however many there are. */
static void
many_symbols_have_room(void **state)
{
	struct verdict_read read;
	char *json = malloc(200000), *at = json;
	const char *line;
	size_t i;

	(void)state;
	assert_non_null(json);
	at += sprintf(at, "{\"score\":1,\"action\":\"reject\",\"symbols\":{");
	for (i = 0; i < 1000; i++)
		at += sprintf(at, "%s\"SYMBOL_%zu_%.*s\":{\"score\":1}",
		    i > 0 ? "," : "", i, (int)(i % 50),
		    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
	strcpy(at, "}}");
	assert_true(verdict_read(json, &read));
	for (line = read.lines; *line != '\0';) {
		const char *end = strstr(line, "\r\n");

		assert_non_null(end);
		assert_true(end - line <= 79);
		line = end + 2;
	}
	assert_non_null(strstr(read.lines, "tests=SYMBOL_0_,SYMBOL_1_x"));
	assert_true(strlen(read.lines) > VERDICT_LINES / 2);
	free(json);
}

static void
no_verdict_is_told(void **state)
{
	static const struct {
		const char *status, *body;
	} cases[] = {
		{ "200 OK", "" },
		{ "200 OK", "{" },
		{ "200 OK", "[]" },
		{ "200 OK", "{\"score\":\"1\",\"action\":\"reject\"}" },
		{ "404 Not Found", "no" },
		{ "403 \x1b[31m", HAM },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t one;

		use_answer(cases[i].status, cases[i].body);
		one = judge(message);
		assert_int_equal(given[one].outcome, VERDICT_GIVEN);
		assert_false(given[one].is_spam);
		assert_memory_equal(given[one].lines,
		    "X-Spam-Status: Unknown,\r\n\trspamd at 127.0.0.1 ", 45);
		assert_null(strchr(given[one].lines, 0x1b));
		/* It may be folded there. */
		assert_int_equal(
		    strstr(given[one].lines, "without") != NULL &&
			strstr(given[one].lines, "verdict") != NULL,
		    strcmp(cases[i].status, "200 OK") == 0);
	}
}

static void
without_an_answer_mail_waits(void **state)
{
	size_t one;

	(void)state;
	deliver_web_free(web);
	one = judge(message);
	assert_int_equal(given[one].outcome, VERDICT_DOWN);
	assert_non_null(strstr(given[one].text, "rspamd at 127.0.0.1: "));
	/* However often. */
	assert_int_equal(given[judge(message)].outcome, VERDICT_DOWN);
	post->target.rspamd_down = CONFIG_RSPAMD_DOWN_DELIVER;
	one = judge(message);
	assert_int_equal(given[one].outcome, VERDICT_GIVEN);
	assert_non_null(strstr(given[one].lines, "X-Spam-Status: Unknown,"));
	web = deliver_web_new(post->base);
}

/* A message that it cannot cope with does not hold up the others for good. */
static void
silence_about_one_message_ends(void **state)
{
	(void)state;
	web->manner = WEB_HANGS_UP;
	assert_int_equal(given[judge(message)].outcome, VERDICT_DOWN);
	assert_int_equal(given[judge(message)].outcome, VERDICT_GIVEN);
	web->manner = WEB_ANSWERS;
	use_answer("500 Oh", "");
	assert_int_equal(given[judge(message)].outcome, VERDICT_GIVEN);
}

static void
what_cannot_be_read_is_told(void **state)
{
	static char text[100000];
	struct sent *sent;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	sent = post_message(post, text);
	sent->fails_to_read = true;
	assert_true(verdict_ask(verdicts, &sent->parcel));
	while (given[0].answers == 0)
		assert_int_not_equal(event_base_dispatch(post->base), -1);
	assert_int_equal(given[0].outcome, VERDICT_UNREAD);
}

static void
many_are_asked_about_in_turn(void **state)
{
	size_t i;

	(void)state;
	use_answer("200 OK", HAM);
	for (i = 0; i < 50; i++)
		(void)ask(message);
	/* One that waits, and one that is under way. */
	verdict_forget(verdicts, &post->sent[30].parcel);
	verdict_forget(verdicts, &post->sent[1].parcel);
	verdict_forget(verdicts, &post->sent[1].parcel);
	for (;;) {
		size_t answers = 0;

		for (i = 0; i < 50; i++)
			answers += given[i].answers;
		if (answers == 48)
			break;
		assert_int_not_equal(event_base_dispatch(post->base), -1);
	}
	assert_int_equal(given[30].answers + given[1].answers, 0);
	assert_true(web->connections <= 3);
	/* And free with some of each. */
	for (i = 0; i < 10; i++)
		(void)ask(message);
	event_base_loop(post->base, EVLOOP_ONCE);
	verdicts_free(&verdicts);
	assert_null(verdicts);
}

static void
take_look(bool works, const char *text, void *arg)
{
	(void)text;
	*(int *)arg = works;
	event_base_loopbreak(post->base);
}

static void
a_look_needs_no_message(void **state)
{
	int works = -1;

	(void)state;
	use_answer("200 OK", HAM);
	assert_true(verdict_probe(verdicts, take_look, &works));
	while (works == -1)
		assert_int_not_equal(event_base_dispatch(post->base), -1);
	assert_int_equal(works, true);
	works = -1;
	use_answer("404 None", "");
	assert_true(verdict_probe(verdicts, take_look, &works));
	while (works == -1)
		assert_int_not_equal(event_base_dispatch(post->base), -1);
	assert_int_equal(works, false);
}

int
main(void)
{
#define TEST(function) \
	cmocka_unit_test_setup_teardown(function, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(it_is_told_where_a_message_came_from),
		TEST(what_it_says_becomes_lines),
		cmocka_unit_test(many_symbols_have_room),
		TEST(no_verdict_is_told),
		TEST(without_an_answer_mail_waits),
		TEST(silence_about_one_message_ends),
		TEST(what_cannot_be_read_is_told),
		TEST(many_are_asked_about_in_turn),
		TEST(a_look_needs_no_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
