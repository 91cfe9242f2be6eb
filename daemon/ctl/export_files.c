/*
 * A file for each message.  Messages are written beside their place under
 * another name, many of them are made durable at once, and then each gets its
 * name: so a name stands for a whole message whenever the run is cut.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/ctl/export_known.h"
#include "lib/base/array.h"
#include "lib/base/mail_lines.h"

/* Made durable together: one sync costs as much as a thousand messages. */
#define GROUP_MESSAGES 1000
#define GROUP_BYTES    ((uint64_t)64 * 1024 * 1024)

struct folder {
	char *account;
	char *path;
	dev_t device;
	bool is_touched; /* names changed since the last sync */
	struct export_known known;
};

struct pending {
	char *temporary, *path;
};

struct files {
	struct export_options options;
	int root;
	dev_t device;
	struct folder **folders; /* by account */
	size_t count, room;

	/* The message under way. */
	int fd;
	struct pending current;
	struct timespec time;
	struct evpop_mail_lines lines;

	struct pending group[GROUP_MESSAGES];
	size_t group_count;
	uint64_t group_bytes;
};

/* ---- folders ---- */

static bool
files_make_folder(const char *path, struct export_error *error_r)
{
	return mkdir(path, 0700) == 0 || errno == EEXIST ||
	       export_fail(error_r, errno, path);
}

static bool
files_make_maildir(const char *path, bool is_sub, struct export_error *error_r)
{
	static const char *const parts[] = { "tmp", "new", "cur" };
	char inner[PATH_MAX];
	int fd;

	if (!files_make_folder(path, error_r))
		return false;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		snprintf(inner, sizeof(inner), "%s/%s", path, parts[i]);
		if (!files_make_folder(inner, error_r))
			return false;
	}
	if (!is_sub)
		return true;
	/* Maildir++: what is not the inbox says so. */
	snprintf(inner, sizeof(inner), "%s/maildirfolder", path);
	fd = open(inner, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd == -1)
		return export_fail(error_r, errno, inner);
	close(fd);
	return true;
}

/* An account's name as a file's: what would mean something else is %XX. */
static void
files_name_folder(
    const struct files *files, const char *account, char *name, size_t size)
{
	bool is_plusplus = files->options.folders == EXPORT_MAILDIRPP;
	size_t length = 0;

	if (is_plusplus)
		name[length++] = '.';
	for (const char *at = account; *at != '\0' && length + 4 < size; at++) {
		bool is_special =
		    *at == '/' || *at == '%' || (unsigned char)*at < ' ' ||
		    *at == 0x7f ||
		    (*at == '.' && (is_plusplus || at == account));

		length += (size_t)snprintf(name + length, size - length,
		    is_special ? "%%%02X" : "%c", (unsigned char)*at);
	}
	name[length] = '\0';
}

/* What an earlier run has left there, whole and not. */
static bool
folder_read(
    struct folder *folder, bool is_maildir, struct export_error *error_r)
{
	static const char *const parts[] = { "/new", "/cur" };
	char inner[PATH_MAX];
	struct stat status;

	if (stat(folder->path, &status) != 0)
		return export_fail(error_r, errno, folder->path);
	folder->device = status.st_dev;
	snprintf(inner, sizeof(inner), "%s%s", folder->path,
	    is_maildir ? "/tmp" : "");
	if (!export_remove_unfinished(inner))
		return export_fail(error_r, errno, inner);
	for (size_t i = 0; i < (is_maildir ? 2 : 1); i++) {
		snprintf(inner, sizeof(inner), "%s%s", folder->path,
		    is_maildir ? parts[i] : "");
		if (!export_known_read(&folder->known, inner))
			return export_fail(error_r, errno, inner);
	}
	export_known_sort(&folder->known);
	return true;
}

static void
folder_free(struct folder *folder)
{
	export_known_free(&folder->known);
	free(folder->account);
	free(folder->path);
	free(folder);
}

static struct folder *
folder_new(const struct files *files, const char *account,
    struct export_error *error_r)
{
	struct folder *folder = calloc(1, sizeof(*folder));
	bool is_maildir = files->options.form == EXPORT_MAILDIR;
	char path[PATH_MAX] = "", name[NAME_MAX + 4];

	files_name_folder(files, account, name, sizeof(name));
	if (files->options.folders == EXPORT_FLAT)
		snprintf(path, sizeof(path), "%s", files->options.path);
	else if (snprintf(path, sizeof(path), "%s/%s", files->options.path,
		     name) >= (int)sizeof(path) - NAME_MAX)
		errno = ENAMETOOLONG;
	if (folder != NULL) {
		folder->account = strdup(account);
		folder->path = strdup(path);
	}
	if (folder == NULL || folder->account == NULL || folder->path == NULL)
		export_fail(error_r, ENOMEM, files->options.path);
	else if ((is_maildir ? files_make_maildir(path,
				   files->options.folders == EXPORT_MAILDIRPP,
				   error_r)
			     : files_make_folder(path, error_r)) &&
		 folder_read(folder, is_maildir, error_r))
		return folder;
	if (folder != NULL)
		folder_free(folder);
	return NULL;
}

