/*
 * The index of senders: which messages are by whom, and where in the senders'
 * names and addresses three characters are.  It is filled behind the commits,
 * in the order of messages; how far it has come is kept in the file.
 */
#ifndef STORE_SENDER_H
#define STORE_SENDER_H

#include "daemon/store/db.h"

struct store_queue;

/*
 * Index some messages in the transaction that is open, ending early when the
 * queue fills; *more_r tells whether others wait.
 */
enum store_status store_sender_step(struct sql_db *, struct store_queue *,
    bool *more_r) __attribute__((warn_unused_result));

/* All up to this message are in the index. */
enum store_status store_sender_indexed(struct sql_db *, int64_t *id_r)
    __attribute__((warn_unused_result));

/*
 * The senders that have a part, in no order, one by one: use, ask until there
 * is none, end.  The part is folded, and must stay until the end.
 */
#define STORE_SENDER_MATCH_SIZE 256
struct store_sender_use {
	struct sql_statement use;
	char match[STORE_SENDER_MATCH_SIZE]; /* its own */
};
enum store_status store_sender_use(struct store_sender_use *, struct sql_db *,
    const char *part) __attribute__((warn_unused_result));
/* 0 where there is no further one. */
int64_t store_sender_next(struct store_sender_use *);
enum store_status store_sender_end(struct store_sender_use *)
    __attribute__((warn_unused_result));

/* The statements that make the index empty, inside a transaction. */
extern const char store_sender_restart_sql[];

#endif
