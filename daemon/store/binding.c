/* An account's row belongs to a maildrop: the user's at the host. */
#include <string.h>
#include <strings.h>

#include "daemon/store/aside.h"
#include "daemon/store/attempts.h"
#include "daemon/store/private.h"
#include "daemon/store/writer.h"

struct bind_op {
	struct store_op op;
	int64_t account_id;
	store_bound_cb done;
	void *arg;
	struct store_bound bound;
	const char *host, *user;
};

static void
bind_take_former(struct store_op *op, struct sql_statement *from)
{
	struct store_bound *bound = &((struct bind_op *)op)->bound;

	bound->former_host = store_op_column_text(op, from, 0);
	bound->former_user = store_op_column_text(op, from, 1);
}

static enum store_status
bind_read_former(struct sql_db *db, struct bind_op *bind)
{
	static const char sql[] =
	    "SELECT host, login FROM account WHERE id = ?1";
	struct sql_statement use;

	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, bind->account_id);
	return store_op_take_row(&bind->op, &use, bind_take_former);
}

static enum store_status
bind_move(struct sql_db *db, struct bind_op *bind)
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
bind_set(struct sql_db *db, const struct bind_op *bind)
{
	static const char sql[] =
	    "UPDATE account SET host = ?2, login = ?3 WHERE id = ?1";
	struct sql_statement use;

	sql_prepare_once(&use, db, sql);
	sql_bind_int(&use, 1, bind->account_id);
	sql_bind_text(&use, 2, bind->host);
	sql_bind_text(&use, 3, bind->user);
	return sql_run(&use);
}

/* Rows of earlier versions do not tell whose maildrop they are of. */
static bool
bound_is_known(const struct store_bound *bound)
{
	return bound->former_host != NULL && bound->former_user != NULL;
}

static bool
bind_is_done(const struct bind_op *bind)
{
	const struct store_bound *bound = &bind->bound;

	return bound_is_known(bound) &&
	       strcasecmp(bound->former_host, bind->host) == 0 &&
	       strcmp(bound->former_user, bind->user) == 0;
}

static enum store_status
bind_write(struct store_writer *writer, struct store_op *op)
{
	struct bind_op *bind = (struct bind_op *)op;
	struct sql_db *db = store_writer_db(writer);
	enum store_status status = bind_read_former(db, bind);

	if (status == STORE_OK && !bind_is_done(bind)) {
		if (bound_is_known(&bind->bound))
			status = bind_move(db, bind);
		if (status == STORE_OK)
			status = bind_set(db, bind);
	}
	/* Nothing was written where memory was short; others go on. */
	if (status == STORE_NOT_FOUND || status == STORE_MEMORY)
		return store_op_fail(op, status);
	return status;
}

static void
bind_answer(struct store *store, struct store_op *op, enum store_status status)
{
	struct bind_op *bind = (struct bind_op *)op;

	(void)store;
	bind->done(status, status == STORE_OK ? &bind->bound : NULL, bind->arg);
}

static const struct store_op_type bind_type = {
	.write = bind_write,
	.answer = bind_answer,
};

void
store_account_bind(struct store *store, int64_t account_id, const char *host,
    const char *user, store_bound_cb done, void *arg)
{
	struct bind_op *bind = store_op_new(&bind_type, sizeof(*bind));

	if (bind == NULL) {
		done(STORE_MEMORY, NULL, arg);
		return;
	}
	bind->account_id = account_id;
	bind->host = store_op_text(&bind->op, host);
	bind->user = store_op_text(&bind->op, user);
	bind->done = done;
	bind->arg = arg;
	store_submit(store, &bind->op);
}
