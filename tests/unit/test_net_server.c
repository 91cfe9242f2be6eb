/* What is learned of a server, how long it is believed, and how it is kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/core/listing.h"
#include "lib/net/memory.h"
#include "lib/net/server.h"

#define HOUR ((int64_t)3600)
#define HOST "pop.example.org"

/* What was given out last, and how often. */
struct kept {
	char facts[EVPOP_FACTS_TEXT], host[64];
	uint16_t port;
	enum evpop_tls tls;
	unsigned int count;
};

static void
keep(const struct evpop_memory_entry *entry, void *arg)
{
	struct kept *kept = arg;

	snprintf(kept->facts, sizeof kept->facts, "%s", entry->facts);
	snprintf(kept->host, sizeof kept->host, "%s", entry->host);
	kept->port = entry->port;
	kept->tls = entry->tls;
	kept->count++;
}

/* Those given out since the last time. */
static unsigned int
changed(struct evpop_memory *memory, struct kept *kept)
{
	kept->count = 0;
	evpop_memory_changed(memory, keep, kept);
	return kept->count;
}

static struct evpop_capabilities
offering(const char *const *lines)
{
	struct evpop_capabilities capabilities;

	memset(&capabilities, 0, sizeof capabilities);
	capabilities.known = true;
	for (; *lines != NULL; lines++)
		evpop_capability_line(&capabilities,
		    (const unsigned char *)*lines, strlen(*lines));
	return capabilities;
}

static const char *const usual[] = { "TOP", "UIDL", "USER", "PIPELINING",
	"RESP-CODES", "AUTH-RESP-CODE", "STLS", "UTF8 USER", "LANG",
	"EXPIRE 60 USER", "LOGIN-DELAY 0 USER", "SASL PLAIN SCRAM-SHA-256",
	"IMPLEMENTATION some server", NULL };

static struct evpop_server *
session(struct evpop_memory *memory, bool one_by_one)
{
	struct evpop_server *server =
	    evpop_server_new(memory, HOST, 995, EVPOP_TLS_IMPLICIT, one_by_one);

	assert_non_null(server);
	return server;
}

/* A session that logs in by PLAIN, with something behind it or not. */
static struct evpop_server *
log_in(struct evpop_memory *memory, bool with_flight)
{
	const struct evpop_capabilities capabilities = offering(usual);
	struct evpop_server *server = session(memory, false);

	evpop_server_learn_before(server, &capabilities);
	if (with_flight)
		evpop_server_note_flight(server, EVPOP_MECHANISM_PLAIN);
	evpop_server_learn_login(
	    server, EVPOP_MECHANISM_PLAIN, EVPOP_INITIAL_WORKS);
	evpop_server_learn_after(server, &capabilities);
	return server;
}

static bool
end(struct evpop_server *server, enum evpop_error error, bool logged_in)
{
	const struct evpop_server_end how = { .error = error,
		.awaited = EVPOP_COMMAND_UIDL,
		.logged_in = logged_in };
	bool again = evpop_server_learn_end(server, &how);

	evpop_server_free(server);
	return again;
}

/* A server that was seen to take a flight behind PLAIN. */
static struct evpop_memory *
seen_flight(void)
{
	struct evpop_memory *memory = evpop_memory_new();
	struct evpop_server *server;

	assert_non_null(memory);
	assert_false(end(log_in(memory, false), EVPOP_ERROR_NONE, true));
	server = log_in(memory, true);
	evpop_server_learn_flight(server, true);
	assert_false(end(server, EVPOP_ERROR_NONE, true));
	return memory;
}

static bool
takes(struct evpop_memory *memory, enum evpop_mechanism mechanism)
{
	struct evpop_server *server = session(memory, false);
	bool is_taken = evpop_server_takes_flight(server, mechanism);

	evpop_server_free(server);
	return is_taken;
}

static bool
probes(struct evpop_memory *memory, enum evpop_mechanism mechanism)
{
	struct evpop_server *server = session(memory, false);
	bool is_probed = evpop_server_wants_probe(server, mechanism);

	evpop_server_free(server);
	return is_probed;
}

/* At first contact nothing goes out behind a log-in; the second one probes. */
static void
test_nothing_unseen(void **state)
{
	struct evpop_memory *memory = evpop_memory_new();
	struct evpop_server *server;

	(void)state;
	assert_false(takes(memory, EVPOP_MECHANISM_PLAIN));
	assert_false(probes(memory, EVPOP_MECHANISM_PLAIN));
	server = log_in(memory, false);
	assert_false(end(server, EVPOP_ERROR_NONE, true));
	assert_false(takes(memory, EVPOP_MECHANISM_PLAIN));
	assert_true(probes(memory, EVPOP_MECHANISM_PLAIN));
	evpop_memory_free(memory);
}

