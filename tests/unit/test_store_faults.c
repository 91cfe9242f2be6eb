#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/store/clock.h"
#include "tests/unit/test_store_faulty.h"
#include "tests/unit/test_store_fixture.h"

/* A run of bodies: alone, in pieces, and some in one transaction. */
#define BODIES 7
static const size_t lengths[BODIES] = { 5, 40000, 1, 20, 0, 4000, 9 };
#define LONGEST 40000

static unsigned char *
make_bytes(size_t index)
{
	unsigned char *bytes = malloc(LONGEST);

	assert_non_null(bytes);
	for (size_t i = 0; i < LONGEST; i++)
		bytes[i] = (unsigned char)(i * 31 + i / 253 + index);
	return bytes;
}

static void
commit(struct fixture *fixture, size_t index, struct answer *answer)
{
	char id[16];
	struct store_body_meta meta;
	struct store_body *body;
	unsigned char *bytes = make_bytes(index);

	snprintf(id, sizeof(id), "id%zu", index);
	meta = fixture_meta(fixture, id);
	body = store_body_new(fixture->store, &meta);
	assert_non_null(body);
	store_body_append(body, bytes, lengths[index]);
	store_body_commit(body, answer_message, answer);
	free(bytes);
}

static void
run_bodies(struct fixture *fixture, struct answer answers[BODIES])
{
	memset(answers, 0, BODIES * sizeof(*answers));
	for (size_t i = 0; i < BODIES; i++) {
		commit(fixture, i, &answers[i]);
		/* 2, 3 and 4 go together. */
		if (i < 2 || i > 3)
			fixture_wait(fixture, &answers[i].done);
	}
	for (size_t i = 0; i < BODIES; i++)
		fixture_wait(fixture, &answers[i].done);
}

static int64_t
count_of(struct fixture *fixture, size_t index)
{
	char sql[200];

	snprintf(sql, sizeof(sql),
	    "SELECT (SELECT count(*) FROM v_message WHERE unique_id = 'id%zu')"
	    " + 10 * (SELECT count(*) FROM uid"
	    "  WHERE CAST(unique_id AS TEXT) = 'id%zu')",
	    index, index);
	return fixture_integer(fixture, sql);
}

static void
expect_bytes(struct fixture *fixture, size_t index, int64_t id)
{
	unsigned char *bytes = make_bytes(index);
	size_t length;
	unsigned char *found = fixture_read(fixture, id, &length);

	assert_int_equal(length, lengths[index]);
	assert_memory_equal(found, bytes, length);
	free(found);
	free(bytes);
}

static void
expect_sound(struct fixture *fixture)
{
	int64_t deadline_ms = store_clock_monotonic_ms() + 60000;
	struct store_check check;

	assert_int_equal(store_check_start(fixture->store), STORE_OK);
	do {
		assert_true(store_clock_monotonic_ms() < deadline_ms);
		fixture_turn(fixture, 1);
		store_check(fixture->store, &check);
	} while (check.running);
	if (check.problems > 0)
		fail_msg("%s", check.texts[0]);
	assert_int_equal(check.status, STORE_OK);
	assert_int_equal(check.messages_done, BODIES);
}

/*
 * What was acknowledged is there, what was refused is not, and a second run
 * makes it whole without doubling anything.  Only a commit whose sync failed
 * may be found in the log, whole, by the next to open it.
 */
static void
expect_nothing_lost_or_doubled(
    struct fixture *fixture, const struct answer first[BODIES], bool may_return)
{
	struct answer second[BODIES];
	bool there[BODIES];

	for (size_t i = 0; i < BODIES; i++) {
		int64_t count = count_of(fixture, i);
		bool stored = first[i].status == STORE_OK;

		there[i] = count == 11;
		if ((count != 0 && count != 11) || (stored && !there[i]) ||
		    (!stored && there[i] && !may_return))
			fail_msg("body %zu was answered %s and counts %lld", i,
			    store_status_name(first[i].status),
			    (long long)count);
	}
	run_bodies(fixture, second);
	for (size_t i = 0; i < BODIES; i++) {
		assert_int_equal(second[i].status, STORE_OK);
		assert_int_equal(second[i].taken,
		    there[i] ? STORE_TAKEN_KNOWN : STORE_TAKEN_NEW);
		assert_int_equal(count_of(fixture, i), 11);
		expect_bytes(fixture, i, second[i].id);
	}
	expect_sound(fixture);
}

static long calls_failed;

static void
note_failed(enum faulty_operation operation, int code)
{
	(void)operation;
	(void)code;
	__atomic_add_fetch(&calls_failed, 1, __ATOMIC_SEQ_CST);
}

/* Returns whether the run got as far as the failure. */
static bool
fail_nth(struct fixture *fixture, enum faulty_operation operation, int code,
    long skip, long times)
{
	struct answer answers[BODIES];
	bool reached;

	fixture_open(fixture);
	__atomic_store_n(&calls_failed, 0, __ATOMIC_SEQ_CST);
	faulty_set_rule(operation, code, skip, times);
	run_bodies(fixture, answers);
	reached = __atomic_load_n(&calls_failed, __ATOMIC_SEQ_CST) > 0;
	fixture_close(fixture);
	reached |= __atomic_load_n(&calls_failed, __ATOMIC_SEQ_CST) > 0;
	faulty_set_rule(operation, 0, 0, 0);
	fixture_open(fixture);
	expect_nothing_lost_or_doubled(
	    fixture, answers, operation == FAULTY_SYNC && times < 0);
	fixture_close(fixture);
	assert_int_equal(unlink(fixture->path), 0);
	return reached;
}

static void
fail_each(struct fixture *fixture, enum faulty_operation operation, int code)
{
	long count = 0;

	while (fail_nth(fixture, operation, code, count, 1))
		count++;
	/* Fewer would say that the run is not what it was. */
	assert_true(count >= (operation == FAULTY_SYNC ? 5 : 40));
	for (long skip = 0; skip < count; skip += 1 + count / 20)
		assert_true(fail_nth(fixture, operation, code, skip, -1));
	print_message("%ld calls\n", count);
}

static void
each_write_may_fail(void **state)
{
	fail_each(*state, FAULTY_WRITE, SQLITE_IOERR_WRITE);
}

static void
each_sync_may_fail(void **state)
{
	fail_each(*state, FAULTY_SYNC, SQLITE_IOERR_FSYNC);
}

/* A queue so small that the pieces are. */
static int
setup(void **state)
{
	struct fixture *fixture;

	if (fixture_setup_folder(state) != 0)
		return -1;
	fixture = *state;
	fixture->config.queue_octets = 32768;
	return 0;
}

static int
teardown(void **state)
{
	faulty_set(0, 0);
	return fixture_teardown(state);
}

static int
install(void **state)
{
	(void)state;
	faulty_install();
	faulty_watch(NULL, note_failed);
	return 0;
}

#define TEST(function) \
	cmocka_unit_test_setup_teardown(function, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_write_may_fail),
		TEST(each_sync_may_fail),
	};

	return cmocka_run_group_tests(tests, install, NULL);
}
