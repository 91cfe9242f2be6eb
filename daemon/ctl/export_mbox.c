/*
 * One file with all messages, in the mboxrd form.  Beside it stands what is in
 * it: FILE.export says up to which byte the file is whole, and which message is
 * the last one there.  What is behind that byte is of a run that was cut, and
 * is taken away.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/ctl/export.h"
#include "lib/base/mail_lines.h"

#define GROUP_MESSAGES 1000
#define GROUP_BYTES    ((uint64_t)64 * 1024 * 1024)

/* Larger than any: what was asked for is in it. */
#define STATE_SIZE 16384
#define STATE_FORM "evpopctl export 1"

struct mbox {
	char *path, *state_path, *choice;
	bool keeps_crlf;
	int fd;

	uint64_t whole; /* bytes that are durable */
	int64_t last;   /* id that is in them */

	uint64_t written; /* bytes, with those of the message under way */
	int64_t id;       /* of the message under way, or the last whole one */
	uint64_t begun;   /* where the message under way begins */
	int64_t before;   /* id before it */
	unsigned group;
	bool ends_line; /* its last byte is a line end */
	struct evpop_mail_lines ends, marks;
};

/* ---- what is in the file ---- */

/* False with errno. */
static bool
state_write_file(const struct mbox *mbox, const char *path, bool is_open)
{
	char text[STATE_SIZE];
	int length = snprintf(text, sizeof(text),
	    STATE_FORM "\n%s\n%" PRIu64 " %" PRId64 "\n%s\n",
	    is_open ? "being written" : "whole", mbox->whole, mbox->last,
	    mbox->choice);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool done;

	if (fd == -1)
		return false;
	done = export_write_all(fd, text, (size_t)length) && fsync(fd) == 0;
	return close(fd) == 0 && done;
}

static bool
state_write(const struct mbox *mbox, bool is_open, struct export_error *error_r)
{
	char *fresh;
	bool done;

	if (asprintf(&fresh, "%s.new", mbox->state_path) == -1)
		return export_fail(error_r, ENOMEM, mbox->state_path);
	done = (state_write_file(mbox, fresh, is_open) &&
		   rename(fresh, mbox->state_path) == 0) ||
	       export_fail(error_r, errno, mbox->state_path);
	if (!done)
		unlink(fresh);
	free(fresh);
	return done;
}

/* 0 and no text where there is none; -1 with errno. */
static ssize_t
state_read_file(const char *path, char text_r[STATE_SIZE])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length;

	text_r[0] = '\0';
	if (fd == -1)
		return errno == ENOENT ? 0 : -1;
	length = read(fd, text_r, STATE_SIZE - 1);
	if (length >= 0)
		text_r[length] = '\0';
	close(fd);
	return length;
}

/* Split off a line. */
static char *
state_line(char **text)
{
	char *line = *text;

	*text += strcspn(*text, "\n");
	if (**text != '\0')
		*(*text)++ = '\0';
	return line;
}

static bool
state_parse(struct mbox *mbox, char *text, bool *is_open_r,
    struct export_error *error_r)
{
	const char *form = state_line(&text), *state = state_line(&text);
	const char *figures = state_line(&text), *choice = state_line(&text);

	if (strcmp(form, STATE_FORM) != 0 ||
	    sscanf(figures, "%" SCNu64 " %" SCNd64, &mbox->whole,
		&mbox->last) != 2)
		return export_fail_words(error_r,
		    "%s: it does not say what is in %s; remove both, or give "
		    "another file",
		    mbox->state_path, mbox->path);
	*is_open_r = strcmp(state, "whole") != 0;
	if (strcmp(choice, mbox->choice) == 0)
		return true;
	return export_fail_words(error_r,
	    "%s was made with other options (%s); give the same ones, or "
	    "another file",
	    mbox->path, *choice != '\0' ? choice : "none");
}

/* Go on behind what is whole. */
static bool
mbox_continue(struct mbox *mbox, uint64_t size, bool is_open,
    struct export_error *error_r)
{
	if (size < mbox->whole || (size > mbox->whole && !is_open))
		return export_fail_words(error_r,
		    "%s was changed by another program since the last export; "
		    "give another file, and --after-id %" PRId64
		    " for what is new",
		    mbox->path, mbox->last);
	if (ftruncate(mbox->fd, (off_t)mbox->whole) != 0 ||
	    lseek(mbox->fd, (off_t)mbox->whole, SEEK_SET) == -1)
		return export_fail(error_r, errno, mbox->path);
	return true;
}

