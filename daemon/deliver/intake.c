#include "daemon/deliver/intake.h"

#include <stdlib.h>

#include "daemon/config/config.h"
#include "daemon/config/target.h"
#include "daemon/deliver/basis.h"
#include "daemon/deliver/carrier.h"
#include "daemon/deliver/load.h"
#include "daemon/deliver/packing.h"
#include "daemon/deliver/taking.h"
#include "lib/base/clock.h"

/* Rows in memory, where those of an account wait for each other. */
#define ORDERED_MOST 1024
/* To try a target that is down; one of them may be why. */
#define FEW 16
/* The store is asked again after it failed. */
#define STORE_AGAIN_MS 5000

struct intake {
	const struct target_world *world;
	struct load *load;
	struct trips *owner;
	struct basis *basis;
	const struct config_target *config; /* NULL: there is none */
	size_t octets;
	bool is_open;
	struct taking *taking;
	int64_t store_again_ms; /* it failed: not before, monotonic */
	bool pass_had_rows;     /* in order: others may wait behind them */
	void (*wake)(void *arg);
	void *arg;
};

void
intake_wait_for_store(struct intake *intake)
{
	intake->store_again_ms = evpop_clock_monotonic_ms() + STORE_AGAIN_MS;
}

int64_t
intake_store_again_ms(const struct intake *intake)
{
	return intake->store_again_ms;
}

static bool
intake_is_ordered(const struct intake *intake)
{
	return intake->config != NULL &&
	       intake->config->order == CONFIG_TARGET_ORDER_ACCOUNT;
}

/* ---- rows come in ---- */

static bool
intake_take_row(struct intake *intake, const struct store_outbox_due *due)
{
	const struct config_account *account =
	    config_find(basis_config(intake->basis), due->account);
	const struct packing packing = {
		.store = intake->world->store,
		.target = intake->config,
		.deliver_to = account != NULL ? account->deliver_to : NULL,
	};
	struct parcel *parcel = packing_new(due, &packing);

	if (parcel != NULL &&
	    load_add(intake->load, due, parcel, intake->owner))
		return true;
	packing_free(&parcel);
	return false;
}

static void
intake_take_rows(
    struct intake *intake, const struct store_outbox_due *due, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (load_has(intake->load, due[i].id))
			continue;
		if (!intake_take_row(intake, &due[i])) {
			taking_anew(intake->taking);
			intake_wait_for_store(intake);
			break;
		}
	}
	intake->pass_had_rows |= count > 0;
}

/*
 * What is settled is not taken again, also where the rows were read before that
 * was written; and what has to wait for it is not either.
 */
void
intake_settled(struct intake *intake, struct load_item *item)
{
	if (load_holds(item) && intake_is_ordered(intake))
		load_drop_behind(intake->load, item);
	if (taking_is_asked(intake->taking))
		load_enter(intake->load, item, LOAD_SETTLED);
	else
		load_remove(intake->load, item);
}

static void
intake_forget_settled(struct intake *intake)
{
	struct load_item *item;

	while ((item = load_first(intake->load, LOAD_SETTLED)) != NULL)
		intake_settled(intake, item);
}

static void
intake_taken(enum store_status status, const struct store_outbox_due *due,
    size_t count, void *arg)
{
	struct intake *intake = arg;

	intake->wake(intake->arg);
	if (status != STORE_OK)
		intake_wait_for_store(intake);
	/* It was asked for by what holds no more. */
	else if (intake->config == NULL || !intake->is_open)
		taking_anew(intake->taking);
	else
		intake_take_rows(intake, due, count);
	intake_forget_settled(intake);
	/* No outcome follows that would look behind them. */
	if (load_count(intake->load, LOAD_UNDER_WAY) == 0 &&
	    load_count(intake->load, LOAD_SETTLING) == 0)
		intake_look_behind(intake);
}

static size_t
intake_slots(const struct intake *intake)
{
	const struct carrier_type *type =
	    intake->world->carriers[intake->config->type];
	const size_t most = intake->config->concurrency;

	return type->depth *
	       (type->most > 0 && type->most < most ? type->most : most);
}

void
intake_take(struct intake *intake, bool one_alone)
{
	size_t queued = load_count(intake->load, LOAD_QUEUED);
	size_t batch = taking_batch(intake_slots(intake));
	struct taking_bounds bounds = {
		.now_ms = evpop_clock_unix_ms(),
		.taken = (unsigned)(queued +
				    load_count(intake->load, LOAD_UNDER_WAY) +
				    load_count(intake->load, LOAD_SETTLING)),
		.octets = intake->octets,
		.is_ordered = intake_is_ordered(intake),
	};

	bounds.limit = (unsigned)batch;
	if (one_alone) {
		if (bounds.taken > 0)
			return;
		bounds.limit = FEW;
	} else if (queued > batch / 2 &&
		   (queued > ORDERED_MOST ||
		       load_next(intake->load, bounds.is_ordered) != NULL))
		return;
	if (taking_wants(intake->taking, bounds.now_ms))
		taking_ask(intake->taking, &bounds);
}

/* ---- and go back ---- */

void
intake_drop(struct intake *intake)
{
	load_drop_queued(intake->load, LOAD_ANY_ACCOUNT);
	taking_anew(intake->taking);
}

void
intake_put_back(struct intake *intake, struct load_item *item)
{
	load_put_back(intake->load, item);
	taking_anew(intake->taking);
}

void
intake_look_behind(struct intake *intake)
{
	if (!intake->pass_had_rows || !intake_is_ordered(intake) ||
	    load_count(intake->load, LOAD_QUEUED) > 0)
		return;
	intake->pass_had_rows = false;
	taking_anew(intake->taking);
}

void
intake_look(struct intake *intake)
{
	taking_anew(intake->taking);
	intake->store_again_ms = 0;
}

/* ---- its life ---- */

struct intake *
intake_new(const struct target_world *world, const char *name,
    struct load *load, struct trips *owner, void (*wake)(void *arg), void *arg)
{
	struct intake *intake = calloc(1, sizeof(*intake));

	if (intake == NULL)
		return NULL;
	intake->world = world;
	intake->load = load;
	intake->owner = owner;
	intake->wake = wake;
	intake->arg = arg;
	intake->taking = taking_new(world->store, name, intake_taken, intake);
	if (intake->taking == NULL)
		intake_free(&intake);
	return intake;
}

void
intake_free(struct intake **intake_p)
{
	struct intake *intake = *intake_p;

	*intake_p = NULL;
	if (intake == NULL)
		return;
	taking_free(&intake->taking);
	basis_drop(&intake->basis);
	free(intake);
}

void
intake_configure(struct intake *intake, struct basis *basis,
    const struct config_target *config, size_t octets)
{
	basis_drop(&intake->basis);
	intake->basis = basis_hold(basis);
	intake->config = config;
	intake->octets = octets;
	intake_drop(intake);
}

void
intake_open(struct intake *intake, bool is_open)
{
	intake->is_open = is_open;
	if (!is_open)
		intake_drop(intake);
}

struct taking *
intake_taking(const struct intake *intake)
{
	return intake->taking;
}
