#include <stdio.h>
#include <string.h>

#include "daemon/store/digest.h"
#include "tests/unit/test_store_fixture.h"

struct seen {
	bool done;
	char text[512]; /* each as id/occurrence/state/has-message */
};

static void
see(enum store_status status, const struct store_uid *uids, size_t count,
    bool more, void *arg)
{
	struct seen *seen = arg;
	size_t filled = 0;

	assert_false(more);
	assert_int_equal(status, STORE_OK);
	seen->text[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < uids[i].unique_id_length; k++)
			filled += (size_t)snprintf(seen->text + filled,
			    sizeof(seen->text) - filled, "%02x",
			    uids[i].unique_id[k]);
		filled += (size_t)snprintf(seen->text + filled,
		    sizeof(seen->text) - filled, "/%u/%d/%d ",
		    uids[i].occurrence, uids[i].state, uids[i].message_id != 0);
		assert_true(uids[i].stored_ms > INT64_C(1700000000000));
	}
	seen->done = true;
}

static void
expect(struct fixture *fixture, int64_t account, const char *text)
{
	struct seen seen = { 0 };

	store_uids(fixture->store, account, NULL, see, &seen);
	fixture_wait(fixture, &seen.done);
	assert_string_equal(seen.text, text);
}

static struct store_uid_change
change(const char *id, uint32_t occurrence, enum store_uid_state state)
{
	struct store_uid_change made = { .unique_id = (const unsigned char *)id,
		.unique_id_length = strlen(id),
		.occurrence = occurrence,
		.state = state };

	return made;
}

static enum store_status
apply(struct fixture *fixture, int64_t account,
    const struct store_uid_change *changes, size_t count)
{
	struct answer answer = { 0 };

	store_uids_change(
	    fixture->store, account, changes, count, answer_done, &answer);
	fixture_wait(fixture, &answer.done);
	return answer.status;
}

static void
states_are_set_and_rows_forgotten(void **state)
{
	struct fixture *fixture = *state;
	struct store_uid_change changes[3];

	fixture_store(fixture, "b", "x", 1);
	expect(fixture, fixture->account, "62/0/0/1 ");
	changes[0] = change("b", 0, STORE_UID_DELETED);
	changes[1] = change("a", 0, STORE_UID_SEEN);
	changes[2] = change("b", 1, STORE_UID_SEEN);
	assert_int_equal(
	    apply(fixture, fixture->account, changes, 3), STORE_OK);
	expect(fixture, fixture->account, "61/0/2/0 62/0/3/1 62/1/2/0 ");
	changes[0].forget = true;
	assert_int_equal(
	    apply(fixture, fixture->account, changes, 1), STORE_OK);
	expect(fixture, fixture->account, "61/0/2/0 62/1/2/0 ");
	/* The message stays, whatever is known of its unique-id. */
	fixture_expect(fixture, "SELECT count(*) FROM v_message", 1);
}

static void
ids_are_bytes_sorted_as_such(void **state)
{
	struct fixture *fixture = *state;
	struct store_uid_change changes[5];

	changes[0] = change("b", 0, STORE_UID_SEEN);
	changes[1] = change("\xff\xfe", 0, STORE_UID_SEEN);
	changes[2] = change("ba", 0, STORE_UID_SEEN);
	changes[3] = change("", 0, STORE_UID_SEEN);
	changes[4] = change("b\0c", 0, STORE_UID_SEEN);
	changes[4].unique_id_length = 3;
	assert_int_equal(
	    apply(fixture, fixture->account, changes, 5), STORE_OK);
	expect(fixture, fixture->account,
	    "/0/2/0 62/0/2/0 620063/0/2/0 6261/0/2/0 fffe/0/2/0 ");
}

static void
accounts_do_not_mix(void **state)
{
	struct fixture *fixture = *state;
	struct store_uid_change seen = change("u", 0, STORE_UID_SEEN);
	int64_t other;

	assert_int_equal(
	    fixture_account(fixture, "other", NULL, &other), STORE_OK);
	assert_int_equal(apply(fixture, other, &seen, 1), STORE_OK);
	expect(fixture, fixture->account, "");
	expect(fixture, other, "75/0/2/0 ");
	assert_int_equal(apply(fixture, 4711, &seen, 1), STORE_NOT_FOUND);
	assert_int_equal(store_health(fixture->store)->status, STORE_OK);
}

