/*
 * Readers: threads that answer what is in one queue, each with a connection of
 * its own that cannot write.
 */
#ifndef STORE_READER_H
#define STORE_READER_H

#include "daemon/store/store.h"

struct store_mailbox;
struct store_queue;
struct store_readers;

/* Start `count` threads on a queue.  On failure *error_r says why. */
enum store_status store_readers_new(struct store_readers **readers_r,
    const char *path, unsigned count, struct store_queue *,
    struct store_mailbox *, struct store_error *error_r)
    __attribute__((warn_unused_result));

/* Answer what is queued and end. */
void store_readers_free(struct store_readers *);

#endif
