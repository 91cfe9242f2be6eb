/* Rows of the outbox, on their way to targets that do what a test says. */
#include "tests/unit/deliver_house.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"

static void
test_mail_is_delivered_and_recorded(void **state)
{
	struct fixture *fixture = *state;
	struct deliver_status status;

	house_open();
	house_finish();
	house_store("home", 3);
	house_finish();
	assert_string_equal(house_carriers.delivered, "1 2 3");
	fixture_expect(fixture,
	    "SELECT count(*) FROM outbox WHERE state = 1 AND attempts = 1"
	    " AND answer = '250 2.0.0 taken' AND place = 'here'",
	    3);
	assert_non_null(strstr(
	    house->events, "message-delivered 3 home a 1 250 2.0.0 taken; "));
	status = house_status("a");
	assert_int_equal(status.delivered, 3);
	assert_int_equal(status.waiting, 0);
	assert_int_equal(status.done, 3);
	assert_string_equal(status.where, "localhost:24");
	assert_string_equal(status.type, "lmtp");
	assert_int_equal(status.state, DELIVER_READY);
	/* What stands in front of it, and what it says on it. */
	assert_string_equal(
	    house_carriers.last_words, "home home@example.org <> ''");
	assert_memory_equal(house_carriers.last_body, "X-Evpop-Id: ", 12);
	assert_memory_equal(
	    house_carriers.last_body + 12, house_carriers.last.key, 34);
	assert_string_equal(house_carriers.last.key + 32, ".3");
	assert_string_equal(
	    house_carriers.last_body + 12 + 34, "\r\nSubject: 3\r\n\r\n3\r\n");
	assert_int_equal(
	    house_carriers.last.octets, strlen(house_carriers.last_body));
	/* A few need one connection. */
	assert_int_equal(house_carriers.begun, 1);
}

/* What was stored before the daemon came is delivered as well. */
static void
test_what_waits_goes_at_the_start(void **state)
{
	house_open();
	house_finish();
	house_close();
	house_store("home", 40);
	house_open();
	house_finish();
	(void)state;
	assert_int_equal(house_carriers.delivered_count, 40);
	assert_int_equal(house_status("a").waiting, 0);
}

static void
test_so_many_at_a_time(void **state)
{
	(void)state;
	house_carriers.holds = true;
	house_open();
	house_store("home", 40);
	house_wait_carried(8);
	fixture_turn(house->fixture, 50);
	/* Two connections with four each. */
	assert_int_equal(house_carriers.carried, 8);
	assert_int_equal(house_carriers.begun, 2);
	assert_int_equal(house_status("a").under_way, 8);
	assert_int_equal(house_status("a").state, DELIVER_DELIVERING);
	house_release();
	house_finish();
	assert_int_equal(house_carriers.delivered_count, 40);
	assert_int_equal(house_carriers.most_at_once, 8);
}

static void
test_a_message_is_tried_again(void **state)
{
	struct fixture *fixture = *state;

	house_carriers.results[0] =
	    (struct carried_result){ .outcome = CARRIED_LATER,
		    .answer = "452 4.2.2 full" };
	house_carriers.results[1] = house_carriers.results[0];
	house_carriers.result_count = 2;
	house_open();
	house_store("home", 1);
	house_wait_delivered(1);
	house_finish();
	fixture_expect(
	    fixture, "SELECT attempts FROM outbox WHERE state = 1", 3);
	assert_int_equal(house_carriers.last.attempts, 2);
	assert_int_equal(house_status("a").put_off, 2);
	/* The target was well all the time. */
	assert_null(strstr(house->events, "->"));
}

static void
test_a_refusal_stops_the_message_alone(void **state)
{
	struct fixture *fixture = *state;

	house_carriers.results[0] =
	    (struct carried_result){ .outcome = CARRIED_REFUSED,
		    .answer = "550 5.1.1 nobody" };
	house_carriers.result_count = 1;
	house_open();
	house_store("home", 2);
	house_finish();
	assert_string_equal(house_carriers.delivered, "2");
	fixture_expect_text(fixture,
	    "SELECT answer FROM outbox WHERE state = 2", "550 5.1.1 nobody");
	assert_non_null(strstr(
	    house->events, "delivery-refused 1 home a 1 550 5.1.1 nobody; "));
	assert_int_equal(house_status("a").refused, 1);
}

