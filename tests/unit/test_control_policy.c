/*
 * Dry runs, wishes, quarantine and the verification of the store, over the
 * API.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/test_control_client.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- wishes ---- */

static void
test_modes_are_wishes(void **state)
{
	static const struct {
		const char *target;
		enum poller_answer answer;
		int status;
		const char *asked;
	} cases[] = {
		{ "shop/poll", POLLER_DONE, 202, "poll shop" },
		{ "shop/poll?mode=poll", POLLER_DONE, 202, "poll shop" },
		{ "shop/poll?mode=dry-run", POLLER_DONE, 202, "dry-run shop" },
		{ "shop/poll?mode=baseline", POLLER_DONE, 202,
		    "baseline shop" },
		{ "lists%2Fall/poll?mode=confirm", POLLER_DONE, 202,
		    "confirm lists/all" },
		/* Another poll is no wish of its own; the others follow. */
		{ "shop/poll", POLLER_ALREADY, 409, "poll shop" },
		{ "shop/poll?mode=dry-run", POLLER_ALREADY, 202,
		    "dry-run shop" },
		{ "shop/poll?mode=confirm", POLLER_ALREADY, 202,
		    "confirm shop" },
		{ "shop/poll?mode=dry-run", POLLER_IS_DISABLED, 409,
		    "dry-run shop" },
		{ "nobody/poll?mode=confirm", POLLER_DONE, 404,
		    "confirm nobody" },
		{ "shop/poll?mode=dryrun", POLLER_DONE, 400, "" },
		{ "shop/poll?mode=", POLLER_DONE, 400, "" },
		{ "shop/poll?mode=Confirm", POLLER_DONE, 400, "" },
		{ "shop/poll?dry-run=yes", POLLER_DONE, 400, "" },
	};
	struct fixture *fixture = *state;
	struct reply reply;
	char target[128];

	for (size_t i = 0; i < COUNT(cases); i++) {
		fixture->poller.asked[0] = '\0';
		fixture->poller.answer = cases[i].answer;
		snprintf(
		    target, sizeof(target), "/v1/accounts/%s", cases[i].target);
		ask_for(fixture, "POST", target, cases[i].status, &reply);
		assert_string_equal(fixture->poller.asked, cases[i].asked);
		forget(&reply);
	}
	fixture->poller.asked[0] = '\0';
	fixture->store.health = (struct store_error){ STORE_READ_ONLY, "ro" };
	ask_for(fixture, "POST", "/v1/accounts/shop/poll?mode=dry-run", 503,
	    &reply);
	assert_string_equal(fixture->poller.asked, "");
	forget(&reply);
}

static void
test_accounts_tell_what_is_left(void **state)
{
	struct fixture *fixture = *state;
	struct poller_account_status *shop = &fixture->accounts[2];
	struct reply reply;
	json_t *session;

	ask_for(fixture, "GET", "/v1/accounts/shop", 200, &reply);
	assert_true(json_is_null(json_object_get(reply.json, "identity")));
	assert_true(json_is_null(json_object_get(reply.json, "resembles")));
	assert_true(json_is_null(json_object_get(reply.json, "moved")));
	forget(&reply);

	shop->identity = "top";
	shop->former_id = "store";
	shop->moved = "its maildrop was that of x at y before";
	shop->tally.adopted = 1;
	shop->tally.adopted_octets = 2;
	shop->tally.too_large = 3;
	shop->tally.later = 4;
	shop->tally.seen = 5;
	shop->tally.held = 6;
	shop->tally.waiting = 7;
	ask_for(fixture, "GET", "/v1/accounts/shop", 200, &reply);
	session = json_object_get(reply.json, "session");
	assert_string_equal(text_of(reply.json, "identity"), "top");
	assert_string_equal(text_of(reply.json, "resembles"), "store");
	assert_string_equal(text_of(reply.json, "moved"),
	    "its maildrop was that of x at y before");
	assert_int_equal(number_of(session, "adopted"), 1);
	assert_int_equal(number_of(session, "adopted_bytes"), 2);
	assert_int_equal(number_of(session, "too_large"), 3);
	assert_int_equal(number_of(session, "later"), 4);
	assert_int_equal(number_of(session, "seen"), 5);
	assert_int_equal(number_of(session, "held"), 6);
	assert_int_equal(number_of(session, "waiting"), 7);
	forget(&reply);

	fixture->accounts[0].tally.held = 10;
	ask_for(fixture, "GET", "/v1/status", 200, &reply);
	session = json_object_get(reply.json, "held");
	assert_int_equal(number_of(session, "accounts"), 2);
	assert_int_equal(number_of(session, "deletions"), 16);
	forget(&reply);

	fixture->polls[0].poll.tally.adopted = 7;
	fixture->polls[0].poll.tally.adopted_octets = 8;
	ask_for(fixture, "GET", "/v1/polls?limit=1", 200, &reply);
	session = json_array_get(json_object_get(reply.json, "polls"), 0);
	assert_int_equal(number_of(session, "adopted"), 7);
	assert_int_equal(number_of(session, "adopted_bytes"), 8);
	forget(&reply);
}

