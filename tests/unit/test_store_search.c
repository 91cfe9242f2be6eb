#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/test_store_fixture.h"

struct seen {
	bool done, more;
	size_t count;
	int64_t last_id;
	char subjects[256]; /* each with a space behind it */
};

static void
see(enum store_status status, const struct store_search_page *page, void *arg)
{
	struct seen *seen = arg;

	assert_int_equal(status, STORE_OK);
	seen->subjects[0] = '\0';
	for (size_t i = 0; i < page->count && i < 20; i++) {
		size_t length = strlen(seen->subjects);

		snprintf(seen->subjects + length,
		    sizeof(seen->subjects) - length, "%s ",
		    page->rows[i].subject);
		assert_true(page->ranked_among > 0 || i == 0 ||
			    page->rows[i].id < page->rows[i - 1].id);
	}
	seen->last_id = page->count > 0 ? page->rows[page->count - 1].id : 0;
	seen->count = page->count;
	seen->more = page->more;
	seen->done = true;
}

static struct seen
search(struct fixture *fixture, const struct store_message_filter *filter)
{
	struct seen seen = { 0 };

	store_search(fixture->store, filter, see, &seen);
	fixture_wait(fixture, &seen.done);
	return seen;
}

static int64_t
put(struct fixture *fixture, const char *from, const char *subject,
    const char *text)
{
	char message[1024];
	int64_t id;
	int length = snprintf(message, sizeof(message),
	    "From: %s\r\nSubject: %s\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n\r\n%s\r\n",
	    from, subject, text);

	id = fixture_store(fixture, NULL, message, (size_t)length);
	return id;
}

static void
pages_follow_each_other(void **state)
{
	struct fixture *fixture = *state;
	struct store_message_filter filter = { .limit = 2 };
	struct seen seen;

	put(fixture, "a@x", "one", "");
	put(fixture, "a@x", "two", "");
	put(fixture, "a@x", "three", "");
	put(fixture, "a@x", "four", "");
	seen = search(fixture, &filter);
	assert_string_equal(seen.subjects, "four three ");
	assert_true(seen.more);
	filter.below_id = seen.last_id;
	seen = search(fixture, &filter);
	assert_string_equal(seen.subjects, "two one ");
	assert_false(seen.more);
	filter.below_id = seen.last_id;
	assert_int_equal(search(fixture, &filter).count, 0);
	filter.below_id = 0;
	filter.limit = 0;
	assert_int_equal(search(fixture, &filter).count, 1);
	filter.limit = 1000000;
	assert_int_equal(search(fixture, &filter).count, 4);
}

static void
sender_is_found_in_any_case(void **state)
{
	static const struct {
		const char *from, *found;
	} cases[] = {
		{ "EXAMPLE.ORG", "grete juergen " },
		{ "j\xc3\xbcrgen", "juergen " },
		{ "J\xc3\x9cRGEN", "juergen " },
		{ "100%", "percent " },
		{ "_", "" },
		{ "nobody", "" },
		{ "\xff", "" },
		{ "", "nosender percent grete juergen " },
	};
	struct fixture *fixture = *state;

	put(fixture, "=?utf-8?q?J=C3=BCrgen?= <j@example.org>", "juergen", "");
	put(fixture, "Grete <g@Example.Org>", "grete", "");
	put(fixture, "\"100% sure\" <sure@y>", "percent", "");
	put(fixture, "", "nosender", "");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct store_message_filter filter = { .limit = 10,
			.from = cases[i].from };

		assert_string_equal(
		    search(fixture, &filter).subjects, cases[i].found);
	}
}

static void
stored_times_bound_the_list(void **state)
{
	struct fixture *fixture = *state;
	struct store_message_filter filter = { .limit = 10 };
	int64_t first = put(fixture, "a@x", "one", "");
	char sql[96];

	fixture_turn(fixture, 20);
	put(fixture, "a@x", "two", "");
	snprintf(sql, sizeof(sql),
	    "SELECT stored_ms + 1 FROM message WHERE id = %lld",
	    (long long)first);
	filter.since_ms = filter.before_ms = fixture_integer(fixture, sql);
	filter.has_since = true;
	assert_string_equal(search(fixture, &filter).subjects, "two ");
	filter.account = "home";
	assert_string_equal(search(fixture, &filter).subjects, "two ");
	filter.account = "nobody";
	assert_string_equal(search(fixture, &filter).subjects, "");
	filter.account = NULL;
	filter.has_since = false;
	filter.has_before = true;
	assert_string_equal(search(fixture, &filter).subjects, "one ");
	filter.has_since = true;
	assert_string_equal(search(fixture, &filter).subjects, "");
}