/* Sealed, damaged, deleted: no fault of the target. */
static void
test_what_cannot_be_read_is_refused_and_says_so(void **state)
{
	struct fixture *fixture = *state;

	house_open();
	house_finish();
	assert_int_equal(deliver_pause(house->deliver, "a", "root", NULL, NULL),
	    DELIVER_DONE);
	house_store("home", 2);
	fixture_change(
	    fixture, "UPDATE message SET octets = octets + 1 WHERE id = 1");
	assert_int_equal(
	    deliver_resume(house->deliver, "a", NULL, NULL), DELIVER_DONE);
	house_wait_delivered(1);
	house_finish();
	assert_string_equal(house_carriers.delivered, "2");
}

/* ---- a target that is down ---- */

static const struct carried_result refused_connection = {
	.outcome = CARRIED_DOWN, .answer = "Connection refused"
};

static void
test_a_target_that_is_down_is_tried_with_one(void **state)
{
	struct fixture *fixture = *state;
	struct deliver_status status;
	size_t carried;

	house_carriers.always = &refused_connection;
	house->targets[0].retry_min_ms = 60000;
	house->targets[0].retry_max_ms = 60000;
	house_open();
	house_finish();
	house_store("home", 30);
	house_wait_carried(1);
	fixture_turn(fixture, 100);
	carried = house_carriers.carried;
	/* What was under way when it was seen to be down, and nothing since. */
	assert_true(carried <= 8);
	status = house_status("a");
	assert_int_equal(status.state, DELIVER_DOWN);
	assert_string_equal(status.text, "Connection refused");
	assert_int_equal(status.outages, 1);
	assert_true(status.down_since_ms > 0);
	assert_true(status.next_ms > evpop_clock_unix_ms() + 30000);
	assert_string_equal(house->events, "a ok->down Connection refused; ");
	/* No message is blamed for it. */
	fixture_expect(fixture, "SELECT sum(attempts) FROM outbox", 0);

	/* However often it fails with the same one. */
	for (int i = 0; i < 12; i++) {
		deliver_kick(house->deliver, "a");
		house_wait_carried(carried + 1);
		carried = house_carriers.carried;
		fixture_turn(fixture, 20);
	}
	fixture_expect(fixture, "SELECT sum(attempts) FROM outbox", 0);

	/* It works again when a person asks for another try. */
	house_carriers.always = NULL;
	deliver_kick(house->deliver, "a");
	house_wait_delivered(30);
	house_finish();
	assert_non_null(strstr(house->events, "a down->ok -; "));
	assert_int_equal(house_status("a").state, DELIVER_READY);
	assert_int_equal(house_status("a").waiting, 0);
	fixture_expect(
	    fixture, "SELECT count(*) FROM outbox WHERE attempts = 1", 30);
}

/* And by itself; nothing but one message is tried meanwhile. */
static void
test_it_comes_back_by_itself(void **state)
{
	house_carriers.always = &refused_connection;
	house_open();
	house_store("home", 20);
	house_wait_carried(12);
	(void)state;
	assert_int_equal(house_status("a").state, DELIVER_DOWN);
	house_carriers.most_at_once = 0;
	house_wait_carried(house_carriers.carried + 3);
	assert_int_equal(house_carriers.most_at_once, 1);
	house_carriers.always = NULL;
	house_wait_delivered(20);
	house_finish();
	assert_int_equal(house_status("a").waiting, 0);
	assert_int_equal(house_status("a").outages, 1);
}

static void
test_what_a_person_has_to_mend_is_told(void **state)
{
	const struct carried_result wrong = { .outcome = CARRIED_WRONG,
		.answer = "535 5.7.8 bad password" };
	struct deliver_status status;

	(void)state;
	house_carriers.always = &wrong;
	house->targets[0].retry_min_ms = 60000;
	house->targets[0].retry_max_ms = 3600000;
	house_open();
	house_store("home", 1);
	house_wait_carried(1);
	fixture_turn(house->fixture, 30);
	status = house_status("a");
	assert_int_equal(status.state, DELIVER_REFUSED);
	assert_non_null(strstr(status.advice, "evpopctl doctor a"));
	assert_string_equal(
	    house->events, "a ok->refused 535 5.7.8 bad password; ");
	/* Far less often than a server that does not answer. */
	assert_true(status.next_ms > evpop_clock_unix_ms() + 300000);
	/* A reload tries it at once. */
	house_carriers.always = NULL;
	assert_true(deliver_reload(house->deliver, &house->config, NULL));
	house_wait_delivered(1);
	house_finish();
}

