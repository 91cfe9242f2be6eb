#include "daemon/ctl/raw.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/ctl/client.h"
#include "daemon/ctl/command.h"
#include "daemon/ctl/files.h"
#include "daemon/ctl/target.h"
#include "daemon/ctl/text.h"

static bool
to_file(const char *bytes, size_t length, void *arg)
{
	return new_file_write(arg, bytes, length);
}

static enum ctl_exit
report_failure(struct ctl *ctl, const struct new_file *file)
{
	ctl_warn(ctl, "%s: %s", file->path, strerror(file->failure));
	if (file->failure == EEXIST)
		ctl_hint(ctl, "give another name, or --force to replace it");
	return CTL_IO;
}

static enum ctl_exit
write_to_file(
    struct ctl *ctl, struct target *target, const char *path, bool force)
{
	struct new_file file;
	struct http_error error;
	bool whole;

	if (!new_file_open(&file, path, force)) {
		target_free(target);
		return report_failure(ctl, &file);
	}
	whole = http_download(ctl, target, to_file, &file, &error);
	if (whole && new_file_finish(&file))
		return CTL_OK;
	new_file_discard(&file);
	return file.failure != 0 ? report_failure(ctl, &file)
				 : http_report(ctl, &error);
}

struct screen {
	struct ctl *ctl;
	struct text_stream stream;
	bool starved; /* of memory */
};

static bool
to_output(const char *bytes, size_t length, void *arg)
{
	struct ctl *ctl = arg;

	return fwrite(bytes, 1, length, ctl->out) == length;
}

/* Mail may hold what makes a terminal do things: it gets none of that. */
static bool
to_screen(const char *bytes, size_t length, void *arg)
{
	struct screen *screen = arg;
	char *clean = malloc(TEXT_STREAM_ROOM(length));
	bool written;

	if (clean == NULL) {
		screen->starved = true;
		return false;
	}
	written = to_output(clean,
	    text_stream_clean(&screen->stream, bytes, length, clean),
	    screen->ctl);
	free(clean);
	return written;
}

/* By its other names it may be a file that is there, which is to be written. */
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

enum ctl_exit
raw_print(
    struct ctl *ctl, struct target *target, const struct invocation *invocation)
{
	const char *path = command_value(invocation, "output");
	struct screen screen = { .ctl = ctl };
	struct http_error error;
	bool whole;

	if (path != NULL && !is_standard_output(path))
		return write_to_file(
		    ctl, target, path, command_given(invocation, "force"));
	if (ctl->is_terminal)
		whole =
		    http_download(ctl, target, to_screen, &screen, &error) &&
		    to_screen("", 0, &screen);
	else
		whole = http_download(ctl, target, to_output, ctl, &error);
	if (whole)
		return CTL_OK;
	if (screen.starved) {
		ctl_warn(ctl, "out of memory");
		return CTL_TEMPORARY;
	}
	/* A write that failed is said at the end, by ctl_end(). */
	if (ferror(ctl->out))
		return CTL_OK;
	return http_report(ctl, &error);
}

enum ctl_exit
raw_run(struct ctl *ctl, const struct invocation *invocation)
{
	struct target target;

	target_begin(&target, "/v1/messages/");
	target_segment(&target, invocation->arguments[0]);
	target_path(&target, "/raw");
	return raw_print(ctl, &target, invocation);
}
