/*
 * Whether others can open a file that holds a secret.
 */
#ifndef SECRET_EXPOSURE_H
#define SECRET_EXPOSURE_H

#include <stdbool.h>
#include <sys/stat.h>

/*
 * Whether the mode of an open file lets others do what is forbidden, of the
 * rights of group and others.  They may read what is root's and nobody may
 * write (0444), or lies on a file system that is mounted read-only: containers
 * are given their secrets so, for them alone, and cannot change the mode.
 */
bool secret_is_exposed(int fd, const struct stat *, mode_t forbidden);

#endif
