/*
 * Keys derived on other threads: the loop turns meanwhile, each request is
 * answered once or was cancelled, and nothing is left behind.
 */
#include <dirent.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <event2/event.h>
#include <openssl/evp.h>

#include "lib/net/derive.h"
#include "tests/unit/failing_alloc.h"
#include "tests/unit/held_threads.h"

#define REQUESTS_MAX 64

/* A whole derivation of these takes a while, one of those no time. */
#define LONG  EVPOP_ITERATIONS_MAX
#define SHORT 10

struct bench;

struct asked {
	struct bench *bench;
	struct evpop_derive_request *request;
	unsigned int answers;
	bool failed;
	unsigned char key[EVPOP_KEY_MAX];
	const unsigned char *lent; /* where the key lay */
	/* What the callback does, beside noting the key. */
	struct asked *cancels;
	bool frees;
};

struct bench {
	struct event_base *base;
	struct evpop_derive *derive;
	struct evpop_keys *keys;
	pthread_t thread; /* of the loop */
	struct asked asked[REQUESTS_MAX];
	size_t count;
};

static size_t
entries_of(const char *path)
{
	DIR *folder = opendir(path);
	size_t count = 0;

	assert_non_null(folder);
	while (readdir(folder) != NULL)
		count++;
	closedir(folder);
	return count;
}

static void
bench_begin(struct bench *bench, bool keeps)
{
	memset(bench, 0, sizeof *bench);
	bench->base = event_base_new();
	assert_non_null(bench->base);
	bench->derive = evpop_derive_new(bench->base);
	assert_non_null(bench->derive);
	if (keeps) {
		bench->keys = evpop_keys_new(EVPOP_KEYS_MAX);
		assert_non_null(bench->keys);
	}
	bench->thread = pthread_self();
}

static void
bench_end(struct bench *bench)
{
	evpop_derive_free(bench->derive);
	evpop_keys_free(bench->keys);
	event_base_free(bench->base);
}

/* Until nothing is left to wait for. */
static void
bench_turn(struct bench *bench)
{
	assert_int_not_equal(event_base_dispatch(bench->base), -1);
}

static void
answered(const unsigned char *key, void *arg)
{
	struct asked *asked = arg;
	struct bench *bench = asked->bench;

	assert_true(pthread_equal(pthread_self(), bench->thread));
	asked->request = NULL;
	asked->answers++;
	asked->failed = key == NULL;
	asked->lent = key;
	if (key != NULL)
		memcpy(asked->key, key, sizeof asked->key);
	if (asked->cancels != NULL) {
		evpop_derive_cancel(asked->cancels->request);
		asked->cancels->request = NULL;
	}
	if (asked->frees) {
		evpop_derive_free(bench->derive);
		bench->derive = NULL;
	}
}

static struct evpop_derivation
derivation_of(const char *password, unsigned int iterations)
{
	return (struct evpop_derivation){
		.user = "user",
		.password = password,
		.salt = (const unsigned char *)"salt",
		.salt_length = 4,
		.iterations = iterations,
		.key_size = EVPOP_SHA256_SIZE,
	};
}

/* Ask for the key of a password, which must not be known yet. */
static struct asked *
ask(struct bench *bench, const char *password, unsigned int iterations)
{
	/* As in an exchange: gone as soon as nothing borrows it. */
	char *copy = strdup(password);
	const struct evpop_derivation derivation =
	    derivation_of(copy, iterations);
	struct asked *asked = &bench->asked[bench->count++];
	unsigned char key[EVPOP_KEY_MAX];

	assert_non_null(copy);
	assert_true(bench->count <= REQUESTS_MAX);
	asked->bench = bench;
	assert_int_equal(
	    evpop_derive_ask(bench->derive, bench->keys, &derivation, answered,
		asked, key, &asked->request),
	    EVPOP_DERIVE_PENDING);
	assert_non_null(asked->request);
	memset(copy, 'x', strlen(copy));
	free(copy);
	return asked;
}

static void
expect_key(const unsigned char *key, const char *password, int iterations)
{
	unsigned char right[EVPOP_KEY_MAX];

	assert_int_equal(PKCS5_PBKDF2_HMAC(password, (int)strlen(password),
			     (const unsigned char *)"salt", 4, iterations,
			     EVP_sha256(), sizeof right, right),
	    1);
	assert_memory_equal(key, right, sizeof right);
}

static void
expect_answer(const struct asked *asked, const char *password, int iterations)
{
	assert_int_equal(asked->answers, 1);
	assert_false(asked->failed);
	expect_key(asked->key, password, iterations);
}

static void
expect_none(const struct asked *asked)
{
	assert_int_equal(asked->answers, 0);
}

