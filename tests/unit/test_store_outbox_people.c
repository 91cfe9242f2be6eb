/* The outbox, as people look at it and change it. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/keeping.h"
#include "lib/base/unit.h"
#include "tests/unit/test_store_outbox_calls.h"

/* ---- calls that wait ---- */

struct listed {
	bool done, more;
	enum store_status status;
	int64_t last_id;
	char text[512]; /* message:target:state:answer of each */
};

static void
take_listed(enum store_status status, const struct store_outbox_row *rows,
    size_t count, bool more, void *arg)
{
	struct listed *listed = arg;
	size_t filled = 0;

	*listed = (struct listed){ .status = status, .more = more };
	for (size_t i = 0; i < count; i++) {
		assert_string_equal(rows[i].account, "home");
		assert_true(rows[i].queued_ms > INT64_C(1700000000000));
		assert_int_equal(rows[i].settled_ms > 0,
		    rows[i].state != STORE_OUTBOX_WAITING);
		listed->last_id = rows[i].id;
		filled += (size_t)snprintf(listed->text + filled,
		    sizeof(listed->text) - filled, "%s%lld:%s:%d:%s",
		    i > 0 ? " " : "", (long long)rows[i].message_id,
		    rows[i].target, (int)rows[i].state,
		    rows[i].answer != NULL ? rows[i].answer : "");
	}
	listed->done = true;
}

static struct listed
list(struct fixture *fixture, const struct store_outbox_query *query)
{
	struct listed listed = { .done = false };

	store_outbox_list(fixture->store, query, take_listed, &listed);
	fixture_wait(fixture, &listed.done);
	assert_int_equal(listed.status, STORE_OK);
	return listed;
}

#define ALL                                                      \
	{                                                        \
		.state = -1, .below_id = INT64_MAX, .limit = 100 \
	}

struct changed {
	bool done;
	enum store_status status;
	struct store_outbox_changed changed;
};

static void
take_changed(enum store_status status,
    const struct store_outbox_changed *changed, void *arg)
{
	struct changed *got = arg;

	got->done = true;
	got->status = status;
	if (status == STORE_OK)
		got->changed = *changed;
}

static struct changed
change(struct fixture *fixture, const struct store_outbox_query *query,
    int64_t id, enum store_outbox_state wanted)
{
	struct changed got = { .done = false };

	store_outbox_change(
	    fixture->store, query, id, wanted, take_changed, &got);
	fixture_wait(fixture, &got.done);
	return got;
}

struct added {
	bool done;
	enum store_status status;
	struct store_outbox_added added;
	char ids[128];
};

static void
take_added(
    enum store_status status, const struct store_outbox_added *added, void *arg)
{
	struct added *got = arg;
	size_t filled = 0;

	got->done = true;
	got->status = status;
	if (status != STORE_OK)
		return;
	got->added = *added;
	for (size_t i = 0; i < added->added; i++)
		filled += (size_t)snprintf(got->ids + filled,
		    sizeof(got->ids) - filled, "%s%lld", i > 0 ? " " : "",
		    (long long)added->ids[i]);
}

static struct added
add(struct fixture *fixture, const struct store_outbox_add *what)
{
	struct added got = { .done = false };

	store_outbox_add(fixture->store, what, take_added, &got);
	fixture_wait(fixture, &got.done);
	return got;
}

static void
store_some(struct fixture *fixture, int count)
{
	char id[16];

	for (int i = 0; i < count; i++) {
		snprintf(id, sizeof(id), "u%d", i);
		fixture_store(fixture, id, id, strlen(id));
	}
}

/* ---- the list ---- */

