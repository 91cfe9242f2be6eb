#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/test_store_fixture.h"

#include "lib/base/clock.h"

/* A body of so many octets: of words, NULs among them, or of noise. */
struct content {
	size_t length;
	bool text;
};

static unsigned char *
make_bytes(const struct content *content)
{
	static const char words[] =
	    "Subject: a word\r\n\r\nAnd some more.\0\r\n";
	uint32_t seed = (uint32_t)content->length;
	unsigned char *bytes = malloc(content->length + 1);

	assert_non_null(bytes);
	for (size_t i = 0; i < content->length; i++) {
		seed = seed * 1664525 + 1013904223;
		bytes[i] = (unsigned char)(seed >> 24);
		if (content->text)
			bytes[i] = (unsigned char)words[i % 36];
	}
	return bytes;
}

static int64_t
put(struct fixture *fixture, const char *id, const struct content *content)
{
	unsigned char *bytes = make_bytes(content);
	int64_t message;

	message = fixture_store(fixture, id, bytes, content->length);
	free(bytes);
	return message;
}

static void
expect(struct fixture *fixture, int64_t id, const struct content *content)
{
	unsigned char *bytes = make_bytes(content);
	size_t length;
	unsigned char *found = fixture_read(fixture, id, &length);

	assert_int_equal(length, content->length);
	assert_memory_equal(found, bytes, length);
	free(found);
	free(bytes);
}

static void
reopen(struct fixture *fixture, int pack_level)
{
	fixture_close(fixture);
	fixture->config.pack_level = pack_level;
	fixture_open(fixture);
}

static void
expect_sound(struct fixture *fixture, uint64_t messages)
{
	struct store_check check = fixture_check(fixture);

	if (check.problems > 0)
		fail_msg("%s", check.texts[0]);
	assert_int_equal(check.status, STORE_OK);
	assert_int_equal(check.messages_done, messages);
}

static int64_t
count(struct fixture *fixture, int encoding)
{
	char sql[80];

	snprintf(sql, sizeof(sql),
	    "SELECT count(*) FROM chunk WHERE encoding = %d", encoding);
	return fixture_integer(fixture, sql);
}

static const struct content contents[] = {
	{ 0, true },
	{ 1, true },
	{ 1023, true },
	{ 1024, true },
	{ 40000, true },
	{ 40000, false },
	{ 256 * 1024 - 1, true },
	{ 256 * 1024, true },
	{ 256 * 1024 + 1, true },
	{ 700000, true },
	{ 700000, false },
};
#define CONTENTS (sizeof(contents) / sizeof(contents[0]))

static void
bodies_come_back_as_they_were(void **state)
{
	struct fixture *fixture = *state;
	int64_t ids[CONTENTS];

	reopen(fixture, STORE_PACK_LEVEL);
	for (size_t i = 0; i < CONTENTS; i++)
		ids[i] = put(fixture, NULL, &contents[i]);
	for (size_t i = 0; i < CONTENTS; i++)
		expect(fixture, ids[i], &contents[i]);
	assert_true(count(fixture, 1) >= 8);
	assert_true(count(fixture, 0) >= 8);
	fixture_expect(fixture,
	    "SELECT count(*) FROM chunk"
	    " WHERE encoding NOT IN (0, 1)",
	    0);
	expect_sound(fixture, CONTENTS);
}

static void
digest_and_size_are_of_the_plain_bytes(void **state)
{
	const struct content content = { 40000, true };
	struct fixture *fixture = *state;
	char plain[80];

	(void)put(fixture, NULL, &content);
	snprintf(plain, sizeof(plain), "%s",
	    fixture_text(fixture, "SELECT digest FROM v_message WHERE id = 1"));
	reopen(fixture, STORE_PACK_LEVEL);
	(void)put(fixture, NULL, &content);
	assert_int_equal(count(fixture, 1), 1);
	fixture_expect_text(
	    fixture, "SELECT digest FROM v_message WHERE id = 2", plain);
	fixture_expect(fixture, "SELECT sum(size) FROM v_message", 80000);
	fixture_expect(fixture, "SELECT bytes FROM v_account", 80000);
}

static void
setting_holds_for_new_messages(void **state)
{
	const struct content content = { 40000, true };
	static const int levels[] = { 0, STORE_PACK_LEVEL, 0, 6 };
	struct fixture *fixture = *state;
	int64_t ids[4];

	for (size_t i = 0; i < 4; i++) {
		reopen(fixture, levels[i]);
		ids[i] = put(fixture, NULL, &content);
		for (size_t k = 0; k <= i; k++)
			expect(fixture, ids[k], &content);
	}
	assert_int_equal(count(fixture, 0), 2);
	assert_int_equal(count(fixture, 1), 2);
	expect_sound(fixture, 4);
}

/* ---- damage ---- */