/* ---- answers ---- */

static void
a_key_comes_later_and_from_the_loop(void **state)
{
	struct bench bench;
	const struct asked *asked;

	(void)state;
	bench_begin(&bench, false);
	asked = ask(&bench, "password", SHORT);
	expect_none(asked);
	bench_turn(&bench);
	expect_answer(asked, "password", SHORT);
	/* Nothing was kept: it is computed again. */
	asked = ask(&bench, "password", SHORT);
	bench_turn(&bench);
	expect_answer(asked, "password", SHORT);
	bench_end(&bench);
}

static void
a_kept_key_is_known_at_once(void **state)
{
	const struct evpop_derivation known = derivation_of("password", SHORT);
	const struct evpop_derivation other = derivation_of("passwore", SHORT);
	struct bench bench;
	struct evpop_derive_request *request = NULL;
	unsigned char key[EVPOP_KEY_MAX];

	(void)state;
	bench_begin(&bench, true);
	(void)ask(&bench, "password", SHORT);
	bench_turn(&bench);
	assert_int_equal(evpop_derive_ask(bench.derive, bench.keys, &known,
			     answered, NULL, key, &request),
	    EVPOP_DERIVE_KNOWN);
	assert_null(request);
	expect_key(key, "password", SHORT);
	assert_int_equal(evpop_derive_ask(bench.derive, bench.keys, &other,
			     answered, NULL, key, &request),
	    EVPOP_DERIVE_PENDING);
	evpop_derive_cancel(request);
	bench_end(&bench);
}

/* The key lies in the same place for both: there was one computation. */
static void
who_asks_for_the_same_shares(void **state)
{
	struct bench bench;
	const struct asked *first, *second, *other;

	(void)state;
	bench_begin(&bench, true);
	first = ask(&bench, "password", LONG);
	other = ask(&bench, "another", SHORT);
	second = ask(&bench, "password", LONG);
	bench_turn(&bench);
	expect_answer(first, "password", LONG);
	expect_answer(second, "password", LONG);
	expect_answer(other, "another", SHORT);
	assert_ptr_equal(first->lent, second->lent);
	assert_ptr_not_equal(first->lent, other->lent);
	bench_end(&bench);
}

static void
many_are_answered(void **state)
{
	static char passwords[REQUESTS_MAX][8];
	struct bench bench;
	size_t i;

	(void)state;
	bench_begin(&bench, true);
	for (i = 0; i < REQUESTS_MAX; i++) {
		memcpy(passwords[i], "secret", 7);
		passwords[i][0] = (char)('A' + i % 32);
		passwords[i][1] = (char)('a' + i / 32);
		(void)ask(&bench, passwords[i], 500);
	}
	bench_turn(&bench);
	for (i = 0; i < REQUESTS_MAX; i++)
		expect_answer(&bench.asked[i], passwords[i], 500);
	bench_end(&bench);
}

/* ---- the loop ---- */

static int64_t
cpu_ns(clockid_t clock)
{
	struct timespec used;

	assert_int_equal(clock_gettime(clock, &used), 0);
	return (int64_t)used.tv_sec * 1000000000 + used.tv_nsec;
}

struct turns {
	struct event *event;
	const struct asked *asked;
	unsigned int before_the_key;
};

static void
turned(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval next = { .tv_usec = 1000 };
	struct turns *turns = arg;

	(void)fd;
	(void)what;
	if (turns->asked->answers > 0)
		return;
	if (turns->before_the_key++ == 0)
		held_threads_release();
	event_add(turns->event, &next);
}

/*
 * It turns before the key is there, and the time of processors went to another
 * thread: which holds however fast the machine is.
 */
static void
the_loop_turns_meanwhile(void **state)
{
	static const struct timeval now = { .tv_sec = 0 };
	struct bench bench;
	struct turns turns = { .event = NULL };
	int64_t all, own;

	(void)state;
	bench_begin(&bench, false);
	turns.event = evtimer_new(bench.base, turned, &turns);
	assert_non_null(turns.event);
	event_add(turns.event, &now);
	/* The other thread waits for the first turn. */
	held_threads_hold();
	all = cpu_ns(CLOCK_PROCESS_CPUTIME_ID);
	own = cpu_ns(CLOCK_THREAD_CPUTIME_ID);
	turns.asked = ask(&bench, "password", LONG);
	bench_turn(&bench);
	all = cpu_ns(CLOCK_PROCESS_CPUTIME_ID) - all;
	own = cpu_ns(CLOCK_THREAD_CPUTIME_ID) - own;
	assert_true(turns.before_the_key > 0);
	assert_true(own < all / 2);
	expect_answer(turns.asked, "password", LONG);
	event_free(turns.event);
	bench_end(&bench);
}

