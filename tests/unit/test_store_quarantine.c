#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/test_store_faulty.h"
#include "tests/unit/test_store_fixture.h"

#define MOST 3

struct failed {
	bool done, quarantined;
	enum store_failed outcome;
	enum store_status status;
	unsigned attempts;
};

static void
answer_failed(
    enum store_status status, const struct store_counted *counted, void *arg)
{
	struct failed *failed = arg;

	assert_false(failed->done);
	failed->done = true;
	failed->status = status;
	failed->attempts = counted->attempts;
	failed->outcome = counted->outcome;
	/* Only what is stored has an id. */
	assert_int_equal(counted->message_id > 0,
	    status == STORE_OK && counted->outcome == STORE_FAILED_STORED);
	assert_int_equal(counted->octets > 0, counted->message_id > 0);
	failed->quarantined = counted->outcome == STORE_FAILED_QUARANTINED;
}

static struct failed
fail_with(
    struct fixture *fixture, const char *id, const void *bytes, size_t length)
{
	struct store_body_meta meta = fixture_meta(fixture, id);
	struct store_failure failure = { .account_id = fixture->account,
		.unique_id = (const unsigned char *)id,
		.unique_id_length = id != NULL ? strlen(id) : 0,
		.reason = "the connection broke",
		.transcript = "C: RETR 1\nS: +OK\n",
		.attempts_most = MOST,
		.end = STORE_FAILED_QUARANTINED };
	struct failed failed = { 0 };

	if (bytes != NULL) {
		failure.body = store_body_new(fixture->store, &meta);
		assert_non_null(failure.body);
		store_body_append(failure.body, bytes, length);
	}
	store_failure(fixture->store, &failure, answer_failed, &failed);
	fixture_wait(fixture, &failed.done);
	return failed;
}

static void
expect_failed(struct fixture *fixture, const char *id, const char *bytes,
    unsigned attempts, bool quarantined)
{
	struct failed failed =
	    fail_with(fixture, id, bytes, bytes != NULL ? strlen(bytes) : 0);

	assert_int_equal(failed.status, STORE_OK);
	assert_int_equal(failed.attempts, attempts);
	assert_int_equal(failed.quarantined, quarantined);
}

static void
quarantine(struct fixture *fixture, const char *id, const char *bytes)
{
	for (unsigned i = 1; i <= MOST; i++)
		expect_failed(fixture, id, bytes, i, i == MOST);
}

struct listed {
	bool done, more;
	enum store_status status;
	char text[512]; /* id/account/unique-id/octets */
	char transcript[64];
	int64_t last_id;
};

static void
take_listed(enum store_status status, const struct store_quarantine_row *rows,
    size_t count, bool more, void *arg)
{
	struct listed *listed = arg;
	size_t filled = 0;

	memset(listed, 0, sizeof(*listed));
	listed->status = status;
	listed->more = more;
	for (size_t i = 0; i < count; i++) {
		assert_string_equal(rows[i].reason, "the connection broke");
		assert_true(rows[i].stored_ms > INT64_C(1700000000000));
		filled += (size_t)snprintf(listed->text + filled,
		    sizeof(listed->text) - filled, "%lld/%s/%.*s/%llu ",
		    (long long)rows[i].id, rows[i].account,
		    (int)rows[i].unique_id_length,
		    (const char *)rows[i].unique_id,
		    (unsigned long long)rows[i].octets);
		listed->last_id = rows[i].id;
		snprintf(listed->transcript, sizeof(listed->transcript), "%s",
		    rows[i].transcript != NULL ? rows[i].transcript : "(none)");
	}
	listed->done = true;
}

static struct listed
list(
    struct fixture *fixture, const char *account, int64_t below, unsigned limit)
{
	struct listed listed = { .done = false };

	store_quarantines(
	    fixture->store, account, below, limit, take_listed, &listed);
	fixture_wait(fixture, &listed.done);
	assert_int_equal(listed.status, STORE_OK);
	return listed;
}

static struct listed
get(struct fixture *fixture, int64_t id)
{
	struct listed listed = { .done = false };

	store_quarantine(fixture->store, id, take_listed, &listed);
	fixture_wait(fixture, &listed.done);
	return listed;
}

struct part {
	bool done;
	enum store_status status;
	size_t length;
	unsigned char first;
};

static void
take_part(enum store_status status, const unsigned char *bytes, size_t length,
    void *arg)
{
	struct part *part = arg;

	part->done = true;
	part->status = status;
	part->length = length;
	part->first = length > 0 ? bytes[0] : 0;
}

