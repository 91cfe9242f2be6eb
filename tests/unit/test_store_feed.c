/* The feed of messages: none is missed, whatever happens between two pages. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/test_store_fixture.h"

#define MOST 16

struct page {
	bool done;
	enum store_status status;
	int64_t ids[MOST];
	size_t count;
	bool has_more;
	int64_t next_id, newest_id;
};

static void
take(enum store_status status, const struct store_feed_page *rows, void *arg)
{
	struct page *page = arg;

	page->done = true;
	page->status = status;
	page->has_more = rows->has_more;
	page->next_id = rows->next_id;
	page->newest_id = rows->newest_id;
	assert_true(rows->count <= MOST);
	for (size_t i = 0; i < rows->count; i++)
		page->ids[page->count++] = rows->rows[i].id;
}

static struct page
ask(struct fixture *fixture, const char *account, int64_t after_id,
    unsigned limit)
{
	struct page page;

	memset(&page, 0, sizeof(page));
	store_feed(fixture->store, account, NULL, after_id, limit, take, &page);
	fixture_wait(fixture, &page.done);
	return page;
}

/* What a page has to be. */
static void
expect(const struct page *page, const int64_t *ids, size_t count, bool has_more,
    int64_t next_id)
{
	assert_int_equal(page->status, STORE_OK);
	assert_int_equal(page->count, count);
	assert_memory_equal(page->ids, ids, count * sizeof(ids[0]));
	assert_int_equal(page->has_more, has_more);
	assert_int_equal(page->next_id, next_id);
}

static void
put(struct fixture *fixture, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		(void)fixture_store(fixture, NULL, "a: b\r\n\r\n", 8);
}

/* As the store deletes: with a tombstone of the same id. */
static void
drop(const struct fixture *fixture, int64_t id)
{
	char sql[256];

	snprintf(sql, sizeof(sql),
	    "INSERT INTO tombstone SELECT id, account, octets, digest,"
	    " stored_ms, NULL, 1, 'test', 'test' FROM message WHERE id = %lld;"
	    " DELETE FROM message WHERE id = %lld",
	    (long long)id, (long long)id);
	fixture_change(fixture, sql);
}

static void
test_pages_go_on(void **state)
{
	struct fixture *fixture = *state;
	struct page page = ask(fixture, NULL, 0, 2);

	expect(&page, NULL, 0, false, 0);
	put(fixture, 5);
	page = ask(fixture, NULL, 0, 2);
	expect(&page, (int64_t[]){ 1, 2 }, 2, true, 2);
	page = ask(fixture, NULL, page.next_id, 2);
	expect(&page, (int64_t[]){ 3, 4 }, 2, true, 4);
	page = ask(fixture, NULL, page.next_id, 2);
	expect(&page, (int64_t[]){ 5 }, 1, false, 5);
	page = ask(fixture, NULL, page.next_id, 2);
	expect(&page, NULL, 0, false, 5);
	/* A page that is just full has nothing behind it. */
	page = ask(fixture, NULL, 3, 2);
	expect(&page, (int64_t[]){ 4, 5 }, 2, false, 5);
}

/* The id of a deleted message is not given again, nor is it an error. */
static void
test_deleted_messages(void **state)
{
	struct fixture *fixture = *state;
	struct page page;

	put(fixture, 3);
	drop(fixture, 2);
	page = ask(fixture, NULL, 0, 10);
	expect(&page, (int64_t[]){ 1, 3 }, 2, false, 3);
	drop(fixture, 3);
	page = ask(fixture, NULL, page.next_id, 10);
	expect(&page, NULL, 0, false, 3);
	put(fixture, 1);
	page = ask(fixture, NULL, page.next_id, 10);
	expect(&page, (int64_t[]){ 4 }, 1, false, 4);
	drop(fixture, 1);
	drop(fixture, 4);
	page = ask(fixture, NULL, 0, 10);
	expect(&page, NULL, 0, false, 4);
}

/* What is other accounts' is not looked at twice. */
static void
test_one_account(void **state)
{
	struct fixture *fixture = *state;
	int64_t home = fixture->account;
	struct page page;

	assert_int_equal(
	    fixture_account(fixture, "away", NULL, &fixture->account),
	    STORE_OK);
	put(fixture, 2);
	fixture->account = home;
	put(fixture, 3);
	page = ask(fixture, "away", 0, 1);
	expect(&page, (int64_t[]){ 1 }, 1, true, 1);
	page = ask(fixture, "away", page.next_id, 1);
	expect(&page, (int64_t[]){ 2 }, 1, false, 5);
	page = ask(fixture, "home", 0, 2);
	expect(&page, (int64_t[]){ 3, 4 }, 2, true, 4);
	page = ask(fixture, "home", page.next_id, 2);
	expect(&page, (int64_t[]){ 5 }, 1, false, 5);
	page = ask(fixture, "nobody", 0, 2);
	expect(&page, NULL, 0, false, 5);
}

/* An id of another store is an error, and no wait for ever. */
static void
test_ids_that_were_never_given(void **state)
{
	struct fixture *fixture = *state;
	struct page page = ask(fixture, NULL, 1, 10);

	assert_int_equal(page.status, STORE_NOT_FOUND);
	assert_int_equal(page.newest_id, 0);
	put(fixture, 2);
	page = ask(fixture, NULL, 3, 10);
	assert_int_equal(page.status, STORE_NOT_FOUND);
	assert_int_equal(page.newest_id, 2);
	assert_int_equal(page.count, 0);
	page = ask(fixture, "home", INT64_MAX, 10);
	assert_int_equal(page.status, STORE_NOT_FOUND);
	page = ask(fixture, NULL, 2, 10);
	expect(&page, NULL, 0, false, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(test_pages_go_on),
		FIXTURE_TEST(test_deleted_messages),
		FIXTURE_TEST(test_one_account),
		FIXTURE_TEST(test_ids_that_were_never_given),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
