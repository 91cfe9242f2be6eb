/* Routing, permission, and how rows become JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/control/field.h"
#include "daemon/control/handlers.h"
#include "daemon/control/mail.h"
#include "daemon/control/peer.h"
#include "daemon/control/route.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void
test_routes_are_found(void **state)
{
	static const struct {
		enum route_method method;
		const char *path;
		enum route_result result;
		const char *pattern, *name, *allow;
	} cases[] = {
		{ ROUTE_GET, "/v1/status", ROUTE_FOUND, "/v1/status", "",
		    NULL },
		{ ROUTE_GET, "/v1/accounts", ROUTE_FOUND, "/v1/accounts", "",
		    NULL },
		{ ROUTE_GET, "/v1/accounts/shop", ROUTE_FOUND, "/v1/accounts/*",
		    "shop", NULL },
		{ ROUTE_GET, "/v1/accounts/a%2Fb%20c", ROUTE_FOUND,
		    "/v1/accounts/*", "a/b c", NULL },
		{ ROUTE_GET, "/v1/accounts/a+b", ROUTE_FOUND, "/v1/accounts/*",
		    "a+b", NULL },
		{ ROUTE_POST, "/v1/accounts/shop/poll", ROUTE_FOUND,
		    "/v1/accounts/*/poll", "shop", NULL },
		{ ROUTE_POST, "/v1/accounts/poll/poll", ROUTE_FOUND,
		    "/v1/accounts/*/poll", "poll", NULL },
		{ ROUTE_GET, "/v1/messages/12/text", ROUTE_FOUND,
		    "/v1/messages/*/text", "12", NULL },
		{ ROUTE_GET, "/v1/messages/12/parts", ROUTE_NO_PATH, NULL, NULL,
		    NULL },
		{ ROUTE_GET, "/v1/messages/12/raw", ROUTE_FOUND,
		    "/v1/messages/*/raw", "12", NULL },
		{ ROUTE_POST, "/v1/reload", ROUTE_FOUND, "/v1/reload", "",
		    NULL },
		{ ROUTE_GET, "/v1/accounts/plan/plan", ROUTE_FOUND,
		    "/v1/accounts/*/plan", "plan", NULL },
		{ ROUTE_GET, "/v1/quarantine", ROUTE_FOUND, "/v1/quarantine",
		    "", NULL },
		{ ROUTE_POST, "/v1/quarantine/4/retry", ROUTE_FOUND,
		    "/v1/quarantine/*/retry", "4", NULL },
		{ ROUTE_POST, "/v1/store/check", ROUTE_FOUND, "/v1/store/check",
		    "", NULL },
		{ ROUTE_OTHER, "/v1/store/check", ROUTE_NO_METHOD, NULL, NULL,
		    "GET, HEAD, POST" },
		{ ROUTE_POST, "/v1/status", ROUTE_NO_METHOD, NULL, NULL,
		    "GET, HEAD" },
		{ ROUTE_GET, "/v1/reload", ROUTE_NO_METHOD, NULL, NULL,
		    "POST" },
		{ ROUTE_OTHER, "/v1/messages/1", ROUTE_NO_METHOD, NULL, NULL,
		    "GET, HEAD, DELETE" },
		{ ROUTE_DELETE, "/v1/messages/1", ROUTE_FOUND, "/v1/messages/*",
		    "1", NULL },
		{ ROUTE_GET, "/v1/quarantine/retry", ROUTE_NO_METHOD, NULL,
		    NULL, "POST" },
		{ ROUTE_DELETE, "/v1/reload", ROUTE_NO_METHOD, NULL, NULL,
		    "POST" },
		{ ROUTE_GET, "/", ROUTE_NO_PATH, NULL, NULL, "" },
		{ ROUTE_GET, "", ROUTE_NO_PATH, NULL, NULL, "" },
		{ ROUTE_GET, "/v1/status/", ROUTE_NO_PATH, NULL, NULL, "" },
		{ ROUTE_GET, "/v1/accounts/", ROUTE_NO_PATH, NULL, NULL, "" },
		{ ROUTE_GET, "/v1/accounts/a/b", ROUTE_NO_PATH, NULL, NULL,
		    "" },
		{ ROUTE_GET, "/v1/accounts/%", ROUTE_NO_PATH, NULL, NULL,
		    NULL },
		{ ROUTE_GET, "/v1/accounts/%00", ROUTE_NO_PATH, NULL, NULL,
		    NULL },
		{ ROUTE_GET, "/v2/status", ROUTE_NO_PATH, NULL, NULL, "" },
	};
	struct route_match match;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		enum route_result result =
		    route_find(cases[i].method, cases[i].path, &match);

		if (result != cases[i].result)
			fail_msg("%s: %d", cases[i].path, (int)result);
		if (result == ROUTE_FOUND) {
			assert_string_equal(
			    match.route->pattern, cases[i].pattern);
			assert_string_equal(match.names[0], cases[i].name);
		} else if (cases[i].allow != NULL) {
			assert_string_equal(match.allow, cases[i].allow);
		}
	}
}

