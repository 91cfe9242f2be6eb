/*
 * What hooks are told and when: gathered, in order, within bounds.  Commands
 * are real; the times are short, and no test waits for less than it must.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/deliver/deliver.h"
#include "daemon/hook/batch.h"
#include "daemon/hook/hook.h"
#include "daemon/log/log.h"
#include "daemon/notify/notify.h"
#include "daemon/poll/poller.h"
#include "daemon/secret/secret.h"
#include "lib/base/clock.h"

/* Nothing here takes so long. */
#define PATIENCE_MS 60000

/* Long enough for a thing to be done, were it wrongly done at once. */
#define WHILE_MS 300

struct poller {
	struct poller_account_status accounts[2];
	size_t count;
};

bool
poller_account_status_at(const struct poller *poller, size_t index,
    struct poller_account_status *status)
{
	if (index >= poller->count)
		return false;
	*status = poller->accounts[index];
	return true;
}

bool
poller_account_advice(const struct poller *poller, const char *name,
    char advice[POLLER_ADVICE_SIZE])
{
	(void)poller;
	(void)snprintf(advice, POLLER_ADVICE_SIZE, "look after %s", name);
	return true;
}

struct deliver {
	struct deliver_status targets[2];
	size_t count;
};

bool
deliver_status_at(
    const struct deliver *deliver, size_t index, struct deliver_status *status)
{
	if (index >= deliver->count)
		return false;
	*status = deliver->targets[index];
	return true;
}

const char *
deliver_state_name(enum deliver_state state)
{
	return state == DELIVER_DOWN ? "down" : "other";
}

struct fixture {
	char folder[64], out[96], command[512];
	struct event_base *base;
	struct notify *notify;
	struct poller poller;
	struct deliver deliver;
	struct config config;
	struct hook_pace pace;
	struct hook *hook;
	char text[65536];
	bool is_done;
};

static int
setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	snprintf(
	    fixture->folder, sizeof(fixture->folder), "/tmp/evpop-hook.XXXXXX");
	assert_non_null(mkdtemp(fixture->folder));
	snprintf(fixture->out, sizeof(fixture->out), "%s/out", fixture->folder);
	snprintf(fixture->command, sizeof(fixture->command),
	    "printf '%%s|' \"$EVPOP_EVENT\" \"$EVPOP_REMINDER\" "
	    "\"$EVPOP_COUNT\" \"$EVPOP_TEXT\" >>%s; echo >>%s",
	    fixture->out, fixture->out);
	fixture->base = event_base_new();
	fixture->notify = notify_new();
	assert_non_null(fixture->base);
	assert_non_null(fixture->notify);
	fixture->config.hook_on_failure = fixture->command;
	fixture->config.hook_on_recovery = fixture->command;
	fixture->config.hook_on_message = fixture->command;
	fixture->pace = (struct hook_pace){ .gather_ms = 20,
		.every_ms = 20,
		.remind_ms = 3600000,
		.timeout_ms = 30000,
		.farewell_ms = 100 };
	log_set_level(LOG_LEVEL_ERROR);
	*state = fixture;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *fixture = *state;

	hook_free(&fixture->hook);
	notify_free(&fixture->notify);
	event_base_free(fixture->base);
	(void)unlink(fixture->out);
	assert_int_equal(rmdir(fixture->folder), 0);
	free(fixture);
	return 0;
}

static void
begin(struct fixture *fixture)
{
	fixture->hook =
	    hook_new(fixture->base, fixture->notify, &fixture->poller,
		&fixture->deliver, &fixture->config, &fixture->pace);
	assert_non_null(fixture->hook);
}

static void
tell_health(struct fixture *fixture, const char *account, const char *from,
    const char *to)
{
	notify_publish(fixture->notify,
	    &(struct notify_event){ .kind = NOTIFY_ACCOUNT_HEALTH,
		.account = account,
		.fate = { .from = from,
		    .to = to,
		    .host = "h",
		    .outcome = "io",
		    .text = "why" } });
}

static void
tell_message(struct fixture *fixture, const char *account, int64_t id)
{
	notify_publish(fixture->notify,
	    &(struct notify_event){ .kind = NOTIFY_MESSAGE_STORED,
		.account = account,
		.message = { id, 10 } });
}

