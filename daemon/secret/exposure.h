/*
 * Whether others can open a file that holds a secret.
 */
#ifndef SECRET_EXPOSURE_H
#define SECRET_EXPOSURE_H

#include <stdbool.h>
#include <sys/stat.h>

/*
 * Whether the mode of an open file lets others do what is forbidden, of the
 * rights of group and others.  They may read what is root's on a file system
 * that is mounted read-only, as containers are given their secrets: nobody
 * there can change it, nor its mode.
 */
bool secret_is_exposed(int fd, const struct stat *, mode_t forbidden);

#endif
