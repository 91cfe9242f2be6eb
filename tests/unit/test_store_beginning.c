/* Searches for beginnings of words find what a look at each message finds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/keeping.h"
#include "tests/unit/test_store_fixture.h"

/* ---- messages of words that are alike ---- */

#define MESSAGES   60
#define WORDS      30
#define LETTERS    "abcdefghij"
#define COMMON     "aaaa" /* what more words begin with than are told apart */
#define WORD_MAX   12
#define SEARCH_MAX 100

struct mail {
	char words[MESSAGES][WORDS][WORD_MAX];
	int64_t ids[MESSAGES];
	bool is_gone[MESSAGES];
};

static unsigned
draw(unsigned below)
{
	static unsigned state = 1;

	state = state * 1103515245U + 12345U;
	return (state >> 16) % below;
}

static void
make_word(char *word)
{
	size_t length = 0, end = 1 + draw(7);

	if (draw(5) < 2) {
		memcpy(word, COMMON, strlen(COMMON));
		length = strlen(COMMON);
		end = length + draw(4);
	}
	while (length < end)
		word[length++] = LETTERS[draw(strlen(LETTERS))];
	word[length] = '\0';
}

static void
put(struct fixture *fixture, struct mail *mail, size_t number)
{
	char text[1024] = "From: z@z\r\nSubject: z\r\n\r\nzero";

	for (size_t i = 0; i < WORDS; i++) {
		make_word(mail->words[number][i]);
		strcat(strcat(text, " "), mail->words[number][i]);
	}
	strcat(text, "\r\n");
	mail->ids[number] = fixture_store(fixture, NULL, text, strlen(text));
}

static void
wait_indexed(struct fixture *fixture)
{
	for (int i = 0; i < 3000; i++) {
		if (fixture_integer(fixture,
			"SELECT coalesce(max(value), 0) = (SELECT max(id)"
			" FROM message) FROM meta WHERE key = 'indexed'") != 0)
			return;
		fixture_turn(fixture, 10);
	}
	fail_msg("the index never had all messages");
}

static void
put_all(struct fixture *fixture, struct mail *mail)
{
	memset(mail, 0, sizeof(*mail));
	for (size_t i = 0; i < MESSAGES; i++)
		put(fixture, mail, i);
	wait_indexed(fixture);
}

/* ---- what is to be found ---- */

static bool
message_has(const struct mail *mail, size_t number, const char *beginning)
{
	for (size_t i = 0; i < WORDS; i++)
		if (strncmp(mail->words[number][i], beginning,
			strlen(beginning)) == 0)
			return true;
	return false;
}

static size_t
expected(const struct mail *mail, const char *beginning)
{
	size_t count = 0;

	for (size_t i = 0; i < MESSAGES; i++)
		count += !mail->is_gone[i] && message_has(mail, i, beginning);
	return count;
}

static size_t
find(struct fixture *fixture, const char *query, enum store_order order)
{
	const struct store_message_filter filter = {
		.query = query, .order = order, .limit = SEARCH_MAX
	};
	struct found found = { .done = false };

	store_search(fixture->store, &filter, found_messages, &found);
	fixture_wait(fixture, &found.done);
	assert_int_equal(found.status, STORE_OK);
	return found.count;
}

static void
expect(struct fixture *fixture, const char *query, size_t count)
{
	size_t newest = find(fixture, query, STORE_ORDER_NEWEST);
	size_t ranked = find(fixture, query, STORE_ORDER_RANKED);

	if (newest != count || ranked != count)
		fail_msg("%s: %zu found, %zu ranked, not %zu", query, newest,
		    ranked, count);
}

static void
expect_beginning(
    struct fixture *fixture, const struct mail *mail, const char *beginning)
{
	char query[32];

	snprintf(query, sizeof(query), "%s*", beginning);
	expect(fixture, query, expected(mail, beginning));
}

/* All of one and two letters, and those of some words. */
static void
expect_all(struct fixture *fixture, const struct mail *mail)
{
	char beginning[WORD_MAX] = "";

	for (size_t i = 0; i < strlen(LETTERS); i++) {
		beginning[0] = LETTERS[i];
		beginning[1] = '\0';
		expect_beginning(fixture, mail, beginning);
		for (size_t k = 0; k < strlen(LETTERS); k++) {
			beginning[1] = LETTERS[k];
			beginning[2] = '\0';
			expect_beginning(fixture, mail, beginning);
		}
	}
	for (size_t number = 0; number < MESSAGES; number += 3)
		for (size_t length = 3; length < 8; length++) {
			snprintf(beginning, sizeof(beginning), "%.*s",
			    (int)length, mail->words[number][length]);
			expect_beginning(fixture, mail, beginning);
		}
	expect_beginning(fixture, mail, "aaa");
	expect_beginning(fixture, mail, COMMON);
	expect_beginning(fixture, mail, "nothing");
}

/* ---- the tests ---- */

static void
beginnings_of_any_length_are_found(void **state)
{
	struct fixture *fixture = *state;
	struct mail *mail = malloc(sizeof(*mail));

	assert_non_null(mail);
	put_all(fixture, mail);
	expect_all(fixture, mail);
	free(mail);
}

