#include "daemon/store/counter.h"

static enum store_status
counter_add_to_row(struct sql_db *db, int64_t account_id, int64_t messages,
    int64_t octets, bool *found_r)
{
	static const char sql[] = "UPDATE account SET messages = messages + ?2,"
				  " octets = octets + ?3 WHERE id = ?1";
	struct sql_statement use;
	enum store_status status;

	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, account_id);
	sql_bind_int(&use, 2, messages);
	sql_bind_int(&use, 3, octets);
	status = sql_run(&use);
	*found_r = status == STORE_OK && sql_changes(db) == 1;
	return status;
}

/* The first is written at once, which tells whether there is a row. */
enum store_status
store_counter_add(struct store_counter *counter, struct sql_db *db,
    int64_t account_id, uint64_t octets, bool *found_r)
{
	enum store_status status;

	*found_r = true;
	if (account_id != 0 && counter->account_id == account_id) {
		counter->messages++;
		counter->octets += (int64_t)octets;
		return STORE_OK;
	}
	status = store_counter_write(counter, db);
	if (status == STORE_OK)
		status = counter_add_to_row(
		    db, account_id, 1, (int64_t)octets, found_r);
	if (status == STORE_OK && *found_r)
		counter->account_id = account_id;
	return status;
}

enum store_status
store_counter_write(struct store_counter *counter, struct sql_db *db)
{
	const struct store_counter was = *counter;
	enum store_status status;
	bool found;

	*counter = (struct store_counter){ .account_id = 0 };
	if (was.messages == 0)
		return STORE_OK;
	status = counter_add_to_row(
	    db, was.account_id, was.messages, was.octets, &found);
	/* It was there in this transaction. */
	return status == STORE_OK && !found ? STORE_DAMAGED : status;
}
