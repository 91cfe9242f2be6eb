#include "tests/unit/deliver_house.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/notify/notify.h"
#include "lib/base/clock.h"

struct house_carriers house_carriers;
struct house *house;

static struct notify_subscription subscription;
static unsigned stored; /* messages, which number the unique-ids */

/* ---- carriers ---- */

struct carrier {
	const struct carrier_setup *setup;
	struct event *timer;
	struct parcel *parcels[HOUSE_PENDING];
	size_t count;
	bool probes;
	/* The one that is answered, and whether its next piece is wanted. */
	struct parcel *reads;
	bool wants_more;
};

static struct carrier *all[64];

static void
fake_soon(struct carrier *carrier)
{
	const struct timeval now = { 0, 0 };

	evtimer_add(carrier->timer, &now);
}

static struct carried_result
fake_choose(const struct parcel *parcel)
{
	if (house_carriers.culprit == parcel->message_id)
		return house_carriers.of_culprit;
	if (house_carriers.result_next < house_carriers.result_count)
		return house_carriers.results[house_carriers.result_next++];
	if (house_carriers.always != NULL)
		return *house_carriers.always;
	return (struct carried_result){ .outcome = CARRIED_DELIVERED,
		.answer = "250 2.0.0 taken",
		.place = "here" };
}

static void
fake_note_delivery(const struct carrier *carrier, const struct parcel *parcel)
{
	size_t used = strlen(house_carriers.delivered);

	(void)snprintf(house_carriers.delivered + used,
	    sizeof(house_carriers.delivered) - used, "%s%s%lld",
	    used > 0 ? " " : "",
	    carrier->setup->target->type == CONFIG_TARGET_MAILDIR ? "b:" : "",
	    (long long)parcel->message_id);
	house_carriers.delivered_count++;
}

static void
fake_tell(struct carrier *carrier, const struct carried_result *result)
{
	struct parcel *parcel = carrier->reads;

	carrier->reads = NULL;
	house_carriers.at_once--;
	carrier->setup->carried(parcel, result, carrier->setup->arg);
	fake_soon(carrier);
}

static void
fake_read(enum parcel_read read, const unsigned char *octets, size_t length,
    void *arg)
{
	struct carrier *carrier = arg;
	const struct carried_result delivered = { .outcome = CARRIED_DELIVERED,
		.answer = "250 2.0.0 taken",
		.place = "here" };
	const struct carried_result unread = { .outcome = CARRIED_UNREAD };
	size_t used = strlen(house_carriers.last_body);

	if (read == PARCEL_FAILED) {
		fake_tell(carrier, &unread);
		return;
	}
	if (read == PARCEL_END) {
		fake_note_delivery(carrier, carrier->reads);
		fake_tell(carrier, &delivered);
		return;
	}
	house_carriers.last_octets += length;
	if (length > sizeof(house_carriers.last_body) - used - 1)
		length = sizeof(house_carriers.last_body) - used - 1;
	memcpy(house_carriers.last_body + used, octets, length);
	house_carriers.last_body[used + length] = '\0';
	carrier->wants_more = true;
	fake_soon(carrier);
}

/* The first one, as far as that needs no waiting. */
static void
fake_answer(struct carrier *carrier)
{
	struct parcel *parcel = carrier->parcels[0];
	struct carried_result result = fake_choose(parcel);

	carrier->count--;
	memmove(carrier->parcels, carrier->parcels + 1,
	    carrier->count * sizeof(carrier->parcels[0]));
	house_carriers.last = *parcel;
	(void)snprintf(house_carriers.last_words,
	    sizeof(house_carriers.last_words), "%s %s <%s> '%s'",
	    parcel->account, parcel->recipient, parcel->sender, parcel->note);
	carrier->reads = parcel;
	if (result.outcome == CARRIED_DELIVERED) {
		house_carriers.last_body[0] = '\0';
		house_carriers.last_octets = 0;
		parcel_next(parcel, fake_read, carrier);
	} else
		fake_tell(carrier, &result);
}