/* What the commands have written. */
static const char *
look(struct fixture *fixture)
{
	FILE *file = fopen(fixture->out, "r");
	size_t length = 0;

	if (file != NULL) {
		length =
		    fread(fixture->text, 1, sizeof(fixture->text) - 1, file);
		fclose(file);
	}
	fixture->text[length] = '\0';
	return fixture->text;
}

static unsigned
lines(struct fixture *fixture)
{
	const char *at = look(fixture);
	unsigned count = 0;

	for (; (at = strchr(at, '\n')) != NULL; at++)
		count++;
	return count;
}

static void
turn_for(struct fixture *fixture, int64_t ms)
{
	int64_t end_ms = evpop_clock_monotonic_ms() + ms;

	while (evpop_clock_monotonic_ms() < end_ms) {
		event_base_loop(fixture->base, EVLOOP_NONBLOCK);
		usleep(1000);
	}
}

/* So many runs are over. */
static void
wait_runs(struct fixture *fixture, enum hook_kind kind, uint64_t runs)
{
	struct hook_status status = { .runs = 0 };
	int64_t end_ms = evpop_clock_monotonic_ms() + PATIENCE_MS;

	while (evpop_clock_monotonic_ms() < end_ms) {
		event_base_loop(fixture->base, EVLOOP_NONBLOCK);
		hook_status(fixture->hook, kind, &status);
		if (status.runs >= runs && status.running == 0)
			return;
		usleep(1000);
	}
	fail_msg(
	    "%s ran %u times", hook_kind_name(kind), (unsigned)status.runs);
}

static void
wait_text(struct fixture *fixture, const char *text)
{
	int64_t end_ms = evpop_clock_monotonic_ms() + PATIENCE_MS;

	while (strstr(look(fixture), text) == NULL) {
		assert_true(evpop_clock_monotonic_ms() < end_ms);
		turn_for(fixture, 10);
	}
}

static void
test_one_run_for_all(void **state)
{
	struct fixture *fixture = *state;

	begin(fixture);
	tell_health(fixture, "anna", "ok", "failing");
	tell_health(fixture, "bert", "ok", "refused");
	tell_health(fixture, "carl", "failing", "ok");
	wait_runs(fixture, HOOK_ON_FAILURE, 1);
	wait_runs(fixture, HOOK_ON_RECOVERY, 1);
	assert_string_equal(look(fixture), "failure||2|2 fail: anna, bert|\n"
					   "recovery||1|carl works again|\n");
}

static void
test_escalation_and_no_news(void **state)
{
	struct fixture *fixture = *state;

	begin(fixture);
	tell_health(fixture, "anna", "failing", "refused");
	tell_health(fixture, "bert", "refused", "failing");
	wait_runs(fixture, HOOK_ON_FAILURE, 1);
	assert_string_equal(
	    look(fixture), "failure||1|anna needs attention: why|\n");
}

/* What is over before it is told is not told. */
static void
test_flaps(void **state)
{
	struct fixture *fixture = *state;

	begin(fixture);
	tell_health(fixture, "anna", "ok", "failing");
	tell_health(fixture, "anna", "failing", "ok");
	tell_health(fixture, "bert", "failing", "ok");
	tell_health(fixture, "bert", "ok", "failing");
	turn_for(fixture, WHILE_MS);
	assert_int_equal(lines(fixture), 0);
	notify_publish(fixture->notify,
	    &(struct notify_event){ .kind = NOTIFY_STORE_HEALTH,
		.health = { .works = false, .text = "disk\x1b full" } });
	wait_runs(fixture, HOOK_ON_FAILURE, 1);
	notify_publish(fixture->notify,
	    &(struct notify_event){
		.kind = NOTIFY_STORE_HEALTH, .health = { .works = true } });
	wait_runs(fixture, HOOK_ON_RECOVERY, 1);
	assert_string_equal(look(fixture),
	    "failure||1|the store fails: disk? full|\n"
	    "recovery||1|the store works again|\n");
}

