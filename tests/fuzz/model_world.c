#include "tests/fuzz/model_world.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "tests/fuzz/model_clock.h"
#include "tests/fuzz/model_threads.h"

/* More than any run needs that comes to an end. */
#define TURNS_MAX 2000000
/* Connections of one poll: every mechanism, and slices. */
#define DIALS_MAX 48

/* One at a time. */
static struct model_world *world_now;

void
model_world_show(void)
{
	model_clock_release();
	if (world_now != NULL)
		model_plan_show(world_now->plan);
}

struct model_account *
model_world_dials(const char *source_address)
{
	struct model_account *account;
	unsigned i;

	for (i = 0; i < world_now->plan->accounts; i++) {
		account = &world_now->account[i];
		if (strcmp(account->source, source_address) != 0)
			continue;
		if (++account->dials > DIALS_MAX)
			model_broken("account %u connects without end", i);
		return account;
	}
	model_broken("nobody dials from %s", source_address);
}

unsigned
model_account_fault(struct model_account *account, unsigned count)
{
	if (!account->plan->traits.is_faulty)
		return 0;
	return model_fault(account->world->choice, count);
}

struct model_connection *
model_account_connection(struct model_account *account)
{
	return LIST_FIRST(&account->server.connections);
}

/* One for the whole program: it takes time to make. */
static struct evpop_tls_context *
world_tls_context(void)
{
	static struct evpop_tls_context *context;
	const char *pins[] = { model_wire_pin() };
	struct evpop_result result;

	if (context == NULL)
		context = evpop_tls_context_new(
		    &(struct evpop_tls_options){ .pins = pins, .pin_count = 1 },
		    &result);
	if (context == NULL)
		model_broken("no TLS: %s", result.text);
	return context;
}

void
model_account_config(
    struct model_account *account, struct evpop_client_config *config)
{
	const struct model_plan *plan = account->world->plan;

	memset(config, 0, sizeof *config);
	config->host = MODEL_HOST;
	config->port = MODEL_PORT;
	config->tls = plan->tls;
	if (plan->tls != EVPOP_TLS_NONE)
		config->tls_context = world_tls_context();
	config->source_address = account->source;
	config->memory = account->world->memory;
	config->window_commands = plan->window_commands;
	config->window_octets = plan->window_octets;
	/* Every phase has a deadline of its own, and is to end by that. */
	config->timeouts.session_ms = INT64_C(1000) * 86400 * 1000;
}

static void
account_want_token(struct evpop_client *client, void *arg)
{
	struct model_account *account = arg;
	bool refuses = model_account_fault(account, 8) == 4;

	if (model_pick(account->world->choice, 3) == 2)
		account->acts |= MODEL_ACT_TOKEN;
	else if (evpop_client_token(client, refuses ? NULL : account->token) !=
		 EVPOP_ERROR_NONE)
		model_broken("a token that is wanted is not taken");
}

void
model_account_credentials(
    struct model_account *account, struct evpop_credentials *credentials)
{
	const struct model_account_plan *plan = account->plan;

	memset(credentials, 0, sizeof *credentials);
	credentials->user = account->user;
	credentials->mechanisms = plan->mechanisms;
	if (!plan->has_token)
		credentials->password = account->password;
	else if (!plan->asks_token)
		credentials->token = account->token;
	else {
		credentials->want_token = account_want_token;
		credentials->want_token_arg = account;
	}
}

void
model_account_show(
    const struct model_account *account, bool from_server, const char *line)
{
	if (account->world->is_shown)
		fprintf(stderr, "%9" PRId64 " %u.%u %s %.200s\n",
		    model_clock_ms() % 1000000000, account->number,
		    account->polls, from_server ? "S:" : "C:", line);
}

void
model_account_done(struct model_account *account, int outcome)
{
	if (!account->is_under_way)
		model_broken("account %u ends twice", account->number);
	account->is_under_way = false;
	account->acts = 0;
	account->outcomes[account->polls++] = outcome;
	account->world->statistics->polls++;
}

/* ---- the course of it ---- */

static void
account_begin(
    struct model_account *account, struct model_world *world, unsigned number)
{
	const struct model_account_plan *plan = &world->plan->account[number];
	bool right = plan->traits.admission != MODEL_KNOWS_NO_SUCH;
	unsigned i;