static struct part
read_part(struct fixture *fixture, int64_t id, uint32_t number)
{
	struct part part = { .done = false };

	store_quarantine_read(fixture->store, id, number, take_part, &part);
	fixture_wait(fixture, &part.done);
	return part;
}

struct released {
	bool done;
	enum store_status status;
	char account[32];
};

static void
take_released(enum store_status status, const struct store_released *accounts,
    size_t count, void *arg)
{
	struct released *released = arg;

	released->done = true;
	released->status = status;
	assert_int_equal(accounts != NULL && count > 0, status == STORE_OK);
	snprintf(released->account, sizeof(released->account), "%s",
	    count > 0 ? accounts[0].account : "");
}

static void
take_all_released(enum store_status status,
    const struct store_released *accounts, size_t count, void *arg)
{
	struct released *released = arg;
	size_t length = 0;

	assert_int_equal(status, STORE_OK);
	released->done = true;
	released->account[0] = '\0';
	for (size_t i = 0; i < count; i++)
		length += (size_t)snprintf(released->account + length,
		    sizeof(released->account) - length, "%s:%llu ",
		    accounts[i].account,
		    (unsigned long long)accounts[i].messages);
}

static uint64_t
quarantined(const struct fixture *fixture)
{
	struct store_stats stats;

	store_stats(fixture->store, &stats);
	return stats.quarantined;
}

static void
expect_released(
    struct fixture *fixture, const char *account, const char *expected)
{
	struct released released = { .done = false };

	store_quarantine_release_all(
	    fixture->store, account, take_all_released, &released);
	fixture_wait(fixture, &released.done);
	assert_string_equal(released.account, expected);
}

static enum store_status
release(struct fixture *fixture, int64_t id)
{
	struct released released = { .done = false };

	store_quarantine_release(fixture->store, id, take_released, &released);
	fixture_wait(fixture, &released.done);
	if (released.status == STORE_OK)
		assert_string_equal(released.account, "home");
	return released.status;
}

static void
third_failure_is_the_last(void **state)
{
	struct fixture *fixture = *state;
	struct listed listed;

	quarantine(fixture, "u", "part of it");
	quarantine(fixture, "never came", NULL);
	fixture_expect(fixture, "SELECT count(*) FROM failure", 0);
	fixture_expect_text(
	    fixture, "SELECT group_concat(state) FROM uid", "5,5");
	listed = list(fixture, NULL, 0, 10);
	assert_string_equal(listed.text, "2/home/never came/0 1/home/u/10 ");
	assert_string_equal(listed.transcript, "(none)");
	listed = get(fixture, 1);
	assert_int_equal(listed.status, STORE_OK);
	assert_string_equal(listed.text, "1/home/u/10 ");
	assert_string_equal(listed.transcript, "C: RETR 1\nS: +OK\n");
	assert_int_equal(get(fixture, 3).status, STORE_NOT_FOUND);
	assert_int_equal(read_part(fixture, 1, 0).length, 10);
	assert_int_equal(read_part(fixture, 1, 0).first, 'p');
	assert_int_equal(read_part(fixture, 1, 1).length, 0);
	assert_int_equal(read_part(fixture, 2, 0).length, 0);
	assert_int_equal(read_part(fixture, 3, 0).status, STORE_NOT_FOUND);
	fixture_expect_text(fixture,
	    "SELECT id || account || unique_id || size"
	    " || reason FROM v_quarantine"
	    " WHERE id = 1",
	    "1homeu10the connection broke");
	fixture_expect(fixture,
	    "SELECT stored_at GLOB"
	    " '20*-*-*T*:*:*.*Z'"
	    " FROM v_quarantine",
	    1);
}

static void
stored_message_has_no_failures(void **state)
{
	struct fixture *fixture = *state;

	expect_failed(fixture, "u", "half", 1, false);
	expect_failed(fixture, "u", "half", 2, false);
	expect_failed(fixture, "v", "half", 1, false);
	fixture_store(fixture, "u", "whole", 5);
	expect_failed(fixture, "u", "half", 1, false);
	expect_failed(fixture, "v", "half", 2, false);
	fixture_store(fixture, "u", "whole", 5);
	fixture_store(fixture, "v", "whole", 5);
	fixture_expect(fixture, "SELECT count(*) FROM failure", 0);
	fixture_close(fixture);
	fixture_expect(fixture, "SELECT count(*) FROM chunk", 2);
}

