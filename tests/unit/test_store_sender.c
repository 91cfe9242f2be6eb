/*
 * Searches by sender: what is found is the same however far the index has come,
 * and little is looked at once it is there.
 */
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/index/ahead.h"
#include "daemon/store/index/by_sender.h"
#include "daemon/store/index/fold.h"
#include "daemon/store/index/fulltext.h"
#include "daemon/store/index/index.h"
#include "daemon/store/index/sender.h"
#include "daemon/store/op.h"
#include "daemon/store/queue.h"
#include "daemon/store/sql/schema.h"
#include "lib/base/clock.h"
#include "tests/unit/test_store_fixture.h"

/* As in by_sender.c; so many newer ones, and the index is asked. */
#define WALK_FIRST  1024
#define SENDERS_FEW 1024
#define WALK_MOST   8192
/* As in fulltext.c. */
#define STEP_MESSAGES 8192
#define NEWER         (2 * STEP_MESSAGES + 100)

#define MESSAGES 300
#define PAGE     12

/* ---- what the linker puts in the place of the store's ---- */

static atomic_ulong looks; /* at senders of messages */

bool __real_store_fold_has(const char *, const char *);
bool __wrap_store_fold_has(const char *, const char *);

bool
__wrap_store_fold_has(const char *text, const char *folded)
{
	atomic_fetch_add(&looks, 1);
	return __real_store_fold_has(text, folded);
}

/* Constant while it is not 0, so that no step ends because of the time. */
static atomic_llong stopped_ms;

int64_t __real_evpop_clock_monotonic_ms(void);
int64_t __wrap_evpop_clock_monotonic_ms(void);

int64_t
__wrap_evpop_clock_monotonic_ms(void)
{
	int64_t ms = atomic_load(&stopped_ms);

	return ms != 0 ? ms : __real_evpop_clock_monotonic_ms();
}

/* ---- a file without a store ---- */

struct message {
	const char *sender; /* in lower case; NULL: none */
	int64_t account, stored_ms;
};

struct file {
	struct sql_db *db;
	struct store_queue queue;
	struct store_op waiting; /* so that a step takes one message */
	struct message messages[MESSAGES]; /* [0] has the id 1 */
};

static const char *const senders[] = { "anna <anna@example.org>",
	"bert <bert@example.org>", "\"anna\" b <ab@x>", "x", "ab", "", NULL,
	"\xc3\xbc\xc3\xbc\xc3\xbc <\xe5\xb1\xb1\xe7\x94\xb0@y>", "aaaaaa",
	"example.org", "a\"\"\"b <q@z>",
	"100% *sure* ^x:y (a) {b} - not or and",
	"a very long sender, a very long sender indeed <long@example.org>" };

static const char *const parts[] = { "", "a", "ab", "nn", "anna", "nna",
	"@example.org", "example.org>", "\xc3\xbc", "\xc3\xbc\xc3\xbc",
	"\xc3\xbc\xc3\xbc\xc3\xbc", "\xe5\xb1\xb1\xe7\x94\xb0",
	"<\xe5\xb1\xb1\xe7\x94\xb0@y", "aaaa", "aaaaaaa", "\"anna\"", "\"\"\"",
	"a\"\"\"b", "* ^x", "% *sure*", "{b} - not or and", "nobody", "exa org",
	"very long sender, a very long sender indeed <long@exam",
	"very long sender, a very short sender indeed <long@exam" };

static void
insert(struct file *file, int64_t id, const struct message *message)
{
	static const char sql[] =
	    "INSERT INTO message(id, account, body, octets, digest, stored_ms,"
	    " sender, attachments) VALUES(?1, ?2, -?1, 1, x'', ?3, ?4, 0)";
	struct sql_statement use;

	sql_prepare(&use, file->db, sql);
	sql_bind_int(&use, 1, id);
	sql_bind_int(&use, 2, message->account);
	sql_bind_int(&use, 3, message->stored_ms);
	sql_bind_text(&use, 4, message->sender);
	assert_int_equal(sql_run(&use), STORE_OK);
}