/* The index is filled behind the commits: wait for the last word. */
static void
wait_for_index(struct fixture *fixture, const char *word)
{
	struct store_message_filter filter = { .limit = 1, .query = word };

	for (int i = 0; i < 3000; i++) {
		if (search(fixture, &filter).count > 0)
			return;
		fixture_turn(fixture, 10);
	}
	fail_msg("%s never came into the index", word);
}

static void
words_are_found(void **state)
{
	static const struct {
		const char *query, *found;
	} cases[] = {
		{ "invoice", "one " },
		{ "INVOICE", "one " },
		{ "quarterly", "two one " },
		{ "quarterly invoice", "one " },
		{ "invoice nothing", "" },
		{ "quart*", "two one " },
		{ "quart", "" },
		{ "anna", "two " },
		{ "uber", "two " },
		{ "invoice OR report", "two one " },
		{ "invoice or report", "" },
		{ "invoice OR (report anna)", "two one " },
		{ "quarterly -invoice", "two " },
		{ "-invoice", "last two " },
		{ "-(invoice OR report)", "last " },
		{ "invoice OR -quarterly OR anna", "last two one " },
		{ "zz* (-quarterly OR anna)", "last " },
		{ "NOT invoice AND NOT report", "last " },
		{ "\"quarterly invoice\"", "one " },
		{ "\"invoice quarterly\"", "" },
		{ "\"quarterly inv\"*", "one " },
		{ "NEAR", "" },
		{ "subject:one", "one " },
		{ "subject:quarterly", "" },
		{ "body:quarterly", "two one " },
		{ "from:anna", "two " },
		{ "-from:anna quarterly", "one " },
		{ "from:(anna OR b)", "last two " },
		{ "account:home quarterly", "two one " },
		{ "account:work quarterly", "" },
		{ "larger:1 quarterly", "two one " },
		{ "larger:1M quarterly", "" },
		{ "smaller:1M quarterly", "two one " },
		{ "-larger:1M quarterly", "two one " },
		{ "anna OR larger:1M", "two " },
		{ "(anna smaller:1M) OR invoice", "two one " },
		{ "has:attachment", "" },
		{ "-has:attachment invoice", "one " },
		{ "two", "two " },
		/* What is code elsewhere is a word here. */
		{ "\"one' OR 1=1 --\"", "" },
		{ "invoice'; DROP", "" },
		{ "\"sender : anna\"", "" },
	};
	struct fixture *fixture = *state;

	put(fixture, "a@x", "one", "The quarterly invoice is attached.");
	put(fixture, "Anna <anna@x>", "two",
	    "quarterly report \xc3\xbc"
	    "ber alles");
	put(fixture, "b@x", "last", "zzlastzz");
	wait_for_index(fixture, "zzlastzz");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct store_message_filter filter = { .limit = 10,
			.query = cases[i].query };

		assert_string_equal(
		    search(fixture, &filter).subjects, cases[i].found);
	}
}

static void
words_and_the_other_filters_go_together(void **state)
{
	struct fixture *fixture = *state;
	struct store_message_filter filter = { .limit = 1,
		.query = "common",
		.from = "A@",
		.account = "home",
		.has_since = true,
		.since_ms = 1 };
	struct seen seen;

	put(fixture, "a@x", "one", "common");
	put(fixture, "b@x", "two", "common");
	put(fixture, "a@x", "three", "common zzlastzz");
	wait_for_index(fixture, "zzlastzz");
	seen = search(fixture, &filter);
	assert_string_equal(seen.subjects, "three ");
	assert_true(seen.more);
	filter.below_id = seen.last_id;
	seen = search(fixture, &filter);
	assert_string_equal(seen.subjects, "one ");
	assert_false(seen.more);
}

