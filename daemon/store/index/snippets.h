/*
 * Pieces of the messages of a page: the index keeps no text, so that it is read
 * from the messages.
 */
#ifndef STORE_SNIPPETS_H
#define STORE_SNIPPETS_H

#include "daemon/store/index/query.h"
#include "daemon/store/op.h"
#include "daemon/store/question.h"

/* One for each row, in the operation's memory. */
enum store_status store_snippets_read(struct sql_db *, struct store_op *,
    const struct query_node *, const struct store_message_row *, size_t count,
    const struct store_snippet **snippets_r)
    __attribute__((warn_unused_result));

/* One of a message's first bytes, in the arena; false without memory. */
bool store_snippets_make(struct store_snippet *snippet_r, struct evpop_arena *,
    const char *bytes, size_t length, const struct query_node *)
    __attribute__((warn_unused_result));

#endif