static bool
mbox_begin_or_continue(struct mbox *mbox, struct export_error *error_r)
{
	char text[STATE_SIZE];
	struct stat status;
	bool is_open = true;
	ssize_t length = state_read_file(mbox->state_path, text);

	if (length == -1)
		return export_fail(error_r, errno, mbox->state_path);
	if (fstat(mbox->fd, &status) != 0)
		return export_fail(error_r, errno, mbox->path);
	if (length == 0 && status.st_size > 0)
		return export_fail_words(error_r,
		    "%s is there already, and no export made it; give another "
		    "file",
		    mbox->path);
	if (length > 0 && !state_parse(mbox, text, &is_open, error_r))
		return false;
	if (!mbox_continue(mbox, (uint64_t)status.st_size, is_open, error_r))
		return false;
	mbox->written = mbox->whole;
	mbox->id = mbox->last;
	return state_write(mbox, true, error_r);
}

/* ---- messages ---- */

/* The address, without blanks, or the usual word for none. */
static void
mbox_sender(const char *sender, char *address_r, size_t size)
{
	const char *end, *begin = sender != NULL ? strrchr(sender, '<') : NULL;
	size_t length = 0;

	if (begin == NULL)
		begin = sender != NULL ? sender : "";
	else
		begin++;
	end = begin + strcspn(begin, ">");
	for (const char *at = begin; at < end && length + 1 < size; at++) {
		if ((unsigned char)*at <= ' ' || *at == 0x7f) {
			length = 0;
			break;
		}
		address_r[length++] = *at;
	}
	address_r[length] = '\0';
	if (length == 0)
		snprintf(address_r, size, "MAILER-DAEMON");
}

static bool
mbox_put(struct mbox *mbox, const char *bytes, size_t length,
    struct export_error *error_r)
{
	if (length == 0)
		return true;
	if (!export_write_all(mbox->fd, bytes, length))
		return export_fail(error_r, errno, mbox->path);
	mbox->written += length;
	mbox->ends_line = bytes[length - 1] == '\n';
	return true;
}

static bool
mbox_begin(void *arg, const struct export_message *message,
    struct export_error *error_r)
{
	struct mbox *mbox = arg;
	const time_t stored = (time_t)(message->stored_ms / 1000);
	char address[512], date[32], line[640];
	struct tm parts;
	int length;

	mbox_sender(message->sender, address, sizeof(address));
	if (gmtime_r(&stored, &parts) == NULL ||
	    strftime(date, sizeof(date), "%a %b %e %H:%M:%S %Y", &parts) == 0)
		snprintf(date, sizeof(date), "Thu Jan  1 00:00:00 1970");
	length = snprintf(line, sizeof(line), "From %s %s\n", address, date);
	mbox->begun = mbox->written;
	mbox->before = mbox->id;
	mbox->id = message->id;
	memset(&mbox->ends, 0, sizeof(mbox->ends));
	memset(&mbox->marks, 0, sizeof(mbox->marks));
	return mbox_put(mbox, line, (size_t)length, error_r);
}

static bool
mbox_write(
    void *arg, const char *bytes, size_t length, struct export_error *error_r)
{
	struct mbox *mbox = arg;
	char *plain = malloc(EVPOP_MAIL_LINES_ROOM(length));
	char *quoted =
	    malloc(EVPOP_MAIL_LINES_ROOM(EVPOP_MAIL_LINES_ROOM(length)));
	bool done = false;

	if (plain != NULL && quoted != NULL) {
		size_t made = length;

		if (mbox->keeps_crlf)
			memcpy(plain, bytes, length);
		else
			made = evpop_mail_lines_to_lf(
			    &mbox->ends, bytes, length, plain);
		/* Nothing left is not yet the end of the text. */
		if (made > 0)
			made = evpop_mail_lines_quote(
			    &mbox->marks, plain, made, quoted);
		done = mbox_put(mbox, quoted, made, error_r);
	} else {
		export_fail(error_r, ENOMEM, mbox->path);
	}
	free(plain);
	free(quoted);
	return done;
}