/* ---- plans ---- */

static struct poller_plan_entry entries[] = {
	{ 1, 0, (const unsigned char *)"UID-1", 5, 1000, "fetch", 0 },
	{ 2, 0, (const unsigned char *)"\x01\xff", 2, 0, "delete", 0 },
	{ 3, 1, (const unsigned char *)"UID-1", 5, 7, "adopt", 0 },
	{ 4, 0, NULL, 0, 5, "unidentified", 0 },
	{ 4294967295U, 0, (const unsigned char *)"x", 1, UINT64_MAX, "held",
	    0 },
	{ 7, 0, (const unsigned char *)"y", 1, 0, "wait", 1709210096789 },
};

static void
give_plan(struct fixture *fixture)
{
	fixture->poller.planned = "shop";
	fixture->poller.plan = (struct poller_plan){ .made_ms = 1709210096789,
		.messages = 10,
		.fetches = 1,
		.deletes = 2,
		.adopts = 3,
		.too_large = 4,
		.later = 5,
		.waits = 9,
		.seen = 6,
		.held = 7,
		.unidentified = 8,
		.fetch_octets = 1000,
		.entries = entries,
		.entry_count = COUNT(entries) };
}

static void
test_a_plan(void **state)
{
	static const char *const names[] = { "fetch", "delete", "adopt",
		"too_large", "later", "seen", "held", "unidentified", "wait",
		"messages" };
	static const struct store_message_row message = { .subject = "About" };
	struct fixture *fixture = *state;
	struct reply reply;
	json_t *counts, *list, *entry;

	fixture->store.messages = &message;
	fixture->store.message_count = 1;
	give_plan(fixture);
	ask_for(fixture, "GET", "/v1/accounts/shop/plan", 200, &reply);
	assert_string_equal(text_of(reply.json, "account"), "shop");
	assert_string_equal(
	    text_of(reply.json, "made_at"), "2024-02-29T12:34:56.789Z");
	assert_int_equal(number_of(reply.json, "fetch_bytes"), 1000);
	assert_true(json_is_false(json_object_get(reply.json, "cut")));
	assert_null(json_object_get(reply.json, "next_cursor"));
	counts = json_object_get(reply.json, "counts");
	for (size_t i = 0; i < COUNT(names); i++)
		assert_int_equal(number_of(counts, names[i]), i + 1);
	list = json_object_get(reply.json, "entries");
	assert_int_equal(json_array_size(list), COUNT(entries));
	entry = json_array_get(list, 0);
	assert_int_equal(number_of(entry, "number"), 1);
	assert_int_equal(number_of(entry, "bytes"), 1000);
	assert_string_equal(text_of(entry, "unique_id"), "UID-1");
	assert_string_equal(text_of(entry, "action"), "fetch");
	assert_null(json_object_get(entry, "unique_id_hex"));
	entry = json_array_get(list, 1);
	assert_string_equal(text_of(entry, "unique_id_hex"), "01ff");
	assert_string_equal(text_of(entry, "subject"), "About");
	assert_true(
	    json_is_null(json_object_get(json_array_get(list, 2), "subject")));
	assert_true(json_is_null(json_object_get(entry, "bytes")));
	assert_int_equal(number_of(json_array_get(list, 2), "occurrence"), 1);
	assert_true(json_is_null(
	    json_object_get(json_array_get(list, 3), "unique_id")));
	assert_int_equal(
	    number_of(json_array_get(list, 4), "number"), 4294967295);
	assert_null(json_object_get(json_array_get(list, 4), "waits_until"));
	assert_string_equal(text_of(json_array_get(list, 5), "waits_until"),
	    "2024-02-29T12:34:56.789Z");
	forget(&reply);

	fixture->poller.plan.entry_count = 0;
	fixture->poller.plan.cut = true;
	ask_for(fixture, "GET", "/v1/accounts/shop/plan", 200, &reply);
	list = json_object_get(reply.json, "entries");
	assert_int_equal(json_array_size(list), 0);
	assert_true(json_is_true(json_object_get(reply.json, "cut")));
	forget(&reply);
}

