#include "lib/session/round.h"

#include <stdlib.h>

#include "lib/net/client.h"

enum round_step {
	ROUND_IDLE = 0,
	ROUND_LISTING,   /* connect, log in, UIDL or LIST, and names */
	ROUND_ASKING,    /* the caller, for what is known */
	ROUND_COMPARING, /* LIST and TOP, where the plan depends on them */
	ROUND_TRANSFER,  /* RETR and DELE */
	ROUND_QUITTING,
	ROUND_OVER
};

enum round_flight {
	FLIGHT_NONE = 0,
	FLIGHT_UNDER_WAY, /* QUIT went out with UIDL */
	FLIGHT_LANDED     /* and the session is over, though the caller is still
			     asked */
};

struct evpop_round {
	struct evpop_caller *caller;
	const struct evpop_round_callbacks *callbacks;
	void *arg;
	struct evpop_policy policy;
	uint32_t begun; /* RETRs, of earlier rounds */
	bool may_fly;

	enum round_step step;
	enum round_flight flight;
	bool is_stopping; /* begin nothing more */

	struct evpop_client *client;
	struct evpop_survey *survey;
	struct evpop_transfer *transfer;
	struct evpop_round_outcome outcome;
};

/* The steps, in their order; each begins the next. */
static void round_opened(
    struct evpop_client *, const struct evpop_reply *, void *);
static void round_not_listed(const struct evpop_result *, void *);
static void round_listed(const struct evpop_listing *, void *);
static void round_matched(const struct evpop_plan *, void *);
static void round_planned(const struct evpop_plan *, void *);
static void round_transfer(struct evpop_round *);
static void round_quit(void *);
static void round_quit_done(
    struct evpop_client *, const struct evpop_reply *, void *);
static void round_closed(
    struct evpop_client *, const struct evpop_result *, void *);

static void round_failed(enum evpop_error, const char *why, void *);

/* ---- life ---- */

static void
round_trace(
    struct evpop_client *client, bool from_server, const char *line, void *arg)
{
	struct evpop_round *round = arg;

	(void)client;
	evpop_caller_trace(round->caller, from_server, line);
}

static const struct evpop_client_callbacks client_callbacks = {
	.closed = round_closed,
};
static const struct evpop_client_callbacks tracing_callbacks = {
	.closed = round_closed,
	.trace = round_trace,
};

static const struct evpop_survey_callbacks survey_callbacks = {
	.listed = round_listed,
	.refused = round_not_listed,
	.matched = round_matched,
	.planned = round_planned,
	.failed = round_failed,
};

struct evpop_round *
evpop_round_new(const struct evpop_round_order *order,
    const struct evpop_round_callbacks *callbacks, void *arg)
{
	struct evpop_round *round;

	round = calloc(1, sizeof *round);
	if (round == NULL)
		return NULL;
	round->caller = order->caller;
	round->callbacks = callbacks;
	round->arg = arg;
	round->begun = order->begun;
	round->may_fly = order->may_fly;
	round->client = evpop_client_new(order->base, order->dns, order->config,
	    order->caller->callbacks->trace != NULL ? &tracing_callbacks
						    : &client_callbacks,
	    round);
	if (round->client != NULL)
		round->survey = evpop_survey_new(
		    round->client, round->caller, &survey_callbacks, round);
	if (round->survey == NULL) {
		evpop_client_free(round->client);
		free(round);
		return NULL;
	}
	return round;
}

void
evpop_round_close(struct evpop_round *round, void (*closed)(void *), void *arg)
{
	round->step = ROUND_OVER;
	evpop_client_free_then(round->client, closed, arg);
}

void
evpop_round_free(struct evpop_round *round)
{
	if (round == NULL)
		return;
	evpop_transfer_free(round->transfer);
	evpop_survey_free(round->survey);
	free(round);
}

/* ---- what goes wrong ---- */

static void
round_over(struct evpop_round *round, bool needs_another)
{
	round->step = ROUND_OVER;
	round->callbacks->over(needs_another, round->arg);
}

