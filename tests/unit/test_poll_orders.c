/*
 * What people ask of a poller: to poll, to pause, to go on; and what becomes of
 * its accounts when the configuration is another.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <event2/event.h>
#include <string.h>

#include "daemon/config/config.h"
#include "tests/unit/failing_alloc.h"
#include "tests/unit/poll_house.h"

#define BODY "Subject: one\r\n\r\nfirst\r\n"
static const struct net_message messages[] = {
	{ BODY, sizeof(BODY) - 1 },
};

/* No poll but those that somebody asks for, once the first one is over. */
#define HOME "[account home]\n@anna\ninterval = 1d\ninterval_min = 1d\n"
#define OFF  "[account off]\n@bob\nenabled = no\n"

static int
set_up(void **state)
{
	struct poll_house *house;

	if (poll_house_set_up(state) != 0)
		return 1;
	house = *state;
	house->server.options =
	    (struct net_server_options){ .messages = messages,
		    .message_count = 1 };
	return 0;
}

static struct poller_account_status
status_of(const struct poll_house *house, const char *name)
{
	struct poller_account_status status = { .name = NULL };

	assert_true(poller_account_status(house->poller, name, &status));
	assert_string_equal(status.name, name);
	return status;
}

/* A poll takes many turns of the loop. */
static void
wait_for_poll(struct poll_house *house)
{
	while (status_of(house, "home").state != POLLER_POLLING)
		assert_int_equal(
		    event_base_loop(house->fixture->base, EVLOOP_ONCE), 0);
}

static void
remembered(enum store_status status, void *arg)
{
	assert_int_equal(status, STORE_OK);
	*(bool *)arg = true;
}

/* Pause an account, and wait until the store has it. */
static enum poller_answer
pause_account(struct poll_house *house, const char *name)
{
	bool done = false;
	enum poller_answer answer =
	    poller_pause(house->poller, name, "alice", remembered, &done);

	if (answer == POLLER_DONE)
		fixture_wait(house->fixture, &done);
	return answer;
}

static enum poller_answer
resume_account(struct poll_house *house, const char *name)
{
	bool done = false;
	enum poller_answer answer =
	    poller_resume(house->poller, name, remembered, &done);

	if (answer == POLLER_DONE)
		fixture_wait(house->fixture, &done);
	return answer;
}

static void
test_answers(void **state)
{
	struct poll_house *house = *state;
	struct poller *poller;

	poll_house_open(house, HOME OFF);
	poller = house->poller;
	assert_int_equal(poller_poll_now(poller, "nobody", POLLER_WISH_POLL),
	    POLLER_NO_SUCH_ACCOUNT);
	assert_int_equal(
	    pause_account(house, "nobody"), POLLER_NO_SUCH_ACCOUNT);
	assert_int_equal(
	    resume_account(house, "nobody"), POLLER_NO_SUCH_ACCOUNT);
	assert_int_equal(poller_poll_now(poller, "off", POLLER_WISH_POLL),
	    POLLER_IS_DISABLED);
	assert_int_equal(pause_account(house, "off"), POLLER_IS_DISABLED);
	assert_int_equal(resume_account(house, "off"), POLLER_IS_DISABLED);
	assert_false(poller_account_status(
	    poller, "nobody", &(struct poller_account_status){ 0 }));
	assert_null(poller_plan(poller, "nobody"));
	assert_null(poller_plan(poller, "home"));
	poll_house_close(house);
}

static void
test_pause(void **state)
{
	struct poll_house *house = *state;

	poll_house_open(house, HOME);
	poll_house_wait_polled(house, "home");
	assert_non_null(strstr(house->told, "home: message-stored 23\n"));
	house->told[0] = '\0';
	assert_true(status_of(house, "home").next_ms > 0);
	assert_int_equal(resume_account(house, "home"), POLLER_ALREADY);
	assert_int_equal(pause_account(house, "home"), POLLER_DONE);
	assert_int_equal(pause_account(house, "home"), POLLER_ALREADY);
	assert_int_equal(status_of(house, "home").state, POLLER_PAUSED);
	assert_int_equal(status_of(house, "home").next_ms, 0);
	assert_true(status_of(house, "home").paused_ms > 0);
	assert_int_equal(resume_account(house, "home"), POLLER_DONE);
	assert_false(status_of(house, "home").is_paused);
	poll_house_wait_polled(house, "home");
	assert_string_equal(house->told,
	    "home: waiting > paused\nhome: paused > queued\n"
	    "home: poll-begun\nhome: queued > polling\n"
	    "home: poll-over ok\nhome: polling > waiting\n");

	/* A wish does not end a pause. */
	assert_int_equal(pause_account(house, "home"), POLLER_DONE);
	house->told[0] = '\0';
	assert_int_equal(
	    poller_poll_now(house->poller, "home", POLLER_WISH_POLL),
	    POLLER_DONE);
	assert_int_equal(status_of(house, "home").state, POLLER_QUEUED);
	poll_house_wait_polled(house, "home");
	assert_string_equal(house->said, "paused ok: messages 1");
	assert_true(status_of(house, "home").is_paused);
	assert_string_equal(status_of(house, "home").paused_by, "alice");
	assert_string_equal(house->told,
	    "home: paused > queued\n"
	    "home: poll-begun\nhome: queued > polling\n"
	    "home: poll-over ok\nhome: polling > paused\n");
	poll_house_close(house);
	assert_non_null(strstr(house->told, "\npolls-ended\n"));

	/* It is there from the start, and nothing is polled. */
	poll_house_open(house, HOME);
	while (!status_of(house, "home").is_paused)
		fixture_turn(house->fixture, 1);
	assert_int_equal(status_of(house, "home").state, POLLER_PAUSED);
	assert_string_equal(status_of(house, "home").paused_by, "alice");
	assert_int_equal(status_of(house, "home").last_started_ms, 0);
	poll_house_close(house);
}

