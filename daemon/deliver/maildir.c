/*
 * Messages into Maildirs.  Each is written into "tmp" under a name that comes
 * from the message; many are made durable at once, and then each gets its place
 * in "new", unless it is there already.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/deliver/filing.h"
#include "daemon/deliver/maildir_folder.h"
#include "daemon/deliver/maildir_known.h"
#include "daemon/deliver/maildir_quota.h"
#include "daemon/deliver/maildir_temporary.h"
#include "daemon/deliver/worker.h"
#include "daemon/failpoint/failpoint.h"
#include "lib/base/clock.h"
#include "lib/base/hash.h"
#include "lib/base/mail_lines.h"

/* Made durable together. */
#define GROUP_MESSAGES 128

/* So many are made durable one by one, more by one call for the disk. */
#define GROUP_FEW 4

/* A folder that messages under way go to. */
struct place {
	TAILQ_ENTRY(place) entry;
	char *path, *sub; /* as the letters say */
	struct maildir_folder folder;
	struct maildir_quota quota;
	size_t users;
	int64_t octets, messages; /* named in this group */
	bool is_touched;
};
TAILQ_HEAD(places, place);

struct maildir {
	const struct filing_options *options;
	struct maildir_known *known;
	struct places places;
	uint32_t own; /* in names in "tmp" */
};

struct file {
	const struct letter *letter;
	struct place *place;
	int fd; /* -1: it was closed */
	int64_t octets;
	struct evpop_mail_lines lines;
	char name[MAILDIR_NAME], temporary[MAILDIR_TEMPORARY];
	bool is_there, has_failed;
};

/* ---- folders ---- */

static void
place_free(struct place *place)
{
	maildir_folder_close(&place->folder);
	free(place->path);
	free(place->sub);
	free(place);
}

static struct place *
place_new(struct maildir *maildir, const struct letter *letter)
{
	struct place *place = calloc(1, sizeof(*place));

	if (place == NULL) {
		letter_fail(letter, ENOMEM, "open", letter->path);
		return NULL;
	}
	if (!maildir_folder_open(&place->folder, maildir->options, letter)) {
		free(place);
		return NULL;
	}
	place->path = strdup(letter->path);
	place->sub = strdup(letter->folder);
	if (place->path == NULL || place->sub == NULL) {
		letter_fail(letter, ENOMEM, "open", letter->path);
		place_free(place);
		return NULL;
	}
	maildir_quota_read(
	    place->folder.root, 0, evpop_clock_unix_ms(), &place->quota);
	TAILQ_INSERT_TAIL(&maildir->places, place, entry);
	return place;
}

static struct place *
place_get(struct maildir *maildir, const struct letter *letter)
{
	struct place *place;

	TAILQ_FOREACH(place, &maildir->places, entry)
		if (strcmp(place->path, letter->path) == 0 &&
		    strcmp(place->sub, letter->folder) == 0)
			break;
	if (place == NULL)
		place = place_new(maildir, letter);
	if (place != NULL)
		place->users++;
	return place;
}

/* It is opened anew for each group, so that one that was replaced is found. */
static void
place_put(struct maildir *maildir, struct place *place)
{
	if (--place->users > 0)
		return;
	TAILQ_REMOVE(&maildir->places, place, entry);
	place_free(place);
}

/* ---- messages ---- */

static void
file_free(struct maildir *maildir, struct file *file)
{
	if (file->fd != -1)
		close(file->fd);
	place_put(maildir, file->place);
	free(file);
}

static bool
file_fail(const struct file *file, int error, const char *what)
{
	char *path =
	    maildir_folder_place(&file->place->folder, "tmp", file->temporary);

	letter_fail(file->letter, error, what,
	    path != NULL ? path : file->place->folder.path);
	free(path);
	return false;
}

