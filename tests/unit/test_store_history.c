/* Rows of polls that changed nothing: when they are written, and in what order.
 */
#include <event2/event.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "daemon/store/private.h"
#include "lib/base/clock.h"
#include "tests/unit/test_store_faulty.h"
#include "tests/unit/test_store_fixture.h"

#define PATIENCE_MS 60000

static struct store_poll
poll_at(const struct fixture *fixture, int64_t finished_ms)
{
	return (struct store_poll){ .account_id = fixture->account,
		.started_ms = finished_ms - 500,
		.finished_ms = finished_ms,
		.outcome = "ok",
		.tally.messages = 9 };
}

static void
note(struct fixture *fixture, int64_t finished_ms)
{
	struct store_poll poll = poll_at(fixture, finished_ms);

	store_poll_note(fixture->store, &poll);
}

static int64_t
written(const struct fixture *fixture)
{
	return fixture_integer(fixture, "SELECT count(*) FROM poll");
}

static uint64_t
commits(struct fixture *fixture)
{
	struct store_stats stats;

	store_stats(fixture->store, &stats);
	return stats.commits;
}

struct query {
	bool done;
	size_t count;
	int64_t finished_ms[8]; /* newest first */
};

static void
see(enum store_status status, const struct store_poll_row *rows, size_t count,
    bool more, void *arg)
{
	struct query *query = arg;

	(void)more;
	assert_int_equal(status, STORE_OK);
	query->count = count;
	for (size_t i = 0; i < count && i < 8; i++)
		query->finished_ms[i] = rows[i].poll.finished_ms;
	query->done = true;
}

static void
ask(struct fixture *fixture, struct query *query)
{
	memset(query, 0, sizeof(*query));
	store_polls(fixture->store, NULL, 0, 8, see, query);
}

static void
rows_are_kept_back(void **state)
{
	struct fixture *fixture = *state;
	struct timeval first, second;
	uint64_t before;

	fixture_turn(fixture, 10);
	before = commits(fixture);
	note(fixture, 1000);
	assert_true(
	    evtimer_pending(fixture->store->history->timer, &first) != 0);
	note(fixture, 2000);
	/* The first one sets the time for all. */
	assert_true(
	    evtimer_pending(fixture->store->history->timer, &second) != 0);
	assert_memory_equal(&first, &second, sizeof(first));
	fixture_turn(fixture, 50);
	assert_int_equal(written(fixture), 0);
	assert_int_equal(commits(fixture), before);
	fixture_close(fixture);
	assert_int_equal(written(fixture), 2);
}

/* When the time is up; the test does not wait for that. */
static void
timer_writes_them(void **state)
{
	struct fixture *fixture = *state;

	note(fixture, 1000);
	note(fixture, 2000);
	event_active(fixture->store->history->timer, EV_TIMEOUT, 0);
	fixture_turn(fixture, 0);
	assert_int_equal(
	    evtimer_pending(fixture->store->history->timer, NULL), 0);
	while (fixture->store->history->answered < 2)
		event_base_loop(fixture->base, EVLOOP_ONCE);
	assert_int_equal(written(fixture), 2);
	note(fixture, 3000);
	assert_true(evtimer_pending(fixture->store->history->timer, NULL) != 0);
}

static void
next_write_takes_them_along(void **state)
{
	struct fixture *fixture = *state;

	note(fixture, 1000);
	note(fixture, 2000);
	fixture_store(fixture, "id", "a\r\n", 3);
	assert_int_equal(written(fixture), 2);
	assert_int_equal(
	    evtimer_pending(fixture->store->history->timer, NULL), 0);
}

#define ACCOUNTS 1000

/* The ids of so many accounts. */
static void
make_accounts(struct fixture *fixture, int64_t ids[ACCOUNTS])
{
	static struct answer answers[ACCOUNTS];
	char name[16];

	memset(answers, 0, sizeof(answers));
	for (int i = 0; i < ACCOUNTS; i++) {
		snprintf(name, sizeof(name), "a%d", i);
		store_account(
		    fixture->store, name, NULL, answer_account, &answers[i]);
	}
	fixture_wait(fixture, &answers[ACCOUNTS - 1].done);
	for (int i = 0; i < ACCOUNTS; i++)
		ids[i] = answers[i].id;
}

