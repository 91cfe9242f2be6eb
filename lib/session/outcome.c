#include "lib/session/outcome.h"

bool
evpop_outcome_is_well(const struct evpop_outcome *outcome)
{
	return outcome->result.error == EVPOP_ERROR_NONE;
}

void
evpop_outcome_fail(
    struct evpop_outcome *outcome, const struct evpop_result *result)
{
	if (evpop_outcome_is_well(outcome))
		outcome->result = *result;
}

void
evpop_outcome_doubt(
    struct evpop_outcome *outcome, const struct evpop_result *result)
{
	struct evpop_result doubt;

	evpop_result_set(&doubt, result->error, result->phase,
	    "%s: the server is not well, and nothing was deleted there",
	    result->text);
	evpop_outcome_fail(outcome, &doubt);
}

void
evpop_outcome_quit(struct evpop_outcome *outcome, bool deletes,
    const struct evpop_reply *reply)
{
	outcome->quit = reply->quit;
	if (reply->quit == EVPOP_QUIT_REFUSED && deletes)
		evpop_outcome_fail(outcome, &reply->result);
}

void
evpop_outcome_close(struct evpop_outcome *outcome,
    enum evpop_outcome_stage stage, bool deletes,
    const struct evpop_result *result)
{
	outcome->did_its_work =
	    stage == EVPOP_OUTCOME_DONE ||
	    (stage == EVPOP_OUTCOME_IDLE && evpop_outcome_is_well(outcome));
	outcome->end =
	    evpop_outcome_is_well(outcome) ? *result : outcome->result;
	if (stage == EVPOP_OUTCOME_EARLY || deletes)
		outcome->result = outcome->end;
}
