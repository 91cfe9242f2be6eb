/* What was learned of servers is kept, and costs no transaction of its own. */
#include <stdio.h>
#include <string.h>

#include "daemon/store/history.h"
#include "tests/unit/test_store_fixture.h"

struct seen {
	bool done;
	char text[512]; /* each as host/port/tls=facts */
};

static void
see(enum store_status status, const struct store_server *servers, size_t count,
    void *arg)
{
	struct seen *seen = arg;
	size_t filled = 0;

	assert_int_equal(status, STORE_OK);
	seen->text[0] = '\0';
	for (size_t i = 0; i < count; i++)
		filled += (size_t)snprintf(seen->text + filled,
		    sizeof(seen->text) - filled, "%s/%u/%u=%s;",
		    servers[i].host, servers[i].port, servers[i].tls,
		    servers[i].facts);
	seen->done = true;
}

static void
expect(struct fixture *fixture, const char *text)
{
	struct seen seen = { .done = false };

	store_servers(fixture->store, see, &seen);
	fixture_wait(fixture, &seen.done);
	assert_string_equal(seen.text, text);
}

static void
note(struct fixture *fixture, const char *host, uint16_t port, uint8_t tls,
    const char *facts)
{
	char text[64], name[64];

	/* All is copied. */
	snprintf(text, sizeof(text), "%s", facts);
	snprintf(name, sizeof(name), "%s", host);
	store_server_note(fixture->store,
	    &(struct store_server){
		.host = name, .port = port, .tls = tls, .facts = text });
	memset(text, 'x', sizeof(text));
	memset(name, 'x', sizeof(name));
}

static uint64_t
commits(struct fixture *fixture)
{
	struct store_stats stats;

	store_stats(fixture->store, &stats);
	return stats.commits;
}

static void
none_is_known_at_first(void **state)
{
	expect(*state, "");
}

static void
notes_wait_for_a_transaction(void **state)
{
	struct fixture *fixture = *state;
	uint64_t before;

	fixture_turn(fixture, 20);
	before = commits(fixture);
	note(fixture, "a.example", 995, 0, "1 pipelining");
	note(fixture, "a.example", 110, 1, "1");
	note(fixture, "a.example", 110, 2, "1 other");
	fixture_turn(fixture, 200);
	assert_int_equal(commits(fixture), before);
	fixture_expect(fixture, "SELECT count(*) FROM server", 0);
	fixture_store(fixture, "u", "x", 1);
	/* Those of before it are in its transaction. */
	expect(fixture, "a.example/110/1=1;a.example/110/2=1 other;"
			"a.example/995/0=1 pipelining;");
}

static void
later_notes_replace_earlier_ones(void **state)
{
	struct fixture *fixture = *state;

	note(fixture, "b", 995, 0, "old");
	note(fixture, "a", 65535, 255, "'); --");
	note(fixture, "b", 995, 0, "new");
	fixture_store(fixture, "u", "x", 1);
	expect(fixture, "a/65535/255='); --;b/995/0=new;");
	note(fixture, "b", 995, 0, "newer");
	note(fixture, "b", 995, 0, "");
	fixture_store(fixture, "v", "y", 1);
	expect(fixture, "a/65535/255='); --;b/995/0=;");
	assert_true(fixture_integer(fixture, "SELECT min(updated_ms) FROM "
					     "server") > 1700000000000);
}

static void
what_is_known_is_not_written_again(void **state)
{
	struct fixture *fixture = *state;
	int64_t updated_ms;

	note(fixture, "a", 995, 0, "known");
	fixture_store(fixture, "u", "x", 1);
	updated_ms = fixture_integer(fixture, "SELECT updated_ms FROM server");
	fixture_turn(fixture, 5);
	note(fixture, "a", 995, 0, "known");
	fixture_store(fixture, "v", "y", 1);
	fixture_expect(fixture, "SELECT updated_ms FROM server", updated_ms);
	note(fixture, "a", 995, 0, "more");
	fixture_store(fixture, "w", "z", 1);
	assert_true(fixture_integer(fixture, "SELECT updated_ms FROM server") >
		    updated_ms);
}

/* As at the end of --once. */
static void
end_of_the_store_writes_them(void **state)
{
	struct fixture *fixture = *state;

	note(fixture, "a", 110, 1, "kept");
	fixture_close(fixture);
	fixture_open(fixture);
	expect(fixture, "a/110/1=kept;");
}

/* They go the way of polls without news, who wait beside them. */
static void
polls_and_servers_wait_together(void **state)
{
	struct fixture *fixture = *state;
	uint64_t before;

	fixture_turn(fixture, 20);
	before = commits(fixture);
	note(fixture, "a", 110, 1, "1");
	store_poll_note(fixture->store,
	    &(struct store_poll){ .account_id = fixture->account,
		.started_ms = 1,
		.finished_ms = 2,
		.outcome = "ok" });
	note(fixture, "b", 110, 1, "2");
	fixture_turn(fixture, 100);
	assert_int_equal(commits(fixture), before);
	fixture_close(fixture);
	fixture_expect(fixture, "SELECT count(*) FROM v_poll", 1);
	fixture_expect(fixture, "SELECT count(*) FROM server", 2);
	fixture_open(fixture);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(none_is_known_at_first),
		FIXTURE_TEST(notes_wait_for_a_transaction),
		FIXTURE_TEST(later_notes_replace_earlier_ones),
		FIXTURE_TEST(what_is_known_is_not_written_again),
		FIXTURE_TEST(end_of_the_store_writes_them),
		FIXTURE_TEST(polls_and_servers_wait_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
