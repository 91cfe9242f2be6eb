#include "daemon/deliver/maildir_quota.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define QUOTA_FILE "maildirsize"
#define QUOTA_NEW  "tmp/evpop.maildirsize"

/* A longer one is made anew, says Maildir++. */
#define QUOTA_SIZE 5120

/* One that is younger and has one line is right. */
#define QUOTA_AGE_MS (INT64_C(15) * 60 * 1000)

/* ---- the file ---- */

/* "1000000S,500C": other letters are others' matter. */
static void
quota_parse_limits(const char *line, struct maildir_quota *quota)
{
	while (*line >= '0' && *line <= '9') {
		char *end;
		int64_t figure = strtoll(line, &end, 10);

		if (*end == 'S')
			quota->most_octets = figure;
		else if (*end == 'C')
			quota->most_messages = figure;
		else
			return;
		line = end + 1 + (end[1] == ',');
	}
}

/* How many lines there are behind the first. */
static unsigned
quota_parse(char *text, struct maildir_quota *quota)
{
	unsigned lines = 0;
	char *next = NULL, *line = strtok_r(text, "\n", &next);

	if (line == NULL)
		return 0;
	quota_parse_limits(line, quota);
	while ((line = strtok_r(NULL, "\n", &next)) != NULL) {
		char *end;

		quota->octets += strtoll(line, &end, 10);
		quota->messages += strtoll(end, NULL, 10);
		lines++;
	}
	return lines;
}

/* ---- counting ---- */

/* ",S=1234" in a name; -1 where it does not say. */
static int64_t
quota_size_of_name(const char *name)
{
	const char *at = strstr(name, ",S=");

	return at == NULL ? -1 : strtoll(at + 3, NULL, 10);
}

/* One that is to be deleted does not count. */
static bool
quota_is_trashed(const char *name)
{
	const char *flags = strstr(name, ":2,");

	return flags != NULL && strchr(flags + 3, 'T') != NULL;
}

static DIR *
quota_open_folder(int folder, const char *name)
{
	int fd = openat(
	    folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *all = fd == -1 ? NULL : fdopendir(fd);

	if (all == NULL && fd != -1)
		close(fd);
	return all;
}

static void
quota_count_messages(int folder, const char *name, struct maildir_quota *quota)
{
	DIR *all = quota_open_folder(folder, name);
	struct dirent *one;
	struct stat status;

	while (all != NULL && (one = readdir(all)) != NULL) {
		int64_t size = quota_size_of_name(one->d_name);

		if (one->d_name[0] == '.' || quota_is_trashed(one->d_name))
			continue;
		if (size < 0 && fstatat(dirfd(all), one->d_name, &status,
				    AT_SYMLINK_NOFOLLOW) == 0)
			size = status.st_size;
		quota->octets += size > 0 ? size : 0;
		quota->messages++;
	}
	if (all != NULL)
		closedir(all);
}

static void
quota_count(int root, struct maildir_quota *quota)
{
	DIR *all = quota_open_folder(root, ".");
	struct dirent *one;

	quota->octets = quota->messages = 0;
	quota_count_messages(root, "new", quota);
	quota_count_messages(root, "cur", quota);
	while (all != NULL && (one = readdir(all)) != NULL) {
		DIR *sub;

		if (one->d_name[0] != '.' || strcmp(one->d_name, ".") == 0 ||
		    strcmp(one->d_name, "..") == 0 ||
		    strcmp(one->d_name, ".Trash") == 0)
			continue;
		sub = quota_open_folder(root, one->d_name);
		if (sub == NULL)
			continue;
		quota_count_messages(dirfd(sub), "new", quota);
		quota_count_messages(dirfd(sub), "cur", quota);
		closedir(sub);
	}
	if (all != NULL)
		closedir(all);
}

/* With the first line as it was. */
static void
quota_write(int root, const char *limits, const struct stat *old,
    const struct maildir_quota *quota)
{
	char text[QUOTA_SIZE + 64];
	int length =
	    snprintf(text, sizeof(text), "%s\n%" PRId64 " %" PRId64 "\n",
		limits, quota->octets, quota->messages);
	int fd;
	bool done;

	(void)unlinkat(root, QUOTA_NEW, 0);
	fd = openat(root, QUOTA_NEW, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
	    old->st_mode & 0777);
	if (fd == -1)
		return;
	/* For root; others cannot give a file away. */
	if (geteuid() == 0 && fchown(fd, old->st_uid, old->st_gid) != 0)
		length = -1;
	done = length > 0 && write(fd, text, (size_t)length) == length;
	if (close(fd) != 0 || !done ||
	    renameat(root, QUOTA_NEW, root, QUOTA_FILE) != 0)
		(void)unlinkat(root, QUOTA_NEW, 0);
}

/* ---- the whole ---- */

bool
maildir_quota_has_room(const struct maildir_quota *quota, int64_t octets)
{
	return (quota->most_octets == 0 ||
		   quota->octets + octets <= quota->most_octets) &&
	       (quota->most_messages == 0 ||
		   quota->messages + 1 <= quota->most_messages);
}

void
maildir_quota_read(
    int root, int64_t more, int64_t now_ms, struct maildir_quota *quota_r)
{
	char text[QUOTA_SIZE + 1], limits[QUOTA_SIZE + 1];
	struct stat status;
	unsigned lines;
	ssize_t length;
	int fd;

	*quota_r = (struct maildir_quota){ 0 };
	fd = openat(root, QUOTA_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd == -1)
		return;
	length = read(fd, text, QUOTA_SIZE);
	if (length < 0 || fstat(fd, &status) != 0) {
		close(fd);
		return;
	}
	close(fd);
	text[length] = '\0';
	memcpy(limits, text, (size_t)length + 1);
	limits[strcspn(limits, "\n")] = '\0';
	lines = quota_parse(text, quota_r);
	if (status.st_size < QUOTA_SIZE &&
	    maildir_quota_has_room(quota_r, more))
		return;
	if (status.st_size < QUOTA_SIZE && lines == 1 &&
	    now_ms - (int64_t)status.st_mtime * 1000 < QUOTA_AGE_MS)
		return;
	quota_count(root, quota_r);
	quota_write(root, limits, &status, quota_r);
}

void
maildir_quota_add(int root, int64_t octets, int64_t messages)
{
	char line[64];
	int length = snprintf(
	    line, sizeof(line), "%" PRId64 " %" PRId64 "\n", octets, messages);
	int fd = openat(
	    root, QUOTA_FILE, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);

	ssize_t written = 0;

	/* Where that fails, too little is counted until somebody recounts. */
	if (fd != -1) {
		written = write(fd, line, (size_t)length);
		close(fd);
	}
	(void)written;
}