static void
failures_outlive_a_restart(void **state)
{
	struct fixture *fixture = *state;

	expect_failed(fixture, "u", "half", 1, false);
	fixture_close(fixture);
	fixture_open(fixture);
	expect_failed(fixture, "u", "half", 2, false);
	fixture_close(fixture);
	fixture_open(fixture);
	fixture_store(fixture, "u", "whole", 5);
	fixture_expect(fixture, "SELECT count(*) FROM failure", 0);
}

/* Its pieces belong to it over restarts, and to nobody once it is released. */
static void
quarantined_bytes_live_as_long_as_their_row(void **state)
{
	struct fixture *fixture = *state;
	unsigned char *bytes = malloc(3000000);

	assert_non_null(bytes);
	memset(bytes, 'q', 3000000);
	for (int i = 0; i < MOST; i++)
		assert_int_equal(
		    fail_with(fixture, "u", bytes, 3000000).status, STORE_OK);
	for (int i = 0; i < 2; i++) {
		fixture_close(fixture);
		fixture_expect(
		    fixture, "SELECT sum(length(data)) FROM chunk", 3000000);
		fixture_expect(fixture, "SELECT count(*) FROM unfinished", 0);
		fixture_open(fixture);
	}
	assert_string_equal(
	    list(fixture, "home", 0, 1).text, "1/home/u/3000000 ");
	assert_true(read_part(fixture, 1, 0).length > 0);
	assert_int_equal(release(fixture, 1), STORE_OK);
	assert_int_equal(release(fixture, 1), STORE_NOT_FOUND);
	assert_string_equal(list(fixture, NULL, 0, 10).text, "");
	fixture_close(fixture);
	fixture_expect(fixture,
	    "SELECT (SELECT count(*) FROM chunk)"
	    " + (SELECT count(*) FROM unfinished)"
	    " + (SELECT count(*) FROM uid WHERE state <> 6)"
	    " + (SELECT count(*) FROM failure)",
	    0);
	free(bytes);
}

static void
released_message_is_fetched_and_counted_anew(void **state)
{
	struct fixture *fixture = *state;

	quarantine(fixture, "u", "half");
	assert_int_equal(release(fixture, 1), STORE_OK);
	quarantine(fixture, "u", "half");
	assert_int_equal(release(fixture, 2), STORE_OK);
	fixture_store(fixture, "u", "whole", 5);
	fixture_expect(fixture, "SELECT state FROM uid", 0);
}

static void
all_are_released_by_account(void **state)
{
	struct fixture *fixture = *state;
	int64_t home = fixture->account, work;

	quarantine(fixture, "a", "part of it");
	quarantine(fixture, "b", NULL);
	assert_int_equal(
	    fixture_account(fixture, "work", NULL, &work), STORE_OK);
	fixture->account = work;
	quarantine(fixture, "a", "part");
	quarantine(fixture, "c", NULL);
	quarantine(fixture, "d", NULL);
	assert_int_equal(quarantined(fixture), 5);
	fixture_close(fixture);
	fixture_open(fixture);
	assert_int_equal(quarantined(fixture), 5);
	expect_released(fixture, "nobody", "");
	expect_released(fixture, "home", "home:2 ");
	expect_released(fixture, "home", "");
	assert_int_equal(quarantined(fixture), 3);
	fixture_expect(fixture, "SELECT count(*) FROM uid WHERE state = 5", 3);
	/* They have waited. */
	fixture_expect(fixture,
	    "SELECT count(*) FROM uid WHERE state = 6 AND stored_ms = 0", 2);
	fixture->account = home;
	quarantine(fixture, "b", NULL);
	expect_released(fixture, NULL, "home:1 work:3 ");
	assert_int_equal(quarantined(fixture), 0);
	fixture_expect(fixture, "SELECT count(*) FROM quarantine", 0);
}

/* ---- bodies that are less than there is ---- */

static struct failed
doubt(struct fixture *fixture, const char *reason, const char *bytes,
    enum store_failed end)
{
	struct store_body_meta meta = fixture_meta(fixture, "u");
	struct store_failure failure = { .account_id = fixture->account,
		.unique_id = (const unsigned char *)"u",
		.unique_id_length = 1,
		.reason = reason,
		.attempts_most = MOST,
		.apart_ms = 3600000,
		.end = end };
	struct store_identity *identity = store_identity_new(fixture->account);
	struct failed failed = { 0 };

