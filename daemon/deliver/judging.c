#include "daemon/deliver/judging.h"

#include <sys/queue.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config/target.h"
#include "daemon/deliver/load.h"
#include "daemon/deliver/packing.h"
#include "daemon/deliver/verdict.h"
#include "daemon/store/outbox.h"

/* An answer of the store that may outlive us. */
struct judging_call {
	LIST_ENTRY(judging_call) link;
	struct judging *judging; /* NULL: it has gone */
	struct load_item *item;
	char *to;
};

struct judging {
	const struct target_world *world;
	struct load *load;
	const struct config_target *config; /* of those who are asked */
	struct verdicts *verdicts;          /* NULL: nobody has been asked */
	judged_cb judged;
	judging_left_cb left;
	void *arg;
	judging_probed_cb probed; /* NULL: it is not probed */
	void *probed_arg;
	LIST_HEAD(, judging_call) calls;
};

struct judging *
judging_new(const struct target_world *world, struct load *load,
    judged_cb judged, judging_left_cb left, void *arg)
{
	struct judging *judging = calloc(1, sizeof(*judging));

	if (judging == NULL)
		return NULL;
	judging->world = world;
	judging->load = load;
	judging->judged = judged;
	judging->left = left;
	judging->arg = arg;
	LIST_INIT(&judging->calls);
	return judging;
}

static void
judging_tell(struct judging *judging, struct load_item *item,
    enum judged judged, const char *text)
{
	load_set_judged(item, false);
	judging->judged(item, judged, text, judging->arg);
}

/* ---- to another target ---- */

static void
judging_moved(enum store_status status, void *arg)
{
	struct judging_call *call = arg;

	if (call->judging != NULL) {
		LIST_REMOVE(call, link);
		call->judging->left(
		    call->item, status, call->to, call->judging->arg);
	}
	free(call->to);
	free(call);
}

static void
judging_move(
    struct judging *judging, struct load_item *item, const char *reason)
{
	struct judging_call *call = calloc(1, sizeof(*call));
	char *to = strdup(judging->config->spam_target);

	if (call == NULL || to == NULL) {
		free(call);
		free(to);
		judging_tell(judging, item, JUDGED_NOT, NULL);
		return;
	}
	call->judging = judging;
	call->item = item;
	call->to = to;
	LIST_INSERT_HEAD(&judging->calls, call, link);
	judging_tell(judging, item, JUDGED_LEAVES, NULL);
	store_outbox_redirect(judging->world->store, load_id(item), to, reason,
	    judging_moved, call);
}

/* ---- verdicts ---- */

static void
judging_answered(
    struct parcel *parcel, const struct verdict *verdict, void *arg)
{
	struct judging *judging = arg;
	struct load_item *item = load_find(judging->load, parcel);
	enum judged judged = JUDGED_GOES;

	assert(item != NULL);
	if (verdict->outcome == VERDICT_UNREAD)
		judged = JUDGED_UNREAD;
	else if (verdict->outcome == VERDICT_DOWN)
		judged = JUDGED_DOWN;
	else if (verdict->is_spam && judging->config->spam_target != NULL) {
		judging_move(judging, item, verdict->text);
		return;
	} else {
		parcel_rewind(parcel);
		if (verdict->lines != NULL &&
		    !packing_add_lines(parcel, verdict->lines))
			judged = JUDGED_NOT;
	}
	judging_tell(judging, item, judged, verdict->text);
}

static bool
judging_open(struct judging *judging, const struct config_target *config)
{
	judging->config = config;
	if (judging->verdicts == NULL)
		judging->verdicts = verdicts_new(config, judging->world->base,
		    judging->world->names, judging_answered, judging);
	return judging->verdicts != NULL;
}

void
judging_ask(struct judging *judging, const struct config_target *config,
    struct load_item *item)
{
	load_set_judged(item, true);
	if (!judging_open(judging, config) ||
	    !verdict_ask(judging->verdicts, load_parcel(item)))
		judging_tell(judging, item, JUDGED_NOT, NULL);
}

static void
judging_tell_probe(bool works, const char *text, void *arg)
{
	struct judging *judging = arg;
	judging_probed_cb probed = judging->probed;

	judging->probed = NULL;
	probed(works, works ? "rspamd answers" : text, judging->probed_arg);
}

bool
judging_probe(struct judging *judging, const struct config_target *config,
    judging_probed_cb probed, void *arg)
{
	if (judging->probed != NULL || !judging_open(judging, config) ||
	    !verdict_probe(judging->verdicts, judging_tell_probe, judging))
		return false;
	judging->probed = probed;
	judging->probed_arg = arg;
	return true;
}

void
judging_forget(struct judging *judging)
{
	struct load_item *item;

	while ((item = load_judged(judging->load)) != NULL) {
		verdict_forget(judging->verdicts, load_parcel(item));
		judging_tell(judging, item, JUDGED_NOT, NULL);
	}
	if (judging->verdicts != NULL)
		verdicts_free(&judging->verdicts);
	judging->config = NULL;
	if (judging->probed != NULL)
		judging_tell_probe(
		    false, "the configuration has changed", judging);
}

void
judging_free(struct judging **judging_p)
{
	struct judging *judging = *judging_p;
	struct judging_call *call;

	*judging_p = NULL;
	if (judging == NULL)
		return;
	if (judging->verdicts != NULL)
		verdicts_free(&judging->verdicts);
	while ((call = LIST_FIRST(&judging->calls)) != NULL) {
		LIST_REMOVE(call, link);
		call->judging = NULL;
	}
	free(judging);
}