static void
fill(struct file *file)
{
	const struct message newer = { .account = 1, .stored_ms = 500 };
	uint32_t seed = 1;

	assert_int_equal(sql_exec(file->db, "BEGIN"), STORE_OK);
	assert_int_equal(
	    sql_exec(file->db, "INSERT INTO account(name) VALUES('a'), ('b')"),
	    STORE_OK);
	for (int64_t i = 0; i < MESSAGES; i++) {
		struct message *message = &file->messages[i];

		seed = seed * 1103515245 + 12345;
		message->sender = senders[(seed >> 16) %
					  (sizeof(senders) / sizeof(*senders))];
		message->account = 1 + (seed >> 8) % 2;
		message->stored_ms = (seed >> 12) % 1000;
		insert(file, i + 1, message);
	}
	for (int64_t i = 0; i < NEWER; i++)
		insert(file, MESSAGES + 1 + i, &newer);
	assert_int_equal(sql_exec(file->db, "COMMIT"), STORE_OK);
}

static struct file *
file_new(struct fixture *fixture)
{
	struct file *file = calloc(1, sizeof(*file));
	struct store_error error;
	FILE *made = fopen(fixture->path, "w");

	assert_non_null(file);
	assert_non_null(made);
	assert_int_equal(fclose(made), 0);
	assert_true(store_queue_init(&file->queue));
	assert_int_equal(
	    store_db_open(&file->db, fixture->path, SQL_WRITE), STORE_OK);
	assert_int_equal(
	    store_schema_open(file->db, fixture->path, &error), STORE_OK);
	assert_int_equal(store_index_restart(file->db), STORE_OK);
	fill(file);
	store_queue_push(&file->queue, &file->waiting);
	return file;
}

static void
file_free(struct file *file)
{
	assert_non_null(store_queue_take(&file->queue, STORE_QUEUE_NOW));
	store_queue_destroy(&file->queue);
	store_db_close(file->db);
	free(file);
}

/* ---- what is found, and what should be ---- */

static int64_t
account_id(const char *name)
{
	if (strcmp(name, "a") == 0)
		return 1;
	return strcmp(name, "b") == 0 ? 2 : 0;
}

static bool
should_be_found(
    const struct store_by_sender *wanted, const struct message *message)
{
	return message->sender != NULL &&
	       strstr(message->sender, wanted->part) != NULL &&
	       (wanted->account == NULL ||
		   account_id(wanted->account) == message->account) &&
	       message->stored_ms >= wanted->since_ms &&
	       message->stored_ms < wanted->before_ms;
}

static void
expect_same(struct file *file, const struct store_by_sender *wanted)
{
	int64_t ids[PAGE];
	size_t count, at = 0;
	bool is_damaged;

	assert_int_equal(
	    store_by_sender(file->db, wanted, ids, &count, &is_damaged),
	    STORE_OK);
	assert_false(is_damaged);
	for (int64_t i = MESSAGES - 1; i >= 0 && at < wanted->most; i--) {
		if (i + 1 >= wanted->below_id ||
		    !should_be_found(wanted, &file->messages[i]))
			continue;
		if (at >= count || ids[at] != i + 1)
			fail_msg("\"%s\" of %s from %lld to %lld: %lld is"
				 " not at %zu",
			    wanted->part, wanted->account,
			    (long long)wanted->since_ms,
			    (long long)wanted->before_ms, (long long)i + 1, at);
		at++;
	}
	assert_int_equal(count, at);
}

