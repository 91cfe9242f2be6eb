#include "lib/session/round.h"

#include <stdlib.h>

#include "lib/session/comparison.h"
#include "lib/session/survey.h"

enum round_step {
	ROUND_IDLE = 0,
	ROUND_LISTING,   /* up to a listing in which all have names */
	ROUND_ASKING,    /* for what is known */
	ROUND_COMPARING, /* LIST and TOP, where the plan depends on them */
	ROUND_TRANSFER,  /* RETR and DELE */
	ROUND_QUITTING,
	ROUND_OVER
};

enum round_flight {
	FLIGHT_NONE = 0,
	FLIGHT_UNDER_WAY, /* QUIT went out with UIDL */
	FLIGHT_LANDED     /* and the session is over, while known is asked */
};

struct evpop_round {
	struct evpop_caller caller;
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
	struct evpop_comparison *comparison;
	struct evpop_transfer *transfer;

	struct evpop_outcome outcome;
	unsigned busy; /* callbacks under way */
	bool is_freed;
};

static void round_carry_out(void *);

/* ---- life ---- */

static void
round_destroy(struct evpop_round *round)
{
	evpop_transfer_free(round->transfer);
	evpop_comparison_free(round->comparison);
	evpop_survey_free(round->survey);
	free(round);
}

void
evpop_round_free(struct evpop_round *round)
{
	if (round == NULL || round->is_freed)
		return;
	round->is_freed = true;
	round->step = ROUND_OVER;
	evpop_client_free(round->client);
	round->client = NULL;
	if (round->busy == 0)
		round_destroy(round);
}

/*
 * Around everything that runs callbacks: the round may be freed inside, and is
 * destroyed when the outermost leaves.
 */
static void
round_enter(struct evpop_round *round)
{
	round->busy++;
}

/* Returns whether it lives on. */
static bool
round_leave(struct evpop_round *round)
{
	bool lives = !round->is_freed;

	if (--round->busy == 0 && round->is_freed)
		round_destroy(round);
	return lives;
}

static void
round_over(struct evpop_round *round, bool needs_another)
{
	round->step = ROUND_OVER;
	round->callbacks->over(needs_another, round->arg);
}

/* ---- what goes wrong ---- */

void
evpop_round_cancel(struct evpop_round *round, const struct evpop_result *reason)
{
	if (round->step == ROUND_OVER)
		return;
	evpop_outcome_fail(&round->outcome, reason);
	round->is_stopping = true;
	evpop_survey_stop(round->survey);
	evpop_comparison_stop(round->comparison);
	evpop_client_cancel(round->client);
	if (round->flight == FLIGHT_LANDED)
		round_over(round, false);
}

/* The session cannot go on, for this reason: close without QUIT. */
static void
round_fail(struct evpop_round *round, enum evpop_error error,
    enum evpop_scope scope, const char *text)
{
	struct evpop_result result;

	evpop_result_set(&result, error, EVPOP_PHASE_COMMAND, "%s", text);
	result.scope = scope;
	evpop_round_cancel(round, &result);
}

/* Not for want of memory alone: a session that is ending takes no command. */
static void
round_failed(enum evpop_error error, const char *why, void *arg)
{
	struct evpop_round *round = arg;

	if (round->is_freed)
		return;
	round->is_stopping = true;
	/* Then its end says why; but no command is sent for what is known. */
	if (error == EVPOP_ERROR_MEMORY || round->step == ROUND_ASKING)
		round_fail(round, error, EVPOP_SCOPE_SESSION, why);
}

/* Whether the listing may be as large as it is, and a plan like this. */
static bool
round_may_hold(size_t plan_octets, void *arg)
{
	struct evpop_round *round = arg;
	size_t held = evpop_survey_held(round->survey) + plan_octets;
	bool may;

	if (round->is_freed)
		return false;
	round_enter(round);
	may = evpop_caller_hold(&round->caller, held);
	if (!may && !round->is_freed)
		round_fail(round, EVPOP_ERROR_LIMIT, EVPOP_SCOPE_ACCOUNT,
		    "the listing of the maildrop takes more memory than there "
		    "is for it");
	return round_leave(round) && may;
}

/* ---- QUIT ---- */

static void
round_quit_done(
    struct evpop_client *client, const struct evpop_reply *reply, void *arg)
{
	struct evpop_round *round = arg;

	(void)client;
	evpop_outcome_quit(
	    &round->outcome, evpop_transfer_has_marked(round->transfer), reply);
}

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

/* There is nothing to do: in a flight QUIT went out with all the rest. */
static void
round_take_leave(struct evpop_round *round)
{
	if (round->flight == FLIGHT_NONE) {
		round_quit(round);
		return;
	}
	round->step = ROUND_QUITTING;
	if (round->flight == FLIGHT_LANDED)
		round_over(round, false);
}

