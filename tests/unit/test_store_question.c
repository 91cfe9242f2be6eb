/*
 * Questions beside polls and beside each other: while searches are held, in
 * the middle of a row, or time goes on as the test says.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "daemon/store/message.h"
#include "daemon/store/private.h"
#include "tests/unit/test_store_fixture.h"

#define SLOW_ROWS 4000

/* ---- what the linker puts in the place of the store's ---- */

static struct {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool is_held;
	unsigned waiting; /* searches that are held now */
	unsigned taken;   /* rows of slow senders */
} gate = { .mutex = PTHREAD_MUTEX_INITIALIZER,
	.changed = PTHREAD_COND_INITIALIZER };

static atomic_llong later_ms;

static void
gate_set(bool is_held)
{
	pthread_mutex_lock(&gate.mutex);
	gate.is_held = is_held;
	gate.taken = 0;
	pthread_cond_broadcast(&gate.changed);
	pthread_mutex_unlock(&gate.mutex);
}

static unsigned
gate_taken(void)
{
	unsigned taken;

	pthread_mutex_lock(&gate.mutex);
	taken = gate.taken;
	pthread_mutex_unlock(&gate.mutex);
	return taken;
}

/* Until as many searches are at the gate. */
static void
gate_wait(unsigned count)
{
	pthread_mutex_lock(&gate.mutex);
	while (gate.waiting < count)
		pthread_cond_wait(&gate.changed, &gate.mutex);
	pthread_mutex_unlock(&gate.mutex);
}

static void
gate_pass(void)
{
	pthread_mutex_lock(&gate.mutex);
	gate.taken++;
	gate.waiting++;
	pthread_cond_broadcast(&gate.changed);
	while (gate.is_held)
		pthread_cond_wait(&gate.changed, &gate.mutex);
	gate.waiting--;
	pthread_mutex_unlock(&gate.mutex);
}

void __real_store_message_take(
    struct store_op *, struct sql_statement *, struct store_message_row *);
void __wrap_store_message_take(
    struct store_op *, struct sql_statement *, struct store_message_row *);

void
__wrap_store_message_take(struct store_op *op, struct sql_statement *from,
    struct store_message_row *row_r)
{
	__real_store_message_take(op, from, row_r);
	if (row_r->sender != NULL && strcmp(row_r->sender, "slow@x") == 0)
		gate_pass();
}

int64_t __real_evpop_clock_monotonic_ms(void);
int64_t __wrap_evpop_clock_monotonic_ms(void);

int64_t
__wrap_evpop_clock_monotonic_ms(void)
{
	return __real_evpop_clock_monotonic_ms() + atomic_load(&later_ms);
}

void __real_store_ops_close(struct store_ops *);
void __wrap_store_ops_close(struct store_ops *);

/* The store closes: what it has told to end goes on, and ends. */
void
__wrap_store_ops_close(struct store_ops *ops)
{
	__real_store_ops_close(ops);
	gate_set(false);
}

/* ---- askers ---- */

static void
search(struct fixture *fixture, struct found *asker)
{
	const struct store_message_filter filter = { .from = "slow@",
		.limit = STORE_PAGE_MAX };

	memset(asker, 0, sizeof(*asker));
	store_search(fixture->store, &filter, found_messages, asker);
}

/* Thousands of messages by slow@x, and then two by quick@x. */
static void
fill(struct fixture *fixture)
{
	static const char bytes[] = "From: quick@x\r\nSubject: q\r\n\r\nbody";
	char sql[400];

	snprintf(sql, sizeof(sql),
	    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
	    " WHERE i < %d) INSERT INTO message(account, body, octets, digest,"
	    " stored_ms, sender, attachments)"
	    " SELECT 1, -i, 1, zeroblob(32), i, 'slow@x', 0 FROM n",
	    SLOW_ROWS);
	fixture_change(fixture, sql);
	/* A page of one looks at two. */
	for (int i = 0; i < 2; i++)
		fixture_store(fixture, NULL, bytes, sizeof(bytes) - 1);
}

static void
begin(struct fixture *fixture, struct found *askers, unsigned count)
{
	atomic_store(&later_ms, 0);
	fill(fixture);
	gate_set(true);
	for (unsigned i = 0; i < count; i++)
		search(fixture, &askers[i]);
	gate_wait(count < STORE_SEARCHES ? count : STORE_SEARCHES);
}

static size_t
answered(struct fixture *fixture, struct found *asker)
{
	fixture_wait(fixture, &asker->done);
	assert_int_equal(asker->status, STORE_OK);
	asker->done = false;
	return asker->count;
}

/* ---- the tests ---- */

static void
ask_for_polls(struct fixture *fixture, struct found *asker)
{
	const struct store_poll poll = { .account_id = fixture->account,
		.started_ms = 1,
		.finished_ms = 2,
		.outcome = "ok" };
	struct answer answer = { 0 };

	store_uids(fixture->store, fixture->account, NULL, found_uids, asker);
	assert_int_equal(answered(fixture, asker), 0);
	store_servers(fixture->store, found_servers, asker);
	assert_int_equal(answered(fixture, asker), 0);
	store_account(fixture->store, "home", NULL, answer_account, &answer);
	fixture_wait(fixture, &answer.done);
	assert_int_equal(answer.status, STORE_OK);
	answer.done = false;
	store_poll_record(fixture->store, &poll, answer_done, &answer);
	fixture_wait(fixture, &answer.done);
	assert_int_equal(answer.status, STORE_OK);
}

