/* The outbox and the targets, over the API. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/test_control_client.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* "6 5 4 ": the ids of a list. */
static void
ids_of(const struct reply *reply, char *text_r, size_t size)
{
	const json_t *list = json_object_get(reply->json, "outbox"), *row;
	size_t i, used = 0;

	text_r[0] = '\0';
	json_array_foreach(list, i, row)
	{
		used += (size_t)snprintf(text_r + used, size - used, "%lld ",
		    (long long)number_of(row, "id"));
	}
}

static void
test_the_outbox_is_listed(void **state)
{
	static const struct {
		const char *query, *ids;
		int64_t next;
		int status;
	} cases[] = {
		{ "", "6 5 4 3 2 1 ", -1, 200 },
		{ "?limit=2", "6 5 ", 0, 200 },
		{ "?limit=2&cursor=5", "4 3 ", 0, 200 },
		{ "?target=desk", "4 3 ", -1, 200 },
		{ "?state=waiting", "3 2 ", -1, 200 },
		{ "?state=refused&target=desk", "4 ", -1, 200 },
		{ "?message=4", "6 ", -1, 200 },
		/* Not configured any more; and one that nobody knows. */
		{ "?target=gone", "2 ", -1, 200 },
		{ "?target=archive&state=refused", "", -1, 200 },
		{ "?target=nobody", "", -1, 404 },
		{ "?account=nobody", "", -1, 404 },
		{ "?state=lost", "", -1, 400 },
		{ "?message=0", "", -1, 400 },
		{ "?message=x", "", -1, 400 },
	};
	struct fixture *fixture = *state;
	struct reply reply;
	char target[128], ids[64];

	for (size_t i = 0; i < COUNT(cases); i++) {
		snprintf(
		    target, sizeof(target), "/v1/outbox%s", cases[i].query);
		ask_for(fixture, "GET", target, cases[i].status, &reply);
		ids_of(&reply, ids, sizeof(ids));
		assert_string_equal(ids, cases[i].ids);
		assert_int_equal(*text_of(reply.json, "next_cursor") != '\0',
		    cases[i].next == 0);
		forget(&reply);
	}
}

static void
test_one_delivery(void **state)
{
	struct fixture *fixture = *state;
	struct reply reply;

	ask_for(fixture, "GET", "/v1/outbox/4", 200, &reply);
	assert_string_equal(text_of(reply.json, "state"), "refused");
	assert_string_equal(text_of(reply.json, "target"), "desk");
	assert_int_equal(number_of(reply.json, "attempts"), 3);
	assert_true(json_is_null(json_object_get(reply.json, "next")));
	assert_string_equal(
	    text_of(reply.json, "settled_at"), "1970-01-01T00:00:04.000Z");
	forget(&reply);
	ask_for(fixture, "GET", "/v1/outbox/7", 404, &reply);
	assert_string_equal(error_text(&reply, "code"), "no_such_delivery");
	forget(&reply);
	ask_for(fixture, "GET", "/v1/outbox/9223372036854775807", 404, &reply);
	forget(&reply);
	ask_for(fixture, "GET", "/v1/outbox/0", 400, &reply);
	forget(&reply);
	fixture->store.answer = STORE_IO;
	ask_for(fixture, "GET", "/v1/outbox/4", 503, &reply);
	forget(&reply);
}

/* What is changed is tried at once; what was not is not. */
static void
test_deliveries_are_changed(void **state)
{
	static const struct {
		const char *method, *target;
		int status;
		const char *state, *asked;
	} cases[] = {
		{ "POST", "/v1/outbox/4/retry", 200, "waiting", "kick desk\n" },
		{ "POST", "/v1/outbox/4/retry", 200, "waiting", "kick desk\n" },
		{ "POST", "/v1/outbox/1/retry", 200, "waiting",
		    "kick people\n" },
		{ "DELETE", "/v1/outbox/3", 200, "dropped", "kick desk\n" },
		{ "DELETE", "/v1/outbox/3", 409, "", "" },
		{ "DELETE", "/v1/outbox/6", 409, "", "" },
		{ "POST", "/v1/outbox/6/retry", 409, "", "" },
		{ "POST", "/v1/outbox/99/retry", 404, "", "" },
		{ "DELETE", "/v1/outbox/99", 404, "", "" },
		{ "DELETE", "/v1/outbox/x", 400, "", "" },
	};
	struct fixture *fixture = *state;
	struct reply reply;

	for (size_t i = 0; i < COUNT(cases); i++) {
		fixture->deliver.asked[0] = '\0';
		ask_for(fixture, cases[i].method, cases[i].target,
		    cases[i].status, &reply);
		assert_string_equal(
		    text_of(reply.json, "state"), cases[i].state);
		assert_string_equal(fixture->deliver.asked, cases[i].asked);
		forget(&reply);
	}
	assert_non_null(strstr(fixture->store.deeds, "retry delivery 4"));
	assert_non_null(strstr(fixture->store.deeds, "drop delivery 3"));
	assert_null(strstr(fixture->store.deeds, "delivery 6"));
	assert_null(strstr(fixture->store.deeds, "delivery 99"));
}

