/*
 * Whether the store's name still leads to the file that a connection has open.
 * SQLite goes on writing into a file that was removed, moved or replaced, or
 * whose log was; what goes there is lost, so mail must not leave a server for
 * it.  A file that was overwritten in its place is found by its header, which
 * only checkpoints and other connections change.
 */
#ifndef STORE_SQL_PLACE_H
#define STORE_SQL_PLACE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "daemon/store/db.h"

#define STORE_PLACE_HEADER 100

struct store_place_file {
	dev_t device;
	ino_t inode;
	nlink_t names;
	off_t octets;
	struct timespec written;
};

struct store_place {
	const char *path; /* borrowed */
	char *log_path;   /* NULL: there is no log that could be missed */
	struct store_place_file file, log;
	unsigned char header[STORE_PLACE_HEADER];
	int64_t least_pages, data_version;
};

/*
 * Note where the file of an open connection lies, and where its log.  The path
 * is borrowed until store_place_free().  STORE_REPLACED if it was moved since
 * the connection was opened; the connection has the words.
 */
enum store_status store_place_note(struct store_place *, struct sql_db *,
    const char *path) __attribute__((warn_unused_result));
void store_place_free(struct store_place *);

/*
 * STORE_OK, or STORE_REPLACED with words.  Two calls of stat(), and no more
 * where nothing has happened.
 */
enum store_status store_place_check(struct store_place *, struct sql_db *)
    __attribute__((warn_unused_result));

/* This connection has written the file itself, by a checkpoint. */
void store_place_written(struct store_place *, struct sql_db *);

/* This connection has shrunk the file, in the log so far. */
void store_place_shrunk(struct store_place *, struct sql_db *);

/*
 * Whether the file is there still, and something else is in it: then the log
 * must not come into it.
 */
bool store_place_is_overwritten(struct store_place *, struct sql_db *);

/* Move the log aside; a file that was overwritten would be damaged by it. */
void store_place_put_log_aside(const struct store_place *);

#endif
