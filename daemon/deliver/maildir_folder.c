#include "daemon/deliver/maildir_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/deliver/imap_data.h"
#include "daemon/deliver/imap_name.h"

/*
 * "Lists/evpop" as Maildir++ has it: ".Lists.evpop"; and what is not ASCII as
 * servers of IMAP do, whose folders these are.
 */
static char *
folder_sub_path(const struct letter *letter)
{
	static const struct imap_naming naming = { .delimiter = '.' };
	const char *folder = letter->folder != NULL ? letter->folder : "";
	char quoted[IMAP_FOLDER], plain[IMAP_FOLDER], *to = plain, *made;

	folder += strspn(folder, "./");
	if (*folder == '\0' || strcasecmp(folder, "INBOX") == 0) {
		made = strdup(letter->path);
	} else if (!imap_folder_write(quoted, folder, &naming)) {
		letter_fail_words(letter,
		    letter->has_own_path ? CARRIED_LATER : CARRIED_WRONG,
		    "%s cannot be the name of a folder; correct folder",
		    folder);
		return NULL;
	} else {
		for (const char *at = quoted + 1; at[1] != '\0'; at++) {
			if (*at == '\\')
				at++;
			*to++ = *at;
		}
		*to = '\0';
		if (asprintf(&made, "%s/.%s", letter->path, plain) == -1)
			made = NULL;
	}
	if (made == NULL)
		letter_fail(letter, ENOMEM, "open", letter->path);
	return made;
}

static int
folder_open_part(const char *path, int flags)
{
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags);
}

/* Where tmp, new or cur is missing, it is made. */
static int
folder_open_inner(struct maildir_folder *folder, const char *part, mode_t mode,
    const struct letter *letter)
{
	char *path;
	int fd;

	if (asprintf(&path, "%s/%s", folder->path, part) == -1) {
		letter_fail(letter, ENOMEM, "open", folder->path);
		return -1;
	}
	fd = folder_open_part(path, O_NOFOLLOW);
	if (fd == -1 && errno == ENOENT &&
	    path_make_folder(path, mode, &folder->owner))
		fd = folder_open_part(path, O_NOFOLLOW);
	if (fd == -1)
		letter_fail(letter, errno, "open", path);
	free(path);
	return fd;
}

/* What is not the inbox says so. */
static bool
folder_mark_sub(struct maildir_folder *folder, mode_t mode)
{
	char *path;
	int fd;

	if (asprintf(&path, "%s/maildirfolder", folder->path) == -1)
		return false;
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, mode);
	free(path);
	if (fd == -1)
		return false;
	if (folder->owner.uid != (uid_t)-1 &&
	    fchown(fd, folder->owner.uid, folder->owner.gid) != 0) {
		close(fd);
		return false;
	}
	return close(fd) == 0;
}

static bool
folder_open_root(struct maildir_folder *folder,
    const struct filing_options *options, const struct letter *letter)
{
	const char *path = letter->path;

	folder->root = folder_open_part(path, 0);
	if (folder->root == -1 && errno == ENOENT) {
		if (!path_make(path, false, options, letter, &folder->owner))
			return false;
		folder->root = folder_open_part(path, 0);
	}
	if (folder->root == -1)
		return letter_fail(letter, errno, "open", path);
	path_find_owner(path, &folder->owner);
	return true;
}

static bool
folder_open_sub(struct maildir_folder *folder,
    const struct filing_options *options, const struct letter *letter)
{
	if (strcmp(folder->path, letter->path) == 0)
		return true;
	if (access(folder->path, F_OK) == 0)
		return true;
	return (path_make_folder(folder->path, options->mode, &folder->owner) &&
		   folder_mark_sub(folder, options->mode)) ||
	       letter_fail(letter, errno, "make", folder->path);
}

bool
maildir_folder_open(struct maildir_folder *folder,
    const struct filing_options *options, const struct letter *letter)
{
	struct stat status;

	*folder = (struct maildir_folder){ .root = -1,
		.tmp = -1,
		.new = -1,
		.cur = -1,
		.owner = { (uid_t)-1, (gid_t)-1 } };
	folder->path = folder_sub_path(letter);
	if (folder->path == NULL)
		return false;
	if (folder_open_root(folder, options, letter) &&
	    folder_open_sub(folder, options, letter) &&
	    (folder->cur = folder_open_inner(
		 folder, "cur", options->mode, letter)) != -1 &&
	    (folder->new = folder_open_inner(
		 folder, "new", options->mode, letter)) != -1 &&
	    (folder->tmp = folder_open_inner(
		 folder, "tmp", options->mode, letter)) != -1) {
		if (fstat(folder->tmp, &status) == 0) {
			folder->device = status.st_dev;
			return true;
		}
		letter_fail(letter, errno, "open", folder->path);
	}
	maildir_folder_close(folder);
	return false;
}

void
maildir_folder_close(struct maildir_folder *folder)
{
	int *const all[] = { &folder->root, &folder->tmp, &folder->new,
		&folder->cur };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (*all[i] != -1)
			close(*all[i]);
		*all[i] = -1;
	}
	free(folder->path);
	folder->path = NULL;
}

char *
maildir_folder_place(
    const struct maildir_folder *folder, const char *part, const char *name)
{
	char *made;

	return asprintf(&made, "%s/%s/%s", folder->path, part, name) == -1
		   ? NULL
		   : made;
}