/* A message at which the server hangs up each time stops nothing else. */
static void
test_one_message_does_not_keep_a_target_down(void **state)
{
	(void)state;
	house_carriers.culprit = 1;
	house_carriers.of_culprit = (struct carried_result){
		.outcome = CARRIED_DOWN,
		.answer = "the server hung up",
		.may_be_there = true,
	};
	house->targets[0].concurrency = 1;
	house->targets[0].retry_max_ms = 20;
	house_open();
	house_store("home", 10);
	house_wait_delivered(9);
	house_expect(
	    "SELECT count(*) FROM outbox WHERE state = 0 AND message = 1"
	    " AND attempts > 0 AND may_be_there = 1",
	    1);
	house_carriers.culprit = 0;
	house_wait_delivered(10);
	assert_true(house_carriers.last.may_be_there);
	house_finish();
}

/* A server that wants fewer connections gets fewer, and is not down. */
static void
test_fewer_connections_where_some_are_refused(void **state)
{
	(void)state;
	house->targets[0].concurrency = 4;
	house_carriers.results[0] =
	    (struct carried_result){ .outcome = CARRIED_DELIVERED };
	for (size_t i = 1; i < 3; i++)
		house_carriers.results[i] = refused_connection;
	house_carriers.result_count = 3;
	house_carriers.holds = true;
	house_open();
	house_store("home", 60);
	house_wait_carried(16);
	house_release();
	house_wait_delivered(60);
	house_finish();
	assert_null(strstr(house->events, "->down"));
}

static void
test_a_failing_target_delays_no_other(void **state)
{
	static char *both[] = { (char *)(uintptr_t) "a",
		(char *)(uintptr_t) "b" };

	(void)state;
	for (int i = 0; i < HOUSE_TARGETS; i++) {
		house->targets[i].retry_min_ms = 60000;
		house->targets[i].retry_max_ms = 60000;
	}
	house->home.deliver = (struct config_strings){ both, 2 };
	house_carriers.holds = true;
	house_open();
	house_finish();
	house_store("home", 1);
	/* Both have it; one of them is answered well. */
	house_wait_carried(2);
	house_carriers.results[0] = refused_connection;
	house_carriers.result_count = 1;
	house_release();
	house_wait_delivered(1);
	house_store("home", 3);
	house_wait_delivered(4);
	house_expect("SELECT count(*) FROM outbox WHERE state = 0", 4);
	fixture_expect(house->fixture,
	    "SELECT count(DISTINCT target) FROM outbox WHERE state = 0", 1);
}

/* ---- order ---- */

static void
test_none_overtakes_another_of_its_account(void **state)
{
	struct fixture *fixture = *state;

	house->targets[0].order = CONFIG_TARGET_ORDER_ACCOUNT;
	house_carriers.culprit = 2;
	house_carriers.of_culprit =
	    (struct carried_result){ .outcome = CARRIED_LATER,
		    .answer = "451 later" };
	house->targets[0].retry_min_ms = 300;
	house->targets[0].retry_max_ms = 300;
	house_open();
	house_store("home", 4);
	house_store("other", 3);
	/* 1, and all of the other account; 3 and 4 wait behind 2. */
	house_wait_delivered(4);
	fixture_turn(fixture, 50);
	assert_int_equal(house_carriers.delivered_count, 4);
	assert_null(strstr(house_carriers.delivered, "3"));
	assert_null(strstr(house_carriers.delivered, "4"));
	house_carriers.culprit = 0;
	house_wait_delivered(7);
	house_finish();
	assert_string_equal(strstr(house_carriers.delivered, "2"), "2 3 4");
}

