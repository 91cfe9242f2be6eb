#include "daemon/ctl/raw.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/ctl/command.h"
#include "daemon/ctl/pager.h"
#include "daemon/ctl/text.h"

/* ---- files ---- */

/*
 * A file that appears whole or not at all: written beside its name, synced,
 * and renamed.
 */
struct new_file {
	int fd;
	const char *path; /* borrowed */
	char *temporary;  /* NULL: what is there is no regular file */
	bool replaces;    /* what is there by that name */
	int failure;      /* errno of the first that failed; 0: none */
};

static bool
new_file_fail(struct new_file *file, int failure)
{
	file->failure = failure;
	return false;
}

/* False with `failure` set: EEXIST where something is there. */
static bool
new_file_open(struct new_file *file_r, const char *path, bool replaces)
{
	struct stat status;
	const char *slash = strrchr(path, '/');
	int folder = slash == NULL ? 0 : (int)(slash - path) + 1;

	memset(file_r, 0, sizeof(*file_r));
	file_r->fd = -1;
	file_r->path = path;
	file_r->replaces = replaces;
	if (stat(path, &status) == 0 && !S_ISREG(status.st_mode)) {
		/* A device or a pipe is written to, never replaced. */
		file_r->fd = open(path, O_WRONLY | O_CLOEXEC);
		return file_r->fd != -1 || new_file_fail(file_r, errno);
	}
	/* A dangling link exists, too. */
	if (!replaces && lstat(path, &status) == 0)
		return new_file_fail(file_r, EEXIST);
	if (asprintf(&file_r->temporary, "%.*s.evpopctl.XXXXXX", folder,
		path) == -1) {
		file_r->temporary = NULL;
		return new_file_fail(file_r, ENOMEM);
	}
	/* Mail is private: only the owner has access to the file. */
	file_r->fd = mkostemp(file_r->temporary, O_CLOEXEC);
	if (file_r->fd == -1) {
		new_file_fail(file_r, errno);
		free(file_r->temporary);
		file_r->temporary = NULL;
		return false;
	}
	return true;
}

static bool
new_file_write(struct new_file *file, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t written = write(file->fd, bytes, length);

		if (written == -1 && errno == EINTR)
			continue;
		if (written == -1)
			return new_file_fail(file, errno);
		bytes += written;
		length -= (size_t)written;
	}
	return true;
}

/* Another file of that name may have come meanwhile. */
static bool
new_file_rename(const struct new_file *file)
{
	if (file->replaces)
		return rename(file->temporary, file->path) == 0;
	if (renameat2(AT_FDCWD, file->temporary, AT_FDCWD, file->path,
		RENAME_NOREPLACE) == 0)
		return true;
	/* Not every file system can do that. */
	return (errno == EINVAL || errno == ENOSYS) &&
	       link(file->temporary, file->path) == 0 &&
	       unlink(file->temporary) == 0;
}

/* Leave nothing behind. */
static void
new_file_discard(struct new_file *file)
{
	if (file->fd != -1)
		close(file->fd);
	file->fd = -1;
	if (file->temporary != NULL)
		unlink(file->temporary);
	free(file->temporary);
	file->temporary = NULL;
}

/* Give the file its name; false with `failure` set, and nothing is left. */
static bool
new_file_finish(struct new_file *file)
{
	bool done = file->temporary == NULL || fsync(file->fd) == 0 ||
		    new_file_fail(file, errno);

	if (close(file->fd) != 0 && done)
		done = new_file_fail(file, errno);
	file->fd = -1;
	if (done && file->temporary != NULL && !new_file_rename(file))
		done = new_file_fail(file, errno);
	if (done) {
		free(file->temporary);
		file->temporary = NULL;
	}
	new_file_discard(file);
	return done;
}

/* ---- bytes ---- */

static bool
raw_to_file(const char *bytes, size_t length, void *arg)
{
	return new_file_write(arg, bytes, length);
}

static enum ctl_exit
new_file_report(const struct ctl *ctl, const struct new_file *file)
{
	ctl_warn(ctl, "%s: %s", file->path, strerror(file->failure));
	if (file->failure == EEXIST)
		ctl_hint(ctl, "give another name, or --force to replace it");
	return CTL_IO;
}

enum ctl_exit
raw_save(const struct ctl *ctl, const struct target *target, const char *path,
    bool force)
{
	struct new_file file;
	struct client_error error;
	bool whole;

	if (!new_file_open(&file, path, force))
		return new_file_report(ctl, &file);
	whole = client_download(ctl, target, raw_to_file, &file, &error);
	if (whole && new_file_finish(&file))
		return CTL_OK;
	new_file_discard(&file);
	return file.failure != 0 ? new_file_report(ctl, &file)
				 : client_report(ctl, &error);
}

struct screen {
	FILE *out;
	struct text_stream stream;
	bool is_starved; /* of memory */
	bool is_in_line; /* something stands in the last one */
};

static bool
raw_to_output(const char *bytes, size_t length, void *out)
{
	return fwrite(bytes, 1, length, out) == length;
}

/* Mail may contain control sequences, which must not reach the terminal. */
static bool
raw_to_screen(const char *bytes, size_t length, void *arg)
{
	struct screen *screen = arg;
	char *clean = malloc(TEXT_STREAM_ROOM(length));
	bool written;

	if (clean == NULL) {
		screen->is_starved = true;
		return false;
	}
	length = text_stream_clean(&screen->stream, bytes, length, clean);
	if (length > 0)
		screen->is_in_line = clean[length - 1] != '\n';
	written = raw_to_output(clean, length, screen->out);
	free(clean);
	return written;
}

/* Standard output may be an existing file, which must be written to. */
static bool
is_standard_output(const char *path)
{
	static const char *const names[] = { "-", "/dev/stdout", "/dev/fd/1",
		"/proc/self/fd/1" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(path, names[i]) == 0)
			return true;
	return false;
}

/* Through the pager, so that a long one does not flood the terminal. */
static enum ctl_exit
raw_page(const struct ctl *ctl, const struct target *target)
{
	struct ctl paged;
	struct pager *pager = pager_begin(ctl, &paged);
	struct screen screen = { .out = paged.out };
	struct client_error error;
	enum ctl_exit code = CTL_OK;

	if (!client_download(ctl, target, raw_to_screen, &screen, &error) ||
	    !raw_to_screen("", 0, &screen) ||
	    (screen.is_in_line && !raw_to_output("\n", 1, screen.out))) {
		if (screen.is_starved)
			code = ctl_no_memory(ctl);
		/* ctl_end() reports a failed write; a reader may stop. */
		else if (!ferror(paged.out))
			code = client_report(ctl, &error);
	}
	return pager_end(pager, ctl, code);
}

enum ctl_exit
raw_print(const struct ctl *ctl, const struct target *target,
    const struct invocation *invocation)
{
	const char *path = command_value(invocation, "output");
	struct client_error error;

	if (path != NULL && !is_standard_output(path))
		return raw_save(
		    ctl, target, path, command_given(invocation, "force"));
	if (ctl->is_terminal)
		return raw_page(ctl, target);
	if (client_download(ctl, target, raw_to_output, ctl->out, &error) ||
	    ferror(ctl->out))
		return CTL_OK;
	return client_report(ctl, &error);
}

enum ctl_exit
raw_run(const struct ctl *ctl, const struct invocation *invocation)
{
	struct target target;

	target_begin(&target, "/v1/messages/*/raw", invocation->arguments[0]);
	return raw_print(ctl, &target, invocation);
}
