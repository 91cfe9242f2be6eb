/* What stored messages are about, asked by their unique-ids. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/test_store_fixture.h"

#define MOST       8
#define TEXT_SIZE  64
#define NO_SUBJECT "-"

struct told {
	bool done;
	enum store_status status;
	size_t count;
	char subjects[MOST][TEXT_SIZE];
};

static void
take(enum store_status status, const char *const *subjects, size_t count,
    void *arg)
{
	struct told *told = arg;

	assert_true(count <= MOST);
	told->done = true;
	told->status = status;
	told->count = count;
	for (size_t i = 0; i < count; i++)
		snprintf(told->subjects[i], TEXT_SIZE, "%s",
		    subjects[i] != NULL ? subjects[i] : NO_SUBJECT);
}

static struct store_known
known(const char *unique_id, uint32_t occurrence)
{
	return (struct store_known){ (const unsigned char *)unique_id,
		unique_id != NULL ? strlen(unique_id) : 0, occurrence };
}

static struct told
ask(struct fixture *fixture, const char *account,
    const struct store_known *asked, size_t count)
{
	struct told told = { .done = false };

	store_subjects(fixture->store, account, asked, count, take, &told);
	fixture_wait(fixture, &told.done);
	assert_int_equal(told.status, STORE_OK);
	assert_int_equal(told.count, count);
	return told;
}

static void
put(struct fixture *fixture, const char *unique_id, const char *text)
{
	(void)fixture_store(fixture, unique_id, text, strlen(text));
}

static void
subjects_come_in_the_order_of_the_question(void **state)
{
	struct fixture *fixture = *state;
	const struct store_known asked[] = { known("second", 0),
		known("nobody", 0), known("first", 0), known(NULL, 0),
		known("bare", 0), known("first", 1), known("second", 0) };
	static const char *const expected[] = { "\xc3\xa4pfel", NO_SUBJECT,
		"one", NO_SUBJECT, NO_SUBJECT, NO_SUBJECT, "\xc3\xa4pfel" };
	struct told told;

	put(fixture, "first", "From: a@x\r\nSubject: one\r\n\r\na\r\n");
	put(fixture, "second",
	    "From: a@x\r\nSubject: =?utf-8?q?=C3=A4pfel?=\r\n\r\nb\r\n");
	put(fixture, "bare", "From: a@x\r\n\r\nc\r\n");
	told = ask(fixture, "home", asked, sizeof(asked) / sizeof(asked[0]));
	for (size_t i = 0; i < told.count; i++)
		assert_string_equal(told.subjects[i], expected[i]);
}

static void
others_are_not_told_of(void **state)
{
	struct fixture *fixture = *state;
	const struct store_known asked = known("first", 0);
	int64_t other;

	put(fixture, "first", "From: a@x\r\nSubject: one\r\n\r\na\r\n");
	assert_int_equal(
	    fixture_account(fixture, "other", NULL, &other), STORE_OK);
	assert_string_equal(
	    ask(fixture, "other", &asked, 1).subjects[0], NO_SUBJECT);
	assert_string_equal(
	    ask(fixture, "nobody", &asked, 1).subjects[0], NO_SUBJECT);
	assert_string_equal(ask(fixture, "home", &asked, 1).subjects[0], "one");
	(void)ask(fixture, "home", NULL, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(subjects_come_in_the_order_of_the_question),
		FIXTURE_TEST(others_are_not_told_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