static void
test_plans_are_paged(void **state)
{
	struct fixture *fixture = *state;
	struct reply reply;
	char target[160] = "/v1/accounts/shop/plan?limit=2";
	const char *cursor;
	size_t seen = 0, pages = 0;

	give_plan(fixture);
	do {
		json_t *list;

		ask_for(fixture, "GET", target, 200, &reply);
		list = json_object_get(reply.json, "entries");
		for (size_t i = 0; i < json_array_size(list); i++)
			assert_int_equal(
			    number_of(json_array_get(list, i), "number"),
			    entries[seen++].number);
		cursor = json_string_value(
		    json_object_get(reply.json, "next_cursor"));
		snprintf(target, sizeof(target),
		    "/v1/accounts/shop/plan?limit=2&cursor=%s",
		    cursor != NULL ? cursor : "");
		pages++;
		forget(&reply);
	} while (cursor != NULL && pages < 9);
	assert_int_equal(pages, 3);
	assert_int_equal(seen, COUNT(entries));

	/* Another plan, and a cursor of the one before. */
	fixture->poller.plan.made_ms++;
	ask_for(fixture, "GET", "/v1/accounts/shop/plan?cursor=1709210096789.2",
	    409, &reply);
	assert_string_equal(error_text(&reply, "code"), "another_plan");
	forget(&reply);
	/* The same time, and yet shorter. */
	fixture->poller.plan.made_ms--;
	fixture->poller.plan.entry_count = 1;
	ask_for(fixture, "GET", "/v1/accounts/shop/plan?cursor=1709210096789.2",
	    409, &reply);
	forget(&reply);
}

/* ---- quarantine ---- */

static const struct store_quarantine_row quarantine[] = {
	{ 7, "shop", (const unsigned char *)"UID-7", 5, 0, BODY_SIZE,
	    1709210096789, "the connection was lost", "S: +OK\nC: RETR 7\n",
	    false },
	{ 5, "gone", (const unsigned char *)"\xff", 1, 2, 0, 1, "bad \xff",
	    NULL, false },
	{ 4, "home", NULL, 0, 0, 3, 1, "timeout", NULL, false },
};

static void
test_quarantine(void **state)
{
	struct fixture *fixture = *state;
	struct reply reply;
	json_t *list, *row;

	ask_for(fixture, "GET", "/v1/quarantine", 200, &reply);
	assert_int_equal(
	    json_array_size(json_object_get(reply.json, "quarantine")), 0);
	assert_string_equal(fixture->store.seen_account, "");
	forget(&reply);

	fixture->store.quarantine = quarantine;
	fixture->store.quarantine_count = COUNT(quarantine);
	ask_for(
	    fixture, "GET", "/v1/quarantine?account=shop&limit=2", 200, &reply);
	assert_string_equal(fixture->store.seen_account, "shop");
	list = json_object_get(reply.json, "quarantine");
	assert_int_equal(json_array_size(list), 2);
	row = json_array_get(list, 0);
	assert_int_equal(number_of(row, "id"), 7);
	assert_int_equal(number_of(row, "bytes"), BODY_SIZE);
	assert_string_equal(text_of(row, "account"), "shop");
	assert_string_equal(text_of(row, "unique_id"), "UID-7");
	assert_string_equal(text_of(row, "reason"), "the connection was lost");
	assert_string_equal(
	    text_of(row, "stored_at"), "2024-02-29T12:34:56.789Z");
	assert_null(json_object_get(row, "transcript"));
	row = json_array_get(list, 1);
	assert_string_equal(text_of(row, "unique_id_hex"), "ff");
	assert_string_equal(text_of(row, "reason"), "bad \xef\xbf\xbd");
	assert_string_equal(text_of(reply.json, "next_cursor"), "5");
	forget(&reply);
	ask_for(fixture, "GET", "/v1/quarantine?cursor=5", 200, &reply);
	list = json_object_get(reply.json, "quarantine");
	assert_int_equal(json_array_size(list), 1);
	assert_null(json_object_get(reply.json, "next_cursor"));
	forget(&reply);

	ask_for(fixture, "GET", "/v1/quarantine/7", 200, &reply);
	assert_string_equal(
	    text_of(reply.json, "transcript"), "S: +OK\nC: RETR 7\n");
	forget(&reply);
	ask_for(fixture, "GET", "/v1/quarantine/5", 200, &reply);
	assert_true(json_is_null(json_object_get(reply.json, "transcript")));
	assert_int_equal(number_of(reply.json, "occurrence"), 2);
	forget(&reply);
}

