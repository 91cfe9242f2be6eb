#include "daemon/store/owed.h"

#include <string.h>

#include "daemon/store/delivered.h"
#include "daemon/store/digest.h"
#include "daemon/store/routing.h"
#include "daemon/store/unique.h"
#include "daemon/store/writer.h"

static enum store_status
owed_is_wanted(struct store_writer *writer, int64_t account_id, bool *is_r)
{
	return store_routing_deletes(store_writer_routing(writer),
	    store_writer_db(writer), store_writer_targets(writer), account_id,
	    is_r);
}

/* Of unique-ids that are aside, or gone, nothing is owed. */
static enum store_status
owed_note(struct sql_db *db, int64_t account_id, const void *id, size_t length,
    int64_t message_id)
{
	static const char sql[] =
	    "UPDATE uid SET state = 1 WHERE account = ?1 AND unique_id = ?2"
	    " AND message = ?3 AND state = 0";
	struct sql_statement use;

	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, account_id);
	sql_bind_blob(&use, 2, id, length);
	sql_bind_int(&use, 3, message_id);
	return sql_run(&use);
}

/* Its unique-id is that of its row, or made of its digest. */
static enum store_status
owed_find_and_note(struct sql_db *db, int64_t account_id, int64_t message_id)
{
	static const char sql[] =
	    "SELECT unique_id, digest FROM message WHERE id = ?1";
	unsigned char digest[STORE_DIGEST_SIZE];
	enum store_status status, noted = STORE_OK;
	char body_id[STORE_UNIQUE_BODY_ID];
	struct sql_statement use;
	const void *id;
	size_t length;

	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, message_id);
	if (sql_step(&use)) {
		id = sql_column_blob(&use, 0, &length);
		if (sql_column_is_null(&use, 0) &&
		    sql_column_bytes(&use, 1, digest, sizeof(digest))) {
			store_unique_body_id(digest, body_id);
			id = body_id;
			length = strlen(body_id);
		}
		noted = owed_note(db, account_id, id, length, message_id);
	}
	status = sql_end(&use);
	return status != STORE_OK ? status : noted;
}

enum store_status
store_owed_settled(
    struct store_writer *writer, int64_t account_id, int64_t message_id)
{
	struct sql_db *db = store_writer_db(writer);
	bool is_owed;
	enum store_status status = owed_is_wanted(writer, account_id, &is_owed);

	if (status == STORE_OK && is_owed)
		status = store_delivered(db, message_id, &is_owed);
	return status == STORE_OK && is_owed
		   ? owed_find_and_note(db, account_id, message_id)
		   : status;
}

enum store_status
store_owed_again(struct store_writer *writer, int64_t account_id,
    int64_t message_id, enum store_uid_state *state_r)
{
	bool is_owed;
	enum store_status status;

	if (*state_r != STORE_UID_STORED)
		return STORE_OK;
	status = owed_is_wanted(writer, account_id, &is_owed);
	if (status == STORE_OK && is_owed)
		status = store_delivered(
		    store_writer_db(writer), message_id, &is_owed);
	if (status == STORE_OK && is_owed)
		*state_r = STORE_UID_DELETE;
	return status;
}

enum store_status
store_owed_restored(struct store_writer *writer, int64_t account_id)
{
	bool is_wanted;
	enum store_status status =
	    owed_is_wanted(writer, account_id, &is_wanted);

	return status == STORE_OK && is_wanted
		   ? store_delivered_owe(store_writer_db(writer), account_id)
		   : status;
}
