/*
 * Between a sync and a store, both faked: what is acknowledged, when, and what
 * is counted against a message.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/log/log.h"
#include "daemon/notify/notify.h"
#include "daemon/poll/deposit.h"
#include "daemon/poll/known.h"
#include "daemon/poll/ledger.h"
#include "tests/unit/poll_fakes.h"

#define DAY_MS INT64_C(86400000)
/* What ages are judged by, as the fake says. */
#define NOW_MS (100 * DAY_MS)

struct scene {
	struct notify *notify;
	struct ledger *ledger;
	struct deposit *deposit;
	struct evpop_policy policy;
	struct notify_subscription subscription;
	unsigned stored;          /* messages that were published */
	enum store_status failed; /* the last failure that was told */
};

static struct evpop_entry entries[] = {
	{ .number = 1,
	    .octets = 10,
	    .unique_id = (const unsigned char *)"a",
	    .unique_id_length = 1 },
	{ .number = 2, .octets = 10 },
};

static void
listed(const struct evpop_listing *listing, void *arg)
{
	struct scene *scene = arg;

	assert_non_null(listing);
	deposit_look_up(scene->deposit);
}

static void
done(const struct evpop_sync_report *report, void *arg)
{
	(void)report;
	(void)arg;
}

static void
answered(enum store_status status, void *arg)
{
	struct scene *scene = arg;

	if (status != STORE_OK)
		scene->failed = status;
}

static void
hear_stored(const struct notify_event *event, void *arg)
{
	struct scene *scene = arg;

	assert_string_equal(event->account, "home");
	assert_int_equal(event->message.id, 42);
	scene->stored++;
}

static void
begin(struct scene *scene, bool is_dry_run)
{
	fakes_reset();
	fakes.account.setting = NOW_MS;
	*scene = (struct scene){ .notify = notify_new(),
		.ledger = ledger_new(UINT64_C(1) << 20),
		.policy = { .dry_run = is_dry_run } };
	assert_non_null(scene->notify);
	assert_non_null(scene->ledger);
	scene->deposit =
	    deposit_new(&(struct deposit_order){ .store = fakes_store(),
		.notify = scene->notify,
		.ledger = scene->ledger,
		.name = "home",
		.policy = &scene->policy,
		.owner = { listed, done, answered, scene } });
	assert_non_null(scene->deposit);
	fakes.callbacks = deposit_callbacks(true);
	fakes.arg = scene->deposit;
	deposit_set_sync(scene->deposit, fakes_sync());
	deposit_set_account(scene->deposit, &fakes.account);
	notify_subscribe(scene->notify, &scene->subscription,
	    NOTIFY_BIT(NOTIFY_MESSAGE_STORED), hear_stored, scene);
}

/* The sync is done, and the store has answered all. */
static void
end(struct scene *scene, const char *asked)
{
	fakes.callbacks->done(fakes_sync(), &fakes.report, fakes.arg);
	deposit_close(scene->deposit);
	assert_string_equal(fakes_asked(), asked);
	assert_int_equal(deposit_is_settled(scene->deposit), fakes.count == 0);
	fakes_answer_all();
	assert_true(deposit_is_settled(scene->deposit));
	deposit_free(&scene->deposit);
	assert_null(scene->deposit);
	assert_int_equal(ledger_held(scene->ledger), 0);
	ledger_free(&scene->ledger);
	notify_leave(&scene->subscription);
	notify_free(&scene->notify);
}

static void
body(const struct evpop_entry *entry, const struct evpop_result *result)
{
	static const unsigned char bytes[] = "a\r\n";
	void *message = NULL;

	assert_int_equal(fakes.callbacks->begin(fakes_sync(), entry,
			     EVPOP_ACTION_FETCH, &message, fakes.arg),
	    EVPOP_FLOW_CONTINUE);
	(void)fakes.callbacks->data(
	    fakes_sync(), message, bytes, sizeof(bytes) - 1, fakes.arg);
	fakes.callbacks->end(fakes_sync(), entry, message, result, fakes.arg);
}

static uint32_t
fetched(const struct scene *scene)
{
	struct tally tally;

	deposit_tally(scene->deposit, &fakes.report, &tally);
	return tally.fetched;
}

static const struct evpop_result well = { .error = EVPOP_ERROR_NONE };

