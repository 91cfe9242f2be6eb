/* Names and ids of the configuration, and the rows that are found by them. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/test_store_fixture.h"

struct said {
	bool done;
	enum store_status status;
	char news[512];
};

/* Of a name in passing, all but what is random in it. */
static int
visible(const char *name)
{
	size_t length = strcspn(name, "~");

	return (int)length + (name[length] == '~');
}

static void
say(enum store_status status, const struct store_account_news *news,
    size_t count, void *arg)
{
	static const char *const kinds[] = { "was", "resembles", "replaces" };
	struct said *said = arg;

	said->status = status;
	said->news[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		size_t filled = strlen(said->news);

		snprintf(said->news + filled, sizeof(said->news) - filled,
		    "%s%s %s %.*s(%s)", i == 0 ? "" : ", ", news[i].name,
		    kinds[news[i].kind], visible(news[i].former_name),
		    news[i].former_name, news[i].former_id);
	}
	said->done = true;
}

/* Up to three accounts, of which those without a name are left out. */
static void
configure(struct fixture *fixture, const struct store_configured *accounts,
    const char *news)
{
	struct said said = { 0 };
	size_t count = 0;

	while (count < 3 && accounts[count].name != NULL)
		count++;
	store_configure(fixture->store, accounts, count, say, &said);
	fixture_wait(fixture, &said.done);
	assert_int_equal(said.status, STORE_OK);
	assert_string_equal(said.news, news);
}

static int64_t
row(struct fixture *fixture, const char *name, const char *stable_id)
{
	int64_t id;

	assert_int_equal(
	    fixture_account(fixture, name, stable_id, &id), STORE_OK);
	return id;
}

#define ACCOUNT(name, id, host)           \
	{                                 \
		(name), (id), (host), "u" \
	}
#define ACCOUNTS(...)                      \
	(const struct store_configured[3]) \
	{                                  \
		__VA_ARGS__                \
	}

static void
a_name_becomes_the_id(void **state)
{
	struct fixture *fixture = *state;
	int64_t id = row(fixture, "old", NULL);

	configure(
	    fixture, ACCOUNTS(ACCOUNT("new", "old", "x")), "new was old(old)");
	assert_int_equal(row(fixture, "new", "old"), id);
	/* Once is enough; it stays so behind a restart. */
	fixture_close(fixture);
	fixture_open(fixture);
	configure(fixture, ACCOUNTS(ACCOUNT("new", "old", "x")), "");
	/* Once more, and back again without an id. */
	configure(fixture, ACCOUNTS(ACCOUNT("newer", "old", "x")),
	    "newer was new(old)");
	assert_int_equal(row(fixture, "newer", "old"), id);
	configure(
	    fixture, ACCOUNTS(ACCOUNT("old", NULL, "x")), "old was newer(old)");
	assert_int_equal(row(fixture, "old", NULL), id);
	fixture_expect(fixture, "SELECT count(*) FROM account", 2);
}

static void
an_id_survives_a_rename(void **state)
{
	struct fixture *fixture = *state;
	int64_t id = row(fixture, "old", "x1");

	configure(
	    fixture, ACCOUNTS(ACCOUNT("new", "x1", "x")), "new was old(x1)");
	assert_int_equal(row(fixture, "new", "x1"), id);
	/* An account of the former name is another one. */
	configure(fixture,
	    ACCOUNTS(ACCOUNT("new", "x1", "x"), ACCOUNT("old", NULL, "y")), "");
	assert_int_not_equal(row(fixture, "old", NULL), id);
}

static void
an_id_that_is_dropped_is_free(void **state)
{
	struct fixture *fixture = *state;
	int64_t id = row(fixture, "old", NULL);

	configure(
	    fixture, ACCOUNTS(ACCOUNT("new", "old", "x")), "new was old(old)");
	configure(fixture, ACCOUNTS(ACCOUNT("new", NULL, "x")), "");
	assert_int_equal(row(fixture, "new", NULL), id);
	configure(fixture, ACCOUNTS(ACCOUNT("newer", "new", "x")),
	    "newer was new(new)");
	assert_int_equal(row(fixture, "newer", "new"), id);
}

static void
names_can_be_swapped(void **state)
{
	struct fixture *fixture = *state;
	int64_t one = row(fixture, "a", NULL), two = row(fixture, "b", NULL);

	configure(fixture,
	    ACCOUNTS(ACCOUNT("a", "b", "y"), ACCOUNT("b", "a", "x")),
	    "a was b(b), b was a(a)");
	assert_int_equal(row(fixture, "b", "a"), one);
	assert_int_equal(row(fixture, "a", "b"), two);
	fixture_expect(
	    fixture, "SELECT count(*) FROM account WHERE name LIKE '%~%'", 0);
}

