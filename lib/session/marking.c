#include "lib/session/marking.h"

#include <stdlib.h>

/* DELEs that are handed to the client ahead of their answers. */
#define MARKING_AHEAD 128

struct evpop_marking {
	struct evpop_client *client;
	const struct evpop_listing *listing;
	evpop_marking_cb answered, revoked;
	void *arg;
	bool is_revoking; /* RSET is under way */
	/*
	 * Answers come in the order of what is due.  What is marked stands in
	 * front, compacted.
	 */
	size_t due_count, sent_count, answered_count, marked_count;
	uint32_t indices[];
};

struct evpop_marking *
evpop_marking_new(struct evpop_client *client,
    const struct evpop_listing *listing, size_t room)
{
	struct evpop_marking *marking;

	marking =
	    calloc(1, sizeof *marking + room * sizeof marking->indices[0]);
	if (marking == NULL)
		return NULL;
	marking->client = client;
	marking->listing = listing;
	return marking;
}

void
evpop_marking_free(struct evpop_marking *marking)
{
	free(marking);
}

void
evpop_marking_add(struct evpop_marking *marking, uint32_t index)
{
	marking->indices[marking->due_count++] = index;
}

void
evpop_marking_drop(struct evpop_marking *marking, const struct evpop_plan *plan)
{
	size_t i, kept = marking->sent_count;

	for (i = marking->sent_count; i < marking->due_count; i++)
		if (plan->actions[marking->indices[i]] != EVPOP_ACTION_DELETE)
			marking->indices[kept++] = marking->indices[i];
	marking->due_count = kept;
}

static void
marking_answered(
    struct evpop_client *client, const struct evpop_reply *reply, void *arg)
{
	struct evpop_marking *marking = arg;
	uint32_t index = marking->indices[marking->answered_count++];

	(void)client;
	if (reply->result.error == EVPOP_ERROR_NONE)
		marking->indices[marking->marked_count++] = index;
	marking->answered(&reply->result, marking->arg);
}

enum evpop_error
evpop_marking_send(
    struct evpop_marking *marking, evpop_marking_cb answered, void *arg)
{
	const struct evpop_entry *entry;
	enum evpop_error error;

	marking->answered = answered;
	marking->arg = arg;
	while (marking->sent_count < marking->due_count &&
	       marking->sent_count - marking->answered_count < MARKING_AHEAD) {
		entry = &marking->listing
			     ->entries[marking->indices[marking->sent_count]];
		error = evpop_client_dele(
		    marking->client, entry->number, marking_answered, marking);
		if (error != EVPOP_ERROR_NONE)
			return error;
		marking->sent_count++;
	}
	return EVPOP_ERROR_NONE;
}

static void
marking_revoked(
    struct evpop_client *client, const struct evpop_reply *reply, void *arg)
{
	struct evpop_marking *marking = arg;

	(void)client;
	marking->is_revoking = false;
	if (reply->result.error == EVPOP_ERROR_NONE)
		marking->marked_count = 0;
	marking->revoked(&reply->result, marking->arg);
}

enum evpop_error
evpop_marking_revoke(
    struct evpop_marking *marking, evpop_marking_cb revoked, void *arg)
{
	marking->due_count = marking->sent_count;
	if (marking->sent_count == 0)
		return EVPOP_ERROR_NONE;
	marking->is_revoking = true;
	marking->revoked = revoked;
	marking->arg = arg;
	return evpop_client_rset(marking->client, marking_revoked, marking);
}

bool
evpop_marking_is_idle(const struct evpop_marking *marking)
{
	return marking->answered_count == marking->sent_count &&
	       !marking->is_revoking;
}

bool
evpop_marking_is_done(const struct evpop_marking *marking)
{
	return marking->answered_count == marking->due_count;
}

const struct evpop_entry *
evpop_marking_entry(const struct evpop_marking *marking, size_t at)
{
	return at < marking->marked_count
		   ? &marking->listing->entries[marking->indices[at]]
		   : NULL;
}
