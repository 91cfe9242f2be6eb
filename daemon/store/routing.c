#include "daemon/store/routing.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/store/delivered.h"
#include "daemon/store/targets.h"
#include "lib/base/arena.h"
#include "lib/base/array.h"

struct route {
	const char *account;
	size_t first, count; /* in map.way */
	bool deletes;
};

struct map {
	struct evpop_arena arena; /* of the texts */
	struct route *routes;     /* by account */
	size_t route_count;
	const char **names; /* of targets, sorted, each once */
	int64_t *ids;       /* of their rows, once it is applied */
	size_t name_count;
	size_t *way; /* indexes of targets */
};

struct store_routing {
	struct map map;
	bool is_applied; /* to the rows */
	/* The last account that was looked up; 0: none. */
	int64_t account_id;
	const struct route *route;
};

/* ---- the map ---- */

static int
route_compare(const void *one, const void *other)
{
	const struct route *a = one, *b = other;

	return strcmp(a->account, b->account);
}

static int
name_compare(const void *one, const void *other)
{
	const char *const *a = one, *const *b = other;

	return strcmp(*a, *b);
}

static void
map_clear(struct map *map)
{
	free(map->routes);
	free(map->names);
	free(map->ids);
	free(map->way);
	evpop_arena_free(&map->arena);
	memset(map, 0, sizeof(*map));
}

/* NULL where its messages go nowhere. */
static const struct route *
map_route(const struct map *map, const char *account)
{
	const struct route key = { .account = account };

	return map->route_count == 0 || account == NULL
		   ? NULL
		   : bsearch(&key, map->routes, map->route_count, sizeof(key),
			 route_compare);
}

/* The index of a target; name_count where there is none. */
static size_t
map_target(const struct map *map, const char *name)
{
	const char **found = map->name_count == 0
				 ? NULL
				 : bsearch(&name, map->names, map->name_count,
				       sizeof(*map->names), name_compare);

	return found == NULL ? map->name_count : (size_t)(found - map->names);
}

static bool
map_copy_names(
    struct map *map, const struct store_delivering *accounts, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < accounts[i].target_count; j++)
			map->names[map->name_count++] = accounts[i].targets[j];
	qsort(map->names, map->name_count, sizeof(*map->names), name_compare);
	for (size_t i = 0; i < map->name_count; i++)
		if (kept == 0 ||
		    strcmp(map->names[kept - 1], map->names[i]) != 0)
			map->names[kept++] = map->names[i];
	map->name_count = kept;
	for (size_t i = 0; i < kept; i++) {
		map->names[i] = evpop_arena_copy(
		    &map->arena, map->names[i], strlen(map->names[i]));
		if (map->names[i] == NULL)
			return false;
	}
	return true;
}

/* An account that goes nowhere has no route. */
static bool
map_copy_routes(
    struct map *map, const struct store_delivering *accounts, size_t count)
{
	size_t way = 0;

	for (size_t i = 0; i < count; i++) {
		struct route *route = &map->routes[map->route_count];

		if (accounts[i].target_count == 0)
			continue;
		*route = (struct route){
			.account = evpop_arena_copy(&map->arena,
			    accounts[i].account, strlen(accounts[i].account)),
			.first = way,
			.count = accounts[i].target_count,
			.deletes = accounts[i].deletes_delivered,
		};
		if (route->account == NULL)
			return false;
		for (size_t j = 0; j < accounts[i].target_count; j++)
			map->way[way++] =
			    map_target(map, accounts[i].targets[j]);
		map->route_count++;
	}
	qsort(
	    map->routes, map->route_count, sizeof(*map->routes), route_compare);
	return true;
}

/* False without memory, and then there is nothing in it. */
static bool
map_copy(struct map *map, const struct store_delivering *accounts, size_t count)
{
	size_t ways = 1;

	memset(map, 0, sizeof(*map));
	for (size_t i = 0; i < count; i++)
		ways += accounts[i].target_count;
	map->routes = calloc(count + 1, sizeof(*map->routes));
	map->names = calloc(ways, sizeof(*map->names));
	map->ids = calloc(ways, sizeof(*map->ids));
	map->way = calloc(ways, sizeof(*map->way));
	if (map->routes != NULL && map->names != NULL && map->ids != NULL &&
	    map->way != NULL && map_copy_names(map, accounts, count) &&
	    map_copy_routes(map, accounts, count))
		return true;
	map_clear(map);
	return false;
}

