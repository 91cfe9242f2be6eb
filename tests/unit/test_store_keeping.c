/* What is held, deleted and retained, and that nothing of it is left. */
#include <event2/event.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/store/keeping.h"
#include "lib/base/unit.h"
#include "tests/unit/test_store_fixture.h"

/* Time passes as a test says. */
int64_t __real_evpop_clock_monotonic_ms(void);
int64_t __wrap_evpop_clock_monotonic_ms(void);
static atomic_llong passed_ms;

int64_t
__wrap_evpop_clock_monotonic_ms(void)
{
	return __real_evpop_clock_monotonic_ms() + atomic_load(&passed_ms);
}

/* ---- calls that wait ---- */

struct kept {
	bool done;
	enum store_status status;
	struct store_kept_answer answer;
	char who[32], reason[64];
};

static void
take_kept(
    enum store_status status, const struct store_kept_answer *answer, void *arg)
{
	struct kept *kept = arg;

	kept->done = true;
	kept->status = status;
	if (answer == NULL)
		return;
	kept->answer = *answer;
	snprintf(kept->who, sizeof(kept->who), "%s",
	    answer->hold.who != NULL ? answer->hold.who : "");
	snprintf(kept->reason, sizeof(kept->reason), "%s",
	    answer->hold.reason != NULL ? answer->hold.reason : "");
}

static struct kept
delete_one(struct fixture *fixture, int64_t id)
{
	struct kept kept = { 0 };

	store_delete(fixture->store, id, "alice", "asked to", take_kept, &kept);
	fixture_wait(fixture, &kept.done);
	return kept;
}

static struct kept
hold(struct fixture *fixture, int64_t id)
{
	struct kept kept = { 0 };

	store_hold(fixture->store, id, "bob", "a case", take_kept, &kept);
	fixture_wait(fixture, &kept.done);
	return kept;
}

static struct kept
release(struct fixture *fixture, int64_t id)
{
	struct kept kept = { 0 };

	store_release(fixture->store, id, "bob", "over", take_kept, &kept);
	fixture_wait(fixture, &kept.done);
	return kept;
}

static void
configure(struct fixture *fixture, int64_t retain_ms, bool is_locked)
{
	const struct store_retained home = { "home", retain_ms };

	assert_true(
	    store_keeping_configure(fixture->store, &home, 1, is_locked));
}

/* Turn the loop; the writer is woken at times, and rests at others. */
static void
turn(struct fixture *fixture, int i)
{
	const struct store_deed deed = { .who = "test", .action = "wait" };

	if (i % 16 == 0) {
		atomic_fetch_add(&passed_ms, 1000);
		store_deed_record(fixture->store, &deed);
	}
	fixture_turn(fixture, 10);
}

/* Turn the loop until the file answers this. */
static void
wait_for(struct fixture *fixture, const char *sql, int64_t value)
{
	for (int i = 0; i < 6000; i++) {
		if (fixture_integer(fixture, sql) == value)
			return;
		turn(fixture, i);
	}
	fail_msg("%s is %lld", sql, (long long)fixture_integer(fixture, sql));
}

static void
wait_removed(struct fixture *fixture)
{
	wait_for(fixture, "SELECT count(*) FROM removal", 0);
}

static void
wait_indexed(struct fixture *fixture)
{
	wait_for(fixture,
	    "SELECT (SELECT value FROM meta WHERE key = 'indexed') ="
	    " (SELECT max(id) FROM message)",
	    1);
}

/* ---- the bytes of the files ---- */

static bool
file_has(const char *path, const char *word)
{
	struct stat status;
	unsigned char *bytes;
	bool has;
	int fd = open(path, O_RDONLY);

	if (fd == -1)
		return false;
	assert_int_equal(fstat(fd, &status), 0);
	bytes = malloc((size_t)status.st_size + 1);
	assert_non_null(bytes);
	assert_int_equal(
	    pread(fd, bytes, (size_t)status.st_size, 0), status.st_size);
	close(fd);
	has = memmem(bytes, (size_t)status.st_size, word, strlen(word)) != NULL;
	free(bytes);
	return has;
}

static bool
files_have(const struct fixture *fixture, const char *word)
{
	char log[160];

	snprintf(log, sizeof(log), "%s-wal", fixture->path);
	return file_has(fixture->path, word) || file_has(log, word);
}

#define LETTER(word, sender)                                                \
	"From: " sender " <" sender "@example.com>\r\nSubject: about " word \
	"\r\nMessage-ID: <" word "@example.com>\r\n\r\nThe " word           \
	" of it.\r\n"