static bool
file_create(struct maildir *maildir, struct file *file)
{
	const struct maildir_folder *folder = &file->place->folder;
	const mode_t mode = maildir->options->mode;

	file->fd = openat(folder->tmp, file->temporary,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (file->fd == -1)
		return file_fail(file, errno, "make");
	/* A umask takes nothing from one that is the owner's alone. */
	if (((mode & 0077) != 0 && fchmod(file->fd, mode) != 0) ||
	    (folder->owner.uid != (uid_t)-1 &&
		fchown(file->fd, folder->owner.uid, folder->owner.gid) != 0)) {
		file_fail(file, errno, "change the owner of");
		(void)unlinkat(folder->tmp, file->temporary, 0);
		return false;
	}
	return true;
}

static void *
maildir_begin(void *arg, const struct letter *letter)
{
	struct maildir *maildir = arg;
	struct file *file = calloc(1, sizeof(*file));

	if (file == NULL) {
		letter_fail(letter, ENOMEM, "write", letter->path);
		return NULL;
	}
	file->letter = letter;
	file->fd = -1;
	maildir_name(letter->key, letter->stored_ms, file->name);
	maildir_temporary_name(file->name, maildir->own, file->temporary);
	file->place = place_get(maildir, letter);
	if (file->place == NULL) {
		free(file);
		return NULL;
	}
	if (file_create(maildir, file))
		return file;
	file_free(maildir, file);
	return NULL;
}

static bool
file_write(struct file *file, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t done = write(file->fd, bytes, length);

		if (done == -1 && errno == EINTR)
			continue;
		if (done == -1)
			return file_fail(file, errno, "write");
		bytes += done;
		length -= (size_t)done;
		file->octets += done;
	}
	return true;
}

static bool
maildir_write(void *arg, void *item, const char *bytes, size_t length)
{
	struct maildir *maildir = arg;
	struct file *file = item;
	char *changed;
	bool done;

	if (maildir->options->line_ends == CONFIG_LINE_ENDS_CRLF)
		return file_write(file, bytes, length);
	changed = malloc(EVPOP_MAIL_LINES_ROOM(length));
	if (changed == NULL)
		return file_fail(file, ENOMEM, "write");
	done = file_write(file, changed,
	    evpop_mail_lines_to_lf(&file->lines, bytes, length, changed));
	free(changed);
	return done;
}

/* Who adds a message looks whether there is room for it. */
static bool
file_has_room(struct file *file)
{
	struct maildir_quota *quota = &file->place->quota;

	if (!maildir_quota_has_room(quota, file->octets))
		maildir_quota_read(file->place->folder.root, file->octets,
		    evpop_clock_unix_ms(), quota);
	if (maildir_quota_has_room(quota, file->octets)) {
		quota->octets += file->octets;
		quota->messages++;
		return true;
	}
	return letter_fail_words(file->letter, CARRIED_LATER,
	    "the quota of %s is used up (maildirsize): %" PRId64 " of %" PRId64
	    " bytes, %" PRId64 " messages",
	    file->place->path, quota->octets, quota->most_octets,
	    quota->messages);
}

/* When it was received is when the file was changed: readers show it. */
static bool
maildir_finish(void *arg, void *item)
{
	struct file *file = item;
	const int64_t ms = file->letter->received_ms;
	const struct timespec times[] = { { .tv_nsec = UTIME_OMIT },
		{ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 } };
	size_t length = strlen(file->name);

	if (!maildir_write(arg, item, "", 0) || !file_has_room(file))
		return false;
	if (ms > 0 && futimens(file->fd, times) != 0)
		return file_fail(file, errno, "date");
	snprintf(file->name + length, sizeof(file->name) - length,
	    ",S=%" PRId64, file->octets);
	FAILPOINT("maildir: file written");
	return true;
}

static void
maildir_abandon(void *arg, void *item)
{
	struct file *file = item;

	(void)unlinkat(file->place->folder.tmp, file->temporary, 0);
	file_free(arg, file);
}

/* ---- a group ---- */

struct group {
	struct maildir *maildir;
	struct file *const *files;
	size_t count;
};

