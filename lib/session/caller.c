#include "lib/session/caller.h"

#include "lib/core/reply.h"

/* Memory is asked for in steps of this. */
#define HOLD_STEP 65536

void
evpop_caller_gone(
    const struct evpop_caller *caller, const struct evpop_known *known)
{
	if (!caller->is_gone && caller->callbacks->gone != NULL)
		caller->callbacks->gone(caller->sync, known, caller->arg);
}

void
evpop_caller_matched(
    const struct evpop_caller *caller, const struct evpop_plan *plan)
{
	if (!caller->is_gone && caller->callbacks->matched != NULL)
		caller->callbacks->matched(caller->sync, plan, caller->arg);
}

void
evpop_caller_planned(
    const struct evpop_caller *caller, const struct evpop_plan *plan)
{
	if (!caller->is_gone && caller->callbacks->planned != NULL)
		caller->callbacks->planned(caller->sync, plan, caller->arg);
}

void
evpop_caller_header(
    const struct evpop_caller *caller, struct evpop_header *header)
{
	if (!caller->is_gone && caller->callbacks->header != NULL)
		caller->callbacks->header(caller->sync, header, caller->arg);
}

enum evpop_flow
evpop_caller_begin(const struct evpop_caller *caller,
    const struct evpop_entry *entry, enum evpop_action action, void **message_r)
{
	if (caller->is_gone || caller->callbacks->begin == NULL)
		return EVPOP_FLOW_CONTINUE;
	return caller->callbacks->begin(
	    caller->sync, entry, action, message_r, caller->arg);
}

enum evpop_flow
evpop_caller_data(const struct evpop_caller *caller, void *message,
    const unsigned char *bytes, size_t length)
{
	if (caller->is_gone || caller->callbacks->data == NULL)
		return EVPOP_FLOW_CONTINUE;
	return caller->callbacks->data(
	    caller->sync, message, bytes, length, caller->arg);
}

void
evpop_caller_end(const struct evpop_caller *caller,
    const struct evpop_entry *entry, void *message,
    const struct evpop_result *result)
{
	if (!caller->is_gone)
		caller->callbacks->end(
		    caller->sync, entry, message, result, caller->arg);
}

void
evpop_caller_refused(const struct evpop_caller *caller,
    const struct evpop_entry *entry, const struct evpop_result *result)
{
	struct evpop_result told = *result;

	if (caller->is_gone || caller->callbacks->refused == NULL)
		return;
	/*
	 * Words say too little of a message, but they tell whether to try
	 * later.
	 */
	evpop_refusal_by_words(&told);
	told.scope = result->scope;
	caller->callbacks->refused(caller->sync, entry, &told, caller->arg);
}

void
evpop_caller_deleted(
    const struct evpop_caller *caller, const struct evpop_entry *entry)
{
	if (!caller->is_gone && caller->callbacks->deleted != NULL)
		caller->callbacks->deleted(caller->sync, entry, caller->arg);
}

void
evpop_caller_trace(
    const struct evpop_caller *caller, bool from_server, const char *line)
{
	if (!caller->is_gone && caller->callbacks->trace != NULL)
		caller->callbacks->trace(
		    caller->sync, from_server, line, caller->arg);
}

void
evpop_caller_done(
    const struct evpop_caller *caller, const struct evpop_sync_report *report)
{
	if (!caller->is_gone)
		caller->callbacks->done(caller->sync, report, caller->arg);
}

bool
evpop_caller_hold(struct evpop_caller *caller, size_t octets)
{
	if (caller->is_gone)
		return false;
	if (octets < caller->held + HOLD_STEP)
		return true;
	caller->held = octets;
	return caller->callbacks->hold == NULL ||
	       caller->callbacks->hold(caller->sync, octets, caller->arg);
}
