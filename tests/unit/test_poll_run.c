/*
 * One poll from start to end, with a store and a sync that are faked: what is
 * asked in which order, and that it is over once all is answered.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <event2/event.h>

#include "daemon/log/log.h"
#include "daemon/poll/findings.h"
#include "daemon/poll/ledger.h"
#include "daemon/poll/run.h"
#include "tests/unit/failing_alloc.h"
#include "tests/unit/poll_fakes.h"

struct scene {
	struct event_base *base;
	struct ledger *ledger;
	struct run *run;
	unsigned finished;
	struct run_progress progress; /* as it was told at the end */
	struct unchanged unchanged;   /* of the poll before */
};

static unsigned char id[] = "a";
static struct evpop_entry entries[] = {
	{ .number = 1, .unique_id = id, .unique_id_length = 1 },
};
static const struct evpop_listing listing = {
	.entries = entries, .count = 1, .unique_ids = true
};
static const struct config_account account = {
	.name = (char *)(uintptr_t) "home",
	.host = (char *)(uintptr_t) "pop.test",
	.port = 995,
	.user = (char *)(uintptr_t) "anna",
};

static void
finished(struct run *run, const struct run_progress *progress, void *owner,
    void *arg)
{
	struct scene *scene = arg;

	assert_ptr_equal(run, scene->run);
	assert_ptr_equal(owner, &scene->unchanged);
	scene->finished++;
	scene->progress = *progress;
}

static void
prepare(struct scene *scene)
{
	fakes_reset();
	scene->finished = 0;
	scene->base = event_base_new();
	scene->ledger = ledger_new(UINT64_C(1) << 20);
	assert_non_null(scene->base);
	assert_non_null(scene->ledger);
}

static void
start(struct scene *scene, enum poller_wish wish,
    const struct evpop_result *failure)
{
	scene->run = run_new(&(struct run_resources){ .base = scene->base,
				 .store = fakes_store(),
				 .ledger = scene->ledger,
				 .finished = finished,
				 .arg = scene },
	    &(struct run_order){ .account = &account,
		.wish = wish,
		.failure = failure,
		.unchanged = &scene->unchanged,
		.owner = &scene->unchanged });
}

static void
begin(struct scene *scene, enum poller_wish wish,
    const struct evpop_result *failure)
{
	prepare(scene);
	start(scene, wish, failure);
	assert_non_null(scene->run);
}

static void
turn(struct scene *scene)
{
	assert_true(event_base_loop(scene->base, EVLOOP_NONBLOCK) >= 0);
}

/* It is over now, and was not before the last answer. */
static void
end(struct scene *scene)
{
	turn(scene);
	assert_int_equal(scene->finished, fakes.count == 0);
	while (fakes.count > 0) {
		assert_int_equal(scene->finished, 0);
		fakes_answer();
		turn(scene);
	}
	assert_int_equal(scene->finished, 1);
	turn(scene);
	assert_int_equal(scene->finished, 1);
	run_free(&scene->run);
	assert_null(scene->run);
	ledger_free(&scene->ledger);
	event_base_free(scene->base);
}

/* From the account's row to the listing and what is known of it. */
static void
come_to_the_plan(void)
{
	assert_string_equal(fakes_asked(), "account home;");
	fakes_answer();
	assert_string_equal(fakes_asked(), "start anna;");
	fakes.callbacks->listing(fakes_sync(), &listing, fakes.arg);
	assert_string_equal(fakes_asked(), "bind pop.test anna;");
	fakes_answer();
	assert_string_equal(fakes_asked(), "uids;");
	fakes_answer();
	assert_string_equal(fakes_asked(), "known 0 last;");
}

static void
sync_is_done(enum evpop_error error)
{
	fakes.report.listed = true;
	if (error != EVPOP_ERROR_NONE)
		evpop_result_set(&fakes.report.result, error,
		    EVPOP_PHASE_COMMAND, "it broke");
	fakes.callbacks->done(fakes_sync(), &fakes.report, fakes.arg);
}