static void
group_fail(const struct group *group, const struct place *place, int error,
    const char *what, bool may_be_there)
{
	for (size_t i = 0; i < group->count; i++) {
		struct file *file = group->files[i];

		if (file->place != place || file->has_failed)
			continue;
		file->has_failed = true;
		letter_fail(
		    file->letter, error, what, file->place->folder.path);
		if (may_be_there)
			letter_doubt(file->letter);
	}
}

static void
group_fail_device(const struct group *group, dev_t device, int error)
{
	for (size_t i = 0; i < group->count; i++) {
		const struct place *place = group->files[i]->place;

		if (place->folder.device == device)
			group_fail(group, place, error, "make durable", false);
	}
}

/* One call makes all of a file system durable: then many cost as one. */
static void
group_sync_all(const struct group *group)
{
	dev_t last = 0;
	bool is_first = true;

	for (size_t i = 0; i < group->count; i++) {
		const struct maildir_folder *folder =
		    &group->files[i]->place->folder;

		if (!is_first && folder->device == last)
			continue;
		is_first = false;
		last = folder->device;
		if (syncfs(folder->tmp) != 0)
			group_fail_device(group, last, errno);
	}
}

static void
group_sync(const struct group *group)
{
	for (size_t i = 0; i < group->count; i++) {
		struct file *file = group->files[i];

		if (group->count <= GROUP_FEW && fsync(file->fd) != 0)
			file->has_failed =
			    !file_fail(file, errno, "make durable");
		if (close(file->fd) != 0 && !file->has_failed)
			file->has_failed = !file_fail(file, errno, "write");
		file->fd = -1;
	}
	if (group->count > GROUP_FEW)
		group_sync_all(group);
	FAILPOINT("maildir: files durable");
}

/*
 * Look for those that may be there: tried before, or by a daemon that was here
 * before this one and of which nothing is known.
 */
static void
group_look_into(const struct group *group, struct place *place)
{
	struct maildir_wanted wanted[GROUP_MESSAGES];
	const char *temporary[GROUP_MESSAGES];
	struct file *files[GROUP_MESSAGES];
	bool is_fresh = false;
	size_t count = 0;

	for (size_t i = 0; i < group->count; i++) {
		struct file *file = group->files[i];
		const struct letter *letter = file->letter;

		if (file->place != place ||
		    (!letter->is_again &&
			letter->stored_ms > group->maildir->options->begun_ms))
			continue;
		is_fresh = is_fresh || letter->is_again;
		files[count] = file;
		wanted[count++] = (struct maildir_wanted){ .key = letter->key };
	}
	if (count == 0)
		return;
	if (!maildir_known_find(group->maildir->known, &place->folder, is_fresh,
		wanted, count)) {
		group_fail(group, place, errno, "read", false);
		return;
	}
	for (size_t i = 0; i < count; i++)
		files[i]->is_there = wanted[i].is_there;
	for (size_t i = 0; i < count; i++)
		temporary[i] = files[i]->temporary;
	maildir_temporary_sweep(place->folder.tmp, temporary, count);
}

/* False with errno; EEXIST: it is there. */
static bool
file_move(const struct file *file)
{
	const struct maildir_folder *folder = &file->place->folder;

	if (renameat2(folder->tmp, file->temporary, folder->new, file->name,
		RENAME_NOREPLACE) == 0)
		return true;
	if (errno != EINVAL && errno != ENOSYS)
		return false;
	/* Not every file system can. */
	if (linkat(folder->tmp, file->temporary, folder->new, file->name, 0) !=
	    0)
		return false;
	(void)unlinkat(folder->tmp, file->temporary, 0);
	return true;
}

static void
file_name(struct file *file)
{
	struct place *place = file->place;

	if (file->has_failed)
		return;
	place->is_touched = true;
	if (file->is_there)
		return;
	if (file_move(file)) {
		place->octets += file->octets;
		place->messages++;
		FAILPOINT("maildir: file named");
	} else if (errno == EEXIST) {
		file->is_there = true;
	} else {
		file->has_failed = !file_fail(file, errno, "rename");
	}
}