static void
test_rows_are_listed(void **state)
{
	struct fixture *fixture = *state;
	struct store_outbox_query query = ALL;
	struct listed listed;

	outbox_route(fixture, false, "one", "two", NULL);
	store_some(fixture, 3);
	outbox_settle(fixture, outbox_id(fixture, 1, "one"),
	    STORE_OUTBOX_DELIVERED, 0, "250 ok");
	outbox_settle(fixture, outbox_id(fixture, 2, "one"),
	    STORE_OUTBOX_REFUSED, 0, "550 no");
	outbox_settle(fixture, outbox_id(fixture, 3, "two"),
	    STORE_OUTBOX_WAITING, 99, "451 later");
	assert_string_equal(list(fixture, &query).text,
	    "3:two:0:451 later 3:one:0: 2:two:0: 2:one:2:550 no 1:two:0:"
	    " 1:one:1:250 ok");
	query.limit = 2;
	listed = list(fixture, &query);
	assert_string_equal(listed.text, "3:two:0:451 later 3:one:0:");
	assert_true(listed.more);
	query.below_id = listed.last_id;
	assert_string_equal(
	    list(fixture, &query).text, "2:two:0: 2:one:2:550 no");

	/* One by its id. */
	query.below_id = 2;
	query.limit = 1;
	listed = list(fixture, &query);
	assert_string_equal(listed.text, "1:one:1:250 ok");
	assert_int_equal(listed.last_id, 1);

	query = (struct store_outbox_query)ALL;
	query.message_id = 2;
	assert_string_equal(
	    list(fixture, &query).text, "2:two:0: 2:one:2:550 no");
	query.state = STORE_OUTBOX_REFUSED;
	assert_string_equal(list(fixture, &query).text, "2:one:2:550 no");
	query.message_id = 0;
	assert_string_equal(list(fixture, &query).text, "2:one:2:550 no");
	query.state = STORE_OUTBOX_WAITING;
	query.target = "one";
	assert_string_equal(list(fixture, &query).text, "3:one:0:");
	query.account = "home";
	assert_string_equal(list(fixture, &query).text, "3:one:0:");
	query.state = STORE_OUTBOX_DELIVERED;
	assert_string_equal(list(fixture, &query).text, "1:one:1:250 ok");
	query.account = "nobody";
	assert_string_equal(list(fixture, &query).text, "");
	query.account = NULL;
	query.target = "nowhere";
	assert_string_equal(list(fixture, &query).text, "");
}

/* ---- changes ---- */

static void
test_what_was_refused_is_tried_again(void **state)
{
	struct fixture *fixture = *state;
	struct changed got;

	outbox_route(fixture, false, "one", NULL, NULL);
	store_some(fixture, 2);
	outbox_settle(fixture, 1, STORE_OUTBOX_REFUSED, 0, "550 no");
	outbox_settle(fixture, 2, STORE_OUTBOX_DELIVERED, 0, NULL);
	assert_string_equal(outbox_take(fixture, "one", 1, false).text, "");
	got = change(fixture, NULL, 1, STORE_OUTBOX_WAITING);
	assert_int_equal(got.status, STORE_OK);
	assert_int_equal(got.changed.changed, 1);
	assert_string_equal(
	    outbox_take(fixture, "one", 1, false).text, "1/0/u0");
	outbox_expect(fixture, "one", "1/1/0/0");

	/* What is there is not delivered again, nor dropped. */
	got = change(fixture, NULL, 2, STORE_OUTBOX_WAITING);
	assert_int_equal(got.status, STORE_OK);
	assert_int_equal(got.changed.changed, 0);
	got = change(fixture, NULL, 2, STORE_OUTBOX_DROPPED);
	assert_int_equal(got.changed.changed, 0);
	assert_int_equal(change(fixture, NULL, 99, STORE_OUTBOX_WAITING).status,
	    STORE_NOT_FOUND);
	outbox_expect(fixture, "one", "1/1/0/0");

	/* What is put off is due at once. */
	outbox_settle(fixture, 1, STORE_OUTBOX_WAITING, 5000, NULL);
	assert_string_equal(outbox_take(fixture, "one", 1, false).text, "");
	change(fixture, NULL, 1, STORE_OUTBOX_WAITING);
	assert_string_equal(
	    outbox_take(fixture, "one", 1, false).text, "1/0/u0");
}