/* All of them polled within half a minute are one transaction, or few. */
static void
a_thousand_accounts(void **state)
{
	struct fixture *fixture = *state;
	static int64_t ids[ACCOUNTS];
	struct store_poll poll;
	struct query query;
	uint64_t before;
	int64_t begun_ms, took_ms;

	make_accounts(fixture, ids);
	before = commits(fixture);
	for (int i = 0; i < ACCOUNTS; i++) {
		poll = poll_at(fixture, 1000 + i);
		poll.account_id = ids[i];
		store_poll_note(fixture->store, &poll);
	}
	fixture_turn(fixture, 10);
	assert_int_equal(written(fixture), 0);
	begun_ms = evpop_clock_monotonic_ms();
	ask(fixture, &query);
	fixture_wait(fixture, &query.done);
	took_ms = evpop_clock_monotonic_ms() - begun_ms;
	print_message("%d accounts: %llu commits, %lld ms\n", ACCOUNTS,
	    (unsigned long long)(commits(fixture) - before),
	    (long long)took_ms);
	/* A transaction takes no longer than 50 ms, on slow machines, too. */
	assert_true(commits(fixture) - before <=
		    ACCOUNTS / 50 + (uint64_t)took_ms / 50);
	assert_int_equal(written(fixture), ACCOUNTS);
	fixture_expect(fixture,
	    "SELECT count(*) FROM account"
	    " WHERE last_success_ms IS NOT NULL",
	    ACCOUNTS);
}

static void
so_many_are_written_at_once(void **state)
{
	struct fixture *fixture = *state;
	uint64_t before = commits(fixture);
	int64_t begun_ms = evpop_clock_monotonic_ms();
	int i;

	for (i = 1; i < STORE_HISTORY_ROWS; i++)
		note(fixture, 1000 + i);
	fixture_turn(fixture, 10);
	assert_int_equal(written(fixture), 0);
	note(fixture, 1000 + i);
	note(fixture, 1001 + i);
	while (fixture->store->history->answered < STORE_HISTORY_ROWS)
		event_base_loop(fixture->base, EVLOOP_ONCE);
	print_message("%d rows: %llu commits, %lld ms\n", STORE_HISTORY_ROWS,
	    (unsigned long long)(commits(fixture) - before),
	    (long long)(evpop_clock_monotonic_ms() - begun_ms));
	assert_int_equal(written(fixture), STORE_HISTORY_ROWS);
	assert_int_equal(fixture->store->history->row_count, 1);
}

static void
queries_see_what_is_kept_back(void **state)
{
	struct fixture *fixture = *state;
	struct query query;

	ask(fixture, &query);
	fixture_wait(fixture, &query.done);
	assert_int_equal(query.count, 0);
	note(fixture, 1000);
	note(fixture, 2000);
	note(fixture, 3000);
	ask(fixture, &query);
	fixture_wait(fixture, &query.done);
	assert_int_equal(query.count, 3);
	assert_int_equal(query.finished_ms[0], 3000);
	assert_int_equal(query.finished_ms[2], 1000);
	/* Nothing to wait for. */
	ask(fixture, &query);
	fixture_wait(fixture, &query.done);
	assert_int_equal(query.count, 3);
}

static void
order_of_rows_is_kept(void **state)
{
	struct fixture *fixture = *state;
	struct store_poll failed = poll_at(fixture, 2000);
	struct query query;

	failed.outcome = "tls";
	failed.text = "name differs";
	note(fixture, 1000);
	store_poll_record(fixture->store, &failed, NULL, NULL);
	note(fixture, 3000);
	note(fixture, 4000);
	ask(fixture, &query);
	fixture_wait(fixture, &query.done);
	assert_int_equal(query.count, 4);
	for (int i = 0; i < 4; i++)
		assert_int_equal(query.finished_ms[i], (4 - i) * 1000);
	fixture_expect_text(fixture,
	    "SELECT last_success_ms || ' ' ||"
	    " last_error_ms FROM account",
	    "4000 2000");
}

/* Nor is it delayed by a query that waits for these. */
static void
query_does_not_wait_for_later_rows(void **state)
{
	const struct timespec nap = { 0, 1000000 };
	struct fixture *fixture = *state;
	int64_t deadline_ms = evpop_clock_monotonic_ms() + PATIENCE_MS;
	struct query first, second;
	sqlite3 *other;

	note(fixture, 1000);
	ask(fixture, &first);
	note(fixture, 2000);
	/* Its row is there, but the loop has not been told. */
	while (written(fixture) < 1) {
		assert_true(evpop_clock_monotonic_ms() < deadline_ms);
		nanosleep(&nap, NULL);
	}
	assert_int_equal(sqlite3_open(fixture->path, &other), SQLITE_OK);
	assert_int_equal(sqlite3_busy_timeout(other, PATIENCE_MS), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL),
	    SQLITE_OK);
	ask(fixture, &second);
	fixture_wait(fixture, &first.done);
	assert_int_equal(first.count, 1);
	assert_false(second.done);
	assert_int_equal(fixture->store->history->answered, 1);
	assert_int_equal(
	    sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(other), SQLITE_OK);
	fixture_wait(fixture, &second.done);
	assert_int_equal(second.count, 2);
}

