#include "daemon/deliver/courier.h"

#include <assert.h>
#include <stdlib.h>

#include "daemon/config/target.h"
#include "daemon/deliver/basis.h"
#include "lib/base/clock.h"

/* Without parcels; servers close connections after some minutes. */
#define COURIER_IDLE_MS 20000

struct courier {
	const struct carrier_type *type;
	struct carrier *carrier;
	struct carrier_setup setup;
	struct basis *basis;
	void (*carried)(struct courier *, struct parcel *,
	    const struct carried_result *, void *arg);
	void (*changed)(void *arg);
	void *arg;
	unsigned reserved, under_way;
	bool is_retired;
	bool is_flushed; /* since the last parcel */
	int64_t idle_ms; /* since then */
};

static void
courier_carried(
    struct parcel *parcel, const struct carried_result *result, void *arg)
{
	struct courier *courier = arg;

	assert(courier->under_way > 0);
	courier->under_way--;
	courier->idle_ms = evpop_clock_monotonic_ms();
	/* Its connection is worth nothing any more. */
	if (result->outcome == CARRIED_DOWN || result->outcome == CARRIED_WRONG)
		courier->is_retired = true;
	courier->carried(courier, parcel, result, courier->arg);
}

static void
courier_closed(void *arg)
{
	struct courier *courier = arg;

	courier->is_retired = true;
	courier->changed(courier->arg);
}

struct courier *
courier_new(const struct courier_options *options)
{
	struct courier *courier = calloc(1, sizeof(*courier));

	if (courier == NULL)
		return NULL;
	courier->type = options->type;
	courier->basis = basis_hold(options->basis);
	courier->carried = options->carried;
	courier->changed = options->changed;
	courier->arg = options->arg;
	courier->idle_ms = evpop_clock_monotonic_ms();
	courier->setup = (struct carrier_setup){
		.target = config_target_find(
		    basis_config(courier->basis), options->target),
		.base = options->base,
		.names = options->names,
		.oauth = options->oauth,
		.key = basis_key(courier->basis),
		.trust = options->trust,
		.folder = basis_folder(courier->basis),
		.carried = courier_carried,
		.closed = courier_closed,
		.arg = courier,
	};
	if (courier->setup.target != NULL)
		courier->carrier = options->type->begin(&courier->setup);
	if (courier->carrier == NULL)
		courier_free(&courier);
	return courier;
}

unsigned
courier_room(const struct courier *courier)
{
	unsigned taken = courier->reserved + courier->under_way;

	return courier->is_retired || taken >= courier->type->depth
		   ? 0
		   : courier->type->depth - taken;
}

unsigned
courier_load(const struct courier *courier)
{
	return courier->reserved + courier->under_way;
}

void
courier_reserve(struct courier *courier)
{
	courier->reserved++;
}

void
courier_carry(struct courier *courier, struct parcel *parcel)
{
	assert(courier->reserved > 0);
	courier->reserved--;
	if (parcel == NULL)
		return;
	courier->under_way++;
	courier->is_flushed = false;
	courier->type->carry(courier->carrier, parcel);
}

void
courier_flush(struct courier *courier)
{
	if (courier->type->flush == NULL || courier->is_flushed ||
	    courier->under_way == 0 || courier->reserved > 0)
		return;
	courier->is_flushed = true;
	courier->type->flush(courier->carrier);
}

void
courier_probe(struct courier *courier)
{
	courier->under_way++;
	courier->type->probe(courier->carrier);
}

bool
courier_is_working(const struct courier *courier)
{
	return courier->under_way > 0 && !courier->is_retired;
}

bool
courier_has_retired(const struct courier *courier)
{
	return courier->is_retired;
}

void
courier_retire(struct courier *courier)
{
	courier->is_retired = true;
}

bool
courier_is_over(const struct courier *courier, int64_t now_ms)
{
	return courier_load(courier) == 0 &&
	       (courier->is_retired || now_ms >= courier_over_ms(courier));
}

int64_t
courier_over_ms(const struct courier *courier)
{
	return courier_load(courier) > 0 ? INT64_MAX
					 : courier->idle_ms + COURIER_IDLE_MS;
}

void
courier_free(struct courier **courier_p)
{
	struct courier *courier = *courier_p;

	*courier_p = NULL;
	if (courier->carrier != NULL)
		courier->type->end(courier->carrier);
	basis_drop(&courier->basis);
	free(courier);
}
