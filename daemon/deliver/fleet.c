#include "daemon/deliver/fleet.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/config/target.h"
#include "daemon/deliver/basis.h"
#include "daemon/deliver/way.h"
#include "lib/base/array.h"

struct fleet {
	struct courier_options options;
	struct courier **couriers;
	size_t count, room;
	struct way_trust trust;
};

struct fleet *
fleet_new(const struct courier_options *options)
{
	struct fleet *fleet = calloc(1, sizeof(*fleet));

	if (fleet == NULL)
		return NULL;
	fleet->options = *options;
	fleet->options.type = NULL;
	fleet->options.basis = NULL;
	fleet->options.target = NULL;
	fleet->options.trust = &fleet->trust;
	return fleet;
}

void
fleet_free(struct fleet **fleet_p)
{
	struct fleet *fleet = *fleet_p;

	*fleet_p = NULL;
	if (fleet == NULL)
		return;
	for (size_t i = 0; i < fleet->count; i++)
		courier_free(&fleet->couriers[i]);
	way_trust_set(&fleet->trust, NULL);
	basis_drop(&fleet->options.basis);
	free(fleet->couriers);
	free(fleet);
}

void
fleet_set(struct fleet *fleet, const struct carrier_type *type,
    struct basis *basis, const char *target)
{
	for (size_t i = 0; i < fleet->count; i++)
		courier_retire(fleet->couriers[i]);
	basis_drop(&fleet->options.basis);
	fleet->options.type = type;
	fleet->options.basis = type != NULL ? basis_hold(basis) : NULL;
	fleet->options.target = target;
	way_trust_set(&fleet->trust,
	    type != NULL ? config_target_find(basis_config(basis), target)
			 : NULL);
}

static struct courier *
fleet_add(struct fleet *fleet)
{
	struct courier **couriers = evpop_array_grow(fleet->couriers,
	    fleet->count, &fleet->room, sizeof(struct courier *));
	struct courier *courier;

	if (couriers == NULL)
		return NULL;
	fleet->couriers = couriers;
	courier = courier_new(&fleet->options);
	if (courier != NULL)
		couriers[fleet->count++] = courier;
	return courier;
}

struct courier *
fleet_reserve(struct fleet *fleet, unsigned most)
{
	const struct carrier_type *type = fleet->options.type;
	struct courier *found = NULL;

	if (type != NULL && type->most > 0 && type->most < most)
		most = type->most;
	for (size_t i = 0; found == NULL && i < fleet->count; i++)
		if (courier_room(fleet->couriers[i]) > 0)
			found = fleet->couriers[i];
	/* Those that retire count: the server has their connections. */
	if (found == NULL && fleet->count < most)
		found = fleet_add(fleet);
	if (found != NULL)
		courier_reserve(found);
	return found;
}

bool
fleet_probe(struct fleet *fleet)
{
	struct courier *courier = fleet_add(fleet);

	if (courier == NULL)
		return false;
	/* No parcel comes to it. */
	courier_retire(courier);
	courier_probe(courier);
	return true;
}

size_t
fleet_load(const struct fleet *fleet)
{
	size_t load = 0;

	for (size_t i = 0; i < fleet->count; i++)
		load += courier_load(fleet->couriers[i]);
	return load;
}

size_t
fleet_count(const struct fleet *fleet)
{
	return fleet->count;
}

unsigned
fleet_working(const struct fleet *fleet, const struct courier *but)
{
	unsigned working = 0;

	for (size_t i = 0; i < fleet->count; i++)
		if (fleet->couriers[i] != but &&
		    courier_is_working(fleet->couriers[i]))
			working++;
	return working;
}

void
fleet_flush(struct fleet *fleet)
{
	for (size_t i = 0; i < fleet->count; i++)
		courier_flush(fleet->couriers[i]);
}

int64_t
fleet_sweep(struct fleet *fleet, int64_t now_ms)
{
	int64_t over_ms, next_ms = INT64_MAX;
	size_t kept = 0;

	for (size_t i = 0; i < fleet->count; i++) {
		if (courier_is_over(fleet->couriers[i], now_ms)) {
			courier_free(&fleet->couriers[i]);
			continue;
		}
		over_ms = courier_over_ms(fleet->couriers[i]);
		if (over_ms < next_ms)
			next_ms = over_ms;
		fleet->couriers[kept++] = fleet->couriers[i];
	}
	fleet->count = kept;
	return next_ms;
}