/* Of senders with few messages and with many the ways to look are others. */
static void
words_of_frequent_and_rare_senders(void **state)
{
	static const struct {
		const char *from, *query, *account;
		size_t count;
	} cases[] = {
		{ "often@x", "even", NULL, 1000 },
		{ "often@x", "odd", NULL, 1000 },
		{ "often@x", "even odd", NULL, 0 },
		{ "rare@x", "even", NULL, 1 },
		{ "rare@x", "odd", NULL, 0 },
		{ "nobody", "even", NULL, 0 },
		{ "@x", "even", NULL, 1000 },
		{ "rare@x", "even", "home", 1 },
		{ "rare@x", "even", "work", 0 },
		{ "often@x", "even", "work", 0 },
	};
	struct fixture *fixture = *state;

	fixture_change(fixture,
	    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
	    " WHERE i < 2200) INSERT INTO message(account, body, octets,"
	    " digest, stored_ms, sender, subject, attachments) SELECT 1, -i, 1,"
	    " zeroblob(32), i, CASE i WHEN 100 THEN 'Rare@X' ELSE 'often@x'"
	    " END, CASE i % 2 WHEN 0 THEN 'even' ELSE 'odd' END, 0 FROM n");
	put(fixture, "a@y", "last", "zzlastzz");
	wait_for_index(fixture, "zzlastzz");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct store_message_filter filter = { .limit = 1000,
			.from = cases[i].from,
			.query = cases[i].query,
			.account = cases[i].account };

		assert_int_equal(
		    search(fixture, &filter).count, cases[i].count);
	}
}

static void
text_in_parts_is_found(void **state)
{
	static const char message[] =
	    "From: a@x\r\nSubject: parts\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: multipart/alternative; boundary=\"b\"\r\n\r\n"
	    "--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
	    "Gr=FC=DFe plainword\r\n"
	    "--b\r\nContent-Type: text/html; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: base64\r\n\r\n"
	    "PHA+aHRtbDxiPndvcmQ8L2I+PC9wPjxzY3JpcHQ+aGlkZGVuPC9zY3JpcHQ+"
	    "\r\n--b\r\nContent-Type: application/octet-stream\r\n\r\n"
	    "binaryword\r\n--b--\r\n";
	static const struct {
		const char *query;
		size_t count;
	} cases[] = { { "plainword", 1 },
		{ "gr\xc3\xbc\xc3\x9f"
		  "e",
		    1 },
		{ "htmlword", 1 }, { "hidden", 0 }, { "binaryword", 0 } };
	struct fixture *fixture = *state;

	fixture_store(fixture, NULL, message, sizeof(message) - 1);
	wait_for_index(fixture, "parts");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct store_message_filter filter = { .limit = 10,
			.query = cases[i].query };

		assert_int_equal(
		    search(fixture, &filter).count, cases[i].count);
	}
}

/* Thousands of parts in parts must cost neither the stack nor the store. */
static void
deeply_nested_mail_is_survived(void **state)
{
	struct fixture *fixture = *state;
	size_t size = 1200000, filled = 0;
	char *message = malloc(size + 200);

	assert_non_null(message);
	filled += (size_t)snprintf(message, size, "Subject: deep\r\n");
	for (int i = 0; filled < size; i++)
		filled += (size_t)snprintf(message + filled, 200,
		    "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n"
		    "--b%d\r\n",
		    i, i);
	fixture_store(fixture, NULL, message, filled);
	free(message);
	put(fixture, "a@x", "after", "zzlastzz");
	wait_for_index(fixture, "zzlastzz");
}

/* Nor must tens of thousands of groups of addresses in groups. */
static void
deeply_nested_groups_are_survived(void **state)
{
	static const char *const fields[] = { "Subject: x\r\nTo: ",
		"Content-Type: message/rfc822\r\n\r\nReply-To: b\r\n\t" };
	struct fixture *fixture = *state;
	const size_t groups = 100000;
	char *message = malloc(2 * groups + 200);

	assert_non_null(message);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		char *at = stpcpy(message, fields[i]);

		for (size_t j = 0; j < groups; j++)
			at = stpcpy(at, "g:");
		at = stpcpy(at, "\r\n\r\nnestedword\r\n");
		fixture_store(fixture, NULL, message, (size_t)(at - message));
	}
	free(message);
	put(fixture, "a@x", "after", "zzlastzz");
	wait_for_index(fixture, "zzlastzz");
	assert_int_equal(
	    search(fixture, &(struct store_message_filter){ .limit = 10,
				.query = "nestedword" })
		.count,
	    2);
}