static void
test_what_is_dropped_is_not_delivered(void **state)
{
	struct fixture *fixture = *state;

	outbox_route(fixture, true, "one", NULL, NULL);
	store_some(fixture, 2);
	assert_int_equal(
	    change(fixture, NULL, 1, STORE_OUTBOX_DROPPED).changed.changed, 1);
	outbox_expect(fixture, "one", "1/0/0/1");
	assert_string_equal(
	    outbox_take(fixture, "one", 1, false).text, "2/0/u1");
	/* Nobody waits for it any more. */
	fixture_expect(fixture,
	    "SELECT state FROM uid WHERE unique_id = CAST('u0' AS BLOB)",
	    STORE_UID_DELETE);

	/* It was under way: it has arrived after all, or it has not. */
	change(fixture, NULL, 2, STORE_OUTBOX_DROPPED);
	outbox_settle(fixture, 1, STORE_OUTBOX_DELIVERED, 0, "250 ok");
	outbox_settle(fixture, 2, STORE_OUTBOX_REFUSED, 0, "550 no");
	outbox_expect(fixture, "one", "0/1/0/1");
	change(fixture, NULL, 2, STORE_OUTBOX_WAITING);
	outbox_expect(fixture, "one", "1/1/0/0");
}

static void
test_many_are_changed_step_by_step(void **state)
{
	struct fixture *fixture = *state;
	struct store_outbox_query query = ALL;
	struct changed got;

	outbox_route(fixture, false, "one", "two", NULL);
	store_some(fixture, 5);
	for (int i = 1; i <= 4; i++)
		outbox_settle(fixture, outbox_id(fixture, i, "one"),
		    STORE_OUTBOX_REFUSED, 0, NULL);
	change(
	    fixture, NULL, outbox_id(fixture, 1, "one"), STORE_OUTBOX_DROPPED);
	query.target = "one";
	query.limit = 2;
	query.state = STORE_OUTBOX_REFUSED;
	got = change(fixture, &query, 0, STORE_OUTBOX_WAITING);
	assert_int_equal(got.changed.changed, 2);
	assert_true(got.changed.more);
	query.below_id = got.changed.last_id;
	got = change(fixture, &query, 0, STORE_OUTBOX_WAITING);
	assert_int_equal(got.changed.changed, 1);
	assert_false(got.changed.more);
	outbox_expect(fixture, "one", "4/0/0/1");

	/* What was dropped is wanted again only where that is said. */
	query = (struct store_outbox_query)ALL;
	query.account = "home";
	got = change(fixture, &query, 0, STORE_OUTBOX_WAITING);
	assert_int_equal(got.changed.changed, 9);
	outbox_expect(fixture, "one", "4/0/0/1");
	query.state = STORE_OUTBOX_DROPPED;
	got = change(fixture, &query, 0, STORE_OUTBOX_WAITING);
	assert_int_equal(got.changed.changed, 1);
	outbox_expect(fixture, "one", "5/0/0/0");
	query = (struct store_outbox_query)ALL;
	query.message_id = 3;
	got = change(fixture, &query, 0, STORE_OUTBOX_DROPPED);
	assert_int_equal(got.changed.changed, 2);
	outbox_expect(fixture, "two", "4/0/0/1");
	query.message_id = 0;
	query.state = STORE_OUTBOX_WAITING;
	query.target = "two";
	got = change(fixture, &query, 0, STORE_OUTBOX_DROPPED);
	assert_int_equal(got.changed.changed, 4);
	outbox_expect(fixture, "two", "0/0/0/5");
}

/* ---- old mail ---- */