/* No descriptor and no thread before, and no thread behind. */
static void
nothing_is_held_without_work(void **state)
{
	const size_t idle = held_threads_count(),
		     created = held_threads_created();
	struct bench bench;
	size_t descriptors;

	(void)state;
	bench_begin(&bench, false);
	descriptors = entries_of("/proc/self/fd");
	evpop_derive_free(bench.derive);
	bench.derive = evpop_derive_new(bench.base);
	assert_non_null(bench.derive);
	assert_int_equal(entries_of("/proc/self/fd"), descriptors);
	held_threads_wait(idle);
	(void)ask(&bench, "password", LONG);
	assert_int_equal(held_threads_created(), created + 1);
	bench_turn(&bench);
	/* The loop has ended by itself, and the thread before. */
	held_threads_wait(idle);
	bench_end(&bench);
}

static void
threads_are_no_more_than_processors(void **state)
{
	const size_t idle = held_threads_count(),
		     created = held_threads_created();
	const size_t most = (size_t)sysconf(_SC_NPROCESSORS_ONLN);
	static char passwords[16][4];
	struct bench bench;
	size_t i;

	(void)state;
	bench_begin(&bench, false);
	held_threads_hold();
	for (i = 0; i < 16; i++) {
		passwords[i][0] = (char)('a' + i);
		(void)ask(&bench, passwords[i], LONG);
		assert_true(held_threads_created() - created <= most);
	}
	held_threads_release();
	for (i = 0; i < 16; i++)
		evpop_derive_cancel(bench.asked[i].request);
	bench_end(&bench);
	held_threads_wait(idle);
}

/* Threads that the loop has not joined yet are in nobody's way. */
static void
ended_threads_make_room(void **state)
{
	static const char *const passwords[] = { "one", "two", "three", "four",
		"five", "six", "seven", "eight", "nine", "ten" };
	const size_t idle = held_threads_count();
	struct bench bench;
	size_t i;

	(void)state;
	bench_begin(&bench, true);
	for (i = 0; i < 10; i++) {
		(void)ask(&bench, passwords[i], SHORT);
		held_threads_wait(idle);
	}
	bench_turn(&bench);
	for (i = 0; i < 10; i++)
		expect_answer(&bench.asked[i], passwords[i], SHORT);
	bench_end(&bench);
}

/* ---- cancelling ---- */

static void
a_cancelled_request_is_not_answered(void **state)
{
	const size_t idle = held_threads_count();
	struct bench bench;
	struct asked *cancelled, *waits;
	size_t i;

	(void)state;
	bench_begin(&bench, true);
	/* While it is computed, and while it waits its turn. */
	for (i = 0; i < 20; i++)
		(void)ask(&bench, "password" + i % 8, LONG);
	for (i = 0; i < 20; i++)
		evpop_derive_cancel(bench.asked[i].request);
	held_threads_hold();
	for (i = 20; i < 30; i++)
		(void)ask(&bench, "password" + i % 8, LONG);
	for (i = 20; i < 30; i++)
		evpop_derive_cancel(bench.asked[i].request);
	held_threads_release();
	waits = ask(&bench, "password", SHORT);
	bench_turn(&bench);
	for (i = 0; i < 30; i++)
		expect_none(&bench.asked[i]);
	expect_answer(waits, "password", SHORT);
	/* After it was computed, before the loop has seen it. */
	cancelled = ask(&bench, "done", SHORT);
	held_threads_wait(idle);
	evpop_derive_cancel(cancelled->request);
	waits = ask(&bench, "next", SHORT);
	bench_turn(&bench);
	expect_none(cancelled);
	expect_answer(waits, "next", SHORT);
	bench_end(&bench);
	held_threads_wait(idle);
}

/* What one gives up, the other still gets. */
static void
another_keeps_the_computation(void **state)
{
	struct bench bench;
	struct asked *first, *second;

	(void)state;
	bench_begin(&bench, false);
	first = ask(&bench, "password", LONG);
	second = ask(&bench, "password", LONG);
	evpop_derive_cancel(first->request);
	bench_turn(&bench);
	expect_none(first);
	expect_answer(second, "password", LONG);
	bench_end(&bench);
}

static void
a_cancelled_one_may_be_asked_for_again(void **state)
{
	struct bench bench;
	struct asked *first, *again;

	(void)state;
	bench_begin(&bench, false);
	first = ask(&bench, "password", LONG);
	evpop_derive_cancel(first->request);
	again = ask(&bench, "password", LONG);
	bench_turn(&bench);
	expect_none(first);
	expect_answer(again, "password", LONG);
	bench_end(&bench);
}

