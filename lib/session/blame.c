#include "lib/session/blame.h"

void
evpop_blame_excuse_all(struct evpop_blame *blame)
{
	blame->is_placed = true;
}

bool
evpop_blame_place(struct evpop_blame *blame, const struct evpop_entry *entry,
    bool has_begun, void *message, const struct evpop_result *result)
{
	/* These say nothing of a message. */
	if (result->error == EVPOP_ERROR_CANCELLED ||
	    result->error == EVPOP_ERROR_MEMORY || blame->is_placed)
		return false;
	*blame = (struct evpop_blame){
		.is_placed = true,
		.is_owed = true,
		.entry = entry,
		.has_begun = has_begun,
		.message = message,
		.result = *result,
	};
	return true;
}

void
evpop_blame_tell(struct evpop_blame *blame, const struct evpop_caller *caller,
    bool is_repeated)
{
	struct evpop_blame told = *blame;

	blame->is_owed = false;
	if (!told.is_owed)
		return;
	if (is_repeated)
		evpop_result_set(&told.result, EVPOP_ERROR_CANCELLED,
		    EVPOP_PHASE_BODY, "to be fetched again at once: %s",
		    blame->result.text);
	if (told.has_begun)
		evpop_caller_end(
		    caller, told.entry, told.message, &told.result);
	else if (!is_repeated)
		evpop_caller_refused(caller, told.entry, &told.result);
}