static void
test_old_mail_goes_to_a_target(void **state)
{
	struct fixture *fixture = *state;
	struct store_outbox_add what = { .target = "new",
		.before_ms = INT64_MAX,
		.limit = 2,
		.is_dry = true };
	struct added got;

	store_some(fixture, 3);
	got = add(fixture, &what);
	assert_int_equal(got.status, STORE_OK);
	assert_string_equal(got.ids, "1 2");
	assert_int_equal(got.added.octets, 4);
	assert_true(got.added.more);
	/* It was only asked. */
	fixture_expect(fixture, "SELECT count(*) FROM target", 0);
	what.is_dry = false;
	got = add(fixture, &what);
	assert_string_equal(got.ids, "1 2");
	assert_int_equal(got.added.last_id, 2);
	what.after_id = 2;
	got = add(fixture, &what);
	assert_string_equal(got.ids, "3");
	assert_false(got.added.more);
	outbox_expect(fixture, "new", "3/0/0/0");
	assert_string_equal(
	    outbox_take(fixture, "new", 1, false).text, "1/0/u0 2/0/u1 3/0/u2");

	/* What has a row has one. */
	what.after_id = 0;
	what.limit = 10;
	outbox_settle(fixture, 1, STORE_OUTBOX_DELIVERED, 0, NULL);
	outbox_settle(fixture, 2, STORE_OUTBOX_REFUSED, 0, NULL);
	got = add(fixture, &what);
	assert_int_equal(got.added.added, 0);
	assert_int_equal(got.added.had, 3);
	what.again = true;
	got = add(fixture, &what);
	assert_string_equal(got.ids, "1 2");
	assert_int_equal(got.added.had, 1);
	outbox_expect(fixture, "new", "3/0/0/0");
}

static void
test_old_mail_is_chosen(void **state)
{
	struct fixture *fixture = *state;
	struct store_outbox_add what = { .target = "new",
		.account = "home",
		.before_ms = INT64_MAX,
		.limit = 10,
		.is_dry = true };
	int64_t home = fixture->account;

	store_some(fixture, 2);
	assert_int_equal(
	    fixture_account(fixture, "work", NULL, &fixture->account),
	    STORE_OK);
	fixture_store(fixture, "w", "work", 4);
	fixture->account = home;
	assert_string_equal(add(fixture, &what).ids, "1 2");
	what.account = "work";
	assert_string_equal(add(fixture, &what).ids, "3");
	what.message_id = 2;
	assert_int_equal(add(fixture, &what).status, STORE_NOT_FOUND);
	what.account = NULL;
	assert_string_equal(add(fixture, &what).ids, "2");
	what.message_id = 4;
	assert_int_equal(add(fixture, &what).status, STORE_NOT_FOUND);
	what.message_id = 0;
	what.account = "nobody";
	assert_int_equal(add(fixture, &what).status, STORE_NOT_FOUND);
	what.account = NULL;
	fixture_change(fixture, "UPDATE message SET stored_ms = 100 * id");
	what.since_ms = 200;
	assert_string_equal(add(fixture, &what).ids, "2 3");
	what.before_ms = 300;
	assert_string_equal(add(fixture, &what).ids, "2");
}

static void
take_piece(enum store_status status, const unsigned char *bytes, size_t length,
    void *arg)
{
	assert_null(bytes);
	assert_int_equal(length, 0);
	*(enum store_status *)arg = status;
}

/* Nobody here can read it: it goes nowhere, and that is told. */
static void
test_sealed_mail_goes_nowhere(void **state)
{
	/* A point of the curve; who has its secret half does not matter. */
	static const unsigned char seal_to[32] = { 9 };
	static const unsigned char digest_key[32] = "a key of the daemon's";
	struct fixture *fixture = *state;
	const struct store_outbox_add what = {
		.target = "new", .before_ms = INT64_MAX, .limit = 10
	};
	enum store_status status = STORE_OK;
	struct store_letter *letter;
	struct added got;

	fixture->config.seal_to = seal_to;
	fixture->config.digest_key = digest_key;
	fixture_open(fixture);
	store_some(fixture, 1);
	got = add(fixture, &what);
	assert_int_equal(got.status, STORE_OK);
	assert_int_equal(got.added.added, 0);
	assert_int_equal(got.added.sealed, 1);
	outbox_expect(fixture, "new", "0/0/0/0");

	/* What was routed before mail was sealed. */
	outbox_route(fixture, false, "one", NULL, NULL);
	fixture_store(fixture, "later", "later", 5);
	assert_string_equal(
	    outbox_take(fixture, "one", 1, false).text, "2/0/5");
	letter = store_letter_new(fixture->store, 2);
	assert_non_null(letter);
	store_letter_next(letter, take_piece, &status);
	for (int i = 0; i < 500 && status == STORE_OK; i++)
		fixture_turn(fixture, 10);
	assert_int_equal(status, STORE_SEALED);
	store_letter_free(&letter);
}