static void
test_the_next_run_waits(void **state)
{
	struct fixture *fixture = *state;
	struct hook_status status;

	fixture->pace.every_ms = 3600000;
	begin(fixture);
	tell_message(fixture, "anna", 1);
	tell_message(fixture, "bert", 2);
	tell_message(fixture, "anna", 3);
	wait_runs(fixture, HOOK_ON_MESSAGE, 2);
	tell_message(fixture, "anna", 4);
	turn_for(fixture, WHILE_MS);
	assert_int_equal(lines(fixture), 2);
	hook_status(fixture->hook, HOOK_ON_MESSAGE, &status);
	assert_int_equal(status.waiting, 1);
	assert_non_null(strstr(look(fixture), "anna: 2 new messages|"));
	assert_non_null(strstr(look(fixture), "bert: 1 new message|"));
}

static void
done(void *arg)
{
	((struct fixture *)arg)->is_done = true;
}

static void
finish(struct fixture *fixture, int64_t patience_ms)
{
	int64_t end_ms = evpop_clock_monotonic_ms() + PATIENCE_MS;

	hook_finish(fixture->hook, patience_ms, done, fixture);
	assert_false(fixture->is_done);
	while (!fixture->is_done && evpop_clock_monotonic_ms() < end_ms) {
		event_base_loop(fixture->base, EVLOOP_NONBLOCK);
		usleep(1000);
	}
	assert_true(fixture->is_done);
}

static void
test_the_end_runs_what_waits(void **state)
{
	struct fixture *fixture = *state;

	fixture->pace.gather_ms = fixture->pace.every_ms = 3600000;
	begin(fixture);
	for (int i = 0; i < 10; i++) {
		char name[16];

		snprintf(name, sizeof(name), "a%d", i);
		tell_message(fixture, name, i + 1);
	}
	tell_health(fixture, "anna", "ok", "failing");
	finish(fixture, PATIENCE_MS);
	assert_int_equal(lines(fixture), 11);
}

static void
test_the_end_is_not_held_up(void **state)
{
	struct fixture *fixture = *state;
	struct hook_status status;

	fixture->config.hook_on_message = (char *)(uintptr_t) "sleep 600";
	begin(fixture);
	for (int i = 0; i < 10; i++) {
		char name[16];

		snprintf(name, sizeof(name), "a%d", i);
		tell_message(fixture, name, i + 1);
	}
	do {
		turn_for(fixture, 10);
		hook_status(fixture->hook, HOOK_ON_MESSAGE, &status);
	} while (status.running < HOOK_RUNS);
	turn_for(fixture, WHILE_MS);
	hook_status(fixture->hook, HOOK_ON_MESSAGE, &status);
	assert_int_equal(status.running, HOOK_RUNS);
	assert_int_equal(status.waiting, 10 - HOOK_RUNS);
	finish(fixture, 10);
	hook_status(fixture->hook, HOOK_ON_MESSAGE, &status);
	assert_int_equal(status.running, 0);
}

static void
test_too_many_are_counted(void **state)
{
	struct fixture *fixture = *state;
	struct hook_status status;

	begin(fixture);
	for (int i = 0; i < BATCH_ACCOUNTS + 5; i++) {
		char name[16];

		snprintf(name, sizeof(name), "a%d", i);
		tell_health(fixture, name, "ok", "failing");
	}
	wait_runs(fixture, HOOK_ON_FAILURE, 1);
	assert_non_null(strstr(look(fixture),
	    "|1005|1005 fail: a0, a1, a2, a3, a4, a5, a6, a7 and 997 more|"));
	hook_status(fixture->hook, HOOK_ON_FAILURE, &status);
	assert_int_equal(status.dropped, 5);
}

