#include "daemon/store/token.h"

#include "daemon/store/private.h"
#include "daemon/store/writer.h"

/* ---- reading ---- */

struct token_get_op {
	struct store_op op;
	const char *owner;
	struct store_token token;
	store_token_cb done;
	void *arg;
};

static void
token_take(struct store_op *op, struct sql_statement *from)
{
	struct token_get_op *own = (struct token_get_op *)op;

	own->token = (struct store_token){ .owner = own->owner,
		.sealed = store_op_column_text(op, from, 0),
		.granted_ms = sql_column_int(from, 1) };
}

static enum store_status
token_read(struct sql_db *db, struct store_op *op)
{
	static const char sql[] = "SELECT sealed, granted_ms"
				  " FROM token WHERE owner = ?1";
	struct token_get_op *own = (struct token_get_op *)op;
	struct sql_statement use;

	sql_prepare(&use, db, sql);
	sql_bind_text(&use, 1, own->owner);
	return store_op_take_row(op, &use, token_take);
}

static void
token_get_answer(
    struct store *store, struct store_op *op, enum store_status status)
{
	const struct token_get_op *own = (const struct token_get_op *)op;

	(void)store;
	own->done(status, status == STORE_OK ? &own->token : NULL, own->arg);
}

static const struct store_op_type token_get_type = {
	.lane = STORE_LANE_POLLS,
	.read = token_read,
	.answer = token_get_answer,
};

void
store_token_get(
    struct store *store, const char *owner, store_token_cb done, void *arg)
{
	struct token_get_op *own = store_op_new(&token_get_type, sizeof(*own));

	if (own == NULL) {
		done(STORE_MEMORY, NULL, arg);
		return;
	}
	own->owner = store_op_text(&own->op, owner);
	own->done = done;
	own->arg = arg;
	store_submit(store, &own->op);
}

/* ---- writing ---- */

struct token_put_op {
	struct store_op op;
	struct store_token token; /* sealed is NULL: it is forgotten */
	store_done_cb done;
	void *arg;
};

static enum store_status
token_delete(struct sql_db *db, struct store_op *op, const char *owner)
{
	static const char sql[] = "DELETE FROM token WHERE owner = ?1";
	struct sql_statement use;
	enum store_status status;

	sql_prepare(&use, db, sql);
	sql_bind_text(&use, 1, owner);
	status = sql_run(&use);
	return status == STORE_OK && sql_changes(db) == 0
		   ? store_op_fail(op, STORE_NOT_FOUND)
		   : status;
}

static enum store_status
token_write(struct store_writer *writer, struct store_op *op)
{
	static const char sql[] =
	    "INSERT INTO token(owner, sealed, granted_ms, changed_ms)"
	    " VALUES(?1, ?2, CASE WHEN ?3 = 0 THEN ?4 ELSE ?3 END, ?4)"
	    " ON CONFLICT(owner) DO UPDATE SET sealed = excluded.sealed,"
	    " granted_ms = CASE WHEN ?3 = 0 THEN token.granted_ms ELSE ?3 END,"
	    " changed_ms = excluded.changed_ms";
	const struct token_put_op *own = (const struct token_put_op *)op;
	struct sql_db *db = store_writer_db(writer);
	struct sql_statement use;

	if (own->token.sealed == NULL)
		return token_delete(db, op, own->token.owner);
	sql_prepare(&use, db, sql);
	sql_bind_text(&use, 1, own->token.owner);
	sql_bind_text(&use, 2, own->token.sealed);
	sql_bind_int(&use, 3, own->token.granted_ms);
	sql_bind_int(&use, 4, store_db_now_ms(db));
	return sql_run(&use);
}

static void
token_put_answer(
    struct store *store, struct store_op *op, enum store_status status)
{
	const struct token_put_op *own = (const struct token_put_op *)op;

	(void)store;
	if (own->done != NULL)
		own->done(status, own->arg);
}

static const struct store_op_type token_put_type = {
	.write = token_write,
	.answer = token_put_answer,
};

static void
token_submit(struct store *store, const struct store_token *token,
    store_done_cb done, void *arg)
{
	struct token_put_op *own = store_op_new(&token_put_type, sizeof(*own));

	if (own == NULL) {
		if (done != NULL)
			done(STORE_MEMORY, arg);
		return;
	}
	own->token = (struct store_token){
		.owner = store_op_text(&own->op, token->owner),
		.sealed = store_op_text(&own->op, token->sealed),
		.granted_ms = token->granted_ms,
	};
	own->done = done;
	own->arg = arg;
	store_submit(store, &own->op);
}

void
store_token_put(struct store *store, const struct store_token *token,
    store_done_cb done, void *arg)
{
	token_submit(store, token, done, arg);
}

void
store_token_forget(
    struct store *store, const char *owner, store_done_cb done, void *arg)
{
	token_submit(store, &(struct store_token){ .owner = owner }, done, arg);
}