/* Cyrus takes commands behind one mechanism and loses them behind another. */
static void
test_by_mechanism(void **state)
{
	struct evpop_memory *memory = seen_flight();
	struct evpop_server *server;

	(void)state;
	assert_true(takes(memory, EVPOP_MECHANISM_PLAIN));
	assert_false(takes(memory, EVPOP_MECHANISM_USER));
	server = session(memory, false);
	evpop_server_note_flight(server, EVPOP_MECHANISM_USER);
	assert_true(end(server, EVPOP_ERROR_TIMEOUT, true));
	assert_true(takes(memory, EVPOP_MECHANISM_PLAIN));
	assert_false(takes(memory, EVPOP_MECHANISM_USER));
	assert_false(probes(memory, EVPOP_MECHANISM_USER));
	evpop_memory_free(memory);
}

/* A session keeps what it began with, whatever others learn. */
static void
test_own_copy(void **state)
{
	static const char *const none[] = { "USER", NULL };
	struct evpop_memory *memory = seen_flight();
	struct evpop_server *first = session(memory, false), *other;
	const struct evpop_capabilities little = offering(none);

	(void)state;
	other = session(memory, false);
	evpop_server_learn_refusal(other);
	evpop_server_learn_before(other, &little);
	evpop_server_note_flight(other, EVPOP_MECHANISM_PLAIN);
	assert_true(end(other, EVPOP_ERROR_TIMEOUT, true));
	assert_true(evpop_server_takes_flight(first, EVPOP_MECHANISM_PLAIN));
	assert_true(evpop_server_before(first)->known);
	assert_string_equal(
	    evpop_server_before(first)->sasl, "PLAIN SCRAM-SHA-256");
	evpop_server_free(first);
	assert_false(takes(memory, EVPOP_MECHANISM_PLAIN));
	evpop_memory_free(memory);
}

/* A refusal makes the next session ask what is offered, and no more. */
static void
test_refusal(void **state)
{
	const struct evpop_capabilities capabilities = offering(usual);
	struct evpop_memory *memory = seen_flight();
	struct evpop_server *server = session(memory, false);

	(void)state;
	evpop_server_learn_refusal(server);
	assert_true(evpop_server_before(server)->known);
	evpop_server_free(server);
	server = session(memory, false);
	assert_false(evpop_server_before(server)->known);
	evpop_server_learn_before(server, &capabilities);
	assert_true(evpop_server_takes_flight(server, EVPOP_MECHANISM_PLAIN));
	evpop_server_free(server);
	assert_true(takes(memory, EVPOP_MECHANISM_PLAIN));
	evpop_memory_free(memory);
}

/* What is careful relies on nothing. */
static void
test_one_by_one(void **state)
{
	struct evpop_memory *memory = seen_flight();
	struct evpop_server *server = session(memory, true);

	(void)state;
	assert_false(evpop_server_before(server)->known);
	assert_string_equal(evpop_server_before(server)->sasl, "");
	assert_false(evpop_server_pipelines(server));
	assert_false(evpop_server_takes_flight(server, EVPOP_MECHANISM_PLAIN));
	assert_false(evpop_server_takes_session(server));
	assert_false(end(server, EVPOP_ERROR_TIMEOUT, true));
	assert_true(takes(memory, EVPOP_MECHANISM_PLAIN));
	evpop_memory_free(memory);
}

/* One reset proves nothing, until one thing after the other gets through. */
static void
test_one_reset(void **state)
{
	struct evpop_memory *memory = seen_flight();

	(void)state;
	assert_true(end(log_in(memory, true), EVPOP_ERROR_IO, true));
	assert_false(takes(memory, EVPOP_MECHANISM_PLAIN));
	assert_true(probes(memory, EVPOP_MECHANISM_PLAIN));
	assert_false(end(session(memory, true), EVPOP_ERROR_NONE, true));
	assert_false(probes(memory, EVPOP_MECHANISM_PLAIN));
	evpop_memory_free(memory);
}

/* Replies that are lost or misplaced end pipelining for a while. */
static void
test_pipelining(void **state)
{
	static const enum evpop_error errors[] = { EVPOP_ERROR_TIMEOUT,
		EVPOP_ERROR_PROTOCOL };
	struct evpop_memory *memory;
	struct evpop_server *server;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof errors / sizeof errors[0]; i++) {
		memory = seen_flight();
		server = log_in(memory, false);
		evpop_server_note_ahead(server);
		assert_true(end(server, errors[i], true));
		server = session(memory, false);
		assert_false(evpop_server_pipelines(server));
		assert_false(evpop_server_takes_session(server));
		evpop_server_free(server);
		evpop_memory_free(memory);
	}
}

static void
test_top_and_binding(void **state)
{
	static const struct evpop_server_end by_top = {
		.error = EVPOP_ERROR_TIMEOUT,
		.awaited = EVPOP_COMMAND_TOP,
		.logged_in = true,
	};
	struct evpop_memory *memory = seen_flight();
	struct evpop_server *server = session(memory, true);

	(void)state;
	assert_true(evpop_server_can_top(server));
	assert_false(evpop_server_refuses_binding(server));
	evpop_server_learn_binding(server);
	(void)evpop_server_learn_end(server, &by_top);
	evpop_server_free(server);
	server = session(memory, false);
	assert_false(evpop_server_can_top(server));
	assert_true(evpop_server_refuses_binding(server));
	evpop_server_free(server);
	evpop_memory_free(memory);
}