static void
place_settle(const struct group *group, struct place *place)
{
	if (!place->is_touched)
		return;
	place->is_touched = false;
	if (fsync(place->folder.new) != 0)
		group_fail(group, place, errno, "make durable", true);
	if (place->messages > 0 &&
	    (place->quota.most_octets > 0 || place->quota.most_messages > 0))
		maildir_quota_add(
		    place->folder.root, place->octets, place->messages);
	place->octets = place->messages = 0;
	FAILPOINT("maildir: names durable");
}

static void
file_settle(struct maildir *maildir, struct file *file)
{
	char *path;

	if (file->is_there || file->has_failed)
		(void)unlinkat(file->place->folder.tmp, file->temporary, 0);
	if (!file->has_failed) {
		path = maildir_folder_place(
		    &file->place->folder, "new", file->name);
		letter_done(file->letter,
		    file->is_there ? "it was there already" : "",
		    path != NULL ? path : file->place->folder.path);
		free(path);
	}
	file_free(maildir, file);
}

static void
maildir_commit(void *arg, void *const *items, size_t count)
{
	struct maildir *maildir = arg;
	struct file *files[GROUP_MESSAGES];
	const struct group group = { maildir, files, count };
	struct place *place;

	for (size_t i = 0; i < count; i++)
		files[i] = items[i];
	group_sync(&group);
	TAILQ_FOREACH(place, &maildir->places, entry)
		group_look_into(&group, place);
	for (size_t i = 0;
	     i < count && !worker_is_stopping(maildir->options->worker); i++)
		file_name(files[i]);
	TAILQ_FOREACH(place, &maildir->places, entry)
		place_settle(&group, place);
	for (size_t i = 0; i < count; i++)
		file_settle(maildir, files[i]);
}

/* ---- the whole ---- */

/* Of a template only what all have in common can be looked at. */
static void
maildir_probe(void *arg, const struct letter *letter)
{
	struct maildir *maildir = arg;
	struct maildir_folder folder;

	if (strchr(maildir->options->path, '{') != NULL) {
		path_probe(maildir->options, letter);
		return;
	}
	if (!maildir_folder_open(&folder, maildir->options, letter))
		return;
	if (faccessat(folder.tmp, ".", W_OK | X_OK, AT_EACCESS) != 0 ||
	    faccessat(folder.new, ".", W_OK | X_OK, AT_EACCESS) != 0)
		letter_fail(letter, errno, "write to", folder.path);
	else
		letter_done(
		    letter, "the Maildir can be written to", folder.path);
	maildir_folder_close(&folder);
}

static void
maildir_close(void *arg)
{
	struct maildir *maildir = arg;

	maildir_known_free(maildir->known);
	free(maildir);
}

static void *
maildir_open(const struct filing_options *options)
{
	struct maildir *maildir = calloc(1, sizeof(*maildir));

	if (maildir == NULL)
		return NULL;
	maildir->options = options;
	maildir->own = (uint32_t)evpop_hash_text(options->name);
	TAILQ_INIT(&maildir->places);
	maildir->known = maildir_known_new();
	if (maildir->known != NULL)
		return maildir;
	free(maildir);
	return NULL;
}

static const struct filing_kind maildir_kind = { maildir_open, maildir_close,
	maildir_begin, maildir_write, maildir_finish, maildir_abandon,
	maildir_commit, maildir_probe, GROUP_MESSAGES };

static struct carrier *
maildir_begin_carrier(const struct carrier_setup *setup)
{
	return filing_begin(&maildir_kind, setup);
}

/* Several would wait for each other at the folder. */
const struct carrier_type carrier_maildir = {
	.depth = FILING_DEPTH,
	.most = 1,
	.begin = maildir_begin_carrier,
	.carry = filing_carry,
	.end = filing_end,
	.probe = filing_probe,
};