static void
test_quarantined_octets(void **state)
{
	struct fixture *fixture = *state;
	struct reply reply;

	fixture->store.quarantine = quarantine;
	fixture->store.quarantine_count = COUNT(quarantine);
	ask_for(fixture, "GET", "/v1/quarantine/7/raw", 200, &reply);
	assert_non_null(
	    strstr(reply.bytes, "Content-Type: application/octet-stream\r\n"));
	assert_int_equal(reply.body_length, BODY_SIZE);
	assert_memory_equal(reply.body, fixture->body, BODY_SIZE);
	forget(&reply);
	/* Nothing had come of it. */
	fixture->store.body_length = 0;
	ask_for(fixture, "GET", "/v1/quarantine/5/raw", 200, &reply);
	assert_int_equal(reply.body_length, 0);
	forget(&reply);
}

static void
test_retries(void **state)
{
	struct fixture *fixture = *state;
	struct reply reply;

	fixture->store.quarantine = quarantine;
	fixture->store.quarantine_count = COUNT(quarantine);
	ask_for(fixture, "POST", "/v1/quarantine/7/retry", 202, &reply);
	assert_string_equal(fixture->poller.asked, "poll shop");
	assert_int_equal(number_of(reply.json, "id"), 7);
	assert_string_equal(text_of(reply.json, "account"), "shop");
	assert_string_equal(text_of(reply.json, "state"), "queued");
	assert_null(json_object_get(reply.json, "hint"));
	forget(&reply);
	/* Released it is, though nobody fetches it soon. */
	ask_for(fixture, "POST", "/v1/quarantine/5/retry", 202, &reply);
	assert_true(json_is_null(json_object_get(reply.json, "state")));
	assert_non_null(strstr(text_of(reply.json, "hint"), "configuration"));
	forget(&reply);
	fixture->poller.answer = POLLER_IS_DISABLED;
	ask_for(fixture, "POST", "/v1/quarantine/4/retry", 202, &reply);
	assert_non_null(strstr(text_of(reply.json, "hint"), "disabled"));
	forget(&reply);
	fixture->poller.asked[0] = '\0';
	fixture->store.answer = STORE_FULL;
	ask_for(fixture, "POST", "/v1/quarantine/7/retry", 503, &reply);
	assert_string_equal(fixture->poller.asked, "");
	forget(&reply);
}

static void
test_retries_of_many(void **state)
{
	struct fixture *fixture = *state;
	const json_t *accounts;
	struct reply reply;

	fixture->store.quarantine = quarantine;
	fixture->store.quarantine_count = COUNT(quarantine);
	ask_for(fixture, "POST", "/v1/quarantine/retry", 202, &reply);
	assert_int_equal(number_of(reply.json, "messages"), COUNT(quarantine));
	accounts = json_object_get(reply.json, "accounts");
	assert_true(json_array_size(accounts) > 1);
	forget(&reply);
	ask_for(
	    fixture, "POST", "/v1/quarantine/retry?account=shop", 202, &reply);
	accounts = json_object_get(reply.json, "accounts");
	assert_int_equal(json_array_size(accounts), 1);
	assert_string_equal(
	    text_of(json_array_get(accounts, 0), "account"), "shop");
	assert_string_equal(fixture->poller.asked, "poll shop");
	forget(&reply);
	/* None of it is left, or there never was any. */
	fixture->store.quarantine_count = 0;
	ask_for(
	    fixture, "POST", "/v1/quarantine/retry?account=shop", 202, &reply);
	assert_int_equal(number_of(reply.json, "messages"), 0);
	forget(&reply);
	ask_for(fixture, "POST", "/v1/quarantine/retry?account=nobody", 404,
	    &reply);
	forget(&reply);
}

/* The server goes before the store has answered. */
static void
test_a_retry_without_a_server(void **state)
{
	struct fixture *fixture = *state;
	int fd = dial(fixture);

	fixture->store.quarantine = quarantine;
	fixture->store.quarantine_count = COUNT(quarantine);
	fixture->store.hold = true;
	say(fd, "POST /v1/quarantine/7/retry HTTP/1.1\r\nHost: x\r\n"
		"Content-Length: 0\r\n\r\n");
	while (fixture->store.held == 0)
		turn(fixture);
	control_free(&fixture->control);
	store_fake_release(&fixture->store);
	assert_string_equal(fixture->poller.asked, "");
	close(fd);
}

