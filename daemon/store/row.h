/*
 * A message's row as queries hand it out.
 */
#ifndef STORE_ROW_H
#define STORE_ROW_H

#include "daemon/store/db.h"
#include "lib/base/arena.h"

/* What a SELECT must begin with for store_row_take(). */
#define STORE_ROW_COLUMNS                                                   \
	"message.id, account.name, message.unique_id, message.octets,"      \
	" message.digest, message.stored_ms, message.date_ms,"              \
	" message.sender, message.recipients, message.cc, message.subject," \
	" message.header_id, message.attachments, message.is_cut"

/* Copy a row of those columns into the arena. */
enum store_status store_row_take(struct evpop_arena *, struct sql_statement *,
    struct store_message_row *row_r) __attribute__((warn_unused_result));

#endif