static void
a_row_in_the_way_is_still_found(void **state)
{
	struct fixture *fixture = *state;
	int64_t one = row(fixture, "a", NULL), two = row(fixture, "b", "2");

	/* Nobody has the first one for a while, which is told if it has mail.
	 */
	configure(fixture, ACCOUNTS(ACCOUNT("a", "2", "y")), "a was b(2)");
	configure(fixture,
	    ACCOUNTS(ACCOUNT("b", "2", "y"), ACCOUNT("a", "a", "x")),
	    "b was a(2), a was a~(a)");
	fixture_change(fixture, "UPDATE account SET messages = 1");
	configure(fixture, ACCOUNTS(ACCOUNT("a", "2", "y")),
	    "a replaces a~(a), a was b(2)");
	assert_int_equal(row(fixture, "a", "2"), two);
	configure(fixture,
	    ACCOUNTS(ACCOUNT("a", "2", "y"), ACCOUNT("c", "a", "x")),
	    "c was a~(a)");
	assert_int_equal(row(fixture, "c", "a"), one);
}

static void
another_id_is_another_account(void **state)
{
	struct fixture *fixture = *state;
	int64_t one = row(fixture, "a", "1"), two;

	configure(fixture, ACCOUNTS(ACCOUNT("a", "3", "y")), "");
	two = row(fixture, "a", "3");
	assert_int_not_equal(two, one);
	configure(fixture,
	    ACCOUNTS(ACCOUNT("a", "3", "y"), ACCOUNT("was-a", "1", "x")),
	    "was-a was a~(1)");
	assert_int_equal(row(fixture, "was-a", "1"), one);
	assert_int_equal(row(fixture, "a", "3"), two);
}

static void
bind_row(struct fixture *fixture, int64_t id, const char *host)
{
	char sql[128];

	snprintf(sql, sizeof(sql),
	    "UPDATE account SET host = '%s', login = 'u' WHERE id = %lld", host,
	    (long long)id);
	fixture_change(fixture, sql);
}

static void
one_that_resembles_another_is_told(void **state)
{
	struct fixture *fixture = *state;
	int64_t id = row(fixture, "old", NULL);

	bind_row(fixture, id, "x");
	configure(fixture, ACCOUNTS(ACCOUNT("new", NULL, "X")),
	    "new resembles old(old)");
	/* Polls that failed leave an empty row. */
	(void)row(fixture, "new", NULL);
	/* As long as it is so. */
	configure(fixture, ACCOUNTS(ACCOUNT("new", NULL, "x")),
	    "new resembles old(old)");
	configure(fixture, ACCOUNTS(ACCOUNT("new", "odl", "x")),
	    "new resembles old(old)");
	configure(fixture, ACCOUNTS(ACCOUNT("new", NULL, "y")), "");
	configure(fixture,
	    ACCOUNTS(ACCOUNT("new", NULL, "x"), ACCOUNT("old", NULL, "x")), "");
	configure(
	    fixture, ACCOUNTS(ACCOUNT("new", "old", "x")), "new was old(old)");
	assert_int_equal(row(fixture, "new", "old"), id);
}

static void
many_accounts_are_told_at_once(void **state)
{
	enum {
		MANY = 5000
	};
	static char names[MANY][16];
	static struct store_configured accounts[MANY];
	struct fixture *fixture = *state;
	struct said said = { 0 };

	fixture_change(fixture,
	    "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n"
	    " WHERE i < 4999) INSERT INTO account(name, host, login)"
	    " SELECT printf('old-%05d', i), 'x', 'u' FROM n");
	for (int i = 0; i < MANY; i++) {
		snprintf(names[i], sizeof(names[i]), "old-%05d", i);
		accounts[i] = (struct store_configured)ACCOUNT(
		    names[(i + 1) % MANY], names[i], "x");
	}
	store_configure(fixture->store, accounts, MANY, say, &said);
	fixture_wait(fixture, &said.done);
	assert_int_equal(said.status, STORE_OK);
	fixture_expect(fixture,
	    "SELECT count(*) FROM account WHERE stable_id IS NOT NULL AND"
	    " CAST(substr(name, 5) AS INTEGER) ="
	    " (CAST(substr(stable_id, 5) AS INTEGER) + 1) % 5000",
	    MANY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(a_name_becomes_the_id),
		FIXTURE_TEST(an_id_survives_a_rename),
		FIXTURE_TEST(an_id_that_is_dropped_is_free),
		FIXTURE_TEST(names_can_be_swapped),
		FIXTURE_TEST(a_row_in_the_way_is_still_found),
		FIXTURE_TEST(another_id_is_another_account),
		FIXTURE_TEST(one_that_resembles_another_is_told),
		FIXTURE_TEST(many_accounts_are_told_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