static bool
round_is_well(const struct evpop_round *round)
{
	return round->outcome.result.error == EVPOP_ERROR_NONE;
}

static void
round_note_failure(struct evpop_round *round, const struct evpop_result *result)
{
	if (round_is_well(round))
		round->outcome.result = *result;
}

void
evpop_round_cancel(struct evpop_round *round, const struct evpop_result *reason)
{
	if (round->step == ROUND_OVER)
		return;
	round_note_failure(round, reason);
	round->is_stopping = true;
	evpop_survey_end(round->survey);
	evpop_client_cancel(round->client);
	if (round->flight == FLIGHT_LANDED)
		round_over(round, false);
}

/* There is no memory, or the session is ending and takes no command. */
static void
round_failed(enum evpop_error error, const char *why, void *arg)
{
	struct evpop_round *round = arg;
	struct evpop_result result;

	if (round->caller->is_gone)
		return;
	round->is_stopping = true;
	/* Its end says why; but in ROUND_ASKING what is known is wrong. */
	if (error == EVPOP_ERROR_USAGE && round->step != ROUND_ASKING)
		return;
	evpop_result_set(&result, error, EVPOP_PHASE_COMMAND, "%s", why);
	if (error == EVPOP_ERROR_LIMIT)
		result.scope = EVPOP_SCOPE_ACCOUNT;
	evpop_round_cancel(round, &result);
}

/* ---- connect, log in, list ---- */

/* A dry run and a baseline need the whole plan, so they take no flight. */
static bool
round_takes_flight(const struct evpop_round *round)
{
	return round->may_fly && round->policy.expect_nothing &&
	       !round->policy.dry_run && !round->policy.baseline &&
	       evpop_client_takes_flight(round->client);
}

/* Queue all of the session that does not depend on the listing. */
enum evpop_error
evpop_round_start(struct evpop_round *round, const struct evpop_policy *policy,
    const struct evpop_credentials *credentials)
{
	struct evpop_client *client = round->client;
	enum evpop_error error;

	round->policy = *policy;
	if (round_takes_flight(round))
		round->flight = FLIGHT_UNDER_WAY;
	error = evpop_client_connect(client, round_opened, round);
	if (error == EVPOP_ERROR_NONE)
		error = evpop_client_login(
		    client, credentials, round_opened, round);
	if (error == EVPOP_ERROR_NONE)
		error = evpop_survey_start(
		    round->survey, policy, round->flight != FLIGHT_NONE);
	if (error == EVPOP_ERROR_NONE && round->flight != FLIGHT_NONE)
		error = evpop_client_quit(client, round_quit_done, round);
	if (error == EVPOP_ERROR_NONE)
		round->step = ROUND_LISTING;
	return error;
}

/*
 * A refused log-in ends the session: the commands behind it are cancelled, and
 * QUIT is sent.
 */
static void
round_opened(
    struct evpop_client *client, const struct evpop_reply *reply, void *arg)
{
	struct evpop_round *round = arg;

	if (reply->result.error == EVPOP_ERROR_NONE || !round_is_well(round))
		return;
	round->outcome.result = reply->result;
	evpop_survey_end(round->survey);
	if (evpop_client_state(client) == EVPOP_STATE_AUTHORIZATION)
		round_quit(round);
}

/* The server refuses UIDL and LIST: there is no listing. */
static void
round_not_listed(const struct evpop_result *result, void *arg)
{
	struct evpop_round *round = arg;

	if (round->flight != FLIGHT_NONE) {
		round_over(round, true);
		return;
	}
	round->outcome.result = *result;
	round->outcome.result.scope = EVPOP_SCOPE_SESSION;
	round_quit(round);
}

/* ---- compare and plan ---- */

static void
round_listed(const struct evpop_listing *listing, void *arg)
{
	struct evpop_round *round = arg;

	if (round->is_stopping && round->flight == FLIGHT_NONE) {
		round_quit(round);
		return;
	}
	round->step = ROUND_ASKING;
	round->callbacks->listing(listing, round->arg);
}