static void
test_order_of_many(void **state)
{
	const char *at;
	long last = 0;

	(void)state;
	house->targets[0].order = CONFIG_TARGET_ORDER_ACCOUNT;
	house_carriers.results[0] = refused_connection;
	house_carriers.results[1] = refused_connection;
	house_carriers.results[2] =
	    (struct carried_result){ .outcome = CARRIED_LATER,
		    .answer = "451 later" };
	house_carriers.result_count = 3;
	house_open();
	house_store("home", 600);
	house_wait_delivered(600);
	house_finish();
	at = house_carriers.delivered;
	for (int i = 0; i < 600; i++) {
		long number = strtol(at, (char **)&at, 10);

		assert_int_equal(number, last + 1);
		last = number;
	}
	assert_int_equal(house_status("a").waiting, 0);
}

/* ---- bounds ---- */

static void
test_a_rate_is_kept(void **state)
{
	(void)state;
	house->targets[0].rate = 6; /* one in ten seconds */
	house_open();
	house_finish();
	house_store("home", 3);
	house_wait_delivered(1);
	fixture_turn(house->fixture, 100);
	assert_int_equal(house_carriers.carried, 1);
}

static void
test_accounts_stop_where_too_much_waits(void **state)
{
	char text[DELIVER_FULL_TEXT];

	(void)state;
	house->targets[0].max_waiting = 4;
	house_carriers.holds = true;
	house_open();
	house_finish();
	house_store("home", 3);
	assert_false(deliver_is_full(house->deliver, "home", text));
	house_store("home", 1);
	assert_true(deliver_is_full(house->deliver, "home", text));
	assert_string_equal(text,
	    "4 messages wait for target a (max_waiting = 4); mail stays on "
	    "the server until some have gone");
	assert_true(house_status("a").is_full);
	house_release();
	house_finish();
	assert_false(deliver_is_full(house->deliver, "home", text));
	assert_non_null(strstr(house->events, "target-full a; "));
	assert_non_null(strstr(house->events, "target-drained a; "));
}

static void
test_give_up_after_a_time(void **state)
{
	struct fixture *fixture = *state;

	house_carriers.culprit = 1;
	house_carriers.of_culprit =
	    (struct carried_result){ .outcome = CARRIED_LATER,
		    .answer = "451 later" };
	house->targets[0].give_up_after_ms = 1;
	house_open();
	house_store("home", 1);
	house_wait_carried(1);
	house_finish();
	fixture_expect(fixture,
	    "SELECT count(*) FROM outbox WHERE state = 2"
	    " AND answer LIKE 'given up after %: 451 later'",
	    1);
}

/* ---- people ---- */

static void
test_pause_and_resume(void **state)
{
	struct deliver_status status;
	struct answer answer = { .done = false };

	(void)state;
	house_open();
	house_finish();
	assert_int_equal(
	    deliver_pause(house->deliver, "a", "root", answer_done, &answer),
	    DELIVER_DONE);
	fixture_wait(house->fixture, &answer.done);
	assert_int_equal(deliver_pause(house->deliver, "a", "root", NULL, NULL),
	    DELIVER_ALREADY);
	assert_int_equal(
	    deliver_pause(house->deliver, "nobody", "root", NULL, NULL),
	    DELIVER_NO_SUCH_TARGET);
	house_store("home", 3);
	house_finish();
	assert_int_equal(house_carriers.carried, 0);
	status = house_status("a");
	assert_int_equal(status.state, DELIVER_PAUSED);
	assert_string_equal(status.paused_by, "root");
	assert_true(status.paused_ms > 0);
	/* Also after a restart. */
	house_close();
	house_open();
	house_finish();
	assert_int_equal(house_status("a").state, DELIVER_PAUSED);
	assert_int_equal(house_carriers.carried, 0);
	answer.done = false;
	assert_int_equal(
	    deliver_resume(house->deliver, "a", answer_done, &answer),
	    DELIVER_DONE);
	fixture_wait(house->fixture, &answer.done);
	house_wait_delivered(3);
	house_finish();
	assert_non_null(strstr(house->events, "a ready->paused; "));
	assert_non_null(strstr(house->events, "a paused->ready; "));
}

struct probed {
	bool done, works;
	char text[64];
};

