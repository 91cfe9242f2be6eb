/* Whose maildrop an account's unique-ids are of, and what a change undoes. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "tests/unit/test_store_fixture.h"

struct bound {
	bool done;
	enum store_status status;
	struct store_bound bound;
	char former[64];
};

static void
take_bound(enum store_status status, const struct store_bound *bound, void *arg)
{
	struct bound *taken = arg;

	taken->done = true;
	taken->status = status;
	assert_int_equal(bound != NULL, status == STORE_OK);
	if (bound == NULL)
		return;
	taken->bound = *bound;
	snprintf(taken->former, sizeof(taken->former), "%s@%s",
	    bound->former_user != NULL ? bound->former_user : "",
	    bound->former_host != NULL ? bound->former_host : "");
}

static struct bound
bind_to(struct fixture *fixture, const char *host, const char *user)
{
	struct bound taken = { 0 };

	store_account_bind(
	    fixture->store, fixture->account, host, user, take_bound, &taken);
	fixture_wait(fixture, &taken.done);
	assert_int_equal(taken.status, STORE_OK);
	return taken;
}

/* All rows, each as id/state, with "+" where there is a message. */
static const char *
rows(struct fixture *fixture)
{
	return fixture_text(fixture,
	    "SELECT coalesce(group_concat(row, ' '), '') FROM (SELECT"
	    " CASE WHEN substr(unique_id, 1, 5) = CAST(' was-' AS BLOB)"
	    "  THEN 'was-' || CAST(substr(unique_id, 23) AS TEXT)"
	    "  ELSE CAST(substr(unique_id, 1, 20) AS TEXT) END"
	    " || '/' || occurrence || '/' || state ||"
	    " CASE WHEN message IS NULL THEN '' ELSE '+' END AS row"
	    " FROM uid WHERE account = 1 ORDER BY row)");
}

static void
put(struct fixture *fixture, const char *id, const char *bytes)
{
	fixture_store(fixture, id, bytes, strlen(bytes));
}

/* One of each kind: 1 stored, 2 owed, 3 seen, 4 deleted, 5 gone. */
static void
fill(struct fixture *fixture)
{
	put(fixture, "1", "Message-ID: <1>\r\n\r\none\r\n");
	put(fixture, "2", "Message-ID: <2>\r\n\r\ntwo\r\n");
	put(fixture, "4", "Message-ID: <4>\r\n\r\nfour\r\n");
	put(fixture, "5", "Message-ID: <5>\r\n\r\nfive\r\n");
	fixture_set_state(fixture, "2", STORE_UID_DELETE);
	fixture_set_state(fixture, "3", STORE_UID_SEEN);
	fixture_set_state(fixture, "4", STORE_UID_DELETED);
	fixture_set_state(fixture, "5", STORE_UID_GONE);
}

#define FILLED "1/0/0+ 2/0/1+ 3/0/2 4/0/3+ 5/0/4+"
#define ASIDE                                                       \
	"was-0-1/0/4+ was-1-2/0/4+ was-2-3/0/2 was-3-4/0/4+ was-4-" \
	"5/0/4+"

static void
the_first_time_is_silent(void **state)
{
	struct fixture *fixture = *state;
	struct bound taken;

	fill(fixture);
	taken = bind_to(fixture, "pop.example.org", "u");
	assert_false(taken.bound.is_moved);
	assert_string_equal(rows(fixture), FILLED);
	fixture_expect_text(fixture, "SELECT login || '@' || host FROM account",
	    "u@pop.example.org");
	/* However it is written. */
	taken = bind_to(fixture, "POP.Example.org", "u");
	assert_false(taken.bound.is_moved);
	assert_string_equal(rows(fixture), FILLED);
}

static void
another_maildrop_puts_aside(void **state)
{
	static const char *const others[][2] = { { "h", "v" }, { "h", "U" },
		{ "h2", "u" }, { "h2", "v" }, { "u", "h" } };
	struct fixture *fixture = *state;
	struct bound taken;

	fill(fixture);
	bind_to(fixture, "h", "u");
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		taken = bind_to(fixture, others[i][0], others[i][1]);
		assert_true(taken.bound.is_moved);
		assert_int_equal(strcasecmp(taken.former, "u@h"), 0);
		assert_int_equal(taken.bound.distrusted, 5);
		assert_int_equal(taken.bound.restored, 0);
		assert_string_equal(rows(fixture), ASIDE);
		/* And all is as it was. */
		taken = bind_to(fixture, "H", "u");
		assert_true(taken.bound.is_moved);
		assert_int_equal(taken.bound.distrusted, 0);
		assert_int_equal(taken.bound.restored, 5);
		assert_string_equal(rows(fixture), FILLED);
	}
	fixture_expect(fixture,
	    "SELECT count(*) FROM uid JOIN message ON message.id ="
	    " uid.message WHERE uid.stored_ms = message.stored_ms"
	    " AND state IN (0, 1)",
	    2);
}

