/* The small parts by themselves: addresses, pins, sessions, deadlines.
 */
#include <netinet/in.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <event2/event.h>
#include <evpop/client.h>

#include "lib/base/clock.h"
#include "lib/net/address.h"
#include "lib/net/deadline.h"
#include "lib/net/loop.h"
#include "lib/net/tls_session.h"

struct address_case {
	const char *text;
	const char *shown; /* NULL: no address */
	bool loopback;
};

static const struct address_case address_cases[] = {
	{ "127.0.0.1", "127.0.0.1:995", true },
	{ "127.255.0.9", "127.255.0.9:995", true },
	{ "128.0.0.1", "128.0.0.1:995", false },
	{ "126.255.255.255", "126.255.255.255:995", false },
	{ "0.0.0.0", "0.0.0.0:995", false },
	{ "10.1.2.3", "10.1.2.3:995", false },
	{ "::1", "[::1]:995", true },
	{ "::2", "[::2]:995", false },
	{ "::", "[::]:995", false },
	{ "::ffff:127.0.0.1", "[::ffff:127.0.0.1]:995", true },
	{ "::ffff:10.0.0.1", "[::ffff:10.0.0.1]:995", false },
	{ "2001:db8::1", "[2001:db8::1]:995", false },
	{ "fe80::1%7", "[fe80::1%7]:995", false },
	{ "fe80::1%nosuchinterface", NULL, false },
	{ "fe80::1%7x", NULL, false },
	{ "127.1", NULL, false },
	{ "127.0.0.1.", NULL, false },
	{ "localhost", NULL, false },
	{ "pop.example.org", NULL, false },
	{ "[::1]", NULL, false },
	{ "1111:2222:3333:4444:5555:6666:7777:8888:9999:0000:1111:2222", NULL,
	    false },
	{ "", NULL, false },
};

static void
test_addresses(void **state)
{
	char text[EVPOP_ADDRESS_TEXT];
	const struct address_case *this;
	struct evpop_address address;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(address_cases) / sizeof(address_cases[0]); i++) {
		this = &address_cases[i];
		assert_int_equal(evpop_address_parse(&address, this->text, 995),
		    this->shown != NULL);
		if (this->shown == NULL)
			continue;
		evpop_address_text(&address, text);
		assert_string_equal(text, this->shown);
		assert_int_equal(
		    evpop_address_is_loopback(&address), this->loopback);
	}
	memset(&address, 0, sizeof(address));
	evpop_address_text(&address, text);
	assert_string_equal(text, "");
	assert_false(evpop_address_is_loopback(&address));
}

/* Zones are not looked up: an interface may come later. */
static void
test_address_check(void **state)
{
	static const struct {
		const char *text;
		bool good, loopback;
	} rows[] = {
		{ "192.0.2.1", true, false },
		{ "127.0.0.1", true, true },
		{ "::1", true, true },
		{ "::ffff:127.0.0.1", true, true },
		{ "fe80::1%nosuchinterface", true, false },
		{ "fe80::1%", false, false },
		{ "192.0.2.1%eth0", false, false },
		{ "localhost", false, true },
		{ "LocalHost", false, true },
		{ "localhost.example.org", false, false },
		{ "[::1]", false, false },
		{ "", false, false },
	};
	struct evpop_result result;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(
		    evpop_address_check(rows[i].text, &result), rows[i].good);
		assert_int_equal(
		    evpop_host_is_loopback(rows[i].text), rows[i].loopback);
		if (rows[i].good)
			continue;
		assert_int_equal(result.error, EVPOP_ERROR_USAGE);
		assert_non_null(strstr(result.text, "is no address"));
	}
}

/* Digits are IPv4, letters IPv6. */
struct order_case {
	const char *before, *after;
};

static const struct order_case order_cases[] = {
	{ "", "" },
	{ "1", "1" },
	{ "123", "123" },
	{ "abc", "abc" },
	{ "1a", "a1" },
	{ "12ab", "a1b2" },
	{ "123a", "a123" },
	{ "abc1", "a1bc" },
	{ "a1b2", "a1b2" },
	{ "1a2b3c", "a1b2c3" },
};