static void
note_probe(bool works, const char *text, void *arg)
{
	struct probed *probed = arg;

	probed->done = true;
	probed->works = works;
	(void)snprintf(probed->text, sizeof(probed->text), "%s", text);
}

static void
test_a_probe_needs_no_mail(void **state)
{
	struct probed probed = { .done = false };

	(void)state;
	house_open();
	assert_int_equal(
	    deliver_probe(house->deliver, "a", note_probe, &probed),
	    DELIVER_DONE);
	assert_int_equal(
	    deliver_probe(house->deliver, "a", note_probe, &probed),
	    DELIVER_ALREADY);
	fixture_wait(house->fixture, &probed.done);
	assert_true(probed.works);
	assert_string_equal(probed.text, "220 ready");
	house_carriers.always = &refused_connection;
	probed.done = false;
	assert_int_equal(
	    deliver_probe(house->deliver, "a", note_probe, &probed),
	    DELIVER_DONE);
	fixture_wait(house->fixture, &probed.done);
	assert_false(probed.works);
	assert_string_equal(probed.text, "Connection refused");
	assert_int_equal(house_status("a").state, DELIVER_DOWN);
}

/* Where nothing waits, it is seen all the same that it works again. */
static void
test_a_target_without_mail_comes_back(void **state)
{
	struct fixture *fixture = *state;

	house_carriers.always = &refused_connection;
	house->targets[0].retry_min_ms = 300;
	house->targets[0].retry_max_ms = 300;
	house_open();
	house_store("home", 1);
	house_wait_carried(1);
	while (house_status("a").state != DELIVER_DOWN)
		event_base_loop(fixture->base, EVLOOP_ONCE);
	fixture_change(fixture, "UPDATE outbox SET state = 3");
	house_carriers.always = NULL;
	while (house_status("a").state != DELIVER_READY)
		event_base_loop(fixture->base, EVLOOP_ONCE);
	assert_int_equal(house_carriers.delivered_count, 0);
	assert_true(house_carriers.probed > 0);
}

/* ---- a reload ---- */

static void
test_a_reload_lets_end_what_is_under_way(void **state)
{
	struct config second;

	(void)state;
	house_carriers.holds = true;
	house_open();
	house_store("home", 6);
	house_wait_carried(6);
	/* They are told that no more come. */
	while (house_carriers.flushed == 0)
		event_base_loop(house->fixture->base, EVLOOP_ONCE);
	second = house->config;
	second.others = 0;
	assert_true(deliver_reload(house->deliver, &second, NULL));
	fixture_turn(house->fixture, 30);
	assert_int_equal(house_carriers.carried, 6);
	house_release();
	house_finish();
	assert_int_equal(house_carriers.carried, 6);
	assert_int_equal(house_carriers.delivered_count, 6);
	/* None of the old configuration's is left. */
	assert_int_equal(house->config.others, 0);
	/* A target that is no more: what is under way ends, the rest waits. */
	house_carriers.holds = true;
	house_store("home", 12);
	house_wait_carried(6 + 8);
	second.target_count = 0;
	house->home.deliver.count = house->other.deliver.count = 0;
	assert_true(deliver_reload(house->deliver, &second, NULL));
	house_release();
	house_finish();
	assert_int_equal(house_carriers.delivered_count, 6 + 8);
	assert_false(deliver_status(
	    house->deliver, "a", &(struct deliver_status){ .name = NULL }));
	fixture_expect(
	    house->fixture, "SELECT count(*) FROM outbox WHERE state = 0", 4);
	house_close();
}

/* ---- rspamd ---- */

static void
test_a_verdict_stands_in_front(void **state)
{
	const struct verdict verdict = { .outcome = VERDICT_GIVEN,
		.lines = "X-Spam-Flag: NO\r\n" };

	(void)state;
	house->targets[0].rspamd = (char *)(uintptr_t) "http://localhost";
	house->verdict = &verdict;
	house_open();
	house_store("home", 1);
	house_finish();
	assert_int_equal(house->verdicts, 1);
	assert_non_null(strstr(house_carriers.last_body,
	    "\r\nX-Spam-Flag: NO\r\nSubject: 1\r\n\r\n1\r\n"));
	assert_int_equal(
	    house_carriers.last.octets, strlen(house_carriers.last_body));
}