static void
state_of_the_commit_is_kept(void **state)
{
	struct fixture *fixture = *state;
	struct store_body_meta meta = fixture_meta(fixture, "d");
	struct answer answer = { 0 };
	struct store_body *body;

	meta.state = STORE_UID_DELETE;
	meta.occurrence = 2;
	body = store_body_new(fixture->store, &meta);
	assert_non_null(body);
	store_body_commit(body, answer_message, &answer);
	fixture_wait(fixture, &answer.done);
	expect(fixture, fixture->account, "64/2/1/1 ");
}

/* A commit after SEEN or a lost message fills the row that is there. */
static void
seen_id_takes_a_message(void **state)
{
	struct fixture *fixture = *state;
	struct store_uid_change seen = change("s", 0, STORE_UID_SEEN);

	assert_int_equal(apply(fixture, fixture->account, &seen, 1), STORE_OK);
	fixture_store(fixture, "s", "x", 1);
	expect(fixture, fixture->account, "73/0/0/1 ");
}

struct details {
	bool done;
	size_t count;
	struct store_uid uid;
	unsigned char digest[STORE_HEADER_DIGEST_SIZE];
};

static void
see_details(enum store_status status, const struct store_uid *uids,
    size_t count, bool more, void *arg)
{
	struct details *details = arg;

	assert_false(more);
	assert_int_equal(status, STORE_OK);
	assert_int_equal(count, 1);
	details->uid = uids[0];
	if (uids[0].header_digest != NULL)
		memcpy(details->digest, uids[0].header_digest,
		    sizeof(details->digest));
	details->done = true;
}

/* The only one. */
static struct details
look(struct fixture *fixture)
{
	struct details details = { .done = false };

	store_uids(
	    fixture->store, fixture->account, NULL, see_details, &details);
	fixture_wait(fixture, &details.done);
	return details;
}

static void
size_and_header_go_with_the_id(void **state)
{
	static const char message[] = "Message-ID: <1>\r\nX: y\r\n\r\nbody\r\n";
	static const char plain[] = "X: y\r\n\r\nbody\r\n";
	unsigned char expected[STORE_DIGEST_SHA256_SIZE];
	struct fixture *fixture = *state;
	struct store_uid_change adopted = change("b", 3, STORE_UID_STORED);
	struct details details;

	assert_true(store_digest_sha256(message, 23, expected));
	fixture_store(fixture, "a", message, sizeof(message) - 1);
	details = look(fixture);
	assert_int_equal(details.uid.octets, sizeof(message) - 1);
	assert_non_null(details.uid.header_digest);
	assert_memory_equal(details.digest, expected, sizeof(expected));
	adopted.adopt = true;
	adopted.from_id = (const unsigned char *)"a";
	adopted.from_id_length = 1;
	assert_int_equal(
	    apply(fixture, fixture->account, &adopted, 1), STORE_OK);
	details = look(fixture);
	assert_int_equal(details.uid.octets, sizeof(message) - 1);
	assert_memory_equal(details.digest, expected, sizeof(expected));
	fixture_store(fixture, "b", plain, sizeof(plain) - 1);
	fixture_expect(fixture,
	    "SELECT count(*) FROM uid WHERE unique_id = "
	    "x'62' AND occurrence = 0 AND octets = 14"
	    " AND header_digest IS NULL",
	    1);
}

static enum store_status
put_listed(
    struct fixture *fixture, const char *id, const char *bytes, uint64_t listed)
{
	struct store_body_meta meta = fixture_meta(fixture, id);
	struct answer answer = { 0 };
	struct store_body *body;
	size_t i;

	meta.octets_hint = listed;
	body = store_body_new(fixture->store, &meta);
	assert_non_null(body);
	/* Octet by octet, a line end may be anywhere. */
	for (i = 0; bytes[i] != '\0'; i++)
		(void)store_body_append(
		    body, (const unsigned char *)bytes + i, 1);
	store_body_commit(body, answer_message, &answer);
	fixture_wait(fixture, &answer.done);
	return answer.status;
}

