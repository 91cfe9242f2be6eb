/*
 * Requests over HTTP to a server on the test's own loop: what is sent twice,
 * what is wiped, and what is said of one that fails.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/http/web.h"
#include "tests/unit/deliver_web.h"

#define ANSWER_MOST ((size_t)64)

static const char *const headers[] = { "X-A: b", NULL };
static const char posted[] = "what is posted";

static struct {
	struct event_base *base;
	struct deliver_web *server;
	struct web *web;
	char url[64];
	struct web_options options;
	unsigned asked, rewinds, ended;
	bool writes_nothing_first;
	struct web_answer answer;
	char text[512], body[2 * ANSWER_MOST];
} world;

static void
on_more(void *arg)
{
	(void)arg;
	world.asked++;
	if (world.writes_nothing_first)
		web_write(world.web, "", 0);
	web_write(world.web, posted, strlen(posted));
}

static void
on_rewind(void *arg)
{
	(void)arg;
	world.rewinds++;
}

static void
on_done(const struct web_answer *answer, void *arg)
{
	(void)arg;
	world.ended++;
	world.answer = *answer;
	snprintf(world.text, sizeof(world.text), "%s", answer->text);
	snprintf(world.body, sizeof(world.body), "%s",
	    answer->body != NULL ? answer->body : "");
}

static const struct web_handler handler = { on_more, on_rewind, on_done };

static int
setup(void **state)
{
	(void)state;
	memset(&world, 0, sizeof(world));
	world.base = event_base_new();
	world.server = deliver_web_new(world.base);
	snprintf(world.url, sizeof(world.url), "http://127.0.0.1:%u/a",
	    (unsigned)world.server->port);
	world.options = (struct web_options){ .base = world.base,
		.url = world.url,
		.rules = WEB_PLACE_ALLOW_PRIVATE,
		.timeout_ms = 60000,
		.answer_most = ANSWER_MOST };
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	web_free(&world.web);
	event_base_loop(world.base, EVLOOP_NONBLOCK);
	deliver_web_free(world.server);
	event_base_free(world.base);
	return 0;
}

static enum web_end
post(void)
{
	const unsigned before = world.ended;

	if (world.web == NULL)
		world.web = web_new(&world.options, &handler, NULL);
	assert_non_null(world.web);
	web_post(world.web, headers, strlen(posted));
	assert_int_equal(world.ended, before);
	while (world.ended == before)
		event_base_loop(world.base, EVLOOP_ONCE);
	return world.answer.end;
}

static void
a_body_is_sent_as_it_is(void **state)
{
	(void)state;
	world.writes_nothing_first = true;
	assert_int_equal(post(), WEB_ANSWERED);
	assert_int_equal(world.answer.status, 200);
	assert_string_equal(world.text, "200 Fine");
	assert_true(deliver_web_has(world.server, "X-A: b"));
	assert_string_equal(world.server->request + world.server->body, posted);
	/* No octets are none: what is wanted still is. */
	assert_int_equal(world.asked, 1);
}

static void
what_was_kept_and_breaks_is_sent_again(void **state)
{
	(void)state;
	assert_int_equal(post(), WEB_ANSWERED);
	world.server->manner = WEB_HANGS_UP;
	assert_int_equal(post(), WEB_UNANSWERED);
	assert_int_equal(world.rewinds, 1);
	assert_int_equal(world.server->connections, 2);
	assert_int_equal(world.server->requests, 3);
}

static void
what_goes_once_is_not(void **state)
{
	(void)state;
	world.options.goes_once = true;
	assert_int_equal(post(), WEB_ANSWERED);
	world.server->manner = WEB_HANGS_UP;
	assert_int_equal(post(), WEB_UNANSWERED);
	assert_int_equal(world.rewinds, 0);
	assert_int_equal(world.server->requests, 2);
}

static void
what_is_secret_is_wiped(void **state)
{
	(void)state;
	world.options.is_secret = true;
	world.server->answer =
	    "HTTP/1.1 200 Fine\r\nContent-Length: 5\r\n\r\ntoken";
	assert_int_equal(post(), WEB_ANSWERED);
	assert_string_equal(world.body, "token");
	/* It is borrowed until now, and freed with the rest. */
	for (size_t i = 0; i <= ANSWER_MOST; i++)
		assert_int_equal(world.answer.body[i], 0);
}

static void
a_long_answer_is_cut(void **state)
{
	char text[256];

	(void)state;
	snprintf(text, sizeof(text),
	    "HTTP/1.1 200 Fine\r\nContent-Length: 80\r\n\r\n%080d", 0);
	world.server->answer = text;
	assert_int_equal(post(), WEB_ANSWERED);
	assert_int_equal(world.answer.length, ANSWER_MOST);
	/* One that fits leaves the connection as it is. */
	snprintf(text, sizeof(text),
	    "HTTP/1.1 200 Fine\r\nContent-Length: 64\r\n\r\n%064d", 0);
	assert_int_equal(post(), WEB_ANSWERED);
	assert_int_equal(world.answer.length, ANSWER_MOST);
	assert_int_equal(post(), WEB_ANSWERED);
	assert_int_equal(world.server->connections, 2);
}

static void
one_that_is_refused_says_where(void **state)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);
	int nobody = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char port[16];

	(void)state;
	/* Its port is taken, and nobody listens there. */
	assert_int_equal(
	    bind(nobody, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(
	    getsockname(nobody, (struct sockaddr *)&address, &length), 0);
	snprintf(port, sizeof(port), "%u", (unsigned)ntohs(address.sin_port));
	snprintf(world.url, sizeof(world.url), "http://127.0.0.1:%s/", port);
	assert_int_equal(post(), WEB_FAILED);
	assert_memory_equal(world.text, "127.0.0.1: ", 11);
	/* More than libcurl says of all that are. */
	assert_non_null(strstr(world.text, port));
	(void)close(nobody);
}

static void
clear_text_goes_to_this_machine_alone(void **state)
{
	(void)state;
	world.options.url = "http://192.0.2.1/";
	assert_int_equal(post(), WEB_FORBIDDEN);
	assert_non_null(strstr(world.text, "without TLS"));
	web_free(&world.web);
	world.options.url = world.url;
	world.options.rules = WEB_PLACE_ALLOW_CLEARTEXT;
	assert_int_equal(post(), WEB_FORBIDDEN);
	assert_non_null(strstr(world.text, "allow_private"));
	assert_int_equal(world.server->connections, 0);
}

int
main(void)
{
#define ONE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		ONE(a_body_is_sent_as_it_is),
		ONE(what_was_kept_and_breaks_is_sent_again),
		ONE(what_goes_once_is_not),
		ONE(what_is_secret_is_wiped),
		ONE(a_long_answer_is_cut),
		ONE(one_that_is_refused_says_where),
		ONE(clear_text_goes_to_this_machine_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
