#include <stdio.h>
#include <string.h>

#include "tests/unit/test_store_fixture.h"

static int64_t
account(struct fixture *fixture, const char *name, const char *stable_id)
{
	int64_t id;

	assert_int_equal(
	    fixture_account(fixture, name, stable_id, &id), STORE_OK);
	assert_true(id > 0);
	return id;
}

static void
same_name_is_the_same_row(void **state)
{
	struct fixture *fixture = *state;
	int64_t first = account(fixture, "a", NULL);

	assert_int_equal(account(fixture, "a", NULL), first);
	assert_int_not_equal(account(fixture, "b", NULL), first);
	fixture_close(fixture);
	fixture_open(fixture);
	assert_int_equal(account(fixture, "a", NULL), first);
}

static void
it_is_asked_again_by_its_number(void **state)
{
	struct fixture *fixture = *state;
	struct answer answer = { 0 };

	store_account_again(
	    fixture->store, fixture->account, answer_account, &answer);
	fixture_wait(fixture, &answer.done);
	assert_int_equal(answer.status, STORE_OK);
	assert_int_equal(answer.id, fixture->account);
	memset(&answer, 0, sizeof(answer));
	store_account_again(fixture->store, 4711, answer_account, &answer);
	fixture_wait(fixture, &answer.done);
	assert_int_equal(answer.status, STORE_NOT_FOUND);
}

/* ---- polls and the list ---- */

static enum store_status
record(struct fixture *fixture, int64_t account_id, const char *outcome,
    const char *text, int64_t finished_ms)
{
	struct answer answer = { 0 };
	struct store_poll poll = { .account_id = account_id,
		.started_ms = finished_ms - 500,
		.finished_ms = finished_ms,
		.outcome = outcome,
		.text = text,
		.tally = { .messages = 9,
		    .fetched = 3,
		    .failed = 1,
		    .deleted = 2,
		    .octets_in = 1000,
		    .octets_out = 100,
		    .body_octets = 900,
		    .adopted = 5,
		    .adopted_octets = INT64_C(5000000000) } };

	store_poll_record(fixture->store, &poll, answer_done, &answer);
	fixture_wait(fixture, &answer.done);
	return answer.status;
}

static void
record_deletes(struct fixture *fixture, uint32_t deleted)
{
	struct answer answer = { 0 };
	struct store_poll poll = { .account_id = fixture->account,
		.started_ms = 1000,
		.finished_ms = 2000,
		.outcome = "ok",
		.tally.deleted = deleted };

	store_poll_record(fixture->store, &poll, answer_done, &answer);
	fixture_wait(fixture, &answer.done);
	assert_int_equal(answer.status, STORE_OK);
}

static struct store_account
look(struct fixture *fixture)
{
	struct answer answer = { 0 };

	store_account(fixture->store, "home", NULL, answer_account, &answer);
	fixture_wait(fixture, &answer.done);
	assert_int_equal(answer.status, STORE_OK);
	return answer.row;
}

static void
account_is_listed_once_a_poll_went_well(void **state)
{
	struct fixture *fixture = *state;

	assert_false(look(fixture).listed);
	assert_int_equal(
	    record(fixture, fixture->account, "tls", NULL, 1000), STORE_OK);
	assert_false(look(fixture).listed);
	assert_int_equal(
	    record(fixture, fixture->account, "ok", NULL, 2000), STORE_OK);
	assert_true(look(fixture).listed);
	assert_int_equal(
	    record(fixture, fixture->account, "tls", NULL, 3000), STORE_OK);
	assert_true(look(fixture).listed);
}

static void
record_found(struct fixture *fixture, const char *outcome, uint32_t fetched,
    uint32_t deleted, uint32_t adopted)
{
	struct answer answer = { 0 };

	store_poll_record(fixture->store,
	    &(struct store_poll){ .account_id = fixture->account,
		.started_ms = 1,
		.finished_ms = 2,
		.outcome = outcome,
		.tally = { .fetched = fetched,
		    .deleted = deleted,
		    .adopted = adopted } },
	    answer_done, &answer);
	fixture_wait(fixture, &answer.done);
	assert_int_equal(answer.status, STORE_OK);
}

static void
quiet_polls_are_counted(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(look(fixture).quiet_polls, 0);
	record_found(fixture, "ok", 0, 0, 0);
	assert_int_equal(look(fixture).quiet_polls, 1);
	/* One that failed says nothing. */
	record_found(fixture, "tls", 0, 0, 0);
	assert_int_equal(look(fixture).quiet_polls, 1);
	record_found(fixture, "ok", 0, 0, 0);
	assert_int_equal(look(fixture).quiet_polls, 2);
	record_found(fixture, "ok", 1, 0, 0);
	assert_int_equal(look(fixture).quiet_polls, 0);
	record_found(fixture, "ok", 0, 0, 0);
	assert_int_equal(look(fixture).quiet_polls, 1);
	record_found(fixture, "ok", 0, 1, 0);
	assert_int_equal(look(fixture).quiet_polls, 0);
	record_found(fixture, "ok", 0, 0, 1);
	assert_int_equal(look(fixture).quiet_polls, 0);
	for (unsigned i = 0; i < 2 * STORE_QUIET_POLLS; i++)
		record_found(fixture, "ok", 0, 0, 0);
	assert_int_equal(look(fixture).quiet_polls, STORE_QUIET_POLLS);
	for (unsigned i = 0; i < 3 * STORE_QUIET_POLLS; i++)
		record_found(fixture, "io", 0, 0, 0);
	assert_int_equal(look(fixture).quiet_polls, 0);
}

