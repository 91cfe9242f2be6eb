/*
 * A copy of the store under way, or the last one: its thread, and how far it
 * is.
 */
#ifndef STORE_COPY_H
#define STORE_COPY_H

#include "daemon/store/backup.h"

struct store_copy;

/*
 * Begin on a thread of its own, which also writes to the log how it went if
 * that is wanted; NULL without memory.
 */
struct store_copy *store_copy_new(const char *store_path, const char *path,
    bool is_logged) __attribute__((warn_unused_result));
bool store_copy_is_running(struct store_copy *);
void store_copy_look(struct store_copy *, struct store_backup *backup_r);
/* End it without delay, and leave nothing unfinished; NULL is allowed. */
void store_copy_free(struct store_copy *);

#endif