static void
test_long_names_have_no_route(void **state)
{
	char path[ROUTE_NAME_SIZE + 64] = "/v1/accounts/";
	size_t start = strlen(path);
	struct route_match match;

	(void)state;
	memset(path + start, 'a', ROUTE_NAME_SIZE - 1);
	assert_int_equal(route_find(ROUTE_GET, path, &match), ROUTE_FOUND);
	path[start + ROUTE_NAME_SIZE - 1] = 'a';
	assert_int_equal(route_find(ROUTE_GET, path, &match), ROUTE_NO_PATH);
}

/* Mail needs one role, polling another, and the state of things none. */
static void
test_which_role_is_needed(void **state)
{
	static const struct {
		const char *target;
		enum route_method method;
		enum peer_role role;
	} cases[] = {
		{ "/v1/status", ROUTE_GET, PEER_ANYONE },
		{ "/v1/accounts", ROUTE_GET, PEER_ANYONE },
		{ "/v1/accounts/a", ROUTE_GET, PEER_ANYONE },
		{ "/v1/polls", ROUTE_GET, PEER_ANYONE },
		{ "/v1/store/check", ROUTE_GET, PEER_ANYONE },
		{ "/v1/accounts/a/plan", ROUTE_GET, PEER_OPERATE },
		{ "/v1/accounts/a/poll", ROUTE_POST, PEER_OPERATE },
		{ "/v1/accounts/a/pause", ROUTE_POST, PEER_OPERATE },
		{ "/v1/accounts/a/resume", ROUTE_POST, PEER_OPERATE },
		{ "/v1/tombstones", ROUTE_GET, PEER_READ },
		{ "/v1/quarantine", ROUTE_GET, PEER_OPERATE },
		{ "/v1/quarantine/1", ROUTE_GET, PEER_OPERATE },
		{ "/v1/quarantine/1/raw", ROUTE_GET, PEER_READ },
		{ "/v1/quarantine/1/retry", ROUTE_POST, PEER_OPERATE },
		{ "/v1/quarantine/retry", ROUTE_POST, PEER_OPERATE },
		{ "/v1/store/check", ROUTE_POST, PEER_OPERATE },
		{ "/v1/messages", ROUTE_GET, PEER_READ },
		{ "/v1/messages/1", ROUTE_GET, PEER_READ },
		{ "/v1/messages/1/raw", ROUTE_GET, PEER_READ },
		{ "/v1/accounts/a/messages", ROUTE_POST, PEER_ADMIN },
		{ "/v1/store/backup", ROUTE_GET, PEER_OPERATE },
		{ "/v1/store/backup", ROUTE_POST, PEER_ADMIN },
		{ "/v1/store/keys", ROUTE_GET, PEER_ADMIN },
		{ "/v1/store/keys", ROUTE_POST, PEER_ADMIN },
		{ "/v1/reload", ROUTE_POST, PEER_ADMIN },
		{ "/v1/messages/1", ROUTE_DELETE, PEER_ADMIN },
		{ "/v1/messages", ROUTE_DELETE, PEER_ADMIN },
		{ "/v1/messages/1/hold", ROUTE_POST, PEER_ADMIN },
		{ "/v1/audit", ROUTE_GET, PEER_ADMIN },
		{ "/v1/outbox", ROUTE_GET, PEER_OPERATE },
		{ "/v1/outbox/1", ROUTE_GET, PEER_OPERATE },
		{ "/v1/outbox/1", ROUTE_DELETE, PEER_ADMIN },
		{ "/v1/outbox/1/retry", ROUTE_POST, PEER_OPERATE },
		{ "/v1/outbox/retry", ROUTE_POST, PEER_OPERATE },
		{ "/v1/outbox/drop", ROUTE_POST, PEER_ADMIN },
		{ "/v1/targets", ROUTE_GET, PEER_ANYONE },
		{ "/v1/targets/a", ROUTE_GET, PEER_ANYONE },
		{ "/v1/targets/a/pause", ROUTE_POST, PEER_OPERATE },
		{ "/v1/targets/a/resume", ROUTE_POST, PEER_OPERATE },
		{ "/v1/targets/a/probe", ROUTE_POST, PEER_OPERATE },
		{ "/v1/deliver", ROUTE_POST, PEER_ADMIN },
	};
	struct route_match match;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(
		    route_find(cases[i].method, cases[i].target, &match),
		    ROUTE_FOUND);
		if (match.route->role != cases[i].role)
			fail_msg("%s", cases[i].target);
	}
}