static void
usual_deletes_are_those_of_the_last_that_deleted(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(look(fixture).usual_deletes, 0);
	record_deletes(fixture, 700);
	record_deletes(fixture, 30);
	for (int i = 0; i < 40; i++)
		record_deletes(fixture, 0);
	assert_int_equal(look(fixture).usual_deletes, 700);
	for (int i = 0; i < 18; i++)
		record_deletes(fixture, 2);
	assert_int_equal(look(fixture).usual_deletes, 700);
	record_deletes(fixture, 2);
	assert_int_equal(look(fixture).usual_deletes, 30);
	record_deletes(fixture, 2);
	assert_int_equal(look(fixture).usual_deletes, 2);
}

struct seen_account {
	bool done;
	int64_t success_ms, error_ms, failing_since_ms;
	char error[64];
	size_t count;
};

static void
see_first(enum store_status status, const struct store_account_row *rows,
    size_t count, void *arg)
{
	struct seen_account *seen = arg;

	assert_int_equal(status, STORE_OK);
	assert_true(count > 0);
	assert_string_equal(rows[0].name, "home");
	seen->success_ms = rows[0].last_success_ms;
	seen->error_ms = rows[0].last_error_ms;
	seen->failing_since_ms = rows[0].failing_since_ms;
	snprintf(seen->error, sizeof(seen->error), "%s",
	    rows[0].last_error != NULL ? rows[0].last_error : "(none)");
	seen->count = count;
	seen->done = true;
}

static void
expect_account(struct fixture *fixture, int64_t success_ms, int64_t error_ms,
    const char *error)
{
	struct seen_account seen = { 0 };

	store_accounts(fixture->store, "home", "home", see_first, &seen);
	fixture_wait(fixture, &seen.done);
	assert_int_equal(seen.success_ms, success_ms);
	assert_int_equal(seen.error_ms, error_ms);
	assert_string_equal(seen.error, error);
}

/* How a poll ended, and since when the account fails by row and list. */
static void
expect_failing(struct fixture *fixture, const char *outcome, bool is_failure,
    int64_t finished_ms, int64_t since_ms)
{
	struct answer answer = { 0 };
	struct seen_account seen = { 0 };

	store_poll_record(fixture->store,
	    &(struct store_poll){ .account_id = fixture->account,
		.started_ms = finished_ms - 1,
		.finished_ms = finished_ms,
		.outcome = outcome,
		.is_failure = is_failure },
	    answer_done, &answer);
	fixture_wait(fixture, &answer.done);
	assert_int_equal(answer.status, STORE_OK);
	assert_int_equal(look(fixture).failing_since_ms, since_ms);
	store_accounts(fixture->store, "home", "home", see_first, &seen);
	fixture_wait(fixture, &seen.done);
	assert_int_equal(seen.failing_since_ms, since_ms);
}

static void
account_fails_since_its_first_failure(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(look(fixture).failing_since_ms, 0);
	expect_failing(fixture, "io", true, 1000, 1000);
	expect_failing(fixture, "auth", true, 2000, 1000);
	expect_failing(fixture, "ok", false, 3000, 0);
	expect_failing(fixture, "usage", true, 4000, 4000);
	/* Messages that are left do not make the account fail. */
	expect_failing(fixture, "protocol", false, 5000, 0);
	expect_failing(fixture, "timeout", true, 6000, 6000);
}

static void
polls_leave_their_mark_on_the_account(void **state)
{
	struct fixture *fixture = *state;
	int64_t id = fixture->account;

	expect_account(fixture, 0, 0, "(none)");
	assert_int_equal(record(fixture, id, "ok", NULL, 1000), STORE_OK);
	expect_account(fixture, 1000, 0, "(none)");
	assert_int_equal(
	    record(fixture, id, "tls", "name differs", 2000), STORE_OK);
	expect_account(fixture, 1000, 2000, "name differs");
	assert_int_equal(record(fixture, id, "timeout", NULL, 3000), STORE_OK);
	expect_account(fixture, 1000, 3000, "timeout");
	assert_int_equal(record(fixture, id, "ok", NULL, 4000), STORE_OK);
	expect_account(fixture, 4000, 3000, "(none)");
	assert_int_equal(
	    record(fixture, 4711, "ok", NULL, 5000), STORE_NOT_FOUND);
}

struct seen_names {
	bool done;
	char names[64];
};

static void
see_names(enum store_status status, const struct store_account_row *rows,
    size_t count, void *arg)
{
	struct seen_names *seen = arg;

	assert_int_equal(status, STORE_OK);
	for (size_t i = 0; i < count; i++)
		strcat(strcat(seen->names, rows[i].name), " ");
	seen->done = true;
}