/* ---- targets ---- */

struct figures {
	bool done;
	char text[512]; /* name:waiting/delivered/refused/dropped of each */
	int64_t oldest_ms;
};

static void
take_figures(enum store_status status, const struct store_outbox_figures *rows,
    size_t count, void *arg)
{
	struct figures *figures = arg;
	size_t filled = 0;

	assert_int_equal(status, STORE_OK);
	memset(figures, 0, sizeof(*figures));
	for (size_t i = 0; i < count; i++) {
		filled += (size_t)snprintf(figures->text + filled,
		    sizeof(figures->text) - filled, "%s%s:%d/%d/%d/%d%s%s",
		    i > 0 ? " " : "", rows[i].target, (int)rows[i].waiting,
		    (int)rows[i].delivered, (int)rows[i].refused,
		    (int)rows[i].dropped, rows[i].paused_ms != 0 ? "!" : "",
		    rows[i].paused_by != NULL ? rows[i].paused_by : "");
		assert_int_equal(
		    rows[i].oldest_waiting_ms != 0, rows[i].waiting != 0);
	}
	figures->done = true;
}

static void
expect_figures(struct fixture *fixture, const char *text)
{
	struct figures figures = { .done = false };

	store_outbox_figures(fixture->store, take_figures, &figures);
	fixture_wait(fixture, &figures.done);
	assert_string_equal(figures.text, text);
}

static void
test_targets_have_figures(void **state)
{
	struct fixture *fixture = *state;
	struct answer answer = { .done = false };

	expect_figures(fixture, "");
	outbox_route(fixture, false, "two", "one", NULL);
	expect_figures(fixture, "one:0/0/0/0 two:0/0/0/0");
	store_some(fixture, 3);
	outbox_settle(fixture, outbox_id(fixture, 1, "one"),
	    STORE_OUTBOX_DELIVERED, 0, NULL);
	expect_figures(fixture, "one:2/1/0/0 two:3/0/0/0");
	store_target_pause(
	    fixture->store, "two", 1234, "alice", answer_done, &answer);
	fixture_wait(fixture, &answer.done);
	expect_figures(fixture, "one:2/1/0/0 two:3/0/0/0!alice");

	/* Whatever is restarted, and whoever is configured. */
	fixture_close(fixture);
	fixture_open(fixture);
	outbox_route(fixture, false, "one", NULL, NULL);
	expect_figures(fixture, "one:2/1/0/0 two:3/0/0/0!alice");
	answer.done = false;
	store_target_resume(fixture->store, "two", answer_done, &answer);
	fixture_wait(fixture, &answer.done);
	expect_figures(fixture, "one:2/1/0/0 two:3/0/0/0");
	fixture_expect_text(fixture,
	    "SELECT group_concat(name || configured || waiting || delivered"
	    " || (paused_since IS NULL), ' ') FROM"
	    " (SELECT * FROM v_target ORDER BY name)",
	    "one1211 two0301");
	fixture_expect_text(fixture,
	    "SELECT account || message || target || state || attempts ||"
	    " (queued_at LIKE '20%Z') || (settled_at LIKE '20%Z') ||"
	    " (due_at IS NULL) FROM v_outbox WHERE state = 'delivered'",
	    "home1onedelivered1111");
}

/* ---- deletions ---- */

static void
take_kept(
    enum store_status status, const struct store_kept_answer *answer, void *arg)
{
	assert_int_equal(status, STORE_OK);
	assert_int_equal(answer->kept, STORE_KEPT_NOT);
	*(bool *)arg = true;
}

