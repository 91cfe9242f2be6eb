/*
 * What an account at rest costs: all that the configuration and the poller keep
 * for it, beyond its own strings, with what malloc() adds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <event2/event.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "daemon/log/log.h"
#include "daemon/poll/accounts.h"
#include "daemon/store/store.h"
#include "tests/unit/test_config_folder.h"

#define ACCOUNTS 20000
#define COST_MAX 768
/* What a host costs that no other account shares. */
#define HOST_COST_MAX 128

/* What a poll that failed leaves behind: one more string of its own. */
#define TEXT "connect: pop.example.org port 995: Connection refused"

/* These have an allocator of their own, and more than that around each. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MEASURABLE false
#else
#define MEASURABLE true
#endif

static size_t
allocated(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

/* So many accounts for each host; the octets of all their strings. */
static size_t
write_accounts(const struct folder *folder, int per_host)
{
	FILE *file = fopen(folder->main, "w");
	size_t octets = 0;
	char host[64];

	assert_non_null(file);
	assert_true(fputs("[defaults]\ninterval_min = 1m\n", file) >= 0);
	for (int i = 0; i < ACCOUNTS; i++) {
		(void)snprintf(
		    host, sizeof(host), "pop%05d.example.org", i / per_host);
		octets += (size_t)fprintf(file,
		    "[account user%05d@example.org]\nuser = user%05d\n"
		    "password_file = /etc/evpopd/secrets/%05d\nhost = %s\n",
		    i, i, i, host);
		octets -= strlen("[account ]\nuser = \npassword_file = \n") +
			  strlen("host = \n");
		octets += 4; /* their ends */
		if (i % per_host != 0)
			octets -= strlen(host) + 1;
	}
	assert_int_equal(fclose(file), 0);
	return octets;
}

struct house {
	struct agenda agenda;
	struct accounts *accounts;
};

static void
poll_all(struct house *house, bool well)
{
	struct run_progress progress = {
		.started_ms = 1,
		.finished_ms = 2,
		.tally.messages = 7,
		.identity = POLLER_IDENTITY_UNIQUE_ID,
	};
	struct agenda_item *item;
	size_t polls = 0, i;

	if (!well)
		evpop_result_set(&progress.result, EVPOP_ERROR_IO,
		    EVPOP_PHASE_CONNECT, "%s", TEXT);
	for (i = 0; i < ACCOUNTS; i++)
		agenda_wish(&house->agenda,
		    account_item(accounts_at(house->accounts, i)));
	for (; (item = agenda_start(&house->agenda, 1)) != NULL; polls++)
		account_end(
		    account_of(item), &house->agenda, NULL, &progress, false);
	assert_int_equal(polls, ACCOUNTS);
	assert_int_equal(
	    agenda_count(&house->agenda, POLLER_WAITING), ACCOUNTS);
}

static void
accounts_known(void *arg)
{
	(void)arg;
}

/* What the store is told of them passes. */
static void
house_open(struct house *house, struct store *store, struct event_base *base,
    const struct config *config)
{
	const struct config_diff nothing = { 0 };
	const struct queue_limits limits = { .sessions = ACCOUNTS,
		.sessions_per_host = ACCOUNTS };

	agenda_init(&house->agenda, NULL);
	agenda_set_limits(&house->agenda, &limits, 0);
	house->accounts =
	    accounts_new(store, &house->agenda, accounts_known, NULL);
	assert_non_null(house->accounts);
	assert_true(accounts_take(house->accounts, config, &nothing));
	accounts_tell(house->accounts);
	while (!accounts_are_answered(house->accounts))
		assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
}

static void
check_cost(const char *what, size_t octets, size_t strings, size_t cost_max)
{
	size_t cost = (octets - strings + ACCOUNTS - 1) / ACCOUNTS;

	if (!MEASURABLE)
		return;
	print_message("%s: %zu octets\n", what, cost);
	if (cost > cost_max)
		fail_msg("more than %zu octets", cost_max);
}

static void
measure(void **state, int per_host, size_t cost_max)
{
	const struct folder *folder = *state;
	struct event_base *base = event_base_new();
	struct store_error error;
	struct store *store;
	struct house house;
	struct config *config;
	char path[128];
	size_t strings, before;

	(void)snprintf(path, sizeof(path), "%s/mail.db", folder->path);
	assert_non_null(base);
	assert_int_equal(
	    store_open(
		&store, &(struct store_config){ .path = path }, base, &error),
	    STORE_OK);
	strings = write_accounts(folder, per_host);
	before = allocated();
	config = folder_read(folder);
	assert_int_equal(config->account_count, ACCOUNTS);
	house_open(&house, store, base, config);
	check_cost(
	    "before its first poll", allocated() - before, strings, cost_max);
	poll_all(&house, true);
	check_cost("after a poll", allocated() - before, strings, cost_max);
	poll_all(&house, false);
	strings += ACCOUNTS * sizeof(TEXT);
	check_cost(
	    "after one that failed", allocated() - before, strings, cost_max);
	accounts_free(&house.accounts);
	agenda_clear(&house.agenda);
	config_free(&config);
	store_close(&store);
	event_base_free(base);
}

static void
test_one_host(void **state)
{
	measure(state, ACCOUNTS, COST_MAX);
}

static void
test_hosts_of_ten(void **state)
{
	measure(state, 10, COST_MAX);
}

static void
test_hosts_of_their_own(void **state)
{
	measure(state, 1, COST_MAX + HOST_COST_MAX);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, folder_set_up, folder_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_one_host),
		TEST(test_hosts_of_ten),
		TEST(test_hosts_of_their_own),
	};

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