	account->world = world;
	account->plan = plan;
	account->number = number;
	snprintf(
	    account->source, sizeof account->source, "127.0.1.%u", number + 1);
	snprintf(account->user, sizeof account->user, "user%u", number);
	snprintf(account->password, sizeof account->password, "pass%u", number);
	snprintf(account->token, sizeof account->token, "token%u", number);
	account->server = (struct model_server){
		.traits = plan->traits,
		.tls = world->plan->tls,
		.user = { account->user, right ? account->password : "other",
		    right ? account->token : "other" },
		.maildrop = { .owner = number },
		.choice = world->choice,
		.statistics = world->statistics,
		.next_id = 1 + 1000 * number,
	};
	LIST_INIT(&account->server.connections);
	for (i = 0; i < MODEL_POLLS; i++)
		account->outcomes[i] = MODEL_OUTCOME_NONE;
}

static bool
account_is_over(const struct model_account *account)
{
	return !account->is_under_way &&
	       account->polls >= account->world->plan->polls;
}

static void
account_start(struct model_account *account)
{
	unsigned i;

	for (i = 0; i < account->plan->arrivals[account->polls]; i++)
		model_maildrop_receive(&account->server.maildrop);
	account->server.maildrop.epoch =
	    account->plan->traits.renews_ids ? account->polls : 0;
	account->is_under_way = true;
	account->dials = 0;
	if (account->plan->driver == MODEL_TALKS)
		model_talk_start(account);
	else
		model_poll_start(account);
}

/* Whether anybody is at it. */
static bool
world_is_busy(const struct model_world *world)
{
	unsigned i;

	for (i = 0; i < world->plan->accounts; i++)
		if (world->account[i].is_under_way)
			return true;
	return false;
}

/* Polls that are due begin; one at least where nobody is at it. */
static bool
world_start(struct model_world *world, int only, bool at_once)
{
	static const int64_t pauses_ms[] = { 0, 60000, 7200000, 90000000 };
	struct model_account *account;
	bool started = false;
	unsigned i;

	if (!world_is_busy(world) && world->account[0].polls > 0)
		model_clock_advance(pauses_ms[model_pick(world->choice, 4)]);
	for (i = 0; i < world->plan->accounts; i++) {
		account = &world->account[i];
		if ((only != -1 && only != (int)i) || account->is_under_way ||
		    account_is_over(account))
			continue;
		if (world->plan->is_staggered && !(at_once && !started) &&
		    model_pick(world->choice, 8) != 0)
			continue;
		account_start(account);
		started = true;
	}
	return started;
}

/* Everybody once; false where nobody had anything to do. */
static bool
world_turn(struct model_world *world)
{
	struct model_connection *connection;
	unsigned i, n = world->plan->accounts;
	unsigned first = world->turns++ % n;
	bool moved = false;

	/* In turn, or as it comes. */
	if (world->plan->is_staggered && n > 1)
		first = model_pick(world->choice, n);
	do
		event_base_loop(world->base, EVLOOP_NONBLOCK);
	while (model_threads_wait());
	for (i = 0; i < n; i++) {
		LIST_FOREACH(connection,
		    &world->account[(first + i) % n].server.connections, entry)
			moved |=
			    model_connection_pump(connection, world->plan->cut);
	}
	return moved;
}

static bool
world_act(struct model_world *world)
{
	struct model_account *account;
	unsigned i, act;

	for (i = 0; i < world->plan->accounts; i++) {
		account = &world->account[i];
		if (!account->is_under_way || account->acts == 0)
			continue;
		for (act = 1; !(account->acts & act); act <<= 1)
			;
		account->acts &= ~act;
		if (account->talk != NULL)
			model_talk_act(account, (enum model_act)act);
		else
			model_poll_act(account, (enum model_act)act);
		return true;
	}
	return false;
}

/* Replies that come late come now. */
static bool
world_release(struct model_world *world)
{
	struct model_connection *connection;
	unsigned i;

	for (i = 0; i < world->plan->accounts; i++)
		LIST_FOREACH(
		    connection, &world->account[i].server.connections, entry)
			if (connection->wire != NULL && connection->is_late) {
				connection->is_late = false;
				return true;
			}
	return false;
}