/* Only the answer of the store makes it durable. */
static void
test_stored_once_committed(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene, false);
	body(&entries[0], &well);
	assert_string_equal(fakes_asked(), "commit;");
	assert_int_equal(fetched(&scene), 0);
	fakes_answer();
	assert_string_equal(fakes_asked(), "stored 1;");
	assert_int_equal(fetched(&scene), 1);
	assert_int_equal(scene.stored, 1);
	end(&scene, "");
}

static void
test_commit_that_fails(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene, false);
	body(&entries[0], &well);
	fakes.status = STORE_FULL;
	fakes_answer();
	assert_string_equal(fakes_asked(), "commit;lost 1;");
	assert_int_equal(scene.failed, STORE_FULL);
	assert_int_equal(fetched(&scene), 0);
	assert_int_equal(scene.stored, 0);
	end(&scene, "");
}

/* Neither for the body, nor for what comes of it: the message has no fault. */
static void
test_no_memory_is_no_failure_of_the_message(void **state)
{
	struct scene scene;
	struct evpop_result result;

	(void)state;
	begin(&scene, false);
	fakes.is_out_of_memory = true;
	body(&entries[0], &well);
	assert_string_equal(fakes_asked(), "lost 1;");
	assert_int_equal(scene.failed, STORE_MEMORY);
	evpop_result_set(
	    &result, EVPOP_ERROR_PROTOCOL, EVPOP_PHASE_BODY, "cut");
	body(&entries[0], &result);
	assert_string_equal(fakes_asked(), "");
	fakes.is_out_of_memory = false;
	evpop_result_set(
	    &result, EVPOP_ERROR_MEMORY, EVPOP_PHASE_BODY, "no memory");
	body(&entries[0], &result);
	assert_string_equal(fakes_asked(), "abort;");
	fakes.callbacks->refused(fakes_sync(), &entries[0], &result, fakes.arg);
	end(&scene, "");
}

/* With what was said about it, and once in a poll. */
static void
test_broken_message_is_counted(void **state)
{
	struct scene scene;
	struct evpop_result result;

	(void)state;
	begin(&scene, false);
	evpop_result_set(
	    &result, EVPOP_ERROR_PROTOCOL, EVPOP_PHASE_BODY, "cut");
	body(&entries[0], &result);
	assert_string_equal(fakes_asked(), "failure cut;");
	fakes.callbacks->trace(fakes_sync(), false, "RETR 1", fakes.arg);
	body(&entries[0], &result);
	assert_string_equal(fakes_asked(), "abort;");
	end(&scene, "");

	begin(&scene, false);
	fakes.callbacks->trace(fakes_sync(), false, "RETR 1", fakes.arg);
	body(&entries[0], &result);
	assert_string_equal(fakes_asked(), "failure cut with transcript;");
	end(&scene, "");
	assert_null(deposit_callbacks(false)->trace);
}

/* Each drain wakes those who were told to pause, once. */
static void
test_pause_until_the_store_is_drained(void **state)
{
	const struct notify_event drained = { .kind = NOTIFY_STORE_DRAINED };
	static const unsigned char bytes[] = "a";
	void *message = NULL;
	struct scene scene;

	(void)state;
	begin(&scene, false);
	notify_publish(scene.notify, &drained);
	assert_string_equal(fakes_asked(), "");
	(void)fakes.callbacks->begin(
	    fakes_sync(), &entries[0], EVPOP_ACTION_FETCH, &message, fakes.arg);
	fakes.is_full = true;
	for (int i = 0; i < 2; i++)
		assert_int_equal(fakes.callbacks->data(fakes_sync(), message,
				     bytes, 1, fakes.arg),
		    EVPOP_FLOW_PAUSE);
	notify_publish(scene.notify, &drained);
	assert_string_equal(fakes_asked(), "resume;");
	notify_publish(scene.notify, &drained);
	assert_string_equal(fakes_asked(), "");
	fakes.callbacks->end(
	    fakes_sync(), &entries[0], message, &well, fakes.arg);
	fakes_answer();
	(void)fakes_asked();
	end(&scene, "");
}

