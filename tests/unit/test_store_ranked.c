/*
 * Searches beyond the newest first: ranked, with pieces of the text, and what
 * is said of the index.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/index/ranked.h"
#include "tests/unit/test_store_fixture.h"

struct seen {
	bool done, more, is_complete, is_ranked_all;
	size_t count;
	unsigned ranked_among;
	int64_t top_id;
	char subjects[256], snippets[1024]; /* each with a space behind it */
};

static void
append(char *text, size_t size, const char *more)
{
	size_t length = strlen(text);

	snprintf(text + length, size - length, "%s ", more);
}

static void
see_snippet(struct seen *seen, const struct store_snippet *snippet)
{
	char hit[64];

	append(seen->snippets, sizeof(seen->snippets), snippet->text);
	for (size_t i = 0; i < snippet->hit_count; i++) {
		snprintf(hit, sizeof(hit), "%u+%u", snippet->hits[i].start,
		    snippet->hits[i].length);
		append(seen->snippets, sizeof(seen->snippets), hit);
	}
}

static void
see(enum store_status status, const struct store_search_page *page, void *arg)
{
	struct seen *seen = arg;

	assert_int_equal(status, STORE_OK);
	for (size_t i = 0; i < page->count && i < 10; i++) {
		append(seen->subjects, sizeof(seen->subjects),
		    page->rows[i].subject);
		if (page->snippets != NULL)
			see_snippet(seen, &page->snippets[i]);
	}
	seen->count = page->count;
	seen->more = page->more;
	seen->is_complete = page->is_complete;
	seen->is_ranked_all = page->is_ranked_all;
	seen->ranked_among = page->ranked_among;
	seen->top_id = page->top_id;
	seen->done = true;
}

static struct seen
search(struct fixture *fixture, const struct store_message_filter *filter)
{
	struct seen seen = { .done = false };

	store_search(fixture->store, filter, see, &seen);
	fixture_wait(fixture, &seen.done);
	return seen;
}

static struct seen
rank(struct fixture *fixture, const char *query)
{
	return search(fixture,
	    &(struct store_message_filter){
		.query = query, .order = STORE_ORDER_RANKED, .limit = 10 });
}

static void
put(struct fixture *fixture, const char *subject, const char *text)
{
	char message[2048];
	int length = snprintf(message, sizeof(message),
	    "From: a@x\r\nSubject: %s\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n\r\n%s\r\n",
	    subject, text);

	(void)fixture_store(fixture, NULL, message, (size_t)length);
}

static void
wait_for(struct fixture *fixture, const char *query, size_t count)
{
	for (int i = 0; i < 3000; i++) {
		if (fixture_find(fixture, query).count >= count)
			return;
		fixture_turn(fixture, 10);
	}
	fail_msg("%s never came into the index", query);
}

#define MANY                                                          \
	"lorem ipsum dolor sit amet consectetur adipiscing elit sed " \
	"do eiusmod tempor incididunt ut labore et dolore magna "

static void
what_fits_best_is_first(void **state)
{
	static const struct {
		const char *query, *found;
	} cases[] = {
		/* In a subject; in a short text; in a long one. */
		{ "apple", "apple short long " },
		{ "apple OR pear", "pears apple short long " },
		/* What few messages have tells more. */
		{ "lorem OR rarely", "odd long pears " },
		{ "apple -short", "apple long " },
		{ "subject:apple", "apple " },
		{ "nothing", "" },
		/* Without words that tell anything, the newest are first. */
		{ "larger:1", "last odd pears short apple long " },
		{ "-apple", "last odd pears " },
		{ "account:home apple", "apple short long " },
		{ "account:work apple", "" },
	};
	struct fixture *fixture = *state;

	put(fixture, "long", "apple " MANY MANY);
	put(fixture, "apple", "of something else " MANY);
	put(fixture, "short", "an apple");
	put(fixture, "pears", "pear pear pear " MANY);
	put(fixture, "odd", "rarely " MANY);
	put(fixture, "last", "end");
	wait_for(fixture, "subject:last", 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct seen seen = rank(fixture, cases[i].query);

		if (strcmp(cases[i].query, "lorem OR rarely") == 0)
			assert_memory_equal(seen.subjects, "odd ", 4);
		else if (strcmp(seen.subjects, cases[i].found) != 0)
			fail_msg("%s: %s", cases[i].query, seen.subjects);
		assert_true(seen.is_ranked_all && seen.is_complete);
	}
}

/* Not the rarest of the words that begin so, which may be a slip, is first. */
static void
a_beginning_counts_as_one_word(void **state)
{
	static const char *const queries[] = { "orch*", "or*", "orc*",
		"zero orch*", "(orch* OR none) -nothing", "\"an orch\"*" };
	struct fixture *fixture = *state;

	for (int i = 0; i < 8; i++)
		put(fixture, "other", "zero " MANY);
	put(fixture, "rare", "zero an orchards " MANY MANY);
	for (int i = 0; i < 4; i++)
		put(fixture, "short", "zero an orchard");
	wait_for(fixture, "orchard", 4);
	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
		struct seen seen = rank(fixture, queries[i]);

		if (strcmp(seen.subjects, "short short short short rare ") != 0)
			fail_msg("%s: %s", queries[i], seen.subjects);
	}
}