static void
index_goes_on_where_it_stopped(void **state)
{
	struct fixture *fixture = *state;
	struct store_message_filter filter = { .limit = 10, .query = "common" };

	for (int i = 0; i < 50; i++)
		put(fixture, "a@x", "x", "common");
	fixture_close(fixture);
	fixture_open(fixture);
	put(fixture, "a@x", "x", "zzlastzz");
	wait_for_index(fixture, "zzlastzz");
	filter.limit = 100;
	assert_int_equal(search(fixture, &filter).count, 50);
	fixture_expect(
	    fixture, "SELECT value FROM meta WHERE key = 'indexed'", 51);
}

static void
see_row(
    enum store_status status, const struct store_message_row *row, void *arg)
{
	assert_int_equal(status, STORE_OK);
	assert_string_equal(row->account, "home");
	assert_int_equal(row->unique_id_length, 2);
	assert_memory_equal(row->unique_id, "u1", 2);
	assert_string_equal(row->sender, "A <a@x>");
	assert_string_equal(row->recipients, "b@x, c@x");
	assert_string_equal(row->cc, "d@x");
	assert_string_equal(row->subject, "Hi");
	assert_string_equal(row->message_header_id, "<1@x>");
	assert_true(row->has_date);
	assert_int_equal(row->date_ms, INT64_C(1767323045000));
	assert_int_equal(row->attachments, 1);
	assert_int_equal(strlen(row->digest), 64);
	*(bool *)arg = true;
}

static void
see_none(
    enum store_status status, const struct store_message_row *row, void *arg)
{
	assert_int_equal(status, STORE_NOT_FOUND);
	assert_null(row);
	*(bool *)arg = true;
}

static void
row_and_view_tell_the_envelope(void **state)
{
	static const char message[] =
	    "From: A <a@x>\r\nTo: b@x,\r\n c@x\r\nCc: d@x\r\nSubject: Hi\r\n"
	    "Message-ID: <1@x>\r\nDate: Fri, 2 Jan 2026 04:04:05 +0100\r\n"
	    "Content-Disposition: attachment\r\n\r\nx";
	struct fixture *fixture = *state;
	bool done = false;
	int64_t id;

	id = fixture_store(fixture, "u1", message, sizeof(message) - 1);
	store_message(fixture->store, id, see_row, &done);
	fixture_wait(fixture, &done);
	done = false;
	store_message(fixture->store, id + 1, see_none, &done);
	fixture_wait(fixture, &done);
	fixture_expect_text(fixture,
	    "SELECT id || account || unique_id || date || sender ||"
	    " recipients || subject || message_id FROM v_message",
	    "1homeu12026-01-02T03:04:05.000ZA <a@x>b@x, c@xHi<1@x>");
	fixture_expect(fixture,
	    "SELECT stored_at GLOB '20[0-9][0-9]-[0-1][0-9]-[0-3][0-9]T"
	    "[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'"
	    " FROM v_message",
	    1);
}

static void
view_shows_ids_as_text_where_they_are(void **state)
{
	static const struct {
		const char *unique_id, *type;
	} cases[] = { { "plain-1", "text" }, { "tab\t", "blob" },
		{ "\xff\xfe", "blob" }, { "\xc3\xbc", "blob" }, { "", "text" },
		{ NULL, "null" } };
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[8];
		int length = snprintf(text, sizeof(text), "%zu", i);

		fixture_store(
		    fixture, cases[i].unique_id, text, (size_t)length);
		fixture_expect_text(fixture,
		    "SELECT typeof(unique_id)"
		    " FROM v_message ORDER BY id DESC",
		    cases[i].type);
	}
}

static void
wait_a_turn(struct fixture *fixture, int *turns)
{
	assert_true((*turns)++ < 3000);
	fixture_turn(fixture, 5);
}