/* Servers count in ways of their own. */
static void
sizes_by_the_server_go_with_the_id(void **state)
{
	static const char message[] = "Message-ID: <1>\r\n\r\na\n\r\n";
	struct fixture *fixture = *state;
	struct store_uid_change adopted = change("b", 0, STORE_UID_STORED);
	struct details details;

	assert_int_equal(put_listed(fixture, "a", message, 23), STORE_OK);
	details = look(fixture);
	assert_int_equal(details.uid.octets, sizeof(message) - 1);
	assert_int_equal(details.uid.listed_octets, 23);
	assert_int_equal(details.uid.lines, 4);
	adopted.adopt = true;
	adopted.from_id = (const unsigned char *)"a";
	adopted.from_id_length = 1;
	assert_int_equal(
	    apply(fixture, fixture->account, &adopted, 1), STORE_OK);
	details = look(fixture);
	assert_int_equal(details.uid.listed_octets, 23);
	assert_int_equal(details.uid.lines, 4);
	/* Fetched again it is the same, and what is said of it newer. */
	assert_int_equal(put_listed(fixture, "b", message, 25), STORE_OK);
	assert_int_equal(look(fixture).uid.listed_octets, 25);
	assert_int_equal(put_listed(fixture, "b", message, 0), STORE_OK);
	assert_int_equal(look(fixture).uid.listed_octets, 25);
	assert_int_equal(look(fixture).uid.lines, 4);
	fixture_expect(fixture, "SELECT count(*) FROM v_message", 1);
}

/* A row of an earlier version, whose message comes again. */
static void
rows_without_sizes_are_filled(void **state)
{
	static const char message[] = "Message-ID: <1>\r\n\r\nabc\r\n";
	struct fixture *fixture = *state;
	unsigned char digest[STORE_HEADER_DIGEST_SIZE];
	struct details details;

	assert_int_equal(put_listed(fixture, "a", message, 24), STORE_OK);
	details = look(fixture);
	memcpy(digest, details.digest, sizeof(digest));
	fixture_close(fixture);
	fixture_change(fixture, "UPDATE uid SET listed_octets = NULL, lines ="
				" NULL, header_digest = NULL");
	fixture_open(fixture);
	details = look(fixture);
	assert_int_equal(details.uid.listed_octets, 0);
	assert_int_equal(details.uid.lines, 0);
	assert_null(details.uid.header_digest);
	assert_int_equal(put_listed(fixture, "a", message, 24), STORE_OK);
	details = look(fixture);
	assert_int_equal(details.uid.listed_octets, 24);
	assert_int_equal(details.uid.lines, 3);
	assert_non_null(details.uid.header_digest);
	assert_memory_equal(details.digest, digest, sizeof(digest));
	fixture_expect(fixture, "SELECT count(*) FROM v_message", 1);
}

static struct store_uid_change
adoption(const char *from, uint32_t from_occurrence, const char *to)
{
	struct store_uid_change made = change(to, 0, STORE_UID_SEEN);

	made.adopt = true;
	made.from_id = (const unsigned char *)from;
	made.from_id_length = strlen(from);
	made.from_occurrence = from_occurrence;
	return made;
}

static void
adopted_id_takes_over_the_row(void **state)
{
	struct fixture *fixture = *state;
	struct store_uid_change changes[4];

	fixture_store(fixture, "a", "1", 1);
	fixture_store(fixture, "b", "2", 1);
	changes[0] = change("a", 0, STORE_UID_GONE);
	changes[1] = change("b", 0, STORE_UID_DELETE);
	changes[2] = change("s", 1, STORE_UID_SEEN);
	assert_int_equal(
	    apply(fixture, fixture->account, changes, 3), STORE_OK);
	expect(fixture, fixture->account, "61/0/4/1 62/0/1/1 73/1/2/0 ");
	changes[0] = adoption("a", 0, "x");
	changes[1] = adoption("b", 0, "y");
	changes[2] = adoption("s", 1, "z");
	changes[3] = adoption("s", 0, "nothing");
	assert_int_equal(
	    apply(fixture, fixture->account, changes, 4), STORE_OK);
	expect(fixture, fixture->account, "78/0/0/1 79/0/1/1 7a/0/2/0 ");
	fixture_expect_text(fixture,
	    "SELECT group_concat(unique_id)"
	    " FROM (SELECT * FROM v_message ORDER BY"
	    " id)",
	    "x,y");
	/* Again: there is nothing left to take over. */
	assert_int_equal(
	    apply(fixture, fixture->account, changes, 4), STORE_OK);
	expect(fixture, fixture->account, "78/0/0/1 79/0/1/1 7a/0/2/0 ");
}

