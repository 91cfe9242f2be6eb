#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "tests/unit/test_store_faulty.h"
#include "tests/unit/test_store_fixture.h"

/* A run of bodies: alone, in pieces, and some in one transaction. */
#define BODIES 7
static const size_t lengths[BODIES] = { 5, 40000, 1, 20, 0, 4000, 9 };
#define LONGEST 40000

/* Of the file. */
#define PAGE ((size_t)16384)

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
	struct store_check check = fixture_check(fixture);

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
	/* What is packed takes fewer pages. */
	long writes_least = fixture->config.pack_level == 0 ? 40 : 25;
	long count = 0;

	while (fail_nth(fixture, operation, code, count, 1))
		count++;
	/* Fewer would say that the run is not what it was. */
	assert_true(count >= (operation == FAULTY_SYNC ? 3 : writes_least));
	assert_true(fail_nth(fixture, operation, code, 0, -1));
	/* Bodies that are committed together make fewer calls. */
	for (long skip = 1; skip < count; skip += 1 + count / 20)
		(void)fail_nth(fixture, operation, code, skip, -1);
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

static void
each_write_may_fail_packed(void **state)
{
	struct fixture *fixture = *state;

	fixture->config.pack_level = STORE_PACK_LEVEL;
	fail_each(fixture, FAULTY_WRITE, SQLITE_IOERR_WRITE);
}

static void
each_sync_may_fail_packed(void **state)
{
	struct fixture *fixture = *state;

	fixture->config.pack_level = STORE_PACK_LEVEL;
	fail_each(fixture, FAULTY_SYNC, SQLITE_IOERR_FSYNC);
}

/* ---- a disk without room ---- */

/* Put bodies until one is refused; returns how many were not. */
static size_t
fill_up(struct fixture *fixture, const unsigned char *bytes, size_t length)
{
	for (size_t i = 0; i < 1000; i++) {
		char id[16];
		enum store_status status;

		snprintf(id, sizeof(id), "fill%zu", i);
		status = fixture_put(fixture, id, bytes, length, NULL);
		if (status == STORE_OK)
			continue;
		assert_int_equal(status, STORE_FULL);
		return i;
	}
	fail_msg("it never becomes full");
	return 0;
}

static void
expect_full(struct fixture *fixture, size_t count)
{
	const struct store_error *health = store_health(fixture->store);

	for (int i = 0; health->status == STORE_OK && i < 12000; i++)
		fixture_turn(fixture, 5);
	assert_int_equal(health->status, STORE_FULL);
	assert_non_null(strstr(health->text, "free space"));
	assert_true(count > 0);
	fixture_expect(fixture, "SELECT count(*) FROM message", (int64_t)count);
	fixture_expect(fixture, "SELECT count(*) FROM uid", (int64_t)count);
}

static void
limit_files(rlim_t size)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = size == 0 ? limit.rlim_max : size;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* As `ulimit -f` or a quota does it; the log is what grows first. */
static void
limit_of_the_file_is_waited_for(void **state)
{
	struct fixture *fixture = *state;
	unsigned char *bytes = calloc(1, 100000);
	int64_t deadline_ms = evpop_clock_monotonic_ms() + 60000;
	size_t count;

	assert_non_null(bytes);
	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	fixture_open(fixture);
	limit_files(3000000);
	count = fill_up(fixture, bytes, 100000);
	expect_full(fixture, count);
	limit_files(0);
	while (store_health(fixture->store)->status != STORE_OK) {
		assert_true(evpop_clock_monotonic_ms() < deadline_ms);
		fixture_turn(fixture, 10);
	}
	fixture_store(fixture, "after", bytes, 100000);
	free(bytes);
}

static int most_pages;

/* SQLite's own bound, which is each connection's. */
static int
bound_pages(sqlite3 *handle, char **words, const void *api)
{
	char sql[64];

	(void)words;
	(void)api;
	snprintf(sql, sizeof(sql), "PRAGMA max_page_count = %d", most_pages);
	return sqlite3_exec(handle, sql, NULL, NULL, NULL);
}

static void
limit_of_pages_loses_nothing(void **state)
{
	struct fixture *fixture = *state;
	unsigned char *bytes = calloc(1, 100000);
	struct store_uid_change change = { .unique_id =
					       (const unsigned char *)"fill0",
		.unique_id_length = 5,
		.state = STORE_UID_DELETED };
	struct answer answer = { 0 };
	size_t count;

	assert_non_null(bytes);
	fixture_open(fixture);
	fixture_close(fixture);
	most_pages = 200;
	assert_int_equal(
	    sqlite3_auto_extension((void (*)(void))bound_pages), SQLITE_OK);
	fixture_open(fixture);
	count = fill_up(fixture, bytes, 100000);
	expect_full(fixture, count);
	store_uids_change(
	    fixture->store, fixture->account, &change, 1, answer_done, &answer);
	fixture_wait(fixture, &answer.done);
	fixture_close(fixture);
	sqlite3_cancel_auto_extension((void (*)(void))bound_pages);
	fixture_open(fixture);
	fixture_expect(fixture, "SELECT count(*) FROM message", (int64_t)count);
	fixture_store(fixture, "after", bytes, 100000);
	free(bytes);
}