static void
test_poll_that_goes_well(void **state)
{
	struct evpop_plan plan = { .due_ms = 0 };
	struct scene scene = { .finished = 0 };

	(void)state;
	begin(&scene, POLLER_WISH_POLL, NULL);
	come_to_the_plan();
	fakes.plan = &plan;
	fakes.report.messages = 1;
	fakes.report.octets_in = 1000;
	assert_int_equal(run_progress(scene.run)->tally.octets_in, 1000);
	sync_is_done(EVPOP_ERROR_NONE);
	assert_string_equal(fakes_asked(), "keep;record ok;");
	assert_int_equal(fakes.poll.account_id, 7);
	assert_int_equal(fakes.poll.tally.messages, 1);
	assert_false(fakes.poll.is_failure);
	end(&scene);
	assert_int_equal(scene.progress.result.error, EVPOP_ERROR_NONE);
	assert_int_equal(scene.progress.identity, POLLER_IDENTITY_UNIQUE_ID);
	assert_int_equal(scene.progress.login_delay_s, 60);
	assert_int_equal(scene.progress.unchanged.account_id, 7);
}

/* Changes go before the record, and the poll is over once both are written. */
static void
test_changes_are_written_before_the_record(void **state)
{
	struct scene scene = { .finished = 0 };

	(void)state;
	begin(&scene, POLLER_WISH_POLL, NULL);
	come_to_the_plan();
	fakes.callbacks->deleted(fakes_sync(), &entries[0], fakes.arg);
	sync_is_done(EVPOP_ERROR_NONE);
	assert_string_equal(fakes_asked(), "keep;change 1;record ok;");
	assert_int_equal(fakes.count, 2);
	end(&scene);
	assert_int_equal(scene.progress.tally.deleted, 1);
	/* What was changed is looked up next time. */
	assert_int_equal(scene.progress.unchanged.account_id, 0);
}

/* The account's row cannot be had: nobody connects, nothing is recorded. */
static void
test_store_that_fails_at_first(void **state)
{
	struct scene scene = { .finished = 0 };

	(void)state;
	begin(&scene, POLLER_WISH_POLL, NULL);
	fakes.status = STORE_FULL;
	fakes_answer();
	assert_string_equal(fakes_asked(), "account home;keep;");
	end(&scene);
	assert_int_equal(scene.progress.result.error, EVPOP_ERROR_IO);
	assert_string_equal(
	    scene.progress.result.text, "the store failed (full): make room");
}

/* It fails in between: the session is cut, and its end is recorded. */
static void
test_store_that_fails_later(void **state)
{
	struct scene scene = { .finished = 0 };

	(void)state;
	begin(&scene, POLLER_WISH_POLL, NULL);
	fakes_answer();
	fakes.callbacks->listing(fakes_sync(), &listing, fakes.arg);
	fakes.status = STORE_FULL;
	(void)fakes_asked();
	fakes_answer();
	assert_string_equal(fakes_asked(), "cancel;");
	assert_int_equal(fakes.cancelled.error, EVPOP_ERROR_IO);
	sync_is_done(EVPOP_ERROR_IO);
	assert_string_equal(fakes_asked(), "keep;record io;");
	assert_true(fakes.poll.is_failure);
	end(&scene);
}

/* What keeps it from beginning leaves a row of its own. */
static void
test_poll_that_cannot_begin(void **state)
{
	struct scene scene = { .finished = 0 };
	struct evpop_result failure;

	(void)state;
	evpop_result_set(
	    &failure, EVPOP_ERROR_TLS, EVPOP_PHASE_NONE, "no certificate");
	begin(&scene, POLLER_WISH_POLL, &failure);
	turn(&scene);
	assert_int_equal(scene.finished, 0);
	fakes_answer();
	assert_string_equal(fakes_asked(), "account home;keep;record tls;");
	assert_string_equal(fakes.poll.text, "no certificate");
	/* There is nothing to connect. */
	assert_null(fakes.callbacks);
	end(&scene);
}

/* Whichever allocation fails: there is no poll, and the store has no word. */
static void
test_no_memory_to_begin(void **state)
{
	struct scene scene = { .finished = 0 };
	size_t failing, made;

	(void)state;
	for (failing = 1;; failing++) {
		prepare(&scene);
		failing_alloc_arm(failing);
		start(&scene, POLLER_WISH_POLL, NULL);
		made = failing_alloc_disarm();
		if (made < failing)
			break;
		assert_null(scene.run);
		assert_string_equal(fakes_asked(), "");
		ledger_free(&scene.ledger);
		event_base_free(scene.base);
	}
	assert_non_null(scene.run);
	assert_true(made > 3);
	run_stop(scene.run);
	end(&scene);
}