static void
time_tells_since_when_it_is_gone(void **state)
{
	struct fixture *fixture = *state;
	struct store_uid_change gone = change("u", 0, STORE_UID_GONE);
	struct store_uid_change deleted = change("u", 0, STORE_UID_DELETED);
	struct store_uid_change stored = change("u", 0, STORE_UID_STORED);
	struct store_uid_change owed = change("u", 0, STORE_UID_DELETE);
	struct store_uid_change away = adoption("u", 0, "w");
	struct store_uid_change back = adoption("w", 0, "u");
	int64_t stored_ms, gone_ms, deleted_ms;

	fixture_store(fixture, "u", "x", 1);
	stored_ms = look(fixture).uid.stored_ms;
	fixture_turn(fixture, 5);
	assert_int_equal(apply(fixture, fixture->account, &gone, 1), STORE_OK);
	gone_ms = look(fixture).uid.stored_ms;
	assert_true(gone_ms > stored_ms);
	fixture_turn(fixture, 5);
	assert_int_equal(apply(fixture, fixture->account, &gone, 1), STORE_OK);
	assert_int_equal(look(fixture).uid.stored_ms, gone_ms);
	assert_int_equal(
	    apply(fixture, fixture->account, &deleted, 1), STORE_OK);
	deleted_ms = look(fixture).uid.stored_ms;
	assert_true(deleted_ms > gone_ms);
	assert_int_equal(
	    apply(fixture, fixture->account, &stored, 1), STORE_OK);
	assert_int_equal(look(fixture).uid.stored_ms, stored_ms);
	fixture_turn(fixture, 5);
	assert_int_equal(apply(fixture, fixture->account, &owed, 1), STORE_OK);
	assert_int_equal(look(fixture).uid.stored_ms, stored_ms);
	assert_int_equal(apply(fixture, fixture->account, &gone, 1), STORE_OK);
	fixture_store(fixture, "u", "x", 1);
	assert_int_equal(look(fixture).uid.stored_ms, stored_ms);
	/* `keep = 14d` does not count from an adoption. */
	fixture_turn(fixture, 5);
	assert_int_equal(apply(fixture, fixture->account, &gone, 1), STORE_OK);
	assert_int_equal(apply(fixture, fixture->account, &away, 1), STORE_OK);
	assert_int_equal(apply(fixture, fixture->account, &back, 1), STORE_OK);
	assert_int_equal(look(fixture).uid.stored_ms, stored_ms);
	assert_int_equal(look(fixture).uid.state, STORE_UID_STORED);
}

/* And not since when it was noted again, or stored. */
static void
time_tells_since_when_it_waits(void **state)
{
	struct fixture *fixture = *state;
	struct store_uid_change waits = change("u", 0, STORE_UID_WAITING);
	struct store_uid_change gone = change("u", 0, STORE_UID_GONE);
	int64_t since_ms, stored_ms;

	assert_int_equal(apply(fixture, fixture->account, &waits, 1), STORE_OK);
	expect(fixture, fixture->account, "75/0/6/0 ");
	since_ms = look(fixture).uid.stored_ms;
	fixture_turn(fixture, 5);
	assert_int_equal(apply(fixture, fixture->account, &waits, 1), STORE_OK);
	assert_int_equal(look(fixture).uid.stored_ms, since_ms);
	fixture_turn(fixture, 5);
	fixture_store(fixture, "u", "x", 1);
	stored_ms = look(fixture).uid.stored_ms;
	assert_true(stored_ms > since_ms);
	assert_int_equal(look(fixture).uid.state, STORE_UID_STORED);
	/* One that was here, and comes back, waits from then on. */
	assert_int_equal(apply(fixture, fixture->account, &gone, 1), STORE_OK);
	fixture_turn(fixture, 5);
	assert_int_equal(apply(fixture, fixture->account, &waits, 1), STORE_OK);
	expect(fixture, fixture->account, "75/0/6/1 ");
	assert_true(look(fixture).uid.stored_ms > stored_ms);
	fixture_store(fixture, "u", "x", 1);
	assert_int_equal(look(fixture).uid.stored_ms, stored_ms);
	expect(fixture, fixture->account, "75/0/0/1 ");
	fixture_expect(fixture, "SELECT count(*) FROM message", 1);
}