static void
test_what_is_deleted_goes_nowhere(void **state)
{
	struct fixture *fixture = *state;
	bool done = false;

	outbox_route(fixture, false, "one", "two", NULL);
	store_some(fixture, 3);
	outbox_settle(fixture, outbox_id(fixture, 1, "one"),
	    STORE_OUTBOX_DELIVERED, 0, NULL);
	store_delete(fixture->store, 1, "alice", "asked to", take_kept, &done);
	fixture_wait(fixture, &done);
	outbox_expect(fixture, "one", "2/0/0/0");
	outbox_expect(fixture, "two", "2/0/0/0");
	assert_string_equal(
	    outbox_take(fixture, "two", 1, false).text, "2/0/u1 3/0/u2");
	assert_int_equal(fixture_check(fixture).problems, 0);
}

static void
test_what_waits_does_not_go_by_its_age(void **state)
{
	struct fixture *fixture = *state;
	const struct store_retained home = { "home", EVPOP_HOUR_MS };

	outbox_route(fixture, false, "one", NULL, NULL);
	store_some(fixture, 4);
	outbox_settle(fixture, 2, STORE_OUTBOX_DELIVERED, 0, NULL);
	outbox_settle(fixture, 3, STORE_OUTBOX_REFUSED, 0, NULL);
	fixture_change(
	    fixture, "UPDATE message SET stored_ms = stored_ms - 7200000");
	assert_true(store_keeping_configure(fixture->store, &home, 1, false));
	for (int i = 0; i < 500 && fixture_integer(fixture,
				       "SELECT count(*) FROM message") > 2;
	     i++)
		fixture_turn(fixture, 10);
	fixture_turn(fixture, 200);
	fixture_expect_text(
	    fixture, "SELECT group_concat(id, ' ') FROM message", "1 4");
	outbox_expect(fixture, "one", "2/0/0/0");
	fixture_expect(fixture, "SELECT messages FROM v_account", 2);
	assert_int_equal(fixture_check(fixture).problems, 0);
}

static void
test_a_check_counts_the_rows(void **state)
{
	struct fixture *fixture = *state;
	struct store_check check;

	outbox_route(fixture, false, "one", NULL, NULL);
	store_some(fixture, 2);
	assert_int_equal(fixture_check(fixture).problems, 0);
	fixture_change(fixture, "UPDATE target SET refused = 5");
	check = fixture_check(fixture);
	assert_int_equal(check.problems, 1);
	assert_string_equal(check.texts[0],
	    "target one: 0 messages are refused, its row says 5");
	fixture_change(fixture, "UPDATE target SET refused = 0");
	fixture_change(fixture, "UPDATE outbox SET message = 77 WHERE id = 2");
	check = fixture_check(fixture);
	assert_int_equal(check.problems, 1);
	assert_string_equal(check.texts[0],
	    "row 2 of the outbox refers to message 77, which does not exist");
	fixture_change(
	    fixture, "UPDATE outbox SET message = 2, state = 9 WHERE id = 2");
	check = fixture_check(fixture);
	assert_int_equal(check.problems, 2);
	assert_string_equal(check.texts[0],
	    "row 2 of the outbox has the state 9, which does not exist");

	/* No counter goes astray by it. */
	assert_int_equal(
	    change(fixture, NULL, 2, STORE_OUTBOX_WAITING).changed.changed, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(test_rows_are_listed),
		FIXTURE_TEST(test_what_was_refused_is_tried_again),
		FIXTURE_TEST(test_what_is_dropped_is_not_delivered),
		FIXTURE_TEST(test_many_are_changed_step_by_step),
		FIXTURE_TEST(test_old_mail_goes_to_a_target),
		FIXTURE_TEST(test_old_mail_is_chosen),
		FIXTURE_TEST_FOLDER(test_sealed_mail_goes_nowhere),
		FIXTURE_TEST(test_targets_have_figures),
		FIXTURE_TEST(test_what_is_deleted_goes_nowhere),
		FIXTURE_TEST(test_what_waits_does_not_go_by_its_age),
		FIXTURE_TEST(test_a_check_counts_the_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
