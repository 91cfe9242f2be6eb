/*
 * A message's row as queries hand it out.
 */
#ifndef STORE_MESSAGE_H
#define STORE_MESSAGE_H

#include "daemon/store/op.h"
#include "daemon/store/question.h"

/* The columns that a SELECT for store_message_take() begins with. */
#define STORE_MESSAGE_COLUMNS                                               \
	"message.id, account.name, message.unique_id, message.octets,"      \
	" message.digest, message.stored_ms, message.date_ms,"              \
	" message.sender, message.recipients, message.cc, message.subject," \
	" message.header_id, message.attachments, message.is_cut,"          \
	" EXISTS(SELECT 1 FROM sealed WHERE sealed.message = message.id),"  \
	" (SELECT since_ms FROM hold WHERE hold.message = message.id),"     \
	" (SELECT who FROM hold WHERE hold.message = message.id),"          \
	" (SELECT reason FROM hold WHERE hold.message = message.id)"

/* Copy a row of those columns. */
void store_message_take(
    struct store_op *, struct sql_statement *, struct store_message_row *row_r);

#endif