static void
later_rows_stay_behind_a_query(void **state)
{
	struct fixture *fixture = *state;
	struct query query;

	note(fixture, 1000);
	ask(fixture, &query);
	note(fixture, 2000);
	fixture_wait(fixture, &query.done);
	assert_int_equal(query.count, 1);
	assert_int_equal(written(fixture), 1);
}

/* ---- the end ---- */

struct at_close {
	struct fixture *fixture;
	struct answer answer;
	bool queried;
};

static void
see_closed(enum store_status status, const struct store_poll_row *rows,
    size_t count, bool more, void *arg)
{
	struct at_close *at_close = arg;

	(void)rows;
	(void)more;
	assert_int_equal(status, STORE_CLOSED);
	assert_int_equal(count, 0);
	at_close->queried = true;
}

/* The store closes, and somebody goes on. */
static void
go_on(enum store_status status, void *arg)
{
	struct at_close *at_close = arg;

	store_polls(at_close->fixture->store, NULL, 0, 8, see_closed, at_close);
	note(at_close->fixture, 3000);
	answer_done(status, &at_close->answer);
}

static void
what_comes_while_the_store_closes(void **state)
{
	struct fixture *fixture = *state;
	struct at_close at_close = { .fixture = fixture };
	struct store_poll poll = poll_at(fixture, 1000);

	store_poll_record(fixture->store, &poll, go_on, &at_close);
	note(fixture, 2000);
	fixture_close(fixture);
	assert_true(at_close.answer.done);
	assert_true(at_close.queried);
	assert_int_equal(written(fixture), 2);
}

static void
see_the_end(enum store_status status, const struct store_poll_row *rows,
    size_t count, bool more, void *arg)
{
	(void)rows;
	(void)more;
	assert_true(
	    status == STORE_OK || (status == STORE_CLOSED && count == 0));
	*(bool *)arg = true;
}

static void
queries_are_answered_by_the_end(void **state)
{
	struct fixture *fixture = *state;
	bool seen = false;

	note(fixture, 1000);
	store_polls(fixture->store, NULL, 0, 8, see_the_end, &seen);
	fixture_close(fixture);
	assert_true(seen);
	assert_int_equal(written(fixture), 1);
}

/* ---- a store that fails ---- */

static void
rows_of_a_store_that_fails_are_lost(void **state)
{
	struct fixture *fixture = *state;
	struct query query;
	int64_t deadline_ms;

	note(fixture, 1000);
	faulty_set(SQLITE_FULL, 0);
	ask(fixture, &query);
	fixture_wait(fixture, &query.done);
	assert_int_equal(query.count, 0);
	assert_int_equal(store_health(fixture->store)->status, STORE_FULL);
	note(fixture, 2000);
	faulty_set(0, 0);
	deadline_ms = evpop_clock_monotonic_ms() + PATIENCE_MS;
	while (store_health(fixture->store)->status != STORE_OK) {
		assert_true(evpop_clock_monotonic_ms() < deadline_ms);
		fixture_turn(fixture, 10);
	}
	note(fixture, 3000);
	ask(fixture, &query);
	fixture_wait(fixture, &query.done);
	assert_int_equal(query.count, 2);
	assert_int_equal(query.finished_ms[0], 3000);
	assert_int_equal(query.finished_ms[1], 2000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(rows_are_kept_back),
		FIXTURE_TEST(timer_writes_them),
		FIXTURE_TEST(next_write_takes_them_along),
		FIXTURE_TEST(a_thousand_accounts),
		FIXTURE_TEST(so_many_are_written_at_once),
		FIXTURE_TEST(queries_see_what_is_kept_back),
		FIXTURE_TEST(order_of_rows_is_kept),
		FIXTURE_TEST(query_does_not_wait_for_later_rows),
		FIXTURE_TEST(later_rows_stay_behind_a_query),
		FIXTURE_TEST(what_comes_while_the_store_closes),
		FIXTURE_TEST(queries_are_answered_by_the_end),
		FIXTURE_TEST(rows_of_a_store_that_fails_are_lost),
	};

	faulty_install();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