/* The session may have ended, or be ending, since the caller was asked. */
void
evpop_round_known(struct evpop_round *round, const struct evpop_known *known,
    size_t count, enum evpop_known_part part, int64_t now_ms)
{
	if (round->step == ROUND_ASKING)
		evpop_survey_known(round->survey, known, count, part, now_ms);
}

/* There is nothing to do.  In a flight, QUIT went out with all the rest. */
static void
round_finish(struct evpop_round *round)
{
	if (round->flight == FLIGHT_NONE) {
		round_quit(round);
		return;
	}
	round->step = ROUND_QUITTING;
	if (round->flight == FLIGHT_LANDED)
		round_over(round, false);
}

void
evpop_round_unchanged(struct evpop_round *round)
{
	if (round->step == ROUND_ASKING && evpop_round_plan(round) == NULL)
		round_finish(round);
}

/*
 * What is about to wait may be a message that is here already; once it waits,
 * its header is not looked at.
 */
static bool
round_may_adopt(const struct evpop_round *round, const struct evpop_plan *plan)
{
	return plan->new_waits > 0 &&
	       evpop_plan_wants_sizes(plan, &round->policy);
}

static void
round_matched(const struct evpop_plan *plan, void *arg)
{
	struct evpop_round *round = arg;
	bool has_work = !round->is_stopping && !round->policy.dry_run &&
			(plan->fetches > 0 || plan->deletes > 0 ||
			    round_may_adopt(round, plan));

	/* The caller may have stopped it, while it was told what is gone. */
	if (round->step != ROUND_ASKING || round->caller->is_gone)
		return;
	if (round->flight != FLIGHT_NONE && has_work) {
		round_over(round, true);
		return;
	}
	evpop_caller_matched(round->caller, plan);
	if (round->step != ROUND_ASKING ||
	    (round->is_stopping && round->flight == FLIGHT_NONE))
		return;
	if (round->flight != FLIGHT_NONE) {
		round_planned(plan, round);
		return;
	}
	round->step = ROUND_COMPARING;
	evpop_survey_compare(round->survey);
}

/* The plan is final. */
static void
round_planned(const struct evpop_plan *plan, void *arg)
{
	struct evpop_round *round = arg;

	round->callbacks->planned(plan, round->arg);
	/* The caller may have stopped it: then QUIT is under way, or over. */
	if (round->step >= ROUND_QUITTING)
		return;
	if (round->flight != FLIGHT_NONE || round->policy.dry_run)
		round_finish(round);
	else
		round_transfer(round);
}

/* ---- transfer ---- */

static void
round_broken(const struct evpop_result *result, void *arg)
{
	struct evpop_round *round = arg;

	round->is_stopping = true;
	round_note_failure(round, result);
}

static void
round_doubted(const struct evpop_result *result, void *arg)
{
	struct evpop_round *round = arg;
	struct evpop_result doubt;

	evpop_result_set(&doubt, result->error, result->phase,
	    "%s: the server is not well, and nothing was deleted there",
	    result->text);
	round_note_failure(round, &doubt);
}

static void
round_abandoned(void *arg)
{
	struct evpop_round *round = arg;

	evpop_round_cancel(round, &round->outcome.result);
}

static const struct evpop_transfer_callbacks transfer_callbacks = {
	.broken = round_broken,
	.doubted = round_doubted,
	.abandoned = round_abandoned,
	.failed = round_failed,
	.finished = round_quit,
};