static void
test_all_are_changed(void **state)
{
	static const struct {
		const char *target;
		int status;
		int64_t changed;
		const char *asked;
	} cases[] = {
		{ "retry", 200, 1, "kick all\n" },
		{ "retry?state=dropped&target=people", 200, 1,
		    "kick people\n" },
		{ "retry?state=delivered", 200, 0, "" },
		{ "drop", 200, 0, "" },
		{ "drop?state=waiting&limit=1", 200, 1, "kick all\n" },
		{ "drop?target=nobody", 404, -1, "" },
		{ "drop?state=odd", 400, -1, "" },
		{ "drop?account=nobody", 404, -1, "" },
	};
	struct fixture *fixture = *state;
	struct reply reply;
	char target[128];

	for (size_t i = 0; i < COUNT(cases); i++) {
		fixture->deliver.asked[0] = '\0';
		snprintf(
		    target, sizeof(target), "/v1/outbox/%s", cases[i].target);
		ask_for(fixture, "POST", target, cases[i].status, &reply);
		assert_int_equal(
		    number_of(reply.json, "changed"), cases[i].changed);
		assert_string_equal(fixture->deliver.asked, cases[i].asked);
		forget(&reply);
	}
	assert_non_null(
	    strstr(fixture->store.deeds, "retry deliveries to people"));
	assert_non_null(strstr(fixture->store.deeds, "drop deliveries\n"));
}

static void
test_targets_are_listed(void **state)
{
	static const char *const names[] = { "archive", "desk", "gone",
		"people" };
	struct fixture *fixture = *state;
	struct reply reply;
	const json_t *list;

	ask_for(fixture, "GET", "/v1/targets", 200, &reply);
	list = json_object_get(reply.json, "targets");
	assert_int_equal(json_array_size(list), COUNT(names));
	for (size_t i = 0; i < COUNT(names); i++)
		assert_string_equal(
		    text_of(json_array_get(list, i), "target"), names[i]);
	assert_true(
	    json_is_null(json_object_get(json_array_get(list, 2), "state")));
	assert_int_equal(number_of(json_array_get(list, 2), "waiting"), 1);
	assert_string_equal(text_of(json_array_get(list, 1), "state"), "down");
	forget(&reply);

	for (size_t i = 0; i < COUNT(names); i++) {
		char target[64];

		snprintf(target, sizeof(target),
		    "/v1/targets?limit=1&cursor=%s",
		    i > 0 ? names[i - 1] : "%20");
		ask_for(fixture, "GET", target, 200, &reply);
		list = json_object_get(reply.json, "targets");
		assert_int_equal(json_array_size(list), 1);
		assert_string_equal(
		    text_of(json_array_get(list, 0), "target"), names[i]);
		assert_string_equal(text_of(reply.json, "next_cursor"),
		    i + 1 < COUNT(names) ? names[i] : "");
		forget(&reply);
	}
	ask_for(fixture, "GET", "/v1/targets?limit=0", 400, &reply);
	forget(&reply);

	ask_for(fixture, "GET", "/v1/targets/people", 200, &reply);
	assert_string_equal(text_of(reply.json, "paused_by"), "root");
	assert_int_equal(number_of(reply.json, "retry_min_seconds"), 60);
	forget(&reply);
	ask_for(fixture, "GET", "/v1/targets/gone", 200, &reply);
	assert_null(json_object_get(reply.json, "order"));
	forget(&reply);
	ask_for(fixture, "GET", "/v1/targets/maildir:%2Ftmp%2Fx", 404, &reply);
	assert_string_equal(error_text(&reply, "code"), "no_such_target");
	forget(&reply);
	fixture->store.answer = STORE_IO;
	ask_for(fixture, "GET", "/v1/targets", 503, &reply);
	forget(&reply);
	ask_for(fixture, "GET", "/v1/targets/people", 503, &reply);
	forget(&reply);
}