static int64_t
put(struct fixture *fixture, const char *unique_id, const char *letter)
{
	return fixture_store(fixture, unique_id, letter, strlen(letter));
}

static void
expect_sound(struct fixture *fixture)
{
	struct store_check check = fixture_check(fixture);

	if (check.problems != 0)
		fail_msg("%s", check.texts[0]);
}

/* ---- tests ---- */

static void
what_is_deleted_is_gone(void **state)
{
	struct fixture *fixture = *state;
	int64_t id, kept;

	put(fixture, "a", LETTER("gardening", "anna"));
	id = put(fixture, "b", LETTER("zeppelins", "berta"));
	kept = put(fixture, "c", LETTER("mountains", "clara"));
	wait_indexed(fixture);
	assert_int_equal(fixture_find(fixture, "zeppelins").count, 1);
	assert_int_equal(delete_one(fixture, id).answer.deleted, 1);
	assert_int_equal(fixture_find(fixture, "zeppelins").count, 0);
	fixture_expect(fixture, "SELECT messages FROM v_account", 2);
	fixture_expect(fixture, "SELECT count(*) FROM v_message", 2);
	fixture_expect_text(
	    fixture, "SELECT deleted_by FROM v_tombstone", "alice");
	fixture_expect_text(
	    fixture, "SELECT reason FROM v_tombstone", "asked to");
	fixture_expect(fixture, "SELECT id FROM v_tombstone", id);
	fixture_expect_text(fixture,
	    "SELECT who || ' ' || object FROM v_audit WHERE action = 'delete'",
	    "alice message 2");
	expect_sound(fixture);
	wait_removed(fixture);
	fixture_expect(fixture, "SELECT count(*) FROM chunk WHERE id >= 0", 2);
	fixture_expect(fixture, "SELECT count(*) FROM fulltext_docsize", 2);
	fixture_expect(fixture, "SELECT count(*) FROM sender", 2);
	expect_sound(fixture);
	assert_int_equal(delete_one(fixture, id).status, STORE_NOT_FOUND);
	assert_int_equal(fixture_find(fixture, "mountains").count, 1);
	assert_int_equal(delete_one(fixture, kept).status, STORE_OK);
}

static void
nothing_of_it_is_left_in_the_files(void **state)
{
	struct fixture *fixture = *state;
	int64_t id;

	put(fixture, "a", LETTER("gardening", "anna"));
	id = put(fixture, "b", LETTER("zeppelins", "berta"));
	put(fixture, "c", LETTER("mountains", "clara"));
	wait_indexed(fixture);
	assert_true(files_have(fixture, "zeppelins"));
	assert_int_equal(delete_one(fixture, id).status, STORE_OK);
	wait_removed(fixture);
	atomic_fetch_add(&passed_ms, 2 * EVPOP_HOUR_MS);
	wait_for(
	    fixture, "SELECT value FROM meta WHERE key = 'words_to_forget'", 0);
	for (int i = 0; i < 600 && files_have(fixture, "zeppelins"); i++)
		turn(fixture, i);
	assert_false(files_have(fixture, "zeppelins"));
	assert_false(files_have(fixture, "berta"));
	assert_true(files_have(fixture, "mountains"));
	assert_int_equal(fixture_find(fixture, "gardening").count, 1);
	assert_int_equal(fixture_find(fixture, "mountains").count, 1);
	expect_sound(fixture);
}

static struct answer
put_again(struct fixture *fixture, const char *unique_id, const char *letter,
    struct store_identity *identity)
{
	struct store_body_meta meta = fixture_meta(fixture, unique_id);
	struct answer answer = { 0 };
	struct store_body *body;

	meta.identity = identity;
	body = store_body_new(fixture->store, &meta);
	assert_non_null(body);
	store_body_append(body, (const unsigned char *)letter, strlen(letter));
	store_body_commit(body, answer_message, &answer);
	fixture_wait(fixture, &answer.done);
	return answer;
}