/* What became of the last session is written before it is asked for. */
static void
test_look_up_waits_for_changes(void **state)
{
	const struct evpop_listing listing = { .entries = entries, .count = 1 };
	struct scene scene;

	(void)state;
	begin(&scene, false);
	fakes.callbacks->deleted(fakes_sync(), &entries[0], fakes.arg);
	assert_string_equal(fakes_asked(), "");
	fakes.callbacks->listing(fakes_sync(), &listing, fakes.arg);
	assert_string_equal(fakes_asked(), "change 1;");
	assert_int_equal(fakes.change.state, STORE_UID_DELETED);
	assert_false(deposit_is_settled(scene.deposit));
	fakes_answer();
	assert_string_equal(fakes_asked(), "uids;");
	fakes_answer();
	assert_string_equal(fakes_asked(), "known 0 last;");
	assert_true(deposit_has_changed(scene.deposit));
	end(&scene, "");
}

/* What the plan says of each message that is listed is written at once. */
static void
test_plan_is_noted(void **state)
{
	uint8_t seen[] = { EVPOP_ACTION_SEEN, EVPOP_ACTION_SEEN };
	uint8_t fetched[] = { EVPOP_ACTION_FETCH, EVPOP_ACTION_FETCH };
	uint8_t both[] = { EVPOP_ACTION_FETCH, EVPOP_ACTION_SEEN };
	uint8_t waiting[] = { EVPOP_ACTION_WAIT, EVPOP_ACTION_WAIT };
	uint8_t adopted[] = { EVPOP_ACTION_ADOPT, EVPOP_ACTION_SEEN };
	const struct {
		struct evpop_plan plan;
		size_t count;
		bool is_dry_run;
		const char *asked;
	} cases[] = {
		{ { .actions = waiting, .waits = 2, .new_waits = 2 }, 2, false,
		    "change 2;" },
		/* The first one is known to wait. */
		{ { .actions = waiting, .waits = 2, .new_waits = 1 }, 2, false,
		    "change 1;" },
		{ { .actions = waiting, .waits = 1 }, 1, false, "" },
		{ { .actions = waiting, .waits = 2, .new_waits = 2 }, 2, true,
		    "" },
		{ { .actions = seen, .seen = 2 }, 2, false, "change 2;" },
		{ { .actions = seen, .seen = 1 }, 1, false, "change 1;" },
		{ { .actions = both, .seen = 1 }, 2, false, "change 1;" },
		{ { .actions = adopted, .seen = 1, .adopts = 1 }, 2, false,
		    "change 2;" },
		{ { .actions = fetched, .fetches = 2 }, 2, false, "" },
		{ { .actions = seen, .seen = 2 }, 2, true, "" },
	};
	struct scene scene;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct evpop_listing listing = { .entries = entries,
			.count = cases[i].count };

		begin(&scene, cases[i].is_dry_run);
		fakes.callbacks->listing(fakes_sync(), &listing, fakes.arg);
		fakes_answer_all();
		assert_string_equal(fakes_asked(), "uids;known 0 last;");
		fakes.adoption.unique_id = (const unsigned char *)"b";
		fakes.adoption.unique_id_length = 1;
		fakes.waits_since_ms =
		    cases[i].plan.waits > cases[i].plan.new_waits ? 4711 : 0;
		fakes.callbacks->planned(
		    fakes_sync(), &cases[i].plan, fakes.arg);
		assert_string_equal(fakes_asked(), cases[i].asked);
		assert_int_equal(fakes.change.adopt, cases[i].plan.adopts > 0);
		if (fakes.count > 0)
			assert_int_equal(fakes.change.state,
			    cases[i].plan.adopts > 0  ? STORE_UID_STORED
			    : cases[i].plan.waits > 0 ? STORE_UID_WAITING
						      : STORE_UID_SEEN);
		end(&scene, "");
	}
}

/* Another listing: what was asked for the one before says nothing of it. */
static void
test_listing_after_listing(void **state)
{
	const struct evpop_listing listing = { .entries = entries, .count = 1 };
	struct scene scene;

	(void)state;
	begin(&scene, false);
	fakes.callbacks->listing(fakes_sync(), &listing, fakes.arg);
	fakes.callbacks->listing(fakes_sync(), &listing, fakes.arg);
	assert_string_equal(fakes_asked(), "uids;");
	fakes_answer();
	assert_string_equal(fakes_asked(), "uids;");
	fakes_answer();
	assert_string_equal(fakes_asked(), "known 0 last;");
	end(&scene, "");
}

