/* The list of accounts: pages, patterns and states; and their metrics. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/test_control_client.h"

#define NAMES_SIZE 256

/* The names on a page, with a blank behind each. */
static void
names_of(const struct reply *reply, char names_r[NAMES_SIZE])
{
	json_t *one;
	size_t i, length = 0;

	names_r[0] = '\0';
	json_array_foreach(json_object_get(reply->json, "accounts"), i, one)
	{
		length += (size_t)snprintf(names_r + length,
		    NAMES_SIZE - length, "%s ", text_of(one, "account"));
	}
}

static void
test_accounts_are_filtered(void **state)
{
	static const struct {
		const char *query, *names, *next;
	} rows[] = {
		{ "state=failing", "home shop ", "" },
		{ "state=refused", "shop ", "" },
		{ "state=waiting", "", "" },
		{ "state=polling", "home ", "" },
		{ "state=paused", "lists/all ", "" },
		{ "name=*o*", "home shop ", "" },
		{ "name=shop", "shop ", "" },
		{ "name=s", "", "" },
		{ "name=*s*&state=failing", "shop ", "" },
		{ "state=failing&limit=1", "home ", "home" },
		{ "state=failing&limit=1&cursor=home", "shop ", "" },
		{ "state=failing&limit=1&cursor=shop", "", "" },
		/* There might be more of them. */
		{ "state=paused&limit=1", "lists/all ", "lists/all" },
	};
	struct fixture *fixture = *state;
	struct poller_account_status *accounts = fixture->accounts;
	char target[128], names[NAMES_SIZE];
	struct reply reply;

	accounts[0].state = POLLER_POLLING;
	accounts[0].health = POLLER_FAILING;
	accounts[1].state = POLLER_PAUSED;
	accounts[1].is_paused = true;
	accounts[2].state = POLLER_WAITING;
	accounts[2].health = POLLER_REFUSED;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(
		    target, sizeof(target), "/v1/accounts?%s", rows[i].query);
		ask_for(fixture, "GET", target, 200, &reply);
		names_of(&reply, names);
		assert_string_equal(names, rows[i].names);
		assert_string_equal(
		    text_of(reply.json, "next_cursor"), rows[i].next);
		forget(&reply);
	}
	ask_for(fixture, "GET", "/v1/accounts?state=broken", 400, &reply);
	assert_non_null(strstr(error_text(&reply, "hint"), "refused"));
	forget(&reply);
}

/* An account that begins to fail while the store is asked is on a later page.
 */
static void
test_accounts_change_meanwhile(void **state)
{
	struct fixture *fixture = *state;
	struct poller_account_status *accounts = fixture->accounts;
	char names[NAMES_SIZE];
	struct reply reply;
	int fd = dial(fixture);

	accounts[0].health = POLLER_FAILING;
	fixture->store.hold = true;
	say(fd, "GET /v1/accounts?state=failing&limit=1 HTTP/1.1\r\n"
		"Host: x\r\n\r\n");
	while (fixture->store.held == 0)
		turn(fixture);
	accounts[0].health = POLLER_WELL;
	accounts[2].health = POLLER_FAILING;
	fixture->store.hold = false;
	store_fake_release(&fixture->store);
	assert_true(hear(fixture, fd, &reply));
	assert_int_equal(reply.status, 200);
	names_of(&reply, names);
	assert_string_equal(names, "");
	assert_string_equal(text_of(reply.json, "next_cursor"), "home");
	forget(&reply);
	close(fd);
	ask_for(fixture, "GET",
	    "/v1/accounts?state=failing&limit=1&cursor=home", 200, &reply);
	names_of(&reply, names);
	assert_string_equal(names, "shop ");
	forget(&reply);
}

#define MANY 300

/* A reload takes accounts away while the store is asked for the last of them:
 * those before them are told once all the same.
 */
static void
test_metrics_while_accounts_go(void **state)
{
	static const char first[] =
	    "\nevpopd_account_last_success_timestamp_seconds{account=\"a000\"}";
	struct poller_account_status accounts[MANY];
	char names[MANY][16];
	struct fixture *fixture = *state;
	struct reply reply = { 0 };
	const char *found;
	int fd = dial(fixture);

	for (int i = 0; i < MANY; i++) {
		snprintf(names[i], sizeof(names[i]), "a%03d", i);
		accounts[i] = (struct poller_account_status){ .name = names[i],
			.last_success_ms = 1000 };
	}
	fixture->poller.accounts = accounts;
	fixture->poller.count = MANY;
	fixture->store.hold = true;
	say(fd, "GET /metrics HTTP/1.0\r\n\r\n");
	for (int page = 0; page < 2; page++) {
		while (fixture->store.held == 0) {
			turn(fixture);
			assert_true(read_some(fd, &reply));
		}
		fixture->store.hold = page == 0;
		fixture->poller.count = page == 0 ? MANY : MANY / 2;
		store_fake_release(&fixture->store);
	}
	while (read_some(fd, &reply))
		turn(fixture);
	close(fd);
	found = strstr(reply.bytes, first);
	assert_non_null(found);
	assert_null(strstr(found + 1, first));
	assert_non_null(strstr(found, "\n# EOF\n"));
	forget(&reply);
	fixture->poller.count = 0;
}

/* What the store does not remember has not happened. */
static void
test_pauses_are_durable(void **state)
{
	struct fixture *fixture = *state;
	struct reply reply;

	fixture->poller.remembers = STORE_FULL;
	ask_for(fixture, "POST", "/v1/accounts/shop/pause", 503, &reply);
	assert_string_equal(error_text(&reply, "code"), "store_unavailable");
	assert_string_equal(error_text(&reply, "hint"), "make room");
	forget(&reply);
	ask_for(fixture, "POST", "/v1/accounts/shop/resume", 503, &reply);
	forget(&reply);
	fixture->poller.remembers = STORE_OK;
	fixture->accounts[2].is_paused = true;
	ask_for(fixture, "POST", "/v1/accounts/shop/poll", 202, &reply);
	assert_true(json_is_true(json_object_get(reply.json, "paused")));
	forget(&reply);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE(test_accounts_are_filtered),
		LIVE(test_accounts_change_meanwhile),
		LIVE(test_metrics_while_accounts_go),
		LIVE(test_pauses_are_durable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
