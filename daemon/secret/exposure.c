#include "daemon/secret/exposure.h"

#include <sys/statvfs.h>

static bool
is_handed_in(int fd, const struct stat *status)
{
	struct statvfs system;

	return status->st_uid == 0 &&
	       (status->st_mode & (S_IWGRP | S_IWOTH)) == 0 &&
	       fstatvfs(fd, &system) == 0 && (system.f_flag & ST_RDONLY) != 0;
}

bool
secret_is_exposed(int fd, const struct stat *status, mode_t forbidden)
{
	return (status->st_mode & forbidden) != 0 && !is_handed_in(fd, status);
}