/* Each has a thousand words that begin alike. */
static void
put_thousand(struct fixture *fixture, size_t messages)
{
	static const char head[] = "From: z@z\r\nSubject: z\r\n\r\n";
	static char text[sizeof(head) + 1000 * sizeof("qqqq000")];
	size_t length = (size_t)sprintf(text, "%s", head);

	for (int i = 0; i < 1000; i++)
		length += (size_t)sprintf(text + length, "qqqq%03d ", i);
	for (size_t i = 0; i < messages; i++)
		(void)fixture_store(fixture, NULL, text, length);
	wait_indexed(fixture);
}

static bool
looks_for_all(struct fixture *fixture, const char *query)
{
	const struct store_message_filter filter = { .query = query,
		.limit = SEARCH_MAX };
	struct found found = { .done = false };

	store_search(fixture->store, &filter, found_messages, &found);
	fixture_wait(fixture, &found.done);
	assert_int_equal(found.status, STORE_OK);
	return !found.is_cut;
}

static void
what_too_many_words_begin_with_is_cut_and_says_so(void **state)
{
	static const char last[] = "From: z@z\r\nSubject: z\r\n\r\nqqqq990\r\n";
	struct fixture *fixture = *state;

	(void)fixture_store(fixture, NULL, last, sizeof(last) - 1);
	put_thousand(fixture, 8);
	expect(fixture, "qqqq*", 9);
	assert_true(looks_for_all(fixture, "qqqq*"));
	put_thousand(fixture, 4);
	expect(fixture, "qqqq*", 12);
	assert_false(looks_for_all(fixture, "qqqq*"));
	/* With more letters all is found again. */
	expect(fixture, "qqqq9*", 13);
	assert_true(looks_for_all(fixture, "qqqq9*"));
	expect(fixture, "qqqq99*", 13);
	assert_true(looks_for_all(fixture, "qqq*"));
	expect(fixture, "qqq*", 13);
}

static void
take_kept(
    enum store_status status, const struct store_kept_answer *answer, void *arg)
{
	(void)answer;
	assert_int_equal(status, STORE_OK);
	*(bool *)arg = true;
}

static void
what_is_deleted_has_no_beginnings(void **state)
{
	struct fixture *fixture = *state;
	struct mail *mail = malloc(sizeof(*mail));

	assert_non_null(mail);
	put_all(fixture, mail);
	for (size_t i = 0; i < MESSAGES; i += 2) {
		bool done = false;

		store_delete(fixture->store, mail->ids[i], "alice", "asked to",
		    take_kept, &done);
		fixture_wait(fixture, &done);
		mail->is_gone[i] = true;
	}
	expect_all(fixture, mail);
	assert_int_equal(fixture_check(fixture).problems, 0);
	free(mail);
}

static void
beginnings_stand_beside_all_else(void **state)
{
	static const struct {
		const char *query;
		size_t count;
	} cases[] = {
		{ "gr*", 3 },
		{ "GR\xc3\x96*", 3 }, /* in capitals, and accents left out */
		{ "gro*", 3 },
		{ "gros*", 2 },
		{ "gross*", 2 },
		{ "grosst*", 1 },
		{ "subject:gr*", 1 },
		{ "subject:gross*", 1 },
		{ "subject:(gross* OR grun*)", 1 },
		{ "body:gross*", 1 },
		{ "\"the gross\"*", 1 },
		{ "\"the gr\"*", 2 },
		{ "\"of the gr\"*", 1 },
		{ "gros* -grosst*", 1 },
		{ "-gross*", 2 },
		{ "gr* gross* grosst*", 1 },
		{ "account:home gross*", 2 },
		{ "larger:1 gross*", 2 },
		/* A word of one character is asked for as a beginning. */
		{ "\xe5\xb9\xb4", 1 },
		{ "\xe5\xb9\xb4\xe9\xa2\x84*", 1 },
		/* More than each may become much of. */
		{ "a* OR b* OR c* OR d* OR e* OR f* OR g* OR h* OR i* OR j*"
		  " OR k* OR l* OR m* OR n* OR o* OR p* OR q* OR r* OR s*",
		    4 },
	};
	static const char *const messages[] = {
		"From: a@x\r\nSubject: Gr\xc3\xb6\xc3\x9f"
		"e\r\n\r\n"
		"none of the grave\r\n",
		"From: a@x\r\nSubject: one\r\n\r\nthe gro\xc3\x9ftante\r\n",
		"From: a@x\r\nSubject: two\r\n\r\ngrown\r\n",
		"From: a@x\r\nSubject: three\r\n\r\n\xe5\xb9\xb4\xe9\xa2\x84"
		"\xe7\xae\x97\r\n",
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
		(void)fixture_store(
		    fixture, NULL, messages[i], strlen(messages[i]));
	wait_indexed(fixture);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect(fixture, cases[i].query, cases[i].count);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(beginnings_of_any_length_are_found),
		FIXTURE_TEST(what_too_many_words_begin_with_is_cut_and_says_so),
		FIXTURE_TEST(what_is_deleted_has_no_beginnings),
		FIXTURE_TEST(beginnings_stand_beside_all_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