static void
test_failures_of_commands(void **state)
{
	struct fixture *fixture = *state;
	struct hook_status status;

	fixture->config.hook_on_failure =
	    (char *)(uintptr_t) "echo broken >&2; exit 3";
	fixture->config.hook_on_recovery = NULL;
	fixture->pace.timeout_ms = 50;
	fixture->config.hook_on_message = (char *)(uintptr_t) "sleep 600";
	begin(fixture);
	tell_health(fixture, "anna", "ok", "failing");
	tell_health(fixture, "bert", "failing", "ok");
	tell_message(fixture, "anna", 1);
	wait_runs(fixture, HOOK_ON_FAILURE, 1);
	wait_runs(fixture, HOOK_ON_MESSAGE, 1);
	hook_status(fixture->hook, HOOK_ON_FAILURE, &status);
	assert_string_equal(status.failed_text, "exit status 3: broken");
	assert_int_equal(status.failures, 1);
	hook_status(fixture->hook, HOOK_ON_MESSAGE, &status);
	assert_non_null(strstr(status.failed_text, "did not finish"));
	hook_status(fixture->hook, HOOK_ON_RECOVERY, &status);
	assert_false(status.is_set);
	/* Another command has not failed, and runs when something happens. */
	fixture->config.hook_on_failure = fixture->command;
	hook_reload(fixture->hook, &fixture->config);
	hook_status(fixture->hook, HOOK_ON_FAILURE, &status);
	assert_null(status.failed_text);
	turn_for(fixture, WHILE_MS);
	assert_int_equal(lines(fixture), 0);
	tell_health(fixture, "carl", "ok", "failing");
	wait_runs(fixture, HOOK_ON_FAILURE, 2);
	assert_string_equal(look(fixture), "failure||1|carl fails: why|\n");
}

static void
test_reminders(void **state)
{
	struct fixture *fixture = *state;
	int64_t now_ms = evpop_clock_unix_ms();

	fixture->pace.remind_ms = 100;
	fixture->poller.count = 2;
	fixture->poller.accounts[0] =
	    (struct poller_account_status){ .name = "anna",
		    .host = "h",
		    .health = POLLER_FAILING,
		    .last_text = "old",
		    .failing_since_ms = now_ms - 86400000 };
	fixture->poller.accounts[1] = (struct poller_account_status){
		.name = "bert", .host = "h", .health = POLLER_WELL
	};
	begin(fixture);
	wait_runs(fixture, HOOK_ON_FAILURE, 2);
	assert_int_equal(
	    strncmp(look(fixture), "failure|1|1|anna still fails: old|\n", 35),
	    0);
}

/* A target that works again is not told of, nor is a store that does. */
static void
test_reminders_of_targets_and_store(void **state)
{
	struct fixture *fixture = *state;
	int64_t now_ms = evpop_clock_unix_ms();
	struct notify_event store = { .kind = NOTIFY_STORE_HEALTH,
		.health = { .works = false, .text = "full" } };

	fixture->pace.remind_ms = 100;
	fixture->pace.gather_ms = fixture->pace.every_ms = 0;
	fixture->deliver.count = 2;
	fixture->deliver.targets[0] = (struct deliver_status){ .name = "box",
		.where = "w",
		.state = DELIVER_DOWN,
		.text = "gone",
		.down_since_ms = now_ms - 86400000 };
	fixture->deliver.targets[1] = (struct deliver_status){
		.name = "fine", .where = "w", .state = DELIVER_READY
	};
	begin(fixture);
	wait_text(fixture, "failure|1|1|target box still fails: gone|\n");
	notify_publish(fixture->notify, &store);
	wait_text(fixture, "failure|1|2|2 still fail: target box, ");
	fixture->deliver.targets[0].down_since_ms = 0;
	wait_text(fixture, "failure|1|1|the store still fails: full|\n");
	store.health.works = true;
	notify_publish(fixture->notify, &store);
	wait_runs(fixture, HOOK_ON_RECOVERY, 1);
	turn_for(fixture, WHILE_MS);
	(void)unlink(fixture->out);
	turn_for(fixture, WHILE_MS);
	assert_int_equal(lines(fixture), 0);
}

#define LIVE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE(test_one_run_for_all),
		LIVE(test_escalation_and_no_news),
		LIVE(test_flaps),
		LIVE(test_the_next_run_waits),
		LIVE(test_the_end_runs_what_waits),
		LIVE(test_the_end_is_not_held_up),
		LIVE(test_too_many_are_counted),
		LIVE(test_failures_of_commands),
		LIVE(test_reminders),
		LIVE(test_reminders_of_targets_and_store),
	};

	if (!secret_init())
		return 1;
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
