/*
 * A copy of the whole store, made on a thread and a connection of its own while
 * polls and questions go on.  It shows the store as it was at one moment, needs
 * no log beside it, and can take the store's place.
 */
#ifndef STORE_BACKUP_H
#define STORE_BACKUP_H

#include "daemon/store/store.h"

#define STORE_BACKUP_TEXT 1024
struct store_backup {
	bool is_running;
	int64_t started_ms, finished_ms; /* Unix time; 0: never */
	const char *path;                /* borrowed until the next one */
	/* About as much as the copy will have; then what it has. */
	uint64_t octets, octets_done;
	enum store_status status;
	char text[STORE_BACKUP_TEXT]; /* what failed; "" if nothing has */
};

/*
 * Begin a copy in the new file of this path, which must be absolute, or a name
 * alone: that is beside the store.  The file has its name only once it is whole
 * and durable, and nobody else can read it.  STORE_BUSY where one is being
 * made; other failures come by store_backup().
 */
enum store_status store_backup_start(struct store *, const char *path)
    __attribute__((warn_unused_result));
/* How far it is, or how the last one ended. */
void store_backup(const struct store *, struct store_backup *backup_r);

#endif