static void
expect_all(struct file *file)
{
	static const struct {
		const char *account;
		int64_t since_ms, before_ms, below_id;
		size_t most;
	} filters[] = {
		{ NULL, INT64_MIN, INT64_MAX, INT64_MAX, PAGE },
		{ NULL, INT64_MIN, INT64_MAX, 150, 1 },
		{ "a", INT64_MIN, INT64_MAX, INT64_MAX, PAGE },
		{ "b", INT64_MIN, INT64_MAX, 200, PAGE },
		{ "nobody", INT64_MIN, INT64_MAX, INT64_MAX, PAGE },
		{ NULL, 300, INT64_MAX, INT64_MAX, PAGE },
		{ NULL, INT64_MIN, 400, INT64_MAX, 3 },
		{ NULL, 600, 700, 250, PAGE },
		{ "a", 100, 900, 250, 2 },
		{ NULL, INT64_MIN, 0, INT64_MAX, PAGE },
	};

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		for (size_t j = 0; j < sizeof(filters) / sizeof(*filters);
		     j++) {
			const struct store_by_sender wanted = { .part =
								    parts[i],
				.account = filters[j].account,
				.since_ms = filters[j].since_ms,
				.before_ms = filters[j].before_ms,
				.below_id = filters[j].below_id,
				.most = filters[j].most };

			expect_same(file, &wanted);
		}
	}
}

static bool
step(struct file *file)
{
	bool more, damaged;

	if (store_index_step(file->db, NULL, &file->queue, &more, &damaged) !=
	    STORE_OK)
		fail_msg("%s", sql_words(file->db));
	assert_false(damaged);
	return more;
}

static int64_t
indexed(struct file *file)
{
	int64_t id;

	assert_int_equal(store_sender_indexed(file->db, &id), STORE_OK);
	return id;
}

/* How far the words are indexed. */
static int64_t
indexed_words(struct file *file)
{
	int64_t id;

	assert_int_equal(store_prepared_last(file->db, &id), STORE_OK);
	return id;
}

static void
the_index_changes_nothing(void **state)
{
	struct file *file = file_new(*state);

	expect_all(file);
	for (int64_t mark = 1; mark <= MESSAGES; mark++) {
		assert_true(step(file));
		assert_int_equal(indexed(file), mark);
		/* Senders come first. */
		assert_int_equal(indexed_words(file), 0);
		if (mark % 60 == 0)
			expect_all(file);
	}
	/* The rest at once. */
	assert_ptr_equal(
	    store_queue_take(&file->queue, STORE_QUEUE_NOW), &file->waiting);
	while (indexed(file) < MESSAGES + NEWER)
		step(file);
	store_queue_push(&file->queue, &file->waiting);
	expect_all(file);
	assert_int_equal(store_index_restart(file->db), STORE_OK);
	assert_int_equal(indexed(file), 0);
	expect_all(file);
	file_free(file);
}

static void
add(struct file *file, int64_t *last_id, int count, const char *format)
{
	assert_int_equal(sql_exec(file->db, "BEGIN"), STORE_OK);
	for (int i = 0; i < count; i++) {
		char sender[64];

		snprintf(sender, sizeof(sender), "%s%d@x", format, i);
		insert(file, ++*last_id,
		    &(struct message){
			format[0] == '=' ? format : sender, 1, 2 });
	}
	assert_int_equal(sql_exec(file->db, "COMMIT"), STORE_OK);
}

static void
index_all(struct file *file, int64_t last_id)
{
	assert_non_null(store_queue_take(&file->queue, STORE_QUEUE_NOW));
	while (indexed(file) < last_id)
		step(file);
	store_queue_push(&file->queue, &file->waiting);
}

/* Returns how many senders of messages were looked at. */
static unsigned long
look_for(struct file *file, const char *part, int64_t first_id, size_t found)
{
	const struct store_by_sender wanted = { .part = part,
		.since_ms = INT64_MIN,
		.before_ms = INT64_MAX,
		.below_id = INT64_MAX,
		.most = PAGE };
	int64_t ids[PAGE];
	size_t count;
	bool is_damaged;

	atomic_store(&looks, 0);
	assert_int_equal(
	    store_by_sender(file->db, &wanted, ids, &count, &is_damaged),
	    STORE_OK);
	assert_int_equal(count, found);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(ids[i], first_id - (int64_t)i);
	return atomic_load(&looks);
}

/*
 * Of a part that no, few, many and very many senders have, whose messages are
 * old, and of one in new messages.
 */
