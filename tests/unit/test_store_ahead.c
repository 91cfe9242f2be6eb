/*
 * Messages are read ahead of the index by a worker: whatever one is made to
 * cost, nobody else waits for it.
 */
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "daemon/store/index/ahead.h"
#include "daemon/store/queue.h"
#include "lib/base/clock.h"
#include "tests/unit/test_store_fixture.h"

/* The linker puts it in the place of the reader of messages. */
static atomic_bool is_held;
static atomic_uint reads;
static sem_t released;

bool __real_mail_words_read(
    const char *message, size_t length, struct mail_words *words_r);
bool __wrap_mail_words_read(
    const char *message, size_t length, struct mail_words *words_r);

bool
__wrap_mail_words_read(
    const char *message, size_t length, struct mail_words *words_r)
{
	atomic_fetch_add(&reads, 1);
	if (atomic_load(&is_held))
		while (sem_wait(&released) != 0)
			;
	return __real_mail_words_read(message, length, words_r);
}

static void
put(struct fixture *fixture, const char *text)
{
	char message[200];
	int length = snprintf(
	    message, sizeof(message), "Subject: s\r\n\r\n%s\r\n", text);

	fixture_store(fixture, NULL, message, (size_t)length);
}

static size_t
found(struct fixture *fixture, const char *query)
{
	const struct found found = fixture_find(fixture, query);

	assert_int_equal(found.status, STORE_OK);
	return found.count;
}

static void
wait_found(struct fixture *fixture, const char *query, size_t wanted)
{
	for (int i = 0; i < 6000; i++) {
		if (found(fixture, query) == wanted)
			return;
		fixture_turn(fixture, 10);
	}
	fail_msg("%s was not found %zu times", query, wanted);
}

static void
nobody_waits_for_a_message(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(sem_init(&released, 0, 0), 0);
	atomic_store(&reads, 0);
	atomic_store(&is_held, true);
	put(fixture, "slowword");
	for (int i = 0; atomic_load(&reads) == 0; i++) {
		assert_true(i < 6000);
		fixture_turn(fixture, 10);
	}
	/* It is being read: mail is stored, and questions are answered. */
	for (int i = 0; i < 10; i++)
		put(fixture, "otherword");
	assert_int_equal(found(fixture, "slowword"), 0);
	fixture_expect(fixture, "SELECT count(*) FROM message", 11);
	assert_int_equal(atomic_load(&reads), 1);
	atomic_store(&is_held, false);
	assert_int_equal(sem_post(&released), 0);
	wait_found(fixture, "slowword", 1);
	wait_found(fixture, "otherword", 10);
	/* Each once. */
	assert_int_equal(atomic_load(&reads), 11);
	assert_int_equal(sem_destroy(&released), 0);
}

static void
wait_ready(struct store_ahead *ahead, struct store_queue *queue)
{
	for (int i = 0; !store_ahead_is_ready(ahead); i++) {
		assert_true(i < 600);
		assert_null(
		    store_queue_take(queue, evpop_clock_monotonic_ms() + 100));
	}
}

/* The id of the next one; 0: none is ready; -1: there is none. */
static int64_t
take(struct store_ahead *ahead, int64_t above)
{
	struct store_prepared *prepared;
	bool more;
	int64_t id = 0;

	assert_int_equal(
	    store_ahead_take(ahead, above, &prepared, &more), STORE_OK);
	if (prepared != NULL) {
		assert_int_equal(prepared->above, above);
		assert_non_null(strstr(prepared->words.text, "word"));
		id = prepared->id;
	}
	store_prepared_free(prepared);
	return id == 0 && !more ? -1 : id;
}

static void
messages_come_in_order(void **state)
{
	struct fixture *fixture = *state;
	struct store_ahead *ahead;
	struct store_queue queue;

	put(fixture, "oneword");
	put(fixture, "twoword");
	put(fixture, "threeword");
	wait_found(fixture, "threeword", 1);
	assert_true(store_queue_init(&queue));
	ahead = store_ahead_new(fixture->path, STORE_PREPARED_OF_INDEX, &queue);
	assert_non_null(ahead);
	/* From where the index ends: there is nothing more. */
	store_ahead_look(ahead);
	wait_ready(ahead, &queue);
	assert_int_equal(take(ahead, 3), -1);
	/* From elsewhere it begins again, where the index ends. */
	fixture_change(fixture, "DELETE FROM meta WHERE key = 'indexed'");
	assert_int_equal(take(ahead, 0), 0);
	wait_ready(ahead, &queue);
	assert_int_equal(take(ahead, 0), 1);
	assert_int_equal(take(ahead, 1), 2);
	assert_int_equal(take(ahead, 0), 0);
	wait_ready(ahead, &queue);
	assert_int_equal(take(ahead, 0), 1);
	assert_int_equal(take(ahead, 1), 2);
	assert_int_equal(take(ahead, 2), 3);
	assert_int_equal(take(ahead, 3), -1);
	put(fixture, "fourword");
	store_ahead_look(ahead);
	wait_ready(ahead, &queue);
	assert_int_equal(take(ahead, 3), 4);
	assert_int_equal(take(ahead, 4), -1);
	store_ahead_free(ahead);
	store_queue_destroy(&queue);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(nobody_waits_for_a_message),
		FIXTURE_TEST(messages_come_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
