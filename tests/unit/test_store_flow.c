#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/failing_alloc.h"
#include "tests/unit/test_store_fixture.h"

#include "daemon/store/reading.h"
#include "lib/base/clock.h"

/* Slow machines under sanitizers; a healthy run takes a second. */
#define PATIENCE_MS 60000

#define BODIES 40
#define SPAN   ((size_t)4096)

struct crowd;

struct sender {
	struct crowd *crowd;
	struct store_body *body;
	size_t sent, length;
	bool stalled; /* a server that stopped in the middle */
	struct answer answer;
};

/* Many bodies at once, each sending a span a turn unless all must pause. */
struct crowd {
	struct fixture *fixture;
	struct sender senders[BODIES];
	bool paused;
	unsigned pauses, drains;
};

static void
fill_span(unsigned char span[SPAN], size_t sender, size_t at)
{
	for (size_t i = 0; i < SPAN; i++)
		span[i] = (unsigned char)(sender * 31 + (at + i) / 7);
}

static void
drained(struct store *store, void *arg)
{
	struct crowd *crowd = arg;

	assert_ptr_equal(store, crowd->fixture->store);
	assert_true(crowd->paused);
	crowd->paused = false;
	crowd->drains++;
}

static void
send_span(struct crowd *crowd, size_t index)
{
	struct sender *sender = &crowd->senders[index];
	unsigned char span[SPAN];

	if (sender->body == NULL || crowd->paused)
		return;
	if (sender->stalled && sender->sent >= SPAN)
		return;
	if (sender->sent >= sender->length) {
		store_body_commit(
		    sender->body, answer_message, &sender->answer);
		sender->body = NULL;
		return;
	}
	fill_span(span, index, sender->sent);
	if (store_body_append(sender->body, span, SPAN) == STORE_FLOW_PAUSE) {
		crowd->paused = true;
		crowd->pauses++;
	}
	sender->sent += SPAN;
}

static void
begin(struct crowd *crowd, struct fixture *fixture, size_t length)
{
	memset(crowd, 0, sizeof(*crowd));
	crowd->fixture = fixture;
	fixture_on(fixture, NOTIFY_STORE_DRAINED, drained, crowd);
	for (size_t i = 0; i < BODIES; i++) {
		struct store_body_meta meta = fixture_meta(fixture, NULL);

		crowd->senders[i].length = length;
		crowd->senders[i].body = store_body_new(fixture->store, &meta);
		assert_non_null(crowd->senders[i].body);
	}
}

static void
run(struct crowd *crowd)
{
	int64_t deadline_ms = evpop_clock_monotonic_ms() + PATIENCE_MS;
	bool all = false;

	while (!all) {
		assert_true(evpop_clock_monotonic_ms() < deadline_ms);
		all = true;
		for (size_t i = 0; i < BODIES; i++) {
			send_span(crowd, i);
			if (!crowd->senders[i].answer.done &&
			    !crowd->senders[i].stalled)
				all = false;
		}
		if (crowd->paused)
			event_base_loop(crowd->fixture->base, EVLOOP_ONCE);
		else
			event_base_loop(crowd->fixture->base, EVLOOP_NONBLOCK);
	}
}

static void
check(struct crowd *crowd, size_t index)
{
	struct sender *sender = &crowd->senders[index];
	unsigned char expected[SPAN], *got;
	size_t length;

	assert_int_equal(sender->answer.status, STORE_OK);
	got = fixture_read(crowd->fixture, sender->answer.id, &length);
	assert_int_equal(length, sender->length);
	for (size_t at = 0; at < length; at += SPAN) {
		fill_span(expected, index, at);
		assert_memory_equal(got + at, expected, SPAN);
	}
	free(got);
}

static int
setup_small(void **state)
{
	struct fixture *fixture;

	if (fixture_setup_folder(state) != 0)
		return -1;
	fixture = *state;
	fixture->config.queue_octets = 1024 * 1024;
	fixture_open(fixture);
	return 0;
}

