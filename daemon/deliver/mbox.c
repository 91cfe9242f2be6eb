/*
 * Messages at the end of mbox files, in the mboxrd form.  What is about to be
 * put where is noted in the outbox first: an attempt after a crash looks there,
 * takes away what was cut, and adds nothing twice.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/deliver/filing.h"
#include "daemon/deliver/mbox_lock.h"
#include "daemon/deliver/mbox_search.h"
#include "daemon/deliver/mbox_spool.h"
#include "daemon/deliver/path.h"
#include "daemon/deliver/trace.h"
#include "daemon/deliver/worker.h"
#include "daemon/failpoint/failpoint.h"
#include "lib/base/mail_lines.h"

#define GROUP_MESSAGES 64

/* "From ": a line of another's mail that begins so is quoted. */
#define CUT_LEAST 5

/* What is larger begins another spool. */
#define SPOOL_SIZE ((off_t)16 * 1024 * 1024)

struct mbox {
	const struct filing_options *options;
	struct mbox_spool *spool; /* that messages are added to; or NULL */
};

/* A message in the spool. */
struct item {
	const struct letter *letter;
	struct mbox_spool *spool;
	off_t begin, length;
	struct evpop_mail_lines ends, marks;
	bool ends_line;
	bool is_settled;
};

/* ---- messages ---- */

static bool
item_put(struct item *item, const char *bytes, size_t length)
{
	if (length == 0)
		return true;
	if (!mbox_spool_write(item->spool, bytes, length))
		return letter_fail(item->letter, errno,
		    "write what is to go to", item->letter->path);
	item->length += (off_t)length;
	item->ends_line = bytes[length - 1] == '\n';
	return true;
}

static bool
item_quote(struct item *item, const char *bytes, size_t length)
{
	char *quoted = malloc(EVPOP_MAIL_LINES_ROOM(length));
	bool done;

	if (quoted == NULL)
		return letter_fail(
		    item->letter, ENOMEM, "write", item->letter->path);
	done = item_put(item, quoted,
	    evpop_mail_lines_quote(&item->marks, bytes, length, quoted));
	free(quoted);
	return done;
}

/* "From ann@example.org Thu Nov 19 07:06:40 2026"; in UTC. */
static bool
item_put_from(struct item *item, const char *line_end)
{
	const struct letter *letter = item->letter;
	const time_t received = (time_t)(letter->received_ms / 1000);
	char date[32], line[640], sender[TRACE_ADDRESS];
	struct tm parts;
	size_t length = 0;

	for (const char *at = letter->sender;
	     *at != '\0' && length + 1 < sizeof(sender); at++)
		if ((unsigned char)*at > ' ' && *at != 0x7f)
			sender[length++] = *at;
	sender[length] = '\0';
	if (gmtime_r(&received, &parts) == NULL ||
	    strftime(date, sizeof(date), "%a %b %e %H:%M:%S %Y", &parts) == 0)
		snprintf(date, sizeof(date), "Thu Jan  1 00:00:00 1970");
	length = (size_t)snprintf(line, sizeof(line), "From %s %s%s",
	    sender[0] != '\0' ? sender : "MAILER-DAEMON", date, line_end);
	return item_put(item, line, length);
}

static const char *
mbox_line_end(const struct mbox *mbox)
{
	return mbox->options->line_ends == CONFIG_LINE_ENDS_CRLF ? "\r\n"
								 : "\n";
}

/* False: the letter has its fate. */
static bool
mbox_prepare_spool(struct mbox *mbox, const struct letter *letter)
{
	struct path_owner owner = { (uid_t)-1, (gid_t)-1 };

	if (mbox->spool != NULL && mbox->spool->size >= SPOOL_SIZE) {
		mbox_spool_put(mbox->spool);
		mbox->spool = NULL;
	}
	if (mbox->spool != NULL)
		return true;
	mbox->spool = mbox_spool_new(letter->path);
	if (mbox->spool == NULL && errno == ENOENT) {
		if (!path_make(
			letter->path, true, mbox->options, letter, &owner))
			return false;
		mbox->spool = mbox_spool_new(letter->path);
	}
	if (mbox->spool == NULL && errno == ENOENT)
		return letter_fail_words(letter, CARRIED_WRONG,
		    "cannot make %s: the folder that it is to be in does not "
		    "exist; make that and restart evpopd, or correct path",
		    letter->path);
	return mbox->spool != NULL ||
	       letter_fail(letter, errno, "write beside", letter->path);
}

