/*
 * Messages in the form of an mbox before they are put into one: so the mbox is
 * locked only for as long as copying takes.  They lie in a file without a name
 * beside it.
 */
#ifndef DELIVER_MBOX_SPOOL_H
#define DELIVER_MBOX_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct mbox_spool {
	int fd;
	off_t size;
	size_t users;
};

/* In the path's folder.  NULL with errno. */
struct mbox_spool *mbox_spool_new(const char *path)
    __attribute__((warn_unused_result));
/* One user less; it goes with the last. */
void mbox_spool_put(struct mbox_spool *);

/* Add to its end.  False with errno. */
bool mbox_spool_write(struct mbox_spool *, const char *bytes, size_t length)
    __attribute__((warn_unused_result));
/* Take away what is behind this place. */
void mbox_spool_cut(struct mbox_spool *, off_t size);

/* Write a part of it to a file, at this place.  False with errno. */
bool mbox_spool_copy(const struct mbox_spool *, off_t from, off_t length,
    int fd, off_t at) __attribute__((warn_unused_result));
/* Whether so many bytes of a file, from this place on, are the same. */
bool mbox_spool_is_same(
    const struct mbox_spool *, off_t from, off_t length, int fd, off_t at);

#endif