static void
wait_for_words(struct fixture *fixture, const char *query, size_t count)
{
	struct found found;
	int turns = 0;

	do {
		wait_a_turn(fixture, &turns);
		found = fixture_find(fixture, query);
	} while (found.status != STORE_OK || found.count != count);
}

/* The structure record: neither words nor new messages can do without. */
#define SPOIL "UPDATE fulltext_data SET block = x'ffffffffff' WHERE id = 10"

static void
damaged_index_is_made_anew_by_the_next_message(void **state)
{
	struct fixture *fixture = *state;
	int turns = 0;

	put(fixture, "a@x", "one", "apple");
	put(fixture, "a@x", "two", "apple pear");
	wait_for_words(fixture, "apple", 2);
	fixture_change(fixture, SPOIL);
	put(fixture, "a@x", "three", "apple");
	/* No search has told of it. */
	while (fixture_integer(fixture, "SELECT coalesce(max(value), 0) FROM"
					" meta WHERE key = 'indexed'") != 3)
		wait_a_turn(fixture, &turns);
	assert_int_equal(fixture_find(fixture, "apple").count, 3);
	wait_for_words(fixture, "pear", 1);
	assert_int_equal(store_health(fixture->store)->status, STORE_OK);
}

static void
damaged_index_is_made_anew_by_a_search(void **state)
{
	struct fixture *fixture = *state;

	put(fixture, "a@x", "one", "apple");
	put(fixture, "a@x", "two", "apple pear");
	wait_for_words(fixture, "apple", 2);
	fixture_change(fixture, SPOIL);
	assert_int_equal(fixture_find(fixture, "apple").status, STORE_DAMAGED);
	wait_for_words(fixture, "apple", 2);
	/* Once is enough: then somebody spoils it on purpose. */
	fixture_change(fixture, SPOIL);
	assert_int_equal(fixture_find(fixture, "apple").status, STORE_DAMAGED);
	fixture_turn(fixture, 100);
	assert_int_equal(fixture_find(fixture, "apple").status, STORE_DAMAGED);
	assert_int_equal(store_health(fixture->store)->status, STORE_OK);
	fixture_close(fixture);
	fixture_open(fixture);
	assert_int_equal(fixture_find(fixture, "apple").status, STORE_DAMAGED);
	wait_for_words(fixture, "apple", 2);
}

/* One account's messages by a word that others have, too. */
static void
words_of_an_account_are_found_in_it(void **state)
{
	static const struct {
		const char *account, *query, *found;
	} cases[] = {
		{ "home", "apple", "three one " },
		{ "work", "apple", "two " },
		{ "work", "apple pear", "two " },
		{ "home", "apple pear", "" },
		{ "work", "app*", "two " },
		{ "work", "or", "two " },
		{ "nobody", "apple", "" },
		/* What marks an account is not to be asked for. */
		{ NULL, "1", "" },
		{ NULL, "2", "" },
		{ NULL, "account", "" },
		{ NULL, "apple", "three two one " },
	};
	struct fixture *fixture = *state;
	int64_t home = fixture->account;

	put(fixture, "a@x", "one", "apple");
	assert_int_equal(
	    fixture_account(fixture, "work", NULL, &fixture->account),
	    STORE_OK);
	put(fixture, "a@x", "two", "apple or pear");
	fixture->account = home;
	put(fixture, "a@x", "three", "apple");
	wait_for_words(fixture, "apple", 3);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct store_message_filter filter = {
			.account = cases[i].account,
			.query = cases[i].query,
			.limit = 10
		};

		assert_string_equal(
		    search(fixture, &filter).subjects, cases[i].found);
	}
}

/* Also where times do not go by ids, as after a clock was set. */
static void
words_since_a_time_are_found(void **state)
{
	static const struct {
		int64_t since_ms;
		const char *found;
	} cases[] = { { 0, "three two one " }, { 1000, "three two one " },
		{ 1001, "three one " }, { 2001, "one " }, { 3001, "" } };
	struct fixture *fixture = *state;

	put(fixture, "a@x", "one", "apple");
	put(fixture, "a@x", "two", "apple");
	put(fixture, "a@x", "three", "apple");
	wait_for_words(fixture, "apple", 3);
	fixture_change(fixture,
	    "UPDATE message SET stored_ms = CASE subject"
	    " WHEN 'one' THEN 3000 WHEN 'two' THEN 1000 ELSE 2000 END");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct store_message_filter filter = { .query = "apple",
			.has_since = true,
			.since_ms = cases[i].since_ms,
			.limit = 10 };

		assert_string_equal(
		    search(fixture, &filter).subjects, cases[i].found);
		filter.account = "home";
		assert_string_equal(
		    search(fixture, &filter).subjects, cases[i].found);
	}
}