static void
ids_of_any_octets_come_back(void **state)
{
	static const unsigned char ids[][6] = { "a\0b\xff\x80", "\xff\xff\xff",
		"'\"%_\\", "  x" };
	static const size_t lengths[] = { 5, 3, 5, 3 };
	struct fixture *fixture = *state;
	char before[1024];

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		const struct store_uid_change change = { .unique_id = ids[i],
			.unique_id_length = lengths[i],
			.occurrence = (uint32_t)i,
			.state = STORE_UID_SEEN };
		struct answer answer = { 0 };

		store_uids_change(fixture->store, fixture->account, &change, 1,
		    answer_done, &answer);
		fixture_wait(fixture, &answer.done);
	}
	snprintf(before, sizeof(before), "%s",
	    fixture_text(fixture,
		"SELECT group_concat(hex(unique_id) ||"
		" occurrence || typeof(unique_id)) FROM uid"));
	bind_to(fixture, "h", "u");
	assert_int_equal(bind_to(fixture, "h", "v").bound.distrusted, 4);
	assert_int_equal(bind_to(fixture, "h", "u").bound.restored, 4);
	fixture_expect_text(fixture,
	    "SELECT group_concat(hex(unique_id) ||"
	    " occurrence || typeof(unique_id)) FROM uid",
	    before);
}

/* Several maildrops may be aside at a time. */
static void
maildrops_are_kept_apart(void **state)
{
	struct fixture *fixture = *state;

	bind_to(fixture, "h", "u");
	put(fixture, "1", "Message-ID: <u1>\r\n\r\none\r\n");
	bind_to(fixture, "h", "v");
	put(fixture, "1", "Message-ID: <v1>\r\n\r\nanother\r\n");
	put(fixture, "2", "Message-ID: <v2>\r\n\r\nand one\r\n");
	assert_string_equal(rows(fixture), "1/0/0+ 2/0/0+ was-0-1/0/4+");
	assert_int_equal(bind_to(fixture, "h", "w").bound.distrusted, 2);
	assert_string_equal(
	    rows(fixture), "was-0-1/0/4+ was-0-1/0/4+ was-0-2/0/4+");
	assert_int_equal(bind_to(fixture, "h", "v").bound.restored, 2);
	assert_string_equal(rows(fixture), "1/0/0+ 2/0/0+ was-0-1/0/4+");
	assert_int_equal(bind_to(fixture, "h", "u").bound.restored, 1);
	assert_string_equal(rows(fixture), "1/0/0+ was-0-1/0/4+ was-0-2/0/4+");
	fixture_expect(fixture, "SELECT count(*) FROM message", 3);
}

/* What the bytes alone tell needs no trust. */
static void
bodies_stay(void **state)
{
	struct fixture *fixture = *state;
	struct store_body_meta meta = fixture_meta(fixture, NULL);
	struct answer answer = { 0 };
	struct store_body *body;

	meta.identity = store_identity_new(fixture->account);
	body = store_body_new(fixture->store, &meta);
	store_body_append(body, (const unsigned char *)"x", 1);
	store_body_commit(body, answer_message, &answer);
	fixture_wait(fixture, &answer.done);
	store_identity_free(&meta.identity);
	bind_to(fixture, "h", "u");
	assert_int_equal(bind_to(fixture, "h", "v").bound.distrusted, 0);
	fixture_expect(fixture,
	    "SELECT state FROM uid WHERE unique_id >= CAST(' body-' AS"
	    " BLOB)",
	    STORE_UID_STORED);
}

static void
long_ids_stay_seen_for_the_same_user(void **state)
{
	static const char unique[] = "0000a1b25f3c6d7e";
	struct fixture *fixture = *state;
	struct bound taken;

	fixture_set_state(fixture, "7", STORE_UID_SEEN);
	fixture_set_state(fixture, unique, STORE_UID_SEEN);
	bind_to(fixture, "h", "u");
	taken = bind_to(fixture, "h2", "u");
	assert_int_equal(taken.bound.seen, 1);
	assert_int_equal(taken.bound.distrusted, 1);
	assert_string_equal(rows(fixture), "0000a1b25f3c6d7e/0/2 was-2-7/0/2");
	taken = bind_to(fixture, "h2", "v");
	assert_int_equal(taken.bound.seen, 0);
	assert_string_equal(
	    rows(fixture), "was-2-0000a1b25f3c6d7e/0/2 was-2-7/0/2");
}

