/*
 * Who goes first among those that are due: limits, turns, wishes, the rate of
 * log-ins; by the clock's word alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/poll/queue.h"

#define HOSTS 4
#define ITEMS 8 /* at each host */

struct scene {
	struct agenda_queue queue;
	struct host *hosts[HOSTS];
	struct agenda_item items[HOSTS][ITEMS];
};

static int
set_up(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));
	char name[16];

	assert_non_null(scene);
	queue_init(&scene->queue);
	for (int h = 0; h < HOSTS; h++) {
		(void)snprintf(name, sizeof(name), "h%d", h);
		scene->hosts[h] = host_get(&scene->queue.hosts, name);
		assert_non_null(scene->hosts[h]);
		for (int i = 0; i < ITEMS; i++)
			scene->items[h][i].host = scene->hosts[h];
	}
	assert_true(queue_reserve(&scene->queue));
	*state = scene;
	return 0;
}

static int
tear_down(void **state)
{
	struct scene *scene = *state;

	queue_clear(&scene->queue);
	free(scene);
	return 0;
}

static void
limit(struct scene *scene, uint32_t sessions, uint32_t per_host,
    uint32_t logins, int64_t now_ms)
{
	queue_set_limits(&scene->queue,
	    &(struct queue_limits){ sessions, per_host, logins }, now_ms);
}

/* "00" is the first item of the first host; a star goes before a wish. */
static void
put(struct scene *scene, const char *words)
{
	for (; *words != '\0'; words += *words == ' ') {
		bool wished = *words == '*';

		words += wished;
		queue_put(&scene->queue,
		    &scene->items[words[0] - '0'][words[1] - '0'], wished);
		words += 2;
	}
}

static struct agenda_item *
item_of(struct scene *scene, const char *word)
{
	return &scene->items[word[0] - '0'][word[1] - '0'];
}

/* These start at that time, in that order, and nobody else. */
static void
expect(struct scene *scene, int64_t now_ms, const char *words)
{
	struct agenda_item *item;
	char all[256] = "";

	while ((item = queue_take(&scene->queue, now_ms)) != NULL) {
		ptrdiff_t number = item - &scene->items[0][0];
		char word[8];

		assert_ptr_equal(item->session, item->host);
		(void)snprintf(word, sizeof(word), "%s%d%d",
		    *all == '\0' ? "" : " ", (int)(number / ITEMS),
		    (int)(number % ITEMS));
		assert_true(strlen(all) + strlen(word) < sizeof(all));
		strcat(all, word);
	}
	assert_string_equal(all, words);
}

static void
release(struct scene *scene, const char *words)
{
	for (; *words != '\0'; words += *words == ' ') {
		queue_release(&scene->queue, item_of(scene, words));
		words += 2;
	}
}

static void
test_hosts_take_turns(void **state)
{
	struct scene *scene = *state;

	limit(scene, 100, 100, 0, 0);
	put(scene, "00 01 02 03 10 11 20");
	expect(scene, 0, "00 10 20 01 11 02 03");
	assert_int_equal(scene->queue.sessions, 7);
	release(scene, "00 10 20 01 11 02 03");
	assert_int_equal(scene->queue.sessions, 0);
	assert_true(TAILQ_EMPTY(&scene->queue.running));
	expect(scene, 0, "");
}

static void
test_limit_of_a_host(void **state)
{
	struct scene *scene = *state;

	limit(scene, 100, 2, 0, 0);
	put(scene, "00 01 02 03 10");
	expect(scene, 0, "00 10 01");
	release(scene, "00");
	expect(scene, 0, "02");
	expect(scene, 0, "");
	release(scene, "02 01 10");
	expect(scene, 0, "03");
}

static void
test_limit_in_all(void **state)
{
	struct scene *scene = *state;

	limit(scene, 3, 3, 0, 0);
	put(scene, "00 01 02 03 10 11 20 30");
	expect(scene, 0, "00 10 20");
	release(scene, "10");
	expect(scene, 0, "30");
	release(scene, "00 20");
	expect(scene, 0, "01 11");
}

/* A wish is first, among all hosts, and wishes are in their own order. */
static void
test_wishes(void **state)
{
	struct scene *scene = *state;

	limit(scene, 100, 100, 0, 0);
	put(scene, "00 01 *30 10 *31 *02 *20 *32");
	expect(scene, 0, "30 31 02 20 32 00 10 01");
}

/* Where its host has no session left a wish waits, but no other for it. */
static void
test_wishes_wait_for_limits(void **state)
{
	struct scene *scene = *state;

	limit(scene, 4, 1, 0, 0);
	put(scene, "00 10");
	expect(scene, 0, "00 10");
	put(scene, "*01 *02 11 *20 30 31");
	expect(scene, 0, "20 30");
	release(scene, "30");
	expect(scene, 0, "31");
	release(scene, "00 10");
	expect(scene, 0, "01 11");
	release(scene, "01");
	expect(scene, 0, "02");
}

static void
test_out_of_the_middle(void **state)
{
	struct scene *scene = *state;

	limit(scene, 100, 100, 0, 0);
	put(scene, "00 01 02 *03 *04 10 *20");
	queue_remove(&scene->queue, item_of(scene, "01"));
	queue_remove(&scene->queue, item_of(scene, "03"));
	queue_remove(&scene->queue, item_of(scene, "20"));
	queue_remove(&scene->queue, item_of(scene, "10"));
	expect(scene, 0, "04 00 02");
}