/* As the version before this one left it: other words, other marks. */
static const char old_index[] =
    "DROP TABLE fulltext;"
    "CREATE VIRTUAL TABLE fulltext USING fts5("
    " sender, recipients, subject, body, content='',"
    " tokenize='unicode61 remove_diacritics 2');"
    "INSERT INTO fulltext(rowid, subject, body)"
    " VALUES(1, 'one', 'apple'), (2, 'two', 'pear')";

static void
index_of_an_earlier_version_is_made_anew(void **state)
{
	struct fixture *fixture = *state;

	put(fixture, "a@x", "one", "\xe5\xb9\xb4\xe9\xa2\x84\xe7\xae\x97");
	put(fixture, "a@x", "two", "pear");
	wait_for_words(fixture, "pear", 1);
	fixture_close(fixture);
	fixture_change(fixture, old_index);
	fixture_open(fixture);
	/* Whether that index is still there or not, it can be asked. */
	(void)search(
	    fixture, &(struct store_message_filter){
			 .account = "home", .query = "apple", .limit = 10 });
	wait_for_words(fixture, "\xe9\xa2\x84\xe7\xae\x97", 1);
	wait_for_words(fixture, "pear", 1);
	assert_int_equal(fixture_find(fixture, "apple").count, 0);
	/* From then on it is this version's, and stays. */
	fixture_close(fixture);
	fixture_change(fixture, "INSERT INTO fulltext(rowid, body)"
				" VALUES(1, 'mark')");
	fixture_open(fixture);
	put(fixture, "a@x", "three", "apple");
	wait_for_words(fixture, "apple", 1);
	assert_int_equal(fixture_find(fixture, "mark").count, 1);
}

/* A word inside a sentence, of a script without blanks between words. */
static void
words_inside_sentences_are_found(void **state)
{
	static const struct {
		const char *query, *found;
	} cases[] = {
		/* Budget; of the year; one character; not in this order. */
		{ "\xe9\xa2\x84\xe7\xae\x97", "zh " },
		{ "\xe5\xb9\xb4\xe9\xa2\x84", "zh " },
		{ "\xe7\xae\x97", "zh " },
		{ "\xe5\xb9\xb4", "zh " },
		{ "\xe7\xae\x97\xe9\xa2\x84", "" },
		{ "\xe9\xa2\x84\xe7\xae\x97"
		  "2026",
		    "zh " },
		{ "2026", "zh " },
		/* Kana, also narrow; with the mark that makes it long. */
		{ "\xe3\x83\x87\xe3\x83\xbc\xe3\x82\xbf", "ja " },
		{ "\xef\xbe\x83\xef\xbe\x9e\xef\xbd\xb0\xef\xbe\x80", "ja " },
		/* Thai: a word with a vowel above, and half of it. */
		{ "\xe0\xb8\x97\xe0\xb8\xb5\xe0\xb9\x88", "th " },
		{ "\xe0\xb8\x97\xe0\xb8\xb5", "th " },
		{ "\xe0\xb8\x97\xe0\xb9\x88", "" },
		/* Hangul, a syllable and two. */
		{ "\xea\xb5\xad", "ko " },
		{ "\xed\x95\x9c\xea\xb5\xad", "ko " },
		/* Hindi, whose vowels are marks. */
		{ "\xe0\xa4\xb9\xe0\xa4\xbf\xe0\xa4\xa8\xe0\xa5\x8d"
		  "\xe0\xa4\xa6\xe0\xa5\x80",
		    "hi " },
		{ "\xe0\xa4\xb9\xe0\xa4\xbe\xe0\xa4\xa8", "" },
	};
	struct fixture *fixture = *state;

	put(fixture, "a@x", "zh",
	    "\xe6\x98\x8e\xe5\xb9\xb4\xe9\xa2\x84\xe7\xae\x97"
	    "2026\xe8\xa1\xa8");
	put(fixture, "a@x", "ja",
	    "\xe3\x81\xae\xe3\x83\x87\xe3\x83\xbc\xe3\x82\xbf\xe3\x82"
	    "\x92");
	put(fixture, "a@x", "th",
	    "\xe0\xb8\x99\xe0\xb8\x97\xe0\xb8\xb5\xe0\xb9\x88\xe0\xb8"
	    "\x99");
	put(fixture, "a@x", "ko", "\xeb\x8c\x80\xed\x95\x9c\xea\xb5\xad");
	put(fixture, "a@x", "hi",
	    "\xe0\xa4\xb9\xe0\xa4\xbf\xe0\xa4\xa8\xe0\xa5\x8d\xe0\xa4"
	    "\xa6\xe0\xa5\x80 zzlastzz");
	wait_for_index(fixture, "zzlastzz");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct store_message_filter filter = { .limit = 10,
			.query = cases[i].query };

		if (strcmp(search(fixture, &filter).subjects, cases[i].found) !=
		    0)
			fail_msg("case %zu: %s", i,
			    search(fixture, &filter).subjects);
	}
}

