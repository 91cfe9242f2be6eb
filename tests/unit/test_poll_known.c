/* What is known comes in batches, of which one is in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/poll/known.h"
#include "tests/unit/test_store_fixture.h"

struct heard {
	struct known *known;
	size_t count, batches, last;
	bool stop;
	enum store_status status;
	enum evpop_known_state first_state;
	uint64_t first_lines;
	char first_id[64];
	bool done;
};

static void
hear(const struct evpop_known *known, size_t count, bool is_last, void *arg)
{
	struct heard *heard = arg;

	if (count > 0 && heard->count == 0) {
		assert_true(known[0].unique_id_length < sizeof heard->first_id);
		memcpy(heard->first_id, known[0].unique_id,
		    known[0].unique_id_length);
		heard->first_state = known[0].state;
		heard->first_lines = known[0].lines;
	}
	heard->count += count;
	heard->batches++;
	heard->last += is_last;
	assert_int_equal(known_is_pending(heard->known), !is_last);
	if (heard->stop)
		known_stop(heard->known);
}

static void
hear_answer(enum store_status status, void *arg)
{
	struct heard *heard = arg;

	heard->status = status;
	heard->done = !known_is_pending(heard->known);
}

static const struct known_callbacks callbacks = {
	.batch = hear,
	.answered = hear_answer,
};

static void
read_all(struct fixture *fixture, struct heard *heard)
{
	*heard = (struct heard){ .stop = heard->stop };
	heard->known = known_new(fixture->store, &callbacks, heard);
	assert_non_null(heard->known);
	known_set_account(heard->known, fixture->account);
	known_look_up(heard->known);
	assert_true(known_is_pending(heard->known));
	fixture_wait(fixture, &heard->done);
	assert_int_equal(
	    heard->last, heard->status == STORE_OK && !heard->stop);
	known_free(&heard->known);
	assert_null(heard->known);
	known_free(&heard->known);
}

static void
test_few(void **state)
{
	struct fixture *fixture = *state;
	struct heard heard = { .stop = false };

	read_all(fixture, &heard);
	assert_int_equal(heard.count, 0);
	assert_int_equal(heard.batches, 1);
	assert_int_equal(heard.status, STORE_OK);
	assert_int_equal(
	    fixture_put(fixture, "u", "a\nb\n", 4, NULL), STORE_OK);
	read_all(fixture, &heard);
	assert_int_equal(heard.count, 1);
	assert_string_equal(heard.first_id, "u");
	assert_int_equal(heard.first_state, EVPOP_KNOWN_STORED);
	assert_int_equal(heard.first_lines, 2);
}

static void
test_many(void **state)
{
	struct fixture *fixture = *state;
	struct heard heard = { .stop = false };

	fixture_close(fixture);
	fixture_change(fixture,
	    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
	    " WHERE i < 40000) INSERT INTO uid(account, unique_id, occurrence,"
	    " state, stored_ms) SELECT 1, CAST('uid-' || i AS BLOB), 0, 2, 1"
	    " FROM n");
	fixture_open(fixture);
	read_all(fixture, &heard);
	assert_int_equal(heard.count, 40000);
	assert_true(heard.batches > 3);
	/* Who has heard enough gets no more. */
	heard.stop = true;
	read_all(fixture, &heard);
	assert_int_equal(heard.batches, 1);
}

static void
test_store_that_fails(void **state)
{
	struct fixture *fixture = *state;
	struct heard heard = { .stop = false };

	fixture_close(fixture);
	fixture_change(fixture,
	    "INSERT INTO uid(account, unique_id, occurrence, state,"
	    " stored_ms) VALUES(1, 'u', 0, 77, 1)");
	fixture_open(fixture);
	read_all(fixture, &heard);
	assert_int_equal(heard.status, STORE_DAMAGED);
	assert_int_equal(heard.batches, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    test_few, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    test_many, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    test_store_that_fails, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