/* An hour, then two, four, and so on up to a day. */
static void
test_fading(void **state)
{
	static const int64_t hours[] = { 1, 2, 4, 8, 16, 24, 24, 24 };
	struct evpop_news news = { .times = 0 };
	int64_t now = 1000000 * HOUR;
	size_t i;

	(void)state;
	assert_false(evpop_news_is_believed(&news, now));
	for (i = 0; i < sizeof hours / sizeof hours[0]; i++) {
		evpop_news_confirm(&news, now);
		/* What fails meanwhile is no second piece of news. */
		evpop_news_confirm(&news, now + 1);
		assert_int_equal(news.times, i + 1);
		assert_true(
		    evpop_news_is_believed(&news, now + hours[i] * HOUR - 1));
		now += hours[i] * HOUR;
		assert_false(evpop_news_is_believed(&news, now));
	}
	/* A clock that was far ahead makes nothing last for ever. */
	evpop_news_confirm(&news, now);
	assert_true(evpop_news_is_believed(&news, now - HOUR));
	assert_false(evpop_news_is_believed(&news, now - 25 * HOUR));
}

/* Written, read and written again it is the same. */
static void
test_kept(void **state)
{
	struct evpop_memory *memory = seen_flight(), *later;
	struct evpop_memory_entry entry;
	struct evpop_server *server;
	struct kept kept, again;

	(void)state;
	server = log_in(memory, false);
	evpop_server_learn_login(
	    server, EVPOP_MECHANISM_XOAUTH2, EVPOP_INITIAL_REFUSED);
	evpop_server_learn_binding(server);
	evpop_server_free(server);
	assert_int_equal(changed(memory, &kept), 1);
	assert_int_equal(changed(memory, &again), 0);
	assert_string_equal(kept.host, HOST);
	assert_int_equal(kept.port, 995);
	assert_int_equal(kept.tls, EVPOP_TLS_IMPLICIT);
	assert_null(strchr(kept.facts, '\n'));

	entry = (struct evpop_memory_entry){ .host = "POP.example.ORG",
		.port = kept.port,
		.tls = kept.tls,
		.facts = kept.facts };
	later = evpop_memory_new();
	assert_true(evpop_memory_restore(later, &entry));
	/* What was read is not new; nor is what the server says again. */
	assert_int_equal(changed(later, &again), 0);
	evpop_server_free(log_in(later, false));
	assert_int_equal(changed(later, &again), 0);
	assert_true(takes(later, EVPOP_MECHANISM_PLAIN));
	server = session(later, false);
	assert_true(evpop_server_takes_session(server));
	assert_int_equal(evpop_server_initial(server, EVPOP_MECHANISM_XOAUTH2),
	    EVPOP_INITIAL_REFUSED);
	assert_int_equal(evpop_server_initial(server, EVPOP_MECHANISM_PLAIN),
	    EVPOP_INITIAL_WORKS);
	assert_true(evpop_server_refuses_binding(server));
	evpop_server_learn_login(
	    server, EVPOP_MECHANISM_XOAUTH2, EVPOP_INITIAL_WORKS);
	evpop_server_free(server);
	assert_int_equal(changed(later, &again), 1);
	evpop_memory_free(later);
	evpop_memory_free(memory);
}

/* What is no text of ours is passed over, and does no harm. */
static void
test_odd_texts(void **state)
{
	static const char *const texts[] = { "", "version",
		"version=", "version=2;flights=PLAIN", "flights=PLAIN",
		"version=1", "version=1;", "version=1;;;", "version=1;flights",
		"version=1;flights=NOSUCH,,X",
		"version=1;before=", "version=1;no-flight=x",
		"version=1;no-flight=-1,2",
		"version=1;no-top=99999999999999999999,1",
		"version=1;no-top=1,99999999999999999999999999",
		"version=1;before=SASL " };
	struct evpop_memory_entry entry = {
		.host = HOST, .port = 995, .tls = EVPOP_TLS_IMPLICIT
	};
	struct evpop_memory *memory;
	struct evpop_server *server;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		memory = evpop_memory_new();
		entry.facts = texts[i];
		assert_true(evpop_memory_restore(memory, &entry));
		server = session(memory, false);
		assert_false(
		    evpop_server_takes_flight(server, EVPOP_MECHANISM_PLAIN));
		assert_false(evpop_server_takes_session(server));
		evpop_server_free(server);
		evpop_memory_free(memory);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_unseen),
		cmocka_unit_test(test_by_mechanism),
		cmocka_unit_test(test_own_copy),
		cmocka_unit_test(test_refusal),
		cmocka_unit_test(test_one_by_one),
		cmocka_unit_test(test_one_reset),
		cmocka_unit_test(test_pipelining),
		cmocka_unit_test(test_top_and_binding),
		cmocka_unit_test(test_fading),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_odd_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
