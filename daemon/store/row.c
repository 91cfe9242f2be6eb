#include "daemon/store/row.h"

#include <string.h>

#include "daemon/store/column.h"
#include "daemon/store/digest.h"
#include "lib/base/hex.h"

static bool
take_digest(struct evpop_arena *arena, struct sql_statement *from, int column,
    const char **hex_r)
{
	unsigned char digest[STORE_DIGEST_SIZE] = { 0 };
	char *hex = evpop_arena_take(arena, STORE_DIGEST_HEX);

	if (hex == NULL)
		return false;
	(void)sql_column_bytes(from, column, digest, sizeof(digest));
	evpop_hex_encode(digest, STORE_DIGEST_SIZE, hex);
	*hex_r = hex;
	return true;
}

enum store_status
store_row_take(struct evpop_arena *arena, struct sql_statement *from,
    struct store_message_row *row_r)
{
	memset(row_r, 0, sizeof(*row_r));
	row_r->id = sql_column_int(from, 0);
	row_r->octets = (uint64_t)sql_column_int(from, 3);
	row_r->stored_ms = sql_column_int(from, 5);
	row_r->has_date = !sql_column_is_null(from, 6);
	row_r->date_ms = sql_column_int(from, 6);
	row_r->attachments = (uint32_t)sql_column_int(from, 12);
	row_r->is_cut = sql_column_int(from, 13) != 0;
	if (!store_column_text(arena, from, 1, &row_r->account) ||
	    !store_column_blob(
		arena, from, 2, &row_r->unique_id, &row_r->unique_id_length) ||
	    !take_digest(arena, from, 4, &row_r->digest) ||
	    !store_column_text(arena, from, 7, &row_r->sender) ||
	    !store_column_text(arena, from, 8, &row_r->recipients) ||
	    !store_column_text(arena, from, 9, &row_r->cc) ||
	    !store_column_text(arena, from, 10, &row_r->subject) ||
	    !store_column_text(arena, from, 11, &row_r->message_header_id))
		return STORE_MEMORY;
	return STORE_OK;
}