static void
note_drain(struct store *store, void *arg)
{
	(void)store;
	*(bool *)arg = true;
}

static void
whoever_pauses_is_told_to_go_on(void **state)
{
	struct fixture *fixture = *state;
	struct store_body_meta meta = fixture_meta(fixture, NULL);
	struct store_body *body = store_body_new(fixture->store, &meta);
	unsigned char span[SPAN] = { 0 };
	bool is_drained = false;

	assert_non_null(body);
	fixture_on(fixture, NOTIFY_STORE_DRAINED, note_drain, &is_drained);
	for (size_t sent = 0;
	     store_body_append(body, span, SPAN) != STORE_FLOW_PAUSE;
	     sent += SPAN)
		assert_true(sent <= 1024 * 1024);
	assert_false(is_drained);
	fixture_wait(fixture, &is_drained);
	store_body_abort(body);
}

static void
many_bodies_share_a_small_queue(void **state)
{
	struct fixture *fixture = *state;
	struct store_stats stats;
	struct crowd crowd;

	begin(&crowd, fixture, 1024 * 1024);
	run(&crowd);
	assert_true(crowd.pauses > 0);
	assert_true(crowd.drains > 0);
	store_stats(fixture->store, &stats);
	assert_true(stats.queued_octets_max > 512 * 1024);
	assert_true(stats.queued_octets_max < 2 * 1024 * 1024);
	assert_int_equal(stats.queued_octets, 0);
	assert_int_equal(stats.messages, BODIES);
	assert_int_equal(stats.body_octets, BODIES * 1024 * 1024);
	assert_true(stats.commits > 0);
	for (size_t i = 0; i < BODIES; i += 7)
		check(&crowd, i);
}

/* Their buffers must not count against those who go on, for ever. */
static void
stalled_bodies_hold_up_nobody(void **state)
{
	struct fixture *fixture = *state;
	struct crowd crowd;

	begin(&crowd, fixture, 2 * 1024 * 1024);
	for (size_t i = 3; i < BODIES; i++)
		crowd.senders[i].stalled = true;
	run(&crowd);
	for (size_t i = 0; i < 3; i++)
		check(&crowd, i);
	for (size_t i = 3; i < BODIES; i++)
		store_body_abort(crowd.senders[i].body);
	fixture_close(fixture);
	fixture_expect(fixture, "SELECT count(*) FROM message", 3);
	fixture_expect(fixture, "SELECT count(*) FROM unfinished", 0);
}

static int
setup_tiny(void **state)
{
	struct fixture *fixture;

	if (fixture_setup_folder(state) != 0)
		return -1;
	fixture = *state;
	fixture->config.queue_octets = 1;
	fixture->config.searches = 4;
	fixture_open(fixture);
	return 0;
}

static void
queue_of_one_octet_still_works(void **state)
{
	struct fixture *fixture = *state;
	struct crowd crowd;

	begin(&crowd, fixture, 16 * SPAN);
	run(&crowd);
	assert_true(crowd.pauses > 0);
	for (size_t i = 0; i < BODIES; i++)
		check(&crowd, i);
}

struct text_read {
	bool done;
	size_t length;
	char end[5];
};

static void
take_text(enum store_status status, const char *text, size_t length, void *arg)
{
	struct text_read *read = arg;

	assert_int_equal(status, STORE_OK);
	assert_true(length >= 4);
	read->length = length;
	memcpy(read->end, text + length - 4, 4);
	read->done = true;
}