/* ---- a damaged file ---- */

static void
expect_known(enum store_status status)
{
	if (status != STORE_OK && status != STORE_DAMAGED &&
	    status != STORE_NOT_FOUND)
		fail_msg("unexpected: %s", store_status_name(status));
}

static void
ask_all(struct fixture *fixture)
{
	static const char *const queries[] = { NULL, "word" };
	struct answer answer = { 0 };

	for (size_t i = 0; i < 2; i++) {
		struct store_message_filter filter = { .limit = 100,
			.query = queries[i] };
		struct found found = { .done = false };

		store_search(fixture->store, &filter, found_messages, &found);
		fixture_wait(fixture, &found.done);
		expect_known(found.status);
	}
	for (int64_t id = 1; id <= BODIES; id++) {
		struct found found = { .done = false };

		store_body_read(fixture->store, id, 0, found_part, &found);
		fixture_wait(fixture, &found.done);
		expect_known(found.status);
	}
	for (size_t i = 0; i < 2; i++) {
		struct found found = { .done = false };

		store_uids(fixture->store, 1, NULL, found_uids, &found);
		fixture_wait(fixture, &found.done);
		expect_known(found.status);
		commit(fixture, 3 * i, &answer);
		fixture_wait(fixture, &answer.done);
		expect_known(answer.status);
		answer.done = false;
	}
}

/* Returns whether the damage was found, by whatever means. */
static bool
live_with(struct fixture *fixture)
{
	struct store_error error;
	struct answer answer = { 0 };
	bool found;

	if (store_open(&fixture->store, &fixture->config, fixture->base,
		&error) != STORE_OK) {
		assert_int_equal(error.status, STORE_DAMAGED);
		if (strstr(error.text, fixture->path) == NULL)
			fail_msg(
			    "\"%s\" does not say which file it is", error.text);
		return true;
	}
	store_account(fixture->store, "home", NULL, answer_account, &answer);
	fixture_wait(fixture, &answer.done);
	expect_known(answer.status);
	found = fixture_check(fixture).problems > 0;
	ask_all(fixture);
	fixture_close(fixture);
	return found;
}

static size_t
read_whole(const char *path, unsigned char **bytes_r)
{
	FILE *file = fopen(path, "r");
	long length;

	assert_non_null(file);
	assert_int_equal(fseek(file, 0, SEEK_END), 0);
	length = ftell(file);
	assert_true(length > 0);
	rewind(file);
	*bytes_r = malloc((size_t)length);
	assert_non_null(*bytes_r);
	assert_int_equal(fread(*bytes_r, 1, (size_t)length, file), length);
	assert_int_equal(fclose(file), 0);
	return (size_t)length;
}

static void
write_damaged(struct fixture *fixture, const unsigned char *bytes,
    size_t length, size_t page, unsigned seed)
{
	FILE *file = fopen(fixture->path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, length, file), length);
	assert_int_equal(fseek(file, (long)(page * PAGE), SEEK_SET), 0);
	for (size_t i = 0; i < PAGE; i++) {
		seed = seed * 1103515245 + 12345;
		assert_int_not_equal(
		    fputc((int)(seed >> 16 & 0xff), file), EOF);
	}
	assert_int_equal(fclose(file), 0);
}

/* Each page of a file without a free one in turn is overwritten. */
static void
damage_is_told_and_survived(void **state)
{
	struct fixture *fixture = *state;
	struct answer answers[BODIES];
	unsigned char *bytes;
	size_t length, pages;

	fixture_open(fixture);
	run_bodies(fixture, answers);
	fixture_turn(fixture, 200);
	fixture_close(fixture);
	fixture_change(fixture, "VACUUM");
	length = read_whole(fixture->path, &bytes);
	assert_int_equal(length % PAGE, 0);
	pages = length / PAGE;
	for (size_t page = 0; page < pages; page++) {
		write_damaged(fixture, bytes, length, page, (unsigned)page + 1);
		if (!live_with(fixture))
			fail_msg("nobody noticed page %zu of %zu", page, pages);
	}
	free(bytes);
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
install(void **state)
{
	(void)state;
	faulty_install();
	faulty_watch(NULL, note_failed);
	return 0;
}

#define TEST(function) \
	cmocka_unit_test_setup_teardown(function, setup, faulty_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_write_may_fail),
		TEST(each_sync_may_fail),
		TEST(each_write_may_fail_packed),
		TEST(each_sync_may_fail_packed),
		TEST(limit_of_the_file_is_waited_for),
		TEST(limit_of_pages_loses_nothing),
		TEST(damage_is_told_and_survived),
	};

	return cmocka_run_group_tests(tests, install, NULL);
}