static void
test_spam_goes_elsewhere(void **state)
{
	struct verdict verdict = { .outcome = VERDICT_GIVEN,
		.is_spam = true,
		.text = "rspamd: reject" };

	(void)state;
	house->targets[0].rspamd = (char *)(uintptr_t) "http://localhost";
	house->targets[0].spam_target = (char *)(uintptr_t) "b";
	house->verdict = &verdict;
	house_open();
	house_store("home", 2);
	house_finish();
	assert_true(strstr(house_carriers.delivered, "b:1") != NULL &&
		    strstr(house_carriers.delivered, "b:2") != NULL);
	assert_int_equal(house_status("a").waiting, 0);
	assert_int_equal(house_status("b").delivered, 2);
	/* rspamd is down, and mail waits for it. */
	verdict = (struct verdict){ .outcome = VERDICT_DOWN,
		.text = "rspamd does not answer" };
	house_store("home", 1);
	while (house_status("a").state != DELIVER_DOWN)
		event_base_loop(house->fixture->base, EVLOOP_ONCE);
	assert_string_equal(house_status("a").text, "rspamd does not answer");
	verdict.outcome = VERDICT_GIVEN;
	verdict.is_spam = false;
	house_wait_delivered(3);
	house_finish();
}

/* ---- the end ---- */

static void
note_over(void *arg)
{
	*(bool *)arg = true;
}

static void
test_a_stop_waits_for_what_is_under_way(void **state)
{
	bool is_over = false;

	(void)state;
	house_carriers.holds = true;
	house_open();
	house_store("home", 20);
	house_wait_carried(8);
	deliver_stop(house->deliver, 60000, note_over, &is_over);
	fixture_turn(house->fixture, 30);
	assert_false(is_over);
	house_release();
	fixture_wait(house->fixture, &is_over);
	assert_int_equal(house_carriers.delivered_count, 8);
	fixture_expect(
	    house->fixture, "SELECT count(*) FROM outbox WHERE state = 1", 8);
}

static void
test_a_stop_does_not_wait_for_ever(void **state)
{
	bool is_over = false;

	(void)state;
	house_carriers.holds = true;
	house_open();
	house_store("home", 5);
	house_wait_carried(5);
	deliver_stop(house->deliver, 20, note_over, &is_over);
	fixture_wait(house->fixture, &is_over);
	house_close();
	fixture_expect(
	    house->fixture, "SELECT count(*) FROM outbox WHERE state = 0", 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		HOUSE_TEST(test_mail_is_delivered_and_recorded),
		HOUSE_TEST(test_what_waits_goes_at_the_start),
		HOUSE_TEST(test_so_many_at_a_time),
		HOUSE_TEST(test_a_message_is_tried_again),
		HOUSE_TEST(test_a_refusal_stops_the_message_alone),
		HOUSE_TEST(test_what_cannot_be_read_is_refused_and_says_so),
		HOUSE_TEST(test_a_target_that_is_down_is_tried_with_one),
		HOUSE_TEST(test_it_comes_back_by_itself),
		HOUSE_TEST(test_what_a_person_has_to_mend_is_told),
		HOUSE_TEST(test_one_message_does_not_keep_a_target_down),
		HOUSE_TEST(test_fewer_connections_where_some_are_refused),
		HOUSE_TEST(test_a_failing_target_delays_no_other),
		HOUSE_TEST(test_none_overtakes_another_of_its_account),
		HOUSE_TEST(test_order_of_many),
		HOUSE_TEST(test_a_rate_is_kept),
		HOUSE_TEST(test_accounts_stop_where_too_much_waits),
		HOUSE_TEST(test_give_up_after_a_time),
		HOUSE_TEST(test_pause_and_resume),
		HOUSE_TEST(test_a_probe_needs_no_mail),
		HOUSE_TEST(test_a_target_without_mail_comes_back),
		HOUSE_TEST(test_a_reload_lets_end_what_is_under_way),
		HOUSE_TEST(test_a_verdict_stands_in_front),
		HOUSE_TEST(test_spam_goes_elsewhere),
		HOUSE_TEST(test_a_stop_waits_for_what_is_under_way),
		HOUSE_TEST(test_a_stop_does_not_wait_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