static void
test_interleave(void **state)
{
	struct evpop_address addresses[8];
	const struct order_case *this;
	size_t i, j, length;
	uint16_t port;

	(void)state;
	for (i = 0; i < sizeof(order_cases) / sizeof(order_cases[0]); i++) {
		this = &order_cases[i];
		length = strlen(this->before);
		for (j = 0; j < length; j++)
			assert_true(evpop_address_parse(&addresses[j],
			    this->before[j] < 'a' ? "10.0.0.1" : "::1",
			    (uint16_t)this->before[j]));
		evpop_address_interleave(addresses, length);
		for (j = 0; j < length; j++) {
			/* At the same place in both families. */
			port =
			    ntohs(((struct sockaddr_in *)&addresses[j].storage)
				      ->sin_port);
			assert_int_equal(port, this->after[j]);
		}
	}
}

static SSL_SESSION *
session_new(int version)
{
	static const unsigned char id[] = { 1, 2, 3, 4 };
	SSL_SESSION *session = SSL_SESSION_new();

	assert_non_null(session);
	assert_int_equal(SSL_SESSION_set_protocol_version(session, version), 1);
	/* One without an id or a ticket counts as not resumable. */
	assert_int_equal(SSL_SESSION_set1_id(session, id, sizeof(id)), 1);
	return session;
}

/* How many of a key can be taken, each once. */
static size_t
sessions_take_all(struct evpop_tls_sessions *sessions, const char *key)
{
	SSL_SESSION *session;
	size_t count = 0;

	while ((session = evpop_tls_sessions_take(sessions, key)) != NULL) {
		SSL_SESSION_free(session);
		count++;
	}
	return count;
}

static void
test_tls_sessions(void **state)
{
	struct evpop_tls_sessions *sessions = evpop_tls_sessions_new();
	SSL_SESSION *session;
	size_t i, count = 0;
	char key[32];

	(void)state;
	assert_non_null(sessions);
	assert_null(evpop_tls_sessions_take(sessions, "a 995"));
	evpop_tls_sessions_put(sessions, "a 995", session_new(TLS1_3_VERSION));
	evpop_tls_sessions_put(sessions, "b 995", session_new(TLS1_2_VERSION));
	assert_null(evpop_tls_sessions_take(sessions, "a 110"));
	/* Once, and as often as one likes. */
	session = evpop_tls_sessions_take(sessions, "a 995");
	assert_non_null(session);
	SSL_SESSION_free(session);
	assert_null(evpop_tls_sessions_take(sessions, "a 995"));
	for (i = 0; i < 3; i++) {
		session = evpop_tls_sessions_take(sessions, "b 995");
		assert_non_null(session);
		SSL_SESSION_free(session);
	}
	/* Bounds. */
	for (i = 0; i < 3 * EVPOP_TLS_SESSIONS_PER_SERVER; i++)
		evpop_tls_sessions_put(
		    sessions, "c 995", session_new(TLS1_3_VERSION));
	assert_int_equal(sessions_take_all(sessions, "c 995"),
	    EVPOP_TLS_SESSIONS_PER_SERVER);
	session = evpop_tls_sessions_take(sessions, "b 995");
	assert_non_null(session);
	SSL_SESSION_free(session);
	for (i = 0; i < 2 * EVPOP_TLS_SESSIONS; i++) {
		snprintf(key, sizeof(key), "%zu 995", i);
		evpop_tls_sessions_put(
		    sessions, key, session_new(TLS1_3_VERSION));
	}
	assert_null(evpop_tls_sessions_take(sessions, "b 995"));
	assert_null(evpop_tls_sessions_take(sessions, "0 995"));
	/* Some are left, for the one who frees them. */
	for (i = 0; i < 2 * EVPOP_TLS_SESSIONS - 8; i++) {
		snprintf(key, sizeof(key), "%zu 995", i);
		count += sessions_take_all(sessions, key);
	}
	assert_int_equal(count, EVPOP_TLS_SESSIONS - 8);
	evpop_tls_sessions_free(sessions);
	evpop_tls_sessions_free(NULL);
}

static void
test_loop(void **state)
{
	struct event_base *bases[2] = { event_base_new(), event_base_new() };
	struct evpop_loop *first, *second;

	(void)state;
	first = evpop_loop_get(bases[0]);
	second = evpop_loop_get(bases[1]);
	assert_non_null(first);
	assert_ptr_not_equal(first, second);
	assert_ptr_equal(evpop_loop_get(bases[0]), first);
	assert_ptr_equal(evpop_loop_base(first), bases[0]);
	evpop_loop_put(first);
	evpop_loop_put(first);
	evpop_loop_put(second);
	event_base_free(bases[0]);
	event_base_free(bases[1]);
}