/* But what was here before, and went, may be here under another id. */
static void
what_waits_is_forgotten(void **state)
{
	struct fixture *fixture = *state;
	struct bound taken;

	bind_to(fixture, "h", "u");
	put(fixture, "1", "Message-ID: <u1>\r\n\r\none\r\n");
	fixture_set_state(fixture, "1", STORE_UID_GONE);
	fixture_set_state(fixture, "1", STORE_UID_WAITING);
	fixture_set_state(fixture, "2", STORE_UID_WAITING);
	assert_string_equal(rows(fixture), "1/0/6+ 2/0/6");
	taken = bind_to(fixture, "h2", "u");
	assert_int_equal(taken.bound.waiting, 1);
	assert_int_equal(taken.bound.distrusted, 1);
	assert_string_equal(rows(fixture), "was-4-1/0/4+");
	taken = bind_to(fixture, "h", "u");
	assert_int_equal(taken.bound.waiting, 0);
	assert_string_equal(rows(fixture), "1/0/4+");
}

static void
failures_are_counted_anew(void **state)
{
	struct fixture *fixture = *state;

	fixture_change(fixture,
	    "INSERT INTO failure(account, unique_id, occurrence, attempts,"
	    " last_ms, reason) VALUES(1, x'31', 0, 4, 1, 'x'),"
	    " (2, x'31', 0, 4, 1, 'x')");
	bind_to(fixture, "h", "u");
	fixture_expect(fixture, "SELECT count(*) FROM failure", 2);
	bind_to(fixture, "h", "v");
	fixture_expect(fixture, "SELECT sum(account) FROM failure", 2);
}

/* A message that is aside is adopted by its bytes, each once. */
static void
what_is_aside_is_adopted(void **state)
{
	static const char bytes[] = "Message-ID: <1>\r\n\r\none\r\n";
	struct fixture *fixture = *state;
	struct store_body_meta meta;

	bind_to(fixture, "h", "u");
	put(fixture, "1", bytes);
	bind_to(fixture, "h", "v");
	for (uint32_t i = 0; i < 2; i++) {
		struct answer answer = { 0 };
		struct store_body *body;

		meta = fixture_meta(fixture, i == 0 ? "8" : "9");
		meta.identity = store_identity_new(fixture->account);
		body = store_body_new(fixture->store, &meta);
		store_body_append(
		    body, (const unsigned char *)bytes, sizeof(bytes) - 1);
		store_body_commit(body, answer_message, &answer);
		fixture_wait(fixture, &answer.done);
		assert_int_equal(answer.taken,
		    i == 0 ? STORE_TAKEN_ADOPTED : STORE_TAKEN_NEW);
		store_identity_free(&meta.identity);
	}
	assert_string_equal(rows(fixture), "8/0/0+ 9/0/0+");
	/* It is another id's now: the other maildrop does not get it back. */
	assert_int_equal(bind_to(fixture, "h", "u").bound.restored, 0);
	assert_string_equal(rows(fixture), "was-0-8/0/4+ was-0-9/0/4+");
}

static void
it_outlives_a_restart(void **state)
{
	struct fixture *fixture = *state;

	fill(fixture);
	bind_to(fixture, "h", "u");
	bind_to(fixture, "h", "v");
	fixture_close(fixture);
	fixture_open(fixture);
	assert_string_equal(rows(fixture), ASIDE);
	assert_false(bind_to(fixture, "h", "v").bound.is_moved);
	assert_int_equal(bind_to(fixture, "h", "u").bound.restored, 5);
	assert_int_equal(fixture_check(fixture).problems, 0);
}

static void
what_was_gone_there_is_not_kept(void **state)
{
	static const struct {
		const char *id;
		bool is_kept;
	} cases[] = {
		{ " was-0123456789abcdef-0-x", true },
		{ " was-0123456789abcdef-1-x", true },
		{ " was-0123456789abcdef-2-x", true },
		{ " was-0123456789abcdef-3-x", false },
		{ " was-0123456789abcdef-4-x", false },
		{ " was-0123456789abcdef-5-x", true },
		{ " was-0123456789abcdef-", false },
		{ " body-0123456789abcdef-0-x", false },
		{ "was-0123456789abcdef-00-x", false },
		{ "", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(
		    store_uid_is_kept((const unsigned char *)cases[i].id,
			strlen(cases[i].id)),
		    cases[i].is_kept);
}

static void
no_such_account(void **state)
{
	struct fixture *fixture = *state;
	struct bound taken = { 0 };

	store_account_bind(fixture->store, 4711, "h", "u", take_bound, &taken);
	fixture_wait(fixture, &taken.done);
	assert_int_equal(taken.status, STORE_NOT_FOUND);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(the_first_time_is_silent),
		FIXTURE_TEST(another_maildrop_puts_aside),
		FIXTURE_TEST(ids_of_any_octets_come_back),
		FIXTURE_TEST(maildrops_are_kept_apart),
		FIXTURE_TEST(bodies_stay),
		FIXTURE_TEST(long_ids_stay_seen_for_the_same_user),
		FIXTURE_TEST(what_waits_is_forgotten),
		FIXTURE_TEST(failures_are_counted_anew),
		FIXTURE_TEST(what_is_aside_is_adopted),
		FIXTURE_TEST(it_outlives_a_restart),
		FIXTURE_TEST(what_was_gone_there_is_not_kept),
		FIXTURE_TEST(no_such_account),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