static void
what_was_deleted_does_not_come_again(void **state)
{
	struct fixture *fixture = *state;
	const char *letter = LETTER("zeppelins", "berta");
	struct store_identity *identity = store_identity_new(fixture->account);
	int64_t id = put(fixture, "b", letter);
	struct answer answer;

	assert_int_equal(delete_one(fixture, id).status, STORE_OK);
	fixture_expect(fixture, "SELECT state FROM uid", STORE_UID_STORED);
	/* Under its id, before and after its remnants are gone. */
	answer = put_again(fixture, "b", letter, identity);
	assert_int_equal(answer.taken, STORE_TAKEN_KNOWN);
	wait_removed(fixture);
	answer = put_again(fixture, "b", letter, identity);
	assert_int_equal(answer.taken, STORE_TAKEN_KNOWN);
	/* Under another one, once the server lists that one no more. */
	fixture_set_state(fixture, "b", STORE_UID_GONE);
	answer = put_again(fixture, "new", letter, identity);
	assert_int_equal(answer.taken, STORE_TAKEN_ADOPTED);
	fixture_expect(fixture, "SELECT count(*) FROM message", 0);
	fixture_expect(fixture, "SELECT count(*) FROM uid", 1);
	/* What is owed to the server stays owed. */
	fixture_set_state(fixture, "new", STORE_UID_DELETE);
	fixture_expect(fixture, "SELECT state FROM uid", STORE_UID_DELETE);
	store_identity_free(&identity);
	expect_sound(fixture);
}

static void
a_hold_stands_above_everything(void **state)
{
	struct fixture *fixture = *state;
	int64_t id = put(fixture, "a", LETTER("gardening", "anna"));
	struct kept kept;

	assert_int_equal(hold(fixture, 4711).status, STORE_NOT_FOUND);
	assert_int_equal(hold(fixture, id).answer.kept, STORE_KEPT_NOT);
	assert_int_equal(hold(fixture, id).answer.kept, STORE_KEPT_ALREADY);
	kept = delete_one(fixture, id);
	assert_int_equal(kept.answer.kept, STORE_KEPT_HELD);
	assert_string_equal(kept.who, "bob");
	assert_string_equal(kept.reason, "a case");
	/* Nor by its age. */
	fixture_change(fixture, "UPDATE message SET stored_ms = 1");
	configure(fixture, EVPOP_HOUR_MS, false);
	put(fixture, "b", LETTER("mountains", "clara"));
	fixture_change(
	    fixture, "UPDATE message SET stored_ms = 1 WHERE id = 2");
	configure(fixture, EVPOP_HOUR_MS, false);
	wait_for(fixture, "SELECT count(*) FROM tombstone", 1);
	fixture_expect(fixture, "SELECT id FROM v_hold", id);
	fixture_expect(fixture, "SELECT id FROM v_message", id);
	assert_int_equal(release(fixture, id).answer.kept, STORE_KEPT_NOT);
	assert_int_equal(release(fixture, id).answer.kept, STORE_KEPT_ALREADY);
	fixture_expect(fixture,
	    "SELECT count(*) FROM v_audit"
	    " WHERE action IN ('hold', 'release') AND who = 'bob'",
	    2);
	assert_int_equal(delete_one(fixture, id).answer.deleted, 1);
	expect_sound(fixture);
}

static void
mail_goes_by_its_age(void **state)
{
	struct fixture *fixture = *state;
	char id[16];
	int64_t other;

	assert_int_equal(
	    fixture_account(fixture, "other", NULL, &other), STORE_OK);
	for (int i = 0; i < 700; i++) {
		snprintf(id, sizeof(id), "u%d", i);
		put(fixture, id, LETTER("gardening", "anna"));
	}
	/* Young ones between old ones stay. */
	fixture_change(fixture,
	    "UPDATE message SET stored_ms = stored_ms - 7200000"
	    " WHERE id <= 600 AND id % 10 <> 0");
	configure(fixture, 0, false);
	configure(fixture, EVPOP_HOUR_MS, false);
	wait_for(fixture, "SELECT count(*) FROM tombstone", 540);
	fixture_expect(fixture,
	    "SELECT messages FROM v_account"
	    " WHERE name = 'home'",
	    160);
	wait_for(fixture,
	    "SELECT count(*) FROM v_audit WHERE who = 'retention' AND"
	    " object = '540 messages of account home' AND"
	    " reason = 'retain = 1h'",
	    1);
	fixture_expect_text(fixture,
	    "SELECT object || ': ' || reason FROM v_audit"
	    " WHERE who = 'configuration'",
	    "account home: retain = 1h instead of forever");
	wait_removed(fixture);
	fixture_expect(
	    fixture, "SELECT count(*) FROM chunk WHERE id >= 0", 160);
	expect_sound(fixture);
}

