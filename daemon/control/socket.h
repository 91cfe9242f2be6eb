/*
 * The Unix socket of the API: created with the right mode, and taken over from
 * a dead daemon but never from a living one.
 */
#ifndef CONTROL_SOCKET_H
#define CONTROL_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * A listening socket, and its file's identity, so that no other file is
 * removed.
 */
struct socket_bound {
	int fd;
	char *path; /* owned; NULL: not bound by us */
	dev_t device;
	ino_t inode;
};

/*
 * Bind and listen at `path`.  `group` is a group's name, or NULL.  False with
 * the reason; nothing is open then.
 */
bool socket_bind(struct socket_bound *bound_r, const char *path, mode_t mode,
    const char *group, char *error_r, size_t error_size)
    __attribute__((warn_unused_result));

/* Use a descriptor that somebody else created and will remove. */
bool socket_adopt(struct socket_bound *bound_r, int fd, char *error_r,
    size_t error_size) __attribute__((warn_unused_result));

/*
 * Whether such a descriptor is another socket than the configuration has; the
 * text says which keys do not apply.
 */
bool socket_differs(int fd, const char *path, mode_t mode, const char *group,
    char *text_r, size_t text_size);

/* Remove the file if it is still ours; the descriptor stays open. */
void socket_unlink(struct socket_bound *);

#endif
