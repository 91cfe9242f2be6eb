#include "daemon/secret/exposure.h"

#include <sys/statvfs.h>

static bool
is_on_read_only_mount(int fd)
{
	struct statvfs system;

	return fstatvfs(fd, &system) == 0 && (system.f_flag & ST_RDONLY) != 0;
}

static bool
is_handed_in(int fd, const struct stat *status)
{
	if (status->st_uid != 0 || (status->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return false;
	return (status->st_mode & S_IWUSR) == 0 || is_on_read_only_mount(fd);
}

bool
secret_is_exposed(int fd, const struct stat *status, mode_t forbidden)
{
	return (status->st_mode & forbidden) != 0 && !is_handed_in(fd, status);
}