static void
test_stopped_before_it_begins(void **state)
{
	struct scene scene = { .finished = 0 };

	(void)state;
	begin(&scene, POLLER_WISH_POLL, NULL);
	run_stop(scene.run);
	turn(&scene);
	assert_int_equal(scene.finished, 0);
	fakes_answer();
	assert_string_equal(
	    fakes_asked(), "account home;keep;record cancelled;");
	/* Who ends the daemon is no fault of the account's. */
	assert_false(fakes.poll.is_failure);
	end(&scene);
}

static void
test_stopped_and_cut(void **state)
{
	struct scene scene = { .finished = 0 };

	(void)state;
	begin(&scene, POLLER_WISH_POLL, NULL);
	come_to_the_plan();
	run_stop(scene.run);
	assert_string_equal(fakes_asked(), "stop;");
	run_cancel(scene.run, "cut short");
	run_store_lost(scene.run);
	assert_string_equal(fakes_asked(), "cancel;cancel;");
	sync_is_done(EVPOP_ERROR_CANCELLED);
	end(&scene);
}

/* The same listing again: nothing is looked up, and its row can wait. */
static void
test_nothing_new(void **state)
{
	struct evpop_plan plan = { .due_ms = 0 };
	struct scene scene = { .finished = 0 };

	(void)state;
	begin(&scene, POLLER_WISH_POLL, NULL);
	come_to_the_plan();
	fakes.plan = &plan;
	sync_is_done(EVPOP_ERROR_NONE);
	end(&scene);
	scene.unchanged = scene.progress.unchanged;

	begin(&scene, POLLER_WISH_POLL, NULL);
	assert_string_equal(fakes_asked(), "start anna;");
	fakes.callbacks->listing(fakes_sync(), &listing, fakes.arg);
	assert_string_equal(fakes_asked(), "unchanged;");
	sync_is_done(EVPOP_ERROR_NONE);
	assert_string_equal(fakes_asked(), "keep;note ok;");
	end(&scene);
	assert_int_equal(scene.progress.unchanged.account_id, 7);

	/* The account is changed meanwhile. */
	begin(&scene, POLLER_WISH_POLL, NULL);
	fakes.callbacks->listing(fakes_sync(), &listing, fakes.arg);
	run_forget_unchanged(scene.run);
	sync_is_done(EVPOP_ERROR_NONE);
	end(&scene);
	assert_int_equal(scene.progress.unchanged.account_id, 0);
}

static void
test_dry_run(void **state)
{
	uint8_t actions[] = { EVPOP_ACTION_FETCH };
	struct evpop_plan plan = { .actions = actions, .fetches = 1 };
	struct scene scene = { .finished = 0 };
	struct poller_plan *copy;

	(void)state;
	begin(&scene, POLLER_WISH_DRY_RUN, NULL);
	come_to_the_plan();
	fakes.callbacks->planned(fakes_sync(), &plan, fakes.arg);
	sync_is_done(EVPOP_ERROR_NONE);
	assert_string_equal(fakes_asked(), "keep;");
	copy = run_take_plan(scene.run);
	assert_non_null(copy);
	assert_int_equal(copy->fetches, 1);
	assert_null(run_take_plan(scene.run));
	poller_plan_free(&copy);
	end(&scene);
}

/* The record fails: the poll is over all the same. */
static void
test_record_that_fails(void **state)
{
	struct scene scene = { .finished = 0 };

	(void)state;
	begin(&scene, POLLER_WISH_POLL, NULL);
	come_to_the_plan();
	sync_is_done(EVPOP_ERROR_NONE);
	fakes.status = STORE_FULL;
	end(&scene);
	assert_int_equal(scene.progress.result.error, EVPOP_ERROR_NONE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_poll_that_goes_well),
		cmocka_unit_test(test_changes_are_written_before_the_record),
		cmocka_unit_test(test_store_that_fails_at_first),
		cmocka_unit_test(test_store_that_fails_later),
		cmocka_unit_test(test_poll_that_cannot_begin),
		cmocka_unit_test(test_no_memory_to_begin),
		cmocka_unit_test(test_stopped_before_it_begins),
		cmocka_unit_test(test_stopped_and_cut),
		cmocka_unit_test(test_nothing_new),
		cmocka_unit_test(test_dry_run),
		cmocka_unit_test(test_record_that_fails),
	};

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