static void
little_is_looked_at(void **state)
{
	struct file *file = file_new(*state);
	int64_t id = MESSAGES + NEWER, few, many;

	add(file, &id, SENDERS_FEW / 2, "few");
	few = id;
	add(file, &id, SENDERS_FEW + 100, "many");
	many = id;
	add(file, &id, WALK_FIRST + WALK_MOST + 100, "=newer@x");
	index_all(file, id);
	assert_int_equal(look_for(file, "newer", id, PAGE), PAGE);
	assert_int_equal(look_for(file, "nobody@x", 0, 0), WALK_FIRST);
	assert_int_equal(
	    look_for(file, "few12@", few - SENDERS_FEW / 2 + 13, 1),
	    WALK_FIRST);
	assert_int_equal(look_for(file, "few", few, PAGE), WALK_FIRST);
	assert_int_equal(look_for(file, "fe", few, PAGE), WALK_FIRST);
	assert_int_equal(
	    look_for(file, "many", many, PAGE), WALK_FIRST + WALK_MOST);
	file_free(file);
}

/* With either end of a time, what was stored in it, and nothing else. */
static void
a_time_is_looked_at(void **state)
{
	static const struct {
		int64_t since_ms, before_ms;
	} times[] = {
		{ 900, INT64_MAX },
		{ INT64_MIN, 100 },
		{ 900, 950 },
	};
	struct file *file = file_new(*state);

	index_all(file, MESSAGES + NEWER);
	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
		const struct store_by_sender wanted = { .part = "nobody",
			.since_ms = times[i].since_ms,
			.before_ms = times[i].before_ms,
			.below_id = INT64_MAX,
			.most = PAGE };
		unsigned long within = 0;

		for (int64_t j = 0; j < MESSAGES; j++)
			within +=
			    file->messages[j].sender != NULL &&
			    file->messages[j].stored_ms >= wanted.since_ms &&
			    file->messages[j].stored_ms < wanted.before_ms;
		assert_true(within > 0);
		atomic_store(&looks, 0);
		expect_same(file, &wanted);
		assert_int_equal(atomic_load(&looks), within);
	}
	file_free(file);
}

/* However little time they take, not more messages are indexed at once. */
static void
a_step_takes_so_many(void **state)
{
	struct file *file = file_new(*state);
	bool more, damaged;

	assert_non_null(store_queue_take(&file->queue, STORE_QUEUE_NOW));
	for (int64_t step = 1; step <= 2; step++) {
		enum store_status status;

		assert_int_equal(sql_begin(file->db, SQL_WRITE), STORE_OK);
		atomic_store(&stopped_ms, 1000);
		status = store_fulltext_step(
		    file->db, NULL, &file->queue, &more, &damaged);
		atomic_store(&stopped_ms, 0);
		assert_int_equal(status, STORE_OK);
		assert_true(more);
		assert_int_equal(indexed_words(file), step * STEP_MESSAGES);
		assert_int_equal(sql_commit(file->db), STORE_OK);
	}
	store_queue_push(&file->queue, &file->waiting);
	file_free(file);
}

static bool
merge(struct file *file, int64_t least)
{
	bool more, damaged;

	assert_int_equal(sql_begin(file->db, SQL_WRITE), STORE_OK);
	assert_int_equal(
	    store_fulltext_merge(file->db, least, &more, &damaged), STORE_OK);
	assert_int_equal(sql_commit(file->db), STORE_OK);
	return more;
}

static int64_t
count(struct file *file, const char *sql)
{
	int64_t value;

	assert_int_equal(sql_integer(file->db, sql, &value), STORE_OK);
	return value;
}

