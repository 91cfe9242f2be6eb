#include "daemon/store/index/conversation.h"

#include "daemon/store/digest.h"

int64_t
store_conversation_node(const char *id, size_t length)
{
	unsigned char bytes[STORE_DIGEST_SIZE];
	struct store_digest *digest = store_digest_new();
	uint64_t number = 0;

	if (digest == NULL)
		return 0;
	store_digest_update(digest, id, length);
	store_digest_final(digest, bytes);
	store_digest_free(digest);
	for (size_t i = 0; i < 8; i++)
		number = number << 8 | bytes[i];
	return -(int64_t)(number >> 1) - 1;
}

void
store_conversation_read(
    const char *header, size_t length, struct store_conversation_names *names_r)
{
	struct mail_references references;

	names_r->count = 0;
	mail_references_read(header, length, &references);
	for (size_t i = 0; i < references.count; i++) {
		int64_t node = store_conversation_node(
		    references.items[i].id, references.items[i].length);

		if (node != 0)
			names_r->nodes[names_r->count++] = node;
	}
}

static enum store_status
conversation_link(struct sql_db *db, int64_t node, int64_t other)
{
	static const char sql[] = "INSERT INTO linked(node, other)"
				  " VALUES(?1, ?2) ON CONFLICT DO NOTHING";
	struct sql_statement use;

	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, node);
	sql_bind_int(&use, 2, other);
	return sql_run(&use);
}

enum store_status
store_conversation_add(struct sql_db *db, int64_t message,
    const struct store_conversation_names *names)
{
	enum store_status status = STORE_OK;

	for (size_t i = 0; status == STORE_OK && i < names->count; i++) {
		status = conversation_link(db, message, names->nodes[i]);
		if (status == STORE_OK)
			status =
			    conversation_link(db, names->nodes[i], message);
	}
	return status;
}

enum store_status
store_conversation_forget(struct sql_db *db, int64_t message)
{
	static const char to_it[] =
	    "DELETE FROM linked WHERE other = ?1 AND node IN"
	    " (SELECT other FROM linked WHERE node = ?1)";
	static const char from_it[] = "DELETE FROM linked WHERE node = ?1";
	enum store_status status = sql_run_of(db, to_it, message);

	return status == STORE_OK ? sql_run_of(db, from_it, message) : status;
}

const char store_conversation_restart_sql[] = "DELETE FROM linked;";