static void
a_callback_may_cancel_others(void **state)
{
	const size_t idle = held_threads_count();
	struct bench bench;
	struct asked *first, *same, *other;

	(void)state;
	bench_begin(&bench, false);
	first = ask(&bench, "password", SHORT);
	same = ask(&bench, "password", SHORT);
	first->cancels = same;
	bench_turn(&bench);
	expect_answer(first, "password", SHORT);
	expect_none(same);
	/* Both are finished when the first is answered. */
	first = ask(&bench, "one", SHORT);
	held_threads_wait(idle);
	other = ask(&bench, "two", SHORT);
	held_threads_wait(idle);
	first->cancels = other;
	bench_turn(&bench);
	expect_answer(first, "one", SHORT);
	expect_none(other);
	bench_end(&bench);
}

static void
all_may_be_freed_in_a_callback(void **state)
{
	const size_t idle = held_threads_count();
	struct bench bench;
	struct asked *first, *other;

	(void)state;
	bench_begin(&bench, true);
	first = ask(&bench, "one", SHORT);
	held_threads_wait(idle);
	other = ask(&bench, "two", LONG);
	first->cancels = other;
	first->frees = true;
	bench_turn(&bench);
	expect_answer(first, "one", SHORT);
	expect_none(other);
	assert_null(bench.derive);
	bench_end(&bench);
	held_threads_wait(idle);
}

/* ---- failure ---- */

static void
without_a_thread_it_fails_at_once(void **state)
{
	const struct evpop_derivation derivation = derivation_of("p", SHORT);
	struct bench bench;
	struct evpop_derive_request *request;
	unsigned char key[EVPOP_KEY_MAX];
	struct asked *asked;

	(void)state;
	bench_begin(&bench, true);
	held_threads_refuse(true);
	assert_int_equal(evpop_derive_ask(bench.derive, bench.keys, &derivation,
			     answered, NULL, key, &request),
	    EVPOP_DERIVE_FAILED);
	assert_null(request);
	held_threads_refuse(false);
	/* The loop waits for nothing, and the next is none the worse. */
	bench_turn(&bench);
	held_threads_hold();
	asked = ask(&bench, "p", SHORT);
	/* One that runs takes them all. */
	held_threads_refuse(true);
	(void)ask(&bench, "q", SHORT);
	held_threads_refuse(false);
	held_threads_release();
	bench_turn(&bench);
	expect_answer(asked, "p", SHORT);
	expect_answer(&bench.asked[1], "q", SHORT);
	bench_end(&bench);
}

static void
every_allocation_may_fail(void **state)
{
	const struct evpop_derivation derivation = derivation_of("p", SHORT);
	struct bench bench;
	struct asked *asked;
	unsigned char key[EVPOP_KEY_MAX];
	enum evpop_derive_status status;
	size_t failing;

	(void)state;
	for (failing = 1; failing < 20; failing++) {
		bench_begin(&bench, true);
		asked = &bench.asked[0];
		asked->bench = &bench;
		failing_alloc_arm(failing);
		status = evpop_derive_ask(bench.derive, bench.keys, &derivation,
		    answered, asked, key, &asked->request);
		if (failing_alloc_disarm() < failing)
			break;
		assert_int_equal(status, EVPOP_DERIVE_FAILED);
		assert_null(asked->request);
		bench_turn(&bench);
		expect_none(asked);
		bench_end(&bench);
	}
	assert_true(failing > 2 && failing < 20);
	assert_int_equal(status, EVPOP_DERIVE_PENDING);
	bench_turn(&bench);
	expect_answer(asked, "p", SHORT);
	bench_end(&bench);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_comes_later_and_from_the_loop),
		cmocka_unit_test(a_kept_key_is_known_at_once),
		cmocka_unit_test(who_asks_for_the_same_shares),
		cmocka_unit_test(many_are_answered),
		cmocka_unit_test(the_loop_turns_meanwhile),
		cmocka_unit_test(nothing_is_held_without_work),
		cmocka_unit_test(threads_are_no_more_than_processors),
		cmocka_unit_test(ended_threads_make_room),
		cmocka_unit_test(a_cancelled_request_is_not_answered),
		cmocka_unit_test(another_keeps_the_computation),
		cmocka_unit_test(a_cancelled_one_may_be_asked_for_again),
		cmocka_unit_test(a_callback_may_cancel_others),
		cmocka_unit_test(all_may_be_freed_in_a_callback),
		cmocka_unit_test(without_a_thread_it_fails_at_once),
		cmocka_unit_test(every_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