static void
note_deadline(enum evpop_overdue overdue, enum evpop_phase phase,
    const char *limit, void *arg)
{
	static const char *const names[] = { "phase", "send", "session" };
	char *said = arg;
	size_t used = strlen(said);

	snprintf(said + used, 128 - used, "%s %s %s;", names[overdue],
	    evpop_phase_name(phase), limit);
}

static void
wait_for(struct event_base *base, const char *said)
{
	size_t before = strlen(said);

	while (strlen(said) == before)
		assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
}

static void
test_deadline(void **state)
{
	const struct evpop_timeouts timeouts = { .command_ms = 120,
		.login_ms = 30,
		.body_ms = 60000,
		.send_ms = 20,
		.session_ms = 3000000 };
	const struct evpop_timeouts short_session = { .session_ms = 20 };
	struct event_base *base = event_base_new();
	struct evpop_progress progress = { .phase = EVPOP_PHASE_LOGIN };
	struct evpop_deadline deadline;
	int64_t begun_ms = evpop_clock_monotonic_ms();
	char said[128] = "";

	(void)state;
	assert_true(evpop_deadline_init(
	    &deadline, base, &timeouts, note_deadline, said));
	evpop_deadline_start(&deadline);
	/* Moved away before it expires, it expires at the new time only. */
	evpop_deadline_progress(&deadline, &progress);
	progress.phase = EVPOP_PHASE_COMMAND;
	evpop_deadline_progress(&deadline, &progress);
	wait_for(base, said);
	assert_string_equal(said, "phase command 120 ms;");
	assert_true(evpop_clock_monotonic_ms() >= begun_ms + 120);
	/* All are gone then: nothing is left to wait for. */
	assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 1);

	/* Nearer than the timer was armed for: what is to be sent. */
	said[0] = '\0';
	progress.phase = EVPOP_PHASE_BODY;
	evpop_deadline_progress(&deadline, &progress);
	progress.is_send_blocked = true;
	evpop_deadline_progress(&deadline, &progress);
	wait_for(base, said);
	assert_string_equal(said, "send body 20 ms;");

	/* What is sent after all, has no deadline; nor has what is cleared. */
	evpop_deadline_progress(&deadline, &progress);
	progress.is_send_blocked = false;
	evpop_deadline_progress(&deadline, &progress);
	evpop_deadline_clear(&deadline);
	assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 1);
	assert_string_equal(said, "send body 20 ms;");

	said[0] = '\0';
	assert_true(evpop_deadline_init(
	    &deadline, base, &short_session, note_deadline, said));
	evpop_deadline_start(&deadline);
	evpop_deadline_progress(&deadline, &progress);
	wait_for(base, said);
	assert_string_equal(said, "session body 20 ms;");
	event_base_free(base);
}

/* The clock of the deadlines, where a test holds it; 0: the real one. */
static int64_t held_ms;

int64_t __real_evpop_clock_monotonic_ms(void);
int64_t __wrap_evpop_clock_monotonic_ms(void);

int64_t
__wrap_evpop_clock_monotonic_ms(void)
{
	return held_ms != 0 ? held_ms : __real_evpop_clock_monotonic_ms();
}

/* A server that is busy sending may read nothing: either direction counts. */
static void
test_send_deadline_moves(void **state)
{
	const struct evpop_timeouts timeouts = { .command_ms = 60000,
		.send_ms = 20 };
	struct evpop_progress progress = { .phase = EVPOP_PHASE_COMMAND,
		.is_send_blocked = true };
	struct event_base *base = event_base_new();
	struct evpop_deadline deadline;
	char said[128] = "";
	int in;

	(void)state;
	for (in = 0; in <= 1; in++) {
		said[0] = '\0';
		held_ms = 1000;
		assert_true(evpop_deadline_init(
		    &deadline, base, &timeouts, note_deadline, said));
		evpop_deadline_start(&deadline);
		evpop_deadline_progress(&deadline, &progress);
		held_ms = 1015;
		progress.octets_in += (uint64_t)in;
		progress.octets_out += (uint64_t)!in;
		evpop_deadline_progress(&deadline, &progress);
		/* What was not there in time at first is in time now. */
		held_ms = 1034;
		event_base_loop(base, EVLOOP_ONCE);
		assert_string_equal(said, "");
		held_ms = 1035;
		wait_for(base, said);
		assert_string_equal(said, "send command 20 ms;");
		evpop_deadline_clear(&deadline);
	}
	held_ms = 0;
	event_base_free(base);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_address_check),
		cmocka_unit_test(test_interleave),
		cmocka_unit_test(test_tls_sessions),
		cmocka_unit_test(test_loop),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_send_deadline_moves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
