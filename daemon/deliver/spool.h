/*
 * A message in a file without a name: a command gets it when all of it is
 * there, and so never takes a part for the whole, even where the daemon dies.
 * A small one lies in memory, a large one on the disk.
 */
#ifndef DELIVER_SPOOL_H
#define DELIVER_SPOOL_H

#include <stdbool.h>

#include "daemon/config/target.h"
#include "daemon/deliver/parcel.h"

struct event_base;
struct spool;

enum spooled {
	SPOOL_DONE = 0,
	SPOOL_UNREAD, /* parcel_next() failed */
	SPOOL_FAILED  /* the file cannot be written: `why` */
};

/*
 * On the loop, never from inside a call.  The file is read from its beginning;
 * it is closed with the next message, or the spool.
 */
typedef void (*spool_cb)(enum spooled, int fd, const char *why, void *arg);

/* Files are made in this folder, borrowed; or NULL.  NULL without memory. */
struct spool *spool_new(struct event_base *, const char *folder,
    enum config_line_ends, spool_cb, void *arg)
    __attribute__((warn_unused_result));

/* One at a time. */
void spool_take(struct spool *, struct parcel *);

/* Close the file, and stop a message that is under way: no callback. */
void spool_clear(struct spool *);

/* Sets the pointer to NULL. */
void spool_free(struct spool **);

#endif