static void
fake_turn(evutil_socket_t fd, short what, void *arg)
{
	struct carrier *carrier = arg;
	const struct carried_result works = { .outcome = CARRIED_DELIVERED,
		.answer = "220 ready" };

	(void)fd;
	(void)what;
	if (carrier->probes) {
		carrier->probes = false;
		carrier->setup->carried(NULL,
		    house_carriers.always != NULL ? house_carriers.always
						  : &works,
		    carrier->setup->arg);
	}
	if (carrier->wants_more) {
		carrier->wants_more = false;
		parcel_next(carrier->reads, fake_read, carrier);
	} else if (carrier->reads == NULL && carrier->count > 0 &&
		   !house_carriers.holds)
		fake_answer(carrier);
}

static struct carrier *
fake_begin(const struct carrier_setup *setup)
{
	struct carrier *carrier = calloc(1, sizeof(*carrier));

	assert_non_null(carrier);
	carrier->setup = setup;
	carrier->timer = evtimer_new(setup->base, fake_turn, carrier);
	for (size_t i = 0; i < 64; i++)
		if (all[i] == NULL) {
			all[i] = carrier;
			break;
		}
	house_carriers.begun++;
	return carrier;
}

static void
fake_carry(struct carrier *carrier, struct parcel *parcel)
{
	assert_true(carrier->count < HOUSE_PENDING);
	carrier->parcels[carrier->count++] = parcel;
	house_carriers.carried++;
	if (++house_carriers.at_once > house_carriers.most_at_once)
		house_carriers.most_at_once = house_carriers.at_once;
	fake_soon(carrier);
}

static void
fake_flush(struct carrier *carrier)
{
	(void)carrier;
	house_carriers.flushed++;
}

static void
fake_end(struct carrier *carrier)
{
	house_carriers.at_once -=
	    (unsigned)carrier->count + (carrier->reads != NULL);
	house_carriers.ended++;
	for (size_t i = 0; i < 64; i++)
		if (all[i] == carrier)
			all[i] = NULL;
	event_free(carrier->timer);
	free(carrier);
}

static void
fake_probe(struct carrier *carrier)
{
	house_carriers.probed++;
	carrier->probes = true;
	fake_soon(carrier);
}

static const struct carrier_type fake_type = {
	.depth = 4,
	.begin = fake_begin,
	.carry = fake_carry,
	.flush = fake_flush,
	.end = fake_end,
	.probe = fake_probe,
};

static const struct carrier_type *const fakes[CONFIG_TARGET_COUNT] = {
	[CONFIG_TARGET_MAILDIR] = &fake_type,
	[CONFIG_TARGET_LMTP] = &fake_type,
};

void
house_release(void)
{
	house_carriers.holds = false;
	for (size_t i = 0; i < 64; i++)
		if (all[i] != NULL)
			fake_soon(all[i]);
}

/* ---- rspamd ---- */

struct verdicts {
	verdict_cb cb;
	void *arg;
	struct parcel *parcels[HOUSE_PENDING];
	size_t count;
	struct event *timer;
};

static void
fake_look(enum parcel_read read, const unsigned char *octets, size_t length,
    void *arg)
{
	(void)octets;
	(void)arg;
	assert_int_equal(read, PARCEL_PIECE);
	assert_true(length > 0);
}

static void
fake_judge(evutil_socket_t fd, short what, void *arg)
{
	struct verdicts *verdicts = arg;

	(void)fd;
	(void)what;
	while (verdicts->count > 0) {
		struct parcel *parcel = verdicts->parcels[--verdicts->count];

		/* It leaves the parcel somewhere within. */
		parcel_next(parcel, fake_look, NULL);
		house->verdicts++;
		verdicts->cb(parcel, house->verdict, verdicts->arg);
	}
}