static void
check_gone_after(int64_t days, int64_t fetch_after_ms, enum store_uid_state was,
    uint64_t setting, bool is_dry_run, const char *asked)
{
	const struct evpop_listing listing = { .entries = entries, .count = 1 };
	struct scene scene;

	begin(&scene, is_dry_run);
	scene.policy.fetch_after_ms = fetch_after_ms;
	fakes.account.setting = setting;
	deposit_set_account(scene.deposit, &fakes.account);
	fakes.uids[0] =
	    (struct store_uid){ .unique_id = (const unsigned char *)"x",
		    .unique_id_length = 1,
		    .state = was,
		    .stored_ms = NOW_MS - days * DAY_MS };
	fakes.uid_count = 1;
	fakes.callbacks->listing(fakes_sync(), &listing, fakes.arg);
	(void)fakes_asked();
	fakes_answer();
	assert_string_equal(fakes_asked(), asked);
	if (fakes.count > 0)
		assert_true(fakes.change.forget);
	fakes_answer_all();
	end(&scene, "");
}

/* An id that is gone is forgotten after 30 days, and no earlier. */
static void
check_gone(int64_t days, uint64_t setting, bool is_dry_run, const char *asked)
{
	check_gone_after(days, 0, STORE_UID_GONE, setting, is_dry_run, asked);
}

/* But one that only waited at once, whatever the clock says. */
static void
test_ids_that_wait(void **state)
{
	(void)state;
	check_gone_after(1, 7 * DAY_MS, STORE_UID_WAITING, NOW_MS, false,
	    "known 1 last;change 1;");
	check_gone_after(
	    0, 0, STORE_UID_WAITING, 0, false, "known 1 last;change 1;");
	check_gone_after(
	    1, 7 * DAY_MS, STORE_UID_WAITING, NOW_MS, true, "known 1 last;");
	/* What waits may be one that is gone, and is fetched late. */
	check_gone_after(
	    36, 7 * DAY_MS, STORE_UID_GONE, NOW_MS, false, "known 1 last;");
	check_gone_after(38, 7 * DAY_MS, STORE_UID_GONE, NOW_MS, false,
	    "known 1 last;change 1;");
}

static void
test_ids_are_remembered_for_30_days(void **state)
{
	(void)state;
	check_gone(29, NOW_MS, false, "known 1 last;");
	check_gone(31, NOW_MS, false, "known 1 last;change 1;");
	/* Nothing is old while the clock is not to be trusted. */
	check_gone(31, 0, false, "known 1 last;");
	/* A dry run writes nothing. */
	check_gone(31, NOW_MS, true, "known 1 last;");
}

/* Of messages without a unique-id: all, or their bytes stay known. */
static void
test_nameless_messages(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene, false);
	body(&entries[1], &well);
	fakes_answer();
	assert_string_equal(fakes_asked(), "commit;stored 2;");
	fakes.callbacks->deleted(fakes_sync(), &entries[1], fakes.arg);
	end(&scene, "identity deleted;");

	begin(&scene, false);
	for (int i = 0; i < 2; i++) {
		body(&entries[1], &well);
		fakes_answer();
	}
	(void)fakes_asked();
	fakes.callbacks->deleted(fakes_sync(), &entries[1], fakes.arg);
	end(&scene, "");
}

/* Whoever holds more than there is for all, ends. */
static void
test_memory(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene, false);
	assert_true(fakes.callbacks->hold(fakes_sync(), 1 << 19, fakes.arg));
	assert_int_equal(ledger_held(scene.ledger), 1 << 19);
	assert_false(deposit_is_overdrawn(scene.deposit));
	assert_false(fakes.callbacks->hold(fakes_sync(), 1 << 21, fakes.arg));
	assert_true(deposit_is_overdrawn(scene.deposit));
	assert_true(fakes.callbacks->hold(fakes_sync(), 0, fakes.arg));
	end(&scene, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stored_once_committed),
		cmocka_unit_test(test_commit_that_fails),
		cmocka_unit_test(test_no_memory_is_no_failure_of_the_message),
		cmocka_unit_test(test_broken_message_is_counted),
		cmocka_unit_test(test_pause_until_the_store_is_drained),
		cmocka_unit_test(test_look_up_waits_for_changes),
		cmocka_unit_test(test_plan_is_noted),
		cmocka_unit_test(test_listing_after_listing),
		cmocka_unit_test(test_ids_are_remembered_for_30_days),
		cmocka_unit_test(test_ids_that_wait),
		cmocka_unit_test(test_nameless_messages),
		cmocka_unit_test(test_memory),
	};

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