/* ---- verification ---- */

static void
test_verification(void **state)
{
	static const char *const texts[] = { "message 3: its digest differs",
		"caf\xe9" };
	struct fixture *fixture = *state;
	struct store_check *check = &fixture->store.check;
	struct reply reply;

	ask_for(fixture, "GET", "/v1/store/check", 200, &reply);
	assert_true(json_is_false(json_object_get(reply.json, "running")));
	assert_true(json_is_null(json_object_get(reply.json, "finished")));
	assert_true(json_is_null(json_object_get(reply.json, "sound")));
	forget(&reply);

	check->messages = 25;
	ask_for(fixture, "POST", "/v1/store/check", 202, &reply);
	assert_true(json_is_true(json_object_get(reply.json, "running")));
	assert_int_equal(number_of(reply.json, "messages"), 25);
	assert_true(json_is_null(json_object_get(reply.json, "sound")));
	forget(&reply);
	ask_for(fixture, "POST", "/v1/store/check", 409, &reply);
	assert_string_equal(error_text(&reply, "code"), "already");
	forget(&reply);

	check->running = false;
	check->finished_ms = 3000;
	check->messages_done = 25;
	check->octets_done = 4711;
	ask_for(fixture, "GET", "/v1/store/check", 200, &reply);
	assert_true(json_is_true(json_object_get(reply.json, "sound")));
	assert_string_equal(
	    text_of(reply.json, "finished"), "1970-01-01T00:00:03.000Z");
	assert_int_equal(number_of(reply.json, "bytes_done"), 4711);
	assert_string_equal(text_of(reply.json, "status"), "ok");
	forget(&reply);

	check->problems = 120;
	check->texts = texts;
	check->text_count = 2;
	ask_for(fixture, "GET", "/v1/store/check", 200, &reply);
	assert_true(json_is_false(json_object_get(reply.json, "sound")));
	assert_int_equal(number_of(reply.json, "problems"), 120);
	assert_string_equal(json_string_value(json_array_get(
				json_object_get(reply.json, "texts"), 1)),
	    "caf\xef\xbf\xbd");
	forget(&reply);

	/* It could not be carried out: that says nothing of the store. */
	check->problems = 0;
	check->status = STORE_FULL;
	ask_for(fixture, "GET", "/v1/store/check", 200, &reply);
	assert_true(json_is_null(json_object_get(reply.json, "sound")));
	assert_string_equal(text_of(reply.json, "status"), "full");
	assert_string_equal(text_of(reply.json, "hint"), "make room");
	forget(&reply);
	fixture->store.answer = STORE_MEMORY;
	ask_for(fixture, "POST", "/v1/store/check", 503, &reply);
	forget(&reply);
}