/* Who resumes before the store has told of the pause has resumed. */
static void
test_resume_at_once(void **state)
{
	struct poll_house *house = *state;

	poll_house_open(house, HOME);
	poll_house_wait_polled(house, "home");
	assert_int_equal(pause_account(house, "home"), POLLER_DONE);
	poll_house_close(house);

	poll_house_open(house, HOME);
	assert_false(status_of(house, "home").is_paused);
	assert_int_equal(resume_account(house, "home"), POLLER_DONE);
	assert_false(status_of(house, "home").is_paused);
	poll_house_wait_polled(house, "home");
	poll_house_close(house);

	poll_house_open(house, HOME);
	poll_house_wait_polled(house, "home");
	poll_house_close(house);
}

/* A poller that goes is not waited for. */
static void
test_pause_at_the_end(void **state)
{
	struct poll_house *house = *state;
	bool done = false;

	poll_house_open(house, HOME);
	poll_house_wait_polled(house, "home");
	assert_int_equal(
	    poller_pause(house->poller, "home", NULL, remembered, &done),
	    POLLER_DONE);
	poll_house_close(house);
	fixture_wait(house->fixture, &done);
}

/* What was asked for while a poll is under way comes after it. */
static void
test_wish_meanwhile(void **state)
{
	struct poll_house *house = *state;
	struct poller_status status;
	struct poller *poller;

	poll_house_open(house, HOME);
	poller = house->poller;
	wait_for_poll(house);
	(void)poller_poll_now(poller, "home", POLLER_WISH_DRY_RUN);
	while (poller_plan(poller, "home") == NULL ||
	       status_of(house, "home").state == POLLER_POLLING)
		fixture_turn(house->fixture, 1);
	assert_int_equal(poller_plan(poller, "home")->messages, 1);
	assert_int_equal(poller_plan(poller, "home")->fetches, 0);
	/* A dry run is no poll. */
	poller_status(poller, &status);
	assert_int_equal(status.polls, 1);
	assert_int_equal(status.messages, 1);
	assert_int_equal(status.octets, sizeof(BODY) - 1);
	assert_int_equal(status.failures, 0);
	poll_house_close(house);
}

static void
test_status(void **state)
{
	static const struct net_rule refuse = { "PASS secret",
		"-ERR [AUTH] wrong\r\n", NET_GO_ON };
	struct poll_house *house = *state;
	struct poller_account_status account;
	struct poller_status status;

	house->server.options.rules = &refuse;
	house->server.options.rule_count = 1;
	poll_house_open(house, HOME OFF);
	poll_house_wait_polled(house, "home");
	poller_status(house->poller, &status);
	assert_int_equal(status.accounts, 2);
	assert_int_equal(status.polling, 0);
	assert_int_equal(status.queued, 0);
	assert_int_equal(status.failing, 1);
	assert_int_equal(status.refused, 1);
	assert_int_equal(status.polls, 1);
	assert_int_equal(status.failures, 1);
	assert_int_equal(status.messages, 0);

	account = status_of(house, "home");
	assert_string_equal(account.host, "127.0.0.1");
	assert_string_equal(account.user, "anna");
	assert_int_equal(account.failures, 1);
	assert_int_equal(account.interval_ms, 86400000);
	assert_int_equal(account.last_success_ms, 0);
	assert_true(account.last_started_ms > 0);
	assert_true(account.last_finished_ms >= account.last_started_ms);
	assert_true(account.failing_since_ms >= account.last_started_ms);
	assert_string_equal(account.last_outcome, "auth");
	assert_string_equal(account.last_text, "[AUTH] wrong");

	assert_true(poller_account_status_at(house->poller, 0, &account));
	assert_string_equal(account.name, "home");
	assert_true(poller_account_status_at(house->poller, 1, &account));
	assert_string_equal(account.name, "off");
	assert_false(poller_account_status_at(house->poller, 2, &account));

	/* It lets him in again. */
	house->server.options.rule_count = 0;
	assert_int_equal(resume_account(house, "home"), POLLER_DONE);
	while (status_of(house, "home").failures > 0)
		fixture_turn(house->fixture, 1);
	poller_status(house->poller, &status);
	assert_int_equal(status.failing, 0);
	assert_int_equal(status.refused, 0);
	assert_int_equal(status.polls, 2);
	assert_int_equal(status.failures, 1);
	assert_int_equal(status.messages, 1);
	account = status_of(house, "home");
	assert_int_equal(account.failing_since_ms, 0);
	assert_true(account.last_success_ms > 0);
	assert_null(account.last_text);
	poll_house_close(house);
}

