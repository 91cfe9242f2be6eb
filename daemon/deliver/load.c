#include "daemon/deliver/load.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/deliver/packing.h"

TAILQ_HEAD(load_list, load_item);

struct load {
	struct load_list lists[LOAD_STAGE_COUNT];
	size_t counts[LOAD_STAGE_COUNT];
	int64_t highest_id; /* of all that were ever added */
};

struct load *
load_new(void)
{
	struct load *load = calloc(1, sizeof(*load));

	for (int i = 0; load != NULL && i < LOAD_STAGE_COUNT; i++)
		TAILQ_INIT(&load->lists[i]);
	return load;
}

bool
load_add(struct load *load, const struct store_outbox_due *due,
    struct parcel *parcel, struct trips *owner)
{
	struct load_item *item = malloc(sizeof(*item));
	char *account = strdup(due->account);

	if (item == NULL || account == NULL) {
		free(item);
		free(account);
		return false;
	}
	*item = (struct load_item){
		.account = account,
		.id = due->id,
		.message_id = due->message_id,
		.account_id = due->account_id,
		.queued_ms = due->queued_ms,
		.octets = due->octets,
		.attempts = due->attempts,
		.may_be_there = due->may_be_there,
		.parcel = parcel,
		.owner = owner,
	};
	TAILQ_INSERT_TAIL(&load->lists[LOAD_QUEUED], item, link);
	load->counts[LOAD_QUEUED]++;
	if (item->id > load->highest_id)
		load->highest_id = item->id;
	return true;
}

static void
load_take_out(struct load *load, struct load_item *item)
{
	TAILQ_REMOVE(&load->lists[item->stage], item, link);
	load->counts[item->stage]--;
}

void
load_remove(struct load *load, struct load_item *item)
{
	load_take_out(load, item);
	packing_free(&item->parcel);
	free((char *)(uintptr_t)item->account);
	free(item);
}

void
load_enter(struct load *load, struct load_item *item, enum load_stage stage)
{
	load_take_out(load, item);
	item->stage = stage;
	TAILQ_INSERT_TAIL(&load->lists[stage], item, link);
	load->counts[stage]++;
}

bool
load_has(const struct load *load, int64_t id)
{
	const struct load_item *item;

	/* Rows come in their order, and most of them are new. */
	if (id > load->highest_id)
		return false;
	for (int i = 0; i < LOAD_STAGE_COUNT; i++)
		TAILQ_FOREACH(item, &load->lists[i], link)
			if (item->id == id)
				return true;
	return false;
}

size_t
load_count(const struct load *load, enum load_stage stage)
{
	return load->counts[stage];
}

/* Whether something of an account has to be over first. */
static bool
load_is_held(const struct load *load, int64_t account_id)
{
	const struct load_item *item;

	TAILQ_FOREACH(item, &load->lists[LOAD_UNDER_WAY], link)
		if (item->account_id == account_id)
			return true;
	TAILQ_FOREACH(item, &load->lists[LOAD_SETTLING], link)
		if (item->holds && item->account_id == account_id)
			return true;
	return false;
}

struct load_item *
load_next(const struct load *load, bool is_ordered)
{
	struct load_item *item;

	TAILQ_FOREACH(item, &load->lists[LOAD_QUEUED], link)
		if (!is_ordered || !load_is_held(load, item->account_id))
			return item;
	return NULL;
}

void
load_drop_queued(struct load *load, int64_t account_id)
{
	struct load_item *item, *next;

	for (item = TAILQ_FIRST(&load->lists[LOAD_QUEUED]); item != NULL;
	     item = next) {
		next = TAILQ_NEXT(item, link);
		if (account_id == LOAD_ANY_ACCOUNT ||
		    item->account_id == account_id)
			load_remove(load, item);
	}
}

void
load_drop_behind(struct load *load, const struct load_item *item)
{
	load_drop_queued(load, item->account_id);
}

void
load_put_back(struct load *load, struct load_item *item)
{
	int64_t account_id = item->account_id;

	load_remove(load, item);
	load_drop_queued(load, account_id);
}

int64_t
load_id(const struct load_item *item)
{
	return item->id;
}

struct parcel *
load_parcel(const struct load_item *item)
{
	return item->parcel;
}

bool
load_holds(const struct load_item *item)
{
	return item->holds;
}

void
load_set_judged(struct load_item *item, bool is_judged)
{
	item->is_judged = is_judged;
}

void
load_free(struct load **load_p)
{
	struct load *load = *load_p;
	struct load_item *item;

	*load_p = NULL;
	for (int i = 0; load != NULL && i < LOAD_STAGE_COUNT; i++)
		while ((item = TAILQ_FIRST(&load->lists[i])) != NULL)
			load_remove(load, item);
	free(load);
}

struct load_item *
load_next_but(const struct load *load, int64_t id, bool is_ordered)
{
	const struct load_item *first = TAILQ_FIRST(&load->lists[LOAD_QUEUED]);
	struct load_item *item;

	TAILQ_FOREACH(item, &load->lists[LOAD_QUEUED], link)
		if (item->id != id &&
		    !(is_ordered && item->account_id == first->account_id))
			return item;
	return NULL;
}

struct load_item *
load_first(const struct load *load, enum load_stage stage)
{
	return TAILQ_FIRST(&load->lists[stage]);
}

struct load_item *
load_find(const struct load *load, const struct parcel *parcel)
{
	struct load_item *item;

	TAILQ_FOREACH(item, &load->lists[LOAD_UNDER_WAY], link)
		if (item->parcel == parcel)
			return item;
	return NULL;
}

struct load_item *
load_judged(const struct load *load)
{
	struct load_item *item;

	TAILQ_FOREACH(item, &load->lists[LOAD_UNDER_WAY], link)
		if (item->is_judged)
			return item;
	return NULL;
}
