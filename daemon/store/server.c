#include "daemon/store/private.h"
#include "daemon/store/writer.h"
#include "lib/base/clock.h"

/* ---- what is learned ---- */

struct server_op {
	struct store_op op;
	struct store_server server;
	int64_t learned_ms;
};

static enum store_status
server_write(struct store_writer *writer, struct store_op *op)
{
	static const char sql[] =
	    "INSERT INTO server(host, port, tls, facts, updated_ms)"
	    " VALUES(?1, ?2, ?3, ?4, ?5)"
	    " ON CONFLICT(host, port, tls) DO UPDATE"
	    " SET facts = excluded.facts, updated_ms = excluded.updated_ms"
	    " WHERE server.facts <> excluded.facts";
	const struct server_op *noted = (const struct server_op *)op;
	const struct store_server *server = &noted->server;
	struct sql_statement use;

	sql_prepare(&use, store_writer_db(writer), sql);
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
	struct server_op *op = store_op_new(&server_type, sizeof(*op));

	/* A server that is not kept is learned again. */
	if (op == NULL)
		return;
	op->server = *server;
	op->server.host = store_op_text(&op->op, server->host);
	op->server.facts = store_op_text(&op->op, server->facts);
	op->learned_ms = evpop_clock_unix_ms();
	store_history_keep(store_get_history(store), &op->op);
}

/* ---- what was learned ---- */

struct servers_op {
	struct store_op op;
	store_servers_cb done;
	void *arg;
	struct store_server *servers;
	size_t count;
};

static void
servers_take(struct store_op *op, struct sql_statement *from)
{
	struct servers_op *servers = (struct servers_op *)op;

	servers->servers = store_op_grow(
	    op, servers->servers, servers->count, sizeof(*servers->servers));
	if (servers->servers == NULL)
		return;
	servers->servers[servers->count++] = (struct store_server){
		.host = store_op_column_text(op, from, 0),
		.port = (uint16_t)sql_column_int(from, 1),
		.tls = (uint8_t)sql_column_int(from, 2),
		.facts = store_op_column_text(op, from, 3),
	};
}

static enum store_status
servers_read(struct sql_db *db, struct store_op *op)
{
	static const char sql[] = "SELECT host, port, tls, facts FROM server";
	struct sql_statement use;

	sql_prepare(&use, db, sql);
	return store_op_take_rows(op, &use, servers_take);
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

static const struct store_op_type servers_type = {
	.lane = STORE_LANE_POLLS,
	.read = servers_read,
	.answer = servers_answer,
};

void
store_servers(struct store *store, store_servers_cb done, void *arg)
{
	struct servers_op *servers =
	    store_op_new(&servers_type, sizeof(*servers));

	if (servers == NULL) {
		done(STORE_MEMORY, NULL, 0, arg);
		return;
	}
	servers->done = done;
	servers->arg = arg;
	store_submit(store, &servers->op);
}