static void
the_mail_of_an_account_can_be_deleted(void **state)
{
	struct fixture *fixture = *state;
	struct kept kept = { 0 };
	int64_t held = 0;
	char id[16];

	for (int i = 0; i < 5; i++) {
		snprintf(id, sizeof(id), "u%d", i);
		held = put(fixture, id, LETTER("gardening", "anna"));
	}
	hold(fixture, held);
	/* Nothing is that old, be it held or not. */
	store_delete_of(fixture->store,
	    &(struct store_delete_of){ "home", 1, 0, 10 }, "alice", "old",
	    take_kept, &kept);
	fixture_wait(fixture, &kept.done);
	assert_int_equal(kept.answer.deleted + kept.answer.held, 0);
	kept = (struct kept){ 0 };
	store_delete_of(fixture->store,
	    &(struct store_delete_of){ "nobody", INT64_MAX, 0, 2 }, "alice",
	    "old", take_kept, &kept);
	fixture_wait(fixture, &kept.done);
	assert_int_equal(kept.status, STORE_NOT_FOUND);
	for (int i = 0; i < 3; i++) {
		const int64_t after = kept.answer.last_id;

		kept.done = false;
		store_delete_of(fixture->store,
		    &(struct store_delete_of){ "home", INT64_MAX, after, 2 },
		    "alice", "old", take_kept, &kept);
		fixture_wait(fixture, &kept.done);
		assert_int_equal(kept.answer.deleted, i == 2 ? 0 : 2);
		assert_int_equal(kept.answer.held, i == 2 ? 1 : 0);
		assert_int_equal(kept.answer.has_more, i != 2);
	}
	fixture_expect(fixture, "SELECT id FROM v_message", held);
	fixture_expect_text(fixture,
	    "SELECT object FROM v_audit WHERE action = 'delete' LIMIT 1",
	    "2 messages of account home, of 1 to 2");
}

static void
locked_deletion_is_refused(void **state)
{
	struct fixture *fixture = *state;
	int64_t id = put(fixture, "a", LETTER("gardening", "anna"));

	configure(fixture, 90 * EVPOP_DAY_MS, true);
	assert_true(store_deletion_is_locked(fixture->store));
	assert_int_equal(
	    delete_one(fixture, id).answer.kept, STORE_KEPT_LOCKED);
	fixture_change(
	    fixture, "UPDATE message SET stored_ms = stored_ms - 86400000");
	/* To retain for a shorter time has no effect; for a longer one has. */
	configure(fixture, EVPOP_HOUR_MS, true);
	wait_for(fixture,
	    "SELECT retain_ms / 86400000 FROM account WHERE name = 'home'", 90);
	configure(fixture, 100 * EVPOP_DAY_MS, true);
	wait_for(fixture,
	    "SELECT retain_ms / 86400000 FROM account WHERE name = 'home'",
	    100);
	fixture_expect(fixture, "SELECT count(*) FROM v_message", 1);
	fixture_close(fixture);
	fixture_open(fixture);
	/* That it was locked is not forgotten. */
	configure(fixture, EVPOP_HOUR_MS, false);
	wait_for(
	    fixture, "SELECT count(*) FROM v_audit WHERE action = 'unlock'", 1);
	wait_for(fixture, "SELECT count(*) FROM tombstone", 1);
}

static void
the_record_is_append_only(void **state)
{
	static const char *const changes[] = { "UPDATE audit SET who = 'me'",
		"DELETE FROM audit" };
	struct fixture *fixture = *state;
	sqlite3 *handle;
	char *words;

	store_deed_note(fixture->store,
	    &(struct store_deed){ "alice", "read", "message 1", NULL });
	store_deed_record(fixture->store,
	    &(struct store_deed){ "alice", "pause", "account home", NULL });
	wait_for(
	    fixture, "SELECT count(*) FROM v_audit WHERE who = 'alice'", 2);
	assert_int_equal(sqlite3_open(fixture->path, &handle), SQLITE_OK);
	assert_int_equal(sqlite3_busy_timeout(handle, 60000), SQLITE_OK);
	for (size_t i = 0; i < 2; i++) {
		assert_int_not_equal(
		    sqlite3_exec(handle, changes[i], NULL, NULL, &words),
		    SQLITE_OK);
		assert_non_null(strstr(words, "append-only"));
		sqlite3_free(words);
	}
	assert_int_equal(sqlite3_close(handle), SQLITE_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(what_is_deleted_is_gone),
		FIXTURE_TEST(nothing_of_it_is_left_in_the_files),
		FIXTURE_TEST(what_was_deleted_does_not_come_again),
		FIXTURE_TEST(a_hold_stands_above_everything),
		FIXTURE_TEST(mail_goes_by_its_age),
		FIXTURE_TEST(the_mail_of_an_account_can_be_deleted),
		FIXTURE_TEST(locked_deletion_is_refused),
		FIXTURE_TEST(the_record_is_append_only),
	};

	return cmocka_run_group_tests_name("keeping", tests, NULL, NULL);
}