/* The place of an account's folder, or where it belongs. */
static size_t
files_place(const struct files *files, const char *account)
{
	size_t low = 0, high = files->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(files->folders[middle]->account, account) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct folder *
files_folder(
    struct files *files, const char *account, struct export_error *error_r)
{
	size_t place;
	struct folder *folder, **grown;

	if (files->options.folders == EXPORT_FLAT)
		account = "";
	place = files_place(files, account);
	if (place < files->count &&
	    strcmp(files->folders[place]->account, account) == 0)
		return files->folders[place];
	folder = folder_new(files, account, error_r);
	if (folder == NULL)
		return NULL;
	grown = evpop_array_grow(
	    files->folders, files->count, &files->room, sizeof(*grown));
	if (grown == NULL) {
		folder_free(folder);
		export_fail(error_r, ENOMEM, files->options.path);
		return NULL;
	}
	files->folders = grown;
	memmove(grown + place + 1, grown + place,
	    (files->count++ - place) * sizeof(*grown));
	return grown[place] = folder;
}

/* ---- messages ---- */

static bool
files_has(void *arg, const struct export_message *message,
    enum export_presence *presence_r, struct export_error *error_r)
{
	struct folder *folder = files_folder(arg, message->account, error_r);

	if (folder == NULL)
		return false;
	*presence_r = export_known_find(&folder->known, message);
	return true;
}

static void
files_name(struct files *files, const struct folder *folder,
    const struct export_message *message)
{
	bool is_maildir = files->options.form == EXPORT_MAILDIR;
	char name[EXPORT_NAME_SIZE];
	int done;

	if (is_maildir)
		export_name_maildir(message, name);
	else if (files->options.form == EXPORT_SEALED)
		export_name_sealed(message, name);
	else
		export_name_eml(message, name);
	done = asprintf(&files->current.temporary, "%s%s/%s%s", folder->path,
	    is_maildir ? "/tmp" : "", EXPORT_UNFINISHED, name);
	if (done == -1)
		files->current.temporary = NULL;
	done = asprintf(&files->current.path, "%s%s/%s%s", folder->path,
	    !is_maildir              ? ""
	    : files->options.is_seen ? "/cur"
				     : "/new",
	    name, is_maildir && files->options.is_seen ? ":2,S" : "");
	if (done == -1)
		files->current.path = NULL;
}

static void
pending_clear(struct pending *pending)
{
	free(pending->temporary);
	free(pending->path);
	memset(pending, 0, sizeof(*pending));
}

static bool
files_begin(void *arg, const struct export_message *message,
    struct export_error *error_r)
{
	struct files *files = arg;
	struct folder *folder = files_folder(files, message->account, error_r);
	int64_t time_ms =
	    message->has_date ? message->date_ms : message->stored_ms;

	if (folder == NULL)
		return false;
	/* A date may be anything; some file systems keep 32 bits. */
	if (time_ms < 0 || time_ms > message->stored_ms)
		time_ms = message->stored_ms;
	files_name(files, folder, message);
	if (files->current.temporary == NULL || files->current.path == NULL) {
		pending_clear(&files->current);
		return export_fail(error_r, ENOMEM, folder->path);
	}
	files->fd = open(files->current.temporary,
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (files->fd == -1) {
		export_fail(error_r, errno, files->current.temporary);
		pending_clear(&files->current);
		return false;
	}
	folder->is_touched = true;
	files->time.tv_sec = time_ms / 1000;
	files->time.tv_nsec = time_ms % 1000 * 1000000;
	memset(&files->lines, 0, sizeof(files->lines));
	return true;
}

static bool
files_write_as_is(struct files *files, const char *bytes, size_t length,
    struct export_error *error_r)
{
	files->group_bytes += length;
	return export_write_all(files->fd, bytes, length) ||
	       export_fail(error_r, errno, files->current.temporary);
}

static bool
files_write(
    void *arg, const char *bytes, size_t length, struct export_error *error_r)
{
	struct files *files = arg;
	char *changed;
	bool done;

	if (files->options.form == EXPORT_EML ||
	    files->options.form == EXPORT_SEALED || files->options.keeps_crlf)
		return files_write_as_is(files, bytes, length, error_r);
	changed = malloc(EVPOP_MAIL_LINES_ROOM(length));
	if (changed == NULL)
		return export_fail(error_r, ENOMEM, files->current.temporary);
	done = files_write_as_is(files, changed,
	    evpop_mail_lines_to_lf(&files->lines, bytes, length, changed),
	    error_r);
	free(changed);
	return done;
}

static void
files_abandon(void *arg)
{
	struct files *files = arg;

	if (files->fd != -1)
		close(files->fd);
	files->fd = -1;
	if (files->current.temporary != NULL)
		unlink(files->current.temporary);
	pending_clear(&files->current);
}

static bool
files_sync_folder(const char *path, const char *part, bool whole,
    struct export_error *error_r)
{
	char inner[PATH_MAX];
	bool done;
	int fd;

	snprintf(inner, sizeof(inner), "%s%s", path, part);
	fd = open(inner, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return export_fail(error_r, errno, inner);
	done = (whole ? syncfs(fd) : fsync(fd)) == 0 ||
	       export_fail(error_r, errno, inner);
	close(fd);
	return done;
}

/* One call for a whole file system; folders may lie on others. */
static bool
files_sync_bodies(struct files *files, struct export_error *error_r)
{
	for (size_t i = 0; i < files->count; i++) {
		const struct folder *folder = files->folders[i];

		if (folder->is_touched && folder->device != files->device &&
		    !files_sync_folder(folder->path, "", true, error_r))
			return false;
	}
	return syncfs(files->root) == 0 ||
	       export_fail(error_r, errno, files->options.path);
}

static bool
files_sync_names(struct files *files, struct export_error *error_r)
{
	const char *part = files->options.form != EXPORT_MAILDIR ? ""
			   : files->options.is_seen              ? "/cur"
								 : "/new";

	for (size_t i = 0; i < files->count; i++) {
		struct folder *folder = files->folders[i];

		if (folder->is_touched &&
		    !files_sync_folder(folder->path, part, false, error_r))
			return false;
		folder->is_touched = false;
	}
	return true;
}

static bool
files_flush(void *arg, struct export_error *error_r)
{
	struct files *files = arg;
	size_t named = 0;
	bool done =
	    files->group_count == 0 || files_sync_bodies(files, error_r);

	for (; done && named < files->group_count; named++)
		done = rename(files->group[named].temporary,
			   files->group[named].path) == 0 ||
		       export_fail(error_r, errno, files->group[named].path);
	if (done && files->group_count > 0)
		done = files_sync_names(files, error_r);
	if (!done)
		return false;
	while (files->group_count > 0)
		pending_clear(&files->group[--files->group_count]);
	files->group_bytes = 0;
	return true;
}

static bool
files_end(void *arg, struct export_error *error_r)
{
	struct files *files = arg;
	const struct timespec times[] = { files->time, files->time };
	bool done = files_write(files, "", 0, error_r);

	if (done)
		done = futimens(files->fd, times) == 0 ||
		       export_fail(error_r, errno, files->current.temporary);
	if (close(files->fd) != 0 && done)
		done = export_fail(error_r, errno, files->current.temporary);
	files->fd = -1;
	if (!done) {
		files_abandon(files);
		return false;
	}
	files->group[files->group_count++] = files->current;
	memset(&files->current, 0, sizeof(files->current));
	return (files->group_count < GROUP_MESSAGES &&
		   files->group_bytes < GROUP_BYTES) ||
	       files_flush(files, error_r);
}

/* ---- the whole ---- */

static int64_t
files_last_id(const void *arg)
{
	(void)arg;
	return 0;
}

static void
files_close(void *arg)
{
	struct files *files = arg;

	files_abandon(files);
	while (files->group_count > 0) {
		struct pending *last = &files->group[--files->group_count];

		/* Those that have their names already are no longer there. */
		unlink(last->temporary);
		pending_clear(last);
	}
	for (size_t i = 0; i < files->count; i++)
		folder_free(files->folders[i]);
	free(files->folders);
	if (files->root != -1)
		close(files->root);
	free(files);
}

/* Two at a time would write the same. */
static bool
files_lock(struct files *files, struct export_error *error_r)
{
	const char *path = files->options.path;
	struct stat status;

	files->root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (files->root == -1 || fstat(files->root, &status) != 0)
		return export_fail(error_r, errno, path);
	files->device = status.st_dev;
	if (flock(files->root, LOCK_EX | LOCK_NB) == 0)
		return true;
	if (errno == EWOULDBLOCK)
		return export_fail_words(
		    error_r, "%s: another export writes there", path);
	return export_fail(error_r, errno, path);
}

static void *
files_open(const struct export_options *options, struct export_error *error_r)
{
	struct files *files = calloc(1, sizeof(*files));

	if (files == NULL) {
		export_fail(error_r, ENOMEM, options->path);
		return NULL;
	}
	files->options = *options;
	files->root = files->fd = -1;
	/* A Maildir++ has an inbox, whatever is in it. */
	if ((options->folders == EXPORT_MAILDIRPP
		    ? files_make_maildir(options->path, false, error_r)
		    : files_make_folder(options->path, error_r)) &&
	    files_lock(files, error_r))
		return files;
	files_close(files);
	return NULL;
}

const struct export_kind export_files = { files_open, files_last_id, files_has,
	files_begin, files_write, files_end, files_abandon, files_flush,
	files_close };