/* Else a message that was never fetched could be deleted on the server. */
static void
nothing_is_durable_without_a_message(void **state)
{
	static const enum store_uid_state states[] = { STORE_UID_STORED,
		STORE_UID_DELETE, STORE_UID_GONE };
	struct fixture *fixture = *state;
	struct store_uid_change seen = change("s", 0, STORE_UID_SEEN);

	assert_int_equal(apply(fixture, fixture->account, &seen, 1), STORE_OK);
	for (size_t i = 0; i < 3; i++) {
		struct store_uid_change changes[2] = {
			change("s", 0, states[i]), change("new", 0, states[i])
		};

		assert_int_equal(
		    apply(fixture, fixture->account, changes, 2), STORE_OK);
		expect(fixture, fixture->account, "73/0/2/0 ");
	}
}

/* Batches of what is known, one behind the other. */
struct batches {
	bool done, more;
	size_t count, count_last, largest;
	struct store_uid last;
	unsigned char id[300];
};

static int
compare_uids(const struct store_uid *a, const struct store_uid *b)
{
	size_t length = a->unique_id_length < b->unique_id_length
			    ? a->unique_id_length
			    : b->unique_id_length;
	int order = memcmp(a->unique_id, b->unique_id, length);

	if (order == 0)
		order = (a->unique_id_length > b->unique_id_length) -
			(a->unique_id_length < b->unique_id_length);
	if (order == 0)
		order = (a->occurrence > b->occurrence) -
			(a->occurrence < b->occurrence);
	return order;
}

static void
see_batch(enum store_status status, const struct store_uid *uids, size_t count,
    bool more, void *arg)
{
	struct batches *batches = arg;

	assert_int_equal(status, STORE_OK);
	for (size_t i = 0; i < count; i++) {
		if (batches->count > 0)
			assert_true(compare_uids(&batches->last, &uids[i]) < 0);
		batches->last = uids[i];
		memcpy(
		    batches->id, uids[i].unique_id, uids[i].unique_id_length);
		batches->last.unique_id = batches->id;
		batches->count++;
	}
	if (count > batches->largest)
		batches->largest = count;
	batches->more = more;
	batches->done = true;
}

static struct batches
read_all(struct fixture *fixture)
{
	struct batches batches = { .more = false };

	do {
		batches.done = false;
		store_uids(fixture->store, fixture->account,
		    batches.count > 0 ? &batches.last : NULL, see_batch,
		    &batches);
		fixture_wait(fixture, &batches.done);
	} while (batches.more);
	return batches;
}

static void
many_ids_come_in_batches(void **state)
{
	struct fixture *fixture = *state;
	struct batches batches;

	fixture_close(fixture);
	fixture_change(fixture,
	    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
	    " WHERE i < 30000) INSERT INTO uid(account, unique_id, occurrence,"
	    " state, stored_ms, header_digest) SELECT 1,"
	    " CAST(substr('aabb\xc3\xbf', 1 + i % 5) || hex(zeroblob(i % 100))"
	    "  AS BLOB), i, 2, 1767323045678, zeroblob(32) FROM n;"
	    "INSERT INTO uid(account, unique_id, occurrence, state, stored_ms)"
	    " VALUES(1, x'', 0, 2, 1), (1, x'', 4294967295, 2, 1),"
	    " (1, x'ffff', 0, 2, 1), (2, x'ffff', 7, 2, 1);");
	fixture_open(fixture);
	batches = read_all(fixture);
	assert_int_equal(batches.count, 30003);
	assert_int_equal(batches.last.occurrence, 0);
	assert_int_equal(batches.last.unique_id_length, 2);
	/* None is larger than it may be, nor are they many. */
	assert_true(batches.largest * sizeof(struct store_uid) <=
		    STORE_UIDS_OCTETS + sizeof(struct store_uid));
	assert_true(batches.largest > 4000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(states_are_set_and_rows_forgotten),
		FIXTURE_TEST(ids_are_bytes_sorted_as_such),
		FIXTURE_TEST(accounts_do_not_mix),
		FIXTURE_TEST(state_of_the_commit_is_kept),
		FIXTURE_TEST(seen_id_takes_a_message),
		FIXTURE_TEST(size_and_header_go_with_the_id),
		FIXTURE_TEST(sizes_by_the_server_go_with_the_id),
		FIXTURE_TEST(rows_without_sizes_are_filled),
		FIXTURE_TEST(adopted_id_takes_over_the_row),
		FIXTURE_TEST(many_ids_come_in_batches),
		FIXTURE_TEST(time_tells_since_when_it_is_gone),
		FIXTURE_TEST(time_tells_since_when_it_waits),
		FIXTURE_TEST(nothing_is_durable_without_a_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