/* A server that sends octet by octet while the queue is full. */
static void
many_small_pieces_are_read_to_the_last(void **state)
{
	static const char header[] = "Subject: x\r\n\r\n", end[] = "end\r\n";
	struct fixture *fixture = *state;
	struct store_body_meta meta = fixture_meta(fixture, NULL);
	struct store_body *body = store_body_new(fixture->store, &meta);
	struct text_read read = { 0 };
	struct answer answer = { 0 };

	assert_non_null(body);
	store_body_append(body, (const unsigned char *)header, strlen(header));
	for (size_t i = 0; i < 1500; i++)
		store_body_append(body, (const unsigned char *)"a", 1);
	store_body_append(body, (const unsigned char *)end, strlen(end));
	store_body_commit(body, answer_message, &answer);
	fixture_wait(fixture, &answer.done);
	fixture_expect(fixture, "SELECT count(*) FROM chunk", 1502);
	store_text(fixture->store, answer.id, take_text, &read);
	fixture_wait(fixture, &read.done);
	assert_int_equal(read.length, 1500 + strlen("end\n"));
	assert_string_equal(read.end, "end\n");
}

static void
take_counted(
    enum store_status status, const struct store_counted *counted, void *arg)
{
	assert_int_equal(counted->attempts, 0);
	*(enum store_status *)arg = status;
}

/* The writer still has its pieces. */
static void
body_of_a_failure_without_memory_is_dropped(void **state)
{
	struct fixture *fixture = *state;
	struct store_body_meta meta = fixture_meta(fixture, "u");
	enum store_status status = STORE_OK;
	unsigned char span[SPAN] = { 0 };
	struct store_failure failure = { .account_id = fixture->account,
		.unique_id = (const unsigned char *)"u",
		.unique_id_length = 1,
		.reason = "it was cut off",
		.body = store_body_new(fixture->store, &meta),
		.attempts_most = 1,
		.end = STORE_FAILED_QUARANTINED };

	assert_non_null(failure.body);
	store_body_append(failure.body, span, SPAN);
	/* The first is the operation itself. */
	failing_alloc_arm(2);
	store_failure(fixture->store, &failure, take_counted, &status);
	failing_alloc_disarm();
	assert_int_equal(status, STORE_MEMORY);
	fixture_close(fixture);
	fixture_expect(fixture,
	    "SELECT (SELECT count(*) FROM chunk)"
	    " + (SELECT count(*) FROM unfinished)",
	    0);
}

struct numbered {
	size_t *next, number;
	bool *done;
};

static void
expect_next(enum store_status status, const unsigned char *bytes, size_t length,
    void *arg)
{
	struct numbered *numbered = arg;

	(void)bytes;
	(void)length;
	assert_int_equal(status, STORE_OK);
	assert_int_equal(*numbered->next, numbered->number);
	*numbered->done = ++*numbered->next == 200;
}

static void
readers_answer_in_order(void **state)
{
	struct fixture *fixture = *state;
	struct numbered numbered[200];
	size_t next = 0;
	bool done = false;
	char *large = calloc(1, 300000);
	int64_t small_id, large_id;

	assert_non_null(large);
	small_id = fixture_store(fixture, NULL, "x", 1);
	large_id = fixture_store(fixture, NULL, large, 300000);
	for (size_t i = 0; i < 200; i++) {
		numbered[i].next = &next;
		numbered[i].number = i;
		numbered[i].done = &done;
		store_body_read(fixture->store,
		    i % 2 == 0 ? large_id : small_id, 0, expect_next,
		    &numbered[i]);
	}
	fixture_wait(fixture, &done);
	free(large);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(whoever_pauses_is_told_to_go_on,
		    setup_small, fixture_teardown),
		cmocka_unit_test_setup_teardown(many_bodies_share_a_small_queue,
		    setup_small, fixture_teardown),
		cmocka_unit_test_setup_teardown(stalled_bodies_hold_up_nobody,
		    setup_small, fixture_teardown),
		cmocka_unit_test_setup_teardown(queue_of_one_octet_still_works,
		    setup_tiny, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    many_small_pieces_are_read_to_the_last, setup_tiny,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    body_of_a_failure_without_memory_is_dropped, setup_tiny,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    readers_answer_in_order, setup_tiny, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