	assert_non_null(identity);
	meta.identity = identity;
	failure.body = store_body_new(fixture->store, &meta);
	assert_non_null(failure.body);
	store_body_append(
	    failure.body, (const unsigned char *)bytes, strlen(bytes));
	store_failure(fixture->store, &failure, answer_failed, &failed);
	fixture_wait(fixture, &failed.done);
	assert_int_equal(failed.status, STORE_OK);
	store_identity_free(&identity);
	return failed;
}

static void
an_hour_passes(struct fixture *fixture)
{
	fixture_change(
	    fixture, "UPDATE failure SET last_ms = last_ms - 3600001");
}

/* A server that is polled once a week must come to its end, too. */
static void
failures_are_remembered_for_90_days(void **state)
{
	struct fixture *fixture = *state;

	expect_failed(fixture, "u", "bytes", 1, false);
	fixture_change(
	    fixture, "UPDATE failure SET last_ms = last_ms - 89 * 86400000");
	expect_failed(fixture, "u", "bytes", 2, false);
	fixture_change(
	    fixture, "UPDATE failure SET last_ms = last_ms - 91 * 86400000");
	expect_failed(fixture, "u", "bytes", 1, false);
}

static void
same_few_bytes_are_stored_in_the_end(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(
	    doubt(fixture, "r", "few", STORE_FAILED_STORED).attempts, 1);
	/* At once it says no more. */
	assert_int_equal(
	    doubt(fixture, "r", "few", STORE_FAILED_STORED).attempts, 1);
	an_hour_passes(fixture);
	assert_int_equal(
	    doubt(fixture, "r", "few", STORE_FAILED_STORED).attempts, 2);
	an_hour_passes(fixture);
	/* Something else came. */
	assert_int_equal(
	    doubt(fixture, "s", "more", STORE_FAILED_STORED).attempts, 1);
	an_hour_passes(fixture);
	assert_int_equal(
	    doubt(fixture, "s", "more", STORE_FAILED_STORED).attempts, 2);
	fixture_expect(fixture, "SELECT count(*) FROM message", 0);
	an_hour_passes(fixture);
	assert_int_equal(
	    doubt(fixture, "s", "more", STORE_FAILED_STORED).outcome,
	    STORE_FAILED_STORED);
	fixture_expect(fixture, "SELECT octets FROM message", 4);
	fixture_expect(fixture, "SELECT count(*) FROM failure", 0);
	fixture_expect(fixture, "SELECT count(*) FROM quarantine", 0);
}

static void
doubts_may_be_counted_for_ever(void **state)
{
	struct fixture *fixture = *state;

	for (int i = 0; i < 2 * MOST; i++) {
		assert_int_equal(
		    doubt(fixture, "r", "", STORE_FAILED_COUNTED).outcome,
		    STORE_FAILED_COUNTED);
		an_hour_passes(fixture);
	}
	fixture_expect(fixture, "SELECT attempts FROM failure", 2 * MOST);
	fixture_expect(fixture, "SELECT count(*) FROM uid", 0);
}

struct before {
	bool done, all;
};

static void
take_before(enum store_status status, bool all, void *arg)
{
	struct before *before = arg;

	assert_int_equal(status, STORE_OK);
	before->done = true;
	before->all = all;
}

static bool
failed_before(struct fixture *fixture, const char *ids)
{
	struct store_uid uids[8] = { 0 };
	struct before before = { .done = false };
	size_t count = 0;

	for (; ids[count] != '\0'; count++) {
		uids[count].unique_id = (const unsigned char *)&ids[count];
		uids[count].unique_id_length = 1;
	}
	store_failed_before(fixture->store, fixture->account, uids, count,
	    take_before, &before);
	fixture_wait(fixture, &before.done);
	return before.all;
}

static void
whether_all_failed_before(void **state)
{
	struct fixture *fixture = *state;

	expect_failed(fixture, "a", NULL, 1, false);
	expect_failed(fixture, "b", NULL, 1, false);
	assert_true(failed_before(fixture, "a"));
	assert_true(failed_before(fixture, "ba"));
	assert_false(failed_before(fixture, "c"));
	assert_false(failed_before(fixture, "abc"));
}