/* ---- the rows of its targets ---- */

static enum store_status
routing_configure_target(struct sql_db *db, int64_t id, bool is_configured)
{
	static const char sql[] =
	    "UPDATE target SET is_configured = ?2 WHERE id = ?1";
	struct sql_statement use;

	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, id);
	sql_bind_int(&use, 2, is_configured);
	return sql_run(&use);
}

/* Nobody has them any more: *gone_r is for free(). */
static enum store_status
map_read_rows(
    struct map *map, struct sql_db *db, int64_t **gone_r, size_t *count_r)
{
	static const char sql[] =
	    "SELECT id, name FROM target WHERE is_configured = 1";
	enum store_status status, taken = STORE_OK;
	struct sql_statement use;
	size_t room = 0;
	int64_t *grown;

	sql_prepare(&use, db, sql);
	while (taken == STORE_OK && sql_step(&use)) {
		const char *name = sql_column_text(&use, 1);
		const size_t at =
		    name != NULL ? map_target(map, name) : map->name_count;

		if (at < map->name_count) {
			map->ids[at] = sql_column_int(&use, 0);
			continue;
		}
		grown =
		    evpop_array_grow(*gone_r, *count_r, &room, sizeof *grown);
		if (grown == NULL)
			taken = STORE_MEMORY;
		else {
			*gone_r = grown;
			grown[(*count_r)++] = sql_column_int(&use, 0);
		}
	}
	status = sql_end(&use);
	return status != STORE_OK ? status : taken;
}

static enum store_status
map_make_rows(struct map *map, struct sql_db *db)
{
	enum store_status status = STORE_OK;

	for (size_t i = 0; status == STORE_OK && i < map->name_count; i++) {
		if (map->ids[i] != 0)
			continue;
		status = store_target_make(db, map->names[i], &map->ids[i]);
		if (status == STORE_OK)
			status =
			    routing_configure_target(db, map->ids[i], true);
	}
	return status;
}

/* The first account behind another that deletes what it is not to, or not. */
static enum store_status
map_next_account(
    const struct map *map, struct sql_db *db, int64_t *id, bool *deletes_r)
{
	static const char sql[] =
	    "SELECT id, name, deletes_delivered FROM account WHERE id > ?1"
	    " ORDER BY id";
	struct sql_statement use;
	bool is_found = false;

	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, *id);
	while (!is_found && sql_step(&use)) {
		const struct route *route =
		    map_route(map, sql_column_text(&use, 1));

		*id = sql_column_int(&use, 0);
		*deletes_r = route != NULL && route->deletes;
		is_found = *deletes_r != (sql_column_int(&use, 2) != 0);
	}
	if (!is_found)
		*id = 0;
	return sql_end(&use);
}

static enum store_status
map_apply_deletions(const struct map *map, struct sql_db *db)
{
	static const char sql[] =
	    "UPDATE account SET deletes_delivered = ?2 WHERE id = ?1";
	struct sql_statement use;
	int64_t id = 0;
	bool deletes;

	for (;;) {
		enum store_status status =
		    map_next_account(map, db, &id, &deletes);

		if (status != STORE_OK || id == 0)
			return status;
		sql_prepare(&use, db, sql);
		sql_bind_int(&use, 1, id);
		sql_bind_int(&use, 2, deletes);
		status = sql_run(&use);
		if (status == STORE_OK && deletes)
			status = store_delivered_owe(db, id);
		if (status != STORE_OK)
			return status;
	}
}