static void
ask_plainly(struct fixture *fixture, struct found *asker)
{
	struct store_message_filter filter = { .limit = 1 };
	struct store *store = fixture->store;

	store_search(store, &filter, found_messages, asker);
	assert_int_equal(answered(fixture, asker), 1);
	filter.account = "home";
	store_search(store, &filter, found_messages, asker);
	assert_int_equal(answered(fixture, asker), 1);
	store_message(store, SLOW_ROWS + 1, found_message, asker);
	assert_int_equal(answered(fixture, asker), 1);
	store_body_read(store, SLOW_ROWS + 1, 0, found_part, asker);
	assert_true(answered(fixture, asker) > 0);
	store_polls(store, NULL, 0, 5, found_polls, asker);
	assert_int_equal(answered(fixture, asker), 1);
	store_accounts(store, "home", "home", found_accounts, asker);
	assert_int_equal(answered(fixture, asker), 1);
	store_quarantines(store, NULL, 0, 5, found_quarantines, asker);
	assert_int_equal(answered(fixture, asker), 0);
}

static void
searches_delay_neither_polls_nor_plain_questions(void **state)
{
	struct fixture *fixture = *state;
	struct found searches[6], asker = { 0 };

	begin(fixture, searches, 6);
	ask_for_polls(fixture, &asker);
	ask_plainly(fixture, &asker);
	for (size_t i = 0; i < 6; i++)
		assert_false(searches[i].done);
	gate_set(false);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(
		    answered(fixture, &searches[i]), STORE_PAGE_MAX);
}

/* One that is quick does not wait for one that was asked before. */
static void
questions_are_answered_in_no_order(void **state)
{
	struct fixture *fixture = *state;
	struct store_message_filter filter = { .from = "quick@", .limit = 1 };
	struct found first, second = { 0 };

	begin(fixture, &first, 1);
	store_search(fixture->store, &filter, found_messages, &second);
	assert_int_equal(answered(fixture, &second), 1);
	assert_false(first.done);
	gate_set(false);
	answered(fixture, &first);
}

static void
who_leaves_ends_what_it_asked(void **state)
{
	struct fixture *fixture = *state;
	struct found searches[4];

	begin(fixture, searches, 4);
	/* Not begun: it comes back although nobody has time for it. */
	store_leave(fixture->store, &searches[2]);
	assert_false(searches[2].done);
	fixture_wait(fixture, &searches[2].done);
	assert_int_equal(searches[2].status, STORE_CLOSED);
	assert_int_equal(searches[2].count, 0);
	/* Under way. */
	store_leave(fixture->store, &searches[0]);
	store_leave(fixture->store, &searches[1]);
	store_leave(fixture->store, &searches[3]);
	store_leave(fixture->store, fixture);
	gate_set(false);
	for (size_t i = 0; i < 4; i++) {
		fixture_wait(fixture, &searches[i].done);
		assert_int_equal(searches[i].status, STORE_CLOSED);
	}
	assert_true(gate_taken() < 2 * STORE_PAGE_MAX);
	search(fixture, &searches[0]);
	assert_int_equal(answered(fixture, &searches[0]), STORE_PAGE_MAX);
}

static void
questions_have_a_deadline(void **state)
{
	struct fixture *fixture = *state;
	struct found searches[4], asker = { 0 };

	begin(fixture, searches, 3);
	atomic_fetch_add(&later_ms, STORE_QUESTION_MS - 1);
	search(fixture, &searches[3]);
	atomic_fetch_add(&later_ms, 1);
	gate_set(false);
	for (size_t i = 0; i < 3; i++) {
		fixture_wait(fixture, &searches[i].done);
		assert_int_equal(searches[i].status, STORE_SLOW);
		assert_int_equal(searches[i].count, 0);
	}
	/* It was asked later. */
	assert_int_equal(answered(fixture, &searches[3]), STORE_PAGE_MAX);
	/* What polls need has none. */
	fixture->store->ops->question_ms = 0;
	ask_for_polls(fixture, &asker);
	store_message(fixture->store, 1, found_message, &asker);
	fixture_wait(fixture, &asker.done);
	assert_int_equal(asker.status, STORE_SLOW);
}

static void
a_store_that_closes_waits_for_no_question(void **state)
{
	struct fixture *fixture = *state;
	struct found searches[4];

	begin(fixture, searches, 4);
	store_close(&fixture->store);
	for (size_t i = 0; i < 4; i++) {
		assert_true(searches[i].done);
		assert_int_equal(searches[i].status, STORE_CLOSED);
	}
	assert_true(gate_taken() < 2 * STORE_PAGE_MAX);
	fixture_open(fixture);
}

/* Who leaves while its answer waits for rows of polls to be written. */
static void
who_leaves_before_the_store_began(void **state)
{
	struct fixture *fixture = *state;
	const struct store_poll poll = { .account_id = fixture->account,
		.outcome = "ok" };
	struct found asker = { 0 };

	store_poll_note(fixture->store, &poll);
	store_polls(fixture->store, NULL, 0, 5, found_polls, &asker);
	store_leave(fixture->store, &asker);
	fixture_wait(fixture, &asker.done);
	assert_int_equal(asker.status, STORE_CLOSED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(searches_delay_neither_polls_nor_plain_questions),
		FIXTURE_TEST(questions_are_answered_in_no_order),
		FIXTURE_TEST(who_leaves_ends_what_it_asked),
		FIXTURE_TEST(questions_have_a_deadline),
		FIXTURE_TEST(a_store_that_closes_waits_for_no_question),
		FIXTURE_TEST(who_leaves_before_the_store_began),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