static void
item_free(struct item *item)
{
	mbox_spool_put(item->spool);
	free(item);
}

static void *
mbox_begin(void *arg, const struct letter *letter)
{
	struct mbox *mbox = arg;
	struct item *item;

	if (!mbox_prepare_spool(mbox, letter))
		return NULL;
	item = calloc(1, sizeof(*item));
	if (item == NULL) {
		letter_fail(letter, ENOMEM, "write", letter->path);
		return NULL;
	}
	item->letter = letter;
	item->spool = mbox->spool;
	item->spool->users++;
	item->begin = item->spool->size;
	if (item_put_from(item, mbox_line_end(mbox)))
		return item;
	mbox_spool_cut(item->spool, item->begin);
	item_free(item);
	return NULL;
}

static bool
mbox_write(void *arg, void *file, const char *bytes, size_t length)
{
	struct mbox *mbox = arg;
	struct item *item = file;
	char *changed;
	size_t made;
	bool done;

	if (mbox->options->line_ends == CONFIG_LINE_ENDS_CRLF)
		return length == 0 || item_quote(item, bytes, length);
	changed = malloc(EVPOP_MAIL_LINES_ROOM(length));
	if (changed == NULL)
		return letter_fail(
		    item->letter, ENOMEM, "write", item->letter->path);
	made = evpop_mail_lines_to_lf(&item->ends, bytes, length, changed);
	/* Nothing left is not yet the end of the text. */
	done = made == 0 || item_quote(item, changed, made);
	free(changed);
	return done;
}

/*
 * How long it is, and behind which place of the mbox it is going to be: there
 * an attempt after a crash begins to look.
 */
static void
item_wish(struct item *item)
{
	const struct letter *letter = item->letter;
	int64_t place = 0;
	struct stat status;

	if (letter->note[0] != '\0')
		place = strtoll(letter->note, NULL, 10);
	else if (stat(letter->path, &status) == 0)
		place = status.st_size;
	letter_wish(
	    letter, "%" PRId64 " %" PRId64, place, (int64_t)item->length);
}

static bool
mbox_finish(void *arg, void *file)
{
	const char *line_end = mbox_line_end(arg);
	struct item *item = file;

	if (!mbox_write(arg, file, "", 0) || !item_quote(item, "", 0) ||
	    (!item->ends_line && !item_put(item, line_end, strlen(line_end))) ||
	    !item_put(item, line_end, strlen(line_end)))
		return false;
	item_wish(item);
	return true;
}

static void
mbox_abandon(void *arg, void *file)
{
	struct item *item = file;

	(void)arg;
	/* Nothing is behind it, or others are, and it stays there unused. */
	if (item->begin + item->length == item->spool->size)
		mbox_spool_cut(item->spool, item->begin);
	item_free(item);
}

/* ---- a file ---- */

/* The items of one path, in order. */
struct mbox_batch {
	struct mbox *mbox;
	const char *path;
	struct item *items[GROUP_MESSAGES];
	size_t count;
	struct mbox_lock lock;
	int fd;
	off_t size;
	bool is_new;
};

static void
batch_fail(struct mbox_batch *batch, const struct letter *as)
{
	for (size_t i = 0; i < batch->count; i++) {
		const struct letter *letter = batch->items[i]->letter;

		if (batch->items[i]->is_settled)
			continue;
		batch->items[i]->is_settled = true;
		if (letter != as)
			letter_fail_words(letter, as->fate->result.outcome,
			    "%s", as->fate->answer);
		if (as->fate->result.may_be_there)
			letter_doubt(letter);
	}
}