static void
test_targets_are_paused(void **state)
{
	static const struct {
		const char *target;
		enum deliver_answer answer;
		enum store_status remembers;
		int status;
		const char *code;
	} cases[] = {
		{ "people/pause", DELIVER_DONE, STORE_OK, 200, "" },
		{ "people/pause", DELIVER_ALREADY, STORE_OK, 409, "already" },
		{ "people/resume", DELIVER_ALREADY, STORE_OK, 409, "already" },
		{ "people/resume", DELIVER_IS_DISABLED, STORE_OK, 409,
		    "disabled" },
		{ "people/pause", DELIVER_DONE, STORE_FULL, 503,
		    "store_unavailable" },
		{ "nobody/pause", DELIVER_DONE, STORE_OK, 404,
		    "no_such_target" },
		{ "gone/resume", DELIVER_DONE, STORE_OK, 404,
		    "no_such_target" },
		{ "people/probe", DELIVER_ALREADY, STORE_OK, 409, "already" },
		{ "people/probe", DELIVER_IS_DISABLED, STORE_OK, 409,
		    "disabled" },
		{ "nobody/probe", DELIVER_DONE, STORE_OK, 404,
		    "no_such_target" },
	};
	struct fixture *fixture = *state;
	struct reply reply;
	char target[128];

	for (size_t i = 0; i < COUNT(cases); i++) {
		fixture->deliver.answer = cases[i].answer;
		fixture->deliver.remembers = cases[i].remembers;
		snprintf(
		    target, sizeof(target), "/v1/targets/%s", cases[i].target);
		ask_for(fixture, "POST", target, cases[i].status, &reply);
		assert_string_equal(error_text(&reply, "code"), cases[i].code);
		forget(&reply);
	}
	assert_string_equal(fixture->store.deeds, "pause target people\n");
}

static void
test_targets_are_probed(void **state)
{
	struct fixture *fixture = *state;
	struct reply reply;
	int client;

	fixture->deliver.works = true;
	fixture->deliver.text = "";
	ask_for(fixture, "POST", "/v1/targets/archive/probe", 200, &reply);
	assert_true(json_is_true(json_object_get(reply.json, "works")));
	assert_true(json_is_null(json_object_get(reply.json, "text")));
	forget(&reply);
	fixture->deliver.works = false;
	fixture->deliver.text = "connection refused";
	ask_for(fixture, "POST", "/v1/targets/desk/probe", 200, &reply);
	assert_true(json_is_false(json_object_get(reply.json, "works")));
	assert_string_equal(text_of(reply.json, "text"), "connection refused");
	assert_string_equal(text_of(reply.json, "advice"), "start it");
	forget(&reply);

	/* Who asked has left before it is known. */
	fixture->deliver.hold = true;
	client = dial(fixture);
	say(client, "POST /v1/targets/desk/probe HTTP/1.1\r\nHost: x\r\n"
		    "Content-Length: 0\r\n\r\n");
	while (fixture->deliver.probed == NULL)
		turn(fixture);
	close(client);
	while (fixture->deliver.probed != NULL)
		turn(fixture);
	deliver_fake_release(&fixture->deliver);
	turn(fixture);
}