static void
ranked_pages_go_on_among_the_same(void **state)
{
	struct fixture *fixture = *state;
	struct store_message_filter filter = {
		.query = "apple", .order = STORE_ORDER_RANKED, .limit = 2
	};
	struct seen seen;

	put(fixture, "c", MANY "apple");
	put(fixture, "apple", "a");
	put(fixture, "b", "apple");
	wait_for(fixture, "apple", 3);
	seen = search(fixture, &filter);
	assert_string_equal(seen.subjects, "apple b ");
	assert_true(seen.more);
	assert_int_equal(seen.ranked_among, 3);
	put(fixture, "apple apple", "apple");
	wait_for(fixture, "apple", 4);
	filter.below_id = seen.top_id + 1;
	filter.skip = 2;
	seen = search(fixture, &filter);
	assert_string_equal(seen.subjects, "c ");
	assert_false(seen.more);
}

/* More than are scored: the newest of them are. */
static void
the_newest_are_ranked(void **state)
{
	struct fixture *fixture = *state;
	char sql[512];
	struct seen seen;

	snprintf(sql, sizeof(sql),
	    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
	    " WHERE i < %d) INSERT INTO message(account, body, octets, digest,"
	    " stored_ms, subject, attachments) SELECT 1, -i, 1, zeroblob(32),"
	    " i, CASE i WHEN 1 THEN 'apple' ELSE 'apple and others' END, 0"
	    " FROM n",
	    RANKED_AMONG + 1);
	fixture_change(fixture, sql);
	put(fixture, "last", "end");
	wait_for(fixture, "subject:last", 1);
	seen = rank(fixture, "apple");
	assert_int_equal(seen.ranked_among, RANKED_AMONG);
	assert_false(seen.is_ranked_all);
	assert_null(strstr(seen.subjects, "apple apple"));
	seen = rank(fixture, "last");
	assert_int_equal(seen.ranked_among, 1);
	assert_true(seen.is_ranked_all);
}

static void
snippets_show_why(void **state)
{
	struct fixture *fixture = *state;
	struct store_message_filter filter = {
		.query = "apple", .wants_snippets = true, .limit = 10
	};
	struct seen seen;

	put(fixture, "one", "An apple a day.");
	put(fixture, "apple", "Of something else.");
	wait_for(fixture, "apple", 2);
	seen = search(fixture, &filter);
	assert_string_equal(
	    seen.snippets, "Of something else. An apple a day. 3+5 ");
	filter.order = STORE_ORDER_RANKED;
	seen = search(fixture, &filter);
	assert_non_null(strstr(seen.snippets, "An apple a day. 3+5 "));
	filter.wants_snippets = false;
	assert_string_equal(search(fixture, &filter).snippets, "");
}

/* Before the index has all, the answer says so. */
static void
an_index_that_is_behind_is_told(void **state)
{
	struct fixture *fixture = *state;
	struct store_message_filter filter = { .query = "apple", .limit = 10 };

	put(fixture, "one", "apple");
	wait_for(fixture, "apple", 1);
	assert_true(search(fixture, &filter).is_complete);
	fixture_change(
	    fixture, "UPDATE meta SET value = value - 1 WHERE key = 'indexed'");
	assert_false(search(fixture, &filter).is_complete);
	/* One that is of another version knows nothing. */
	fixture_change(fixture,
	    "DROP TABLE fulltext;"
	    "CREATE VIRTUAL TABLE fulltext USING fts5(body, content='')");
	assert_int_equal(search(fixture, &filter).count, 0);
	assert_false(search(fixture, &filter).is_complete);
	/* Words were not asked for. */
	filter.query = NULL;
	assert_true(search(fixture, &filter).is_complete);
	assert_int_equal(search(fixture, &filter).count, 1);
}

static bool
read_time(const char *text, int64_t now_ms, int64_t *time_ms_r)
{
	*time_ms_r = now_ms + strtoll(text, NULL, 10);
	return true;
}

/* Times within a question, and beside it: all of them hold. */
static void
times_within_a_question_bound_it(void **state)
{
	static const struct {
		const char *query;
		int64_t since_ms;
		const char *found;
	} cases[] = {
		{ "apple since:2000", 0, "three two " },
		{ "since:2000", 0, "three two " },
		{ "apple before:2000", 0, "one " },
		{ "before:2000", 0, "one " },
		{ "since:1500 before:2500 apple", 0, "two " },
		{ "since:1500 apple", 2500, "three " },
		{ "since:2500 apple", 1500, "three " },
		{ "-since:2000 apple", 0, "one " },
		{ "since:3000 OR before:2000", 0, "three one " },
		{ "(since:3000 apple) OR subject:one", 0, "three one " },
		{ "since:9000 apple", 0, "" },
		{ "before:0 apple", 0, "" },
	};
	struct fixture *fixture = *state;

	put(fixture, "one", "apple");
	put(fixture, "two", "apple");
	put(fixture, "three", "apple");
	wait_for(fixture, "apple", 3);
	fixture_change(fixture, "UPDATE message SET stored_ms = id * 1000");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (int ranked = 0; ranked < 2; ranked++) {
			const struct store_message_filter filter = {
				.query = cases[i].query,
				.query_time = read_time,
				.has_since = cases[i].since_ms != 0,
				.since_ms = cases[i].since_ms,
				.order = ranked ? STORE_ORDER_RANKED
						: STORE_ORDER_NEWEST,
				.limit = 10
			};
			struct seen seen = search(fixture, &filter);

			if (strcmp(seen.subjects, cases[i].found) != 0)
				fail_msg(
				    "%s: %s", cases[i].query, seen.subjects);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(what_fits_best_is_first),
		FIXTURE_TEST(a_beginning_counts_as_one_word),
		FIXTURE_TEST(ranked_pages_go_on_among_the_same),
		FIXTURE_TEST(the_newest_are_ranked),
		FIXTURE_TEST(snippets_show_why),
		FIXTURE_TEST(an_index_that_is_behind_is_told),
		FIXTURE_TEST(times_within_a_question_bound_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