/* Nobody may change anything, or read mail, without a role. */
static void
test_what_anybody_may(void **state)
{
	size_t count;
	const struct route *routes = route_table(&count);

	(void)state;
	for (size_t i = 0; i < count; i++)
		if (routes[i].role == PEER_ANYONE &&
		    (routes[i].method != ROUTE_GET ||
			strncmp(routes[i].pattern, "/v1/messages", 12) == 0 ||
			strncmp(routes[i].pattern, "/v1/outbox", 10) == 0 ||
			strncmp(routes[i].pattern, "/v1/quarantine", 14) == 0))
			fail_msg("%s", routes[i].pattern);
}

static void
test_the_roles_of_users(void **state)
{
	struct peer_user listed[] = { { 1001, PEER_ALL_ROLES, NULL },
		{ 1002, PEER_OPERATE, NULL }, { 1003, PEER_READ, NULL },
		{ 1004, PEER_OPERATE, NULL }, { 1004, PEER_READ, NULL } };
	struct peer_users users = { .entries = listed, .count = COUNT(listed) };
	static const struct {
		uid_t own, peer;
		unsigned roles;
	} cases[] = {
		{ 900, 0, PEER_ALL_ROLES },
		{ 900, 900, PEER_ALL_ROLES },
		{ 900, 1001, PEER_ALL_ROLES },
		{ 900, 1002, PEER_OPERATE },
		{ 900, 1003, PEER_READ },
		{ 900, 1004, PEER_OPERATE | PEER_READ },
		{ 900, 1005, PEER_ANYONE },
		{ 900, 65534, PEER_ANYONE },
		{ 0, 900, PEER_ANYONE },
		{ 0, 0, PEER_ALL_ROLES },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(
		    peer_roles(&users, cases[i].own, cases[i].peer),
		    cases[i].roles);
}

static void
test_names_of_users_are_resolved(void **state)
{
	char root[] = "root", number[] = "4711", nobody[] = "no such user",
	     huge[] = "4294967295", other[] = "4712";
	char *admins[] = { root, nobody, number, huge };
	char *readers[] = { other, number };
	struct config config = { .control_admin = { admins, 4 },
		.control_read = { readers, 2 } };
	struct peer_users users;
	char name[PEER_NAME_SIZE];

	(void)state;
	assert_true(peer_users_resolve(&users, &config));
	assert_int_equal(users.count, 4);
	assert_int_equal(peer_roles(&users, 900, 4711), PEER_ALL_ROLES);
	assert_int_equal(peer_roles(&users, 900, 4712), PEER_READ);
	assert_int_equal(users.unknown.count, 2);
	assert_string_equal(users.unknown.items[0], "no such user");
	assert_string_equal(users.unknown.items[1], "4294967295");
	peer_name(&users, 4711, name);
	assert_string_equal(name, "4711");
	peer_name(&users, 4713, name);
	assert_string_equal(name, "uid 4713");
	peer_users_free(&users);
	config.control_admin.count = config.control_read.count = 0;
	assert_true(peer_users_resolve(&users, &config));
	assert_int_equal(users.count, 0);
	peer_name(&users, 0, name);
	assert_string_equal(name, "root");
	peer_users_free(&users);
}

static void
test_the_peer_of_a_socket(void **state)
{
	int pair[2], pipe_ends[2];
	uid_t uid;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_true(peer_user(pair[0], &uid));
	assert_int_equal(uid, geteuid());
	close(pair[0]);
	close(pair[1]);
	assert_int_equal(pipe(pipe_ends), 0);
	assert_false(peer_user(pipe_ends[0], &uid));
	close(pipe_ends[0]);
	close(pipe_ends[1]);
}

static const char *
text_of(const json_t *json, const char *name)
{
	return json_string_value(json_object_get(json, name));
}

static void
test_messages_become_json(void **state)
{
	struct store_message_row row = {
		.id = 42,
		.account = "shop",
		.unique_id = (const unsigned char *)"abc\x01\xff",
		.unique_id_length = 5,
		.octets = UINT64_MAX,
		.digest = "00ff",
		.stored_ms = 1709210096789LL,
		.has_date = true,
		.date_ms = 1000,
		.sender = "J\xf6rg <j@example.org>",
		.subject = "line\nbreak \x1b[31m and a quote\"",
		.attachments = 2,
		.is_cut = true,
	};
	json_t *json = message_json(&row);
	char *text = json_dumps(json, JSON_COMPACT);

	(void)state;
	assert_non_null(text);
	assert_null(strchr(text, 0x1b));
	free(text);
	assert_int_equal(json_integer_value(json_object_get(json, "id")), 42);
	assert_string_equal(
	    text_of(json, "sender"), "J\xef\xbf\xbdrg <j@example.org>");
	assert_string_equal(text_of(json, "subject"),
	    "line\nbreak \xef\xbf\xbd[31m and a quote\"");
	assert_string_equal(
	    text_of(json, "unique_id"), "abc\xef\xbf\xbd\xef\xbf\xbd");
	assert_string_equal(text_of(json, "unique_id_hex"), "61626301ff");
	assert_string_equal(
	    text_of(json, "stored_at"), "2024-02-29T12:34:56.789Z");
	assert_string_equal(text_of(json, "date"), "1970-01-01T00:00:01.000Z");
	assert_true(json_is_true(json_object_get(json, "cut")));
	assert_true(json_is_null(json_object_get(json, "recipients")));
	assert_true(json_is_null(json_object_get(json, "message_id")));
	assert_true(
	    json_integer_value(json_object_get(json, "bytes")) == INT64_MAX);
	json_decref(json);

	row.unique_id = (const unsigned char *)"UID-1";
	row.has_date = false;
	row.is_cut = false;
	json = message_json(&row);
	assert_true(json_is_false(json_object_get(json, "cut")));
	assert_string_equal(text_of(json, "unique_id"), "UID-1");
	assert_null(json_object_get(json, "unique_id_hex"));
	assert_true(json_is_null(json_object_get(json, "date")));
	json_decref(json);

	row.unique_id = NULL;
	row.has_date = true;
	row.date_ms = INT64_MAX;
	json = message_json(&row);
	assert_true(json_is_null(json_object_get(json, "unique_id")));
	assert_true(json_is_null(json_object_get(json, "date")));
	json_decref(json);
}

static void
test_accounts_become_json(void **state)
{
	struct poller_account_status status = {
		.name = "shop",
		.host = "pop.example.org",
		.user = "me",
		.health = POLLER_REFUSED,
		.last_success_ms = 1000,
		.last_finished_ms = 3000,
		.failing_since_ms = 3000,
		.last_outcome = "auth",
		.last_text = "refused \x80",
		.failures = 3,
		.tally.fetched = 7,
	};
	struct store_account_row row = { .name = "shop",
		.messages = 9,
		.octets = 1234,
		.last_success_ms = 2000,
		.last_error = "refused",
		.failing_since_ms = 2500 };
	json_t *json = account_json(&status, NULL), *stored;

	(void)state;
	assert_string_equal(text_of(json, "state"), "refused");
	assert_string_equal(
	    text_of(json, "failing_since"), "1970-01-01T00:00:03.000Z");
	assert_string_equal(text_of(json, "last_text"), "refused \xef\xbf\xbd");
	assert_true(json_is_null(json_object_get(json, "next")));
	assert_true(json_is_null(json_object_get(json, "stored")));
	assert_string_equal(
	    text_of(json, "last_success"), "1970-01-01T00:00:01.000Z");
	json_decref(json);

	json = account_json(&status, &row);
	assert_string_equal(
	    text_of(json, "last_success"), "1970-01-01T00:00:02.000Z");
	stored = json_object_get(json, "stored");
	assert_int_equal(
	    json_integer_value(json_object_get(stored, "messages")), 9);
	assert_string_equal(text_of(stored, "last_error"), "refused");
	/* Since this daemon has polled, it knows better than the store. */
	assert_string_equal(
	    text_of(json, "failing_since"), "1970-01-01T00:00:03.000Z");
	json_decref(json);
	status.last_finished_ms = status.failing_since_ms = 0;
	status.health = POLLER_FAILING;
	json = account_json(&status, &row);
	assert_string_equal(text_of(json, "state"), "failing");
	assert_string_equal(
	    text_of(json, "failing_since"), "1970-01-01T00:00:02.500Z");
	json_decref(json);
	status.state = POLLER_POLLING;
	json = account_json(&status, NULL);
	assert_string_equal(text_of(json, "state"), "polling");
	assert_true(json_is_null(json_object_get(json, "failing_since")));
	json_decref(json);
}

/* Each thing that needs attention, and how it is said. */
static void
check_attention(const json_t *list)
{
	static const struct {
		const char *code, *text, *hint;
	} expected[] = {
		{ "store_fails",
		    "the store cannot take mail (full): no space left",
		    "make room" },
		{ "store_damaged",
		    "the last check of the store found 7 problems",
		    "check --store" },
		{ "quarantine", "2 messages are in quarantine",
		    "evpopctl quarantine" },
		{ "clock_behind", "behind 70", "set it" },
		{ "accounts_fail", "1 of 10 accounts fails",
		    "accounts --failing" },
		{ "deletions_held",
		    "1200 deletions are held back, far more than usual",
		    "poll --confirm" },
	};
	size_t count = sizeof(expected) / sizeof(expected[0]);

	assert_int_equal(json_array_size(list), count);
	for (size_t i = 0; i < count; i++) {
		const json_t *one = json_array_get(list, i);

		assert_string_equal(text_of(one, "code"), expected[i].code);
		assert_string_equal(text_of(one, "text"), expected[i].text);
		assert_non_null(strstr(text_of(one, "hint"), expected[i].hint));
	}
}

/* A daemon at rest, and one that works, need none. */
static void
test_all_is_well(void **state)
{
	struct poller_status poller = {
		.accounts = 10, .polling = 2, .queued = 1, .failures = 4
	};
	struct store_error health = { STORE_OK, "" };
	struct store_stats stats = { .messages = 4 };
	struct store_check check = { .messages = 4, .messages_done = 4 };
	struct store_clock clock = { .times_set = 1 };
	json_t *list = attention_json(&poller, &health, &clock, &stats, &check);

	(void)state;
	assert_int_equal(json_array_size(list), 0);
	json_decref(list);
}

static void
test_status_becomes_json(void **state)
{
	char *nobody[] = { (char *)"ghost" };
	struct config_strings unknown = { nobody, 1 };
	struct exchange_context context = { .started_ms = 5000,
		.max_sessions = 64,
		.unknown_users = &unknown };
	struct poller_status poller = { .accounts = 10,
		.polling = 2,
		.failing = 1,
		.held_accounts = 2,
		.held_deletions = 1200 };
	struct store_error health = { STORE_FULL, "no space left" };
	struct store_stats stats = { .messages = 4, .quarantined = 2 };
	struct store_check check = { .problems = 7 };
	struct store_clock clock = {
		.is_behind = true, .least_ms = 70, .times_set = 3
	};
	json_t *json, *part;

	(void)state;
	json = status_json(&context, &poller, &health, &clock, &stats, &check,
	    1000065999, 65999);
	assert_int_equal(
	    json_integer_value(json_object_get(json, "uptime_seconds")), 60);
	assert_string_equal(
	    text_of(json, "started"), "1970-01-12T13:46:45.000Z");
	assert_int_equal(
	    json_integer_value(json_object_get(json, "pid")), getpid());
	part = json_object_get(json, "store");
	assert_string_equal(text_of(part, "status"), "full");
	assert_string_equal(text_of(part, "text"), "no space left");
	assert_string_equal(text_of(part, "hint"), "make room");
	part = json_object_get(json, "accounts");
	assert_int_equal(
	    json_integer_value(json_object_get(part, "polling")), 2);
	part = json_object_get(json, "held");
	assert_int_equal(
	    json_integer_value(json_object_get(part, "deletions")), 1200);
	assert_non_null(strstr(text_of(part, "hint"), "poll --confirm"));
	part = json_object_get(json, "clock");
	assert_string_equal(text_of(part, "status"), "behind");
	assert_string_equal(text_of(part, "text"), "behind 70");
	assert_string_equal(text_of(part, "hint"), "set it");
	assert_int_equal(
	    json_integer_value(json_object_get(part, "times_set")), 3);
	check_attention(json_object_get(json, "attention"));
	part = json_object_get(json, "unknown_users");
	assert_string_equal(
	    json_string_value(json_array_get(part, 0)), "ghost");
	json_decref(json);
}

static void
test_polls_become_json(void **state)
{
	struct store_poll_row row = { .id = 5,
		.account = "shop",
		.poll = {
		    .started_ms = 1, .outcome = "ok", .tally.fetched = 3 } };
	json_t *json = poll_json(&row);

	(void)state;
	assert_string_equal(text_of(json, "outcome"), "ok");
	assert_int_equal(
	    json_integer_value(json_object_get(json, "fetched")), 3);
	assert_true(json_is_null(json_object_get(json, "text")));
	json_decref(json);
}

static void
test_errors_name_what_to_do(void **state)
{
	struct response answer = response_store(STORE_FULL, "disk /var");
	json_t *error = json_object_get(answer.json, "error");

	(void)state;
	assert_int_equal(answer.status, 503);
	assert_string_equal(text_of(error, "code"), "store_unavailable");
	assert_string_equal(text_of(error, "hint"), "make room");
	assert_string_equal(text_of(error, "message"),
	    "the store cannot answer (full): disk /var");
	json_decref(answer.json);
	answer = response_no_account("caf\xe9");
	assert_int_equal(answer.status, 404);
	assert_string_equal(
	    text_of(json_object_get(answer.json, "error"), "message"),
	    "there is no account \"caf\xef\xbf\xbd\"");
	json_decref(answer.json);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_routes_are_found),
		cmocka_unit_test(test_long_names_have_no_route),
		cmocka_unit_test(test_which_role_is_needed),
		cmocka_unit_test(test_what_anybody_may),
		cmocka_unit_test(test_the_roles_of_users),
		cmocka_unit_test(test_names_of_users_are_resolved),
		cmocka_unit_test(test_the_peer_of_a_socket),
		cmocka_unit_test(test_messages_become_json),
		cmocka_unit_test(test_accounts_become_json),
		cmocka_unit_test(test_all_is_well),
		cmocka_unit_test(test_status_becomes_json),
		cmocka_unit_test(test_polls_become_json),
		cmocka_unit_test(test_errors_name_what_to_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