/* False with errno. */
static bool
batch_create(struct mbox_batch *batch)
{
	const mode_t mode = batch->mbox->options->mode;
	struct path_owner owner = { (uid_t)-1, (gid_t)-1 };

	batch->fd = open(batch->path,
	    O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (batch->fd == -1)
		return false;
	batch->is_new = true;
	path_find_owner_above(batch->path, &owner);
	return fchmod(batch->fd, mode) == 0 &&
	       (owner.uid == (uid_t)-1 ||
		   fchown(batch->fd, owner.uid, owner.gid) == 0);
}

static bool
batch_open(struct mbox_batch *batch)
{
	const struct letter *letter = batch->items[0]->letter;
	struct path_owner owner = { (uid_t)-1, (gid_t)-1 };
	struct stat status;

	batch->fd = open(batch->path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (batch->fd == -1 && errno == ENOENT) {
		if (!path_make(batch->path, true, batch->mbox->options, letter,
			&owner))
			return false;
		if (!batch_create(batch))
			return letter_fail(letter, errno, "make", batch->path);
	} else if (batch->fd == -1) {
		return letter_fail(letter, errno, "open", batch->path);
	}
	if (fstat(batch->fd, &status) != 0)
		return letter_fail(letter, errno, "open", batch->path);
	if (!S_ISREG(status.st_mode))
		return letter_fail_words(letter, CARRIED_WRONG,
		    "%s is not a file; for a folder, use a target of type "
		    "maildir",
		    batch->path);
	return true;
}

static bool
batch_lock(struct mbox_batch *batch)
{
	const struct letter *letter = batch->items[0]->letter;
	struct stat status;

	if (!mbox_lock_take(&batch->lock, batch->path, batch->fd,
		batch->mbox->options, letter))
		return false;
	FAILPOINT("mbox: locked");
	if (fstat(batch->fd, &status) != 0)
		return letter_fail(letter, errno, "read", batch->path);
	/* Who deletes messages may have put another file in its place. */
	if (status.st_nlink == 0)
		return letter_fail_words(letter, CARRIED_LATER,
		    "another program has replaced %s meanwhile", batch->path);
	/* Another carrier may have taken over, and have looked already. */
	if (worker_is_stopping(batch->mbox->options->worker))
		return letter_fail_words(letter, CARRIED_LATER,
		    "the delivery to %s was interrupted; it is tried again",
		    batch->path);
	batch->size = status.st_size;
	return true;
}

/* Before another message there is an empty line. */
static bool
batch_separate(struct mbox_batch *batch, const struct letter *letter)
{
	const char *line_end = mbox_line_end(batch->mbox);
	char last[4] = "";
	ssize_t length;
	unsigned missing;

	if (batch->size == 0)
		return true;
	length =
	    pread(batch->fd, last, 3, batch->size > 3 ? batch->size - 3 : 0);
	if (length < 1)
		return letter_fail(letter, errno, "read", batch->path);
	if (last[length - 1] != '\n')
		missing = 2;
	else if (length > 1 &&
		 (last[length - 2] == '\n' || strcmp(last, "\n\r\n") == 0))
		missing = 0;
	else
		missing = 1;
	for (; missing > 0; missing--) {
		size_t end = strlen(line_end);

		if (pwrite(batch->fd, line_end, end, batch->size) !=
		    (ssize_t)end)
			return letter_fail(letter, errno, "write", batch->path);
		batch->size += (off_t)end;
	}
	return true;
}

/* ---- whether it is there ---- */

/* Of an attempt that was cut: the file's end is the message's beginning. */
static bool
batch_is_cut(
    const struct mbox_batch *batch, const struct item *item, off_t begin)
{
	const off_t there = batch->size - begin;

	return there >= CUT_LEAST && there < item->length &&
	       mbox_spool_is_same(
		   item->spool, item->begin, there, batch->fd, begin);
}

/* False: the letter has its fate. */
static bool
batch_look(struct mbox_batch *batch, struct item *item, bool *is_there_r)
{
	const struct letter *letter = item->letter;
	struct mbox_found found;

	*is_there_r = false;
	if (letter->note[0] == '\0' && !letter->may_be_there)
		return true;
	if (!mbox_search(batch->fd, strtoll(letter->note, NULL, 10),
		letter->key, &found))
		return letter_fail(letter, errno, "read", batch->path);
	if ((!found.is_there || found.is_last) &&
	    batch_is_cut(batch, item, found.tail)) {
		if (ftruncate(batch->fd, found.tail) != 0)
			return letter_fail(
			    letter, errno, "shorten", batch->path);
		batch->size = found.tail;
		return true;
	}
	/* Readers add lines to it; one that is shorter was cut. */
	*is_there_r = found.is_there && found.end - found.begin >= item->length;
	return true;
}

/* ---- adding ---- */

static bool
batch_add(struct mbox_batch *batch, struct item *item)
{
	const off_t before = batch->size;
	bool is_there;

	if (!batch_look(batch, item, &is_there))
		return false;
	if (is_there) {
		letter_done(item->letter, "it was there already", batch->path);
		return true;
	}
	if (!batch_separate(batch, item->letter))
		return false;
	if (!mbox_spool_copy(item->spool, item->begin, item->length, batch->fd,
		batch->size)) {
		letter_fail(item->letter, errno, "write", batch->path);
		/* Half a message is none. */
		if (ftruncate(batch->fd, before) != 0)
			letter_doubt(item->letter);
		return false;
	}
	batch->size += item->length;
	FAILPOINT("mbox: message added");
	letter_done(item->letter, "", batch->path);
	return true;
}

static bool
batch_sync(struct mbox_batch *batch, const struct letter *letter)
{
	if (fsync(batch->fd) == 0 &&
	    (!batch->is_new || path_sync_above(batch->path))) {
		FAILPOINT("mbox: durable");
		return true;
	}
	letter_fail(letter, errno, "make durable", batch->path);
	letter_doubt(letter);
	return false;
}

static void
batch_commit(struct mbox_batch *batch)
{
	const struct letter *failed = NULL;
	size_t added = 0;

	batch->fd = -1;
	if (!batch_open(batch) || !batch_lock(batch))
		failed = batch->items[0]->letter;
	for (; failed == NULL && added < batch->count; added++)
		if (!batch_add(batch, batch->items[added]))
			failed = batch->items[added]->letter;
	/* Those before one that failed are there. */
	if (added > 0 && !batch_sync(batch, batch->items[0]->letter))
		failed = batch->items[0]->letter, added = 0;
	for (size_t i = 0; i < added; i++)
		batch->items[i]->is_settled = batch->items[i]->letter != failed;
	if (failed != NULL)
		batch_fail(batch, failed);
	mbox_lock_give(&batch->lock);
	if (batch->fd != -1)
		close(batch->fd);
	FAILPOINT("mbox: unlocked");
}

static void
mbox_commit(void *arg, void *const *files, size_t count)
{
	struct mbox *mbox = arg;
	bool is_taken[GROUP_MESSAGES] = { false };

	for (size_t first = 0; first < count; first++) {
		struct mbox_batch batch = { .mbox = mbox };

		if (is_taken[first])
			continue;
		batch.path = ((struct item *)files[first])->letter->path;
		for (size_t i = first; i < count; i++) {
			struct item *item = files[i];

			if (is_taken[i] ||
			    strcmp(item->letter->path, batch.path) != 0)
				continue;
			is_taken[i] = true;
			batch.items[batch.count++] = item;
		}
		batch_commit(&batch);
	}
	for (size_t i = 0; i < count; i++)
		item_free(files[i]);
	/* The next ones go into another, and this one goes with its last. */
	mbox_spool_put(mbox->spool);
	mbox->spool = NULL;
}

/* ---- the whole ---- */

static void
mbox_probe(void *arg, const struct letter *letter)
{
	struct mbox *mbox = arg;
	struct stat status;

	if (strchr(mbox->options->path, '{') != NULL ||
	    stat(letter->path, &status) != 0)
		path_probe(mbox->options, letter);
	else if (!S_ISREG(status.st_mode))
		letter_fail_words(letter, CARRIED_WRONG,
		    "%s is not a file; for a folder, use a target of type "
		    "maildir",
		    letter->path);
	else if (faccessat(AT_FDCWD, letter->path, R_OK | W_OK, AT_EACCESS) !=
		 0)
		letter_fail(letter, errno, "write to", letter->path);
	else
		letter_done(letter, "it can be written to", letter->path);
}

static void
mbox_close(void *arg)
{
	struct mbox *mbox = arg;

	mbox_spool_put(mbox->spool);
	free(mbox);
}

static void *
mbox_open(const struct filing_options *options)
{
	struct mbox *mbox = calloc(1, sizeof(*mbox));

	if (mbox != NULL)
		mbox->options = options;
	return mbox;
}

static const struct filing_kind mbox_kind = { mbox_open, mbox_close, mbox_begin,
	mbox_write, mbox_finish, mbox_abandon, mbox_commit, mbox_probe,
	GROUP_MESSAGES };

static struct carrier *
mbox_begin_carrier(const struct carrier_setup *setup)
{
	return filing_begin(&mbox_kind, setup);
}

/* They would wait for each other at the lock. */
const struct carrier_type carrier_mbox = {
	.depth = FILING_DEPTH,
	.most = 1,
	.begin = mbox_begin_carrier,
	.carry = filing_carry,
	.end = filing_end,
	.probe = filing_probe,
};
