/* An account's row belongs to a maildrop: the user's at the host. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/store/aside.h"
#include "daemon/store/attempts.h"
#include "daemon/store/column.h"
#include "daemon/store/private.h"
#include "daemon/store/writer.h"
#include "lib/base/arena.h"

struct bind_op {
	struct store_op op;
	int64_t account_id;
	store_bound_cb done;
	void *arg;
	struct evpop_arena arena;
	struct store_bound bound;
	char *user; /* behind the host */
	char host[];
};

static enum store_status
binding_read(struct store_db *db, struct bind_op *bind, bool *found_r)
{
	static const char sql[] =
	    "SELECT host, login FROM account WHERE id = ?1";
	enum store_status taken = STORE_OK, status;
	struct store_bound *bound = &bind->bound;
	struct sql_statement use;

	sql_prepare(&use, db->sql, sql);
	sql_bind_int(&use, 1, bind->account_id);
	*found_r = sql_step(&use);
	if (*found_r &&
	    (!store_column_text(&bind->arena, &use, 0, &bound->former_host) ||
		!store_column_text(&bind->arena, &use, 1, &bound->former_user)))
		taken = STORE_MEMORY;
	status = sql_end(&use);
	return status != STORE_OK ? status : taken;
}

static enum store_status
move(struct store_db *db, struct bind_op *bind)
{
	struct store_bound *bound = &bind->bound;
	struct store_aside from, to;
	bool same_user = strcmp(bound->former_user, bind->user) == 0;
	enum store_status status;

	if (!store_aside_name(&from, bound->former_host, bound->former_user) ||
	    !store_aside_name(&to, bind->host, bind->user))
		return STORE_MEMORY;
	bound->is_moved = true;
	status = store_aside_put(db, &from, bind->account_id, same_user,
	    &bound->distrusted, &bound->seen);
	if (status == STORE_OK)
		status = store_aside_return(
		    db, &to, bind->account_id, &bound->restored);
	/* Counts of failures go by ids, too. */
	if (status == STORE_OK)
		status = store_attempts_forget_all(db, bind->account_id);
	return status;
}

static enum store_status
binding_write(struct store_db *db, const struct bind_op *bind)
{
	static const char sql[] =
	    "UPDATE account SET host = ?2, login = ?3 WHERE id = ?1";
	struct sql_statement use;

	sql_prepare_once(&use, db->sql, sql);
	sql_bind_int(&use, 1, bind->account_id);
	sql_bind_text(&use, 2, bind->host);
	sql_bind_text(&use, 3, bind->user);
	return sql_run(&use);
}

/* Rows of earlier versions do not tell whose maildrop they are of. */
static bool
is_known(const struct store_bound *bound)
{
	return bound->former_host != NULL && bound->former_user != NULL;
}

static bool
is_bound(const struct bind_op *bind)
{
	const struct store_bound *bound = &bind->bound;

	return is_known(bound) &&
	       strcasecmp(bound->former_host, bind->host) == 0 &&
	       strcmp(bound->former_user, bind->user) == 0;
}

static enum store_status
bind_write(struct store_writer *writer, struct store_op *op)
{
	struct bind_op *bind = (struct bind_op *)op;
	enum store_status status;
	bool found;

	status = binding_read(store_writer_db(writer), bind, &found);
	if (status == STORE_OK && !found)
		(void)store_op_fail(op, STORE_NOT_FOUND);
	if (status == STORE_OK && found && !is_bound(bind)) {
		if (is_known(&bind->bound))
			status = move(store_writer_db(writer), bind);
		if (status == STORE_OK)
			status = binding_write(store_writer_db(writer), bind);
	}
	/* Nothing was written where memory was short; others go on. */
	if (status == STORE_MEMORY) {
		return store_op_fail(op, status);
	}
	return status;
}

static void
bind_answer(struct store *store, struct store_op *op, enum store_status status)
{
	struct bind_op *bind = (struct bind_op *)op;

	(void)store;
	bind->done(status, status == STORE_OK ? &bind->bound : NULL, bind->arg);
}

static void
bind_clear(struct store_op *op)
{
	evpop_arena_free(&((struct bind_op *)op)->arena);
}

static const struct store_op_type bind_type = {
	.write = bind_write,
	.answer = bind_answer,
	.clear = bind_clear,
};

void
store_account_bind(struct store *store, int64_t account_id, const char *host,
    const char *user, store_bound_cb done, void *arg)
{
	size_t host_size = strlen(host) + 1, user_size = strlen(user) + 1;
	struct bind_op *bind = calloc(1, sizeof(*bind) + host_size + user_size);

	if (bind == NULL) {
		done(STORE_MEMORY, NULL, arg);
		return;
	}
	bind->op.type = &bind_type;
	bind->account_id = account_id;
	bind->done = done;
	bind->arg = arg;
	bind->user = bind->host + host_size;
	memcpy(bind->host, host, host_size);
	memcpy(bind->user, user, user_size);
	store_submit(store, &bind->op);
}