struct verdicts *
verdicts_new(const struct config_target *target, struct event_base *base,
    struct evpop_names *names, verdict_cb cb, void *arg)
{
	struct verdicts *verdicts = calloc(1, sizeof(*verdicts));

	(void)target;
	(void)names;
	assert_non_null(verdicts);
	verdicts->cb = cb;
	verdicts->arg = arg;
	verdicts->timer = evtimer_new(base, fake_judge, verdicts);
	return verdicts;
}

bool
verdict_ask(struct verdicts *verdicts, struct parcel *parcel)
{
	const struct timeval now = { 0, 0 };

	verdicts->parcels[verdicts->count++] = parcel;
	evtimer_add(verdicts->timer, &now);
	return true;
}

void
verdict_forget(struct verdicts *verdicts, struct parcel *parcel)
{
	size_t kept = 0;

	for (size_t i = 0; i < verdicts->count; i++)
		if (verdicts->parcels[i] != parcel)
			verdicts->parcels[kept++] = verdicts->parcels[i];
	verdicts->count = kept;
}

/* Nobody is there to be probed. */
bool
verdict_probe(struct verdicts *verdicts, verdict_probe_cb cb, void *arg)
{
	(void)verdicts;
	(void)cb;
	(void)arg;
	return false;
}

void
verdicts_free(struct verdicts **verdicts_p)
{
	struct verdicts *verdicts = *verdicts_p;

	*verdicts_p = NULL;
	if (verdicts == NULL)
		return;
	event_free(verdicts->timer);
	free(verdicts);
}

/* ---- the house ---- */

static void
hear(const struct notify_event *event, void *arg)
{
	size_t used = strlen(house->events);
	char *to = house->events + used;
	size_t size = sizeof(house->events) - used;

	(void)arg;
	switch (event->kind) {
	case NOTIFY_MESSAGE_DELIVERED:
	case NOTIFY_DELIVERY_REFUSED:
		(void)snprintf(to, size, "%s %lld %s %s %u %s; ",
		    notify_kind_name(event->kind),
		    (long long)event->delivery.message_id, event->account,
		    event->target, event->delivery.attempts,
		    event->delivery.answer);
		break;
	case NOTIFY_TARGET_HEALTH:
		(void)snprintf(to, size, "%s %s->%s %s; ", event->target,
		    event->fate.from, event->fate.to,
		    event->fate.text != NULL ? event->fate.text : "-");
		break;
	case NOTIFY_TARGET_STATE:
		(void)snprintf(to, size, "%s %s->%s; ", event->target,
		    event->state.from, event->state.to);
		break;
	default:
		(void)snprintf(to, size, "%s %s; ",
		    notify_kind_name(event->kind), event->target);
		break;
	}
}

static void
house_over(void *arg)
{
	*(bool *)arg = true;
}

/* One more deliver of each account. */
static char *deliver_a[] = { (char *)(uintptr_t) "a" };

static void
house_make_config(void)
{
	static const struct config_account *accounts[2];
	static const struct config_target *targets[HOUSE_TARGETS];
	char *const names[] = { "a", "b" };

	house->home.name = (char *)(uintptr_t) "home";
	house->other.name = (char *)(uintptr_t) "other";
	house->home.deliver = (struct config_strings){ deliver_a, 1 };
	house->other.deliver = house->home.deliver;
	accounts[0] = &house->home;
	accounts[1] = &house->other;
	house->config.accounts = accounts;
	house->config.account_count = 2;
	house->config.memory_limit = 64 << 20;
	for (size_t i = 0; i < HOUSE_TARGETS; i++) {
		targets[i] = &house->targets[i];
		house->targets[i] = (struct config_target){
			.name = names[i],
			.type =
			    i == 0 ? CONFIG_TARGET_LMTP : CONFIG_TARGET_MAILDIR,
			.host = (char *)(uintptr_t) "localhost",
			.port = 24,
			.deliver_to =
			    (char *)(uintptr_t) "{account}@example.org",
			.concurrency = 2,
			.retry_min_ms = 20,
			.retry_max_ms = 200,
			.enabled = true,
		};
	}
	house->config.targets = targets;
	house->config.target_count = HOUSE_TARGETS;
}