/* The segments become one, once enough of them is new, and say the same. */
static void
segments_are_merged(void **state)
{
	static const char segments[] =
	    "SELECT count(DISTINCT segid) FROM fulltext_idx";
	static const char found[] =
	    "SELECT total(rowid) FROM fulltext WHERE fulltext MATCH 'exa*'";
	struct file *file = file_new(*state);
	int64_t before, most;

	assert_non_null(store_queue_take(&file->queue, STORE_QUEUE_NOW));
	while (step(file))
		;
	store_queue_push(&file->queue, &file->waiting);
	before = count(file, found);
	most = indexed_words(file);
	assert_true(before > 0);
	assert_true(count(file, segments) > 1);
	assert_false(merge(file, most + 1));
	assert_true(count(file, segments) > 1);
	assert_true(merge(file, most));
	while (merge(file, most))
		;
	assert_int_equal(count(file, segments), 1);
	assert_int_equal(count(file, found), before);
	assert_int_equal(sql_exec(file->db, "INSERT INTO fulltext(fulltext)"
					    " VALUES('integrity-check')"),
	    STORE_OK);
	/* Nothing is new since. */
	assert_false(merge(file, 1));
	file_free(file);
}

/* ---- in a store ---- */

struct seen {
	bool done;
	size_t count;
};

static void
see(enum store_status status, const struct store_search_page *page, void *arg)
{
	struct seen *seen = arg;

	assert_int_equal(status, STORE_OK);
	for (size_t i = 0; i < page->count; i++)
		assert_string_equal(
		    page->rows[i].sender, "Old <old@example.org>");
	seen->count = page->count;
	seen->done = true;
}

static size_t
search(struct fixture *fixture, const char *from)
{
	const struct store_message_filter filter = { .from = from,
		.limit = PAGE };
	struct seen seen = { 0 };

	store_search(fixture->store, &filter, see, &seen);
	fixture_wait(fixture, &seen.done);
	return seen.count;
}

static void
add_old_and_newer(struct fixture *fixture)
{
	char sql[400];

	snprintf(sql, sizeof(sql),
	    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
	    " WHERE i < %d) INSERT INTO message(account, body, octets, digest,"
	    " stored_ms, sender, attachments) SELECT 1, -i, 1, zeroblob(32), i,"
	    " CASE WHEN i <= 2 THEN 'Old <old@example.org>' ELSE 'n' || i END,"
	    " 0 FROM n",
	    NEWER);
	fixture_change(fixture, sql);
}

static void
wait_for_index(struct fixture *fixture)
{
	for (int turns = 0;
	     fixture_integer(fixture, "SELECT count(*) FROM sent") < NEWER;
	     turns++) {
		assert_true(turns < 3000);
		fixture_turn(fixture, 20);
	}
}

/* As in a file of an earlier version: nobody stores anything. */
static void
what_was_there_is_indexed_by_itself(void **state)
{
	struct fixture *fixture = *state;

	add_old_and_newer(fixture);
	fixture_close(fixture);
	fixture_open(fixture);
	assert_int_equal(search(fixture, "OLD@"), 2);
	wait_for_index(fixture);
	assert_int_equal(search(fixture, "OLD@"), 2);
}

static void
damage_costs_time_only(void **state)
{
	struct fixture *fixture = *state;

	add_old_and_newer(fixture);
	fixture_close(fixture);
	fixture_open(fixture);
	wait_for_index(fixture);
	fixture_close(fixture);
	fixture_change(fixture,
	    "UPDATE sender_text_data SET block = x'ffffffffff' WHERE id = 10");
	fixture_open(fixture);
	assert_int_equal(search(fixture, "OLD@"), 2);
	/* It is made anew, and found to be sound. */
	for (int turns = 0; fixture_integer(fixture,
				"SELECT length(block) FROM sender_text_data"
				" WHERE id = 10") <= 5;
	     turns++) {
		assert_true(turns < 3000);
		fixture_turn(fixture, 20);
	}
	wait_for_index(fixture);
	assert_int_equal(search(fixture, "OLD@"), 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_index_changes_nothing,
		    fixture_setup_folder, fixture_teardown),
		cmocka_unit_test_setup_teardown(little_is_looked_at,
		    fixture_setup_folder, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_time_is_looked_at,
		    fixture_setup_folder, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_step_takes_so_many,
		    fixture_setup_folder, fixture_teardown),
		cmocka_unit_test_setup_teardown(segments_are_merged,
		    fixture_setup_folder, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    what_was_there_is_indexed_by_itself, fixture_setup,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    damage_costs_time_only, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