/* Somebody fetched it before the row was released. */
static void
release_leaves_a_stored_message_alone(void **state)
{
	struct fixture *fixture = *state;

	quarantine(fixture, "u", "half");
	fixture_store(fixture, "u", "whole", 5);
	assert_int_equal(release(fixture, 1), STORE_OK);
	fixture_expect(fixture, "SELECT state FROM uid", 0);
	fixture_close(fixture);
	fixture_expect(fixture, "SELECT count(*) FROM chunk", 1);
}

static void
list_is_paged_by_account(void **state)
{
	struct fixture *fixture = *state;
	struct listed listed;
	int64_t home = fixture->account, other;

	assert_int_equal(
	    fixture_account(fixture, "other", NULL, &other), STORE_OK);
	quarantine(fixture, "a", NULL);
	fixture->account = other;
	quarantine(fixture, "b", NULL);
	fixture->account = home;
	quarantine(fixture, "c", NULL);
	listed = list(fixture, NULL, 0, 2);
	assert_string_equal(listed.text, "3/home/c/0 2/other/b/0 ");
	assert_true(listed.more);
	listed = list(fixture, NULL, listed.last_id, 2);
	assert_string_equal(listed.text, "1/home/a/0 ");
	assert_false(listed.more);
	listed = list(fixture, "home", 0, 9);
	assert_string_equal(listed.text, "3/home/c/0 1/home/a/0 ");
	assert_string_equal(list(fixture, "none", 0, 9).text, "");
}

static void
what_cannot_be_told_apart_is_not_counted(void **state)
{
	struct fixture *fixture = *state;

	for (int i = 0; i < 5; i++)
		expect_failed(fixture, NULL, "half", 0, false);
	fixture->account = 4711;
	assert_int_equal(
	    fail_with(fixture, "u", "half", 4).status, STORE_NOT_FOUND);
	fixture_close(fixture);
	fixture_expect(fixture,
	    "SELECT (SELECT count(*) FROM chunk)"
	    " + (SELECT count(*) FROM quarantine)"
	    " + (SELECT count(*) FROM failure)",
	    0);
}

/* Neither the count nor the bytes are half there. */
static void
failure_that_is_not_written_is_not_counted(void **state)
{
	struct fixture *fixture = *state;
	char *bytes = calloc(1, 900000);

	assert_non_null(bytes);
	expect_failed(fixture, "u", "half", 1, false);
	expect_failed(fixture, "u", "half", 2, false);
	faulty_set(0, SQLITE_IOERR_FSYNC);
	assert_int_equal(
	    fail_with(fixture, "u", bytes, 900000).status, STORE_IO);
	faulty_set(0, 0);
	while (store_health(fixture->store)->status != STORE_OK)
		fixture_turn(fixture, 10);
	assert_string_equal(list(fixture, NULL, 0, 9).text, "");
	/* A stored message is not failing, even where that was not known. */
	fixture_store(fixture, "u", "whole", 5);
	fixture_expect(fixture, "SELECT count(*) FROM failure", 0);
	quarantine(fixture, "v", "half");
	faulty_set(0, SQLITE_IOERR_FSYNC);
	assert_int_equal(release(fixture, 1), STORE_IO);
	faulty_set(0, 0);
	while (store_health(fixture->store)->status != STORE_OK)
		fixture_turn(fixture, 10);
	fixture_close(fixture);
	fixture_open(fixture);
	assert_string_equal(list(fixture, NULL, 0, 9).text, "1/home/v/4 ");
	assert_int_equal(read_part(fixture, 1, 0).length, 4);
	free(bytes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FAULTY_TEST(third_failure_is_the_last),
		FAULTY_TEST(stored_message_has_no_failures),
		FAULTY_TEST(failures_outlive_a_restart),
		FAULTY_TEST(quarantined_bytes_live_as_long_as_their_row),
		FAULTY_TEST(released_message_is_fetched_and_counted_anew),
		FAULTY_TEST(release_leaves_a_stored_message_alone),
		FAULTY_TEST(all_are_released_by_account),
		FAULTY_TEST(failures_are_remembered_for_90_days),
		FAULTY_TEST(same_few_bytes_are_stored_in_the_end),
		FAULTY_TEST(doubts_may_be_counted_for_ever),
		FAULTY_TEST(whether_all_failed_before),
		FAULTY_TEST(list_is_paged_by_account),
		FAULTY_TEST(what_cannot_be_told_apart_is_not_counted),
		FAULTY_TEST(failure_that_is_not_written_is_not_counted),
	};

	return cmocka_run_group_tests(tests, faulty_setup_group, NULL);
}
