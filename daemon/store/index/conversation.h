/*
 * Who belongs to a conversation: messages and the ids that they name, each
 * linked to the other, so that all is reached from any of it; also over
 * messages that were never here.  Filled behind the commits, with the words.
 */
#ifndef STORE_CONVERSATION_H
#define STORE_CONVERSATION_H

#include "daemon/store/db.h"
#include "daemon/store/mail/references.h"

/*
 * An id stands in the table as a number below 0, where messages have numbers
 * above.
 */
int64_t store_conversation_node(const char *id, size_t length);

/* The nodes that a message is linked to. */
struct store_conversation_names {
	int64_t nodes[MAIL_REFERENCES_MAX];
	size_t count;
};

void store_conversation_read(const char *header, size_t length,
    struct store_conversation_names *names_r);
enum store_status store_conversation_add(
    struct sql_db *, int64_t message, const struct store_conversation_names *)
    __attribute__((warn_unused_result));

/* The message is gone; what it has linked stays together. */
enum store_status store_conversation_forget(struct sql_db *, int64_t message)
    __attribute__((warn_unused_result));

/* The statements that make the table empty, inside a transaction. */
extern const char store_conversation_restart_sql[];

#endif