int
house_set_up(void **state)
{
	if (fixture_setup(state) != 0)
		return -1;
	house = calloc(1, sizeof(*house));
	if (house == NULL)
		return -1;
	house_carriers = (struct house_carriers){ .holds = false };
	stored = 0;
	house->fixture = *state;
	house_make_config();
	notify_subscribe(house->fixture->config.notify, &subscription,
	    NOTIFY_BIT(NOTIFY_MESSAGE_DELIVERED) |
		NOTIFY_BIT(NOTIFY_DELIVERY_REFUSED) |
		NOTIFY_BIT(NOTIFY_TARGET_HEALTH) |
		NOTIFY_BIT(NOTIFY_TARGET_STATE) |
		NOTIFY_BIT(NOTIFY_TARGET_FULL) |
		NOTIFY_BIT(NOTIFY_TARGET_DRAINED),
	    hear, NULL);
	assert_int_equal(
	    fixture_account(house->fixture, "other", NULL, &house->other_id),
	    STORE_OK);
	return 0;
}

int
house_tear_down(void **state)
{
	house_close();
	notify_leave(&subscription);
	assert_int_equal(house_carriers.begun, house_carriers.ended);
	assert_int_equal(house->config.others, 0);
	free(house);
	return fixture_teardown(state);
}

void
house_open(void)
{
	const struct deliver_options options = {
		.base = house->fixture->base,
		.store = house->fixture->store,
		.notify = house->fixture->config.notify,
		.carriers = fakes,
	};

	house->deliver = deliver_new(&options, &house->config);
	assert_non_null(house->deliver);
}

void
house_close(void)
{
	deliver_free(&house->deliver);
}

void
house_store(const char *account, unsigned count)
{
	const bool is_home = strcmp(account, "home") == 0;
	const int64_t home_id = house->fixture->account;
	char id[32], body[64];

	for (unsigned i = 0; i < count; i++) {
		struct notify_event event = { .kind = NOTIFY_MESSAGE_STORED,
			.account = account };

		(void)snprintf(id, sizeof(id), "u%u", ++stored);
		(void)snprintf(body, sizeof(body), "Subject: %u\r\n\r\n%u\r\n",
		    stored, stored);
		house->fixture->account = is_home ? home_id : house->other_id;
		event.message.id =
		    fixture_store(house->fixture, id, body, strlen(body));
		house->fixture->account = home_id;
		notify_publish(house->fixture->config.notify, &event);
	}
}

static void
house_turn(const size_t *count, size_t most)
{
	int64_t until_ms = evpop_clock_monotonic_ms() + 60000;

	while (*count < most) {
		assert_true(evpop_clock_monotonic_ms() < until_ms);
		event_base_loop(house->fixture->base, EVLOOP_ONCE);
	}
}

void
house_wait_delivered(size_t count)
{
	house_turn(&house_carriers.delivered_count, count);
}

void
house_wait_carried(size_t count)
{
	house_turn(&house_carriers.carried, count);
}

void
house_expect(const char *sql, int64_t value)
{
	int64_t until_ms = evpop_clock_monotonic_ms() + 60000;

	while (fixture_integer(house->fixture, sql) != value &&
	       evpop_clock_monotonic_ms() < until_ms)
		fixture_turn(house->fixture, 10);
	fixture_expect(house->fixture, sql, value);
}

void
house_finish(void)
{
	bool is_over = false;

	deliver_finish(house->deliver, house_over, &is_over);
	fixture_wait(house->fixture, &is_over);
}

struct deliver_status
house_status(const char *target)
{
	struct deliver_status status;

	assert_true(deliver_status(house->deliver, target, &status));
	return status;
}
