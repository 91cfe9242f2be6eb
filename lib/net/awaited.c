#include "lib/net/awaited.h"

#include "lib/core/session.h"

enum evpop_phase
evpop_awaited_phase(const struct evpop_proto *proto, bool is_inside)
{
	if (evpop_proto_state(proto) != EVPOP_STATE_GREETING &&
	    evpop_proto_awaited(proto) == EVPOP_COMMAND_NONE)
		return EVPOP_PHASE_NONE;
	return is_inside ? EVPOP_PHASE_BODY : evpop_session_phase(proto);
}

void
evpop_awaited_describe(const struct evpop_proto *proto, enum evpop_phase phase,
    const char *limit, struct evpop_result *result)
{
	const char *command = evpop_command_name(evpop_proto_awaited(proto));

	switch (phase) {
	case EVPOP_PHASE_GREETING:
		evpop_result_set(result, EVPOP_ERROR_TIMEOUT, phase,
		    "the server sent no greeting within %s", limit);
		break;
	case EVPOP_PHASE_LOGIN:
		evpop_result_set(result, EVPOP_ERROR_TIMEOUT, phase,
		    "the log-in was not answered within %s", limit);
		break;
	case EVPOP_PHASE_BODY:
		evpop_result_set(result, EVPOP_ERROR_TIMEOUT, phase,
		    "the server was silent for %s amid its answer to %s", limit,
		    command);
		break;
	default:
		evpop_result_set(result, EVPOP_ERROR_TIMEOUT, phase,
		    "%s was not answered within %s", command, limit);
		break;
	}
}