static int
world_note_timer(
    const struct event_base *base, const struct event *event, void *arg)
{
	struct timeval *nearest = arg;

	(void)base;
	if ((event->ev_evcallback.evcb_flags & EVLIST_TIMEOUT) != 0 &&
	    (!timerisset(nearest) ||
		evutil_timercmp(&event->ev_timeout, nearest, <)))
		*nearest = event->ev_timeout;
	return 0;
}

/* Time passes until the next deadline. */
static bool
world_pass_time(struct model_world *world)
{
	struct timeval nearest = { 0, 0 };

	event_base_foreach_event(world->base, world_note_timer, &nearest);
	if (!timerisset(&nearest))
		return false;
	model_clock_set(&nearest);
	return true;
}

static bool
world_is_over(const struct model_world *world, int only)
{
	unsigned i;

	for (i = 0; i < world->plan->accounts; i++)
		if ((only == -1 || only == (int)i) &&
		    !account_is_over(&world->account[i]))
			return false;
	return true;
}

static void
world_forget(struct model_world *world)
{
	evpop_memory_free(world->memory);
	world->memory = evpop_memory_new();
	if (world->memory == NULL)
		abort();
}

/* What is given out for keeping; a host is known by one name here. */
static void
world_keep(const struct evpop_memory_entry *entry, void *arg)
{
	struct model_world *world = arg;

	if (strcmp(entry->host, MODEL_HOST) != 0 || entry->port != MODEL_PORT ||
	    entry->tls != world->plan->tls)
		model_broken("something is kept of a server that is unknown");
	free(world->facts);
	world->facts = strdup(entry->facts);
	if (world->facts == NULL)
		abort();
}

/* The program ends and is started again. */
static void
world_restart(struct model_world *world)
{
	struct evpop_memory_entry entry = {
		.host = MODEL_HOST, .port = MODEL_PORT, .tls = world->plan->tls
	};

	evpop_memory_changed(world->memory, world_keep, world);
	world_forget(world);
	entry.facts = world->facts;
	if (entry.facts != NULL && !evpop_memory_restore(world->memory, &entry))
		abort();
}

static void
world_go(struct model_world *world, int only)
{
	(void)world_start(world, only, true);
	while (!world_is_over(world, only)) {
		if (world->turns > TURNS_MAX)
			model_broken("it goes on and on");
		if (world_turn(world))
			continue;
		if (!world_is_busy(world)) {
			if (only != -1)
				world_forget(world);
			else if (model_pick(world->choice, 4) == 3)
				world_restart(world);
			(void)world_start(world, only, true);
		} else if (!world_start(world, only, false) &&
			   !world_act(world) && !world_release(world) &&
			   !world_pass_time(world))
			model_broken("a session neither ends nor waits for a "
				     "deadline");
	}
}

static void
world_end(struct model_world *world)
{
	struct model_account *account;
	unsigned i;

	for (i = 0; i < world->plan->accounts; i++) {
		account = &world->account[i];
		model_poll_free(account);
		model_talk_free(account);
		model_server_clear(&account->server);
	}
	evpop_memory_free(world->memory);
	free(world->facts);
	event_base_free(world->base);
}

void
model_world_run(const struct model_plan *plan, int only,
    struct model_choice *choice, struct model_statistics *statistics,
    int outcomes_r[MODEL_ACCOUNTS][MODEL_POLLS])
{
	struct model_world world = {
		.plan = plan,
		.choice = choice,
		.statistics = statistics,
		.is_shown = getenv("EVPOP_MODEL_SHOW") != NULL,
	};
	unsigned i;

	/* A server that closes is not to end the program. */
	(void)signal(SIGPIPE, SIG_IGN);
	model_threads_begin();
	model_clock_stop();
	world_now = &world;
	if (world.is_shown)
		fprintf(stderr, "---- %d\n", only);
	world.base = event_base_new();
	world_forget(&world);
	if (world.base == NULL)
		abort();
	for (i = 0; i < plan->accounts; i++)
		account_begin(&world.account[i], &world, i);
	world_go(&world, only);
	for (i = 0; i < plan->accounts; i++)
		memcpy(outcomes_r[i], world.account[i].outcomes,
		    sizeof world.account[i].outcomes);
	world_end(&world);
	world_now = NULL;
	model_clock_release();
}
