#include "daemon/deliver/target_list.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config/config.h"
#include "daemon/config/target.h"
#include "daemon/deliver/basis.h"
#include "daemon/log/log.h"
#include "lib/base/array.h"

/* Of inline bodies in memory, of each target. */
#define OCTETS_MOST ((size_t)1 << 20)

struct target_list {
	const struct target_world *world;
	struct target **targets;
	size_t count, room;
	/* For targets that only the store knows; whether they were counted. */
	uint64_t stranded;
	bool has_stranded;
};

struct target_list *
target_list_new(const struct target_world *world)
{
	struct target_list *list = calloc(1, sizeof(*list));

	if (list != NULL)
		list->world = world;
	return list;
}

void
target_list_free(struct target_list **list_p)
{
	struct target_list *list = *list_p;

	*list_p = NULL;
	if (list == NULL)
		return;
	for (size_t i = 0; i < list->count; i++)
		target_free(&list->targets[i]);
	free(list->targets);
	free(list);
}

size_t
target_list_count(const struct target_list *list)
{
	return list->count;
}

struct target *
target_list_at(const struct target_list *list, size_t index)
{
	return index < list->count ? list->targets[index] : NULL;
}

/* Where it is, or would be. */
static size_t
target_list_place(const struct target_list *list, const char *name)
{
	size_t low = 0, high = list->count, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (strcmp(target_name(list->targets[middle]), name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct target *
target_list_find(const struct target_list *list, const char *name)
{
	size_t at = target_list_place(list, name);

	return at < list->count &&
		       strcmp(target_name(list->targets[at]), name) == 0
		   ? list->targets[at]
		   : NULL;
}

/* False without memory. */
static bool
target_list_add(struct target_list *list, const char *name)
{
	size_t at = target_list_place(list, name);
	struct target **targets, *target;

	if (target_list_find(list, name) != NULL)
		return true;
	targets = evpop_array_grow(
	    list->targets, list->count, &list->room, sizeof(struct target *));
	if (targets == NULL)
		return false;
	list->targets = targets;
	target = target_new(list->world, name);
	if (target == NULL)
		return false;
	memmove(&targets[at + 1], &targets[at],
	    (list->count - at) * sizeof(targets[0]));
	targets[at] = target;
	list->count++;
	return true;
}

const struct target *
target_list_find_full(
    const struct target_list *list, const struct config_strings *names)
{
	const struct target *target;

	for (size_t i = 0; i < names->count; i++) {
		target = target_list_find(list, names->items[i]);
		if (target != NULL && target_is_full(target))
			return target;
	}
	return NULL;
}

bool
target_list_reserve(struct target_list *list, const struct config *config)
{
	for (size_t i = 0; i < config->target_count; i++)
		if (!target_list_add(list, config->targets[i]->name))
			return false;
	return true;
}

void
target_list_configure(struct target_list *list, struct basis *basis)
{
	const struct config *config = basis_config(basis);
	size_t octets = 0;

	if (config->target_count > 0)
		octets =
		    (size_t)config->memory_limit / 4 / config->target_count;
	if (octets > OCTETS_MOST)
		octets = OCTETS_MOST;
	for (size_t i = 0; i < list->count; i++)
		target_configure(list->targets[i], basis, octets);
}

void
target_list_sweep(struct target_list *list, const struct config *config)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++) {
		struct target *target = list->targets[i];

		if (config_target_find(config, target_name(target)) == NULL &&
		    target_is_empty(target))
			target_free(&target);
		else
			list->targets[kept++] = target;
	}
	list->count = kept;
}

/* ---- figures ---- */

static void
target_list_warn_of_strangers(const struct store_outbox_figures *figures)
{
	if (figures->waiting > 0)
		log_write(LOG_LEVEL_WARNING, NULL,
		    "%" PRIu64 " messages wait for target %s, which is not "
		    "configured; they are kept",
		    figures->waiting, figures->target);
}

/* The store knows only those to which something went or goes. */
static void
target_list_count_unknown(struct target_list *list,
    const struct store_outbox_figures *figures, size_t count)
{
	static const struct store_outbox_figures nothing = { .waiting = 0 };
	size_t known = 0;
	int order;

	for (size_t i = 0; i < list->count; i++) {
		order = 1;
		while (
		    known < count && (order = strcmp(figures[known].target,
					  target_name(list->targets[i]))) < 0)
			known++;
		if (known == count || order > 0)
			target_set_figures(list->targets[i], &nothing);
	}
}

void
target_list_set_figures(struct target_list *list,
    const struct store_outbox_figures *figures, size_t count, bool is_first)
{
	struct target *target;

	list->stranded = 0;
	for (size_t i = 0; i < count; i++) {
		target = target_list_find(list, figures[i].target);
		if (target == NULL)
			list->stranded += figures[i].waiting;
		if (target != NULL) {
			target_set_figures(target, &figures[i]);
			if (is_first && figures[i].paused_ms != 0 &&
			    !target_is_paused(target))
				target_pause(target, figures[i].paused_ms,
				    figures[i].paused_by);
		} else if (is_first)
			target_list_warn_of_strangers(&figures[i]);
	}
	target_list_count_unknown(list, figures, count);
}

void
target_list_kick(struct target_list *list, const char *name)
{
	list->has_stranded = false;
	for (size_t i = 0; i < list->count; i++) {
		if (name != NULL &&
		    strcmp(target_name(list->targets[i]), name) != 0)
			continue;
		target_recount(list->targets[i]);
		target_kick(list->targets[i]);
	}
}

void
target_list_ask(struct target_list *list)
{
	list->has_stranded = true;
	for (size_t i = 0; i < list->count; i++)
		target_ask(list->targets[i]);
}

bool
target_list_is_counted(const struct target_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (!target_is_counted(list->targets[i]) &&
		    target_is_enabled(list->targets[i]))
			return false;
	return list->has_stranded;
}

void
target_list_totals(
    const struct target_list *list, struct deliver_totals *totals)
{
	struct deliver_status status;

	*totals = (struct deliver_totals){ .targets = list->count,
		.stranded = list->stranded };
	for (size_t i = 0; i < list->count; i++) {
		target_status(list->targets[i], &status);
		totals->down += status.state == DELIVER_DOWN;
		totals->refused += status.state == DELIVER_REFUSED;
		totals->paused += status.state == DELIVER_PAUSED;
		totals->waiting += status.waiting;
		if (status.state != DELIVER_PAUSED &&
		    status.state != DELIVER_DISABLED)
			totals->overdue += status.waiting;
		totals->refused_messages += status.refused;
		totals->delivered += status.done;
		totals->failed += status.put_off + status.refusals;
		totals->refusals += status.refusals;
	}
}