static void
accounts_are_listed_by_name(void **state)
{
	static const struct {
		const char *first, *last, *names;
	} cases[] = {
		{ "a", "zz", "alan b home zz " },
		{ "b", "home", "b home " },
		{ "b", "b", "b " },
		{ "c", "d", "" },
		{ "home", "b", "" },
	};
	struct fixture *fixture = *state;

	account(fixture, "zz", NULL);
	account(fixture, "alan", NULL);
	account(fixture, "b", NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct seen_names seen = { 0 };

		store_accounts(fixture->store, cases[i].first, cases[i].last,
		    see_names, &seen);
		fixture_wait(fixture, &seen.done);
		assert_string_equal(seen.names, cases[i].names);
	}
}

struct seen_polls {
	bool done, more;
	size_t count;
	int64_t last_id, finished_ms[8];
};

static void
see_polls(enum store_status status, const struct store_poll_row *rows,
    size_t count, bool more, void *arg)
{
	struct seen_polls *seen = arg;

	assert_int_equal(status, STORE_OK);
	assert_true(count <= 8);
	for (size_t i = 0; i < count; i++) {
		const struct store_poll *poll = &rows[i].poll;

		seen->finished_ms[i] = poll->finished_ms;
		seen->last_id = rows[i].id;
		assert_int_equal(poll->started_ms, poll->finished_ms - 500);
		assert_int_equal(poll->tally.messages, 9);
		assert_int_equal(poll->tally.fetched, 3);
		assert_int_equal(poll->tally.failed, 1);
		assert_int_equal(poll->tally.deleted, 2);
		assert_int_equal(poll->tally.octets_in, 1000);
		assert_int_equal(poll->tally.octets_out, 100);
		assert_int_equal(poll->tally.body_octets, 900);
		assert_int_equal(poll->tally.adopted, 5);
		assert_int_equal(
		    poll->tally.adopted_octets, INT64_C(5000000000));
		assert_string_equal(poll->outcome, "ok");
	}
	seen->count = count;
	seen->more = more;
	seen->done = true;
}

static void
polls_are_paged_newest_first(void **state)
{
	struct fixture *fixture = *state;
	struct seen_polls seen = { 0 };
	int64_t other = account(fixture, "other", NULL);

	for (int64_t i = 1; i <= 5; i++)
		assert_int_equal(
		    record(fixture, i == 3 ? other : fixture->account, "ok",
			NULL, i * 1000),
		    STORE_OK);
	store_polls(fixture->store, "home", 0, 3, see_polls, &seen);
	fixture_wait(fixture, &seen.done);
	assert_int_equal(seen.count, 3);
	assert_true(seen.more);
	assert_int_equal(seen.finished_ms[0], 5000);
	assert_int_equal(seen.finished_ms[2], 2000);
	seen.done = false;
	store_polls(fixture->store, "home", seen.last_id, 3, see_polls, &seen);
	fixture_wait(fixture, &seen.done);
	assert_int_equal(seen.count, 1);
	assert_false(seen.more);
	assert_int_equal(seen.finished_ms[0], 1000);
	seen.done = false;
	store_polls(fixture->store, NULL, 0, 8, see_polls, &seen);
	fixture_wait(fixture, &seen.done);
	assert_int_equal(seen.count, 5);
	assert_int_equal(seen.finished_ms[2], 3000);
}

static void
views_speak_iso_times(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(record(fixture, fixture->account, "ok", NULL,
			     INT64_C(1767323045678)),
	    STORE_OK);
	assert_int_equal(record(fixture, fixture->account, "tls", "why",
			     INT64_C(1767323046000)),
	    STORE_OK);
	fixture_expect_text(fixture, "SELECT last_success FROM v_account",
	    "2026-01-02T03:04:05.678Z");
	fixture_expect_text(fixture, "SELECT last_error FROM v_account", "why");
	fixture_expect_text(fixture,
	    "SELECT account || started || finished ||"
	    " outcome || fetched || deleted || bytes_in"
	    " || '/' || adopted || '/' || adopted_bytes"
	    " FROM v_poll ORDER BY id LIMIT 1",
	    "home2026-01-02T03:04:05.178Z2026-01-02T03:04:05.678Zok321000/5/"
	    "5000000000");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(same_name_is_the_same_row),
		FIXTURE_TEST(it_is_asked_again_by_its_number),
		FIXTURE_TEST(polls_leave_their_mark_on_the_account),
		FIXTURE_TEST(account_fails_since_its_first_failure),
		FIXTURE_TEST(accounts_are_listed_by_name),
		FIXTURE_TEST(account_is_listed_once_a_poll_went_well),
		FIXTURE_TEST(quiet_polls_are_counted),
		FIXTURE_TEST(usual_deletes_are_those_of_the_last_that_deleted),
		FIXTURE_TEST(polls_are_paged_newest_first),
		FIXTURE_TEST(views_speak_iso_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