static const struct {
	const char *sql, *text;
} damages[] = {
	{ "UPDATE chunk SET data = substr(data, 1, length(data) - 1)",
	    "message 1: a piece of it cannot be unpacked: " },
	{ "UPDATE chunk SET data = x''",
	    "message 1: a piece of it cannot be unpacked: " },
	{ "UPDATE chunk SET data = CAST(data || 'x' AS BLOB)",
	    "message 1: a piece of it cannot be unpacked: " },
	{ "UPDATE chunk SET data = CAST(hex(zeroblob(40)) AS BLOB)",
	    "message 1: a piece of it cannot be unpacked: Unknown frame" },
	{ "UPDATE chunk SET encoding = 2",
	    "message 1: it is sealed, and its key is missing" },
	{ "UPDATE chunk SET encoding = 4",
	    "message 1: a piece of it cannot be unpacked: Its encoding" },
	/* A frame of 1 MiB of NULs. */
	{ "UPDATE chunk SET data = x'28b52ffda000001000540000100000"
	  "0100fbff39c002020010000200100002001000020010000200100002"
	  "00100003001000'",
	    "message 1: a piece of it cannot be unpacked: Destination" },
	/* A sound one, but of another piece. */
	{ "UPDATE chunk SET data = x'28b52ffd2003190000616263'",
	    "message 1: " },
	{ "UPDATE chunk SET encoding = 0",
	    "message 1: its size differs from that in its row" },
};

struct reading {
	bool done;
	enum store_status status;
};

static void
take_part(enum store_status status, const unsigned char *bytes, size_t length,
    void *arg)
{
	struct reading *reading = arg;

	assert_true(status == STORE_OK || (bytes == NULL && length == 0));
	reading->status = status;
	reading->done = true;
}

static void
expect_damage(struct fixture *fixture, const char *sql, const char *text)
{
	struct reading reading = { .done = false };
	struct store_check check;

	fixture_change(fixture, sql);
	check = fixture_check(fixture);
	assert_int_equal(check.status, STORE_OK);
	assert_int_equal(check.problems, 1);
	if (strstr(check.texts[0], text) == NULL)
		fail_msg("%s: %s", sql, check.texts[0]);
	store_body_read(fixture->store, 1, 0, take_part, &reading);
	fixture_wait(fixture, &reading.done);
	assert_int_equal(
	    reading.status, strstr(text, "unpacked") != NULL ? STORE_DAMAGED
			    : strstr(text, "sealed") != NULL ? STORE_SEALED
							     : STORE_OK);
}

static void
each_damage_is_found_and_told(void **state)
{
	const struct content content = { 40000, true };
	struct fixture *fixture = *state;

	reopen(fixture, STORE_PACK_LEVEL);
	(void)put(fixture, NULL, &content);
	assert_int_equal(count(fixture, 1), 1);
	fixture_change(fixture, "CREATE TABLE kept AS SELECT * FROM chunk");
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		expect_damage(fixture, damages[i].sql, damages[i].text);
		fixture_change(fixture, "DELETE FROM chunk;"
					"INSERT INTO chunk SELECT * FROM kept");
	}
	expect(fixture, 1, &content);
	expect_sound(fixture, 1);
}

static void
wait_for_index(struct fixture *fixture, int64_t id)
{
	int64_t deadline_ms = evpop_clock_monotonic_ms() + 60000;

	do {
		assert_true(evpop_clock_monotonic_ms() < deadline_ms);
		fixture_turn(fixture, 5);
	} while (
	    fixture_integer(fixture, "SELECT coalesce((SELECT value FROM meta"
				     " WHERE key = 'indexed'), 0)") < id);
}

static int64_t
matches(struct fixture *fixture, const char *word)
{
	char sql[100];

	snprintf(sql, sizeof(sql),
	    "SELECT count(*) FROM fulltext WHERE fulltext MATCH '%s'", word);
	return fixture_integer(fixture, sql);
}

/* And is not held up by a message that cannot be unpacked. */
static void
index_knows_the_plain_words(void **state)
{
	const struct content content = { 40000, true };
	struct fixture *fixture = *state;

	reopen(fixture, STORE_PACK_LEVEL);
	(void)put(fixture, NULL, &content);
	wait_for_index(fixture, 1);
	assert_int_equal(matches(fixture, "word"), 1);
	fixture_close(fixture);
	fixture_change(fixture,
	    "UPDATE chunk SET data = x'00';"
	    "DELETE FROM meta WHERE key = 'indexed';"
	    "INSERT INTO fulltext(fulltext) VALUES('delete-all')");
	fixture_open(fixture);
	(void)put(fixture, NULL, &content);
	wait_for_index(fixture, 2);
	assert_int_equal(matches(fixture, "some"), 1);
	assert_int_equal(matches(fixture, "subject:word"), 2);
	assert_int_equal(store_health(fixture->store)->status, STORE_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(bodies_come_back_as_they_were),
		FIXTURE_TEST(digest_and_size_are_of_the_plain_bytes),
		FIXTURE_TEST(setting_holds_for_new_messages),
		FIXTURE_TEST(each_damage_is_found_and_told),
		FIXTURE_TEST(index_knows_the_plain_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