/* ---- what of it is known ---- */

static void
round_ask_known(void *arg)
{
	struct evpop_round *round = arg;

	if (round->is_stopping && round->flight == FLIGHT_NONE) {
		round_quit(round);
		return;
	}
	round->step = ROUND_ASKING;
	round->callbacks->listing(
	    evpop_survey_listing(round->survey), round->arg);
}

void
evpop_round_unchanged(struct evpop_round *round)
{
	if (round->step == ROUND_ASKING && evpop_round_plan(round) == NULL)
		round_take_leave(round);
}

static void
round_tell_gone(const struct evpop_known *known, void *arg)
{
	struct evpop_round *round = arg;

	if (!round->is_freed)
		evpop_caller_gone(&round->caller, known);
}

static bool
round_has_work(const struct evpop_round *round)
{
	const struct evpop_plan *plan = evpop_round_plan(round);

	return !round->is_stopping && !round->policy.dry_run &&
	       (plan->fetches > 0 || plan->deletes > 0);
}

/* The plan is made, as far as unique-ids tell. */
static void
round_matched(void *arg)
{
	struct evpop_round *round = arg;

	/* It may have been stopped while it was told what is gone. */
	if (round->step != ROUND_ASKING)
		return;
	if (round->flight != FLIGHT_NONE && round_has_work(round)) {
		round_over(round, true);
		return;
	}
	evpop_caller_matched(&round->caller, evpop_round_plan(round));
	if (round->is_freed || round->step != ROUND_ASKING ||
	    (round->is_stopping && round->flight == FLIGHT_NONE))
		return;
	if (round->flight != FLIGHT_NONE) {
		round_carry_out(round);
		return;
	}
	round->step = ROUND_COMPARING;
	evpop_comparison_settle(round->comparison, &round->policy);
}

static void
round_sized(void *arg)
{
	struct evpop_round *round = arg;

	/* They may have been asked for along with bodies. */
	if (round->step == ROUND_COMPARING)
		evpop_comparison_sized(round->comparison);
}

static const struct evpop_comparison_callbacks comparison_callbacks = {
	.gone = round_tell_gone,
	.may_hold = round_may_hold,
	.matched = round_matched,
	.planned = round_carry_out,
	.failed = round_failed,
};

/* The session may have ended, or be ending, while it was asked. */
void
evpop_round_known(struct evpop_round *round, const struct evpop_known *known,
    size_t count, enum evpop_known_part part, int64_t now_ms)
{
	round_enter(round);
	if (round->step == ROUND_ASKING)
		evpop_comparison_known(round->comparison, known, count, part,
		    &round->policy, now_ms);
	(void)round_leave(round);
}

/* ---- transfer ---- */

static void
round_broken(const struct evpop_result *result, void *arg)
{
	struct evpop_round *round = arg;

	round->is_stopping = true;
	evpop_outcome_fail(&round->outcome, result);
}

static void
round_doubted(const struct evpop_result *result, void *arg)
{
	struct evpop_round *round = arg;

	evpop_outcome_doubt(&round->outcome, result);
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
		.caller = &round->caller,
	};

	round->transfer =
	    evpop_transfer_new(&order, &transfer_callbacks, round);
	if (round->transfer == NULL) {
		round_failed(
		    EVPOP_ERROR_MEMORY, "no memory for the transfer", round);
		return;
	}
	round->step = ROUND_TRANSFER;
	/* Bodies are compared with it before any is deleted. */
	if (!round->is_stopping)
		evpop_survey_sizes_for(round->survey, evpop_round_plan(round));
	if (round->is_stopping)
		evpop_transfer_stop(round->transfer);
	evpop_transfer_start(round->transfer);
}

/* The plan is final. */
static void
round_carry_out(void *arg)
{
	struct evpop_round *round = arg;

	round_enter(round);
	round->callbacks->planned(evpop_round_plan(round), round->arg);
	/* It may have been stopped, and the QUIT be under way or over. */
	if (!round_leave(round) || round->step >= ROUND_QUITTING)
		return;
	if (round->flight != FLIGHT_NONE || round->policy.dry_run)
		round_take_leave(round);
	else
		round_transfer(round);
}

/* ---- the session ---- */

static enum evpop_outcome_stage
round_stage(const struct evpop_round *round)
{
	if (round->step != ROUND_QUITTING)
		return EVPOP_OUTCOME_EARLY;
	return round->transfer == NULL ? EVPOP_OUTCOME_IDLE
				       : EVPOP_OUTCOME_DONE;
}

static void
round_closed(
    struct evpop_client *client, const struct evpop_result *result, void *arg)
{
	struct evpop_round *round = arg;

