/*
 * Whether a message is what a question asks for, without a store.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/control/when.h"
#include "daemon/store/index/sieve.h"

static const char letter[] =
    "From: =?utf-8?q?J=C3=BCrgen?= <juergen@example.org>\r\n"
    "Reply-To: <office@example.net>\r\n"
    "To: Anna <anna@example.com>\r\n"
    "Cc: Bert <bert@example.com>\r\n"
    "Subject: Invoice 4711\r\n"
    "Message-ID: <one@example.org>\r\n"
    "MIME-Version: 1.0\r\n"
    "Content-Type: multipart/mixed; boundary=b\r\n"
    "\r\n"
    "--b\r\n"
    "Content-Type: text/plain; charset=utf-8\r\n"
    "\r\n"
    "The umbrella is in the hall. \xe5\x8c\x97\xe4\xba\xac\xe5\xb8\x82\r\n"
    "--b\r\n"
    "Content-Type: application/pdf; name=bill.pdf\r\n"
    "Content-Disposition: attachment; filename=bill.pdf\r\n"
    "\r\n"
    "x\r\n"
    "--b--\r\n";

static const struct store_message_row letter_row = {
	.id = 7,
	.account = "anna",
	.octets = 5000,
	.stored_ms = 1000000,
	.sender = "J\xc3\xbcrgen <juergen@example.org>",
	.recipients = "Anna <anna@example.com>",
	.cc = "Bert <bert@example.com>",
	.subject = "Invoice 4711",
	.message_header_id = "<one@example.org>",
	.attachments = 1,
};

static bool
is_found(
    const char *query, const struct store_message_row *row, const char *bytes)
{
	struct store_sieve *sieve =
	    store_sieve_new(query, when_parse, 2000000, STORE_SIEVE_FORGETS);
	bool found[2];

	assert_non_null(sieve);
	/* What was there before leaves nothing behind. */
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(store_sieve_find(sieve, row, bytes,
				     strlen(bytes), &found[i]),
		    STORE_OK);
	assert_int_equal(found[0], found[1]);
	if (found[0])
		assert_true(store_sieve_may_find(sieve, row));
	store_sieve_free(sieve);
	return found[0];
}

static void
questions_are_answered_as_by_the_index(void **state)
{
	static const struct {
		const char *query;
		bool found;
	} cases[] = {
		{ "umbrella", true },
		{ "Umbrellas", false },
		{ "umb*", true },
		{ "um*", true },
		{ "umbrella*", true },
		{ "ubm*", false },
		{ "\"the hall\"", true },
		{ "\"hall the\"", false },
		{ "jurgen", true },
		{ "from:juergen", true },
		{ "from:office", true },
		{ "from:anna", false },
		{ "to:anna", true },
		{ "cc:bert", true },
		{ "subject:4711", true },
		{ "subject:umbrella", false },
		{ "body:umbrella", true },
		{ "filename:bill.pdf", true },
		{ "has:attachment", true },
		{ "-has:attachment", false },
		{ "umbrella -hall", false },
		{ "umbrella -door", true },
		{ "door OR hall", true },
		{ "(door OR hall) 4711", true },
		{ "\xe4\xba\xac\xe5\xb8\x82", true },
		{ "\xe5\xb8\x82\xe4\xba\xac", false },
		{ "account:anna", true },
		{ "account:bert", false },
		{ "umbrella account:bert", false },
		{ "umbrella OR account:bert", true },
		{ "id:one@example.org", true },
		{ "id:two@example.org", false },
		{ "larger:4k", true },
		{ "smaller:4k", false },
		{ "umbrella smaller:6k", true },
		{ "umbrella since:1970-01-01T00:16Z", true },
		{ "umbrella since:1970-01-01T00:17Z", false },
		{ "umbrella before:1970-01-01T00:17Z", true },
		{ "before:1970-01-01T00:16Z", false },
		{ "-umbrella", false },
		{ "-door", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (is_found(cases[i].query, &letter_row, letter) !=
		    cases[i].found)
			fail_msg("%s: found is not %d", cases[i].query,
			    cases[i].found);
	}
}

static void
a_message_without_bytes_has_its_row(void **state)
{
	(void)state;
	assert_true(is_found("invoice", &letter_row, ""));
	assert_false(is_found("umbrella", &letter_row, ""));
}

static void
the_row_alone_rules_out(void **state)
{
	static const struct {
		const char *query;
		bool may;
	} cases[] = {
		{ "umbrella", true },
		{ "account:bert umbrella", false },
		{ "account:bert OR umbrella", true },
		{ "larger:1m", false },
		{ "has:attachment", true },
		{ "since:1970-01-02 umbrella", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct store_sieve *sieve = store_sieve_new(
		    cases[i].query, when_parse, 2000000, STORE_SIEVE_FORGETS);

		assert_non_null(sieve);
		assert_int_equal(
		    store_sieve_may_find(sieve, &letter_row), cases[i].may);
		store_sieve_free(sieve);
	}
}

static void
a_piece_of_the_text_shows_why(void **state)
{
	struct store_sieve *sieve = store_sieve_new(
	    "umbrella", when_parse, 2000000, STORE_SIEVE_FORGETS);
	const struct store_snippet *snippet;

	(void)state;
	assert_non_null(sieve);
	for (size_t i = 0; i < 2; i++) {
		snippet = store_sieve_snippet(sieve, letter, strlen(letter));
		assert_non_null(snippet);
		assert_non_null(strstr(snippet->text, "The umbrella is"));
		assert_int_equal(snippet->hit_count, 1);
		assert_int_equal(snippet->hits[0].start, 4);
		assert_int_equal(snippet->hits[0].length, 8);
	}
	store_sieve_free(sieve);
}

static void
rank_take(void *arg, int64_t id)
{
	char *order = arg;

	snprintf(order + strlen(order), 16, " %lld", (long long)id);
}

static void
those_that_fit_best_come_first(void **state)
{
	static const char *const mails[] = {
		"Subject: other\r\n\r\nsome umbrella among many words here\r\n",
		"Subject: umbrella\r\n\r\numbrella umbrella\r\n",
		"Subject: nothing\r\n\r\nof the kind\r\n",
		"Subject: other\r\n\r\numbrella\r\n",
	};
	struct store_sieve *sieve =
	    store_sieve_new("umbrella", when_parse, 2000000, STORE_SIEVE_KEEPS);
	char order[64] = "";
	bool is_found, is_all;

	(void)state;
	assert_non_null(sieve);
	/* The newest first, as they are looked at. */
	for (size_t i = 4; i-- > 0;) {
		const struct store_message_row row = {
			.id = (int64_t)i + 1, .account = "anna", .octets = 100
		};

		assert_int_equal(store_sieve_find(sieve, &row, mails[i],
				     strlen(mails[i]), &is_found),
		    STORE_OK);
		assert_int_equal(is_found, i != 2);
	}
	assert_int_equal(
	    store_sieve_rank(sieve, rank_take, order, &is_all), STORE_OK);
	assert_string_equal(order, " 2 4 1");
	assert_true(is_all);
	store_sieve_free(sieve);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(questions_are_answered_as_by_the_index),
		cmocka_unit_test(a_message_without_bytes_has_its_row),
		cmocka_unit_test(the_row_alone_rules_out),
		cmocka_unit_test(a_piece_of_the_text_shows_why),
		cmocka_unit_test(those_that_fit_best_come_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