static void
reload(struct poll_house *house, const char *text)
{
	struct config *config = poll_house_read(house, text);
	struct config_diff diff;

	assert_true(config_diff(&diff, house->config, config));
	assert_true(poller_reload(house->poller, config, &diff));
	config_diff_free(&diff);
	config_free(&house->config);
	house->config = config;
}

static void
test_reload(void **state)
{
	struct poll_house *house = *state;
	struct poller_account_status status;
	struct poller_status all;

	poll_house_open(house, HOME OFF);
	poll_house_wait_polled(house, "home");

	/* One comes, one goes, one stays as it is. */
	reload(house, HOME "[account new]\n@eve\ninterval = 2d\n");
	assert_false(poller_account_status(house->poller, "off", &status));
	assert_true(status_of(house, "home").last_finished_ms > 0);
	assert_int_equal(
	    poller_poll_now(house->poller, "new", POLLER_WISH_POLL),
	    POLLER_DONE);
	poll_house_wait_polled(house, "new");
	assert_string_equal(
	    house->said, "waiting ok: messages 1, fetched 1, fetched_bytes 23");
	assert_int_equal(status_of(house, "new").interval_ms, 2 * 86400000);
	poller_status(house->poller, &all);
	assert_int_equal(all.accounts, 2);

	/* One is disabled, and one is enabled. */
	reload(house, HOME "enabled = no\n" OFF);
	assert_int_equal(status_of(house, "home").state, POLLER_DISABLED);
	assert_int_equal(status_of(house, "home").next_ms, 0);
	assert_false(poller_account_status(house->poller, "new", &status));
	reload(house, HOME "[account off]\n@bob\n");
	assert_int_not_equal(status_of(house, "home").state, POLLER_DISABLED);
	assert_int_equal(
	    poller_poll_now(house->poller, "off", POLLER_WISH_POLL),
	    POLLER_DONE);
	poll_house_wait_polled(house, "off");
	assert_string_equal(
	    house->said, "waiting ok: messages 1, fetched 1, fetched_bytes 23");
	poll_house_close(house);
}

/* Whichever allocation fails: all is taken over, or nothing. */
static void
test_reload_without_memory(void **state)
{
	struct poll_house *house = *state;
	struct poller_account_status status;
	struct config *config;
	struct config_diff diff;
	size_t failing = 0;
	bool taken;

	poll_house_open(house, HOME OFF);
	poll_house_wait_polled(house, "home");
	config =
	    poll_house_read(house, HOME "[account new]\n@eve\nenabled = no\n");
	assert_true(config_diff(&diff, house->config, config));
	do {
		failing_alloc_arm(++failing);
		taken = poller_reload(house->poller, config, &diff);
		(void)failing_alloc_disarm();
		assert_int_equal(
		    poller_account_status(house->poller, "new", &status),
		    taken);
		assert_int_equal(
		    poller_account_status(house->poller, "off", &status),
		    !taken);
		assert_int_equal(
		    status_of(house, "home").state, POLLER_WAITING);
	} while (!taken);
	assert_true(failing > 1);
	config_diff_free(&diff);
	config_free(&house->config);
	house->config = config;
	poll_house_close(house);
}

/* A store that does not answer is not a server that does not. */
static void
test_store_fails(void **state)
{
	struct poll_house *house = *state;

	fixture_change(
	    house->fixture, "ALTER TABLE uid RENAME TO uid_elsewhere");
	poll_house_open(house, HOME);
	poll_house_wait_polled(house, "home");
	assert_string_equal(house->said, "failing io");
	assert_ptr_equal(
	    strstr(house->text, "the store failed (io): "), house->text);
	poll_house_close(house);
	fixture_change(
	    house->fixture, "ALTER TABLE uid_elsewhere RENAME TO uid");
}

/* A poll under way goes on to its end, and the pause comes then. */
static void
test_pause_meanwhile(void **state)
{
	struct poll_house *house = *state;
	bool done = false;

	poll_house_open(house, HOME);
	wait_for_poll(house);
	assert_int_equal(
	    poller_pause(house->poller, "home", NULL, remembered, &done),
	    POLLER_DONE);
	fixture_wait(house->fixture, &done);
	assert_int_equal(pause_account(house, "home"), POLLER_ALREADY);
	poll_house_wait_polled(house, "home");
	assert_string_equal(
	    house->said, "paused ok: messages 1, fetched 1, fetched_bytes 23");
	poll_house_close(house);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, set_up, poll_house_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_answers),
		TEST(test_pause),
		TEST(test_resume_at_once),
		TEST(test_pause_at_the_end),
		TEST(test_wish_meanwhile),
		TEST(test_status),
		TEST(test_reload),
		TEST(test_pause_meanwhile),
		TEST(test_reload_without_memory),
		TEST(test_store_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