static void
test_errors(void **state)
{
	static const struct {
		const char *method, *target;
		int status;
		const char *code, *hint;
	} cases[] = {
		{ "GET", "/v1/accounts/home/plan", 404, "no_plan",
		    "--dry-run" },
		{ "GET", "/v1/accounts/nobody/plan", 404, "no_such_account",
		    "evpopctl accounts" },
		{ "GET", "/v1/accounts/shop/plan?limit=0", 400, "bad_parameter",
		    "from 1 to 1000" },
		{ "GET", "/v1/accounts/shop/plan?cursor=2", 400,
		    "bad_parameter", "next_cursor" },
		{ "GET", "/v1/accounts/shop/plan?cursor=1709210096789.0", 400,
		    "bad_parameter", "next_cursor" },
		{ "GET", "/v1/accounts/shop/plan?cursor=.1", 400,
		    "bad_parameter", "next_cursor" },
		{ "GET", "/v1/accounts/shop/plan?cursor=1709210096789.99999",
		    400, "bad_parameter", "next_cursor" },
		{ "GET",
		    "/v1/accounts/shop/plan?cursor=00000000000000000000000000"
		    "00000000000000000000000000000000000000000000000000001.1",
		    400, "bad_parameter", "next_cursor" },
		{ "POST", "/v1/accounts/shop/plan", 405, "bad_method", "" },
		{ "POST", "/v1/accounts/shop/poll?mode=now", 400,
		    "bad_parameter", "dry-run" },
		{ "GET", "/v1/quarantine?limit=1001", 400, "bad_parameter",
		    "" },
		{ "GET", "/v1/quarantine?cursor=x", 400, "bad_parameter", "" },
		{ "GET", "/v1/quarantine?from=x", 400, "bad_parameter",
		    "account" },
		{ "GET", "/v1/quarantine?account=nobody", 404,
		    "no_such_account", "" },
		{ "GET", "/v1/quarantine/x", 400, "bad_id", "whole numbers" },
		{ "GET", "/v1/quarantine/3", 404, "not_quarantined",
		    "evpopctl quarantine" },
		{ "GET", "/v1/quarantine/3/raw", 404, "not_quarantined", "" },
		{ "GET", "/v1/quarantine/-3/raw", 400, "bad_id", "" },
		{ "POST", "/v1/quarantine/3/retry", 404, "not_quarantined",
		    "" },
		{ "POST", "/v1/quarantine/0/retry", 400, "bad_id", "" },
		{ "GET", "/v1/quarantine/7/retry", 405, "bad_method", "" },
		{ "POST", "/v1/quarantine/retry?limit=3", 400, "bad_parameter",
		    "" },
		{ "DELETE", "/v1/quarantine/7", 405, "bad_method", "" },
		{ "GET", "/v1/store/check?now=1", 400, "bad_parameter", "" },
	};
	struct fixture *fixture = *state;
	struct reply reply;

	give_plan(fixture);
	for (size_t i = 0; i < COUNT(cases); i++) {
		ask_for(fixture, cases[i].method, cases[i].target,
		    cases[i].status, &reply);
		if (strcmp(error_text(&reply, "code"), cases[i].code) != 0 ||
		    strstr(error_text(&reply, "hint"), cases[i].hint) == NULL)
			fail_msg("%s %s: %s", cases[i].method, cases[i].target,
			    reply.bytes);
		forget(&reply);
	}
}

static void
test_a_store_in_trouble(void **state)
{
	static const char *const targets[] = { "/v1/quarantine",
		"/v1/quarantine/7", "/v1/quarantine/7/raw" };
	struct fixture *fixture = *state;
	struct reply reply;

	fixture->store.quarantine = quarantine;
	fixture->store.quarantine_count = COUNT(quarantine);
	fixture->store.answer = STORE_IO;
	for (size_t i = 0; i < COUNT(targets); i++) {
		ask_for(fixture, "GET", targets[i], 503, &reply);
		assert_string_equal(
		    error_text(&reply, "hint"), "look at the disk");
		forget(&reply);
	}
}

/* The one who asks is another user: root can become one to see. */
static void
test_what_others_may_see(void **state)
{
	static const struct {
		const char *method, *target;
		int status;
	} cases[] = {
		{ "GET", "/v1/store/check", 200 },
		{ "GET", "/v1/accounts/shop/plan", 403 },
		{ "GET", "/v1/quarantine", 403 },
		{ "GET", "/v1/quarantine/7", 403 },
		{ "GET", "/v1/quarantine/7/raw", 403 },
		{ "POST", "/v1/quarantine/7/retry", 403 },
		{ "POST", "/v1/quarantine/retry", 403 },
		{ "POST", "/v1/store/check", 403 },
		{ "POST", "/v1/accounts/shop/poll?mode=confirm", 403 },
	};
	struct fixture *fixture = *state;
	struct reply reply;

	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(fixture->folder, 0755), 0);
	assert_int_equal(chmod(fixture->path, 0666), 0);
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(seteuid(65533), 0);
		ask(fixture, cases[i].method, cases[i].target, &reply);
		assert_int_equal(seteuid(0), 0);
		if (reply.status != cases[i].status)
			fail_msg("%s %s: %s", cases[i].method, cases[i].target,
			    reply.bytes);
		forget(&reply);
	}
	assert_string_equal(fixture->poller.asked, "");
	assert_int_equal(fixture->store.checks_started, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE(test_modes_are_wishes),
		LIVE(test_accounts_tell_what_is_left),
		LIVE(test_a_plan),
		LIVE(test_plans_are_paged),
		LIVE(test_quarantine),
		LIVE(test_quarantined_octets),
		LIVE(test_retries),
		LIVE(test_retries_of_many),
		LIVE(test_a_retry_without_a_server),
		LIVE(test_verification),
		LIVE(test_errors),
		LIVE(test_a_store_in_trouble),
		LIVE(test_what_others_may_see),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
