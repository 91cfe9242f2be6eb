#include <stdlib.h>
#include <string.h>

#include "daemon/store/column.h"
#include "daemon/store/history.h"
#include "daemon/store/private.h"
#include "daemon/store/writer.h"
#include "lib/base/arena.h"
#include "lib/base/clock.h"

/* ---- what is learned ---- */

struct server_op {
	struct store_op op;
	struct store_server server;
	int64_t learned_ms;
	char texts[]; /* host and facts */
};

static enum store_status
server_write(struct store_writer *writer, struct store_op *op)
{
	static const char sql[] =
	    "INSERT INTO server(host, port, tls, facts, updated_ms)"
	    " VALUES(?1, ?2, ?3, ?4, ?5)"
	    " ON CONFLICT(host, port, tls) DO UPDATE"
	    " SET facts = excluded.facts, updated_ms = excluded.updated_ms"
	    " WHERE facts <> excluded.facts";
	const struct server_op *noted = (const struct server_op *)op;
	const struct store_server *server = &noted->server;
	struct sql_statement use;

	sql_prepare(&use, store_writer_db(writer)->sql, sql);
	sql_bind_text(&use, 1, server->host);
	sql_bind_int(&use, 2, server->port);
	sql_bind_int(&use, 3, server->tls);
	sql_bind_text(&use, 4, server->facts);
	sql_bind_int(&use, 5, noted->learned_ms);
	return sql_run(&use);
}

static void
server_answer(
    struct store *store, struct store_op *op, enum store_status status)
{
	(void)op;
	(void)status;
	store_history_answered(store_get_history(store));
}

static const struct store_op_type server_type = {
	.write = server_write,
	.answer = server_answer,
};

void
store_server_note(struct store *store, const struct store_server *server)
{
	size_t host = strlen(server->host) + 1;
	size_t facts = strlen(server->facts) + 1;
	struct server_op *op = calloc(1, sizeof(*op) + host + facts);

	/* What is not kept is learned again. */
	if (op == NULL)
		return;
	op->op.type = &server_type;
	op->server = *server;
	op->server.host = memcpy(op->texts, server->host, host);
	op->server.facts = memcpy(op->texts + host, server->facts, facts);
	op->learned_ms = evpop_clock_unix_ms();
	store_history_keep(store_get_history(store), &op->op);
}

/* ---- what was learned ---- */

struct servers_op {
	struct store_op op;
	store_servers_cb done;
	void *arg;
	struct evpop_arena arena;
	struct store_server *servers;
	size_t count, room;
};

static enum store_status
servers_take(struct servers_op *servers, struct sql_statement *from)
{
	struct store_server *server;

	if (servers->count == servers->room) {
		size_t room = servers->room * 2 + 16;
		struct store_server *grown =
		    realloc(servers->servers, room * sizeof(*grown));

		if (grown == NULL)
			return STORE_MEMORY;
		servers->servers = grown;
		servers->room = room;
	}
	server = &servers->servers[servers->count++];
	server->port = (uint16_t)sql_column_int(from, 1);
	server->tls = (uint8_t)sql_column_int(from, 2);
	if (!store_column_text(&servers->arena, from, 0, &server->host) ||
	    !store_column_text(&servers->arena, from, 3, &server->facts))
		return STORE_MEMORY;
	return STORE_OK;
}

static enum store_status
servers_read(struct store_db *db, struct store_op *op)
{
	static const char sql[] = "SELECT host, port, tls, facts FROM server";
	struct servers_op *servers = (struct servers_op *)op;
	enum store_status taken = STORE_OK, status;
	struct sql_statement use;

	sql_prepare(&use, db->sql, sql);
	while (taken == STORE_OK && sql_step(&use))
		taken = servers_take(servers, &use);
	status = sql_end(&use);
	return status != STORE_OK ? status : taken;
}

static void
servers_answer(
    struct store *store, struct store_op *op, enum store_status status)
{
	struct servers_op *servers = (struct servers_op *)op;

	(void)store;
	if (status == STORE_OK)
		servers->done(
		    STORE_OK, servers->servers, servers->count, servers->arg);
	else
		servers->done(status, NULL, 0, servers->arg);
}

static void
servers_clear(struct store_op *op)
{
	struct servers_op *servers = (struct servers_op *)op;

	evpop_arena_free(&servers->arena);
	free(servers->servers);
}

static const struct store_op_type servers_type = {
	.lane = STORE_LANE_POLLS,
	.read = servers_read,
	.answer = servers_answer,
	.clear = servers_clear,
};

void
store_servers(struct store *store, store_servers_cb done, void *arg)
{
	struct servers_op *servers = calloc(1, sizeof(*servers));

	if (servers == NULL) {
		done(STORE_MEMORY, NULL, 0, arg);
		return;
	}
	servers->op.type = &servers_type;
	servers->done = done;
	servers->arg = arg;
	store_submit(store, &servers->op);
}