/* What could not be kept whole says so, in the row and behind the index. */
static void
what_is_cut_is_marked(void **state)
{
	struct fixture *fixture = *state;
	const size_t size = 1500000;
	char *message = malloc(size + 1000);
	size_t length;

	assert_non_null(message);
	/* A header, a text, a text behind an attachment. */
	length = (size_t)sprintf(message, "Subject: ");
	memset(message + length, 's', 5000);
	length += 5000;
	length += (size_t)sprintf(message + length, "\r\n\r\n");
	fixture_store(fixture, NULL, message, length);
	length = (size_t)sprintf(message, "Subject: text\r\n\r\n");
	while (length < size / 2)
		length += (size_t)sprintf(message + length, "w%zu ", length);
	fixture_store(fixture, NULL, message, length);
	length = (size_t)sprintf(message,
	    "Subject: large\r\nContent-Type: multipart/mixed; boundary=b\r\n"
	    "\r\n--b\r\nContent-Type: image/png\r\n\r\n");
	memset(message + length, 'x', size - length);
	length = size;
	length += (size_t)sprintf(message + length, "\r\n--b--\r\n");
	fixture_store(fixture, NULL, message, length);
	length = size;
	length += (size_t)sprintf(
	    message + length, "\r\n--b\r\n\r\nmore\r\n--b--\r\n");
	fixture_store(fixture, NULL, message, length);
	put(fixture, "a@x", "short", "zzlastzz");
	wait_for_index(fixture, "zzlastzz");
	fixture_expect_text(fixture,
	    "SELECT group_concat(is_cut, ' ') FROM"
	    " (SELECT is_cut FROM message ORDER BY id)",
	    "1 1 0 1 0");
	free(message);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(pages_follow_each_other),
		FIXTURE_TEST(sender_is_found_in_any_case),
		FIXTURE_TEST(stored_times_bound_the_list),
		FIXTURE_TEST(words_are_found),
		FIXTURE_TEST(words_and_the_other_filters_go_together),
		FIXTURE_TEST(words_of_frequent_and_rare_senders),
		FIXTURE_TEST(text_in_parts_is_found),
		FIXTURE_TEST(deeply_nested_mail_is_survived),
		FIXTURE_TEST(deeply_nested_groups_are_survived),
		FIXTURE_TEST(index_goes_on_where_it_stopped),
		FIXTURE_TEST(row_and_view_tell_the_envelope),
		FIXTURE_TEST(view_shows_ids_as_text_where_they_are),
		FIXTURE_TEST(damaged_index_is_made_anew_by_the_next_message),
		FIXTURE_TEST(damaged_index_is_made_anew_by_a_search),
		FIXTURE_TEST(words_of_an_account_are_found_in_it),
		FIXTURE_TEST(words_since_a_time_are_found),
		FIXTURE_TEST(index_of_an_earlier_version_is_made_anew),
		FIXTURE_TEST(words_inside_sentences_are_found),
		FIXTURE_TEST(what_is_cut_is_marked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