static enum store_status
map_apply(struct map *map, struct sql_db *db)
{
	static const char forget[] =
	    "DELETE FROM target WHERE is_configured = 0 AND waiting = 0"
	    " AND delivered = 0 AND refused = 0 AND dropped = 0"
	    " AND paused_ms IS NULL";
	int64_t *gone = NULL;
	size_t gone_count = 0;
	enum store_status status;
	struct sql_statement use;

	memset(map->ids, 0, map->name_count * sizeof(*map->ids));
	status = map_read_rows(map, db, &gone, &gone_count);
	for (size_t i = 0; status == STORE_OK && i < gone_count; i++)
		status = routing_configure_target(db, gone[i], false);
	free(gone);
	if (status == STORE_OK)
		status = map_make_rows(map, db);
	if (status != STORE_OK)
		return status;
	sql_prepare(&use, db, forget);
	status = sql_run(&use);
	return status == STORE_OK ? map_apply_deletions(map, db) : status;
}

/* ---- what is configured ---- */

struct store_routing *
store_routing_new(const struct store_delivering *accounts, size_t count)
{
	struct store_routing *routing = calloc(1, sizeof(*routing));

	if (routing != NULL && map_copy(&routing->map, accounts, count))
		return routing;
	free(routing);
	return NULL;
}

void
store_routing_free(struct store_routing *routing)
{
	map_clear(&routing->map);
	free(routing);
}

void
store_routing_undone(struct store_routing *routing)
{
	routing->is_applied = false;
	routing->account_id = 0;
}

void
store_routing_swap(struct store_routing *one, struct store_routing *other)
{
	const struct map map = one->map;

	one->map = other->map;
	other->map = map;
	store_routing_undone(one);
	store_routing_undone(other);
}

enum store_status
store_routing_apply(struct store_routing *routing, struct sql_db *db,
    struct store_targets_counter *counter)
{
	enum store_status status;

	if (routing->is_applied)
		return STORE_OK;
	status = store_targets_write(counter, db);
	if (status == STORE_OK)
		status = map_apply(&routing->map, db);
	routing->is_applied = status == STORE_OK;
	return status;
}

static enum store_status
routing_look_up(
    struct store_routing *routing, struct sql_db *db, int64_t account_id)
{
	static const char sql[] = "SELECT name FROM account WHERE id = ?1";
	struct sql_statement use;
	enum store_status status;

	routing->route = NULL;
	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, account_id);
	if (sql_step(&use))
		routing->route =
		    map_route(&routing->map, sql_column_text(&use, 0));
	status = sql_end(&use);
	routing->account_id = status == STORE_OK ? account_id : 0;
	return status;
}

/* *route_r is NULL where its messages go nowhere. */
static enum store_status
routing_find(struct store_routing *routing, struct sql_db *db,
    struct store_targets_counter *counter, int64_t account_id,
    const struct route **route_r)
{
	enum store_status status;

	*route_r = NULL;
	if (routing->map.route_count == 0)
		return STORE_OK;
	status = store_routing_apply(routing, db, counter);
	if (status == STORE_OK && routing->account_id != account_id)
		status = routing_look_up(routing, db, account_id);
	if (status == STORE_OK)
		*route_r = routing->route;
	return status;
}

enum store_status
store_routing_add(struct store_routing *routing, struct sql_db *db,
    struct store_targets_counter *counter, int64_t account_id,
    int64_t message_id)
{
	const struct map *map = &routing->map;
	const struct route *route;
	enum store_status status =
	    routing_find(routing, db, counter, account_id, &route);

	if (status != STORE_OK || route == NULL)
		return status;
	for (size_t i = 0; status == STORE_OK && i < route->count; i++) {
		const int64_t target = map->ids[map->way[route->first + i]];

		status = store_target_queue(db, target, account_id, message_id);
		if (status == STORE_OK)
			status = store_targets_count(counter, db, target,
			    STORE_OUTBOX_NO_ROW, STORE_OUTBOX_WAITING, 1);
	}
	return status;
}

enum store_status
store_routing_deletes(struct store_routing *routing, struct sql_db *db,
    struct store_targets_counter *counter, int64_t account_id, bool *deletes_r)
{
	const struct route *route;
	enum store_status status =
	    routing_find(routing, db, counter, account_id, &route);

	*deletes_r = route != NULL && route->deletes;
	return status;
}