/* What was kept back, and an empty line. */
static bool
mbox_write_end(struct mbox *mbox, struct export_error *error_r)
{
	char plain[EVPOP_MAIL_LINES_ROOM(0)],
	    quoted[EVPOP_MAIL_LINES_ROOM(EVPOP_MAIL_LINES_ROOM(0))];
	size_t made = evpop_mail_lines_to_lf(&mbox->ends, "", 0, plain);

	if (made > 0) {
		made =
		    evpop_mail_lines_quote(&mbox->marks, plain, made, quoted);
		if (!mbox_put(mbox, quoted, made, error_r))
			return false;
	}
	made = evpop_mail_lines_quote(&mbox->marks, "", 0, quoted);
	return mbox_put(mbox, quoted, made, error_r) &&
	       (mbox->ends_line || mbox_put(mbox, "\n", 1, error_r)) &&
	       mbox_put(mbox, "\n", 1, error_r);
}

static bool
mbox_flush(void *arg, struct export_error *error_r)
{
	struct mbox *mbox = arg;

	if (mbox->written == mbox->whole)
		return true;
	if (fdatasync(mbox->fd) != 0)
		return export_fail(error_r, errno, mbox->path);
	mbox->whole = mbox->written;
	mbox->last = mbox->id;
	mbox->group = 0;
	return state_write(mbox, true, error_r);
}

static bool
mbox_end(void *arg, struct export_error *error_r)
{
	struct mbox *mbox = arg;

	if (!mbox_write_end(mbox, error_r))
		return false;
	return (++mbox->group < GROUP_MESSAGES &&
		   mbox->written - mbox->whole < GROUP_BYTES) ||
	       mbox_flush(mbox, error_r);
}

/* If that fails, its whole group goes, and comes again. */
static void
mbox_abandon(void *arg)
{
	struct mbox *mbox = arg;

	if (ftruncate(mbox->fd, (off_t)mbox->begun) == 0 &&
	    lseek(mbox->fd, (off_t)mbox->begun, SEEK_SET) != -1) {
		mbox->written = mbox->begun;
		mbox->id = mbox->before;
		return;
	}
	mbox->written = mbox->whole;
	mbox->id = mbox->last;
}

static bool
mbox_has(void *arg, const struct export_message *message,
    enum export_presence *presence_r, struct export_error *error_r)
{
	const struct mbox *mbox = arg;

	(void)error_r;
	*presence_r = message->id <= mbox->id ? EXPORT_THERE : EXPORT_MISSING;
	return true;
}

static int64_t
mbox_last_id(const void *arg)
{
	const struct mbox *mbox = arg;

	return mbox->last;
}

/* ---- the whole ---- */

static void
mbox_free(struct mbox *mbox)
{
	if (mbox->fd != -1)
		close(mbox->fd);
	free(mbox->path);
	free(mbox->state_path);
	free(mbox->choice);
	free(mbox);
}

/* What is not durable is taken away, and the next run begins there. */
static void
mbox_close(void *arg)
{
	struct mbox *mbox = arg;
	struct export_error ignored;

	if (ftruncate(mbox->fd, (off_t)mbox->whole) == 0)
		(void)state_write(mbox, false, &ignored);
	mbox_free(mbox);
}

static bool
mbox_lock(struct mbox *mbox, struct export_error *error_r)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (flock(mbox->fd, LOCK_EX | LOCK_NB) == 0 &&
	    fcntl(mbox->fd, F_SETLK, &lock) == 0)
		return true;
	if (errno == EWOULDBLOCK || errno == EACCES)
		return export_fail_words(
		    error_r, "%s: another program has it locked", mbox->path);
	return export_fail(error_r, errno, mbox->path);
}

static void *
mbox_open(const struct export_options *options, struct export_error *error_r)
{
	struct mbox *mbox = calloc(1, sizeof(*mbox));

	if (mbox == NULL) {
		export_fail(error_r, ENOMEM, options->path);
		return NULL;
	}
	mbox->fd = -1;
	mbox->keeps_crlf = options->keeps_crlf;
	mbox->path = strdup(options->path);
	mbox->choice = strdup(options->choice);
	if (asprintf(&mbox->state_path, "%s.export", options->path) == -1)
		mbox->state_path = NULL;
	if (mbox->path == NULL || mbox->choice == NULL ||
	    mbox->state_path == NULL) {
		export_fail(error_r, ENOMEM, options->path);
	} else {
		mbox->fd = open(mbox->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		if (mbox->fd == -1)
			export_fail(error_r, errno, mbox->path);
		else if (mbox_lock(mbox, error_r) &&
			 mbox_begin_or_continue(mbox, error_r))
			return mbox;
	}
	mbox_free(mbox);
	return NULL;
}

const struct export_kind export_mbox = { mbox_open, mbox_last_id, mbox_has,
	mbox_begin, mbox_write, mbox_end, mbox_abandon, mbox_flush,
	mbox_close };