static void
round_transfer(struct evpop_round *round)
{
	const struct evpop_transfer_order order = {
		.client = round->client,
		.listing = evpop_survey_listing(round->survey),
		.plan = evpop_round_plan(round),
		.policy = &round->policy,
		.begun = round->begun,
		.caller = round->caller,
	};

	round->transfer =
	    evpop_transfer_new(&order, &transfer_callbacks, round);
	if (round->transfer == NULL) {
		round_failed(
		    EVPOP_ERROR_MEMORY, "no memory for the transfer", round);
		return;
	}
	round->step = ROUND_TRANSFER;
	/* Bodies are compared with their sizes before any is deleted. */
	if (!round->is_stopping)
		evpop_survey_size_bodies(round->survey);
	if (round->is_stopping)
		evpop_transfer_stop(round->transfer);
	evpop_transfer_start(round->transfer);
}

/* ---- QUIT, and the end ---- */

static void
round_quit(void *arg)
{
	struct evpop_round *round = arg;
	enum evpop_error error =
	    evpop_client_quit(round->client, round_quit_done, round);

	if (error == EVPOP_ERROR_NONE)
		round->step = ROUND_QUITTING;
	else
		round_failed(error, "no memory for a command", round);
}

static bool
round_has_marked(const struct evpop_round *round)
{
	return evpop_transfer_marked(round->transfer, 0) != NULL;
}

static void
round_quit_done(
    struct evpop_client *client, const struct evpop_reply *reply, void *arg)
{
	struct evpop_round *round = arg;

	(void)client;
	round->outcome.quit = reply->quit;
	/* The server has not deleted all that was marked. */
	if (reply->quit == EVPOP_QUIT_REFUSED && round_has_marked(round))
		round_note_failure(round, &reply->result);
}

static void
round_note_end(struct evpop_round *round, const struct evpop_result *result)
{
	struct evpop_round_outcome *outcome = &round->outcome;
	bool came_to_quit = round->step == ROUND_QUITTING;

	outcome->did_its_work =
	    came_to_quit && (round->transfer != NULL || round_is_well(round));
	outcome->end = round_is_well(round) ? *result : outcome->result;
	/* A body may wait for an answer, and QUIT behind it, when it ends. */
	if (!came_to_quit || round_has_marked(round) ||
	    evpop_round_tally(round)->cut > 0)
		outcome->result = outcome->end;
}

static void
round_closed(
    struct evpop_client *client, const struct evpop_result *result, void *arg)
{
	struct evpop_round *round = arg;

	(void)client;
	if (round->step == ROUND_OVER)
		return;
	evpop_transfer_closed(round->transfer, result);
	if (round->caller->is_gone)
		return;
	/* The caller is still asked. */
	if (round->flight != FLIGHT_NONE && round->step == ROUND_ASKING &&
	    round_is_well(round)) {
		round->flight = FLIGHT_LANDED;
		return;
	}
	round_note_end(round, result);
	round_over(round, false);
}

/* ---- what the caller does and asks ---- */

void
evpop_round_stop(struct evpop_round *round)
{
	round->is_stopping = true;
	switch (round->step) {
	case ROUND_IDLE:
	case ROUND_LISTING:
	case ROUND_COMPARING:
		/* QUIT follows the listing. */
		evpop_survey_stop(round->survey);
		break;
	case ROUND_TRANSFER:
		evpop_transfer_stop(round->transfer);
		break;
	case ROUND_ASKING:
		if (round->flight == FLIGHT_NONE)
			round_quit(round);
		break;
	default:
		break;
	}
}

struct evpop_client *
evpop_round_client(struct evpop_round *round)
{
	return round->client;
}

const struct evpop_listing *
evpop_round_listing(const struct evpop_round *round)
{
	return evpop_survey_listing(round->survey);
}

const struct evpop_plan *
evpop_round_plan(const struct evpop_round *round)
{
	return evpop_survey_plan(round->survey);
}

struct evpop_transfer *
evpop_round_transfer(const struct evpop_round *round)
{
	return round->transfer;
}

const struct evpop_transfer_tally *
evpop_round_tally(const struct evpop_round *round)
{
	return evpop_transfer_tally(round->transfer);
}

const struct evpop_round_outcome *
evpop_round_outcome(const struct evpop_round *round)
{
	return &round->outcome;
}