static void
test_stored_mail_is_delivered(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = &fixture->store;
	struct reply reply;

	store->added = (struct store_outbox_added){ .added = 2,
		.had = 1,
		.sealed = 3,
		.octets = 100,
		.last_id = 9,
		.more = true };
	ask_for(fixture, "POST",
	    "/v1/deliver?target=archive&since=2024-02-29&dry_run=1", 200,
	    &reply);
	assert_int_equal(number_of(reply.json, "messages"), 2);
	assert_int_equal(number_of(reply.json, "had"), 1);
	assert_int_equal(number_of(reply.json, "sealed"), 3);
	assert_int_equal(number_of(reply.json, "next_after_id"), 9);
	assert_true(store->wanted.is_dry);
	assert_true(store->wanted.before_ms == INT64_MAX);
	assert_true(store->wanted.since_ms == 1709164800000);
	assert_string_equal(store->deeds, "");
	forget(&reply);

	store->added.more = false;
	ask_for(fixture, "POST",
	    "/v1/deliver?target=archive&message=5&again=1&after_id=4&limit=7",
	    200, &reply);
	assert_true(json_is_null(json_object_get(reply.json, "next_after_id")));
	assert_int_equal(store->wanted.message_id, 5);
	assert_int_equal(store->wanted.after_id, 4);
	assert_int_equal(store->wanted.limit, 7);
	assert_true(store->wanted.again);
	assert_non_null(strstr(fixture->deliver.asked, "kick archive\n"));
	assert_non_null(strstr(store->deeds, "deliver messages to archive\n"));
	forget(&reply);
}

static void
test_what_is_delivered_must_be_said(void **state)
{
	static const struct {
		const char *query;
		enum store_status answer;
		int status;
		const char *code;
	} cases[] = {
		{ "", STORE_OK, 400, "bad_parameter" },
		{ "?target=nobody", STORE_OK, 404, "no_such_target" },
		/* It has rows, but nobody delivers there any more. */
		{ "?target=gone", STORE_OK, 404, "no_such_target" },
		{ "?target=archive&since=x", STORE_OK, 400, "bad_parameter" },
		{ "?target=archive&again=yes", STORE_OK, 400, "bad_parameter" },
		{ "?target=archive&dry_run=2", STORE_OK, 400, "bad_parameter" },
		{ "?target=archive&message=0", STORE_OK, 400, "bad_parameter" },
		{ "?target=archive&limit=0", STORE_OK, 400, "bad_parameter" },
		{ "?target=archive&message=5", STORE_NOT_FOUND, 404,
		    "no_such_message" },
		{ "?target=archive&account=nobody", STORE_NOT_FOUND, 404,
		    "no_such_account" },
		{ "?target=archive", STORE_IO, 503, "store_unavailable" },
	};
	struct fixture *fixture = *state;
	struct reply reply;
	char target[128];

	for (size_t i = 0; i < COUNT(cases); i++) {
		fixture->store.answer = cases[i].answer;
		snprintf(
		    target, sizeof(target), "/v1/deliver%s", cases[i].query);
		ask_for(fixture, "POST", target, cases[i].status, &reply);
		assert_string_equal(error_text(&reply, "code"), cases[i].code);
		forget(&reply);
	}
	assert_string_equal(fixture->deliver.asked, "");
	assert_string_equal(fixture->store.deeds, "");
}

static void
test_status_tells_of_targets(void **state)
{
	struct fixture *fixture = *state;
	struct reply reply;
	const json_t *attention, *deliveries;

	ask_for(fixture, "GET", "/v1/status", 200, &reply);
	deliveries = json_object_get(reply.json, "deliveries");
	assert_int_equal(number_of(deliveries, "targets"), 3);
	assert_int_equal(number_of(deliveries, "down"), 1);
	assert_int_equal(number_of(deliveries, "paused"), 1);
	assert_int_equal(number_of(deliveries, "refused_messages"), 1);
	attention = json_object_get(reply.json, "attention");
	assert_int_equal(json_array_size(attention), 2);
	assert_string_equal(
	    text_of(json_array_get(attention, 0), "code"), "targets_fail");
	assert_string_equal(text_of(json_array_get(attention, 0), "text"),
	    "1 of 3 targets takes no mail");
	assert_string_equal(text_of(json_array_get(attention, 1), "code"),
	    "deliveries_refused");
	forget(&reply);
	fixture->deliver.count = 1;
	ask_for(fixture, "GET", "/v1/status", 200, &reply);
	assert_int_equal(
	    json_array_size(json_object_get(reply.json, "attention")), 0);
	forget(&reply);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE(test_the_outbox_is_listed),
		LIVE(test_one_delivery),
		LIVE(test_deliveries_are_changed),
		LIVE(test_all_are_changed),
		LIVE(test_targets_are_listed),
		LIVE(test_targets_are_paused),
		LIVE(test_targets_are_probed),
		LIVE(test_stored_mail_is_delivered),
		LIVE(test_what_is_delivered_must_be_said),
		LIVE(test_status_tells_of_targets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
