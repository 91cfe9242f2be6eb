#include "daemon/store/outbox_row.h"

#include <string.h>

#include "daemon/store/owed.h"
#include "daemon/store/targets.h"
#include "daemon/store/writer.h"

_Static_assert(STORE_OUTBOX_WAITING == 0 && STORE_OUTBOX_DELIVERED == 1 &&
		   STORE_OUTBOX_REFUSED == 2 && STORE_OUTBOX_DROPPED == 3,
    "the statements and the schema know these states by number");

static enum store_status
names_find(struct sql_db *db, const char *sql, const char *name, int64_t *id_r)
{
	struct sql_statement use;

	*id_r = 0;
	if (name == NULL)
		return STORE_OK;
	*id_r = -1;
	sql_prepare(&use, db, sql);
	sql_bind_text(&use, 1, name);
	return sql_run_integer(&use, id_r);
}

enum store_status
store_outbox_names(struct sql_db *db, const char *account, const char *target,
    int64_t *account_r, int64_t *target_r)
{
	static const char of_account[] =
	    "SELECT id FROM account WHERE name = ?1";
	static const char of_target[] = "SELECT id FROM target WHERE name = ?1";
	enum store_status status =
	    names_find(db, of_account, account, account_r);

	return status == STORE_OK ? names_find(db, of_target, target, target_r)
				  : status;
}

enum store_status
store_outbox_find(
    struct sql_db *db, int64_t id, struct store_outbox_found *found_r)
{
	static const char sql[] =
	    "SELECT id, message, account, target, state FROM outbox"
	    " WHERE id = ?1";
	struct sql_statement use;

	memset(found_r, 0, sizeof(*found_r));
	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, id);
	if (sql_step(&use))
		*found_r = (struct store_outbox_found){
			.id = sql_column_int(&use, 0),
			.message = sql_column_int(&use, 1),
			.account = sql_column_int(&use, 2),
			.target = sql_column_int(&use, 3),
			.state =
			    (enum store_outbox_state)sql_column_int(&use, 4),
		};
	return sql_end(&use);
}

enum store_status
store_outbox_moved(struct store_writer *writer,
    const struct store_outbox_found *found, enum store_outbox_state now)
{
	enum store_status status;

	if (found->state == now)
		return STORE_OK;
	status = store_targets_count(store_writer_targets(writer),
	    store_writer_db(writer), found->target, (int)found->state, (int)now,
	    1);
	return status == STORE_OK
		   ? store_owed_settled(writer, found->account, found->message)
		   : status;
}