	(void)client;
	if (round->step == ROUND_OVER)
		return;
	round_enter(round);
	evpop_transfer_closed(round->transfer, result);
	if (!round_leave(round))
		return;
	/* What is known is still asked for. */
	if (round->flight != FLIGHT_NONE && round->step == ROUND_ASKING &&
	    evpop_outcome_is_well(&round->outcome)) {
		round->flight = FLIGHT_LANDED;
		return;
	}
	evpop_outcome_close(&round->outcome, round_stage(round),
	    evpop_transfer_has_marked(round->transfer), result);
	round_over(round, false);
}

static void
round_trace(
    struct evpop_client *client, bool from_server, const char *line, void *arg)
{
	struct evpop_round *round = arg;

	(void)client;
	evpop_caller_trace(&round->caller, from_server, line);
}

static const struct evpop_client_callbacks client_callbacks = {
	.closed = round_closed,
};
static const struct evpop_client_callbacks tracing_callbacks = {
	.closed = round_closed,
	.trace = round_trace,
};

static void
round_grown(void *arg)
{
	(void)round_may_hold(0, arg);
}

/* Neither UIDL nor LIST: without a listing there is no session to speak of. */
static void
round_unlisted(const struct evpop_result *result, void *arg)
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

static const struct evpop_survey_callbacks survey_callbacks = {
	.grown = round_grown,
	.listed = round_ask_known,
	.sized = round_sized,
	.refused = round_unlisted,
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
	round->caller = *order->caller;
	round->callbacks = callbacks;
	round->arg = arg;
	round->begun = order->begun;
	round->may_fly = order->may_fly;
	round->client =
	    evpop_client_new(order->base, order->dns, &order->target->config,
		order->caller->callbacks->trace != NULL ? &tracing_callbacks
							: &client_callbacks,
		round);
	if (round->client != NULL)
		round->survey =
		    evpop_survey_new(round->client, &survey_callbacks, round);
	if (round->survey != NULL)
		round->comparison = evpop_comparison_new(
		    round->client, round->survey, &comparison_callbacks, round);
	if (round->comparison == NULL) {
		evpop_round_free(round);
		return NULL;
	}
	return round;
}

/*
 * A refused log-in ends the session; commands behind it are cancelled, and a
 * polite QUIT closes.
 */
static void
round_opened(
    struct evpop_client *client, const struct evpop_reply *reply, void *arg)
{
	struct evpop_round *round = arg;

	if (reply->result.error == EVPOP_ERROR_NONE ||
	    round->outcome.result.error != EVPOP_ERROR_NONE)
		return;
	round->outcome.result = reply->result;
	evpop_survey_stop(round->survey);
	if (evpop_client_state(client) == EVPOP_STATE_AUTHORIZATION)
		round_quit(round);
}

/* What is only looked at, or counted, wants the whole plan. */
static bool
round_flies(const struct evpop_round *round)
{
	return round->may_fly && round->policy.expect_nothing &&
	       !round->policy.dry_run && !round->policy.baseline &&
	       evpop_client_takes_flight(round->client);
}

/* The whole session is queued, as far as it does not depend on the listing. */
enum evpop_error
evpop_round_start(struct evpop_round *round, const struct evpop_policy *policy,
    const struct evpop_credentials *credentials)
{
	struct evpop_client *client = round->client;
	/* What is deleted at once needs no name. */
	bool wants_names = policy->keep != EVPOP_KEEP_NONE || policy->baseline;
	enum evpop_error error;

	round->policy = *policy;
	if (round_flies(round))
		round->flight = FLIGHT_UNDER_WAY;
	error = evpop_client_connect(client, round_opened, round);
	if (error == EVPOP_ERROR_NONE)
		error = evpop_client_login(
		    client, credentials, round_opened, round);
	if (error == EVPOP_ERROR_NONE)
		error = evpop_survey_start(
		    round->survey, round->flight != FLIGHT_NONE, wants_names);
	if (error == EVPOP_ERROR_NONE && round->flight != FLIGHT_NONE)
		error = evpop_client_quit(client, round_quit_done, round);
	if (error == EVPOP_ERROR_NONE)
		round->step = ROUND_LISTING;
	return error;
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
		/* Once complete, it is followed by QUIT. */
		evpop_survey_stop_naming(round->survey);
		evpop_comparison_stop(round->comparison);
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
evpop_round_listing(struct evpop_round *round)
{
	return evpop_survey_listing(round->survey);
}

const struct evpop_plan *
evpop_round_plan(const struct evpop_round *round)
{
	return evpop_comparison_plan(round->comparison);
}

struct evpop_transfer *
evpop_round_transfer(const struct evpop_round *round)
{
	return round->transfer;
}

const struct evpop_outcome *
evpop_round_outcome(const struct evpop_round *round)
{
	return &round->outcome;
}