/* Evenly spaced, no more in any second, and the full rate is reached. */
static void
test_rate(void **state)
{
	static const uint32_t rates[] = { 1, 3, 7, 20, 300, 999, 1000 };
	struct scene *scene = *state;
	struct agenda_item *item = item_of(scene, "00");
	int64_t *starts = calloc(11000, sizeof(*starts)), now_ms, next_ms;
	size_t count;

	assert_non_null(starts);
	for (size_t r = 0; r < sizeof(rates) / sizeof(rates[0]); r++) {
		now_ms = 1000000 * (int64_t)(r + 1);
		limit(scene, 100, 100, rates[r], now_ms);
		now_ms += 1000;
		for (count = 0; count < rates[r] * 10u; now_ms = next_ms) {
			put(scene, "00");
			if (queue_take(&scene->queue, now_ms) == NULL) {
				queue_remove(&scene->queue, item);
				next_ms = queue_next_ms(&scene->queue);
				assert_true(next_ms > now_ms);
				continue;
			}
			next_ms = now_ms;
			starts[count] = now_ms;
			if (count >= rates[r])
				assert_true(
				    now_ms - starts[count - rates[r]] >= 1000);
			count++;
			release(scene, "00");
		}
		/* In ten seconds, or a thousandth more by rounding. */
		assert_true(now_ms - starts[0] <= 10010);
	}
	free(starts);
}

static void
test_rate_holds_nobody_else(void **state)
{
	struct scene *scene = *state;

	limit(scene, 100, 100, 2, 0);
	put(scene, "00 01 02 *03 10 11");
	expect(scene, 0, "03 10");
	assert_int_equal(queue_next_ms(&scene->queue), 500);
	expect(scene, 499, "");
	expect(scene, 500, "00 11");
	put(scene, "*12 20");
	expect(scene, 600, "20");
	expect(scene, 1000, "12 01");
	expect(scene, 1500, "02");
	/* What has no account waiting cools all the same. */
	expect(scene, 9000, "");
	assert_int_equal(queue_next_ms(&scene->queue), INT64_MAX);
}

static void
test_limits_change(void **state)
{
	struct scene *scene = *state;

	limit(scene, 3, 1, 1, 0);
	put(scene, "00 01 02 10 *03");
	expect(scene, 0, "03 10");
	/* Those above the new limits go on. */
	limit(scene, 1, 1, 0, 10);
	expect(scene, 10, "");
	release(scene, "10");
	expect(scene, 10, "");
	limit(scene, 3, 2, 0, 20);
	expect(scene, 20, "00");
	limit(scene, 9, 9, 10, 30);
	expect(scene, 30, "01");
	assert_int_equal(queue_next_ms(&scene->queue), 130);
	limit(scene, 9, 9, 1, 40);
	expect(scene, 130, "");
	expect(scene, 1040, "02");
}

/* ---- more work than can be done ---- */

#define GIANT  20000
#define LARGE  500
#define LARGES 20
#define SINGLE 100
#define CROWD  (GIANT + LARGE * LARGES + SINGLE)

struct one {
	struct agenda_item item; /* first */
	unsigned polls;
};

/*
 * Fifty sessions of a second for a crowd that is always due again at once: each
 * host has the same part, each account of a host has the same part of that, and
 * who is alone at a host is never behind a crowd.
 */
static void
test_crowd(void **state)
{
	struct one *crowd = calloc(CROWD, sizeof(*crowd)), *one, *next;
	unsigned turns = 0, least = UINT32_MAX, most = 0;
	struct agenda_queue queue;
	size_t number = 0;
	char name[32];

	(void)state;
	assert_non_null(crowd);
	queue_init(&queue);
	queue_set_limits(&queue, &(struct queue_limits){ 50, 10, 0 }, 0);
	for (size_t h = 0; h < 1 + LARGES + SINGLE; h++) {
		size_t count = h == 0 ? GIANT : h <= LARGES ? LARGE : 1;
		struct host *host;

		(void)snprintf(name, sizeof(name), "pop%zu", h);
		host = host_get(&queue.hosts, name);
		assert_non_null(host);
		for (size_t i = 0; i < count; i++)
			crowd[number++].item.host = host;
	}
	assert_true(queue_reserve(&queue));
	for (number = 0; number < CROWD; number++)
		queue_put(&queue, &crowd[number].item, false);
	for (unsigned second = 0; second < 3600; second++) {
		while ((one = (struct one *)queue_take(
			    &queue, second * 1000)) != NULL)
			one->polls++, turns++;
		one = (struct one *)TAILQ_FIRST(&queue.running);
		for (; one != NULL; one = next) {
			next = (struct one *)TAILQ_NEXT(&one->item, link);
			queue_release(&queue, &one->item);
			queue_put(&queue, &one->item, false);
		}
	}
	assert_int_equal(turns, 3600 * 50);
	turns /= 1 + LARGES + SINGLE;
	for (number = CROWD - SINGLE; number < CROWD; number++)
		assert_in_range(crowd[number].polls, turns * 9 / 10, turns);
	for (number = 0; number < GIANT; number++)
		assert_true(crowd[number].polls <= 1);
	for (; number < GIANT + LARGE * LARGES; number++) {
		least =
		    crowd[number].polls < least ? crowd[number].polls : least;
		most = crowd[number].polls > most ? crowd[number].polls : most;
	}
	assert_true(most - least <= 1);
	assert_in_range(least, turns / LARGE, turns / LARGE + 1);
	queue_clear(&queue);
	free(crowd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_hosts_take_turns),
		TEST(test_limit_of_a_host),
		TEST(test_limit_in_all),
		TEST(test_wishes),
		TEST(test_wishes_wait_for_limits),
		TEST(test_out_of_the_middle),
		TEST(test_rate),
		TEST(test_rate_holds_nobody_else),
		TEST(test_limits_change),
		cmocka_unit_test(test_crowd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
